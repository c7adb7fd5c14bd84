/* Names of units as they are registered and as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit_name.h"

static void assert_key(const char *name, const char *want)
{
    char *key = unit_key(NULL, str_of(name));
    char *again = unit_key(NULL, str_of(key));
    if (strcmp(key, want) != 0 || strcmp(again, want) != 0)
        fail_msg("%s: \"%s\", once more \"%s\", wanted \"%s\"", name, key, again, want);
    talloc_free(key);
    talloc_free(again);
}

static void test_what_people_type_is_the_registered_name(void **state)
{
    (void)state;
    static const struct {
        const char *registered, *typed;
    } same[] = {
        {"CĐCS Công ty TNHH Điện tử Bình Minh Xanh", "cty dien tu binh minh xanh"},
        {"CĐCS Công ty TNHH Điện tử Bình Minh Xanh", "Công ty Điện tử Bình Minh Xanh"},
        {"CĐCS Công ty TNHH Điện tử Bình Minh Xanh", "công đoàn công ty TNHH MTV điện tử Bình Minh Xanh"},
        {"CĐCS Công ty TNHH Điện tử Bình Minh Xanh", "Em làm ở C.ty Điện tử Bình Minh Xanh."},
        {"CĐCS Công ty CP May Suối Ngọc", "công ty cổ phần May Suối Ngọc"},
        {"CĐCS Công ty CP May Suối Ngọc", "CTCP may suối ngọc"},
        {"CĐCS Trường THPT Đồi Thông", "trường trung học phổ thông Đồi Thông"},
        {"CĐCS Bệnh viện Đa khoa Hồ Sen Trắng", "BVĐK Hồ Sen Trắng"},
        {"Liên đoàn Lao động thành phố Bắc Giang", "LĐLĐ TP Bắc Giang"},
        {"Công đoàn các Khu công nghiệp tỉnh", "cđ các KCN tỉnh"},
        {"CĐCS Hợp tác xã Môi trường Phố Cũ", "htx môi trường phố cũ"},
    };
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        char *key = unit_key(NULL, str_of(same[i].registered));
        assert_key(same[i].registered, key);
        assert_key(same[i].typed, key);
        talloc_free(key);
    }
}

static void test_what_tells_two_units_apart_stays(void **state)
{
    (void)state;
    assert_key("Tổ công đoàn Chuyền hàn 1", "to cong doan chuyen han 1");
    assert_key("Công đoàn ngành Y tế", "nganh y te");
    assert_key("Xưởng K", "xuong k");
    assert_key("Lá Cọ", "la co");
    assert_key("Công ty Minh Anh", "cong ty minh anh");
    assert_key("Minh Anh", "minh anh");
}

static void test_a_name_of_nothing_but_such_words_keeps_them(void **state)
{
    (void)state;
    assert_key("CĐCS", "cdcs");
    assert_key("Công đoàn", "cong doan");
    assert_key("TNHH MTV", "tnhh mtv");
    assert_key("đơn vị", "don vi");
    assert_key("...", "");
    assert_key("", "");
}

static void test_a_name_without_end_is_bounded(void **state)
{
    (void)state;
    char *longest = talloc_strdup(NULL, "");
    for (int i = 0; i < 500; i++)
        longest = talloc_asprintf_append_buffer(longest, "ubnd ");
    char *key = unit_key(longest, str_of(longest));
    assert_true(strlen(key) < 1000);
    talloc_free(longest);
}

/* The tree of the demo and the tests is loaded by SQL, with the keys written out in it. */
static void test_the_example_tree_has_the_keys_of_its_names(void **state)
{
    (void)state;
    FILE *f = fopen(SOURCE_ROOT "/tests/data/demo-units.sql", "r");
    assert_non_null(f);
    char *line = NULL;
    size_t size = 0, names = 0;
    while (getline(&line, &size, f) > 0) {
        char name[200], key[200];
        if (sscanf(line, " (%*d, '%*[^']', '%199[^']', '%199[^']'", name, key) != 2 && sscanf(line, " (%*d, '%199[^']', '%199[^']')", name, key) != 2)
            continue;
        assert_key(name, key);
        names++;
    }
    free(line);
    fclose(f);
    assert_true(names > 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_people_type_is_the_registered_name),
        cmocka_unit_test(test_what_tells_two_units_apart_stays),
        cmocka_unit_test(test_a_name_of_nothing_but_such_words_keeps_them),
        cmocka_unit_test(test_a_name_without_end_is_bounded),
        cmocka_unit_test(test_the_example_tree_has_the_keys_of_its_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
