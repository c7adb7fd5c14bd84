/* Puts the parts of a message together: bounds to ranges (R2, N7), periods to sums (P1 to P5), hedges and totals. */
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

static bool is_value(const struct item *it)
{
    return it->kind == ITEM_MONEY || it->kind == ITEM_BARE;
}

static int next_value(const struct items *items, int k)
{
    for (k++; k < items->n; k++)
        if (is_value(&items->item[k]))
            return k;
    return -1;
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

/* ---- Periods (P1 to P5) --------------------------------------------------------------------------------------- */

static enum span combined(enum span a, enum span b)
{
    if (a == SPAN_NONE || a == b)
        return b;
    if (b == SPAN_NONE)
        return a;
    if (a == SPAN_PIECE || b == SPAN_PIECE)
        return SPAN_PIECE;
    if (a == SPAN_OTHER || b == SPAN_OTHER || a == SPAN_NAMED || b == SPAN_NAMED)
        return SPAN_OTHER;
    return SPAN_CLASH;
}

struct attaching {
    const struct scan *s;
    struct items *items;
    int last;          /* the value or quantity read last, -1 at the start */
    enum span pending; /* a period that waits for its sum */
    bool pending_weak; /* a quantity stood between */
    bool rates;        /* the message has a rate per day or shift somewhere */
};

static void attach_trail(struct attaching *a, const struct item *period)
{
    struct item *last = &a->items->item[a->last];
    if (period->calendar && (last->lead != SPAN_NONE || last->trail != SPAN_NONE))
        return; /* "mỗi tháng 5 triệu trong năm 2022": the year is the frame */
    last->trail = combined(last->trail, period->span);
    if (gap_between(a->s, last->to, period->from) != GAP_CLAUSE)
        last->to = period->to;
}

static void hold(struct attaching *a, const struct item *period)
{
    bool replaces = a->pending == SPAN_NONE || a->pending == SPAN_YEAR || a->pending == SPAN_NAMED || a->pending_weak;
    if (replaces)
        a->pending = period->span;
    else if (!period->calendar)
        a->pending = combined(a->pending, period->span);
    a->pending_weak = false;
}

/* P5: a year or month that belongs to a number of days: "280 ngày/năm", "một năm 300 ngày". */
static bool belongs_to_count(struct attaching *a, int k)
{
    struct item *period = &a->items->item[k];
    struct item *before = k > 0 ? &a->items->item[k - 1] : NULL;
    struct item *behind = k + 1 < a->items->n ? &a->items->item[k + 1] : NULL;
    if (before && before->kind == ITEM_TIMES_SPAN && gap_between(a->s, before->to, period->from) == GAP_NONE) {
        before->lead = period->span; /* also "2 ca/ngày", which P5 cannot count */
        return true;
    }
    if (period->span != SPAN_YEAR && period->span != SPAN_MONTH)
        return false;
    const struct item *last = a->last < 0 ? NULL : &a->items->item[a->last];
    bool free = !last || !is_value(last) || last->trail != SPAN_NONE || last->lead != SPAN_NONE ||
                gap_between(a->s, last->to, period->from) == GAP_CLAUSE; /* else it is the period of that sum */
    if (behind && behind->kind == ITEM_TIMES_SPAN && !period->slash && free &&
        gap_between(a->s, period->to, behind->from) != GAP_CLAUSE) {
        behind->lead = period->span;
        return true;
    }
    return false;
}

static bool begins_clause(const struct scan *s, int i)
{
    return i == 0 || !is_word(s, i - 1) || can(s, i - 1, W(FILLER) | W(AND));
}

/* A bare period word counts right behind a sum; before one only when it can be nothing else ("ngay" is also at once). */
static bool lone_word_counts(const struct attaching *a, int k)
{
    const struct item *period = &a->items->item[k];
    const struct item *last = a->last >= 0 ? &a->items->item[a->last] : NULL;
    if (last && is_value(last) && gap_between(a->s, last->to, period->from) == GAP_NONE)
        return true;
    int next = next_value(a->items, k);
    if (next < 0 || gap_between(a->s, period->to, a->items->item[next].from) == GAP_CLAUSE)
        return period->span == SPAN_YEAR;
    bool right_before = next == k + 1 && period->to == a->items->item[next].from;
    return a->s->token[period->from].word.marked || period->span == SPAN_MONTH || period->span == SPAN_YEAR ||
           (right_before && (period->span == SPAN_SHIFT || begins_clause(a->s, period->from)));
}

static void attach_period(struct attaching *a, int k)
{
    struct item *period = &a->items->item[k];
    if (belongs_to_count(a, k) || (period->alone && !lone_word_counts(a, k)))
        return;
    int next = next_value(a->items, k);
    if (a->last < 0) {
        hold(a, period);
        return;
    }
    const struct item *last = &a->items->item[a->last];
    enum gap gap = gap_between(a->s, last->to, period->from);
    bool leads_on = next >= 0 && gap_between(a->s, period->to, a->items->item[next].from) != GAP_CLAUSE;
    if (!is_value(last)) {
        if (gap == GAP_NONE && (period->slash || !leads_on))
            return; /* "30 phút mỗi ca": the rate of a quantity */
        hold(a, period);
        if (gap == GAP_WORDS && !leads_on)
            a->pending_weak = true; /* "3 kg phế liệu mỗi ca, khoảng 5 triệu/tháng" */
        return;
    }
    bool has_lead = last->lead != SPAN_NONE, has_trail = last->trail != SPAN_NONE;
    bool near = gap == GAP_NONE ? period->slash || (!has_trail && (!has_lead || next < 0)) || (has_trail && next < 0)
                                : gap == GAP_WORDS && !has_trail && !has_lead && !leads_on;
    if (near || (next < 0 && (!has_trail || period->span == SPAN_OTHER))) /* also "15tr/tháng (trong 6 tháng)" */
        attach_trail(a, period);
    else if (next >= 0)
        hold(a, period);
}

/* Before "1 sản phẩm" must stand nothing that makes it an object ("tiết kiệm 1 công nhân"), behind it a verb (P4). */
static bool is_piece(const struct attaching *a, int k)
{
    const struct item *it = &a->items->item[k];
    if (it->number.n != 1 || it->number.den != 1 || it->number.hi || it->to != it->from + 2)
        return false;
    if (a->last >= 0 && a->items->item[a->last].kind == ITEM_MONEY && a->items->item[a->last].to == it->from)
        return true; /* "200k một chuyến" */
    int next = next_value(a->items, k);
    if (next != k + 1 || !begins_clause(a->s, it->from))
        return false;
    if (it->to == a->items->item[next].from)
        return true; /* "một lô 2 triệu" */
    bool verb = false;
    for (int i = it->to; i < a->items->item[next].from; i++) {
        if (!can(a->s, i, W(VERB) | W(HEDGE) | W(FILLER) | W(OVER) | W(UNDER)))
            return false;
        verb |= can(a->s, i, W(VERB));
    }
    return verb;
}

static bool times_before(const struct scan *s, int i)
{
    return can(s, i - 1, W(TIMES));
}

/* "6 tháng", "300 ngày", "x 12 tháng": a factor, a quantity of time, or a period P3 asks about. */
static void settle_count(struct attaching *a, int k)
{
    struct item *it = &a->items->item[k];
    bool day = it->span == SPAN_DAY || it->span == SPAN_SHIFT;
    bool times = times_before(a->s, it->from) || can(a->s, it->to, W(TIMES));
    if (day && (a->rates || times))
        return; /* P5 */
    if (times) {
        bool full = (it->span == SPAN_MONTH && it->number.n == 12) || (it->span == SPAN_QUARTER && it->number.n == 4);
        struct item *before = k > 0 ? &a->items->item[k - 1] : NULL;
        if (before && before->kind == ITEM_TIMES_SPAN && it->span == SPAN_MONTH) { /* x 26 ngày x 12 tháng */
            before->lead = full ? SPAN_MONTH : SPAN_CLASH;
            it->kind = ITEM_NOTHING;
            return;
        }
        it->span = full ? it->span : SPAN_OTHER;
        it->kind = ITEM_PERIOD;
        if (a->last >= 0 && is_value(&a->items->item[a->last])) { /* a factor belongs to what stands before it */
            a->items->item[a->last].trail = combined(a->items->item[a->last].trail, it->span);
            it->kind = ITEM_NOTHING;
        }
        return;
    }
    int verb = can(a->s, it->from - 1, W(HEDGE) | W(OVER) | W(UNDER)) ? it->from - 2 : it->from - 1;
    if (can(a->s, verb, W(LESS))) { /* "rút ngắn 2 ngày" */
        it->kind = ITEM_QUANTITY;
        return;
    }
    bool year = (it->span == SPAN_MONTH && it->number.n == 12) || (it->span == SPAN_QUARTER && it->number.n == 4);
    it->kind = ITEM_PERIOD;
    it->span = year ? SPAN_YEAR : SPAN_OTHER;
}

static enum span settled_span(const struct item *it)
{
    if (it->trail == SPAN_NONE || it->lead == it->trail)
        return it->lead;
    if (it->lead == SPAN_NONE || it->lead == SPAN_YEAR || it->lead == SPAN_NAMED || it->lead_weak)
        return it->trail;
    return combined(it->lead, it->trail);
}

static bool has_day_rate(const struct items *items)
{
    for (int k = 0; k < items->n; k++)
        if ((items->item[k].kind == ITEM_PERIOD && (items->item[k].span == SPAN_DAY || items->item[k].span == SPAN_SHIFT)) ||
            items->item[k].trail == SPAN_DAY || items->item[k].trail == SPAN_SHIFT)
            return true;
    return false;
}

void spans_attach(const struct scan *s, struct items *items)
{
    struct attaching a = {.s = s, .items = items, .last = -1, .rates = has_day_rate(items)};
    bool money = false;
    for (int k = 0; k < items->n; k++)
        money |= is_value(&items->item[k]);
    for (int k = 0; k < items->n; k++) {
        struct item *it = &items->item[k];
        if (it->kind == ITEM_TIMES_SPAN && money)
            settle_count(&a, k);
        if (it->kind == ITEM_QUANTITY && is_piece(&a, k)) {
            it->kind = ITEM_PERIOD;
            it->span = SPAN_PIECE;
        }
        switch (it->kind) {
        case ITEM_PERIOD:
            attach_period(&a, k);
            break;
        case ITEM_MONEY:
        case ITEM_BARE:
            it->lead = a.pending;
            it->lead_weak = a.pending_weak;
            a.pending = SPAN_NONE;
            a.pending_weak = false;
            /* "2 triệu x 3 máy" is a rate per piece, in either order */
            if (times_before(s, it->from) && k > 0 && items->item[k - 1].kind == ITEM_QUANTITY &&
                items->item[k - 1].to == it->from - 1)
                it->trail = SPAN_PIECE;
            a.last = k;
            break;
        case ITEM_QUANTITY:
            if (times_before(s, it->from) && a.last >= 0 && is_value(&items->item[a.last]) &&
                items->item[a.last].to == it->from - 1)
                items->item[a.last].trail = SPAN_PIECE;
            a.pending_weak = true;
            a.last = k;
            break;
        case ITEM_FOREIGN:
        case ITEM_PERCENT:
        case ITEM_NOT_UNIT:
            a.pending_weak = true;
            a.last = k;
            break;
        case ITEM_TIMES_SPAN:
        case ITEM_NOTHING:
            break;
        }
    }
    for (int k = 0; k < items->n; k++)
        if (is_value(&items->item[k]))
            items->item[k].span = settled_span(&items->item[k]);
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
    return can(s, i, W(TOTAL)) || (is_sign(s, i, '=') && sign_bound(s, i) == BOUND_NONE);
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
