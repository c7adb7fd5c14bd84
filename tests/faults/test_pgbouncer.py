#!/usr/bin/env python3
"""The bot behind pgbouncer in transaction pooling (Debian's, without named statements): turns, sends, the token, background work,
commands; and through a restart of pgbouncer.  (reliability.md E)

  test_pgbouncer.py BUILD_FOLDER          all chats of the project that way: run_chats.py BUILD_FOLDER --pooled"""
import concurrent.futures
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from pgbouncer import binary  # noqa: E402
from scene import body_of, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

PEOPLE = 40


def talk(port, name, each=3):
    jobs = [(port, body_of(f"pooled-{n}", f"{name}-{n}-{k}", f"trợ giúp {k}")) for k in range(each) for n in range(PEOPLE)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda j: post(*j), jobs))


def everything_works(world, checks):
    bot = world.bot
    clients = count(world, "SELECT count(*) FROM pg_stat_activity WHERE datname = 'sangkien' AND client_port >= 0")
    checks.that("the bot's connections are pgbouncer's", clients == 0 and bot.metric("database_connected") >= 4, clients)
    statuses = talk(bot.port, "first")
    checks.that("turns go through", set(statuses) == {200}, {s: statuses.count(s) for s in set(statuses)})
    checks.that("each takes effect once", wait_for(world, "SELECT count(*) FROM message WHERE user_id LIKE 'pooled-%' AND origin = 'person'",
                                                   3 * PEOPLE, 20) == 3 * PEOPLE)
    checks.that("replies are sent", wait_for(world, "SELECT count(*) FROM outbox", 0, 30) == 0 and len(world.standin.sent("pooled-1", 0, 5000)) >= 1)
    checks.that("no statement failed", all(not bot.metric(f'database_trouble_total{{kind="{k}"}}') for k in ("other", "lost", "25", "22")),
                [line for line in bot.get("/metrics")[1].splitlines() if "trouble" in line])
    bot.process.wait_until(lambda: bot.metric("database_answers") == 1, 20, "background questions were answered")


def the_token_is_refreshed(world, checks):
    generation = count(world, "SELECT generation FROM oa_token")
    world.postgres.psql(DATABASE, "UPDATE oa_token SET refresh_at = now() - interval '1 hour'")
    world.bot.stop()
    world.bot.start()
    checks.that("the token is refreshed under its lease", wait_for(world, "SELECT generation FROM oa_token", generation + 1, 30) == generation + 1)
    post(world.bot_port, body_of("pooled-2", "after-token", "trợ giúp"))
    checks.that("and used", wait_for(world, "SELECT count(*) FROM outbox", 0, 20) == 0)


def a_command_works(world, checks):
    said = world.bot.command("check")
    checks.that("sangkien check is content", "database" in said.lower(), said)
    checks.that("sangkien export works", len(world.bot.command("export", "tickets").splitlines()) >= 1)


def pgbouncer_restarts(world, checks):
    world.pooler.process.kill()
    statuses = talk(world.bot_port, "second", 1)
    checks.that("without pgbouncer events go to the spool", set(statuses) == {200}, {s: statuses.count(s) for s in set(statuses)})
    world.pooler.start()
    checks.that("and take effect when it is back", wait_for(world, "SELECT count(*) FROM message WHERE user_id LIKE 'pooled-%' AND zalo_msg_id LIKE 'second-%'",
                                                            PEOPLE, 30) == PEOPLE)


def scenes(world, checks):
    everything_works(world, checks)
    the_token_is_refreshed(world, checks)
    a_command_works(world, checks)
    pgbouncer_restarts(world, checks)


if __name__ == "__main__":
    if not binary():
        print("pgbouncer is not installed\n0 passed, 1 failed")
        sys.exit(1)
    sys.exit(play("pooled", sys.argv[1], (("pooled-", PEOPLE),), scenes, pooled=True))
