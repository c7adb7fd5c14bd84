#!/usr/bin/env python3
"""Messages put together at random from parts whose meaning is known, read by `sangkien read amount`.

  test_composed.py SANGKIEN [COUNT [SEED]]

Prints what is read otherwise and ends with 1 when there is any.  The meaning comes from the parts, never from the reader."""
import random
import subprocess
import sys
import unicodedata

DIGITS = "không một hai ba bốn năm sáu bảy tám chín".split()
UNITS = {"triệu": 10**6, "tr": 10**6, "trđ": 10**6, "củ": 10**6, "tỷ": 10**9, "tỉ": 10**9, "tỏi": 10**9,
         "nghìn": 1000, "ngàn": 1000, "k": 1000}
HALVES = (("nửa tỷ", 5 * 10**8), ("nửa triệu", 5 * 10**5), ("trăm triệu", 10**8), ("chục triệu", 10**7),
          ("tỷ rưỡi", 15 * 10**8), ("trăm rưỡi triệu", 15 * 10**7), ("triệu rưỡi", 15 * 10**5))
HEDGES = ("", "", "", "khoảng ", "tầm ", "cỡ ", "chừng ", "độ ", "ước tính ", "ước chừng ", "xấp xỉ ", "~", "trên dưới ",
          "chắc ", "bình quân ", "trung bình ", "khoảng chừng ", "ước khoảng ")
VERBS = ("", "", "", "tiết kiệm ", "tiết kiệm được ", "làm lợi ", "được ", "lãi ", "giá trị làm lợi: ", "mang lại ",
         "giảm chi phí ", "thu về ")
ASIDES = ("", "", "", "", "giảm 3 người, ", "bớt 2 công nhân, ", "giảm 10% phế phẩm, ", "tăng năng suất 15%, ",
          "rút ngắn 30 phút, ", "tiết kiệm 50 kg nhựa, ", "giúp 40 học sinh, ", "an toàn hơn, ")
STARTS = ("", "", "", "em ", "dạ ", "dạ em ", "em nghĩ ", "theo em ", "tổ em ", "Dạ ")
ENDS = ("", "", "", " ạ", " thôi ạ", " nhé", " ad ạ", ".", "!", " ạ 🙏", " em nhé", " thôi")
LOWER, UPPER = "lower", "upper"
BOUNDS = (("hơn ", LOWER), ("trên ", LOWER), ("ít nhất ", LOWER), ("tối thiểu ", LOWER), ("không dưới ", LOWER), (">", LOWER),
          ("dưới ", UPPER), ("gần ", UPPER), ("tối đa ", UPPER), ("chưa đến ", UPPER), ("ngót ", UPPER), ("không quá ", UPPER),
          ("<", UPPER))
# How often a year; 0: the count has to be asked; ASK: nothing but a question helps (P3, P4).
ASK = None
YEAR, MONTH, QUARTER, DAY, SHIFT = ("exact", 1), ("per_month", 12), ("per_quarter", 4), ("per_day", 0), ("per_shift", 0)
UNCLEAR = ("ambiguous", ASK)
BEHIND = [("", YEAR)] * 5 + [
    ("/năm", YEAR), (" một năm", YEAR), (" 1 năm", YEAR), (" mỗi năm", YEAR), (" hàng năm", YEAR), (" trong 01 năm", YEAR),
    ("/tháng", MONTH), (" một tháng", MONTH), (" 1 tháng", MONTH), (" mỗi tháng", MONTH), (" hàng tháng", MONTH), ("/th", MONTH),
    ("/quý", QUARTER), (" mỗi quý", QUARTER), (" một quý", QUARTER), ("/ngày", DAY), (" mỗi ngày", DAY), ("/ca", SHIFT),
    (" một ca", SHIFT), ("/tuần", UNCLEAR), (" một tuần", UNCLEAR), ("/sản phẩm", UNCLEAR), ("/người", UNCLEAR),
    (" trong 6 tháng", UNCLEAR), (" trong 2 năm", UNCLEAR)]
BEFORE = [
    ("mỗi năm ", YEAR), ("hàng năm ", YEAR), ("một năm ", YEAR), ("1 năm ", YEAR), ("cả năm ", YEAR), ("trong năm 2022 ", YEAR),
    ("mỗi tháng ", MONTH), ("hàng tháng ", MONTH), ("1 tháng ", MONTH), ("mỗi quý ", QUARTER), ("mỗi ngày ", DAY),
    ("mỗi ca ", SHIFT), ("mỗi tuần ", UNCLEAR), ("tháng 9 được ", UNCLEAR), ("6 tháng ", UNCLEAR)]


def without_accents(text):
    marks = unicodedata.normalize("NFD", text).replace("đ", "d").replace("Đ", "D")
    return unicodedata.normalize("NFC", "".join(c for c in marks if not unicodedata.combining(c)))


