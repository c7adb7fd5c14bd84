/* The rows that stores read and write, as C structs: what the database and the dialogue share.
 *
 * Strings are NUL-terminated UTF-8, children of the turn's talloc context; NULL is SQL null.  Times are epoch
 * milliseconds, 0 is null.  Lists are linked through `next` and saved set-based, a batch at a time. */
#ifndef SANGKIEN_DB_ROWS_H
#define SANGKIEN_DB_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct person {
    const char *user_id;
    const char *full_name; /* NULL until given after consent */
    const char *phone;
    int64_t unit_id;       /* 0: none chosen */
    const char *unit_text; /* as typed, when no known unit matched; NULL otherwise */
    const char *unit_name; /* read only: the name of unit_id, else unit_text */
    bool follows;
    int64_t opted_out_at_ms;
    int64_t consent_at_ms;
    const char *consent_version; /* which privacy text was agreed to */
    int64_t last_inbound_at_ms;
    int64_t created_at_ms;
};

struct conversation {
    const char *state; /* by name, see handlers/flow.c */
    const char *draft; /* JSON object: the active draft and the dialogue's own notes */
    const char *owner; /* "bot", "user:<id>", "admin:<id>" */
    int64_t owner_until_ms;
    int64_t last_event_at_ms; /* newest signed timestamp that took effect */
    int64_t version;
};

/* benefit_kind and status are stored by these words. */
#define BENEFIT_MONEY "money"
#define BENEFIT_NONMONETARY "nonmonetary"
#define BENEFIT_UNKNOWN "unknown"

#define STATUS_SUBMITTED "submitted"
#define STATUS_RETURNED "returned"
#define STATUS_VALID "valid"
#define STATUS_DUPLICATE "duplicate"
#define STATUS_REFUSED "refused"
#define STATUS_RECOGNISED "recognised"
#define STATUS_WITHDRAWN "withdrawn"

struct initiative {
    struct initiative *next;
    const char *user_id;
    int64_t id;       /* also the id its draft had */
    const char *code; /* receipt, SK-XXXXXX */
    const char *title, *description;
    int64_t annual_benefit_vnd; /* declared; meaningful when benefit_kind is money */
    const char *benefit_kind;
    const char *benefit_text; /* as typed */
    int64_t unit_id;
    const char *unit_text;
    const char *unit_name;     /* read only */
    const char *solution_kind; /* technical, management, operational, tech_application, or NULL */
    const char *applied_on;    /* YYYY-MM-DD or NULL */
    bool confidential;
    const char *status;
    const char *review_note;
    const char *created_by; /* who entered it for the author, or NULL */
    int64_t submitted_at_ms;
    int64_t evidence_count; /* read only, like those below */
    int64_t stamp;          /* of the wording, see struct review_card */
    const char *returned_field; /* what a reviewer wants to be better, while it is returned */
    bool appealed;
};

/* One changed field of a submitted or returned initiative; the store writes the revision row with the old value. */
struct initiative_patch {
    struct initiative_patch *next;
    const char *user_id;
    int64_t revision_id;
    int64_t initiative_id;
    const char *field; /* title, description, benefit, unit, solution_kind, applied_on, confidential, withdraw_wish */
    const char *value; /* new text; benefit: as typed; confidential: "true"/"false"; unit: text when unit_id is 0 */
    const char *benefit_kind; /* field benefit only */
    int64_t number;           /* benefit: đồng a year; unit: unit_id */
};

struct initiative_author {
    struct initiative_author *next;
    const char *user_id; /* the first author, whose initiative it is */
    int64_t initiative_id;
    int64_t id;
    const char *name;
    const char *author_user_id; /* when known, else NULL */
    int share_pct;
    const char *consent; /* "asked", "yes", "no", "unknown" (not reachable through the OA) */
};

/* What an author said about an initiative very similar to the own one; stored by these words, for the reviewer. */
#define CHOICE_UNSAID "unsaid"       /* nothing, or nobody was asked */
#define CHOICE_DIFFERENT "different" /* another way of doing it */
#define CHOICE_SAME "same"           /* the same as one of the author's own, sent all the same */
#define CHOICE_TOGETHER "together"   /* done together with that one's author */
#define CHOICE_AGAIN "again"         /* a replication: applied again elsewhere */

/* A likeness for the reviewer.  It says something about the own initiative only: the other one is not touched. */
struct similar_signal {
    struct similar_signal *next;
    const char *user_id;
    int64_t initiative_id;
    const char *other_user_id;
    int64_t other_id;
    int score; /* handlers/reading/similarity.h */
    bool same_unit;
    const char *choice; /* CHOICE_* */
};

