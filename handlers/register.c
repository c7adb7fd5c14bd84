/* Registering an initiative: title, description, summary, submission; editing and deleting the draft. */
#include <stdlib.h>

#include "say.h"
#include "reading/form.h"
#include "reading/intent.h"
#include "reading/phrase.h"
#include "reading/text.h"

enum {
    SHORT_CHARS = 80,
    QUESTION_CHARS = 60,
    BARE_ANSWER_BYTES = 24, /* "đúng rồi em nhé" */
    ON_TIME_MS = 24 * 60 * 60 * 1000,
};

void start_draft(struct talk *t)
{
    struct dialog *d = t->d;
    if (d->draft.id)
        return;
    d->draft = (struct draft){.id = t->in->new_id(t->in->new_id_ctx), .started_at_ms = t->in->now_ms};
}

void leave_edit(struct talk *t)
{
    t->d->edit_id = 0;
    t->d->edit_partial = NULL;
    t->d->editing = false;
}

static bool draft_has_content(const struct draft *draft)
{
    return draft->id && (draft->title || draft->partial || draft->description);
}

void cmd_register(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consent_first(t, "register"))
        return;
    leave_edit(t);
    if (flow[t->state].scene == SCENE_SIMILAR) {
        restate(t); /* "gửi sáng kiến" before the last question: this very one is meant */
        return;
    }
    if (draft_has_content(&t->d->draft)) {
        go(t, ST_DRAFT_CHOICE);
        return;
    }
    start_draft(t);
    go(t, ST_ONWARD);
}

/* "Tên, nội dung": what the draft holds already. */
static const char *draft_holds(struct talk *t, const struct draft *draft)
{
    if (draft->description && draft->benefit.kind)
        return message_get(MSG_DRAFT_HOLDS_ALL)->text;
    if (draft->description)
        return message_get(MSG_DRAFT_HOLDS_DESCRIPTION)->text;
    (void)t;
    return message_get(draft->partial ? MSG_DRAFT_HOLDS_PARTIAL : MSG_DRAFT_HOLDS_TITLE)->text;
}

void ask_draft_choice(struct talk *t)
{
    if (!need(t, NEED_DRAFTS))
        return;
    bool parked = false;
    for (const struct parked_draft *p = t->in->drafts; p; p = p->next)
        parked |= p->id != t->d->draft.id;
    ask(t, MSG_WELCOME_BACK_DRAFT,
        ARGS({"con_lai", draft_holds(t, &t->d->draft)},
             {"khac", parked ? message_get(MSG_LABEL_OTHER_DRAFTS)->text : NULL}));
}

/* ---- title ---- */

void ask_title(struct talk *t)
{
    struct dialog *d = t->d;
    const char *old = d->draft.title;
    if (d->edit_id) {
        const struct initiative *i = initiative_of(t, d->edit_id);
        if (!i)
            return;
        old = i->title;
    }
    if (old)
        ask(t, MSG_EDIT_SHOW_OLD, ARGS({"old", must(text_short(t->ctx, str_of(old), SHORT_CHARS))}));
    else
        ask(t, MSG_ASK_TITLE, NO_ARGS);
}

/* A title is one line; people send it in several. */
static char *one_line(struct talk *t, const char *text)
{
    char *line = must(talloc_strdup(t->ctx, text));
    for (char *p = line; *p; p++)
        if (*p == '\n')
            *p = ' ';
    return line;
}

static bool title_fits(const char *title)
{
    size_t chars = text_chars(str_of(title));
    return chars >= TITLE_CHARS_MIN && chars <= TITLE_CHARS_MAX;
}

/* "có được thưởng không": a question at the wrong step.  Told once; sent again it is the title. */
static bool asks_something(struct talk *t, const char *title)
{
    struct dialog *d = t->d;
    if (d->misses > 0 || d->edit_id || text_chars(str_of(title)) > QUESTION_CHARS || !phrase_is_question(t->ctx, title))
        return false;
    d->misses++;
    d->asked = title; /* "Gặp cán bộ" takes it along */
    return true;
}

