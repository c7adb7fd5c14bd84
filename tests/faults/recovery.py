"""How long after a fault people are served again: somebody new end to end, and all of them as fast as before.

  watch.calm()        before a fault: the load runs undisturbed for a while, its rate is what has to come back
  ... the fault ...
  watch.back(row)     behind it: waits until both have happened and notes them in the row"""
import time

from load import Ledger, Line
from process import Failure
from scene import body_of

WINDOW_S = 1.0    # a whole one at the full rate must have passed
SHARE = 0.9       # of the rate before: that is the full rate
CALM_MOST_S = 3.0  # the rate before is of so long at most: the machine of now, not of the beginning
GOAL_S = 5.0       # for both
LIMIT_S = 60.0
STEP_S = 0.02


class Watch:
    def __init__(self, standin, ports, prefix, ledger):
        self.standin, self.ports, self.prefix, self.ledger = standin, ports, prefix, ledger
        self.n, self.calm_since, self.rate_before = 0, time.monotonic(), None

    def calm(self, anew=False):
        """Waits for the window that shows the rate of before; between two faults it has mostly passed already.
        `anew`: something else went on since then."""
        if anew:
            self.calm_since = time.monotonic()
        while time.monotonic() < self.calm_since + WINDOW_S or (self.rate_before is None and not self.going()):
            time.sleep(STEP_S)
        now = time.monotonic()
        self.rate_before = self.ledger.rate(max(self.calm_since, now - CALM_MOST_S), now)

    def going(self):
        """The crowd has begun: everybody writes, and has done so for as long as a rate wants."""
        now = time.monotonic()
        return self.ledger.rate(now - WINDOW_S, now) > 0 and self.ledger.rate(now - 2 * WINDOW_S, now - WINDOW_S) > 0

    def back(self, row, since=None):
        """`since`: the end of the fault, else now."""
        since = since or time.monotonic()
        row.recoveries.append(self.served_s(since))
        row.full_rates.append(self.full_rate_s(since))
        self.calm_since = time.monotonic()

    def full_rate_s(self, since):
        """From `since` to the beginning of the first whole window in which as many events were acknowledged as before."""
        found = LIMIT_S
        while (now := time.monotonic()) < since + LIMIT_S:
            begin = now - WINDOW_S
            if begin >= since and self.ledger.rate(begin, now) >= SHARE * self.rate_before:
                found = begin - since
                break
            time.sleep(STEP_S)
        if found > GOAL_S:
            rates = [f"{self.ledger.rate(since + n, since + n + 1):.0f}" for n in range(int(found) + 1)]
            print(f"      (before {self.rate_before:.0f} events/s, then each second {' '.join(rates)})", flush=True)
        return found

    def served_s(self, since):
        """Somebody new every tenth of a second says hello: until one who did so after `since` has the answer on the phone."""
        ledger = Ledger()
        while time.monotonic() < since + LIMIT_S:
            self.n += 1
            user, line = f"{self.prefix}{self.n}", Line(ledger, self.ports)
            taken = line.post(body_of(user, user + ".1", "xin chào")) == 200
            line.close()
            if taken:
                try:
                    if self.standin.sent(user, 0, 2000):
                        return time.monotonic() - since
                except Failure:
                    pass
            time.sleep(0.1)
        return LIMIT_S
