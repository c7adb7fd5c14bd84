#!/usr/bin/env python3
"""PostgreSQL is away, late, read-only, crowded; the spool is full, torn, killed: what was answered 200 takes effect once, in the
order in which a person wrote.  (reliability.md K1, K2, K10, Q1, Q2, Q3, Q4, Q5, Q6, Q7, Q9, W1)

  test_spool.py BUILD_FOLDER [--short]"""
import concurrent.futures
import contextlib
import glob
import json
import os
import resource
import shutil
import signal
import sqlite3
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from process import free_port  # noqa: E402
from standin import IDS  # noqa: E402
from scene import body_of, count, freeze, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

ZALO_WAITS_S = 2.0


def talk(port, prefix, people, each, first=0, text="xin chào", threads=24):
    """Each person sends `each` messages, one after the other, all people at once.  @return [(user, msg_id, status, seconds)]."""
    def one(person):
        sent = []
        for n in range(first, first + each):
            msg = f"{prefix}{person}.{n:04d}"
            begin = time.monotonic()
            status = post(port, body_of(f"{prefix}{person}", msg, text))
            sent.append((f"{prefix}{person}", msg, status, time.monotonic() - begin))
        return sent
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        return [s for sent in pool.map(one, range(people)) for s in sent]


def echo_of(user, msg_id, text):
    return json.dumps({"app_id": IDS["app_id"], "event_name": "oa_send_text", "timestamp": str(int(time.time() * 1000)),
                       "sender": {"id": IDS["oa_id"]}, "recipient": {"id": user}, "message": {"msg_id": msg_id, "text": text}}).encode()


def all_taken(checks, what, sent):
    statuses = {s: [x[2] for x in sent].count(s) for s in {x[2] for x in sent}}
    slowest = max(x[3] for x in sent)
    checks.that(f"{what}: all {len(sent)} are answered 200 within {ZALO_WAITS_S:g} s", statuses == {200: len(sent)} and slowest < ZALO_WAITS_S,
                f"{statuses}, the slowest after {slowest:.2f} s")


def all_effective(world, checks, what, prefix, sent, seconds=60):
    """Everything that was answered 200, in order, and nothing twice."""
    want = {}
    for user, msg, status, _ in sent:
        want.setdefault(user, [])
        if status == 200:
            want[user].append(msg)
    here = f"user_id LIKE '{prefix}%' AND origin = 'person'"
    total = sum(len(m) for m in want.values())
    all_ids = ",".join(m for messages in want.values() for m in messages)
    wait_for(world, f"SELECT count(DISTINCT zalo_msg_id) FROM message WHERE {here} AND zalo_msg_id = ANY ('{{{all_ids}}}')", total, seconds)
    got = dict(line.split("|") for line in world.postgres.psql(
        DATABASE, f"SELECT user_id, string_agg(zalo_msg_id, ',' ORDER BY id) FROM message WHERE {here} GROUP BY 1").split())
    wrong = {}
    for user, messages in want.items():
        stored = got.get(user, "").split(",") if user in got else []
        acknowledged = [m for m in stored if m in set(messages)]  # one answered 503 may have taken effect all the same
        if acknowledged != messages or len(set(stored)) != len(stored):
            wrong[user] = stored
    checks.that(f"{what}: {total} events take effect, each once, in their people's order", not wrong, str(wrong)[:600])


def spool_is_empty(world, checks, bot, what):
    bot.process.wait_until(lambda: bot.metric("spool_rows") == 0, 20, "the spool was empty")
    checks.that(f"{what}: the spool is empty afterwards", bot.metric("spool_rows") == 0 and bot.metric("spool_bytes") == 0)


# ---- the scenes: each is given a bot and leaves it running ----

