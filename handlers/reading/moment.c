/* A moment to come, read off its key: an hour, perhaps a day.  See moment.h. */
#include "moment.h"

#include <string.h>
#include <talloc.h>

#include "hours.h"
#include "text.h"

enum { WORDS_MAX = 24, MINUTE_MS = 60000, DAY_MS = 24 * 60 * MINUTE_MS };

/* The words of the key; what stood glued to a number is a word of its own ("8h30" is "8", "h", "30"). */
struct words {
    struct str word[WORDS_MAX];
    size_t count;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool split(const char *key, struct words *ret)
{
    ret->count = 0;
    for (const char *p = key; *p;) {
        if (!is_digit(*p) && !is_letter(*p) && !strchr(":/-", *p)) {
            p++;
            continue;
        }
        const char *from = p++;
        if (is_digit(*from))
            while (is_digit(*p))
                p++;
        else if (is_letter(*from))
            while (is_letter(*p))
                p++;
        if (ret->count == WORDS_MAX)
            return false;
        ret->word[ret->count++] = (struct str){from, (size_t)(p - from)};
    }
    return true;
}

static bool is_word(const struct words *w, size_t at, const char *word)
{
    return at < w->count && str_eq(w->word[at], str_of(word));
}

static bool is_one_of(const struct words *w, size_t at, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_word(w, at, words[i]))
            return true;
    return false;
}

/* @return the number there, at most `most`; -1: there is none. */
static int number(const struct words *w, size_t at, int most)
{
    if (at >= w->count || !is_digit(*w->word[at].p) || w->word[at].n > 4)
        return -1;
    int n = 0;
    for (size_t i = 0; i < w->word[at].n; i++)
        n = n * 10 + (w->word[at].p[i] - '0');
    return n <= most ? n : -1;
}

/* ---- the hour ---- */

/* "/", "-" or "tháng" between the day and the month. */
static bool is_date_sign(const struct words *w, size_t at)
{
    static const char *const signs[] = {"/", "-", "thang"};
    return is_one_of(w, at, signs, ARRAY_LEN(signs));
}

/* Minutes of the day; -1: none is named. @param used  the words it is made of are marked. */
static int hour(const struct words *w, bool used[WORDS_MAX])
{
    static const char *const signs[] = {"h", "g", "gio", ":"};
    static const char *const later[] = {"chieu", "toi"};
    int minutes = -1;
    for (size_t i = 0; i + 1 < w->count && minutes < 0; i++) {
        int h = number(w, i, 23);
        if (h < 0 || !is_one_of(w, i + 1, signs, ARRAY_LEN(signs)))
            continue;
        int m = number(w, i + 2, 59);
        bool half = is_word(w, i + 2, "ruoi");
        /* "8h 27/11": the number belongs to the date. */
        bool date = is_date_sign(w, i + 3);
        if (is_word(w, i + 1, ":") && (m < 0 || w->word[i + 2].n != 2))
            continue;
        bool minute = m >= 0 && !date;
        minutes = h * 60 + (minute ? m : half ? 30 : 0);
        for (size_t k = i; k < i + 2 + (minute || half); k++)
            used[k] = true;
    }
    for (size_t i = 0; i < w->count && minutes >= 0; i++) {
        if (minutes < 12 * 60 && (is_one_of(w, i, later, ARRAY_LEN(later)) || (is_word(w, i, "trua") && minutes < 3 * 60)))
            return minutes + 12 * 60;
    }
    return minutes;
}

/* ---- the day ---- */

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01; -1: there is no such day. */
static int64_t days_of(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1970 || year > 2200 || month < 1 || month > 12 || day < 1 || day > days[month - 1] + (month == 2 && is_leap(year)))
        return -1;
    int64_t n = day - 1;
    for (int y = 1970; y < year; y++)
        n += is_leap(y) ? 366 : 365;
    for (int m = 1; m < month; m++)
        n += days[m - 1] + (m == 2 && is_leap(year));
    return n;
}

static int year_of(int64_t day)
{
    int year = 1970;
    while (days_of(year + 1, 1, 1) <= day)
        year++;
    return year;
}

static bool unused(const bool used[WORDS_MAX], size_t from, size_t n)
{
    for (size_t i = from; i < from + n; i++)
        if (used[i])
            return false;
    return true;
}

enum day { DAY_NONE, DAY_NAMED, DAY_OF_WEEK, DAY_WRONG };

/* "27/11": this year's, or when that is past the next one's. */
static enum day date(const struct words *w, const bool used[WORDS_MAX], int64_t today, int64_t *ret)
{
    for (size_t i = 0; i + 2 < w->count; i++) {
        int d = number(w, i, 31), m = number(w, i + 2, 12);
        if (d < 1 || m < 1 || !unused(used, i, 3) || !is_date_sign(w, i + 1))
            continue;
        bool with_year = (is_date_sign(w, i + 3) || is_word(w, i + 3, "nam")) && number(w, i + 4, 9999) >= 0;
        int year = with_year ? number(w, i + 4, 9999) : year_of(today);
        if (with_year && year < 100)
            year += 2000;
        *ret = days_of(year, m, d);
        if (!with_year && *ret >= 0 && *ret < today)
            *ret = days_of(year + 1, m, d);
        return *ret < 0 ? DAY_WRONG : DAY_NAMED;
    }
    return DAY_NONE;
}

