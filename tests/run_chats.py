#!/usr/bin/env python3
"""Plays the chats of tests/chats against the real bot, PostgreSQL and the stand-in for Zalo.

  run_chats.py BUILD_FOLDER [--only WORDS] [--jobs N] [--pooled] [FILE.chat ...]

Prints `ok`, or `FAIL` with file:line, what was expected and what came, for each chat and ends with `N passed, N failed`."""
import argparse
import glob
import os
import queue
import shutil
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from catalogue import Catalogue  # noqa: E402
from chat import ChatError, read_file  # noqa: E402
from player import Mismatch, Player  # noqa: E402
from postgres import Session  # noqa: E402
from process import Failure  # noqa: E402
from world import DATABASE, World, root  # noqa: E402

# A person pauses for two seconds; the chats need not.
FAST_CHAT = {"SANGKIEN_CHAT_QUIET_MS": "300", "SANGKIEN_LOG_LEVEL": "debug", "SANGKIEN_HOURS_STAFF": "T2-CN 00:00-24:00",
             "SANGKIEN_HOURS_HOLIDAYS": "2000-01-01", "SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00",
             "SANGKIEN_BROADCAST_CONFIRM_OVER": "2"}


# Most chats tell of the same few initiatives, and only some want them found alike: nothing is indexed but on a chat's word.
NOT_INDEXED = """CREATE FUNCTION not_indexed() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.similar_at := 'infinity'; RETURN NEW; END $$;
CREATE TRIGGER not_indexed BEFORE INSERT ON initiative FOR EACH ROW EXECUTE FUNCTION not_indexed()"""


class Result:
    def __init__(self):
        self.lock, self.passed, self.failed = threading.Lock(), 0, []

    def tell(self, chat, error):
        name = f"{os.path.relpath(chat.path)}: {chat.title}"
        with self.lock:
            if error is None:
                self.passed += 1
                print(f"ok    {name}", flush=True)
            else:
                self.failed.append(name)
                print(f"FAIL  {name}\n      {error.where}: {error}", flush=True)


def play(chat, titles, catalogue, world, session, result, bot=None):
    player = Player(chat, titles, catalogue, world.standin, session.query, bot, command=world.bot.command)
    try:
        player.play()
        result.tell(chat, None)
    except Mismatch as e:
        result.tell(chat, e)


def play_together(chats, titles, catalogue, world, result, jobs):
    """Several at a time: each has people of its own."""
    waiting = queue.SimpleQueue()
    for chat in chats:
        waiting.put(chat)

    def work():
        session = Session(world.postgres, DATABASE)
        while True:
            try:
                chat = waiting.get_nowait()
            except queue.Empty:
                break
            play(chat, titles, catalogue, world, session, result)
        session.close()
    threads = [threading.Thread(target=work) for _ in range(jobs)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def run(args):
    files = args.files or sorted(glob.glob(os.path.join(root(), "tests", "chats", "*.chat")))
    chats = [chat for path in files for chat in read_file(path)]
    every = chats if not args.files else chats + [
        c for path in glob.glob(os.path.join(root(), "tests", "chats", "*.chat")) for c in read_file(path)]
    titles = {c.title: c for c in every}
    if args.only:
        chats = [c for c in chats if args.only.lower() in c.title.lower()]
    catalogue = Catalogue(root())
    result = Result()
    folder = tempfile.mkdtemp(prefix="sangkien-chats-", dir="/var/tmp")
    os.chmod(folder, 0o711)
    world = None
    try:
        world = World(folder, os.path.abspath(args.build), fast=True, extra=FAST_CHAT, pooled=args.pooled).start()
        Session(world.postgres, DATABASE).query(NOT_INDEXED)
        # First all that go together, then, in the main thread, those that stop the bot or switch on trouble for everybody.
        play_together([c for c in chats if not c.alone], titles, catalogue, world, result, args.jobs)
        session, calm, env = Session(world.postgres, DATABASE), world.standin.settings(), dict(world.bot.env)
        for chat in (c for c in chats if c.alone):
            play(chat, titles, catalogue, world, session, result, world.bot)
            world.standin.calm(calm)
            if world.bot.env != env and world.bot.process.running():
                world.bot.stop()
            world.bot.env = dict(env)
            if not world.bot.process.running():
                world.bot.start()
        session.close()
        status = world.stop()
        if status != 0:
            result.failed.append("the bot's end")
            print(f"FAIL  the bot ended with status {status} when asked to stop:\n{world.bot.process.log_tail(60)}")
        else:
            result.passed += 1
    finally:
        if world:
            world.stop()
        if result.failed or world is None or sys.exc_info()[0]:
            print(f"logs of PostgreSQL, the stand-in and the bot: {folder}/log")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(f"chats: {result.passed} passed, {len(result.failed)} failed")
    return 1 if result.failed else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("files", nargs="*")
    p.add_argument("--only", help="chats whose title has these words")
    p.add_argument("--pooled", action="store_true", help="the bot behind pgbouncer in transaction pooling")
    p.add_argument("--jobs", type=int, default=4)
    args = p.parse_args()
    try:
        sys.exit(run(args))
    except (Failure, ChatError) as e:
        print(f"run_chats.py: {e}", file=sys.stderr)
        print("chats: 0 passed, 1 failed")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
