#!/usr/bin/env python3
"""A campaign month on a virtual clock: people chat, verdicts come, three broadcasts go out, the bot is killed twice in each; at the
end every sum has to be right.

  month.py BUILD_FOLDER [--short] [--people N] [--initiatives N] [--units FILE.csv --campaign FILE.csv]

The real binary, a real PostgreSQL and the stand-in for Zalo live by a calendar that is turned forward whenever nothing is under
way (tests/lib/virtual_clock.py).  With files of one's own the month is that of one's own campaign: who is where, its waves, its
targets; the people are invented.  --short: nine days, two waves, one broadcast, 200 people.  Ends with `N passed, N failed`; a sum that is wrong is named."""
import argparse
import datetime
import os
import random
import re
import signal
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "faults"))

from crowd import Crowd  # noqa: E402
from equations import check_all, wave_at_its_end  # noqa: E402
from people import People  # noqa: E402
from process import Failure  # noqa: E402
from review import Review  # noqa: E402
from scene import Checks  # noqa: E402
from virtual_clock import VIETNAM, VirtualClock  # noqa: E402
from world import DATABASE, World  # noqa: E402

DAY = datetime.timedelta(days=1)
FIRST = datetime.date(2027, 3, 1)  # no holiday in it but Sundays, when the bot works as well
WAVES = [("D1", 0, 9), ("D2", 10, 19), ("D3", 20, 29)]
BROADCASTS = {2: ("registered and not initiative", "{ten} ơi, đợt này mình có cách làm nào hay thì ghi lại nhé ạ."),
              14: ("registered and not initiative", "{xung_ho} {ten} ơi, đã nửa chặng đường, {unit} chờ sáng kiến của mình ạ."),
              26: ("behind D3", "Còn ít ngày nữa, đơn vị mình còn thiếu sáng kiến, {ten} ghi giúp một bài nhé ạ.")}
SHORT_WAVES = [("D1", 0, 3), ("D2", 4, 8)]
SHORT_BROADCASTS = {2: BROADCASTS[2]}
SETTINGS = {"SANGKIEN_SEND_PER_MINUTE": "10000000", "SANGKIEN_CHAT_QUIET_MS": "200", "SANGKIEN_SERVER_WORKERS": "2",
            "SANGKIEN_BROADCAST_CONFIRM_OVER": "100000000", "SANGKIEN_HOURS_HOLIDAYS": "", "SANGKIEN_WATCH_SILENCE_MS": "0",
            "SANGKIEN_RETENTION_MESSAGE_DAYS": "365"}


def first_day(campaign):
    """Of the first wave of a campaign's table."""
    with open(campaign, encoding="utf-8-sig", newline="") as f:
        text = f.read()
    days = re.findall(r"^wave[,;\t].*?(\d{4}-\d\d-\d\d|\d\d/\d\d/\d{4})", text, re.M)
    if not days:
        raise Failure(f"{campaign} names no wave with a first day")
    return min(datetime.datetime.strptime(d, "%d/%m/%Y" if "/" in d else "%Y-%m-%d").date() for d in days)


