/* Gives each sum its period (P1 to P4) and each number of days or shifts its own (P5). */
#include "amount_parts.h"

static int next_value(const struct items *items, int k)
{
    for (k++; k < items->n; k++)
        if (is_value(&items->item[k]))
            return k;
    return -1;
}

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
    int i = period->to;
    while (period->span == SPAN_SHIFT && can(a->s, i, W(VERB))) /* "ca được 50k" */
        i++;
    bool right_before = next == k + 1 && i == a->items->item[next].from;
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
    int first = is_word(a->s, it->to) && (a->s->token[it->to].can == 0 || can(a->s, it->to, W(WORK))) ? it->to + 1 : it->to;
    for (int i = first; i < a->items->item[next].from; i++) { /* `first`: "1 chuyến xe đỡ 300k" names the piece in two words */
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
        if (k > 1 && is_value(before) && can(a->s, before->from - 1, W(TIMES)) && a->items->item[k - 2].to == before->from - 1)
            before = &a->items->item[k - 2]; /* 26 ngày x 200k x 12 tháng */
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

/* The item before item `k` is a quantity that ends at token `to`. */
static bool behind_quantity(const struct items *items, int k, int to)
{
    return k > 0 && items->item[k - 1].kind == ITEM_QUANTITY && items->item[k - 1].to == to;
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
            if (times_before(s, it->from) && (behind_quantity(items, k, it->from - 1) ||
                                              (k > 0 && items->item[k - 1].kind == ITEM_PERIOD &&
                                               behind_quantity(items, k - 1, items->item[k - 1].from))))
                it->trail = SPAN_PIECE; /* also "2 công/ngày x 300k" */
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