struct evidence {
    struct evidence *next;
    const char *user_id;
    int64_t id;
    int64_t initiative_id; /* the draft's or initiative's id; 0: kept for the ticket, no draft open */
    const char *kind;      /* image, file, audio, video, gif */
    const char *url;
    const char *name;
    int64_t size_bytes; /* as announced, -1 unknown */
    const char *msg_id;
};

struct parked_draft {
    struct parked_draft *next;
    const char *user_id;
    int64_t id;
    const char *body; /* JSON, see handlers/draft.h */
    int64_t updated_at_ms;
};

/* A ticket waits for the contact while asked_at_ms is not 0. */
#define TICKET_NEW "new"           /* nobody has it */
#define TICKET_ASSIGNED "assigned" /* a contact has it and is to answer */
#define TICKET_WAITING "waiting"   /* answered; for the worker to say more */
#define TICKET_SNOOZED "snoozed"   /* put off by the contact until snoozed_until_ms */
#define TICKET_REOPENED "reopened" /* as new or assigned, but it had been closed */
#define TICKET_CLOSED "closed"

/* Belongs to the worker who asked: written in that person's turns only. */
struct ticket {
    struct ticket *next;
    const char *user_id;
    int64_t id;
    int64_t number; /* what people call it */
    const char *state; /* TICKET_* */
    const char *topic; /* human, question, voice, withdraw, appeal, admin */
    const char *question;
    const char *step; /* conversation state when it was opened */
    int64_t initiative_id; /* 0: none */
    int64_t unit_id;       /* whose contacts it goes to; 0: those of everywhere */
    int64_t previous_id;   /* 0: none */
    const char *assignee, *assignee_name; /* user id, or "admin:<id>"; NULL: nobody */
    const char *passed; /* those who do not get it again: " id id " */
    int first_answer_min, slowest_answer_min; /* in staff hours */
    int64_t opened_at_ms, closed_at_ms;
    int64_t asked_at_ms; /* the oldest thing nobody has answered */
    int64_t first_answer_at_ms, answered_at_ms;
    int64_t contact_at_ms; /* the contact's last act */
    int64_t snoozed_until_ms, told_at_ms, overdue_at_ms, warned_at_ms;
    int64_t tick_at_ms; /* the mail that looks after it next */
};

struct ticket_message {
    struct ticket_message *next;
    const char *user_id;
    int64_t id;
    int64_t ticket_id;
    const char *direction; /* in: from the worker, out: to the worker, note: what happened to the ticket */
    const char *text;
    const char *msg_id;
    const char *author; /* of an answer or a note: user id or "admin:<id>" */
    const char *kind;   /* NULL: text */
    const char *url;
};

/* A reply (its user_id and id) that carries words of one person to another. */
struct ticket_relay {
    struct ticket_relay *next;
    const char *user_id;
    int64_t id;
    const char *worker_id;
    int64_t ticket_id;
    const char *contact;
};

/* Why a contact's words were not sent: by then the conversation was somebody else's. */
#define OUTBOX_OVERTAKEN "overtaken"

/* Somebody of the staff. */
struct contact {
    struct contact *next;
    const char *user_id, *name;
    int64_t last_inbound_at_ms;
};

/* A ticket as a contact sees it.  In a queue only what names it is filled in. */
struct ticket_case {
    struct ticket_case *next;
    struct ticket ticket;
    const char *name, *unit_name; /* of who asks */
    int64_t last_inbound_at_ms;
    const char *owner; /* of the conversation */
    int64_t owner_until_ms;
    const char *dialog; /* conversation.draft */
    const char *recent; /* JSON list of the last five messages, oldest first: {"in", "text", "kind"} */
};

/* What a person may do beside what everybody may.  Bits, so that several can be asked for at once. */
enum role {
    ROLE_NONE = 0,
    ROLE_SUPPORT = 1 << 0,    /* answers questions, enters for others */
    ROLE_REVIEWER = 1 << 1,   /* gives verdicts */
    ROLE_UNIT_ADMIN = 1 << 2, /* sees and reminds one subtree */
    ROLE_ORGANIZER = 1 << 3,  /* sees and reminds everybody */
    ROLE_ANY = ROLE_SUPPORT | ROLE_REVIEWER | ROLE_UNIT_ADMIN | ROLE_ORGANIZER,
};

/* A role somebody holds, or gets. */
struct role_grant {
    struct role_grant *next;
    const char *user_id;
    enum role role;
    int64_t unit_id;       /* it holds in the subtree of this unit; 0: everywhere */
    const char *unit_name; /* read only */
};

/* A one-time code that was used just now. */
struct invite {
    enum role role;
    int64_t unit_id;
    const char *unit_name;
    const char *invited_by;
};

/* One privileged act of the person whose turn it is. */
struct audit_entry {
    struct audit_entry *next;
    int64_t id;
    const char *action; /* the command's name, or what was done */
    const char *about;  /* user id of the person it concerned, or NULL */
    const char *detail; /* JSON object of ids and our own words, or NULL; never what people wrote */
};