/* "Tên sáng kiến: ... Nội dung: ... Giá trị làm lợi: ...": each goes where it belongs; the figure is confirmed as ever. */
static bool form_taken(struct talk *t, const char *text)
{
    struct draft *draft = &t->d->draft;
    struct form form;
    if (t->d->edit_id || t->d->editing || draft->partial || draft->description || !form_read(t->ctx, text, &form) ||
        !title_fits(form.title) || (form.description && text_chars(str_of(form.description)) > DESCRIPTION_CHARS_MAX))
        return false;
    draft->title = form.title;
    bool enough = form.description && text_chars(str_of(form.description)) >= DESCRIPTION_CHARS_MIN;
    *(enough ? &draft->description : &draft->partial) = form.description;
    bool told = enough && form.benefit && read_edit_menu(t, form.benefit) == ANS_AMOUNT;
    lead(t, MSG_FORM_TAKEN, NO_ARGS);
    go(t, told ? ST_BENEFIT_ECHO : ST_ONWARD);
    return true;
}

/* Everything told at once, forwarded or dictated: nobody types it a second time. */
static bool keep_as_description(struct talk *t, const char *text)
{
    struct draft *draft = &t->d->draft;
    if (t->d->edit_id || t->d->editing || draft->partial || draft->description || text_chars(str_of(text)) > DESCRIPTION_CHARS_MAX)
        return false;
    draft->partial = text;
    say(t, MSG_TITLE_KEPT_AS_DESCRIPTION, NO_ARGS);
    return true;
}

enum answer read_title(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    if (form_taken(t, text))
        return ANS_HANDLED;
    const char *title = one_line(t, text);
    bool typed_before_the_answer = t->in->msg->sent_at_ms && t->in->msg->sent_at_ms < d->title_at_ms;
    if (d->fragment && typed_before_the_answer && title_fits(fmt(t, "%s %s", d->fragment, title)))
        title = fmt(t, "%s %s", d->fragment, title);
    size_t chars = text_chars(str_of(title));
    if (intent_read(str_of(text), SCENE_TITLE, true).intent == INTENT_DONE)
        return ANS_UNCLEAR;
    if (asks_something(t, title)) {
        say(t, MSG_TITLE_QUESTION, NO_ARGS);
        return ANS_HANDLED;
    }
    if (chars < TITLE_CHARS_MIN) {
        d->fragment = title;
        d->title_at_ms = t->in->now_ms;
        return ANS_UNCLEAR;
    }
    if (chars > TITLE_CHARS_MAX && keep_as_description(t, text))
        return ANS_HANDLED;
    if (chars > TITLE_CHARS_MAX) {
        say(t, MSG_TITLE_TOO_LONG, ARGS({"max", fmt(t, "%d", TITLE_CHARS_MAX)}));
        return ANS_HANDLED;
    }
    if (d->edit_id)
        return patch_add(t, d->edit_id, "title", title, 0, NULL) ? ANS_OK : ANS_HANDLED;
    d->draft.title = title;
    d->title_at_ms = d->editing ? 0 : t->in->now_ms;
    return ANS_OK;
}

bool title_continues(const struct talk *t)
{
    const struct dialog *d = t->d;
    int64_t sent = t->in->msg->sent_at_ms;
    return !t->in->late && !d->edit_id && d->draft.title && !d->draft.partial && !d->draft.description && sent &&
           sent < d->title_at_ms;
}

/* ---- description: several messages until "viết xong" ---- */

static const char **partial_of(struct talk *t)
{
    return t->d->edit_id ? &t->d->edit_partial : &t->d->draft.partial;
}

void ask_description(struct talk *t)
{
    struct dialog *d = t->d;
    const char *partial = *partial_of(t), *old = d->draft.description;
    if (d->edit_id) {
        const struct initiative *i = initiative_of(t, d->edit_id);
        if (!i)
            return;
        old = i->description;
    }
    if (partial)
        ask(t, MSG_DESCRIPTION_SO_FAR, ARGS({"old", must(text_short(t->ctx, str_of(partial), SHORT_CHARS))}));
    else if (old)
        ask(t, MSG_EDIT_SHOW_DESCRIPTION, ARGS({"old", must(text_short(t->ctx, str_of(old), SHORT_CHARS))}));
    else
        ask(t, MSG_ASK_DESCRIPTION, NO_ARGS);
}

