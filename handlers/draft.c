/* The dialogue's memory as JSON: see draft.h.  One table per object says which member goes where. */
#include "draft.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"
#include "scoped.h"
#include "str.h"
#include "reading/text.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { DIALOG_BYTES_MAX = 256 * 1024 }; /* far above what the limits of draft.h allow */

enum member_type { MEMBER_TEXT, MEMBER_INT64, MEMBER_HASH, MEMBER_INT, MEMBER_BOOL };

struct member {
    const char *name;
    enum member_type type;
    size_t offset;
    int64_t max; /* characters of a text, largest int */
};

#define TEXT(s, field, chars) {#field, MEMBER_TEXT, offsetof(struct s, field), (chars)}
#define INT64(s, field) {#field, MEMBER_INT64, offsetof(struct s, field), INT64_MAX}
#define HASH(s, field) {#field, MEMBER_HASH, offsetof(struct s, field), 0}
#define INT(s, field, most) {#field, MEMBER_INT, offsetof(struct s, field), (most)}
#define BOOL(s, field) {#field, MEMBER_BOOL, offsetof(struct s, field), 1}
#define WORD 64      /* names of states, messages, actions */
#define SENTENCE 200 /* names of units, file names, titles */

static_assert(sizeof(enum period) == sizeof(int), "a period is read and written as an int");

static const struct member benefit_members[] = {
    TEXT(benefit, kind, WORD),
    TEXT(benefit, text, BENEFIT_TEXT_CHARS_MAX),
    INT64(benefit, vnd),
    INT64(benefit, unit_vnd),
    INT(benefit, period, PERIOD_COUNT - 1),
    INT(benefit, period_count, 5000),
};

static const struct member draft_members[] = {
    INT64(draft, id),
    TEXT(draft, title, TITLE_CHARS_MAX),
    TEXT(draft, description, DESCRIPTION_CHARS_MAX),
    TEXT(draft, partial, DESCRIPTION_CHARS_MAX),
    INT64(draft, unit_id),
    TEXT(draft, unit_text, UNIT_CHARS_MAX),
    TEXT(draft, unit_name, SENTENCE),
    TEXT(draft, step, WORD),
    INT64(draft, started_at_ms),
    INT(draft, evidence, EVIDENCE_MAX),
    TEXT(draft, for_user, SENTENCE),
    TEXT(draft, for_name, NAME_CHARS_MAX),
    INT64(draft, for_ticket),
    TEXT(draft, entered_by, SENTENCE),
    TEXT(draft, entered_by_name, NAME_CHARS_MAX),
    HASH(draft, similar_hash),
};

static const struct member similar_members[] = {
    TEXT(similar, user_id, SENTENCE),  INT64(similar, id),
    TEXT(similar, code, WORD),         TEXT(similar, title, SENTENCE),
    TEXT(similar, unit, SENTENCE),     TEXT(similar, words, SENTENCE),
    INT64(similar, submitted_at_ms),   INT(similar, score, 1000),
    BOOL(similar, same_unit),          BOOL(similar, reachable),
    BOOL(similar, asked),              TEXT(similar, choice, WORD),
};

