#!/usr/bin/env python3
"""A release holds nothing of the fault points: whoever can set its environment cannot make it die or fail.

  test_release.py BUILD_FOLDER [TEST_BUILD_FOLDER]     the second: a build that has them, to show that they would be found"""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)

from points import points  # noqa: E402
from scene import Checks  # noqa: E402

SWITCHES = ("FAULT_PLAN", "FAULT_LOG")


def holds(build, names):
    with open(os.path.join(build, "bot", "sangkien"), "rb") as f:
        binary = f.read()
    return [n for n in names if b"\0" + n.encode() + b"\0" in binary]


def main(release, test_build=None):
    checks, names = Checks(), [p.name for p in points()] + list(SWITCHES)
    found = holds(release, names)
    checks.that(f"none of {len(names)} names of fault points and their switches is in a release", len(names) > 40 and not found, found)
    if test_build:
        missing = sorted(set(names) - set(holds(test_build, names)))
        checks.that("and all are in a test build", not missing, missing)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
