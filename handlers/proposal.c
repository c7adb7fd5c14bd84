/* A proposed field: somebody of the support words a title, a description or an amount, the worker takes it with one tap.
 *
 *   support: /ten ... ──mail "ticket_proposal"──▶ worker: two buttons; yes puts it into the draft, nothing else does
 *   worker:  yes or no ──mail "proposal_answered"──▶ support */
#include <cjson/cJSON.h>

#include "contact.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { SHOWN_CHARS = 80, SHOWN_DESCRIPTION_CHARS = 1200 };

static const struct {
    const char *field;
    enum msg label;
    size_t least, most; /* characters, as for the worker himself */
} fields[] = {
    {"title", MSG_LABEL_FIELD_TITLE, TITLE_CHARS_MIN, TITLE_CHARS_MAX},
    {"description", MSG_LABEL_FIELD_DESCRIPTION, DESCRIPTION_CHARS_MIN, DESCRIPTION_CHARS_MAX},
    {"benefit", MSG_LABEL_FIELD_BENEFIT, 1, BENEFIT_TEXT_CHARS_MAX},
};

static const char *label_of(const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].field, field) == 0)
            return message_get(fields[i].label)->text;
    return NULL;
}

/* What is proposed, as it is read by people. */
static const char *shown(struct talk *t, const char *field, const char *text, int64_t vnd)
{
    if (strcmp(field, "benefit") == 0)
        return benefit_line(t, &(struct benefit){.kind = BENEFIT_MONEY, .vnd = vnd});
    size_t most = strcmp(field, "title") == 0 ? TITLE_CHARS_MAX : SHOWN_DESCRIPTION_CHARS;
    return must(text_short(t->ctx, str_of(text), most));
}

/* ---- the supporter ---- */

static const char *payload_of(struct talk *t, const char *field, const char *text, int64_t vnd)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "id", fmt(t, "%lld", (long long)t->in->new_id(t->in->new_id_ctx))));
    must(cJSON_AddStringToObject(root, "field", field));
    must(cJSON_AddStringToObject(root, "text", text));
    must(cJSON_AddStringToObject(root, "vnd", fmt(t, "%lld", (long long)vnd)));
    must(cJSON_AddStringToObject(root, "from", t->in->msg->user_id));
    must(cJSON_AddStringToObject(root, "name", t->person.full_name ? t->person.full_name : ""));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    return must(talloc_strdup(t->ctx, json));
}

/* One figure for a year, without a question left open. */
static bool read_amount(const char *text, int64_t *ret_vnd)
{
    struct amount a = amount_read(str_of(text));
    *ret_vnd = a.annual_vnd;
    return a.has_annual && a.ask == ASK_NOTHING && a.annual_vnd > 0;
}

static void propose(struct talk *t, const char *field)
{
    const struct ticket_case *c = case_addressed(t, 0);
    if (!c)
        return;
    const char *text = t->typed_rest, *user_id = c->ticket.user_id, *name = asker_name(c);
    int64_t vnd = 0;
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].field, field) != 0)
            continue;
        size_t chars = text ? text_chars(str_of(text)) : 0;
        bool readable = strcmp(field, "benefit") != 0 || (text && read_amount(text, &vnd));
        if (chars < fields[i].least || chars > fields[i].most || !readable) {
            audit_none(t);
            say(t, MSG_STAFF_PROPOSE_HOW,
                ARGS({"muc", label_of(field)}, {"min", fmt(t, "%zu", fields[i].least)}, {"max", fmt(t, "%zu", fields[i].most)}));
            restate(t);
            return;
        }
    }
    audit_more(t, user_id, fmt(t, "{\"field\":\"%s\"}", field));
    mail_add(t, user_id, "ticket_proposal", payload_of(t, field, text, vnd), t->in->now_ms);
    say(t, MSG_STAFF_PROPOSED, ARGS({"name", name}, {"muc", label_of(field)}, {"noi_dung", must(text_short(t->ctx, str_of(shown(t, field, text, vnd)), SHOWN_CHARS))}));
    restate(t);
}

void cmd_propose_title(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    propose(t, "title");
}

void cmd_propose_description(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    propose(t, "description");
}

void cmd_propose_benefit(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    propose(t, "benefit");
}

