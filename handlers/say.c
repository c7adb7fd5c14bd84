/* Turns messages of the catalogue into replies: placeholders, payloads, never the same sentence twice in a row. */
#include "say.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <utf8proc.h>

#include "reading/amount.h"
#include "reading/letters.h"
#include "reading/text.h"
#include "hours.h"

enum {
    QUOTE_CHARS = 80,      /* quoted user text (prompts-vi.md) */
    COLLECT_MOST_MS = 10000, /* a burst is answered at the latest after this (design.md section 5) */
};

void *must(void *p)
{
    if (!p) {
        fputs("out of memory in a turn\n", stderr);
        abort();
    }
    return p;
}

char *fmt(struct talk *t, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    char *s = talloc_vasprintf(t->ctx, format, ap);
    va_end(ap);
    return must(s);
}

const char *given_name(struct talk *t, const char *full_name)
{
    const char *blank = full_name ? strrchr(full_name, ' ') : NULL;
    const char *name = blank ? blank + 1 : full_name ? full_name : "";
    utf8proc_int32_t c;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)name, -1, &c);
    if (n <= 0 || utf8proc_toupper(c) == c)
        return name;
    utf8proc_uint8_t capital[5] = {0}; /* "hoa" is greeted as Hoa; what is stored stays as typed */
    utf8proc_encode_char(utf8proc_toupper(c), capital);
    return fmt(t, "%s%s", (const char *)capital, name + n);
}

/* ---- values every text may use ---- */

struct values {
    struct message_arg *v;
    size_t n;
};

static struct values values_of(struct talk *t, const struct message_arg *args, size_t n)
{
    const char *title = t->d->draft.title;
    const struct message_arg everywhere[] = {
        {"xung_ho", message_get(MSG_ADDRESS)->text},
        {"ten", given_name(t, t->person.full_name)},
        {"title", title ? must(text_short(t->ctx, str_of(title), QUOTE_CHARS)) : NULL},
    };
    struct values values = {must(talloc_size(t->ctx, sizeof(*args) * (n + ARRAY_LEN(everywhere)))), n + ARRAY_LEN(everywhere)};
    if (n)
        memcpy(values.v, args, sizeof(*args) * n);
    memcpy(values.v + n, everywhere, sizeof(everywhere));
    return values;
}

char *words(struct talk *t, enum msg id, const struct message_arg *args, size_t n)
{
    struct values values = values_of(t, args, n);
    return must(message_render(t->ctx, message_get(id)->text, values.v, values.n));
}

/* ---- never the same sentence twice in a row ---- */

/* FNV-1a: tells sentences apart; nobody gains by a collision but a repeated sentence. */
static uint64_t sentence_hash(const char *s)
{
    uint64_t h = 14695981039346656037ULL;
    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211ULL;
    return h ? h : 1;
}

static bool collected_answer_waits(const struct talk *t)
{
    return t->d->collect_due_ms > t->in->now_ms;
}

static const char *with_lead(struct talk *t, const char *text)
{
    return t->lead ? fmt(t, "%s\n%s", t->lead, text) : text;
}

/* The text in the first of its wordings that differs from what was said last. */
static const char *fresh_wording(struct talk *t, const struct message *m, const struct values *values, uint64_t last)
{
    const char *first = NULL;
    const char *raw = m->text;
    for (size_t i = 0; raw; raw = m->variants ? m->variants[i++] : NULL) {
        const char *text = with_lead(t, must(message_render(t->ctx, raw, values->v, values->n)));
        if (sentence_hash(text) != last)
            return text;
        if (!first)
            first = text;
    }
    return words(t, MSG_AGAIN, ARGS({"text", first}));
}

/* ---- replies ---- */

static struct reply *reply_new(struct talk *t, const char *text)
{
    struct reply *r = must(talloc_zero(t->ctx, struct reply));
    r->user_id = t->in->msg->user_id;
    r->id = t->in->new_id(t->in->new_id_ctx);
    r->text = text;
    if (t->collected) {
        struct dialog *d = t->d;
        int64_t first = collected_answer_waits(t) ? d->collect_first_ms : t->in->now_ms;
        int64_t due = t->in->now_ms + t->in->quiet_ms;
        r->collapse_key = "collect";
        r->not_before_ms = due < first + COLLECT_MOST_MS ? due : first + COLLECT_MOST_MS;
        d->collect_first_ms = first;
        d->collect_due_ms = r->not_before_ms;
    } else {
        t->d->collect_first_ms = t->d->collect_due_ms = 0;
    }
    *t->reply_tail = r;
    t->reply_tail = &r->next;
    t->spoke = true;
    return r;
}

