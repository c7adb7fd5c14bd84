/* A ticket's life, in turns of the worker it belongs to: assigned, taken, answered, passed on, closed, looked after. */
#include "contact.h"

#include <cjson/cJSON.h>

#include "reading/text.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

/* ---- mail and replies ---- */

void mail_post(struct talk *t, const char *to, const char *kind, int64_t not_before_ms, const struct message_arg *args, size_t n)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    for (size_t i = 0; i < n; i++)
        if (args[i].value)
            must(cJSON_AddStringToObject(root, args[i].name, args[i].value));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, to, kind, must(talloc_strdup(t->ctx, json)), not_before_ms);
}

void belongs_to(struct talk *t, const struct reply *first, const struct carried *c)
{
    for (const struct reply *r = first; r; r = r->next) {
        struct ticket_relay *row = must(talloc_zero(t->ctx, struct ticket_relay));
        *row = (struct ticket_relay){.next = t->out->relays, .user_id = r->user_id, .id = r->id, .worker_id = c->worker_id,
                                     .ticket_id = c->ticket_id, .contact = c->contact};
        t->out->relays = row;
    }
}

struct reply *relay(struct talk *t, enum msg id, const struct message_arg *args, size_t n, const char *image_url, const struct carried *c)
{
    struct reply *first = say_exactly(t, id, args, n);
    for (struct reply *r = first; r; r = r->next)
        r->class = REPLY_STAFF;
    belongs_to(t, first, c);
    if (first && image_url) {
        first->image_url = image_url;
        first->button_count = 0;
    }
    return first;
}

static const char *id_text(struct talk *t, int64_t id)
{
    return id ? fmt(t, "%lld", (long long)id) : NULL;
}

/* What every mail to a contact carries: which ticket, and whose, so that an erasure finds it. */
static void tell_contact(struct talk *t, const struct ticket *k, const char *to, const char *kind, const char *what, const char *by)
{
    if (!to || str_starts(str_of(to), STR("admin:")))
        return;
    mail_post(t, to, kind, t->in->now_ms,
              ARGS({"worker", t->in->msg->user_id}, {"ticket", id_text(t, k->id)}, {"number", id_text(t, k->number)}, {"what", what}, {"by", by},
                   {"name", t->person.full_name}));
}

/* ---- the row ---- */

const struct ticket *ticket_open_now(const struct talk *t)
{
    const struct ticket *k = t->in->tickets;
    while (k && strcmp(k->state, TICKET_CLOSED) == 0)
        k = k->next;
    return k;
}

static const struct ticket *ticket_of_id(const struct talk *t, int64_t id)
{
    const struct ticket *k = t->in->tickets;
    while (k && k->id != id)
        k = k->next;
    return k;
}

struct ticket *ticket_change(struct talk *t, const struct ticket *k)
{
    for (struct ticket *have = t->out->tickets; have; have = have->next)
        if (have->id == k->id)
            return have;
    struct ticket *copy = must(talloc_memdup(t->ctx, k, sizeof(*k)));
    copy->next = t->out->tickets;
    t->out->tickets = copy;
    return copy;
}

static bool is_closed(const struct ticket *k)
{
    return strcmp(k->state, TICKET_CLOSED) == 0;
}

static struct ticket_message *message_add(struct talk *t, const struct ticket *k, const char *direction, const char *text, const char *author)
{
    struct ticket_message *m = must(talloc_zero(t->ctx, struct ticket_message)), **last = &t->out->ticket_messages;
    *m = (struct ticket_message){.user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx), .ticket_id = k->id,
                                 .direction = direction, .text = text, .author = author};
    while (*last)
        last = &(*last)->next;
    *last = m;
    return m;
}

/* ---- who has the conversation ---- */

bool owned_by_a_person(const struct turn_input *in)
{
    const char *owner = in->conv->owner;
    return owner && *owner && strcmp(owner, "bot") != 0 && in->conv->owner_until_ms > in->now_ms;
}

bool owned_by(const struct turn_input *in, const char *user_id)
{
    return user_id && owned_by_a_person(in) && str_starts(str_of(in->conv->owner), STR("user:")) && strcmp(in->conv->owner + 5, user_id) == 0;
}

static int64_t silence_ms(const struct talk *t)
{
    return (int64_t)t->in->support.silence_minutes * MINUTE_MS;
}

