#!/usr/bin/env python3
"""Runs the unit tests of a build folder with a private PostgreSQL beside them, and counts each test of each program.

  unit_tests.py BUILD_FOLDER [meson test arguments]

SANGKIEN_TEST_DATABASE holds the connection string of an empty database that the tests may use as they like."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from postgres import Postgres  # noqa: E402
from process import Failure, scratch_folder  # noqa: E402


def counts(result):
    """(passed, failed, names of the failed) of one program: by cmocka's own counting, or as one test."""
    output = (result.get("stdout") or "") + "\n" + (result.get("stderr") or "")
    good = result["result"] in ("OK", "EXPECTEDFAIL")
    ran = sum(int(n) for n in re.findall(r"\[==========\] (?:\S+: )?(\d+) test\(s\) run", output))
    passed = sum(int(n) for n in re.findall(r"\[  PASSED  \] (\d+) test\(s\)", output))
    own = re.findall(r"^(?:.*: )?(\d+) passed, (\d+) failed", output, re.M)
    own += [(str(int(n) - int(bad)), bad) for n, bad in re.findall(r"^(\d+) checks, (\d+) failed", output, re.M)]
    if ran:
        skipped = sum(int(n) for n in re.findall(r"\[  SKIPPED \] (\d+) test\(s\)", output))
        failed = max(ran - passed - skipped, 0 if good else 1)
        return passed, failed, sorted(set(re.findall(r"\[  FAILED  \] (test_\w+|\w+)\s*$", output, re.M)))
    if own:
        return int(own[-1][0]), max(int(own[-1][1]), 0 if good else 1), []
    return (1, 0, []) if good else (0, 1, [])


def main(argv):
    build = argv[1]
    folder = scratch_folder("unit")
    postgres = Postgres(os.path.join(folder, "pg"), os.path.join(folder, "postgres.log"), fast=True)
    log = os.path.join(build, "meson-logs", "testlog.json")
    if os.path.exists(log):
        os.remove(log)  # what is there afterwards is of this run
    try:
        postgres.start()
        postgres.create_database("unit")
        env = dict(os.environ, SANGKIEN_TEST_DATABASE=postgres.url("unit"), LC_ALL="C.UTF-8")
        # The log says what counts; the terminal gets only what failed.
        done = subprocess.run(["meson", "test", "-C", build, "--no-rebuild", "--timeout-multiplier", "4"] + argv[2:], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    finally:
        postgres.stop()
        shutil.rmtree(folder, ignore_errors=True)
    passed = failed = 0
    if not os.path.exists(log):
        print(done.stdout)
        raise Failure("meson ran no tests")
    with open(log, encoding="utf-8") as f:
        for line in f:
            result = json.loads(line)
            if result["result"] == "SKIP":
                print(f"skip  {result['name']}")
                continue
            good, bad, names = counts(result)
            passed, failed = passed + good, failed + bad
            print(f"{'FAIL' if bad else 'ok  '}  {result['name']}: {good} passed" + (f", {bad} failed {' '.join(names)}" if bad else ""))
            if bad:
                tail = ((result.get("stdout") or "") + (result.get("stderr") or "")).splitlines()
                print("\n".join("      " + line for line in tail if not re.match(r"\[ (RUN|      OK)", line))[-6000:])
    print(f"unit tests: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as e:
        print(f"unit_tests.py: {e}\nunit tests: 0 passed, 1 failed")
        sys.exit(1)
