#!/usr/bin/env python3
"""The systemd unit: its exposure as systemd itself rates it, and the binary at work under the same system call filter, address
families, rights and limits, put in place by this test since no systemd runs here.  (reliability.md E)

What only systemd can do (mounts, DynamicUser, credentials, MemoryMax) is not tried.

  test_sandbox.py BUILD_FOLDER"""
import ctypes
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "lib"))

from process import Process, libc  # noqa: E402
from scene import body_of, play, post, wait_for  # noqa: E402
from world import root  # noqa: E402

UNIT = os.path.join(root(), "config", "sangkien.service")
EXPOSURE_MOST = 1.5
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_CAPBSET_DROP, SECCOMP_MODE_FILTER = 38, 22, 24, 2  # linux/prctl.h, linux/seccomp.h
ALLOW, KILL, REFUSE_FAMILY = 0x7FFF0000, 0x80000000, 0x00050000 | 97  # SECCOMP_RET_*; EAFNOSUPPORT
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
AT_NUMBER, AT_ARCH, AT_FIRST_ARG = 0, 4, 16  # struct seccomp_data
ARCH_X86_64 = 0xC000003E
FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}


def setting(name):
    with open(UNIT, encoding="utf-8") as f:
        return re.findall(rf"^{name}=(.*)$", f.read(), re.M)


def group(name):
    """The system calls of one of systemd's groups."""
    said = subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager", name], stdout=subprocess.PIPE, text=True, check=True).stdout
    calls = set()
    for word in re.findall(r"^ +([@\w-]+)$", said, re.M):
        calls |= group(word) if word.startswith("@") else {word}
    return calls


def allowed_calls():
    calls = set()
    for line in setting("SystemCallFilter"):
        names = line.lstrip("~").split()
        these = set().union(*(group(n) if n.startswith("@") else {n} for n in names))
        calls = calls - these if line.startswith("~") else calls | these
    return calls | group("@default")


def numbers():
    with open("/usr/include/x86_64-linux-gnu/asm/unistd_64.h", encoding="ascii") as f:
        return {name: int(n) for name, n in re.findall(r"#define __NR_(\w+) (\d+)", f.read())}


def filter_program():
    known = numbers()
    families = [FAMILIES[f] for line in setting("RestrictAddressFamilies") for f in line.split()]
    code = [(LOAD, 0, 0, AT_ARCH), (EQUAL, 1, 0, ARCH_X86_64), (RETURN, 0, 0, KILL), (LOAD, 0, 0, AT_NUMBER)]
    for name in sorted(allowed_calls()):
        if name in known and name != "socket":
            code += [(EQUAL, 0, 1, known[name]), (RETURN, 0, 0, ALLOW)]
    code += [(EQUAL, 1, 0, known["socket"]), (RETURN, 0, 0, KILL), (LOAD, 0, 0, AT_FIRST_ARG)]
    for family in families:
        code += [(EQUAL, 0, 1, family), (RETURN, 0, 0, ALLOW)]
    code += [(RETURN, 0, 0, REFUSE_FAMILY)]
    return code


def sandbox(code, user):
    """For preexec_fn: what is done here holds for the program that is started."""
    raw = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *c) for c in code))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(raw)))
    files, uid, gid = int(setting("LimitNOFILE")[0]), user.pw_uid if user else None, user.pw_gid if user else None
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = files if hard == resource.RLIM_INFINITY or files <= hard else hard

    def apply():
        os.umask(int(setting("UMask")[0], 8))
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if uid is not None:
            for capability in range(64):
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid, uid, uid)
        libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, which a change of user has taken away
        if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program)) != 0:
            os._exit(99)
    apply.keeps = raw  # the program points into it
    return apply


class Sandboxed(Process):
    def __init__(self, like, code, user):
        super().__init__(like.name, like.args, like.log_path, env=like.env)
        self.code, self.who = code, user

    def start(self):
        with open(self.log_path, "ab") as out:
            self.log_from = out.tell()
            self.child = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, start_new_session=True,
                                          preexec_fn=sandbox(self.code, self.who))
        return self


