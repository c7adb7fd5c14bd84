/* What a person has sent: the list, one in full, corrections while it may be corrected, the wish to withdraw. */
#include "review.h"
#include "say.h"
#include "reading/text.h"

enum { PAGE = CHOICES_MAX, TITLE_SHORT = 40 };

const struct initiative *initiative_of(struct talk *t, int64_t id)
{
    t->out->need_id = id;
    if (!need(t, NEED_INITIATIVE))
        return NULL;
    const struct initiative *i = t->in->initiative;
    if (i && i->id == id)
        return i;
    struct dialog *d = t->d;
    bool question_is_about_it = id && (d->edit_id == id || d->extras_id == id ||
                                       (d->view_id == id && (t->state == ST_DETAIL || t->state == ST_WITHDRAW)));
    say(t, MSG_NOT_FOUND, NO_ARGS);
    if (!question_is_about_it) {
        restate(t);
        return NULL;
    }
    leave_edit(t);
    d->view_id = d->extras_id = 0;
    go(t, ST_RETURN);
    return NULL;
}

static bool editable(const struct initiative *i)
{
    return strcmp(i->status, STATUS_SUBMITTED) == 0 || strcmp(i->status, STATUS_RETURNED) == 0;
}

static struct initiative_patch *patch_new(struct talk *t, int64_t id, const char *field, const char *value)
{
    struct initiative_patch *p = must(talloc_zero(t->ctx, struct initiative_patch));
    *p = (struct initiative_patch){.next = t->out->patches, .user_id = t->in->msg->user_id,
                                   .revision_id = t->in->new_id(t->in->new_id_ctx), .initiative_id = id,
                                   .field = field, .value = value};
    t->out->patches = p;
    return p;
}

bool patch_add(struct talk *t, int64_t initiative_id, const char *field, const char *value, int64_t number,
               const char *benefit_kind)
{
    const struct initiative *i = initiative_of(t, initiative_id);
    if (!i)
        return false;
    if (!editable(i)) {
        leave_edit(t);
        lead(t, MSG_EDIT_LOCKED_NOW, NO_ARGS);
        go(t, ST_RETURN);
        return false;
    }
    struct initiative_patch *p = patch_new(t, initiative_id, field, value);
    p->number = number;
    p->benefit_kind = benefit_kind;
    return true;
}

/* ---- the list ---- */

/* "Bản nháp" counts the active one and those put aside. */
static int draft_count(const struct talk *t)
{
    const struct draft *active = &t->d->draft;
    int n = active->id && (active->title || active->partial);
    for (const struct parked_draft *p = t->in->drafts; p; p = p->next)
        n += p->id != active->id;
    return n;
}

static const char *list_lines(struct talk *t, int from)
{
    char *list = must(talloc_strdup(t->ctx, ""));
    int at = 0, n = 0;
    memset(t->d->choice, 0, sizeof(t->d->choice));
    for (const struct initiative *i = t->in->initiatives; i && n < PAGE; i = i->next) {
        if (at++ < from)
            continue;
        const char *title = must(text_short(t->ctx, str_of(i->title), TITLE_SHORT));
        t->d->choice[n] = (struct choice){i->id, title};
        n++;
        list = must(talloc_asprintf_append(list, "%s%s", n > 1 ? "\n" : "",
                                           words(t, MSG_LIST_LINE, ARGS({"i", fmt(t, "%d", n)}, {"title", title},
                                                                        {"status", status_label(t, i->status)}))));
    }
    return list;
}

static bool list_loaded(struct talk *t)
{
    return need(t, NEED_INITIATIVES | NEED_DRAFTS);
}