/* The owner stays a little longer than the silence that is answered by ticket_tick, which says so in the chat. */
static void own(struct talk *t, struct ticket *k)
{
    t->out->owner = fmt(t, "user:%s", k->assignee);
    t->out->owner_until_ms = t->in->now_ms + silence_ms(t) + HOUR_MS;
    k->contact_at_ms = t->in->now_ms;
    k->warned_at_ms = 0;
}

void ticket_hand_back(struct talk *t, struct ticket *k, const char *why)
{
    if (!owned_by_a_person(t->in))
        return;
    const char *owner = t->in->conv->owner;
    t->out->owner = "bot";
    t->out->owner_until_ms = 0;
    if (strcmp(why, "left") == 0)
        message_add(t, k, "note", "left", NULL); /* what a contact has said and is not sent yet is not sent any more: outbox.sql */
    if (str_starts(str_of(owner), STR("user:")))
        tell_contact(t, k, must(talloc_strdup(t->ctx, owner + 5)), "ticket_news", why, NULL);
}

/* ---- what is due ---- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a <= 0 ? b : b <= 0 || a < b ? a : b;
}

static bool has_owner(const struct talk *t, const struct ticket *k)
{
    if (t->out->owner)
        return k->assignee && str_starts(str_of(t->out->owner), STR("user:")) && strcmp(t->out->owner + 5, k->assignee) == 0;
    return owned_by(t->in, k->assignee);
}

static int64_t in_staff_hours(const struct talk *t, int64_t from_ms, int minutes)
{
    return hours_later(t->in->support.hours, t->in->support.holidays, from_ms, (int64_t)minutes * MINUTE_MS);
}

static int64_t warn_at(const struct talk *t, const struct ticket *k)
{
    return k->contact_at_ms + silence_ms(t) * 2 / 3;
}

static int64_t next_due(const struct talk *t, const struct ticket *k)
{
    if (is_closed(k))
        return 0;
    if (strcmp(k->state, TICKET_SNOOZED) == 0)
        return k->snoozed_until_ms;
    int64_t due = 0;
    if (k->asked_at_ms && !k->assignee && !k->told_at_ms)
        due = in_staff_hours(t, k->asked_at_ms, t->in->support.wait_minutes);
    if (k->asked_at_ms && k->assignee && !k->overdue_at_ms)
        due = earlier(due, in_staff_hours(t, k->asked_at_ms, t->in->support.answer_minutes));
    if (has_owner(t, k))
        due = earlier(due, k->warned_at_ms ? k->contact_at_ms + silence_ms(t) : warn_at(t, k));
    if (strcmp(k->state, TICKET_WAITING) == 0)
        due = earlier(due, k->answered_at_ms + REOPEN_MS);
    return due;
}

void ticket_look(struct talk *t, struct ticket *k, int64_t at_ms)
{
    if (k->tick_at_ms > t->in->now_ms && k->tick_at_ms <= at_ms)
        return; /* one is on its way and looks further */
    k->tick_at_ms = at_ms;
    mail_post(t, t->in->msg->user_id, "ticket_tick", at_ms, ARGS({"ticket", id_text(t, k->id)}));
}

void ticket_schedule(struct talk *t, struct ticket *k)
{
    int64_t due = next_due(t, k);
    if (due > 0)
        ticket_look(t, k, due > t->in->now_ms ? due : t->in->now_ms + 1000);
}

/* ---- assigning ---- */

static bool has_passed(struct talk *t, const struct ticket *k, const char *user_id)
{
    return k->passed && strstr(k->passed, fmt(t, " %s ", user_id)) != NULL;
}

static void pass_by(struct talk *t, struct ticket *k, const char *user_id)
{
    if (!has_passed(t, k, user_id))
        k->passed = fmt(t, "%s %s ", k->passed ? k->passed : "", user_id);
}

/* Who can be reached, the first for whom it costs nothing before those for whom it does. */
static const struct contact *best_contact(struct talk *t, const struct ticket *k)
{
    const struct contact *paid = NULL;
    for (const struct contact *c = t->in->contacts; c; c = c->next) {
        int64_t silent = t->in->now_ms - c->last_inbound_at_ms;
        if (has_passed(t, k, c->user_id) || silent > REACH_MS)
            continue;
        if (silent <= PAID_AFTER_MS)
            return c;
        paid = paid ? paid : c;
    }
    return paid;
}

static bool on_duty(const struct talk *t, const char *user_id)
{
    for (const struct contact *c = t->in->contacts; user_id && c; c = c->next)
        if (strcmp(c->user_id, user_id) == 0)
            return true;
    return false;
}

