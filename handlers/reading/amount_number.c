/* Numbers: numerals with their separators (N1, S1 to S6) and number words (N2 to N8). */
#include <string.h>

#include "amount_parts.h"

enum { DIGITS_MAX = 15, DECIMALS_MAX = 9 }; /* L4: what stays far from the end of int64 */

/* ---- Numerals ------------------------------------------------------------------------------------------------- */

/* What a numeral looks like before its unit is known. */
struct numeral {
    int groups;          /* runs of digits between separators */
    int first, last;     /* digits in the first and the last group */
    bool threes;         /* every group but the first has three digits */
    bool threes_but_last;
    bool same_separator;         /* all separators are equal */
    bool same_separator_but_last;
    char separator;      /* the first one */
    char last_separator;
    int digits;
    int64_t value;       /* all digits in a row */
};

static struct numeral numeral_of(const struct word *word)
{
    struct numeral num = {.groups = 1, .threes = true, .threes_but_last = true, .same_separator = true,
                          .same_separator_but_last = true};
    int run = 0;
    for (size_t i = 0; i < word->n; i++) {
        char c = word->fold[i];
        if (c >= '0' && c <= '9') {
            run++;
            if (++num.digits <= DIGITS_MAX)
                num.value = num.value * 10 + (c - '0');
            continue;
        }
        if (num.groups == 1) {
            num.first = run;
            num.separator = c;
        } else {
            num.threes_but_last &= run == 3;
            num.same_separator_but_last &= num.last_separator == num.separator;
        }
        num.last_separator = c;
        num.same_separator &= c == num.separator;
        num.groups++;
        run = 0;
    }
    num.last = run;
    if (num.groups == 1)
        num.first = run;
    else
        num.threes = num.threes_but_last && run == 3;
    return num;
}

static int64_t power_of_ten(int n)
{
    int64_t p = 1;
    while (n-- > 0)
        p *= 10;
    return p;
}

static void numeral_read(const struct token *token, struct number *ret)
{
    struct numeral num = numeral_of(&token->word);
    bool leading_zero = token->word.n > 1 && token->word.fold[0] == '0';
    *ret = (struct number){.n = num.value, .den = 1, .digits = num.groups == 1 ? num.digits : 9};
    if (token->broken || token->word.too_long || num.digits > DIGITS_MAX) {
        ret->form = NUMBER_BROKEN;
    } else if (num.groups == 1) {
        ret->form = NUMBER_PLAIN;
    } else if (num.groups == 2) {
        ret->separator = num.separator;
        if ((num.last <= 2 || (leading_zero && num.first == 1)) && num.last <= DECIMALS_MAX) { /* S1, S2 */
            ret->form = NUMBER_DECIMAL;
            ret->den = power_of_ten(num.last);
        } else if (num.last == 3 && num.first <= 3 && !leading_zero) { /* S3 */
            ret->form = NUMBER_THREE;
        } else {
            ret->form = NUMBER_BROKEN; /* S6 */
        }
    } else if (leading_zero || num.first > 3) {
        ret->form = NUMBER_BROKEN;
    } else if (num.same_separator && num.threes) { /* S4 */
        ret->form = NUMBER_GROUPED;
    } else if (num.same_separator_but_last && num.last_separator != num.separator && num.threes_but_last && num.last <= 2) {
        ret->form = NUMBER_CENTS;
        ret->den = power_of_ten(num.last);
    } else {
        ret->form = NUMBER_BROKEN;
    }
}

static bool is_three_digits(const struct scan *s, int i)
{
    return is_digits(s, i) && !s->token[i].glued && !s->token[i].broken && s->token[i].word.n == 3 &&
           numeral_of(&s->token[i].word).groups == 1;
}

/* S5: "50 000 000", but not before triệu or tỷ. */
static int spaced_groups_read(const struct scan *s, int i, struct number *ret)
{
    const struct word *head = &s->token[i].word;
    if (ret->form != NUMBER_PLAIN || head->n > 3 || head->fold[0] == '0')
        return i + 1;
    int j = i + 1;
    int64_t value = ret->n;
    while (is_three_digits(s, j) && j - i < 5) {
        value = value * 1000 + numeral_of(&s->token[j].word).value;
        j++;
    }
    if (j == i + 1 || is_digits(s, j) || can(s, j, W(MILLION) | W(BILLION)))
        return i + 1;
    ret->n = value;
    ret->form = NUMBER_GROUPED;
    ret->digits = 9;
    return j;
}

