#!/usr/bin/env python3
"""The fault programme: people register initiatives while processes, databases and networks fail, and nothing that was
acknowledged is lost or doubled.  Ends with a table.  (reliability.md D1 to D3, D14, D17)

  programme.py BUILD_FOLDER [--short] [--scale F] [--points PREFIX,...] [SCENE ...]

--short: a few of each, for ./run test; --scale 0.1: a tenth of all; --points: only the fault points that begin like that

Full counts: 300 kills, 100 restarts of PostgreSQL, 1000 lost backends, 500 cut commits, 30 locked tables,
30 restarts of all nodes, 20 failovers."""
import os
import random
import shutil
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from load import Ledger, Line  # noqa: E402
from pair import Pair  # noqa: E402
from points import points  # noqa: E402
from process import Failure  # noqa: E402
from proxy import Proxy  # noqa: E402
from recovery import GOAL_S  # noqa: E402
from scene import body_of  # noqa: E402
from stage import Row, Stage  # noqa: E402
from tours import visit  # noqa: E402
from world import DATABASE  # noqa: E402

STRETCH = 20  # faults too small to look at one by one come so many together


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def pause(dice, least, most):
    time.sleep(dice.uniform(least, most))  # a fault may come at any time: that is the test


def killed_at_random(stage, times):
    """K1, K2, K4, D1: now a worker, now all of them."""
    bot = stage.bot("killed", workers=2).start()
    dice = random.Random(1)

    def happen(row, watch):
        for n in range(times):
            pause(dice, 0.2, 1.0)
            watch.calm()
            if n % 2 == 0:
                os.kill(dice.choice(children(bot.process.child.pid)), signal.SIGKILL)
                since = time.monotonic()
            else:
                bot.kill()
                since = time.monotonic()  # a start is part of the way back
                bot.start(database=False)
            row.times += 1
            watch.back(row, since)
    try:
        stage.play("kill -9 at random", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S})
    finally:
        bot.stop()


def restarted(stage, times):
    """Q1: fast and immediate."""
    bot = stage.bot("restarted", workers=2).start()
    dice = random.Random(2)

    def happen(row, watch):
        for n in range(times):
            pause(dice, 0.2, 1.0)
            watch.calm()
            server = stage.database.process
            server.child.send_signal(signal.SIGINT if n % 2 == 0 else signal.SIGQUIT)
            server.child.wait(60)
            pause(dice, 0.0, 1.5)
            stage.database.start()
            row.times += 1
            watch.back(row)
    try:
        stage.play("PostgreSQL restarted, fast or immediate", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S})
    finally:
        bot.stop()


