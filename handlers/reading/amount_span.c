/* Periods, numbers of periods, dates and phone numbers (P1 to P5, B4, N8). */
#include "amount_parts.h"

enum span span_at(const struct scan *s, int i)
{
    if (can(s, i, W(YEAR)))
        return is_five(s, i) || is_several(s, i) ? SPAN_NONE : SPAN_YEAR;
    if (can(s, i, W(MONTH)))
        return SPAN_MONTH;
    if (can(s, i, W(QUARTER))) /* "quy ra tiền", "quy trình" */
        return !s->token[i].word.marked && can(s, i + 1, W(NOT_SPAN) | W(AS_MONEY)) ? SPAN_NONE : SPAN_QUARTER;
    if (can(s, i, W(SHIFT))) /* "ca nam" without accents is cả năm */
        return can(s, i, W(WHOLE)) && can(s, i + 1, W(YEAR)) && !is_one_shift(s, i) ? SPAN_NONE : SPAN_SHIFT;
    if (can(s, i, W(DAY)))
        return SPAN_DAY;
    return can(s, i, W(WEEK) | W(HOUR)) ? SPAN_OTHER : SPAN_NONE;
}

/* ---- B4: dates and phone numbers ------------------------------------------------------------------------------ */

/* The value of a plain numeral of at most four digits, or -1. */
static int small_number(const struct scan *s, int i)
{
    if (!is_digits(s, i) || s->token[i].broken || s->token[i].word.n > 4)
        return -1;
    int value = 0;
    for (size_t k = 0; k < s->token[i].word.n; k++) {
        char c = s->token[i].word.fold[k];
        if (c < '0' || c > '9')
            return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

static bool is_day(int n)
{
    return n >= 1 && n <= 31;
}

static bool is_month(int n)
{
    return n >= 1 && n <= 12;
}

static bool is_year(int n)
{
    return n >= 1900 && n <= 2099;
}

/* "0912345678", "0912 345 678", "091.234.5678", "+84 912 345 678". */
static int phone_read(const struct scan *s, int i)
{
    bool country = is_digits(s, i) && is_sign(s, i - 1, '+') && s->token[i].glued && s->token[i].word.n >= 2 &&
                   s->token[i].word.fold[0] == '8' && s->token[i].word.fold[1] == '4';
    if (!is_digits(s, i) || (s->token[i].word.fold[0] != '0' && !country))
        return -1;
    int digits = 0;
    int j = i;
    for (; is_digits(s, j) && digits < 12; j++) {
        int run = 0;
        for (size_t k = 0; k < s->token[j].word.n; k++) {
            bool digit = s->token[j].word.fold[k] >= '0' && s->token[j].word.fold[k] <= '9';
            run += digit;
        }
        if (j > i && run < 2)
            break;
        digits += run;
        if (is_sign(s, j + 1, '-') && is_digits(s, j + 2))
            j++;
    }
    if (country)
        digits--; /* 84 stands for the zero */
    return digits >= 9 && digits <= 11 && !scale_at(s, j) && !can(s, j, W(DONG)) ? j : -1;
}

/* "01/9/2022", "1-9-2022", "01.09.2022", "9/2022", "20/11", "2022-2023". */
static int date_read(const struct scan *s, int i)
{
    const struct word *word = &s->token[i].word;
    if (is_digits(s, i) && word->n >= 8 && word->n <= 10 && memchr(word->fold, '.', word->n)) { /* one numeral to us */
        int part[3] = {0}, n = 0;
        for (size_t k = 0; k < word->n; k++) {
            if (word->fold[k] == '.')
                n++;
            else if (word->fold[k] == ',')
                return -1;
            else if (n < 3)
                part[n] = part[n] * 10 + (word->fold[k] - '0');
            if (n > 2)
                return -1;
        }
        return n == 2 && is_day(part[0]) && is_month(part[1]) && is_year(part[2]) ? i + 1 : -1;
    }
    int a = small_number(s, i), b = small_number(s, i + 2), c = small_number(s, i + 4);
    bool slash = is_sign(s, i + 1, '/'), dash = is_sign(s, i + 1, '-');
    if (a < 0 || b < 0 || (!slash && !dash))
        return -1;
    if (is_day(a) && is_month(b) && is_year(c) && (slash ? is_sign(s, i + 3, '/') : is_sign(s, i + 3, '-')))
        return i + 5;
    if (is_year(a) && is_year(b) && b > a)
        return i + 3;
    if (is_month(a) && is_year(b))
        return i + 3;
    if (slash && is_day(a) && is_month(b) && !scale_at(s, i + 3) && !can(s, i + 3, W(HUNDRED) | W(CHUC) | W(DONG) | W(PERCENT)))
        return i + 3;
    return -1;
}

int date_or_phone_read(const struct scan *s, int i)
{
    int j = is_digits(s, i) ? phone_read(s, i) : -1;
    return j >= 0 ? j : is_digits(s, i) ? date_read(s, i) : -1;
}

/* ---- Periods -------------------------------------------------------------------------------------------------- */

static int period(struct item *it, enum span span, int to)
{
    it->kind = ITEM_PERIOD;
    it->span = span;
    return to;
}

/* A count of periods used as one: twelve months and four quarters are a year, the rest is P3. */
static enum span span_of_count(const struct number *number, enum span span)
{
    int64_t n = number->den == 1 && !number->hi ? number->n : 0;
    if (n == 1)
        return span;
    if ((n == 12 && span == SPAN_MONTH) || (n == 4 && span == SPAN_QUARTER))
        return SPAN_YEAR;
    return SPAN_OTHER;
}

/* [một | 1 | N] tháng behind "/", "mỗi", "trong" ... @return the token behind it, -1 when there is none. */
static int rate_read(const struct scan *s, int i, struct item *it)
{
    struct number number;
    if (span_at(s, i) != SPAN_NONE)
        return period(it, span_at(s, i), i + 1);
    if (can(s, i, W(HALF_OF)) && span_at(s, i + 1) != SPAN_NONE)
        return period(it, SPAN_OTHER, i + 2);
    int j = number_read(s, i, &number);
    if (j >= 0 && span_at(s, j) != SPAN_NONE)
        return period(it, span_of_count(&number, span_at(s, j)), j + 1);
    return -1;
}

/* P2, P4: "/tháng", "/th", "/1 năm", "/sản phẩm". */
static int slash_read(const struct scan *s, int i, struct item *it)
{
    it->slash = true;
    i++;
    if (can(s, i, W(EVERY) | W(EACH)))
        i++;
    if (is_fold(s, i, "th") || is_fold(s, i, "thg"))
        return period(it, SPAN_MONTH, i + 1);
    int j = rate_read(s, i, it);
    if (j >= 0)
        return j;
    if (is_word(s, i))
        return period(it, SPAN_PIECE, i + 1);
    struct number number;
    j = number_read(s, i, &number); /* "/10 sản phẩm", "/2" */
    return j >= 0 && !scale_at(s, j) && !can(s, j, W(DONG)) ? period(it, SPAN_PIECE, is_word(s, j) ? j + 1 : j) : -1;
}

/* Roman numbers of quarters. */
static bool is_roman(const struct scan *s, int i)
{
    return is_fold(s, i, "i") || is_fold(s, i, "ii") || is_fold(s, i, "iii") || is_fold(s, i, "iv");
}

/* Behind "tháng", "quý", "ngày", "ca", "năm" at `i - 1`: its number, when it is a name ("tháng 8", "năm 2022").
 * @return the token behind it, or `i`. */
static int name_read(const struct scan *s, int i, enum span span)
{
    int j = i;
    int n = small_number(s, i);
    if (span == SPAN_YEAR) {
        if (!is_year(n))
            return i;
        return is_year(small_number(s, i + 2)) && (is_sign(s, i + 1, '-') || is_sign(s, i + 1, '/')) ? i + 3 : i + 1;
    }
    if (is_digits(s, i)) {
        j = date_or_phone_read(s, i); /* "ngày 01/9/2022", "tháng 9/2022" */
        if (j >= 0)
            return j;
        if (n < 1 || n > 31)
            return i;
        j = i + 1;
        if ((is_sign(s, j, '-') || can(s, j, W(TO))) && is_month(small_number(s, j + 1)) && !scale_at(s, j + 2))
            j += 2;
    } else if (is_roman(s, i) && span == SPAN_QUARTER) {
        j = i + 1;
    } else {
        struct number number;
        bool may = span == SPAN_MONTH && can(s, i, W(YEAR)) && !is_five(s, i) && !can(s, i + 1, W(THIS)) &&
                   !is_digits(s, i + 1); /* "tháng năm" */
        bool digit = digit_inside(s, i) > 0 && !(can(s, i, W(HEDGE)) && is_digits(s, i + 1)); /* "thang tam 5tr" is tầm */
        j = can(s, i, W(DIGIT) | W(TEN)) ? number_read(s, i, &number) : -1;
        if (j < 0 && (may || digit))
            j = i + 1;
        else if (j < 0 || number.n < 1 || number.n > 31)
            return i;
    }
    bool about = is_fold(s, j, "do") && !s->token[j].word.marked && /* "thang 9 do 20tr": độ, not đô */
                 (is_digits(s, j + 1) || can(s, j + 1, W(DIGIT) | W(HUNDRED) | W(CHUC) | W(TEN) | W(HALF_OF)));
    bool counts = !about && (can(s, j, W_SCALE | W(HUNDRED) | W(CHUC) | W(DONG) | W(FOREIGN) | W(PERCENT) | W(QUANTITY)) ||
                             (span_at(s, j) != SPAN_NONE && !can(s, j, W(YEAR) | W(MONTH))));
    if (counts || (is_sign(s, j, '-') && is_digits(s, j + 1))) /* "tháng 5 triệu": the number is money */
        return i;
    if (is_sign(s, j, '/') && is_year(small_number(s, j + 1)))
        j += 2;
    return j;
}

/* A period word that nothing before it explains. */
static int lone_span_read(const struct scan *s, int i, struct item *it)
{
    enum span span = span_at(s, i);
    int j = i + 1;
    if (can(s, j, W(ALWAYS))) /* tháng nào cũng */
        return period(it, span, j + 1);
    bool start = can(s, i - 1, W(FROM)) || (can(s, i - 1, W(POINT)) && can(s, i - 2, W(FROM)));
    int named = name_read(s, j, span);
    if (named > j || can(s, j, W(THIS))) {
        if (named == j)
            named = j + 1;
        if (start || span == SPAN_DAY) { /* P1: a start date; a day of the month is a date as well */
            it->kind = ITEM_NOTHING;
            return named;
        }
        it->calendar = true;
        return period(it, span == SPAN_YEAR ? SPAN_YEAR : SPAN_NAMED, named);
    }
    if (can(s, i - 1, W(POINT)) || start) { /* đầu năm */
        it->kind = ITEM_NOTHING;
        return j;
    }
    it->alone = true;
    it->calendar = span == SPAN_YEAR;
    return period(it, span, j);
}

/* A number of days, months ...: "300 ngày", "6 tháng"; "một năm" is a period. */
static int count_read(const struct scan *s, int i, struct item *it)
{
    int j = number_read(s, i, &it->number);
    if (j < 0 && digit_inside(s, i) >= 6 && can(s, i + 1, W(MONTH)) && name_read(s, i + 2, SPAN_MONTH) == i + 2) {
        /* without accents: "sau thang" is six months, "sau thang 8" after August */
        it->number = (struct number){.n = s->token[i].digit, .den = 1, .words = true, .digits = 1};
        j = i + 1;
    }
    if (j < 0 || scale_at(s, j) || it->number.n / it->number.den >= 10000) /* "1.200.000 tháng" is a sum (B1) */
        return -1;
    enum span span = span_at(s, j);
    if (span == SPAN_NONE || can(s, j, W(HOUR)))
        return -1;
    if (it->number.n == 1 && it->number.den == 1 && !it->number.hi)
        return period(it, span, j + 1);
    it->kind = ITEM_TIMES_SPAN;
    it->span = span;
    return j + 1;
}

/* "mỗi chuyến", "từng sản phẩm" (P4). */
static int every_read(const struct scan *s, int i, struct item *it)
{
    int j = rate_read(s, i + 1, it);
    if (j >= 0)
        return j;
    if (!can(s, i, W(EVERY)) || (can(s, i + 1, W(VERB) | W(LESS)) && !s->token[i].word.marked)) /* "moi tiet kiem" is mới */
        return -1;
    struct number number;
    j = number_read(s, i + 1, &number);
    if (j < 0)
        j = i + 1;
    else if (scale_at(s, j) || can(s, j, W(DONG)))
        return -1;
    return is_word(s, j) ? period(it, SPAN_PIECE, j + 1) : -1;
}

static int whole_span_read(const struct scan *s, int i, struct item *it)
{
    int j = date_or_phone_read(s, i);
    if (j >= 0) {
        it->kind = ITEM_NOTHING;
        return j;
    }
    if (is_sign(s, i, '/'))
        return slash_read(s, i, it);
    if (can(s, i, W(EVERY) | W(EACH))) {
        j = every_read(s, i, it);
        if (j >= 0)
            return j;
    }
    if (can(s, i, W(OVER)) && is_fold(s, i, "tren")) { /* trên tháng; not "trên 5 triệu" */
        struct item rate = {0};
        j = can(s, i + 1, W(EVERY) | W(EACH)) ? every_read(s, i + 1, &rate) : rate_read(s, i + 1, &rate);
        if (j >= 0 && rate.span != SPAN_OTHER)
            return period(it, rate.span, j);
        struct number one; /* P4: "5 nghìn trên 1 sản phẩm"; not "trên 1 máy 50 triệu" */
        j = can(s, i - 1, W_SCALE | W(DONG)) ? number_read(s, i + 1, &one) : -1;
        if (j >= 0 && one.n == 1 && one.den == 1 && can(s, j, W(QUANTITY) | W(WORK)))
            return period(it, SPAN_PIECE, j + 1);
    }
    struct item count = {0};
    bool days = can(s, i, W(WITHIN)) && count_read(s, i + 1, &count) >= 0 && count.kind == ITEM_TIMES_SPAN &&
                (count.span == SPAN_DAY || count.span == SPAN_SHIFT); /* "trong 300 ngày" may be P5 */
    if (!days && can(s, i, W(WHOLE) | W(WITHIN)) && name_read(s, i + 2, span_at(s, i + 1)) <= i + 2 && !can(s, i + 2, W(THIS))) {
        j = rate_read(s, i + 1, it);
        if (j >= 0) {
            it->calendar = it->span == SPAN_YEAR;
            return j;
        }
    }
    bool several = can(s, i, W(VAGUE)) && s->token[i].word.marked; /* "may" is also a machine */
    if ((several || can(s, i, W(HALF_OF))) && span_at(s, i + 1) != SPAN_NONE)
        return period(it, SPAN_OTHER, i + 2);
    if (is_digits(s, i) && is_sign(s, i + 1, '/') && is_digits(s, i + 2) && span_at(s, i + 3) != SPAN_NONE && !s->token[i + 3].glued &&
        s->token[i].word.n == 1 && s->token[i].word.fold[0] == '1') /* 1/2 năm */
        return period(it, SPAN_OTHER, i + 4);
    j = count_read(s, i, it);
    if (j >= 0)
        return j;
    if (can(s, i, W(ROUNDLY)) && can(s, i + 1, W(HUNDRED) | W(CHUC) | W_SCALE)) /* "ca tram trieu" is cả */
        return -1;
    return span_at(s, i) != SPAN_NONE && !can(s, i, W(HOUR)) ? lone_span_read(s, i, it) : -1;
}

int span_read(const struct scan *s, int i, struct item *it)
{
    int j = whole_span_read(s, i, it);
    if (j >= 0 && it->kind == ITEM_PERIOD && can(s, j, W(HALF)) && !scale_at(s, j + 1)) { /* P3: "một năm rưỡi" */
        it->span = SPAN_OTHER;
        return j + 1;
    }
    return j;
}
