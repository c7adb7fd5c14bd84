#!/usr/bin/env python3
"""Measures where the units stand with many initiatives: how long a look takes, a fold after a minute's changes, all counted anew.

  standing.py BUILD_FOLDER [--initiatives N] [--units N] [--people N] [--changes N] [--keep FOLDER] [--age SECONDS [--rate N]]

Fills a private PostgreSQL with generated people and initiatives below a tree of four levels, two waves and a target for each unit,
then times the command itself (with its start and its connections) and the folds.  --keep uses a folder that stays.  --age instead
runs `sangkien serve` for so long beside N verdicts a second (100), moves the days of a wave and imports a unit on the way, and
tells how old the figures got."""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from bot import Bot  # noqa: E402
from postgres import Postgres, Session  # noqa: E402
from process import Failure, free_port  # noqa: E402

DATABASE = "standing"
ROUNDS = 5

# Units: a province, 17 above the grassroots, a fifth of the rest grassroots, the others sections.  A person in five is of the grassroots
# itself.  What was sent is spread over three weeks; one in twenty is a duplicate, eight in ten are money of 2,000 different amounts.
FILL = """
ALTER TABLE initiative DISABLE TRIGGER USER; ALTER TABLE person DISABLE TRIGGER USER;
INSERT INTO union_unit (id, code, name, name_key, parent_id, level, cluster)
SELECT 1, 'T', 'Province', 'province', NULL::bigint, 1, NULL
UNION ALL SELECT 10 + g, 'U' || g, 'Upper ' || g, 'upper ' || g, 1, 2, 'C' || g % 3 FROM generate_series(1, 17) g
UNION ALL SELECT 1000 + g, 'G' || g, 'Grassroots ' || g, 'grassroots ' || g, 11 + g % 17, 3, 'C' || g % 30 FROM generate_series(1, {grass}) g
UNION ALL SELECT 1000000 + g, 'S' || g, 'Section ' || g, 'section ' || g, 1001 + g % {grass}, 4, NULL FROM generate_series(1, {sections}) g;
INSERT INTO campaign VALUES (1, 'C', 'Campaign');
INSERT INTO wave (id, campaign_id, code, name, starts_on, ends_on)
VALUES (1, 1, 'W1', 'Wave 1', current_date - 20, current_date - 11), (2, 1, 'W2', 'Wave 2', current_date - 10, current_date + 5);
INSERT INTO target SELECT w.id, u.id, 20 FROM wave w, union_unit u;
INSERT INTO person (user_id, full_name, name_key, unit_id, consent_at)
SELECT 'p' || g, 'Name ' || g, 'name ' || g, CASE WHEN g % 5 = 0 THEN 1001 + g % {grass} ELSE 1000001 + g % {sections} END, now()
FROM generate_series(0, {people} - 1) g;
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, unit_id, status, submitted_at, updated_at, similar_at)
SELECT p.user_id, g, 'SK-' || g, 'Title of initiative number ' || g, repeat('what was done and how ', 20),
       CASE WHEN g % 10 < 8 THEN (1 + (g::bigint * 104729) % 2000) * 100000 END,
       CASE WHEN g % 10 < 8 THEN 'money' WHEN g % 10 = 8 THEN 'nonmonetary' ELSE 'unknown' END, p.unit_id,
       CASE WHEN g % 20 = 0 THEN 'duplicate' WHEN g % 3 = 0 THEN 'valid' ELSE 'submitted' END,
       now() - make_interval(mins => (g % 30000)::int), now() - make_interval(mins => (g % 30000)::int), 'infinity'
FROM generate_series(1, {initiatives}) g JOIN person p ON p.user_id = 'p' || (g::bigint * 7919) % {people};
ALTER TABLE initiative ENABLE TRIGGER USER; ALTER TABLE person ENABLE TRIGGER USER;
UPDATE standing_state SET all_own = true;
VACUUM ANALYZE;
"""
CHANGE = "UPDATE initiative SET status = CASE status WHEN 'submitted' THEN 'valid' ELSE 'submitted' END WHERE id % {every} = {round} AND status IN ('submitted', 'valid')"


def timed(what):
    start = time.monotonic()
    what()
    return time.monotonic() - start


