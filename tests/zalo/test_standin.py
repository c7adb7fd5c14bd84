#!/usr/bin/env python3
"""Drives the zalo-standin binary and checks that it keeps the platform's contract.

usage: test_standin.py PATH/TO/zalo-standin [word in a test's name]
Prints one line per check; exits 1 when any failed.
"""
import http.client
import subprocess
import sys

import harness
import test_api
import test_tools
import test_webhooks


def run(name, test):
    bot = harness.Bot()
    try:
        standin = test(bot)
        if standin:
            harness.same(standin.stop(), 0, "exit status")
        print("ok   " + name)
        return True
    except (harness.Failed, OSError, http.client.HTTPException, ValueError, KeyError, IndexError, subprocess.TimeoutExpired) as e:
        print("FAIL %s: %s: %s" % (name, type(e).__name__, e))
        return False
    finally:
        for process in harness.Standin.running:
            if process.poll() is None:
                process.kill()
                process.wait()
        harness.Standin.running.clear()
        bot.close()


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    harness.BINARY = sys.argv[1]
    word = sys.argv[2] if len(sys.argv) > 2 else ""
    tests = [(n[5:].replace("_", " "), t) for module in (test_webhooks, test_api, test_tools)
             for n, t in vars(module).items() if n.startswith("test_") and word in n]
    results = [run(name, test) for name, test in tests]
    print("%d checks, %d failed" % (len(results), results.count(False)))
    return 0 if results and all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
