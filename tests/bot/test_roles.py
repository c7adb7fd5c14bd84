#!/usr/bin/env python3
"""The role matrix on the real binary: every staff command by everybody who must not use it, or not on somebody of another subtree.

  test_roles.py BUILD_FOLDER

The commands are read from the table in handlers/staff.c, so a new one is in the matrix by itself.  Each is typed, tapped with a forged
payload and tapped again, with and without the number of a ticket, an initiative and a draft of a worker whose unit is none of theirs.
After each attempt the worker's rows, the rows that belong to nobody and the record of privileged acts must be what they were, and
what the outsider is told must be what he is told of a command that does not exist."""
import os
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "faults"))

from postgres import Session  # noqa: E402
from process import Failure  # noqa: E402
from scene import Checks, body_of, post  # noqa: E402
from world import DATABASE, World, root  # noqa: E402

VICTIM = "710000000000000001"
TREE = """INSERT INTO union_unit (id, code, name, name_key, parent_id, level) VALUES
  (9001, 'ZA', 'Cụm A', 'cum a', 1, 2), (9002, 'ZB', 'Cụm B', 'cum b', 1, 2), (9003, 'ZA1', 'Xưởng A1', 'xuong a1', 9001, 3),
  (9004, 'ZB1', 'Xưởng B1', 'xuong b1', 9002, 3)"""
# What only grows by itself, or belongs to a person who acts in this test.
OWN = {"message", "event", "outbox", "conversation", "person", "mailbox", "audit", "echo", "schema_migration", "oa_token", "invite", "erasure",
       "similar_posting", "union_unit", "unit_alias", "catch_up", "send_pace", "send_process", "job",
       "nudge_sweep", "operator_mark", "standing", "standing_amount", "standing_dirty",
       "standing_own", "standing_state", "standing_wave"}


class Row:
    def __init__(self, words, action, roles):
        self.words, self.action, self.roles = words, action, roles


def staff_rows():
    """The rows of staff_commands[] in handlers/staff.c."""
    with open(os.path.join(root(), "handlers", "staff.c"), encoding="utf-8") as f:
        table = re.search(r"staff_commands\[\] = \{\n(.*?)\n\};", f.read(), re.S).group(1)
    rows = []
    for m in re.finditer(r"\{\{([^{}]*)\},\s*[\w| ]+,\s*\{\"(\w+)\",\s*(?:true|false),\s*\w+,\s*([A-Z_| ]+)\}", table):
        words = re.findall(r'"([^"]*)"', m.group(1))
        roles = {r.strip().removeprefix("ROLE_").lower() for r in m.group(3).split("|")}
        rows.append(Row(words, m.group(2), {"support", "reviewer", "unit_admin", "organizer"} if "any" in roles else roles))
    if len(rows) != len(re.findall(r"^\s*\{\{", table, re.M)):
        raise Failure(f"{len(rows)} rows of staff_commands[] were understood, there are more")
    return rows


