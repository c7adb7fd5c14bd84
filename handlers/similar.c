/* Initiatives like the draft: the wish to search, what was found, what the draft's author says about it.
 *
 *   title and description are there -> wish -> (a job searches while the benefit is asked) -> mail "similar_found"
 *     -> ST_SIMILAR before the summary, or in its place when the finding comes late -> a choice -> the summary
 *
 * Nothing is refused and nothing waits for the search.  A choice is a word about the author's own initiative, kept for the
 * reviewer with it; the other initiative is never touched, but by its own author who confirms a co-author. */
#include <cjson/cJSON.h>

#include "say.h"
#include "scoped.h"
#include "reading/text.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { TITLE_SHORT = 60, UNIT_SHORT = 60, WORDS_SHORT = 60 };

/* ---- the wish ---- */

void similar_wish(struct talk *t)
{
    struct draft *draft = &t->d->draft;
    if (!draft->id || !draft->title || !draft->description || draft->for_user || !consented(t))
        return;
    uint64_t hash = str_hash(str_of(fmt(t, "%s\n%s", draft->title, draft->description)));
    if (hash == draft->similar_hash)
        return;
    draft->similar_hash = hash;
    struct similar_wish *wish = must(talloc_zero(t->ctx, struct similar_wish));
    *wish = (struct similar_wish){
        .draft_id = draft->id, .text_hash = hash, .title = draft->title, .description = draft->description};
    t->out->similar_wish = wish;
}

/* ---- the finding ---- */

/* By number where both are known to the tree, else by the name as it was typed. */
static bool is_own_unit(struct talk *t, int64_t unit_id, const char *unit)
{
    const struct draft *draft = &t->d->draft;
    bool own = !draft->unit_id && !draft->unit_text;
    int64_t id = own ? t->person.unit_id : draft->unit_id;
    if (unit_id && id)
        return unit_id == id;
    const char *name = own ? (t->person.unit_name ? t->person.unit_name : t->person.unit_text)
                           : (draft->unit_name ? draft->unit_name : draft->unit_text);
    return name && unit && same_words(t, name, unit);
}

static struct similar *found_before(struct draft *draft, const char *user_id, int64_t id)
{
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        if (draft->similar[i].id == id && strcmp(draft->similar[i].user_id, user_id) == 0)
            return &draft->similar[i];
    return NULL;
}

/* What was said about the same initiative before the wording changed still holds. */
static void keep_said(struct similar *s, const struct similar *before)
{
    s->choice = before->choice;
    s->asked = before->asked;
    s->reachable = s->reachable && before->reachable;
}

/* Whether the question on show is about something that is no longer there, or no longer in its place. */
static bool question_is_old(const struct talk *t, bool same_list)
{
    switch (t->state) {
    case ST_SIMILAR:
    case ST_SIMILAR_WHICH:
        return !same_list;
    case ST_SIMILAR_SAME:
        return !similar_chosen_as(&t->d->draft, CHOICE_SAME);
    case ST_SIMILAR_TOGETHER:
        return !similar_chosen_as(&t->d->draft, CHOICE_TOGETHER);
    default:
        return t->state == ST_CONFIRM && similar_open(&t->d->draft);
    }
}

bool similar_open(const struct draft *draft)
{
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        if (!draft->similar[i].choice)
            return true;
    return false;
}

void similar_found(struct talk *t, const cJSON *root)
{
    struct draft *draft = &t->d->draft;
    const char *hash = mail_text(t, root, "hash", 20);
    if (!draft->id || mail_id(root, "draft_id") != draft->id || !hash ||
        strcmp(hash, fmt(t, "%llx", (unsigned long long)draft->similar_hash)) != 0)
        return; /* about a wording of before, or filed meanwhile */
    struct similar found[SIMILAR_SHOWN_MAX] = {0};
    size_t n = 0;
    bool same_list = true;
    const cJSON *item, *list = cJSON_GetObjectItemCaseSensitive(root, "like");
    cJSON_ArrayForEach(item, list)
    {
        const cJSON *score = cJSON_GetObjectItemCaseSensitive(item, "score");
        struct similar s = {
            .user_id = mail_text(t, item, "user_id", 200),
            .id = mail_id(item, "id"),
            .code = mail_text(t, item, "code", 20),
            .title = mail_text(t, item, "title", TITLE_SHORT),
            .unit = mail_text(t, item, "unit", UNIT_SHORT),
            .words = mail_text(t, item, "words", WORDS_SHORT),
            .submitted_at_ms = mail_id(item, "submitted_at_ms"),
            .score = cJSON_IsNumber(score) ? score->valueint : 0,
            .reachable = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "reachable")),
        };
        if (!s.user_id || !s.id || !s.title || n == SIMILAR_SHOWN_MAX)
            continue;
        s.same_unit = is_own_unit(t, mail_id(item, "unit_id"), s.unit);
        const struct similar *before = found_before(draft, s.user_id, s.id);
        if (before)
            keep_said(&s, before);
        same_list = same_list && before == &draft->similar[n];
        found[n++] = s;
    }
    same_list = same_list && (n == SIMILAR_SHOWN_MAX || !draft->similar[n].id);
    memcpy(draft->similar, found, sizeof(found));
    if (question_is_old(t, same_list))
        go(t, ST_ONWARD);
}

