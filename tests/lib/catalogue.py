"""Reads config/messages.vi.yaml: the part of YAML it is written in, by Python's own means only."""
import os
import re


KEY = r"""(?:[\w.{}]+|"[^"]*"|'[^']*')"""


class YamlError(Exception):
    pass


def _scalar(text):
    text = text.strip()
    if text[:1] == '"' and text[-1:] == '"' and len(text) > 1:
        return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m.group(1), m.group(1)), text[1:-1])
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    return re.sub(r"\s+#.*$", "", text)


def _flow(text):
    """{a: b, c: d} or [a, b]; items without nested brackets."""
    items = re.findall(r"""((?:"(?:\\.|[^"])*"|'[^']*'|[^,"'])+)""", text[1:-1])
    if text[0] == "[":
        return [_scalar(i) for i in items if i.strip()]
    pairs = [re.match(r"\s*([\w]+)\s*:\s*(.*)$", i, re.S) for i in items if i.strip()]
    return {m.group(1): _scalar(m.group(2)) for m in pairs}


class _Lines:
    """The lines that count, with their indentation; block scalars read the raw ones."""

    def __init__(self, text):
        self.raw, self.at = text.split("\n"), 0

    def peek(self):
        while self.at < len(self.raw) and re.match(r"\s*(#.*)?$", self.raw[self.at]):
            self.at += 1
        if self.at == len(self.raw):
            return None, -1
        line = self.raw[self.at]
        return line.strip(), len(line) - len(line.lstrip(" "))

    def block(self, indent, style):
        taken, inner = [], None
        while self.at < len(self.raw):
            line = self.raw[self.at]
            depth = len(line) - len(line.lstrip(" "))
            if line.strip() and depth <= indent:
                break
            if line.strip() and inner is None:
                inner = depth
            taken.append(line[inner:] if inner is not None else "")
            self.at += 1
        while taken and not taken[-1].strip():
            taken.pop()
        return ("\n" if style[0] == "|" else " ").join(taken)


def _value(lines, text, indent):
    if text in ("|", "|-", "|+", ">", ">-"):
        return lines.block(indent, text)
    if text.startswith(("{", "[")) and text.endswith(("}", "]")) and not re.match(r"\{\w+\}", text):
        return _flow(text)
    if text:
        return _scalar(text)
    _, depth = lines.peek()
    after, _ = lines.peek()
    if after is not None and (depth > indent or (depth == indent and after.startswith("- "))):
        return _node(lines, depth)
    return ""


def _node(lines, indent):
    line, depth = lines.peek()
    if line.startswith("- "):
        items = []
        while line is not None and depth == indent and line.startswith("- "):
            rest = line[2:].strip()
            if re.match(KEY + r":(\s|$)", rest):
                lines.raw[lines.at] = " " * (indent + 2) + rest  # a mapping that begins behind the dash
                items.append(_node(lines, indent + 2))
            else:
                lines.at += 1
                items.append(_value(lines, rest, indent))
            line, depth = lines.peek()
        return items
    found = {}
    while line is not None and depth == indent:
        m = re.match(rf"({KEY}):(?:\s+(.*))?$", line)
        if not m:
            raise YamlError(f"line {lines.at + 1}: expected \"name: ...\"")
        lines.at += 1
        found[_scalar(m.group(1))] = _value(lines, (m.group(2) or "").strip(), indent)
        line, depth = lines.peek()
    return found


def parse(text):
    lines = _Lines(text)
    line, indent = lines.peek()
    return {} if line is None else _node(lines, indent)


class Message:
    def __init__(self, name, node):
        node = node if isinstance(node, dict) else {"text": node}
        self.name = name
        self.wordings = [node.get("text", "")] + list(node.get("variants") or [])
        self.buttons = []  # (action, label)
        for button in node.get("buttons") or []:
            for action, label in button.items():
                self.buttons.append((action, label))


def to_regex(wording, groups):
    """What a wording looks like once its placeholders are filled.  An empty value takes the blanks around it along."""
    out, last = "", 0
    wording = wording.strip()
    for m in re.finditer(r"\s*\{(\w+)\}\s*", wording):
        out += _literal(wording[last:m.start()])
        name = m.group(1)
        if name in groups:
            out += rf"\s*(?P={name})\s*" if groups[name] else r"[\s\S]*?"
        else:
            groups[name] = True
            out += rf"\s*(?P<{name}>[\s\S]*?)\s*"
        last = m.end()
    return out + _literal(wording[last:])


def _literal(text):
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))


class Catalogue:
    def __init__(self, root):
        self.path = os.path.join(root, "config", "messages.vi.yaml")
        with open(self.path, encoding="utf-8") as f:
            self.messages = {name: Message(name, node) for name, node in parse(f.read()).items()}
        address = self.messages.get("address")  # the form of address stands in most texts and is the same everywhere
        for message in self.messages.values():
            if address:
                message.wordings = [w.replace("{xung_ho}", address.wordings[0]) for w in message.wordings]

    def match(self, names, text):
        """Matches a whole message against the texts of those names, one behind the other.  @return {placeholder: value} or None."""
        def wordings(i):
            if i == len(names):
                yield []
                return
            for w in self.messages[names[i]].wordings:
                for rest in wordings(i + 1):
                    yield [w] + rest
        for chosen in wordings(0):
            groups = {}
            m = re.fullmatch(r"\s+".join(to_regex(w, groups) for w in chosen), text.strip())
            if m:
                return {k: (v or "").strip() for k, v in m.groupdict().items()}
        again = self.messages.get("again")
        if again and names != ["again"]:
            for w in again.wordings:  # the same sentence twice in a row is wrapped (handlers/say.c)
                m = re.fullmatch(to_regex(w, {}), text.strip())
                if m and "text" in m.groupdict():
                    return self.match(names, m.group("text"))
        return None