def postgresql_is_stopped(world, bot, checks, size):
    """Q1: also more than memory holds, and copies of the same event."""
    world.postgres.stop()
    sent = talk(bot.port, "stopped-", 24, size)
    all_taken(checks, "PostgreSQL is stopped", sent)
    again = talk(bot.port, "stopped-", 24, 1)
    all_taken(checks, "and sends some again", again)
    echo = echo_of("stopped-0", "stopped-echo", "em chào anh")
    begin = time.monotonic()
    checks.that("so is the echo of what the OA sent", post(bot.port, echo) == 200 and time.monotonic() - begin < ZALO_WAITS_S)
    status, body = bot.get("/readyz")
    checks.that("readyz says so, and that events are still taken", status == 200 and body.startswith("degraded: the database cannot be reached"), body)
    checks.that("the metrics tell how many wait", bot.metric("spool_rows") == len(sent) + len(again) + 1, bot.metric("spool_rows"))
    world.postgres.start()
    bot.process.wait_until(bot.ready, 20, "it was ready")
    all_effective(world, checks, "PostgreSQL is back", "stopped-", sent)
    checks.that("the echo is written", wait_for(world, "SELECT count(*) FROM echo WHERE user_id = 'stopped-0' AND msg_id = 'stopped-echo'", 1, 15) == 1)
    spool_is_empty(world, checks, bot, "PostgreSQL is back")


def more_than_memory_holds(world, bot, checks, people):
    world.postgres.stop()
    sent = talk(bot.port, "many-", people, 3, threads=48)
    all_taken(checks, "more than memory holds", sent)
    world.postgres.start()
    more = talk(bot.port, "many-", people, 1, first=3, threads=48)
    all_taken(checks, "newer ones while it drains", more)
    all_effective(world, checks, "more than memory holds", "many-", sorted(sent + more, key=lambda s: s[:2]), 120)
    checks.that("the rest was read back from the disk", bot.metric("spool_drained_total") > 0, bot.metric("spool_drained_total"))
    spool_is_empty(world, checks, bot, "more than memory holds")


def stopped_and_killed(world, bot, checks, size):
    """Q1 and K2 together: the rows of the dead process come before what its people write next, also those that no memory holds yet
    (of more than 1,000 rows the rest stays on the disk)."""
    world.postgres.stop()
    sent = talk(bot.port, "killed-", 24, size)
    all_taken(checks, "stopped, then kill -9", sent)
    bot.kill()
    bot.start(database=False)
    checks.that("all rows are there again", bot.metric("spool_rows") == len(sent), bot.metric("spool_rows"))
    more = talk(bot.port, "killed-", 24, 4, first=size)
    all_taken(checks, "after the restart", more)
    bot.kill()
    bot.start(database=False)
    world.postgres.start()
    last = talk(bot.port, "killed-", 24, 2, first=size + 4)
    all_taken(checks, "and while it drains", last)
    all_effective(world, checks, "killed twice", "killed-", sorted(sent + more + last, key=lambda s: s[:2]))
    spool_is_empty(world, checks, bot, "killed twice")


def workers_keep_the_order(world, bot, checks, size):
    """Q1 with several workers: what a person writes goes to whichever worker is free, and takes effect in the order of the answers."""
    world.postgres.stop()
    sent = talk(bot.port, "order-", 24, size)
    all_taken(checks, "several workers, PostgreSQL is stopped", sent)
    world.postgres.start()
    sent += talk(bot.port, "order-", 24, size, first=size)
    all_taken(checks, "and back while they write on", sent)
    all_effective(world, checks, "several workers drain", "order-", sorted(sent, key=lambda s: s[:2]))
    spool_is_empty(world, checks, bot, "several workers drain")
    world.postgres.stop()
    more = talk(bot.port, "order-", 24, size, first=2 * size)
    bot.stop()
    bot.start(database=False)
    more += talk(bot.port, "order-", 24, size, first=3 * size)
    all_taken(checks, "several workers, started again without PostgreSQL", more)
    world.postgres.start()
    more += talk(bot.port, "order-", 24, size, first=4 * size)
    all_taken(checks, "and PostgreSQL is back", more)
    all_effective(world, checks, "several workers after a restart", "order-", sorted(sent + more, key=lambda s: s[:2]))
    spool_is_empty(world, checks, bot, "several workers after a restart")


