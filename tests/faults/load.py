"""People for the fault programme: each registers initiatives by chatting, as somebody with a phone would, while things break.

What is known here: the answers of the webhook, and what arrived on the phones (the stand-in's record).  Never the database.
An event that was not answered 200 within Zalo's 2 s is sent again, byte for byte, until it is.  One in five is sent again
though it was taken, one in twenty overtakes the one before it, one in a hundred carries a forged signature.

Checked for everybody: each initiative that was sent has one receipt code, however often the receipt came; the list shows as
many initiatives as were sent; each one in full shows every message of its description once; nobody waits for an answer in vain."""
import bisect
import hashlib
import http.client
import json
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

from catalogue import Catalogue, to_regex  # noqa: E402
from process import Failure  # noqa: E402
from scene import body_of  # noqa: E402
from standin import IDS, SECRETS  # noqa: E402
from world import root  # noqa: E402

ZALO_WAITS_S = 2.0
AGAIN_S = 0.2       # Zalo's ladder, in small
THINKS_S = (0.1, 0.3)  # before each answer: so many events a second are the people's pace, not what this machine can do at the moment
PATIENCE_S = 90     # without the answer that must come a person counts as stuck
DUPLICATES, REORDERED, FORGED = 0.20, 0.05, 0.01
INITIATIVES = 2     # of each person
PARTS = 4           # messages of a description
FORGED_WORD = "MAOGIA"
SYLLABLES = [a + b for a in ("b", "c", "d", "g", "h", "l", "m", "n", "r", "s", "t", "v", "x", "kh", "tr", "ph") for b in ("an", "on", "ung", "ieu", "oa", "ich", "uop", "em")]


class Stuck(Exception):
    """A person waits for an answer that does not come."""


class Wrong(Exception):
    """Something was lost or doubled."""


class Ledger:
    """What all people have seen, and the moments of their events for the rate."""

    def __init__(self):
        self.lock = threading.Lock()
        self.acknowledged = self.tries = self.copies = self.overtaken = self.forged = self.people = self.initiatives = 0
        self.statuses = {}
        self.lost, self.doubled, self.stuck, self.let_in = [], [], [], []
        self.late = 0         # 200, but after more than 2 s: Zalo would have hung up
        self.moments = []     # of first acknowledgements, monotonic

    def note(self, status):
        with self.lock:
            self.tries += 1
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def taken(self):
        with self.lock:
            self.acknowledged += 1
            self.moments.append(time.monotonic())

    def add(self, name, n=1):
        with self.lock:
            setattr(self, name, getattr(self, name) + n)

    def rate(self, begin, end):
        """Events a second that were acknowledged for the first time in [begin, end)."""
        with self.lock:
            return (bisect.bisect_left(self.moments, end) - bisect.bisect_left(self.moments, begin)) / max(end - begin, 0.001)

    def wrong(self):
        return self.lost + self.doubled + self.stuck + self.let_in


class Line:
    """Zalo's side of the webhook: one kept connection; the ports are those of the nodes."""

    def __init__(self, ledger, ports):
        self.ledger, self.ports, self.conn = ledger, ports, None

    def post(self, body, retry=0, forge=False):
        """@return the status; None: no answer in time, or the connection broke."""
        stamp = json.loads(body)["timestamp"]
        secret = "forged" if forge else SECRETS["oa_secret"]
        mac = hashlib.sha256(IDS["app_id"].encode() + body + stamp.encode() + secret.encode()).hexdigest()
        headers = {"Content-Type": "application/json", "X-ZEvent-Signature": "mac=" + mac}
        if retry:
            headers["num_retry"] = str(retry)
        begin = time.monotonic()
        try:
            if not self.conn:
                self.conn = http.client.HTTPConnection("127.0.0.1", random.choice(self.ports), timeout=ZALO_WAITS_S)
            self.conn.request("POST", "/webhook", body, headers)
            answer = self.conn.getresponse()
            answer.read()
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = None
        if status is None:
            self.close()
        self.ledger.note(status)
        if status == 200 and time.monotonic() - begin > ZALO_WAITS_S + 0.1:
            self.ledger.add("late")
        return status

    def close(self):
        if self.conn:
            self.conn.close()
        self.conn = None