static const char *payload_of(struct talk *t, const char *action)
{
    struct str word = {action, strcspn(action, ".")};
    if (str_starts(str_of(action), STR("https://")) || str_starts(str_of(action), STR("http://")))
        return action; /* opens that page */
    const struct command *c = command_named(word);
    if (c && c->always)
        return fmt(t, "#b1:*:%s", action);
    return fmt(t, "#b1:%s.%lld:%s", state_name(t->state), (long long)t->d->seq, action);
}

/* A button whose label comes out empty is left out: a message can offer up to three choices and show two. */
static void add_buttons(struct talk *t, struct reply *r, const struct message *m, const struct values *values,
                        struct shown_button *shown)
{
    for (size_t i = 0; i < m->button_count && r->button_count < REPLY_BUTTONS_MAX; i++) {
        const char *label = must(message_render(t->ctx, m->button[i].label, values->v, values->n));
        const char *action = must(message_render(t->ctx, m->button[i].action, values->v, values->n));
        if (!*label || !*action || action[strlen(action) - 1] == '.')
            continue;
        label = must(text_short(t->ctx, str_of(label), MESSAGE_LABEL_CHARS));
        const char *payload = payload_of(t, action);
        if (!t->tapped && t->d->last_tap && strcmp(t->d->last_tap, payload) == 0)
            t->d->last_tap = NULL; /* put on show anew, and not by that tap: another one means this */
        shown[r->button_count] = (struct shown_button){label, action};
        r->button[r->button_count++] = (struct button){label, payload};
    }
}

static enum reply_class class_of(enum msg id)
{
    switch (id) {
    case MSG_SUBMITTED:
    case MSG_ERASED:
    case MSG_STATUS_RETURNED:
    case MSG_STATUS_VALID:
    case MSG_STATUS_RECOGNISED:
    case MSG_STATUS_DUPLICATE:
    case MSG_STATUS_REFUSED:
    case MSG_COAUTHOR_ASKED:
    case MSG_COAUTHOR_YES_TOLD:
    case MSG_COAUTHOR_NO_TOLD:
    case MSG_COAUTHOR_OFFERED:
    case MSG_TOGETHER_YES:
    case MSG_TOGETHER_NO:
    case MSG_EVIDENCE_FAILED:
    case MSG_STAFF_JOINED:
    case MSG_ENTERED_ON_BEHALF:
    case MSG_ENTERED_DENIED:
    case MSG_FIELD_PROPOSED:
    case MSG_PROPOSAL_TAKEN:
    case MSG_PROPOSAL_REFUSED:
    case MSG_HANDOFF_OPEN:
    case MSG_HANDOFF_STILL:
    case MSG_NOTICE_SILENT:
    case MSG_NOTICE_STOPPED:
    case MSG_NOTICE_TOKEN:
    case MSG_NOTICE_PACKAGE:
    case MSG_NOTICE_PACKAGE_OVER:
    case MSG_NOTICE_UNVERIFIED:
        return REPLY_RECEIPT;
    case MSG_STICKER_ACK:
    case MSG_RATE_LIMITED: /* the question before it stays on show */
        return REPLY_COURTESY;
    default:
        return REPLY_PROMPT;
    }
}

static void emit(struct talk *t, enum msg id, const struct message_arg *args, size_t n, struct shown_button *shown)
{
    struct dialog *d = t->d;
    if (t->out->needs)
        return;
    const struct message *m = message_get(id);
    if (!t->spoke)
        memset(d->aside, 0, sizeof(d->aside)); /* buttons beside an older question are no longer on show */
    struct values values = values_of(t, args, n);
    /* A collected answer that still waits is replaced by this one: nobody has read it. */
    uint64_t last = collected_answer_waits(t) ? d->before_hash : d->last_hash;
    const char *text = fresh_wording(t, m, &values, last);
    if (t->lead)
        t->note = must(talloc_asprintf_append(t->note, " %s+%s", message_get(t->lead_msg)->name, m->name));
    else
        t->note = must(talloc_asprintf_append(t->note, " %s", m->name));
    t->lead = NULL;

    struct str rest = str_of(text);
    struct reply *r;
    do {
        struct str part = text_split(rest, MESSAGE_TEXT_UNITS, &rest);
        r = reply_new(t, must(talloc_strndup(t->ctx, part.p, part.n)));
        r->class = class_of(id);
        if (rest.n)
            t->note = must(talloc_asprintf_append(t->note, " ..."));
    } while (rest.n);
    d->before_hash = last;
    d->last_hash = sentence_hash(r->text);
    memset(shown, 0, sizeof(*shown) * CHOICES_MAX);
    add_buttons(t, r, m, &values, shown);
}

void say(struct talk *t, enum msg id, const struct message_arg *args, size_t n)
{
    emit(t, id, args, n, t->d->aside);
}

