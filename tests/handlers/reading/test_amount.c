/* The amount reader against the labelled lines, against lines derived from each rule, and what the questions need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "amount.h"
#include "table.h"

static int wrong_lines(const char *path, int *ret_lines)
{
    struct table t;
    int wrong = 0;
    *ret_lines = 0;
    table_open(&t, path);
    while (table_next(&t, true)) {
        struct amount a = amount_read(t.column[0]);
        char annual[24] = "";
        if (a.has_annual)
            snprintf(annual, sizeof(annual), "%" PRId64, a.annual_vnd);
        (*ret_lines)++;
        if (str_eq(t.column[1], str_of(amount_kind_name(a.kind))) && str_eq(t.column[2], str_of(annual)))
            continue;
        wrong++;
        print_error("%s:%d: \"%.*s\" (%.*s): want %.*s %.*s, got %s %s\n", path, t.number, STR_ARG(t.column[0]),
                    STR_ARG(t.column[3]), STR_ARG(t.column[1]), STR_ARG(t.column[2]), amount_kind_name(a.kind), annual);
    }
    table_close(&t);
    return wrong;
}

static void test_every_labelled_amount_is_read_as_labelled(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/data/vi-amounts.tsv", &lines), 0);
    assert_int_equal(lines, 306);
}

static void test_every_rule_holds_on_lines_written_for_it(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/handlers/reading/amounts-more.tsv", &lines), 0);
    assert_true(lines >= 300);
}

static bool same_reading(struct amount a, struct amount b)
{
    return a.kind == b.kind && a.has_annual == b.has_annual && a.annual_vnd == b.annual_vnd && a.ask == b.ask;
}

static void test_normal_form_and_politeness_change_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {SOURCE_ROOT "/tests/data/vi-amounts.tsv",
                                        SOURCE_ROOT "/tests/handlers/reading/amounts-more.tsv"};
    int wrong = 0;
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        struct table t;
        table_open(&t, paths[p]);
        while (table_next(&t, true)) {
            struct amount plain = amount_read(t.column[0]);
            utf8proc_uint8_t *nfd = NULL;
            utf8proc_map((const utf8proc_uint8_t *)t.column[0].p, (utf8proc_ssize_t)t.column[0].n, &nfd,
                         UTF8PROC_DECOMPOSE);
            char *polite = talloc_asprintf(NULL, "Dạ %.*s ạ", STR_ARG(t.column[0]));
            if (!same_reading(plain, amount_read(str_of((const char *)nfd))) ||
                !same_reading(plain, amount_read(str_of(polite)))) {
                wrong++;
                print_error("%s:%d: \"%s\" reads otherwise\n", paths[p], t.number, polite);
            }
            talloc_free(polite);
            free(nfd);
        }
        table_close(&t);
    }
    assert_int_equal(wrong, 0);
}

static void test_unclear_amounts_offer_the_readings_as_choices(void **state)
{
    (void)state;
    static const struct { const char *text; enum amount_ask ask; int64_t choice[AMOUNT_CHOICES_MAX]; } cases[] = {
        {"50", ASK_UNIT, {50000, 50000000, INT64_C(50000000000)}},
        {"50/tháng", ASK_UNIT, {600000, 600000000, INT64_C(600000000000)}},
        {"1,5", ASK_UNIT, {1500, 1500000, 1500000000}},
        {"1500", ASK_UNIT, {1500000, 1500000000}},
        {"500.000", ASK_UNIT, {500000, 500000000}},
        {"200000", ASK_UNIT, {200000, 200000000}},
        {"20-30", ASK_UNIT, {20000, 20000000, INT64_C(20000000000)}},
        {"50m", ASK_UNIT, {50000, 50000000, INT64_C(50000000000)}},
        {"40 tirệu", ASK_UNIT, {40000, 40000000, INT64_C(40000000000)}},
        {"2tr25", ASK_TWO_WAYS, {2250000, 2025000}},
        {"1 tỷ 25", ASK_TWO_WAYS, {1250000000, 1025000000}},
        {"1,250 triệu", ASK_TWO_WAYS, {1250000, 1250000000}},
        {"1,500 tỷ", ASK_TWO_WAYS, {1500000000}}, /* 1500 tỷ is above L2 */
        {"20 300 triệu", ASK_TWO_WAYS, {20000000, INT64_C(20300000000)}},
        {"2 triệu năm", ASK_YEAR_OR_HALF, {2000000, 2500000}},
        {"1 tỷ 200 triệu năm", ASK_YEAR_OR_HALF, {1200000000, 1200500000}},
        {"50.00.000", ASK_AGAIN, {0}},
        {"vài triệu", ASK_VAGUE, {0}},
        {"20 triệu/tuần", ASK_WHOLE_YEAR, {0}},
        {"giảm 30% chi phí", ASK_WHOLE_YEAR, {0}},
        {"20 triệu và 10 triệu", ASK_TOTAL, {0}},
        {"0 đồng", ASK_ZERO, {0}},
        {"-50 triệu", ASK_ZERO, {0}},
        {"50đ", ASK_ODD_SIZE, {0}},
        {"2000 tỷ", ASK_ODD_SIZE, {0}},
        {"1000 USD", ASK_FOREIGN, {0}},
        {"200k/ngày", ASK_DAYS, {0}},
        {"200k/ca", ASK_SHIFTS, {0}},
        {"chưa tính", ASK_AGAIN, {0}},
        {"50 triệu", ASK_NOTHING, {0}},
        {"không tính bằng tiền được", ASK_NOTHING, {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct amount a = amount_read(str_of(cases[i].text));
        bool same = a.ask == cases[i].ask && memcmp(a.choice, cases[i].choice, sizeof(a.choice)) == 0;
        if (!same)
            print_error("\"%s\": want ask %d, got %d with %" PRId64 " %" PRId64 " %" PRId64 "\n", cases[i].text, cases[i].ask,
                        a.ask, a.choice[0], a.choice[1], a.choice[2]);
        assert_true(same);
    }
}

