/* What contacts do to a ticket, in turns of the worker it belongs to: taken, answered, passed on, put off, closed, lost. */
#include <cjson/cJSON.h>

#include "ticket_row.h"

static const char *id_text(struct talk *t, int64_t id)
{
    return id ? fmt(t, "%lld", (long long)id) : NULL;
}

/* Who does it, as the mail says; the right was checked in the contact's own turn. */
struct act {
    const char *contact, *name;
    const struct ticket *ticket;
};

static const char *support_name(const char *name)
{
    return name ? name : message_get(MSG_LABEL_SUPPORT_TEAM)->text;
}

static void result(struct talk *t, const struct act *a, const char *what, const char *by)
{
    ticket_tell(t, a->ticket, a->contact, "ticket_result", what, by);
}

/* Another person has the conversation: his name; NULL when nobody else does. */
static const char *held_by_another(const struct talk *t, const struct act *a)
{
    if (!owned_by_a_person(t->in) || owned_by(t->in, a->contact))
        return NULL;
    const struct ticket *k = a->ticket;
    bool named = k->assignee && k->assignee_name && owned_by(t->in, k->assignee);
    return named ? k->assignee_name : message_get(MSG_LABEL_SUPPORT_TEAM)->text;
}

/* The conversation is this contact's from now on.  Whoever had it is told by whom it was taken over. */
static struct ticket *take(struct talk *t, const struct act *a)
{
    struct ticket *k = ticket_change(t, a->ticket);
    bool over = owned_by_a_person(t->in) && !owned_by(t->in, a->contact);
    const char *before = k->assignee && strcmp(k->assignee, a->contact) != 0 ? k->assignee : NULL;
    if (before)
        ticket_tell(t, k, before, "ticket_news", "taken_over", support_name(a->name));
    if (!owned_by(t->in, a->contact))
        ticket_message_add(t, k, "note", over ? "taken_over" : "taken", a->contact);
    k->assignee = a->contact;
    k->assignee_name = a->name;
    if (strcmp(k->state, TICKET_NEW) == 0 || strcmp(k->state, TICKET_SNOOZED) == 0)
        k->state = TICKET_ASSIGNED;
    k->snoozed_until_ms = 0;
    ticket_own(t, k);
    t->out->drop_replies = true;
    return k;
}

/* True until something else becomes of the ticket: a line that comes later than that is not sent (outbox.sql). */
static void say_who_answers(struct talk *t, const struct act *a, const struct ticket *k)
{
    say(t, MSG_HANDOFF_OPEN, ARGS({"support", support_name(a->name)}));
    const struct reply *said = t->out->replies;
    while (said->next)
        said = said->next;
    belongs_to(t, said, &(struct carried){t->in->msg->user_id, k->id, NULL});
}

static void ticket_take(struct talk *t, const struct act *a, bool force)
{
    const char *holder = held_by_another(t, a);
    if (ticket_is_closed(a->ticket)) {
        result(t, a, "closed_before", NULL);
        return;
    }
    if (holder && !force) {
        result(t, a, "held", holder);
        return;
    }
    bool again = owned_by(t->in, a->contact);
    struct ticket *k = take(t, a);
    if (!again)
        say_who_answers(t, a, k);
    result(t, a, "taken", NULL);
    ticket_schedule(t, k);
}

static void ticket_answer(struct talk *t, const struct act *a, const cJSON *root)
{
    const char *text = mail_text(t, root, "text", TICKET_TEXT_CHARS), *kind = mail_text(t, root, "kind", 20), *url = mail_text(t, root, "url", 1000);
    bool direct = mail_text(t, root, "direct", 4) != NULL;
    const char *holder = held_by_another(t, a);
    int64_t silent = t->in->now_ms - t->person.last_inbound_at_ms;
    if (!text && !url)
        return;
    if (ticket_is_closed(a->ticket) && !direct) {
        result(t, a, "closed_before", NULL);
        return;
    }
    if (holder || (!direct && !owned_by(t->in, a->contact))) {
        result(t, a, holder ? "held" : "given_back", holder);
        return;
    }
    if (silent > REACH_MS) {
        result(t, a, "unreachable", NULL);
        return;
    }
    bool again = owned_by(t->in, a->contact);
    struct ticket *k = take(t, a);
    k->closed_at_ms = 0;
    if (!again)
        say_who_answers(t, a, k);
    bool picture = url && kind && strcmp(kind, "image") == 0;
    const char *token = mail_text(t, root, "token", FILE_TOKEN_CHARS);
    struct reply *r = relay(t, picture || !url || token ? MSG_HANDOFF_ANSWER : MSG_HANDOFF_ANSWER_FILE,
                                  ARGS({"support", support_name(a->name)}, {"text", text ? text : mail_text(t, root, "label", 200)}, {"link", url}),
                                  picture ? url : NULL, &(struct carried){t->in->msg->user_id, k->id, a->contact});
    file_behind(r, token);
    struct ticket_message *m = ticket_message_add(t, k, "out", text, a->contact);
    m->id = r->id;
    m->kind = kind;
    m->url = url;
    m->msg_id = mail_text(t, root, "msg_id", 200);
    ticket_answered(t, k);
    result(t, a, silent > PAID_AFTER_MS ? "sent_paid" : "sent", NULL);
    ticket_schedule(t, k);
}

