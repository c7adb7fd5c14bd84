/* A person is wanted: a ticket is opened at once, with its number and an honest promise; the talk goes on meanwhile. */
#include "reading/text.h"
#include "ticket.h"

enum {
    NOTE_CHARS_MAX = 2000,
    NOTE_MORE_MS = 120 * 1000, /* where nothing else is asked, what is said so soon after a question belongs to it */
    NOTE_BURST_MS = 10 * 1000, /* and is acknowledged once for several in a row */
    NOTE_WAIT_MS = 90 * 1000, /* the question is awaited so long before a contact is asked without it */
};

/* ---- the promise ---- */

static const char *when_words(struct talk *t, int64_t at_ms)
{
    int64_t minute = at_ms / MINUTE_MS + 7 * 60;
    return words(t, MSG_LABEL_WHEN, ARGS({"gio", fmt(t, "%02d:%02d", (int)(minute / 60 % 24), (int)(minute % 60))}, {"ngay", date_of(t, at_ms)}));
}

/* As written in the settings, with room to read: "07:30-11:30, 13:30-17:00". */
static const char *hours_words(struct talk *t, const char *text)
{
    char *out = must(talloc_zero_array(t->ctx, char, 2 * HOURS_TEXT_MAX)), *at = out;
    for (const char *s = text; *s; s++) {
        *at++ = *s;
        if ((*s == ',' || *s == ';') && s[1] && s[1] != ' ')
            *at++ = ' ';
    }
    return out;
}

/* What can be kept: the usual time when there is one, the hours, or when the next ones begin. */
static const char *promise(struct talk *t)
{
    const struct support_rules *rules = &t->in->support;
    int64_t next = hours_next_open(rules->hours, rules->holidays, t->in->now_ms);
    if (next > t->in->now_ms)
        return words(t, MSG_LABEL_PROMISE_LATER, ARGS({"when", when_words(t, next)}));
    if (next == t->in->now_ms && t->in->answer_minutes > 0)
        return words(t, MSG_LABEL_PROMISE_MINUTES, ARGS({"minutes", fmt(t, "%d", t->in->answer_minutes)}));
    return words(t, MSG_LABEL_PROMISE_HOURS, ARGS({"hours", hours_words(t, rules->hours->text)}));
}

/* ---- opening ---- */

static const struct ticket *open_about(const struct talk *t, const char *topic, int64_t initiative_id)
{
    for (const struct ticket *k = t->in->tickets; k; k = k->next)
        if (strcmp(k->state, TICKET_CLOSED) != 0 && k->topic && strcmp(k->topic, topic) == 0 && k->initiative_id == initiative_id)
            return k;
    return NULL;
}

/* The last closed one of that topic. */
static const struct ticket *closed_about(const struct talk *t, const char *topic, int64_t initiative_id)
{
    for (const struct ticket *k = t->in->tickets; k; k = k->next)
        if (strcmp(k->state, TICKET_CLOSED) == 0 && k->topic && strcmp(k->topic, topic) == 0 && k->initiative_id == initiative_id)
            return k;
    return NULL;
}

/* A ticket about that: the open one, one closed not long ago, or a new one.  NULL: something has to be loaded first. */
static struct ticket *ticket_about(struct talk *t, const char *topic, const char *question, int64_t initiative_id, bool *ret_was_open)
{
    if (!need(t, NEED_TICKET | NEED_TICKET_START))
        return NULL;
    const struct ticket *open = open_about(t, topic, initiative_id), *closed = closed_about(t, topic, initiative_id);
    *ret_was_open = open != NULL;
    if (open)
        return ticket_change(t, open);
    struct ticket *k;
    if (closed && t->in->now_ms - closed->closed_at_ms <= REOPEN_MS) {
        k = ticket_change(t, closed);
        k->state = TICKET_REOPENED;
        k->closed_at_ms = k->contact_at_ms = 0;
        k->passed = NULL;
    } else {
        k = must(talloc_zero(t->ctx, struct ticket));
        *k = (struct ticket){.next = t->out->tickets, .user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx),
                             .number = t->in->ticket_number, .state = TICKET_NEW, .topic = topic, .question = question ? question : "",
                             .step = t->d->interrupted ? t->d->interrupted : state_name(t->state), .initiative_id = initiative_id,
                             .unit_id = t->person.unit_id, .previous_id = closed ? closed->id : 0, .opened_at_ms = t->in->now_ms};
        t->out->tickets = k;
    }
    k->asked_at_ms = t->in->now_ms;
    return k;
}