/* ---- the question ---- */

static bool is_mine(const struct talk *t, const struct similar *s)
{
    return strcmp(s->user_id, t->in->msg->user_id) == 0;
}

/* Of another unit only title and unit; of the own unit nothing about the person either. */
static const char *line_of(struct talk *t, const struct similar *s)
{
    const char *why = s->words ? words(t, MSG_SIMILAR_WORDS, ARGS({"words", s->words})) : NULL;
    if (is_mine(t, s))
        return words(t, MSG_SIMILAR_MINE,
                     ARGS({"title", s->title}, {"code", s->code}, {"date", date_of(t, s->submitted_at_ms)}, {"why", why}));
    if (s->same_unit)
        return words(t, MSG_SIMILAR_SAME_UNIT, ARGS({"title", s->title}, {"why", why}));
    return words(t, MSG_SIMILAR_OTHER_UNIT,
                 ARGS({"title", s->title}, {"unit", s->unit ? s->unit : message_get(MSG_UNIT_UNTOLD)->text}, {"why", why}));
}

/* Which of those found a choice can be about: nobody marks other people's as the own, or works together with oneself. */
static bool can_be(const struct talk *t, const struct similar *s, enum answer choice)
{
    return choice == ANS_AGAIN || is_mine(t, s) == (choice == ANS_SAME);
}

static size_t count_of(const struct talk *t, enum answer choice)
{
    size_t n = 0;
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && t->d->draft.similar[i].id; i++)
        n += can_be(t, &t->d->draft.similar[i], choice);
    return n;
}

void ask_similar(struct talk *t)
{
    const struct draft *draft = &t->d->draft;
    const char *list = NULL;
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        list = fmt(t, "%s%s• %s", list ? list : "", list ? "\n" : "", line_of(t, &draft->similar[i]));
    ask(t, MSG_SIMILAR,
        ARGS({"danh_sach", list}, {"trung", count_of(t, ANS_SAME) ? message_get(MSG_LABEL_SIMILAR_SAME)->text : NULL},
             {"chung", count_of(t, ANS_TOGETHER) ? message_get(MSG_LABEL_SIMILAR_TOGETHER)->text : NULL}));
}

/* A numbered list; d->choice holds the place of each in draft.similar, counted from 1. */
void ask_similar_which(struct talk *t)
{
    struct dialog *d = t->d;
    const char *list = NULL;
    size_t n = 0;
    memset(d->choice, 0, sizeof(d->choice));
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && d->draft.similar[i].id; i++) {
        const struct similar *s = &d->draft.similar[i];
        if (!can_be(t, s, answer_named(d->similar_said)))
            continue;
        d->choice[n++] = (struct choice){(int64_t)i + 1, s->title};
        list = fmt(t, "%s%s%zu. %s", list ? list : "", list ? "\n" : "", n, line_of(t, s));
    }
    ask(t, MSG_SIMILAR_WHICH, ARGS({"danh_sach", list}));
}

/* The one that was chosen so last, or NULL. */
static const struct similar *chosen_as(const struct draft *draft, const char *choice)
{
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        if (draft->similar[i].choice && strcmp(draft->similar[i].choice, choice) == 0)
            return &draft->similar[i];
    return NULL;
}

bool similar_chosen_as(const struct draft *draft, const char *choice)
{
    return chosen_as(draft, choice) != NULL;
}

bool similar_answered(struct draft *draft, const char *user_id, int64_t id)
{
    struct similar *s = found_before(draft, user_id, id);
    if (!s || !s->asked)
        return false;
    s->reachable = false;
    return s->choice && strcmp(s->choice, CHOICE_TOGETHER) == 0;
}

void ask_similar_same(struct talk *t)
{
    const struct similar *s = chosen_as(&t->d->draft, CHOICE_SAME);
    ask(t, MSG_SIMILAR_SAME,
        ARGS({"cu", s ? s->title : NULL}, {"code", s ? s->code : NULL}, {"date", s ? date_of(t, s->submitted_at_ms) : NULL}));
}