class Person:
    """One person's talk, step by step."""

    def __init__(self, crowd, number):
        self.crowd, self.ledger, self.standin = crowd, crowd.ledger, crowd.standin
        self.user, self.dice = f"{crowd.prefix}{number}", random.Random(f"{crowd.prefix}{number}")
        self.line, self.after, self.count, self.heard, self.sent_at = Line(crowd.ledger, crowd.ports), 0, 0, [], 0

    # ---- what they send ----

    def event(self, text):
        self.count += 1
        stamp = max(int(time.time() * 1000), self.sent_at + 1)
        self.sent_at = stamp
        return body_of(self.user, f"{self.user}.{self.count}", text, stamp)

    def until_taken(self, body):
        if self.dice.random() < FORGED:
            self.ledger.add("forged")
            said = json.loads(body)["message"]["text"]
            if self.line.post(self.event(f"{FORGED_WORD} {said}"), forge=True) == 200:
                self.ledger.let_in.append(f"{self.user}: a forged event was answered 200")
        retry, end = 0, time.monotonic() + PATIENCE_S
        while self.line.post(body, retry) != 200:
            retry += 1
            if time.monotonic() > end:
                raise Stuck(f"{self.user}: an event was not taken for {PATIENCE_S} s")
            time.sleep(AGAIN_S)
        self.ledger.taken()
        if self.dice.random() < DUPLICATES:
            self.ledger.add("copies")
            self.line.post(body, retry + 1)

    def say(self, text):
        self.until_taken(self.event(text))

    def tell(self, texts):
        """Several messages of one answer; now and then one overtakes the one before it."""
        bodies = [self.event(t) for t in texts]
        if self.dice.random() < REORDERED * len(texts):
            i = self.dice.randrange(len(bodies) - 1)
            bodies[i], bodies[i + 1] = bodies[i + 1], bodies[i]
            self.ledger.add("overtaken")
        for body in bodies:
            self.think()
            self.until_taken(body)

    # ---- what they hear ----

    def hear(self, names):
        """Waits for a message with one of these texts of the catalogue. @return (name, values, text)."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                news = self.standin.sent(self.user, self.after, 1000)
            except Failure:
                time.sleep(AGAIN_S)
                continue
            for message in news:
                self.after = message["seq"]
                text = message.get("text") or ""
                self.heard.append(text)
                if FORGED_WORD in text:
                    self.ledger.let_in.append(f"{self.user}: words of a forged event came back")
                for name in names:
                    found = self.crowd.find(name, text)
                    if found:
                        return name, found.groupdict(), text
        raise Stuck(f"{self.user}: no {' or '.join(names)} within {PATIENCE_S} s; the last words were {self.heard[-2:]}")

    def think(self):
        """Nobody does once all are to finish."""
        self.crowd.ending.wait(self.dice.uniform(*THINKS_S))

    def ask(self, text, *names):
        self.think()
        self.say(text)
        return self.hear(names)

    def words(self, n):
        return " ".join(self.dice.choice(SYLLABLES) for _ in range(n))

    # ---- the talk ----

    def live(self):
        self.ask("xin chào", "welcome")
        self.ask("đăng ký", "consent")
        self.ask("đồng ý", "ask_name")
        self.ask(f"Nguyễn Văn {self.words(1).capitalize()}", "ask_unit")
        self.ask("Bình Minh Xanh", "ask_title")
        told = {}
        for n in range(INITIATIVES):
            if n:
                self.ask("thêm sáng kiến nữa", "ask_title")
            title = f"{self.words(6).capitalize()} {self.user.replace('-', 'x')}x{n}"
            self.ask(title, "ask_description")
            parts = [f"{self.words(6)} {self.user}.{n}.{k}." for k in range(PARTS)]
            self.tell(parts)
            self.ask("viết xong", "ask_benefit")
            self.ask("30 triệu", "benefit_echo")
            self.ask("đúng rồi", "confirm_summary", "similar")
            code = self.send_it(title)
            told[title] = (code, parts)
            self.ledger.add("initiatives")
        self.look_back(told)
        self.ledger.add("people")

    def send_it(self, title):
        answers = {"similar": "cách làm khác", "confirm_summary": "gửi sáng kiến", "welcome_back_draft": "làm tiếp"}
        name = "similar" if self.crowd.find("similar", self.heard[-1]) else "confirm_summary"
        while name != "submitted":  # a search that ends late asks while we say that it is to be sent
            name, _, _ = self.ask(answers[name], "submitted", *answers)
        codes = {c for text in self.heard if title in text for c in re.findall(r"SK-\w{6}", text)}
        if len(codes) != 1:
            self.ledger.doubled.append(f"{self.user}: \"{title}\" has the codes {sorted(codes)}")
        return min(codes) if codes else ""

    def look_back(self, told):
        _, values, text = self.ask("sáng kiến của tôi", "list_mine")
        if values["n"].strip() != str(len(told)):
            (self.ledger.lost if int(values["n"]) < len(told) else self.ledger.doubled).append(
                f"{self.user}: {len(told)} initiatives were sent, the list says {values['n']}")
        shown = ""
        for n in range(len(told)):
            if n:
                self.ask("quay lại", "list_mine")
            shown += self.ask(str(n + 1), "detail")[2] + "\n"
        for title, (code, parts) in told.items():
            if code not in shown:
                self.ledger.lost.append(f"{self.user}: {code} is not to be seen")
            for part in parts:
                mark = part.split()[-1]
                times = shown.count(mark)
                if times != 1:
                    (self.ledger.doubled if times else self.ledger.lost).append(f"{self.user}: {mark} is shown {times} times")
        again = [c for text in self.heard for c in re.findall(r"SK-\w{6}", text)]
        if len(set(again)) != len(told):
            self.ledger.doubled.append(f"{self.user}: {len(told)} initiatives, codes {sorted(set(again))}")


class Crowd:
    """So many people at a time; whoever has finished makes room for the next."""

    def __init__(self, standin, ports, prefix, at_once):
        self.standin, self.ports, self.prefix, self.at_once = standin, ports, prefix, at_once
        self.ledger, self.ending, self.next, self.lock = Ledger(), threading.Event(), 0, threading.Lock()
        catalogue = Catalogue(root())
        self.pattern = {}
        for name, message in catalogue.messages.items():
            self.pattern[name] = [re.compile(to_regex(w, {})) for w in message.wordings if w.strip()]
        self.threads = []

    def find(self, name, text):
        for p in self.pattern[name]:
            m = p.search(text)
            if m:
                return m
        return None

    def run_one(self):
        while not self.ending.is_set():
            with self.lock:
                number, self.next = self.next, self.next + 1
            person = Person(self, number)
            try:
                person.live()
            except Stuck as e:
                self.ledger.stuck.append(str(e))
            finally:
                person.line.close()

    def start(self):
        self.threads = [threading.Thread(target=self.run_one, daemon=True) for _ in range(self.at_once)]
        for t in self.threads:
            t.start()
        return self

    def end(self):
        """Everybody finishes what they are at."""
        self.ending.set()
        for t in self.threads:
            t.join(4 * PATIENCE_S)
        return self.ledger