/* "thứ hai", "thứ 2", "t2", "chủ nhật", "cn": the next one, today included. 0 is Monday. */
static int weekday(const struct words *w, const bool used[WORDS_MAX])
{
    static const char *const names[] = {"hai", "ba", "tu", "nam", "sau", "bay"};
    for (size_t i = 0; i < w->count; i++) {
        if (is_word(w, i, "cn") || (is_word(w, i, "chu") && is_word(w, i + 1, "nhat")))
            return 6;
        if (!is_word(w, i, "thu") && !is_word(w, i, "t"))
            continue;
        int n = number(w, i + 1, 7);
        if (n >= 2 && unused(used, i + 1, 1))
            return n - 2;
        for (int k = 0; k < (int)ARRAY_LEN(names); k++)
            if (is_word(w, i + 1, names[k]))
                return k;
    }
    return -1;
}

static enum day day_of(const struct words *w, const bool used[WORDS_MAX], int64_t today, int64_t *ret)
{
    enum day named = date(w, used, today, ret);
    if (named != DAY_NONE)
        return named;
    int wanted = weekday(w, used);
    if (wanted >= 0) {
        int64_t now = (today + 3) % 7; /* 1970-01-01 was a Thursday */
        *ret = today + (wanted - now + 7) % 7;
        for (size_t i = 0; i + 1 < w->count; i++)
            if (is_word(w, i, "tuan") && is_word(w, i + 1, "sau"))
                *ret = today - now + 7 + wanted;
        return DAY_OF_WEEK;
    }
    for (size_t i = 0; i < w->count; i++) {
        bool nay = is_word(w, i, "nay"), mai = is_word(w, i, "mai"), mot = is_word(w, i, "mot") || is_word(w, i, "kia");
        if (nay || mai || mot) {
            *ret = today + (mai ? 1 : mot ? 2 : 0);
            return DAY_NAMED;
        }
    }
    return DAY_NONE;
}

bool moment_read(struct str text, int64_t now_ms, int64_t *ret_ms)
{
    TALLOC_CTX *tmp = talloc_new(NULL);
    struct words w;
    bool used[WORDS_MAX] = {false};
    const char *key = text_key(tmp, text);
    int64_t local = now_ms + VIETNAM_OFFSET_MS, today = local / DAY_MS, day = today;
    int minutes = key && split(key, &w) ? hour(&w, used) : -1;
    enum day named = minutes < 0 ? DAY_WRONG : day_of(&w, used, today, &day);
    talloc_free(tmp);
    if (named == DAY_WRONG)
        return false;
    int64_t at = day * DAY_MS + (int64_t)minutes * MINUTE_MS;
    if (at <= local && named != DAY_NAMED)
        at += named == DAY_NONE ? DAY_MS : 7 * (int64_t)DAY_MS;
    *ret_ms = at - VIETNAM_OFFSET_MS;
    return at > local && at - local <= (int64_t)MOMENT_DAYS_MAX * DAY_MS;
}

/* ---- the days of a time ---- */

/* A day that begins there. @return of how many words, 0: there is none.  A year has four digits here: "1/8 - 10/8" names none. */
static size_t day_at(const struct words *w, size_t at, struct moment_day *ret)
{
    int year = number(w, at, 9999);
    if (year >= 1000 && is_word(w, at + 1, "-") && is_word(w, at + 3, "-") && number(w, at + 2, 12) > 0 && number(w, at + 4, 31) > 0) {
        *ret = (struct moment_day){year, number(w, at + 2, 12), number(w, at + 4, 31)};
        return 5;
    }
    int day = number(w, at, 31), month = number(w, at + 2, 12);
    if (day < 1 || month < 1 || !is_date_sign(w, at + 1))
        return 0;
    year = is_date_sign(w, at + 3) || is_word(w, at + 3, "nam") ? number(w, at + 4, 9999) : -1;
    *ret = (struct moment_day){year >= 1000 ? year : 0, month, day};
    return year >= 1000 ? 5 : 3;
}

bool moment_read_span(struct str text, int64_t now_ms, struct moment_day *ret_from, struct moment_day *ret_to)
{
    TALLOC_CTX *tmp = talloc_new(NULL);
    struct words w;
    struct moment_day day[2];
    size_t days = 0;
    const char *key = text_key(tmp, text);
    bool readable = key && split(key, &w);
    for (size_t i = 0; readable && i < w.count;) {
        struct moment_day d;
        size_t used = day_at(&w, i, &d);
        readable = used || number(&w, i, 9999) < 0; /* a number that belongs to no day */
        if (used && days < ARRAY_LEN(day))
            day[days] = d;
        days += used > 0;
        i += used ? used : 1;
    }
    talloc_free(tmp);
    if (!readable || days != 2)
        return false;
    int this_year = year_of((now_ms + VIETNAM_OFFSET_MS) / DAY_MS);
    for (size_t i = 0; i < 2; i++)
        if (!day[i].year)
            day[i].year = day[1 - i].year ? day[1 - i].year : this_year;
    for (size_t i = 0; i < 2; i++)
        if (days_of(day[i].year, day[i].month, day[i].day) < 0)
            return false;
    *ret_from = day[0];
    *ret_to = day[1];
    return true;
}
