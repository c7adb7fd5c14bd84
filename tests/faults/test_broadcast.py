#!/usr/bin/env python3
"""Broadcasts under fire: workers killed again and again, nobody gets the message twice, everybody is accounted for, few are unknown
and those are settled; a pause is felt within a second, at full pace as well; who opts out in the middle gets nothing.
(reliability.md K4, K5, Z5)

  test_broadcast.py BUILD_FOLDER [--short] [--people N]     --short: some thousands, without fsync; else 200,000, or N, a kill every two
                                                            seconds, and PostgreSQL with its default durability"""
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from scene import count, play, wait_for  # noqa: E402
from test_workers import children, until  # noqa: E402
from world import DATABASE  # noqa: E402

SHORT = "--short" in sys.argv
MANY, KILL_EVERY_S = (3000, 0.4) if SHORT else (int(sys.argv[sys.argv.index("--people") + 1]) if "--people" in sys.argv else 200000, 2.0)
WORKERS, MARKED_MAX, KILLS_MAX = 2, 64, 8 if SHORT else 1000
NOT_REACHED_MAX = 10  # for each kill: calls that had begun and did not come through; of those only marked it would be about twenty
TEXT = "Chào {xung_ho} {ten}, mình có cách làm nào hay thì ghi lại nhé ạ."


def people(world, prefix, number):
    world.postgres.psql(DATABASE, f"""
        INSERT INTO conversation (user_id) SELECT '{prefix}' || n FROM generate_series(0, {number - 1}) n;
        INSERT INTO person (user_id, full_name, consent_at, unit_text, last_inbound_at)
        SELECT '{prefix}' || n, 'Nguyễn Văn ' || chr(65 + n % 26), now(), 'Công ty ' || n % 7, now() - interval '1 hour'
        FROM generate_series(0, {number - 1}) n;
        INSERT INTO role_grant (user_id, role, granted_by) SELECT '{prefix}' || n, '{ROLE[prefix]}', 'test' FROM generate_series(0, {number - 1}) n;
        ANALYZE person; ANALYZE conversation""")


# A role tells the people of one scene from those of another.
ROLE = {"kill-": "support", "pause-": "reviewer"}


def create(world, prefix, text=TEXT):
    out = world.bot.command("broadcast", "create", "--to", f"registered and role {ROLE[prefix]}", "--buttons", "register", stdin=text)
    return int(out.split("\n")[0]), out


def sums(world, number):
    rows = world.postgres.psql(DATABASE, f"SELECT state, count(*) FROM delivery WHERE broadcast_id = {number} GROUP BY 1").split()
    return {state: int(n) for state, n in (row.split("|") for row in rows)}


def causes(world, number):
    rows = world.postgres.psql(DATABASE, f"SELECT reason, count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'failed' GROUP BY 1")
    return ", ".join(rows.split("\n")[:-1]) or "nobody"


def state(world, number):
    return world.postgres.psql(DATABASE, f"SELECT state FROM broadcast WHERE id = {number}").strip()


def takings(world):
    """How many messages the stand-in took, and how many of them it had taken before for the same person."""
    stats = world.standin.call("GET", "/_admin/stats")
    return stats["sends"], stats["duplicates"]


