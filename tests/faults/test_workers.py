#!/usr/bin/env python3
"""Several workers under one supervisor, and systemd's part played by the test: a worker that dies is started again and nothing
it had acknowledged is lost, its replies go out at once, numbers are over all workers, a restart refuses nobody.
(reliability.md K, R)

  test_workers.py BUILD_FOLDER [--short] [SCENE ...]     --short: without what waits for the 20 s after which a worker counts as hung"""
import concurrent.futures
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, HERE)

from process import die_with_parent  # noqa: E402
from scene import body_of, chosen, count, freeze, play, post, signature_of, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

WORKERS = 3


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(n) for n in f.read().split()]


def until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def load(port, prefix, people, each=1):
    """Every person says something `each` times. @return the statuses."""
    jobs = [(port, body_of(f"{prefix}{n}", f"{prefix}{n}-{k}", f"câu {k}")) for k in range(each) for n in range(people)]
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        return list(pool.map(lambda j: post(*j), jobs))


def stored(world, prefix):
    return count(world, f"SELECT count(*) FROM message WHERE user_id LIKE '{prefix}%' AND origin = 'person'")


def one_socket_for_all(world, checks):
    supervisor = world.bot.process.child.pid
    checks.that("the supervisor runs as many workers as are set", until(lambda: len(children(supervisor)) == WORKERS), children(supervisor))
    statuses = load(world.bot_port, "all-", 60, 5)
    checks.that("what comes to the one port is taken", statuses == [200] * 300, {s: statuses.count(s) for s in set(statuses)})
    checks.that("and takes effect", stored(world, "all-") == 300)
    checks.that("the numbers are over all workers, whoever is asked",
                until(lambda: [world.bot.metric('events_total{kind="text"}') for _ in range(6)] == [300] * 6),
                [world.bot.metric('events_total{kind="text"}') for _ in range(6)])
    begun = world.bot.process.log_tail(10000).count("sangkien serves on")
    os.kill(children(supervisor)[0], signal.SIGKILL)
    until(lambda: world.bot.process.log_tail(10000).count("sangkien serves on") > begun)
    numbers = [world.bot.metric('events_total{kind="text"}') for _ in range(6)]
    checks.that("and a worker that dies takes none along", numbers == [300] * 6, numbers)


def a_killed_worker_loses_nothing(world, checks):
    supervisor = world.bot.process.child.pid
    before = children(supervisor)
    world.standin.call("POST", "/_admin/settings", {"api_delay_ms": 300})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(load, world.bot_port, "dead-", 200, 2)
        until(lambda: stored(world, "dead-") > 40)
        counted = world.bot.metric('events_total{kind="text"}')
        os.kill(before[0], signal.SIGKILL)
        killed = time.monotonic()
        statuses = sending.result()
    acknowledged = statuses.count(200)
    checks.that("a killed worker breaks only what it had in hand", acknowledged > 300, {s: statuses.count(s) for s in set(statuses)})
    world.standin.call("POST", "/_admin/settings", {"api_delay_ms": 0})
    checks.that("and what was acknowledged is stored", stored(world, "dead-") >= acknowledged, (stored(world, "dead-"), acknowledged))
    checks.that("another takes its place", until(lambda: len(children(supervisor)) == WORKERS and before[0] not in children(supervisor)))
    left = wait_for(world, "SELECT count(*) FROM outbox WHERE user_id LIKE 'dead-%'", 0, 25)
    checks.that("its replies go out before their lease of 30 s has ended", left == 0 and time.monotonic() - killed < 25, left)
    checks.that("no number goes back", until(lambda: (world.bot.metric('events_total{kind="text"}') or 0) >= counted), counted)


