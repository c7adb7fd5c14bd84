/* What a supporter is told: a question has come, what the worker says, what became of what he did. */
#include <cjson/cJSON.h>

#include "contact.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)

enum { RECENT_CHARS = 160, DRAFT_CHARS = 900, BURST_MS = 10 * 1000 };

static const char *number_text(struct talk *t, int64_t number)
{
    return fmt(t, "%lld", (long long)number);
}

/* ---- the card ---- */

/* "tin thoại" for a message without text. */
static const char *kind_label(const char *kind)
{
    static const struct {
        const char *kind;
        enum msg label;
    } labels[] = {{"image", MSG_LABEL_MEDIA_IMAGE}, {"gif", MSG_LABEL_MEDIA_IMAGE}, {"audio", MSG_LABEL_MEDIA_VOICE}, {"video", MSG_LABEL_MEDIA_VIDEO},
                  {"file", MSG_LABEL_MEDIA_A_FILE}, {"sticker", MSG_LABEL_MEDIA_STICKER}, {"link", MSG_LABEL_MEDIA_LINK}};
    for (size_t i = 0; kind && i < ARRAY_LEN(labels); i++)
        if (strcmp(kind, labels[i].kind) == 0)
            return message_get(labels[i].label)->text;
    return "";
}

static const char *recent_lines(struct talk *t, const struct ticket_case *c)
{
    SCOPED(json) cJSON *list = c->recent ? cJSON_Parse(c->recent) : NULL;
    const cJSON *item;
    const char *lines = NULL;
    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "text"));
        const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "kind"));
        bool in = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "in"));
        const char *what = text && *text ? must(text_short(t->ctx, str_of(text), RECENT_CHARS)) : kind_label(kind);
        const char *line = words(t, in ? MSG_STAFF_TICKET_SAID : MSG_STAFF_TICKET_ANSWERED, ARGS({"text", what}));
        lines = lines ? fmt(t, "%s\n%s", lines, line) : line;
    }
    if (!lines && c->ticket.question && *c->ticket.question)
        lines = words(t, MSG_STAFF_TICKET_SAID, ARGS({"text", must(text_short(t->ctx, str_of(c->ticket.question), RECENT_CHARS))}));
    return lines ? lines : message_get(MSG_STAFF_TICKET_NOTHING_SAID)->text;
}

static const struct draft *draft_of(struct talk *t, const struct ticket_case *c)
{
    const struct dialog *d = must(dialog_read(t->ctx, c->dialog));
    return &d->draft;
}

/* What its draft still lacks, or that there is none. */
static const char *draft_state(struct talk *t, const struct ticket_case *c)
{
    const struct draft *draft = draft_of(t, c);
    if (!draft->id)
        return message_get(MSG_STAFF_TICKET_NO_DRAFT)->text;
    const char *title = draft->title ? must(text_short(t->ctx, str_of(draft->title), 80)) : message_get(MSG_UNTITLED)->text;
    enum msg far = !draft->description   ? MSG_STAFF_DRAFT_LACKS_DESCRIPTION
                   : !draft->benefit.kind ? MSG_STAFF_DRAFT_LACKS_BENEFIT
                                          : MSG_STAFF_DRAFT_WHOLE;
    return words(t, MSG_STAFF_TICKET_DRAFT_STATE, ARGS({"title", title}, {"con_thieu", message_get(far)->text}));
}

static struct carried carried_by(const struct talk *t, const struct ticket_case *c)
{
    return (struct carried){c->ticket.user_id, c->ticket.id, t->in->msg->user_id};
}

/* Zalo charges for messages to somebody who has been silent for two days. */
static const char *paid_note(const struct talk *t)
{
    bool paid = t->in->now_ms - t->person.last_inbound_at_ms > PAID_AFTER_MS;
    return paid ? message_get(MSG_STAFF_PAID)->text : NULL;
}

void show_card(struct talk *t, const struct ticket_case *c)
{
    int64_t since = c->ticket.asked_at_ms ? c->ticket.asked_at_ms : c->ticket.opened_at_ms;
    struct carried carried = carried_by(t, c);
    enum msg topic = message_named(str_of(fmt(t, "ticket_topic_%s", c->ticket.topic ? c->ticket.topic : "human")));
    relay(t, MSG_STAFF_TICKET_CARD,
          ARGS({"viec", topic ? message_get(topic)->text : NULL}, {"so", number_text(t, c->ticket.number)}, {"name", asker_name(c)},
               {"unit", c->unit_name ? c->unit_name : message_get(MSG_LABEL_UNIT_UNKNOWN)->text}, {"tin", recent_lines(t, c)}, {"nhap", draft_state(t, c)},
               {"minutes", number_text(t, (t->in->now_ms - since) / MINUTE_MS)}, {"phi", paid_note(t)}),
          NULL, &carried);
}