def terminated(stage, times):
    """Q2: a backend at a time."""
    bot = stage.bot("terminated", workers=2).start()
    dice = random.Random(3)

    def happen(row, watch):
        while row.times < times:
            watch.calm()
            stretch = min(row.times + STRETCH, times)
            while row.times < stretch:
                pause(dice, 0.01, 0.15)
                row.times += stage.count("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sangkien' ORDER BY random() LIMIT 1) t")
            watch.back(row)
    try:
        stage.play("backends terminated", [bot], happen, {"doubled_replies": times // 10, "recovery": GOAL_S})
    finally:
        bot.stop()


def locked(stage, times):
    """Q5: an operator's ALTER TABLE holds what every turn needs; turns wait behind it, events go to the spool."""
    bot = stage.bot("locked", workers=2).start()
    dice = random.Random(6)

    def happen(row, watch):
        for n in range(times):
            pause(dice, 0.2, 1.0)
            watch.calm()
            table = ("conversation", "message", "outbox")[n % 3]
            stage.database.psql(DATABASE, f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(3); COMMIT")
            row.times += 1
            watch.back(row)
    try:
        stage.play("tables locked for 3 s", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S})
    finally:
        bot.stop()


def all_nodes_at_once(stage, times):
    """K4: nobody is left who could take over."""
    nodes = [stage.bot(f"node{n}", workers=2).start() for n in range(2)]
    dice = random.Random(7)

    def happen(row, watch):
        for n in range(times):
            pause(dice, 0.3, 1.5)
            watch.calm()
            for node in nodes:
                node.kill() if n % 2 == 0 else node.stop()
            since = time.monotonic()
            for node in nodes:
                node.start(database=False)
            row.times += 1
            watch.back(row, since)
    try:
        stage.play("all nodes, killed or stopped at once", nodes, happen, {"doubled_replies": 2 * times, "recovery": GOAL_S})
    finally:
        for node in nodes:
            node.stop()


def cut(stage, times):
    """Q2: the outcome of a commit is unknown."""
    proxy = Proxy(os.path.join(stage.database.folder, ".s.PGSQL.5432"))
    bot = stage.bot("cut", url=f"host=127.0.0.1 port={proxy.port} user=sangkien dbname={DATABASE}", workers=2).start()

    def happen(row, watch):
        while row.times < times:
            watch.calm()
            proxy.cut(min(STRETCH, times - row.times))
            while proxy.left() > 0:
                time.sleep(0.05)
            row.times = proxy.cuts_before + proxy.cuts_after
            watch.back(row)
        stage.checks.that("commits were cut before they came and after they were done", min(proxy.cuts_before, proxy.cuts_after) > times // 4, (proxy.cuts_before, proxy.cuts_after))
    try:
        stage.play("commits cut by a proxy", [bot], happen, {"doubled_replies": times // 10, "recovery": GOAL_S})
    finally:
        bot.stop()
        proxy.close()


def unheard(stage, times):
    """Q2: the fifth commit of an event, or a claim of replies, is done but the answer is lost: nobody waits for a lease of ours."""
    row, begin = Row("answers to commits and claims lost"), time.monotonic()
    for plan, what in ((",".join(["turn_before_commit:error"] * 4 + ["turn_after_commit:error"]), "turn"), ("outbox_after_claim:error", "claim")):
        bot = stage.bot(f"unheard-{what}", extra={"FAULT_PLAN": plan})
        for n in range(times):
            user = f"unheard{n}-{what}"
            if what == "claim":
                stage.database.psql(DATABASE, f"INSERT INTO outbox (user_id, id, text, due_at, expires_at) VALUES ('{user}', {n + 1}, 'em chào', now(), now() + interval '1 day')")
            bot.start(database=False)
            since, line = time.monotonic(), Line(Ledger(), [bot.port])
            while what == "turn" and line.post(body_of(user, f"{user}.1", "xin chào")) != 200:
                time.sleep(0.05)
            line.close()
            arrived = stage.standin.sent(user, 0, 40000)
            row.recoveries.append(time.monotonic() - since if arrived else 40.0)
            row.times += 1
            bot.stop()
    row.seconds = time.monotonic() - begin
    stage.rows.append(row)
    stage.checks.that(f"{row.fault}: whoever waits for the reply has it before a lease of 30 s would have ended", max(row.recoveries) < 15, row.recoveries)


def failed_over(stage, times):
    """Q3: the primary dies, its synchronous standby is promoted; the dead one comes back as standby."""
    single, pair = stage.database, Pair(stage.folder, stage.world.log).start()
    pair.create_database(DATABASE)
    stage.database = pair
    bot = stage.bot("failover", url=pair.url(DATABASE), workers=2)
    dice = random.Random(5)

    def happen(row, watch):
        for _ in range(times):
            pause(dice, 0.3, 1.5)
            watch.calm(anew=True)
            begin = time.monotonic()
            pair.fail_over()
            print(f"      (promoted in {time.monotonic() - begin:.2f} s)", flush=True)
            row.times += 1
            watch.back(row)
            pair.follow()
    try:
        bot.command("migrate")
        with open(os.path.join(HERE, "..", "data", "demo-units.sql"), encoding="utf-8") as f:
            pair.psql(DATABASE, f.read())
        stage.standin.call("POST", "/_admin/token", token_pair(bot))
        bot.start()
        stage.play("standby promoted", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S})
    finally:
        bot.stop()
        pair.stop()
        stage.database = single


def fault_points(stage, times):
    """D2: every named point, each kind of fault.  `times`: so many of them, spread over all; each is there once and reached."""
    row, begin = Row("fault points, kill, error or stall"), time.monotonic()
    names = [p.name for p in points()]
    every = [p for p in points() if p.name.startswith(tuple(stage.only_points.split(",")))]
    stage.checks.that(f"{len(names)} fault points, each name once", len(names) >= 40 and len(set(names)) == len(names), sorted({n for n in names if names.count(n) > 1}))
    visits = [(p, kind) for p in every for kind in p.kinds]
    visits = visits if times >= len(visits) else [visits[i * len(visits) // times] for i in range(times)]
    failures, reached = [], set()
    for point, kind in visits:
        wrong = visit(stage, point, kind)
        row.times += 1
        reached.add(point.name)
        if wrong:
            failures.append(f"{point.name}:{kind}")
            stage.checks.that(f"{point.name}:{kind}", False, wrong)
    row.seconds = time.monotonic() - begin
    stage.rows.append(row)
    stage.checks.that(f"{row.times} faults at {len(reached)} of the {len(every)} points visited: each happened, and nothing acknowledged was lost or doubled", not failures, failures)


def restored(stage, times):
    """Q12, T5, D17: the database is put back to what it was; whatever it holds, nothing is sent before an operator says so."""
    row, begin, bot = Row("database restored"), time.monotonic(), stage.bot("restored")
    sent_before_release = unanswered = 0

    def say(user, n):
        line = Line(Ledger(), [bot.port])
        while line.post(body_of(user, f"{user}.{n}", "xin chào")) != 200:
            time.sleep(0.05)
        line.close()
    for n in range(times):
        before, after = f"restored{n}-a", f"restored{n}-b"
        bot.start()
        say(before, 1)
        stage.standin.sent(before, 0, 10000)
        bot.stop()
        stage.database.psql(DATABASE, f"INSERT INTO outbox (user_id, id, text, due_at, expires_at) VALUES ('{before}', {n + 1}, 'tin cũ', now(), now() + interval '1 day')")
        stage.database.psql("postgres", f"CREATE DATABASE backup TEMPLATE {DATABASE}")
        stage.database.psql(DATABASE, f"DELETE FROM outbox WHERE user_id = '{before}'")
        stage.standin.call("POST", "/_admin/token", {"expire_access": True})  # the pair is renewed after the backup
        bot.start()
        say(before, 2)
        bot.process.wait_until(lambda: len(stage.standin.sent(before, 0, 100, 2)) >= 2, 20, "it sent with the new pair")
        bot.stop()
        stage.database.psql("postgres", f"DROP DATABASE {DATABASE};")
        stage.database.psql("postgres", f"ALTER DATABASE backup RENAME TO {DATABASE}")
        bot.start(database=False)
        bot.process.wait_until(lambda: "token release" in bot.get("/readyz")[1], 20, "it holds")
        seen = len(stage.standin.sent(before, 0, 0))
        say(after, 1)
        bot.process.wait_until(lambda: stage.count(f"SELECT count(*) FROM outbox WHERE user_id = '{after}'") == 1, 10, "the answer was written")
        bot.stop()
        bot.start(database=False)  # a restart is no release
        bot.process.wait_until(lambda: "token release" in bot.get("/readyz")[1], 20, "it holds")
        sent_before_release += len(stage.standin.sent(before, 0, 500)) - seen + len(stage.standin.sent(after, 0, 500))
        bot.command("token", "release", "--drop")
        since = time.monotonic()
        unanswered += not stage.standin.sent(after, 0, 15000)
        row.recoveries.append(time.monotonic() - since)
        sent_before_release += len(stage.standin.sent(before, 0, 0)) - seen  # the old one was dropped
        row.times += 1
        bot.stop()
    stage.at_rest("database restored", [])
    row.seconds = time.monotonic() - begin
    stage.rows.append(row)
    stage.checks.that(f"a restored database, {times} times: it holds by itself, nothing is sent before the release", sent_before_release == 0, sent_before_release)
    stage.checks.that("and everything after it", unanswered == 0, unanswered)


def expired_tokens(stage, times):
    """T1, T2, D14: eight processes meet an access token that is dead; one of them fetches the next."""
    row, begin, bot = Row("access token dead, 8 processes"), time.monotonic(), stage.bot("tokens", workers=8).start()
    line, refreshes = Line(Ledger(), [bot.port]), lambda: stage.standin.call("GET", "/_admin/stats")["refreshes"]
    before, silent = refreshes(), 0
    try:
        for n in range(times):
            stage.standin.call("POST", "/_admin/token", {"expire_access": True})
            since = time.monotonic()
            for person in range(8):  # a connection each: spread over the processes
                line.close()
                while line.post(body_of(f"token{n}-{person}", f"token{n}-{person}.1", "xin chào")) != 200:
                    time.sleep(0.05)
            silent += sum(not stage.standin.sent(f"token{n}-{person}", 0, 20000) for person in range(8))
            row.recoveries.append(time.monotonic() - since)
            row.times += 1
    finally:
        line.close()
        bot.stop()
    row.seconds = time.monotonic() - begin
    stage.rows.append(row)
    stage.checks.that(f"{times} expiries met by 8 processes: exactly {times} refreshes", refreshes() - before == times, refreshes() - before)
    stage.checks.that("and everybody is answered", silent == 0, silent)


# Five calls each; a token refused is renewed, and one is not refused five times over (that ends in a pause of a minute, by intent).
TROUBLES = [{"do": "http500"}, {"do": "http429"}, {"do": "reset_before"}, {"do": "reset_after"}, {"do": "close"}, {"do": "slow_body", "ms": 20}, {"do": "endless", "ms": 5},
            {"do": "garbage"}, {"do": "truncated"}, {"do": "bad_http"}, {"do": "error", "code": -200}, {"do": "error", "code": -216, "times": 1}, {"do": "error", "code": -99999},
            {"do": "delay", "ms": 1500}, {"do": "pass", "echo_first": True}, {"do": "stall_after", "ms": 12000}]


def zalo_unwell(stage, times):
    """Z1 to Z4: every kind of trouble for some calls in the middle of the load."""
    bot = stage.bot("zalo", workers=2).start()

    def happen(row, watch):
        for n in range(times):
            if n % STRETCH == 0:
                watch.calm()
            trouble = TROUBLES[n % len(TROUBLES)]
            stage.standin.call("POST", "/_admin/fault", {"path": "/v3.0/oa/message/cs", "times": 5, "skip": 3, **trouble})
            time.sleep(0.6)  # in the middle of the load
            row.times += 1
            if row.times % STRETCH == 0 or row.times == times:
                stage.standin.call("DELETE", "/_admin/fault")
                watch.back(row)
    try:
        stage.play("Zalo unwell: 5xx, resets, slow, garbage, codes", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S, "codes": True})
    finally:
        bot.stop()


def disk_full(stage, times):
    """Q6, K10: PostgreSQL and the spool each on a small disk that fills up.  Root only: a disk of our own has to be mounted."""
    if os.geteuid() != 0:
        print("      (a full disk needs root to mount one: left out)")
        return
    folder = os.path.join(stage.folder, "disk")
    os.makedirs(folder)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=False).returncode != 0:
        print("      (no disk may be mounted here: left out)")
        return
    spool = os.path.join(folder, "spool")
    os.makedirs(spool, mode=0o700)
    bot = stage.bot("disk", workers=1, extra={"SANGKIEN_SPOOL_PATH": spool})
    shutil.copy(os.path.join(stage.folder, "spool", "token.key"), spool)
    bot.start()

    def happen(row, watch):
        for _ in range(times):
            watch.calm()
            with open(os.path.join(folder, "ballast"), "wb") as f:
                try:
                    while True:
                        f.write(b"x" * 65536)
                        f.flush()
                except OSError:
                    pass
            stage.database.stop()
            time.sleep(1.0)  # nobody can be taken meanwhile: 503, and Zalo sends again
            os.remove(os.path.join(folder, "ballast"))
            stage.database.start()
            row.times += 1
            watch.back(row)
    try:
        stage.play("disk of the spool full, PostgreSQL away", [bot], happen, {"doubled_replies": times, "recovery": GOAL_S})
    finally:
        bot.stop()
        subprocess.run(["umount", folder], check=False)


def token_pair(bot):
    """A fresh database starts from the pair of the settings: the stand-in must know it too."""
    return {"access_token": bot.env["SANGKIEN_ZALO_ACCESS_TOKEN"], "refresh_token": bot.env["SANGKIEN_ZALO_REFRESH_TOKEN"]}


SHORT_POINTS = "turn_after_commit,outbox_after_send,webhook_before_answer,broadcast_after_start"

# name, full count, short count
SCENES = [
    (killed_at_random, 300, 4),
    (restarted, 100, 1),
    (terminated, 1000, 12),
    (cut, 500, 6),
    (unheard, 10, 1),
    (locked, 30, 0),
    (all_nodes_at_once, 30, 0),
    (failed_over, 20, 0),
    (zalo_unwell, 160, 0),
    (expired_tokens, 1000, 0),
    (restored, 20, 1),
    (disk_full, 5, 0),
    (fault_points, 1000, 4),
]


def main(build, args):
    short = "--short" in args
    scale = float(args[args.index("--scale") + 1]) if "--scale" in args else 1.0
    only = [a for a in args if a in [s[0].__name__ for s in SCENES]]
    stage = Stage(build, at_once=12 if short else 24)
    stage.only_points = args[args.index("--points") + 1] if "--points" in args else SHORT_POINTS if short else ""
    try:
        stage.start()
        for scene, many, few in SCENES:
            times = few if short else max(1, round(many * scale))
            if times and (not only or scene.__name__ in only):
                scene(stage, times)
    except Failure as e:
        stage.checks.that("the programme could run", False, e)
    finally:
        stage.stop()
    stage.table()
    print(f"{stage.checks.passed} passed, {stage.checks.failed} failed")
    return 1 if stage.checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