int64_t ticket_open(struct talk *t, const char *topic, const char *question, int64_t initiative_id, bool *ret_was_open)
{
    *ret_was_open = false;
    struct ticket *k = ticket_about(t, topic, question, initiative_id, ret_was_open);
    if (!k)
        return 0;
    if (!*ret_was_open)
        ticket_look(t, k, t->in->now_ms);
    return k->id;
}

/* Opens it with the question when that is known, else asks for it in one line. */
static void open_and_ask(struct talk *t, const char *topic, const char *question, int64_t initiative_id)
{
    bool was_open;
    struct ticket *k = ticket_about(t, topic, question, initiative_id, &was_open);
    if (!k)
        return;
    const struct draft *draft = &t->d->draft;
    t->d->ticket_id = k->id;
    lead(t, was_open ? MSG_HANDOFF_ALREADY : MSG_HANDOFF_DONE,
         ARGS({"so", fmt(t, "%lld", (long long)k->number)}, {"hen", promise(t)},
              {"nhap", draft->title || draft->partial ? message_get(MSG_LABEL_DRAFT_KEPT)->text : NULL}));
    t->d->asked = NULL;
    if (question) {
        ticket_said(t, k, question);
        if (!k->assignee)
            ticket_look(t, k, t->in->now_ms);
        restate(t);
        return;
    }
    if (!was_open)
        ticket_look(t, k, t->in->now_ms + NOTE_WAIT_MS);
    go(t, ST_HUMAN_NOTE);
}

void cmd_human(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consent_first(t, "human"))
        return;
    int64_t about = t->state == ST_DETAIL || t->state == ST_WITHDRAW ? t->d->view_id : 0;
    open_and_ask(t, "human", t->d->asked, about);
}

void cmd_human_voice(struct talk *t, int64_t arg, enum edit_field field)
{
    bool was_open;
    (void)arg, (void)field;
    if (!consent_first(t, "human"))
        return;
    struct ticket *k = ticket_about(t, "voice", NULL, t->d->draft.id, &was_open);
    if (!k)
        return;
    ticket_said_voice(t, k, t->d->voice_url);
    if (!k->assignee)
        ticket_look(t, k, t->in->now_ms);
    say(t, MSG_HANDOFF_VOICE, ARGS({"so", fmt(t, "%lld", (long long)k->number)}, {"hen", promise(t)}));
    restate(t);
}

enum answer read_human_note(struct talk *t, const char *text)
{
    if (!t->d->ticket_id)
        return ANS_OK;
    if (!need(t, NEED_TICKET))
        return ANS_HANDLED;
    const struct ticket *found = t->in->tickets;
    while (found && found->id != t->d->ticket_id)
        found = found->next;
    if (!found)
        return ANS_OK;
    struct str note = str_of(text);
    if (text_chars(note) > NOTE_CHARS_MAX)
        note = text_cut(note, NOTE_CHARS_MAX);
    struct ticket *k = ticket_change(t, found);
    const char *said = must(talloc_strndup(t->ctx, note.p, note.n));
    if (!k->question || !*k->question)
        k->question = said;
    ticket_said(t, k, said);
    t->d->noted_ms = t->in->now_ms;
    if (!k->assignee)
        ticket_look(t, k, t->in->now_ms);
    lead(t, MSG_HANDOFF_NOTED, NO_ARGS);
    return ANS_OK;
}

bool note_goes_on(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    bool idle = (flow[t->state].flags & (F_IDLE | F_RELAYS)) == F_IDLE;
    bool unread = t->in->msg->sent_at_ms && t->in->msg->sent_at_ms <= d->prompted_at_ms; /* typed before the question on show was */
    if (!d->ticket_id || !d->noted_ms || t->in->now_ms - d->noted_ms > NOTE_MORE_MS || !(idle || (unread && text && t->state != ST_HUMAN_NOTE)))
        return false;
    if (!need(t, NEED_TICKET))
        return true;
    const struct ticket *found = t->in->tickets;
    while (found && found->id != d->ticket_id)
        found = found->next;
    if (!found || strcmp(found->state, TICKET_CLOSED) == 0)
        return false;
    if (!text || !*text)
        evidence_keep(t, 0); /* links to Zalo's files expire */
    ticket_said(t, ticket_change(t, found), text && *text ? text : NULL);
    if (t->in->now_ms - d->noted_ms > NOTE_BURST_MS) {
        say(t, MSG_HANDOFF_NOTED, NO_ARGS);
        restate(t);
    }
    d->noted_ms = t->in->now_ms;
    return true;
}

/* The worker ends it himself; what was pending is asked again.  The conversation is the bot's already (owned.c). */
void cmd_handoff_close(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!t->lead) /* an old button */
        lead(t, MSG_HANDOFF_RETURNED, NO_ARGS);
    restate(t);
}
