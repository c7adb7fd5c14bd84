#!/usr/bin/env python3
"""Two contacts and two processes: one question is one contact's, whatever is pressed at the same moment; answers survive a kill
between any two steps of their relay; a contact who is gone loses no question.

  test_support.py BUILD_FOLDER [SCENE ...] [--tickets N]     N questions that both contacts press at once; 24 by default"""
import concurrent.futures
import os
import shutil
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from process import free_port  # noqa: E402
from scene import body_of, chosen, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

TICKETS = int(sys.argv[sys.argv.index("--tickets") + 1]) if "--tickets" in sys.argv else 24
PEOPLE = TICKETS + 8  # the last ones have a scene each
ANSWERS = 30

PEOPLE_SQL = """
INSERT INTO conversation (user_id, draft) SELECT u, '{"v":"1","greeted":true}' FROM (SELECT 'asks-' || n AS u FROM generate_series(0, %d) n) p;
INSERT INTO person (user_id, full_name, consent_at, last_inbound_at) SELECT user_id, 'Nguyễn Văn An', now(), now() FROM conversation WHERE user_id LIKE 'asks-%%';
INSERT INTO conversation (user_id, draft) SELECT 'contact-' || n, '{"v":"1","greeted":true,"staff":true}' FROM generate_series(0, 1) n;
INSERT INTO person (user_id, full_name, last_inbound_at) SELECT user_id, 'Trần Thị ' || right(user_id, 1), now() FROM conversation WHERE user_id LIKE 'contact-%%';
INSERT INTO role_grant (user_id, role, granted_by) SELECT user_id, 'support', 'cli:test' FROM conversation WHERE user_id LIKE 'contact-%%';
INSERT INTO ticket (user_id, id, number, topic, question, asked_at, opened_at)
SELECT 'asks-' || n, 1000 + n, 1000 + n, 'human', 'hỏi', now(), now() FROM generate_series(0, %d) n;
""" % (PEOPLE - 1, PEOPLE - 1)


def settled(world, seconds=60):
    return wait_for(world, "SELECT (SELECT count(*) FROM mailbox WHERE not_before <= clock_timestamp()) + (SELECT count(*) FROM outbox)", 0, seconds) == 0


def texts_to(world, user):
    return [m.get("text") or "" for m in world.standin.sent(user, 0, 0, 5000)]


def two_contacts_press_at_once(world, second, checks):
    """Each ticket's button is pressed by both, on different processes, released by one barrier."""
    statuses = []
    for n in range(TICKETS):
        barrier = threading.Barrier(2)

        def press(contact, port, ticket=1000 + n, start=barrier):
            body = body_of(f"contact-{contact}", f"t{ticket}-{contact}", f"#b1:*:ticket_reply.{ticket}")
            start.wait()
            return post(port, body)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ports = (world.bot_port, second.port) if n % 2 else (second.port, world.bot_port)
            statuses += [f.result() for f in [pool.submit(press, c, ports[c]) for c in (0, 1)]]
    checks.that("both presses of each button are taken", statuses == [200] * (2 * TICKETS), statuses)
    checks.that("all that follows comes to its end", settled(world))
    checks.that("each ticket was taken once and by nobody else",
                count(world, "SELECT count(*) FROM (SELECT ticket_id FROM ticket_message WHERE text IN ('taken', 'taken_over')"
                             f" AND ticket_id < {1000 + TICKETS} GROUP BY ticket_id"
                             f" HAVING count(*) = 1 AND min(text) = 'taken') x") == TICKETS)
    checks.that("the conversation is the contact's who has the ticket",
                count(world, "SELECT count(*) FROM ticket t JOIN conversation c USING (user_id) WHERE c.owner = 'user:' || t.assignee AND t.id < 1000 + %d" % TICKETS) == TICKETS)
    told = [sum("đang trả lời anh/chị" in text for text in texts_to(world, f"asks-{n}")) for n in range(TICKETS)]
    checks.that("each worker is told of one contact", told == [1] * TICKETS, told)
    losers = count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'contact-%' AND text LIKE '%đang trả lời rồi%'")
    checks.that("and the other contact who it is, each time", losers == TICKETS, losers)


