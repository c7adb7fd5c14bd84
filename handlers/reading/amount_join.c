/* Puts the parts of a message together: two numbers to a range (R2, N7), bounds, signs and totals to their sum. */
#include "amount_parts.h"

/* ---- Gaps ----------------------------------------------------------------------------------------------------- */

static bool ends_clause(const struct scan *s, int i)
{
    const struct token *token = &s->token[i];
    if (token->kind == TOKEN_BREAK)
        return true;
    if (token->kind != TOKEN_SIGN)
        return can(s, i, W(AND) | W(OR) | W(PLUS) | W(TOTAL));
    switch (token->sign) {
    case '"': case '\'': case '~': case 0x201C: case 0x201D: case 0x2248:
        return false;
    default:
        return true;
    }
}

enum gap gap_between(const struct scan *s, int from, int to)
{
    enum gap gap = GAP_NONE;
    for (int i = from; i < to; i++) {
        if (ends_clause(s, i))
            return GAP_CLAUSE;
        if (is_word(s, i) && !can(s, i, W(DONG) | W(HEDGE) | W(FILLER) | W(UPWARDS) | W(DOWNWARDS) | W(AT_LEAST) | W(AT_MOST)))
            gap = GAP_WORDS;
    }
    return gap;
}

/* ---- Ranges (R2, N7) ------------------------------------------------------------------------------------------ */

enum link { LINK_NONE, LINK_NEXT, LINK_RANGE, LINK_CHANGE, LINK_SUM };

/* Skips hedges backwards. */
static int before_hedges(const struct scan *s, int i)
{
    while (i >= 0 && (can(s, i, W(HEDGE)) || is_sign(s, i, '~')))
        i--;
    return i;
}

/* "20 -> 30 triệu": from a number without a unit to one with it; behind a sum the arrow says what it comes to. */
static bool is_arrow_of_range(const struct scan *s, int i)
{
    bool arrow = is_sign(s, i, 0x2192) || (is_sign(s, i, '>') && is_sign(s, i - 1, '-'));
    return arrow && is_digits(s, is_sign(s, i, '>') ? i - 2 : i - 1);
}

/* How the numbers before token `from` and behind token `to` hang together; `left` is where the first one begins. */
static enum link link_between(const struct scan *s, int left, int from, int to)
{
    enum link link = LINK_NEXT;
    bool under = false;
    for (int i = from; i < to; i++) {
        if (is_sign(s, i, '-') || is_sign(s, i, '~') || can(s, i, W(TO) | W(OR))) {
            if (link != LINK_CHANGE) /* "lên đến" stays a change */
                link = LINK_RANGE;
        } else if (can(s, i, W(CHANGE))) {
            link = LINK_CHANGE;
        } else if (is_sign(s, i, '+') || can(s, i, W(PLUS) | W(MINUS))) {
            link = LINK_SUM;
        } else if (can(s, i, W(AND))) {
            link = can(s, before_hedges(s, left - 1), W(BETWEEN)) ? LINK_RANGE : LINK_SUM;
        } else if (is_arrow_of_range(s, i)) {
            link = LINK_RANGE;
        } else if (link == LINK_RANGE && can(s, i, W(OVER))) { /* "20 đến hơn 30 triệu" */
            continue;
        } else if (can(s, i, W(UNDER) | W(AT_MOST))) {
            under = true;
        } else if (!can(s, i, W(HEDGE))) {
            return LINK_NONE;
        }
    }
    if (under && link == LINK_NEXT) /* "trên 20 dưới 30 triệu" */
        return can(s, before_hedges(s, left - 1), W(OVER) | W(AT_LEAST) | W(FROM)) ? LINK_RANGE : LINK_NONE;
    return link;
}

static int64_t smaller_unit(int64_t unit)
{
    return unit > 1000000 ? 1000000 : unit > 1000 ? 1000 : 1;
}

/* The left bound of a range in the unit of the right one, or in the next smaller unit.  @return false: neither fits. */
static bool left_bound(const struct item *left, const struct item *right, int64_t *ret)
{
    if (left->kind == ITEM_MONEY && !left->bare_million) {
        *ret = left->lo;
        return left->lo < right->lo;
    }
    if (!number_in(&left->number, right->unit, ret))
        return false;
    if (*ret < right->lo)
        return true;
    return left->number.n / left->number.den >= 100 && number_in(&left->number, smaller_unit(right->unit), ret) &&
           *ret < right->lo && right->unit > 1;
}

