#!/usr/bin/env python3
"""Zalo answers HTTP 200 with an error: what must become of the reply, code by code.  (reliability.md Z3, Z6; zalo-oa-api.md 6.1)

  test_codes.py BUILD_FOLDER

The table is written from that page, not from the program's own.  -32 (too many in this minute) is in tests/chats/delivery.chat."""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from scene import body_of, play, post  # noqa: E402
from world import DATABASE  # noqa: E402

# Once refused, then welcome.
AGAIN = (-200, -214, -99999)                       # arrives a little later
TOKEN = (-124, -216, -220, 216, 401, -401)         # arrives after one refresh
GONE = (-100, -201, -210, -213, -217, -222, -227, -230, -232, -233, -237, -238, -241, -244, -248, -249, -305, -403, -1340, -1341, 404)
LATER = (-211, -218, -311, -234)                   # waits for another day, nothing is lost
STOPS = (-202, -203, -204, -205, -207, -208, -209, -212, -215, -219, -221, -223, -224, -235, -240, -242, -320, -321)
PATH = "/v3.0/oa/message/cs"


def named(kind, code):
    """A prefix; the person is number 0 of it."""
    return f"{kind}-{'minus' if code < 0 else 'plus'}{abs(code)}-"


def refused(world, kind, code):
    """Somebody says hello; the answer to it is refused with that code once."""
    user = named(kind, code) + "0"
    world.standin.call("POST", "/_admin/fault", {"path": PATH, "do": "error", "code": code, "times": 1, "user": user})
    if post(world.bot.port, body_of(user, user + "1", "xin chào")) != 200:
        raise AssertionError("the event was not taken")
    return user


def until(world, sql, want="1", seconds=20):
    end = time.monotonic() + seconds
    while (got := world.postgres.psql(DATABASE, sql).strip()) != want and time.monotonic() < end:
        time.sleep(0.02)
    return got == want


def scenes(world, checks):
    refreshes = lambda: world.standin.call("GET", "/_admin/stats")["refreshes"]  # noqa: E731
    gone, later, again = ({c: refused(world, kind, c) for c in codes} for kind, codes in (("gone", GONE), ("later", LATER), ("again", AGAIN)))
    for code, user in gone.items():
        kept = until(world, f"SELECT count(*) FROM message WHERE user_id = '{user}' AND origin = 'bot' AND failure LIKE '{code} %'")
        checks.that(f"{code}: given up, and the transcript says why", kept and not world.standin.sent(user, 0, 0))
    for code, user in later.items():
        kept = until(world, f"SELECT count(*) FROM outbox WHERE user_id = '{user}' AND owner IS NULL AND due_at > now() + interval '50 min' AND last_error LIKE '{code} %'")
        checks.that(f"{code}: waits for another hour", kept and not world.standin.sent(user, 0, 0))
    for code, user in again.items():
        checks.that(f"{code}: tried again, and arrives once", len(world.standin.sent(user, 0, 20000)) == 1)
    for code in TOKEN:
        before, user = refreshes(), refused(world, "token", code)
        checks.that(f"{code}: one refresh, and it arrives once", len(world.standin.sent(user, 0, 20000)) == 1 and refreshes() == before + 1, refreshes() - before)
    for code in STOPS:
        user, other = refused(world, "stop", code), named("other", code) + "0"
        kept = until(world, f"SELECT count(*) FROM outbox WHERE user_id = '{user}' AND owner IS NULL AND due_at > now() + interval '40 s' AND last_error LIKE '{code} %'")
        post(world.bot.port, body_of(other, other + "1", "xin chào"))
        waits = until(world, f"SELECT count(*) FROM outbox WHERE user_id = '{other}'") and not world.standin.sent(other, 0, 200)
        checks.that(f"{code}: nothing more is sent for this OA, nothing is lost", kept and waits, (kept, waits))
        world.bot.stop()  # ends the pause of a minute
        world.bot.start(database=False)
        checks.that(f"{code}: a new start sends again", len(world.standin.sent(other, 0, 20000)) == 1)


PEOPLE = [(named(kind, c), 1) for kind, codes in (("gone", GONE), ("later", LATER), ("again", AGAIN), ("token", TOKEN), ("stop", STOPS), ("other", STOPS)) for c in codes]

if __name__ == "__main__":
    sys.exit(play("codes", sys.argv[1], PEOPLE, scenes))