/* An answer that is given again and again. */
struct canned_answer {
    struct canned_answer *next;
    int64_t id;
    const char *name, *text; /* the text has placeholders for what an answer is about */
    const char *created_by;
};

/* A question that was answered with one of them. */
struct canned_use {
    struct canned_use *next;
    const char *user_id; /* who asked */
    int64_t ticket_id, answer_id;
    const char *question;
};

/* An initiative as a reviewer sees it. */
struct review_card {
    const char *user_id; /* the author's */
    int64_t id;
    const char *code, *title, *description;
    int64_t annual_benefit_vnd; /* declared; meaningful when benefit_kind is money */
    const char *benefit_kind, *benefit_text;
    const char *unit_name, *author_name;
    const char *status, *review_note;
    int64_t submitted_at_ms;
    int64_t checked_benefit_vnd, recognised_benefit_vnd; /* 0: none */
    bool social;
    const char *duplicate_of;
    int64_t stamp; /* of the wording: a verdict counts only for the one it was given on */
    int64_t evidence_count, coauthor_count;
    int64_t same_figure; /* initiatives of the unit that declare this very benefit, this one among them; at most 100 */
    const char *appeal;  /* the author's sentence against the verdict before, or NULL */
    const char *alike;   /* JSON array of those most like it, or NULL */
    bool taken;          /* another reviewer has it, or its verdict is on the way */
};

/* Words of review.verdict beside those of initiative.status. */
#define VERDICT_REOPENED "reopened" /* one before is undone */
#define VERDICT_APPEAL "appeal"     /* of the author */
#define VERDICT_MARKED "marked"     /* the checked benefit or the mark alone */

/* One verdict, applied in the author's own turn. */
struct verdict {
    struct verdict *next;
    const char *user_id; /* the author's */
    int64_t id, initiative_id;
    const char *verdict;
    const char *reviewer; /* NULL: the author */
    const char *reason;   /* code */
    const char *field;    /* title, description, benefit, unit */
    const char *note;     /* as the author reads it */
    const char *duplicate_of; /* receipt code */
    int64_t checked_benefit_vnd, recognised_benefit_vnd; /* 0: not said */
    const char *recognised_by, *recognised_on; /* YYYY-MM-DD */
    const char *social; /* "true", "false", NULL: not said */
};

/* So long nobody gets that initiative from the queue; 0: it is free. */
struct review_away {
    struct review_away *next;
    const char *user_id;
    int64_t id;
    int64_t seconds;
};

/* A wave of a campaign. */
struct wave_row {
    struct wave_row *next;
    int64_t id;
    const char *code, *name;
    const char *campaign, *campaign_name; /* the campaign's code */
    const char *starts_on, *ends_on;      /* YYYY-MM-DD */
    bool frozen;                          /* counted and kept: nothing about it changes any more */
};

/* A note for somebody's next turn; delivered once, at or after not_before_ms. */
struct mail {
    struct mail *next;
    const char *user_id; /* to whom */
    int64_t id;
    const char *kind;
    const char *payload; /* JSON object */
    int64_t not_before_ms;
};

/* What became of an automatic reminder when its mail came. */
struct nudge_end {
    int64_t id;         /* 0: this turn is about none */
    int64_t reply_id;   /* that says it; 0: nothing is said */
    const char *reason; /* then why */
};

struct unit_match {
    int64_t id;
    const char *name;
    const char *parent_name; /* NULL at the root */
    int level;
    int score_pct; /* 100: the typed name, folded, is the unit's */
};

/* How long a reply is worth sending (design 7). */
enum reply_class {
    REPLY_PROMPT = 0, /* 10 min */
    REPLY_RECEIPT,    /* receipts, verdicts, what must arrive: 24 h */
    REPLY_COURTESY,   /* may be dropped under pressure; 10 min */
    REPLY_STAFF,      /* what people say to each other through the bot: 24 h, also while a person has the conversation */
};

enum { REPLY_BUTTONS_MAX = 5 };

struct button {
    const char *label;   /* <= 25 characters shown */
    const char *payload; /* sent back when tapped; untrusted by then */
};

struct reply {
    struct reply *next;
    const char *user_id;
    int64_t id;
    const char *text;
    struct button button[REPLY_BUTTONS_MAX];
    size_t button_count;
    enum reply_class class;
    int64_t not_before_ms;       /* 0: at once */
    const char *collapse_key;    /* a collected answer: replaces the person's unclaimed one of the same key */
    const char *quote_msg_id;    /* NULL: none */
    const char *image_url; /* a picture beside the text; such a reply has no buttons */
    const char *file_token; /* a file behind the text, as Zalo knows it for a week; NULL: none */
    const char *anonymous_conversation_id; /* set for web visitors: user_id is the anonymous id */
};

#endif
