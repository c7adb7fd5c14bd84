#!/usr/bin/env python3
"""The static checks: rules of the house that a compiler does not know.

  lint.py                    the quick ones, without further programs
  lint.py --tools BUILD      also cppcheck and clang-tidy over BUILD/compile_commands.json

One line per finding, and at the end `N passed, N failed`, counting the checks."""
import ast
import glob
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from catalogue import Catalogue, YamlError  # noqa: E402
from chat import ChatError, read_file  # noqa: E402
from world import root  # noqa: E402

ROOT = root()
FOLDERS = ["config", "db", "handlers", "bot"]  # each may use those before it
LINES_MAX = 700
BANNED = ["strcpy", "strcat", "sprintf", "vsprintf", "strtok", "gets", "atoi", "atol", "atoll", "system", "popen", "sleep", "usleep",
          "nanosleep", "alloca"]
# Jobs over all people, outside the turn: nothing is added to the hot path by them.
BACKGROUND = re.compile(r"_(forget_old|depth|release|abandoned|due|waiting|count)$")
VIETNAMESE = re.compile("[ăâđêôơưĂÂĐÊÔƠƯ]|[\u1ea0-\u1ef9]|[àáãèéìíòóõùúýÀÁÃÈÉÌÍÒÓÕÙÚÝ]")


def files(*patterns):
    found = []
    for p in patterns:
        found += glob.glob(os.path.join(ROOT, p), recursive=True)
    return sorted(f for f in set(found) if "/build" not in f[len(ROOT):] and os.path.isfile(f))


def name(path):
    return os.path.relpath(path, ROOT)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def c_files(*folders):
    return files(*[f"{d}/**/*.[ch]" for d in folders or FOLDERS])


def blank_comments(text, strings=True):
    """C text with comments, and with `strings` also the insides of string literals, as blanks; lines stay in place."""
    def blank(m):
        piece = m.group(0)
        if piece[0] == "/":
            return re.sub(r"[^\n]", " ", piece)
        return piece[0] + " " * (len(piece) - 2) + piece[-1] if strings and len(piece) > 1 else piece
    return re.sub(r"//[^\n]*|/\*[\s\S]*?\*/|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", blank, text)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


# ---- the checks: each gives lines "place: what" ----

def first_line_says_why():
    """the first line of every file says why it exists"""
    for path in c_files(*FOLDERS, "tests"):
        if not read(path).startswith("/* "):
            yield f"{name(path)}:1: begin with a comment that says why the file exists"
    for path in files("tests/**/*.py", "config/*.py"):
        if not re.match(r"(#!.*\n)?\"\"\"\S", read(path)):
            yield f"{name(path)}:1: begin with a docstring that says why the file exists"
    for path in files("run", ".ci/run", "**/*.sh"):
        if not re.match(r"#!.*\n# \S", read(path)):
            yield f"{name(path)}:2: say in the second line why the file exists"


def files_are_short():
    """no file is longer than it can be read"""
    for path in c_files(*FOLDERS, "tests") + files("tests/**/*.py", "run"):
        lines = read(path).count("\n")
        if lines > LINES_MAX:
            yield f"{name(path)}:{lines}: longer than {LINES_MAX} lines; split it by reason"


def no_banned_functions():
    """no function that cannot be used safely"""
    for path in c_files(*FOLDERS, "tests"):
        text = blank_comments(read(path))
        for m in re.finditer(rf"(?<![\w.>])({'|'.join(BANNED)})\s*\(", text):
            yield f"{name(path)}:{line_of(text, m.start())}: {m.group(1)}() is banned"


def secrets_take_constant_time():
    """what proves a sender is compared in constant time"""
    for path in files("bot/zalo/signature.c", "bot/token/*.c"):
        text = blank_comments(read(path))
        for m in re.finditer(r"(?<!CRYPTO_)\bmemcmp\s*\(", text):
            yield f"{name(path)}:{line_of(text, m.start())}: memcmp() tells by its time how much was right; use CRYPTO_memcmp()"