/* ---- Words ---------------------------------------------------------------------------------------------------- */

int64_t scale_at(const struct scan *s, int i)
{
    if (can(s, i, W(THOUSAND)))
        return 1000;
    if (can(s, i, W(MYRIAD)))
        return 10000;
    if (can(s, i, W(MILLION)))
        return 1000000;
    if (can(s, i, W(BILLION)))
        return 1000000000;
    return 0;
}

/* Something that only a number can stand before. */
static bool multiplies(const struct scan *s, int i)
{
    return can(s, i, W_SCALE | W(HUNDRED) | W(CHUC) | W(TENS));
}

static bool is_plain_digit(const struct scan *s, int i, int digit)
{
    return can(s, i, W(DIGIT)) && s->token[i].digit == digit;
}

bool is_one_shift(const struct scan *s, int i)
{
    return can(s, i, W(SHIFT)) && (can(s, i - 1, W(EVERY) | W(EACH)) || is_sign(s, i - 1, '/') || is_plain_digit(s, i - 1, 1) ||
                                   (is_digits(s, i - 1) && numeral_of(&s->token[i - 1].word).value == 1));
}

/* N8, first half: what stands before makes it the year. */
static bool year_follows(const struct scan *s, int i)
{
    if (is_one_shift(s, i - 1)) /* "mỗi ca năm trăm nghìn" */
        return false;
    if (can(s, i - 1, W(EVERY) | W(EACH) | W(WHOLE) | W(WITHIN) | W(HALF_OF)) || is_sign(s, i - 1, '/'))
        return true;
    if (is_digits(s, i - 1)) {
        struct numeral num = numeral_of(&s->token[i - 1].word);
        return num.groups == 1 && num.value == 1;
    }
    return is_plain_digit(s, i - 1, 1) && !can(s, i - 2, W(TENS) | W(HUNDRED) | W(CHUC) | W(TEN));
}

static bool is_calendar_year(const struct scan *s, int i)
{
    if (!is_digits(s, i) || s->token[i].word.n != 4)
        return false;
    int64_t year = numeral_of(&s->token[i].word).value;
    return year >= 1900 && year <= 2099;
}

/* The digit word at `i` is the lower bound of "từ sáu đến tám triệu" (R2): the unit stands behind the upper one. */
static bool is_lower_bound(const struct scan *s, int i)
{
    bool from = can(s, i - 1, W(FROM) | W(BETWEEN));
    bool five = from || !can(s, i, W(YEAR)) || can(s, i - 1, W(HEDGE) | W(YEAR)) || is_fold(s, i + 1, "den"); /* not "năm tới" */
    bool to = can(s, i + 1, W(TO)) ? five
                                   : is_sign(s, i + 1, '-') || is_sign(s, i + 1, '~') || can(s, i + 1, from ? W(OR) | W(AND) : W(OR));
    if (!to)
        return false;
    int words = 0;
    while (words < 6 && can(s, i + 2 + words, W(DIGIT) | W(ONES) | W(TEN) | W(TENS) | W(CHUC) | W(HUNDRED) | W(ODD)))
        words++;
    bool higher = words > 1 || can(s, i + 2, W(TEN)) || (words == 1 && s->token[i + 2].digit > s->token[i].digit);
    return higher && scale_at(s, i + 2 + words);
}

bool is_five(const struct scan *s, int i)
{
    if (!can(s, i, W(YEAR)))
        return is_plain_digit(s, i, 5);
    if (year_follows(s, i) || is_calendar_year(s, i + 1))
        return false;
    if (multiplies(s, i + 1) || is_lower_bound(s, i))
        return true;
    if (can(s, i + 1, W(NOT_UNIT) | W(LITRE)) && ends_politely(s, i + 2)) /* năm chai */
        return true;
    if (can(s, i + 1, W(QUANTITY) | W(WORK)) && !can(s, i - 1, W_SCALE | W(DONG))) /* giảm năm người */
        return true;
    if (can(s, i + 1, W(ONES) | W(HALF)) || is_plain_digit(s, i + 1, 6)) /* năm lăm, năm rưỡi, năm sáu triệu */
        return multiplies(s, i + 2);
    return false;
}

/* lăm, nhăm: nothing but the five behind tens (N4). */
static bool is_five_behind_tens(const struct scan *s, int i)
{
    return is_plain_digit(s, i, 5) && can(s, i, W(ONES));
}

/* The digit at `i`, or -1.  `inside` a number its neighbours have already told; outside of one the words that also
 * mean something else count only before a multiplier (fold collisions of section 1). */