static void ticket_close(struct talk *t, const struct act *a)
{
    const char *holder = held_by_another(t, a);
    if (holder || ticket_is_closed(a->ticket)) {
        result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    struct ticket *k = ticket_change(t, a->ticket);
    bool spoke = owned_by_a_person(t->in);
    ticket_message_add(t, k, "note", "closed", a->contact);
    k->state = TICKET_CLOSED;
    k->closed_at_ms = t->in->now_ms;
    k->asked_at_ms = 0;
    if (spoke) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
    }
    result(t, a, "closed", NULL);
    if (spoke && pending(t))
        lead(t, MSG_HANDOFF_OVER, NO_ARGS);
    else
        say(t, spoke ? MSG_HANDOFF_CLOSED : MSG_HANDOFF_DONE_WITH, ARGS({"so", id_text(t, k->number)}));
    restate(t);
}

/* The bot goes on; the ticket stays open and with its contact. */
static void ticket_return(struct talk *t, const struct act *a)
{
    if (!owned_by(t->in, a->contact)) {
        result(t, a, "given_back", NULL);
        return;
    }
    struct ticket *k = ticket_change(t, a->ticket);
    ticket_message_add(t, k, "note", "returned", a->contact);
    t->out->owner = "bot";
    t->out->owner_until_ms = 0;
    result(t, a, "returned", NULL);
    lead(t, MSG_HANDOFF_RETURNED, NO_ARGS);
    restate(t);
    ticket_schedule(t, k);
}

static void ticket_pass(struct talk *t, const struct act *a, bool quiet)
{
    const char *holder = held_by_another(t, a);
    t->out->need_id = a->ticket->unit_id;
    if (holder || ticket_is_closed(a->ticket)) {
        if (!quiet)
            result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    if (!need(t, NEED_CONTACTS))
        return;
    struct ticket *k = ticket_change(t, a->ticket);
    bool spoke = owned_by_a_person(t->in);
    ticket_message_add(t, k, "note", "passed", a->contact);
    ticket_pass_by(t, k, a->contact);
    k->assignee = k->assignee_name = NULL;
    k->state = TICKET_NEW;
    k->asked_at_ms = k->asked_at_ms ? k->asked_at_ms : t->in->now_ms;
    bool found = ticket_assign(t, k);
    if (!quiet)
        result(t, a, found ? "passed" : "passed_to_nobody", support_name(k->assignee_name));
    if (spoke) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
        lead(t, MSG_HANDOFF_PASSED, NO_ARGS);
        restate(t);
    }
    ticket_schedule(t, k);
}

static void ticket_snooze(struct talk *t, const struct act *a)
{
    const char *holder = held_by_another(t, a);
    if (holder || ticket_is_closed(a->ticket)) {
        result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    struct ticket *k = ticket_change(t, a->ticket);
    ticket_message_add(t, k, "note", "snoozed", a->contact);
    int64_t until = ticket_hours_later(t, t->in->now_ms, 4 * 60);
    k->state = TICKET_SNOOZED;
    k->assignee = a->contact;
    k->assignee_name = a->name;
    k->snoozed_until_ms = until > 0 ? until : t->in->now_ms + 24 * HOUR_MS;
    if (owned_by(t->in, a->contact)) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
        lead(t, MSG_HANDOFF_RETURNED, NO_ARGS);
        restate(t);
    }
    result(t, a, "snoozed", NULL);
    ticket_schedule(t, k);
}

