#!/usr/bin/env python3
"""Runs `sangkien import campaign` and `sangkien standing` against a private PostgreSQL: the counting rules of the programme.

  test_standing.py PATH/TO/sangkien [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import datetime
import hashlib
import json
import os
import random
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "table"))

import test_units  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))
from command_rig import EX_DATAERR, equal, has, play  # noqa: E402
from process import Failure  # noqa: E402

VIETNAM = datetime.timezone(datetime.timedelta(hours=7))
TREE = test_units.HEAD + """T,Tỉnh,,1,,,,,
K,Khu công nghiệp,T,2,,Khối A,,,
H,Huyện,T,2,,Khối A,,,
K1,CĐCS Một,K,3,,Cụm 1,,,
K2,CĐCS Hai,K,3,,Cụm 1,,,
K3,CĐCS Ba,H,3,,Cụm 1,,,
K4,CĐCS Bốn,H,3,,Cụm 1,,,
K5,CĐCS Năm,H,3,,Cụm 2,,,
S1,Tổ Một,K1,4,,,,,
"""


def day(offset):
    return (datetime.datetime.now(VIETNAM) + datetime.timedelta(days=offset)).strftime("%Y-%m-%d")


class World(test_units.World):
    def fresh(self):
        super().fresh()
        self.take(TREE)
        self.count = 0

    def campaign(self, text, expect=0):
        path = self.saved("record,code,name,from,to,unit,initiatives\n" + text, "campaign.csv")
        return self.run("import", "campaign", path, expect=expect)

    def wave(self, first, last, targets=""):
        self.campaign(f"campaign,C,Tháng về đích,,,,\nwave,W,Đợt 1,{day(first)},{day(last)},,\n{targets}")

    def person(self, user, unit, name="Lê An"):
        at = f"(SELECT id FROM union_unit WHERE code = '{unit}')" if unit else "NULL"
        self.sql(f"INSERT INTO person (user_id, full_name, name_key, unit_id, unit_text, consent_at) VALUES ('{user}', '{name}', lower('{name}'), {at}, "
                 f"{'NULL' if unit else repr('đâu đó')}, now())")

    def file(self, user, unit, vnd=None, status="submitted", at="now()", kind=None):
        self.count += 1
        kind = kind or ("money" if vnd is not None else "unknown")
        place = f"(SELECT id FROM union_unit WHERE code = '{unit}')" if unit else "NULL"
        self.sql("INSERT INTO initiative (user_id, id, code, title, annual_benefit_vnd, benefit_kind, unit_id, status, submitted_at) VALUES "
                 f"('{user}', {self.count}, 'SK-{self.count:06}', 'Một', {'NULL' if vnd is None else vnd}, '{kind}', {place}, '{status}', {at})")
        return self.count

    def stale(self):
        """What is older than a minute is counted anew by the command."""
        self.sql("UPDATE standing_state SET folded_at = least(folded_at, now() - interval '2 minutes')")

    def standing(self, *options):
        self.stale()
        out, _ = self.run("standing", "--format", "json", *options)
        rows = [json.loads(line) for line in out.strip().split("\n")]
        self.head = rows[0]
        return {row["code"]: row for row in rows[1:]}


def pick(row, *names):
    return tuple(row.get(n) for n in names)


# ---- counting ----

def test_what_a_reviewer_took_out_leaves_the_count_and_what_was_withdrawn_never_was(w):
    w.person("a", "K1")
    for status in ("submitted", "returned", "valid", "recognised", "duplicate", "refused", "withdrawn"):
        w.file("a", "K1", 10, status)
    row = w.standing()["K1"]
    equal(pick(row, "sent", "counted", "valid", "pending", "duplicate", "refused", "benefit_vnd"), (6, 4, 2, 2, 1, 1, "40"))


def test_figures_roll_up_the_tree_and_a_verdict_reaches_every_level(w):
    w.person("a", "S1")
    w.person("b", "K3")
    number = w.file("a", "S1", 7)
    w.file("b", "K3", 5)
    rows = w.standing()
    equal([pick(rows[c], "people", "counted", "benefit_vnd") for c in ("S1", "K1", "K", "H", "T")],
          [(1, 1, "7"), (1, 1, "7"), (1, 1, "7"), (1, 1, "5"), (2, 2, "12")])
    w.sql(f"UPDATE initiative SET status = 'duplicate' WHERE id = {number}")
    rows = w.standing()
    equal([pick(rows[c], "counted", "sent", "duplicate") for c in ("S1", "K1", "K", "T")], [(0, 1, 1)] * 3 + [(1, 2, 1)])


def test_what_is_written_together_counts_once_and_each_author_is_a_person(w):
    w.person("a", "K1", "Lê An")
    w.person("b", "K2", "Vũ Hà")
    number = w.file("a", "K1", 10)
    w.sql(f"""INSERT INTO initiative_author (user_id, initiative_id, id, name, author_user_id, share_pct, consent) VALUES
              ('a', {number}, 1, 'Vũ Hà', 'b', 30, 'yes'), ('a', {number}, 2, 'Đỗ Tư', NULL, 10, 'unknown'),
              ('a', {number}, 3, 'ĐỖ TƯ', NULL, 10, 'unknown'), ('a', {number}, 4, 'lê an', NULL, 10, 'unknown'),
              ('a', {number}, 5, 'Ai Đó', NULL, 10, 'no')""")
    rows = w.standing()
    equal([pick(rows[c], "counted", "people") for c in ("K1", "K2", "T")], [(1, 2), (0, 1), (1, 3)])


def test_in_a_wave_people_are_those_who_wrote_in_it(w):
    w.wave(-1, 1)
    w.person("a", "K1", "Lê An")
    w.person("b", "K2", "Vũ Hà")
    w.person("c", "K2", "Không Gửi")
    number = w.file("a", "K1", 10)
    w.file("a", "K2", 10)
    w.sql(f"INSERT INTO initiative_author VALUES ('a', {number}, 1, 'Vũ Hà', 'b', 30, 'yes')")
    rows = w.standing("--wave", "W")
    equal([pick(rows[c], "counted", "people") for c in ("K1", "K2", "T")], [(1, 1), (1, 1), (2, 2)])
    rows = w.standing("--wave", "ever")
    equal([pick(rows[c], "people") for c in ("K1", "K2", "T")], [(1,), (2,), (3,)])


def test_a_wave_has_its_first_and_last_day_entirely_in_vietnam(w):
    w.wave(-2, 2)
    w.person("a", "K1")
    for moment, inside in ((f"{day(-2)} 00:00:00+07", 1), (f"{day(-3)} 23:59:59.999+07", 0), (f"{day(2)} 23:59:59.999+07", 1),
                           (f"{day(3)} 00:00:00+07", 0)):
        w.sql("DELETE FROM initiative")
        w.file("a", "K1", 10, at=f"'{moment}'")
        rows = w.standing("--wave", "W")
        if rows["K1"]["counted"] != inside:
            raise Failure(f"{moment} counts {rows['K1']['counted']}, wanted {inside}")


def test_the_median_of_two_middle_ones_is_rounded_half_up_and_the_five_largest_are_shared(w):
    w.person("a", "K1")
    w.person("b", "K3")
    for vnd in (1, 2, 2, 9):
        w.file("a", "K1", vnd)
    row = w.standing()["K1"]
    equal(pick(row, "median_vnd", "benefit_vnd", "largest_five_vnd", "unknown"), (2, "14", "14", 0))
    w.file("b", "K3", 3)
    w.file("b", "K3", 3)
    w.file("a", "K1", kind="nonmonetary")
    rows = w.standing()
    equal(pick(rows["T"], "median_vnd", "benefit_vnd", "largest_five_vnd", "nonmonetary"), (3, "20", "19", 1))  # 1 2 2 3 3 9: 2.5
    equal(rows["K2"]["median_vnd"], None)


def test_equals_share_a_rank_and_the_next_is_skipped_among_their_like(w):
    for unit, n in (("K1", 5), ("K2", 3), ("K3", 3), ("K4", 1), ("K5", 9)):
        w.person("p" + unit, unit)
        for _ in range(n):
            w.file("p" + unit, unit, 1)
    w.person("more", "K4", "Vũ Hà")
    rows = w.standing()
    equal([pick(rows[c], "rank", "peers") for c in ("K1", "K2", "K3", "K4", "K5")], [(1, 4), (2, 4), (2, 4), (4, 4), (1, 1)])
    equal([rows[c]["rank_people"] for c in ("K1", "K2", "K3", "K4")], [2, 2, 2, 1])


def test_a_merged_unit_counts_where_it_went_and_is_ranked_no_more(w):
    w.person("a", "K1")
    w.person("b", "K2")
    w.file("a", "K1", 1)
    w.file("b", "K2", 1)
    equal(w.standing()["K1"]["counted"], 1)
    w.take(test_units.HEAD + f"K2,CĐCS Hai,K1,3,,Cụm 1,,,{day(0)}\n")
    rows = w.standing()
    equal([pick(rows[c], "counted", "people", "peers") for c in ("K1", "K2", "K")], [(2, 2, 3), (1, 1, None), (2, 2, 2)])


def test_a_unit_that_moves_takes_its_figures_along(w):
    w.person("a", "K1")
    w.file("a", "K1", 1)
    w.standing()
    w.take(test_units.HEAD + "K1,CĐCS Một,H,3,,Cụm 1,,,\n")
    rows = w.standing()
    equal([rows[c]["counted"] for c in ("K1", "K", "H", "T")], [1, 0, 1, 1])


def test_who_and_what_has_no_known_unit_is_told_apart(w):
    w.person("a", None)
    w.file("a", None, 1)
    rows = w.standing()
    equal((rows["T"]["counted"], w.head["counted_without_unit"], w.head["people_without_unit"]), (0, 1, 1))


def test_targets_give_per_cent_and_what_is_missing_a_day(w):
    w.wave(-1, 2, "target,W,,,,K1,8\ntarget,W,,,,K2,0\n")
    w.person("a", "K1")
    w.file("a", "K1", 1)
    rows = w.standing()
    equal(pick(rows["K1"], "target", "percent_tenths", "missing", "daily"), (8, 125, 7, 3))
    equal(pick(rows["K2"], "target", "percent_tenths"), (None, None))
    w.stale()
    out, _ = w.run("standing", "--unit", "K1")
    has(out, "Đạt 12,5% chỉ tiêu 8, còn thiếu 7, mỗi ngày 3")
    out, _ = w.run("standing", "--unit", "K2")
    has(out, "Chưa giao chỉ tiêu")


def test_change_since_yesterday_and_why_the_rank_changed(w):
    w.person("a", "K1")
    w.person("b", "K2")
    first = w.file("a", "K1", 1)
    w.sql("UPDATE initiative SET updated_at = now() - interval '3 days', submitted_at = now() - interval '3 days'")
    rows = w.standing()
    equal(pick(rows["K1"], "counted_before", "rank"), (None, 1))
    w.sql("UPDATE standing_state SET day = day - 1, folded_at = now() - interval '1 hour'")
    w.file("b", "K2", 1)
    w.file("b", "K2", 1)
    w.sql(f"UPDATE initiative SET status = 'duplicate', updated_at = now() WHERE id = {first}")
    rows = w.standing()
    equal([pick(rows[c], "counted", "counted_before", "rank", "rank_before") for c in ("K1", "K2")], [(0, 1, 2, 1), (2, 0, 1, 2)])
    out, _ = w.run("standing", "--unit", "K1", "--why")
    has(out, "1 -> 0 counted, rank 1 -> 2 of 4", "-1  SK-000001  duplicate", "ahead   K2 CĐCS Hai: 0 -> 2 (rank 2 -> 1)")
    out, _ = w.run("standing", "--unit", "K2", "--why")
    has(out, "+1  SK-000002", "+1  SK-000003", "behind  K1 CĐCS Một: 1 -> 0")


def test_whatever_changes_the_fold_gives_what_counting_anew_gives(w):
    """Two hundred changes of every kind, folded one after the other, and after each all is counted again beside and held against it."""
    w.wave(-1, 1, "target,W,,,,K1,8\n")
    chance = random.Random(7)
    units = ["K1", "K2", "K3", "K4", "K5", "S1", "K", None]
    for i in range(8):
        w.person(f"p{i}", chance.choice(units), f"Người {i}")
    changes = []
    for i in range(200):
        what, unit, who = chance.randrange(10), chance.choice(units), f"p{chance.randrange(8)}"
        place = f"(SELECT id FROM union_unit WHERE code = '{unit}')" if unit else "NULL"
        some = f"(SELECT id FROM initiative ORDER BY (id * 7919 + {i}) % 101 LIMIT 1)"
        if what <= 1 or w.count == 0:
            w.count += 1
            changes.append("INSERT INTO initiative (user_id, id, code, annual_benefit_vnd, benefit_kind, unit_id, submitted_at) VALUES "
                           f"('{who}', {w.count}, 'SK-{w.count}', {chance.randrange(50)}, 'money', {place}, now() - interval '{chance.randrange(5)} days')")
        elif what == 2:
            status = chance.choice(["submitted", "valid", "duplicate", "refused", "withdrawn"])
            changes.append(f"UPDATE initiative SET status = '{status}' WHERE id = {some}")
        elif what == 3:
            changes.append(f"UPDATE initiative SET unit_id = {place} WHERE id = {some}")
        elif what == 4:
            changes.append(f"UPDATE initiative SET annual_benefit_vnd = {chance.randrange(50)} WHERE id = {some} AND benefit_kind = 'money'")
        elif what == 5:
            changes.append(f"UPDATE person SET unit_id = {place}, unit_text = CASE WHEN {place} IS NULL THEN 'đâu đó' END WHERE user_id = '{who}'")
        elif what == 6:
            changes.append(f"UPDATE wave SET ends_on = current_date + {chance.randrange(5)}, starts_on = current_date - {chance.randrange(5)}")
        elif what == 7:
            changes.append("INSERT INTO union_unit (id, code, name, name_key, parent_id, level, cluster) SELECT "
                           f"{1000 + i}, 'N{i}', 'Mới', 'moi', id, level + 1, 'Cụm 1' FROM union_unit WHERE code = '{chance.choice(['T', 'K', 'K5', 'S1'])}'")
        elif what == 8:
            changes.append("UPDATE union_unit SET parent_id = (SELECT id FROM union_unit WHERE code = "
                           f"'{chance.choice(['K', 'H'])}'), cluster = 'Cụm {chance.randrange(3)}' WHERE code = '{chance.choice(['K1', 'K2', 'K3'])}'")
        else:
            changes.append("INSERT INTO initiative_author (user_id, initiative_id, id, name, author_user_id, share_pct, consent) SELECT user_id, id, "
                           f"{i}, 'Tên {i % 5}', {chance.choice(['NULL', repr(who)])}, 5, 'yes' FROM initiative WHERE id = {some}")
    columns = ("wave_id, unit_id, people, sent, counted, valid, pending, suspect, duplicate, refused, nonmonetary, unknown, benefit_vnd, median_vnd, "
               "largest_vnd, peers, rank, rank_people")
    held = []
    for i, change in enumerate(changes):
        held.append(f"""{change}; SELECT standing_fold(0) IS NULL; CREATE TABLE folded AS SELECT {columns} FROM standing;
            BEGIN; DELETE FROM standing; DELETE FROM standing_own; DELETE FROM standing_amount; UPDATE standing_state SET all_own = true, all_up = true;
            SELECT standing_fold(0) IS NULL;
            SELECT 'change {i}', unit_id FROM (SELECT {columns} FROM standing EXCEPT SELECT * FROM folded) x; ROLLBACK; DROP TABLE folded;""")
    said = [line for line in w.sql("\n".join(held)).split("\n") if line.startswith("change")]
    for line in said:
        raise Failure(f"{line}: the fold is wrong after: {changes[int(line.split('|')[0].split()[1])]}")
    equal(w.sql("SELECT count(*) FROM standing"), w.sql("SELECT 2 * count(*) FROM union_unit"))


# ---- what is kept ----

def test_a_wave_is_kept_a_day_after_its_end_and_not_before(w):
    w.wave(-3, -1)
    _, err = w.run("standing", "--wave", "W", "--freeze", expect=EX_DATAERR)
    has(err, "what was sent in time may arrive until")
    equal(w.sql("SELECT count(*) FROM snapshot"), "0")


def test_what_is_kept_can_be_recomputed_by_anybody_and_changes_no_more(w):
    w.wave(-6, -3, "target,W,,,,K1,2\n")
    w.person("a", "K1")
    for n in range(3):
        w.file("a", "K1", 10 * n, at=f"'{day(-4)} 10:00+07'")
    out, _ = w.run("standing", "--wave", "W", "--freeze")
    digest = out.split()[0]
    rows, _ = w.run("standing", "--wave", "W", "--rows")
    equal(hashlib.sha256(rows.encode()).hexdigest(), digest)
    has(rows, "K1\tCĐCS Một\tK\t3\tCụm 1\t2\t1\t3\t3\t0\t3\t0\t0\t0\t0\t30\t10\t30\t4\t1\t1\n")
    w.sql("UPDATE initiative SET status = 'duplicate'")
    equal(w.standing("--wave", "W")["K1"]["counted"], 3)
    out, _ = w.run("standing", "--wave", "W", "--unit", "K1")
    has(out, "Tổng kết Đợt 1", "1 người, 3 sáng kiến, hạng 1/4", "Đạt 150,0% chỉ tiêu 2", "Hợp lệ 0 · Trùng 0 · Loại 0 · Chờ 3")
    w.run("standing", "--wave", "W", "--freeze")
    out, _ = w.run("standing", "--wave", "W", "--verify")
    equal(out.split()[0], digest)
    _, err = w.campaign(f"campaign,C,Tháng,,,,\nwave,W,Đợt,{day(-6)},{day(-2)},,\n", expect=EX_DATAERR)
    has(err, "line 3: wave W is counted and kept")
    w.sql("UPDATE snapshot_row SET counted = counted + 1 WHERE code = 'K1'")
    _, err = w.run("standing", "--wave", "W", "--verify", expect=EX_DATAERR)
    has(err, "not those that were kept")


# ---- campaigns ----

def test_a_campaign_comes_in_again_and_its_targets_are_those_of_the_file(w):
    w.wave(0, 5, "target,W,,,,K1,8\ntarget,W,,,,K2,4\n")
    out, _ = w.campaign(f"campaign,C,Tháng về đích,,,,\nwave,W,Đợt một,{day(0)},{day(5)},,\ntarget,W,,,,K1,9\n")
    has(out, "1 campaigns, 1 waves, 1 targets imported")
    equal(w.sql("SELECT w.name, string_agg(u.code || t.initiatives, ' ') FROM wave w JOIN target t ON t.wave_id = w.id JOIN union_unit u ON u.id = t.unit_id "
                "GROUP BY 1"), "Đợt một|K19")


def test_what_is_wrong_with_a_campaign_is_said_by_line(w):
    _, err = w.campaign("""wave,A,Đợt,2026-08-01,2026-08-02,,