def no_floating_money():
    """no floating point where money is"""
    for path in c_files("config", "db", "handlers"):
        text = blank_comments(read(path))
        for m in re.finditer(r"\b(float|double)\b", text):
            yield f"{name(path)}:{line_of(text, m.start())}: floating point; money is an integer number of dong"


def arrows_point_one_way():
    """bot -> handlers -> db -> config, and only bot/zalo knows Zalo"""
    home = {}
    for d in FOLDERS:
        for path in c_files(d):
            home[os.path.basename(path)] = d
    for path in c_files():
        own = name(path).split("/")[0]
        text = blank_comments(read(path), strings=False)
        for m in re.finditer(r"#include \"(?:[\w/]*/)?([\w.]+)\"", text):
            there = home.get(m.group(1))
            if there and FOLDERS.index(there) > FOLDERS.index(own):
                yield f"{name(path)}:{line_of(text, m.start())}: {own} must not use {there} ({m.group(1)})"
        forbidden = []
        if own != "db":
            forbidden += ["libpq-fe.h"]
        if own == "handlers":
            forbidden += ["event2/", "curl/", "sys/socket.h", "sqlite3.h"]
        if own in ("config", "db"):
            forbidden += ["curl/"]
        for m in re.finditer(r"#include <([\w/.]+)>", text):
            if any(m.group(1).startswith(f) for f in forbidden):
                yield f"{name(path)}:{line_of(text, m.start())}: <{m.group(1)}> has no place in {own}"
        if own != "config" and not name(path).startswith("bot/zalo/"):
            for m in re.finditer(r"\"[^\"\n]*(zalo\.me|zaloapp\.com|/v3\.0/oa|/v2\.0/oa)[^\"\n]*\"", text):
                yield f"{name(path)}:{line_of(text, m.start())}: only bot/zalo knows Zalo's addresses"


def handlers_are_pure():
    """handlers have no clock, no chance, no files of their own"""
    for path in c_files("handlers"):
        text = blank_comments(read(path))
        for m in re.finditer(r"(?<![\w.>])(time|clock_gettime|gettimeofday|rand|random|getrandom|fopen|open|getenv|read|write)\s*\(", text):
            yield f"{name(path)}:{line_of(text, m.start())}: {m.group(1)}() in a pure function"


def no_vietnamese_in_code():
    """Vietnamese copy lives in the catalogue only"""
    for path in c_files():
        if name(path).startswith("handlers/reading/"):
            continue
        text = blank_comments(read(path), strings=False)
        for m in re.finditer(r"\"(?:\\.|[^\"\\\n])*\"", text):
            if VIETNAMESE.search(m.group(0)):
                yield f"{name(path)}:{line_of(text, m.start())}: {m.group(0)} belongs into config/messages.vi.yaml"


def nothing_left_to_do():
    """no notes to self, no paths of one machine"""
    words = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b|/wo" r"rk/|/home/\w+/")
    for path in c_files(*FOLDERS, "tests") + files("tests/**/*.py", "config/*", "db/**/*.sql", "run", "*.md", "**/meson.build"):
        text = read(path)
        for m in words.finditer(text):
            yield f"{name(path)}:{line_of(text, m.start())}: {m.group(0)}"


def statements(path):
    """(name, line, text) of each `-- name:` section, without its comments."""
    found, at = [], None
    for number, line in enumerate(read(path).split("\n"), 1):
        m = re.match(r"-- name: (\w+)", line)
        if m:
            at = [m.group(1), number, "", ""]
            found.append(at)
        elif at and line.startswith("--"):
            at[3] += line
        elif at:
            at[2] += line + "\n"
    return found