static const struct member dialog_members[] = {
    BOOL(dialog, greeted),
    INT64(dialog, seq),
    INT64(dialog, prompted_at_ms),
    TEXT(dialog, question, WORD),
    INT(dialog, misses, 1000),
    HASH(dialog, last_hash),
    HASH(dialog, before_hash),
    INT64(dialog, collect_first_ms),
    INT64(dialog, collect_due_ms),
    TEXT(dialog, last_tap, 200),
    INT64(dialog, last_tap_ms),
    INT64(dialog, sticker_ms),
    INT(dialog, burst, EVIDENCE_MAX),
    TEXT(dialog, wanted, WORD),
    TEXT(dialog, interrupted, WORD),
    BOOL(dialog, editing),
    BOOL(dialog, name_asked),
    TEXT(dialog, fragment, TITLE_CHARS_MAX),
    TEXT(dialog, offered_title, TITLE_CHARS_MAX),
    INT64(dialog, title_at_ms),
    TEXT(dialog, last_code, WORD),
    BOOL(dialog, double_check),
    INT64(dialog, limit_vnd),
    INT(dialog, clarifications, 1000),
    TEXT(dialog, unit_typed, UNIT_CHARS_MAX),
    TEXT(dialog, similar_said, WORD),
    INT(dialog, list_page, 1000),
    TEXT(dialog, list_for, WORD),
    INT64(dialog, view_id),
    INT64(dialog, edit_id),
    TEXT(dialog, edit_partial, DESCRIPTION_CHARS_MAX),
    INT64(dialog, extras_id),
    INT64(dialog, ticket_id),
    INT64(dialog, noted_ms),
    INT64(dialog, ended_ms),
    {"ended_id", MEMBER_INT64, offsetof(struct dialog, ended.id), INT64_MAX},
    {"ended_name", MEMBER_TEXT, offsetof(struct dialog, ended.name), NAME_CHARS_MAX},
    BOOL(dialog, staff),
    INT64(dialog, flood_ms),
    BOOL(dialog, flood_told),
    TEXT(dialog, last_answer, ANSWER_CHARS_MAX),
    INT64(dialog, last_answer_number),
    INT(dialog, join_tries, 1000),
    INT64(dialog, join_since_ms),
    TEXT(dialog, asked, 500),
    TEXT(dialog, voice_url, 1000),
    INT64(dialog, answer_number),
    INT64(dialog, answer_ticket),
    TEXT(dialog, answer_worker, SENTENCE),
    TEXT(dialog, answer_name, NAME_CHARS_MAX),
    BOOL(dialog, answer_open),
    INT64(dialog, acked_ms),
    TEXT(dialog, broadcast_to, 500),
    INT64(dialog, broadcast_id),
};

static const struct member reviewing_members[] = {
    TEXT(reviewing, code, WORD),   BOOL(reviewing, chosen),         TEXT(reviewing, verdict, WORD),
    TEXT(reviewing, field, WORD),  TEXT(reviewing, reason, WORD),   TEXT(reviewing, note, SENTENCE * 2),
    TEXT(reviewing, other, WORD),  TEXT(reviewing, level, SENTENCE), TEXT(reviewing, day, WORD),
    INT64(reviewing, vnd),         INT64(reviewing, stamp),
};

static const struct member planning_members[] = {
    TEXT(planning, kind, WORD), INT64(planning, unit_id), INT64(planning, wave_id), TEXT(planning, unit_name, SENTENCE),
    TEXT(planning, wave_name, SENTENCE), TEXT(planning, campaign_name, SENTENCE), TEXT(planning, from, WORD), TEXT(planning, to, WORD), INT64(planning, number),
};

static const struct member choice_members[] = {INT64(choice, id), TEXT(choice, name, SENTENCE)};
static const struct member button_members[] = {TEXT(shown_button, label, SENTENCE), TEXT(shown_button, action, WORD)};
static const struct member coauthor_members[] = {TEXT(coauthor, name, NAME_CHARS_MAX), INT(coauthor, share_pct, 100)};
static const struct member offer_members[] = {INT64(offer, number), INT64(offer, answer_id)};
static const struct member spoken_members[] = {
    TEXT(spoken, text, 2000), TEXT(spoken, kind, WORD),          TEXT(spoken, url, 1000),
    TEXT(spoken, label, SENTENCE + 40), TEXT(spoken, document, SENTENCE),
};
static const struct member proposal_members[] = {
    INT64(proposal, id),          TEXT(proposal, field, WORD),
    TEXT(proposal, text, DESCRIPTION_CHARS_MAX), INT64(proposal, vnd),
    TEXT(proposal, from, SENTENCE), TEXT(proposal, from_name, NAME_CHARS_MAX),
};
static const struct member ask_members[] = {
    INT64(coauthor_ask, author_id),        INT64(coauthor_ask, initiative_id),
    TEXT(coauthor_ask, owner, SENTENCE),   TEXT(coauthor_ask, title, TITLE_CHARS_MAX),
    TEXT(coauthor_ask, name, NAME_CHARS_MAX), INT(coauthor_ask, share_pct, 100),
    BOOL(coauthor_ask, offered),
};

/* ---- reading ---- */

