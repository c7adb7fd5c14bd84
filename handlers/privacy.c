/* What is kept about a person and why, erasing it, and reminders off and on. */
#include "ticket.h"

void cmd_privacy(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, MSG_PRIVACY, ARGS({"days", fmt(t, "%d", t->in->message_days)}));
    restate(t);
}

void cmd_my_data(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consented(t)) {
        say(t, MSG_MY_DATA_NONE, NO_ARGS);
        restate(t);
        return;
    }
    if (!need(t, NEED_MY_DATA))
        return;
    const struct my_data *kept = t->in->my_data;
    const char *unit = t->person.unit_name ? t->person.unit_name : t->person.unit_text;
    int64_t drafts = kept->drafts + (t->d->draft.id && (t->d->draft.title || t->d->draft.partial));
    const char *blank = message_get(MSG_UNTOLD)->text;
    say(t, MSG_MY_DATA,
        ARGS({"name", t->person.full_name ? t->person.full_name : blank}, {"unit", unit ? unit : blank},
             {"phone", t->person.phone ? words(t, MSG_MY_DATA_PHONE, ARGS({"phone", t->person.phone})) : NULL},
             {"initiatives", fmt(t, "%lld", (long long)kept->initiatives)}, {"drafts", fmt(t, "%lld", (long long)drafts)},
             {"evidence", fmt(t, "%lld", (long long)kept->evidence)}, {"tickets", fmt(t, "%lld", (long long)kept->tickets)},
             {"messages", fmt(t, "%lld", (long long)kept->messages)},
             {"date", date_of(t, kept->oldest_message_at_ms ? kept->oldest_message_at_ms : t->in->now_ms)},
             {"consent_date", date_of(t, t->person.consent_at_ms)}));
    restate(t);
}

/* ---- erasure ---- */

void cmd_erase_me(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    go(t, ST_ERASE);
}

void erase_person(struct talk *t)
{
    t->out->erase = true;
    contact_leaves(t);
    if (t->out->needs)
        return;
    t->out->person = NULL;
    /* The last sentence knows nothing of the person any more. */
    *t->d = (struct dialog){
        .last_hash = t->d->last_hash, /* for the sentence below, which takes its place */
        .join_since_ms = t->d->join_since_ms, .join_tries = t->d->join_tries, /* or erasing oneself would buy new tries at codes */
    };
    t->person = (struct person){.user_id = t->in->msg->user_id, .follows = t->person.follows};
    t->lead = NULL;
    say(t, MSG_ERASED, NO_ARGS);
    go(t, ST_MENU);
}

enum state erased(struct talk *t)
{
    erase_person(t);
    return ST_STAY;
}

enum state erase_refused(struct talk *t)
{
    lead(t, MSG_ERASE_KEPT, NO_ARGS);
    return ST_NONE;
}

/* ---- reminders ---- */

void cmd_optout(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!t->person.opted_out_at_ms) {
        t->person.opted_out_at_ms = t->in->now_ms;
        person_changed(t);
    }
    say(t, MSG_OPTOUT_DONE, NO_ARGS);
    restate(t);
}

void cmd_optin(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    t->person.opted_out_at_ms = 0;
    person_changed(t);
    say(t, MSG_OPTIN_DONE, NO_ARGS);
    restate(t);
}