class Matrix:
    def __init__(self, world, checks):
        self.world, self.checks, self.number = world, checks, 0
        self.session = Session(world.postgres, DATABASE)
        self.query = self.session.query
        self.attempts = 0
        self.last, self.told = {}, {}  # newest reply of each; what a worker is told

    def says(self, user, text, fresh=False, settled=False):
        """One event and what was answered to it: the reply is written with the state, so it is there when the webhook answers; what a
        job has to say comes later (`settled`).  `fresh`: said in the menu, with no sentence before that the answer could repeat."""
        self.number += 1
        self.attempts += fresh
        if fresh:
            self.query(f"UPDATE conversation SET state = 'menu', draft = (draft::jsonb - 'last_hash' - 'shown' - 'aside' - 'last_tap' - 'misses')"
                       f" WHERE user_id = '{user}'")
        if post(self.world.bot_port, body_of(user, f"r{self.number}", text)) != 200:
            raise Failure(f"{text} was not answered with 200")
        if settled:
            self.settle()
        new = f"user_id = '{user}' AND id > {self.last.get(user, 0)}"
        rows = self.query(f"SELECT max(id), string_agg(t, E'\\n' ORDER BY id) FROM (SELECT id, text AS t FROM outbox WHERE {new}"
                          f" UNION SELECT id, text FROM message WHERE {new} AND origin <> 'person') x").strip().split("|", 1)
        if rows[0]:
            self.last[user] = int(rows[0])
        return rows[1]

    def about(self):
        """Everything that nobody here may touch."""
        tables = [r.split("|")[0] for r in self.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY 1").strip().split("\n")]
        with_user = set(self.query("SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public' AND column_name = 'user_id'"
                                   ).strip().split("\n"))
        parts = []
        for t in tables:
            if t in with_user:
                parts.append(f"SELECT '{t}' AS t, md5(string_agg(x::text, ',' ORDER BY x::text)) AS h FROM {t} x WHERE user_id = '{VICTIM}'")
            elif t not in OWN:
                parts.append(f"SELECT '{t}', md5(string_agg(x::text, ',' ORDER BY x::text)) FROM {t} x")
        return " UNION ALL ".join(parts)

    def snapshot(self):
        return self.query(f"SELECT string_agg(t || ' ' || coalesce(h, '-'), E'\\n' ORDER BY t) FROM ({self.snapshots}) s")

    def changed(self, before):
        was, now = before.strip().split("\n"), self.snapshot().strip().split("\n")
        return "changed: " + ", ".join(b.split(" ")[0] for b, a in zip(was, now) if a != b)

    def prepare(self):
        self.query(TREE + "; SELECT setval('ticket_number', 7653) IS NULL")
        v = VICTIM
        self.says(v, "xin chào")
        self.query(f"UPDATE person SET full_name = 'Nguyễn Thị Hoa', name_key = 'nguyen thi hoa', unit_id = 9003, consent_at = now() WHERE user_id = '{v}'")
        for text in ("gặp cán bộ", "hồ sơ của em gửi đến đâu rồi ạ", "menu", "đăng ký", "Đồ gá kẹp bo mạch khi hàn tay"):
            self.says(v, text)
        self.query(f"INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, unit_id, submitted_at, similar_at)"
                   f" VALUES ('{v}', 4711, 'SK-VVVVVV', 'Giá treo dây hàn', 'Dây hàn treo lên giá, không vướng chân ai nữa.', 5000000, 'money', 9003, now(), 'infinity')")
        self.query(f"INSERT INTO draft (user_id, id, body) VALUES ('{v}', 4712, '{{\"id\":\"4712\",\"title\":\"Bản nháp khác\",\"entered_by\":\"x\"}}')")
        self.ticket = self.query(f"SELECT number FROM ticket WHERE user_id = '{v}'").strip()
        if not self.ticket:
            raise Failure("the worker has no ticket")
        self.settle()
        self.snapshots = self.about()

    def settle(self):
        """Until the victim's replies are sent and mail is delivered."""
        end = time.monotonic() + 30
        while self.query("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM mailbox WHERE not_before <= clock_timestamp()) +"
                         " (SELECT count(*) FROM job)").strip() != "0":
            if time.monotonic() > end:
                raise Failure("replies or mail are still waiting")
            time.sleep(0.02)

    def join(self, user, role, unit=None):
        self.says(user, "xin chào")
        if role:
            code = self.world.bot.command("invite", role, *(["--unit", unit] if unit else [])).strip()
            self.says(user, "/join " + code)
        self.query(f"UPDATE person SET full_name = 'Lê Văn Minh', unit_id = 9004, consent_at = now() WHERE user_id = '{user}'")

    def forms(self, row, reach):
        """`reach`: with whatever leads to somebody.  (what is sent, the same for a command there is not or as anybody says it, the same about nobody)."""
        for mine, none in (("", ""), ("." + self.ticket, ".99999"), (".4711", ".8811"), (".4712", ".8812"), (".9001", ".8801"))[:None if reach else 2]:
            yield f"#b1:*:{row.action}{mine}", f"#b1:*:no_such_command{mine}", f"#b1:*:{row.action}{none}"
        about = [("", ""), (f" #{self.ticket} tin này không được tới", " #99999 tin này không được tới"), (" SK-VVVVVV", " SK-WWWWWW"), (" " + VICTIM, " 710000000000000999")][:None if reach else 2]
        for w in row.words:
            typed = [(f"#{self.ticket}{mine}", f"#99999{mine}") for mine in ("", " tin này không được tới")] if w == "#" else \
                [(f"/{w}{mine}", f"/{w}{none}") for mine, none in about] + ([(w, w)] if w else [])
            for mine, none in typed:
                yield mine, mine, none

    def attempt(self, user, sent):
        """Done, and done again: a tap twice within ten seconds is one finger, so the second is not the same tap."""
        return [self.says(user, sent, fresh=True) for _ in range(2 if sent.startswith("#b") else 1)]

    def as_a_worker(self, sent):
        if sent not in self.told:
            self.told[sent] = self.attempt(self.worker, sent)
        return self.told[sent]

    def outsider(self, who, user, row):
        """For whom the command does not exist."""
        bad = []
        before = self.snapshot()
        for sent, unknown, _ in self.forms(row, False):
            told, like = self.attempt(user, sent), self.as_a_worker(unknown)
            if told != like:
                bad.append(f"{sent!r} is told {told!r}, a worker {like!r}")
        if self.snapshot() != before:
            bad.append(self.changed(before))
        acts = self.query(f"SELECT string_agg(DISTINCT action, ' ') FROM audit WHERE user_id IN ('{user}', '{self.worker}') AND action = '{row.action}'").strip()
        if acts:
            bad.append("recorded: " + acts)
        self.checks.that(f"{row.action}: {who} finds no such command", not bad, "; ".join(bad[:3]))

    def plain(self, told):
        """Without the time, and whatever was quoted of what was asked."""
        for word, other in ((self.ticket, "99999"), ("SK-VVVVVV", "SK-WWWWWW"), (VICTIM, "710000000000000999")):
            told = told.replace(word, other)
        return re.sub(r"\d+:\d\d", "", told)

    def neighbour(self, who, user, row):
        """Who holds the role, but in another subtree: the worker there is as one who does not exist."""
        bad = []
        before = self.snapshot()
        for sent, _, nobody in self.forms(row, True):
            told = self.says(user, sent, fresh=True, settled=True)
            like = told if nobody == sent else self.says(user, nobody, fresh=True, settled=True)
            if self.plain(told) != self.plain(like):
                bad.append(f"{sent!r} is told {told!r}, {nobody!r} {like!r}")
        self.settle()
        if self.snapshot() != before:
            bad.append(self.changed(before))
        self.checks.that(f"{row.action}: {who} reaches nobody of another", not bad, "; ".join(bad[:3]))

    def run(self):
        rows = staff_rows()
        self.prepare()
        people = {"a revoked supporter": "710000000000000003", "a revoked organizer": "710000000000000004"}
        self.worker = "710000000000000002"
        self.join(self.worker, None)
        for who, user in people.items():
            self.join(user, who.split()[-1].replace("supporter", "support"))
            self.world.bot.command("role", "revoke", user)
        roles = {"support": "710000000000000005", "reviewer": "710000000000000006", "unit_admin": "710000000000000007"}
        for role, user in roles.items():
            self.join(user, role, "ZB")
        organizer = "710000000000000008"
        self.join(organizer, "organizer")
        self.settle()
        for row in rows:
            for who, user in people.items():
                self.outsider(who, user, row)
            for role, user in list(roles.items()) + [("organizer", organizer)]:
                if role not in row.roles:
                    self.outsider(f"a {role}", user, row)
        for row in rows:
            for role, user in roles.items():
                if role in row.roles:
                    self.neighbour(f"a {role} of a unit", user, row)
        print(f"{self.attempts} attempts on {len(rows)} commands")


def main(build):
    folder = tempfile.mkdtemp(prefix="sangkien-roles-", dir="/var/tmp")
    os.chmod(folder, 0o711)
    checks = Checks()
    world = World(folder, os.path.abspath(build), fast=True)
    try:
        world.start()
        Matrix(world, checks).run()
    finally:
        world.stop()
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed or not checks.passed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1]))
    except (Failure, OSError) as e:
        print(f"FAIL  test_roles.py: {e}\n0 passed, 1 failed")
        sys.exit(1)
