#!/usr/bin/env python3
"""A last day: more replies than may be sent, over two processes.  Whoever wrote on meanwhile hears once, where the talk is; receipts and
what people say to each other arrive all the same, courtesies do not.  (design.md 7)

  test_pressed.py BUILD_FOLDER"""
import concurrent.futures
import json
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from process import free_port  # noqa: E402
from scene import body_of, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

PER_MINUTE = 2400
CROWD, CROWD_BEFORE = 30, 800  # who writes; replies to others that wait before
SAYS = ("xin chào", "đăng ký", "đồng ý")


def sticker(user):
    body = json.loads(body_of(user, "sticker-" + user, ""))
    body["event_name"] = "user_send_sticker"
    body["message"] = {"msg_id": "sticker-" + user, "attachments": [{"type": "sticker", "payload": {"id": "1", "url": "https://example.com/s.png"}}]}
    return json.dumps(body).encode()


def wait_in_the_outbox(world, user_sql, people, text, reply_class):
    """Replies that nobody has taken, made now: an id begins with the milliseconds since 2020."""
    world.postgres.psql(DATABASE, f"""
        INSERT INTO outbox (user_id, id, text, class, due_at, expires_at)
        SELECT {user_sql}, ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1577836800000) << 22, '{text}', {reply_class}, now(), now() + interval '1 day'
        FROM generate_series(0, {people - 1}) n""")


def everybody_says(bots, words):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(lambda n: post(bots[n % len(bots)].port, body_of(f"crowd-{n}", f"{words}-{n}", words)), range(CROWD)))
    return statuses == [200] * CROWD


def total(bots, end):
    return sum(bot.metric(f'replies_total{{end="{end}"}}') for bot in bots)


def last_day(world, checks, bots):
    for n in range(2):  # two people before the crowd comes: what the last question is, and both processes learn to share
        for words in SAYS:
            post(bots[n].port, body_of(f"calm-{n}", f"calm-{words}", words))
            wait_for(world, f"SELECT count(*) FROM outbox WHERE user_id = 'calm-{n}'", 0, 20)
    calm = [m["text"] for m in world.standin.sent("calm-1", 0, 0)]
    checks.that("without a crowd each message is answered", len(calm) == len(SAYS), calm)
    checks.that("the processes share the allowance", [bot.metric("send_share_per_minute") for bot in bots] == [PER_MINUTE // 2 + 1] * 2)

    wait_in_the_outbox(world, "'before-' || n", CROWD_BEFORE, "một biên nhận", 1)
    until = time.monotonic() + 20
    while not all(bot.metric("send_pressed") for bot in bots) and time.monotonic() < until:
        time.sleep(0.02)
    checks.that("both processes know that replies exceed the pace", all(bot.metric("send_pressed") for bot in bots))
    well = everybody_says(bots, SAYS[0])
    wait_in_the_outbox(world, "'crowd-' || n", CROWD, "Biên nhận SK-ABC123", 1)
    well &= everybody_says(bots, SAYS[1])
    wait_in_the_outbox(world, "'crowd-' || n", CROWD, "Lời của cán bộ", 3)
    wait_in_the_outbox(world, "'crowd-' || n", CROWD, "cảm ơn", 2)
    well &= everybody_says(bots, SAYS[2])
    checks.that("their messages are answered 200 all the same", well)
    # The last question is on show: a courtesy does not take its place.
    for n in range(CROWD):
        post(bots[n % 2].port, sticker(f"crowd-{n}"))
    checks.that("the backlog comes to its end", wait_for(world, "SELECT count(*) FROM outbox", 0, 90) == 0)

    heard = {f"crowd-{n}": [m["text"] for m in world.standin.sent(f"crowd-{n}", 0, 0)] for n in range(CROWD)}
    few = {user: texts for user, texts in heard.items() if texts[-3:] != ["Biên nhận SK-ABC123", "Lời của cán bộ", calm[-1]]}
    checks.that("everybody has the receipt, what people said, and last the question where the talk is", not few, dict(list(few.items())[:1]))
    asked = sum(len(texts) - 2 for texts in heard.values())  # four times: the sticker was answered with the question again
    checks.that(f"few are asked what they had answered by then ({asked} questions for {CROWD} people instead of {4 * CROWD})", asked <= 2 * CROWD, asked)
    merged, dropped = total(bots, "merged"), total(bots, "dropped")
    checks.that("what was not sent is counted", merged + asked == 4 * CROWD + CROWD and dropped == CROWD, (merged, asked, dropped))
    written = count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'crowd-%' AND failure = 'a newer answer took its place'")
    checks.that("and the transcript says so", written == merged, (written, merged))
    before = sum(1 for n in range(CROWD_BEFORE) if len(world.standin.sent(f"before-{n}", 0, 0)) == 1)
    checks.that("those who waited before have their receipt, once", before == CROWD_BEFORE, before)


def scenes(world, checks):
    other = os.path.join(world.folder, "second")
    os.makedirs(other, mode=0o700)
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), other)
    second = Bot(world.bot.binary, world.log("second"), other, world.postgres.url(DATABASE), world.standin.port,
                 free_port(0, (world.standin.port, world.bot_port)),
                 {**world.extra, "SANGKIEN_SPOOL_PATH": os.path.join(world.folder, "spool")})
    second.start()
    world.standin.call("POST", "/_admin/settings", {"rate_limit_per_minute": 0, "echo": "off", "duplicate_window_ms": 0})
    try:
        wait_for(world, "SELECT count(*) FROM send_process", 2, 20)
        last_day(world, checks, [world.bot, second])
    finally:
        second.kill()


if __name__ == "__main__":
    sys.exit(play("pressed", sys.argv[1], (("crowd-", CROWD), ("before-", CROWD_BEFORE), ("calm-", 2)), scenes,
                  {"SANGKIEN_SEND_PER_MINUTE": str(PER_MINUTE)}))
