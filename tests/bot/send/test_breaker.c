/* The circuit breaker: when it opens, what goes meanwhile, when it closes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "send/breaker.h"

static void hear(struct breaker *b, int calls, bool answered)
{
    for (int i = 0; i < calls; i++)
        breaker_heard(b, answered, 0);
}

static void test_it_opens_when_more_than_half_of_twenty_calls_failed(void **state)
{
    struct breaker b = {0};
    (void)state;
    hear(&b, 10, true);
    hear(&b, 10, false);
    assert_false(b.open); /* half */
    assert_true(breaker_heard(&b, false, 0)); /* the oldest is forgotten: eleven of twenty */
    assert_true(b.open);
}

static void test_a_few_failures_at_the_start_open_nothing(void **state)
{
    struct breaker b = {0};
    (void)state;
    hear(&b, 19, false);
    assert_false(b.open);
    assert_int_equal(breaker_wait_ms(&b, 0), 0);
}

static void test_while_it_is_open_one_call_a_second_goes(void **state)
{
    struct breaker b = {0};
    (void)state;
    hear(&b, 19, false);
    breaker_heard(&b, false, 500);
    assert_int_equal(breaker_wait_ms(&b, 500), 1000);
    assert_int_equal(breaker_wait_ms(&b, 1499), 1);
    assert_int_equal(breaker_wait_ms(&b, 1500), 0);
    breaker_called(&b, 1500);
    assert_int_equal(breaker_wait_ms(&b, 1501), 999);
    assert_false(breaker_heard(&b, false, 1600)); /* nor does a failure change that */
    assert_int_equal(breaker_wait_ms(&b, 1600), 900);
}

static void test_one_answer_closes_it_and_the_failures_before_are_forgotten(void **state)
{
    struct breaker b = {0};
    (void)state;
    hear(&b, 25, false);
    assert_true(breaker_heard(&b, true, 0));
    assert_false(b.open);
    hear(&b, 19, false);
    assert_false(b.open);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_opens_when_more_than_half_of_twenty_calls_failed),
        cmocka_unit_test(test_a_few_failures_at_the_start_open_nothing),
        cmocka_unit_test(test_while_it_is_open_one_call_a_second_goes),
        cmocka_unit_test(test_one_answer_closes_it_and_the_failures_before_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