def killed_at_any_time(world, bot, checks, rounds):
    """K1, K2: under load, with the database going and coming."""
    sent = []
    for n in range(rounds):
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            load = pool.submit(talk, bot.port, "any-", 24, 12, n * 12)
            if n % 3 == 0:
                world.postgres.stop()
            bot.process.wait_until(lambda: bot.metric("signed_requests") != 0, 5, "it took something")
            time.sleep(0.05 + 0.4 * (n * 37 % 100) / 100)  # the kill may come at any time: that is the test
            bot.kill()
            if n % 3 == 0:
                world.postgres.start()
            bot.start(database=False)
            sent += load.result()
    refused = [s[1] for s in sent if s[2] != 200]
    checks.that(f"killed {rounds} times under load: some were answered, some not", 0 < len(refused) < len(sent), f"{len(refused)} of {len(sent)}")
    all_effective(world, checks, f"killed {rounds} times under load", "any-", sorted(sent, key=lambda s: s[:2]))
    checks.that("and nobody's words are called poison for that", count(world, "SELECT count(*) FROM dead_event") == 0)


def postgresql_is_frozen(world, bot, checks, size):
    """Q2, Q4: its answers, also to a COMMIT, come after the deadline or never."""
    server = world.postgres.process.child.pid
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        load = pool.submit(talk, bot.port, "frozen-", 24, size)
        bot.process.wait_until(lambda: count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'frozen-%'") > 20, 10, "it took some")
        freeze(server, signal.SIGSTOP)
        sent = load.result()
        all_taken(checks, "PostgreSQL is frozen under load", sent)
        bot.process.wait_until(lambda: bot.metric("turn_retries_total") > 0, 20, "its patience ended")
        freeze(server, signal.SIGCONT)
    all_effective(world, checks, "it goes on", "frozen-", sent)
    spool_is_empty(world, checks, bot, "it goes on")


def postgresql_is_read_only(world, bot, checks, size):
    """Q3: as a standby says it."""
    world.postgres.psql(DATABASE, "ALTER SYSTEM SET default_transaction_read_only = on")
    world.postgres.psql(DATABASE, "SELECT pg_reload_conf()")
    sent = talk(bot.port, "reader-", 24, size)
    all_taken(checks, "PostgreSQL is read-only", sent)
    world.postgres.psql(DATABASE, "SET default_transaction_read_only = off; ALTER SYSTEM RESET default_transaction_read_only".replace("; ", ";\n"))
    world.postgres.psql(DATABASE, "SELECT pg_reload_conf()")
    all_effective(world, checks, "it takes writes again", "reader-", sent)
    spool_is_empty(world, checks, bot, "it takes writes again")


def no_connection_is_free(world, bot, checks, size):
    """Q7: SQLSTATE 53300."""
    world.postgres.psql(DATABASE, "ALTER ROLE clerk CONNECTION LIMIT 0;\nSELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'clerk'")
    sent = talk(bot.port, "crowd-", 24, size)
    all_taken(checks, "no connection is free", sent)
    lines = bot.process.log_tail(100000).count("database connection turns")
    checks.that("the log says so, and not for each try", 0 < lines <= 4, lines)
    world.postgres.psql(DATABASE, "ALTER ROLE clerk CONNECTION LIMIT -1")
    all_effective(world, checks, "there are connections again", "crowd-", sent)
    spool_is_empty(world, checks, bot, "there are connections again")


def the_disk_of_postgresql_is_full(world, bot, checks, size):
    """Q6: SQLSTATE 53100 to everybody."""
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION no_space() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$;
        CREATE TRIGGER no_space BEFORE INSERT ON event FOR EACH ROW EXECUTE FUNCTION no_space()""")
    sent = talk(bot.port, "space-", 24, size)
    all_taken(checks, "PostgreSQL's disk is full", sent)
    checks.that("it is not tried in a tight loop", bot.metric("turn_retries_total") < 60, bot.metric("turn_retries_total"))
    world.postgres.psql(DATABASE, "DROP TRIGGER no_space ON event; DROP FUNCTION no_space()")
    all_effective(world, checks, "there is space again", "space-", sent)
    checks.that("nobody's words are called poison for that", count(world, "SELECT count(*) FROM dead_event") == 0)
    spool_is_empty(world, checks, bot, "there is space again")


def one_looks_like_trouble(world, bot, checks, _):
    """Q5, Q9: what fails alone for ever, with a code that a repeat should cure, does not hold the others up and ends as dead."""
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trouble' USING ERRCODE = '53200'; END $$;
        CREATE TRIGGER trouble BEFORE UPDATE ON conversation FOR EACH ROW WHEN (NEW.user_id = 'looks-0') EXECUTE FUNCTION trouble()""")
    sent = talk(bot.port, "looks-", 24, 1)
    all_taken(checks, "one person's event fails like an overloaded server", sent)
    rounds, end = 0, time.monotonic() + 30
    while count(world, "SELECT count(*) FROM dead_event WHERE user_id = 'looks-0'") == 0 and time.monotonic() < end:
        rounds += 1
        talk(bot.port, "looks-more-", 24, 1, first=rounds)  # only beside others can it be told apart
    checks.that("the others go through, it ends as dead", count(world, "SELECT count(*) FROM dead_event WHERE user_id = 'looks-0' AND error LIKE '%trouble%'") == 1
                and count(world, "SELECT count(*) FROM dead_event") == 1, world.postgres.psql(DATABASE, "SELECT user_id, error FROM dead_event"))
    world.postgres.psql(DATABASE, "DROP TRIGGER trouble ON conversation; DROP FUNCTION trouble(); DELETE FROM dead_event")
    all_effective(world, checks, "the others", "looks-", [s for s in sent if s[0] != "looks-0"])


