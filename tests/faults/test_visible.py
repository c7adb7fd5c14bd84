#!/usr/bin/env python3
"""What an operator sees: every number has its explanation, rules and dashboard name only what is there, readyz tells degraded from
dead.  (reliability.md E)

  test_visible.py BUILD_FOLDER"""
import json
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)

from scene import body_of, count, play, post, wait_for  # noqa: E402
from world import DATABASE, root  # noqa: E402

SAMPLE = re.compile(r"^(sangkien_\w+?)(?:\{(\w+)=\"([^\"]*)\"\})? ([\d.]+)$")

# reliability.md, section E.  What a name there became here.
WANTED = ["http_answers_total", "http_killed_total", "webhook_seconds_bucket", "loop_lag_ms", "http_connections", "http_refused_total",
          "signatures_total", "turn_duplicates_total", "event_oldest_ms", "outbox_rows", "outbox_oldest_seconds", "send_pressed", "sends_total",
          "send_paused", "send_broken", "send_share_per_minute", "token_expires_seconds", "token_generation", "database_connections", "database_busy",
          "background_depth", "database_trouble_total", "outbox_leases_expired", "dead_events", "clock_skew_ms", "resident_bytes",
          "open_files", "disk_free_bytes"]


class Page:
    """One answer of /metrics, checked for its form."""

    def __init__(self, text):
        self.values, self.heads, self.faults = {}, {}, []
        helped = None
        for line in text.splitlines():
            if m := re.match(r"# HELP (sangkien_\w+) (\S.*)$", line):
                helped = m.group(1)
            elif m := re.match(r"# TYPE (sangkien_\w+) (counter|gauge|histogram)$", line):
                if m.group(1) != helped or m.group(1) in self.heads:
                    self.faults.append(f"TYPE without its HELP, or twice: {line}")
                self.heads[m.group(1)] = m.group(2)
            elif m := SAMPLE.match(line):
                name, label, value, number = m.groups()
                family = name if name in self.heads else re.sub(r"_(bucket|sum|count)$", "", name)
                if family not in self.heads or (family != name and self.heads[family] != "histogram"):
                    self.faults.append(f"{name} has no HELP and TYPE")
                if self.heads.get(family) == "counter" and not name.endswith("_total"):
                    self.faults.append(f"the counter {name} does not end with _total")
                if (name, label, value) in self.values:
                    self.faults.append(f"{line} comes twice")
                self.values[(name, label, value)] = float(number)
            else:
                self.faults.append(f"unreadable: {line}")
        self.names = {name for name, _, _ in self.values}

    def unknown(self, text):
        """Names and label values in an expression that this page does not have."""
        for name, selector in re.findall(r"\b(sangkien_\w+)(?:\{([^}]*)\})?", text):
            if name not in self.names:
                yield name
            for label, value in re.findall(r'(\w+)="([^"]*)"', selector):
                if label != "instance" and (name, label, value) not in self.values:
                    yield f'{name}{{{label}="{value}"}}'


def every_number_is_explained(page, checks):
    checks.that("every metric has HELP and TYPE and comes once", not page.faults and len(page.values) > 100, page.faults[:5])
    missing = [n for n in WANTED if "sangkien_" + n not in page.names]
    checks.that("the list of section E is there", not missing, missing)
    personal = [v for v in page.values if v[2] and re.search(r"\d{6}|seen-", v[2])]
    checks.that("no label holds an id", not personal, personal)


def histograms_add_up(page, checks):
    buckets = [(n[2], v) for n, v in page.values.items() if n[0] == "sangkien_webhook_seconds_bucket"]
    counts = [v for _, v in buckets]
    total = page.values[("sangkien_webhook_seconds_count", None, None)]
    checks.that("the latency histogram counts each request once", counts == sorted(counts) and buckets[-1] == ("+Inf", total) and total >= 20,
                buckets)
    checks.that("and tells how long they took", 0 < page.values[("sangkien_webhook_seconds_sum", None, None)] < 2 * total)


