#!/usr/bin/env python3
"""Runs `sangkien export` against a private PostgreSQL and reads the tables back as a program of the office would.

  test_export.py PATH/TO/sangkien PATH/TO/zalo-standin [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import csv
import io
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

import xlsx  # noqa: E402
from process import Failure  # noqa: E402
from command_rig import EX_DATAERR, EX_UNAVAILABLE, EX_USAGE, ZaloCommandRig, matches, play  # noqa: E402

DAY_0 = 25569  # 1970-01-01 as a workbook counts days

SEED = """
INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (1, 'T', 'Liên đoàn tỉnh', NULL, 1), (2, 'H', 'Huyện Bắc', 1, 2),
    (3, 'C', 'Công ty A', 2, 3), (4, 'D', 'Trường B', 1, 3);
INSERT INTO person (user_id, full_name, unit_id) VALUES ('w1', 'Nguyễn Thị Hoa', 3), ('w2', '@Lê Văn Nam', 4);
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, benefit_text, unit_id, submitted_at, status,
    checked_benefit_vnd, solution_kind, applied_on, confidential, social)
VALUES ('w1', 1, 'SK-AAAAAA', '=HYPERLINK("http://x.example","Giá kẹp")', E'Dòng một\\n- dòng hai', 60000000, 'money', '5tr/tháng', 3,
        '2023-07-26 17:00+00', 'valid', 50000000, 'technical', '2022-08-15', false, true),
       ('w1', 2, 'SK-BBBBBB', 'Xe đẩy', 'bí mật', NULL, 'nonmonetary', 'đỡ mỏi', 3, '2023-07-27', 'submitted', NULL, NULL, NULL, true, false),
       ('w2', 3, 'SK-CCCCCC', 'Lịch trực', 'mô tả', NULL, 'unknown', NULL, 4, '2023-07-28', 'submitted', NULL, NULL, NULL, false, false),
       ('gone', 4, 'SK-DDDDDD', NULL, NULL, NULL, 'unknown', NULL, 4, '2023-07-28', 'submitted', NULL, NULL, NULL, false, false);
