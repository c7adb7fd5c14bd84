"""What the benchmark runs on: PostgreSQL with its default durability, a database for each contestant, the bot, pgbench, the load."""
import json
import os
import re
import select
import subprocess

import postgres
from bot import Bot
from postgres import Postgres
from process import Failure, free_port
from standin import SECRETS, Standin
from world import root

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")
UNITS = os.path.join(root(), "tests", "data", "demo-units.sql")
# As a server of this size would get; nothing here weakens what a commit means.
MEMORY = {"shared_buffers": "1GB", "max_wal_size": "8GB", "min_wal_size": "2GB", "max_connections": "120"}
# Of a registration: the averages of what the bot stores and says.
LIMIT_TEXTS = {
    "said": "Trước đây làm tay nên chậm, hay lỗi. Em làm đồ gá.",
    "draft": json.dumps({"id": 123456789012345678, "title": "Cải tiến đồ gá kẹp bo mạch khi hàn tay", "asked": "description",
                         "description": "Trước đây phải giữ bo mạch bằng tay nên mối hàn hay lệch.", "started_at_ms": 1700000000000}),
    "reply": "Dạ em ghi rồi ạ. Anh/chị kể tiếp giúp em: trước đây làm thế nào, bây giờ làm thế nào, đã áp dụng ở đâu và từ khi nào? "
             "Viết mấy tin cũng được, xong thì bấm Viết xong.",
    "buttons": json.dumps([["Viết xong", "#v1:description:done:7"], ["Bỏ qua", "#v1:description:skip:7"]]),
}


def file_system(path):
    """The type of the file system that holds `path`."""
    best = ("", "")
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for line in f:
            left, right = line.split(" - ", 1)
            mount = left.split()[4]
            if os.path.commonpath([mount, path]) == mount and len(mount) >= len(best[0]):
                best = (mount, right.split()[0])
    return best[1]


def cpu_seconds(pid, children=False):
    """Processor time of a process; with `children` also of those it has waited for."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(n) for n in fields[11:15 if children else 13]) / TICK


def memory_mb(pid):
    """(resident, anonymous) memory of a process."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        kb = dict(re.findall(r"^(\w+):\s+(\d+) kB", f.read(), re.M))
    return int(kb["VmRSS"]) / 1024, int(kb["RssAnon"]) / 1024


