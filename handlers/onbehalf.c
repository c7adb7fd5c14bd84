/* Entering for somebody: a supporter writes a draft for a worker, who makes it his own by sending it, or has it deleted.
 *
 *   support: cmd_ticket_enter -> the questions of the registration -> on_behalf_sent ──mail "ticket_draft"──▶ worker: draft_entered
 *            a picture meanwhile ──mail "ticket_evidence"──▶ worker: evidence_entered
 *   worker:  cmd_review_own -> the summary -> submit, or cmd_deny ──mail "draft_answered"──▶ support: draft_answered
 *
 * Until the worker has sent it nothing counts: it is one of his drafts. */
#include <cjson/cJSON.h>

#include "contact.h"
#include "reading/text.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { TITLE_SHORT = 80 };

/* ---- the supporter ---- */

void cmd_ticket_enter(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    struct dialog *d = t->d;
    const struct ticket_case *c = case_addressed(t, arg);
    if (!c)
        return;
    if (!consented(t)) { /* the questions of the registration are for people who have agreed to it */
        say(t, MSG_STAFF_CONSENT_FIRST, NO_ARGS);
        restate(t);
        return;
    }
    leave_edit(t);
    const char *user_id = c->ticket.user_id, *name = asker_name(c);
    bool same = d->draft.for_user && strcmp(d->draft.for_user, user_id) == 0;
    if (!same && d->draft.id && (d->draft.title || d->draft.partial || d->draft.for_user) && !park_active(t))
        return;
    audit_more(t, user_id, NULL);
    if (!same)
        d->draft = (struct draft){.id = t->in->new_id(t->in->new_id_ctx), .started_at_ms = t->in->now_ms, .for_user = user_id,
                                  .for_name = name, .for_ticket = c->ticket.id};
    lead(t, MSG_STAFF_ENTER, ARGS({"name", name}));
    go(t, ST_ONWARD);
}

static const char *payload_of(struct talk *t, const struct draft *draft)
{
    struct draft his = *draft;
    his.for_user = his.for_name = his.step = NULL;
    his.for_ticket = 0;
    his.entered_by = t->in->msg->user_id;
    his.entered_by_name = t->person.full_name;
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "draft", must(draft_print(t->ctx, &his))));
    must(cJSON_AddStringToObject(root, "by", t->in->msg->user_id));
    must(cJSON_AddStringToObject(root, "ticket", fmt(t, "%lld", (long long)draft->for_ticket)));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    return must(talloc_strdup(t->ctx, json));
}

static void drop_draft(struct talk *t, int64_t id)
{
    struct parked_draft *p = must(talloc_zero(t->ctx, struct parked_draft));
    *p = (struct parked_draft){.user_id = t->in->msg->user_id, .id = id};
    t->out->dropped = p;
}

static const char *draft_text(struct talk *t, const struct draft *draft)
{
    return fmt(t, "%lld", (long long)draft->id);
}

/* At once, not with the draft: Zalo's addresses expire. */
int evidence_enter(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    struct draft *draft = &t->d->draft;
    int n = 0;
    for (size_t i = 0; i < msg->attachment_count && i < INBOUND_ATTACHMENTS_MAX; i++) {
        const struct attachment *a = &msg->attachment[i];
        if (!a->url || draft->evidence >= EVIDENCE_MAX)
            continue;
        mail_post(t, draft->for_user, "ticket_evidence", t->in->now_ms,
                  ARGS({"draft", draft_text(t, draft)}, {"kind", evidence_kind(msg)}, {"url", a->url}, {"name", a->name},
                       {"size", a->size_bytes > 0 ? fmt(t, "%lld", (long long)a->size_bytes) : NULL}, {"msg_id", msg->msg_id}));
        draft->evidence++;
        n++;
    }
    return n;
}

void evidence_entered_drop(struct talk *t, const struct draft *draft)
{
    if (draft->for_user && draft->evidence)
        mail_post(t, draft->for_user, "ticket_evidence", t->in->now_ms, ARGS({"draft", draft_text(t, draft)}, {"gone", "yes"}));
}

enum state on_behalf_sent(struct talk *t)
{
    struct draft *draft = &t->d->draft;
    bool may = has_role(t, ROLE_SUPPORT);
    if (t->out->needs)
        return ST_STAY;
    if (may) {
        audit_add(t, "enter_send", draft->for_user, fmt(t, "{\"draft\":\"%lld\"}", (long long)draft->id));
        mail_add(t, draft->for_user, "ticket_draft", payload_of(t, draft), t->in->now_ms);
        lead(t, MSG_STAFF_ENTER_SENT, ARGS({"name", draft->for_name}));
    } else {
        lead(t, MSG_STAFF_ENTER_ENDED, NO_ARGS); /* the role ended while he wrote */
        evidence_entered_drop(t, draft);
    }
    bool answering = draft->for_ticket && draft->for_ticket == t->d->answer_ticket;
    drop_draft(t, draft->id);
    *draft = (struct draft){0};
    return answering ? answering_goes_on(t) : ST_MENU;
}

void draft_answered(struct talk *t, const cJSON *root)
{
    const char *said = mail_text(t, root, "answer", 10), *title = mail_text(t, root, "title", TITLE_SHORT);
    const char *name = mail_text(t, root, "name", NAME_CHARS_MAX), *code = mail_text(t, root, "code", 20);
    if (!said || !title)
        return;
    enum msg id = strcmp(said, "sent") == 0  ? MSG_STAFF_ENTERED_SENT
                : strcmp(said, "deny") == 0 ? MSG_STAFF_ENTERED_DENIED
                                             : MSG_STAFF_ENTERED_NO_ROOM;
    say(t, id, ARGS({"name", name ? name : message_get(MSG_UNTOLD)->text}, {"title", title}, {"code", code}));
    restate(t);
}

