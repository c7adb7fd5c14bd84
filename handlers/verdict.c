/* The author's side of a review: a verdict takes effect in the author's own turn, is told, and may be answered once. */
#include <cjson/cJSON.h>

#include "review.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "say.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { LATER_MS = 60 * 1000, NOTE_CHARS = 500, APPEAL_CHARS_MIN = 10, APPEAL_CHARS_MAX = 500 };

static const char *print(struct talk *t, const cJSON *root)
{
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    return must(talloc_strdup(t->ctx, json));
}

static struct verdict *verdict_new(struct talk *t, int64_t id, int64_t initiative_id, const char *word)
{
    struct verdict *v = must(talloc_zero(t->ctx, struct verdict));
    *v = (struct verdict){.next = t->out->verdicts, .user_id = t->in->msg->user_id, .id = id, .initiative_id = initiative_id, .verdict = word};
    t->out->verdicts = v;
    return v;
}

/* ---- it takes effect ---- */

/* Whether the initiative is as the reviewer saw it.  A mark alone holds whatever was edited since. */
static bool still_so(struct talk *t, const cJSON *root, const struct initiative *i, const char *status)
{
    const char *was = mail_text(t, root, "was", 20);
    bool mark = strcmp(status, VERDICT_MARKED) == 0;
    return was && strcmp(i->status, STATUS_WITHDRAWN) != 0 && (mark || (strcmp(was, i->status) == 0 && mail_id(root, "stamp") == i->stamp));
}

static void send_back(struct talk *t, const cJSON *root, const struct initiative *i)
{
    const char *reviewer = mail_text(t, root, "reviewer", 200);
    struct review_away *a = must(talloc_zero(t->ctx, struct review_away));
    *a = (struct review_away){.user_id = t->in->msg->user_id, .id = i->id};
    t->out->review_aways = a;
    SCOPED(json) cJSON *told = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(told, "code", i->code));
    if (reviewer)
        mail_add(t, reviewer, "review_stale", print(t, told), t->in->now_ms);
}

/* @return false when there is nothing to tell (yet). */
static bool apply(struct talk *t, const cJSON *root, const char *status)
{
    t->out->need_id = mail_id(root, "initiative_id");
    if (!need(t, NEED_INITIATIVE))
        return false;
    const struct initiative *i = t->in->initiative;
    if (!i || !i->title)
        return false;
    if (!still_so(t, root, i, status)) {
        send_back(t, root, i);
        return false;
    }
    struct verdict *v = verdict_new(t, mail_id(root, "id"), i->id, status);
    v->reviewer = mail_text(t, root, "reviewer", 200);
    v->reason = mail_text(t, root, "reason", 40);
    v->field = mail_text(t, root, "field", 20);
    v->note = mail_text(t, root, "note", NOTE_CHARS);
    v->duplicate_of = mail_text(t, root, "code_other", 20);
    v->checked_benefit_vnd = mail_id(root, "checked");
    v->recognised_benefit_vnd = mail_id(root, "recognised");
    v->recognised_by = mail_text(t, root, "level", 80);
    v->recognised_on = mail_text(t, root, "on", 10);
    v->social = mail_text(t, root, "social", 5);
    return strcmp(status, VERDICT_MARKED) != 0;
}

/* ---- it is told ---- */

enum edit_field returned_field(const struct initiative *i)
{
    static const struct {
        const char *name;
        enum edit_field field;
    } fields[] = {{"title", EDIT_TITLE}, {"description", EDIT_DESCRIPTION}, {"benefit", EDIT_BENEFIT}, {"unit", EDIT_UNIT}};
    for (size_t k = 0; i->returned_field && k < ARRAY_LEN(fields); k++)
        if (strcmp(fields[k].name, i->returned_field) == 0)
            return fields[k].field;
    return EDIT_ANY;
}

/* Nothing is being asked: the question of that field is put right away, and what is there stays. */
static bool leads_to_field(struct talk *t, const cJSON *root, const char *status, const struct message_arg *args, size_t n)
{
    const char *name = mail_text(t, root, "field", 20);
    int64_t id = mail_id(root, "initiative_id");
    enum edit_field field = returned_field(&(struct initiative){.returned_field = name});
    if (strcmp(status, STATUS_RETURNED) != 0 || field == EDIT_ANY || pending(t) || !consented(t))
        return false;
    lead(t, MSG_STATUS_RETURNED_HERE, args, n);
    t->d->view_id = t->d->edit_id = id;
    t->d->edit_partial = NULL;
    go_edit(t, field);
    return true;
}

