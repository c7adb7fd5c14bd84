/* What the dialogue remembers between two turns: the active draft and its own notes, as JSON in conversation.draft.
 *
 * Reading is tolerant: a member that is missing, of the wrong type, too long or from a newer version reads as absent,
 * so no row of the database can stop a conversation.  64-bit numbers are decimal strings: JSON numbers are doubles. */
#ifndef SANGKIEN_HANDLERS_DRAFT_H
#define SANGKIEN_HANDLERS_DRAFT_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

/* Limits of domain.md section 7, in characters. */
enum {
    TITLE_CHARS_MIN = 5,
    TITLE_CHARS_MAX = 200,
    DESCRIPTION_CHARS_MIN = 20,
    DESCRIPTION_CHARS_MAX = 4000,
    NAME_CHARS_MIN = 2,
    NAME_CHARS_MAX = 80,
    UNIT_CHARS_MIN = 2,
    UNIT_CHARS_MAX = 200,
    BENEFIT_TEXT_CHARS_MAX = 1000,
    PARKED_DRAFTS_MAX = 5,
    EVIDENCE_MAX = 50,
    CHOICES_MAX = 5,   /* items of a numbered list; also buttons on show */
    COAUTHORS_MAX = 9,
    PROPOSALS_MAX = 3, /* of one person, waiting; a fourth takes the place of the oldest */
    OFFERS_MAX = 5,
    UNSENT_MAX = 5,
    ANSWER_CHARS_MAX = 1500,
    ASKS_MAX = 3,      /* questions of other authors waiting for this person's answer */
    SIMILAR_SHOWN_MAX = 3, /* initiatives like the draft that are put to its author */
};

/* What an amount counts: the period the person named. */
enum period { PERIOD_YEAR = 0, PERIOD_MONTH, PERIOD_QUARTER, PERIOD_DAY, PERIOD_SHIFT, PERIOD_COUNT };

/* A benefit as declared, or as read and not yet confirmed. */
struct benefit {
    const char *kind;    /* BENEFIT_*, NULL: none yet */
    const char *text;    /* as typed */
    int64_t vnd;         /* đồng a year, when kind is money */
    int64_t unit_vnd;    /* đồng a period, when the period is not the year */
    enum period period;
    int period_count;    /* periods in a year */
};

/* An initiative very similar to the draft, and what the draft's author says about it. */
struct similar {
    const char *user_id; /* whose it is */
    int64_t id;
    const char *code, *title, *unit;
    const char *words;   /* what both speak of, as the draft writes it; NULL: not known */
    int64_t submitted_at_ms;
    int score;
    bool same_unit;
    bool reachable;      /* its author talks to the bot and can be asked; no more once he has answered */
    bool asked;          /* whether it was done together; once is enough, whatever is said in between */
    const char *choice;  /* CHOICE_*; NULL: not asked yet */
};

struct draft {
    int64_t id; /* 0: no draft; becomes the initiative's id, evidence rows link by it */
    const char *title;
    const char *description;
    const char *partial; /* description under way, until "viết xong" */
    struct benefit benefit;
    int64_t unit_id;     /* when it differs from the person's */
    const char *unit_text, *unit_name;
    const char *step;    /* name of the state it was left in */
    int64_t started_at_ms;
    int evidence;        /* pieces sent for it */

    /* Written for somebody else: the one who writes holds for_user, the one it is for entered_by.  Never both. */
    const char *for_user, *for_name; /* user id */
    int64_t for_ticket;
    const char *entered_by, *entered_by_name; /* user id; the draft counts once its owner has sent it */

    uint64_t similar_hash; /* of the wording that was searched for last */
    struct similar similar[SIMILAR_SHOWN_MAX];
};

struct choice {
    int64_t id;
    const char *name;
};

struct shown_button {
    const char *label, *action;
};

/* A field of the draft that somebody of the support has worded; nothing changes until it is accepted. */
struct proposal {
    int64_t id;
    const char *field;   /* title, description, benefit */
    const char *text;    /* as written */
    int64_t vnd;         /* benefit only */
    const char *from, *from_name; /* user id */
};

/* What a contact says to somebody: words, a picture, a file. */
struct spoken {
    const char *text, *kind;          /* the kind as inbound_kind_name() gives it; NULL: nothing is said */
    const char *url, *label;          /* of the attachment */
    const char *document;             /* its name, when Zalo takes it as a file */
};

/* A canned answer that was offered for a ticket. */
struct offer {
    int64_t number, answer_id;
};

struct coauthor {
    const char *name;
    int share_pct;
};

/* Another author asks whether this person took part (in that author's initiative), or, offered, whether that author took
 * part in this person's. */
struct coauthor_ask {
    int64_t author_id, initiative_id;
    const char *owner; /* user id of who asks */
    const char *title, *name;
    int share_pct;
    bool offered;
};

/* The initiative a reviewer has before him, and what he has said about it so far. */
struct reviewing {
    const char *code;
    bool chosen;         /* asked for by its code, not taken from the queue */
    const char *verdict, *field, *reason, *note;
    const char *other;   /* code of the one it duplicates */
    const char *level, *day; /* recognised by, on */
    int64_t vnd;
    int64_t stamp;       /* of the wording on show */
};

