"""The rows about sending: replies that wait in the outbox, and a broadcast, to the stand-in, against a bare curl-multi loop."""
import json
import os
import subprocess
import time

from process import Failure
from stage import LIMIT_TEXTS, memory_mb, wait_s
from standin import SECRETS

DRAIN_MOST_S = 120


def capture_body(stage, bot):
    """A request as the bot sends it: the reply every message of this row is."""
    stage.standin.call("POST", "/_admin/settings", {"log_entries": 10})
    stage.sql("drained", fill_sql(1, 1))
    bot.process.wait_until(lambda: len(sends(stage)) > 0, 20, "it sent the first reply")
    body = sends(stage)[0]["body"]
    stage.standin.call("POST", "/_admin/settings", {"log_entries": 0})
    path = os.path.join(stage.folder, "reply.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":")))
    return path


def sends(stage):
    log = stage.standin.call("GET", "/_admin/log?path=/v3.0/oa/message/cs")
    return log if isinstance(log, list) else log.get("entries") or log.get("log") or log.get("requests") or []


def fill_sql(count, first):
    """That many replies to as many people, due at once."""
    reply, buttons = (LIMIT_TEXTS[k].replace("'", "''") for k in ("reply", "buttons"))
    return (f"INSERT INTO outbox (user_id, id, text, buttons, due_at, expires_at) SELECT '7' || lpad(n::text, 17, '0'), {first} + n, "
            f"'{reply}', '{buttons}', now(), now() + interval '1 day' FROM generate_series(0, {count} - 1) n")


def sent_so_far(stage):
    return stage.standin.call("GET", "/_admin/stats")["sends"]


def drain(stage, bot, count, first):
    """@return (messages a second from the first to the last, WAL bytes for each)."""
    before = sent_so_far(stage)
    stage.sql("drained", fill_sql(count, first))
    wal = stage.wal()[1]
    deadline = time.monotonic() + DRAIN_MOST_S
    began = from_count = None
    while True:
        now, sent = time.monotonic(), sent_so_far(stage) - before
        if sent and began is None:
            began, from_count = now, sent
        if sent >= count:
            break
        if now > deadline:
            raise Failure(f"only {sent} of {count} replies were sent in {DRAIN_MOST_S} s:\n{bot.process.log_tail(10)}")
        wait_s(0.02)
    ended = now
    bot.process.wait_until(lambda: stage.number("drained", "SELECT count(*) FROM outbox") == 0, 30, "the outbox was empty")
    if sent != count:
        raise Failure(f"no result: {sent} messages for {count} replies")
    return (count - from_count) / max(ended - began, 1e-3), (stage.wal()[1] - wal) / count


def raw(bench, stage, body, count):
    url = f"http://127.0.0.1:{stage.standin.port}/v3.0/oa/message/cs"
    args = [bench.program("bench-send"), "--url", url, "--body", body, "--messages", str(count)]
    done = subprocess.run(args, stdout=subprocess.PIPE, text=True, env=dict(os.environ, SANGKIEN_ZALO_ACCESS_TOKEN=SECRETS["access_token"]))
    if done.returncode != 0:
        raise Failure(f"no result: the bare sender ended with {done.returncode}: {done.stdout}")
    return json.loads(done.stdout)["rate"]


def row_sending(bench):
    """replies drained to the stand-in as a ratio to a bare curl-multi loop with the same bytes, and their WAL"""
    stage, count = bench.stage(), bench.size(20000, 350000, 2000)
    stage.create("drained")
    bot = stage.bot("drained")
    body = capture_body(stage, bot)
    limits, rates, wal, first = [], [], [], 1000
    for number in range(bench.size(3, 3, 1)):
        bench.say(f"sending, round {number + 1}")
        limits.append(raw(bench, stage, body, count))
        stage.settle_disk()
        rate, each = drain(stage, bot, count, first)
        rates.append(rate)
        wal.append(each)
        first += count
        if stage.number("drained", "SELECT count(*) FROM message WHERE origin = 'bot' AND failure IS NULL") != 1 + (number + 1) * count:
            raise Failure("no result: the transcript does not hold every reply sent")
    bot.stop()
    bench.table.add("sending", "a bare curl-multi loop", limits, "messages/s")
    bench.table.add("sending", f"{count:,} replies drained", rates, "messages/s")
    bench.table.add("sending", "replies drained, ratio", [r / b for r, b in zip(rates, limits)], "x", at_least=0.9)
    bench.table.add("sending", "WAL of a reply", wal, "B", at_most=200)


BROADCAST = "{xung_ho} {ten} ơi, {unit} đang cùng ghi sáng kiến. Mình có cách làm nào hay thì kể em nghe nhé ạ."


def audience(stage, count):
    stage.sql("broadcast", f"""
        INSERT INTO conversation (user_id) SELECT '7' || lpad(n::text, 17, '0') FROM generate_series(0, {count - 1}) n;
        INSERT INTO person (user_id, full_name, consent_at, unit_text, last_inbound_at)
        SELECT '7' || lpad(n::text, 17, '0'), 'Nguyễn Văn ' || chr(65 + n % 26), now(), 'Công ty ' || n % 7, now() - interval '1 hour'
        FROM generate_series(0, {count - 1}) n; VACUUM ANALYZE person; VACUUM ANALYZE conversation""")


def broadcast(stage, bot, count):
    """What a broadcast to everybody costs, by name."""
    stage.sql("broadcast", "DELETE FROM delivery")  # nobody has heard of us twice this week
    stage.settle_disk()
    number = bot.command("broadcast", "create", "--to", "registered", "--buttons", "register", stdin=BROADCAST).split("\n")[0]
    before, wal = sent_so_far(stage), stage.wal()[1]
    bot.command("broadcast", "start", number)
    started, memory = time.monotonic(), []
    deadline, began, frozen, cpu = started + DRAIN_MOST_S * (1 + count // 100000), None, wal, 0
    while True:
        now, sent = time.monotonic(), sent_so_far(stage) - before
        memory.append(memory_mb(bot.process.child.pid)[0])
        if sent and began is None:
            began, from_count, frozen, cpu = now, sent, stage.wal()[1], stage.postgres_cpu()
        if sent >= count:
            break
        if now > deadline:
            raise Failure(f"only {sent} of {count} messages of a broadcast were sent:\n{bot.process.log_tail(10)}")
        wait_s(0.02)
    done = f"SELECT count(*) FROM broadcast WHERE id = {number} AND state = 'done'"
    bot.process.wait_until(lambda: stage.number("broadcast", done) == 1, 30, "the broadcast was done")
    if stage.number("broadcast", f"SELECT count(*) FROM delivery WHERE broadcast_id = {number} AND state = 'sent'") != count:
        raise Failure("no result: the ledger does not hold every message as sent")
    ended = stage.wal()[1]
    half = len(memory) // 2
    return {"rate": (count - from_count) / max(now - began, 1e-3), "frozen": count / max(began - started, 1e-3), "freeze_wal": (frozen - wal) / count,
            "send_wal": (ended - frozen) / count, "postgres_us": (stage.postgres_cpu() - cpu) / count * 1e6,
            "memory": max(memory), "growth": max(memory[half:]) - max(memory[:half], default=0),
            "ledger": stage.number("broadcast", "SELECT pg_total_relation_size('delivery')") / count}


def broadcast_body(stage):
    """A request as the bot sends it, but for the name."""
    body = sends(stage)[0]["body"]
    path = os.path.join(stage.folder, "broadcast.json")
    with open(path, "w", encoding="utf-8") as f:
        f.write(body if isinstance(body, str) else json.dumps(body, ensure_ascii=False, separators=(",", ":")))
    return path


def row_broadcast(bench):
    """a broadcast, from the freeze to the last message, as a ratio to a bare curl-multi loop with the same bytes; its WAL, the memory"""
    stage, count = bench.stage(), bench.size(30000, 350000, 1500)
    stage.create("broadcast")
    audience(stage, count)
    bot = stage.bot("broadcast", extra={"SANGKIEN_HOURS_BROADCAST": "T2-CN 00:00-24:00", "SANGKIEN_HOURS_HOLIDAYS": "",
                                        "SANGKIEN_BROADCAST_CONFIRM_OVER": "100000000"})
    limits, rounds = [], []
    for number in range(bench.size(2, 1, 1)):
        bench.say(f"broadcast, round {number + 1}")
        stage.standin.call("POST", "/_admin/settings", {"log_entries": 1})
        rounds.append(broadcast(stage, bot, count))
        body = broadcast_body(stage)
        stage.standin.call("POST", "/_admin/settings", {"log_entries": 0})
        stage.settle_disk()
        limits.append(raw(bench, stage, body, count))
        rounds[-1].update(ratio=rounds[-1]["rate"] / limits[-1], wal=rounds[-1]["freeze_wal"] + rounds[-1]["send_wal"])
    bot.stop()
    bench.table.add("broadcast", "a bare curl-multi loop", limits, "messages/s")
    for name, what, unit, goal in (
            ("frozen", "people frozen", "people/s", {}), ("rate", f"{count:,} messages sent", "messages/s", {}),
            ("ratio", "messages sent, ratio", "x", {"at_least": 0.9}), ("freeze_wal", "WAL of a message: its row, frozen", "B", {}),
            ("send_wal", "WAL of a message: sent and settled", "B", {}), ("wal", "WAL of a message, together", "B", {"at_most": 250}),
            ("postgres_us", "PostgreSQL, a message sent", "us", {}), ("ledger", "the ledger on disk, a message", "B", {}),
            ("memory", "resident memory, at most", "MB", {"at_most": 16}), ("growth", "its growth from the first half to the second", "MB", {})):
        bench.table.add("broadcast", what, [r[name] for r in rounds], unit, **goal)
