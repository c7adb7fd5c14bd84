#!/usr/bin/env python3
"""The benchmark: what the product does, as ratios to the limits of the same machine taken in the same run.

  run.py BUILD_FOLDER [--full] [--json FILE] [ROW ...]

Without rows all of them.  Absolute figures of two runs do not compare; the ratios do."""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]

import rounds  # noqa: E402
import sending  # noqa: E402
from process import Failure  # noqa: E402
from stage import Stage  # noqa: E402
from table import Table  # noqa: E402


def machine():
    with open("/proc/meminfo", encoding="ascii") as f:
        memory = int(f.readline().split()[1]) // 1024
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processors": os.cpu_count(), "model": model, "memory_mb": memory, "kernel": platform.release()}


def row_reading(bench):
    """ns per amount, command, normal form, signature and JSON"""
    rounds = 3 if bench.brief else 31
    done = subprocess.run([bench.program("bench-reading"), "--rounds", str(rounds)], stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"bench-reading ended with {done.returncode}")
    read = json.loads(done.stdout)
    for name, what, goal in (("amount", "an amount of vi-amounts.tsv", 5000), ("intent", "a command of vi-intents.tsv", 5000),
                             ("nfc", "cleaning a text that is in normal form", None), ("nfd", "cleaning a decomposed text", None),
                             ("signature", "verifying the signature of a sample", None), ("json", "decoding a sample", None)):
        bench.table.add("reading", what, [read[name]["median_ns"]], "ns", at_most=goal)
    for name, file in (("amount", "vi-amounts.tsv"), ("intent", "vi-intents.tsv")):
        right, total = read[name]["right"], read[name]["items"]
        bench.table.note(f"{file}: {right} of {total} right")
        if right != total:
            bench.refuse(f"{total - right} lines of {file} are not read as labelled")


ROWS = {"turns": rounds.row_turns, "cost": rounds.row_cost, "latency": rounds.row_latency, "lone": rounds.row_lone,
        "memory": rounds.row_memory, "sending": sending.row_sending, "broadcast": sending.row_broadcast,
        "growth": rounds.row_growth, "reading": row_reading}


BRIEF = ["turns", "cost", "lone", "sending", "broadcast", "reading"]


class Bench:
    def __init__(self, build, rows, full, brief):
        self.build, self.wanted, self.full, self.brief = os.path.abspath(build), set(rows), full, brief
        self.table, self.refusals = Table(judges=not brief), []
        self._stage = self._rounds = None

    def size(self, usual, full, brief):
        """How much of something: in three minutes, in twenty-five, in ten seconds."""
        return full if self.full else brief if self.brief else usual

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def stage(self):
        """Started by the first row that needs it."""
        if not self._stage:
            self.say("starting PostgreSQL, the stand-in and the bot")
            folder = tempfile.mkdtemp(prefix="sangkien-bench-", dir=os.environ.get("TMPDIR", "/var/tmp"))
            os.chmod(folder, 0o711)
            self._stage = Stage(folder, self.build).start()
            self._stage.start_standin()
            rounds.seed(self._stage)
        return self._stage

    def rounds(self):
        """Run once for all rows made from them."""
        if not self._rounds:
            self._rounds = rounds.Rounds(self)
            single = [r["single_ms"] for r in self._rounds.done if "single_ms" in r]
            if single and max(single) > 2 * min(single):
                self.table.note("the disk was not steady: a single commit took from "
                                f"{min(single):.2f} to {max(single):.2f} ms, so do not trust latencies of this run")
        return self._rounds

    def close(self):
        if self._stage:
            self._stage.stop()
            shutil.rmtree(self._stage.folder, ignore_errors=True)

    def program(self, name):
        path = os.path.join(self.build, "tests", "bench", name)
        if not os.access(path, os.X_OK):
            raise Failure(f"{path} is missing: build first (./run build)")
        return path

    def refuse(self, why):
        """The run goes on, but what it prints is no result."""
        self.refusals.append(why)

    def report(self, path):
        print(self.table.text())
        for why in self.refusals:
            print(f"NO RESULT: {why}")
        data = dict(self.table.data(), refusals=self.refusals, machine=machine(),
                    at=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"), full=self.full, brief=self.brief)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(data, f, ensure_ascii=False, indent=1)
        print(f"written to {os.path.relpath(path)}")
        if self.brief:
            print(f"benchmark: {len(self.wanted)} passed, {len(self.refusals)} failed")


def main(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
                                     epilog="rows:\n" + "\n".join(f"  {n:9} {f.__doc__}" for n, f in ROWS.items()))
    parser.add_argument("build")
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these rows")
    parser.add_argument("--full", action="store_true", help="longer, with row growth at its full sizes")
    parser.add_argument("--brief", action="store_true", help="shortest, only to see that it works: no result")
    parser.add_argument("--json", metavar="FILE", help="where the table goes as JSON (BUILD_FOLDER/bench.json)")
    options = parser.parse_args(argv[1:])
    for name in options.rows:
        if name not in ROWS:
            raise Failure(f"there is no row \"{name}\": {', '.join(ROWS)}")
    bench = Bench(options.build, options.rows or (BRIEF if options.brief else ROWS), options.full, options.brief)
    try:
        for name, row in ROWS.items():
            if name in bench.wanted:
                row(bench)
    finally:
        bench.close()
    bench.report(options.json or os.path.join(bench.build, "bench.json"))
    return 1 if bench.refusals else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv))
    except Failure as e:
        print(f"bench: {e}", file=sys.stderr)
        sys.exit(1)