/* ---- the choice ---- */

static void leave_others_unsaid(struct draft *draft)
{
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        if (!draft->similar[i].choice)
            draft->similar[i].choice = CHOICE_UNSAID;
}

/* The other author is asked, in a turn of his own (notes.c); only he can add a co-author to what is his. */
static void offer_authorship(struct talk *t, const struct similar *s)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "from", t->in->msg->user_id));
    must(cJSON_AddStringToObject(root, "initiative_id", fmt(t, "%lld", (long long)s->id)));
    must(cJSON_AddStringToObject(root, "author_id", fmt(t, "%lld", (long long)t->in->new_id(t->in->new_id_ctx))));
    must(cJSON_AddStringToObject(root, "name", t->person.full_name ? t->person.full_name : ""));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, s->user_id, "coauthor_offered", must(talloc_strdup(t->ctx, json)), t->in->now_ms);
}

static enum state choose(struct talk *t, struct similar *s, enum answer choice)
{
    struct draft *draft = &t->d->draft;
    enum state to = ST_ONWARD;
    if (choice == ANS_SAME) {
        s->choice = CHOICE_SAME;
        to = ST_SIMILAR_SAME;
    } else if (choice == ANS_TOGETHER) {
        s->choice = CHOICE_TOGETHER;
        if (s->reachable && !s->asked)
            offer_authorship(t, s);
        if (s->reachable)
            to = ST_SIMILAR_TOGETHER;
        else if (!s->asked)
            lead(t, MSG_SIMILAR_TOGETHER_NOTED, NO_ARGS);
        s->asked = s->asked || s->reachable;
    } else {
        s->choice = CHOICE_AGAIN;
        lead(t, MSG_SIMILAR_AGAIN_NOTED, NO_ARGS);
    }
    leave_others_unsaid(draft);
    return to;
}

enum state similar_different(struct talk *t)
{
    struct draft *draft = &t->d->draft;
    for (size_t i = 0; i < SIMILAR_SHOWN_MAX && draft->similar[i].id; i++)
        draft->similar[i].choice = CHOICE_DIFFERENT;
    lead(t, MSG_SIMILAR_DIFFERENT_NOTED, NO_ARGS);
    return ST_NONE;
}

enum state similar_unsaid(struct talk *t)
{
    leave_others_unsaid(&t->d->draft);
    return ST_NONE;
}

enum state similar_chosen(struct talk *t)
{
    struct draft *draft = &t->d->draft;
    size_t candidates = count_of(t, t->answer);
    if (candidates == 0) { /* typed, though no button offered it */
        miss(t);
        return ST_STAY;
    }
    t->d->similar_said = t->answer == ANS_SAME ? CHOICE_SAME : t->answer == ANS_TOGETHER ? CHOICE_TOGETHER : CHOICE_AGAIN;
    if (candidates > 1)
        return ST_SIMILAR_WHICH;
    size_t i = 0;
    while (!can_be(t, &draft->similar[i], t->answer))
        i++;
    return choose(t, &draft->similar[i], t->answer);
}

enum answer read_similar_which(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    int64_t place = choice_named(t, text);
    if (place < 1 || place > SIMILAR_SHOWN_MAX || !d->draft.similar[place - 1].id)
        return ANS_UNCLEAR;
    go(t, choose(t, &d->draft.similar[place - 1], answer_named(d->similar_said)));
    return ANS_HANDLED;
}

enum state similar_old_edited(struct talk *t)
{
    const struct similar *s = chosen_as(&t->d->draft, CHOICE_SAME);
    if (s)
        cmd_edit_of(t, s->id, EDIT_ANY);
    return ST_STAY;
}

/* ---- for the reviewer ---- */

struct similar_signal *similar_signals(struct talk *t, const struct draft *draft)
{
    struct similar_signal *first = NULL;
    for (size_t i = SIMILAR_SHOWN_MAX; i-- > 0;) {
        const struct similar *s = &draft->similar[i];
        if (!s->id)
            continue;
        struct similar_signal *signal = must(talloc_zero(t->ctx, struct similar_signal));
        *signal = (struct similar_signal){
            .next = first, .user_id = t->in->msg->user_id, .initiative_id = draft->id, .other_user_id = s->user_id, .other_id = s->id,
            .score = s->score, .same_unit = s->same_unit, .choice = s->choice ? s->choice : CHOICE_UNSAID};
        first = signal;
    }
    return first;
}