static void test_bounds_and_rates_are_kept_as_typed(void **state)
{
    (void)state;
    struct amount a = amount_read(STR("2-3 triệu/tháng"));
    assert_int_equal(a.lo_vnd, 2000000);
    assert_int_equal(a.hi_vnd, 3000000);
    assert_int_equal(a.annual_vnd, 24000000);
    assert_int_equal(a.ask, ASK_LOWER_BOUND);
    a = amount_read(STR("dưới 50 triệu"));
    assert_false(a.has_annual);
    assert_int_equal(a.lo_vnd, 0);
    assert_int_equal(a.hi_vnd, 50000000);
    assert_int_equal(a.ask, ASK_UPPER_BOUND);
    a = amount_read(STR("20 triệu/quý"));
    assert_int_equal(a.unit_vnd, 20000000);
    a = amount_read(STR("200k/ngày, 280 ngày/năm"));
    assert_int_equal(a.unit_vnd, 200000);
    assert_int_equal(a.ask, ASK_NOTHING);
    a = amount_read(STR("50 triệu/năm"));
    assert_int_equal(a.unit_vnd, 0);
}

static void test_odd_sizes_are_asked_twice(void **state)
{
    (void)state;
    assert_true(amount_read(STR("90.000đ")).double_check);
    assert_false(amount_read(STR("100.000đ")).double_check);
    assert_false(amount_read(STR("10 tỷ")).double_check);
    assert_true(amount_read(STR("10 tỷ 1 triệu")).double_check);
    assert_true(amount_read(STR("1000 tỷ")).double_check);
    assert_false(amount_read(STR("vài triệu")).double_check);
}

static void test_counts_of_days_and_shifts(void **state)
{
    (void)state;
    static const struct { const char *text; int want; } cases[] = {
        {"300", 300}, {"khoảng 300 ngày ạ", 300}, {"22 ngày/tháng", 264}, {"22 ngày mỗi tháng", 264}, {"mỗi tháng 26 ca", 312},
        {"280 ngày một năm", 280}, {"300 ngày/năm", 300}, {"một năm 300 ngày", 300}, {"600 ca", 600}, {"ba trăm", 300},
        {"hai trăm sáu mươi tư", 264}, {"1", 1}, {"5000", 5000},
        {"0", 0}, {"5001", 0}, {"-5", 0}, {"", 0}, {"không biết", 0}, {"50tr", 0}, {"20-25 ngày", 0}, {"1,5", 0}, {"300 ngày 2 ca", 0},
        {"5 ngày/tuần", 0}, {"99999999999999999999", 0}, {"417 ngày/tháng", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int count = 0;
        bool found = amount_read_count(str_of(cases[i].text), &count);
        if (found != (cases[i].want > 0) || count != cases[i].want)
            print_error("\"%s\": want %d, got %d\n", cases[i].text, cases[i].want, count);
        assert_int_equal(found, cases[i].want > 0);
        assert_int_equal(count, cases[i].want);
    }
}

static void test_no_text_is_too_long_or_too_broken_to_read(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, '9', sizeof(text));
    assert_int_equal(amount_read((struct str){text, sizeof(text)}).kind, AMOUNT_AMBIGUOUS);
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
        memcpy(text + i, "1tr", 3);
    assert_int_equal(amount_read((struct str){text, sizeof(text)}).kind, AMOUNT_AMBIGUOUS);
    assert_int_equal(amount_read((struct str){NULL, 0}).kind, AMOUNT_NONE);
    assert_int_equal(amount_read(STR("\xff\xfe 50tr \xc3")).annual_vnd, 50000000);
}

static void test_the_answers_read_back_are_understood_again(void **state)
{
    (void)state;
    static const int64_t sums[] = {1000, 20000, 105000, 250000, 999999, 1000000, 1050000, 2350000, 15000000, 21000000, 24000000, 64500000,
                                   105000000, 111000000, 120000000, 1000000000, 1005000000, 2350000000, 54746000000, 999999999999, 1000000000000};
    void *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        char *forms[] = {amount_words(ctx, sums[i]), amount_short(ctx, sums[i]),
                         talloc_asprintf(ctx, "%s đồng", amount_digits(ctx, sums[i]))};
        for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
            if (strchr(forms[f], '.') && strstr(forms[f], "tỷ")) /* "1.000 tỷ" has two readings (S3) */
                continue;
            struct amount a = amount_read(str_of(forms[f]));
            if (a.kind != AMOUNT_EXACT || a.annual_vnd != sums[i])
                print_error("\"%s\": got %s %" PRId64 "\n", forms[f], amount_kind_name(a.kind), a.annual_vnd);
            assert_int_equal(a.kind, AMOUNT_EXACT);
            assert_int_equal(a.annual_vnd, sums[i]);
        }
    }
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_labelled_amount_is_read_as_labelled),
        cmocka_unit_test(test_every_rule_holds_on_lines_written_for_it),
        cmocka_unit_test(test_normal_form_and_politeness_change_nothing),
        cmocka_unit_test(test_unclear_amounts_offer_the_readings_as_choices),
        cmocka_unit_test(test_bounds_and_rates_are_kept_as_typed),
        cmocka_unit_test(test_odd_sizes_are_asked_twice),
        cmocka_unit_test(test_counts_of_days_and_shifts),
        cmocka_unit_test(test_no_text_is_too_long_or_too_broken_to_read),
        cmocka_unit_test(test_the_answers_read_back_are_understood_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
