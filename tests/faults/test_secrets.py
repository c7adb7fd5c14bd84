#!/usr/bin/env python3
"""Secrets and people's words stay inside: recognisable ones are planted everywhere they may stand, then everything that anybody
may read is searched for them.  (reliability.md T6, S8; INV vii)

  test_secrets.py BUILD_FOLDER [--short]"""
import os
import re
import signal
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

import standin  # noqa: E402
from scene import body_of, count, play, post, wait_for  # noqa: E402
from world import DATABASE  # noqa: E402

# Every setting of type "secret" has one; the test fails when a new one is not here.
PLANTED = {
    "zalo.app_secret": "planted-app-secret-7f3a", "zalo.oa_secret_key": "planted-oa-secret-91bc", "zalo.access_token": "planted-access-token-c02e",
    "zalo.refresh_token": "planted-refresh-token-5d77", "zalo.oa_secret_key_previous": "planted-old-secret-44aa",
    "zalo.token_key": "5ec7e7" * 10 + "5ec7", "database.url": "planted-db-password-e81d",
}
WORDS = {"name": "Nguyễn Thị Hạt Dẻ", "phone": "0912777001", "title": "Máy gieo hạt kiểu chuồn chuồn kim"}
SENDS_SECRETS = {"app_secret": PLANTED["zalo.app_secret"], "oa_secret": PLANTED["zalo.oa_secret_key"],
                 "access_token": PLANTED["zalo.access_token"], "refresh_token": PLANTED["zalo.refresh_token"]}


def read(path):
    try:
        with open(path, "rb") as f:
            return f.read().decode("utf-8", "replace")
    except OSError:
        return ""


def leaks(text, wanted):
    return sorted({name for name, value in wanted.items() if value in text})


def all_settings_are_planted(world, checks):
    secret = re.findall(r"^\s*(\w+\.\w+)\s+secret:", subprocess.run([world.bot_binary, "--help"], stdout=subprocess.PIPE, text=True).stdout, re.M)
    checks.that("every secret setting has a planted value", set(secret) == set(PLANTED), set(secret) ^ set(PLANTED))


def run_once(world, checks, level, form):
    """Turns, sends, a refresh, a refused signature, a lost database, a reload and an end, with the log at that level."""
    bot, what = world.bot, f"{level} {form}"
    bot.env.update({"SANGKIEN_LOG_LEVEL": level, "SANGKIEN_LOG_FORMAT": form})
    bot.start()
    for n, text in enumerate(["đăng ký", "đồng ý", WORDS["name"], WORDS["phone"], WORDS["title"]]):
        post(bot.port, body_of("secret-1", f"{what}-{n}", text))
    wait_for(world, "SELECT count(*) FROM outbox", 0, 20)
    world.standin.call("POST", "/_admin/settings", {"require_proof": True})  # refused: errors of Zalo are written down
    post(bot.port, body_of("secret-1", f"{what}-refused", "trợ giúp"))
    world.standin.call("POST", "/_admin/settings", {"require_proof": False})
    world.postgres.psql(DATABASE, "UPDATE oa_token SET refresh_at = now() - interval '1 hour'")
    bot.process.child.send_signal(signal.SIGHUP)
    world.postgres.psql(DATABASE, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sangkien'")
    bot.process.wait_until(bot.ready, 20, "it was ready")
    metrics = bot.get("/metrics")[1] + bot.get("/readyz")[1] + bot.get("/healthz")[1] + bot.get("/nothing")[1]
    cmdline = read(f"/proc/{bot.process.child.pid}/cmdline")
    dumpable = os.stat(f"/proc/{bot.process.child.pid}/environ")
    bot.stop()
    everything = {**PLANTED, **WORDS}
    checks.that(f"{what}: no secret and no word of a person is in the log", not leaks(read(bot.log), everything), leaks(read(bot.log), everything))
    checks.that(f"{what}: nor in an answer of the service", not leaks(metrics, everything), leaks(metrics, everything))
    checks.that(f"{what}: nor on the command line", not leaks(cmdline, everything), leaks(cmdline, everything))
    checks.that(f"{what}: and the environment is its owner's alone", dumpable.st_mode & 0o077 == 0, oct(dumpable.st_mode))


def errors_do_not_quote_secrets(world, checks):
    """Wrong settings, one secret after the other."""
    for name, value in PLANTED.items():
        key = "SANGKIEN_" + name.upper().replace(".", "_")
        wrong = {"zalo.token_key": value + "zz", "database.url": f"host=/nowhere password={value} sslmode=perhaps"}.get(name, value + "\n" + value)
        for command in (["check"], ["token", "show"], ["migrate"]):
            done = subprocess.run([world.bot_binary, *command], env={**world.bot.env, key: wrong}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if leaks(done.stdout, PLANTED):
                checks.that(f"sangkien {command[0]} with a wrong {name} does not show it", False, done.stdout[-300:])
                return
    checks.that("no command shows a secret when its setting is wrong", True)


def a_crash_says_nothing(world, checks):
    bot = world.bot
    bot.start()
    post(bot.port, body_of("secret-1", "crash", WORDS["title"]))
    limits = read(f"/proc/{bot.process.child.pid}/limits")
    core = re.search(r"Max core file size\s+(\S+)\s+(\S+)", limits)
    os.kill(bot.process.child.pid, signal.SIGABRT)
    bot.process.child.wait(20)
    checks.that("a crash writes no core file", core and core.group(1) == core.group(2) == "0", core and core.group(0))
    checks.that("and no secret", not leaks(bot.process.log_tail(10000), {**PLANTED, **WORDS}))


def stored_tokens_are_sealed(world, checks):
    dump = world.postgres.psql(DATABASE, "SELECT encode(access_token, 'escape'), encode(refresh_token, 'escape') FROM oa_token")
    checks.that("tokens in the database are sealed", not leaks(dump, PLANTED) and count(world, "SELECT count(*) FROM oa_token") == 1)
    files = "".join(read(os.path.join(folder, name)) for folder, _, names in os.walk(os.path.join(world.folder, "spool")) for name in names)
    checks.that("and on disk", not leaks(files, {k: v for k, v in PLANTED.items() if k != "zalo.token_key"}))


def scenes(world, checks):
    all_settings_are_planted(world, checks)
    world.bot.stop()
    world.bot.env.update({"SANGKIEN_ZALO_OA_SECRET_KEY_PREVIOUS": PLANTED["zalo.oa_secret_key_previous"], "SANGKIEN_ZALO_TOKEN_KEY": PLANTED["zalo.token_key"],
                          "SANGKIEN_DATABASE_URL": world.postgres.url(DATABASE) + f" password={PLANTED['database.url']}"})
    world.postgres.psql(DATABASE, "DELETE FROM oa_token")
    for name in os.listdir(os.path.join(world.folder, "spool")):
        if name.startswith("token"):
            os.remove(os.path.join(world.folder, "spool", name))
    for form in ("text", "json") if "--short" not in sys.argv else ("json",):
        run_once(world, checks, "debug", form)  # what other levels write is among it
    stored_tokens_are_sealed(world, checks)
    errors_do_not_quote_secrets(world, checks)
    a_crash_says_nothing(world, checks)


if __name__ == "__main__":
    standin.SECRETS.update(SENDS_SECRETS)
    sys.exit(play("secrets", sys.argv[1], (("secret-", 2),), scenes))
