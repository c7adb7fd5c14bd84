/* Decides what an answer about the yearly benefit says, in the order of vi-text 3.12. */
#include "amount.h"

#include "amount_parts.h"

static const char *const kind_names[] = {
    [AMOUNT_EXACT] = "exact",
    [AMOUNT_PER_MONTH] = "per_month",
    [AMOUNT_PER_QUARTER] = "per_quarter",
    [AMOUNT_PER_DAY] = "per_day",
    [AMOUNT_PER_SHIFT] = "per_shift",
    [AMOUNT_RANGE] = "range",
    [AMOUNT_FOREIGN] = "foreign",
    [AMOUNT_NONMONETARY] = "nonmonetary",
    [AMOUNT_AMBIGUOUS] = "ambiguous",
    [AMOUNT_NONE] = "none",
};

const char *amount_kind_name(enum amount_kind kind)
{
    return (unsigned)kind < ARRAY_LEN(kind_names) ? kind_names[kind] : kind_names[AMOUNT_NONE];
}

static struct amount ambiguous(enum amount_ask ask)
{
    return (struct amount){.kind = AMOUNT_AMBIGUOUS, .ask = ask};
}

/* ---- One sum -------------------------------------------------------------------------------------------------- */

/* How often the period comes round in a year; 0 when that has to be asked. */
static int64_t times_a_year(enum span span)
{
    switch (span) {
    case SPAN_NONE: case SPAN_YEAR: return 1;
    case SPAN_MONTH: return 12;
    case SPAN_QUARTER: return 4;
    default: return 0;
    }
}

static bool annual_of(int64_t vnd, int64_t times, int64_t *ret)
{
    return times > 0 && !__builtin_mul_overflow(vnd, times, ret);
}

/* L2, L3. */
static struct amount within_limits(struct amount a)
{
    int64_t size = a.has_annual ? a.annual_vnd : a.hi_vnd ? a.hi_vnd : a.unit_vnd;
    bool counted = a.has_annual || a.hi_vnd;
    if (size > AMOUNT_MAX_VND || (counted && size < AMOUNT_MIN_VND))
        return ambiguous(ASK_ODD_SIZE);
    a.double_check = a.has_annual && (a.annual_vnd < 100000 || a.annual_vnd > INT64_C(10000000000));
    return a;
}

/* P5: days or shifts in a year, when the message tells; else 0. */
static int64_t count_in_year(const struct items *items, enum span span)
{
    for (int k = 0; k < items->n; k++) {
        const struct item *it = &items->item[k];
        if (it->kind != ITEM_TIMES_SPAN || it->span != span || it->number.hi || it->number.den != 1)
            continue;
        if (it->lead == SPAN_MONTH)
            return it->number.n <= INT32_MAX ? it->number.n * 12 : 0;
        if (it->lead == SPAN_YEAR || (it->lead == SPAN_NONE && it->number.n >= 200))
            return it->number.n;
    }
    return 0;
}

/* "200k x 300 ngày": the factor right beside the sum names the period. */
static enum span span_of_factor(const struct scan *s, const struct items *items, const struct item *sum)
{
    for (int k = 0; k < items->n; k++) {
        const struct item *it = &items->item[k];
        bool behind = can(s, it->from - 1, W(TIMES)) && it->from - 1 == sum->to;
        bool before = can(s, it->to, W(TIMES)) && it->to + 1 == sum->from;
        if (it->kind == ITEM_TIMES_SPAN && (behind || before))
            return it->span;
    }
    return SPAN_NONE;
}

/* "5tr x 12", "200k/ngày x 300": a factor without a name. */
static const struct item *bare_factor(const struct scan *s, const struct items *items)
{
    for (int k = 0; k < items->n; k++)
        if (items->item[k].kind == ITEM_BARE && (can(s, items->item[k].from - 1, W(TIMES)) || can(s, items->item[k].to, W(TIMES))))
            return &items->item[k];
    return NULL;
}

