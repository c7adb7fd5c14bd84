/* Sums of money: a number with its units, tails and currency (N5, N6, N8, U, C, F), told from quantities (U7). */
#include "amount_parts.h"

/* ---- What stands behind a number ------------------------------------------------------------------------------ */

/* F1, F2.  @return the token behind the currency at `i`, or `i` when there is none. */
static int foreign_read(const struct scan *s, int i)
{
    if (!can(s, i, W(FOREIGN)))
        return i;
    if (is_fold(s, i, "do") && !s->token[i].word.marked) { /* "do" is also "because" */
        bool rate = is_sign(s, i + 1, '/') || can(s, i + 1, W(EVERY) | W(EACH)) || span_at(s, i + 1) != SPAN_NONE ||
                    (can(s, i + 1, W(DIGIT)) && span_at(s, i + 2) != SPAN_NONE);
        bool polite = (is_fold(s, i + 1, "a") || is_fold(s, i + 1, "nhe") || is_fold(s, i + 1, "thoi")) && at_end(s, i + 2);
        if (!rate && !polite && !at_end(s, i + 1))
            return i;
    }
    if (is_fold(s, i, "yen") && s->token[i].word.n == 3) {
        static const char *const places[] = {"dung", "the", "phong", "bai", "lac", "mo", "khanh", "thanh"};
        for (size_t p = 0; p < ARRAY_LEN(places); p++)
            if (is_fold(s, i + 1, places[p]))
                return i;
    }
    i++;
    if (is_sign(s, i, '-') && is_fold(s, i + 1, "la")) /* đô-la */
        i += 2;
    if (can(s, i, W(FOREIGN)) && s->token[i].glued) /* US$ */
        i++;
    return i;
}

/* U5: currency words and "chẵn", "tròn" behind a multiplier. */
static int currency_skip(const struct scan *s, int i, bool *ret_any)
{
    while (can(s, i, W(DONG)) || is_fold(s, i, "chan") || is_fold(s, i, "tron")) {
        if (can(s, i, W(DONG)) && ret_any)
            *ret_any = true;
        i++;
    }
    return i;
}

/* U7: whether a noun of quantity stands at `i`, behind a number (or behind its multiplier). */
static bool is_quantity(const struct scan *s, int i, bool multiplied)
{
    if (can(s, i, W(PERCENT)))
        return true;
    if (can(s, i, W(LITRE))) {
        if (can(s, i + 1, W(HALF)))
            return false;
        while (can(s, i + 1, W(FILLER) | W(HEDGE))) /* "50 lít ạ" */
            i++;
        return !at_end(s, i + 1);
    }
    if (is_fold(s, i, "do") && s->token[i].word.tone == TONE_DOT) /* 5 độ */
        return !is_digits(s, i + 1);
    if (can(s, i, W(CHANGE)) && (is_digits(s, i + 1) || can(s, i + 1, W(DIGIT)))) /* "con" is còn here, not con */
        return false;
    if (can(s, i, W(WORK)))
        return !multiplied;
    if (multiplied && is_fold(s, i, "gio") && !ends_politely(s, i + 1) && !can(s, i + 1, W(WORK))) /* "8 triệu giờ còn 5": now */
        return false;
    return can(s, i, W(QUANTITY)) && !can(s, i, W(LOSS));
}

/* ---- Choices for the question --------------------------------------------------------------------------------- */

void choices_tidy(int64_t choice[AMOUNT_CHOICES_MAX])
{
    int out = 0;
    for (int i = 0; i < AMOUNT_CHOICES_MAX; i++) {
        int64_t c = choice[i];
        choice[i] = 0;
        bool known = c < AMOUNT_MIN_VND || c > AMOUNT_MAX_VND;
        for (int k = 0; k < out; k++)
            known |= choice[k] == c;
        if (!known)
            choice[out++] = c;
    }
}

void item_ask(struct item *it, enum amount_ask why, int64_t a, int64_t b)
{
    if (it->ask)
        return;
    it->ask = why;
    it->choice[0] = a;
    it->choice[1] = b;
}

/* Turns what a number is into what has to be asked (S3, S6, V1, L2), and its value in đồng. */
static int64_t value_or_ask(struct item *it, const struct number *number, int64_t unit)
{
    int64_t value = 0;
    if (number->form == NUMBER_BROKEN || (number->form == NUMBER_CENTS && unit > 1)) {
        item_ask(it, ASK_AGAIN, 0, 0);
    } else if (number->form == NUMBER_VAGUE) {
        item_ask(it, ASK_VAGUE, 0, 0);
    } else if (!number_in(number, unit, &value)) {
        item_ask(it, ASK_ODD_SIZE, 0, 0);
    } else if (number_is_split(number, unit)) {
        item_ask(it, ASK_TWO_WAYS, value / 1000, value);
    } else if (number->form == NUMBER_TWO_WAYS) {
        item_ask(it, ASK_TWO_WAYS, value, number->n / 10 * unit);
    }
    return value;
}

