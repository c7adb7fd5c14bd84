"""The rows about turns: limits and product take their turns in alternating rounds, so that a noisy machine hits both."""
import array
import os
import random
import subprocess
import time

from postgres import Session
from process import Failure
from stage import Load, cpu_seconds, memory_mb, wait_s

SEED_PEOPLE, STAGGER = 1000, 25  # the first registration has 11 events, each further one 7
LONE_EVENTS = 300
SETTLE_EVENTS = 16
SCRIPTS = (("turn.sql", 8), ("turn.sql", 32), ("turn-pipelined.sql", 8), ("turn-pipelined.sql", 32))


def seed(stage):
    """People everywhere in a registration, for every database to begin with: rows as text, and where the load has them."""
    stage.create("seed")
    bot = stage.bot("seed", hold=True)
    load = Load(stage, bot, "seed", SEED_PEOPLE)
    load.run(32, stagger=STAGGER)
    load.check_rows()
    bot.stop()
    stage.seed = {}
    for table, columns in (("conversation", "user_id, state, draft, last_event_at"),
                           ("person", "user_id, full_name, name_key, unit_id, unit_text, consent_at, consent_version, last_inbound_at")):
        stage.seed[table] = (columns, stage.sql("seed", f"COPY (SELECT {columns} FROM {table}) TO STDOUT"))
    with open(load.state, "rb") as f:
        stage.seed_state = array.array("I", f.read())[:SEED_PEOPLE]


def populate(stage, database, people):
    stage.create(database)
    for table, (columns, rows) in stage.seed.items():
        others = ", ".join("s." + c for c in columns.split(", ")[1:])
        stage.sql(database, f"CREATE TABLE seed (LIKE {table} INCLUDING DEFAULTS); COPY seed ({columns}) FROM STDIN;\n{rows}\\.\n"
                  f"INSERT INTO {table} ({columns}) SELECT '7' || lpad(n::text, 17, '0'), {others} FROM generate_series(0, {people} - 1) n "
                  f"JOIN seed s ON s.user_id = '7' || lpad((n % {SEED_PEOPLE})::text, 17, '0') ORDER BY random();"
                  f"DROP TABLE seed; VACUUM ANALYZE {table};")