static const char *old_description(struct talk *t)
{
    struct dialog *d = t->d;
    const struct initiative *i = d->edit_id ? initiative_of(t, d->edit_id) : NULL;
    return d->edit_id ? (i ? i->description : NULL) : d->draft.description;
}

/* "thêm là đã dùng 2 vụ": the description is corrected by adding to it. */
static bool adds_to_the_old(struct talk *t, const char *text)
{
    struct str key = str_of(must(text_key(t->ctx, str_of(text))));
    return str_starts(key, STR("them ")) || str_starts(key, STR("them:")) || str_starts(key, STR("bo sung "));
}

/* A yes, a no or a thumb alone is nothing to write down. */
static bool is_bare_answer(const char *text)
{
    enum intent intent = intent_read(str_of(text), SCENE_CONFIRM, false).intent;
    return strlen(text) <= BARE_ANSWER_BYTES && (intent == INTENT_YES || intent == INTENT_NO);
}

/* "à nhầm, giá treo kìm và tua vít" right behind the title. */
static bool title_taken_back(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    const char *title = d->edit_id || d->editing || !d->draft.title || d->draft.partial || d->draft.description || strchr(text, '\n')
                            ? NULL
                            : phrase_behind_correction(t->ctx, text);
    if (!title || !title_fits(title) || text_chars(str_of(title)) > SHORT_CHARS)
        return false;
    d->draft.title = title;
    lead(t, MSG_TITLE_JOINED, NO_ARGS);
    ask_state(t);
    return true;
}

enum answer read_description(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    if (title_continues(t)) {
        const char *title = fmt(t, "%s %s", d->draft.title, one_line(t, text));
        if (title_fits(title)) {
            d->draft.title = title;
            d->title_at_ms = t->in->now_ms;
            lead(t, MSG_TITLE_JOINED, NO_ARGS);
            ask_state(t);
            return ANS_HANDLED;
        }
    }
    if (title_taken_back(t, text))
        return ANS_HANDLED;
    const char **partial = partial_of(t);
    if (*partial && is_bare_answer(text))
        return ANS_DONE; /* "viết thêm hay sang bước sau?" - "ok", "không" */
    if (!*partial && adds_to_the_old(t, text)) {
        *partial = old_description(t);
        if (t->out->needs)
            return ANS_HANDLED;
    }
    const char *whole = *partial ? fmt(t, "%s\n%s", *partial, text) : text;
    if (text_chars(str_of(whole)) > DESCRIPTION_CHARS_MAX) {
        say(t, MSG_DESCRIPTION_TOO_LONG, ARGS({"max", fmt(t, "%d", DESCRIPTION_CHARS_MAX)}));
        return ANS_HANDLED;
    }
    *partial = whole;
    d->misses = 0;
    if (d->burst)
        lead(t, MSG_EVIDENCE_LEAD, ARGS({"n", fmt(t, "%d", d->burst)}));
    t->collected = true;
    ask(t, MSG_DESCRIPTION_MORE, NO_ARGS);
    return ANS_HANDLED;
}

enum state description_done(struct talk *t)
{
    struct dialog *d = t->d;
    const char **partial = partial_of(t);
    if (!*partial && (d->edit_id || d->draft.description))
        return field_kept(t);
    if (!*partial || text_chars(str_of(*partial)) < DESCRIPTION_CHARS_MIN) {
        say(t, MSG_DESCRIPTION_TOO_SHORT, NO_ARGS);
        return ST_STAY;
    }
    if (d->edit_id) {
        if (!patch_add(t, d->edit_id, "description", *partial, 0, NULL))
            return ST_STAY;
    } else {
        d->draft.description = *partial;
    }
    *partial = NULL;
    return field_taken(t);
}

enum state description_reset(struct talk *t)
{
    *partial_of(t) = NULL;
    lead(t, MSG_DESCRIPTION_RESET, NO_ARGS);
    return ST_NONE;
}

enum state description_back(struct talk *t)
{
    return t->d->editing || t->d->edit_id ? field_kept(t) : ST_NONE;
}