/* Makes one item of both; the joined one keeps the unit of the right one. */
static struct item joined(const struct item *bare_left, const struct item *right)
{
    struct item with_tens = *bare_left;
    const struct item *left = &with_tens;
    struct item both = *right;
    int tens = right->number.tens;
    if (left->kind == ITEM_BARE && tens > 0 && left->number.tens == 0 &&
        left->number.n / left->number.den < right->number.n / right->number.den / tens &&
        !__builtin_mul_overflow(left->number.n, tens, &with_tens.number.n)) /* "3-4 chục triệu" */
        with_tens.number.tens = tens;
    both.from = left->from;
    if (left->trail)
        both.trail = left->trail;
    if (left->kind == ITEM_BARE && right->kind == ITEM_BARE) { /* "20-30" has no unit (B2) */
        both.number = left->number;
        both.hi = 1; /* a third number would be one too many */
        if (left->hi)
            item_ask(&both, ASK_VAGUE, 0, 0);
        return both;
    }
    struct item in_left_unit = *right;
    const struct item *upper = right;
    if (right->kind == ITEM_BARE) { /* "20 triệu - 30" */
        both = *left;
        both.to = both.sum_to = right->to;
        if (!number_in(&right->number, left->unit, &in_left_unit.lo))
            item_ask(&both, ASK_ODD_SIZE, 0, 0);
        upper = &in_left_unit;
    }
    int64_t lo = 0;
    if (left->ask)
        item_ask(&both, left->ask, left->choice[0], left->choice[1]);
    if (right->ask)
        item_ask(&both, right->ask, right->choice[0], right->choice[1]);
    if (left->kind == ITEM_BARE && number_is_split(&left->number, right->unit)) {
        number_in(&left->number, right->unit, &lo);
        item_ask(&both, ASK_TWO_WAYS, lo / 1000, lo);
    }
    if (left->hi || !left_bound(left, upper, &lo))
        item_ask(&both, ASK_VAGUE, 0, 0);
    both.lo = lo;
    both.hi = upper->hi ? upper->hi : upper->lo;
    return both;
}

/* N7: "20 30 triệu".  A second number of exactly three digits could be a group of the first one. */
static struct item joined_in_a_row(const struct item *left, const struct item *right, const struct scan *s, int at)
{
    struct item both = *right;
    both.from = left->from;
    int64_t lo = 0;
    if (is_digits(s, at) && s->token[at].word.n == 3 && right->number.form == NUMBER_PLAIN) {
        struct number grouped = {.n = left->number.n * 1000 + right->number.n, .den = 1};
        int64_t whole = 0;
        number_in(&left->number, right->unit, &lo);
        number_in(&grouped, right->unit, &whole);
        item_ask(&both, ASK_TWO_WAYS, lo, whole);
    }
    bool odd_pair = left->number.words && left->number.digits == 1; /* "hai năm mươi triệu" */
    if (odd_pair || right->hi || !number_in(&left->number, right->unit, &lo) || lo >= right->lo ||
        number_is_split(&left->number, right->unit))
        item_ask(&both, ASK_VAGUE, 0, 0);
    both.lo = lo;
    both.hi = right->lo;
    return both;
}

/* "1, 5 tỷ", "1. 5 triệu": a decimal typed with a blank, or a list.  @return true when the two became *ret. */
static bool join_blank_decimal(const struct scan *s, const struct item *left, const struct item *right, struct item *ret)
{
    int at = right->from;
    bool point = at == left->to + 1 && (is_sign(s, left->to, '.') || is_sign(s, left->to, ',')) &&
                 (s->token[left->to].glued || s->token[at].glued);
    if (!point || left->kind != ITEM_BARE || right->kind != ITEM_MONEY || right->bare_million || !is_digits(s, left->from) ||
        left->number.form != NUMBER_PLAIN || !is_digits(s, at) || s->token[at].word.n > 2 || right->number.form != NUMBER_PLAIN ||
        (is_word(s, left->from - 1) && (s->token[left->from - 1].can == 0 || can(s, left->from - 1, W(WORK) | W(QUANTITY)))))
        return false;
    int64_t tens = s->token[at].word.n == 2 ? 100 : 10;
    struct number decimal = {.n = left->number.n * tens + right->number.n, .den = tens};
    int64_t vnd = 0;
    *ret = *right;
    ret->from = left->from;
    if (number_in(&decimal, right->unit, &vnd))
        item_ask(ret, ASK_TWO_WAYS, vnd, right->lo);
    return true;
}

