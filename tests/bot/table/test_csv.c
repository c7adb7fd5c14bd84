/* Exports: a cell comes back as it was, and none is a formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "table/csv.h"

/* What csv_text() writes for the text, without the quotes around; the caller frees. */
static char *written(struct str text)
{
    char *out = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&out, &n);
    struct csv csv = {.out = f};
    csv_text(&csv, text);
    fclose(f);
    assert_true(n >= 2 && out[0] == '"' && out[n - 1] == '"');
    out[n - 1] = '\0';
    memmove(out, out + 1, n - 1);
    return out;
}

static void test_text_that_would_be_a_formula_gets_an_apostrophe(void **state)
{
    static const struct {
        const char *in, *want, *why;
    } cases[] = {
        {"=1+1", "'=1+1", "a formula"},
        {"+84912345678", "'+84912345678", "plus"},
        {"-5", "'-5", "minus"},
        {"- a list", "'- a list", "at the start of a cell a dash always counts"},
        {"@SUM(A1)", "'@SUM(A1)", "at"},
        {"\t=1", "'\t'=1", "a tab is trimmed, or begins a new cell"},
        {"\r=1", "'\r'=1", "carriage return"},
        {"\nx", "'\nx", "line feed first"},
        {"\xef\xbc\x9d""1", "'\xef\xbc\x9d""1", "full-width equals"},
        {"\xef\xbc\x8b""1", "'\xef\xbc\x8b""1", "full-width plus"},
        {"\xef\xbc\x8d""1", "'\xef\xbc\x8d""1", "full-width minus"},
        {"\xef\xbc\xa0""A", "'\xef\xbc\xa0""A", "full-width at"},
        {"  =1", "'  =1", "blanks are trimmed by some"},
        {"\xc2\xa0=1", "'\xc2\xa0=1", "no-break space"},
        {"\xe2\x80\x8b=1", "'\xe2\x80\x8b=1", "zero-width space"},
        {"\xef\xbb\xbf=1", "'\xef\xbb\xbf=1", "byte-order mark"},
        {"'=1", "''=1", "an apostrophe of the writer's own, so that reading back is clear"},
        {"\"=1", "'\"\"=1", "a quote first"},
        {"a;=cmd|' /C calc'!A0", "a;'=cmd|' /C calc'!A0", "a new cell where ; separates"},
        {"a\n=1", "a\n'=1", "a new row where the quotes are not understood"},
        {"a\n- one\n- two", "a\n- one\n- two", "a list inside a text stays a list"},
        {"a\n-1", "a\n'-1", "a number after a line break"},
        {"a\n+cmd", "a\n'+cmd", "plus after a line break"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = written(str_of(cases[i].in));
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s: %s became %s, wanted %s", cases[i].why, cases[i].in, got, cases[i].want);
        free(got);
    }
}

static void test_ordinary_text_stays_as_it_is(void **state)
{
    static const char *const cases[] = {"Gá kẹp nhanh cho máy dập", "50 triệu", "a=b", "x - y", "a@b.vn", "'quoted'", "2+2", "", "một, hai; ba", "SK-7K2M9P"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *got = written(str_of(cases[i]));
        assert_string_equal(got, cases[i]);
        free(got);
    }
}

static void test_quotes_are_doubled_and_nul_is_left_out(void **state)
{
    (void)state;
    char *got = written((struct str){"a\"b\0c", 5});
    assert_string_equal(got, "a\"\"bc");
    free(got);
}

static void test_a_table_is_rfc_4180_with_a_byte_order_mark(void **state)
{
    char *out = NULL;
    size_t n = 0;
    (void)state;
    FILE *f = open_memstream(&out, &n);
    struct csv csv;
    csv_begin(&csv, f);
    csv_text(&csv, STR("Tên"));
    csv_text(&csv, STR("Số"));
    csv_end_row(&csv);
    csv_text(&csv, STR("a,b"));
    csv_number(&csv, -50000000);
    csv_end_row(&csv);
    assert_true(csv_finish(&csv, NULL));
    fclose(f);
    assert_string_equal(out, "\xef\xbb\xbf\"Tên\",\"Số\"\r\n\"a,b\",-50000000\r\n");
    free(out);
}

static void test_a_full_disk_is_told(void **state)
{
    struct err e;
    struct csv csv;
    (void)state;
    FILE *f = fopen("/dev/full", "w");
    if (!f)
        skip();
    csv_begin(&csv, f);
    csv_text(&csv, STR("x"));
    csv_end_row(&csv);
    assert_false(csv_finish(&csv, &e));
    assert_int_equal(e.kind, ERR_SYSTEM);
    fclose(f);
}

/* ---- round trip ---- */

static bool dull(const char *p, size_t n, size_t *ret)
{
    static const char *const skipped[] = {" ", "'", "\"", "\xc2\xa0", "\xc2\xad", "\xe2\x80\x8b", "\xe2\x80\x8c", "\xe2\x80\x8d", "\xe2\x81\xa0", "\xe3\x80\x80", "\xef\xbb\xbf"};
    for (size_t i = 0; i < ARRAY_LEN(skipped); i++) {
        *ret = strlen(skipped[i]);
        if (n >= *ret && memcmp(p, skipped[i], *ret) == 0)
            return true;
    }
    return false;
}

/* Does a spreadsheet begin a formula here? */
static bool formula(const char *p, size_t n)
{
    static const char *const starts[] = {"=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0"};
    for (size_t i = 0; i < ARRAY_LEN(starts); i++)
        if (n >= strlen(starts[i]) && memcmp(p, starts[i], strlen(starts[i])) == 0)
            return true;
    return false;
}

static void test_random_cells_never_begin_a_formula_and_lose_nothing(void **state)
{
    static const char *const piece[] = {"=", "+", "-", "@", "\t", "\r", "\n", ";", ",", "\"", "'", " ", "a", "1", "\xef\xbc\x9d", "\xef\xbc\x8b",
                                        "\xe2\x80\x8b", "\xc2\xa0", "ệ"};
    unsigned seed = 20261123;
    (void)state;
    for (int round = 0; round < 200000; round++) {
        char in[64];
        size_t n = 0, pieces = (size_t)rand_r(&seed) % 12;
        for (size_t i = 0; i < pieces; i++) {
            const char *p = piece[(size_t)rand_r(&seed) % ARRAY_LEN(piece)];
            memcpy(in + n, p, strlen(p));
            n += strlen(p);
        }
        char *out = written((struct str){in, n});
        /* Unquote. */
        char cell[160];
        size_t m = 0;
        for (const char *p = out; *p; p++) {
            if (*p == '"')
                assert_int_equal(*++p, '"');
            cell[m++] = *p;
        }
        /* Nothing begins a formula at the start. */
        assert_false(formula(cell, m));
        assert_false(m > 0 && strchr("\t\r\n", cell[0]));
        /* Without apostrophes both are the same. */
        char a[160], b[160];
        size_t an = 0, bn = 0;
        for (size_t i = 0; i < n; i++)
            if (in[i] != '\'')
                a[an++] = in[i];
        for (size_t i = 0; i < m; i++)
            if (cell[i] != '\'')
                b[bn++] = cell[i];
        assert_int_equal(an, bn);
        assert_memory_equal(a, b, an);
        /* An equals sign after a break, with anything dull between, has an apostrophe among the dull. */
        for (size_t i = 0; i < m; i++) {
            if (i > 0 && !strchr("\t\r\n;", cell[i - 1]))
                continue;
            size_t at = i, step;
            bool guarded = false;
            while (dull(cell + at, m - at, &step)) {
                guarded |= cell[at] == '\'';
                at += step;
            }
            if (at < m && (cell[at] == '=' || cell[at] == '@'))
                assert_true(guarded);
        }
        free(out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_that_would_be_a_formula_gets_an_apostrophe),
        cmocka_unit_test(test_ordinary_text_stays_as_it_is),
        cmocka_unit_test(test_quotes_are_doubled_and_nul_is_left_out),
        cmocka_unit_test(test_a_table_is_rfc_4180_with_a_byte_order_mark),
        cmocka_unit_test(test_a_full_disk_is_told),
        cmocka_unit_test(test_random_cells_never_begin_a_formula_and_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
