#!/usr/bin/env python3
"""Takes one protection after the other out of a copy of the sources, and shows which test notices.

  mutations.py [--check] [--list] [WORD ...]

WORD: only protections with that word in their name.  --check: only whether each still stands in the sources, exactly once.
First every test has to be green as the sources are; then, for each protection of protections.py, only what changed is built, and its
test has to turn red.  Ends with a table and `N seen, N unseen`; about half an hour on two cores."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from process import Failure, die_with_parent  # noqa: E402
from protections import PROTECTIONS  # noqa: E402
from world import root  # noqa: E402

PATIENCE_S = 300  # for one test
GOODBYE_S = 30    # for it to take its servers down


def place(protection, text, old):
    """Where the piece of source stands: the list must not go on when the sources have."""
    if text.count(old) != 1:
        raise Failure(f"\"{protection.name}\": {protection.path} holds {text.count(old)} times, and not once: {old}")
    return text.index(old)


def without(protection, text):
    for old, new in protection.changes:
        at = place(protection, text, old)
        text = text[:at] + new + text[at + len(old):]
    return text


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def check():
    """Every piece of source is there, and its test."""
    wrong = []
    for p in PROTECTIONS:
        try:
            without(p, read(os.path.join(root(), p.path)))
        except (Failure, OSError) as e:
            wrong.append(str(e))
        if not os.path.exists(os.path.join(root(), p.test.source)):
            wrong.append(f"\"{p.name}\": there is no {p.test.source}")
    for line in wrong:
        print(f"FAIL  {line}")
    print(f"protections that can be taken out: {len(PROTECTIONS) - len(wrong)} passed, {len(wrong)} failed")
    return 1 if wrong else 0


class Copy:
    """A checkout and a build of its own, with fault points."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="sangkien-mutations-", dir="/var/tmp")
        os.chmod(self.folder, 0o711)
        self.source, self.build = os.path.join(self.folder, "source"), os.path.join(self.folder, "source", "build")
        shutil.copytree(root(), self.source, ignore=shutil.ignore_patterns("build*", ".git", "__pycache__"))
        self.quietly(["meson", "setup", self.build, self.source, "-Dfault_points=enabled"])

    def quietly(self, args):
        done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{' '.join(args[:2])} failed:\n{done.stdout[-3000:]}")

    def build_for(self, test):
        self.quietly(["nice", "ninja", "-j2", "-C", self.build, *test.targets])

    def take_out(self, protection):
        path = os.path.join(self.source, protection.path)
        text = read(path)
        write(path, without(protection, text))
        return path, text

    def run(self, test):
        """@return what failed first, "" when nothing did."""
        env = dict(os.environ, SANGKIEN_TEST_FOLDER=self.folder, LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
        child = subprocess.Popen([sys.executable, os.path.join(self.source, test.program), *test.arguments(self.build)], cwd=self.source, env=env,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=in_child)
        signal.alarm(PATIENCE_S)
        try:
            failed = next((m.group(1) for m in (re.match(r"FAIL  (.*)", line) for line in child.stdout) if m), "")
            if failed and not test.unit:
                child.send_signal(signal.SIGINT)  # the rest is not worth waiting for
            for _ in child.stdout:
                pass
            return failed or ("" if child.wait() == 0 else f"it ended with status {child.returncode}")
        except TimeoutError:
            return f"it did not end within {PATIENCE_S} s"
        finally:
            signal.alarm(0)
            child.send_signal(signal.SIGINT)
            try:
                child.wait(GOODBYE_S)
            except subprocess.TimeoutExpired:
                child.kill()
            for left in os.listdir(self.folder):
                if left != "source":
                    shutil.rmtree(os.path.join(self.folder, left), ignore_errors=True)

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def in_child():
    """It ends with us, and Ctrl-C reaches it also where a shell that started us in the background has it ignored."""
    die_with_parent(signal.SIGKILL)()
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def on_alarm(number, frame):
    raise TimeoutError


def shown(text):
    return re.sub(r"test_bot_\w+|\s+", " ", text).strip()[:90]


def main(words):
    chosen = [p for p in PROTECTIONS if not words or any(w in p.name for w in words)]
    signal.signal(signal.SIGALRM, on_alarm)
    copy, seen, unseen, lines, green = Copy(), 0, 0, [], {}
    try:
        for p in chosen:
            begin = time.monotonic()
            copy.build_for(p.test)
            if p.test not in green:
                green[p.test] = copy.run(p.test)
                print(f"      {p.test.name} on the sources as they are: {green[p.test] or 'green'} ({time.monotonic() - begin:.0f} s)", flush=True)
            begin = time.monotonic()
            path, text = copy.take_out(p)
            try:
                copy.build_for(p.test)
                red = copy.run(p.test)
            finally:
                write(path, text)
            good = bool(red) and not green[p.test]
            seen, unseen = seen + good, unseen + (not good)
            what = "already red" if green[p.test] else shown(red) or "UNSEEN"
            lines.append(f"{p.name:58} {p.path:34} {p.test.name:44} {time.monotonic() - begin:4.0f}  {what}")
            print(f"{'seen  ' if good else 'UNSEEN'} {p.name}: {what}", flush=True)
    finally:
        copy.end()
    print(f"\n{'protection':58} {'file':34} {'test':44} {'s':>4}  what it said")
    print("\n".join(lines))
    print(f"\n{seen} seen, {unseen} unseen")
    return 1 if unseen else 0


if __name__ == "__main__":
    try:
        if "--check" in sys.argv:
            sys.exit(check())
        if "--list" in sys.argv:
            print("\n".join(f"{p.name:58} {p.path:34} {p.test.name}" for p in PROTECTIONS))
            sys.exit(0)
        sys.exit(main([a for a in sys.argv[1:] if not a.startswith("--")]))
    except Failure as e:
        print(f"mutations.py: {e}\n0 seen, 1 unseen")
        sys.exit(1)
