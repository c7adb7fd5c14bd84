/* Opening hours in Vietnam: when staff answer, when broadcasts may go out.
 *
 * Written as people write them: "T2-T6 07:30-11:30,13:30-17:00; T7 07:30-11:30" (T2 is Monday, CN Sunday).
 * Vietnam keeps UTC+7 all year, so no time zone data is needed. */
#ifndef SANGKIEN_CONFIG_HOURS_H
#define SANGKIEN_CONFIG_HOURS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "str.h"

/* Vietnam's clock, all year: what people read, and the edges of days and waves (domain.md section 8). */
enum { VIETNAM_OFFSET_MS = 7 * 3600 * 1000 };

enum { HOURS_SPANS_MAX = 32, HOURS_TEXT_MAX = 256, HOLIDAYS_MAX = 128 };

struct hours_span {
    uint8_t days;               /* bit 0 Monday .. bit 6 Sunday */
    uint16_t from_min, to_min;  /* minutes after midnight; to_min is the first minute outside, at most 1440 */
};

/* Plain values: may be copied. */
struct hours {
    char text[HOURS_TEXT_MAX]; /* as written, for texts to people */
    struct hours_span span[HOURS_SPANS_MAX];
    size_t count; /* 0: never open */
};

struct holidays {
    int32_t day[HOLIDAYS_MAX]; /* yyyymmdd, or mmdd for a day of every year */
    size_t count;
};

/** Reads the form above. @return false with ERR_INVALID and what is wrong; *ret is untouched then. */
bool hours_parse(struct str text, struct hours *ret, struct err *e);

/** Adds one day, "2027-02-05" or "09-02" (every year). @return false with ERR_INVALID. */
bool holidays_add(struct holidays *off, struct str day, struct err *e);

/** True when `at_ms` (epoch) lies within the hours and not on a holiday. `off` may be NULL. */
bool hours_open(const struct hours *h, const struct holidays *off, int64_t at_ms);

/** The first moment at or after `at_ms` that is open; -1 when there is none within 60 days. */
int64_t hours_next_open(const struct hours *h, const struct holidays *off, int64_t at_ms);

/** The moment the hours that are open at `at_ms` end; `at_ms` itself when they are closed then. */
int64_t hours_close(const struct hours *h, const struct holidays *off, int64_t at_ms);

/** How much of the time from `from_ms` to `to_ms` lies within the hours, in ms; 0 when nothing does.  Looks at 60 days at most. */
int64_t hours_between(const struct hours *h, const struct holidays *off, int64_t from_ms, int64_t to_ms);

/** The moment by which `open_ms` of open time have gone by since `at_ms`; -1 when there is not so much within 60 days. */
int64_t hours_later(const struct hours *h, const struct holidays *off, int64_t at_ms, int64_t open_ms);

#endif