def answers_while_processes_are_killed(world, second, checks):
    """Every answer that was acknowledged arrives, in order and in the ticket once, whichever step the kill came between."""
    ticket, worker, acknowledged = 1000 + TICKETS, f"asks-{TICKETS}", []
    stop = threading.Event()

    def kill_now_and_then():
        while not stop.wait(0.4):
            world.bot.kill()
            world.bot.start()
    killer = threading.Thread(target=kill_now_and_then)
    killer.start()
    for n in range(ANSWERS):
        body = body_of("contact-0", f"answer-{n}", f"#{ticket} câu trả lời số {n:02d}")
        end = time.monotonic() + 20
        while (status := post(world.bot_port if n % 3 else second.port, body)) != 200 and time.monotonic() < end:
            time.sleep(0.05)
        acknowledged.append(status)
    stop.set()
    killer.join()
    if not world.bot.process.running():
        world.bot.start()
    checks.that("every answer is acknowledged in the end", acknowledged == [200] * ANSWERS, acknowledged)
    checks.that("and comes to its end", settled(world, 90))
    stored = world.postgres.psql(DATABASE, f"SELECT text FROM ticket_message WHERE ticket_id = {ticket} AND direction = 'out' ORDER BY id").split("\n")
    stored = [line for line in stored if line.strip()]
    checks.that("each is in the ticket once, in order", stored == [f"câu trả lời số {n:02d}" for n in range(ANSWERS)], stored)
    got = [text.split("\n")[-1] for text in texts_to(world, worker) if "câu trả lời số" in text]
    first = list(dict.fromkeys(got))
    checks.that("and has reached the worker, in order", first == [f"câu trả lời số {n:02d}" for n in range(ANSWERS)], got)


def a_contact_who_is_gone(world, second, checks):
    """He took it and never came back, and the process that knew died: the other one is asked, the worker has the bot again."""
    world.postgres.psql(DATABASE, "INSERT INTO duty (user_id) VALUES ('contact-0'), ('contact-1') ON CONFLICT DO NOTHING;"
                                  "UPDATE ticket SET contact_at = now() - interval '40 min', warned_at = now() - interval '10 min', asked_at = now()"
                                  " WHERE number = 1000")
    holder = world.postgres.psql(DATABASE, "SELECT assignee FROM ticket WHERE number = 1000").strip()
    world.bot.kill()
    world.postgres.psql(DATABASE, "UPDATE ticket SET tick_at = now() WHERE number = 1000;"
                                  "UPDATE mailbox SET not_before = now() WHERE user_id = 'asks-0' AND kind = 'ticket_tick'")
    world.bot.start()
    checks.that("the conversation is the bot's again",
                wait_for(world, "SELECT count(*) FROM conversation WHERE user_id = 'asks-0' AND owner = 'bot'", 1, 30) == 1)
    checks.that("and the question somebody else's", settled(world) and
                count(world, f"SELECT count(*) FROM ticket WHERE number = 1000 AND assignee <> '{holder}' AND state = 'assigned'") == 1)


class Held:
    """Zalo takes nothing for that worker: what is said to him is tried again and again."""
    def __init__(self, world, worker, text):
        self.world, self.worker, self.text = world, worker, text

    def refuse(self, code):
        self.world.standin.call("POST", "/_admin/person", {"user": self.worker, "send_error": code})

    def __enter__(self):
        self.refuse(-214)  # "later"
        return self

    def tried(self):
        return wait_for(self.world, f"SELECT (count(*) FILTER (WHERE text LIKE '%{self.text}%') > 0 AND max(attempts) > 0)::int FROM outbox"
                                    f" WHERE user_id = '{self.worker}'", 1, 20) == 1

    def __exit__(self, *what):
        self.refuse(0)


def owner_is(world, worker, owner):
    return wait_for(world, f"SELECT count(*) FROM conversation WHERE user_id = '{worker}' AND owner = '{owner}'", 1, 20) == 1


