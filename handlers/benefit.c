/* The benefit of one year: what was typed is read, questions clear up what is not clear, and every figure is read back. */
#include <stdlib.h>

#include "reading/amount.h"
#include "reading/intent.h"
#include "reading/parts.h"
#include "say.h"
#include "reading/text.h"

enum { CLARIFICATIONS_MAX = 2 }; /* in a row, then skip or a person (vi-text 3.13) */

/* Limits L2 and L3 of vi-text, for amounts computed here from a count. */
static const int64_t vnd_least = 1000, vnd_most = 1000000000000LL;
static const int64_t vnd_usual_least = 100000, vnd_usual_most = 10000000000LL;

static const char *digits(struct talk *t, int64_t vnd)
{
    return must(amount_digits(t->ctx, vnd));
}

/* ---- reading what was typed ---- */

static const char *kept_words(struct talk *t, const char *text)
{
    struct str s = str_of(text);
    if (text_chars(s) > BENEFIT_TEXT_CHARS_MAX)
        s = text_cut(s, BENEFIT_TEXT_CHARS_MAX);
    return must(talloc_strndup(t->ctx, s.p, s.n));
}

static enum answer ask_for_figure(struct talk *t, enum msg question)
{
    if (++t->d->clarifications > CLARIFICATIONS_MAX)
        return ANS_STUCK;
    t->next_question = question;
    return ANS_SAY_AGAIN;
}

static enum answer ask_which(struct talk *t, const struct amount *a)
{
    struct dialog *d = t->d;
    bool any = a->choice[0] > 0;
    for (int i = 0; i < AMOUNT_CHOICES_MAX; i++)
        d->choice_vnd[i] = a->choice[i];
    if (!any)
        return ask_for_figure(t, MSG_CLAR_AGAIN);
    if (++d->clarifications > CLARIFICATIONS_MAX)
        return ANS_STUCK;
    t->next_question = a->ask == ASK_UNIT           ? MSG_CLAR_UNIT
                       : a->ask == ASK_YEAR_OR_HALF ? MSG_CLAR_YEAR_OR_HALF
                                                    : MSG_CLAR_TWO_WAYS;
    return ANS_WHICH;
}

static enum period period_of(const struct amount *a)
{
    switch (a->kind) {
    case AMOUNT_PER_MONTH:
        return PERIOD_MONTH;
    case AMOUNT_PER_QUARTER:
        return PERIOD_QUARTER;
    case AMOUNT_PER_DAY:
        return PERIOD_DAY;
    case AMOUNT_PER_SHIFT:
        return PERIOD_SHIFT;
    default:
        return PERIOD_YEAR;
    }
}

/* Puts the amount under discussion; the read-back follows. */
static void note_reading(struct talk *t, const char *text, const struct amount *a)
{
    struct dialog *d = t->d;
    enum period period = period_of(a);
    d->reading = (struct benefit){.kind = BENEFIT_MONEY, .text = kept_words(t, text), .vnd = a->annual_vnd,
                                  .unit_vnd = period == PERIOD_YEAR ? 0 : a->unit_vnd, .period = period};
    if (d->reading.unit_vnd > 0 && a->annual_vnd % d->reading.unit_vnd == 0 && a->annual_vnd / d->reading.unit_vnd <= 5000)
        d->reading.period_count = (int)(a->annual_vnd / d->reading.unit_vnd);
    d->double_check = a->double_check;
    d->clarifications = 0; /* it was understood: the row of questions is broken */
}

static enum answer ask_range(struct talk *t, const char *text, const struct amount *a)
{
    if (!a->has_annual || a->annual_vnd <= 0)
        return ask_for_figure(t, MSG_CLAR_WHOLE_YEAR);
    note_reading(t, text, a);
    struct benefit *b = &t->d->reading;
    if (a->lo_vnd > 0 && a->lo_vnd != a->annual_vnd && a->annual_vnd % a->lo_vnd == 0) {
        b->unit_vnd = a->lo_vnd;
        b->period_count = (int)(a->annual_vnd / a->lo_vnd);
        b->period = b->period_count == 12 ? PERIOD_MONTH : PERIOD_QUARTER;
    }
    return ANS_RANGE;
}