class Pinned:
    """Connections that one worker has accepted: the others were stopped meanwhile."""

    def __init__(self, world, worker, workers):
        others = [w for w in workers if w != worker]
        for w in others:
            os.kill(w, signal.SIGSTOP)
        self.said, self.asked = (http.client.HTTPConnection("127.0.0.1", world.bot_port, timeout=10) for _ in range(2))
        self.turns(2)
        self.said.request("GET", "/healthz")
        self.said.getresponse().read()
        for w in others:
            os.kill(w, signal.SIGCONT)

    def turns(self, count):
        """Its loop has turned: what had come before the last turn is in its hands."""
        for _ in range(count):
            self.asked.request("GET", "/healthz")
            self.asked.getresponse().read()

    def say(self, body):
        self.said.request("POST", "/webhook", body, signature_of(body))
        self.turns(2)

    def answer(self):
        answer = self.said.getresponse()
        answer.read()
        return answer.status


def nothing_overtakes_on_another_worker(world, checks):
    """Q1: PostgreSQL is away for less than spool.after_ms, and what a person said before still waits for it in another worker."""
    workers = children(world.bot.process.child.pid)
    first, second = (Pinned(world, w, workers) for w in workers[:2])
    database, rounds, statuses = world.postgres.process.child.pid, 12, []
    post(world.bot_port, body_of("before-0", "begin", "xin chào"))
    for n in range(rounds):
        freeze(database, signal.SIGSTOP)
        first.say(body_of("before-0", f"{n:02}a", f"câu {n}a"))
        second.say(body_of("before-0", f"{n:02}b", f"câu {n}b"))
        freeze(database, signal.SIGCONT)
        statuses += [first.answer(), second.answer()]
        wait_for(world, "SELECT count(*) FROM message WHERE user_id = 'before-0' AND origin = 'person'", 2 * n + 3, 10)
    checks.that("what two workers take while PostgreSQL is away for a moment is answered 200", set(statuses) == {200}, statuses)
    took_effect = world.postgres.psql(DATABASE, "SELECT zalo_msg_id FROM message WHERE user_id = 'before-0' AND origin = 'person' AND zalo_msg_id <> 'begin' ORDER BY id").split()
    checks.that("and takes effect in the order it came in", took_effect == [f"{n:02}{which}" for n in range(rounds) for which in "ab"], took_effect)


def settings_are_read_again(world, checks):
    world.bot.process.child.send_signal(signal.SIGHUP)
    checks.that("SIGHUP reaches every worker", until(lambda: world.bot.process.log_tail(400).count("settings and texts reloaded") == WORKERS))


def a_hung_worker_is_killed(world, checks):
    """Its loop does not turn, its connections would wait for ever."""
    supervisor = world.bot.process.child.pid
    hung = children(supervisor)[0]
    os.kill(hung, signal.SIGSTOP)
    checks.that("a worker that hangs is killed and another takes its place",
                until(lambda: hung not in children(supervisor) and len(children(supervisor)) == WORKERS, 40))
    statuses = load(world.bot_port, "end-", 30)
    checks.that("and everybody is answered again", statuses == [200] * 30, {s: statuses.count(s) for s in set(statuses)})


def an_ordered_end(world, checks):
    workers = children(world.bot.process.child.pid)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        sending = pool.submit(load, world.bot_port, "end-", 200, 1)
        until(lambda: stored(world, "end-") > 20)
        status = world.bot.stop()
        statuses = sending.result()
    checks.that("SIGTERM ends supervisor and workers with status 0", status == 0, status)
    checks.that("and none is left", not any(os.path.exists(f"/proc/{w}") for w in workers))
    checks.that("what was acknowledged is stored", stored(world, "end-") >= statuses.count(200), (stored(world, "end-"), statuses.count(200)))


def workers_do_not_outlive_their_supervisor(world, checks):
    world.bot.stop()
    world.bot.start()
    supervisor = world.bot.process.child
    until(lambda: len(children(supervisor.pid)) == WORKERS)
    workers = children(supervisor.pid)
    supervisor.kill()  # it alone
    supervisor.wait()
    checks.that("workers of a killed supervisor end", until(lambda: not any(os.path.exists(f"/proc/{w}") for w in workers)))
    for worker in workers:
        if os.path.exists(f"/proc/{worker}"):  # nobody else would end it
            os.kill(worker, signal.SIGKILL)


