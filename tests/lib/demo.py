#!/usr/bin/env python3
"""./run demo: PostgreSQL, the stand-in for Zalo and the bot, until Ctrl-C.  ./run demo --play: one registration, drawn here.

  demo.py BUILD_FOLDER [--play]"""
import fcntl
import glob
import hashlib
import json
import os
import select
import shlex
import shutil
import signal
import stat
import sys
import textwrap
import unicodedata

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from catalogue import Catalogue  # noqa: E402
from chat import read_file  # noqa: E402
from demo_seed import seed  # noqa: E402
from player import Mismatch, Player  # noqa: E402
from postgres import Postgres, Session  # noqa: E402
from process import Failure  # noqa: E402
from standin import Standin  # noqa: E402
from world import DATABASE, World, root  # noqa: E402

CHAT_PAGE_PORT, BOT_PORT = 9400, 8080
# The chat page's phones of staff (tests/zalo/main.c), whose they are, and what each says once it has its role.
STAFF = (("186729651760683225", "Trần Văn Minh", "support", "/truc"), ("251252362541251500", "Lê Thu Hà", "organizer", "/"))
FREE_MB = 300


def say(text=""):
    print(text, flush=True)


def data_folder():
    """One for each checkout and user, outside the checkout: PostgreSQL's own user must be able to reach it."""
    name = hashlib.sha256(root().encode()).hexdigest()[:8]
    folder = f"/var/tmp/sangkien-demo-{os.getuid()}-{name}"
    # 0711 lets PostgreSQL's user through to its own folder when we are root; everything inside has its own rights.
    mode = 0o711 if os.getuid() == 0 else 0o700
    try:
        os.mkdir(folder, mode)
    except FileExistsError:
        pass
    except OSError as e:
        raise Failure(f"the data folder {folder} cannot be made: {e.strerror}; free some space in /var/tmp or make it writable") from e
    st = os.lstat(folder)
    if not stat.S_ISDIR(st.st_mode) or st.st_uid != os.getuid():
        raise Failure(f"{folder} exists but does not belong to you: remove it and run this again")
    os.chmod(folder, mode)
    free = shutil.disk_usage(folder).free // 2**20
    if free < FREE_MB:
        raise Failure(f"only {free} MB are free in /var/tmp: free {FREE_MB} MB there and run this again")
    return folder


class Lock:
    """One demo at a time in a folder; running.json tells a second one where the first is."""

    def __init__(self, folder):
        self.running = os.path.join(folder, "running.json")
        self.file = open(os.path.join(folder, "lock"), "a+", encoding="ascii")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.mine = True
        except OSError:
            self.mine = False


def start(folder, build):
    earlier = os.path.exists(os.path.join(folder, "pg", "data", "PG_VERSION"))
    world = World(folder, build, ports=(CHAT_PAGE_PORT, BOT_PORT), state=os.path.join(folder, "standin-state.json"),
                  extra={"SANGKIEN_CHAT_PER_MINUTE": "20",
                         # whoever tries a broadcast in the evening sees it go out
                         "SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": ""})
    for wanted, got, what in ((CHAT_PAGE_PORT, world.standin.port, "chat page"), (BOT_PORT, world.bot_port, "bot")):
        if wanted != got:
            say(f"Port {wanted} is in use; the {what} takes {got}.")
    say("Starting PostgreSQL, the stand-in for Zalo and the bot ...")
    try:
        world.start()
    except BaseException:
        world.stop()
        raise
    with open(os.path.join(folder, "running.json"), "w", encoding="utf-8") as f:
        json.dump({"standin": world.standin.port, "pid": os.getpid()}, f)
    return world, earlier


def give_roles(world):
    """The supporter's and the organizer's phone join as real ones do: by a code that is sent once. Their names are known, as those
    of people who have registered: a worker reads who answers."""
    for user, name, role, then in STAFF:
        if world.postgres.psql(DATABASE, f"SELECT count(*) FROM role_grant WHERE user_id = '{user}'").strip() != "0":
            continue
        world.postgres.psql(DATABASE, "INSERT INTO person (user_id, full_name, name_key) "
                                      f"VALUES ('{user}', '{name}', lower('{name}')) ON CONFLICT DO NOTHING")
        code = world.bot.command("invite", role).strip()
        for text in ("/join " + code, then):
            world.standin.event(user, "text", text=text)


# ---- until Ctrl-C ----

def wait_for_end(processes):
    """@return the process that ended by itself."""
    fds = {os.pidfd_open(p.child.pid): p for p in processes}
    ready, _, _ = select.select(list(fds), [], [])
    return fds[ready[0]]


def write_command(world, folder):
    """A file that runs commands of the binary on this demo. @return its path."""
    path = os.path.join(folder, "sangkien")
    ours = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(world.bot.env.items()) if name.startswith("SANGKIEN_"))
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\n# Runs commands on the demo while it is on.\n{ours}exec {shlex.quote(world.bot.binary)} \"$@\"\n")
    os.chmod(path, 0o700)
    return path


