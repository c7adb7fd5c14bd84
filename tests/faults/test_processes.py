#!/usr/bin/env python3
"""Two processes on one database: an event takes effect once however often and wherever it arrives, a killed process loses
nothing, its replies go out all the same, a poison event (or piece of mail) ends alone.  (reliability.md K2, K3, K8, K11, W1, Q1, Q9; test_spool.py has more of Q)

  test_processes.py BUILD_FOLDER [SCENE ...]"""
import concurrent.futures
import os
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from bot import Bot  # noqa: E402
from process import free_port  # noqa: E402
from scene import body_of, chosen, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402


def fifty_copies_on_two_processes(world, second, checks):
    events = [(f"copies-{n}", body_of(f"copies-{n}", f"m{n}", "xin chào")) for n in range(20)]
    jobs = [(port, body) for _, body in events for port in [world.bot_port, second.port] * 25]
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        statuses = list(pool.map(lambda j: post(*j), jobs))
    checks.that("fifty copies of an event on two processes are all answered 200", statuses == [200] * len(jobs),
                {s: statuses.count(s) for s in set(statuses)})
    checks.that("and each takes effect once", count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'copies-%' AND origin = 'person'") == 20,
                world.postgres.psql(DATABASE, "SELECT user_id, count(*) FROM message WHERE user_id LIKE 'copies-%' AND origin = 'person' GROUP BY 1 HAVING count(*) <> 1"))
    wait_for(world, "SELECT count(*) FROM outbox WHERE user_id LIKE 'copies-%'", 0)
    greeted = {user: len(world.standin.sent(user, 0, 5000)) for user, _ in events}
    checks.that("and each person is greeted once", set(greeted.values()) == {1}, greeted)


def one_person_on_two_processes(world, second, checks):
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        jobs = [((world.bot_port, second.port)[n % 2], body_of("both", f"b{n}", f"câu {n}")) for n in range(60)]
        statuses = list(pool.map(lambda j: post(*j), jobs))
    checks.that("sixty messages of one person on two processes are all taken", statuses == [200] * 60, statuses)
    checks.that("one after the other: the conversation's version counts them",
                count(world, "SELECT version FROM conversation WHERE user_id = 'both'") == 60)