def rules_and_dashboard_name_what_is_there(page, checks):
    with open(os.path.join(root(), "config", "alerts.yml"), encoding="utf-8") as f:
        alerts = f.read()
    expressions = re.findall(r"^        expr: (.*)$", alerts, re.M)
    checks.that("there is a rule for each alarm", len(expressions) >= 15 and len(expressions) == alerts.count("- alert: "), len(expressions))
    unknown = [u for e in expressions for u in page.unknown(e)]
    checks.that("every metric of alerts.yml is in /metrics", not unknown, unknown)
    with open(os.path.join(root(), "config", "grafana.json"), encoding="utf-8") as f:
        panels = json.load(f)["panels"]
    expressions = [t["expr"] for p in panels for t in p.get("targets", [])]
    unknown = [u for e in expressions for u in page.unknown(e)]
    checks.that("every metric of grafana.json is in /metrics", len(expressions) > 40 and not unknown, unknown)
    shown = "\n".join(expressions)
    checks.that("and every panel shows something", all(p["type"] == "row" or p["targets"] for p in panels) and "sangkien_dead_events" in shown)


def numbers_tell_what_happens(world, checks):
    bot = world.bot
    checks.that("the clocks of one machine do not differ", bot.metric("clock_skew_ms") < 500, bot.metric("clock_skew_ms"))
    checks.that("all connections are up", bot.metric("database_connected") == bot.metric("database_connections") >= 4)
    checks.that("the token's life is shown", 3600 < bot.metric("token_expires_seconds") <= 90000, bot.metric("token_expires_seconds"))
    checks.that("so are memory, files and disk", bot.metric("resident_bytes") > 1 << 20 and 5 < bot.metric("open_files") < bot.metric("open_files_most") and
                bot.metric('disk_free_bytes{folder="spool"}') > 0)


def degraded_is_not_dead(world, checks):
    bot = world.bot
    checks.that("readyz says ready", bot.get("/readyz") == (200, "ready\n"), bot.get("/readyz"))
    world.postgres.stop()
    bot.process.wait_until(lambda: bot.get("/readyz")[1].startswith("degraded: the database"), 10, "it saw that the database is away")
    checks.that("without the database it is degraded, and still takes events", bot.get("/readyz")[0] == 200)
    checks.that("the numbers tell", bot.metric("database_connected") == 0 and bot.metric('database_trouble_total{kind="lost"}') > 0,
                (bot.metric("database_connected"), bot.metric('database_trouble_total{kind="lost"}')))
    world.postgres.start()
    bot.process.wait_until(lambda: bot.get("/readyz")[1] == "ready\n", 20, "it was ready again")


def logs_are_lines_of_json(world, checks):
    bot = world.bot
    bot.stop()
    world.postgres.psql(DATABASE, "INSERT INTO dead_event (user_id, event_key, body, error) VALUES ('seen-1', '\\x01', '\\x7b7d', 'for the test')")
    bot.env["SANGKIEN_LOG_FORMAT"], bot.env["SANGKIEN_LOG_LEVEL"] = "json", "debug"
    bot.start()
    bot.process.wait_until(lambda: bot.metric("dead_events") == 1, 20, "a dead event was seen")
    world.postgres.psql(DATABASE, "DELETE FROM dead_event")
    post(bot.port, body_of("seen-2", "json-1", 'một "câu"\nhai dòng'))
    wait_for(world, "SELECT count(*) FROM outbox WHERE user_id = 'seen-2'", 0)
    lines, bad = bot.process.log_tail(100000).splitlines(), []
    for line in lines:
        try:
            row = json.loads(line)
            if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", row["time"]) or row["level"] not in ("debug", "info", "warn", "error"):
                bad.append(line)
        except (ValueError, KeyError):
            bad.append(line)
    checks.that("every log line is an object with time, level and event", len(lines) >= 2 and not bad, bad[:3])


def one_person_floods(world, checks):
    """S10: 60 messages in a few seconds."""
    bot = world.bot
    bot.stop()
    bot.env["SANGKIEN_CHAT_PER_MINUTE"] = "20"
    bot.start()
    statuses = [post(bot.port, body_of("seen-3", f"flood-{n}", f"trợ giúp {n}")) for n in range(60)]
    checks.that("a flood is taken", statuses == [200] * 60, statuses)
    kept = "SELECT count(*) FROM message WHERE user_id = 'seen-3' AND origin = 'person' AND zalo_msg_id LIKE 'flood-%'"
    checks.that("every message of it is kept", wait_for(world, kept, 60, 20) == 60)
    wait_for(world, "SELECT count(*) FROM outbox WHERE user_id = 'seen-3'", 0, 30)
    sent = [m["text"] for m in world.standin.sent("seen-3", 0, 100, 1000)]
    checks.that("it gets one notice", sum("hơi nhanh" in text for text in sent) == 1, sent[-3:])
    checks.that("and silence after it", len(sent) <= 1 + 21 and "hơi nhanh" in sent[-1], (len(sent), sent[-2:]))