class Composer:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def one(self, choices):
        return self.random.choice(choices)

    def maybe(self, chance):
        return self.random.random() < chance

    def said(self, n):
        """1 to 999 as people say it."""
        hundreds, tens, ones = n // 100, n // 10 % 10, n % 10
        words = [DIGITS[hundreds], "trăm"] if hundreds else []
        if hundreds and ones and not tens:
            words.append(self.one(("linh", "lẻ")))
        if tens == 1:
            words.append("mười")
        elif tens:
            words += [DIGITS[tens], "mươi"]
        if ones:
            special = {1: ("mốt",), 4: ("tư", "bốn"), 5: ("lăm", "nhăm")} if tens > 1 else {5: ("lăm",)} if tens else {}
            words.append(self.one(special.get(ones, (DIGITS[ones],))))
        return " ".join(words)

    def sum(self):
        """A text and its đồng; the last is true when a currency word may follow."""
        kind = self.random.randrange(9)
        unit = self.one(list(UNITS))
        blank = " " if len(unit) > 3 or self.maybe(.5) else ""
        if kind <= 2:
            n = self.one((2, 3, 5, 7, 8, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 75, 80, 90, 100, 120, 150, 200, 250, 300, 450, 700))
            return f"{n}{blank}{unit}", n * UNITS[unit], True
        if kind == 3:
            n, decimals = self.random.randrange(1, 30), self.one((1, 2, 5, 7, 25, 75))
            vnd = n * UNITS[unit] + decimals * UNITS[unit] // (10 if decimals < 10 else 100)
            return f"{n}{self.one(',.')}{decimals}{blank}{unit}", vnd, True
        if kind == 4:
            n, unit = self.random.randrange(1, 1000), self.one(("triệu", "tỷ", "nghìn", "ngàn"))
            return f"{self.said(n)} {unit}", n * UNITS[unit], True
        if kind == 5:
            n, tenths, (unit, vnd) = self.random.randrange(1, 20), self.one((1, 2, 3, 5, 7, 8)), self.one(
                (("tr", 10**6), ("ty", 10**9), (" triệu ", 10**6), (" tỷ ", 10**9)))
            return f"{n}{unit}{tenths}", n * vnd + tenths * vnd // 10, False
        if kind == 6:
            n, millions = self.random.randrange(1, 9), self.random.randrange(1, 999)
            return f"{n} tỷ {millions} triệu", n * 10**9 + millions * 10**6, True
        if kind == 7:
            vnd = self.random.randrange(10**6, 999 * 10**6)
            return f"{vnd:,}".replace(",", self.one(",.")) + self.one(("đ", " đồng", " VNĐ", "", " vnd")), vnd, False
        if self.maybe(.5):
            n, unit = self.random.randrange(1, 99), self.one(("triệu", "tỷ"))
            return f"{self.one((str(n), self.said(n)))} {unit} rưỡi", n * UNITS[unit] + UNITS[unit] // 2, True
        return *self.one(HALVES), True

    def range(self):
        """A text and both bounds."""
        unit = self.one(("triệu", "tr", "tỷ", "nghìn", "k", "củ"))
        low = self.random.randrange(1, 60)
        high = low + self.random.randrange(1, 30)
        words = self.maybe(.3)
        if words:
            unit = {"tr": "triệu", "k": "nghìn"}.get(unit, unit)
        a, b = (self.said(low), self.said(high)) if words else (str(low), str(high))
        right = b + (" " if words or len(unit) > 2 or self.maybe(.5) else "") + unit
        left = right.replace(b, a, 1) if self.maybe(.3) else a
        form = self.one(("{} - {}", "từ {} đến {}", "{} đến {}", "{} hoặc {}", "giữa {} và {}", "{} ~ {}" if words else "{}~{}"))
        return form.format(left, right), low * UNITS[unit], high * UNITS[unit]

    def message(self):
        """A text, the kind it is and its yearly đồng (None: empty)."""
        is_range = self.maybe(.3)
        if is_range:
            text, vnd, high = self.range()
            bound, hedge = LOWER, self.one(("", "", "khoảng ", "chắc "))
        else:
            text, vnd, currency = self.sum()
            high = vnd
            bound, hedge = None, self.one(HEDGES)
            if self.maybe(.15):
                hedge, bound = self.one(BOUNDS)
            if currency and self.maybe(.15):
                text += self.one((" đồng", " vnđ", " đồng chẵn"))
        if self.maybe(.3):
            period, (kind, times) = self.one(BEFORE)
            body = period + self.one(VERBS) + hedge + text
        else:
            period, (kind, times) = self.one(BEHIND)
            body = self.one(VERBS) + hedge + text + period
        body = self.one(ASIDES) + self.one(STARTS) + body + self.one(ENDS)
        if times is ASK:
            return body, kind, None
        annual = vnd * times if times else None
        size = vnd if annual is None or bound == UPPER else annual
        if size > 10**12 or size < 1000:  # L2
            return body, "ambiguous", None
        if bound:
            return (body, "range", None if bound == UPPER else annual) if high * max(times, 1) <= 10**12 else self.message()
        return body, kind, annual

    def dressed(self):
        text, kind, annual = self.message()
        bare = without_accents(text)
        # Without their accents these have another meaning as well: tầm and tám, củ and cũ, tỏi and tôi.
        if self.maybe(.35) and not any(word in text for word in ("tầm", "củ", "tỏi")):
            text = bare
        return text.upper() if self.maybe(.1) else text, kind, annual


def main(argv):
    count = int(argv[2]) if len(argv) > 2 else 20000
    composer = Composer(int(argv[3]) if len(argv) > 3 else 3259)
    cases = [composer.dressed() for _ in range(count)]
    done = subprocess.run([argv[1], "read", "amount"], input="".join(text + "\n" for text, _, _ in cases), capture_output=True,
                          text=True, check=True)
    lines = done.stdout.splitlines()
    if len(lines) != len(cases):
        print(f"{len(cases)} messages, {len(lines)} answers")
        return 1
    wrong = 0
    for (text, kind, annual), line in zip(cases, lines):
        want = [kind, "" if annual is None else str(annual)]
        got = line.split("\t")[:2]
        if got != want:
            wrong += 1
            print(f"{text!r}: want {' '.join(want)}, got {' '.join(got)}")
    print(f"{len(cases)} messages, {wrong} read otherwise")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
