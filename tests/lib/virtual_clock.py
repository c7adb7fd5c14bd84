"""One calendar for PostgreSQL, the stand-in and the bot that can be turned forward: a month passes in minutes.

libfaketime shifts the time of day of every process started under it by what a file says.  Waiting is not shifted (the
monotonic clock stays the machine's), so deadlines and leases last as long as ever: turn the clock only when nothing is
under way.  Not for builds with sanitizers: a program that has both loaded hangs."""
import datetime
import glob
import os
import time

from process import Failure

VIETNAM = datetime.timezone(datetime.timedelta(hours=7))


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise Failure("libfaketime is not installed: apt-get install libfaketime")
    return found[0]


class VirtualClock:
    def __init__(self, folder, start):
        """`start`: a datetime with a time zone."""
        self.file, self.offset_s = os.path.join(folder, "clock"), 0
        self.turn_to(start)

    def environment(self):
        """What a process needs to live by this clock."""
        return {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "DONT_FAKE_MONOTONIC": "1"}

    def turn_to(self, moment):
        self.offset_s = round(moment.timestamp() - time.time())
        with open(self.file + ".new", "w", encoding="ascii") as f:
            f.write(f"{self.offset_s:+d}s\n")
        os.chmod(self.file + ".new", 0o644)  # PostgreSQL may run as somebody else
        os.rename(self.file + ".new", self.file)

    def now(self):
        return datetime.datetime.fromtimestamp(time.time() + self.offset_s, VIETNAM)

    def now_ms(self):
        return int((time.time() + self.offset_s) * 1000)
