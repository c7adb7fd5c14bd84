"""What the fault programme runs on: PostgreSQL with its default durability, the stand-in, bots, a crowd; the invariants; the table."""
import os
import shutil
import time

from bot import Bot
from load import Crowd, Ledger
from process import Failure, free_port, scratch_folder
from recovery import Watch
from scene import Checks
from world import DATABASE, World

# People answer at once here; a person's several messages are collected for that long all the same.
SETTINGS = {"SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": "", "SANGKIEN_CHAT_QUIET_MS": "50", "SANGKIEN_SEND_PER_MINUTE": "1000000", "SANGKIEN_LOG_LEVEL": "info"}
CALM_S = 60  # after the last fault everything must have come to its end

# INV ii and vi of reliability.md, as the database shows them; the rest is what the people and the phones saw.
AT_REST = {
    "replies on their way": "SELECT count(*) FROM outbox",
    "mail waiting": "SELECT count(*) FROM mailbox WHERE not_before < now()",
    "dead events": "SELECT count(*) FROM dead_event",
    "transactions left open": "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND xact_start < now() - interval '10 s'",
}


class Row:
    """A line of the table."""

    def __init__(self, fault):
        self.fault, self.times, self.doubled_replies, self.seconds, self.ledger = fault, 0, 0, 0, None
        self.recoveries, self.full_rates = [], []  # s after each fault: somebody new served; as many events a second as before

    def text(self):
        ledger = self.ledger or Ledger()
        return (f"{self.fault:44} {self.times:5} {ledger.acknowledged:8} {len(ledger.lost):5} {len(ledger.doubled):8} {ledger.people:6} {len(ledger.stuck):6} "
                f"{self.doubled_replies:8} {self.middle_and_worst(self.recoveries)} {self.middle_and_worst(self.full_rates)} {self.seconds:6.0f}")

    @staticmethod
    def middle_and_worst(times):
        return f"{sorted(times)[len(times) // 2]:6.2f} {max(times):6.2f}" if times else "     -      -"

    HEADING = (f"{'fault':44} {'times':>5} {'events':>8} {'lost':>5} {'doubled':>8} {'people':>6} {'stuck':>6} {'replies':>8} {'served after':>13} {'full rate':>13} {'took':>6}\n"
               f"{'':44} {'':>5} {'taken':>8} {'':>5} {'':>8} {'':>6} {'':>6} {'doubled':>8} {'median':>6} {'worst':>6} {'median':>6} {'worst':>6} {'s':>6}")