def failure_of(world, worker, text):
    return world.postgres.psql(DATABASE, f"SELECT failure FROM ticket_message WHERE user_id = '{worker}' AND text = '{text}'").strip()


def told(world, contact, words):
    return wait_for(world, f"SELECT count(*) FROM message WHERE user_id = '{contact}' AND text LIKE '%{words}%'", 1, 20) == 1


def what_is_held_is_asked_about_again(world, second, checks):
    """Said while the conversation was the contact's, to be sent when it is not: it is not sent, and he knows."""
    number, worker = 1001 + TICKETS, f"asks-{TICKETS + 1}"
    with Held(world, worker, "lời cũ") as held:
        post(world.bot_port, body_of("contact-0", "held-1", f"#{number} lời cũ"))
        checks.that("words that Zalo does not take wait", held.tried())
        post(second.port, body_of("contact-1", "held-2", f"#b1:*:ticket_force.{number}"))
        checks.that("another contact takes over meanwhile", owner_is(world, worker, "user:contact-1"))
    checks.that("what the first one said is given up", settled(world) and failure_of(world, worker, "lời cũ") == "overtaken", failure_of(world, worker, "lời cũ"))
    checks.that("and he is told", told(world, "contact-0", f"Tin mình gửi số {number}, % em giữ lại"))
    post(world.bot_port, body_of("contact-1", "held-3", f"#{number} lời mới"))
    checks.that("who has it now is heard", settled(world) and failure_of(world, worker, "lời mới") == "")
    checks.that("the worker reads the one and not the other", [t.split("\n")[-1] for t in texts_to(world, worker) if "\nlời" in t] == ["lời mới"],
                texts_to(world, worker))

    number, worker = 1002 + TICKETS, f"asks-{TICKETS + 2}"
    with Held(world, worker, "lời trễ") as held:
        post(world.bot_port, body_of("contact-0", "held-4", f"#{number} lời trễ"))
        checks.that("again words wait", held.tried())
        post(second.port, body_of(worker, "held-5", "tiếp tục đăng ký"))
        checks.that("the worker goes back to the bot meanwhile", owner_is(world, worker, "bot"))
    checks.that("then they are not sent either", settled(world) and failure_of(world, worker, "lời trễ") == "overtaken" and
                not any("lời trễ" in t for t in texts_to(world, worker)), texts_to(world, worker))
    with Held(world, worker, "lời cuối") as held:
        post(world.bot_port, body_of("contact-0", "held-6", f"#{number} lời cuối"))
        checks.that("once more words wait", held.tried())
        post(second.port, body_of("contact-0", "held-7", f"#b1:*:ticket_close.{number}"))
        checks.that("the contact closes the ticket himself", owner_is(world, worker, "bot"))
    checks.that("what he said before that arrives", settled(world) and any("lời cuối" in t for t in texts_to(world, worker)), texts_to(world, worker))


def the_bot_is_silent_about_what_a_dead_process_held(world, second, checks):
    """Its answer was in the hands of a process that died; by the time another takes it over a contact has the conversation."""
    number, worker = 1003 + TICKETS, f"asks-{TICKETS + 3}"
    world.bot.kill()
    world.bot.env["FAULT_PLAN"] = "outbox_before_send:kill"
    world.bot.start()
    del world.bot.env["FAULT_PLAN"]
    post(world.bot_port, body_of(worker, "dead-1", "hướng dẫn"))
    checks.that("the bot's answer is left in the hands of a dead process",
                wait_for(world, f"SELECT count(*) FROM outbox WHERE user_id = '{worker}' AND owner IS NOT NULL", 1, 20) == 1)
    post(second.port, body_of("contact-0", "dead-2", f"#b1:*:ticket_reply.{number}"))
    checks.that("a contact takes the conversation", owner_is(world, worker, "user:contact-0"))
    world.postgres.psql(DATABASE, f"UPDATE outbox SET due_at = now() WHERE user_id = '{worker}'")  # the lease has run out
    checks.that("the bot's answer is given up", settled(world) and
                count(world, f"SELECT count(*) FROM message WHERE user_id = '{worker}' AND origin = 'bot' AND failure IS NOT NULL") == 1)
    checks.that("and the worker has read of the contact only", [t.split("\n")[0] for t in texts_to(world, worker)] ==
                [t.split("\n")[0] for t in texts_to(world, worker) if "đang trả lời" in t] != [], texts_to(world, worker))
    world.bot.kill()
    world.bot.start()


