"""Plays a chat: does what the people do, checks what the bot answers and what is stored."""
import fnmatch
import itertools
import json
import re
import shlex
import time
import zlib

from chat import DEEDS, KINDS, Step
from process import Failure

ANSWER_MS = 20000  # a sanitized bot on a busy machine; an answer ends the wait at once
POLL_MS = 30000  # one call to the stand-in waits at most this long
LATE_MS = 2 * 3600 * 1000


def png():
    """One white pixel."""
    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")
    head = (1).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0\xff")) + chunk(b"IEND", b"")


# The least that counts as a picture, a voice note, a document.
FILES = {"image": png(), "gif": b"GIF89a\1\0\1\0\0\0\0;", "audio": b"#!AMR\n" + bytes(32),
         "video": b"\0\0\0\x18ftypmp42" + bytes(64), "file": b"%PDF-1.4\n%%EOF\n"}


class Mismatch(Exception):
    """What was expected and what came; `where` is file:line of the step."""

    where = None


class Person:
    def __init__(self, user_id):
        self.user_id, self.after, self.messages, self.last_answer = user_id, 0, [], None
        self.last = None  # the message the chat looks at
        self.typed_ms = 0  # the time of the newest event

    def button(self, label, old):
        """The newest button of that label; with `old` the one before the newest message."""
        messages = self.messages[:-1] if old else self.messages
        for message in reversed(messages):
            for b in message.get("buttons") or []:
                if b.get("title", b.get("label")) == label:
                    return message, b
        return None, None


_numbers = itertools.count(int(time.time() * 1000) % 10**9 * 1000)


def new_user_id():
    """As Zalo's look: digits; different in every run against one database."""
    return "7" + str(next(_numbers)).zfill(17)


