#!/usr/bin/env python3
"""Runs every fuzz target of a build folder for some seconds, two at a time.

  fuzz.py BUILD_FOLDER SECONDS [SEED]    a seed makes the random choices the same in every run

Seeds come from tests/fuzz/corpus/NAME and from the labelled lines of tests/data; what is found on the way is kept in
BUILD_FOLDER/corpus/NAME, crashes in BUILD_FOLDER/crashes.  Ends with `N passed, N failed`."""
import concurrent.futures
import glob
import os
import re
import subprocess
import sys

LONGEST_INPUT = 8192
ONE_INPUT_S = 5  # sanitizers on a busy machine; a parser that needs longer for 8 KiB is broken


# What people write: the first column of these files is the message.
AMOUNTS = ("data/vi-amounts.tsv", "handlers/reading/amounts-more.tsv")
INTENTS = ("data/vi-intents.tsv", "handlers/reading/intents-more.tsv")
LABELLED = {"amount": AMOUNTS, "intent": INTENTS, "text": (AMOUNTS[0], INTENTS[0]), "cut": (AMOUNTS[0], INTENTS[0])}


def sow(short, corpus, tests):
    """Labelled messages as seeds, in the form the target reads: intent ends with its scene, cut begins with a limit."""
    number = 0
    for name in LABELLED.get(short, ()):
        with open(os.path.join(tests, name), encoding="utf-8") as f:
            for line in f:
                message = line.rstrip("\n").split("\t")[0].encode()
                if not message or line.startswith("# "):
                    continue
                number += 1
                seed = {"intent": message + bytes([number % 16]), "cut": bytes([number % 64]) + message}.get(short, message)
                with open(os.path.join(corpus, f"seed-{number:04}"), "wb") as out:
                    out.write(seed)


def run(target, build, seconds, seed):
    name = os.path.basename(target)
    short = name[len("fuzz_"):]
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    corpus, crashes = os.path.join(build, "corpus", short), os.path.join(build, "crashes")
    os.makedirs(corpus, exist_ok=True)
    os.makedirs(crashes, exist_ok=True)
    sow(short, corpus, here)
    seeds = os.path.join(here, "fuzz", "corpus", short)
    words = os.path.join(here, "fuzz", short + ".dict")
    args = [target, f"-max_total_time={seconds}", f"-max_len={LONGEST_INPUT}", f"-timeout={ONE_INPUT_S}", "-print_final_stats=1",
            f"-artifact_prefix={crashes}/{short}-", corpus]
    if seed:
        args.append("-seed=" + seed)
    if os.path.isdir(seeds):
        args.append(seeds)
    if os.path.exists(words):
        args.append("-dict=" + words)
    done = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    runs = re.search(r"number_of_executed_units:\s*(\d+)", done.stdout)
    return name, done.returncode, int(runs.group(1)) if runs else 0, done.stdout


def main(argv):
    build, seconds, seed = argv[1], int(argv[2]), argv[3] if len(argv) > 3 else None
    targets = sorted(t for t in glob.glob(os.path.join(build, "**", "fuzz_*"), recursive=True) if os.path.isfile(t) and os.access(t, os.X_OK))
    passed = failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, status, runs, output in pool.map(lambda t: run(t, build, seconds, seed), targets):
            if status == 0:
                passed += 1
                print(f"ok    {name}: {runs} inputs", flush=True)
            else:
                failed += 1
                print(f"FAIL  {name}: ended with status {status}\n" + "\n".join(output.splitlines()[-40:]), flush=True)
    if not targets:
        failed = 1
        print(f"FAIL  no fuzz target was built in {build}")
    print(f"fuzzing: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