INSERT INTO initiative_author (user_id, initiative_id, id, name, share_pct) VALUES ('w1', 1, 1, 'Trần Bình', 40);
"""


def exported(w, *args, what="initiatives"):
    """The workbook of that export, by sheets."""
    path = os.path.join(w.folder, "out.xlsx")
    with open(path, "wb") as f:
        done = subprocess.run([w.binary, "export", what, "--format", "xlsx", *args], stdout=f, stderr=subprocess.PIPE,
                              env=dict(os.environ, **w.bot.env), timeout=60)
    if done.returncode != 0:
        raise Failure(done.stderr.decode())
    return path, xlsx.read(path)


def table(text):
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_initiatives_are_the_same_in_both_formats_with_amounts_as_numbers(w):
    w.sql(SEED)
    rows = table(w.run("export", "initiatives")[0])
    _, sheets = exported(w)
    if list(sheets) != ["Sáng kiến"] or len(rows) != 4 or len(sheets["Sáng kiến"]) != 4:
        raise Failure(f"{list(sheets)} {len(rows)} rows")
    if sheets["Sáng kiến"][0] != rows[0] or len(rows[0]) != 25:
        raise Failure(f"the headers differ: {rows[0]}")
    at = {name: i for i, name in enumerate(rows[0])}
    cells, text = sheets["Sáng kiến"][1], rows[1]
    for name, wanted in (("Mã", "SK-AAAAAA"), ("Tên sáng kiến", '=HYPERLINK("http://x.example","Giá kẹp")'),
                         ("Nội dung", "Dòng một\n- dòng hai"), ("Giá trị làm lợi khai báo (đồng/năm)", 60000000),
                         ("Giá trị đã kiểm tra (đồng/năm)", 50000000), ("Ngày áp dụng", DAY_0 + 19219), ("Trạng thái", "hợp lệ"),
                         ("Loại giải pháp", "giải pháp kỹ thuật"), ("Đồng tác giả", "Trần Bình 40%"), ("Tỷ lệ của tác giả (%)", 60),
                         ("Đơn vị", "Công ty A"), ("Đơn vị cấp trên", "Huyện Bắc"), ("Ý nghĩa xã hội", "có"), ("Gửi lúc", DAY_0 + 19565)):
        if cells[at[name]] != wanted:
            raise Failure(f"{name}: {cells[at[name]]!r}, not {wanted!r}")
    for name, wanted in (("Tên sáng kiến", '\'=HYPERLINK("http://x.example","Giá kẹp")'), ("Gửi lúc", "2023-07-27 00:00"),
                         ("Giá trị làm lợi khai báo (đồng/năm)", "60000000"), ("Ngày áp dụng", "2022-08-15")):
        if text[at[name]] != wanted:
            raise Failure(f"{name}: {text[at[name]]!r}, not {wanted!r}")
    secret = rows[2]
    if secret[at["Nội dung"]] or secret[at["Không công bố chi tiết"]] != "có" or secret[at["Giá trị làm lợi khai báo (đồng/năm)"]]:
        raise Failure(f"what was not to be published: {secret}")
    alone = "Tỷ lệ của tác giả (%)"
    if (secret[at[alone]], sheets["Sáng kiến"][3][at[alone]]) != ("100", 100):
        raise Failure(f"who has no co-authors did all of it: {secret[at[alone]]}")
    if "w1" in str(sheets):
        raise Failure("a Zalo id is in the table")


def test_rows_are_chosen_by_status_and_unit(w):
    w.sql(SEED)
    for args, codes in ((("--status", "valid"), ["SK-AAAAAA"]), (("--status=valid,submitted", "--unit=C"), ["SK-AAAAAA", "SK-BBBBBB"]),
                        (("--unit", "H"), ["SK-AAAAAA", "SK-BBBBBB"]), (("--unit", "T", "--status", "recognised"), []),
                        (("--unit", "D"), ["SK-CCCCCC"])):
        got = [r[0] for r in table(w.run("export", "initiatives", *args)[0])[1:]]
        if got != codes:
            raise Failure(f"{args}: {got}, not {codes}")
    matches(w.run("export", "initiatives", "--unit", "nowhere", expect=EX_DATAERR)[1], "no unit has the code nowhere")


def test_the_shortlists_hold_the_best_first(w):
    w.sql(SEED)
    w.sql("""UPDATE initiative SET status = 'recognised', checked_benefit_vnd = 70000000 WHERE code = 'SK-CCCCCC';
             INSERT INTO initiative (user_id, id, code, title, benefit_kind, unit_id, submitted_at, status, checked_benefit_vnd)
             VALUES ('w1', 9, 'SK-EEEEEE', 'Nhãn', 'unknown', 3, '2023-08-01 16:59:59+00', 'valid', NULL),
                    ('w1', 10, 'SK-FFFFFF', 'Kệ', 'unknown', 3, '2023-08-01 17:00:00+00', 'duplicate', 90000000);
             INSERT INTO campaign (id, code, name) VALUES (1, 'M', 'Tháng');
             INSERT INTO wave (id, campaign_id, code, name, starts_on, ends_on) VALUES (1, 1, 'D1', 'Đợt 1', '2023-07-28', '2023-08-01')""")
    for args, codes in ((("--top", "5"), ["SK-CCCCCC", "SK-AAAAAA"]), (("--top=1",), ["SK-CCCCCC"]), (("--top", "5", "--unit", "H"), ["SK-AAAAAA"]),
                        (("--social",), ["SK-AAAAAA"]), (("--top", "5", "--wave", "D1"), ["SK-CCCCCC"]),
                        (("--wave", "D1"), ["SK-EEEEEE", "SK-CCCCCC"])):
        got = [r[0] for r in table(w.run("export", "initiatives", *args)[0])[1:]]
        if got != codes:
            raise Failure(f"{args}: {got}, not {codes}")
    units = table(w.run("export", "units")[0])
    if units[1:] != [["1", "Công ty A", "Huyện Bắc", "2", "0", "1", "1", "50000000"], ["2", "Trường B", "Liên đoàn tỉnh", "1", "1", "1", "0", "70000000"]]:
        raise Failure(str(units))
    if len(table(w.run("export", "units", "--top", "1", "--unit", "D")[0])) != 2:
        raise Failure("one unit was asked for")
    matches(w.run("export", "initiatives", "--wave", "D9", expect=EX_DATAERR)[1], "no wave has the code D9")
    w.run("export", "initiatives", "--top", "0", expect=EX_USAGE)


def test_pages_follow_each_other_without_loss(w):
    w.sql("""INSERT INTO initiative (user_id, id, code, title, description, benefit_kind, submitted_at)
             SELECT 'p' || g % 7, g, 'SK-' || g, 'Tên', 'Mô tả', 'unknown', now() FROM generate_series(1, 2500) g""")
    codes = sorted(int(r[0][3:]) for r in table(w.run("export", "initiatives")[0])[1:])
    if codes != list(range(1, 2501)):
        raise Failure(f"{len(codes)} rows")


def test_tickets_can_be_a_workbook(w):
    w.sql("INSERT INTO ticket (user_id, id, topic, question) VALUES ('u1', 1, 'human', '+84 hỏi')")
    _, sheets = exported(w, what="tickets")
    if sheets["Câu hỏi"][1][1] != "mới" or "+84 hỏi" not in sheets["Câu hỏi"][1]:
        raise Failure(str(sheets))


def test_what_cannot_be_exported_is_said(w):
    for args in ((), ("people",), ("tickets", "--format=ods"), ("initiatives", "--status", "lost"), ("initiatives", "--unit"),
                 ("tickets", "--unit", "C"), ("initiatives", "--all")):
        matches(w.run("export", *args, expect=EX_USAGE)[1], "usage: sangkien export")
    matches(w.run("export", "--help")[0], "--status")
    w.run("export", "tickets", expect=EX_UNAVAILABLE, DATABASE_URL="host=/nonexistent dbname=x")


def test_libreoffice_shows_the_same_values(w):
    """Only where it is installed: LibreOffice turns the workbook into CSV."""
    office = shutil.which("soffice")
    if not office:
        return
    w.sql(SEED)
    path, sheets = exported(w)
    subprocess.run([office, "--headless", f"-env:UserInstallation=file://{w.folder}/office", "--convert-to",
                    "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1", "--outdir", w.folder, path],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    with open(os.path.join(w.folder, "out-Sáng kiến.csv"), encoding="utf-8", newline="") as f:
        shown = list(csv.reader(f))
    cells = sheets["Sáng kiến"]
    if len(shown) != len(cells) or shown[0] != cells[0]:
        raise Failure(f"LibreOffice shows other rows: {shown[:2]}")
    if shown[1][1] != cells[1][1] or shown[1][7].replace(",", "").replace(".", "") != "60000000" or not shown[1][5].startswith("15/08/2022"):
        raise Failure(f"LibreOffice shows {shown[1]}")


if __name__ == "__main__":
    sys.exit(play(ZaloCommandRig, globals(), sys.argv, __doc__))
