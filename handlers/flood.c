/* Somebody writes faster than a person talks: one notice, then silence until it slows down.  Nothing is lost by it.
 *
 * Every message of a flood is in the transcript.  What is being collected (a description in many lines, pictures) is taken as
 * always, its answer is collected anyway; any other text waits for nobody: the question on show stays, and is answered by the
 * first message after a quiet minute. */
#include "reading/intent.h"
#include "ticket.h"

/* Each message moves flood_ms by its share of a minute; who is a minute ahead has used the minute up.  By the time it was
 * sent: what waited in the spool comes all at once and is no flood. */
static bool is_ahead(struct talk *t)
{
    int64_t at = t->in->msg->sent_at_ms, share = MINUTE_MS / t->in->messages_per_minute;
    if (at <= 0 || at > t->in->now_ms)
        at = t->in->now_ms;
    int64_t next = (t->d->flood_ms > at ? t->d->flood_ms : at) + share;
    bool ahead = next - at > MINUTE_MS;
    int64_t most = at + 2 * MINUTE_MS - share; /* a minute of quiet is enough, however long it lasted */
    t->d->flood_ms = next < most ? next : most;
    return ahead;
}

static bool is_plain_text(const struct inbound *msg)
{
    return msg->kind == IN_TEXT && msg->text && *msg->text && intent_read(str_of(msg->text), SCENE_MENU, false).intent != INTENT_OPTOUT;
}

enum flood flood_of(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    if (t->in->messages_per_minute <= 0 || t->d->staff || owned_by_a_person(t->in) /* a contact reads all of it */ || msg->kind < IN_TEXT || msg->kind > IN_CARD)
        return FLOOD_NONE;
    if (!is_ahead(t)) {
        t->d->flood_told = false;
        return FLOOD_NONE;
    }
    return is_plain_text(msg) && !(flow[t->state].flags & F_COLLECTS) ? FLOOD_HELD : FLOOD_QUIET;
}

/* Takes back what the turn said at once. @return whether there was anything. */
static bool take_back(struct talk *t)
{
    struct reply **at = &t->out->replies;
    bool any = t->lead != NULL;
    while (*at)
        if ((*at)->collapse_key) {
            at = &(*at)->next;
        } else {
            *at = (*at)->next;
            any = true;
        }
    t->reply_tail = at;
    t->lead = NULL;
    t->note[strlen(state_name(t->state)) + strlen(" -> ")] = '\0'; /* nor does the log say that it was said */
    return any;
}

void flood_hush(struct talk *t, enum flood flood, const struct dialog *before, enum state was)
{
    struct dialog *d = t->d;
    if (t->state != was)
        return; /* the talk went on: the new question has to be seen */
    if (take_back(t)) { /* the question on show is still the one from before, with its buttons */
        d->seq = before->seq;
        d->misses = before->misses;
        d->last_hash = before->last_hash;
        d->before_hash = before->before_hash;
        memcpy(d->shown, before->shown, sizeof(d->shown));
        memcpy(d->aside, before->aside, sizeof(d->aside));
    } else if (flood == FLOOD_QUIET) {
        return; /* collected, and answered once */
    }
    if (d->flood_told)
        return;
    d->flood_told = true;
    say(t, MSG_RATE_LIMITED, NO_ARGS);
    d->last_hash = before->last_hash;
    memcpy(d->aside, before->aside, sizeof(d->aside));
}