static struct amount range_of(const struct item *sum, enum span span)
{
    struct amount a = {.kind = AMOUNT_RANGE};
    int64_t times = times_a_year(span);
    if (sum->bound == BOUND_UPPER) { /* R4: the figure asked for is one of a year */
        a.hi_vnd = sum->lo;
        if (times > 0 && !annual_of(sum->lo, times, &a.hi_vnd))
            return ambiguous(ASK_ODD_SIZE);
        a.ask = times > 0 ? ASK_UPPER_BOUND : ASK_WHOLE_YEAR;
        return within_limits(a);
    }
    a.lo_vnd = sum->lo;
    a.hi_vnd = sum->hi;
    a.has_annual = annual_of(sum->lo, times, &a.annual_vnd); /* R5 */
    a.ask = a.has_annual ? ASK_LOWER_BOUND : ASK_WHOLE_YEAR;
    if (times > 1 || !a.has_annual)
        a.unit_vnd = sum->lo;
    if (times > 0 && !a.has_annual)
        return ambiguous(ASK_ODD_SIZE);
    return within_limits(a);
}

static struct amount rate_of(const struct items *items, const struct item *sum, enum span span, int64_t count)
{
    static const struct { enum amount_kind kind; enum amount_ask ask; } rates[] = {
        [SPAN_NONE] = {AMOUNT_EXACT, ASK_NOTHING},
        [SPAN_YEAR] = {AMOUNT_EXACT, ASK_NOTHING},
        [SPAN_MONTH] = {AMOUNT_PER_MONTH, ASK_NOTHING},
        [SPAN_QUARTER] = {AMOUNT_PER_QUARTER, ASK_NOTHING},
        [SPAN_DAY] = {AMOUNT_PER_DAY, ASK_DAYS},
        [SPAN_SHIFT] = {AMOUNT_PER_SHIFT, ASK_SHIFTS},
    };
    struct amount a = {.kind = rates[span].kind};
    bool counted = span == SPAN_DAY || span == SPAN_SHIFT;
    int64_t times = counted ? count_in_year(items, span) : times_a_year(span);
    if (counted && times == 0 && count >= 200)
        times = count;
    a.unit_vnd = a.kind == AMOUNT_EXACT ? 0 : sum->lo;
    a.has_annual = annual_of(sum->lo, times, &a.annual_vnd);
    if (times > 0 && !a.has_annual)
        return ambiguous(ASK_ODD_SIZE);
    if (!a.has_annual)
        a.ask = rates[span].ask;
    return within_limits(a);
}

/* `only`: the message has no other sum, which a factor could belong to. */
static struct amount amount_of(const struct scan *s, const struct items *items, const struct item *sum, bool only)
{
    enum span span = sum->span;
    if (span == SPAN_NONE)
        span = span_of_factor(s, items, sum);
    const struct item *factor = sum->total || !only ? NULL : bare_factor(s, items);
    int64_t count = 0;
    if (factor) {
        count = factor->number.den == 1 ? factor->number.n : 0;
        bool months = span == SPAN_MONTH && count == 12, quarters = span == SPAN_QUARTER && count == 4;
        if (!months && !quarters && span != SPAN_DAY && span != SPAN_SHIFT)
            return ambiguous(ASK_TOTAL);
    }
    if (span > SPAN_SHIFT) /* P3, P4 */
        return ambiguous(ASK_WHOLE_YEAR);
    if (sum->hi || sum->bound != BOUND_NONE)
        return range_of(sum, span);
    return rate_of(items, sum, span, count);
}

/* ---- Several sums (M1 to M4) ---------------------------------------------------------------------------------- */

static bool is_yearly(const struct item *it)
{
    return it->span == SPAN_NONE || it->span == SPAN_YEAR;
}

static bool is_same_sum(const struct item *a, const struct item *b)
{
    return a->lo == b->lo && a->hi == b->hi && (a->span == b->span || a->span == SPAN_NONE || b->span == SPAN_NONE);
}