def told(world, user, part, seconds=30):
    """Whether the bot sends that person a text with `part` in it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if any(part in (m["text"] or "") for m in world.standin.sent(user, 0, 500, 1000)):
            return True
    return False


def organizers_hear(world, checks):
    """Silence in working hours, a package that ends, an OA that is not verified: in chat, in the log, as a number."""
    bot = world.bot
    bot.stop()
    world.postgres.psql(DATABASE, "INSERT INTO role_grant (user_id, role, granted_by) VALUES ('seen-4', 'organizer', 'test');"
                                  "INSERT INTO role_grant (user_id, role, granted_by, revoked_at) VALUES ('seen-5', 'organizer', 'test', now());"
                                  "UPDATE operator_mark SET at = now() - interval '4 hours'; UPDATE oa_token SET needs_consent = true")
    bot.env.update({"SANGKIEN_WATCH_SILENCE_MS": "3s", "SANGKIEN_HOURS_STAFF": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": ""})
    world.standin.call("POST", "/_admin/settings", {"verified": False, "package_valid_through": time.strftime("%d/%m/%Y", time.gmtime(time.time() + 5 * 86400))})
    bot.start()
    checks.that("no webhook in working hours: an organizer hears of it in chat", told(world, "seen-4", "không nhận được tin nào từ Zalo"), bot.process.log_tail(8))
    checks.that("a number says so", bot.metric("webhook_silent") == 1)
    checks.that("and the log", "no webhook has come for" in bot.process.log_tail(200))
    checks.that("a package that ends in days is told", told(world, "seen-4", "gói dịch vụ của tài khoản Zalo hết hạn"))
    checks.that("and counted", 3 <= bot.metric("oa_package_days") <= 6, bot.metric("oa_package_days"))
    checks.that("an OA that is not verified is told", told(world, "seen-4", "chưa được xác thực") and bot.metric("oa_unverified") == 1)
    checks.that("a token that needs consent is told while messages still go out", told(world, "seen-4", "quyền gửi tin"))
    checks.that("readyz and the number say so", bot.get("/readyz")[1].startswith("degraded") and bot.metric("token_degraded") == 1, bot.get("/readyz"))
    checks.that("who is no organizer any more hears nothing", not told(world, "seen-5", "ban tổ chức", 1))
    post(bot.port, body_of("seen-6", "heard-again", "xin chào"))
    bot.process.wait_until(lambda: bot.metric("webhook_silent") == 0, 20, "the silence was over")
    bot.process.wait_until(lambda: bot.metric("webhook_silent") == 1, 20, "it was silent again")
    first = [m["text"] for m in world.standin.sent("seen-4", 0, 100, 1000)]
    checks.that("none of it is told twice in a row", sum("không nhận được tin nào" in m for m in first) == 1, first)


def scenes(world, checks):
    for n in range(20):
        post(world.bot_port, body_of(f"seen-{n}", f"seen-{n}", "xin chào"))
    checks.that("the load took effect", wait_for(world, "SELECT count(*) FROM message WHERE user_id LIKE 'seen-%' AND origin = 'person'", 20) == 20,
                count(world, "SELECT count(*) FROM message"))
    page = Page(world.bot.get("/metrics")[1])
    every_number_is_explained(page, checks)
    histograms_add_up(page, checks)
    rules_and_dashboard_name_what_is_there(page, checks)
    begin = time.monotonic()
    numbers_tell_what_happens(world, checks)
    degraded_is_not_dead(world, checks)
    logs_are_lines_of_json(world, checks)
    one_person_floods(world, checks)
    organizers_hear(world, checks)
    print(f"      ({time.monotonic() - begin:.1f} s)")


if __name__ == "__main__":
    sys.exit(play("visible", sys.argv[1], (("seen-", 20),), scenes))