void proposal_answered(struct talk *t, const cJSON *root)
{
    const char *said = mail_text(t, root, "answer", 10), *field = mail_text(t, root, "field", 20);
    const char *name = mail_text(t, root, "name", NAME_CHARS_MAX), *label = field ? label_of(field) : NULL;
    if (!said || !label)
        return;
    say(t, strcmp(said, "yes") == 0 ? MSG_STAFF_PROPOSAL_TAKEN : MSG_STAFF_PROPOSAL_REFUSED,
        ARGS({"name", name ? name : message_get(MSG_UNTOLD)->text}, {"muc", label}));
    restate(t);
}

/* ---- the worker ---- */

void field_proposed(struct talk *t, const cJSON *root)
{
    struct dialog *d = t->d;
    struct proposal p = {.id = mail_id(root, "id"), .field = mail_text(t, root, "field", 20), .vnd = mail_id(root, "vnd"),
                         .from = mail_text(t, root, "from", 200), .from_name = mail_text(t, root, "name", NAME_CHARS_MAX)};
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "text"));
    p.text = text ? must(text_clean(t->ctx, str_of(text))) : NULL;
    if (!p.id || !p.field || !label_of(p.field) || !p.text || !p.from || !consented(t))
        return;
    memmove(&d->proposal[1], &d->proposal[0], sizeof(p) * (PROPOSALS_MAX - 1));
    d->proposal[0] = p;
    say(t, MSG_FIELD_PROPOSED,
        ARGS({"support", p.from_name ? p.from_name : message_get(MSG_LABEL_STAFF)->text}, {"muc", label_of(p.field)},
             {"noi_dung", shown(t, p.field, p.text, p.vnd)}, {"id", fmt(t, "%lld", (long long)p.id)}));
    go_on(t, ST_ASK);
}

/* Takes it out of those that wait. */
static bool take(struct talk *t, int64_t id, struct proposal *ret)
{
    struct proposal *p = t->d->proposal;
    for (int i = 0; i < PROPOSALS_MAX; i++) {
        if (!id || p[i].id != id)
            continue;
        *ret = p[i];
        memmove(&p[i], &p[i + 1], sizeof(*p) * (size_t)(PROPOSALS_MAX - 1 - i));
        p[PROPOSALS_MAX - 1] = (struct proposal){0};
        return ret->field && ret->text && ret->from;
    }
    return false;
}

static void tell(struct talk *t, const struct proposal *p, const char *answer)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "answer", answer));
    must(cJSON_AddStringToObject(root, "worker", t->in->msg->user_id)); /* an erasure finds it by this */
    must(cJSON_AddStringToObject(root, "field", p->field));
    must(cJSON_AddStringToObject(root, "name", t->person.full_name ? t->person.full_name : ""));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, p->from, "proposal_answered", must(talloc_strdup(t->ctx, json)), t->in->now_ms);
}

/* Whether the question on show asks for what has just been filled in, or shows it. */
static bool asks_for(const struct talk *t, const char *field)
{
    if (t->d->edit_id)
        return false;
    if (t->state == ST_CONFIRM)
        return true;
    if (strcmp(field, "benefit") == 0)
        return (flow[t->state].flags & F_AMOUNTS) != 0;
    return t->state == (strcmp(field, "title") == 0 ? ST_TITLE : ST_DESCRIPTION);
}

static void put_into_draft(struct talk *t, const struct proposal *p)
{
    struct draft *draft = &t->d->draft;
    start_draft(t);
    if (strcmp(p->field, "title") == 0) {
        draft->title = p->text;
        t->d->title_at_ms = 0; /* no line typed before belongs to it */
    } else if (strcmp(p->field, "description") == 0) {
        draft->description = p->text;
        draft->partial = NULL;
    } else {
        draft->benefit = (struct benefit){.kind = BENEFIT_MONEY, .text = p->text, .vnd = p->vnd};
    }
}

void cmd_proposal_yes(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    struct proposal p;
    if (!take(t, arg, &p)) {
        old_tap(t);
        return;
    }
    bool asked = asks_for(t, p.field);
    put_into_draft(t, &p);
    tell(t, &p, "yes");
    lead(t, MSG_PROPOSAL_TAKEN, ARGS({"muc", label_of(p.field)}));
    if (asked) {
        leave_edit(t);
        go_on(t, ST_ONWARD);
    } else {
        go_on(t, ST_ASK);
    }
}

void cmd_proposal_no(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    struct proposal p;
    if (!take(t, arg, &p)) {
        old_tap(t);
        return;
    }
    tell(t, &p, "no");
    lead(t, MSG_PROPOSAL_REFUSED, ARGS({"muc", label_of(p.field)}));
    go_on(t, ST_ASK);
}
