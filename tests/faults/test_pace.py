#!/usr/bin/env python3
"""Two nodes of two workers each share one allowance: together they send what is allowed, evenly, and never more, with a Zalo
whose clock is off.  (reliability.md Z5, D15)

  test_pace.py BUILD_FOLDER [--short]     --short: a quarter of a minute, which tells too fast from too slow; without it whole
                                          clock minutes of Zalo's, so that its limit of 4,000 can be run into"""
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from process import free_port  # noqa: E402
from scene import count, play, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

ALLOWED, ZALOS, SLACK_S, OFFSET_MS = 3960, 4000, 0.9, 200


def fill_outbox(world, people):
    world.postgres.psql(DATABASE, f"""
        INSERT INTO conversation (user_id) SELECT 'pace-' || n FROM generate_series(0, {people - 1}) n ON CONFLICT DO NOTHING;
        INSERT INTO person (user_id) SELECT 'pace-' || n FROM generate_series(0, {people - 1}) n ON CONFLICT DO NOTHING;
        INSERT INTO outbox (user_id, id, text, due_at, expires_at)
        SELECT 'pace-' || n, 1, 'đều nhịp', now(), now() + interval '1 day' FROM generate_series(0, {people - 1}) n""")


def sent_at(world):
    """Seconds of each call as the stand-in received it, in order."""
    log = world.standin.call("GET", "/_admin/log?path=/v3.0/oa/message/cs")
    entries = log["requests"] if isinstance(log, dict) else log
    return sorted(e["at"] / 1000 for e in entries)


def most_within(times, seconds):
    most, first = 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def a_quarter_of_a_minute(world, checks, people):
    fill_outbox(world, people)
    wait_for(world, "SELECT count(*) FROM outbox", 0, 60)
    times = sent_at(world)
    checks.that(f"{people} replies of four processes arrive once each", len(times) == people, len(times))
    rate, window = ALLOWED / 60, 5
    most = most_within(times, window)
    checks.that("in no five seconds do they send more than the allowance and the slack", most <= rate * (window + SLACK_S) + 4, most)
    inner = [t for t in times if times[0] + 1 <= t < times[-1] - 1]
    used = len(inner) / (times[-1] - times[0] - 2) / rate
    checks.that(f"and they use at least 97 % of it ({100 * used:.1f} %)", used >= 0.97, used)


def whole_minutes(world, checks, people):
    fill_outbox(world, people)
    wait_for(world, "SELECT count(*) FROM outbox", 0, 240)
    times = sent_at(world)
    refused = world.standin.call("GET", "/_admin/stats")["rate_limited"]
    checks.that("Zalo, whose clock is off, never answers -32", refused == 0, refused)
    most = most_within(times, 60)
    checks.that(f"in no 60 s do more than {ALLOWED} calls arrive ({most})", most <= ALLOWED + 20, most)
    minutes = {}
    for t in times:
        minutes.setdefault(int((t * 1000 + OFFSET_MS) // 60000), []).append(t)
    whole = [len(minutes[m]) for m in sorted(minutes)[1:-1]]
    print(f"      calls in each whole minute: {whole}, {', '.join(f'{100 * n / ALLOWED:.1f} %' for n in whole)} of {ALLOWED}")
    checks.that("every whole minute uses at least 97 % of the allowance", len(whole) > 0 and min(whole) >= 0.97 * ALLOWED, whole)


def without_the_database(world, checks):
    """What is in hand goes on at a share that is safe for any number of processes; nothing is sent twice afterwards."""
    fill_outbox(world, 600)
    wait_for(world, "SELECT (count(*) < 580)::int FROM outbox", 1, 20)
    world.postgres.stop()
    end, at = time.monotonic() + 4, len(sent_at(world))
    while time.monotonic() < end and len(sent_at(world)) == at:
        time.sleep(0.05)
    went_on = len(sent_at(world)) > at
    world.postgres.start()
    wait_for(world, "SELECT count(*) FROM outbox", 0, 60)
    checks.that("with the database away what is in hand still goes out", went_on, at)


def scenes(world, checks):
    short = "--short" in sys.argv
    other = os.path.join(world.folder, "second")
    os.makedirs(other, mode=0o700)
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), other)
    second = Bot(world.bot.binary, world.log("second"), other, world.postgres.url(DATABASE), world.standin.port,
                 free_port(0, (world.standin.port, world.bot_port)),
                 {"SANGKIEN_SPOOL_PATH": os.path.join(world.folder, "spool"), "SANGKIEN_SERVER_WORKERS": "2"})
    second.start()
    world.standin.call("POST", "/_admin/settings", {"log_entries": 40000, "rate_limit_per_minute": ZALOS, "clock_offset_ms": OFFSET_MS,
                                                    "echo": "off", "duplicate_window_ms": 0})
    try:
        wait_for(world, "SELECT count(*) FROM send_process", 4, 20)
        checks.that("four processes share the allowance", count(world, "SELECT count(*) FROM send_process") == 4)
        if short:
            a_quarter_of_a_minute(world, checks, 900)
        else:
            whole_minutes(world, checks, 12000)
            without_the_database(world, checks)
    finally:
        second.kill()


if __name__ == "__main__":
    sys.exit(play("pace", sys.argv[1], (("pace-", 12000),), scenes, {"SANGKIEN_SERVER_WORKERS": "2"}))