/* ---- the worker ---- */

static void tell_author(struct talk *t, const struct draft *draft, const char *answer, const char *code)
{
    if (!draft->entered_by)
        return;
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "answer", answer));
    must(cJSON_AddStringToObject(root, "worker", t->in->msg->user_id)); /* an erasure finds it by this */
    must(cJSON_AddStringToObject(root, "title", draft->title));
    must(cJSON_AddStringToObject(root, "name", t->person.full_name ? t->person.full_name : ""));
    must(cJSON_AddStringToObject(root, "code", code ? code : ""));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, draft->entered_by, "draft_answered", must(talloc_strdup(t->ctx, json)), t->in->now_ms);
}

/* Before the draft itself; when that is refused or denied the pieces go with it. */
void evidence_entered(struct talk *t, const cJSON *root)
{
    int64_t draft_id = mail_id(root, "draft");
    const char *url = mail_text(t, root, "url", 2000), *kind = mail_text(t, root, "kind", 20);
    if (!draft_id)
        return;
    if (mail_text(t, root, "gone", 4)) {
        drop_draft(t, draft_id);
        return;
    }
    if (!consented(t) || !url || !kind)
        return;
    int64_t size = mail_id(root, "size");
    struct evidence *e = must(talloc_zero(t->ctx, struct evidence));
    *e = (struct evidence){.user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx), .initiative_id = draft_id, .kind = kind,
                           .url = url, .name = mail_text(t, root, "name", NAME_CHARS_MAX), .size_bytes = size ? size : -1,
                           .msg_id = mail_text(t, root, "msg_id", 200)};
    t->out->evidence = e;
}

void draft_entered(struct talk *t, const cJSON *root)
{
    struct draft draft;
    const char *body = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "draft"));
    if (!body || !draft_read(t->ctx, body, &draft) || !draft.title || !draft.entered_by)
        return;
    if (!need(t, NEED_DRAFTS))
        return;
    int parked = 0;
    for (const struct parked_draft *p = t->in->drafts; p; p = p->next)
        parked += p->id != t->d->draft.id;
    if (!consented(t) || parked >= PARKED_DRAFTS_MAX) {
        tell_author(t, &draft, "full", NULL);
        drop_draft(t, draft.id);
        return;
    }
    struct parked_draft *p = must(talloc_zero(t->ctx, struct parked_draft));
    *p = (struct parked_draft){.user_id = t->in->msg->user_id, .id = draft.id, .body = body, .updated_at_ms = t->in->now_ms};
    p->body = must(talloc_strdup(t->ctx, body));
    t->out->parked = p;
    say(t, MSG_ENTERED_ON_BEHALF,
        ARGS({"support", draft.entered_by_name ? draft.entered_by_name : message_get(MSG_LABEL_STAFF)->text},
             {"title", must(text_short(t->ctx, str_of(draft.title), TITLE_SHORT))}, {"id", fmt(t, "%lld", (long long)draft.id)}));
    go_on(t, ST_ASK);
}

/* Neither a draft any more nor sent: denied before, or none of his. */
static void gone(struct talk *t, int64_t id)
{
    t->out->need_id = id;
    if (!need(t, NEED_INITIATIVE))
        return;
    if (t->in->initiative)
        say(t, MSG_ALREADY_SUBMITTED, ARGS({"code", t->in->initiative->code}));
    else
        say(t, MSG_ENTERED_GONE, NO_ARGS);
    go_on(t, ST_ASK);
}

void cmd_review_own(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    if (!need(t, NEED_DRAFTS))
        return;
    if (t->d->draft.id != arg || !arg) {
        leave_edit(t);
        if (!arg || !draft_take_up(t, arg)) {
            gone(t, arg);
            return;
        }
    }
    go(t, ST_ONWARD);
}

void cmd_deny(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    struct draft draft = {0};
    if (!need(t, NEED_DRAFTS))
        return;
    bool active = arg && t->d->draft.id == arg;
    if (active)
        draft = t->d->draft;
    for (const struct parked_draft *p = t->in->drafts; p && !active && !draft.id; p = p->next)
        if (p->id == arg && (!draft_read(t->ctx, p->body, &draft) || draft.id != arg))
            draft = (struct draft){0};
    if (!draft.entered_by) { /* what he wrote himself is deleted elsewhere, and asked about first */
        gone(t, arg);
        return;
    }
    drop_draft(t, arg);
    tell_author(t, &draft, "deny", NULL);
    lead(t, MSG_ENTERED_DENIED, ARGS({"title", must(text_short(t->ctx, str_of(draft.title), TITLE_SHORT))}));
    if (active) {
        bool here = (flow[t->state].flags & (F_DRAFT | F_FIELD)) && !t->d->edit_id;
        t->d->draft = (struct draft){0};
        t->d->interrupted = here ? t->d->interrupted : NULL;
        if (here) {
            go_on(t, ST_MENU);
            return;
        }
    }
    go_on(t, ST_ASK);
}

void entered_submitted(struct talk *t, const struct draft *draft, const char *code)
{
    tell_author(t, draft, "sent", code);
}