void ask_list(struct talk *t)
{
    struct dialog *d = t->d;
    if (!list_loaded(t))
        return;
    int64_t total = t->in->initiative_total;
    if ((int64_t)d->list_page * PAGE >= total)
        d->list_page = 0;
    const char *list = list_lines(t, d->list_page * PAGE);
    bool edit = d->list_for && strcmp(d->list_for, "edit") == 0;
    bool withdraw = d->list_for && strcmp(d->list_for, "withdraw") == 0;
    const char *question = message_get(edit       ? MSG_LIST_FOR_EDIT
                                       : withdraw ? MSG_LIST_FOR_WITHDRAW
                                                  : MSG_LIST_FOR_VIEW)->text;
    int drafts = draft_count(t);
    ask(t, total > 0 ? MSG_LIST_MINE : MSG_LIST_EMPTY,
        ARGS({"n", fmt(t, "%lld", (long long)total)},
             {"nhap", drafts ? words(t, MSG_LIST_DRAFTS, ARGS({"k", fmt(t, "%d", drafts)})) : NULL}, {"danh_sach", list},
             {"cau_hoi", question},
             {"xem_them", total > PAGE ? message_get(MSG_LABEL_MORE)->text : NULL},
             {"lam_tiep", drafts ? message_get(MSG_LABEL_RESUME)->text : NULL}));
}

enum state list_more(struct talk *t)
{
    t->d->list_page++;
    return ST_NONE;
}

/* Beside another question the list is shown with a button per initiative, because a number would answer the question. */
static void list_beside(struct talk *t)
{
    const char *list = list_lines(t, 0);
    const char *label[PAGE] = {0}, *id[PAGE] = {0};
    for (int i = 0; i < PAGE && t->d->choice[i].id; i++) {
        label[i] = words(t, MSG_LABEL_VIEW, ARGS({"i", fmt(t, "%d", i + 1)}));
        id[i] = fmt(t, "%lld", (long long)t->d->choice[i].id);
    }
    say(t, MSG_LIST_BESIDE,
        ARGS({"n", fmt(t, "%lld", (long long)t->in->initiative_total)}, {"danh_sach", list}, {"xem1", label[0]},
             {"xem2", label[1]}, {"xem3", label[2]}, {"xem4", label[3]}, {"xem5", label[4]}, {"id1", id[0]}, {"id2", id[1]},
             {"id3", id[2]}, {"id4", id[3]}, {"id5", id[4]}));
    memset(t->d->choice, 0, sizeof(t->d->choice));
    restate(t);
}

void cmd_list_mine(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!list_loaded(t))
        return;
    t->d->list_for = NULL;
    t->d->list_page = 0;
    bool beside = pending(t) && !(flow[t->state].flags & F_EXCURSION) && t->state != ST_DRAFT_CHOICE;
    bool writing = consented(t) && beside && (t->d->draft.title || t->d->draft.partial);
    if (writing && t->in->initiative_total == 0) {
        lead(t, MSG_LIST_NONE_SENT, NO_ARGS);
        restate(t);
    } else if (!consented(t) || (t->in->initiative_total == 0 && (beside || !draft_count(t)))) {
        say(t, MSG_LIST_EMPTY, NO_ARGS);
        restate(t);
    } else if (beside) {
        list_beside(t);
    } else {
        go(t, ST_LIST);
    }
}

enum answer read_list(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    int64_t id = choice_named(t, text);
    if (!id)
        return ANS_UNCLEAR;
    d->view_id = id;
    if (!d->list_for)
        return ANS_OK;
    if (strcmp(d->list_for, "edit") == 0)
        cmd_edit_of(t, id, EDIT_ANY);
    else
        go(t, ST_WITHDRAW);
    return ANS_HANDLED;
}

/* ---- one in full ---- */

static const char *author_names(struct talk *t)
{
    char *names = NULL;
    for (const struct initiative_author *a = t->in->authors; a; a = a->next)
        names = names ? must(talloc_asprintf_append(names, ", %s %d%%", a->name, a->share_pct))
                      : fmt(t, "%s %d%%", a->name, a->share_pct);
    return names;
}

/* With `buttons` it is the question of ST_DETAIL, without it stands beside another question.
 * @return false when there is nothing to show (yet). */
