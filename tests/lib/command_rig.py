"""Runs commands of the binary, each test against a database of its own: what their tests share."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

from bot import Bot
from postgres import Postgres
from process import Failure, free_port
from standin import SECRETS, Standin

EX_OK, EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE, EX_CANTCREAT, EX_NOPERM, EX_CONFIG = 0, 64, 65, 66, 69, 73, 77, 78


class CommandRig:
    """For commands that need no Zalo."""

    programs = 1  # paths it is made of

    def __init__(self, binary):
        self.folder = tempfile.mkdtemp(prefix="sangkien-commands-", dir="/var/tmp")
        os.chmod(self.folder, 0o711)
        self.binary, self.number = os.path.abspath(binary), 0
        self.postgres = Postgres(os.path.join(self.folder, "pg"), os.path.join(self.folder, "postgres.log"), fast=True).start()

    def fresh(self):
        """A database of its own, a copy of one that was migrated once."""
        if self.number == 0:
            self._use("blank")
            self.postgres.create_database("blank")
            self.run("migrate")
        self.number += 1
        self._use(f"test{self.number}")
        self.postgres.psql("postgres", f"CREATE DATABASE {self.database} TEMPLATE blank")

    def _use(self, database):
        self.database = database
        self.bot = Bot(self.binary, os.path.join(self.folder, f"{database}.log"), os.path.join(self.folder, database),
                       self.postgres.url(database), self.zalo_port(), free_port(0))

    def zalo_port(self):
        return 1

    def run(self, *args, stdin="", expect=EX_OK, **settings):
        """@return what it wrote to (stdout, stderr); ending with another status than `expect` is a failure."""
        settings = {"SANGKIEN_" + name: value for name, value in settings.items()}
        done = subprocess.run([self.binary, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, **dict(self.bot.env, **settings)), timeout=60)
        if done.returncode != expect:
            raise Failure(f"{' '.join(args)} ended with {done.returncode}, wanted {expect}:\n{done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def saved(self, text, name="rows", encoding="utf-8"):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding=encoding, newline="") as f:
            f.write(text)
        return path

    def sql(self, text):
        return self.postgres.psql(self.database, text).strip()

    def stop(self):
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class ZaloCommandRig(CommandRig):
    """For commands that talk to Zalo, or are near its tokens: with the stand-in, and no secret may ever be printed."""

    programs = 2

    def __init__(self, binary, standin_binary):
        super().__init__(binary)
        self.standin = Standin(standin_binary, os.path.join(self.folder, "standin.log")).start("http://127.0.0.1:9/webhook")

    def fresh(self):
        """As before, and the stand-in with its first tokens."""
        self.standin.call("POST", "/_admin/token", {"access_token": SECRETS["access_token"], "refresh_token": SECRETS["refresh_token"]})
        self.standin.call("DELETE", "/_admin/fault")
        super().fresh()

    def zalo_port(self):
        return self.standin.port

    def run(self, *args, **how):
        out, errors = super().run(*args, **how)
        self.no_secrets(out + errors)
        return out, errors

    def no_secrets(self, text):
        tokens = self.standin.call("GET", "/_admin/token")
        for secret in [*SECRETS.values(), tokens.get("access_token"), tokens.get("refresh_token")]:
            if secret and secret in text:
                raise Failure(f"a secret was printed:\n{text}")

    def stop(self):
        self.standin.stop()
        super().stop()


def equal(got, want):
    if got != want:
        raise Failure(f"got {got!r}, wanted {want!r}")


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f"{part!r} is missing in:\n{text}")


def matches(text, *patterns):
    for pattern in patterns:
        if not re.search(pattern, text, re.M):
            raise Failure(f"{pattern!r} is missing in:\n{text}")


def play(rig_class, functions, argv, usage):
    """Those of `functions` (globals of a test file) that are tests, each against a fresh database; a line for each, and the sums.
    @return the exit status."""
    paths, words = argv[1:1 + rig_class.programs], argv[1 + rig_class.programs:]
    if len(paths) < rig_class.programs:
        print(usage, file=sys.stderr)
        return EX_USAGE
    tests = [(name, test) for name, test in functions.items()
             if name.startswith("test_") and callable(test) and (not words or words[0] in name)]
    passed, rig = 0, rig_class(*(os.path.abspath(path) for path in paths))
    try:
        for name, test in tests:
            try:
                rig.fresh()
                test(rig)
                passed += 1
                print("ok   " + name[5:].replace("_", " "), flush=True)
            except (Failure, OSError, subprocess.TimeoutExpired) as e:
                print(f"FAIL {name[5:].replace('_', ' ')}: {e}", flush=True)
    finally:
        rig.stop()
    print(f"{passed} passed, {len(tests) - passed} failed")
    return 0 if passed == len(tests) > 0 else 1