/* NEED_CONTACTS is loaded. @return false: nobody is there for it. */
static bool assign(struct talk *t, struct ticket *k)
{
    const struct contact *c = best_contact(t, k);
    if (!c)
        return false;
    k->assignee = c->user_id;
    k->assignee_name = c->name;
    k->contact_at_ms = 0;
    if (strcmp(k->state, TICKET_REOPENED) != 0)
        k->state = TICKET_ASSIGNED;
    tell_contact(t, k, c->user_id, "ticket_card", NULL, NULL);
    return true;
}

static void tell_chiefs(struct talk *t, const struct ticket *k, const char *what)
{
    for (const struct contact *c = t->in->chiefs; c; c = c->next)
        mail_post(t, c->user_id, "ticket_news", t->in->now_ms,
                  ARGS({"worker", t->in->msg->user_id}, {"ticket", id_text(t, k->id)}, {"number", id_text(t, k->number)}, {"what", what},
                       {"unit", t->person.unit_name}, {"by", k->assignee_name},
                       {"minutes", fmt(t, "%lld", (long long)(hours_between(t->in->support.hours, t->in->support.holidays, k->asked_at_ms,
                                                                             t->in->now_ms) / MINUTE_MS))}));
}

/* The contact has been silent: warned first, then the conversation goes back and the question to somebody else. */
static void silence(struct talk *t, struct ticket *k)
{
    int64_t now = t->in->now_ms;
    if (!k->warned_at_ms && now >= warn_at(t, k)) {
        k->warned_at_ms = now;
        tell_contact(t, k, k->assignee, "ticket_news", "silent", NULL);
    } else if (k->warned_at_ms && now >= k->contact_at_ms + silence_ms(t)) {
        message_add(t, k, "note", "silent", k->assignee);
        ticket_hand_back(t, k, "taken_away");
        if (k->asked_at_ms) {
            pass_by(t, k, k->assignee);
            k->assignee = k->assignee_name = NULL;
            k->state = TICKET_NEW;
            ticket_look(t, k, now);
        }
        lead(t, MSG_HANDOFF_SILENT, NO_ARGS);
        restate(t);
    }
}

static void overdue(struct talk *t, struct ticket *k)
{
    k->overdue_at_ms = t->in->now_ms;
    tell_contact(t, k, k->assignee, "ticket_news", "overdue", NULL);
    tell_chiefs(t, k, "chief_overdue");
    if (!on_duty(t, k->assignee) && !has_owner(t, k)) { /* gone home, or no contact any more: whoever is there */
        pass_by(t, k, k->assignee);
        k->assignee = k->assignee_name = NULL;
        k->state = TICKET_NEW;
        assign(t, k);
    }
}

/* Everything that is due, looked at from the row alone: a tick that comes twice or too late does no harm. */
static void ticket_tick(struct talk *t, const struct ticket *found)
{
    int64_t now = t->in->now_ms;
    t->out->need_id = found->unit_id;
    if (is_closed(found) || !need(t, NEED_CONTACTS | NEED_CHIEFS))
        return;
    struct ticket *k = ticket_change(t, found);
    if (k->tick_at_ms <= now)
        k->tick_at_ms = 0;
    if (strcmp(k->state, TICKET_SNOOZED) == 0 && now >= k->snoozed_until_ms) {
        k->state = k->assignee ? TICKET_ASSIGNED : TICKET_NEW;
        k->asked_at_ms = now;
        k->snoozed_until_ms = 0;
        if (on_duty(t, k->assignee))
            tell_contact(t, k, k->assignee, "ticket_card", NULL, NULL);
        else
            k->assignee = k->assignee_name = NULL;
    }
    if (strcmp(k->state, TICKET_REOPENED) == 0 && k->assignee && !k->contact_at_ms && !on_duty(t, k->assignee))
        k->assignee = k->assignee_name = NULL;
    if (strcmp(k->state, TICKET_WAITING) == 0 && now >= k->answered_at_ms + REOPEN_MS) {
        k->state = TICKET_CLOSED;
        k->closed_at_ms = now;
    } else if (k->asked_at_ms && !k->assignee && strcmp(k->state, TICKET_SNOOZED) != 0 && !assign(t, k)) {
        if (!k->told_at_ms && now >= in_staff_hours(t, k->asked_at_ms, t->in->support.wait_minutes)) {
            k->told_at_ms = now;
            tell_chiefs(t, k, "chief_waiting");
        }
    }
    if (k->asked_at_ms && k->assignee && !k->overdue_at_ms && now >= in_staff_hours(t, k->asked_at_ms, t->in->support.answer_minutes))
        overdue(t, k);
    if (owned_by(t->in, k->assignee))
        silence(t, k);
    ticket_schedule(t, k);
}

