/* A supporter's text, picture or file that says nothing of whom it is for: he is asked, and what he sends meanwhile goes with it. */
#include "contact.h"
#include "reading/text.h"
#include "staff.h"

enum {
    SAYING_MS = 8000, /* what comes so soon after "for whom?" was written before that was read */
    UNSENT_SHOWN_CHARS = 60,
    ENDED_MS = 10 * 60 * 1000, /* so long somebody may not have noticed that his words go to nobody any more */
};

static struct choice choice_of(struct talk *t, int64_t number, const char *name)
{
    return (struct choice){number, fmt(t, "#%lld %s", (long long)number, name)};
}

static void forget_unsent(struct dialog *d)
{
    memset(d->unsent, 0, sizeof(d->unsent));
}

/* @return false when there is no room for one more. */
static bool keep_unsent(struct talk *t, const char *text)
{
    size_t i = 0;
    while (i < UNSENT_MAX && t->d->unsent[i].kind)
        i++;
    if (i == UNSENT_MAX)
        return false;
    t->d->unsent[i] = spoken_now(t, text ? must(text_short(t->ctx, str_of(text), TICKET_TEXT_CHARS)) : NULL);
    return true;
}

bool unaddressed_turn(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    if (!d->staff || !has_role(t, ROLE_SUPPORT) || !need(t, NEED_QUEUE))
        return t->out->needs != 0;
    int n = 0;
    memset(d->choice, 0, sizeof(d->choice));
    if (t->state == ST_ANSWERING)
        d->choice[n++] = choice_of(t, d->answer_number, d->answer_name);
    for (const struct ticket_case *c = t->in->queue; c && n < CHOICES_MAX; c = c->next)
        if (case_is_mine(t, c) && strcmp(c->ticket.state, TICKET_SNOOZED) != 0 && c->ticket.number != d->choice[0].id)
            d->choice[n++] = choice_of(t, c->ticket.number, asker_name(c));
    int in_list = 0;
    while (in_list < n && d->choice[in_list].id != d->ended.id)
        in_list++;
    if (d->ended.id && d->ended.name && in_list == n && n < CHOICES_MAX && t->in->now_ms - d->ended_ms < ENDED_MS)
        d->choice[n++] = choice_of(t, d->ended.id, d->ended.name);
    if (n == 0)
        return false;
    forget_unsent(d);
    keep_unsent(t, text);
    go(t, ST_WHOM);
    return true;
}

bool more_unaddressed(struct talk *t, const char *text)
{
    if (t->state != ST_WHOM || !keep_unsent(t, text))
        return false;
    go(t, ST_ASK);
    return true;
}

void ask_whom(struct talk *t)
{
    const char *list = NULL, *what = NULL;
    for (int i = 0; i < CHOICES_MAX && t->d->choice[i].id; i++)
        list = list ? fmt(t, "%s\n%d. %s", list, i + 1, t->d->choice[i].name) : fmt(t, "%d. %s", i + 1, t->d->choice[i].name);
    for (int i = 0; i < UNSENT_MAX && t->d->unsent[i].kind; i++) {
        const struct spoken *u = &t->d->unsent[i];
        const char *one = must(text_short(t->ctx, str_of(u->text ? u->text : u->label ? u->label : ""), UNSENT_SHOWN_CHARS));
        what = what ? fmt(t, "%s / %s", what, one) : one;
    }
    ask(t, MSG_STAFF_TO_WHOM, ARGS({"danh_sach", list}, {"tin", what}));
}

/* "1", "12" or "#12" where that is the ticket's number, "mai", "chị Mai" where one is called so. */
static int64_t whom_named(struct talk *t, const char *text)
{
    int64_t number = choice_named(t, text), found = 0;
    int64_t typed = id_parse(*text == '#' ? text + 1 : text);
    const char *key = fmt(t, " %s", (char *)must(text_key(t->ctx, str_of(text))));
    const char *said = strrchr(key, ' ') + 1; /* what one is called is the last word, of a name and of "gửi chị Mai" */
    for (int i = 0; !number && i < CHOICES_MAX && t->d->choice[i].id; i++) {
        const char *name = must(text_key(t->ctx, str_of(t->d->choice[i].name)));
        const char *called = strrchr(name, ' ');
        bool this_one = typed ? typed == t->d->choice[i].id : called && strcmp(called + 1, said) == 0;
        if (this_one && found)
            return 0; /* two are called so */
        found = this_one ? t->d->choice[i].id : found;
    }
    return number ? number : found;
}

static void send_unsent(struct talk *t, const struct ticket_case *c)
{
    for (int i = 0; i < UNSENT_MAX && t->d->unsent[i].kind; i++)
        pass_on(t, c, &t->d->unsent[i], NULL, true);
    forget_unsent(t->d);
    lead(t, MSG_STAFF_PASSING_ON, NO_ARGS);
}

void unsent_goes_to(struct talk *t, const struct ticket_case *c)
{
    send_unsent(t, c);
    go(t, answering_goes_on(t));
}

enum answer read_whom(struct talk *t, const char *text)
{
    int64_t number = whom_named(t, text);
    const struct ticket_case *c = number ? case_of(t, number) : NULL;
    if (c) {
        audit_add(t, "ticket_say", c->ticket.user_id, NULL);
        send_unsent(t, c);
    }
    if (number)
        return t->out->needs ? ANS_HANDLED : ANS_OK;
    return t->in->now_ms - t->d->prompted_at_ms < SAYING_MS && more_unaddressed(t, text) ? ANS_HANDLED : ANS_UNCLEAR;
}

enum state not_sent(struct talk *t)
{
    forget_unsent(t->d);
    lead(t, MSG_STAFF_NOT_SENT, NO_ARGS);
    return answering_goes_on(t);
}
