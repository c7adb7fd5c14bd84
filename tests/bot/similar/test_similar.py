#!/usr/bin/env python3
"""Runs `sangkien import`, `sangkien similar` and the index writer of `sangkien serve` against a private PostgreSQL.

  test_similar.py PATH/TO/sangkien [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

from command_rig import EX_DATAERR, EX_NOINPUT, EX_OK, EX_UNAVAILABLE, EX_USAGE, CommandRig, equal, has, play  # noqa: E402
from postgres import Session  # noqa: E402
from process import Failure  # noqa: E402
from world import root  # noqa: E402

FLAG = 460

TWO = [{"id": "A1", "title": "Khay nam châm giữ kim gãy", "annual_vnd": 27000000, "sector": "garments", "union_unit": "CĐCS May Một",
        "description": "Kim gãy rơi thất lạc trong hàng. Cách khắc phục: gắn khay nam châm dưới chân vịt. Áp dụng từ tháng 2, đạt yêu cầu."},
       {"id": "A2", "title": "Rối que kể chuyện lịch sử", "annual_vnd": None,
        "description": "Học sinh chán học sử. Từ đó tôi làm rối que các nhân vật, nhờ vậy giờ học sôi nổi."}]


def lines(rows):
    return "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows)


class World(CommandRig):
    def take(self, text, *options, expect=EX_OK, **how):
        return self.run("import", "initiatives", *options, self.saved(text, **how), expect=expect)

    def ask(self, *rows):
        """For each row the answers as (code, score, title)."""
        out, _ = self.run("similar", stdin=lines(rows))
        blocks, at = [], []
        for line in out.split("\n")[:-1]:
            if line:
                code, score, title = line.split("\t")
                at.append((code, int(score), title))
            else:
                blocks.append(at)
                at = []
        if len(blocks) != len(rows):
            raise Failure(f"{len(blocks)} answers to {len(rows)} questions:\n{out}")
        return blocks


# ---- import ----

def test_json_lines_become_initiatives_with_receipt_codes(w):
    out, _ = w.take(lines(TWO))
    has(out, "2 initiatives imported")
    rows = w.sql("SELECT user_id, title, benefit_kind, annual_benefit_vnd, sector, unit_text, status FROM initiative ORDER BY user_id")
    equal(rows.split("\n"), ["import:A1|Khay nam châm giữ kim gãy|money|27000000|garments|CĐCS May Một|submitted",
                             "import:A2|Rối que kể chuyện lịch sử|unknown||||submitted"])
    equal(w.sql("SELECT count(DISTINCT code) FROM initiative WHERE code ~ '^SK-[2-9A-HJ-NP-TV-Z]{6}$'"), "2")
    equal(w.sql("SELECT count(*) FROM initiative_index"), "2")


def test_a_table_of_a_spreadsheet_is_read_with_vietnamese_headings(w):
    text = ("\ufeffMã;Tên sáng kiến;Nội dung;Giá trị làm lợi;Đơn vị\r\n"
            "7;\"Khay \"\"nam châm\"\"\";\"Gắn khay dưới chân vịt.\r\nDễ làm.\";27 triệu;May Một\r\n"
            "8;Rối que kể sử;Làm rối que nhân vật.;1.500.000;\r\n9;Đánh số ghế ngồi;Dân ngồi theo số thứ tự.;;\r\n")
    w.take(text, name="table.csv")
    rows = w.sql("SELECT user_id, title, replace(description, E'\\n', '/'), annual_benefit_vnd, unit_text FROM initiative ORDER BY user_id")
    equal(rows.split("\n"), ['import:7|Khay "nam châm"|Gắn khay dưới chân vịt./Dễ làm.|27000000|May Một',
                             "import:8|Rối que kể sử|Làm rối que nhân vật.|1500000|", "import:9|Đánh số ghế ngồi|Dân ngồi theo số thứ tự.||"])


BAD = [dict(TWO[0], id="B1"), {"id": "B2", "title": "Ngắn"}, dict(TWO[1], id="B1"), {"id": "B3", "title": "x" * 201, "description": "y"},
       dict(TWO[0], id="B4", annual_vnd="rất nhiều"), dict(TWO[0], id="B5", annual_vnd=-3), dict(TWO[0], id="B6", title=7)]


def test_one_bad_line_and_nothing_is_stored(w):
    out, err = w.take(lines(BAD) + "{not json\n\n" + lines([TWO[1]]), expect=EX_DATAERR)
    has(out, "nothing imported: 7 lines refused, 2 would be good")
    has(err, "line 2: the title is too short", "line 3: the id B1 is there already", "line 4: the title has 201 characters, at most 200",
        "line 5: \"rất nhiều\" is no amount", "line 6: ", "line 7: title is not a text", "line 8: ")
    equal(w.sql("SELECT count(*) FROM initiative"), "0")
    equal(w.sql("SELECT count(*) FROM initiative_index"), "0")


def test_the_good_lines_are_kept_on_request(w):
    out, _ = w.take(lines(BAD), "--keep-good", expect=EX_DATAERR)
    has(out, "1 initiatives imported, 6 lines refused")
    equal(w.sql("SELECT user_id FROM initiative"), "import:B1")


def test_what_was_imported_is_not_imported_again(w):
    w.take(lines(TWO))
    _, err = w.take(lines(TWO), expect=EX_DATAERR)
    has(err, "line 1: the id A1 is there already", "line 2: the id A2 is there already")
    nameless = [{k: v for k, v in r.items() if k != "id"} for r in TWO]
    w.take(lines(nameless))
    _, err = w.take(lines(nameless), expect=EX_DATAERR)
    has(err, "line 1: the id ")
    equal(w.sql("SELECT count(*) FROM initiative"), "4")


def test_files_that_cannot_be_read_are_refused_with_the_reason(w):
    has(w.take("id,name\n1,x\n", expect=EX_DATAERR)[1], "line 1 names no column title")
    has(w.take("title,description\nTên dài,x\n", encoding="utf-16", expect=EX_DATAERR)[1], "CSV UTF-8")
    has(w.take("title,description\nTen dai,\"x\n", expect=EX_DATAERR)[1], "line 2: a quoted cell does not end")
    w.run("import", "initiatives", "/nonexistent/file", expect=EX_NOINPUT)
    w.run("import", "initiatives", expect=EX_USAGE)
    w.run("import", "people", "x", expect=EX_USAGE)


def test_more_than_one_batch_is_stored_and_counted(w):
    rows = [dict(TWO[n % 2], id=f"M{n}", title=f"{TWO[n % 2]['title']} {n}") for n in range(1300)]
    has(w.take(lines(rows))[0], "1300 initiatives imported")
    equal(w.sql("SELECT count(DISTINCT code), count(*) FROM initiative"), "1300|1300")
    equal(w.sql("SELECT count(*) FROM initiative WHERE similar_at IS NULL OR similar_at < updated_at"), "0")


# ---- similar ----

def test_the_like_comes_first_and_a_blank_line_after_each_answer(w):
    w.take(lines(TWO))
    answers = w.ask({"title": "khay nam cham giu kim", "description": "gan khay nam cham duoi chan vit de giu kim gay"},
                    {"title": "Xe đẩy ba tầng", "description": "Hàn xe đẩy ba tầng chở khay."}, {"title": "và", "description": ""})
    equal(answers[0][0][2], TWO[0]["title"])
    if answers[0][0][1] < FLAG:
        raise Failure(f"{answers[0]} is not very similar")
    if any(score >= FLAG for _, score, _ in answers[1]):
        raise Failure(f"{answers[1]} is very similar")
    equal(answers[2], [])
    equal(answers[0][0][0], w.sql("SELECT code FROM initiative WHERE user_id = 'import:A1'"))


def test_a_line_that_is_no_question_is_named_and_the_others_answered(w):
    w.take(lines(TWO))
    out, err = w.run("similar", stdin=lines([TWO[0]]) + "nonsense\n{}\n" + lines([TWO[1]]), expect=EX_DATAERR)
    has(err, "line 2: ", "line 3: it has neither a title nor a description")
    equal(out.count("\n\n") + out.startswith("\n"), 4 - 1)  # the second and third answer are empty
    has(out, TWO[1]["title"])


def test_the_copies_of_the_shared_file_are_found_and_flagged(w):
    with open(os.path.join(root(), "tests", "data", "vi-initiatives.jsonl"), encoding="utf-8") as f:
        rows = [json.loads(line) for line in f]
    w.take(lines(r for r in rows if not r["dup_of"]))
    codes = dict(r.split("|") for r in w.sql("SELECT substr(user_id, 8), code FROM initiative").split("\n"))
    copies = [r for r in rows if r["dup_of"]]
    answers = w.ask(*copies)
    found = sum(codes[r["dup_of"]] in [c for c, _, _ in a[:3]] for r, a in zip(copies, answers))
    flagged = sum(dict((c, s) for c, s, _ in a).get(codes[r["dup_of"]], 0) >= FLAG for r, a in zip(copies, answers))
    if found < 0.98 * len(copies) or flagged < 0.9 * len(copies):
        raise Failure(f"of {len(copies)} copies {found} were found and {flagged} flagged")


def test_an_edit_a_withdrawal_and_an_erasure_are_followed(w):
    w.take(lines(TWO))
    question = {"title": "Gương cầu lồi ở góc kho", "description": "Lắp gương cầu lồi để xe nâng khỏi va nhau."}
    w.sql(f"UPDATE initiative SET title = '{question['title']}', description = '{question['description']}', updated_at = now() WHERE user_id = 'import:A1'")
    equal(w.ask(question)[0][0][2], question["title"])
    equal(len(w.ask(TWO[0])[0]), 0)
    w.sql("UPDATE initiative SET status = 'withdrawn' WHERE user_id = 'import:A1'")
    equal(w.ask(question), [[]])
    w.sql("UPDATE initiative SET user_id = 'erased-1', title = NULL, description = NULL, updated_at = now() WHERE user_id = 'import:A2'")
    equal(w.ask(TWO[1]), [[]])
    equal(w.sql("SELECT count(*) FROM initiative_index WHERE user_id LIKE 'erased%' OR user_id = 'import:A2'"), "0")


def test_an_initiative_that_a_turn_holds_holds_up_nothing(w):
    w.take(lines(TWO))
    w.sql("UPDATE initiative SET similar_at = NULL")
    turn = Session(w.postgres, w.database)
    try:
        turn.query("BEGIN")
        turn.query("UPDATE initiative SET updated_at = clock_timestamp() WHERE user_id = 'import:A1'")
        started = time.monotonic()
        equal(w.ask(TWO[1])[0][0][2], TWO[1]["title"])
        if time.monotonic() - started > 10:
            raise Failure("the index waited for the turn")
        equal(w.sql("SELECT user_id FROM initiative WHERE similar_at IS NULL"), "import:A1")
        turn.query("COMMIT")
    finally:
        turn.close()
    equal(w.ask(TWO[0])[0][0][2], TWO[0]["title"])
    equal(w.sql("SELECT count(*) FROM initiative WHERE similar_at IS NULL OR similar_at < updated_at"), "0")


def test_serve_writes_the_index_behind_the_registrations(w):
    w.sql("""INSERT INTO initiative (user_id, id, code, title, description, benefit_kind, submitted_at)
             SELECT 'u' || g, g, 'SK-' || g, 'Khay nam châm số ' || g, 'Gắn khay nam châm dưới chân vịt giữ kim gãy.', 'unknown', now()
             FROM generate_series(1, 450) g""")
    w.bot.start()
    try:
        w.bot.process.wait_until(lambda: w.sql("SELECT count(*) FROM initiative_index") == "450", 30, "it had indexed all")
    finally:
        w.bot.stop()
    equal(w.sql("SELECT count(*) FROM initiative WHERE similar_at IS NULL OR similar_at < updated_at"), "0")


def test_a_check_that_fails_holds_up_none_behind_it(w):
    w.take(lines(TWO))
    w.sql("""CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'refused for the test'; END $$;
             CREATE TRIGGER refuse BEFORE DELETE ON similar_check FOR EACH ROW WHEN (OLD.user_id = 'import:A1') EXECUTE FUNCTION refuse();
             INSERT INTO similar_check SELECT user_id, id, now() - CASE user_id WHEN 'import:A1' THEN interval '2 s' ELSE interval '1 s' END
             FROM initiative""")
    w.bot.start()
    try:
        w.bot.process.wait_until(lambda: w.sql("SELECT string_agg(user_id, ',') FROM similar_check") == "import:A1", 20, "the other was checked")
        w.sql("DROP TRIGGER refuse ON similar_check; UPDATE similar_check SET due_at = now()")
        w.bot.process.wait_until(lambda: w.sql("SELECT count(*) FROM similar_check") == "0", 20, "it was tried again")
    finally:
        w.bot.stop()


def test_without_a_database_it_says_so(w):
    w.bot.env["SANGKIEN_DATABASE_URL"] = "host=/nonexistent dbname=x"
    has(w.run("similar", stdin=lines(TWO), expect=EX_UNAVAILABLE)[1], "cannot reach the database")
    has(w.run("import", "initiatives", w.saved(lines(TWO)), expect=EX_UNAVAILABLE)[1], "cannot reach the database")


if __name__ == "__main__":
    sys.exit(play(World, globals(), sys.argv, __doc__))
