#!/usr/bin/env python3
"""Runs `sangkien import units` and `sangkien units` against a private PostgreSQL.

  test_units.py PATH/TO/sangkien [word in a test's name]

One line per test, and at the end `N passed, N failed`."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "lib"))

from command_rig import EX_DATAERR, EX_OK, CommandRig, equal, has, play  # noqa: E402

HEAD = "code,name,parent,level,kind,cluster,members,valid_from,valid_to\n"
TREE = HEAD + """T,Liên đoàn Lao động tỉnh,,1,province_unit,,,2023-01-01,
K,Công đoàn các Khu công nghiệp,T,2,iz_union,Khối KCN,,,
K01,CĐCS Công ty Bình Minh Xanh,K,3,,Cụm 1,1200,,
K02,CĐCS Công ty Sông Thương,K,3,,Cụm 1,800,,
B01,Tổ Chuyền hàn 1,K01,4,,,,,
"""


class World(CommandRig):
    def take(self, text, expect=EX_OK):
        return self.run("import", "units", self.saved(text, "units.csv"), expect=expect)

    def tree(self):
        return self.sql("SELECT string_agg(code || '<' || coalesce((SELECT code FROM union_unit p WHERE p.id = u.parent_id), ''), ' ' "
                        "ORDER BY cardinality(path), code) FROM union_unit u")


# ---- import ----

def test_a_tree_of_any_depth_comes_in_and_comes_in_again(w):
    out, _ = w.take(TREE)
    has(out, "5 units read: 5 new, 0 changed, 0 as they were")
    equal(w.sql("SELECT string_agg(code || cardinality(path), ' ' ORDER BY code) FROM union_unit"), "B014 K2 K013 K023 T1")
    equal(w.sql("SELECT kind, cluster, members, name_key FROM union_unit WHERE code = 'K01'"),
          "grassroots_unit|Cụm 1|1200|cong ty binh minh xanh")
    before = w.sql("SELECT array_agg(id ORDER BY code) FROM union_unit")
    out, _ = w.take(TREE)
    has(out, "0 new, 0 changed, 5 as they were")
    equal(w.sql("SELECT array_agg(id ORDER BY code) FROM union_unit"), before)


def test_children_may_stand_before_their_parents_and_in_a_spreadsheets_own_words(w):
    w.take("Mã;Tên đơn vị;Trực thuộc;Cấp;Cụm;Số đoàn viên;Từ ngày\nK01;CĐCS Một;K;3;Cụm 1;12;01/08/2023\nK;Công đoàn KCN;T;2;;;\nT;Tỉnh;;1;;;\n")
    equal(w.tree(), "T< K<T K01<K")
    equal(w.sql("SELECT valid_from FROM union_unit WHERE code = 'K01'"), "2023-08-01")


def test_all_that_is_wrong_is_said_by_line_with_its_mend_and_nothing_is_stored(w):
    _, err = w.take(HEAD + """T,Tỉnh,,1,,,,,
