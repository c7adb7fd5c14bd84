/* Tables for people: the same cells in both formats, and nothing of a workbook stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "table/sheet.h"

static char folder[] = "/tmp/sheetXXXXXX";

/* Every temporary file goes into a folder of its own, to see what is left of them. */
static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) && setenv("TMPDIR", folder, 1) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    unsetenv("TMPDIR");
    return rmdir(folder); /* fails when something is in it */
}

static size_t files_left(void)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *d; dir && (d = readdir(dir)) != NULL;)
        n += d->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* All that was written, NUL-terminated; the caller frees. */
static char *table(enum sheet_format format, uint32_t rows_max, int rows, size_t *ret_size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, ret_size);
    struct err e = {0};
    struct sheet *s = sheet_new(NULL, out, format, "Bảng", "Mã|Tên|Số|Ngày|Lúc", rows_max, &e);
    assert_non_null(s);
    for (int i = 0; i < rows; i++) {
        sheet_text(s, STR("SK-1"));
        sheet_text(s, STR("=1+1"));
        sheet_number(s, INT64_C(12345678901));
        sheet_day(s, STR("2023-07-26"));
        sheet_moment(s, INT64_C(1690390800000)); /* 2023-07-26 17:00 UTC */
        sheet_end_row(s);
    }
    assert_int_equal(sheet_rows(s), rows);
    assert_true(sheet_finish(s, &e));
    talloc_free(s);
    fclose(out);
    return text;
}

static void test_a_csv_row_is_guarded_and_in_vietnams_time(void **state)
{
    size_t n;
    char *text = table(SHEET_CSV, 0, 1, &n);
    (void)state;
    assert_string_equal(text, "\xef\xbb\xbf\"Mã\",\"Tên\",\"Số\",\"Ngày\",\"Lúc\"\r\n"
                              "\"SK-1\",\"'=1+1\",12345678901,\"2023-07-26\",\"2023-07-27 00:00\"\r\n");
    free(text);
}

static void test_a_workbook_is_a_container_and_leaves_no_file_behind(void **state)
{
    size_t n;
    char *text = table(SHEET_XLSX, 3, 7, &n); /* four pages: a header and two rows each */
    (void)state;
    assert_true(n > 1000 && memcmp(text, "PK\3\4", 4) == 0);
    assert_non_null(memmem(text, n, "xl/worksheets/sheet4.xml", 24));
    assert_null(memmem(text, n, "xl/worksheets/sheet5.xml", 24));
    assert_int_equal(files_left(), 0);
    free(text);
}

static void test_a_table_given_up_half_way_leaves_no_file_behind(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    struct err e = {0};
    (void)state;
    struct sheet *s = sheet_new(NULL, out, SHEET_XLSX, "Bảng", "Mã", 0, &e);
    assert_non_null(s);
    sheet_text(s, STR("một"));
    sheet_end_row(s);
    assert_int_equal(files_left(), 1);
    talloc_free(s);
    assert_int_equal(files_left(), 0);
    fclose(out);
    assert_int_equal(n, 0);
    free(text);
}

static void test_what_cannot_be_written_is_told(void **state)
{
    static const enum sheet_format formats[] = {SHEET_CSV, SHEET_XLSX};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        FILE *full = fopen("/dev/full", "w");
        struct err e = {0};
        struct sheet *s = sheet_new(NULL, full, formats[i], "Bảng", "Mã", 0, &e);
        assert_non_null(s);
        assert_false(sheet_finish(s, &e));
        assert_int_equal(e.kind, ERR_SYSTEM);
        talloc_free(s);
        fclose(full);
    }
    struct err e = {0};
    setenv("TMPDIR", "/nonexistent", 1);
    assert_null(sheet_new(NULL, stdout, SHEET_XLSX, "Bảng", "Mã", 0, &e));
    assert_non_null(strstr(e.msg, "set TMPDIR"));
    setenv("TMPDIR", folder, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_csv_row_is_guarded_and_in_vietnams_time),
        cmocka_unit_test(test_a_workbook_is_a_container_and_leaves_no_file_behind),
        cmocka_unit_test(test_a_table_given_up_half_way_leaves_no_file_behind),
        cmocka_unit_test(test_what_cannot_be_written_is_told),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