def nothing_of_one_person_is_overwritten(world, second, checks):
    """A description in forty messages, by turns to both: who read the draft before the other had saved it would drop what came between."""
    for n, text in enumerate(("xin chào", "đăng ký", "đồng ý", "Nguyễn Văn An", "Bình Minh Xanh", "Đồ gá kẹp bo mạch khi hàn tay")):
        post(world.bot_port, body_of("both-2", f"first-{n}", text))
    parts = [f"phần {n:02d} của mô tả" for n in range(40)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        jobs = [((world.bot_port, second.port)[n % 2], body_of("both-2", f"part-{n}", text)) for n, text in enumerate(parts)]
        statuses = list(pool.map(lambda j: post(*j), jobs))
    draft = world.postgres.psql(DATABASE, "SELECT draft FROM conversation WHERE user_id = 'both-2'")
    missing = [text for text in parts if draft.count(text) != 1]
    checks.that("forty parts of one description over two processes: each is in it once", statuses == [200] * 40 and not missing, missing)


def a_clock_that_is_ahead(world, second, checks):
    """The signed time is a number of somebody else's: one ten days ahead does not make everything after it late, or stand in the transcript."""
    ahead = int(time.time() * 1000) + 10 * 86400 * 1000
    post(world.bot_port, body_of("both-1", "ahead", "xin chào", ahead))
    post(world.bot_port, body_of("both-1", "after", "đăng ký"))
    checks.that("a time ahead of ours becomes now", wait_for(world, "SELECT count(*) FROM message WHERE user_id = 'both-1' AND origin = 'person'", 2, 10) == 2 and
                count(world, "SELECT count(*) FROM conversation WHERE user_id = 'both-1' AND last_event_at > now()") == 0 and
                count(world, "SELECT count(*) FROM message WHERE user_id = 'both-1' AND at > now()") == 0)


def a_held_process_sends_nothing(world, second, checks):
    """`serve --hold`: events are taken and answers written, none goes out before somebody serves without it."""
    world.bot.stop()
    second.stop()
    world.bot.options = ["--hold"]
    world.bot.start()
    checks.that("held: an event is taken", post(world.bot_port, body_of("hold-0", "h0", "xin chào")) == 200)
    checks.that("and its answer written", wait_for(world, "SELECT count(*) FROM outbox WHERE user_id = 'hold-0'", 1, 10) == 1)
    checks.that("but not sent", not world.standin.sent("hold-0", 0, 3000))  # longer than the sender's looks at the outbox are apart
    world.bot.stop()
    world.bot.options = []
    world.bot.start()
    checks.that("without --hold it goes out, once", wait_for(world, "SELECT count(*) FROM outbox WHERE user_id = 'hold-0'", 0, 20) == 0
                and len(world.standin.sent("hold-0", 0, 1000)) == 1)
    second.start()


def a_failed_claim_leaves_no_transaction_open(world, second, checks):
    """What fails before the turns are even loaded is rolled back like the rest, or the connection would refuse all that follows."""
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for the test'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON conversation FOR EACH ROW WHEN (NEW.user_id = 'claim-7') EXECUTE FUNCTION refuse()""")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: post(world.bot_port, body_of(f"claim-{n}", f"c{n}", "xin chào")), range(64)))
    world.postgres.psql(DATABASE, "DROP TRIGGER refuse ON conversation; DROP FUNCTION refuse()")
    checks.that("one of many cannot even be met: all are acknowledged", statuses == [200] * 64, {s: statuses.count(s) for s in set(statuses)})
    checks.that("and the other 63 took effect", count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'claim-%' AND origin = 'person'") == 63)
    world.postgres.psql(DATABASE, "DELETE FROM dead_event")


def poison_mail_leaves_the_mailbox(world, second, checks):
    """Else it would be looked at each second for ever, and five hundred of its kind would hide all other mail."""
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for the test'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON conversation FOR EACH ROW WHEN (NEW.user_id = 'claim-1') EXECUTE FUNCTION refuse();
        INSERT INTO mailbox (user_id, id, kind, payload) VALUES ('claim-1', 4711, 'evidence_failed', '{"name": "ảnh.jpg"}')""")
    checks.that("mail that cannot be processed leaves the mailbox", wait_for(world, "SELECT count(*) FROM mailbox WHERE id = 4711", 0, 15) == 0)
    world.postgres.psql(DATABASE, "DROP TRIGGER refuse ON conversation; DROP FUNCTION refuse()")
    checks.that("and is kept as dead, with what it said",
                count(world, """SELECT count(*) FROM dead_event WHERE user_id = 'claim-1' AND error LIKE '%refused for the test%'
                                AND convert_from(body, 'UTF8')::jsonb #>> '{payload,name}' = 'ảnh.jpg'""") == 1)
    world.bot.command("dead", "retry", "--all")
    checks.that("tried again it is mail as before and is handled", wait_for(world, "SELECT count(*) FROM mailbox WHERE user_id = 'claim-1'", 0, 15) == 0
                and count(world, "SELECT count(*) FROM dead_event") == 0)


def a_poison_event_ends_alone(world, second, checks):
    """The database refuses one person's row as a handler's mistake would make it: everybody else of the batch goes on."""
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for the test'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON conversation FOR EACH ROW WHEN (NEW.user_id = 'poison-7') EXECUTE FUNCTION refuse()""")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(lambda n: post(world.bot_port, body_of(f"poison-{n}", f"p{n}", "xin chào")), range(64)))
    world.postgres.psql(DATABASE, "DROP TRIGGER refuse ON conversation; DROP FUNCTION refuse()")
    checks.that("a poison event among others: all are acknowledged", statuses == [200] * 64, {s: statuses.count(s) for s in set(statuses)})
    checks.that("the culprit alone is kept as dead, with its error",
                world.postgres.psql(DATABASE, "SELECT user_id, error LIKE '%refused for the test%' FROM dead_event").split() == ["poison-7|t"],
                world.postgres.psql(DATABASE, "SELECT user_id, error FROM dead_event"))
    checks.that("the other 63 took effect",
                count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'poison-%' AND origin = 'person'") == 63)
    told = world.standin.sent("poison-7", 0, 10000)
    checks.that("the person hears an apology", len(told) == 1, told)
    key, _, size, error = world.bot.command("dead", "list").rstrip("\n").split("\t")
    checks.that("`dead list` shows it without a word of what was said", key.startswith("poison-7/") and int(size) > 100 and "refused for the test" in error
                and "xin chào" not in world.bot.command("dead", "list"), (key, size, error))
    world.bot.command("dead", "retry", key)
    stored = "SELECT count(*) FROM message WHERE user_id = 'poison-7' AND origin = 'person' AND zalo_msg_id = 'p7'"
    checks.that("`dead retry`, once the reason is gone, lets it take effect after all", wait_for(world, stored, 1, 15) == 1
                and count(world, "SELECT count(*) FROM dead_event") == 0 and count(world, "SELECT count(*) FROM mailbox WHERE user_id = 'poison-7'") == 0)
    again = post(world.bot_port, body_of("poison-7", "p7b", "xin chào"))
    checks.that("and can go on at once", again == 200 and len(world.standin.sent("poison-7", told[-1]["seq"] if told else 0, 10000)) >= 1)


def what_fails_again_is_dead_again(world, second, checks):
    world.postgres.psql(DATABASE, """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'still refused'; END $$;
        CREATE TRIGGER refuse BEFORE UPDATE ON conversation FOR EACH ROW WHEN (NEW.user_id = 'poison-9') EXECUTE FUNCTION refuse()""")
    post(world.bot_port, body_of("poison-9", "p9b", "xin chào"))
    before = world.bot.command("dead", "list")
    world.bot.command("dead", "retry", "--all")
    checks.that("what fails again is in the list again and not in the mailbox", wait_for(world, "SELECT count(*) FROM dead_event", 1, 15) == 1
                and count(world, "SELECT count(*) FROM mailbox WHERE user_id = 'poison-9'") == 0, before)
    world.postgres.psql(DATABASE, "DROP TRIGGER refuse ON conversation; DROP FUNCTION refuse()")
    world.bot.command("dead", "drop", world.bot.command("dead", "list").split("\t")[0])
    checks.that("`dead drop` deletes it", count(world, "SELECT count(*) FROM dead_event") == 0)


def a_killed_process_loses_nothing(world, second, checks):
    acknowledged = []
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        running = {pool.submit(post, second.port, body_of(f"kill-{n}", f"k{n}", "xin chào")): n for n in range(400)}
        for i, done in enumerate(concurrent.futures.as_completed(running)):
            if done.result() == 200:
                acknowledged.append(running[done])
            if i == 100:
                second.kill()
    stored = set(world.postgres.psql(DATABASE, "SELECT user_id FROM message WHERE user_id LIKE 'kill-%' AND origin = 'person'").split())
    lost = [n for n in acknowledged if f"kill-{n}" not in stored]
    checks.that(f"a kill -9 under load loses none of {len(acknowledged)} acknowledged events", not lost and len(acknowledged) >= 100, lost)
    left = count(world, "SELECT count(*) FROM outbox WHERE user_id LIKE 'kill-%'")
    # The dead process's leases run out after 30 s; then the other one sends.
    checks.that(f"and the {left} replies it still held are sent by the other process",
                wait_for(world, "SELECT count(*) FROM outbox WHERE user_id LIKE 'kill-%'", 0, 90) == 0)
    silent = [n for n in acknowledged if not world.standin.sent(f"kill-{n}", 0, 0)]
    checks.that("nobody who was acknowledged stays without an answer", not silent, silent)


def what_a_dead_process_commits_is_taken_over(world, second, checks):
    """Its transaction waits for a lock when it is killed, and commits with a lease of the dead after its successor has looked."""
    second.kill()  # dead since the scene before, unless this one is played alone
    world.postgres.psql(DATABASE, "CREATE TABLE IF NOT EXISTS held (n int)")
    world.postgres.psql(DATABASE, """CREATE OR REPLACE FUNCTION wait_for_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        PERFORM pg_sleep(0.9) WHERE EXISTS (SELECT FROM held); RETURN NEW; END $$;
        CREATE TRIGGER wait_for_it BEFORE INSERT ON message FOR EACH ROW WHEN (NEW.user_id = 'kill-399') EXECUTE FUNCTION wait_for_it();
        INSERT INTO held VALUES (1)""")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        said = pool.submit(post, world.bot_port, body_of("kill-399", "late", "xin chào"))
        sleeping = wait_for(world, "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", 1)
        world.bot.kill()
        world.bot.start()
        said.result()
    checks.that("a process is killed while its transaction runs on", sleeping == 1)
    checks.that("which commits all the same", wait_for(world, "SELECT count(*) FROM message WHERE user_id = 'kill-399' AND origin = 'person'", 1, 10) == 1)
    world.postgres.psql(DATABASE, "DROP TRIGGER wait_for_it ON message; DROP FUNCTION wait_for_it; DROP TABLE held")
    checks.that("its reply goes out before the lease of 30 s ends", len(world.standin.sent("kill-399", 0, 15000)) == 1)


def a_restarted_database_loses_nothing(world, second, checks):
    """What cannot be committed in time is spooled; nobody has to send it again."""
    statuses = []
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        running = {pool.submit(post, world.bot_port, body_of(f"pg-{n}", f"g{n}", "xin chào")): n for n in range(300)}
        for i, done in enumerate(concurrent.futures.as_completed(running)):
            statuses.append(done.result())
            if i == 100:
                world.postgres.stop()
                world.postgres.start()
    checks.that("a restart of PostgreSQL under load: all are answered 200", statuses == [200] * 300, {s: statuses.count(s) for s in set(statuses)})
    stored = "SELECT count(*) FROM message WHERE user_id LIKE 'pg-%' AND origin = 'person'"
    checks.that("and each takes effect once, by itself", wait_for(world, stored, 300, 20) == 300, count(world, stored))


def a_graceful_stop_refuses_nothing_it_has_taken(world, second, checks):
    statuses = []
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        running = [pool.submit(post, world.bot_port, body_of(f"stop-{n}", f"s{n}", "xin chào")) for n in range(200)]
        for i, done in enumerate(concurrent.futures.as_completed(running)):
            statuses.append(done.result())
            if i == 50:
                world.bot.process.child.terminate()
    code = world.bot.process.child.wait(20)
    good = statuses.count(200)
    checks.that("SIGTERM ends with status 0", code == 0, code)
    checks.that("what is taken while stopping is answered 200 or not at all", set(statuses) <= {200, None}, set(statuses))
    checks.that(f"and all {good} acknowledged events are stored",
                count(world, "SELECT count(*) FROM message WHERE user_id LIKE 'stop-%' AND origin = 'person'") >= good)
    # A claimed row that is given back keeps its owner's name, for whoever claims it next (outbox_release); its lease is over.
    checks.that("and no reply is left under a lease", count(world, "SELECT count(*) FROM outbox WHERE owner IS NOT NULL AND due_at > now()") == 0,
                world.postgres.psql(DATABASE, "SELECT id, fence, attempts, owner, due_at - now(), last_error FROM outbox WHERE owner IS NOT NULL"))


def an_impatient_stop_ends_cleanly(world, second, checks):
    """The second signal ends the loop with batches, writes and sends in flight; nothing is called back into what is gone."""
    codes = []
    for attempt in range(3):
        world.bot.start()
        bodies = [body_of(f"stop-{n}", f"i{attempt}-{n}", "xin chào") for n in range(200)]
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            running = [pool.submit(post, world.bot_port, body) for body in bodies]
            for i, _ in enumerate(concurrent.futures.as_completed(running)):
                if i == 60 + 7 * attempt:
                    world.bot.process.child.terminate()
                    world.bot.process.child.terminate()
        codes.append(world.bot.process.child.wait(20))
    checks.that("a second SIGTERM under load ends at once with status 0", codes == [0, 0, 0], codes)


def scenes(world, checks):
    other = os.path.join(world.folder, "second")
    os.makedirs(other, mode=0o700)
    shutil.copy(os.path.join(world.folder, "spool", "token.key"), other)
    second = Bot(world.bot.binary, world.log("second"), other, world.postgres.url(DATABASE), world.standin.port,
                 free_port(0, (world.standin.port, world.bot_port)),
                 {"SANGKIEN_SPOOL_PATH": os.path.join(world.folder, "spool")})
    second.start()
    try:
        for scene in chosen(fifty_copies_on_two_processes, one_person_on_two_processes, nothing_of_one_person_is_overwritten, a_clock_that_is_ahead,
                            a_held_process_sends_nothing, a_failed_claim_leaves_no_transaction_open,
                            poison_mail_leaves_the_mailbox, a_poison_event_ends_alone, what_fails_again_is_dead_again,
                            a_killed_process_loses_nothing, what_a_dead_process_commits_is_taken_over, a_restarted_database_loses_nothing,
                            a_graceful_stop_refuses_nothing_it_has_taken, an_impatient_stop_ends_cleanly):
            scene(world, second, checks)
    finally:
        second.kill()


PEOPLE = (("copies-", 20), ("both-", 3), ("hold-", 1), ("claim-", 64), ("poison-", 64), ("kill-", 400), ("stop-", 200))

if __name__ == "__main__":
    sys.exit(play("processes", sys.argv[1], PEOPLE, scenes))
