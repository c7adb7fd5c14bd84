/* Writes sums the way people read them: 54.746 · 2 tỷ 350 triệu đồng · hai tỷ ba trăm năm mươi triệu đồng. */
#include <inttypes.h>

#include "amount.h"

/* The number without its sign; INT64_MIN has no positive int64. */
static uint64_t magnitude(int64_t vnd)
{
    return vnd < 0 ? (uint64_t)0 - (uint64_t)vnd : (uint64_t)vnd;
}

static char *digits_of(TALLOC_CTX *ctx, uint64_t n)
{
    char buf[32];
    size_t at = sizeof(buf);
    int written = 0;
    do {
        if (written > 0 && written % 3 == 0)
            buf[--at] = '.';
        buf[--at] = (char)('0' + n % 10);
        n /= 10;
        written++;
    } while (n > 0);
    return talloc_strndup(ctx, buf + at, sizeof(buf) - at);
}

char *amount_digits(TALLOC_CTX *ctx, int64_t vnd)
{
    char *digits = digits_of(ctx, magnitude(vnd));
    if (!digits || vnd >= 0)
        return digits;
    char *ret = talloc_asprintf(ctx, "-%s", digits);
    talloc_free(digits);
    return ret;
}

/* The parts of a sum; `tỷ` has no end, "1.000 tỷ". */
static const struct { uint64_t vnd; const char *name; } units[] = {
    {UINT64_C(1000000000), "tỷ"}, {1000000, "triệu"}, {1000, "nghìn"}, {1, ""},
};

/* "3 tỷ 92" would be taken for 3.092.000.000 (C2): a rest below a thousand stands behind nghìn only. */
static bool lacks_thousands(uint64_t n)
{
    return n >= 1000000 && n % 1000 > 0 && n / 1000 % 1000 == 0;
}

char *amount_short(TALLOC_CTX *ctx, int64_t vnd)
{
    uint64_t rest = magnitude(vnd);
    if (lacks_thousands(rest)) {
        char *all = amount_digits(ctx, vnd);
        return all ? talloc_strdup_append_buffer(all, " đồng") : NULL;
    }
    char *ret = talloc_strdup(ctx, vnd < 0 ? "-" : "");
    if (rest == 0)
        ret = ret ? talloc_strdup_append_buffer(ret, "0 ") : NULL;
    for (size_t i = 0; i < ARRAY_LEN(units) && ret; i++) {
        uint64_t n = rest / units[i].vnd;
        rest %= units[i].vnd;
        if (n == 0)
            continue;
        char *digits = digits_of(ctx, n);
        ret = digits ? talloc_asprintf_append_buffer(ret, "%s %s%s", digits, units[i].name, *units[i].name ? " " : "") : NULL;
        talloc_free(digits);
    }
    return ret ? talloc_strdup_append_buffer(ret, "đồng") : NULL;
}

static const char *const digit_words[] = {"không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"};

static char *say(char *text, const char *word)
{
    return text ? talloc_asprintf_append_buffer(text, "%s%s", *text ? " " : "", word) : NULL;
}

/* 1 to 999; `whole` says the hundreds even when they are none, as behind a bigger group: "không trăm linh năm". */
static char *say_below_thousand(char *text, unsigned n, bool whole)
{
    unsigned hundreds = n / 100, tens = n / 10 % 10, ones = n % 10;
    if (hundreds > 0 || whole) {
        text = say(text, digit_words[hundreds]);
        text = say(text, "trăm");
        if (tens == 0 && ones > 0)
            text = say(text, "linh");
    }
    if (tens == 1) {
        text = say(text, "mười");
    } else if (tens > 1) {
        text = say(text, digit_words[tens]);
        text = say(text, "mươi");
    }
    if (ones == 0)
        return text;
    if (ones == 1 && tens > 1)
        return say(text, "mốt");
    if (ones == 4 && tens > 1)
        return say(text, "tư");
    if (ones == 5 && tens > 0)
        return say(text, "lăm");
    return say(text, digit_words[ones]);
}

/* Groups of three from the left, "không nghìn" included where the ones need it; above 999 tỷ the number of tỷ is said by the same rule: "một nghìn tỷ". */
static char *say_number(char *text, uint64_t n, bool whole)
{
    bool lacks = lacks_thousands(n);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t group = n / units[i].vnd;
        n %= units[i].vnd;
        if (group == 0) {
            if (lacks && units[i].vnd == 1000)
                text = say(say(text, digit_words[0]), units[i].name);
            continue;
        }
        text = group > 999 ? say_number(text, group, whole) : say_below_thousand(text, (unsigned)group, whole);
        if (*units[i].name)
            text = say(text, units[i].name);
        whole = true;
    }
    return text;
}

char *amount_words(TALLOC_CTX *ctx, int64_t vnd)
{
    char *text = talloc_strdup(ctx, vnd < 0 ? "âm" : "");
    if (vnd == 0)
        text = say(text, digit_words[0]);
    return say(say_number(text, magnitude(vnd), false), "đồng");
}