static void add_vnd(struct item *it, int64_t vnd)
{
    if (__builtin_add_overflow(it->lo, vnd, &it->lo))
        item_ask(it, ASK_ODD_SIZE, 0, 0);
    if (it->hi && __builtin_add_overflow(it->hi, vnd, &it->hi))
        item_ask(it, ASK_ODD_SIZE, 0, 0);
}

/* A numeral of this one digit. */
static bool is_numeral(const struct scan *s, int i, char digit)
{
    return is_digits(s, i) && s->token[i].word.n == 1 && s->token[i].word.fold[0] == digit;
}

/* ---- Tails (C2, C3, N8) --------------------------------------------------------------------------------------- */

/* C3: the number that ended before `i` counts a period or a quantity, so it is no tail.  `glued`: written without a
 * blank, "2tr5 tháng", it belongs to the sum whatever follows. */
static bool counts_something_else(const struct scan *s, int i, bool glued)
{
    if (can(s, i, W(PERCENT)) || (is_sign(s, i, '/') && is_digits(s, i + 1)) || foreign_read(s, i) > i)
        return true;
    return !glued && (span_at(s, i) != SPAN_NONE || is_quantity(s, i, false));
}

/* A word behind the tail that the grammar does not know may be what the tail counts: "2 triệu 5 xyz". */
static bool may_count_something(const struct scan *s, int i, bool glued)
{
    return !glued && is_word(s, i) && s->token[i].can == 0;
}

/* C3 for a lone digit word: "1 tỷ tư", "ba ty sau".  Such words mean other things too, so the sum must end there. */
static int lone_digit_read(const struct scan *s, int i, struct number *ret)
{
    int digit = digit_inside(s, i);
    bool after = is_fold(s, i, "sau"); /* "50tr sau một năm", "sau mỗi ca" */
    bool ends = ends_politely(s, i + 1) || is_sign(s, i + 1, '/') || is_sign(s, i + 1, '-') || can(s, i + 1, W(DONG)) ||
                (!after && can(s, i + 1, W(EVERY) | W(EACH) | W(TO))) ||
                (!after && can(s, i + 1, W(DIGIT)) && span_at(s, i + 2) != SPAN_NONE);
    if (digit < 0 || !ends)
        return -1;
    *ret = (struct number){.n = digit, .den = 1, .words = true, .digits = 1};
    return i + 1;
}

/* @return the token behind a tail at `i`, or `i` when there is none. */
static int tail_read(const struct scan *s, int i, int64_t unit, struct item *it)
{
    bool glued = is_digits(s, i) && s->token[i].glued;
    if (glued && is_numeral(s, i, '1') && span_at(s, i + 1) != SPAN_NONE) /* "50tr1 năm" */
        glued = false;
    struct number tail;
    if (unit >= 1000000 && is_year_at_end(s, i)) { /* N8 */
        item_ask(it, ASK_YEAR_OR_HALF, it->lo, it->lo + unit / 2);
        return i + 1;
    }
    int j = number_read(s, i, &tail);
    if (j < 0)
        j = lone_digit_read(s, i, &tail);
    if (j < 0 || date_or_phone_read(s, i) >= 0)
        return i;
    bool foreign = tail.digits == 1 && foreign_read(s, j) > j; /* "1 triệu 2 đô" is foreign as a whole, "24 triệu 1000$" is not */
    if (!foreign && counts_something_else(s, j, glued))
        return i;
    if (is_digits(s, j) && !(span_at(s, j + 1) != SPAN_NONE)) /* more numbers: no tail but a list */
        return i;
    if (tail.form != NUMBER_PLAIN || tail.digits > 3 || tail.hi) {
        /* "1 triệu 500.000 đồng" has an explicit unit (C1); anything else is S6 */
        int64_t vnd = 0;
        bool whole = tail.form == NUMBER_PLAIN || tail.form == NUMBER_THREE || tail.form == NUMBER_GROUPED;
        if (can(s, j, W(DONG)) && whole && number_in(&tail, 1, &vnd) && vnd < unit)
            add_vnd(it, vnd);
        else
            item_ask(it, ASK_AGAIN, 0, 0);
        return j;
    }
    if (unit == 1000 && !glued && can(s, j, W(DONG))) { /* C1: "30 nghìn 8 đồng" */
        add_vnd(it, tail.n);
        return j;
    }
    if (tail.digits == 2) {
        item_ask(it, ASK_TWO_WAYS, it->lo + tail.n * (unit / 100), it->lo + tail.n * (unit / 1000));
        return j;
    }
    int64_t with = tail.n * (unit / (tail.digits == 1 ? 10 : 1000));
    if (tail.digits == 1 && can(s, j, W(HALF))) { /* N5: "2 triệu ba rưỡi" */
        add_vnd(it, with + unit / 20);
        return j + 1;
    }
    if (may_count_something(s, j, glued))
        item_ask(it, ASK_TWO_WAYS, it->lo + with, it->lo);
    else
        add_vnd(it, with);
    return j;
}