class Stage:
    def __init__(self, folder, build, database_settings=None):
        self.folder, self.build = folder, build
        postgres.SETTINGS.update(MEMORY, **(database_settings or {}))
        self.postgres = Postgres(os.path.join(folder, "pg"), os.path.join(folder, "postgres.log"))
        self.bots, self.standin, self.seed, self.seed_state = [], None, None, None

    def start(self):
        self.postgres.start()
        kind = file_system(self.postgres.data)
        if kind in ("tmpfs", "ramfs"):
            raise Failure(f"{self.postgres.data} lies on a {kind}: a commit costs nothing there, so nothing measured would be a result "
                          "(set TMPDIR to a folder on a disk)")
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            value = self.sql("postgres", f"SHOW {name}").strip()
            if value != "on":
                raise Failure(f"PostgreSQL runs with {name}={value}: nothing measured would be a result")
        return self

    def stop(self):
        for b in self.bots:
            b.stop()
        if self.standin:
            self.standin.stop()
        self.postgres.stop()

    def sql(self, database, text):
        return self.postgres.psql(database, text)

    def number(self, database, text):
        return int(self.sql(database, text).strip() or 0)

    # ---- PostgreSQL's own counters ----

    def postgres_cpu(self):
        """Of all its processes: those that have ended are counted by the postmaster."""
        parent = self.postgres.process.child.pid
        total = cpu_seconds(parent, children=True)
        for name in os.listdir("/proc"):
            if not name.isdigit():
                continue
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as f:
                    if f.read().rsplit(")", 1)[1].split()[1] == str(parent):
                        total += cpu_seconds(name)
            except OSError:
                continue  # it has ended meanwhile
        return total

    def wal(self):
        """(fsyncs, bytes) of the write-ahead log so far.  Backends report their syncs with a delay: see Contest.settle."""
        syncs = self.number("postgres", "SELECT wal_sync FROM pg_stat_wal")
        return syncs, self.number("postgres", "SELECT pg_current_wal_lsn() - '0/0'")

    # ---- databases ----

    def create(self, name):
        """An empty database of the product, with union units."""
        self.postgres.create_database(name)
        bot = self.bot(name, start=False)
        bot.command("migrate")
        with open(UNITS, encoding="utf-8") as f:
            self.sql(name, f.read())

    def settle_disk(self):
        """What was written before must not be written while something else is measured."""
        self.sql("postgres", "CHECKPOINT")

    # ---- the limit: pgbench ----

    def pgbench(self, script, clients, seconds, people, log=False):
        """@return (transactions a second, median latency in ms or None) in the database "limits"."""
        args = [os.path.join(self.postgres.bin, "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "1", "-T", str(seconds),
                "-f", os.path.join(HERE, "pgbench", script), "-D", f"people={people}"]
        for name, text in LIMIT_TEXTS.items():
            args += ["-D", f"{name}={text}"]
        prefix = os.path.join(self.folder, "pgbench")
        if log:
            args += ["-l", "--log-prefix", prefix]
        env = dict(os.environ, PGHOST=self.postgres.folder, PGUSER="sangkien", PGDATABASE="limits")
        done = subprocess.run(args, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder)
        m = re.search(r"^tps = ([\d.]+)", done.stdout, re.M)
        if done.returncode != 0 or not m:
            raise Failure(f"pgbench ended with {done.returncode}: {done.stderr.strip()[-800:]}")
        median = None
        if log:
            times = []
            for name in os.listdir(self.folder):
                if name.startswith("pgbench."):
                    path = os.path.join(self.folder, name)
                    with open(path, encoding="ascii") as f:
                        times += [int(line.split()[2]) for line in f]
                    os.unlink(path)
            times.sort()
            median = times[len(times) // 2] / 1000
        return float(m.group(1)), median

    # ---- the product ----

    def bot(self, database, start=True, hold=False, extra=None):
        folder = os.path.join(self.folder, "bot-" + database)
        os.makedirs(folder, mode=0o700, exist_ok=True)
        port = free_port(0)
        settings = {"SANGKIEN_SEND_PER_MINUTE": "10000000", "SANGKIEN_SERVER_MAX_CONNECTIONS": "11000", **(extra or {})}
        bot = Bot(os.path.join(self.build, "bot", "sangkien"), os.path.join(folder, "bot.log"), folder, self.postgres.url(database),
                  self.standin.port if self.standin else 9, port, settings, options=["--hold"] if hold else [])
        if start:
            bot.start()
            self.bots.append(bot)
        return bot

    def start_standin(self):
        binary = os.path.join(self.build, "tests", "zalo", "zalo-standin")
        self.standin = Standin(binary, os.path.join(self.folder, "standin.log"), free_port(0), extra=("--quiet",))
        self.standin.start("http://127.0.0.1:9/webhook")
        self.standin.call("POST", "/_admin/settings", {"rate_limit_per_minute": 0, "log_entries": 0, "echo": "off", "unknown_users": "accept",
                                                       "history_per_person": 1})


class Load:
    """The load generator against one bot; remembers where its people are and what has been acknowledged."""

    def __init__(self, stage, bot, database, people):
        self.stage, self.bot, self.database, self.people = stage, bot, database, people
        self.program = os.path.join(stage.build, "tests", "bench", "bench-load")
        self.state = os.path.join(stage.folder, f"people-{database}-{bot.port}")
        self.sends = False
        self.acknowledged = self.filed = 0
        self.env = dict(os.environ, SANGKIEN_ZALO_OA_SECRET_KEY=SECRETS["oa_secret"])

    def run(self, connections, seconds=None, events=None, rate=None, stagger=None):
        args = [self.program, "--port", str(self.bot.port), "--state", self.state, "--people", str(self.people),
                "--connections", str(connections)]
        args += ["--stagger", str(stagger)] if stagger else ["--events", str(events)] if events else ["--seconds", str(seconds)]
        if rate:
            args += ["--rate", f"{rate:.1f}"]
        done = subprocess.run(args, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            result = json.loads(done.stdout)
        except ValueError:
            raise Failure(f"the load generator ended with {done.returncode}: {done.stderr.strip()[-500:]}; "
                          f"the bot says:\n{self.bot.process.log_tail(10)}") from None
        self.acknowledged += result["events"]
        self.filed += result["filed"]
        if done.returncode != 0:
            raise Failure(f"no result: {result['bad']} bad answers, {result['unanswered']} requests without one; "
                          f"the bot says:\n{self.bot.process.log_tail(10)}")
        return result

    def check_rows(self):
        """Events acknowledged are rows stored, none more and none less, and each registration came to its end."""
        counts = self.stage.sql(self.database, "SELECT (SELECT count(*) FROM event), (SELECT sum(version) FROM conversation), "
                                "(SELECT count(*) FROM message WHERE origin = 'person'), (SELECT count(*) FROM initiative), "
                                "(SELECT count(DISTINCT code) FROM initiative), (SELECT count(*) FROM dead_event)").strip().split("|")
        events, versions, said, initiatives, codes, dead = (int(c) for c in counts)
        # A finding of similar initiatives is a turn of its own: a state change without an event.
        if not events == said == self.acknowledged or versions < events:
            raise Failure(f"no result: {self.acknowledged} events were acknowledged, stored are {events} keys, {versions} state changes "
                          f"and {said} transcript rows")
        if not initiatives == codes == self.filed or dead:
            raise Failure(f"no result: {self.filed} initiatives were filed, stored are {initiatives} with {codes} codes; {dead} events are dead")
        return events


def wait_s(seconds):
    select.select([], [], [], seconds)
