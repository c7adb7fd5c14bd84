/* Who somebody is: consent first, then the full name and the union unit. */
#include <utf8proc.h>

#include "say.h"
#include "reading/intent.h"
#include "reading/phrase.h"
#include "reading/text.h"

/* ---- consent ---- */

bool consent_first(struct talk *t, const char *wanted)
{
    if (consented(t))
        return true;
    t->d->wanted = wanted; /* a command's name, none of the person's words */
    go(t, ST_CONSENT);
    return false;
}

enum state consent_given(struct talk *t)
{
    struct dialog *d = t->d;
    const char *wanted = d->wanted;
    t->person.consent_at_ms = t->in->now_ms;
    t->person.consent_version = t->in->privacy_version;
    person_changed(t);
    d->wanted = NULL;
    if (wanted && strcmp(wanted, "human") == 0) {
        t->state = ST_MENU; /* the consent has been given: it is not what the talk returns to */
        cmd_human(t, 0, EDIT_ANY);
        return ST_STAY;
    }
    start_draft(t);
    return ST_ONWARD;
}

enum state consent_refused(struct talk *t)
{
    t->d->wanted = NULL;
    lead(t, MSG_CONSENT_DECLINED, NO_ARGS);
    return ST_MENU;
}

/* ---- name ---- */

void ask_name(struct talk *t)
{
    if (t->person.full_name && t->d->editing)
        ask(t, MSG_EDIT_SHOW_OLD, ARGS({"old", t->person.full_name}));
    else
        ask(t, MSG_ASK_NAME, NO_ARGS);
}

/* Letters and marks of any script, and what stands inside names: blank, hyphen, apostrophe, dot. */
static bool looks_like_name(struct str s)
{
    size_t letters = 0;
    while (s.n) {
        utf8proc_int32_t c;
        utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)s.p, (utf8proc_ssize_t)s.n, &c);
        if (n <= 0)
            return false;
        utf8proc_category_t category = utf8proc_category(c);
        bool letter = category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
        bool mark = category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
        if (!letter && !mark && c != ' ' && c != '-' && c != '\'' && c != '.' && c != 0x2019)
            return false;
        letters += letter;
        s = str_skip(s, (size_t)n);
    }
    return letters >= NAME_CHARS_MIN;
}

/* "tên gì", "ghi tên công ty nào": a question is asked again, once: somebody may be called so. */
static bool asks_back(struct talk *t, const char *text)
{
    size_t n = strlen(text);
    bool nhi = n > 4 && strcmp(text + n - 4, " nhi") == 0; /* a name, and nhỉ without its marks */
    return t->d->misses == 0 && !nhi && phrase_is_question(t->ctx, text);
}

enum answer read_name(struct talk *t, const char *text)
{
    text = phrase_without_preface(t->ctx, text);
    size_t chars = text_chars(str_of(text));
    if (chars < NAME_CHARS_MIN || chars > NAME_CHARS_MAX || !looks_like_name(str_of(text)) || asks_back(t, text))
        return ANS_UNCLEAR;
    if (!strchr(text, ' ') && !t->d->name_asked) {
        t->d->name_asked = true;
        say(t, MSG_NAME_FULL, NO_ARGS);
        return ANS_HANDLED;
    }
    t->d->name_asked = false;
    t->person.full_name = text;
    person_changed(t);
    return ANS_OK;
}

/* ---- unit ---- */

static void forget_choices(struct talk *t)
{
    memset(t->d->choice, 0, sizeof(t->d->choice));
    t->d->unit_typed = NULL;
}

/* The unit goes to the initiative being edited, to the draft when its summary is being corrected, else to the person. */
static bool unit_take(struct talk *t, int64_t id, const char *name, const char *typed)
{
    struct dialog *d = t->d;
    if (d->edit_id) {
        if (!patch_add(t, d->edit_id, "unit", id ? name : typed, id, NULL))
            return false;
    } else if (d->editing && d->draft.id) {
        d->draft.unit_id = id;
        d->draft.unit_text = id ? NULL : typed;
        d->draft.unit_name = id ? name : typed;
    } else {
        t->person.unit_id = id;
        t->person.unit_text = id ? NULL : typed;
        t->person.unit_name = id ? name : typed;
        person_changed(t);
    }
    forget_choices(t);
    lead(t, MSG_UNIT_TAKEN, ARGS({"unit", id ? name : typed}));
    return true;
}