/* ---- Sums ----------------------------------------------------------------------------------------------------- */

/* "nghìn tỷ", "nghìn triệu": one multiplier made of two. */
static int unit_read(const struct scan *s, int i, int64_t *ret)
{
    int64_t unit = scale_at(s, i);
    if (!unit)
        return i;
    i++;
    while (scale_at(s, i) > unit && unit < 1000000 && !s->token[i].glued) {
        unit *= scale_at(s, i);
        i++;
    }
    *ret = unit;
    return i;
}

/* "một triệu không nghìn không trăm linh năm đồng": a smaller unit of which there is none. */
static bool is_zero_group(const struct scan *s, int i, int64_t unit)
{
    bool none = can(s, i, W(DIGIT)) && s->token[i].digit == 0;
    return none && scale_at(s, i + 1) > 0 && scale_at(s, i + 1) < unit && can(s, i + 2, W(DIGIT)) && !can(s, i + 1, W(NOT));
}

/* Behind the first unit: halves, smaller units, tails (N5, C1, C2).  @return the token behind them. */
static int rest_read(const struct scan *s, int i, struct item *it)
{
    int64_t unit = it->unit;
    for (;;) {
        if (can(s, i, W(HALF))) {
            add_vnd(it, unit / 2);
            return i + 1;
        }
        if (can(s, i, W(VAGUE)) && is_fold(s, i, "may") && s->token[i].word.marked && at_end(s, i + 1)) {
            item_ask(it, ASK_VAGUE, 0, 0); /* "2 triệu mấy" */
            return i + 1;
        }
        if (is_zero_group(s, i, unit)) {
            unit = scale_at(s, i + 1);
            i += 2;
        }
        int at = can(s, i, W(ODD)) ? i + 1 : i;
        struct number number;
        int j = number_read(s, at, &number);
        int64_t smaller = 0;
        int after = j < 0 ? -1 : unit_read(s, j, &smaller);
        if (j >= 0 && after > j && is_quantity(s, after, true))
            return i;
        if (j >= 0 && after > j && smaller > unit && unit == 1000 && !number.hi && number.form == NUMBER_PLAIN) {
            /* hai nghìn năm trăm tỷ: the thousands count the bigger unit too */
            if (__builtin_mul_overflow(it->lo / 1000 * 1000 + number.n, smaller, &it->lo))
                item_ask(it, ASK_ODD_SIZE, 0, 0);
            if (it->hi) /* "hai ba nghìn 5 triệu" */
                item_ask(it, ASK_AGAIN, 0, 0);
            it->unit = unit = smaller;
            i = after;
            continue;
        }
        if (j >= 0 && after > j && smaller < unit) {
            struct item part = {0};
            int64_t vnd = value_or_ask(&part, &number, smaller);
            if (part.ask)
                item_ask(it, part.ask, 0, 0);
            if (number.hi || vnd >= unit)
                return i;
            add_vnd(it, vnd);
            unit = smaller;
            i = after;
            continue;
        }
        if (after > j || at != i) /* another sum, not part of this one */
            return i;
        return tail_read(s, i, unit, it);
    }
}

/* Behind a whole sum: the currency.  Foreign money is no VND (F1), a noun makes it a quantity (U7). */
static int currency_read(const struct scan *s, int i, struct item *it)
{
    int foreign = foreign_read(s, i);
    if (foreign > i) {
        it->kind = ITEM_FOREIGN;
        return foreign;
    }
    bool dong = false;
    int j = currency_skip(s, i, &dong);
    if (!dong && is_quantity(s, j, it->lo >= 100000)) {
        it->kind = ITEM_QUANTITY;
        return j + 1;
    }
    return j;
}