/* ---- a field is done ---- */

enum state field_taken(struct talk *t)
{
    struct dialog *d = t->d;
    bool sent = d->edit_id != 0, edited = d->editing;
    leave_edit(t);
    if (sent)
        lead(t, MSG_EDIT_DONE_SENT, NO_ARGS);
    else if (edited && !t->lead)
        lead(t, MSG_EDIT_DONE, NO_ARGS);
    return sent ? ST_RETURN : ST_ONWARD;
}

enum state field_kept(struct talk *t)
{
    bool sent = t->d->edit_id != 0;
    leave_edit(t);
    lead(t, MSG_KEPT, NO_ARGS);
    return sent ? ST_RETURN : ST_ONWARD;
}

/* ---- summary and submission ---- */

static const char *unit_of(const struct talk *t)
{
    const struct draft *draft = &t->d->draft;
    if (draft->unit_name)
        return draft->unit_name;
    return t->person.unit_name ? t->person.unit_name : t->person.unit_text;
}

void ask_confirm(struct talk *t)
{
    const struct draft *draft = &t->d->draft;
    if (draft->for_user) {
        ask(t, MSG_STAFF_ENTER_SUMMARY,
            ARGS({"name", draft->for_name}, {"description_short", must(text_short(t->ctx, str_of(draft->description), SHORT_CHARS))},
                 {"benefit_line", benefit_line(t, &draft->benefit)}));
        return;
    }
    const char *unit = unit_of(t);
    const char *pieces = draft->evidence ? words(t, MSG_SUMMARY_EVIDENCE, ARGS({"n", fmt(t, "%d", draft->evidence)})) : NULL;
    ask(t, MSG_CONFIRM_SUMMARY,
        ARGS({"description_short", must(text_short(t->ctx, str_of(draft->description), SHORT_CHARS))},
             {"benefit_line", benefit_line(t, &draft->benefit)},
             {"unit", unit ? must(text_short(t->ctx, str_of(unit), SHORT_CHARS)) : NULL}, {"tep", pieces},
             {"khong_phai", draft->entered_by ? message_get(MSG_LABEL_NOT_MINE)->text : NULL}, {"id", fmt(t, "%lld", (long long)draft->id)}));
}

/* A digit beyond the buttons names a field of the card. */
enum answer read_confirm(struct talk *t, const char *text)
{
    const char *key = must(text_key(t->ctx, str_of(text)));
    if (key[0] && !key[1] && (key[0] == '4' || key[0] == '5') && !t->d->draft.for_user) {
        go_edit(t, key[0] == '4' ? EDIT_UNIT : EDIT_NAME);
        return ANS_HANDLED;
    }
    const char *title = phrase_new_title(t->ctx, text);
    if (title && title_fits(title) && !strchr(title, '\n')) { /* "đổi tên thành ...": told with the wish */
        t->d->draft.title = title;
        lead(t, MSG_EDIT_DONE, NO_ARGS);
        go(t, ST_CONFIRM);
        return ANS_HANDLED;
    }
    return read_edit_menu(t, text); /* "60 triệu": the figure on the card is being corrected */
}

/* When it was sent, as Zalo signed it: an outage of ours makes nobody late.  No more than a day before it came, which is as long as
 * Zalo delivers, and not in the future. */
static int64_t sent_at_ms(const struct talk *t)
{
    int64_t signed_ms = t->in->msg->sent_at_ms, came_ms = t->in->msg->arrived_at_ms ? t->in->msg->arrived_at_ms : t->in->now_ms;
    if (!signed_ms || signed_ms > t->in->now_ms)
        return t->in->now_ms;
    return signed_ms > came_ms - ON_TIME_MS ? signed_ms : came_ms - ON_TIME_MS;
}