static enum answer ask_how_many(struct talk *t, const char *text, const struct amount *a)
{
    if (a->unit_vnd <= 0)
        return ask_for_figure(t, MSG_CLAR_WHOLE_YEAR);
    note_reading(t, text, a);
    t->d->reading.unit_vnd = a->unit_vnd;
    t->d->reading.period = a->ask == ASK_SHIFTS ? PERIOD_SHIFT : PERIOD_DAY;
    t->d->reading.vnd = 0;
    return ANS_HOW_MANY;
}

static enum answer weigh(struct talk *t, const char *text, const struct amount *a)
{
    struct dialog *d = t->d;
    switch (a->ask) {
    case ASK_UNIT:
    case ASK_TWO_WAYS:
    case ASK_YEAR_OR_HALF:
        d->reading = (struct benefit){.text = kept_words(t, text)};
        return ask_which(t, a);
    case ASK_LOWER_BOUND:
        return ask_range(t, text, a);
    case ASK_UPPER_BOUND:
        d->limit_vnd = a->hi_vnd;
        return ask_for_figure(t, a->hi_vnd > 0 ? MSG_CLAR_UPPER : MSG_CLAR_VAGUE);
    case ASK_VAGUE:
        return ask_for_figure(t, MSG_CLAR_VAGUE);
    case ASK_WHOLE_YEAR:
        return ask_for_figure(t, MSG_CLAR_WHOLE_YEAR);
    case ASK_TOTAL:
        return ask_for_figure(t, MSG_CLAR_TOTAL);
    case ASK_DAYS:
    case ASK_SHIFTS:
        return ask_how_many(t, text, a);
    case ASK_FOREIGN:
        return ask_for_figure(t, MSG_CLAR_FOREIGN);
    case ASK_ZERO:
        return ++d->clarifications > CLARIFICATIONS_MAX ? ANS_STUCK : ANS_ZERO;
    case ASK_ODD_SIZE:
        return ask_for_figure(t, MSG_CLAR_ODD_SIZE);
    case ASK_AGAIN:
        return ask_for_figure(t, MSG_CLAR_AGAIN);
    case ASK_NOTHING:
        break;
    }
    if (a->kind == AMOUNT_NONMONETARY) {
        d->reading = (struct benefit){.kind = BENEFIT_NONMONETARY, .text = kept_words(t, text)};
        d->clarifications = 0;
        return ANS_IN_WORDS;
    }
    if (!a->has_annual || a->annual_vnd <= 0)
        return ask_for_figure(t, MSG_CLAR_AGAIN);
    note_reading(t, text, a);
    return ANS_AMOUNT;
}

/* Words without a figure do not take away the figure, or the choice, that is on show. */
static bool says_nothing_new(const struct talk *t, const struct amount *a)
{
    return a->kind == AMOUNT_NONE && t->state != ST_BENEFIT;
}

enum answer read_benefit(struct talk *t, const char *text)
{
    struct amount a = amount_read(str_of(text));
    return says_nothing_new(t, &a) ? ANS_UNCLEAR : weigh(t, text, &a);
}

/* Outside the benefit step only a figure with its unit counts: "60 triệu", not "60". */
static bool is_plain_amount(const struct amount *a)
{
    return a->ask == ASK_NOTHING && a->kind <= AMOUNT_PER_SHIFT && a->has_annual && a->annual_vnd > 0;
}

enum answer read_edit_menu(struct talk *t, const char *text)
{
    struct amount a = amount_read(str_of(text));
    if (!is_plain_amount(&a))
        return ANS_UNCLEAR;
    t->d->editing = t->d->edit_id || t->d->draft.benefit.kind;
    return weigh(t, text, &a);
}

/* What the benefit is, in words; a figure is welcome here too. */
enum answer read_benefit_gain(struct talk *t, const char *text)
{
    struct amount a = amount_read(str_of(text));
    if (a.kind <= AMOUNT_RANGE)
        return weigh(t, text, &a);
    enum intent intent = intent_read(str_of(text), SCENE_CONFIRM, true).intent;
    if (intent == INTENT_CONTENT)
        intent = intent_read_parts(t->ctx, str_of(text), SCENE_CONFIRM).intent;
    if (text_chars(str_of(text)) < 3 || intent == INTENT_YES || intent == INTENT_NO)
        return ANS_UNCLEAR;
    t->d->reading = (struct benefit){.kind = BENEFIT_NONMONETARY, .text = kept_words(t, text)};
    return ANS_OK;
}

/* ---- days and shifts ---- */