def exposure(checks):
    said = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", UNIT], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    checks.that(f"systemd rates the unit's exposure at most {EXPOSURE_MOST}", found and float(found.group(1)) <= EXPOSURE_MOST, said[-300:])
    wanted = ("DynamicUser=yes NoNewPrivileges=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes ProtectProc=invisible "
              "ProcSubset=pid ProtectClock=yes ProtectHostname=yes ProtectControlGroups=yes RestrictNamespaces=yes RestrictSUIDSGID=yes "
              "RestrictRealtime=yes LockPersonality=yes MemoryDenyWriteExecute=yes UMask=0077 LimitNOFILE=65536 LimitCORE=0 Restart=always").split()
    missing = [w for w in wanted if setting(w.split("=")[0]) != [w.split("=")[1]]]
    checks.that("the sandbox of section E stands in the unit", not missing, missing)


def at_work(world, checks, code):
    bot, user = world.bot, world.postgres.user
    bot.stop()
    if user:
        for folder, _, names in os.walk(world.folder):
            if folder.startswith((os.path.join(world.folder, "spool"), os.path.join(world.folder, "evidence"))):
                for path in [folder] + [os.path.join(folder, n) for n in names]:
                    os.chown(path, user.pw_uid, user.pw_gid)
    bot.env["ASAN_OPTIONS"] = bot.env.get("ASAN_OPTIONS", "") + ":detect_leaks=0"  # looks for them with a debugger's call
    bot.process = Sandboxed(bot.process, code, user)
    bot.process.args[0] = shutil.copy(world.bot_binary, world.folder)  # where every user may come
    bot.process.env = bot.env
    bot.process.start()
    bot.process.wait_until(bot.ready, 30, "it was ready in the sandbox")
    status = open(f"/proc/{bot.process.child.pid}/status", encoding="ascii").read()
    checks.that("it runs with a filter and without new rights", "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status)
    checks.that("and without capabilities", not user or re.search(r"CapEff:\t0+\n", status) is not None)
    checks.that("an event is taken", post(bot.port, body_of("boxed-1", "boxed-1", "đăng ký")) == 200)
    checks.that("and answered", len(world.standin.sent("boxed-1", 0, 10000)) >= 1, bot.process.log_tail(5))
    world.postgres.stop()
    checks.that("the spool works", post(bot.port, body_of("boxed-1", "boxed-2", "trợ giúp")) == 200)
    world.postgres.start()
    checks.that("and is drained", wait_for(world, "SELECT count(*) FROM message WHERE zalo_msg_id = 'boxed-2'", 1, 20) == 1)
    bot.process.child.send_signal(signal.SIGHUP)
    checks.that("numbers and settings are read", bot.get("/metrics")[0] == 200 and bot.process.running())
    checks.that("it ends in order", bot.stop() == 0)


def the_filter_bites(checks, code):
    done = subprocess.run([sys.executable, "-c", "import ctypes; ctypes.CDLL(None).mount(None, None, None, 0, None)"], preexec_fn=sandbox(code, None))
    checks.that("a call outside the filter ends the program", done.returncode == -signal.SIGSYS, done.returncode)
    done = subprocess.run([sys.executable, "-c", "import os; os.chown('/', 0, 0)"], preexec_fn=sandbox(code, None))
    checks.that("so does one that services may have and this one may not", done.returncode == -signal.SIGSYS, done.returncode)
    done = subprocess.run([sys.executable, "-c", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"], preexec_fn=sandbox(code, None),
                          stderr=subprocess.PIPE, text=True)
    checks.that("and another family of sockets is refused", "Address family not supported" in done.stderr, done.stderr[-200:])


def scenes(world, checks):
    exposure(checks)
    code = filter_program()
    the_filter_bites(checks, code)
    at_work(world, checks, code)


if __name__ == "__main__":
    if not shutil.which("systemd-analyze") or os.uname().machine != "x86_64":
        print("skip  no systemd-analyze here, or not the machine this filter is written for\n0 passed, 0 failed")
        sys.exit(0)
    sys.exit(play("boxed", sys.argv[1], (("boxed-", 2),), scenes))