/* V1: vài, mấy, dăm, nhiều; hàng, cả before trăm or triệu; mươi as the first word; năm ba, năm bảy; tiền tỷ. */
static int vague_read(const struct scan *s, int i, struct item *it)
{
    int j = i + 1;
    int multipliers = 0;
    if (can(s, i, W(VAGUE_SUM))) {
        it->kind = ITEM_MONEY;
        it->ask = ASK_VAGUE;
        return j;
    }
    if (can(s, i, W(ROUNDLY)) && can(s, j, W(HUNDRED) | W(CHUC) | W_SCALE)) {
        if (can(s, i - 1, W(EVERY) | W(EACH) | W(DIGIT)) || is_sign(s, i - 1, '/') || is_digits(s, i - 1))
            return -1; /* "mỗi ca trăm nghìn" is a shift */
    } else if (is_several(s, i)) {
        j = i + 2;
    } else if (can(s, i, W(TENS)) && !can(s, i, W(TEN))) {
        struct number number;
        multipliers = scale_at(s, j) || number_read(s, j, &number) >= 0 || is_quantity(s, j, false);
    } else if (!can(s, i, W(VAGUE))) {
        return -1;
    }
    for (; can(s, j, W(HUNDRED) | W(CHUC) | W(TENS) | W_SCALE); j++)
        multipliers++;
    bool noun = is_quantity(s, j, false);
    if (multipliers == 0 && !noun && !(can(s, j, W(DONG)) && s->token[j].word.n > 1))
        return -1;
    it->kind = ITEM_MONEY;
    j = currency_read(s, j, it);
    if (noun && it->kind == ITEM_MONEY)
        it->kind = ITEM_QUANTITY;
    if (it->kind == ITEM_MONEY)
        it->ask = ASK_VAGUE;
    return j;
}

/* N5 before the unit: "nửa tỷ", "1/2 tỷ", "nửa trăm triệu"; other fractions are not read. */
static int half_read(const struct scan *s, int i, struct item *it, struct number *ret)
{
    int j = i + 1;
    *ret = (struct number){.n = 1, .den = 2, .form = NUMBER_DECIMAL};
    if (is_digits(s, i)) {
        if (!is_sign(s, i + 1, '/') || !is_digits(s, i + 2) || !can(s, i + 3, W_SCALE | W(HUNDRED) | W(CHUC)))
            return -1;
        j = i + 3;
        if (!is_numeral(s, i, '1') || !is_numeral(s, i + 2, '2'))
            item_ask(it, ASK_AGAIN, 0, 0);
    } else if (!can(s, i, W(HALF_OF)) || !can(s, j, W_SCALE | W(HUNDRED) | W(CHUC))) {
        return -1;
    }
    if (can(s, j, W(HUNDRED) | W(CHUC))) {
        ret->n = can(s, j, W(HUNDRED)) ? 50 : 5;
        ret->den = 1;
        j++;
    }
    return j;
}

/* N6: tỷ, triệu, củ without a number are one of them when "rưỡi" or a single digit word follows. */
static int implicit_one_read(const struct scan *s, int i, struct item *it)
{
    int64_t unit = scale_at(s, i);
    if (unit < 1000000 || is_fold(s, i, "tr") || is_fold(s, i, "trd"))
        return -1;
    /* "ty" is also the one of công ty */
    bool sure = s->token[i].word.marked || is_fold(s, i, "trieu") || !is_word(s, i - 1) ||
                can(s, i - 1, W(HEDGE) | W(VERB) | W(OVER) | W(UNDER) | W(FILLER));
    bool half = can(s, i + 1, W(HALF));
    if (!half && (!sure || !can(s, i + 1, W(DIGIT))))
        return -1;
    if (!sure && is_fold(s, i - 1, "cong"))
        return -1;
    it->unit = it->lo = unit;
    it->kind = ITEM_MONEY;
    int j = half ? rest_read(s, i + 1, it) : tail_read(s, i + 1, unit, it);
    return j > i + 1 && j <= i + 2 ? currency_read(s, j, it) : -1;
}

/* A number with the same number in words behind it, "50 (năm mươi) triệu".  @return the token behind it, or `i`. */
static int repeated_number_skip(const struct scan *s, int i, const struct number *number)
{
    struct number again;
    if (!is_sign(s, i, '('))
        return i;
    int j = number_read(s, i + 1, &again);
    return j >= 0 && is_sign(s, j, ')') && scale_at(s, j + 1) && again.n == number->n && again.den == number->den ? j + 1 : i;
}

/* A code such as SK01 or A4: digits that belong to the letters before them. */
static bool is_code(const struct scan *s, int i)
{
    if (!is_digits(s, i) || !s->token[i].glued || !is_word(s, i - 1) || can(s, i - 1, W(TIMES)))
        return false;
    const uint64_t units = W(NOT_UNIT) | W(NOT) | W(QUANTITY) | W(LITRE);
    return s->token[i - 1].word.n == 1 || (s->token[i - 1].can & ~units) == 0;
}