enum state submit(struct talk *t)
{
    struct dialog *d = t->d;
    const struct draft *draft = &d->draft;
    if (draft->for_user)
        return on_behalf_sent(t);
    struct initiative *i = must(talloc_zero(t->ctx, struct initiative));
    bool own_unit = !draft->unit_id && !draft->unit_text;
    *i = (struct initiative){
        .user_id = t->in->msg->user_id,
        .id = draft->id,
        .code = t->in->next_code,
        .title = draft->title,
        .description = draft->description,
        .annual_benefit_vnd = draft->benefit.vnd,
        .benefit_kind = draft->benefit.kind,
        .benefit_text = draft->benefit.text,
        .unit_id = own_unit ? t->person.unit_id : draft->unit_id,
        .unit_text = own_unit ? t->person.unit_text : draft->unit_text,
        .unit_name = unit_of(t),
        .status = STATUS_SUBMITTED,
        .created_by = draft->entered_by,
        .submitted_at_ms = sent_at_ms(t),
        .evidence_count = draft->evidence,
    };
    t->out->new_initiatives = i;
    t->out->signals = similar_signals(t, draft);
    t->out->code_used = true;
    if (!own_unit) { /* the next one starts with the unit of this one */
        t->person.unit_id = draft->unit_id;
        t->person.unit_text = draft->unit_text;
        t->person.unit_name = draft->unit_name;
        person_changed(t);
    }
    entered_submitted(t, draft, i->code);
    t->receipt = i;
    d->extras_id = i->id;
    d->last_code = i->code;
    d->draft = (struct draft){0};
    d->title_at_ms = 0;
    t->lead = NULL;
    return ST_NONE;
}

void ask_submitted(struct talk *t)
{
    const struct initiative *i = t->receipt;
    const struct wave_end *over = t->in->wave_end;
    if (i && over && over->name && i->submitted_at_ms >= over->closes_at_ms)
        lead(t, MSG_AFTER_DEADLINE, ARGS({"wave", over->name}, {"date", over->ends_on}));
    if (i)
        ask(t, MSG_SUBMITTED,
            ARGS({"title", must(text_short(t->ctx, str_of(i->title), SHORT_CHARS))}, {"code", i->code}));
    else
        ask_menu(t);
}

/* ---- editing the draft ---- */

void go_edit(struct talk *t, enum edit_field field)
{
    struct dialog *d = t->d;
    if (d->draft.for_user && (field == EDIT_NAME || field == EDIT_UNIT))
        field = EDIT_ANY; /* those are of who writes, not of who it is written for */
    static const enum state asks[] = {
        [EDIT_ANY] = ST_EDIT_MENU,   [EDIT_TITLE] = ST_TITLE, [EDIT_DESCRIPTION] = ST_DESCRIPTION,
        [EDIT_BENEFIT] = ST_BENEFIT, [EDIT_UNIT] = ST_UNIT,   [EDIT_NAME] = ST_NAME,
    };
    const bool there[] = {
        [EDIT_ANY] = false,
        [EDIT_TITLE] = d->edit_id || d->draft.title,
        [EDIT_DESCRIPTION] = d->edit_id || d->draft.description,
        [EDIT_BENEFIT] = d->edit_id || d->draft.benefit.kind,
        [EDIT_UNIT] = true,
        [EDIT_NAME] = true,
    };
    if (field == EDIT_NAME) /* the name is the person's, whatever is being edited */
        leave_edit(t);
    d->editing = there[field];
    d->reading = (struct benefit){0};
    /* "sửa số tiền thành 60 triệu"; the digits of a payload are no money */
    const char *text = t->in->msg->text;
    bool told = field == EDIT_BENEFIT && text && *text != '#' && read_edit_menu(t, text) == ANS_AMOUNT;
    go(t, told ? ST_BENEFIT_ECHO : asks[field]);
}

enum state edit_field_of(struct talk *t)
{
    static const struct {
        enum answer answer;
        enum edit_field field;
    } fields[] = {{ANS_EDIT_TITLE, EDIT_TITLE},
                  {ANS_EDIT_DESCRIPTION, EDIT_DESCRIPTION},
                  {ANS_EDIT_BENEFIT, EDIT_BENEFIT},
                  {ANS_EDIT_UNIT, EDIT_UNIT}};
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (fields[i].answer == t->answer)
            go_edit(t, fields[i].field);
    return ST_STAY;
}

