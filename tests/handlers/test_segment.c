/* Segments: what is read, what it holds for, what is refused with which sentence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "segment.h"

static struct segment parse(TALLOC_CTX *ctx, const char *text)
{
    struct segment s;
    struct err e = {0};
    if (!segment_parse(ctx, str_of(text), &s, &e))
        fail_msg("%s: %s", text, e.msg);
    return s;
}

/* Whether the segment holds when exactly those of its conditions hold whose bits are set. */
static bool holds(const struct segment *s, unsigned facts)
{
    return s->truth >> facts & 1;
}

static void test_a_condition_stands_for_itself_with_its_argument(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct segment s = parse(ctx, "unit KCN-VT.2");
    assert_int_equal(s.count, 1);
    assert_string_equal(s.condition[0].kind, "unit");
    assert_string_equal(s.condition[0].arg, "KCN-VT.2");
    assert_false(holds(&s, 0));
    assert_true(holds(&s, 1));
    talloc_free(ctx);
}

static void test_and_binds_closer_than_or_and_not_closest(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct segment s = parse(ctx, "draft or returned and not silent 14");
    for (unsigned facts = 0; facts < 8; facts++) {
        bool draft = facts & 1, returned = facts & 2, is_silent = facts & 4;
        assert_int_equal(holds(&s, facts), draft || (returned && !is_silent));
    }
    talloc_free(ctx);
}

static void test_parentheses_and_double_negation_are_obeyed(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct segment s = parse(ctx, "registered and not(initiative or(draft and not not returned))");
    for (unsigned facts = 0; facts < 16; facts++) {
        bool registered = facts & 1, initiative = facts & 2, draft = facts & 4, returned = facts & 8;
        assert_int_equal(holds(&s, facts), registered && !(initiative || (draft && returned)));
    }
    talloc_free(ctx);
}

static void test_a_condition_named_twice_is_one_and_another_argument_is_another(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct segment s = parse(ctx, "silent 7 and not silent 30 and silent 7");
    assert_int_equal(s.count, 2);
    assert_true(holds(&s, 1));
    assert_false(holds(&s, 3));
    talloc_free(ctx);
}

static void test_six_conditions_fit(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct segment s = parse(ctx, "registered and initiative and draft and returned and silent 7 and role support");
    assert_int_equal(s.count, 6);
    for (unsigned facts = 0; facts < 64; facts++)
        assert_int_equal(holds(&s, facts), facts == 63);
    talloc_free(ctx);
}

static void test_what_is_no_segment_is_refused_with_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "at the end"},
        {"everyone", "instead of \"everyone\""},
        {"draft and", "at the end"},
        {"draft returned", "expected and, or, or the end"},
        {"(draft", "expected ) at the end"},
        {"draft)", "instead of \")\""},
        {"silent", "a number of days after silent"},
        {"silent many", "a number of days after silent"},
        {"silent 0", "a number of days after silent"},
        {"silent 99999", "a number of days after silent"},
        {"unit )", "the code of a unit after unit"},
        {"role boss", "support, reviewer, unit_admin or organizer after role"},
        {"silent 1 or silent 2 or silent 3 or silent 4 or silent 5 or silent 6 or silent 7", "more than 6 different conditions"},
        {"((((((((((((((((((((((draft", "more than 20 open parentheses"},
        {"draft; DROP TABLE person", "instead of \"draft;\""},
    };
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct segment s;
        struct err e = {0};
        assert_false(segment_parse(ctx, str_of(cases[i].text), &s, &e));
        assert_int_equal(e.kind, ERR_INVALID);
        if (!strstr(e.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].text, e.msg);
    }
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_condition_stands_for_itself_with_its_argument),
        cmocka_unit_test(test_and_binds_closer_than_or_and_not_closest),
        cmocka_unit_test(test_parentheses_and_double_negation_are_obeyed),
        cmocka_unit_test(test_a_condition_named_twice_is_one_and_another_argument_is_another),
        cmocka_unit_test(test_six_conditions_fit),
        cmocka_unit_test(test_what_is_no_segment_is_refused_with_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