static int digit_at(const struct scan *s, int i, bool inside)
{
    if (!can(s, i, W(DIGIT)))
        return -1;
    const struct token *token = &s->token[i];
    bool strong = multiplies(s, i + 1) || is_lower_bound(s, i);
    switch (token->digit) {
    case 0:
        return can(s, i + 1, W(HUNDRED)) ? 0 : -1;
    case 4: /* "tu muoi trieu" is từ mười: forty is bốn mươi */
        if (can(s, i, W(FROM)) && !inside && multiplies(s, i + 1) && !scale_at(s, i + 1))
            return -1;
        return inside || strong || !can(s, i, W(FROM) | W(ONES)) ? 4 : -1;
    case 5:
        if (can(s, i, W(YEAR)))
            return is_five(s, i) ? 5 : -1;
        return inside ? 5 : -1;
    case 8:
        if (can(s, i, W(HEDGE)) && !strong && !inside) /* "tam chin trieu", "tam lam trieu"; else it is tầm */
            return (is_plain_digit(s, i + 1, 9) || is_five_behind_tens(s, i + 1)) && multiplies(s, i + 2) ? 8 : -1;
        return 8;
    case 6: case 7:
        return inside || strong || token->word.marked || (can(s, i + 1, W(DIGIT)) && multiplies(s, i + 2)) ? token->digit : -1;
    default:
        return inside || !can(s, i, W(ONES)) || !token->word.marked ? token->digit : -1;
    }
}

int digit_inside(const struct scan *s, int i)
{
    return digit_at(s, i, true);
}

bool is_several(const struct scan *s, int i)
{
    bool pair = is_plain_digit(s, i + 1, 3) || is_plain_digit(s, i + 1, 5) || is_plain_digit(s, i + 1, 7);
    return can(s, i, W(YEAR)) && !year_follows(s, i) && pair && !can(s, i + 1, W(ONES)) && multiplies(s, i + 2);
}

bool is_year_at_end(const struct scan *s, int i)
{
    return can(s, i, W(YEAR)) && !is_five(s, i) && !is_calendar_year(s, i + 1) &&
           (at_end(s, i + 1) || is_sign(s, i + 1, '(') || can(s, i + 1, W(FILLER) | W(HEDGE)));
}

/* The ones behind tens, at `i`: "lăm" in hai mươi lăm.  Not a digit that begins the next number. */
static int ones_at(const struct scan *s, int i)
{
    if (can(s, i, W(YEAR)) && !multiplies(s, i + 1)) /* "hai mươi năm" is twenty years */
        return -1;
    int digit = digit_at(s, i, true);
    bool begins_next = can(s, i + 1, W(TENS) | W(CHUC) | W(HUNDRED)) ||
                       (can(s, i + 1, W(ONES)) && (s->token[i + 1].word.marked || scale_at(s, i + 2)) && !can(s, i, W(ONES)));
    return digit > 0 && !begins_next ? digit : -1;
}

/* Behind "mươi", "chục", "mười", "hăm" at `i`: the ones, a half, or "mấy".  Adds to ret. */
static int after_tens(const struct scan *s, int i, struct number *ret)
{
    int ones = ones_at(s, i);
    if (ones >= 0) {
        int next = ones_at(s, i + 1);
        ret->n += ones * ret->den;
        if (next == ones + 1 && !can(s, i + 1, W(ONES)) && scale_at(s, i + 2)) { /* N7: hai mươi ba bốn triệu */
            ret->hi = ret->n / ret->den + 1;
            return i + 2;
        }
        return i + 1;
    }
    if (can(s, i, W(HALF)) && can(s, i - 1, W(CHUC) | W(TENS))) { /* N5: chục rưỡi */
        ret->n += 5 * ret->den;
        return i + 1;
    }
    if (can(s, i, W(VAGUE)) && is_fold(s, i, "may") && (scale_at(s, i + 1) || s->token[i].word.marked)) {
        ret->form = NUMBER_VAGUE;
        return i + 1;
    }
    return i;
}

/* The ones behind "linh", "lẻ" at `i - 1`, in a word or a numeral; 0 when there are none. */
static int odd_ones_at(const struct scan *s, int i)
{
    if (is_digits(s, i) && s->token[i].word.n == 1)
        return s->token[i].word.fold[0] - '0';
    if (can(s, i, W(YEAR)) && is_plain_digit(s, i, 5)) /* trăm linh năm */
        return 5;
    int digit = digit_at(s, i, true);
    return digit > 0 ? digit : 0;
}

