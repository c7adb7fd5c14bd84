#!/usr/bin/env python3
"""Automatic reminders on two nodes that die at the named points around look, turn and send, and at any moment: nobody is reminded twice
of one thing, nobody hears more than two a week, nothing is lost that can be found again, and each reminder has an end.

  test_nudge.py BUILD_FOLDER [--short] [--people N]     --short: fewer people and deaths

The days of the test are short: between them what was said becomes a day older."""
import itertools
import os
import random
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from postgres import Session  # noqa: E402
from process import Failure, free_port  # noqa: E402
from scene import count, play, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

SHORT = "--short" in sys.argv
PEOPLE = int(sys.argv[sys.argv.index("--people") + 1]) if "--people" in sys.argv else 30 if SHORT else 240
DEATHS = 2 if SHORT else 60  # of each of the two nodes
ALIVE_S = 3.4  # a node looks three seconds after its start; whom no point kills dies by then
POINTS = ("nudge_after_post", "turn_after_claim", "outbox_after_send", "turn_before_commit", "nudge_before_post", "turn_after_commit",
          "outbox_before_send", "outbox_before_results", "outbox_after_results", "turn_after_needs", "mail_before_look", "mail_after_look")
TWINS = 4  # whom a third node posts at the same moment

# By number: all have a wave that ends; every second one a draft as well, every third one something that was sent back.  Of ten, one
# wants no reminders and one has heard twice already.
SEED = f"""
INSERT INTO campaign VALUES (1, 'C', 'Campaign');
INSERT INTO wave (id, campaign_id, code, name, starts_on, ends_on) VALUES (1, 1, 'W', 'W', current_date - 1, current_date + 1);
INSERT INTO conversation (user_id, draft) SELECT 'nudge-' || n, CASE WHEN n % 2 = 0 THEN json_build_object('v', '1', 'greeted', true, 'draft',
       json_build_object('id', (100 + n)::text, 'title', 'Đồ gá ' || n)) ELSE '{{"v":"1","greeted":true}}' END FROM generate_series(0, {PEOPLE - 1}) n;
INSERT INTO person (user_id, full_name, consent_at, unit_text, last_inbound_at, opted_out_at)
SELECT 'nudge-' || n, 'Nguyễn Văn An', now(), 'Công ty', now() - interval '26 hours', CASE WHEN n % 10 = 7 THEN now() END FROM generate_series(0, {PEOPLE - 1}) n;
INSERT INTO initiative (user_id, id, code, title, benefit_kind, status, submitted_at, updated_at)
SELECT 'nudge-' || n, 1000 + n, 'SK-' || n, 'Sáng kiến ' || n, 'unknown', 'returned', now() - interval '9 days', now() - interval '2 days'
FROM generate_series(0, {PEOPLE - 1}, 3) n;
INSERT INTO nudge (user_id, id, kind, about, state, at) SELECT 'nudge-' || n, k, 'draft', k, 'sent', now() - interval '2 days'
FROM generate_series(8, {PEOPLE - 1}, 10) n CROSS JOIN generate_series(1, 2) k;
"""


def wanted(n):
    """How many reminders person n is to have got in the end."""
    return 0 if n % 10 in (7, 8) else min(2, 1 + (n % 2 == 0) + (n % 3 == 0))


class Node:
    """One that dies and is started again, until it is told to live."""
    def __init__(self, bot, plans, chance):
        self.bot, self.plans, self.chance = bot, plans, chance
        self.deaths, self.named, self.failure = 0, set(), None
        self.thread = threading.Thread(target=self.run)

    def start(self, plan=None):
        self.bot.env.pop("FAULT_PLAN", None)
        if plan:
            self.bot.env["FAULT_PLAN"] = plan
        try:
            self.bot.start()
        except Failure:
            if self.bot.process.running():
                raise

    def run(self):
        try:
            while self.deaths < DEATHS:
                point = next(self.plans)
                self.start(f"{point}:kill:{0 if SHORT else self.chance.randrange(3)}")
                end = time.monotonic() + ALIVE_S + self.chance.random()
                while self.bot.process.running() and time.monotonic() < end:
                    time.sleep(0.02)
                if not self.bot.process.running():
                    self.named.add(point)
                self.bot.kill()
                self.deaths += 1
        except Failure as e:
            self.failure = e


def hurry(sql):
    """The next look begins with the first person again, at once."""
    sql.query("UPDATE nudge_sweep SET due_at = now(), from_id = ''")


def die_and_look(world, nodes):
    sql = Session(world.postgres, DATABASE)
    for node in nodes:
        node.deaths = 0
        node.thread = threading.Thread(target=node.run)
        node.thread.start()
    while any(node.thread.is_alive() for node in nodes):
        hurry(sql)
        time.sleep(0.2)
    sql.close()
    for node in nodes:
        if node.failure:
            raise node.failure