/* ---- what contacts do ---- */

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
    tell_contact(t, a->ticket, a->contact, "ticket_result", what, by);
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
        tell_contact(t, k, before, "ticket_news", "taken_over", support_name(a->name));
    if (!owned_by(t->in, a->contact))
        message_add(t, k, "note", over ? "taken_over" : "taken", a->contact);
    k->assignee = a->contact;
    k->assignee_name = a->name;
    if (strcmp(k->state, TICKET_NEW) == 0 || strcmp(k->state, TICKET_SNOOZED) == 0)
        k->state = TICKET_ASSIGNED;
    k->snoozed_until_ms = 0;
    own(t, k);
    t->out->drop_replies = true;
    return k;
}

static void ticket_take(struct talk *t, const struct act *a, bool force)
{
    const char *holder = held_by_another(t, a);
    if (is_closed(a->ticket)) {
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
        say(t, MSG_HANDOFF_OPEN, ARGS({"support", support_name(a->name)}));
    result(t, a, "taken", NULL);
    ticket_schedule(t, k);
}

static void answered(struct talk *t, struct ticket *k)
{
    int64_t now = t->in->now_ms;
    if (k->asked_at_ms) {
        int minutes = (int)(hours_between(t->in->support.hours, t->in->support.holidays, k->asked_at_ms, now) / MINUTE_MS);
        if (!k->first_answer_at_ms) {
            k->first_answer_at_ms = now;
            k->first_answer_min = minutes;
        } else if (minutes > k->slowest_answer_min) {
            k->slowest_answer_min = minutes;
        }
    }
    k->asked_at_ms = k->overdue_at_ms = k->told_at_ms = 0;
    k->answered_at_ms = now;
    k->state = TICKET_WAITING;
}

static void ticket_answer(struct talk *t, const struct act *a, const cJSON *root)
{
    const char *text = mail_text(t, root, "text", TICKET_TEXT_CHARS), *kind = mail_text(t, root, "kind", 20), *url = mail_text(t, root, "url", 1000);
    bool direct = mail_text(t, root, "direct", 4) != NULL;
    const char *holder = held_by_another(t, a);
    int64_t silent = t->in->now_ms - t->person.last_inbound_at_ms;
    if (!text && !url)
        return;
    if (is_closed(a->ticket) && !direct) {
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
        say(t, MSG_HANDOFF_OPEN, ARGS({"support", support_name(a->name)}));
    bool picture = url && kind && strcmp(kind, "image") == 0;
    const struct reply *r = relay(t, picture || !url ? MSG_HANDOFF_ANSWER : MSG_HANDOFF_ANSWER_FILE,
                                  ARGS({"support", support_name(a->name)}, {"text", text ? text : mail_text(t, root, "label", 200)}, {"link", url}),
                                  picture ? url : NULL, &(struct carried){t->in->msg->user_id, k->id, a->contact});
    struct ticket_message *m = message_add(t, k, "out", text, a->contact);
    m->id = r->id;
    m->kind = kind;
    m->url = url;
    m->msg_id = mail_text(t, root, "msg_id", 200);
    answered(t, k);
    result(t, a, silent > PAID_AFTER_MS ? "sent_paid" : "sent", NULL);
    ticket_schedule(t, k);
}

static void ticket_close(struct talk *t, const struct act *a)
{
    const char *holder = held_by_another(t, a);
    if (holder || is_closed(a->ticket)) {
        result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    struct ticket *k = ticket_change(t, a->ticket);
    bool spoke = owned_by_a_person(t->in);
    message_add(t, k, "note", "closed", a->contact);
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
    message_add(t, k, "note", "returned", a->contact);
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
    if (holder || is_closed(a->ticket)) {
        if (!quiet)
            result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    if (!need(t, NEED_CONTACTS))
        return;
    struct ticket *k = ticket_change(t, a->ticket);
    bool spoke = owned_by_a_person(t->in);
    message_add(t, k, "note", "passed", a->contact);
    pass_by(t, k, a->contact);
    k->assignee = k->assignee_name = NULL;
    k->state = TICKET_NEW;
    k->asked_at_ms = k->asked_at_ms ? k->asked_at_ms : t->in->now_ms;
    bool found = assign(t, k);
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
    if (holder || is_closed(a->ticket)) {
        result(t, a, holder ? "held" : "closed_before", holder);
        return;
    }
    struct ticket *k = ticket_change(t, a->ticket);
    message_add(t, k, "note", "snoozed", a->contact);
    int64_t until = in_staff_hours(t, t->in->now_ms, 4 * 60);
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
    if (is_closed(a->ticket) || !a->ticket->assignee || strcmp(a->ticket->assignee, a->contact) != 0 || !need(t, NEED_CONTACTS))
        return;
    struct ticket *k = ticket_change(t, a->ticket);
    message_add(t, k, "note", "contact_unreached", a->contact);
    pass_by(t, k, a->contact);
    k->assignee = k->assignee_name = NULL;
    k->state = TICKET_NEW;
    k->asked_at_ms = k->asked_at_ms ? k->asked_at_ms : t->in->now_ms;
    if (owned_by(t->in, a->contact)) {
        t->out->owner = "bot";
        t->out->owner_until_ms = 0;
        lead(t, MSG_HANDOFF_SILENT, NO_ARGS);
        restate(t);
    }
    assign(t, k);
    ticket_schedule(t, k);
}

bool ticket_mail(struct talk *t, const char *kind, const cJSON *root)
{
    static const char *const kinds[] = {"ticket_tick", "ticket_take", "ticket_answer", "ticket_close", "ticket_return", "ticket_pass",
                                        "ticket_snooze", "ticket_lost"};
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
    default: ticket_lost(t, &a, root); break;
    }
    return true;
}

/* ---- what the worker says ---- */

static void said(struct talk *t, struct ticket *k, const char *text, enum inbound_kind kind, const char *label, const char *url)
{
    const struct inbound *msg = t->in->msg;
    struct ticket_message *m = message_add(t, k, "in", text, NULL);
    m->msg_id = msg->msg_id;
    m->kind = inbound_kind_name(kind);
    m->url = url;
    if (!k->asked_at_ms)
        k->asked_at_ms = t->in->now_ms;
    if (strcmp(k->state, TICKET_WAITING) == 0)
        k->state = TICKET_ASSIGNED;
    if (k->assignee && !str_starts(str_of(k->assignee), STR("admin:")))
        mail_post(t, k->assignee, "ticket_words", t->in->now_ms,
                  ARGS({"worker", msg->user_id}, {"ticket", id_text(t, k->id)}, {"number", id_text(t, k->number)}, {"name", t->person.full_name},
                       {"text", text}, {"kind", m->kind}, {"label", label}, {"url", url}));
    ticket_schedule(t, k);
}

void ticket_said(struct talk *t, struct ticket *k, const char *text)
{
    const struct inbound *msg = t->in->msg;
    said(t, k, text, msg->kind, media_label(t, msg), media_url(msg));
}

void ticket_said_voice(struct talk *t, struct ticket *k, const char *url)
{
    said(t, k, NULL, IN_AUDIO, message_get(MSG_LABEL_MEDIA_VOICE)->text, url);
}

void ticket_answered_by_admin(struct talk *t, struct ticket *k, const char *admin, const char *text)
{
    if (owned_by(t->in, k->assignee))
        message_add(t, k, "note", "taken_over", admin);
    struct ticket_message *m = message_add(t, k, "out", text, admin);
    m->msg_id = t->in->msg->msg_id;
    if (k->assignee && strcmp(k->assignee, admin) != 0)
        tell_contact(t, k, k->assignee, "ticket_news", "by_admin", NULL);
    k->assignee = admin;
    k->assignee_name = NULL;
    answered(t, k);
    k->contact_at_ms = t->in->now_ms;
    k->warned_at_ms = 0;
    ticket_schedule(t, k);
}

/* What a worker quotes of a contact's answer belongs to that ticket; one closed for long is a matter of the past. */
bool quoted_by_worker(struct talk *t, int64_t ticket_id, const char *text)
{
    if (!need(t, NEED_TICKET))
        return true;
    const struct ticket *found = ticket_of_id(t, ticket_id);
    if (!found || (is_closed(found) && t->in->now_ms - found->closed_at_ms > REOPEN_MS))
        return false;
    struct ticket *k = ticket_change(t, found);
    if (is_closed(k)) {
        k->state = TICKET_REOPENED;
        k->closed_at_ms = k->contact_at_ms = 0;
        k->passed = NULL;
        ticket_look(t, k, t->in->now_ms);
    }
    ticket_said(t, k, text);
    say(t, MSG_HANDOFF_NOTED, NO_ARGS);
    restate(t);
    return true;
}