def the_disk_of_the_spool_is_full(world, bot, checks, _):
    """K10, Q6: a write that fails is no acknowledgement.  The bot's files may not grow, as on a full disk."""
    post(bot.port, body_of("disk-0", "disk-before", "xin chào"))
    world.postgres.stop()
    pid = bot.process.child.pid
    was = resource.prlimit(pid, resource.RLIMIT_FSIZE, (60000, resource.RLIM_INFINITY))
    sent = talk(bot.port, "disk-", 24, 2, text="z" * 9000)
    good = sum(s[2] == 200 for s in sent)
    checks.that("the spool's disk is full: 503 and not 200, in time", {s[2] for s in sent} <= {200, 503} and good < len(sent) // 4 and
                max(s[3] for s in sent) < ZALO_WAITS_S, f"{good} of {len(sent)}")
    checks.that("readyz says that nothing is taken", bot.get("/readyz")[0] == 503, bot.get("/readyz"))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, was)
    more = talk(bot.port, "disk-", 24, 1, first=2)
    all_taken(checks, "there is room again", more)
    world.postgres.start()
    all_effective(world, checks, "room on the spool's disk again", "disk-", sorted(sent + more, key=lambda s: s[:2]))


def the_spool_is_full(world, bot, checks, _):
    """Q6: 503 beyond the bound, and nothing that was answered 200 is lost.  The bound is 1 MB here."""
    world.postgres.stop()
    sent = talk(bot.port, "full-", 48, 9, text="x" * 3000, threads=48)
    good, slowest = sum(s[2] == 200 for s in sent), max(s[3] for s in sent)
    checks.that("what fits into the spool is answered 200, the rest 503, in time",
                {s[2] for s in sent} == {200, 503} and 250 <= good <= 350 and slowest < ZALO_WAITS_S, f"{good} of {len(sent)}, {slowest:.2f} s")
    checks.that("it never grows much beyond its bound", spool_bytes(bot) < 1.5 * (1 << 20) + (4 << 20), spool_bytes(bot))  # the log's 4 MB come on top
    world.postgres.start()
    all_effective(world, checks, "room again", "full-", sent)
    spool_is_empty(world, checks, bot, "room again")
    checks.that("and it takes events again", post(bot.port, body_of("full-0", "full-after", "xin chào")) == 200)
    bot.process.wait_until(lambda: spool_bytes(bot) < 64 << 10, 20, "the disk was given back")
    checks.that("an empty spool gives the disk back", spool_bytes(bot) < 64 << 10)


