"""What the fault tests share: signed events, checks that are counted, a world with the real binary that is taken down again."""
import hashlib
import http.client
import json
import os
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from process import Failure, scratch_folder  # noqa: E402
from standin import IDS, SECRETS  # noqa: E402
from world import DATABASE, World  # noqa: E402


def body_of(user, msg_id, text, timestamp=None):
    return json.dumps({"app_id": IDS["app_id"], "event_name": "user_send_text", "timestamp": str(timestamp or int(time.time() * 1000)),
                       "sender": {"id": user}, "recipient": {"id": IDS["oa_id"]}, "message": {"msg_id": msg_id, "text": text}},
                      ensure_ascii=False).encode()


def signature_of(body):
    """@return the headers of a correctly signed webhook request."""
    stamp = json.loads(body)["timestamp"]
    mac = hashlib.sha256(IDS["app_id"].encode() + body + stamp.encode() + SECRETS["oa_secret"].encode()).hexdigest()
    return {"Content-Type": "application/json", "X-ZEvent-Signature": "mac=" + mac}


def post(port, body):
    """@return the status of a correctly signed webhook request, None when the connection broke."""
    conn = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        conn.request("POST", "/webhook", body, signature_of(body))
        return conn.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        conn.close()


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def that(self, name, holds, detail=""):
        print(("ok    " if holds else "FAIL  ") + name + ("" if holds else f": {detail}"))
        self.passed += bool(holds)
        self.failed += not holds


def freeze(server, how):
    """The postmaster and all its children."""
    with open(f"/proc/{server}/task/{server}/children", encoding="ascii") as f:
        children = [int(p) for p in f.read().split()]
    for pid in [server, *children]:
        try:
            os.kill(pid, how)
        except ProcessLookupError:
            pass  # a connection that has just ended


def count(world, sql):
    return int(world.postgres.psql(DATABASE, sql).strip())


def wait_for(world, sql, want, seconds=60):
    """Asks until the answer is `want`."""
    end = time.monotonic() + seconds
    while (got := count(world, sql)) != want and time.monotonic() < end:
        time.sleep(0.05)
    return got


def chosen(*scenes):
    """Those whose names stand among the arguments, all of them when none does."""
    named = [s for s in scenes if s.__name__ in sys.argv[2:]]
    return named or list(scenes)


def play(name, build, people, scenes, extra=None, pooled=False, fast=True):
    """Starts a world and lets scenes(world, checks) happen in it; `people` (prefix, count): the stand-in sends only to whom it
    knows; `fast`: a commit need not reach the disk.  Prints the counts.  @return the exit status."""
    folder = scratch_folder(name)
    checks = Checks()
    world = World(folder, build, fast=fast, extra=extra, pooled=pooled)
    try:
        world.start()
        for prefix, number in people:
            world.standin.call("POST", "/_admin/people", {"prefix": prefix, "from": 0, "count": number})
        scenes(world, checks)
    except Failure as e:
        checks.that("the test could run", False, e)
    finally:
        world.stop()
    if checks.failed:
        print(f"logs are kept in {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0