/* A target, a wave or a campaign with its first wave, which an organizer is about to set (campaign.c). */
#define PLAN_TARGET "target"
#define PLAN_WAVE "wave"
#define PLAN_CAMPAIGN "campaign"
struct planning {
    const char *kind;            /* PLAN_*; NULL: none */
    int64_t unit_id, wave_id;    /* wave_id 0: a new one */
    const char *unit_name, *wave_name, *campaign_name;
    const char *from, *to;       /* YYYY-MM-DD */
    int64_t number;              /* of initiatives */
};

struct dialog {
    struct draft draft;
    bool greeted;               /* the person has been welcomed */

    /* The question on show. */
    int64_t seq;                /* counts questions; a state's buttons carry it */
    int64_t prompted_at_ms;     /* when the last question was put */
    const char *question;       /* name of the message that stands in for the state's own prompt, NULL: its own */
    struct shown_button shown[CHOICES_MAX], aside[CHOICES_MAX]; /* labels that may be typed */
    int misses;                 /* answers not understood in a row */
    uint64_t last_hash;         /* of the sentence said last, so that it is not said twice in a row */
    uint64_t before_hash;       /* of the one before a collected answer that may yet be replaced */
    int64_t collect_first_ms, collect_due_ms;
    const char *last_tap;       /* payload */
    int64_t last_tap_ms;
    int64_t sticker_ms;         /* when a sticker was answered last */
    int burst;                  /* pieces of evidence since they were acknowledged last */

    /* Where the talk was and where it goes. */
    const char *wanted;         /* what was asked for before consent: the command's name */
    const char *interrupted;    /* name of the state to return to */
    bool editing;               /* the field asked for has a value already; "back" keeps it */
    bool name_asked;            /* a single word was given as name and the full one asked for */
    const char *fragment;       /* a refused title that the next line may complete */
    int64_t title_at_ms;        /* when a title was answered; a line typed before that belongs to it */
    const char *offered_title;  /* a text that looked like a title */
    const char *last_code;      /* receipt of the initiative filed last */

    /* Benefit under discussion. */
    struct benefit reading;
    bool double_check;          /* ask a second time, in words */
    int64_t limit_vnd;          /* the upper bound that was named */
    int64_t choice_vnd[3];
    int clarifications;         /* in a row */

    struct choice choice[CHOICES_MAX]; /* numbered list on show: units, initiatives, drafts */
    const char *unit_typed;
    const char *similar_said;   /* "together": which of several is still to be told */
    int list_page;
    const char *list_for;       /* what a number in the list does: NULL show, "edit", "withdraw" */

    int64_t view_id;            /* initiative on show */
    int64_t edit_id;            /* submitted initiative being edited; 0: the draft */
    const char *edit_partial;
    int64_t extras_id;          /* initiative the questions after the receipt are about */
    int64_t ticket_id;
    int64_t noted_ms;           /* when something was added to that ticket: what comes next may go on with it */

    bool staff;                 /* joined once: only such people's turns read their roles.  A hint, no right follows from it */
    int64_t flood_ms;           /* how far the person's messages reach ahead, see flood.c */
    bool flood_told;
    int join_tries;             /* codes tried since join_since_ms */
    int64_t join_since_ms;
    struct proposal proposal[PROPOSALS_MAX]; /* the newest first */
    struct reviewing review;
    struct planning plan;
    /* An organizer: the broadcast being written (segment.h; only in between two readers: its text, when), or the one to be put off. */
    const char *broadcast_to, *broadcast_text, *broadcast_template, *broadcast_data;
    int64_t broadcast_id, broadcast_at_ms;

    const char *asked;          /* a question the bot cannot answer, until it is passed on */
    const char *voice_url;      /* the last voice note */

    /* A supporter: whom he answers. */
    int64_t answer_number, answer_ticket; /* 0: nobody */
    const char *answer_worker, *answer_name;
    struct choice ended;        /* whom he answered until it was his no more, */
    int64_t ended_ms;           /* and when: what he sends next may still be meant for that person */
    bool answer_open;           /* the conversation is his; until then what he says may be refused */
    int64_t acked_ms;           /* when he was told last that what he wrote was passed on */
    struct spoken unsent[UNSENT_MAX]; /* what did not say for whom it is, in order */
    const char *last_answer;    /* his newest one, which may be kept as a canned answer */
    int64_t last_answer_number; /* of the ticket it was for */
    struct offer offer[OFFERS_MAX]; /* the newest first */
    struct coauthor coauthor[COAUTHORS_MAX];
    struct coauthor_ask ask[ASKS_MAX];
};

/** Reads conversation.draft; NULL, "" and anything unreadable give an empty dialog.  Owned by ctx. */
struct dialog *dialog_read(TALLOC_CTX *ctx, const char *json);

/** The JSON object to store, owned by ctx; NULL for lack of memory. */
char *dialog_print(TALLOC_CTX *ctx, const struct dialog *d);

/** Reads the body of a parked draft.  @return false when it holds no draft. */
bool draft_read(TALLOC_CTX *ctx, const char *json, struct draft *ret);

/** The body of a parked draft, owned by ctx; NULL for lack of memory. */
char *draft_print(TALLOC_CTX *ctx, const struct draft *draft);

/** The id those decimal digits name; 0 when they are anything but a positive 64-bit number. */
int64_t id_parse(const char *digits);

#endif