/* Behind "trăm" at `i`: N4, N5.  Adds to ret. */
static int after_hundred(const struct scan *s, int i, struct number *ret)
{
    if (can(s, i, W(HALF))) {
        ret->n += 50 * ret->den;
        return i + 1;
    }
    if (can(s, i, W(ODD)) && odd_ones_at(s, i + 1) > 0) {
        ret->n += odd_ones_at(s, i + 1) * ret->den;
        return i + 2;
    }
    if (can(s, i, W(TEN)) && !can(s, i - 1, W(DIGIT))) {
        ret->n += 10 * ret->den;
        return after_tens(s, i + 1, ret);
    }
    if (can(s, i, W(HAM)) && ones_at(s, i + 1) > 0) {
        ret->n += 20 * ret->den;
        return after_tens(s, i + 1, ret);
    }
    int digit = digit_at(s, i, true);
    if (digit > 0 && can(s, i + 1, W(TENS) | W(CHUC))) {
        ret->n += 10 * digit * ret->den;
        return after_tens(s, i + 2, ret);
    }
    if (digit > 0 && !can(s, i + 1, W(HUNDRED))) {
        ret->n += 10 * digit * ret->den;
        if (can(s, i + 1, W(ONES)) && digit_at(s, i + 1, true) > 0 && !can(s, i, W(ONES))) /* một trăm hai lăm */
            return after_tens(s, i + 1, ret);
        return i + 1;
    }
    /* N3: "3 trăm 5 chục triệu", "9 trăm 50 nghìn" */
    if (is_digits(s, i) && !s->token[i].broken && s->token[i].word.n == 1 && can(s, i + 1, W(CHUC))) {
        ret->n += numeral_of(&s->token[i].word).value * 10 * ret->den;
        return after_tens(s, i + 2, ret);
    }
    if (is_digits(s, i) && !s->token[i].broken && s->token[i].word.n <= 2 && scale_at(s, i + 1)) {
        int64_t rest = numeral_of(&s->token[i].word).value;
        ret->n += (s->token[i].word.n == 1 ? rest * 10 : rest) * ret->den;
        return i + 1;
    }
    if (can(s, i, W(VAGUE)) && is_fold(s, i, "may") && scale_at(s, i + 1)) {
        ret->form = NUMBER_VAGUE;
        return i + 1;
    }
    return i;
}

/* Two digit words in a row: N4 (hai lăm), N7 (hai ba triệu), or no way to tell.  `i` is the second one. */
static int digit_pair_read(const struct scan *s, int i, int first, struct number *ret)
{
    int second = digit_at(s, i, true);
    bool special = can(s, i, W(ONES)) && (s->token[i].word.marked || scale_at(s, i + 1) || ends_politely(s, i + 1));
    if (special && second > 0) {
        /* "ba mot trieu" without accents: mốt, because "một" would not stand behind a digit. */
        ret->n = 10 * first + second;
        ret->digits = 2;
        return i + 1;
    }
    if (first == 9 && can(s, i, W(TEN)) && s->token[i].word.marked && scale_at(s, i + 1)) { /* chín mười triệu */
        ret->hi = 10;
        return i + 1;
    }
    if (second <= 0 || !multiplies(s, i + 1))
        return i;
    if (second == first + 1) {
        int64_t scale = can(s, i + 1, W(HUNDRED)) ? 100 : can(s, i + 1, W(CHUC) | W(TENS)) ? 10 : 1;
        ret->n = first * scale;
        ret->hi = second * scale;
        ret->digits = scale == 100 ? 3 : scale == 10 ? 2 : 1;
        return scale > 1 ? i + 2 : i + 1;
    }
    if (!scale_at(s, i + 1))
        return i;
    ret->n = 10 * first + second;
    ret->digits = 2;
    if (second >= first) /* "ba sáu triệu" is 36 to some and three to six to others; "sáu ba" only 63 */
        ret->form = NUMBER_TWO_WAYS;
    return i + 1;
}

