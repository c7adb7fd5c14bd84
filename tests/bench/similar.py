#!/usr/bin/env python3
"""Measures the search for similar initiatives: is the right one found and flagged, and how fast, among how many others.

  similar.py BUILD_FOLDER [--others N] [--rounds N] [--keep FOLDER] [--worst N]

Imports the originals of tests/data/vi-initiatives.jsonl and N generated others into a private PostgreSQL, then asks with every
copy of that file, with the copies and hard negatives of tests/data/vi-similar-pairs.jsonl, and with the originals themselves
(their own entry set aside).  --keep uses a folder that stays, so that a second run need not generate and import again."""
import argparse
import collections
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))

import postgres  # noqa: E402
from process import Failure  # noqa: E402
from world import root  # noqa: E402

FLAG = 460  # SIMILAR_FLAG
TEMPLATES = ["{p}. Từ đó tôi {s}, nhờ vậy {b}.", "Trước đây {p}. Em đã {s}. Kết quả: {b}.", "Thực trạng: {p}. Giải pháp: {s}. Hiệu quả: {b}.",
             "{p}. Cách khắc phục: {s}. Áp dụng từ tháng 4, {b}. Dễ làm, chi phí thấp.",
             "{s}, thay cho cách làm cũ ({p}). Sau khi áp dụng, {b}. Chi phí ban đầu rất ít.",
             "{p}. Vì vậy chúng tôi đề xuất: {s}; nhờ vậy {b}.", "Nhóm chúng em {s}. Hiện nay {b}.", "{s}. {b}."]


def read(name):
    with open(os.path.join(root(), "tests", "data", name), encoding="utf-8") as f:
        return [json.loads(line) for line in f]


class Writer:
    """Makes initiatives up: words follow each other as in the real ones, or come from all of them and from invented syllables."""

    def __init__(self, rows, seed):
        self.random = random.Random(seed)
        self.after = collections.defaultdict(list)
        words = []
        for r in rows:
            for text in (r["title"], r["description"]):
                line = re.findall(r"[^\W\d_]+", text.lower())
                words += line
                for a, b in zip(line, line[1:]):
                    self.after[a].append(b)
        seen = collections.Counter(words)
        onsets = "b c ch d đ g gi h kh l m n ng nh ph qu s t th tr v x".split()
        rimes = "a ác ai àn áng ao át âm ân ầu ep ế iên iệt inh o oan oi on ông ơi uân uốc ương ưu y ùng".split()
        invented = [o + r for o in onsets for r in rimes]
        self.random.shuffle(invented)
        pool = [w for w, _ in seen.most_common()] + invented
        self.pool, self.weights = pool, []
        total = 0.0
        for rank in range(len(pool)):
            total += 1.0 / (rank + 20)
            self.weights.append(total)

    def phrase(self, least, most):
        n = self.random.randint(least, most)
        word = self.random.choices(self.pool, cum_weights=self.weights)[0]
        out = [word]
        while len(out) < n:
            follow = self.after.get(word)
            word = self.random.choice(follow) if follow and self.random.random() < 0.6 \
                else self.random.choices(self.pool, cum_weights=self.weights)[0]
            out.append(word)
        return " ".join(out)

    def write(self, number):
        title = self.phrase(6, 11)
        parts = {"p": self.phrase(5, 9), "s": self.phrase(6, 12), "b": self.phrase(4, 8)}
        text = self.random.choice(TEMPLATES).format(**parts)
        return {"id": f"G{number}", "title": title[0].upper() + title[1:], "description": text[0].upper() + text[1:],
                "annual_vnd": self.random.randint(1, 500) * 1000000, "sector": "other", "union_unit": f"CĐCS {number % 2000}"}


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

    def fill(self, originals, others):
        if self.stored() == 0:
            path = os.path.join(self.folder, "originals.jsonl")
            with open(path, "w", encoding="utf-8") as f:
                f.writelines(json.dumps(r, ensure_ascii=False) + "\n" for r in originals)
            print(self.run("import", "initiatives", path).stdout.strip())
        have = self.stored() - len(originals)
        writer = Writer(originals, have)
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
        rows = self.postgres.psql("bench", "SELECT substr(user_id, 8), code FROM initiative WHERE user_id LIKE 'import:S%'").split()
        return dict(r.split("|") for r in rows)


def report(name, rows, answers, codes, key):
    best3 = sum(codes[r[key]] in [c for c, _ in a[:3]] for r, a in zip(rows, answers))
    flagged = sum(dict(a).get(codes[r[key]], 0) >= FLAG for r, a in zip(rows, answers))
    any_flag = sum(bool(a) and a[0][1] >= FLAG for a in answers)
    print(f"{name:34} {len(rows):4}  among the first three {best3 / len(rows):6.1%}  it is flagged {flagged / len(rows):6.1%}"
          f"  anything is flagged {any_flag / len(rows):6.1%}")
    return best3, flagged, any_flag


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--others", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=5, help="how often each question is asked for the times")
    parser.add_argument("--keep")
    parser.add_argument("--worst", type=int, default=0, help="show so many copies that were not found or flagged")
    options = parser.parse_args()
    shared, pairs = read("vi-initiatives.jsonl"), read("vi-similar-pairs.jsonl")
    originals = [r for r in shared if not r["dup_of"]]
    folder = options.keep or tempfile.mkdtemp(prefix="sangkien-sim-", dir="/var/tmp")
    bench = Bench(options.build, folder)
    try:
        bench.fill(originals, options.others)
        codes = bench.codes()
        print(f"{bench.stored()} initiatives stored")
        copies = [r for r in shared if r["dup_of"]]
        for kind in sorted({r["dup_kind"] for r in copies}):
            some = [r for r in copies if r["dup_kind"] == kind]
            report("copies: " + kind, some, bench.ask(some)[0], codes, "dup_of")
        answers, _ = bench.ask(copies)
        found, flagged, _ = report("copies: all", copies, answers, codes, "dup_of")
        for r, a in zip(copies, answers):
            if options.worst and (codes[r["dup_of"]] not in [c for c, _ in a[:3]] or dict(a).get(codes[r["dup_of"]], 0) < FLAG):
                print(f"    {r['id']} of {r['dup_of']} {codes[r['dup_of']]}: {a[:3]}  {r['title']}")
        more = [r for r in pairs if r["dup_of"]]
        report("more reworded copies", more, bench.ask(more)[0], codes, "dup_of")
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