/* M3: the product of a rate agrees with the yearly figure within one in a hundred. */
static bool agrees(const struct item *rate, const struct item *yearly)
{
    int64_t annual;
    if (rate->span == SPAN_DAY || rate->span == SPAN_SHIFT)
        return true;
    if (rate->span != SPAN_MONTH && rate->span != SPAN_QUARTER)
        return false;
    if (rate->hi || !annual_of(rate->lo, times_a_year(rate->span), &annual) || yearly->lo > INT64_MAX / 200)
        return false;
    int64_t off = annual > yearly->lo ? annual - yearly->lo : yearly->lo - annual;
    return off <= yearly->lo / 100;
}

/* Two sums joined by "và", "+", "cộng" without anything in between that would explain them. */
static bool adds_up(const struct scan *s, const struct item *a, const struct item *b)
{
    for (int i = a->to; i < b->from; i++) {
        if (is_sign(s, i, ',') || is_sign(s, i, ';') || is_sign(s, i, '(') || is_sign(s, i, '.'))
            return false;
        if (is_sign(s, i, '+') || can(s, i, W(AND) | W(PLUS)))
            return true;
    }
    return false;
}

/* The sum the message is about. @return NULL when it does not tell (M4). */
static const struct item *main_sum(const struct scan *s, const struct item *const *sums, int n)
{
    for (int k = n - 1; k >= 0; k--) /* M2 */
        if (sums[k]->total)
            return k + 1 < n && adds_up(s, sums[k], sums[k + 1]) ? NULL : sums[k];
    const struct item *yearly = NULL;
    for (int k = 0; k < n; k++) {
        if (!is_yearly(sums[k]))
            continue;
        if (yearly)
            return NULL;
        yearly = sums[k];
    }
    for (int k = 0; yearly && k < n; k++)
        if (sums[k] != yearly && !agrees(sums[k], yearly))
            return NULL;
    return yearly;
}

static struct amount amount_of_sums(const struct scan *s, const struct items *items)
{
    const struct item *sums[ITEMS_MAX];
    int n = 0;
    for (int k = 0; k < items->n; k++) {
        const struct item *it = &items->item[k];
        if (it->kind != ITEM_MONEY)
            continue;
        int same = 0;
        while (same < n && !is_same_sum(sums[same], it))
            same++;
        if (same == n)
            sums[n++] = it;
        else if (sums[same]->span == SPAN_NONE || it->total) /* M1: the copy that says more counts */
            sums[same] = it;
    }
    const struct item *sum = n == 1 ? sums[0] : main_sum(s, sums, n);
    return sum ? amount_of(s, items, sum, n == 1) : ambiguous(ASK_TOTAL);
}

/* ---- No sum --------------------------------------------------------------------------------------------------- */

/* X1: không ... bằng tiền, at most four words apart. */
static bool denies_money(const struct scan *s)
{
    for (int i = 0; i < s->n; i++)
        for (int j = i + 1; can(s, i, W(NOT)) && j <= i + 5 && j < s->n; j++) {
            bool as_money = can(s, j, W(AS_MONEY)) || (is_sign(s, j, '=') && is_fold(s, j + 1, "tien"));
            if (as_money)
                return true;
            if (!is_word(s, j))
                break;
        }
    return false;
}

/* X3: a percentage of money: the noun within three words behind it or in the words before it, same clause. */
static bool is_share_of_money(const struct scan *s, const struct item *it)
{
    for (int i = it->to; i < it->to + 3 && is_word(s, i); i++) {
        if (can(s, i, W(MONEY)))
            return true;
        if (can(s, i, W(BENEFIT)))
            return false;
        if (can(s, i, W(VERB))) /* "15% giảm chi phí": a new statement */
            break;
    }
    for (int i = it->from - 1; i >= 0 && i > it->from - 8 && is_word(s, i); i--)
        if (can(s, i, W(MONEY) | W(BENEFIT)))
            return can(s, i, W(MONEY));
    return false;
}

static bool has_kind(const struct items *items, enum item_kind kind)
{
    for (int k = 0; k < items->n; k++)
        if (items->item[k].kind == kind)
            return true;
    return false;
}

static bool has_word(const struct scan *s, uint64_t classes)
{
    for (int i = 0; i < s->n; i++)
        if (is_word(s, i) && can(s, i, classes))
            return true;
    return false;
}

