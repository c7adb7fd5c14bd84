"""Runs commands of the binary, each test against a database of its own: what their tests share."""
import os
import shutil
import subprocess
import tempfile

from bot import Bot
from postgres import Postgres
from process import Failure, free_port

EX_OK, EX_USAGE, EX_DATAERR, EX_NOINPUT, EX_UNAVAILABLE = 0, 64, 65, 66, 69


class CommandRig:
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
                       self.postgres.url(database), 1, free_port(0))

    def run(self, *args, stdin="", expect=EX_OK):
        """@return what it wrote to (stdout, stderr)."""
        done = subprocess.run([self.binary, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, **self.bot.env), timeout=60)
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


def equal(got, want):
    if got != want:
        raise Failure(f"got {got!r}, wanted {want!r}")


def has(text, *parts):
    for part in parts:
        if part not in text:
            raise Failure(f"{part!r} is missing in:\n{text}")


def play(rig_class, functions, argv, usage):
    """Those of `functions` (globals of a test file) that are tests, each against a fresh database; a line for each, and the sums.
    @return the exit status."""
    if len(argv) < 2:
        print(usage)
        return EX_USAGE
    word = argv[2] if len(argv) > 2 else ""
    tests = [(name, test) for name, test in functions.items() if name.startswith("test_") and callable(test) and word in name]
    passed, rig = 0, rig_class(argv[1])
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
