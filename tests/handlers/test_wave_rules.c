/* What a wave must be like: named, forwards, not kept, and apart from the others of its campaign. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "str.h"
#include "wave_rules.h"

static const struct wave_row elsewhere = {.code = "Z1", .campaign = "Z", .name = "Đợt", .starts_on = "2026-08-01", .ends_on = "2026-08-31"};
static const struct wave_row first = {.next = (struct wave_row *)(uintptr_t)&elsewhere, .code = "A1", .campaign = "A", .name = "Đợt 1",
                                      .starts_on = "2026-08-01", .ends_on = "2026-08-10"};

static void test_a_wave_is_apart_from_the_others_of_its_campaign(void **state)
{
    (void)state;
    static const struct {
        const char *code, *from, *to;
        enum wave_fault fault;
    } cases[] = {
        {"A2", "2026-08-11", "2026-08-20", WAVE_GOOD},     {"A2", "2026-07-01", "2026-07-31", WAVE_GOOD},
        {"A2", "2026-08-10", "2026-08-20", WAVE_OVERLAPS}, {"A2", "2026-07-01", "2026-08-01", WAVE_OVERLAPS},
        {"A2", "2026-08-03", "2026-08-04", WAVE_OVERLAPS}, {"A2", "2026-07-01", "2026-09-01", WAVE_OVERLAPS},
        {"A1", "2026-08-02", "2026-08-20", WAVE_GOOD}, /* itself, moved */
        {"A2", "2026-08-11", "2026-08-11", WAVE_GOOD},     {"A2", "2026-08-12", "2026-08-11", WAVE_BACKWARDS},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct wave_row *other = NULL;
        const struct wave_row w = {.code = cases[i].code, .campaign = "A", .name = "Đợt", .starts_on = cases[i].from, .ends_on = cases[i].to};
        enum wave_fault fault = wave_check(&w, &first, &other);
        if (fault != cases[i].fault)
            fail_msg("%s to %s: %s", cases[i].from, cases[i].to, wave_fault_name(fault));
        assert_ptr_equal(other, fault == WAVE_OVERLAPS ? &first : NULL);
    }
}

static void test_what_is_kept_or_has_no_name_is_refused(void **state)
{
    (void)state;
    struct wave_row w = {.code = "A2", .campaign = "A", .name = "Đợt", .starts_on = "2026-09-01", .ends_on = "2026-09-02", .frozen = true};
    assert_int_equal(wave_check(&w, &first, NULL), WAVE_FROZEN);
    w.name = "";
    assert_int_equal(wave_check(&w, &first, NULL), WAVE_UNNAMED);
}

static void test_codes_can_be_typed_behind_an_option(void **state)
{
    (void)state;
    assert_true(campaign_code_ok("TVD-1"));
    static const char *const bad[] = {"", "ever", "a b", "a,b", "a;b", "a|b", "\"", "0123456789012345678901234567890123456789x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(campaign_code_ok(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wave_is_apart_from_the_others_of_its_campaign),
        cmocka_unit_test(test_what_is_kept_or_has_no_name_is_refused),
        cmocka_unit_test(test_codes_can_be_typed_behind_an_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