def show(folder, build):
    world, earlier = start(folder, build)
    try:
        seed(world, folder)
        give_roles(world)
        say()
        say(f"  chat page   http://127.0.0.1:{world.standin.port}/")
        say(f"  webhook     {world.bot.webhook}")
        say(f"  data        {folder}" + ("   (with what was there)" if earlier else "") + "   delete it to begin anew")
        say(f"  database    {world.postgres.bin}/psql \"{world.postgres.url(DATABASE)}\"")
        say(f"  logs        {world.logs}/")
        say()
        command = write_command(world, folder)
        say("The second phone is a support contact's, the third an organizer's: write \"gặp cán bộ\" on the first; \"tình hình\", \"chiến dịch\",")
        say("\"khen thưởng\" or \"gửi tin\" on the third; or in a terminal see where the units stand, and send a reminder to sixty invented")
        say("people (1 stands for the number that create prints):")
        say(f"  {command} standing")
        say(f"  echo \"{{ten}} ơi, đợt này mình có cách làm nào hay ạ?\" | {command} broadcast create --to registered")
        say(f"  {command} broadcast rehearse 1;  {command} broadcast start 1;  {command} broadcast watch 1")
        say()
        say("Ctrl-C ends all of it.")
        ended = wait_for_end(world.processes())
        say(f"{ended.name} has ended by itself; its last lines:\n{ended.log_tail(20)}")
        return 1
    except KeyboardInterrupt:
        say("\nStopping ...")
        return 0
    finally:
        world.stop()
        say(f"Stopped. The data stay in {folder}")


# ---- one registration in the terminal ----

def width_of(text):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 0 if unicodedata.combining(c) else 1 for c in text)


def bubble(lines, indent, edge):
    inner = max(width_of(line) for line in lines)
    pad = " " * indent
    out = [f"{pad}╭{'─' * (inner + 2)}╮"]
    out += [f"{pad}│ {line}{' ' * (inner - width_of(line))} │" for line in lines]
    out.append(f"{pad}╰{'─' * (inner + 2)}╯")
    if edge == "right":
        shift = max(0, columns() - max(width_of(line) for line in out) - 1)
        out = [" " * shift + line for line in out]
    return "\n".join(out)


def columns():
    return min(shutil.get_terminal_size((80, 24)).columns, 96)


def wrapped(text):
    wide = min(58, columns() - 20)
    return [part for line in text.split("\n") for part in (textwrap.wrap(line, wide) or [""])]


def draw(who, text, buttons):
    if who != "bot":
        say(bubble(wrapped(text), 0, "right"))
        return
    say(bubble(wrapped(text), 2, "left"))
    line = "   "
    for label in buttons:
        piece = f" [ {label} ]"
        if width_of(line + piece) > columns():
            say(line)
            line = "   "
        line += piece
    if line.strip():
        say(line)


ROW = """SELECT i.code AS "Mã", i.title AS "Tên", i.description AS "Nội dung", i.annual_benefit_vnd AS "Làm lợi một năm (đồng)",
 i.benefit_text AS "Lời khai gốc", p.full_name AS "Tác giả", coalesce(u.name, i.unit_text) AS "Đơn vị", i.status AS "Trạng thái",
 to_char(i.submitted_at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'DD/MM/YYYY HH24:MI') AS "Gửi lúc"
FROM initiative i JOIN person p USING (user_id) LEFT JOIN union_unit u ON u.id = i.unit_id WHERE i.user_id = '%s' ORDER BY i.id"""


def play_here(postgres, standin):
    chats = {c.title: c for path in glob.glob(os.path.join(root(), "tests", "chats", "*.chat")) for c in read_file(path)}
    session = Session(postgres, DATABASE)
    player = Player(chats["The straight way"], chats, Catalogue(root()), standin, session.query, on_message=draw)
    try:
        player.play()
    except Mismatch as e:
        say(f"\nThe talk went another way than it should ({e.where}): {e}")
        return 1
    finally:
        session.close()
    say("\nAs stored in PostgreSQL:\n")
    say(postgres.psql(DATABASE, ROW % player.people["worker"].user_id, "-x", "-P", "border=1", "-P", "linestyle=unicode",
                       "-P", "format=wrapped", "-P", f"columns={columns()}").rstrip())
    return 0


def play(folder, build, lock):
    if not lock.mine:  # beside a demo that is running: in that one, so that the chat page shows it too
        with open(lock.running, encoding="utf-8") as f:
            standin = Standin(None, None, json.load(f)["standin"])
        return play_here(Postgres(os.path.join(folder, "pg"), None), standin)
    world, _ = start(folder, build)
    try:
        return play_here(world.postgres, world.standin)
    finally:
        world.stop()


def main(argv):
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored, when a script started us in the background
    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, lambda *_: signal.raise_signal(signal.SIGINT))
    if len(argv) < 2 or argv[2:] not in ([], ["--play"]):
        say(__doc__)
        return 64
    build, folder = os.path.abspath(argv[1]), data_folder()
    lock = Lock(folder)
    if argv[2:] == ["--play"]:
        return play(folder, build, lock)
    if not lock.mine:
        raise Failure(f"a demo of this checkout is running already, with its data in {folder}: end it with Ctrl-C where it was started")
    return show(folder, build)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as e:
        print(f"demo: {e}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
