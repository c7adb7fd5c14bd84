#!/usr/bin/env python3
"""Runs `sangkien review export` and `review import` against a private PostgreSQL: verdicts by spreadsheet, all or nothing.

  test_review_sheet.py PATH/TO/sangkien PATH/TO/zalo-standin [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import csv
import io
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

from process import Failure  # noqa: E402
from command_rig import EX_DATAERR, EX_USAGE, ZaloCommandRig, matches, play  # noqa: E402

EX_NOINPUT = 66
SEED = """
INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (1, 'T', 'Liên đoàn tỉnh', NULL, 1), (3, 'C', 'Công ty A', 1, 3);
INSERT INTO person (user_id, full_name, unit_id) SELECT 'w' || g, 'Người ' || g, 3 FROM generate_series(1, 6) g;
INSERT INTO conversation (user_id) SELECT 'w' || g FROM generate_series(1, 6) g;
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, benefit_text, unit_id, submitted_at)
SELECT 'w' || g, g, 'SK-AAAAA' || g, 'Sáng kiến ' || g, '=mô tả ' || g, 20000000000, 'money', '20 tỷ', 3, now() FROM generate_series(1, 6) g;
INSERT INTO initiative (user_id, id, code, title, benefit_kind, submitted_at) VALUES ('import-1', 1, 'SK-OLDOLD', 'Năm trước', 'unknown', now());
"""


def exported(w, *args):
    out, _ = w.run("review", "export", *args)
    return list(csv.DictReader(io.StringIO(out.removeprefix("\ufeff"), newline="")))


def imported(w, rows, *args, expect=0):
    """Writes the rows as a spreadsheet would and takes them in. @return (stdout, stderr)."""
    path = os.path.join(w.folder, "verdicts.csv")
    with open(path, "w", encoding="utf-8-sig", newline="") as f:
        table = csv.DictWriter(f, rows[0].keys(), delimiter=";")
        table.writeheader()
        table.writerows(rows)
    return w.run("review", "import", *args, path, expect=expect)


def state(w):
    return w.sql("SELECT code, status, duplicate_of, checked_benefit_vnd, recognised_benefit_vnd, recognised_by, recognised_on, social, "
                 "annual_benefit_vnd FROM initiative ORDER BY code").strip().split("\n")


def filled(rows, code, **cells):
    names = {"verdict": "Kết luận", "of": "Trùng với", "field": "Phần cần bổ sung", "reason": "Lý do", "checked": "Giá trị đã kiểm tra (đồng/năm)",
             "recognised": "Giá trị được công nhận (đồng/năm)", "level": "Cấp công nhận", "day": "Ngày công nhận", "social": "Ý nghĩa xã hội"}
    row = next(r for r in rows if r["Mã"] == code)
    row.update({names[k]: v for k, v in cells.items()})


def test_what_waits_is_exported_and_every_verdict_comes_back(w):
    w.sql(SEED)
    rows = exported(w)
    if [r["Mã"] for r in rows] != [f"SK-AAAAA{g}" for g in range(1, 7)]:
        raise Failure(f"exported: {[r['Mã'] for r in rows]}")
    if rows[5]["Số bài trong đơn vị cùng số tiền"] != "6" or rows[0]["Ưu tiên"] != "2" or rows[0]["Nội dung"] != "'=mô tả 1":
        raise Failure(str(rows[5]))
    filled(rows, "SK-AAAAA1", verdict="Hợp lệ", checked="15.000.000", social="có")
    filled(rows, "SK-AAAAA2", verdict="trung lap", of="SK-AAAAA1")
    filled(rows, "SK-AAAAA3", verdict="cần bổ sung", field="Giá trị làm lợi", reason="=Nêu rõ cách tính giúp")
    filled(rows, "SK-AAAAA4", verdict="Không hợp lệ", reason="Áp dụng ngoài thời gian")
    filled(rows, "SK-AAAAA5", verdict="công nhận", level="Hội đồng sáng kiến", day="15/8/2023", recognised="12 triệu")
    matches(imported(w, rows, "--dry-run")[0], "^6 rows, 5 would change")
    if any("submitted" not in s for s in state(w)):
        raise Failure("a dry run changed something")
    matches(imported(w, rows)[0], "^6 rows, 5 changed, 5 authors are told")
    for line, wanted in zip(state(w), ["SK-AAAAA1|valid||15000000||||t|20000000000", "SK-AAAAA2|duplicate|SK-AAAAA1|||||f|20000000000",
                                       "SK-AAAAA3|returned||||||f|20000000000", "SK-AAAAA4|refused||||||f|20000000000",
                                       "SK-AAAAA5|recognised|||12000000|Hội đồng sáng kiến|2023-08-15|f|20000000000",
                                       "SK-AAAAA6|submitted||||||f|20000000000"]):
        if line != wanted:
            raise Failure(f"{line}, not {wanted}")
    mail = [json.loads(m) for m in w.sql("SELECT payload FROM mailbox WHERE kind = 'verdict' ORDER BY not_before").strip().split("\n")]
    if [m["status"] for m in mail] != ["valid", "duplicate", "returned", "refused", "recognised"] or any("id" in m for m in mail):
        raise Failure(f"mail: {mail}")
    if mail[2]["field"] != "benefit" or mail[1]["code_other"] != "SK-AAAAA1" or mail[0]["checked"] != "15000000":
        raise Failure(f"mail: {mail}")
    matches(w.sql("SELECT max(not_before) - min(not_before) >= interval '190 ms' FROM mailbox"), "^t")
    matches(w.sql("SELECT count(*), count(DISTINCT user_id), min(user_id) LIKE 'cli:%' FROM audit WHERE action = 'verdict'"), r"^5\|1\|t")
    matches(w.sql("SELECT count(*) FROM review_queue"), "^1$")
    # The same file again changes nothing, and what was decided is not decided otherwise by accident.
    rows = [dict(r, **{"Phiên bản": ""}) for r in rows]
    matches(imported(w, rows)[0], "^6 rows, 0 changed, 0 authors")
    matches(w.sql("SELECT count(*) FROM review"), "^5$")


def test_one_wrong_line_keeps_everything_out_and_is_named(w):
    w.sql(SEED)
    rows = exported(w)
    filled(rows, "SK-AAAAA1", verdict="hợp lệ")
    filled(rows, "SK-AAAAA2", verdict="được")
    filled(rows, "SK-AAAAA3", verdict="trùng lặp", of="SK-ZZZZZZ")
    filled(rows, "SK-AAAAA4", verdict="cần bổ sung", reason="thiếu phần")
    filled(rows, "SK-AAAAA5", verdict="công nhận", level="Hội đồng", day="29/2/2023")
    filled(rows, "SK-AAAAA6", verdict="hợp lệ", checked="nhiều lắm")
    rows.append(dict(rows[0], **{"Mã": "SK-NOSUCH"}))
    rows.append(dict(rows[0]))
    before = state(w)
    _, err = imported(w, rows, expect=EX_DATAERR)
    matches(err, "^line 3: unknown verdict: được", "^line 4: no initiative has the code that it is to duplicate", "^line 5: .*needs the part and a reason",
        "^line 6: the day of recognition", "^line 7: the checked benefit is no amount", "^line 8: no initiative has this code",
        "^line 9: its code stands on another line", "^nothing is changed: 7 lines are wrong")
    if state(w) != before or w.sql("SELECT count(*) FROM review").strip() != "0" or w.sql("SELECT count(*) FROM mailbox").strip() != "0":
        raise Failure("something was changed")


def test_what_the_author_changed_after_the_export_is_not_decided(w):
    w.sql(SEED)
    rows = exported(w, "--unit", "T")
    filled(rows, "SK-AAAAA1", verdict="hợp lệ")
    w.sql("UPDATE initiative SET title = 'khác', updated_at = clock_timestamp() WHERE code = 'SK-AAAAA1'")
    matches(imported(w, rows, expect=EX_DATAERR)[1], "^line 2: SK-AAAAA1 was changed by its author after the export")


def test_a_verdict_is_undone_before_another(w):
    w.sql(SEED)
    rows = exported(w)
    filled(rows, "SK-AAAAA1", verdict="không hợp lệ", reason="chưa áp dụng")
    imported(w, rows)
    rows = exported(w, "--status", "refused")
    filled(rows, "SK-AAAAA1", verdict="hợp lệ")
    matches(imported(w, rows, expect=EX_DATAERR)[1], "reopen it first")
    filled(rows, "SK-AAAAA1", verdict="mở lại")
    imported(w, rows)
    matches(w.sql("SELECT status, (SELECT count(*) FROM review_queue WHERE user_id = 'w1') FROM initiative WHERE code = 'SK-AAAAA1'"), r"^submitted\|1")


def test_figures_alone_are_marked_and_not_told(w):
    w.sql(SEED)
    rows = exported(w)
    filled(rows, "SK-AAAAA1", checked="7000000")
    matches(imported(w, rows)[0], "1 changed, 0 authors")
    matches(w.sql("SELECT status, checked_benefit_vnd, annual_benefit_vnd FROM initiative WHERE code = 'SK-AAAAA1'"), r"^submitted\|7000000\|20000000000")
    matches(w.sql("SELECT verdict FROM review"), "^marked$")


def test_what_is_no_table_of_verdicts_is_refused(w):
    matches(imported(w, [{"Tên": "x"}], expect=EX_DATAERR)[1], "no column is named code")
    w.run("review", "import", "/nonexistent.csv", expect=EX_NOINPUT)
    for args in ((), ("import",), ("show",), ("export", "--all")):
        matches(w.run("review", *args, expect=EX_USAGE)[1], "usage: sangkien")
    matches(w.run("review", "--help")[0], "dry-run")


# ---- the queue, as the database keeps it ----

def test_the_queue_gives_duplicates_then_doubts_then_who_can_be_told_for_free(w):
    w.sql(SEED)
    w.sql("""DELETE FROM review_queue; UPDATE initiative SET annual_benefit_vnd = id * 1000000 + 1, benefit_text = 'x' WHERE benefit_kind = 'money';
             UPDATE initiative SET annual_benefit_vnd = 11000000000 WHERE id = 4;
             INSERT INTO initiative_similar (user_id, initiative_id, other_user_id, other_id, score, same_unit, choice)
             VALUES ('w5', 5, 'w1', 1, 600, true, 'unsaid');
             UPDATE review_queue SET free_until = now() + id * interval '1 hour';
             UPDATE review_queue SET free_until = now() - interval '1 day' WHERE id = 1;
             INSERT INTO role_grant (user_id, role, unit_id, granted_by) VALUES ('r1', 'reviewer', 1, 't'), ('r2', 'reviewer', 0, 't'), ('w2', 'reviewer', 3, 't')""")
    got = w.sql("SELECT string_agg(reviewer || id, ' ') FROM review_take('{r1,r2}')").strip() + " " + " ".join(
        w.sql(f"SELECT string_agg(reviewer || id, ' ') FROM review_take('{{{who}}}')").strip() for who in ("w2", "r1", "r1", "r1"))
    if got.strip() != "r15 r24 w23 r12 r16 r11":  # the own one is passed over; the one whose free time is over comes last
        raise Failure(f"the order is {got}")


def test_who_reviews_many_units_gets_what_lies_behind_thousands_of_others(w):
    w.sql("""INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (1, 'T', 'T', NULL, 1), (2, 'A', 'A', 1, 2), (3, 'B', 'B', 1, 2);
             INSERT INTO union_unit (id, code, name, parent_id, level) SELECT 100 + g, 'A' || g, 'A', 2, 3 FROM generate_series(1, 250) g;
             INSERT INTO person (user_id) VALUES ('w');
             INSERT INTO initiative (user_id, id, code, title, benefit_kind, unit_id, submitted_at, updated_at)
             SELECT 'w', g, 'SK-' || g, 'T', 'unknown', CASE g WHEN 2100 THEN 350 ELSE 3 END, now() + g * interval '1 s', now()
             FROM generate_series(1, 2100) g;
             INSERT INTO role_grant (user_id, role, unit_id, granted_by) VALUES ('ra', 'reviewer', 2, 't'), ('rb', 'reviewer', 3, 't')""")
    for who, wanted in (("ra", "2100"), ("ra", ""), ("rb", "1"), ("rb", "2"), ("nobody", "")):
        got = w.sql(f"SELECT id FROM review_take('{{{who}}}')").strip()
        if got != wanted:
            raise Failure(f"{who} got {got!r}, not {wanted!r}")


if __name__ == "__main__":
    sys.exit(play(ZaloCommandRig, globals(), sys.argv, __doc__))
