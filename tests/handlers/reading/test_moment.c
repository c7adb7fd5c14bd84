/* Moments to come, as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "moment.h"

/* Wednesday, 25 November 2026, 10:00 in Vietnam. */
static const int64_t now_ms = INT64_C(1795575600000);

enum { MINUTE = 60000, HOUR = 60 * MINUTE };

struct reading {
    const char *text;
    int days, hours, minutes; /* from the midnight before now_ms */
};

static void test_an_hour_and_perhaps_a_day_name_a_moment(void **state)
{
    (void)state;
    static const struct reading cases[] = {
        {"11h", 0, 11, 0},
        {"8h", 1, 8, 0}, /* past today */
        {"8h30", 1, 8, 30},
        {"8h30 sáng mai", 1, 8, 30},
        {"8 giờ rưỡi sáng mai ạ", 1, 8, 30},
        {"sang mai 7g15", 1, 7, 15},
        {"14:05", 0, 14, 5},
        {"2h chiều", 0, 14, 0},
        {"2h chiều nay", 0, 14, 0},
        {"7h tối nay", 0, 19, 0},
        {"12h trưa", 0, 12, 0},
        {"1h trưa mai", 1, 13, 0},
        {"9h mốt", 2, 9, 0},
        {"8h 27/11", 2, 8, 0},
        {"27/11 lúc 8h30", 2, 8, 30},
        {"8h30 ngày 27-11-2026", 2, 8, 30},
        {"8h ngày 27 tháng 11 năm 2026", 2, 8, 0},
        {"9h 5/1", 41, 9, 0}, /* next year's */
        {"thứ hai 7:15", 5, 7, 15},
        {"8h thứ 6", 2, 8, 0},
        {"chủ nhật 8h", 4, 8, 0},
        {"8h thứ tư", 7, 8, 0}, /* today's is past */
        {"20h thứ tư", 0, 20, 0},
        {"8h thứ hai tuần sau", 5, 8, 0},
        {"8h thứ sáu tuần sau", 9, 8, 0},
    };
    const int64_t midnight = now_ms - (int64_t)10 * HOUR;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at = 0;
        if (!moment_read(str_of(cases[i].text), now_ms, &at))
            fail_msg("%s: not understood", cases[i].text);
        int64_t want = midnight + ((int64_t)cases[i].days * 24 + cases[i].hours) * HOUR + (int64_t)cases[i].minutes * MINUTE;
        if (at != want)
            fail_msg("%s: %lld minutes off", cases[i].text, (long long)(at - want) / MINUTE);
    }
}

static void test_what_names_no_moment_to_come_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "mai", "sáng mai", "ngay bây giờ", "8", "25h", "8:7x", "8h hôm nay", "8h 24/11/2026", "8h 31/11", "8h 30/2",
                                        "8h 25/3/2027", "27/11", "h30", "gửi cho 20 người"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t at = 0;
        if (moment_read(str_of(cases[i]), now_ms, &at))
            fail_msg("%s: read as %lld ms from now", cases[i], (long long)(at - now_ms));
    }
}

static void test_two_days_name_a_time(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct moment_day from, to;
    } cases[] = {
        {"01/08/2026 - 10/08/2026", {2026, 8, 1}, {2026, 8, 10}},
        {"từ ngày 1/8 đến hết ngày 10/8/2027 ạ", {2027, 8, 1}, {2027, 8, 10}},
        {"1/8 - 10/8", {2026, 8, 1}, {2026, 8, 10}},
        {"1/8-10/8", {2026, 8, 1}, {2026, 8, 10}},
        {"2026-12-28 2027-01-03", {2026, 12, 28}, {2027, 1, 3}},
        {"1-8-2026 – 10-8-2026", {2026, 8, 1}, {2026, 8, 10}},
        {"ngày 29 tháng 2 năm 2028 đến 1 tháng 3 năm 2028", {2028, 2, 29}, {2028, 3, 1}},
        {"10/8 - 1/8", {2026, 8, 10}, {2026, 8, 1}}, /* for the caller to see */
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct moment_day from, to;
        if (!moment_read_span(str_of(cases[i].text), now_ms, &from, &to))
            fail_msg("%s: not understood", cases[i].text);
        if (memcmp(&from, &cases[i].from, sizeof(from)) != 0 || memcmp(&to, &cases[i].to, sizeof(to)) != 0)
            fail_msg("%s: %d-%d-%d to %d-%d-%d", cases[i].text, from.year, from.month, from.day, to.year, to.month, to.day);
    }
}

static void test_what_names_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {"", "tuần sau", "1/8", "1/8 - 10", "31/02/2027 - 10/03/2027", "1/8 2/8 3/8", "32/8 - 40/8", "1/13 - 2/13",
                                        "0/8 - 1/8", "1/8/2026 trong 10 ngày", "29/2/2027 - 1/3/2027", "99999999999/8 - 1/9"};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct moment_day from, to;
        if (moment_read_span(str_of(cases[i]), now_ms, &from, &to))
            fail_msg("%s: read as a time", cases[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_hour_and_perhaps_a_day_name_a_moment),
        cmocka_unit_test(test_what_names_no_moment_to_come_is_refused),
        cmocka_unit_test(test_two_days_name_a_time),
        cmocka_unit_test(test_what_names_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