OPEN = "SELECT count(*) FROM nudge WHERE state IN ('queued', 'said')"
# That anybody could be reminded of now, by the very query of the look.
FOUND = "SELECT count(*) FROM nudge_candidates('', 1000000, 2, 24, 24, 3, 0) c WHERE c.blocked IS NULL"


def to_the_end(world, what, checks):
    """Both live: what is open is settled, whoever can be found is reminded."""
    sql, end = Session(world.postgres, DATABASE), time.monotonic() + (40 if SHORT else 120)
    while (left := (count(world, FOUND), count(world, OPEN))) != (0, 0) and time.monotonic() < end:
        hurry(sql)
        time.sleep(0.2)
    sql.close()
    checks.that(f"{what}: whoever can be reminded is, and each reminder has an end", left == (0, 0), f"{left[0]} found still, {left[1]} open")


def older(world):
    """A day goes by; what came to nothing may be found again."""
    world.postgres.psql(DATABASE, "UPDATE nudge SET at = at - interval '21 hours'")


def posted_by_a_third(world, checks):
    """A node that looked at the same moment, and commits only when the others have looked as well."""
    third = Session(world.postgres, DATABASE)
    third.query("BEGIN")
    third.query(f"""WITH mine AS (INSERT INTO nudge (user_id, id, kind, about) SELECT c.user_id, 77, c.kind, c.about FROM (
        SELECT DISTINCT ON (c.user_id) c.* FROM nudge_candidates('', 1000000, 2, 24, 24, 3, 0) c WHERE c.blocked IS NULL ORDER BY c.user_id, c.place) c
        LIMIT {TWINS} RETURNING user_id, id, kind, about)
        INSERT INTO mailbox (user_id, id, kind, payload) SELECT m.user_id, m.id, 'nudge', jsonb_build_object('id', m.id::text, 'kind', m.kind,
        'about', m.about::text, 'wave', 'W', 'days', '2') FROM mine m""")
    waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    hurry(third2 := Session(world.postgres, DATABASE))
    third2.close()
    seen = wait_for(world, f"SELECT (({waits}) + (SELECT count(*) FROM nudge WHERE state IN ('queued', 'said', 'sent') AND id > 100) > 0)::int", 1, 10)
    third.query("COMMIT")
    third.close()
    checks.that("a third node posts at the same moment", seen == 1)


def phones(world):
    return {n: [m.get("text") or "" for m in world.standin.sent(f"nudge-{n}", 0, 0, 100)] for n in range(PEOPLE)}


def scenes(world, checks):
    second = Bot(world.bot.binary, world.log("second"), os.path.join(world.folder, "second"), world.postgres.url(DATABASE), world.standin.port,
                 free_port(0, (world.bot_port,)), world.extra)
    world.bot.stop()
    world.postgres.psql(DATABASE, SEED)
    chance, points = random.Random(5), itertools.cycle(POINTS)
    nodes = [Node(world.bot, points, chance), Node(second, points, chance)]
    try:
        for node in nodes:
            node.start()
        posted_by_a_third(world, checks)
        for node in nodes:
            node.bot.kill()
        older(world)
        die_and_look(world, nodes)
        for node in nodes:
            node.start()
        for what in ("after the deaths", "a day later"):
            to_the_end(world, what, checks)
            older(world)
    finally:
        second.stop()
    checks.that(f"both nodes died {2 * DEATHS} times, at the named points among them", len(nodes[0].named | nodes[1].named) >= (2 if SHORT else 6),
                nodes[0].named | nodes[1].named)
    got = phones(world)
    causes = world.postgres.psql(DATABASE, "SELECT user_id, kind, about, count(*) FROM nudge WHERE state = 'sent' GROUP BY 1, 2, 3 HAVING count(*) > 1")
    twice = {n: texts for n, texts in got.items() if len(set(texts)) < len(texts)}
    checks.that("nobody is reminded twice of one thing, by the rows and by the phones", not causes and not twice, (causes, twice))
    checks.that("nobody hears more than two a week, and nothing when that is not wanted", all(len(texts) <= wanted(n) for n, texts in got.items()),
                {n: len(texts) for n, texts in got.items() if len(texts) > wanted(n)})
    checks.that("and nobody is forgotten", all(len(texts) >= wanted(n) for n, texts in got.items()),
                {n: len(texts) for n, texts in got.items() if len(texts) < wanted(n)})
    rows = dict(r.split("|") for r in world.postgres.psql(DATABASE, "SELECT user_id, count(*) FROM nudge WHERE state = 'sent' AND about > 2 OR kind <> 'draft' "
                                                                    "AND state = 'sent' GROUP BY 1").split())
    checks.that("the rows say what the phones got", all(int(rows.get(f"nudge-{n}", 0)) == len(texts) for n, texts in got.items()),
                {n: (rows.get(f"nudge-{n}", 0), len(texts)) for n, texts in got.items() if int(rows.get(f"nudge-{n}", 0)) != len(texts)})


if __name__ == "__main__":
    sys.exit(play("nudge", sys.argv[1], (("nudge-", PEOPLE),), scenes, {"SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": ""}))
