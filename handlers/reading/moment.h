/* Reads a moment to come, as people name one: "8h30 sáng mai", "14h ngày 27/11", "thứ hai 7:15". */
#ifndef SANGKIEN_HANDLERS_READING_MOMENT_H
#define SANGKIEN_HANDLERS_READING_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "str.h"

enum { MOMENT_DAYS_MAX = 60 }; /* further ahead is a slip, not a plan */

/**
 * An hour there must be ("8h", "8h30", "8:30", "8 giờ rưỡi", with sáng, trưa, chiều or tối); the day may be a date (27/11,
 * 27/11/2026), a day of the week, "mai", "mốt", "hôm nay", or missing: then it is the next such hour.  In Vietnam's time.
 * @param now_ms, ret_ms  ms since 1970.
 * @return false when no moment is named, or one that is past or more than MOMENT_DAYS_MAX ahead.
 */
bool moment_read(struct str text, int64_t now_ms, int64_t *ret_ms);

struct moment_day {
    int year, month, day;
};

/**
 * Two days, the first and the last of a time: "01/08/2026 - 10/08/2026", "từ ngày 1/8 đến hết 10/8/2026", "2026-08-01 2026-08-10".
 * Without a year it is that of the other day, or this year; which comes first is for the caller to see.
 * @return false when there are not exactly two, or one that is in no calendar.
 */
bool moment_read_span(struct str text, int64_t now_ms, struct moment_day *ret_from, struct moment_day *ret_to);

#endif