def schema_tables():
    """{table: (path, line, body)} of all migrations."""
    tables = {}
    for path in files("db/migrations/*.sql"):
        text = re.sub(r"--[^\n]*", lambda m: " " * len(m.group(0)), read(path))
        for m in re.finditer(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+) \(([\s\S]*?)\n\)", text):
            tables[m.group(1)] = (path, line_of(text, m.start()), m.group(2))
    return tables


def hot_tables():
    return {t: v for t, v in schema_tables().items() if re.search(r"^\s*user_id\s+text", v[2], re.M)}


def schema_can_be_distributed():
    """tables of people have user_id first in every key"""
    for table, (path, line, body) in hot_tables().items():
        key = re.search(r"PRIMARY KEY \(([^)]*)\)", body)
        first = key.group(1).split(",")[0].strip() if key else ("user_id" if re.search(r"user_id\s+text[^,\n]*PRIMARY KEY", body) else "")
        if first != "user_id":
            yield f"{name(path)}:{line}: the primary key of {table} does not begin with user_id"
        for m in re.finditer(r"UNIQUE \(([^)]*)\)", body):
            if "user_id" not in m.group(1):
                yield f"{name(path)}:{line}: a unique constraint of {table} spans people"
    for path in files("db/migrations/*.sql"):
        text = read(path)
        for m in re.finditer(r"CREATE UNIQUE INDEX[^;]*? ON (\w+)[^(]*\(([^)]*)\)", text):
            if m.group(1) in hot_tables() and "user_id" not in m.group(2):
                yield f"{name(path)}:{line_of(text, m.start())}: a unique index of {m.group(1)} spans people"


def statements_name_people():
    """statements are explained, name the people they touch and leave no session state"""
    hot, tables = hot_tables(), schema_tables()
    for path in files("db/sql/*.sql"):
        for statement, line, sql, comment in statements(path):
            place = f"{name(path)}:{line}: {statement}"
            if "$2" in sql and not comment.strip("- "):
                yield f"{place} does not say what its parameters are"
            touched = [t for t in hot if re.search(rf"\b(FROM|JOIN|INTO|UPDATE) (?:ONLY )?{t}\b", sql)]
            if touched and "user_id" not in sql and not BACKGROUND.search(statement):
                yield f"{place} touches {', '.join(touched)} without naming user_id"
            for m in re.finditer(r"\b(pg_(?:try_)?advisory_\w+|LISTEN|NOTIFY|SET SESSION|WITH HOLD|CREATE TEMP\w*|random\(\))", sql):
                yield f"{place} uses {m.group(1)}"
            for m in re.finditer(r"\bSELECT \* FROM (\w+)", sql):
                if m.group(1) in tables:
                    yield f"{place} reads columns of {m.group(1)} without naming them"


def chats_can_be_read():
    """the chats are well formed and name texts that exist"""
    try:
        catalogue = Catalogue(ROOT)
    except (OSError, YamlError) as e:
        yield f"config/messages.vi.yaml:1: {e}"
        return
    titles = {}
    for path in files("tests/chats/*.chat"):
        try:
            chats = read_file(path)
        except ChatError as e:
            yield str(e)
            continue
        for chat in chats:
            if chat.title in titles:
                yield f"{name(path)}:{chat.line}: the title \"{chat.title}\" is used twice"
            titles[chat.title] = chat
    for chat in titles.values():
        for step in chat.steps:
            if step.verb == "as in" and step.title not in titles:
                yield f"{step.where}: there is no chat \"{step.title}\""
            for text in re.findall(r"\{(\w+)\}", step.expected) if step.verb == "bot" else []:
                if text not in catalogue.messages:
                    yield f"{step.where}: the catalogue has no text {text}"


def scripts_compile():
    """scripts are at least well formed"""
    for path in files("tests/**/*.py", "config/*.py"):
        try:
            ast.parse(read(path))
        except SyntaxError as e:
            yield f"{name(path)}:{e.lineno}: {e.msg}"
    for path in files("run", ".ci/run", "**/*.sh"):
        done = subprocess.run(["bash", "-n", path], stderr=subprocess.PIPE, text=True)
        if done.returncode != 0:
            yield done.stderr.strip()


