/* One turn: what the dialogue is given and what it answers.
 *
 * dialogue_turn() is a pure function: no I/O, no clock, no randomness of its own.  Everything it decides comes back in
 * struct turn_output and is saved in one transaction together with the replies.
 *
 * What only some turns need (a list of initiatives, unit candidates) is asked for with turn_need(): when it is not there
 * yet the turn is abandoned, the pipeline loads it for all turns of the batch at once and calls dialogue_turn() again. */
#ifndef SANGKIEN_HANDLERS_TURN_H
#define SANGKIEN_HANDLERS_TURN_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "hours.h"
#include "inbound.h"
#include "rows.h"

enum need {
    NEED_INITIATIVES = 1 << 0, /* input->initiatives: the person's, newest first, at most 100 (without description) */
    NEED_INITIATIVE = 1 << 1,  /* input->initiative: the one with output->need_id, in full; NULL when it is not theirs */
    NEED_UNITS = 1 << 2,       /* input->units: best matches of output->need_text, best first, at most 5 */
    NEED_DRAFTS = 1 << 3,      /* input->drafts: parked drafts, newest first */
    NEED_TICKET = 1 << 4,      /* input->tickets: the person's open and last ones, newest first */
    NEED_AUTHORS = 1 << 5,     /* input->authors: co-authors of the initiative output->need_id */
    NEED_COLLEAGUE = 1 << 6,   /* input->colleague: the one person in the same unit whose folded name is need_text, or NULL */
    NEED_MY_DATA = 1 << 7,     /* input->my_data: what is kept about the person, counted */
    NEED_EVIDENCE = 1 << 8,    /* input->evidence_count: pieces of the draft or initiative output->need_id */
    NEED_GRANTS = 1 << 9,      /* input->grants: the roles the person holds now */
    NEED_INVITE = 1 << 10,     /* input->invite: the invitation whose code is need_text, used up by this turn; NULL when there is none */
    NEED_CANNED = 1 << 11,     /* input->canned: canned answers found by the words need_text ("": any), best first, at most 10 */
    NEED_CANNED_ONE = 1 << 12, /* input->canned_one: the one with need_id, or NULL */
    NEED_CANNED_OFFER = 1 << 13, /* input->canned_offer: the one for a question like need_text, or NULL */
    NEED_REMINDERS = 1 << 14, /* input->reminders: what the person hears unasked this week, the reminder in hand among it */
    NEED_WAVES = 1 << 16,        /* input->waves: of all campaigns, by their first day */
    NEED_REVIEW_CARD = 1 << 17, /* input->review_card: the initiative with the code need_text, when it is this reviewer's to see */
    NEED_REVIEW_NEXT = 1 << 18, /* input->review_next: the next of the queue, his for half an hour by this turn; NULL: none waits */
    NEED_REVIEW_OTHER = 1 << 19, /* input->review_other: the code need_text when there is such an initiative, or NULL */
    /* Support: a worker's turn */
    NEED_TICKET_START = 1 << 24, /* input->ticket_number, fresh, and input->answer_minutes */
    NEED_CONTACTS = 1 << 25,     /* input->contacts: on duty for unit output->need_id, best first */
    NEED_CHIEFS = 1 << 26,       /* input->chiefs: organizers and unit admins above unit output->need_id */
    /* ... a contact's */
    NEED_CASE = 1 << 27,   /* input->ticket_case: the ticket with the number output->need_id if the person may see it, or NULL */
    NEED_QUEUE = 1 << 28,  /* input->queue: the person's open tickets and unassigned ones, oldest first */
    NEED_QUOTED = 1 << 29, /* input->quoted: the ticket (user_id, id, number) that message need_text belongs to, or NULL */
};

struct my_data {
    int64_t messages, initiatives, drafts, evidence, tickets;
    int64_t oldest_message_at_ms;
};

/* A wave that is over. */
struct wave_end {
    const char *name;    /* NULL: there is none, or another one runs */
    const char *ends_on; /* its last day, 31/08/2023 */
    int64_t closes_at_ms;
};

/* Settings support.* and hours.*. */
struct support_rules {
    const struct hours *hours;
    const struct holidays *holidays;
    int answer_minutes, wait_minutes, silence_minutes, admin_minutes;
};

struct turn_input {
    const struct inbound *msg;
    int64_t now_ms;
    bool late; /* older than what already took effect, and not in order of arrival (design 4, late events) */
    const struct person *person;
    const struct conversation *conv;
    int64_t (*new_id)(void *ctx); /* unique 64-bit ids, ascending in time */
    void *new_id_ctx;
    const char *next_code; /* a receipt code nobody else has; spent when output->code_used */
    const char *privacy_version;
    const struct wave_end *wave_end; /* the one that ended last when none runs; may be NULL */
    int quiet_ms; /* setting chat.quiet_ms: how long a burst must be quiet before it is answered */
    int messages_per_minute; /* setting chat.per_minute: more from one person are not answered; 0: no bound */
    int message_days; /* setting retention.message_days, for the privacy text */
    struct support_rules support;