def started(pid):
    """In clock ticks since the machine was; a worker that is gone meanwhile counts as young."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return int(f.read().rsplit(")", 1)[1].split()[19])
    except OSError:
        return sys.maxsize


class Meter:
    """What it costs from here on: messages a second, the workers' memory, and PostgreSQL's work."""

    def __init__(self, world):
        self.world, self.began, self.memory = world, time.monotonic(), []
        self.before = self.read()

    def read(self):
        wal, transactions = self.world.postgres.psql(DATABASE, "SELECT pg_current_wal_lsn() - '0/0', xact_commit FROM pg_stat_database "
                                                               f"WHERE datname = '{DATABASE}'").strip().split("|")
        return int(wal), int(transactions), self.cpu()

    def cpu(self):
        """Seconds of all its processes; those that have ended are counted by the postmaster."""
        main, ticks = self.world.postgres.process.child.pid, 0
        for pid, fields in [(main, slice(11, 15))] + [(pid, slice(11, 13)) for pid in children(main)]:
            try:
                with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                    ticks += sum(int(n) for n in f.read().rsplit(")", 1)[1].split()[fields])
            except OSError:
                continue  # it has ended meanwhile
        return ticks / os.sysconf("SC_CLK_TCK")

    def look(self, workers):
        for pid in workers:
            try:
                with open(f"/proc/{pid}/statm", encoding="ascii") as f:
                    self.memory.append(int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
            except OSError:
                continue

    def halves(self):
        """The most a worker held in the first and in the second half, MB."""
        middle = len(self.memory) // 2
        return max(self.memory[:middle], default=0), max(self.memory[middle:], default=0)

    def line(self, messages):
        wal, transactions, cpu = (now - then for now, then in zip(self.read(), self.before))
        return (f"{messages / (time.monotonic() - self.began):,.0f} messages/s with the freeze, {wal / messages:.0f} B of WAL, {cpu / messages * 1e6:.0f} us of PostgreSQL and "
                f"{transactions / messages:.3f} transactions a message; a worker held {self.halves()[0]:.1f} MB at most, in the second half {self.halves()[1]:.1f}")


def on_terminal(world, columns, *args):
    """What the command writes to a terminal of that width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen([world.bot.binary, *args], env=world.bot.env, stdin=subprocess.DEVNULL, stdout=theirs)
    os.close(theirs)
    said = b""
    with open(ours, "rb", buffering=0) as f:
        while True:
            try:
                part = f.read(4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            said += part
    child.wait()
    return said.decode()


def last_send(world, quiet_s):
    """When the stand-in took the last message, seen once none has come for so long."""
    sends, at = takings(world)[0], time.monotonic()
    while time.monotonic() - at < quiet_s:
        now = takings(world)[0]
        if now != sends:
            sends, at = now, time.monotonic()
    return at


def paused_at_full_pace(world, checks):
    people(world, "kill-", MANY)
    number, _ = create(world, "kill-", "Mời {ten} xem đợt này ạ.")
    before = takings(world)[0]
    world.bot.command("broadcast", "start", str(number), "--by", "an")
    world.bot.command("broadcast", "confirm", str(number), "--by", "binh")
    until(lambda: takings(world)[0] > before + 200, 600)
    began = time.monotonic()
    world.bot.command("broadcast", "pause", str(number))
    took = max(0.0, last_send(world, 1.5) - began)
    sent = takings(world)[0] - before
    checks.that(f"at full pace a pause ends the sending within a second, its command included ({took:.2f} s, after {sent} of {MANY})",
                took < (1.5 if SHORT else 1.0) and sent < MANY, (took, sent))
    world.bot.command("broadcast", "cancel", str(number))
    until(lambda: sums(world, number).get("waiting", 0) == 0, 60)
    drawn = [line.strip() for line in on_terminal(world, 60, "broadcast", "watch", str(number)).split("\r\x1b[K")]
    checks.that("on a narrow terminal the bar is one line", drawn[-1].startswith("cancelled [####") and all(len(line) < 60 for line in drawn), drawn)


def killed_again_and_again(world, checks):
    number, rehearsal = create(world, "kill-")
    checks.that("the rehearsal counts whom it will reach", f"{MANY:,} messages, 0 of them charged" in rehearsal, rehearsal)
    sends, doubled = takings(world)
    kills, most_unknown, over = 0, 0, threading.Event()
    world.bot.command("broadcast", "start", str(number), "--by", "an")
    world.bot.command("broadcast", "confirm", str(number), "--by", "binh")
    supervisor, meter = world.bot.process.child.pid, Meter(world)
    end = time.monotonic() + (60 if SHORT else 1800)
    while state(world, number) != "done" and time.monotonic() < end:
        over.wait(KILL_EVERY_S)
        workers = children(supervisor)
        meter.look(workers)
        if workers and kills < KILLS_MAX and state(world, number) == "sending":
            os.kill(min(workers, key=started), signal.SIGKILL)  # the one that has lived longest: whoever dies at once is started ever later
            kills += 1
    cost = meter.line(MANY)
    unknown_then = sums(world, number).get("unknown", 0)
    checks.that(f"a broadcast to {MANY:,} ends though {kills} workers were killed", state(world, number) == "done" and kills > 2, (state(world, number), kills))
    got = sums(world, number)
    checks.that("everybody is accounted for", sum(got.values()) == MANY and set(got) <= {"sent", "received", "seen", "unknown", "failed"}, got)
    twice = takings(world)[1]
    checks.that("nobody got it twice", twice - doubled == 0, twice - doubled)
    checks.that(f"at most {MARKED_MAX} are unknown for each kill ({unknown_then} at the end, {kills} kills)", unknown_then <= MARKED_MAX * kills, unknown_then)
    left = wait_for(world, f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'unknown'", 0, 120 if SHORT else 600)
    got, took = sums(world, number), takings(world)[0]
    checks.that("those are settled by the echo or a look into the conversation", left == 0, got)
    failed = got.get("failed", 0)
    checks.that(f"who was marked and not yet on the wire gets it from the next process ({failed} did not)", failed <= NOT_REACHED_MAX * kills, (failed, kills))
    checks.that("and what is called sent is what Zalo took", got.get("sent", 0) + got.get("received", 0) + got.get("seen", 0) == took - sends,
                (got, took - sends))
    print(f"      {MANY:,} recipients, {kills} kills: {got}, unknown before settling {unknown_then}; not reached because: {causes(world, number)}")
    print(f"      {cost}")
    if not SHORT:
        first, second = meter.halves()
        checks.that(f"a worker's memory does not grow with what was sent ({first:.1f} and {second:.1f} MB)", second < first * 1.2 + 1, meter.memory[-20:])


def pause_and_opt_out(world, checks):
    """Slowly, so that there is a middle."""
    people(world, "pause-", 600)
    number, _ = create(world, "pause-")
    checks.that("the list shows how a text begins, in whole characters", world.bot.command("broadcast", "list").endswith(TEXT[:50] + "\n"))
    world.bot.command("broadcast", "start", str(number))
    sent = f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state <> 'waiting'"
    until(lambda: count(world, sent) > 40)
    world.bot.command("broadcast", "pause", str(number))
    paused = time.monotonic()
    until(lambda: count(world, f"SELECT count(*) FROM broadcast_chunk WHERE broadcast_id = {number} AND owner IS NOT NULL") == 0, 5)
    took = time.monotonic() - paused
    then = world.standin.call("GET", "/_admin/stats")["sends"]
    checks.that(f"a pause is felt within a second ({took:.2f} s)", took < 1.5, took)
    world.postgres.psql(DATABASE, "UPDATE person SET opted_out_at = now() WHERE user_id LIKE 'pause-5%'")
    late = count(world, f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'waiting' AND user_id LIKE 'pause-5%'")
    checks.that("nothing is sent while it is paused", world.standin.call("GET", "/_admin/stats")["sends"] == then)
    world.bot.command("broadcast", "resume", str(number))
    watched = world.bot.command("broadcast", "watch", str(number))
    skipped = count(world, f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'skipped' AND reason = 'opted_out'")
    checks.that(f"who opted out meanwhile ({late}) is skipped, and no one else", skipped == late and late > 0, (skipped, late))
    checks.that("the bar ends with all of them", f"[{'#' * 30}] 600 of 600" in watched, watched[-300:])
    shown = world.bot.command("broadcast", "show", str(number))
    figures = {k.strip(): int(v.replace(",", "")) for k, v in re.findall(r"^  ([a-z_ :]+?)  +([\d,]+)", shown, re.M)}
    parts = sum(v for k, v in figures.items() if k not in ("frozen",))
    checks.that("the report adds up", figures.get("frozen") == 600 == parts, shown)
    report = world.bot.command("broadcast", "report", str(number))
    checks.that("the table has a line for each", report.count("\n") == 601, report[:200])


def receipts(world, checks):
    """pause-1 has it, pause-2 has read it; a receipt that comes late takes nothing back."""
    state = "SELECT count(*) FROM delivery WHERE user_id = '{}' AND state = '{}'"
    world.standin.event("pause-1", "received")
    world.standin.event("pause-2", "seen")
    got = wait_for(world, state.format("pause-1", "received"), 1), wait_for(world, state.format("pause-2", "seen"), 1)
    checks.that("what Zalo tells of a message that has come or was read stands in the ledger", got == (1, 1), got)
    world.standin.event("pause-2", "received")
    world.standin.event("pause-3", "received")  # written together with the one before, or behind it
    wait_for(world, state.format("pause-3", "received"), 1)
    checks.that("a message that was read stays read", count(world, state.format("pause-2", "seen")) == 1)


def cancelled(world, checks):
    number, _ = create(world, "pause-")
    out = world.bot.command("broadcast", "rehearse", str(number))
    checks.that("who heard once this week may hear once more, who opted out may not", "489 messages" in out and "opted out                         111" in out, out)
    world.bot.command("broadcast", "start", str(number))
    until(lambda: count(world, f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'sent'") > 20)
    world.bot.command("broadcast", "cancel", str(number))
    until(lambda: sums(world, number).get("waiting", 0) == 0)
    got = sums(world, number)
    checks.that("a cancelled one writes off who was not reached", got.get("cancelled", 0) > 0 and "waiting" not in got and "unknown" not in got, got)


def scenes(world, checks):
    world.standin.call("POST", "/_admin/settings", {"rate_limit_per_minute": 0, "log_entries": 0, "receipts": "off", "duplicate_window_ms": 3600000,
                                                    "history_per_person": 20})
    until(lambda: len(children(world.bot.process.child.pid)) == WORKERS)
    world.standin.call("POST", "/_admin/settings", {"api_delay_ms": 300})  # whatever the pace: there is a middle to act in
    pause_and_opt_out(world, checks)
    receipts(world, checks)
    cancelled(world, checks)
    world.standin.call("POST", "/_admin/settings", {"api_delay_ms": 0})
    paused_at_full_pace(world, checks)
    killed_again_and_again(world, checks)


if __name__ == "__main__":
    sys.exit(play("broadcast", sys.argv[1], (("kill-", MANY), ("pause-", 600)), scenes,
                  {"SANGKIEN_SERVER_WORKERS": str(WORKERS), "SANGKIEN_SEND_PER_MINUTE": "12000" if SHORT else "120000",
                   "SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": ""}, fast=SHORT))