struct reply *say_exactly(struct talk *t, enum msg id, const struct message_arg *args, size_t n)
{
    if (t->out->needs)
        return NULL;
    struct values values = values_of(t, args, n);
    const struct message *m = message_get(id);
    struct str rest = str_of(must(message_render(t->ctx, m->text, values.v, values.n)));
    struct reply *first = NULL, *r;
    lead_flush(t);
    if (!t->spoke)
        memset(t->d->aside, 0, sizeof(t->d->aside));
    do {
        struct str part = text_split(rest, MESSAGE_TEXT_UNITS, &rest);
        r = reply_new(t, must(talloc_strndup(t->ctx, part.p, part.n)));
        first = first ? first : r;
    } while (rest.n);
    t->note = must(talloc_asprintf_append(t->note, " %s", m->name));
    add_buttons(t, r, m, &values, t->d->aside);
    return first;
}

void ask(struct talk *t, enum msg id, const struct message_arg *args, size_t n)
{
    emit(t, id, args, n, t->d->shown);
    t->d->prompted_at_ms = t->in->now_ms;
}

void lead(struct talk *t, enum msg id, const struct message_arg *args, size_t n)
{
    t->lead = words(t, id, args, n);
    t->lead_msg = id;
    t->lead_args = n ? must(talloc_memdup(t->ctx, args, sizeof(*args) * n)) : NULL;
    t->lead_arg_count = n;
}

void lead_flush(struct talk *t)
{
    if (!t->lead)
        return;
    t->lead = NULL;
    say(t, t->lead_msg, t->lead_args, t->lead_arg_count);
}

/* ---- values for people ---- */

/* Days since 1970-01-01 to a civil date: Howard Hinnant, "chrono-compatible low-level date algorithms". */
char *date_of(struct talk *t, int64_t ms)
{
    int64_t local = ms + VIETNAM_OFFSET_MS;
    int64_t z = local / 86400000 + 719468;
    int64_t era = z / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    return fmt(t, "%02d/%02d/%04d", (int)(doy - (153 * mp + 2) / 5 + 1), (int)month,
               (int)(yoe + era * 400 + (month <= 2)));
}

char *benefit_line(struct talk *t, const struct benefit *b)
{
    static const enum msg annualised[PERIOD_COUNT] = {
        [PERIOD_MONTH] = MSG_BENEFIT_LINE_MONTH,
        [PERIOD_QUARTER] = MSG_BENEFIT_LINE_QUARTER,
        [PERIOD_DAY] = MSG_BENEFIT_LINE_DAY,
        [PERIOD_SHIFT] = MSG_BENEFIT_LINE_SHIFT,
    };
    if (b->kind && strcmp(b->kind, BENEFIT_MONEY) == 0) {
        const char *amount = must(amount_digits(t->ctx, b->vnd));
        if (!b->unit_vnd || !annualised[b->period])
            return words(t, MSG_BENEFIT_LINE_MONEY, ARGS({"amount", amount}));
        const char *unit_amount = must(amount_digits(t->ctx, b->unit_vnd));
        return words(t, annualised[b->period], ARGS({"amount", amount}, {"unit_amount", unit_amount}));
    }
    if (b->kind && strcmp(b->kind, BENEFIT_NONMONETARY) == 0) {
        const char *text = b->text ? must(text_short(t->ctx, str_of(b->text), QUOTE_CHARS)) : NULL;
        return text ? words(t, MSG_BENEFIT_LINE_NONMONETARY, ARGS({"text_short", text}))
                    : words(t, MSG_BENEFIT_LINE_NO_MONEY, NO_ARGS);
    }
    return words(t, MSG_BENEFIT_LINE_UNKNOWN, NO_ARGS);
}

const char *status_label(struct talk *t, const char *status)
{
    enum msg id = message_named(str_of(fmt(t, "label_%s", status ? status : "")));
    return id ? message_get(id)->text : "";
}

static const char outer[] = " \n\t.,;:!?\"'()[]-";

/* The first letter of the key without its outer signs, 0 when there is none. */
static int32_t first_letter(const char *s)
{
    struct letter_reader reader = {.rest = str_of(s)};
    struct letter letter;
    while (letter_next(&reader, &letter))
        if (letter.base >= 0x80 || !strchr(outer, (int)letter.base))
            return letter.base;
    return 0;
}

bool same_words(struct talk *t, const char *a, const char *b)
{
    if (first_letter(a) != first_letter(b)) /* nearly always: a turn asks this of every label on show */
        return false;
    const char *key[2] = {must(text_key(t->ctx, str_of(a))), must(text_key(t->ctx, str_of(b)))};
    struct str s[2];
    for (int i = 0; i < 2; i++) {
        s[i] = str_of(key[i] + strspn(key[i], outer));
        while (s[i].n && strchr(outer, s[i].p[s[i].n - 1]))
            s[i].n--;
    }
    return s[0].n > 0 && str_eq(s[0], s[1]);
}
