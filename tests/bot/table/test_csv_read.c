/* Tables as spreadsheets export them: separators, quotes, line ends, and what is wrong is said with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "table/csv_read.h"

struct table {
    FILE *in;
    struct csv_reader reader;
    TALLOC_CTX *ctx;
    struct csv_row row;
    struct err e;
};

static void open_table(struct table *t, struct str text)
{
    *t = (struct table){.in = tmpfile(), .ctx = talloc_new(NULL)};
    assert_non_null(t->in);
    fwrite(text.p, 1, text.n, t->in);
    rewind(t->in);
    assert_true(csv_reader_begin(&t->reader, t->in, &t->e));
}

static void close_table(struct table *t)
{
    fclose(t->in);
    talloc_free(t->ctx);
}

static void expect_row(struct table *t, long line, size_t count, ...)
{
    va_list ap;
    assert_true(csv_reader_next(&t->reader, t->ctx, &t->row, &t->e));
    assert_int_equal(t->reader.line, line);
    assert_int_equal(t->row.count, count);
    va_start(ap, count);
    for (size_t i = 0; i < count; i++) {
        struct str want = str_of(va_arg(ap, const char *));
        if (!str_eq(t->row.cell[i], want))
            fail_msg("cell %zu of line %ld is \"%.*s\", wanted \"%.*s\"", i, line, STR_ARG(t->row.cell[i]), STR_ARG(want));
    }
    va_end(ap);
}

static void expect_end(struct table *t)
{
    assert_false(csv_reader_next(&t->reader, t->ctx, &t->row, &t->e));
    assert_int_equal(t->e.kind, ERR_NONE);
}

static void test_excel_and_libreoffice_write_the_same_table_differently(void **state)
{
    (void)state;
    static const char *const texts[] = {"a,b\n1,2\n", "\357\273\277a;b\r\n1;2\r\n", "a\tb\n1\t2", "\"a\",\"b\"\r\n\"1\",\"2\""};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct table t;
        open_table(&t, str_of(texts[i]));
        expect_row(&t, 1, 2, "a", "b");
        expect_row(&t, 2, 2, "1", "2");
        expect_end(&t);
        close_table(&t);
    }
}

static void test_quoted_cells_hold_separators_quotes_and_line_breaks(void **state)
{
    (void)state;
    struct table t;
    open_table(&t, STR("x,\"one, \"\"two\"\"\nthree\",\r\n\n,,\nlast,\"\",5 \"inch\""));
    expect_row(&t, 1, 3, "x", "one, \"two\"\nthree", "");
    expect_row(&t, 4, 3, "", "", "");
    expect_row(&t, 5, 3, "last", "", "5 \"inch\"");
    expect_end(&t);
    close_table(&t);
}

static void test_the_guard_of_our_own_export_comes_off(void **state)
{
    (void)state;
    struct table t;
    open_table(&t, STR("'=1+1,'a,'-5\n"));
    expect_row(&t, 1, 3, "=1+1", "'a", "-5");
    close_table(&t);
}

static void test_what_cannot_be_read_is_said(void **state)
{
    (void)state;
    struct table t;
    open_table(&t, STR("a,b\n1,\"never ends\nmore"));
    expect_row(&t, 1, 2, "a", "b");
    assert_false(csv_reader_next(&t.reader, t.ctx, &t.row, &t.e));
    assert_int_equal(t.e.kind, ERR_INVALID);
    assert_int_equal(t.reader.line, 2);
    close_table(&t);

    FILE *in = tmpfile();
    struct csv_reader r;
    struct err e;
    fwrite("\xff\xfe" "a\0", 1, 4, in);
    rewind(in);
    assert_false(csv_reader_begin(&r, in, &e));
    assert_non_null(strstr(e.msg, "UTF-16"));
    fclose(in);
}

static void test_lost_letters_are_refused_and_the_next_row_is_read(void **state)
{
    (void)state;
    struct table t;
    open_table(&t, STR("name\nC\xf4ng \xf0o\xe0n\nC\xEF\xBF\xBDng\nCông đoàn\n"));
    expect_row(&t, 1, 1, "name");
    for (int line = 2; line <= 3; line++) {
        assert_false(csv_reader_next(&t.reader, t.ctx, &t.row, &t.e));
        assert_int_equal(t.e.kind, ERR_INVALID);
        assert_non_null(strstr(t.e.msg, "UTF-8"));
        assert_int_equal(t.reader.line, line);
    }
    expect_row(&t, 4, 1, "Công đoàn");
    close_table(&t);
}

static void test_an_endless_row_is_refused(void **state)
{
    (void)state;
    FILE *in = tmpfile();
    struct csv_reader r;
    struct csv_row row;
    struct err e;
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (int i = 0; i < CSV_ROW_BYTES_MAX + 10; i++)
        putc('x', in);
    fputs("\nnext\n", in);
    rewind(in);
    assert_true(csv_reader_begin(&r, in, &e));
    assert_false(csv_reader_next(&r, ctx, &row, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_true(csv_reader_next(&r, ctx, &row, &e));
    assert_true(str_eq(row.cell[0], STR("next")));
    fclose(in);
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_excel_and_libreoffice_write_the_same_table_differently),
        cmocka_unit_test(test_quoted_cells_hold_separators_quotes_and_line_breaks),
        cmocka_unit_test(test_the_guard_of_our_own_export_comes_off),
        cmocka_unit_test(test_what_cannot_be_read_is_said),
        cmocka_unit_test(test_lost_letters_are_refused_and_the_next_row_is_read),
        cmocka_unit_test(test_an_endless_row_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
