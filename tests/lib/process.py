"""Child processes of the demo and the tests: each writes to its own log, none outlives us, stopping is orderly."""
import ctypes
import os
import pwd
import re
import select
import signal
import socket
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
libc = ctypes.CDLL(None, use_errno=True)


class Failure(Exception):
    """Something a person has to know or mend; its text is one sentence."""


def die_with_parent(signal_number):
    """For preexec_fn: the kernel ends the child when the thread that started it ends.  Start children in the main thread."""
    def set_it():
        libc.prctl(PR_SET_PDEATHSIG, signal_number)
    return set_it


def scratch_folder(name):
    """A new folder for a test's servers, which whoever runs PostgreSQL may enter; SANGKIEN_TEST_FOLDER says where, /var/tmp else."""
    folder = tempfile.mkdtemp(prefix=f"sangkien-{name}-", dir=os.environ.get("SANGKIEN_TEST_FOLDER", "/var/tmp"))
    os.chmod(folder, 0o711)
    return folder


def free_port(wanted, taken=()):
    """The first free TCP port of this machine from `wanted` on, or any free one when `wanted` is 0."""
    for port in range(wanted, wanted + 100) if wanted else [0]:
        if port in taken:
            continue
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
            return s.getsockname()[1]
    raise Failure(f"ports {wanted} to {wanted + 99} are all in use: end the programs that hold them (ss -ltnp shows them)")


def unprivileged_user():
    """Whom PostgreSQL runs as: nobody to change to unless we are root, where it refuses to run."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure("PostgreSQL does not run as root, and this system has neither a user postgres nor nobody: add one")


class Process:
    """A child with its own session (Ctrl-C in the terminal reaches only us) and a log file it appends to.

    `env` is its whole environment; None: ours."""

    def __init__(self, name, args, log, env=None, user=None, stop_signal=signal.SIGTERM, notify=None, cwd=None):
        self.name, self.args, self.log_path, self.stop_signal = name, [str(a) for a in args], log, stop_signal
        self.env = dict(os.environ) if env is None else env
        self.user, self.cwd, self.child, self.notify_path = user, cwd, None, notify
        self.log_from = 0

    def start(self):
        out = open(self.log_path, "ab")
        self.log_from = out.tell()
        extra = {}
        if self.user:
            extra = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        try:
            self.child = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=self.env, cwd=self.cwd,
                                          start_new_session=True, preexec_fn=die_with_parent(self.stop_signal), **extra)
        except OSError as e:
            raise Failure(f"could not start {self.name} ({self.args[0]}): {e.strerror}") from e
        finally:
            out.close()
        return self

    def running(self):
        return self.child is not None and self.child.poll() is None

    def log_tail(self, lines=30):
        """What it said since its last start."""
        try:
            with open(self.log_path, "rb") as f:
                f.seek(self.log_from)
                return "\n".join(f.read().decode("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""

    def wait_until(self, ready, seconds, what):
        """Until ready() is true.  Fails as soon as the process has ended, or after that many seconds."""
        deadline = time.monotonic() + seconds
        pause = 0.005
        while not ready():
            if not self.running():
                raise Failure(f"{self.name} ended before {what} (status {self.child.returncode}):\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise Failure(f"{self.name}: {what} took more than {seconds} s:\n{self.log_tail()}")
            select.select([], [], [], pause)  # another process gets ready meanwhile; nothing tells us when
            pause = min(pause * 1.5, 0.05)

    def wait_for_line(self, pattern, seconds):
        """The match of the first line of its log, since its start, in which `pattern` is found."""
        found = []

        def look():
            with open(self.log_path, "rb") as f:
                f.seek(self.log_from)
                m = re.search(pattern, f.read().decode("utf-8", "replace"))
            if m:
                found.append(m)
            return bool(m)
        self.wait_until(look, seconds, f"it said \"{pattern}\"")
        return found[0]

    def stop(self, seconds=15):
        """Asks it to end, then insists.  @return its exit status, None when it was not running."""
        if not self.running():
            return None
        self.child.send_signal(self.stop_signal)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.child.returncode

    def kill(self):
        """The process and its own children at once, without a chance to do anything."""
        if self.running():
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
