/* A ticket's life, in turns of the worker it belongs to: assigned, looked after, asked more.  What contacts do to it: ticket_acts.c. */
#include <cjson/cJSON.h>

#include "contact.h"

#include "reading/text.h"
#include "scoped.h"
#include "ticket_row.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

/* ---- mail and replies ---- */

const char *texts_json(struct talk *t, const struct message_arg *args, size_t n)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    for (size_t i = 0; i < n; i++)
        if (args[i].value)
            must(cJSON_AddStringToObject(root, args[i].name, args[i].value));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    return must(talloc_strdup(t->ctx, json));
}

void mail_post(struct talk *t, const char *to, const char *kind, int64_t not_before_ms, const struct message_arg *args, size_t n)
{
    mail_add(t, to, kind, texts_json(t, args, n), not_before_ms);
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

void file_behind(struct reply *first, const char *token)
{
    struct reply *last = first;
    while (last && last->next)
        last = last->next;
    if (last)
        last->file_token = token;
}

static const char *id_text(struct talk *t, int64_t id)
{
    return id ? fmt(t, "%lld", (long long)id) : NULL;
}

/* What every mail to a contact carries: which ticket, and whose, so that an erasure finds it. */
void ticket_tell(struct talk *t, const struct ticket *k, const char *to, const char *kind, const char *what, const char *by)
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

const struct ticket *ticket_of_id(const struct talk *t, int64_t id)
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

bool ticket_is_closed(const struct ticket *k)
{
    return strcmp(k->state, TICKET_CLOSED) == 0;
}

struct ticket_message *ticket_message_add(struct talk *t, const struct ticket *k, const char *direction, const char *text, const char *author)
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
void ticket_own(struct talk *t, struct ticket *k)
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
        ticket_message_add(t, k, "note", "left", NULL); /* what a contact has said and is not sent yet is not sent any more: outbox.sql */
    if (str_starts(str_of(owner), STR("user:")))
        ticket_tell(t, k, must(talloc_strdup(t->ctx, owner + 5)), "ticket_news", why, NULL);
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

int64_t ticket_hours_later(const struct talk *t, int64_t from_ms, int minutes)
{
    return hours_later(t->in->support.hours, t->in->support.holidays, from_ms, (int64_t)minutes * MINUTE_MS);
}

static int64_t warn_at(const struct talk *t, const struct ticket *k)
{
    return k->contact_at_ms + silence_ms(t) * 2 / 3;
}

static int64_t next_due(const struct talk *t, const struct ticket *k)
{
    if (ticket_is_closed(k))
        return 0;
    if (strcmp(k->state, TICKET_SNOOZED) == 0)
        return k->snoozed_until_ms;
    int64_t due = 0;
    if (k->asked_at_ms && !k->assignee && !k->told_at_ms)
        due = ticket_hours_later(t, k->asked_at_ms, t->in->support.wait_minutes);
    if (k->asked_at_ms && k->assignee && !k->overdue_at_ms)
        due = earlier(due, ticket_hours_later(t, k->asked_at_ms, t->in->support.answer_minutes));
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

void ticket_pass_by(struct talk *t, struct ticket *k, const char *user_id)
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
bool ticket_assign(struct talk *t, struct ticket *k)
{
    const struct contact *c = best_contact(t, k);
    if (!c)
        return false;
    k->assignee = c->user_id;
    k->assignee_name = c->name;
    k->contact_at_ms = 0;
    if (strcmp(k->state, TICKET_REOPENED) != 0)
        k->state = TICKET_ASSIGNED;
    ticket_tell(t, k, c->user_id, "ticket_card", NULL, NULL);
    return true;
}

static void tell_chiefs(struct talk *t, const struct ticket *k, const char *what)
{
    for (const struct contact *c = t->in->chiefs; c; c = c->next)
        mail_post(t, c->user_id, "ticket_news", t->in->now_ms,
                  ARGS({"worker", t->in->msg->user_id}, {"ticket", id_text(t, k->id)}, {"number", id_text(t, k->number)}, {"what", what},
                       {"unit", t->person.unit_name ? t->person.unit_name : message_get(MSG_LABEL_UNIT_UNKNOWN)->text}, {"by", k->assignee_name},
                       {"minutes", fmt(t, "%lld", (long long)(hours_between(t->in->support.hours, t->in->support.holidays, k->asked_at_ms,
                                                                             t->in->now_ms) / MINUTE_MS))}));
}

/* The contact has been silent: warned first, then the conversation goes back and the question to somebody else. */
static void silence(struct talk *t, struct ticket *k)
{
    int64_t now = t->in->now_ms;
    if (!k->warned_at_ms && now >= warn_at(t, k)) {
        k->warned_at_ms = now;
        ticket_tell(t, k, k->assignee, "ticket_news", "silent", NULL);
    } else if (k->warned_at_ms && now >= k->contact_at_ms + silence_ms(t)) {
        ticket_message_add(t, k, "note", "silent", k->assignee);
        ticket_hand_back(t, k, "taken_away");
        if (k->asked_at_ms) {
            ticket_pass_by(t, k, k->assignee);
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
    ticket_tell(t, k, k->assignee, "ticket_news", "overdue", NULL);
    tell_chiefs(t, k, "chief_overdue");
    if (!on_duty(t, k->assignee) && !has_owner(t, k)) { /* gone home, or no contact any more: whoever is there */
        ticket_pass_by(t, k, k->assignee);
        k->assignee = k->assignee_name = NULL;
        k->state = TICKET_NEW;
        ticket_assign(t, k);
    }
}

/* Everything that is due, looked at from the row alone: a tick that comes twice or too late does no harm. */
void ticket_tick(struct talk *t, const struct ticket *found)
{
    int64_t now = t->in->now_ms;
    t->out->need_id = found->unit_id;
    if (ticket_is_closed(found) || !need(t, NEED_CONTACTS | NEED_CHIEFS))
        return;
    struct ticket *k = ticket_change(t, found);
    if (k->tick_at_ms <= now)
        k->tick_at_ms = 0;
    if (strcmp(k->state, TICKET_SNOOZED) == 0 && now >= k->snoozed_until_ms) {
        k->state = k->assignee ? TICKET_ASSIGNED : TICKET_NEW;
        k->asked_at_ms = now;
        k->snoozed_until_ms = 0;
        if (on_duty(t, k->assignee))
            ticket_tell(t, k, k->assignee, "ticket_card", NULL, NULL);
        else
            k->assignee = k->assignee_name = NULL;
    }
    if (strcmp(k->state, TICKET_REOPENED) == 0 && k->assignee && !k->contact_at_ms && !on_duty(t, k->assignee))
        k->assignee = k->assignee_name = NULL;
    if (strcmp(k->state, TICKET_WAITING) == 0 && now >= k->answered_at_ms + REOPEN_MS) {
        k->state = TICKET_CLOSED;
        k->closed_at_ms = now;
    } else if (k->asked_at_ms && !k->assignee && strcmp(k->state, TICKET_SNOOZED) != 0 && !ticket_assign(t, k)) {
        if (!k->told_at_ms && now >= ticket_hours_later(t, k->asked_at_ms, t->in->support.wait_minutes)) {
            k->told_at_ms = now;
            tell_chiefs(t, k, "chief_waiting");
        }
    }
    if (k->asked_at_ms && k->assignee && !k->overdue_at_ms && now >= ticket_hours_later(t, k->asked_at_ms, t->in->support.answer_minutes))
        overdue(t, k);
    if (owned_by(t->in, k->assignee))
        silence(t, k);
    ticket_schedule(t, k);
}

/* ---- what the worker says, and what is answered ---- */

void ticket_answered(struct talk *t, struct ticket *k)
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

/* What the worker has sent, on its way to who has the ticket. */
struct words {
    const char *text, *kind, *label, *url;
    const char *token; /* a document Zalo has: it goes as a file */
};

static void words_go(struct talk *t, const struct ticket *k, const struct words *w)
{
    if (k->assignee && !str_starts(str_of(k->assignee), STR("admin:")))
        mail_post(t, k->assignee, "ticket_words", t->in->now_ms,
                  ARGS({"worker", t->in->msg->user_id}, {"ticket", id_text(t, k->id)}, {"number", id_text(t, k->number)},
                       {"name", t->person.full_name}, {"text", w->text}, {"kind", w->kind}, {"label", w->label}, {"url", w->url},
                       {"token", w->token}));
}

static bool is_worker_file(const cJSON *root)
{
    const char *job = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "job"));
    return job && strcmp(job, "worker_file") == 0;
}

bool is_ticket_job(const struct inbound *msg)
{
    if (msg->kind != IN_MAIL || !msg->mail_kind || strcmp(msg->mail_kind, "job_done") != 0 || !msg->mail_payload)
        return false;
    SCOPED(json) cJSON *root = cJSON_Parse(msg->mail_payload);
    return is_worker_file(root);
}

/* Whoever has the ticket by now; when nobody has, the next one's card names it. */
void worker_file_told(struct talk *t, const cJSON *root)
{
    if (!need(t, NEED_TICKET))
        return;
    const cJSON *result = job_outcome(root);
    const struct ticket *k = ticket_of_id(t, mail_id(result, "ticket"));
    if (k)
        words_go(t, k, &(struct words){.text = mail_text(t, result, "text", TICKET_TEXT_CHARS), .kind = "file",
                                       .label = mail_text(t, result, "label", 200), .url = mail_text(t, result, "url", 1000),
                                       .token = mail_text(t, result, "token", FILE_TOKEN_CHARS)});
}

static void said(struct talk *t, struct ticket *k, const char *text, enum inbound_kind kind, const char *label, const char *url)
{
    const struct inbound *msg = t->in->msg;
    struct ticket_message *m = ticket_message_add(t, k, "in", text, NULL);
    m->msg_id = msg->msg_id;
    m->kind = inbound_kind_name(kind);
    m->url = url;
    if (!k->asked_at_ms)
        k->asked_at_ms = t->in->now_ms;
    if (strcmp(k->state, TICKET_WAITING) == 0)
        k->state = k->assignee ? TICKET_ASSIGNED : TICKET_NEW;
    if (!k->assignee)
        ticket_look(t, k, t->in->now_ms);
    const char *document = kind == IN_FILE ? media_document(t, msg) : NULL;
    if (document && k->assignee)
        job_wish_add(t, "worker_file",
                     texts_json(t, ARGS({"ticket", id_text(t, k->id)}, {"text", text}, {"label", label}, {"url", url}, {"name", document})));
    else
        words_go(t, k, &(struct words){text, m->kind, label, url, NULL});
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
        ticket_message_add(t, k, "note", "taken_over", admin);
    struct ticket_message *m = ticket_message_add(t, k, "out", text, admin);
    m->msg_id = t->in->msg->msg_id;
    if (k->assignee && strcmp(k->assignee, admin) != 0)
        ticket_tell(t, k, k->assignee, "ticket_news", "by_admin", NULL);
    k->assignee = admin;
    k->assignee_name = NULL;
    ticket_answered(t, k);
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
    if (!found || (ticket_is_closed(found) && t->in->now_ms - found->closed_at_ms > REOPEN_MS))
        return false;
    struct ticket *k = ticket_change(t, found);
    if (ticket_is_closed(k)) {
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