def what_waits_in_hand_is_asked_about_too(world, second, checks):
    """The pace is slow, so the bot's answer waits in the memory of its process while a contact takes the conversation over another."""
    number, worker = 1004 + TICKETS, f"asks-{TICKETS + 4}"
    world.bot.kill()
    world.bot.env["SANGKIEN_SEND_PER_MINUTE"] = "20"
    world.bot.start()
    for n in (6, 7):
        post(world.bot_port, body_of(f"asks-{TICKETS + n}", f"hand-{n}", "hướng dẫn"))
    post(world.bot_port, body_of(worker, "hand-2", "hướng dẫn"))
    checks.that("the bot's answer waits in its process's hand",
                count(world, f"SELECT count(*) FROM outbox WHERE user_id = '{worker}' AND owner IS NOT NULL") == 1)
    post(second.port, body_of("contact-0", "hand-3", f"#b1:*:ticket_reply.{number}"))
    checks.that("and is given up when a contact takes the conversation over another process", owner_is(world, worker, "user:contact-0") and
                wait_for(world, f"SELECT count(*) FROM message WHERE user_id = '{worker}' AND failure = 'a person has the conversation'", 1, 20) == 1)
    del world.bot.env["SANGKIEN_SEND_PER_MINUTE"]
    world.bot.kill()
    world.bot.start()
    world.postgres.psql(DATABASE, "UPDATE outbox SET due_at = now()")
    checks.that("the worker has read of the contact only", settled(world) and
                [t.split("\n")[0] for t in texts_to(world, worker)] == ["Cán bộ Trần Thị 0 đang trả lời anh/chị."], texts_to(world, worker))


def who_answers_is_said_of_who_does(world, second, checks):
    """The line of the first contact waits while a second one takes over: it would be untrue by now."""
    number, worker = 1005 + TICKETS, f"asks-{TICKETS + 5}"
    with Held(world, worker, "Cán bộ Trần Thị 0 đang trả lời") as held:
        post(world.bot_port, body_of("contact-0", "line-1", f"#b1:*:ticket_reply.{number}"))
        checks.that("the line about the first contact waits", held.tried())
        post(second.port, body_of("contact-1", "line-2", f"#b1:*:ticket_force.{number}"))
        checks.that("a second one takes over", owner_is(world, worker, "user:contact-1"))
    checks.that("the worker reads of the second only", settled(world) and
                [t.split("\n")[0] for t in texts_to(world, worker)] == ["Cán bộ Trần Thị 1 đang trả lời anh/chị."], texts_to(world, worker))


def scenes(world, checks):
    world.postgres.psql(DATABASE, PEOPLE_SQL)
    other = os.path.join(world.folder, "second")
    os.makedirs(other, mode=0o700)
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), other)
    second = Bot(world.bot.binary, world.log("second"), other, world.postgres.url(DATABASE), world.standin.port,
                 free_port(0, (world.standin.port, world.bot_port)),
                 {"SANGKIEN_SPOOL_PATH": os.path.join(world.folder, "spool"), "SANGKIEN_HOURS_STAFF": "T2-CN 00:00-24:00"})
    second.start()
    try:
        for scene in chosen(what_waits_in_hand_is_asked_about_too, # first: the slow pace counts what went out in the minute before
                            two_contacts_press_at_once, answers_while_processes_are_killed, a_contact_who_is_gone,
                            what_is_held_is_asked_about_again, the_bot_is_silent_about_what_a_dead_process_held,
                            who_answers_is_said_of_who_does):
            scene(world, second, checks)
    finally:
        second.kill()


if __name__ == "__main__":
    sys.exit(play("support", sys.argv[1], (("asks-", PEOPLE), ("contact-", 2)), scenes, {"SANGKIEN_HOURS_STAFF": "T2-CN 00:00-24:00"}))