def spool_folder(bot):
    return bot.env["SANGKIEN_SPOOL_PATH"]


def spool_bytes(bot):
    return sum(os.path.getsize(p) for p in glob.glob(os.path.join(spool_folder(bot), "spool-*")))


def the_spool_is_torn(world, bot, checks, size):
    """The readable part is kept, the rest is moved aside and said so."""
    world.postgres.stop()
    sent = talk(bot.port, "torn-", 24, size, text="y" * 500)
    all_taken(checks, "before the spool is torn", sent)
    bot.kill()
    file = os.path.join(spool_folder(bot), "spool-0.db")
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # all in one file
    length = os.path.getsize(file)
    with open(file, "r+b") as f:
        f.seek(length // 2)
        f.write(b"\xa5" * 6000)
    bot.start(database=False)
    kept = bot.metric("spool_rows")
    checks.that(f"a torn spool: {kept} of {len(sent)} events can still be read", len(sent) // 2 < kept < len(sent), kept)
    checks.that("a metric counts it and the log says where the rest is", bot.metric("spool_torn_total") == 1 and "moved aside as torn-" in bot.process.log_tail(1000),
                bot.process.log_tail())
    checks.that("the torn file is kept", len(glob.glob(os.path.join(spool_folder(bot), "torn-*.db"))) == 1)
    world.postgres.start()
    stored = "SELECT count(DISTINCT zalo_msg_id) FROM message WHERE user_id LIKE 'torn-%' AND origin = 'person'"
    checks.that("what could be read takes effect", wait_for(world, stored, kept, 20) == kept, count(world, stored))
    spool_is_empty(world, checks, bot, "torn")


def log_frames(log):
    """@return where each frame of SQLite's log ends that was written since the log last began anew; behind them stands what is older
    (sqlite.org/fileformat2.html, 4.1: they bear the salt of the header)."""
    with open(log, "rb") as f:
        data = f.read()
    step, salt, ends = 24 + int.from_bytes(data[8:12], "big"), data[16:24], []
    for at in range(32, len(data) - step + 1, step):
        if data[at + 8:at + 16] != salt:
            break
        ends.append(at + step)
    return ends


def the_newest_rows_are_missing(world, bot, checks, size):
    """A log cut short is not taken for a short log."""
    world.postgres.stop()
    sent = talk(bot.port, "short-", 24, size, text="y" * 500)
    log = os.path.join(spool_folder(bot), "spool-0.db-wal")
    # At 1,000 frames all is copied into the file and the next write begins the log anew: there must be some that are only in it.
    while not 60 <= len(log_frames(log)) < 900:
        sent += talk(bot.port, "short-", 1, 1, first=size + len(sent), text="y" * 500)
    all_taken(checks, "before the log is cut", sent)
    bot.kill()
    ends = log_frames(log)
    os.truncate(log, ends[len(ends) // 2])
    bot.start(database=False)
    kept = bot.metric("spool_rows")
    checks.that(f"a log cut short: {kept} of {len(sent)} events can still be read, and it is noticed",
                0 < kept < len(sent) and bot.metric("spool_torn_total") == 1, (kept, bot.metric("spool_torn_total")))
    world.postgres.start()
    stored = "SELECT count(DISTINCT zalo_msg_id) FROM message WHERE user_id LIKE 'short-%' AND origin = 'person'"
    checks.that("what could be read takes effect", wait_for(world, stored, kept, 20) == kept, count(world, stored))


def the_spool_cannot_be_used(world, bot, checks, _):
    """Without PostgreSQL and without a spool nothing is acknowledged."""
    bot.stop()
    folder = spool_folder(bot)
    shutil.rmtree(folder)
    with open(folder, "w", encoding="ascii") as f:
        f.write("no folder")
    bot.env["SANGKIEN_ZALO_TOKEN_KEY"] = "00" * 32
    bot.start()
    checks.that("without a spool: readyz says so", "degraded: the spool cannot be used" in bot.get("/readyz")[1], bot.get("/readyz"))
    checks.that("events are taken while PostgreSQL is there", post(bot.port, body_of("none-0", "none-0", "xin chào")) == 200)
    world.postgres.stop()
    begin = time.monotonic()
    status = post(bot.port, body_of("none-0", "none-1", "xin chào"))
    checks.that("and answered 503 in time when it is not", status == 503 and 1.5 < time.monotonic() - begin < ZALO_WAITS_S, (status, time.monotonic() - begin))
    checks.that("readyz says 503", bot.get("/readyz")[0] == 503)
    os.remove(folder)
    os.makedirs(folder, mode=0o700)
    bot.process.wait_until(lambda: bot.metric("spool_usable") == 1, 20, "the spool could be used")
    checks.that("mended while it runs: the spool is used without a restart", post(bot.port, body_of("none-0", "none-2", "xin chào")) == 200)
    begin = time.monotonic()
    status = bot.stop()
    checks.that("stopping takes less than 5 s while PostgreSQL is away", status == 0 and time.monotonic() - begin < 5, (status, time.monotonic() - begin))
    world.postgres.start()
    bot.start()
    checks.that("and what was spooled takes effect", wait_for(
        world, "SELECT count(*) FROM message WHERE user_id = 'none-0' AND origin = 'person' AND zalo_msg_id = 'none-2'", 1, 20) == 1)


def in_hand_at_two_crashes(world, bot, checks, _):
    """Q9: what crashes the program does not crash it for ever.  A frozen PostgreSQL keeps the event in hand, a signal is the crash."""
    server = world.postgres.process.child.pid
    statuses = []

    def crash(*bodies):
        """With these events in hand."""
        freeze(server, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            answers = [pool.submit(post, bot.port, body) for body in bodies]
            statuses.extend(a.result() for a in answers)
        os.kill(bot.process.child.pid, signal.SIGSEGV)
        bot.process.child.wait(20)
        freeze(server, signal.SIGCONT)

    others = [body_of(f"crash-{n}", f"crash-{n}", "xin chào") for n in range(1, 5)]
    post(bot.port, body_of("warm-0", "warm-0", "xin chào"))  # it draws receipt numbers before its first turn
    crash(body_of("crash-0", "crash-0", "xin chào"))
    checks.that("a crash with an event in hand: it had been acknowledged", statuses == [200], statuses)
    refuse = "CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;"
    # It may have been committed meanwhile: as if it never had.
    world.postgres.psql(DATABASE, f"DELETE FROM event WHERE user_id = 'crash-0'; DELETE FROM message WHERE user_id = 'crash-0'; {refuse}"
                                  "CREATE TRIGGER hold BEFORE UPDATE ON conversation FOR EACH ROW WHEN (NEW.user_id = 'crash-0') EXECUTE FUNCTION hold()")
    bot.start(database=False)
    bot.process.wait_until(lambda: count(world, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'") > 0, 20, "it had the event in hand again")
    statuses.clear()
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        statuses.extend(pool.map(lambda body: post(bot.port, body), others))
    os.kill(bot.process.child.pid, signal.SIGSEGV)
    bot.process.child.wait(20)
    world.postgres.psql(DATABASE, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'")
    world.postgres.psql(DATABASE, "DROP TRIGGER hold ON conversation; DROP FUNCTION hold()")
    bot.start()
    checks.that("after the second crash it is dead, with the reason",
                wait_for(world, "SELECT count(*) FROM dead_event WHERE user_id = 'crash-0' AND error LIKE '%in hand at two crashes%'", 1, 15) == 1,
                world.postgres.psql(DATABASE, "SELECT user_id, error FROM dead_event"))
    checks.that("those who came with it are not", statuses == [200] * 4 and
                wait_for(world, "SELECT count(*) FROM message WHERE user_id LIKE 'crash-%' AND user_id <> 'crash-0' AND origin = 'person'", 4, 15) == 4, statuses)
    bot.command("dead", "retry", "--all")
    checks.that("and it can be given a third try", wait_for(
        world, "SELECT count(*) FROM message WHERE user_id = 'crash-0' AND origin = 'person'", 1, 15) == 1)
    world.postgres.psql(DATABASE, "DELETE FROM dead_event")


# name, size of a short and of a full run (0: not in the short one), settings
SCENES = [
    (postgresql_is_stopped, 6, 40, {}),
    (stopped_and_killed, 50, 60, {}),
    (workers_keep_the_order, 3, 12, {"SANGKIEN_SERVER_WORKERS": "3"}),
    (postgresql_is_frozen, 20, 60, {}),
    (postgresql_is_read_only, 0, 10, {}),
    (no_connection_is_free, 0, 10, {"user": "clerk"}),
    (the_disk_of_postgresql_is_full, 0, 10, {}),
    (one_looks_like_trouble, 0, 1, {}),
    (the_disk_of_the_spool_is_full, 0, 1, {}),
    (the_spool_is_full, 1, 1, {"SANGKIEN_SPOOL_MAX_MB": "1"}),
    (the_spool_is_torn, 10, 40, {}),
    (the_newest_rows_are_missing, 10, 40, {}),
    (the_spool_cannot_be_used, 1, 1, {}),
    (in_hand_at_two_crashes, 0, 1, {}),
    (killed_at_any_time, 0, 30, {}),
    (more_than_memory_holds, 0, 2500, {}),
]


def bot_for(world, scene, settings):
    """A bot of its own for each scene: own spool, the common database."""
    folder = os.path.join(world.folder, scene)
    os.makedirs(folder, mode=0o700)
    url = world.postgres.url(DATABASE)
    if settings.get("user"):
        url = url.replace("user=sangkien", "user=" + settings["user"])
    extra = {k: v for k, v in settings.items() if k.startswith("SANGKIEN_")}
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), folder)
    os.makedirs(os.path.join(folder, "spool"), mode=0o700)
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), os.path.join(folder, "spool"))
    return Bot(world.bot_binary, world.log(scene), folder, url, world.standin.port, free_port(0, (world.standin.port, world.bot_port)), extra)


def scenes(world, checks):
    short, only = "--short" in sys.argv, [a for a in sys.argv[2:] if not a.startswith("--")]
    world.bot.stop()
    world.postgres.psql(DATABASE, "CREATE ROLE clerk LOGIN;\nGRANT ALL ON ALL TABLES IN SCHEMA public TO clerk;\nGRANT ALL ON ALL SEQUENCES IN SCHEMA public TO clerk")
    for scene, few, many, settings in SCENES:
        size = few if short else many
        if size == 0 or (only and scene.__name__ not in only):
            continue
        bot = bot_for(world, scene.__name__, settings)
        try:
            bot.start()
            begin = time.monotonic()
            scene(world, bot, checks, size)
            print(f"      ({scene.__name__}: {time.monotonic() - begin:.1f} s)", flush=True)
            bot.stop()
        finally:
            bot.kill()


PEOPLE = (("stopped-", 24), ("killed-", 24), ("order-", 24), ("frozen-", 24), ("reader-", 24), ("crowd-", 24), ("full-", 48), ("torn-", 24), 
          ("short-", 24), ("none-", 1), ("space-", 24), ("looks-", 24), ("looks-more-", 24), ("disk-", 24), ("crash-", 5), 
          ("warm-", 1), ("any-", 24), ("many-", 2500))

if __name__ == "__main__":
    sys.exit(play("spool", sys.argv[1], PEOPLE, scenes))
