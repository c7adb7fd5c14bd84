"""One calendar for PostgreSQL, the stand-in and the bot that can be turned forward: a month passes in minutes.

A small library of our own (clock_shift.c) shifts the time of day of every process started under it.  Waiting is not shifted (the
monotonic clock stays the machine's), so deadlines and leases last as long as ever: turn the clock only when nothing is
under way.  Not for builds with sanitizers, which want to be loaded first."""
import datetime
import os
import shutil
import struct
import time

from process import Failure

VIETNAM = datetime.timezone(datetime.timedelta(hours=7))


class VirtualClock:
    def __init__(self, folder, build, start):
        """`start`: a datetime with a time zone."""
        self.file, self.library, self.offset_s = os.path.join(folder, "clock"), os.path.join(folder, "clock-shift.so"), 0
        built = os.path.join(build, "tests", "clock-shift.so")
        if not os.path.exists(built):
            raise Failure(f"{built} is missing: build first (./run build)")
        shutil.copy(built, self.library)  # PostgreSQL runs as somebody else, who may not get to the build's folder
        os.chmod(self.library, 0o755)
        with open(self.file, "wb") as f:
            f.write(bytes(8))
        os.chmod(self.file, 0o644)
        self.turn_to(start)

    def environment(self):
        """What a process needs to live by this clock."""
        return {"LD_PRELOAD": self.library, "CLOCK_SHIFT_FILE": self.file}

    def turn_to(self, moment):
        self.offset_s = round(moment.timestamp() - time.time())
        with open(self.file, "r+b", buffering=0) as f:  # mapped by all of them: one write, in its place
            f.write(struct.pack("=q", self.offset_s))

    def now(self):
        return datetime.datetime.fromtimestamp(time.time() + self.offset_s, VIETNAM)

    def now_ms(self):
        return int((time.time() + self.offset_s) * 1000)