void cmd_edit(struct talk *t, int64_t arg, enum edit_field field)
{
    struct dialog *d = t->d;
    (void)arg;
    bool drafting = draft_has_content(&d->draft) && t->state != ST_LIST && t->state != ST_DETAIL && t->state != ST_SUBMITTED;
    bool profile = field == EDIT_NAME || field == EDIT_UNIT;
    if (!consented(t)) {
        say(t, MSG_LIST_EMPTY, NO_ARGS);
        restate(t);
    } else if (t->state == ST_DETAIL || (t->state == ST_SUBMITTED && d->extras_id && !profile)) {
        cmd_edit_of(t, t->state == ST_DETAIL ? d->view_id : d->extras_id, field);
    } else if (d->edit_id || drafting || (profile && t->person.full_name)) {
        go_edit(t, field);
    } else if (pending(t) && t->state != ST_LIST) {
        say(t, MSG_NOTHING_TO_EDIT, NO_ARGS);
        restate(t);
    } else {
        d->list_for = "edit";
        d->list_page = 0;
        go(t, ST_LIST);
    }
}

/* ---- stopping, deleting ---- */

void cmd_cancel(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    const unsigned flags = flow[t->state].flags;
    if (flags & F_IDLE) {
        say(t, MSG_NOTHING_TO_CANCEL, NO_ARGS);
        return;
    }
    bool aside = (flags & F_EXCURSION) || t->d->edit_id;
    bool after_receipt = t->state >= ST_KIND && t->state <= ST_CONFIDENTIAL;
    leave_edit(t);
    if (aside || after_receipt)
        lead(t, MSG_STOPPED, NO_ARGS);
    else
        lead(t, draft_has_content(&t->d->draft) ? MSG_CANCELLED_KEPT : MSG_CANCELLED_EMPTY, NO_ARGS);
    go(t, aside ? ST_RETURN : ST_MENU);
}

void cmd_delete_draft(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    bool empty = !draft_has_content(&t->d->draft) && !t->d->draft.evidence;
    if (t->d->draft.id && !t->d->edit_id && !(empty && !pending(t))) {
        go(t, ST_DELETE_DRAFT);
        return;
    }
    if (!need(t, NEED_DRAFTS))
        return;
    if (t->in->drafts && !t->d->edit_id && !pending(t)) {
        go(t, ST_DRAFTS); /* those put aside: which one? */
        return;
    }
    say(t, MSG_DELETE_NOT_DRAFT, NO_ARGS);
    restate(t);
}

void ask_delete_draft(struct talk *t)
{
    if (t->d->draft.title)
        ask(t, MSG_DELETE_DRAFT_ASK, NO_ARGS);
    else
        ask(t, MSG_DELETE_DRAFT_ASK, ARGS({"title", message_get(MSG_UNTITLED)->text}));
}

enum state draft_deleted(struct talk *t)
{
    struct parked_draft *p = must(talloc_zero(t->ctx, struct parked_draft));
    *p = (struct parked_draft){.user_id = t->in->msg->user_id, .id = t->d->draft.id};
    t->out->dropped = p;
    evidence_entered_drop(t, &t->d->draft);
    t->d->draft = (struct draft){0};
    t->d->interrupted = NULL;
    lead(t, MSG_DELETE_DRAFT_DONE, NO_ARGS);
    return ST_NONE;
}

enum state draft_kept(struct talk *t)
{
    lead(t, MSG_DRAFT_KEPT, NO_ARGS);
    return ST_NONE;
}

/* ---- a text that looked like a title ---- */

void ask_offer_title(struct talk *t)
{
    ask(t, MSG_FALLBACK_MENU, ARGS({"text_short", must(text_short(t->ctx, str_of(t->d->offered_title), SHORT_CHARS))}));
}

enum answer read_offer_title(struct talk *t, const char *text)
{
    return read_menu(t, text);
}

enum state offered_title_taken(struct talk *t)
{
    const char *title = t->d->offered_title;
    if (draft_has_content(&t->d->draft) && !park_active(t))
        return ST_STAY;
    start_draft(t);
    t->d->draft.title = title;
    t->d->offered_title = NULL;
    return ST_NONE;
}

enum state offered_title_refused(struct talk *t)
{
    t->d->offered_title = NULL;
    return ST_NONE;
}
