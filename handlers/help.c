/* Help for the step at hand, and the ways home: menu, back, skip. */
#include <assert.h>

#include "say.h"
#include "reading/phrase.h"
#include "reading/text.h"

enum { TITLE_WORDS_MIN = 3 };

void ask_menu(struct talk *t)
{
    ask(t, MSG_WELCOME, NO_ARGS);
}

static size_t word_count(const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p; p++)
        n += *p != ' ' && (p == text || p[-1] == ' ');
    return n;
}

/* A text without a command: perhaps the title of an initiative.  Kept only with consent. */
enum answer read_menu(struct talk *t, const char *text)
{
    struct str s = str_of(text);
    size_t chars = text_chars(s);
    if (!consented(t) || chars < TITLE_CHARS_MIN || chars > TITLE_CHARS_MAX || word_count(text) < TITLE_WORDS_MIN)
        return ANS_UNCLEAR;
    if (strchr(text, '\n') || phrase_is_question(t->ctx, text)) {
        t->d->asked = text; /* one tap passes it on */
        say(t, MSG_FALLBACK_OFFTOPIC, NO_ARGS);
        return ANS_HANDLED;
    }
    t->d->offered_title = text;
    return ANS_OK;
}

void cmd_help(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, flow[t->state].help, NO_ARGS);
    restate(t);
}

void cmd_help_what(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, MSG_HELP_WHAT, NO_ARGS);
    restate(t);
}

void cmd_help_amount(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, MSG_HELP_AMOUNT, NO_ARGS);
    restate(t);
}

/* The menu names an open draft first: nobody has to remember that there is one. */
void cmd_menu(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    bool draft = t->d->draft.id && t->d->draft.title && t->state != ST_DRAFT_CHOICE;
    go(t, draft ? ST_DRAFT_CHOICE : ST_MENU);
    if (!draft && t->spoke && t->state == ST_MENU && !t->d->shown[0].label)
        ask_menu(t);
}

void cmd_back(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    enum state back = flow[t->state].back;
    if (t->d->edit_id && t->state != ST_LIST && t->state != ST_DETAIL)
        go(t, field_kept(t));
    else if (t->d->editing && (flow[t->state].flags & (F_FIELD | F_AMOUNTS)))
        go(t, field_kept(t));
    else if (back == ST_MENU && t->d->draft.id && !(flow[t->state].flags & F_IDLE))
        cmd_cancel(t, 0, EDIT_ANY);
    else if (back != ST_NONE)
        go(t, back);
    else
        cmd_menu(t, 0, EDIT_ANY);
}

/* The states that may be skipped have a move for it; here are those that may not. */
void cmd_skip(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!pending(t)) {
        cmd_resume(t, 0, EDIT_ANY);
        return;
    }
    say(t, MSG_SKIP_NOT_ALLOWED, NO_ARGS);
    restate(t);
}

/* A courtesy, wherever it comes: answered as one, never taken for a title. */
void cmd_thanks(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, MSG_THANKS, NO_ARGS);
    if (pending(t))
        restate(t);
}