static void tell(struct talk *t, const cJSON *root, const char *status)
{
    enum msg id = message_named(str_of(fmt(t, "status_%s", status)));
    int64_t initiative_id = mail_id(root, "initiative_id"), checked = mail_id(root, "checked");
    if (!id)
        id = MSG_STATUS_CHANGED;
    if (id == MSG_STATUS_VALID && checked)
        id = MSG_STATUS_VALID_CHECKED;
    const struct message_arg args[] = {
        {"title", mail_text(t, root, "title", 80)},
        {"code", mail_text(t, root, "code", 20)},
        {"review_note", mail_text(t, root, "note", NOTE_CHARS)},
        {"level", mail_text(t, root, "level", 80)},
        {"code_other", mail_text(t, root, "code_other", 20)},
        {"amount", checked ? must(amount_digits(t->ctx, checked)) : NULL},
        {"status", status_label(t, status)},
        {"id", initiative_id ? fmt(t, "%lld", (long long)initiative_id) : NULL},
    };
    if (leads_to_field(t, root, status, args, ARRAY_LEN(args)))
        return;
    say(t, id, args, ARRAY_LEN(args));
    restate(t);
}

/* Those who said that they did it too hear what it came to; "returned" and the like is for the first author to settle. */
static bool is_for_coauthors(const char *status)
{
    return strcmp(status, STATUS_VALID) == 0 || strcmp(status, STATUS_RECOGNISED) == 0;
}

/* NEED_AUTHORS is loaded. */
static void tell_coauthors(struct talk *t, const cJSON *root, const char *status)
{
    for (const struct initiative_author *a = t->in->authors; a; a = a->next) {
        if (!a->author_user_id || strcmp(a->consent, "yes") != 0 || strcmp(a->author_user_id, t->in->msg->user_id) == 0)
            continue;
        const char *title = mail_text(t, root, "title", 80), *code = mail_text(t, root, "code", 20);
        SCOPED(json) cJSON *told = must(cJSON_CreateObject());
        must(cJSON_AddStringToObject(told, "title", title ? title : ""));
        must(cJSON_AddStringToObject(told, "code", code ? code : ""));
        must(cJSON_AddStringToObject(told, "name", t->person.full_name ? t->person.full_name : ""));
        must(cJSON_AddStringToObject(told, "status", status));
        mail_add(t, a->author_user_id, "coauthor_verdict", print(t, told), t->in->now_ms);
    }
}

void coauthor_verdict(struct talk *t, const cJSON *root)
{
    const char *status = mail_text(t, root, "status", 40), *title = mail_text(t, root, "title", 80);
    const char *code = mail_text(t, root, "code", 20), *name = mail_text(t, root, "name", NAME_CHARS_MAX);
    if (!status || !is_for_coauthors(status) || !title || !code || !name || !consented(t))
        return;
    say(t, MSG_COAUTHOR_VERDICT, ARGS({"title", title}, {"code", code}, {"name", name}, {"status", status_label(t, status)}));
    restate(t);
}

void verdict_mail(struct talk *t, const cJSON *root, bool telling)
{
    const char *status = mail_text(t, root, "status", 40);
    if (!status)
        return;
    /* With an id it has still to take effect; an import, which is all or nothing, has applied it already. */
    if (mail_id(root, "id") && !apply(t, root, status))
        return;
    if (!telling) {
        t->out->need_id = mail_id(root, "initiative_id");
        if (is_for_coauthors(status) && t->out->need_id) {
            if (!need(t, NEED_AUTHORS))
                return;
            tell_coauthors(t, root, status);
        }
        tell(t, root, status);
        return;
    }
    SCOPED(json) cJSON *rest = must(cJSON_Duplicate(root, true));
    cJSON_DeleteItemFromObjectCaseSensitive(rest, "id");
    mail_add(t, t->in->msg->user_id, "verdict", print(t, rest), t->in->now_ms + LATER_MS);
}

/* ---- one sentence against it ---- */

static bool can_be_appealed(const struct initiative *i)
{
    return strcmp(i->status, STATUS_DUPLICATE) == 0 || strcmp(i->status, STATUS_REFUSED) == 0;
}

void cmd_appeal(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    if (!arg || !consented(t)) {
        cmd_human(t, 0, EDIT_ANY);
        return;
    }
    const struct initiative *i = initiative_of(t, arg);
    if (!i)
        return;
    if (!can_be_appealed(i) || i->appealed) {
        say(t, i->appealed ? MSG_APPEAL_ONCE : MSG_APPEAL_NOT_NOW, ARGS({"code", i->code}));
        restate(t);
        return;
    }
    t->d->view_id = arg;
    go(t, ST_APPEAL);
}

enum answer read_appeal(struct talk *t, const char *text)
{
    size_t chars = text_chars(str_of(text));
    if (chars < APPEAL_CHARS_MIN)
        return ANS_UNCLEAR;
    const struct initiative *i = initiative_of(t, t->d->view_id);
    if (!i)
        return ANS_HANDLED;
    if (can_be_appealed(i) && !i->appealed) {
        struct verdict *v = verdict_new(t, t->in->new_id(t->in->new_id_ctx), i->id, VERDICT_APPEAL);
        v->note = must(text_short(t->ctx, str_of(text), APPEAL_CHARS_MAX));
        lead(t, MSG_APPEAL_NOTED, ARGS({"code", i->code}));
    }
    return ANS_OK;
}