void show_draft(struct talk *t, const struct ticket_case *c)
{
    const struct draft *draft = draft_of(t, c);
    const char *text = draft->description ? draft->description : draft->partial;
    struct carried carried = carried_by(t, c);
    if (!draft->id) {
        say(t, MSG_STAFF_TICKET_NO_DRAFT, NO_ARGS);
        return;
    }
    relay(t, MSG_STAFF_TICKET_DRAFT,
          ARGS({"so", number_text(t, c->ticket.number)}, {"name", asker_name(c)},
               {"title", draft->title ? draft->title : message_get(MSG_UNTITLED)->text},
               {"text", text ? must(text_short(t->ctx, str_of(text), DRAFT_CHARS)) : message_get(MSG_LABEL_NONE)->text},
               {"benefit_line", benefit_line(t, &draft->benefit)}, {"n", fmt(t, "%d", draft->evidence)}),
          NULL, &carried);
}

/* ---- mail ---- */

struct told {
    int64_t number;
    const char *worker, *name, *what, *by;
    int64_t ticket;
};

/* The ticket is not (any more) for this person: to whoever else it is. */
static void pass_it_on(struct talk *t, const struct told *m)
{
    if (m->worker && m->ticket)
        mail_post(t, m->worker, "ticket_pass", t->in->now_ms,
                  ARGS({"ticket", number_text(t, m->ticket)}, {"contact", t->in->msg->user_id}, {"quiet", "yes"}));
}

static void card_came(struct talk *t, const struct told *m)
{
    t->out->need_id = m->number;
    if (!need(t, NEED_CASE))
        return;
    const struct ticket_case *c = t->in->ticket_case;
    if (!c)
        pass_it_on(t, m);
    else if (strcmp(c->ticket.state, TICKET_CLOSED) != 0) {
        show_card(t, c);
        canned_offer(t, c);
    }
}

static void words_came(struct talk *t, const struct told *m, const cJSON *root)
{
    t->out->need_id = m->number;
    if (!need(t, NEED_CASE))
        return;
    const struct ticket_case *c = t->in->ticket_case;
    if (!c) {
        pass_it_on(t, m);
        return;
    }
    const char *text = mail_text(t, root, "text", TICKET_TEXT_CHARS), *kind = mail_text(t, root, "kind", 20);
    const char *url = mail_text(t, root, "url", 1000), *label = mail_text(t, root, "label", 200);
    bool picture = url && kind && strcmp(kind, "image") == 0;
    bool here = t->state == ST_ANSWERING && t->d->answer_number == m->number;
    t->d->acked_ms = 0;
    const char *token = mail_text(t, root, "token", FILE_TOKEN_CHARS);
    enum msg id = picture ? MSG_STAFF_TICKET_WORDS_PICTURE : url && !token ? MSG_STAFF_TICKET_WORDS_FILE : here ? MSG_STAFF_TICKET_WORDS_HERE : MSG_STAFF_TICKET_WORDS;
    struct carried carried = carried_by(t, c);
    struct reply *said = relay(t, id, ARGS({"so", number_text(t, m->number)}, {"name", asker_name(c)}, {"text", text ? text : label}, {"link", url}),
                               picture ? url : NULL, &carried);
    file_behind(said, token);
}