def contestant(stage, database, people, hold):
    populate(stage, database, people)
    load = Load(stage, stage.bot(database, hold=hold), database, people)
    load.sends = not hold
    with open(load.state, "wb") as f:
        (stage.seed_state * (people // SEED_PEOPLE) + array.array("I", [0])).tofile(f)
    load.run(64, events=2000)  # plans, caches and prepared statements
    return load


def best_of_limits(bench, people):
    scripts = bench.size(SCRIPTS, SCRIPTS, SCRIPTS[-1:])
    return max(bench.stage().pgbench(script, clients, bench.size(2, 10, 1), people)[0] for script, clients in scripts)


def settle(load):
    """A backend tells its fsyncs at the first transaction that begins more than a second after it last told."""
    wait_s(1.1)
    load.run(8, events=SETTLE_EVENTS)


def all_sent(load):
    """Waits until no reply is left but the collected ones, which wait for two seconds of quiet whatever the machine can do."""
    deadline = time.monotonic() + 120
    session = Session(load.stage.postgres, load.database)
    try:
        while session.query("SELECT EXISTS (SELECT FROM outbox WHERE collapse_key IS NULL)").strip() == "t":
            if time.monotonic() > deadline:
                raise Failure(f"no result: replies were not sent within 120 s:\n{load.bot.process.log_tail(10)}")
            wait_s(0.1)  # looking costs the database something too
    finally:
        session.close()


def measure(stage, load, connections, seconds, exact=True):
    """One phase at saturation.  @return its figures; unless `exact`, fsyncs are what has been told of them so far."""
    pid = load.bot.process.child.pid
    if exact:
        settle(load)
    syncs = stage.wal()[0]
    server, database, wal = cpu_seconds(pid), stage.postgres_cpu(), stage.wal()[1]
    began = time.monotonic()
    result = load.run(connections, seconds=seconds)
    events = result["events"]
    if load.sends:
        all_sent(load)
        result["rate"] = events / (time.monotonic() - began)
    figures = {"rate": result["rate"], "server_us": (cpu_seconds(pid) - server) / events * 1e6,
               "postgres_us": (stage.postgres_cpu() - database) / events * 1e6, "wal": (stage.wal()[1] - wal) / events,
               "memory": memory_mb(pid), "p50_ms": result["p50_us"] / 1000, "p99_ms": result["p99_us"] / 1000}
    if exact:
        settle(load)
    figures["fsyncs"] = (stage.wal()[0] - syncs) / (events + SETTLE_EVENTS)
    return figures


class Rounds:
    """What the rows turns, cost, latency, lone and part of memory are made from."""

    def __init__(self, bench):
        self.bench, self.stage, self.people = bench, bench.stage(), bench.size(100000, 100000, 1000)
        self.seconds = bench.size(3, 20, 0.3)
        wanted = bench.wanted
        self.saturate = bool(wanted & {"turns", "cost", "memory", "latency"})
        self.single_wanted = bool(wanted & {"latency", "lone"})
        self.held = contestant(self.stage, "held", self.people, hold=True)
        self.sent = contestant(self.stage, "sent", self.people, hold=False) if wanted & {"turns", "cost", "memory"} else None
        populate(self.stage, "limits", self.people)
        self.stage.sql("limits", "CREATE SEQUENCE bench_id CACHE 1000")
        self.stage.settle_disk()
        self.done = [self.one(n) for n in range(bench.size(3, 5, 1))]
        for load in filter(None, (self.held, self.sent)):
            load.check_rows()
            load.bot.stop()  # what it still has to send must not be counted with another row's

    def saturate_with(self, found, name, load):
        for connections in (64, 256):
            found[name, connections] = measure(self.stage, load, connections, self.seconds, exact=not self.bench.brief)

    def one(self, number):
        self.bench.say(f"round {number + 1}")
        found = {}
        if self.single_wanted:
            found["single_ms"] = self.stage.pgbench("turn.sql", 1, self.bench.size(2, 5, 1), self.people, log=True)[1]
            found["single_pipelined_ms"] = self.stage.pgbench("turn-pipelined.sql", 1, self.bench.size(2, 5, 1), self.people, log=True)[1]
        if "turns" in self.bench.wanted:
            found["limit"] = best_of_limits(self.bench, self.people)
        if self.saturate:
            self.saturate_with(found, "held", self.held)
        if "latency" in self.bench.wanted:
            rate = found["held", 256]["rate"] / 2
            found["half"] = dict(self.held.run(64, seconds=self.seconds + 1, rate=rate), rate=rate)
        if "lone" in self.bench.wanted:
            found["lone"] = self.held.run(1, events=self.bench.size(LONE_EVENTS, LONE_EVENTS, 50))
        if self.sent and self.saturate:  # last, for the others are measured while nothing else is going on
            self.saturate_with(found, "sent", self.sent)
        self.stage.sql("held", "TRUNCATE outbox")  # nobody sends there
        return found


def row_turns(bench):
    """signed registration turns a second as a ratio to pgbench's best of the same rows, with sending off, and until all is sent"""
    done = bench.rounds().done
    bench.table.add("turns", "pgbench's best: a transaction each", [r["limit"] for r in done], "tps")
    for name, what, goals in (("held", "sending off", {64: 3.0, 256: 4.0}), ("sent", "every reply sent", {64: 2.0, 256: 2.5})):
        for connections in (64, 256):
            bench.table.add("turns", f"{what}, {connections} connections", [r[name, connections]["rate"] for r in done], "events/s")
            bench.table.add("turns", f"{what}, {connections} connections, ratio", [r[name, connections]["rate"] / r["limit"] for r in done], "x",
                            at_least=goals[connections])


def row_cost(bench):
    """processor time and fsyncs of an event"""
    done = bench.rounds().done
    for name, what in (("held", "sending off"), ("sent", "every reply sent")):
        for connections in (64, 256):
            goal = (name, connections) == ("held", 256)
            cell = [r[name, connections] for r in done]
            bench.table.add("cost", f"server, {what}, {connections}", [c["server_us"] for c in cell], "us/event", at_most=20 if goal else None)
            bench.table.add("cost", f"PostgreSQL, {what}, {connections}", [c["postgres_us"] for c in cell], "us/event",
                            at_most=30 if goal else None)
            bench.table.add("cost", f"fsyncs, {what}, {connections}", [c["fsyncs"] for c in cell], "/event",
                            at_most={64: 0.05, 256: 0.012}[connections] if name == "held" else None)
            bench.table.add("cost", f"WAL, {what}, {connections}", [c["wal"] for c in cell], "B/event")


def row_latency(bench):
    """the answer at half load, open loop, as a multiple of a single commit's"""
    done = bench.rounds().done
    bench.table.add("latency", "a single commit, pgbench with one client", [r["single_ms"] for r in done], "ms")
    bench.table.add("latency", "half load", [r["half"]["rate"] for r in done], "events/s")
    for key, what, goal in (("p50_us", "p50", 2.0), ("p99_us", "p99", 6.0), ("p999_us", "p99.9", None)):
        bench.table.add("latency", f"{what} at half load", [r["half"][key] / 1000 for r in done], "ms")
        bench.table.add("latency", f"{what} at half load, multiple", [r["half"][key] / 1000 / r["single_ms"] for r in done], "x", at_most=goal)


def row_lone(bench):
    """one event on an idle system as a multiple of a single commit's"""
    done = bench.rounds().done
    bench.table.add("lone", "a single commit, its statements sent together", [r["single_pipelined_ms"] for r in done], "ms")
    bench.table.add("lone", "a lone event, median", [r["lone"]["p50_us"] / 1000 for r in done], "ms")
    bench.table.add("lone", "a lone event, multiple of a single commit", [r["lone"]["p50_us"] / 1000 / r["single_ms"] for r in done], "x",
                    at_most=1.5)


def row_memory(bench):
    """resident memory: idle, at saturation, with 10,000 idle connections"""
    done = bench.rounds().done
    stage, count = bench.stage(), bench.size(10000, 10000, 500)
    bot = stage.bot("held", hold=True)
    pid = bot.process.child.pid
    bench.table.add("memory", "idle", [memory_mb(pid)[0]], "MB")
    for name, what in (("held", "sending off"), ("sent", "every reply sent")):
        bench.table.add("memory", f"at saturation, {what}", [max(r[name, c]["memory"][0] for c in (64, 256)) for r in done], "MB", at_most=16)
    args = [bench.program("bench-load"), "--port", str(bot.port), "--idle", str(count)]
    with subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as idle:
        if idle.stdout.readline().split() != ["open", str(count)]:
            raise Failure("the idle connections could not be opened")
        bot.process.wait_until(lambda: len(os.listdir(f"/proc/{pid}/fd")) > count, 30, f"it took {count} connections")
        resident, anonymous = memory_mb(pid)
        left = idle.communicate("")[0].strip()
    bot.stop()
    if left != "all open":
        raise Failure(f"of {count} idle connections some were {left}")
    bench.table.add("memory", f"{count:,} idle connections, resident", [resident], "MB", at_most=16)
    bench.table.add("memory", f"{count:,} idle connections, anonymous", [anonymous], "MB", at_most=10)


def row_growth(bench):
    """row turns with more people stored, and with two million initiatives"""
    stage = bench.stage()
    sizes = bench.size([1000, 100000], [1000, 100000, 1000000], [1000])
    loads = {f"{n:,} people": contestant(stage, f"grown{n}", n, hold=True) for n in sizes}
    if bench.full:
        what = "100,000 people, 2 million initiatives"
        loads[what] = contestant(stage, "grown_initiatives", 100000, hold=True)
        stage.sql("grown_initiatives", INITIATIVES)
        loads[what].filed += 2000000
    stage.settle_disk()
    found = {what: [] for what in loads}
    for number in range(bench.size(3, 5, 1)):
        bench.say(f"growth, round {number + 1}")
        for what in random.sample(list(loads), len(loads)):
            found[what].append(loads[what].run(256, seconds=bench.size(3, 20, 1))["rate"])
            stage.sql(loads[what].database, "TRUNCATE outbox")
    for what, load in loads.items():
        load.check_rows()
        load.bot.stop()
        bench.table.add("growth", what, found[what], "events/s")
    base = found.get("100,000 people")
    for what, goal in (("1,000 people", None), ("1,000,000 people", 0.85), ("100,000 people, 2 million initiatives", None)):
        if base and what in found:
            bench.table.add("growth", f"{what}: ratio to 100,000 people", [a / b for a, b in zip(found[what], base)], "x", at_least=goal)


# Of earlier years: whatever follows from an initiative that is filed (the review queue, the standing) does not follow from these.
INITIATIVES = """SET session_replication_role = replica;
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, benefit_text, unit_id,
submitted_at, similar_at) SELECT '7' || lpad((n % 100000)::text, 17, '0'), n, 'G' || n, 'Cải tiến số ' || n,
repeat(md5(n::text) || ' ', 6), n * 1000, 'money', n || ' nghìn', 100 + n % 3, now() - interval '1 day', now() + interval '1 day'
FROM generate_series(1, 2000000) n; VACUUM ANALYZE initiative;"""