/* The outbox gave up words that were on their way: an answer stays owed, a card goes to the next contact. */
static void ticket_lost(struct talk *t, const struct act *a, const cJSON *root)
{
    bool answer = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(root, "answer"));
    const char *why = mail_text(t, root, "why", 200);
    if (answer) {
        struct ticket *k = ticket_change(t, a->ticket);
        t->out->failed_message_id = mail_id(root, "relay");
        t->out->failed_why = why ? why : "unknown";
        k->asked_at_ms = k->asked_at_ms ? k->asked_at_ms : t->in->now_ms;
        k->state = k->assignee ? TICKET_ASSIGNED : TICKET_NEW;
        k->closed_at_ms = 0;
        bool overtaken = why && strcmp(why, OUTBOX_OVERTAKEN) == 0;
        result(t, a, overtaken ? "overtaken" : "failed", overtaken ? NULL : why);
        ticket_schedule(t, k);
        return;
    }
    t->out->need_id = a->ticket->unit_id;
    if (ticket_is_closed(a->ticket) || !a->ticket->assignee || strcmp(a->ticket->assignee, a->contact) != 0 || !need(t, NEED_CONTACTS))
        return;
    struct ticket *k = ticket_change(t, a->ticket);
    ticket_message_add(t, k, "note", "contact_unreached", a->contact);
    ticket_pass_by(t, k, a->contact);
    k->assignee = k->assignee_name = NULL;
    k->state = TICKET_NEW;
    k->asked_at_ms = k->asked_at_ms ? k->asked_at_ms : t->in->now_ms;
    if (owned_by(t->in, a->contact)) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
        lead(t, MSG_HANDOFF_SILENT, NO_ARGS);
        restate(t);
    }
    ticket_assign(t, k);
    ticket_schedule(t, k);
}

/* Who has the ticket answers nobody any more: the next on duty does.  `told`: he can be told so. */
static void ticket_gone(struct talk *t, const struct act *a, bool told)
{
    t->out->need_id = a->ticket->unit_id;
    if (ticket_is_closed(a->ticket) || !a->ticket->assignee || strcmp(a->ticket->assignee, a->contact) != 0 || !need(t, NEED_CONTACTS))
        return;
    struct ticket *k = ticket_change(t, a->ticket);
    bool spoke = owned_by(t->in, a->contact);
    ticket_message_add(t, k, "note", "contact_gone", a->contact);
    if (told)
        ticket_tell(t, k, a->contact, "ticket_news", "role_ended", NULL);
    k->assignee = k->assignee_name = NULL;
    if (strcmp(k->state, TICKET_ASSIGNED) == 0)
        k->state = TICKET_NEW;
    if (k->asked_at_ms)
        ticket_assign(t, k);
    if (spoke) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
        lead(t, k->asked_at_ms ? MSG_HANDOFF_PASSED : MSG_HANDOFF_RETURNED, NO_ARGS);
        restate(t);
    }
    ticket_schedule(t, k);
}

bool ticket_mail(struct talk *t, const char *kind, const cJSON *root)
{
    if (is_ticket_job(t->in->msg)) {
        worker_file_told(t, root);
        return true;
    }
    static const char *const kinds[] = {"ticket_tick", "ticket_take", "ticket_answer", "ticket_close", "ticket_return", "ticket_pass",
                                        "ticket_snooze", "ticket_lost", "ticket_gone"};
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) && strcmp(kinds[i], kind) != 0)
        i++;
    if (i == ARRAY_LEN(kinds))
        return false;
    if (!need(t, NEED_TICKET))
        return true;
    struct act a = {.contact = mail_text(t, root, "contact", INBOUND_ID_MAX), .name = mail_text(t, root, "contact_name", NAME_CHARS_MAX),
                    .ticket = ticket_of_id(t, mail_id(root, "ticket"))};
    if (!a.ticket || (!a.contact && i > 0))
        return true; /* erased meanwhile */
    switch (i) {
    case 0: ticket_tick(t, a.ticket); break;
    case 1: ticket_take(t, &a, mail_text(t, root, "force", 4) != NULL); break;
    case 2: ticket_answer(t, &a, root); break;
    case 3: ticket_close(t, &a); break;
    case 4: ticket_return(t, &a); break;
    case 5: ticket_pass(t, &a, mail_text(t, root, "quiet", 4) != NULL); break;
    case 6: ticket_snooze(t, &a); break;
    case 7: ticket_lost(t, &a, root); break;
    default: ticket_gone(t, &a, mail_text(t, root, "told", 4) != NULL); break;
    }
    return true;
}