/* @return false when the product is no believable benefit; the question is asked again. */
static bool multiply(struct talk *t, int count)
{
    struct benefit *b = &t->d->reading;
    int64_t vnd;
    if (__builtin_mul_overflow(b->unit_vnd, (int64_t)count, &vnd) || vnd < vnd_least || vnd > vnd_most)
        return false;
    b->vnd = vnd;
    b->period_count = count;
    b->text = b->text ? kept_words(t, fmt(t, "%s × %d", b->text, count)) : NULL;
    t->d->double_check = vnd < vnd_usual_least || vnd > vnd_usual_most;
    return true;
}

enum answer read_benefit_count(struct talk *t, const char *text)
{
    int count;
    if (amount_read_count(str_of(text), &count))
        return multiply(t, count) ? ANS_OK : ask_for_figure(t, MSG_CLAR_ODD_SIZE);
    struct amount a = amount_read(str_of(text));
    return a.kind <= AMOUNT_FOREIGN ? weigh(t, text, &a) : ANS_UNCLEAR;
}

enum state benefit_count_taken(struct talk *t)
{
    if (multiply(t, t->answer == ANS_D264 ? 264 : 300))
        return ST_NONE;
    t->next_question = MSG_CLAR_ODD_SIZE;
    return ST_BENEFIT;
}

/* ---- asking ---- */

void ask_benefit(struct talk *t)
{
    struct dialog *d = t->d;
    enum msg question = d->question ? message_named(str_of(d->question)) : MSG_NONE;
    if (question == MSG_CLAR_UPPER && d->limit_vnd > 0) {
        ask(t, MSG_CLAR_UPPER, ARGS({"hi", digits(t, d->limit_vnd)},
                                    {"example", must(amount_short(t->ctx, d->limit_vnd / 10 * 8))}));
    } else if (question) {
        ask(t, question, NO_ARGS);
        if (question == MSG_CLAR_AGAIN)
            d->question = NULL; /* said about one answer: after an aside the question itself is put again */
    } else if (d->edit_id) {
        const struct initiative *i = initiative_of(t, d->edit_id);
        struct benefit b = {0};
        if (!i)
            return;
        b = (struct benefit){.kind = i->benefit_kind, .vnd = i->annual_benefit_vnd, .text = i->benefit_text};
        ask(t, MSG_EDIT_SHOW_BENEFIT, ARGS({"old", benefit_line(t, &b)}));
    } else if (d->draft.benefit.kind) {
        ask(t, MSG_EDIT_SHOW_BENEFIT, ARGS({"old", benefit_line(t, &d->draft.benefit)}));
    } else {
        ask(t, MSG_ASK_BENEFIT, NO_ARGS);
    }
}

/* "50 nghìn đồng" where the question is the unit, else the digits. */
static const char *choice_label(struct talk *t, int64_t vnd, bool unit)
{
    if (vnd <= 0)
        return NULL;
    const char *short_form = must(amount_short(t->ctx, vnd));
    if (unit && text_chars(str_of(short_form)) <= MESSAGE_LABEL_CHARS)
        return short_form;
    return words(t, MSG_LABEL_VND, ARGS({"amount", digits(t, vnd)}));
}

void ask_benefit_choice(struct talk *t)
{
    struct dialog *d = t->d;
    enum msg question = d->question ? message_named(str_of(d->question)) : MSG_CLAR_TWO_WAYS;
    bool unit = question == MSG_CLAR_UNIT;
    const char *a = choice_label(t, d->choice_vnd[0], unit);
    if (question == MSG_CLAR_YEAR_OR_HALF)
        a = words(t, MSG_LABEL_VND_YEAR, ARGS({"amount", digits(t, d->choice_vnd[0])}));
    ask(t, question,
        ARGS({"a", a}, {"b", choice_label(t, d->choice_vnd[1], unit)}, {"c", choice_label(t, d->choice_vnd[2], unit)},
             {"text", d->reading.text ? must(text_short(t->ctx, str_of(d->reading.text), 40)) : NULL}));
}

void ask_benefit_count(struct talk *t)
{
    ask(t, t->d->reading.period == PERIOD_SHIFT ? MSG_CLAR_SHIFTS : MSG_CLAR_DAYS,
        ARGS({"unit_amount", digits(t, t->d->reading.unit_vnd)}));
}

