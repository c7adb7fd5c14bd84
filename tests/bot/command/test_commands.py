#!/usr/bin/env python3
"""Runs `sangkien check`, `token` and `export` against a private PostgreSQL and the stand-in for Zalo.

  test_commands.py PATH/TO/sangkien PATH/TO/zalo-standin [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import contextlib
import csv
import http.client
import io
import os
import pty
import re
import select
import sqlite3
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

from command_rig import EX_CANTCREAT, EX_CONFIG, EX_DATAERR, EX_NOPERM, EX_OK, EX_UNAVAILABLE, EX_USAGE, ZaloCommandRig, matches, play  # noqa: E402
from process import Failure  # noqa: E402
from standin import SECRETS  # noqa: E402

PAIR = SECRETS["access_token"] + "\n" + SECRETS["refresh_token"] + "\n"
CALLBACK = "https://bot.example.vn/zalo"


# ---- the command line ----

def test_each_command_says_how_it_is_called_also_with_broken_settings(w):
    names = re.findall(r"^  ([a-z][a-z-]+) +\S", w.run("help")[0], re.M)
    if len(names) < 16 or "serve" not in names:
        raise Failure(f"the commands are {names}")
    for name in names:
        for call in (("help", name), (name, "--help"), (name, "-h")):
            out, errors = w.run(*call, SERVER_LISTEN="no address")
            if not out.startswith("usage: sangkien " + name) or errors:
                raise Failure(f"{call}: {out}{errors}")
        if w.run(name, "--version") != w.run("--version"):
            raise Failure(f"{name} has a version of its own")
    matches(w.run("help", "nonsense", expect=EX_USAGE)[1], "there is no command nonsense")
    matches(w.run("role", "list", expect=EX_CONFIG, SERVER_LISTEN="no address")[1], "SANGKIEN_SERVER_LISTEN is .no address")


# ---- token ----

def test_a_pasted_pair_is_stored_and_shown_without_the_tokens(w):
    out, _ = w.run("token", "set", stdin=PAIR)
    matches(out, "stored as generation 1", "Zalo accepts it", "sangkien check")
    out, _ = w.run("token", "show")
    matches(out, r"^generation +1$", r"^opens +yes$", r"^needs consent +no$")
    if "stand-in" in w.sql("SELECT encode(access_token, 'escape') || encode(refresh_token, 'escape') FROM oa_token"):
        raise Failure("the tokens are stored as they are")
    out, _ = w.run("token", "set", stdin=f"refresh_token={SECRETS['refresh_token']}\naccess_token={SECRETS['access_token']}\nexpires_in=3600\n")
    matches(out, "generation 2")
    matches(w.sql("SELECT expires_at - now() < interval '61 min' FROM oa_token"), "t")


def test_what_is_no_pair_changes_nothing(w):
    for text in ("", "one line\n", "a\nb\nc\n", "access_token=x\n", '{"error":-14005,"error_name":"x"}'):
        w.run("token", "set", stdin=text, expect=EX_DATAERR)
    w.run("token", "set", stdin=PAIR, expect=EX_CONFIG, ZALO_APP_SECRET="")
    w.run("token", "set", stdin=PAIR, expect=EX_UNAVAILABLE, DATABASE_URL="host=/nonexistent dbname=x")
    w.run("token", expect=EX_USAGE)
    w.run("token", "show", expect=EX_UNAVAILABLE)
    matches(w.sql("SELECT count(*) FROM oa_token"), "^0$")


def test_a_token_zalo_does_not_know_is_stored_with_a_warning(w):
    _, err = w.run("token", "set", stdin="typed-wrong\n" + SECRETS["refresh_token"])
    matches(err, "warning: Zalo does not accept")


def grant(w, link):
    """Agrees on the consent page of the stand-in. @return where the browser is sent."""
    parts = urllib.parse.urlsplit(link)
    conn = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    conn.request("GET", parts.path + "?" + parts.query)
    page = conn.getresponse()
    body = page.read().decode()
    if page.status != 200 or "/v4/oa/permission/grant" not in body:
        raise Failure(f"no consent page: {page.status} {body}")
    conn.request("GET", parts.path + "/grant?" + parts.query)
    answer = conn.getresponse()
    answer.read()
    return answer.getheader("Location")


class Terminal:
    """The command as a person sees it."""

    def __init__(self, w, *args):
        self.master, slave = pty.openpty()
        self.child = subprocess.Popen([w.binary, *args], stdin=slave, stdout=slave, stderr=slave, env=dict(os.environ, **w.bot.env))
        os.close(slave)
        self.text = ""

    def read_until(self, pattern):
        deadline = time.monotonic() + 30
        while not (m := re.search(pattern, self.text)):
            if time.monotonic() > deadline or not select.select([self.master], [], [], 30)[0]:
                raise Failure(f"\"{pattern}\" did not come: {self.text}")
            try:
                self.text += os.read(self.master, 65536).decode().replace("\r\n", "\n")
            except OSError as e:
                raise Failure(f"ended before \"{pattern}\": {self.text}") from e
        return m

    def type(self, line):
        os.write(self.master, line.encode() + b"\n")

    def end(self):
        try:
            while chunk := os.read(self.master, 65536):
                self.text += chunk.decode()
        except OSError:
            pass  # the other end is closed
        os.close(self.master)
        return self.child.wait(30)


def test_a_person_consents_in_a_browser_and_pastes_the_address(w):
    t = Terminal(w, "token", "set", "--redirect-uri", CALLBACK)
    link = t.read_until(r"(http\S+/v4/oa/permission\S+)[\s\S]*Paste[\s\S]*> ").group(1)
    matches(link, "code_challenge=[\\w-]{43}(&|$)", "state=\\w+")
    t.type(grant(w, link))
    t.read_until("stored as generation 1")
    if t.end() != EX_OK:
        raise Failure(t.text)
    matches(w.run("check")[0], "^ok    Zalo: it accepts the token")
    issued = w.standin.call("GET", "/_admin/token")
    if issued["access_token"] == SECRETS["access_token"] or issued["access_token"] in t.text:
        raise Failure("the code brought no new token, or it was shown")


def test_a_code_of_another_link_or_used_twice_is_refused(w):
    t = Terminal(w, "token", "set")
    t.read_until("callback address[\\s\\S]*> ")
    t.type(CALLBACK)
    link = t.read_until(r"(http\S+/v4/oa/permission\S+)[\s\S]*Paste[\s\S]*> ").group(1)
    t.type(re.sub("state=\\w+", "state=other", grant(w, link)))
    if t.end() != EX_DATAERR:
        raise Failure(t.text)
    link = re.sub("&code_challenge=[\\w-]+", "", link)
    code = re.search("code=([^&]+)", grant(w, link)).group(1)
    w.run("token", "set", stdin=f"code={code}\n")
    _, err = w.run("token", "set", stdin=f"code={code}\n", expect=EX_NOPERM)
    matches(err, "-14005")


# ---- check ----

def test_check_is_content_with_a_healthy_installation(w):
    w.run("token", "set", stdin=PAIR)
    out, _ = w.run("check")
    for what in ("settings", "webhook", "texts", "spool", "evidence", "token key", "database", "pg_trgm", "clock", "token", "Zalo"):
        matches(out, f"^(ok   |warn ) {what}: ")
    if "FAIL" in out:
        raise Failure(out)


def test_check_says_what_is_wrong_and_how_to_mend_it(w):
    w.run("token", "set", stdin=PAIR)
    out, _ = w.run("check", expect=EX_CONFIG, ZALO_APP_ID="")
    matches(out, r"^FAIL  settings: zalo\.app_id is not set; copy it")
    out, _ = w.run("check", ZALO_OA_SECRET_KEY="")
    matches(out, "^warn  webhook: no OA secret key")
    out, _ = w.run("check", expect=EX_UNAVAILABLE, DATABASE_URL="host=/nonexistent dbname=x")
    matches(out, "^FAIL  database: cannot reach the database: .*; look whether PostgreSQL runs")
    out, _ = w.run("check", expect=EX_CANTCREAT, EVIDENCE_PATH="/nonexistent/evidence")
    matches(out, "^FAIL  evidence: cannot write to /nonexistent/evidence: .*; make it, .*; before the first start nothing is missing")
    out, _ = w.run("check", expect=EX_CONFIG, ZALO_TOKEN_KEY="00" * 32)
    matches(out, "^FAIL  token: .* do not open with this node's key; set zalo.token_key")
    out, _ = w.run("check", expect=EX_CONFIG, ZALO_OA_ID="99", ZALO_REFRESH_TOKEN="")
    matches(out, "^FAIL  token: none stored")
    out, _ = w.run("check", ZALO_API_URL="http://127.0.0.1:9")
    matches(out, "^warn  Zalo: no usable answer")
    w.run("check", "--fast", expect=EX_USAGE)


def test_check_tells_a_dead_token_from_an_old_one(w):
    w.run("token", "set", stdin=PAIR)
    w.standin.call("POST", "/_admin/token", {"revoke_access": True})
    out, _ = w.run("check", expect=EX_NOPERM)
    matches(out, "^FAIL  Zalo: it refuses the access token: .*sangkien token set")
    w.sql("UPDATE oa_token SET expires_at = now() - interval '1 h'")
    out, _ = w.run("check")
    matches(out, "^warn  token: generation 1 expired 60 min ago")
    w.sql("UPDATE oa_token SET needs_consent = true")
    out, _ = w.run("check", expect=EX_NOPERM)
    matches(out, "^FAIL  token: Zalo called the refresh token invalid; run `sangkien token set`")


def test_check_needs_an_up_to_date_schema(w):
    w.sql("DELETE FROM schema_migration WHERE number = (SELECT max(number) FROM schema_migration)")
    out, _ = w.run("check", expect=EX_UNAVAILABLE)
    matches(out, "^FAIL  database: .*sangkien migrate")


# ---- export ----

def test_tickets_are_exported_as_a_safe_table_in_pages(w):
    w.sql("""INSERT INTO person (user_id, full_name, phone, unit_text) VALUES ('u1', '=HYPERLINK("http://evil")', '0912345678', 'Tổ "A"');
             INSERT INTO ticket (user_id, id, topic, question) SELECT 'u1', g, 'human', 'Câu hỏi ' || g FROM generate_series(1, 1203) g;
             INSERT INTO ticket_message (user_id, id, ticket_id, direction, text) VALUES ('u1', 1, 1, 'in', E'-1\n- hai');""")
    out, _ = w.run("export", "tickets")
    if not out.startswith("\ufeff"):
        raise Failure("no byte-order mark")
    rows = list(csv.reader(io.StringIO(out[1:], newline="")))
    if len(rows) != 1204 or any(len(r) != len(rows[0]) for r in rows):
        raise Failure(f"{len(rows)} rows")
    if sorted(int(r[0]) for r in rows[1:]) != list(range(1, 1204)):
        raise Failure("tickets are missing or there twice")
    first = next(r for r in rows if "Câu hỏi 1" in r)
    for cell in ("'=HYPERLINK(\"http://evil\")", "0912 345 678", 'Tổ "A"'):
        if cell not in first:
            raise Failure(f"{cell!r} is missing in {first}")
    talk = first[rows[0].index("Trao đổi")]
    matches(talk, r"^\d\d/\d\d \d\d:\d\d < -1\n- hai$")


def test_an_empty_table_has_its_header(w):
    out, _ = w.run("export", "tickets", "--format", "csv")
    if len(list(csv.reader(io.StringIO(out[1:], newline="")))) != 1:
        raise Failure(out)


# ---- dead ----

def test_dead_events_are_listed_and_dropped(w):
    _, err = w.run("dead", "list")
    matches(err, "no dead events")
    w.sql("INSERT INTO dead_event (user_id, event_key, body, error) SELECT 'u' || n % 7, decode(md5(n::text), 'hex'), '{\"secret\": 1}', "
          "E'why\\tit\\nfailed ' || n FROM generate_series(1, 1234) n")
    out, _ = w.run("dead", "list")
    lines = out.splitlines()
    if len(lines) != 1234 or len(set(lines)) != 1234 or any(len(line.split("\t")) != 4 for line in lines) or "secret" in out:
        raise Failure(f"{len(lines)} lines: {out[:300]}")
    out, _ = w.run("check")
    matches(out, r"^warn  dead events: 1234 events could not be processed; `sangkien dead list`")
    key = lines[700].split("\t")[0]
    out, _ = w.run("dead", "drop", key)
    matches(out, "^1 dropped$")
    _, err = w.run("dead", "drop", key, expect=EX_DATAERR)
    matches(err, "there is no dead event", "dead list")
    out, _ = w.run("dead", "retry", "--all")
    matches(out, "^1233 given back")
    matches(w.sql("SELECT count(*), count(DISTINCT id), min(kind) FROM mailbox"), r"^1233\|1233\|dead_event$")
    matches(w.run("dead", "drop", "--all")[0], "^0 dropped$")


def test_dead_says_what_it_wants(w):
    matches(w.run("dead", "--help")[0], "retry KEY", "first column")
    for args in ((), ("bury",), ("retry",), ("drop",), ("list", "x")):
        matches(w.run("dead", *args, expect=EX_USAGE)[1], "usage: sangkien dead")
    for key in ("u1", "u1/abc", "/" + "0" * 32, "u1/" + "g" * 32):
        matches(w.run("dead", "drop", key, expect=EX_USAGE)[1], "is no key")
    w.run("dead", "list", expect=EX_UNAVAILABLE, DATABASE_URL="host=/nonexistent dbname=x")


# ---- roles ----

def test_an_invitation_is_stored_hashed_and_recorded(w):
    w.sql("INSERT INTO union_unit (id, code, name, level) VALUES (30, 'K', 'Khu công nghiệp', 2)")
    out, err = w.run("invite", "unit_admin", "--unit", "K")
    code = out.strip()
    matches(out, r"^[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}-[2-9A-HJKMNP-TV-Z]{4}$")
    matches(err, "unit_admin of Khu công nghiệp, once, until 20", "/join " + code)
    matches(w.sql("SELECT role, unit_id, expires_at BETWEEN now() + interval '23 h' AND now() + interval '25 h' FROM invite"
              f" WHERE code_hash = sha256(convert_to(replace('{code}', '-', ''), 'UTF8'))"), r"^unit_admin\|30\|t$")
    matches(w.sql("SELECT user_id, action, detail ->> 'role' FROM audit"), r"^cli:\w+\|invite\|unit_admin$")
    if code.replace("-", "") in w.sql("SELECT * FROM invite, audit").upper():
        raise Failure("the code can be read in the database")
    if len({w.run("invite", "support")[0] for _ in range(5)}) != 5:
        raise Failure("a code came twice")


def test_invite_says_what_it_wants(w):
    matches(w.run("invite", "--help")[0], "24 hours", "needs one")
    for args in ((), ("boss",), ("support", "reviewer"), ("support", "--unit"), ("support", "-x")):
        matches(w.run("invite", *args, expect=EX_USAGE)[1], "usage: sangkien invite")
    matches(w.run("invite", "unit_admin", expect=EX_USAGE)[1], "needs a unit")
    matches(w.run("invite", "unit_admin", "--unit", "none", expect=EX_DATAERR)[1], "there is no unit with the code none")
    matches(w.sql("SELECT (SELECT count(*) FROM invite), (SELECT count(*) FROM audit)"), r"^0\|0$")
    w.run("invite", "support", expect=EX_UNAVAILABLE, DATABASE_URL="host=/nonexistent dbname=x")


def test_roles_are_listed_in_pages_and_end_when_revoked(w):
    matches(w.run("role", "list")[1], "nobody holds a role")
    w.sql("""INSERT INTO union_unit (id, code, name, level) VALUES (30, 'K', 'Khu công nghiệp', 2);
             INSERT INTO person (user_id, full_name) VALUES ('u1', 'Nguyễn Thị Hoa');
             INSERT INTO role_grant (user_id, role, unit_id, granted_by) VALUES ('u1', 'support', 0, 'cli:x'), ('u1', 'support', 30, 'cli:x'), ('u1', 'organizer', 0, 'cli:x');
             INSERT INTO role_grant (user_id, role, granted_by) SELECT 'v' || n, 'reviewer', 'cli:x' FROM generate_series(1, 450) n""")
    lines = w.run("role", "list")[0].splitlines()
    if len(lines) != 453 or len(set(lines)) != 453 or any(len(line.split("\t")) != 6 for line in lines):
        raise Failure(f"{len(lines)} lines: {lines[:5]}")
    matches("\n".join(lines), r"^u1\tsupport\tK\tNguyễn Thị Hoa\t20\d\d-")
    matches(w.run("role", "revoke", "u1", "support", "--unit", "K")[0], "^1 ended$")
    matches(w.run("role", "revoke", "u1", "support", "--unit", "K", expect=EX_DATAERR)[1], "u1 holds no such role")
    matches(w.run("role", "revoke", "u1")[0], "^2 ended$")
    matches(w.sql("SELECT count(*) FROM role_grant WHERE user_id = 'u1' AND revoked_at IS NULL"), "^0$")
    log = w.run("role", "log", "u1")[0].splitlines()
    if len(log) != 2 or any("\trevoke\tu1\t" not in line for line in log):
        raise Failure(log)
    matches(log[0], '"role": "organizer"')
    for args in ((), ("grant",), ("revoke",), ("list", "x"), ("revoke", "u1", "boss")):
        matches(w.run("role", *args, expect=EX_USAGE)[1], "usage: sangkien role")


# ---- the spool ----

def test_check_sees_what_waits_in_the_spool(w):
    spool = w.bot.env["SANGKIEN_SPOOL_PATH"]
    matches(w.run("check")[0], r"^ok    spool: 0 events wait")
    with contextlib.closing(sqlite3.connect(os.path.join(spool, "spool-3.db"))) as db:
        db.execute("CREATE TABLE event (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER)")
        db.execute("INSERT INTO event (at) VALUES (?)", ((time.time() - 600) * 1000,))
        db.commit()
    matches(w.run("check")[0], r"^warn  spool: 1 events wait in a spool that no process has open, the oldest for 10 min; start the service")
    for name in ("spool-4.db", "torn-17-spool-0.db"):
        with open(os.path.join(spool, name), "w", encoding="ascii") as f:
            f.write("this is no database at all, whatever its name may say" * 100)
    matches(w.run("check")[0], r"^warn  spool: 1 files cannot be read; restart", r"^warn  spool: 1 files were found torn")


if __name__ == "__main__":
    sys.exit(play(ZaloCommandRig, globals(), sys.argv, __doc__))