/* B3: besides the numbers only hedges, verbs of gain, politeness and periods. */
static bool is_only_numbers(const struct scan *s, const struct items *items, uint64_t also)
{
    const uint64_t fine = W(HEDGE) | W(VERB) | W(FILLER) | W(OVER) | W(UNDER) | W(AT_LEAST) | W(AT_MOST) | W(UPWARDS) |
                          W(DOWNWARDS) | W(TO) | W(OR) | W(FROM) | W(BETWEEN) | W(AND) | W(TOTAL) | W(MONEY) | W(DONG) |
                          W(WITHIN) | W(EVERY) | W(TIMES) | W(PLUS) | W(YEAR) | W(MONTH) | W(QUARTER) | W(DAY) | W(SHIFT);
    int k = 0;
    for (int i = 0; i < s->n; i++) {
        while (k < items->n && items->item[k].to <= i)
            k++;
        bool inside = k < items->n && items->item[k].from <= i;
        if (!inside && is_word(s, i) && !can(s, i, fine | also))
            return false;
    }
    return true;
}

/* U6: the only number has an unknown word behind it ("40 tirệu"). */
static bool has_unknown_unit(const struct scan *s, const struct item *it)
{
    bool article = it->number.words && it->number.digits == 1; /* "một cách", "hai bên" */
    return !article && is_word(s, it->to) && s->token[it->to].can == 0;
}

/* The buttons of B2 and U6: the number in the units people leave out. */
static struct amount ask_unit(const struct item *it)
{
    struct amount a = ambiguous(ASK_UNIT);
    static const int64_t units[AMOUNT_CHOICES_MAX] = {1000, 1000000, 1000000000};
    const struct number *number = &it->number;
    bool large = number->n / number->den >= 10000; /* "500.000": so many đồng, or so many nghìn đồng */
    int64_t times = times_a_year(it->span);
    for (int i = 0; i < AMOUNT_CHOICES_MAX && times > 0; i++) {
        int64_t unit = large ? units[i] / 1000 : units[i];
        int64_t vnd = 0;
        if ((large && i == 2) || !number_in(number, unit, &vnd) || !annual_of(vnd, times, &a.choice[i]))
            a.choice[i] = 0;
    }
    choices_tidy(a.choice);
    return a;
}

static struct amount amount_without_sum(const struct scan *s, const struct items *items)
{
    const struct amount nonmonetary = {.kind = AMOUNT_NONMONETARY};
    if (denies_money(s)) /* X1 */
        return nonmonetary;
    for (int k = 0; k < items->n; k++) /* X3 */
        if (items->item[k].kind == ITEM_PERCENT && is_share_of_money(s, &items->item[k]))
            return ambiguous(ASK_WHOLE_YEAR);
    if (has_kind(items, ITEM_QUANTITY) || has_kind(items, ITEM_PERCENT) || has_word(s, W(BENEFIT))) /* X2 */
        return nonmonetary;
    const struct item *bare = NULL;
    int numbers = 0;
    for (int k = 0; k < items->n; k++) {
        const struct item *it = &items->item[k];
        if (it->kind == ITEM_NOT_UNIT) /* U6 */
            return ask_unit(it);
        if (it->kind == ITEM_BARE && numbers++ == 0)
            bare = it;
    }
    if (bare && (is_only_numbers(s, items, 0) || (numbers == 1 && has_unknown_unit(s, bare)))) /* B2, U6 */
        return ask_unit(bare);
    for (int k = 0; k < items->n; k++) /* "giảm 2 ngày": time is a quantity when nothing else is told */
        if (items->item[k].kind == ITEM_TIMES_SPAN) {
            int before = items->item[k].from - (can(s, items->item[k].from - 1, W(FROM)) ? 2 : 1); /* "rút từ 3 ngày còn 1" */
            if (can(s, before, W(LESS) | W(VERB)))
                return nonmonetary;
        }
    for (int i = 0; i < s->n; i++) /* V1 without a unit: "nhiều lắm ạ"; "may" is also a machine */
        if (can(s, i, W(VAGUE)) && !can(s, i, W(WORK)) && is_only_numbers(s, items, W(VAGUE)))
            return ambiguous(ASK_VAGUE);
    return (struct amount){.kind = AMOUNT_NONE, .ask = ASK_AGAIN}; /* Z1 */
}