void ask_unit(struct talk *t)
{
    const struct dialog *d = t->d;
    const char *old = d->draft.unit_name ? d->draft.unit_name : t->person.unit_name;
    if (d->edit_id) {
        const struct initiative *i = initiative_of(t, d->edit_id);
        old = i ? i->unit_name : NULL;
    }
    if (old && (d->editing || d->edit_id))
        ask(t, MSG_EDIT_SHOW_UNIT, ARGS({"old", old}));
    else
        ask(t, MSG_ASK_UNIT, NO_ARGS);
}

void ask_unit_pick(struct talk *t)
{
    char *list = must(talloc_strdup(t->ctx, ""));
    for (int i = 0; i < CHOICES_MAX && t->d->choice[i].id; i++)
        list = must(talloc_asprintf_append(list, "%s%d. %s", i ? "\n" : "", i + 1, t->d->choice[i].name));
    ask(t, MSG_UNIT_CANDIDATES, ARGS({"danh_sach", list}));
}

void ask_unit_unknown(struct talk *t)
{
    ask(t, MSG_UNIT_NOT_FOUND, ARGS({"unit", t->d->unit_typed}));
}

enum answer read_unit_name(struct talk *t, const char *text, const struct unit_match **ret)
{
    struct dialog *d = t->d;
    size_t chars = text_chars(str_of(text));
    if (chars < UNIT_CHARS_MIN || chars > UNIT_CHARS_MAX || strchr(text, '\n'))
        return ANS_UNCLEAR;
    t->out->need_text = text;
    if (!need(t, NEED_UNITS))
        return ANS_HANDLED;
    const struct unit_match *m = t->in->units;
    size_t n = t->in->unit_count < CHOICES_MAX ? t->in->unit_count : CHOICES_MAX;
    *ret = m;
    if (n > 0 && m[0].score_pct == 100 && (n == 1 || m[1].score_pct < 100))
        return ANS_OK;
    forget_choices(t);
    for (size_t i = 0; i < n; i++) {
        const char *parent = m[i].parent_name;
        const char *name = parent ? fmt(t, "%s (%s)", m[i].name, parent) : m[i].name;
        d->choice[i] = (struct choice){m[i].id, must(text_short(t->ctx, str_of(name), 120))};
    }
    return n ? ANS_LIST : ANS_NONE_FOUND;
}

enum answer read_unit(struct talk *t, const char *text)
{
    if (asks_back(t, text))
        return ANS_UNCLEAR;
    const struct unit_match *m;
    enum answer answer = read_unit_name(t, text, &m);
    if (answer == ANS_OK)
        return unit_take(t, m->id, m->name, NULL) ? ANS_OK : ANS_HANDLED;
    if (answer == ANS_LIST || answer == ANS_NONE_FOUND)
        t->d->unit_typed = text;
    return answer;
}

enum answer read_unit_pick(struct talk *t, const char *text)
{
    const char *key = must(text_key(t->ctx, str_of(text)));
    size_t digits = strspn(key, "0123456789");
    if (digits && (!key[digits] || strcmp(key + digits, ".") == 0)) {
        if (digits > 1 || key[0] < '1' || key[0] > '0' + CHOICES_MAX || !t->d->choice[key[0] - '1'].id)
            return ANS_UNCLEAR;
        struct choice c = t->d->choice[key[0] - '1'];
        return unit_take(t, c.id, c.name, NULL) ? ANS_OK : ANS_HANDLED;
    }
    if (!t->d->choice[1].id && intent_read(str_of(text), SCENE_CONFIRM, true).intent == INTENT_YES) { /* the only one: "đúng rồi" */
        struct choice c = t->d->choice[0];
        return unit_take(t, c.id, c.name, NULL) ? ANS_OK : ANS_HANDLED;
    }
    return read_unit(t, text);
}

enum state unit_as_typed(struct talk *t)
{
    const char *typed = t->d->unit_typed;
    if (!typed)
        return ST_UNIT;
    return unit_take(t, 0, NULL, typed) ? field_taken(t) : ST_STAY;
}
