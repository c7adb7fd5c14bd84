#!/usr/bin/env python3
"""Measures the search for similar initiatives: is the right one found and flagged, and how fast, among how many others.

  similar.py BUILD_FOLDER [--others N] [--kind K] [--rounds N] [--keep FOLDER] [--worst N]

Imports the originals of tests/data/vi-initiatives.jsonl and N generated others into a private PostgreSQL, then asks with every
copy of that file, with the copies and hard negatives of tests/data/vi-similar-pairs.jsonl, and with the originals themselves
(their own entry set aside).  The weights and thresholds of the score were chosen with these; tests/data/vi-similar-holdout.jsonl
was written before the last change of the score and is never looked at when one is chosen.  --keep uses a folder that stays, so that a second run need not generate and import again."""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import postgres  # noqa: E402
import similar_others  # noqa: E402
from process import Failure  # noqa: E402
from world import root  # noqa: E402

FLAG = 460  # SIMILAR_FLAG
def read(name):
    with open(os.path.join(root(), "tests", "data", name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


def quantile(values, q):
    values = sorted(values)
    return values[min(len(values) - 1, int(q * len(values)))]


class Bench:
    def __init__(self, build, folder):
        self.binary = os.path.join(os.path.abspath(build), "bot", "sangkien")
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        os.chmod(folder, 0o711)
        postgres.SETTINGS["shared_buffers"] = "1GB"  # as much as a server of this size would get
        self.postgres = postgres.Postgres(os.path.join(folder, "pg"), os.path.join(folder, "postgres.log"), fast=True)
        self.postgres.start()
        self.postgres.create_database("bench")
        self.env = dict(os.environ, SANGKIEN_DATABASE_URL=self.postgres.url("bench"))
        self.run("migrate")

    def run(self, *args, stdin=None):
        done = subprocess.run([self.binary, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.env)
        if done.returncode != 0:
            raise Failure(f"sangkien {' '.join(args)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done

    def stored(self):
        return int(self.postgres.psql("bench", "SELECT count(*) FROM initiative"))

    def fill(self, originals, others, kind):
        known = self.codes()
        missing = [r for r in originals if r["id"] not in known]
        if missing:
            path = os.path.join(self.folder, "originals.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in missing)
            print(self.run("import", "initiatives", path).stdout.strip())
        have = self.stored() - len(originals)
        writer = similar_others.KINDS[kind](originals, have)
        while have < others:
            part = min(others - have, 100000)
            path = os.path.join(self.folder, "others.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(writer.write(n), ensure_ascii=False) + "\n" for n in range(have, have + part))
            began = time.monotonic()
            self.run("import", "initiatives", path)
            print(f"imported and indexed {part} others, {part / (time.monotonic() - began):.0f} a second", flush=True)
            os.unlink(path)
            have += part
        self.postgres.psql("bench", "VACUUM ANALYZE", "-q")

    def ask(self, rows):
        """@return (answers, microseconds): for each row a list of (code, score)."""
        done = self.run("similar", "--verbose", stdin="".join(json.dumps({"title": r["title"], "description": r["description"]},
                                                                         ensure_ascii=False) + "\n" for r in rows))
        answers = [[(line.split("\t")[0], int(line.split("\t")[1])) for line in block.split("\n") if line]
                   for block in re.split(r"(?:(?<=\n)|^)\n", done.stdout)][:len(rows)]
        return answers, [int(line.split()[0]) for line in done.stderr.splitlines() if line.endswith(" us")]

    def codes(self):
        rows = self.postgres.psql("bench", "SELECT substr(user_id, 8), code FROM initiative WHERE user_id LIKE 'import:S%' OR user_id LIKE 'import:X%'").split()
        return dict(r.split("|") for r in rows)


def report(name, rows, answers, codes, key):
    best3 = sum(codes[r[key]] in [c for c, _ in a[:3]] for r, a in zip(rows, answers))
    flagged = sum(dict(a).get(codes[r[key]], 0) >= FLAG for r, a in zip(rows, answers))
    any_flag = sum(bool(a) and a[0][1] >= FLAG for a in answers)
    print(f"{name:34} {len(rows):4}  among the first three {best3 / len(rows):6.1%}  it is flagged {flagged / len(rows):6.1%}"
          f"  anything is flagged {any_flag / len(rows):6.1%}")
    return best3, flagged, any_flag


def show_worst(most, rows, answers, codes):
    for r, a in zip(rows, answers):
        code = codes[r["dup_of"]]
        if most > 0 and (code not in [c for c, _ in a[:3]] or dict(a).get(code, 0) < FLAG):
            most -= 1
            print(f"    {r['id']} of {r['dup_of']} {code}: {a[:3]}  {r['title']}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--others", type=int, default=20000)
    parser.add_argument("--kind", choices=similar_others.KINDS, default="words", help="how the others are made (similar_others.py)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked for the times")
    parser.add_argument("--keep")
    parser.add_argument("--worst", type=int, default=0, help="show so many copies that were not found or flagged")
    options = parser.parse_args()
    shared, pairs, unseen = read("vi-initiatives.jsonl"), read("vi-similar-pairs.jsonl"), read("vi-similar-holdout.jsonl")
    originals = [r for r in shared if not r["dup_of"]]
    foreign = [r for r in unseen if not r["dup_of"] and not r["hard_negative_of"]]
    folder = options.keep or tempfile.mkdtemp(prefix="sangkien-sim-", dir="/var/tmp")
    bench = Bench(options.build, folder)
    try:
        bench.fill(originals + foreign, options.others, options.kind)
        codes = bench.codes()
        print(f"{bench.stored()} initiatives stored")
        copies = [r for r in shared if r["dup_of"]]
        for kind in sorted({r["dup_kind"] for r in copies}):
            some = [r for r in copies if r["dup_kind"] == kind]
            report("copies: " + kind, some, bench.ask(some)[0], codes, "dup_of")
        answers, _ = bench.ask(copies)
        found, flagged, _ = report("copies: all", copies, answers, codes, "dup_of")
        show_worst(options.worst, copies, answers, codes)
        more = [r for r in pairs if r["dup_of"]]
        report("more reworded copies", more, bench.ask(more)[0], codes, "dup_of")
        for kind in sorted({r["dup_kind"] for r in unseen if r["dup_of"]}):
            some = [r for r in unseen if r["dup_kind"] == kind]
            report("held out: " + kind, some, bench.ask(some)[0], codes, "dup_of")
        held = [r for r in unseen if r["dup_of"]]
        answers, _ = bench.ask(held)
        report("held out: all", held, answers, codes, "dup_of")
        show_worst(options.worst, held, answers, codes)
        some = [r for r in unseen if r["hard_negative_of"]]
        report("held out: hard negatives", some, bench.ask(some)[0], codes, "hard_negative_of")
        negatives = [r for r in pairs if r["hard_negative_of"]]
        _, _, wrong = report("hard negatives", negatives, bench.ask(negatives)[0], codes, "hard_negative_of")
        answers, _ = bench.ask(originals)
        others = [[x for x in a if x[0] != codes[r["id"]]] for r, a in zip(originals, answers)]
        alike = sum(bool(a) and a[0][1] >= FLAG for a in others)
        print(f"originals, flagged for another one  {len(originals):4}  {alike / len(originals):6.1%}")
        print(f"no copies together: {(wrong + alike) / (len(negatives) + len(originals)):.1%} flagged")
        times = []
        for _ in range(options.rounds):
            times += bench.ask(copies + more + negatives)[1]
        print(f"{len(times)} look-ups: p50 {quantile(times, .5) / 1000:.2f} ms, p99 {quantile(times, .99) / 1000:.2f} ms, "
              f"worst {max(times) / 1000:.2f} ms")
        return 0 if found >= 0.98 * len(copies) and flagged >= 0.8 * len(copies) else 1
    finally:
        bench.postgres.stop()
        if not options.keep:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as e:
        print(f"similar.py: {e}")
        sys.exit(2)