# ---- other people's tools ----

CPPCHECK = ["--enable=warning,performance,portability", "--inline-suppr", "--quiet", "--std=c11", "--error-exitcode=0",
            "--template={file}:{line}: {id}: {message}",
            # Headers of libraries are not read; and cppcheck's own notes about its limits are no findings.
            "--suppress=missingInclude", "--suppress=missingIncludeSystem", "--suppress=unmatchedSuppression",
            "--suppress=normalCheckLevelMaxBranches", "--suppress=checkersReport"]
# Without the checks that speak of taste, and without valist: clang 14 takes a va_list that is a parameter for uninitialised.
TIDY = ("-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.*,"
        "-clang-analyzer-optin.performance.Padding,bugprone-*,-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier,"
        "-bugprone-assignment-in-if-condition,-bugprone-narrowing-conversions,-bugprone-branch-clone,"
        "-bugprone-implicit-widening-of-multiplication-result,cert-err34-c,misc-redundant-expression")


def compiled(build):
    """The sources of the product in that build: tests take liberties that would drown what matters."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = json.load(f)
    found = {os.path.normpath(os.path.join(e["directory"], e["file"])) for e in entries}
    return sorted(f for f in found if f.startswith(tuple(os.path.join(ROOT, d) + "/" for d in FOLDERS)))


def cppcheck_finds_nothing(build):
    """cppcheck"""
    includes = [f"-I{os.path.join(ROOT, d)}" for d in FOLDERS + ["handlers/reading", "bot/zalo"]]
    # Headers of the system are not read but for the one whose macros look like broken declarations.
    queue = [f"--include={p}" for p in glob.glob("/usr/include/*/sys/queue.h")]
    done = subprocess.run(["cppcheck", "-j2", *CPPCHECK, "-D_GNU_SOURCE", *queue, *includes, *compiled(build)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    for line in done.stdout.splitlines():
        if re.match(r"\S+:\d+: ", line):
            yield line.replace(ROOT + "/", "")


def clang_tidy_finds_nothing(build):
    """clang-tidy"""
    sources = compiled(build)
    halves = [sources[::2], sources[1::2]]
    running = [subprocess.Popen(["clang-tidy", "--quiet", f"--checks={TIDY}", "-p", build, "--extra-arg=-Wno-unknown-warning-option", *half],
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) for half in halves if half]
    seen = set()
    for child in running:
        for line in child.communicate()[0].splitlines():
            if re.match(r"\S+:\d+:\d+: (warning|error): ", line) and line not in seen:
                seen.add(line)
                yield re.sub(r"^\S*?\.\./", "", line.replace(ROOT + "/", ""))


QUICK = [first_line_says_why, files_are_short, no_banned_functions, secrets_take_constant_time, no_floating_money, arrows_point_one_way, handlers_are_pure,
         no_vietnamese_in_code, nothing_left_to_do, schema_can_be_distributed, statements_name_people, chats_can_be_read, scripts_compile]


def main(argv):
    checks = [(c, c) for c in QUICK]
    if argv[1:2] == ["--tools"]:
        build = os.path.abspath(argv[2])
        for tool, check in (("cppcheck", cppcheck_finds_nothing), ("clang-tidy", clang_tidy_finds_nothing)):
            if shutil.which(tool):
                checks.append((check, lambda check=check: check(build)))
    passed = failed = 0
    for check, run in checks:
        findings = list(run())
        for finding in findings:
            print(finding)
        print(f"{'FAIL' if findings else 'ok  '}  {check.__doc__}" + (f": {len(findings)} findings" if findings else ""), flush=True)
        passed, failed = passed + (not findings), failed + bool(findings)
    print(f"static checks: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
