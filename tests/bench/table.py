"""The outcome of a benchmark: lines with a figure, its spread over the rounds and the goal, as text and as JSON."""
import statistics


def spread(values):
    """@return (median, least, greatest)."""
    return statistics.median(values), min(values), max(values)


def figure(value):
    """Three significant digits, as people write them."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"


class Table:
    """Without `judges` nothing is held against a goal."""

    def __init__(self, judges=True):
        self.judges, self.lines, self.notes = judges, [], []

    def add(self, row, what, values, unit="", at_most=None, at_least=None):
        """`values`: one for each round; the median is held against the goal."""
        middle, least, greatest = spread(values)
        goal = met = None
        if not self.judges:
            at_most = at_least = None
        if at_most is not None:
            goal, met = f"<= {figure(at_most)}", middle <= at_most
        elif at_least is not None:
            goal, met = f">= {figure(at_least)}", middle >= at_least
        self.lines.append({"row": row, "what": what, "unit": unit, "median": middle, "min": least, "max": greatest, "rounds": len(values),
                           "goal": goal, "met": met})

    def note(self, text):
        self.notes.append(text)

    def text(self):
        cells = [("row", "what", "median", "min", "max", "unit", "goal", "")]
        for line in self.lines:
            cells.append((line["row"], line["what"], figure(line["median"]), figure(line["min"]), figure(line["max"]), line["unit"],
                          line["goal"] or "", {True: "met", False: "MISSED", None: ""}[line["met"]]))
        width = [max(len(c[i]) for c in cells) for i in range(8)]
        rows = ["  ".join(c[i].rjust(width[i]) if 2 <= i <= 4 else c[i].ljust(width[i]) for i in range(8)).rstrip() for c in cells]
        return "\n".join([rows[0], "-" * max(map(len, rows))] + rows[1:] + ["note: " + n for n in self.notes])

    def data(self):
        return {"lines": self.lines, "notes": self.notes}