static int words_read(const struct scan *s, int i, struct number *ret)
{
    *ret = (struct number){.den = 1, .words = true, .form = NUMBER_PLAIN};
    if (can(s, i, W(HUNDRED))) { /* N6 */
        ret->n = 100;
        ret->digits = 3;
        return after_hundred(s, i + 1, ret);
    }
    if (can(s, i, W(CHUC)) || (can(s, i, W(TEN)))) {
        ret->n = 10;
        ret->digits = 2;
        return after_tens(s, i + 1, ret);
    }
    if (can(s, i, W(HAM)) && ones_at(s, i + 1) > 0) {
        ret->n = 20;
        ret->digits = 2;
        return after_tens(s, i + 1, ret);
    }
    int digit = digit_at(s, i, false);
    if (digit < 0)
        return -1;
    ret->n = digit;
    ret->digits = 1;
    if (can(s, i + 1, W(HUNDRED))) {
        ret->n = digit * 100;
        ret->digits = 3;
        return after_hundred(s, i + 2, ret);
    }
    if (can(s, i + 1, W(TENS) | W(CHUC))) {
        ret->n = digit * 10;
        ret->digits = 2;
        return after_tens(s, i + 2, ret);
    }
    return digit_pair_read(s, i + 1, digit, ret);
}

/* S1 said aloud: "một phẩy năm tỷ", "1 phẩy 25 tỷ".  @return the token behind it, or `i` when there is none. */
static int spoken_decimal_read(const struct scan *s, int i, struct number *ret)
{
    struct number part;
    if (!is_fold(s, i, "phay") || ret->form != NUMBER_PLAIN || ret->den != 1 || ret->hi)
        return i;
    int j = i + 1;
    if (is_digits(s, j)) {
        numeral_read(&s->token[j], &part);
        j++;
    } else {
        j = words_read(s, j, &part);
    }
    if (j < 0 || part.form != NUMBER_PLAIN || part.digits > 2 || part.hi)
        ret->form = NUMBER_BROKEN;
    if (j < 0 || ret->form == NUMBER_BROKEN)
        return j < 0 ? i + 1 : j;
    ret->den = power_of_ten(part.digits);
    ret->form = NUMBER_DECIMAL;
    if (__builtin_mul_overflow(ret->n, ret->den, &ret->n) || __builtin_add_overflow(ret->n, part.n, &ret->n))
        ret->form = NUMBER_BROKEN;
    return j;
}

int number_read(const struct scan *s, int i, struct number *ret)
{
    int j;
    if (is_digits(s, i)) {
        numeral_read(&s->token[i], ret);
        j = i + 1;
        bool whole = ret->form == NUMBER_PLAIN || ret->form == NUMBER_DECIMAL;
        if (whole && can(s, j, W(HUNDRED))) { /* N3 */
            ret->n *= 100;
            ret->words = true;
            ret->digits = 3;
            j = after_hundred(s, j + 1, ret);
        } else if (whole && (can(s, j, W(CHUC)) || (can(s, j, W(TENS)) && scale_at(s, j + 1)))) {
            ret->n *= 10;
            ret->words = true;
            ret->digits = 2;
            j = after_tens(s, j + 1, ret);
        } else if (ret->form == NUMBER_PLAIN && ret->n > 0 && ret->n % 100 == 0 && can(s, j, W(ODD)) && scale_at(s, j + 2) &&
                   odd_ones_at(s, j + 1) > 0) { /* N3: "100 linh 5 triệu" */
            ret->n += odd_ones_at(s, j + 1);
            j += 2;
        } else {
            j = spaced_groups_read(s, i, ret);
        }
    } else {
        j = words_read(s, i, ret);
        if (j < 0)
            return -1;
    }
    j = spoken_decimal_read(s, j, ret);
    if (can(s, j - 1, W(HUNDRED) | W(CHUC)) && j - 1 > i)
        ret->tens = can(s, j - 1, W(HUNDRED)) ? 100 : 10;
    /* N5 with the half before the unit: "hai rưỡi triệu" */
    if (can(s, j, W(HALF)) && scale_at(s, j + 1) && ret->den == 1 && ret->form == NUMBER_PLAIN) {
        ret->n = ret->n * 2 + 1;
        ret->den = 2;
        ret->form = NUMBER_DECIMAL;
        j++;
    }
    return j;
}

bool number_in(const struct number *number, int64_t unit, int64_t *ret)
{
    int64_t n;
    if (unit % number->den == 0)
        return !__builtin_mul_overflow(number->n, unit / number->den, ret);
    if (__builtin_mul_overflow(number->n, unit, &n) || __builtin_add_overflow(n, number->den / 2, &n))
        return false;
    *ret = n / number->den;
    return true;
}

bool number_is_split(const struct number *number, int64_t unit)
{
    if (number->form != NUMBER_THREE)
        return false;
    if (unit >= 1000000000)
        return true;
    return unit >= 1000000 && number->separator == ',';
}