def how_old(bot, postgres, sql, args):
    """The oldest the figures get while verdicts come, a wave is moved at a third of the time and a unit comes at two thirds."""
    changes, began = Session(postgres, DATABASE), time.monotonic()
    bot.start()
    ages, done, moved, came = [], 0, False, False
    try:
        first = time.monotonic()
        while sql.query("SELECT 1 FROM standing_state WHERE folded_at < now() - interval '60 seconds' OR all_own OR all_up").strip():
            time.sleep(0.2)  # what the bench itself left behind
        print(f"first fold after {time.monotonic() - first:.0f} s")
        began = time.monotonic()
        while (passed := time.monotonic() - began) < args.age:
            for _ in range(int(passed * args.rate) - done):
                changes.query("UPDATE initiative SET status = CASE status WHEN 'submitted' THEN 'valid' ELSE 'submitted' END WHERE (user_id, id) = "
                              f"(SELECT 'p' || (g * 7919) % {args.people}, g FROM (SELECT {(done * 104729) % args.initiatives + 1}::bigint AS g) x) "
                              "AND status IN ('submitted', 'valid')")
                done += 1
            if passed > args.age / 3 and not moved:
                moved = not sql.query("UPDATE wave SET starts_on = starts_on - 1 WHERE id = 1").strip()
            if passed > 2 * args.age / 3 and not came:
                came = not sql.query(f"INSERT INTO union_unit (id, code, name, name_key, parent_id, level) VALUES ({int(time.time())}, 'N{int(time.time())}', 'New', 'new', 11, 3)").strip()
            ages.append(float(sql.query("SELECT extract(epoch FROM clock_timestamp() - folded_at) FROM standing_state")))
            time.sleep(0.1)
    finally:
        bot.stop()
        changes.close()
    ages.sort()
    print(f"{done} changes in {args.age} s, a wave moved and a unit come: the figures were at most {ages[-1]:.1f} s old (median {ages[len(ages) // 2]:.1f})")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("build")
    p.add_argument("--initiatives", type=int, default=2000000)
    p.add_argument("--units", type=int, default=20000)
    p.add_argument("--people", type=int, default=350000)
    p.add_argument("--changes", type=int, default=100, help="initiatives that change between two folds")
    p.add_argument("--keep")
    p.add_argument("--age", type=int)
    p.add_argument("--rate", type=int, default=100)
    args = p.parse_args()
    folder = args.keep or tempfile.mkdtemp(prefix="sangkien-standing-", dir="/var/tmp")
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o711)
    postgres = Postgres(os.path.join(folder, "pg"), os.path.join(folder, "postgres.log"), fast=True)
    try:
        postgres.start()
        postgres.create_database(DATABASE)
        bot = Bot(os.path.join(os.path.abspath(args.build), "bot", "sangkien"), os.path.join(folder, "bot.log"), folder, postgres.url(DATABASE), 1, free_port(0))
        bot.command("migrate")
        sql = Session(postgres, DATABASE)
        if sql.query("SELECT count(*) FROM initiative").strip() == "0":
            grass = (args.units - 18) // 5
            filled = timed(lambda: postgres.psql(DATABASE, FILL.format(grass=grass, sections=args.units - 18 - grass, people=args.people,
                                                                       initiatives=args.initiatives)))
            print(f"filled in {filled:.0f} s", flush=True)
        if args.age:
            how_old(bot, postgres, sql, args)
            return
        sql.query("UPDATE standing_state SET all_own = true")
        print(f"{args.initiatives} initiatives, {args.units} units, {args.people} people")
        print(f"all counted anew    {timed(lambda: sql.query('SELECT standing_fold(0)')):6.2f} s", flush=True)
        folds = []
        for n in range(ROUNDS):
            sql.query(CHANGE.format(every=args.initiatives // args.changes, round=n + 1))
            folds.append(timed(lambda: sql.query("SELECT standing_fold(0)")))
        print(f"fold of {args.changes:4} changes {sorted(folds)[ROUNDS // 2]:6.2f} s  (median of {ROUNDS}; {min(folds):.2f} to {max(folds):.2f})", flush=True)
        for options in (["--unit", "T"], ["--unit", "G1"], ["--format", "json"], ["--format", "csv"], ["--format", "xlsx"]):
            sql.query("UPDATE standing_state SET folded_at = now()")
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            looks = [timed(lambda: subprocess.run([bot.binary, "standing", *options], env=dict(os.environ, **bot.env), stdout=subprocess.DEVNULL, check=True))
                     for _ in range(ROUNDS)]
            used = resource.getrusage(resource.RUSAGE_CHILDREN)
            cpu = (used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime) / ROUNDS
            print(f"standing {' '.join(options):16} {sorted(looks)[ROUNDS // 2]:6.2f} s  ({min(looks):.2f} to {max(looks):.2f}; {cpu:.2f} s of processor)",
                  flush=True)
        sql.close()
    finally:
        postgres.stop()
        if not args.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        main()
    except Failure as e:
        sys.exit(f"standing.py: {e}")