class Month:
    def __init__(self, folder, options):
        self.options, self.folder, self.chance = options, folder, random.Random(11)
        self.planned, self.calls = (SHORT_WAVES, SHORT_BROADCASTS) if options.short else (WAVES, BROADCASTS)
        self.first = first_day(options.campaign) if options.campaign else FIRST  # a clock of databases only goes forward
        self.clock = VirtualClock(folder, options.build, self.at(-1, 8))
        self.kills, self.broadcasts, self.waves, self.kept = 0, [], [], {}
        os.environ.update(self.clock.environment())
        self.world = World(folder, options.build, fast=True, extra=SETTINGS)

    def at(self, day, hour, minute=0):
        return datetime.datetime.combine(self.first + day * DAY, datetime.time(hour, minute), VIETNAM)

    def sql(self, text):
        return self.world.postgres.psql(DATABASE, text).strip()

    # ---- before it begins ----

    def campaign_file(self):
        """The waves, and a target for each unit in which people are: some will reach it, some not."""
        lines = ["record,code,name,from,to,unit,initiatives", "campaign,TVD,Tháng về đích,,,,"]
        each = max(1, self.options.initiatives // (len(self.planned) * 10))
        for n, (code, first, last) in enumerate(self.planned):
            lines.append(f"wave,{code},Đợt {n + 1},{self.first + first * DAY},{self.first + last * DAY},,")
            lines += [f"target,{code},,,,{unit},{each}" for unit in self.sql("SELECT code FROM union_unit u WHERE NOT EXISTS (SELECT FROM union_unit d WHERE d.parent_id = u.id) ORDER BY code").split()]
        path = os.path.join(self.folder, "campaign.csv")
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        return path

    def begin(self):
        w = self.world
        w.start()
        w.standin.call("POST", "/_admin/settings", {"rate_limit_per_minute": 0, "log_entries": 0, "receipts": "off", "history_per_person": 60,
                                                    "unknown_users": "accept", "duplicate_window_ms": 3600000})
        if self.options.units:
            w.bot.command("import", "units", self.options.units)
        w.bot.command("import", "campaign", self.options.campaign or self.campaign_file())
        days = [r.split("|") for r in self.sql("SELECT code, starts_on, ends_on FROM wave ORDER BY starts_on").split("\n")]
        days = [(code, datetime.date.fromisoformat(first), datetime.date.fromisoformat(last)) for code, first, last in days]
        self.waves = [(code, (first - self.first).days, (last - self.first).days) for code, first, last in days]
        self.crowd = Crowd(w.bot_port, self.clock.now_ms)
        self.people = People(self, self.options.people, self.options.initiatives)
        self.people.settle_in()
        self.review = Review(self)
        self.last_day = max(last for _, _, last in self.waves)

    # ---- the days ----

    def open_windows(self):
        """What people write goes to the webhook at once, so the stand-in does not see it: it may send to everybody."""
        self.world.standin.call("POST", "/_admin/people", {"prefix": "m", "from": 0, "count": self.options.people, "age_ms": 0})

    def turn_to(self, day, hour, minute=0):
        self.quiet()
        self.clock.turn_to(self.at(day, hour, minute))
        self.open_windows()

    def quiet(self, seconds=60):
        """Until nothing is under way: no event, no reply, no mail that is due."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            left = self.sql("SELECT (SELECT count(*) FROM outbox) + (SELECT count(*) FROM mailbox WHERE not_before <= clock_timestamp()) + (SELECT count(*) FROM job)")
            if left == "0":
                return
            time.sleep(0.05)
        raise Failure(f"after {seconds} s still under way: {left} replies, mail or jobs")

    def broadcast(self, day):
        segment, text = self.calls[day]
        if segment.startswith("behind"):
            wave = next((code for code, first, last in self.waves if first <= day <= last), "")
            aimed = self.sql(f"SELECT 1 FROM target t JOIN wave w ON w.id = t.wave_id WHERE w.code = '{wave}' LIMIT 1")
            segment = "behind " + wave if aimed else "registered and not initiative"
        number = int(self.world.bot.command("broadcast", "create", "--to", segment, "--buttons", "register", stdin=text).split("\n")[0])
        self.world.bot.command("broadcast", "start", str(number), "--by", "an")
        self.broadcasts.append(number)
        self.wait(f"SELECT 1 FROM broadcast WHERE id = {number} AND state IN ('sending', 'done')", "the broadcast is frozen")
        people = int(self.sql(f"SELECT count(*) FROM delivery WHERE broadcast_id = {number}"))
        settled = f"SELECT 1 FROM delivery WHERE broadcast_id = {number} AND state <> 'waiting' HAVING count(*) >= "
        for kill in range(2):  # the second one takes the whole bot down
            self.wait(settled + str(min(people, 1 + kill * people // 4)), "the broadcast goes on")
            self.crash(whole=kill == 1)
        self.wait(f"SELECT 1 FROM broadcast WHERE id = {number} AND state = 'done'", "the broadcast is done", 180)
        self.clock.turn_to(self.clock.now() + datetime.timedelta(minutes=10))  # what is unknown is asked about after a while
        self.wait(f"SELECT 1 WHERE NOT EXISTS (SELECT FROM delivery WHERE broadcast_id = {number} AND state = 'unknown')", "nothing is unknown", 120)
        print(f"      day {day + 1}: a broadcast to {self.sql(f'SELECT count(*) FROM delivery WHERE broadcast_id = {number}')} people, two crashes", flush=True)

    def wait(self, query, what, seconds=60):
        end = time.monotonic() + seconds
        while not self.sql(query):
            if time.monotonic() > end:
                raise Failure(f"{what}: not within {seconds} s")
            time.sleep(0.02)

    def crash(self, whole):
        self.kills += 1
        main = self.world.bot.process.child.pid
        if whole:
            self.world.bot.kill()
            self.world.bot.start()
            return
        with open(f"/proc/{main}/task/{main}/children", encoding="ascii") as f:
            os.kill(int(f.read().split()[0]), signal.SIGKILL)

    def day(self, n):
        self.turn_to(n, 8)
        for code, _, last in self.waves:
            if last + 2 == n:
                self.kept[code] = wave_at_its_end(self, code)
        self.crowd.say(self.people.morning(n))
        if n in self.calls and n <= self.last_day:
            self.quiet()
            self.broadcast(n)
        self.turn_to(n, 14)
        self.crowd.say(self.people.afternoon(n))
        self.quiet()
        self.review.give_verdicts()
        if any(last == n for _, _, last in self.waves):
            self.end_of_wave(n)

    def end_of_wave(self, n):
        """Written before midnight, arrived behind it: on time all the same."""
        self.turn_to(n, 23, 40)
        late = self.people.late(n)
        self.crowd.say((user, texts[:-1]) for user, texts in late)
        signed = int(self.at(n, 23, 58).timestamp() * 1000)
        self.turn_to(n + 1, 0, 25)
        self.crowd.say(((user, texts[-1:]) for user, texts in late), at_ms=signed)

    def play(self):
        for n in range(self.last_day + 1):
            self.day(n)
            if n % 10 == 9:
                print(f"      day {n + 1}: {self.crowd.sent:,} events, {self.sql('SELECT count(*) FROM initiative')} initiatives, "
                      f"{self.sql('SELECT count(*) FROM nudge')} reminders", flush=True)
        self.turn_to(self.last_day + 2, 8)
        for code, _, _ in self.waves:
            if code not in self.kept:
                self.kept[code] = wave_at_its_end(self, code)
        self.turn_to(self.last_day + 2, 21)  # nobody is reminded by then: what is counted now stands still
        self.quiet()


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--people", type=int)
    parser.add_argument("--initiatives", type=int)
    parser.add_argument("--units")
    parser.add_argument("--campaign")
    options = parser.parse_args(argv)
    options.people = options.people or (200 if options.short else 20000)
    options.initiatives = options.initiatives or (80 if options.short else 5000)
    began, checks = time.monotonic(), Checks()
    with tempfile.TemporaryDirectory(prefix="sangkien-month-", dir="/var/tmp", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)
        try:
            month = Month(folder, options)
        except (Failure, OSError) as e:
            print(f"month.py: {e}", file=sys.stderr)
            return 1
        try:
            month.begin()
            month.play()
            check_all(month, checks)
        except Failure as e:
            checks.that("the month is played to its end", False, str(e))
        finally:
            month.world.stop()
    print(f"      {time.monotonic() - began:.0f} s for a month of {options.people:,} people, {month.crowd.sent:,} events, {month.kills} crashes")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