/* @return true when the two became *ret. */
static bool join(const struct scan *s, const struct item *left, int left_to, const struct item *right, struct item *ret)
{
    enum link link = link_between(s, left->from, left_to, right->from);
    if (link == LINK_NONE)
        return join_blank_decimal(s, left, right, ret);
    bool noun = right->kind == ITEM_QUANTITY || right->kind == ITEM_PERCENT || right->kind == ITEM_TIMES_SPAN ||
                right->kind == ITEM_NOT_UNIT || right->kind == ITEM_FOREIGN;
    if (noun && left->kind == ITEM_BARE && (link == LINK_RANGE || link == LINK_NEXT)) { /* "2-3 người" */
        *ret = *right;
        ret->from = left->from;
        return true;
    }
    if (!is_value(right))
        return false;
    if (link == LINK_RANGE) {
        *ret = joined(left, right);
        return true;
    }
    if (link == LINK_NEXT && left->kind == ITEM_BARE && right->kind == ITEM_MONEY && !right->bare_million) {
        *ret = joined_in_a_row(left, right, s, right->from);
        return true;
    }
    if ((link == LINK_CHANGE || link == LINK_SUM) && (left->kind == ITEM_MONEY) != (right->kind == ITEM_MONEY)) {
        *ret = left->kind == ITEM_MONEY ? *left : *right; /* M4: "từ 100 xuống 70 triệu" */
        ret->from = left->from;
        ret->to = ret->sum_to = right->to;
        item_ask(ret, ASK_TOTAL, 0, 0);
        return true;
    }
    return false;
}

void ranges_join(const struct scan *s, struct items *items)
{
    int out = 0;
    for (int k = 0; k < items->n; k++) {
        struct item it = items->item[k];
        struct item both;
        if (out > 0 && is_value(&items->item[out - 1]) && join(s, &items->item[out - 1], items->item[out - 1].to, &it, &both)) {
            if (out > 1 && both.kind == ITEM_MONEY && items->item[out - 2].kind == ITEM_BARE &&
                link_between(s, items->item[out - 2].from, items->item[out - 2].to, both.from) != LINK_NONE)
                item_ask(&both, ASK_VAGUE, 0, 0); /* "30 40 50 triệu" */
            items->item[out - 1] = both;
            continue;
        }
        /* "từ 20 triệu/năm đến 30 triệu/năm": the period of the lower bound lies between */
        if (out > 1 && is_value(&it) && items->item[out - 1].kind == ITEM_PERIOD && items->item[out - 2].kind == ITEM_MONEY &&
            gap_between(s, items->item[out - 2].to, items->item[out - 1].from) == GAP_NONE &&
            link_between(s, items->item[out - 2].from, items->item[out - 1].to, it.from) == LINK_RANGE &&
            !is_sign(s, items->item[out - 1].to, '-')) {
            struct item left = items->item[out - 2];
            left.trail = items->item[out - 1].span;
            items->item[out - 2] = joined(&left, &it);
            out--;
            continue;
        }
        items->item[out++] = it;
    }
    items->n = out;
}

/* ---- Bounds, signs, totals (R3, R4, L1, M2) ------------------------------------------------------------------- */

/* ">", ">=", "≥"; "=>" and "->" are arrows. */
static enum bound sign_bound(const struct scan *s, int i)
{
    if (is_sign(s, i, 0x2265))
        return BOUND_LOWER;
    if (is_sign(s, i, 0x2264))
        return BOUND_UPPER;
    if (is_sign(s, i, '='))
        return is_sign(s, i - 1, '>') ? BOUND_LOWER : is_sign(s, i - 1, '<') ? BOUND_UPPER : BOUND_NONE;
    if (is_sign(s, i, '<'))
        return BOUND_UPPER;
    return is_sign(s, i, '>') && !is_sign(s, i - 1, '=') && !is_sign(s, i - 1, '-') ? BOUND_LOWER : BOUND_NONE;
}