/* ---- All together --------------------------------------------------------------------------------------------- */

static void items_read(const struct scan *s, struct items *items)
{
    items->n = 0;
    for (int i = 0; i < s->n;) {
        struct item it = {.from = i};
        int j = span_read(s, i, &it);
        if (j < 0) {
            it = (struct item){.from = i};
            j = sum_read(s, i, &it);
        }
        if (j < 0) {
            i++;
            continue;
        }
        it.to = it.sum_to = j;
        i = j;
        if (items->n < ITEMS_MAX)
            items->item[items->n++] = it;
    }
}

/* V1, S3, S6, C2, N8, L1: one sum that cannot be read settles the message, whatever else it holds. */
static const struct item *unreadable(const struct items *items)
{
    for (int k = 0; k < items->n; k++)
        if ((items->item[k].kind == ITEM_MONEY || items->item[k].kind == ITEM_BARE) && items->item[k].ask)
            return &items->item[k];
    return NULL;
}

static struct amount ask_about(const struct item *it)
{
    struct amount a = ambiguous(it->ask);
    int64_t times = times_a_year(it->span);
    for (int i = 0; i < AMOUNT_CHOICES_MAX; i++)
        if (!annual_of(it->choice[i], times, &a.choice[i]))
            a.choice[i] = 0;
    choices_tidy(a.choice);
    return a;
}

struct amount amount_read(struct str text)
{
    struct scan s;
    struct items items;
    if (!amount_tokens(text, &s))
        return ambiguous(ASK_AGAIN);
    items_read(&s, &items);
    if (items.n == ITEMS_MAX)
        return ambiguous(ASK_TOTAL);
    ranges_join(&s, &items);
    spans_attach(&s, &items);
    bounds_attach(&s, &items);

    bool money = has_kind(&items, ITEM_MONEY);
    if (!money && has_kind(&items, ITEM_FOREIGN)) /* F1, F3 */
        return (struct amount){.kind = AMOUNT_FOREIGN, .ask = ASK_FOREIGN};
    const struct item *doubtful = unreadable(&items);
    if (doubtful)
        return ask_about(doubtful);
    if (!money)
        return amount_without_sum(&s, &items);
    for (int k = 0; k < items.n; k++)
        if (items.item[k].kind == ITEM_MONEY && items.item[k].lo == 0) /* L1 */
            return ambiguous(ASK_ZERO);
    return amount_of_sums(&s, &items);
}

/* ---- The count asked for by P5 -------------------------------------------------------------------------------- */

enum { COUNT_MAX = 5000 };

bool amount_read_count(struct str text, int *ret_per_year)
{
    struct scan s;
    if (!amount_tokens(text, &s))
        return false;
    int64_t count = 0;
    bool monthly = false;
    for (int i = 0; i < s.n;) {
        struct number number;
        struct item it = {.from = i};
        int j = number_read(&s, i, &number);
        if (j >= 0 && !(number.n == 1 && span_at(&s, j) == SPAN_MONTH) && !(number.n == 1 && span_at(&s, j) == SPAN_YEAR)) {
            if (count != 0 || number.den != 1 || number.hi || number.form != NUMBER_PLAIN || scale_at(&s, j) || number.n > COUNT_MAX)
                return false;
            count = number.n;
            i = span_at(&s, j) == SPAN_DAY || span_at(&s, j) == SPAN_SHIFT ? j + 1 : j;
            continue;
        }
        j = span_read(&s, i, &it);
        if (j >= 0 && it.kind == ITEM_PERIOD) {
            if (it.span != SPAN_MONTH && it.span != SPAN_YEAR && !it.alone)
                return false;
            monthly |= it.span == SPAN_MONTH;
            i = j;
            continue;
        }
        if (is_sign(&s, i, '-') && count == 0)
            return false;
        i++;
    }
    count *= monthly ? 12 : 1;
    if (count < 1 || count > COUNT_MAX)
        return false;
    *ret_per_year = (int)count;
    return true;
}
