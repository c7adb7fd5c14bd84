/* More than one draft: up to five are put aside and taken up again. */
#include "say.h"
#include "reading/text.h"

enum { TITLE_SHORT = 60 };

static const char *title_of(const struct draft *draft)
{
    return draft->title ? draft->title : message_get(MSG_UNTITLED)->text;
}

/* Rows whose id is the active draft's are being taken up already and do not count. */
static size_t parked_count(const struct talk *t)
{
    size_t n = 0;
    for (const struct parked_draft *p = t->in->drafts; p; p = p->next)
        n += p->id != t->d->draft.id;
    return n;
}

static void park(struct talk *t)
{
    struct parked_draft *p = must(talloc_zero(t->ctx, struct parked_draft));
    *p = (struct parked_draft){.user_id = t->in->msg->user_id, .id = t->d->draft.id,
                               .body = must(draft_print(t->ctx, &t->d->draft)), .updated_at_ms = t->in->now_ms};
    t->out->parked = p;
    t->d->draft = (struct draft){0};
}

bool park_active(struct talk *t)
{
    if (!need(t, NEED_DRAFTS))
        return false;
    if (parked_count(t) >= PARKED_DRAFTS_MAX) {
        lead(t, MSG_DRAFTS_FULL, NO_ARGS);
        go(t, ST_DRAFTS);
        return false;
    }
    park(t);
    return true;
}

void cmd_register_new(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consent_first(t, "register"))
        return;
    leave_edit(t);
    const struct draft *draft = &t->d->draft;
    bool content = draft->id && (draft->title || draft->partial);
    if (content && !park_active(t))
        return;
    start_draft(t);
    go(t, ST_ONWARD);
}

bool draft_take_up(struct talk *t, int64_t id)
{
    struct draft draft;
    const struct parked_draft *p = t->in->drafts;
    while (p && p->id != id)
        p = p->next;
    if (!p || !draft_read(t->ctx, p->body, &draft) || draft.id != id)
        return false;
    if (t->d->draft.id && (t->d->draft.title || t->d->draft.partial))
        park(t);
    struct parked_draft *row = must(talloc_zero(t->ctx, struct parked_draft));
    *row = (struct parked_draft){.user_id = t->in->msg->user_id, .id = id};
    t->out->unparked = row;
    t->d->draft = draft;
    t->d->title_at_ms = 0;
    return true;
}

void cmd_resume(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consent_first(t, "register"))
        return;
    const unsigned flags = flow[t->state].flags;
    if (t->d->draft.id) {
        bool there = (flags & F_DRAFT) || t->state == ST_NAME || t->state == ST_UNIT || t->state == ST_UNIT_PICK;
        leave_edit(t);
        if (there)
            restate(t);
        else
            go(t, (flags & F_EXCURSION) && t->d->interrupted ? ST_RETURN : ST_ONWARD);
        return;
    }
    if (!need(t, NEED_DRAFTS))
        return;
    size_t parked = parked_count(t);
    if (parked == 1 && draft_take_up(t, t->in->drafts->id)) {
        lead(t, MSG_STILL_HERE, NO_ARGS);
        go(t, ST_ONWARD);
    } else if (parked == 0) {
        say(t, MSG_NOTHING_TO_RESUME, NO_ARGS);
        restate(t);
    } else {
        go(t, ST_DRAFTS);
    }
}

void cmd_drafts(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!need(t, NEED_DRAFTS))
        return;
    if (parked_count(t) == 0) {
        cmd_resume(t, 0, EDIT_ANY);
        return;
    }
    go(t, ST_DRAFTS);
}

void ask_drafts(struct talk *t)
{
    if (!need(t, NEED_DRAFTS))
        return;
    struct dialog *d = t->d;
    char *list = must(talloc_strdup(t->ctx, ""));
    int n = 0;
    memset(d->choice, 0, sizeof(d->choice));
    for (const struct parked_draft *p = t->in->drafts; p && n < CHOICES_MAX; p = p->next) {
        struct draft draft;
        if (p->id == d->draft.id || !draft_read(t->ctx, p->body, &draft))
            continue;
        const char *title = must(text_short(t->ctx, str_of(title_of(&draft)), TITLE_SHORT));
        d->choice[n] = (struct choice){draft.id, title};
        list = must(talloc_asprintf_append(list, "%s%d. %s", n ? "\n" : "", n + 1, title));
        n++;
    }
    ask(t, MSG_DRAFTS, ARGS({"danh_sach", list}));
}

enum answer read_drafts(struct talk *t, const char *text)
{
    int64_t id = choice_named(t, text);
    if (!id)
        return ANS_UNCLEAR;
    if (!need(t, NEED_DRAFTS))
        return ANS_HANDLED;
    if (!draft_take_up(t, id))
        return ANS_UNCLEAR;
    lead(t, MSG_STILL_HERE, NO_ARGS);
    return ANS_OK;
}