/* Behind a number that has no multiplier. */
static int bare_read(const struct scan *s, int i, struct item *it)
{
    const struct number *number = &it->number;
    int foreign = foreign_read(s, i);
    if (foreign > i) {
        it->kind = ITEM_FOREIGN;
        return foreign;
    }
    if (can(s, i, W(PERCENT))) {
        it->kind = ITEM_PERCENT;
        return i + 1;
    }
    if (is_quantity(s, i, false)) {
        it->kind = ITEM_QUANTITY;
        return i + 1;
    }
    bool other = can(s, i, W(FILLER) | W(TO) | W(VERB));
    if (can(s, i, W(NOT_UNIT) | W(LITRE)) && (!other || at_end(s, i + 1) || can(s, i + 1, W(HALF)) || is_sign(s, i + 1, '/'))) { /* U6 */
        it->kind = ITEM_NOT_UNIT;
        return i + 1;
    }
    it->kind = ITEM_BARE;
    bool cut_off = is_sign(s, i, '.') || is_sign(s, i, ',') || is_sign(s, i, '-') || is_sign(s, i, '_');
    if (cut_off && s->token[i].glued && scale_at(s, i + 1) && s->token[i + 1].glued) /* S6: "50.tr", "50-triệu" */
        item_ask(it, ASK_AGAIN, 0, 0);
    int64_t value = value_or_ask(it, number, 1);
    if (!it->ask && value >= 1000000) { /* B1 */
        it->kind = ITEM_MONEY;
        it->bare_million = true;
        it->unit = 1;
        it->lo = value;
    }
    return i;
}

static bool is_currency_code(const struct scan *s, int i)
{
    static const char *const codes[] = {"usd", "us", "eur", "euro", "cny", "rmb", "jpy", "krw", "gbp"};
    if (i >= 0 && i < s->n && s->token[i].kind == TOKEN_SIGN)
        return can(s, i, W(FOREIGN));
    for (size_t c = 0; c < ARRAY_LEN(codes); c++)
        if (is_fold(s, i, codes[c]))
            return true;
    return false;
}

int sum_read(const struct scan *s, int i, struct item *it)
{
    int at = i;
    bool dong_before = false, foreign_before = false;
    while (is_currency_code(s, at)) { /* "$1000", "US$ 1000" */
        foreign_before = true;
        at++;
    }
    if (at == i && (is_fold(s, at, "vnd") || is_sign(s, at, 0x20AB))) { /* U4: "VND 36,000,000" */
        dong_before = true;
        at += is_sign(s, at + 1, ':') ? 2 : 1;
    }
    if ((foreign_before || dong_before) && !is_digits(s, at))
        return -1;
    if (is_code(s, at)) {
        it->kind = ITEM_NOTHING;
        return at + 1;
    }
    int j = vague_read(s, at, it);
    if (j >= 0)
        return j;
    j = half_read(s, at, it, &it->number);
    if (j < 0) {
        j = implicit_one_read(s, at, it);
        if (j >= 0)
            return j;
        it->ask = ASK_NOTHING;
        j = number_read(s, at, &it->number);
        if (j < 0)
            return -1;
    }
    if (is_sign(s, j, '+') && s->token[j].glued && scale_at(s, j + 1)) { /* R3: "50+ triệu" */
        it->bound = BOUND_LOWER;
        j++;
    }
    j = repeated_number_skip(s, j, &it->number);
    int behind = unit_read(s, j, &it->unit);
    if (behind > j && can(s, behind, W(MILLION) | W(BILLION))) { /* "1 tỷ tỷ" */
        item_ask(it, ASK_AGAIN, 0, 0);
        behind++;
    }
    it->kind = ITEM_MONEY;
    if (behind == j) {
        if (!can(s, j, W(DONG)) && !dong_before) {
            j = bare_read(s, j, it);
            if (foreign_before) {
                it->kind = ITEM_FOREIGN;
                it->ask = ASK_NOTHING;
            }
            return j;
        }
        it->unit = 1;
    }
    it->lo = value_or_ask(it, &it->number, it->unit);
    if (it->number.hi && __builtin_mul_overflow(it->number.hi, it->unit, &it->hi))
        item_ask(it, ASK_ODD_SIZE, 0, 0);
    if (behind > j)
        behind = rest_read(s, behind, it);
    behind = currency_read(s, behind, it);
    if (foreign_before)
        it->kind = ITEM_FOREIGN;
    return behind;
}