class Systemd:
    """Opens the socket, hears the notifications."""

    def __init__(self, world, workers):
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(("127.0.0.1", world.bot_port))
        self.socket.listen(1024)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.settimeout(0.1)
        path = os.path.join(world.folder, f"notify-{workers}")
        self.notify.bind(path)
        self.heard = []
        self.env = {**world.bot.env, "NOTIFY_SOCKET": path, "LISTEN_FDS": "1", "LISTEN_FDNAMES": "webhook", "WATCHDOG_USEC": "4000000",
                    "SANGKIEN_SERVER_WORKERS": str(workers)}
        self.binary, self.log = world.bot.binary, open(world.log(f"systemd-{workers}"), "ab")

    def start(self):
        def in_child():
            die_with_parent(signal.SIGTERM)()
            os.dup2(self.socket.fileno(), 3)
        self.child = subprocess.Popen(["/bin/sh", "-c", 'LISTEN_PID=$$ exec "$0" serve', self.binary], env=self.env, stdout=self.log,
                                      stderr=self.log, preexec_fn=in_child, close_fds=False)
        return self.hears("READY=1")

    def hears(self, wanted, seconds=20):
        end = time.monotonic() + seconds
        while wanted not in self.heard and time.monotonic() < end:
            try:
                self.heard += self.notify.recv(4096).decode().split("\n")
            except TimeoutError:
                pass
        found = wanted in self.heard
        self.heard = []
        return found

    def end(self):
        self.child.send_signal(signal.SIGTERM)
        return self.child.wait(30)


def restart(world, checks, workers):
    what = "one process" if workers == 1 else f"{workers} workers"
    systemd = Systemd(world, workers)
    checks.that(f"{what}: READY=1 is told", systemd.start())
    checks.that(f"{what}: and WATCHDOG=1 while it lives", systemd.hears("WATCHDOG=1"))
    statuses, over = [], threading.Event()

    def keep_sending(thread):
        n = 0
        while not over.is_set():
            statuses.append(post(world.bot_port, body_of(f"again{workers}-{thread}", f"r{workers}-{thread}-{n}", f"câu {n}")))
            n += 1
    threads = [threading.Thread(target=keep_sending, args=(t,)) for t in range(8)]
    for t in threads:
        t.start()
    seen = []
    for _ in range(2):
        until(lambda: len(statuses) > 50)
        checks.that(f"{what}: a restart ends with status 0", systemd.end() == 0)
        checks.that(f"{what}: the successor is ready", systemd.start())
        seen += statuses
        statuses.clear()
    until(lambda: len(statuses) > 50)
    over.set()
    for t in threads:
        t.join()
    checks.that(f"{what}: nobody was refused or cut off by two restarts under load", set(seen + statuses) == {200},
                {s: statuses.count(s) for s in set(statuses)})
    systemd.end()
    checks.that(f"{what}: STOPPING=1 is told", systemd.hears("STOPPING=1"))
    systemd.start()
    checks.that(f"{what}: a stop right after the start ends with status 0, too", systemd.end() == 0)
    systemd.socket.close()


def a_restart_refuses_nobody(world, checks):
    world.bot.stop()
    restart(world, checks, 1)
    restart(world, checks, WORKERS)


def scenes(world, checks):
    long = () if "--short" in sys.argv else (a_hung_worker_is_killed,)
    for scene in chosen(one_socket_for_all, nothing_overtakes_on_another_worker, a_killed_worker_loses_nothing, settings_are_read_again, *long, an_ordered_end,
                        workers_do_not_outlive_their_supervisor, a_restart_refuses_nobody):
        scene(world, checks)


PEOPLE = (("all-", 60), ("before-", 1), ("dead-", 200), ("end-", 200), ("again1-", 8), (f"again{WORKERS}-", 8))

if __name__ == "__main__":
    sys.exit(play("workers", sys.argv[1], PEOPLE, scenes, {"SANGKIEN_SERVER_WORKERS": str(WORKERS)}))