    /* What turn_need() loads; meaningful when the bit is set in `loaded`. */
    unsigned loaded;
    const struct initiative *initiatives; /* list */
    int64_t initiative_total;
    const struct initiative *initiative;
    const struct unit_match *units;
    size_t unit_count;
    const struct parked_draft *drafts; /* list */
    const struct ticket *tickets; /* list */
    const struct initiative_author *authors; /* list */
    const char *colleague_user_id;
    const struct my_data *my_data;
    int64_t evidence_count, reminders;
    const struct role_grant *grants; /* list */
    const struct invite *invite;
    const struct canned_answer *canned; /* list */
    const struct canned_answer *canned_one, *canned_offer;
    const struct wave_row *waves; /* list */
    const char *review_other;
    const struct review_card *review_card, *review_next;
    int64_t ticket_number;
    int answer_minutes; /* median of first answers, in staff hours; 0: too few to tell */
    const struct contact *contacts, *chiefs; /* lists */
    const struct ticket_case *ticket_case;
    const struct ticket_case *queue; /* list */
    const struct ticket *quoted;
};

/* A search for initiatives like this draft: a job behind the turn, whose finding comes back as mail of kind "similar_found". */
struct similar_wish {
    int64_t draft_id;
    uint64_t text_hash; /* comes back with the finding: it is about this wording */
    const char *title, *description;
};

/* Work behind the turn (bot/jobs.h), whose result comes back as mail of kind "job_done". */
struct job_wish {
    struct job_wish *next;
    const char *kind;
    const char *args; /* JSON object */
};

struct turn_output {
    /* Asked for; everything else is ignored when this is not 0. */
    unsigned needs;
    const char *need_text;
    int64_t need_id;

    const char *state; /* NULL: unchanged */
    const char *draft; /* NULL: unchanged */
    const struct person *person; /* NULL: unchanged, else the whole new row */
    bool code_used;
    const char *owner; /* NULL: unchanged; "bot", "user:<id>", "admin:<id>": who has the conversation from now on */
    int64_t owner_until_ms;
    bool drop_replies; /* the bot's prompts that nobody has begun to send are dropped: a person takes the conversation */
    enum { DUTY_UNCHANGED = 0, DUTY_ON, DUTY_OFF } duty;
    bool erase; /* erase this person (words, transcript, files; counts of initiatives stay), then apply the rest */

    struct reply *replies; /* in order of sending */
    struct initiative *new_initiatives;
    struct initiative_patch *patches;
    struct initiative_author *authors;      /* new ones */
    struct initiative_author *author_consents; /* consent changed; author_user_id or id names the row */
    struct evidence *evidence;
    struct parked_draft *parked;  /* inserted or replaced */
    struct parked_draft *dropped; /* deleted; also removes the draft's evidence */
    struct parked_draft *unparked; /* the row is deleted, its evidence stays: it is the active draft again */
    struct ticket *tickets; /* new or changed, each whole and once */
    struct ticket_message *ticket_messages;
    struct ticket_relay *relays;
    int64_t failed_message_id; /* an answer that did not arrive, and why */
    const char *failed_why;
    struct similar_signal *signals; /* for the reviewer, with an initiative of new_initiatives or before */
    const struct similar_wish *similar_wish; /* NULL: none; may go unanswered, so nothing may wait for it */
    struct role_grant *new_grants; /* from in->invite */
    struct audit_entry *audit;     /* in order */
    struct canned_answer *canned;  /* new, or in place of that of the same name */
    struct canned_answer *canned_dropped; /* by id */
    struct canned_use *canned_uses;
    bool secret; /* what was said gives access: it is not kept in the transcript */
    struct verdict *verdicts;        /* on this person's initiatives */
    struct review_away *review_aways; /* of any queue row that a reviewer's turn may touch */
    struct nudge_end nudge;
    struct mail *mail;
    struct job_wish *jobs;
    const char *note; /* for the log: the transition, e.g. "title -> description"; no personal data */
};

/** The next turn of the person's conversation.  `out` is zeroed by the caller; all it gets is owned by ctx. */
void dialogue_turn(TALLOC_CTX *ctx, const struct turn_input *in, struct turn_output *out);

/** True when `what` is loaded; otherwise notes the wish in `out` and the caller returns at once. */
bool turn_need(const struct turn_input *in, struct turn_output *out, unsigned what);

#endif