class Stage:
    """One PostgreSQL and one stand-in for all scenes; each scene has bots of its own."""

    def __init__(self, build, at_once=12):
        self.build, self.at_once = build, at_once
        self.folder = scratch_folder("faults")
        self.checks, self.rows = Checks(), []
        self.world = World(self.folder, build, extra=SETTINGS, standin_extra=("--quiet",))
        self.database = self.world.postgres
        self.number = 0

    @property
    def standin(self):
        return self.world.standin

    def start(self):
        self.world.start()
        self.world.bot.stop()
        self.standin.call("POST", "/_admin/settings", {"unknown_users": "accept", "rate_limit_per_minute": 0, "log_entries": 0})
        return self

    def stop(self):
        self.world.stop()
        if self.checks.failed:
            print(f"logs are kept in {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def bot(self, name, url=None, workers=1, extra=None):
        """A bot of its own, with the key that opens the stored token."""
        self.number += 1
        folder = os.path.join(self.folder, f"{self.number}-{name}")
        os.makedirs(os.path.join(folder, "spool"), mode=0o700)
        shutil.copy(os.path.join(self.folder, "spool", "token.key"), os.path.join(folder, "spool"))
        port = free_port(0, (self.standin.port, self.world.bot_port))
        env = {**SETTINGS, "SANGKIEN_SERVER_WORKERS": str(workers), "SANGKIEN_SERVER_NODE": name.replace(" ", "-"), **(extra or {})}
        bot = Bot(self.world.bot_binary, os.path.join(self.folder, "log", f"{self.number}-{name}.log".replace(" ", "-")), folder, url or self.database.url(DATABASE), self.standin.port, port, env)
        self.standin.call("POST", "/_admin/webhook", {"url": bot.webhook})
        return bot

    def count(self, sql):
        return int(self.database.psql(DATABASE, sql).strip() or 0)

    def doubled_replies(self, prefix):
        """Sends that arrived on phones without being a reply of the transcript of their own."""
        arrived = sum(1 for m in self.standin.call("GET", "/_admin/sent?after=0&count=1&wait_ms=0")["messages"] if m["user"].startswith(prefix))
        return arrived - self.count(f"SELECT count(*) FROM message WHERE user_id LIKE '{prefix}%' AND origin = 'bot' AND zalo_msg_id IS NOT NULL")

    def at_rest(self, what, bots):
        """INV ii, vi: everything comes to its end within CALM_S."""
        end, left = time.monotonic() + CALM_S, {}
        while time.monotonic() < end:
            left = {name: n for name, sql in AT_REST.items() if (n := self.count(sql))}
            spooled = sum(bot.metric("spool_rows") or 0 for bot in bots)
            if spooled:
                left["spooled events"] = spooled
            if not left:
                break
            time.sleep(0.1)
        self.checks.that(f"{what}: within {CALM_S} s nothing is left on its way", not left, left)

    def play(self, fault, bots, happen, goals=None, at_once=None):
        """A crowd talks while `happen(row, watch)` breaks things; then all finish, and the invariants must hold."""
        row, begin = Row(fault), time.monotonic()
        prefix = f"{fault.split()[0].strip(',').lower()}{len(self.rows)}-"
        ports = [bot.port for bot in bots]
        crowd = Crowd(self.standin, ports, prefix, at_once or self.at_once).start()
        try:
            happen(row, Watch(self.standin, ports, prefix + "probe-", crowd.ledger))
        except Failure as e:
            self.checks.that(f"{fault}: the scene could be played", False, e)
        row.ledger = crowd.end()
        self.at_rest(fault, bots)
        row.doubled_replies = self.doubled_replies(prefix)
        row.seconds = time.monotonic() - begin
        self.judge(row, goals or {})
        return row

    def excuse(self, ledger):
        """Zalo answered some reply with a code that allows so many tries and no more: who waits for that one waits by the rules."""
        given_up = self.database.psql(DATABASE, "SELECT DISTINCT user_id FROM message WHERE failure ~ '^-(200|99999) '").split()
        for line in [s for s in ledger.stuck if s.split(":")[0] in given_up]:
            ledger.stuck.remove(line)
            print(f"      (given up as its code says: {line[:80]})")

    def judge(self, row, goals):
        ledger = row.ledger
        if goals.get("codes"):
            self.excuse(ledger)
        what = f"{row.fault}, {row.times} times"
        self.rows.append(row)
        self.checks.that(f"{what}: none of {ledger.acknowledged} acknowledged events is lost", not ledger.lost and ledger.acknowledged > 0, ledger.lost[:5])
        self.checks.that(f"{what}: none of {ledger.initiatives} initiatives is filed twice", not ledger.doubled, ledger.doubled[:5])
        self.checks.that(f"{what}: nobody of {ledger.people} is stuck", not ledger.stuck, ledger.stuck[:5])
        self.checks.that(f"{what}: no forged event of {ledger.forged} has an effect", not ledger.let_in, ledger.let_in[:5])
        if "doubled_replies" in goals:
            self.checks.that(f"{what}: at most {goals['doubled_replies']} replies come twice", row.doubled_replies <= goals["doubled_replies"], row.doubled_replies)
        if "recovery" in goals:
            self.checks.that(f"{what}: somebody new is served within {goals['recovery']} s", row.recoveries and max(row.recoveries) <= goals["recovery"], row.recoveries)
            self.checks.that(f"{what}: the full rate is back within {goals['recovery']} s", row.full_rates and max(row.full_rates) <= goals["recovery"], row.full_rates)
        print(f"      {ledger.people} people, {ledger.initiatives} initiatives, {ledger.copies} copies, {ledger.overtaken} overtaken, answers {ledger.statuses}", flush=True)

    def table(self):
        print("\n" + Row.HEADING)
        for row in self.rows:
            print(row.text())
        print()