class Player:
    """One chat.  `on_message(who, text, buttons)` is told everything said; it may draw."""

    def __init__(self, chat, titles, catalogue, standin, query, bot=None, on_message=None, command=None):
        self.chat, self.titles, self.catalogue, self.standin, self.query, self.bot = chat, titles, catalogue, standin, query, bot
        self.people, self.values, self.current = {}, {}, None
        self.on_message = on_message or (lambda *_: None)
        self.command, self.printed = command, ""

    def person(self, who):
        if who not in self.people:
            self.people[who] = Person(new_user_id())
        self.current = self.people[who]
        return self.current

    def play(self):
        self._steps(self.chat.steps, 0)

    def _steps(self, steps, depth):
        if depth > 8:
            raise Mismatch("chats refer to each other in a circle")
        for step in steps:
            try:
                if step.verb == "as in":
                    if step.title not in self.titles:
                        raise Mismatch(f"there is no chat with the title \"{step.title}\"")
                    self._steps(self.titles[step.title].steps, depth + 1)
                else:
                    getattr(self, "do_" + step.verb.replace(" ", "_"))(step)
            except (Mismatch, Failure) as e:
                told = Mismatch(str(e))
                told.where = getattr(e, "where", None) or step.where
                raise told from e

    # ---- what people do ----

    def fill(self, text):
        """$name is a value caught earlier ({submitted} code=$code), $worker a person's id."""
        def value(m):
            name = m.group(1)
            if name in self.values:
                return self.values[name]
            if name in self.people:
                return self.people[name].user_id
            return m.group(0)
        return re.sub(r"\$(\w+)", value, text)

    def event(self, who, kind, mods=None, **fields):
        person = self.person(who)
        # What the bot has said so far must be seen before an answer to it is looked for.
        self.unread(person)
        for mod in filter(None, (m.strip() for m in (mods or "").split(","))):
            copies, earlier = re.fullmatch(r"(\d+) copies", mod), re.fullmatch(r"(\d+) s earlier", mod)
            if copies:
                fields["copies"] = int(copies.group(1))
            elif mod == "late":
                fields["timestamp"] = int(time.time() * 1000) - LATE_MS
            elif mod == "typed at once":
                fields["timestamp"] = person.typed_ms - 1  # so surely before the answer, also on a quick machine
            elif earlier:
                fields["timestamp"] = int(time.time() * 1000) - int(earlier.group(1)) * 1000
            elif mod == "forged":
                fields["forge"] = True
            else:
                raise Mismatch(f"({mod}) is not known: N copies, late, N s earlier, typed at once, forged")
        fields.setdefault("timestamp", int(time.time() * 1000))
        person.typed_ms = max(person.typed_ms, fields["timestamp"])
        person.last_answer = self.standin.event(person.user_id, kind, **fields)
        status = person.last_answer.get("status")
        if status != 200 and not fields.get("forge"):
            raise Mismatch(f"the webhook was answered with status {status}")

    def do_says(self, step):
        text = self.fill(step.text)
        self.on_message(step.who, text, [])
        self.event(step.who, "anonymous_text" if step.who.startswith("visitor") else "text", step.mods, text=text)

    def do_quotes(self, step):
        """Answers the newest message to that person with those words in it, or one of before the bot's time ("")."""
        text, quoted = self.fill(step.text), self.quoted(step)
        self.on_message(step.who, text, [])
        self.event(step.who, "text", step.mods, text=text, quote_msg_id=quoted)

    def do_quotes_with(self, step):
        self.do_sends(step, quote_msg_id=self.quoted(step))

    def quoted(self, step):
        person, words = self.person(step.who), self.fill(step.words)
        self.unread(person)
        found = [m for m in person.messages if words and words in (m.get("text") or "")]
        if words and not found:
            raise Mismatch(f"no message with \"{words}\" was sent to {step.who}")
        self.wait_for("SELECT NOT EXISTS (SELECT FROM outbox WHERE user_id = '%s' AND owner IS NOT NULL)" % person.user_id,
                      "what was sent to \"%s\" was not written down" % step.who)  # nobody quotes within some milliseconds
        return found[-1]["message_id"] if found else "0" * 20

    def do_taps(self, step):
        person = self.person(step.who)
        label = self.fill(step.label)
        self.unread(person)
        message, button = person.button(label, bool(step.old))
        if not button:
            shown = [b.get("title", b.get("label")) for m in person.messages for b in m.get("buttons") or []]
            raise Mismatch(f"no button \"{label}\" was ever shown; there were {' | '.join(shown) or 'none'}")
        self.on_message(step.who, f"[{label}]", [])
        self.event(step.who, "tap", step.mods, label=label, payload=button.get("payload"))

    def do_sends(self, step, **fields):
        kind = KINDS[step.kind]
        if step.arg and kind in FILES:
            fields["media"] = self.standin.upload(step.arg, FILES[kind])
        elif step.arg:
            fields["text"] = self.fill(step.arg)
        self.on_message(step.who, f"<{step.kind}{' ' + step.arg if step.arg else ''}>", [])
        self.event(step.who, kind, step.mods, **fields)

    def do_does(self, step):
        fields = {"text": self.fill(step.text)} if step.text else {}
        self.event(step.who, DEEDS[step.deed], step.mods, **fields)

    def do_reacts(self, step):
        self.event(step.who, "reaction", step.mods, icon=step.icon or "/-heart")

    def do_event(self, step):
        self.event(step.who, step.kind, step.mods, **(json.loads(self.fill(step.json)) if step.json else {}))

    def do_answered(self, step):
        status = self.current.last_answer.get("status")
        if str(status) != step.status:
            raise Mismatch(f"expected the webhook to be answered with {step.status}, it was {status}")

    # ---- what the bot says ----

    def take(self, person, wait_ms):
        """The next message to that person, or None when none comes in that time."""
        found = self.standin.sent(person.user_id, person.after, min(wait_ms, POLL_MS))
        if not found and wait_ms > POLL_MS:
            return self.take(person, wait_ms - POLL_MS)
        if not found:
            return None
        message = found[0]
        person.after = message["seq"]
        person.messages.append(message)
        return message

    def unread(self, person):
        """Messages that no step of the chat has looked at."""
        extra = self.standin.sent(person.user_id, person.after, 0, 100)
        if extra:
            raise Mismatch("the bot said more than expected: " + " // ".join(self.shown(m) for m in extra))

    @staticmethod
    def shown(message):
        buttons = [b.get("title", b.get("label", "")) for b in message.get("buttons") or []]
        name = (message.get("media") or {}).get("name")
        return (message.get("text") or f"<{message.get('kind')}{' ' + name if name else ''}>") + (f" [{' | '.join(buttons)}]" if buttons else "")

    def do_bot(self, step):
        person = self.person(step.to) if step.to else self.current
        if not person:
            raise Mismatch("nobody has said anything yet")
        self.current = person
        if step.expected.strip() == "(nothing)":
            self.settle(person)
            self.unread(person)
            return
        seconds = int(step.within or ANSWER_MS // 1000)
        message = self.take(person, seconds * 1000)
        if not message:
            raise Mismatch(f"expected {step.expected}, got nothing within {seconds} s")
        person.last = message
        self.on_message("bot", message.get("text") or "", [b.get("title", b.get("label")) for b in message.get("buttons") or []])
        self.check(message, step.expected)

    def check(self, message, expected):
        text = message.get("text") or self.shown(message)
        m = re.match(r"((?:\{\w+\}\s*)+)(.*)$", expected, re.S)
        if not m:
            if self.squeeze(self.fill(expected)) not in self.squeeze(text):
                raise Mismatch(f"expected a message with \"{expected}\", got: {self.shown(message)}")
            return
        names = re.findall(r"\{(\w+)\}", m.group(1))
        for name in names:
            if name not in self.catalogue.messages:
                raise Mismatch(f"the catalogue has no text {name}")
        values = self.catalogue.match(names, text)
        if values is None:
            raise Mismatch(f"expected the text {' '.join(names)}, got: {self.shown(message)}")
        for pair in shlex.split(m.group(2)):
            name, _, wanted = pair.partition("=")
            if name not in values:
                raise Mismatch(f"the text {' '.join(names)} has no {{{name}}}")
            caught = re.fullmatch(r"\$(\w+)", wanted)
            if caught and caught.group(1) not in self.values:
                self.values[caught.group(1)] = values[name]
            elif not fnmatch.fnmatchcase(self.squeeze(values[name]), self.squeeze(self.fill(wanted)).replace("[", "[[]")):
                raise Mismatch(f"expected {name} to be \"{self.fill(wanted)}\", it is \"{values[name]}\"")

    @staticmethod
    def squeeze(text):
        return re.sub(r"\s+", " ", text).strip()

    def do_and(self, step):
        if self.squeeze(self.fill(step.text)) not in self.squeeze(self.current.last.get("text") or ""):
            raise Mismatch(f"expected also \"{step.text}\" in: {self.shown(self.current.last)}")

    def do_and_not(self, step):
        if self.squeeze(self.fill(step.text)) in self.squeeze(self.current.last.get("text") or ""):
            raise Mismatch(f"did not expect \"{step.text}\" in: {self.shown(self.current.last)}")

    def do_buttons(self, step):
        wanted = [] if step.labels.strip() == "(none)" else [self.fill(x.strip()) for x in step.labels.split("|")]
        got = [b.get("title", b.get("label")) for b in self.current.last.get("buttons") or []]
        if wanted != got:
            raise Mismatch(f"expected the buttons {' | '.join(wanted) or '(none)'}, got {' | '.join(got) or '(none)'}")

    # ---- what is stored, and quiet ----

    def settle(self, person):
        """Until nothing is under way for that person: what a turn causes is in the outbox and mailbox with its commit."""
        def busy():
            # The wait is in the database: a query in a tight loop would take the processor from the bot.
            rows = self.query("SELECT pg_sleep(0.01) IS NULL, (SELECT count(*) FROM outbox WHERE user_id = '%s') + "
                              "(SELECT count(*) FROM mailbox WHERE user_id = '%s' AND not_before <= clock_timestamp())" % (person.user_id, person.user_id))
            return rows.strip().rpartition("|")[2] != "0"
        deadline = time.monotonic() + ANSWER_MS / 1000
        while busy():
            if time.monotonic() > deadline:
                raise Mismatch("replies or notes are still waiting after %d s" % (ANSWER_MS // 1000))

    def do_wait_quiet(self, _step):
        for person in self.people.values():
            self.settle(person)

    def wait_for(self, sql, what):
        deadline = time.monotonic() + ANSWER_MS / 1000
        while self.query("SELECT pg_sleep(0.01) IS NULL, (%s)" % sql).strip().rpartition("|")[2] != "t":
            if time.monotonic() > deadline:
                raise Mismatch("%s within %d s" % (what, ANSWER_MS // 1000))

    def do_indexed(self, step):
        """From now on what that person sent is found by the search for initiatives alike (see NOT_INDEXED)."""
        of = "FROM initiative WHERE user_id = '%s'" % self.person(step.who).user_id
        self.query("UPDATE initiative SET similar_at = NULL, updated_at = clock_timestamp() WHERE user_id = '%s'" % self.current.user_id)
        self.wait_for(f"SELECT bool_and(similar_at >= updated_at AND similar_at < 'infinity') {of}", "it was not indexed")

    def do_found(self, step):
        """The search for what is like that person's draft has come to this."""
        self.wait_for("SELECT count(*) > 0 FROM conversation WHERE user_id = '%s' AND json_array_length(draft->'draft'->'similar') = %s"
                      % (self.person(step.who).user_id, step.count), f"{step.count} alike were not found")

    def sql(self, text):
        """:worker is that person's id, as a literal."""
        named = re.sub(r"(?<!:):(\w+)\b", lambda m: "'%s'" % self.people[m.group(1)].user_id if m.group(1) in self.people else m.group(0), text)
        return self.fill(named)

    def do_until(self, step):
        self.wait_for(self.sql(step.sql), f"\"{step.sql}\" did not come true")

    def do_db(self, step):
        if self.current:
            self.settle(self.current)
        sql = self.sql(step.sql)
        got = [[self.squeeze(cell) for cell in row.split("|")] for row in self.query(sql).strip("\n").split("\n") if row.strip()]
        wanted = [[cell.strip() for cell in row.split("|")] for row in step.rows]
        if len(got) != len(wanted) or not all(self.same_row(g, w) for g, w in zip(got, wanted)):
            raise Mismatch(f"expected the rows {wanted}, got {got} from: {self.squeeze(sql)}")

    def same_row(self, got, wanted):
        """Compares cell by cell; a $name not known yet remembers the cell."""
        if len(got) != len(wanted):
            return False
        for cell, want in zip(got, wanted):
            new = re.fullmatch(r"\$(\w+)", want)
            if new and new.group(1) not in self.values and new.group(1) not in self.people:
                self.values[new.group(1)] = cell
            elif not fnmatch.fnmatchcase(cell, self.squeeze(self.fill(want)).replace("[", "[[]")):
                return False
        return True

    # ---- the command line ----

    def run_command(self, *args):
        if not self.command:
            raise Mismatch("nobody is at the command line here")
        return self.command(*args)

    def do_joins(self, step):
        """Gets a code, sends it, hears that it worked."""
        code = self.run_command("invite", step.role, *(["--unit", self.fill(step.unit)] if step.unit else [])).strip()
        self.event(step.who, "text", text="/join " + code)
        self.do_bot(Step("bot", step.where, to=None, within=None, expected="{staff_joined}"))

    def do_operator(self, step):
        """`operator: role revoke $support`: the real command, which has to succeed; what it prints is for `printed:`."""
        self.printed = self.run_command(*shlex.split(self.fill(step.command)))

    def do_printed(self, step):
        """Somewhere in what was printed; $name catches one word."""
        pattern = "".join(f"(?P<{part[1:]}>\\S+)" if re.fullmatch(r"\$\w+", part) and part[1:] not in self.values and part[1:] not in self.people
                          else r"\s+" if part.isspace() else re.escape(self.fill(part)) for part in re.split(r"(\$\w+|\s+)", step.wanted))
        m = re.search(pattern, self.printed)
        if not m:
            raise Mismatch(f"expected \"{step.wanted}\" to be printed, it was: {self.printed}")
        self.values.update(m.groupdict())

    # ---- trouble ----

    def do_zalo(self, step):
        """The next calls that name the present person go wrong: "error -216, 2 times" (words: tests/zalo/README.md)."""
        rule = {"path": "/v3.0/oa/message", "times": 1}
        for i, part in enumerate(p.strip() for p in step.trouble.split(",")):
            times, ms, path = re.fullmatch(r"(\d+) times", part), re.fullmatch(r"(\d+) ms", part), re.fullmatch(r"at (\S+)", part)
            word = re.fullmatch(r"(\w+)(?: (-?\d+))?", part)
            if times:
                rule["times"] = int(times.group(1))
            elif ms:
                rule["ms"] = int(ms.group(1))
            elif path:
                rule["path"] = path.group(1)
            elif i == 0 and word:
                rule["do"] = word.group(1)
                if word.group(2):
                    rule["code"] = int(word.group(2))
            else:
                raise Mismatch(f"\"{part}\" is not known: a trouble, then N times, N ms or at PATH")
        if not step.everybody:
            rule["user"] = self.current.user_id
        self.standin.call("POST", "/_admin/fault", rule)

    def do_zalo_setting(self, step):
        self.standin.call("POST", "/_admin/settings", {step.key: json.loads(step.value)})

    def do_bot_process(self, step):
        if not self.bot:
            raise Mismatch("this bot cannot be stopped")
        if step.key:
            self.bot.env["SANGKIEN_" + step.key.replace(".", "_").upper()] = self.fill(step.value)
        for _ in range(int(step.times or 1)):
            if step.act in ("restart", "stop"):
                self.stop_bot()
            if step.act == "kill":
                self.bot.kill()
            if step.act in ("restart", "kill", "start"):
                self.bot.start()

    def stop_bot(self):
        status = self.bot.stop()
        if status != 0:
            said = self.bot.process.log_tail(200)
            summary = re.search(r"SUMMARY: .*|.*runtime error: .*", said)
            raise Mismatch(f"the bot ended with status {status} when asked to stop: {summary.group(0) if summary else said[-500:]}")
