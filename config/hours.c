/* Opening hours: see hours.h. */
#include "hours.h"

#include <string.h>

enum { MINUTES_A_DAY = 24 * 60, SEARCH_DAYS = 60 };

static const int64_t minute_ms = 60 * 1000;
static const int64_t vietnam_min = VIETNAM_OFFSET_MS / 60000;

static const char day_names[7][3] = {"T2", "T3", "T4", "T5", "T6", "T7", "CN"};

static void skip_blanks(struct str *s)
{
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t'))
        *s = str_skip(*s, 1);
}

static bool take_char(struct str *s, char c)
{
    skip_blanks(s);
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_skip(*s, 1);
    return true;
}

/* @return 0 (Monday) .. 6, or -1. */
static int take_day(struct str *s)
{
    skip_blanks(s);
    if (s->n < 2)
        return -1;
    const char name[2] = {(char)(s->p[0] & ~0x20), s->p[1] >= 'a' ? (char)(s->p[1] & ~0x20) : s->p[1]};
    for (int i = 0; i < 7; i++)
        if (memcmp(name, day_names[i], 2) == 0) {
            *s = str_skip(*s, 2);
            return i;
        }
    return -1;
}

/* Exactly `digits` digits. @return -1 when they are not there. */
static int take_number(struct str *s, size_t digits)
{
    if (s->n < digits)
        return -1;
    int v = 0;
    for (size_t i = 0; i < digits; i++) {
        if (s->p[i] < '0' || s->p[i] > '9')
            return -1;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_skip(*s, digits);
    return v;
}

static int take_time(struct str *s)
{
    skip_blanks(s);
    int hour = take_number(s, 2);
    if (hour < 0 || s->n == 0 || s->p[0] != ':')
        return -1;
    *s = str_skip(*s, 1);
    int minute = take_number(s, 2);
    if (minute < 0 || minute > 59 || hour * 60 + minute > MINUTES_A_DAY)
        return -1;
    return hour * 60 + minute;
}

static bool take_days(struct str *s, uint8_t *days, struct err *e)
{
    do {
        int first = take_day(s);
        int last = first >= 0 && take_char(s, '-') ? take_day(s) : first;
        if (first < 0 || last < 0)
            return err_set(e, ERR_INVALID, "expected a day (T2 .. T7, CN) at \"%.*s\"", STR_ARG(*s));
        if (last < first)
            return err_set(e, ERR_INVALID, "days run from Monday to Sunday, not %s-%s", day_names[first], day_names[last]);
        for (int d = first; d <= last; d++)
            *days |= (uint8_t)(1u << d);
    } while (take_char(s, ','));
    return true;
}

bool hours_parse(struct str text, struct hours *ret, struct err *e)
{
    struct hours h = {.count = 0};
    if (text.n >= sizeof(h.text))
        return err_set(e, ERR_INVALID, "longer than %zu bytes", sizeof(h.text) - 1);
    if (text.n > 0)
        memcpy(h.text, text.p, text.n);

    struct str s = text;
    skip_blanks(&s);
    while (s.n > 0) {
        uint8_t days = 0;
        if (!take_days(&s, &days, e))
            return false;
        do {
            int from = take_time(&s);
            int to = from >= 0 && take_char(&s, '-') ? take_time(&s) : -1;
            if (to < 0)
                return err_set(e, ERR_INVALID, "expected times such as 07:30-11:30 at \"%.*s\"", STR_ARG(s));
            if (to <= from)
                return err_set(e, ERR_INVALID, "a span must end after it begins, at \"%.*s\"", STR_ARG(s));
            if (h.count == HOURS_SPANS_MAX)
                return err_set(e, ERR_INVALID, "more than %d spans", HOURS_SPANS_MAX);
            h.span[h.count++] = (struct hours_span){days, (uint16_t)from, (uint16_t)to};
        } while (take_char(&s, ','));
        skip_blanks(&s);
        if (s.n > 0 && !take_char(&s, ';'))
            return err_set(e, ERR_INVALID, "expected \";\" before \"%.*s\"", STR_ARG(s));
        skip_blanks(&s);
    }
    *ret = h;
    return true;
}

static bool leap_year(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

bool holidays_add(struct holidays *off, struct str day, struct err *e)
{
    static const int month_days[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    struct str s = day;
    int year = 0;
    if (s.n == 10 && ((year = take_number(&s, 4)) < 1970 || !take_char(&s, '-')))
        return err_set(e, ERR_INVALID, "\"%.*s\" is not a day", STR_ARG(day));
    int month = take_number(&s, 2);
    int date = month > 0 && s.n == 3 && take_char(&s, '-') ? take_number(&s, 2) : -1;
    if (s.n > 0 || month < 1 || month > 12 || date < 1 || date > month_days[month - 1] ||
        (year > 0 && month == 2 && date == 29 && !leap_year(year)))
        return err_set(e, ERR_INVALID, "\"%.*s\" is not a day", STR_ARG(day));
    if (off->count == HOLIDAYS_MAX)
        return err_set(e, ERR_INVALID, "more than %d holidays", HOLIDAYS_MAX);
    off->day[off->count++] = year * 10000 + month * 100 + date;
    return true;
}

/* Days since 1970-01-01 to yyyymmdd (Howard Hinnant, "chrono-compatible low-level date algorithms": civil_from_days). */
static int32_t date_of_day(int64_t day)
{
    int64_t z = day + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t d = doy - (153 * mp + 2) / 5 + 1;
    int64_t m = mp < 10 ? mp + 3 : mp - 9;
    int64_t y = yoe + era * 400 + (m <= 2);
    return (int32_t)(y * 10000 + m * 100 + d);
}

static bool is_holiday(const struct holidays *off, int64_t day)
{
    if (!off)
        return false;
    int32_t date = date_of_day(day);
    for (size_t i = 0; i < off->count; i++)
        if (off->day[i] == date || off->day[i] == date % 10000)
            return true;
    return false;
}

static unsigned weekday_bit(int64_t day)
{
    return 1u << ((day + 3) % 7); /* 1970-01-01 was a Thursday */
}

int64_t hours_next_open(const struct hours *h, const struct holidays *off, int64_t at_ms)
{
    if (at_ms < 0)
        return -1;
    int64_t local_min = at_ms / minute_ms + vietnam_min;
    int64_t today = local_min / MINUTES_A_DAY;
    for (int64_t day = today; day < today + SEARCH_DAYS; day++) {
        if (is_holiday(off, day))
            continue;
        int64_t now_min = day == today ? local_min % MINUTES_A_DAY : 0;
        int64_t best = MINUTES_A_DAY;
        for (size_t i = 0; i < h->count; i++) {
            const struct hours_span *s = &h->span[i];
            if (!(s->days & weekday_bit(day)) || s->to_min <= now_min)
                continue;
            if (s->from_min <= now_min && day == today)
                return at_ms;
            if (s->from_min < best)
                best = s->from_min;
        }
        if (best < MINUTES_A_DAY)
            return (day * MINUTES_A_DAY + best - vietnam_min) * minute_ms;
    }
    return -1;
}

bool hours_open(const struct hours *h, const struct holidays *off, int64_t at_ms)
{
    return at_ms >= 0 && hours_next_open(h, off, at_ms) == at_ms;
}

int64_t hours_close(const struct hours *h, const struct holidays *off, int64_t at_ms)
{
    if (!hours_open(h, off, at_ms))
        return at_ms;
    int64_t local_min = at_ms / minute_ms + vietnam_min, day = local_min / MINUTES_A_DAY, now_min = local_min % MINUTES_A_DAY, end = now_min;
    for (bool longer = true; longer;) { /* spans may touch or overlap */
        longer = false;
        for (size_t i = 0; i < h->count; i++) {
            const struct hours_span *s = &h->span[i];
            if ((s->days & weekday_bit(day)) && s->from_min <= end && s->to_min > end) {
                end = s->to_min;
                longer = true;
            }
        }
    }
    return (day * MINUTES_A_DAY + end - vietnam_min) * minute_ms;
}

int64_t hours_between(const struct hours *h, const struct holidays *off, int64_t from_ms, int64_t to_ms)
{
    int64_t open_ms = 0, at = hours_next_open(h, off, from_ms), last = from_ms + SEARCH_DAYS * (int64_t)MINUTES_A_DAY * minute_ms;
    while (at >= 0 && at < to_ms && at < last) {
        int64_t end = hours_close(h, off, at);
        open_ms += (end < to_ms ? end : to_ms) - at;
        at = hours_next_open(h, off, end);
    }
    return open_ms;
}

int64_t hours_later(const struct hours *h, const struct holidays *off, int64_t at_ms, int64_t open_ms)
{
    int64_t at = hours_next_open(h, off, at_ms), last = at_ms + SEARCH_DAYS * (int64_t)MINUTES_A_DAY * minute_ms;
    while (at >= 0 && at < last) {
        int64_t end = hours_close(h, off, at);
        if (end - at >= open_ms)
            return at + open_ms;
        open_ms -= end - at;
        at = hours_next_open(h, off, end);
    }
    return -1;
}