K,Khu,T,2,,,,,
K,Khu lần hai,T,2,,,,,
A,Một,X9,3,,,,,
B,Hai,K,2,,,,,
C,Ba,K,ba,,,,,
D,Bốn,K,3,club,,,,
E,Năm,K,3,,,nhiều,,
F,Sáu,K,3,,,,2026-02-30,
G,Bảy,K,3,,,,2026-03-01,2026-03-01
H,,K,3,,,,,
,Chín,K,3,,,,,
""", expect=EX_DATAERR)
    has(err, "line 4: the code K stands in line 3 already; remove one", "line 5: there is no unit X9 for A to be below; add it",
        "line 6: B has level 2 and is below K of level 2; mend a level", "line 7: the level ba is none", "line 8: the kind club is not known",
        "line 9: nhiều is no number of members", "line 10: 2026-02-30 is no day", "line 11: valid_to 2026-03-01 is not after",
        "line 12: the name of H has 0 characters", "line 13: the code (none) cannot be used")
    numbers = [int(line.split()[1].rstrip(":")) for line in err.strip().split("\n")]
    equal(numbers, sorted(numbers))
    equal(w.sql("SELECT count(*) FROM union_unit"), "0")


def test_a_circle_is_refused_within_the_file_and_with_what_is_stored(w):
    _, err = w.take(HEAD + "A,Đơn vị A,C,1,,,,,\nB,Đơn vị B,A,2,,,,,\nC,Đơn vị C,B,3,,,,,\n", expect=EX_DATAERR)
    has(err, "line 2: A is below itself: A, which is below C, which is below B, which is below A; mend the parent")
    w.take(TREE)
    _, err = w.take(HEAD + "K,Công đoàn KCN,B01,5,,,,,\n", expect=EX_DATAERR)
    has(err, "line 2: K is below itself")
    equal(w.tree(), "T< K<T K01<K K02<K B01<K01")


def test_parent_and_child_may_change_places(w):
    w.take(HEAD + "T,Tỉnh,,1,,,,,\nA,Đơn vị A,T,2,,,,,\nB,Đơn vị B,A,3,,,,,\n")
    w.take(HEAD + "B,Đơn vị B,T,2,,,,,\nA,Đơn vị A,B,3,,,,,\n")
    equal(w.tree(), "T< B<T A<B")


def test_a_renamed_unit_is_still_found_by_its_old_name(w):
    w.take(TREE)
    w.take(HEAD + "K01,CĐCS Công ty Ánh Sáng,K,3,,Cụm 1,1200,,\n")
    equal(w.sql("SELECT u.name, a.alias, a.alias_key FROM union_unit u JOIN unit_alias a ON a.unit_id = u.id"),
          "CĐCS Công ty Ánh Sáng|CĐCS Công ty Bình Minh Xanh|cong ty binh minh xanh")


def test_a_merged_unit_is_below_the_one_that_took_it_in_from_its_day_on(w):
    w.take(TREE)
    _, err = w.take(HEAD + "K02,CĐCS Công ty Sông Thương,K01,3,,Cụm 1,800,,\n", expect=EX_DATAERR)
    has(err, "give valid_to when it was merged")
    w.take(HEAD + "K02,CĐCS Công ty Sông Thương,K01,3,,Cụm 1,800,,2024-07-01\n")
    equal(w.tree(), "T< K<T K01<K B01<K01 K02<K01")
    w.sql("INSERT INTO person (user_id, full_name, unit_text) VALUES ('a', 'A', 'cđcs công ty sông thương')")
    out, _ = w.run("units", "unmatched")  # its name leads to the one that took it in
    has(out, "K01\tCĐCS Công ty Bình Minh Xanh\t100")


def test_a_column_that_is_missing_leaves_what_is_stored(w):
    w.take(TREE)
    out, _ = w.take("code,name,parent,level\nK01,CĐCS Công ty Bình Minh Xanh,K,3\n")
    has(out, "0 changed, 1 as they were")
    equal(w.sql("SELECT cluster, members FROM union_unit WHERE code = 'K01'"), "Cụm 1|1200")


def test_twenty_thousand_units_come_in_at_once(w):
    rows = ["T,Tỉnh,,1,,,,,"] + [f"U{i},Cấp trên {i},T,2,,,,," for i in range(17)] + [f"G{i},CĐCS số {i},U{i % 17},3,,,,," for i in range(20000)]
    out, _ = w.take(HEAD + "\n".join(rows) + "\n")
    has(out, "20018 new")


# ---- what people typed ----

def test_typed_names_are_queued_and_a_match_gives_people_and_initiatives_the_unit(w):
    w.take(TREE)
    w.sql("""INSERT INTO conversation (user_id) VALUES ('a'), ('b'), ('c');
             INSERT INTO person (user_id, full_name, unit_text) VALUES ('a', 'A', 'Bình  minh xanh cty'), ('b', 'B', 'binh minh xanh CTY'), ('c', 'C', 'Sao Hỏa');
             INSERT INTO initiative (user_id, id, code, benefit_kind, unit_text, submitted_at) VALUES ('a', 1, 'SK-1', 'unknown', 'Bình  minh xanh cty', now()),
             ('a', 2, 'SK-2', 'unknown', 'Sao Hỏa', now())""")
    out, _ = w.run("units", "unmatched")
    rows = [line.split("\t") for line in out.strip().split("\n")]
    equal([r[:2] + r[3:4] for r in rows], [["2", "1", "K01"], ["1", "1", "-"]])
    out, _ = w.run("units", "match", "BÌNH MINH XANH CTY", "K01")
    has(out, "2 people and 1 initiatives are of K01 now")
    equal(w.sql("SELECT string_agg(p.user_id || coalesce(u.code, '-') || coalesce(p.unit_text, ''), ' ' ORDER BY p.user_id) FROM person p "
                "LEFT JOIN union_unit u ON u.id = p.unit_id"), "aK01 bK01 c-Sao Hỏa")
    equal(w.sql("SELECT string_agg(i.id || coalesce(u.code, '-') || i.unit_text, ' ' ORDER BY i.id) FROM initiative i LEFT JOIN union_unit u ON u.id = i.unit_id"),
          "1K01Bình  minh xanh cty 2-Sao Hỏa")
    equal(w.sql("SELECT alias_key FROM unit_alias"), "binh minh xanh cong ty")
    out, _ = w.run("units", "unmatched")
    equal(out.count("\n"), 1)
    _, err = w.run("units", "match", "Sao Hỏa", "X9", expect=EX_DATAERR)
    has(err, "there is no unit with the code X9")


def test_the_examples_of_units_and_of_a_campaign_fit_together(w):
    config = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "config")
    out, _ = w.run("import", "units", os.path.join(config, "units-example.csv"))
    has(out, "6 units read: 6 new")
    equal(w.tree(), "T< K<T N1<T K01<K K02<K K01-1<K01")
    out, _ = w.run("import", "campaign", os.path.join(config, "campaign-example.csv"))
    has(out, "1 campaigns, 3 waves, 3 targets")


if __name__ == "__main__":
    sys.exit(play(World, globals(), sys.argv, __doc__))