/* Which text says it, whether it ends the answering of that ticket, is one of many in a row, is for who does not answer himself. */
static const struct {
    const char *what;
    enum msg text;
    bool ends, ack, chief;
} results[] = {
    {"held", MSG_STAFF_TICKET_HELD, true, false, false},
    {"given_back", MSG_STAFF_TICKET_GIVEN_BACK, true, false, false},
    {"closed_before", MSG_STAFF_TICKET_CLOSED_BEFORE, true, false, false},
    {"closed", MSG_STAFF_TICKET_CLOSED_NOW, true, false, false},
    {"returned", MSG_STAFF_TICKET_RETURNED, true, false, false},
    {"passed", MSG_STAFF_TICKET_PASSED, true, false, false},
    {"passed_to_nobody", MSG_STAFF_TICKET_PASSED_TO_NOBODY, true, false, false},
    {"snoozed", MSG_STAFF_TICKET_SNOOZED_NOW, true, false, false},
    {"unreachable", MSG_STAFF_TICKET_UNREACHABLE, false, false, false},
    {"failed", MSG_STAFF_TICKET_FAILED, false, false, false},
    {"overtaken", MSG_STAFF_TICKET_OVERTAKEN, false, false, false},
    {"sent", MSG_STAFF_TICKET_SENT, false, true, false},
    {"sent_paid", MSG_STAFF_TICKET_SENT_PAID, false, true, false},
    /* what happened to a ticket of his */
    {"left", MSG_STAFF_TICKET_LEFT, true, false, false},
    {"taken_over", MSG_STAFF_TICKET_TAKEN_OVER, true, false, false},
    {"taken_away", MSG_STAFF_TICKET_TAKEN_AWAY, true, false, false},
    {"by_admin", MSG_STAFF_TICKET_BY_ADMIN, true, false, false},
    {"silent", MSG_STAFF_TICKET_SILENT, false, false, false},
    {"overdue", MSG_STAFF_TICKET_OVERDUE, false, false, false},
    {"chief_waiting", MSG_STAFF_CHIEF_WAITING, false, false, true},
    {"role_ended", MSG_STAFF_TICKET_ROLE_ENDED, true, false, false},
    {"chief_gone", MSG_STAFF_CHIEF_GONE, false, false, true},
    {"chief_overdue", MSG_STAFF_CHIEF_OVERDUE, false, false, true},
};

static bool his_own_doing(const char *what)
{
    static const char *const done[] = {"closed", "returned", "passed", "passed_to_nobody", "snoozed"};
    for (size_t i = 0; i < ARRAY_LEN(done); i++)
        if (strcmp(what, done[i]) == 0)
            return true;
    return false;
}

static void taken(struct talk *t, const struct told *m)
{
    bool here = t->state == ST_ANSWERING && t->d->answer_number == m->number;
    if (t->d->answer_number != m->number)
        return; /* he pressed "Xong" meanwhile: the conversation is his, the next button will say so */
    t->d->answer_open = true;
    if (here)
        ask_state(t);
}

static void result_came(struct talk *t, const struct told *m, const cJSON *root)
{
    if (!m->what)
        return;
    if (strcmp(m->what, "taken") == 0) {
        taken(t, m);
        return;
    }
    size_t i = 0;
    while (i < ARRAY_LEN(results) && strcmp(results[i].what, m->what) != 0)
        i++;
    if (i == ARRAY_LEN(results))
        return;
    bool here = t->state == ST_ANSWERING && t->d->answer_number == m->number;
    if (results[i].ack && here && t->in->now_ms - t->d->acked_ms < BURST_MS)
        return; /* said for the first of several in a row */
    if (results[i].ack)
        t->d->acked_ms = t->in->now_ms;
    const struct reply *said = say_exactly(t, results[i].text,
         ARGS({"so", number_text(t, m->number)}, {"name", m->name ? m->name : message_get(MSG_LABEL_WORKER)->text}, {"support", m->by},
              {"why", m->by}, {"unit", mail_text(t, root, "unit", 200)}, {"minutes", mail_text(t, root, "minutes", 10)},
              {"n", mail_text(t, root, "n", 10)}));
    if (m->worker && m->ticket && !results[i].chief)
        belongs_to(t, said, &(struct carried){m->worker, m->ticket, NULL});
    if (his_own_doing(m->what) && t->d->ended.id == m->number)
        t->d->ended = (struct choice){0};
    if (results[i].ends && t->d->answer_number == m->number) {
        t->d->ended = his_own_doing(m->what) ? (struct choice){0} : (struct choice){m->number, t->d->answer_name};
        t->d->ended_ms = t->in->now_ms;
        answering_end(t); /* also while he is asked something: he does not go back to it */
        if (here)
            go(t, ST_RETURN);
    }
}

bool contact_mail(struct talk *t, const char *kind, const cJSON *root)
{
    bool card = strcmp(kind, "ticket_card") == 0, said = strcmp(kind, "ticket_words") == 0;
    bool became = strcmp(kind, "ticket_result") == 0 || strcmp(kind, "ticket_news") == 0;
    if (!card && !said && !became)
        return false;
    struct told m = {.number = mail_id(root, "number"), .worker = mail_text(t, root, "worker", INBOUND_ID_MAX), .name = mail_text(t, root, "name", NAME_CHARS_MAX),
                     .what = mail_text(t, root, "what", 40), .by = mail_text(t, root, "by", NAME_CHARS_MAX), .ticket = mail_id(root, "ticket")};
    if (card)
        card_came(t, &m);
    else if (said)
        words_came(t, &m, root);
    else
        result_came(t, &m, root);
    return true;
}
