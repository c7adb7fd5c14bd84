/* Figures as people read them: half up, whole numbers only, Vietnamese grouping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "standing/standing_figures.h"
#include "standing_store.h"

static void test_per_cent_has_one_decimal_half_up(void **state)
{
    (void)state;
    assert_int_equal(standing_tenths(1892577, 1000000), 1893); /* the programme's own figure: 189.3 % */
    assert_int_equal(standing_tenths(1, 8), 125);
    assert_int_equal(standing_tenths(1, 3), 333);
    assert_int_equal(standing_tenths(2, 3), 667);
    assert_int_equal(standing_tenths(5, 10000), 1); /* 0.05 % */
    assert_int_equal(standing_tenths(4, 10000), 0);
    assert_int_equal(standing_tenths(0, 7), 0);
    assert_int_equal(standing_tenths(7, 0), -1); /* no target */
}

static void test_shares_of_sums_longer_than_a_number_are_right(void **state)
{
    (void)state;
    assert_int_equal(standing_share("5", "40"), 125);
    assert_int_equal(standing_share("0", "0"), 0);
    assert_int_equal(standing_share("125000000000000000000000", "1000000000000000000000000"), 125);
    assert_int_equal(standing_share("1", "1000000000000000000000000"), 0);
}

static void test_thousands_are_apart_by_dots(void **state)
{
    (void)state;
    TALLOC_CTX *tmp = talloc_new(NULL);
    assert_string_equal(standing_grouped(tmp, "0"), "0");
    assert_string_equal(standing_grouped(tmp, "54746"), "54.746");
    assert_string_equal(standing_grouped(tmp, "1892577"), "1.892.577");
    assert_string_equal(standing_grouped(tmp, "33000000000000"), "33.000.000.000.000");
    talloc_free(tmp);
}

static void test_what_is_missing_is_shared_among_the_days_left_rounded_up(void **state)
{
    (void)state;
    struct standing_row row = {.target = 120, .counted = 68};
    struct standing_wave wave = {.id = 1, .days_left = 9};
    assert_int_equal(standing_missing(&row), 52);
    assert_int_equal(standing_daily(&row, &wave), 6); /* 5.8 */
    wave.days_left = 0;
    assert_int_equal(standing_daily(&row, &wave), 0);
    row.counted = 121;
    assert_int_equal(standing_missing(&row), 0);
    row.target = 0;
    assert_int_equal(standing_missing(&row), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_per_cent_has_one_decimal_half_up),
        cmocka_unit_test(test_shares_of_sums_longer_than_a_number_are_right),
        cmocka_unit_test(test_thousands_are_apart_by_dots),
        cmocka_unit_test(test_what_is_missing_is_shared_among_the_days_left_rounded_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
