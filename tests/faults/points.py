#!/usr/bin/env python3
"""The fault points of config/fault.h, read from the source: their names, where they stand, and whether "error" does something there.

  points.py     lists them"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SINGLE = re.compile(r'(\(void\))?(?:FAULT_POINT|\bfails)\("(\w+)"\)')
PAIR = re.compile(r'PG_FAULTS\(\w+, "(\w+)", "(\w+)"\)')


class Point:
    def __init__(self, name, where, error):
        self.name, self.where, self.error = name, where, error

    @property
    def kinds(self):
        return ("kill", "error", "stall") if self.error else ("kill", "stall")


def points():
    """In the order of files and lines.  A name that stands twice is given twice."""
    found = []
    for path in sorted(glob.glob(os.path.join(ROOT, "bot", "**", "*.c"), recursive=True) + glob.glob(os.path.join(ROOT, "db", "*.c"))):
        with open(path, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                where = f"{os.path.relpath(path, ROOT)}:{number}"
                found += [Point(m.group(2), where, not m.group(1)) for m in SINGLE.finditer(line)]
                found += [Point(name, where, True) for m in PAIR.finditer(line) for name in m.groups()]
    return found


if __name__ == "__main__":
    for p in points():
        print(f"{p.name:28} {'/'.join(p.kinds):18} {p.where}")
    sys.exit(0)
