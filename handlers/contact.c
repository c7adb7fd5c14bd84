/* A supporter at work: on duty or not, answering somebody until "Xong", a ticket taken, passed on, put off, closed.
 *
 * Everything here is a wish: it goes as mail to the worker whose ticket it is, and what became of it comes back (ticket.h). */
#include <cjson/cJSON.h>

#include "contact.h"

#include "reading/text.h"
#include "staff.h"

/* ---- which ticket ---- */

const struct ticket_case *case_of(struct talk *t, int64_t number)
{
    t->out->need_id = number;
    if (!need(t, NEED_CASE))
        return NULL;
    if (!t->in->ticket_case) { /* none of that number, or not in the person's units: one answer for both */
        say(t, MSG_STAFF_TICKET_NOT_FOUND, NO_ARGS);
        restate(t);
    }
    return t->in->ticket_case;
}

const struct ticket_case *case_addressed(struct talk *t, int64_t number)
{
    const char *rest = t->typed_rest ? t->typed_rest : "";
    size_t n = *rest == '#' ? strspn(rest + 1, "0123456789") : 0;
    if (!number && n && (!rest[1 + n] || rest[1 + n] == ' ' || rest[1 + n] == '\n')) {
        number = id_parse(must(talloc_strndup(t->ctx, rest + 1, n)));
        const char *tail = rest + 1 + n + strspn(rest + 1 + n, " \n");
        t->typed_rest = *tail ? tail : NULL;
    } else if (!number && t->state == ST_ANSWERING) {
        number = t->d->answer_number;
    }
    if (number)
        return case_of(t, number);
    say(t, MSG_STAFF_WHOM_FIRST, NO_ARGS);
    restate(t);
    return NULL;
}

const char *asker_name(const struct ticket_case *c)
{
    return c->name ? c->name : message_get(MSG_LABEL_WORKER)->text;
}

static const char *id_text(struct talk *t, int64_t id)
{
    return fmt(t, "%lld", (long long)id);
}

/* A wish about a ticket, with who has it. */
static void wish(struct talk *t, const struct ticket_case *c, const char *kind, const struct message_arg *more, size_t n)
{
    struct message_arg args[12] = {{"ticket", id_text(t, c->ticket.id)}, {"contact", t->in->msg->user_id}, {"contact_name", t->person.full_name}};
    for (size_t i = 0; i < n; i++)
        args[3 + i] = more[i];
    mail_post(t, c->ticket.user_id, kind, t->in->now_ms, args, 3 + n);
}

/* ---- answering ---- */

static void answering_begin(struct talk *t, const struct ticket_case *c)
{
    struct dialog *d = t->d;
    d->answer_number = c->ticket.number;
    d->answer_ticket = c->ticket.id;
    d->answer_worker = c->ticket.user_id;
    d->answer_name = asker_name(c);
    d->answer_open = false;
    go(t, ST_ANSWERING);
}

void answering_end(struct talk *t)
{
    struct dialog *d = t->d;
    d->answer_number = d->answer_ticket = 0;
    d->answer_worker = d->answer_name = NULL;
    d->answer_open = false;
}

/* Until the conversation is his the supporter is told nothing: a moment, and what he writes meanwhile is in order behind it. */
void ask_answering(struct talk *t)
{
    if (t->d->answer_open)
        ask(t, MSG_STAFF_ANSWERING, ARGS({"so", id_text(t, t->d->answer_number)}, {"name", t->d->answer_name}));
}

enum state answering_goes_on(struct talk *t)
{
    if (!t->d->answer_number)
        return ST_RETURN;
    go(t, ST_ANSWERING);
    ask_answering(t);
    return ST_STAY;
}

struct spoken spoken_now(struct talk *t, const char *text)
{
    const struct inbound *msg = t->in->msg;
    return (struct spoken){.text = text, .kind = inbound_kind_name(msg->kind), .url = media_url(msg), .label = media_label(t, msg),
                           .document = media_document(t, msg)};
}

void contact_file_told(struct talk *t, const cJSON *result)
{
    const struct ticket_case *c = case_of(t, mail_id(result, "number"));
    if (!c)
        return;
    wish(t, c, "ticket_answer",
         ARGS({"text", mail_text(t, result, "text", TICKET_TEXT_CHARS)}, {"kind", "file"}, {"url", mail_text(t, result, "url", 1000)},
              {"label", mail_text(t, result, "label", 200)}, {"msg_id", mail_text(t, result, "msg_id", 200)},
              {"direct", mail_text(t, result, "direct", 4)}, {"token", mail_text(t, result, "token", FILE_TOKEN_CHARS)}));
}