/* Limits hold for characters; a text is dropped rather than cut, so that nobody's words change unseen. */
static const char *read_text(TALLOC_CTX *ctx, const cJSON *item, int64_t max_chars)
{
    const char *s = cJSON_GetStringValue(item);
    if (!s || !*s || strlen(s) > (size_t)max_chars * 4)
        return NULL;
    const char *clean = text_clean(ctx, str_of(s)); /* only valid UTF-8 goes on from here */
    return clean && *clean && text_chars(str_of(clean)) <= (size_t)max_chars ? clean : NULL;
}

int64_t id_parse(const char *digits)
{
    if (!digits || !*digits || strspn(digits, "0123456789") != strlen(digits))
        return 0;
    errno = 0;
    long long n = strtoll(digits, NULL, 10);
    return errno ? 0 : n;
}

/* No number kept here is ever negative. */
static int64_t read_int64(const cJSON *item)
{
    return id_parse(cJSON_GetStringValue(item));
}

static uint64_t read_hash(const cJSON *item)
{
    const char *s = cJSON_GetStringValue(item);
    if (!s || !*s || strlen(s) > 16 || strspn(s, "0123456789abcdef") != strlen(s))
        return 0;
    return strtoull(s, NULL, 16);
}

static const struct member *member_named(const struct member *members, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (members[i].name[0] == name[0] && strcmp(members[i].name, name) == 0)
            return &members[i];
    return NULL;
}

static void read_members(TALLOC_CTX *ctx, const cJSON *object, const struct member *members, size_t n, void *base)
{
    const cJSON *members_of = cJSON_IsObject(object) ? object : NULL, *item;
    cJSON_ArrayForEach(item, members_of)
    {
        const struct member *m = member_named(members, n, item->string);
        if (!m)
            continue;
        void *field = (char *)base + m->offset;
        switch (m->type) {
        case MEMBER_TEXT:
            *(const char **)field = read_text(ctx, item, m->max);
            break;
        case MEMBER_INT64:
            *(int64_t *)field = read_int64(item);
            break;
        case MEMBER_HASH:
            *(uint64_t *)field = read_hash(item);
            break;
        case MEMBER_INT: {
            int64_t v = read_int64(item);
            *(int *)field = v > m->max ? 0 : (int)v;
            break;
        }
        case MEMBER_BOOL:
            *(bool *)field = cJSON_IsTrue(item);
            break;
        }
    }
}

#define READ(ctx, object, members, base) read_members((ctx), (object), (members), ARRAY_LEN(members), (base))

static void read_list(TALLOC_CTX *ctx, const cJSON *array, const struct member *members, size_t n, void *base, size_t size,
                      size_t most)
{
    size_t i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, array)
    {
        if (i == most || !cJSON_IsArray(array))
            return;
        read_members(ctx, item, members, n, (char *)base + i++ * size);
    }
}

#define READ_LIST(ctx, root, field, members)                                                                            \
    read_list((ctx), cJSON_GetObjectItemCaseSensitive((root), #field), (members), ARRAY_LEN(members), d->field,         \
              sizeof(d->field[0]), ARRAY_LEN(d->field))

/* The one of those words that it is, NULL for any other. */
static const char *one_of(const char *word, const char *const *known, size_t n)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp(word, known[i]) == 0)
            return known[i];
    return NULL;
}

static void read_benefit(TALLOC_CTX *ctx, const cJSON *object, struct benefit *ret)
{
    static const char *const kinds[] = {BENEFIT_MONEY, BENEFIT_NONMONETARY, BENEFIT_UNKNOWN};
    READ(ctx, object, benefit_members, ret);
    ret->kind = one_of(ret->kind, kinds, ARRAY_LEN(kinds));
}

static void read_draft(TALLOC_CTX *ctx, const cJSON *object, struct draft *d)
{
    static const char *const choices[] = {CHOICE_UNSAID, CHOICE_DIFFERENT, CHOICE_SAME, CHOICE_TOGETHER, CHOICE_AGAIN};
    READ(ctx, object, draft_members, d);
    read_benefit(ctx, cJSON_GetObjectItemCaseSensitive(object, "benefit"), &d->benefit);
    READ_LIST(ctx, object, similar, similar_members);
    size_t whole = 0; /* without its id or title one cannot be asked about */
    for (size_t i = 0; i < ARRAY_LEN(d->similar); i++) {
        struct similar s = d->similar[i];
        d->similar[i] = (struct similar){0};
        s.choice = one_of(s.choice, choices, ARRAY_LEN(choices));
        if (s.id && s.user_id && s.title)
            d->similar[whole++] = s;
    }
    if (!d->id)
        *d = (struct draft){0}; /* without its id a draft cannot be filed */
}

