#!/usr/bin/env python3
"""A question to a contact and its answer, with the process killed at every named point between two steps of their relay.

  worker asks -> ticket -> assigned -> card -> contact answers -> taken -> relayed -> told

Each step is a turn of somebody and a send, so the kill points are those of turns, mail and the outbox, at their first, second, ... pass.
After each kill: question and answer stand in the ticket once and have reached the phones once.

  test_relay.py BUILD_FOLDER [--short]"""
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from process import Failure  # noqa: E402
from scene import body_of, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

# Where a turn dies, where a send dies, and at which pass: the relay of one question makes about so many.
POINTS = {
    "turn_after_claim": range(0, 9), "turn_after_needs": range(0, 9), "turn_before_commit": range(0, 9), "turn_after_commit": range(0, 9),
    "outbox_before_send": range(0, 7), "outbox_after_send": range(0, 7),
}
SHORT = {"turn_after_claim": (2, 5), "turn_after_needs": (1,), "turn_before_commit": (1, 4), "turn_after_commit": (1, 3, 5), "outbox_before_send": (2, 4),
         "outbox_after_send": (1, 2, 4)}

CONTACT_SQL = """
INSERT INTO conversation (user_id, draft) VALUES ('contact-0', '{"v":"1","greeted":true,"staff":true}');
INSERT INTO person (user_id, full_name, last_inbound_at) VALUES ('contact-0', 'Trần Thị Bé', now());
INSERT INTO role_grant (user_id, role, granted_by) VALUES ('contact-0', 'support', 'cli:test');
INSERT INTO duty (user_id) VALUES ('contact-0');
"""
WORKER_SQL = """
INSERT INTO conversation (user_id, draft) VALUES ('%s', '{"v":"1","greeted":true}');
INSERT INTO person (user_id, full_name, consent_at, last_inbound_at) VALUES ('%s', 'Nguyễn Văn An', now(), now());
"""


class Relay:
    """One question and its answer; the bot is started again whenever it is found dead."""
    def __init__(self, world, n, point, passes):
        self.world, self.n, self.worker, self.deaths = world, n, f"asks-{n}", 0
        self.question, self.answer = f"câu hỏi thứ {n:03d} ạ", f"câu trả lời thứ {n:03d}"
        self.plan = f"{point}:kill:{passes}"

    def start(self, plan=None):
        env = self.world.bot.env
        env.pop("FAULT_PLAN", None)
        if plan:
            env["FAULT_PLAN"] = plan
        try:
            self.world.bot.start()
        except Failure:
            if self.world.bot.process.running():
                raise
        env.pop("FAULT_PLAN", None)

    def revive(self):
        if self.world.bot.process.running():
            return
        self.deaths += 1
        self.world.postgres.psql(DATABASE, "UPDATE outbox SET due_at = now() WHERE owner IS NOT NULL")  # the dead one's leases have run out
        self.start()

    def says(self, user, msg_id, text):
        body, end = body_of(user, f"{msg_id}-{self.n}", text), time.monotonic() + 30
        while post(self.world.bot_port, body) != 200 and time.monotonic() < end:
            self.revive()

    def until(self, sql):
        end = time.monotonic() + 30
        while count(self.world, sql) == 0 and time.monotonic() < end:
            self.revive()
            time.sleep(0.02)

    def play(self):
        world = self.world
        world.postgres.psql(DATABASE, WORKER_SQL % (self.worker, self.worker))
        world.bot.kill()
        self.start(self.plan)
        self.revive()
        self.says(self.worker, "human", "gặp cán bộ")
        self.says(self.worker, "question", self.question)
        self.until(f"SELECT count(*) FROM message WHERE user_id = 'contact-0' AND text LIKE '%{self.question}%'")
        number = world.postgres.psql(DATABASE, f"SELECT number FROM ticket WHERE user_id = '{self.worker}'").strip()
        self.says("contact-0", "answer", f"#{number} {self.answer}")
        self.until(f"SELECT count(*) FROM message WHERE user_id = '{self.worker}' AND text LIKE '%{self.answer}%'")
        self.until(f"SELECT count(*) FROM message WHERE user_id = 'contact-0' AND text LIKE 'Em đã chuyển tới số {number},%'")
        self.says("contact-0", "close", f"#b1:*:ticket_close.{number}")
        self.until("SELECT (count(*) = 0)::int FROM (SELECT FROM outbox UNION ALL SELECT FROM mailbox WHERE not_before <= clock_timestamp()) x")

    def phone(self, user, words):
        return sum(words in (m.get("text") or "") for m in self.world.standin.sent(user, 0, 0, 5000))

    def wrong(self):
        """What did not come out once: an empty list is right."""
        world, found = self.world, []
        for what, got in (("deaths", self.deaths), ("cards on the contact's phone", self.phone("contact-0", self.question)),
                          ("answers on the worker's phone", self.phone(self.worker, self.answer)),
                          ("tickets", count(world, f"SELECT count(*) FROM ticket WHERE user_id = '{self.worker}' AND state = 'closed'")),
                          ("questions in the ticket", count(world, f"SELECT count(*) FROM ticket_message WHERE user_id = '{self.worker}' AND direction = 'in'")),
                          ("answers in the ticket", count(world, f"SELECT count(*) FROM ticket_message WHERE user_id = '{self.worker}' AND direction = 'out'"))):
            if got != 1:
                found.append(f"{got} {what}")
        return found


def scenes(world, checks):
    points = SHORT if "--short" in sys.argv else POINTS
    world.postgres.psql(DATABASE, CONTACT_SQL)
    n = 0
    for point, passes in points.items():
        for p in passes:
            relay = Relay(world, n, point, p)
            relay.play()
            wrong = relay.wrong()
            checks.that(f"killed at pass {p + 1} of {point}: asked and answered once", not wrong, wrong)
            n += 1
    checks.that("nothing is left to do", wait_for(world, "SELECT count(*) FROM outbox", 0) == 0)


if __name__ == "__main__":
    sys.exit(play("relay", sys.argv[1], (("asks-", sum(len(p) for p in POINTS.values())), ("contact-", 1)), scenes,
                  {"SANGKIEN_HOURS_STAFF": "T2-CN 00:00-24:00"}))