void pass_on(struct talk *t, const struct ticket_case *c, const struct spoken *said, const char *msg_id, bool direct)
{
    const char *text = said->text || said->url ? said->text : said->label;
    t->d->last_answer = text;
    t->d->last_answer_number = c->ticket.number;
    if (said->document) {
        job_wish_add(t, "contact_file",
                     texts_json(t, ARGS({"number", id_text(t, c->ticket.number)}, {"text", text}, {"url", said->url}, {"name", said->document},
                                        {"label", said->label}, {"msg_id", msg_id}, {"direct", direct ? "yes" : NULL})));
        return;
    }
    wish(t, c, "ticket_answer",
         ARGS({"text", text}, {"kind", said->kind}, {"url", said->url}, {"label", said->label}, {"msg_id", msg_id}, {"direct", direct ? "yes" : NULL}));
}

void answer_case(struct talk *t, const struct ticket_case *c, const char *text, bool direct)
{
    const struct spoken said = spoken_now(t, text);
    pass_on(t, c, &said, t->in->msg->msg_id, direct);
}

enum answer read_answering(struct talk *t, const char *text)
{
    const struct ticket_case *c = case_of(t, t->d->answer_number);
    if (c)
        answer_case(t, c, text, false);
    else if (!t->out->needs)
        answering_end(t); /* the role is gone, or the person was erased */
    return c || t->out->needs ? ANS_HANDLED : ANS_DONE;
}

void answering_media(struct talk *t)
{
    const struct ticket_case *c = case_of(t, t->d->answer_number);
    const char *text = t->in->msg->text;
    if (!c)
        return;
    if (media_url(t->in->msg) || media_label(t, t->in->msg))
        answer_case(t, c, text && *text ? text : NULL, false);
}

enum state answering_done(struct talk *t)
{
    if (t->d->answer_number)
        say(t, MSG_STAFF_ANSWERING_DONE, ARGS({"so", id_text(t, t->d->answer_number)}, {"name", t->d->answer_name}));
    answering_end(t);
    return ST_NONE;
}

static void reply_to(struct talk *t, int64_t number, bool force)
{
    const struct ticket_case *c = case_of(t, number);
    if (!c)
        return;
    audit_more(t, c->ticket.user_id, NULL);
    wish(t, c, "ticket_take", ARGS({"force", force ? "yes" : NULL}));
    answering_begin(t, c);
}

void cmd_ticket_reply(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    reply_to(t, arg, false);
}

void cmd_ticket_force(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    reply_to(t, arg, true);
}

/* ---- one act on one ticket ---- */

static void act_on(struct talk *t, int64_t number, const char *kind)
{
    const struct ticket_case *c = case_of(t, number);
    if (!c)
        return;
    audit_more(t, c->ticket.user_id, NULL);
    wish(t, c, kind, NO_ARGS);
}

void cmd_ticket_pass(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    act_on(t, arg, "ticket_pass");
}

void cmd_ticket_close(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    act_on(t, arg, "ticket_close");
}

void cmd_ticket_return(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    act_on(t, arg, "ticket_return");
}

void cmd_ticket_later(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    act_on(t, arg, "ticket_snooze");
}

void cmd_ticket_draft(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    const struct ticket_case *c = case_of(t, arg);
    if (!c)
        return;
    audit_more(t, c->ticket.user_id, NULL);
    show_draft(t, c);
}

/* "#12 text": for that worker, whatever else goes on.  "#12" alone shows the ticket. */
void cmd_ticket_say(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    const struct ticket_case *c = case_of(t, arg);
    if (!c)
        return;
    audit_more(t, c->ticket.user_id, NULL);
    if (!t->typed_rest && t->state == ST_WHOM)
        unsent_goes_to(t, c);
    else if (!t->typed_rest)
        show_card(t, c);
    else if (same_words(t, t->typed_rest, message_get(MSG_LABEL_LATER)->text))
        wish(t, c, "ticket_snooze", NO_ARGS);
    else
        answer_case(t, c, t->typed_rest, true);
}

