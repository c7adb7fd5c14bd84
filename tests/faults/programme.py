#!/usr/bin/env python3
"""The fault programme: people register initiatives while processes, databases and networks fail, and nothing that was
acknowledged is lost or doubled.  Ends with a table.  (reliability.md D1 to D3, D14, D17)

  programme.py BUILD_FOLDER [--short] [--scale F] [SCENE ...]     --short: a few of each, for ./run test; --scale 0.1: a tenth of all

Full counts: 300 kills, 100 restarts of PostgreSQL, 1000 lost backends, 500 cut commits, 20 failovers."""
import os
import random
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from pair import Pair  # noqa: E402
from process import Failure  # noqa: E402
from proxy import Proxy  # noqa: E402
from stage import Stage  # noqa: E402
from world import DATABASE  # noqa: E402

BACK_S = 5.0    # from the end of the fault to the first person served end to end
LEASE_S = 35.0  # a worker alone dies with its replies; others take them when the lease ends


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def pause(dice, least, most):
    time.sleep(dice.uniform(least, most))  # a fault may come at any time: that is the test


def killed_at_random(stage, times):
    """K1, K2, K4, D1: now a worker, now all of them."""
    bot = stage.bot("killed", workers=2).start()
    dice = random.Random(1)

    def happen(row, prober):
        for n in range(times):
            pause(dice, 0.2, 1.0)
            if n % 2 == 0:
                os.kill(dice.choice(children(bot.process.child.pid)), signal.SIGKILL)
            else:
                bot.kill()
                bot.start(database=False)
            row.times += 1
            row.recoveries.append(prober.recovery_s(time.monotonic()))
    try:
        stage.play("kill -9 at random", [bot], happen, {"doubled_replies": times, "recovery": BACK_S})
    finally:
        bot.stop()


def restarted(stage, times):
    """Q1: fast and immediate."""
    bot = stage.bot("restarted", workers=2).start()
    dice = random.Random(2)

    def happen(row, prober):
        for n in range(times):
            pause(dice, 0.2, 1.0)
            server = stage.database.process
            server.child.send_signal(signal.SIGINT if n % 2 == 0 else signal.SIGQUIT)
            server.child.wait(60)
            pause(dice, 0.0, 1.5)
            stage.database.start()
            row.times += 1
            row.recoveries.append(prober.recovery_s(time.monotonic()))
    try:
        stage.play("PostgreSQL restarted, fast or immediate", [bot], happen, {"doubled_replies": times, "recovery": BACK_S})
    finally:
        bot.stop()


def terminated(stage, times):
    """Q2: a backend at a time."""
    bot = stage.bot("terminated", workers=2).start()
    dice = random.Random(3)

    def happen(row, prober):
        while row.times < times:
            pause(dice, 0.01, 0.15)
            row.times += stage.count("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sangkien' ORDER BY random() LIMIT 1) t")
        row.recoveries.append(prober.recovery_s(time.monotonic()))
    try:
        stage.play("backends terminated", [bot], happen, {"doubled_replies": times // 10, "recovery": BACK_S})
    finally:
        bot.stop()


def cut(stage, times):
    """Q2: the outcome of a commit is unknown."""
    proxy = Proxy(os.path.join(stage.database.folder, ".s.PGSQL.5432"))
    bot = stage.bot("cut", url=f"host=127.0.0.1 port={proxy.port} user=sangkien dbname={DATABASE}", workers=2).start()
    dice = random.Random(4)

    def happen(row, prober):
        while proxy.cuts_before + proxy.cuts_after < times:
            pause(dice, 0.02, 0.2)
            if proxy.left() == 0:
                proxy.cut(1 + dice.randrange(2))
        row.times = proxy.cuts_before + proxy.cuts_after
        row.recoveries.append(prober.recovery_s(time.monotonic()))
        stage.checks.that("commits were cut before they came and after they were done", min(proxy.cuts_before, proxy.cuts_after) > times // 4, (proxy.cuts_before, proxy.cuts_after))
    try:
        stage.play("commits cut by a proxy", [bot], happen, {"doubled_replies": times // 10, "recovery": BACK_S})
    finally:
        bot.stop()
        proxy.close()


def failed_over(stage, times):
    """Q3: the primary dies, its synchronous standby is promoted; the dead one comes back as standby."""
    single, pair = stage.database, Pair(stage.folder, stage.world.log).start()
    pair.create_database(DATABASE)
    stage.database = pair
    bot = stage.bot("failover", url=pair.url(DATABASE), workers=2)
    dice = random.Random(5)

    def happen(row, prober):
        for _ in range(times):
            pause(dice, 0.3, 1.5)
            begin = time.monotonic()
            pair.fail_over()
            print(f"      (promoted in {time.monotonic() - begin:.2f} s)", flush=True)
            row.times += 1
            row.recoveries.append(prober.recovery_s(time.monotonic()))
            pair.follow()
    try:
        bot.command("migrate")
        with open(os.path.join(HERE, "..", "data", "demo-units.sql"), encoding="utf-8") as f:
            pair.psql(DATABASE, f.read())
        stage.standin.call("POST", "/_admin/token", token_pair(bot))
        bot.start()
        stage.play("standby promoted", [bot], happen, {"doubled_replies": times, "recovery": BACK_S})
    finally:
        bot.stop()
        pair.stop()
        stage.database = single


def token_pair(bot):
    """A fresh database starts from the pair of the settings: the stand-in must know it too."""
    return {"access_token": bot.env["SANGKIEN_ZALO_ACCESS_TOKEN"], "refresh_token": bot.env["SANGKIEN_ZALO_REFRESH_TOKEN"]}


# name, full count, short count
SCENES = [
    (killed_at_random, 300, 4),
    (restarted, 100, 2),
    (terminated, 1000, 12),
    (cut, 500, 6),
    (failed_over, 20, 0),
]


def main(build, args):
    short = "--short" in args
    scale = float(args[args.index("--scale") + 1]) if "--scale" in args else 1.0
    only = [a for a in args if a in [s[0].__name__ for s in SCENES]]
    stage = Stage(build, at_once=6 if short else 12)
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
