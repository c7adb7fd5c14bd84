/* Sums written out: dots, short form, words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "amount.h"

typedef char *write_fn(TALLOC_CTX *ctx, int64_t vnd);

struct written {
    int64_t vnd;
    const char *want;
};

static void check(write_fn *write, const struct written *cases, size_t n)
{
    void *ctx = talloc_new(NULL);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(write(ctx, cases[i].vnd), cases[i].want);
    talloc_free(ctx);
}

static void test_digits_have_a_dot_before_each_group_of_three(void **state)
{
    (void)state;
    static const struct written cases[] = {
        {0, "0"}, {7, "7"}, {999, "999"}, {1000, "1.000"}, {54746, "54.746"}, {60000000, "60.000.000"},
        {INT64_C(1000000000000), "1.000.000.000.000"}, {-1, "-1"}, {-1000, "-1.000"},
        {INT64_MAX, "9.223.372.036.854.775.807"}, {INT64_MIN, "-9.223.372.036.854.775.808"},
    };
    check(amount_digits, cases, ARRAY_LEN(cases));
}

static void test_the_short_form_leaves_out_empty_units(void **state)
{
    (void)state;
    static const struct written cases[] = {
        {0, "0 đồng"}, {500, "500 đồng"}, {1000, "1 nghìn đồng"}, {54746, "54 nghìn 746 đồng"}, {60000000, "60 triệu đồng"},
        {2350000000, "2 tỷ 350 triệu đồng"}, {1000000001, "1.000.000.001 đồng"}, {1000001000, "1 tỷ 1 nghìn đồng"}, {INT64_C(1000000000000), "1.000 tỷ đồng"},
        {-2500000, "-2 triệu 500 nghìn đồng"},
    };
    check(amount_short, cases, ARRAY_LEN(cases));
}

static void test_words_follow_the_usual_rules(void **state)
{
    (void)state;
    static const struct written cases[] = {
        {0, "không đồng"},
        {1, "một đồng"},
        {4, "bốn đồng"},
        {5, "năm đồng"},
        {10, "mười đồng"},
        {11, "mười một đồng"},
        {14, "mười bốn đồng"},
        {15, "mười lăm đồng"},
        {20, "hai mươi đồng"},
        {21, "hai mươi mốt đồng"},
        {24, "hai mươi tư đồng"},
        {25, "hai mươi lăm đồng"},
        {100, "một trăm đồng"},
        {101, "một trăm linh một đồng"},
        {104, "một trăm linh bốn đồng"},
        {105, "một trăm linh năm đồng"},
        {110, "một trăm mười đồng"},
        {115, "một trăm mười lăm đồng"},
        {121, "một trăm hai mươi mốt đồng"},
        {1000, "một nghìn đồng"},
        {1005, "một nghìn không trăm linh năm đồng"},
        {1050, "một nghìn không trăm năm mươi đồng"},
        {90000, "chín mươi nghìn đồng"},
        {1050000, "một triệu không trăm năm mươi nghìn đồng"},
        {1000005, "một triệu không nghìn không trăm linh năm đồng"},
        {1005000, "một triệu không trăm linh năm nghìn đồng"},
        {INT64_C(3680000092), "ba tỷ sáu trăm tám mươi triệu không nghìn không trăm chín mươi hai đồng"},
        {2350000000, "hai tỷ ba trăm năm mươi triệu đồng"},
        {INT64_C(12345678901), "mười hai tỷ ba trăm bốn mươi lăm triệu sáu trăm bảy mươi tám nghìn chín trăm linh một đồng"},
        {INT64_C(1000000000000), "một nghìn tỷ đồng"},
        {INT64_C(1005000000000), "một nghìn không trăm linh năm tỷ đồng"},
        {-15, "âm mười lăm đồng"},
    };
    check(amount_words, cases, ARRAY_LEN(cases));
}

static void test_the_ends_of_int64_are_written(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    assert_non_null(amount_words(ctx, INT64_MIN));
    assert_non_null(amount_short(ctx, INT64_MIN));
    assert_non_null(amount_words(ctx, INT64_MAX));
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digits_have_a_dot_before_each_group_of_three),
        cmocka_unit_test(test_the_short_form_leaves_out_empty_units),
        cmocka_unit_test(test_words_follow_the_usual_rules),
        cmocka_unit_test(test_the_ends_of_int64_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
