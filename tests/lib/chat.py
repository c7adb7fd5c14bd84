"""The chats of tests/chats: reading the format that tests/chats/README.md describes."""
import os
import re


class ChatError(Exception):
    """A line that is no step; says where."""


class Step:
    def __init__(self, verb, where, **fields):
        self.verb, self.where = verb, where
        self.__dict__.update(fields)


class Chat:
    def __init__(self, title, path, line):
        self.title, self.path, self.line, self.steps = title, path, line, []

    @property
    def alone(self):
        """What disturbs everybody is played when nobody else is there; of a supporter who goes all organizers hear."""
        return any(s.verb in ("bot process", "zalo setting") or (s.verb == "zalo" and s.everybody) or
                   (s.verb == "does" and s.who.startswith("support") and s.deed in ("unfollows", "withdraws")) or
                   (s.verb == "operator" and s.command.startswith("role revoke $support")) for s in self.steps)


KINDS = {"image": "image", "photo": "image", "gif": "gif", "link": "link", "voice": "audio", "audio": "audio", "video": "video",
         "file": "file", "sticker": "sticker", "location": "location", "card": "business_card"}
DEEDS = {"follows": "follow", "unfollows": "unfollow", "opens the chat": "chatnow", "withdraws": "withdraw",
         "shares contact": "submit_info", "has seen the last message": "seen", "has received the last message": "received"}

KIND = rf"(?P<kind>{'|'.join(KINDS)})"
PERSON = r"(?P<who>worker\d*|support\d*|reviewer\d*|admin\d*|organizer\d*|visitor\d*)"
MODIFIERS = r"(?:\s*\((?P<mods>[^)]*)\))?"

FORMS = [
    ("says", rf"{PERSON}{MODIFIERS}: ?(?P<text>.*)"),
    ("quotes", rf'{PERSON} quotes "(?P<words>[^"]*)"{MODIFIERS}: ?(?P<text>.*)'),
    ("taps", rf"{PERSON} taps(?P<old> old)?{MODIFIERS}: ?(?P<label>.*)"),
    ("sends", rf"{PERSON} sends {KIND}{MODIFIERS}(?: (?P<arg>.*))?"),
    ("quotes with", rf'{PERSON} quotes "(?P<words>[^"]*)" with {KIND}{MODIFIERS}(?: (?P<arg>.*))?'),
    ("does", rf"{PERSON} (?P<deed>{'|'.join(DEEDS)}){MODIFIERS}(?:: ?(?P<text>.*))?"),
    ("reacts", rf"{PERSON} reacts{MODIFIERS}(?:: ?(?P<icon>.*))?"),
    ("event", rf"{PERSON} event (?P<kind>\w+){MODIFIERS}(?: (?P<json>\{{.*\}}))?"),
    ("answered", r"answered (?P<status>\d{3})"),
    ("bot", r"bot(?: to (?P<to>\w+))?(?: \(within (?P<within>\d+) s\))?: ?(?P<expected>.*)"),
    ("and", r"and: ?(?P<text>.*)"),
    ("and not", r"and not: ?(?P<text>.*)"),
    ("buttons", r"buttons: ?(?P<labels>.*)"),
    ("db", r"db: ?(?P<sql>.*)"),
    ("as in", r"as in: ?(?P<title>.*)"),
    ("bot process", r"(?P<act>restart|kill|stop|start) bot(?: (?P<times>\d+) times)?(?: with (?P<key>\w+\.\w+) = (?P<value>.*))?"),
    ("joins", rf"{PERSON} joins as (?P<role>\w+)(?: of (?P<unit>\S+))?"),
    ("operator", r"operator: ?(?P<command>.*)"),
    ("printed", r"printed: ?(?P<wanted>.*)"),
    ("wait quiet", r"wait quiet"),
    ("until", r"until: ?(?P<sql>.*)"),
    ("indexed", rf"{PERSON} is indexed"),
    ("found", rf"{PERSON} is found (?P<count>\d+) alike"),
    ("zalo", r"zalo(?P<everybody> to everybody)?: ?(?P<trouble>.*)"),
    ("zalo setting", r"zalo setting (?P<key>\w+) = (?P<value>.*)"),
]
COMPILED = [(verb, re.compile(form + r"\s*")) for verb, form in FORMS]


def read_step(line, where):
    for verb, form in COMPILED:
        m = form.fullmatch(line)
        if m:
            return Step(verb, where, **m.groupdict())
    raise ChatError(f"{where}: this is no step (see tests/chats/README.md): {line}")


def read_file(path):
    """@return the chats of one file, in order."""
    chats, last = [], None
    with open(path, encoding="utf-8") as f:
        lines = f.read().split("\n")
    for number, line in enumerate(lines, 1):
        where = f"{os.path.relpath(path)}:{number}"
        bare = line.strip()
        if not bare or bare.startswith("--"):
            continue
        if line.startswith("# "):
            chats.append(Chat(line[2:].strip(), path, number))
            last = None
        elif not chats:
            raise ChatError(f"{where}: a chat begins with \"# title\"")
        elif bare.startswith("| "):  # one more line of the text above
            field = {"says": "text", "bot": "expected", "db": "sql", "until": "sql", "and": "text"}.get(last.verb if last else "")
            if not field:
                raise ChatError(f"{where}: \"|\" continues a message or a query")
            setattr(last, field, getattr(last, field) + "\n" + bare[2:])
        elif line.startswith("= ") or bare == "=":
            if not last or last.verb != "db":
                raise ChatError(f"{where}: \"=\" is a row that a query above it must give")
            last.rows.append(bare[1:].strip())
        else:
            last = read_step(bare, where)
            if last.verb == "db":
                last.rows = []
            chats[-1].steps.append(last)
    return chats