static bool show(struct talk *t, int64_t id, bool buttons)
{
    t->out->need_id = id;
    if (!need(t, NEED_INITIATIVE | NEED_AUTHORS))
        return false;
    const struct initiative *i = initiative_of(t, id);
    if (!i)
        return false;
    struct benefit b = {.kind = i->benefit_kind, .vnd = i->annual_benefit_vnd, .text = i->benefit_text};
    const char *authors = author_names(t);
    const char *unit = i->unit_name ? i->unit_name : i->unit_text;
    bool open = editable(i) && buttons;
    const struct message_arg args[] = {
        {"title", i->title},
        {"code", i->code},
        {"date", date_of(t, i->submitted_at_ms)},
        {"status", status_label(t, i->status)},
        {"benefit_line", benefit_line(t, &b)},
        {"unit", unit},
        {"description", i->description},
        {"tac_gia", authors ? words(t, MSG_DETAIL_AUTHORS, ARGS({"authors", authors})) : NULL},
        {"tep", i->evidence_count ? words(t, MSG_SUMMARY_EVIDENCE,
                                          ARGS({"n", fmt(t, "%lld", (long long)i->evidence_count)})) : NULL},
        {"ghi_chu", i->review_note ? words(t, MSG_DETAIL_NOTE, ARGS({"review_note", i->review_note})) : NULL},
        {"sua", open ? message_get(MSG_LABEL_EDIT)->text : NULL},
        {"rut", open ? message_get(MSG_LABEL_WITHDRAW)->text : NULL},
        {"hoi", buttons ? message_get(MSG_LABEL_ASK_STAFF)->text : NULL},
        {"quay_lai", buttons ? message_get(MSG_LABEL_BACK)->text : NULL},
    };
    (buttons ? ask : say)(t, MSG_DETAIL, args, ARRAY_LEN(args));
    return true;
}

void ask_detail(struct talk *t)
{
    show(t, t->d->view_id, true);
}

void cmd_view(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    if (!consented(t)) {
        say(t, MSG_LIST_EMPTY, NO_ARGS);
        restate(t);
    } else if (pending(t) && !(flow[t->state].flags & F_EXCURSION)) {
        if (show(t, arg, false))
            restate(t);
    } else if (initiative_of(t, arg)) {
        t->d->view_id = arg;
        go(t, ST_DETAIL);
    }
}

/* ---- corrections ---- */

void cmd_edit_of(struct talk *t, int64_t arg, enum edit_field field)
{
    struct dialog *d = t->d;
    if (!consented(t)) {
        say(t, MSG_LIST_EMPTY, NO_ARGS);
        restate(t);
        return;
    }
    const struct initiative *i = initiative_of(t, arg);
    if (!i)
        return;
    if (!editable(i)) {
        say(t, MSG_EDIT_LOCKED, NO_ARGS);
        restate(t);
        return;
    }
    if (pending(t) && !(flow[t->state].flags & F_EXCURSION) && !d->edit_id)
        d->interrupted = state_name(t->state);
    d->view_id = d->edit_id = arg;
    d->edit_partial = NULL;
    go_edit(t, field == EDIT_ANY ? returned_field(i) : field);
}

enum state detail_edit(struct talk *t)
{
    cmd_edit_of(t, t->d->view_id, EDIT_ANY);
    return ST_STAY;
}

enum state edit_kept(struct talk *t)
{
    lead(t, MSG_KEPT, NO_ARGS);
    return ST_NONE;
}

/* ---- the wish to withdraw: goes to a person ---- */

void cmd_withdraw(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!list_loaded(t))
        return;
    if (!consented(t) || t->in->initiative_total == 0) {
        say(t, MSG_LIST_EMPTY, NO_ARGS);
        restate(t);
        return;
    }
    t->d->list_page = 0;
    t->d->list_for = "withdraw";
    go(t, ST_LIST);
}

void ask_withdraw(struct talk *t)
{
    const struct initiative *i = initiative_of(t, t->d->view_id);
    if (i)
        ask(t, MSG_WITHDRAW_ASK,
            ARGS({"title", must(text_short(t->ctx, str_of(i->title), 80))}, {"code", i->code}));
}

enum state withdraw_wished(struct talk *t)
{
    const struct initiative *i = initiative_of(t, t->d->view_id);
    if (!i)
        return ST_STAY;
    bool was_open;
    if (!ticket_open(t, "withdraw", i->code, i->id, &was_open))
        return ST_STAY;
    if (editable(i))
        patch_new(t, i->id, "withdraw_wish", "true");
    lead(t, MSG_WITHDRAW_WISHED, ARGS({"code", i->code}));
    return ST_NONE;
}