bool quoted_turn(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    const char *text = msg->text && *msg->text ? msg->text : NULL;
    if (!msg->quote_msg_id || (!consented(t) && !t->d->staff) || (text && is_payload(text)))
        return false;
    t->out->need_text = msg->quote_msg_id;
    if (!need(t, NEED_QUOTED))
        return true;
    const struct ticket *quoted = t->in->quoted;
    if (!quoted) /* whom he means is not known: while he answers somebody it would go there */
        return t->state == ST_ANSWERING && unaddressed_turn(t, text);
    if (strcmp(quoted->user_id, msg->user_id) == 0)
        return quoted_by_worker(t, quoted->id, text);
    const struct ticket_case *c = case_of(t, quoted->number);
    if (c) {
        audit_add(t, "ticket_quote", c->ticket.user_id, NULL);
        answer_case(t, c, text, true);
    }
    return true;
}

/* ---- duty ---- */

bool case_is_mine(const struct talk *t, const struct ticket_case *c)
{
    return c->ticket.assignee && strcmp(c->ticket.assignee, t->in->msg->user_id) == 0;
}


void contact_leaves(struct talk *t)
{
    if (!has_role(t, ROLE_SUPPORT))
        return;
    t->out->need_id = 0;
    if (!need(t, NEED_QUEUE | NEED_CHIEFS))
        return;
    int left = 0;
    for (const struct ticket_case *c = t->in->queue; c; c = c->next)
        if (case_is_mine(t, c)) {
            wish(t, c, "ticket_gone", NO_ARGS);
            left++;
        }
    t->out->duty = DUTY_OFF;
    answering_end(t);
    for (const struct contact *c = left ? t->in->chiefs : NULL; c; c = c->next)
        mail_post(t, c->user_id, "ticket_news", t->in->now_ms,
                  ARGS({"what", "chief_gone"}, {"by", t->out->erase ? NULL : t->person.full_name}, {"n", fmt(t, "%d", left)}));
}

static const char *queue_lines(struct talk *t, bool mine)
{
    const char *list = NULL;
    for (const struct ticket_case *c = t->in->queue; c; c = c->next) {
        if (case_is_mine(t, c) != mine)
            continue;
        const char *question = c->ticket.question ? must(text_short(t->ctx, str_of(c->ticket.question), 60)) : NULL;
        const char *line = words(t, MSG_STAFF_TICKET_LINE,
                                 ARGS({"so", id_text(t, c->ticket.number)}, {"name", asker_name(c)}, {"text", question},
                                      {"trang_thai", message_get(message_named(str_of(fmt(t, "ticket_state_%s", c->ticket.state))))->text}));
        list = list ? fmt(t, "%s\n%s", list, line) : line;
    }
    return list;
}

void cmd_ticket_list(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!need(t, NEED_QUEUE))
        return;
    const char *mine = queue_lines(t, true), *waiting = queue_lines(t, false);
    say(t, MSG_STAFF_TICKETS, ARGS({"danh_sach", mine ? mine : message_get(MSG_LABEL_NONE)->text},
                                  {"cho", waiting ? waiting : message_get(MSG_LABEL_NONE)->text}));
}

/* What waits for somebody is offered at once: each worker's own turn chooses, so two who come on duty together share it out. */
void cmd_duty_on(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!need(t, NEED_QUEUE))
        return;
    int waiting = 0;
    for (const struct ticket_case *c = t->in->queue; c; c = c->next)
        if (!c->ticket.assignee) {
            mail_post(t, c->ticket.user_id, "ticket_tick", t->in->now_ms, ARGS({"ticket", id_text(t, c->ticket.id)}));
            waiting++;
        }
    t->out->duty = DUTY_ON;
    say(t, MSG_STAFF_DUTY_ON, ARGS({"n", id_text(t, waiting)}));
}

/* What has not been answered goes to the next; conversations under way stay until they are closed or fall silent. */
void cmd_duty_off(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!need(t, NEED_QUEUE))
        return;
    const char *me = fmt(t, "user:%s", t->in->msg->user_id);
    int passed = 0, kept = 0;
    for (const struct ticket_case *c = t->in->queue; c; c = c->next) {
        if (!case_is_mine(t, c))
            continue;
        bool talking = c->owner && strcmp(c->owner, me) == 0 && c->owner_until_ms > t->in->now_ms;
        if (talking || !c->ticket.asked_at_ms) {
            kept++;
        } else {
            wish(t, c, "ticket_pass", ARGS({"quiet", "yes"}));
            passed++;
        }
    }
    t->out->duty = DUTY_OFF;
    say(t, MSG_STAFF_DUTY_OFF, ARGS({"chuyen", passed ? words(t, MSG_LABEL_DUTY_PASSED, ARGS({"n", fmt(t, "%d", passed)})) : NULL},
                                   {"giu", kept ? words(t, MSG_LABEL_DUTY_KEPT, ARGS({"n", fmt(t, "%d", kept)})) : NULL}));
}