static cJSON *parse(const char *json)
{
    size_t n = json ? strnlen(json, DIALOG_BYTES_MAX + 1) : 0;
    return n && n <= DIALOG_BYTES_MAX ? cJSON_ParseWithLength(json, n) : NULL;
}

struct dialog *dialog_read(TALLOC_CTX *ctx, const char *json)
{
    struct dialog *d = talloc_zero(ctx, struct dialog);
    SCOPED(json) cJSON *root = parse(json);
    if (!d || !cJSON_IsObject(root))
        return d;
    READ(d, root, dialog_members, d);
    read_draft(d, cJSON_GetObjectItemCaseSensitive(root, "draft"), &d->draft);
    read_benefit(d, cJSON_GetObjectItemCaseSensitive(root, "reading"), &d->reading);
    READ(d, cJSON_GetObjectItemCaseSensitive(root, "review"), reviewing_members, &d->review);
    READ(d, cJSON_GetObjectItemCaseSensitive(root, "plan"), planning_members, &d->plan);
    static const char *const plans[] = {PLAN_TARGET, PLAN_WAVE, PLAN_CAMPAIGN};
    d->plan.kind = one_of(d->plan.kind, plans, ARRAY_LEN(plans));
    READ_LIST(d, root, choice, choice_members);
    READ_LIST(d, root, shown, button_members);
    READ_LIST(d, root, aside, button_members);
    READ_LIST(d, root, proposal, proposal_members);
    READ_LIST(d, root, offer, offer_members);
    READ_LIST(d, root, unsent, spoken_members);
    READ_LIST(d, root, coauthor, coauthor_members);
    READ_LIST(d, root, ask, ask_members);
    const cJSON *vnd = cJSON_GetObjectItemCaseSensitive(root, "choice_vnd");
    for (int i = 0; cJSON_IsArray(vnd) && i < (int)ARRAY_LEN(d->choice_vnd); i++)
        d->choice_vnd[i] = read_int64(cJSON_GetArrayItem(vnd, i));
    return d;
}

bool draft_read(TALLOC_CTX *ctx, const char *json, struct draft *ret)
{
    SCOPED(json) cJSON *root = parse(json);
    struct draft draft = {0};
    read_draft(ctx, root, &draft);
    if (!draft.id)
        return false;
    *ret = draft;
    return true;
}

/* ---- writing: what is zero is left out ---- */

static bool add_int64(cJSON *object, const char *name, int64_t v)
{
    if (v == 0)
        return true;
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)v);
    return cJSON_AddStringToObject(object, name, digits);
}

static bool add_members(cJSON *object, const struct member *members, size_t n, const void *base)
{
    for (size_t i = 0; i < n; i++) {
        const void *field = (const char *)base + members[i].offset;
        const char *name = members[i].name;
        bool ok = true;
        switch (members[i].type) {
        case MEMBER_TEXT: {
            const char *s = *(const char *const *)field;
            ok = !s || !*s || cJSON_AddStringToObject(object, name, s);
            break;
        }
        case MEMBER_INT64:
            ok = add_int64(object, name, *(const int64_t *)field);
            break;
        case MEMBER_HASH: {
            char hex[20];
            uint64_t v = *(const uint64_t *)field;
            if (v == 0)
                break;
            snprintf(hex, sizeof(hex), "%llx", (unsigned long long)v);
            ok = cJSON_AddStringToObject(object, name, hex);
            break;
        }
        case MEMBER_INT:
            ok = add_int64(object, name, *(const int *)field);
            break;
        case MEMBER_BOOL:
            ok = !*(const bool *)field || cJSON_AddTrueToObject(object, name);
            break;
        }
        if (!ok)
            return false;
    }
    return true;
}