void ask_benefit_range(struct talk *t)
{
    const struct benefit *b = &t->d->reading;
    if (b->unit_vnd)
        ask(t, MSG_CLAR_RANGE_PERIOD, ARGS({"unit_amount", digits(t, b->unit_vnd)}, {"lo", digits(t, b->vnd)},
                                           {"n", fmt(t, "%d", b->period_count)}));
    else
        ask(t, MSG_CLAR_RANGE, ARGS({"lo", digits(t, b->vnd)}));
}

void ask_benefit_words(struct talk *t)
{
    ask(t, MSG_CLAR_NONMONETARY, ARGS({"text", must(text_short(t->ctx, str_of(t->d->reading.text), 80))}));
}

void ask_benefit_echo(struct talk *t)
{
    static const enum msg echo[PERIOD_COUNT] = {
        [PERIOD_YEAR] = MSG_BENEFIT_ECHO,          [PERIOD_MONTH] = MSG_BENEFIT_ECHO_MONTH,
        [PERIOD_QUARTER] = MSG_BENEFIT_ECHO_QUARTER, [PERIOD_DAY] = MSG_BENEFIT_ECHO_DAY,
        [PERIOD_SHIFT] = MSG_BENEFIT_ECHO_SHIFT,
    };
    const struct benefit *b = &t->d->reading;
    int64_t product_vnd;
    bool product = b->unit_vnd > 0 && !__builtin_mul_overflow(b->unit_vnd, (int64_t)b->period_count, &product_vnd) &&
                   product_vnd == b->vnd;
    ask(t, product ? echo[b->period] : MSG_BENEFIT_ECHO,
        ARGS({"amount", digits(t, b->vnd)}, {"unit_amount", digits(t, b->unit_vnd)}, {"n", fmt(t, "%d", b->period_count)}));
}

void ask_benefit_sure(struct talk *t)
{
    int64_t vnd = t->d->reading.vnd;
    ask(t, MSG_BENEFIT_DOUBLE_CHECK,
        ARGS({"amount", digits(t, vnd)}, {"amount_words", must(amount_words(t->ctx, vnd))}));
}

/* ---- deciding ---- */

enum state benefit_choice_taken(struct talk *t)
{
    struct dialog *d = t->d;
    int64_t vnd = d->choice_vnd[t->answer == ANS_V1 ? 0 : t->answer == ANS_V2 ? 1 : 2];
    if (vnd <= 0) { /* a button that was not on show */
        old_tap(t);
        return ST_STAY;
    }
    d->reading = (struct benefit){.kind = BENEFIT_MONEY, .text = d->reading.text, .vnd = vnd};
    d->double_check = vnd < vnd_usual_least || vnd > vnd_usual_most;
    d->clarifications = 0;
    return ST_NONE;
}

enum state benefit_taken(struct talk *t)
{
    struct dialog *d = t->d;
    const struct benefit *b = &d->reading;
    if (d->edit_id) {
        if (!patch_add(t, d->edit_id, "benefit", b->text, b->vnd, b->kind))
            return ST_STAY;
    } else {
        d->draft.benefit = *b;
    }
    d->reading = (struct benefit){0};
    d->double_check = false;
    d->clarifications = 0;
    memset(d->choice_vnd, 0, sizeof(d->choice_vnd));
    return field_taken(t);
}

enum state benefit_echo_taken(struct talk *t)
{
    return t->d->double_check ? ST_BENEFIT_SURE : benefit_taken(t);
}

/* The question of the range was the read-back: the figure stood in it. */
enum state benefit_range_taken(struct talk *t)
{
    return benefit_echo_taken(t);
}

enum state benefit_again(struct talk *t)
{
    t->d->reading = (struct benefit){0};
    t->d->double_check = false;
    t->next_question = MSG_BENEFIT_RETRY;
    return ST_NONE;
}

enum state benefit_nonmonetary(struct talk *t)
{
    t->d->reading.kind = BENEFIT_NONMONETARY;
    t->d->reading.vnd = t->d->reading.unit_vnd = 0;
    return benefit_taken(t);
}

enum state benefit_no_text(struct talk *t)
{
    t->d->reading = (struct benefit){.kind = BENEFIT_NONMONETARY};
    return benefit_taken(t);
}

enum state benefit_unknown(struct talk *t)
{
    t->d->reading = (struct benefit){.kind = BENEFIT_UNKNOWN};
    return benefit_taken(t);
}