campaign,C,Tháng,,,,
wave,B,Đợt,2026-08-05,2026-08-01,,
wave,D,Đợt,01/08/2026,10/08/2026,,
wave,E,Đợt,2026-08-10,2026-08-20,,
wave,D,Đợt,2026-09-01,2026-09-02,,
target,D,,,,K9,5
target,D,,,,K1,năm
target,Z,,,,K1,5
target,D,,,,K1,5
target,D,,,,K1,6
party,X,,,,,
""", expect=EX_DATAERR)
    has(err, "line 2: wave A stands before any campaign", "line 4: wave B ends on 2026-08-01 before it begins", "line 6: wave E and wave D (line 5) have days in common",
        "line 7: the code D stands in line 5 already", "line 8: there is no unit K9", "line 9: năm is no number", "line 10: there is no wave Z above",
        "line 12: the target of K1 in wave D stands in line 11 already", "line 13: the record party is none of")
    equal(w.sql("SELECT count(*) FROM wave"), "0")


def test_a_wave_does_not_take_days_of_one_that_is_there(w):
    w.campaign("campaign,C,Tháng,,,,\nwave,D1,Đợt,2026-08-01,2026-08-10,,\nwave,D2,Đợt,2026-08-11,2026-08-20,,\n")
    _, err = w.campaign("campaign,C,Tháng,,,,\nwave,D3,Đợt,2026-08-20,2026-08-25,,\n", expect=EX_DATAERR)
    has(err, "line 3: wave D3 has days in common with wave D2, which is there already (2026-08-11 to 2026-08-20)")
    w.campaign("campaign,C,Tháng,,,,\nwave,D1,Đợt,2026-08-11,2026-08-20,,\nwave,D2,Đợt,2026-08-01,2026-08-10,,\n")  # they change places
    equal(w.sql("SELECT starts_on FROM wave WHERE code = 'D1'"), "2026-08-11")
    w.campaign("campaign,E,Năm,,,,\nwave,E1,Đợt,2026-08-01,2026-12-31,,\n")  # of another campaign
    equal(w.sql("SELECT count(*) FROM wave"), "3")


def test_the_example_of_a_campaign_can_be_imported(w):
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
    w.take(test_units.HEAD + "K01,CĐCS,K,3,,,,,\n")
    out, _ = w.run("import", "campaign", os.path.join(root, "config", "campaign-example.csv"))
    has(out, "1 campaigns, 3 waves, 3 targets")


# ---- the command ----

def test_tables_have_a_row_for_each_unit_below_and_a_line_for_each_column(w):
    w.wave(-1, 2, "target,W,,,,K1,8\n")
    w.person("a", "K1")
    w.file("a", "K1", 1)
    w.stale()
    out, _ = w.run("standing", "--unit", "K", "--format", "csv")
    lines = out.lstrip("\ufeff").strip().splitlines()
    equal(len(lines), 5)
    equal([line.split(",")[0] for line in lines[1:]], ['"K"', '"K1"', '"K2"', '"S1"'])
    has(lines[2], '"12,5"')
    done = subprocess.run([w.binary, "standing", "--format", "xlsx"], stdout=subprocess.PIPE, env=dict(os.environ, **w.bot.env))
    equal(done.stdout[:2], b"PK")


def test_what_is_not_there_is_said(w):
    _, err = w.run("standing", "--unit", "X", expect=EX_DATAERR)
    has(err, "there is no unit with the code X")
    _, err = w.run("standing", "--wave", "X", expect=EX_DATAERR)
    has(err, "there is no wave X")
    w.run("standing", "--colour", expect=64)


if __name__ == "__main__":
    sys.exit(play(World, globals(), sys.argv, __doc__))