#define ADD(object, members, base) add_members((object), (members), ARRAY_LEN(members), (base))

static bool add_list(cJSON *root, const char *name, const struct member *members, size_t n, const void *base, size_t size,
                     size_t count)
{
    if (!count)
        return true;
    cJSON *array = cJSON_AddArrayToObject(root, name);
    for (size_t i = 0; array && i < count; i++) {
        cJSON *item = cJSON_CreateObject();
        if (!item || !cJSON_AddItemToArray(array, item) || !add_members(item, members, n, (const char *)base + i * size))
            return false;
    }
    return array != NULL;
}

#define ADD_LIST(root, field, members, count)                                                                          \
    add_list((root), #field, (members), ARRAY_LEN(members), d->field, sizeof(d->field[0]), (count))

static bool add_benefit(cJSON *root, const char *name, const struct benefit *b)
{
    if (!b->kind && !b->text && !b->unit_vnd)
        return true;
    cJSON *object = cJSON_AddObjectToObject(root, name);
    return object && ADD(object, benefit_members, b);
}

/* Entries are filled from the front: the first empty one ends the list. */
#define FILLED(field, member)                                                                                           \
    ({                                                                                                                  \
        size_t n_ = 0;                                                                                                  \
        while (n_ < ARRAY_LEN(d->field) && d->field[n_].member)                                                         \
            n_++;                                                                                                       \
        n_;                                                                                                             \
    })

static bool add_draft(cJSON *object, const struct draft *d)
{
    return ADD(object, draft_members, d) && add_benefit(object, "benefit", &d->benefit) &&
           ADD_LIST(object, similar, similar_members, FILLED(similar, id));
}

static char *print(TALLOC_CTX *ctx, const cJSON *root)
{
    SCOPED(json_text) char *json = cJSON_PrintUnformatted(root);
    return json ? talloc_strdup(ctx, json) : NULL;
}

char *dialog_print(TALLOC_CTX *ctx, const struct dialog *d)
{
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    if (!root || !cJSON_AddStringToObject(root, "v", "1") || !ADD(root, dialog_members, d))
        return NULL;
    if (d->draft.id) {
        cJSON *draft = cJSON_AddObjectToObject(root, "draft");
        if (!draft || !add_draft(draft, &d->draft))
            return NULL;
    }
    if (d->review.code) {
        cJSON *review = cJSON_AddObjectToObject(root, "review");
        if (!review || !ADD(review, reviewing_members, &d->review))
            return NULL;
    }
    if (d->plan.kind) {
        cJSON *plan = cJSON_AddObjectToObject(root, "plan");
        if (!plan || !ADD(plan, planning_members, &d->plan))
            return NULL;
    }
    if (!add_benefit(root, "reading", &d->reading) || !ADD_LIST(root, choice, choice_members, FILLED(choice, id)) ||
        !ADD_LIST(root, shown, button_members, FILLED(shown, label)) ||
        !ADD_LIST(root, aside, button_members, FILLED(aside, label)) ||
        !ADD_LIST(root, coauthor, coauthor_members, FILLED(coauthor, name)) ||
        !ADD_LIST(root, offer, offer_members, FILLED(offer, number)) ||
        !ADD_LIST(root, unsent, spoken_members, FILLED(unsent, kind)) ||
        !ADD_LIST(root, proposal, proposal_members, FILLED(proposal, id)) ||
        !ADD_LIST(root, ask, ask_members, FILLED(ask, author_id)))
        return NULL;
    cJSON *vnd = d->choice_vnd[0] ? cJSON_AddArrayToObject(root, "choice_vnd") : NULL;
    for (size_t i = 0; vnd && i < ARRAY_LEN(d->choice_vnd); i++) {
        char digits[24];
        snprintf(digits, sizeof(digits), "%lld", (long long)d->choice_vnd[i]);
        cJSON *item = cJSON_CreateString(digits);
        if (!item || !cJSON_AddItemToArray(vnd, item))
            return NULL;
    }
    return print(ctx, root);
}

char *draft_print(TALLOC_CTX *ctx, const struct draft *draft)
{
    SCOPED(json) cJSON *root = cJSON_CreateObject();
    return root && add_draft(root, draft) ? print(ctx, root) : NULL;
}