static enum bound bound_before(const struct scan *s, int from, int floor)
{
    int i = before_hedges(s, from - 1);
    if (i < floor)
        return BOUND_NONE;
    if (can(s, i, W(OVER) | W(FROM) | W(AT_LEAST)))
        return BOUND_LOWER;
    if (can(s, i, W(UNDER) | W(AT_MOST)))
        return BOUND_UPPER;
    if (sign_bound(s, i) != BOUND_NONE)
        return sign_bound(s, i);
    /* "ít nhất mỗi năm tiết kiệm 50 triệu": the superlatives may stand farther away, in the same clause */
    for (int steps = 0; i >= floor && steps < 8; i--, steps++) {
        if (ends_clause(s, i) || !is_word(s, i))
            break;
        if (can(s, i, W(AT_LEAST)))
            return BOUND_LOWER;
        if (can(s, i, W(AT_MOST)))
            return BOUND_UPPER;
    }
    return BOUND_NONE;
}

static enum bound bound_behind(const struct scan *s, int to)
{
    int i = to;
    if (is_sign(s, i, '+') && s->token[i].glued && !is_digits(s, i + 1))
        return BOUND_LOWER;
    while (can(s, i, W(DONG) | W(HEDGE) | W(FILLER)) && !can(s, i, W(UPWARDS) | W(DOWNWARDS)))
        i++;
    int more = can(s, i, W(OR)) ? i + 1 : i;
    if (is_fold(s, more, "hon") && can(s, more, W(OVER)) && ends_politely(s, more + 1)) /* "50 triệu hoặc hơn" */
        return BOUND_LOWER;
    bool again = is_digits(s, i + 1) || can(s, i + 1, W(DIGIT) | W(HUNDRED) | W(CHUC) | W(TEN));
    if (can(s, i, W(UPWARDS)) || (can(s, i, W(AT_LEAST)) && !again))
        return BOUND_LOWER;
    return can(s, i, W(DOWNWARDS)) || (can(s, i, W(AT_MOST)) && !again) ? BOUND_UPPER : BOUND_NONE;
}

/* L1: the dash belongs to the number, not to a list and not to a range. */
static bool is_negative(const struct scan *s, int from)
{
    if (is_sign(s, from - 1, '-') && s->token[from].glued)
        return !s->token[from - 1].glued || s->token[from - 2].kind == TOKEN_SIGN;
    int i = before_hedges(s, from - 1);
    if (can(s, i, W(VERB)))
        i--;
    return can(s, i, W(LOSS));
}

static bool is_total_mark(const struct scan *s, int i)
{
    bool spent = can(s, i + 1, W(MONEY)) && !is_fold(s, i + 1, "tien") && !can(s, i + 2, W(VERB)); /* "tổng chi phí 2 triệu" */
    return (can(s, i, W(TOTAL)) && !spent) || (is_sign(s, i, '=') && sign_bound(s, i) == BOUND_NONE);
}

void bounds_attach(const struct scan *s, struct items *items)
{
    int floor = 0;
    for (int k = 0; k < items->n; k++) {
        struct item *it = &items->item[k];
        if (it->kind == ITEM_PERIOD)
            continue;
        if (it->kind == ITEM_MONEY) {
            for (int i = floor; i < it->from; i++)
                it->total |= is_total_mark(s, i);
            if (it->bound == BOUND_NONE && !it->hi)
                it->bound = bound_before(s, it->from, floor);
            enum bound behind = it->hi ? BOUND_NONE : bound_behind(s, it->sum_to);
            if (behind == BOUND_NONE && !it->hi)
                behind = bound_behind(s, it->to);
            if (behind != BOUND_NONE)
                it->bound = behind;
            if (is_negative(s, it->from))
                item_ask(it, ASK_ZERO, 0, 0);
        }
        floor = it->to;
    }
}
