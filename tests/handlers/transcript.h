/* A conversation as a test: a pipeline in memory that feeds dialogue_turn() and remembers what it decides.
 *
 *     says("đăng ký");            bot("consent");
 *     taps("Đồng ý");             bot("ask_name");
 *
 * bot() names the messages of the catalogue in the order they were said ("unit_taken+ask_title": a lead in front).
 * Time stands still but for what a step takes (20 s each) and pass_ms(). */
#ifndef TESTS_HANDLERS_TRANSCRIPT_H
#define TESTS_HANDLERS_TRANSCRIPT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "flow.h"
#include "turn.h"

enum { PEOPLE_MAX = 8, SENT_MAX = 64 };

struct evidence_row {
    struct evidence_row *next;
    struct evidence e;
};

/* One person and what the database would hold about them. */
struct human {
    TALLOC_CTX *ctx;
    struct person person;
    struct conversation conv;
    struct initiative *initiatives; /* newest first */
    struct initiative_author *authors;
    struct parked_draft *drafts;
    struct ticket *tickets;
    struct ticket_message *notes;
    bool on_duty;
    struct evidence_row *evidence;
    struct similar_signal *signals;
    struct similar_wish wish; /* the newest */
    int wishes;
    struct reply waiting;   /* the collected reply that has not gone out */
    bool waits;
    char *last_text;        /* the newest delivered reply */
    struct button last_buttons[REPLY_BUTTONS_MAX], older_buttons[REPLY_BUTTONS_MAX];
    int erasures;
    struct role_grant *grants; /* what the database says now */
    int grant_reads;           /* how often a turn asked */
};

/* A reply that carried words: message id "z<id>". */
struct relay_row {
    struct relay_row *next;
    struct ticket_relay r;
};

struct world {
    TALLOC_CTX *ctx;
    TALLOC_CTX *turn; /* what the last turn answered lives here */
    struct human human[PEOPLE_MAX];
    struct human *me;
    int64_t now_ms;
    int64_t step_ms;
    int64_t next_id;
    int next_code;
    bool late;
    int messages_per_minute;
    int64_t sent_at_ms; /* 0: when it arrives */
    int64_t arrived_at_ms; /* 0: now; it waited in the spool since */
    struct wave_end wave_end;
    struct mail *mail;
    struct relay_row *relays;
    int64_t next_number; /* of tickets */
    int answer_minutes;  /* median of first answers */
    int64_t reminders;   /* this week, the one in hand among them */
    const struct hours *hours; /* when staff answer; NULL: always */
    const char *code;      /* of an invitation that waits, as invite_code_read() gives it */
    struct invite invite;
    struct turn_output out; /* of the last turn */
    char *said;             /* names of the messages of the last turn */
    char *texts;            /* their texts, one after the other */
    bool seen[MSG_COUNT];   /* what was ever said */
    struct inbound msg;     /* the kind of the next event */
};

extern struct world *world;

int world_setup(void **state);
int world_teardown(void **state);

void i_am(const char *user_id);             /* the person who acts from now on */
void says(const char *text);
void taps(const char *label);               /* the newest button with that label */
void taps_payload(const char *payload);     /* any payload, forged ones too */
const char *payload_on_show(const char *label); /* NULL when there is no such button */
void sends(enum inbound_kind kind, const char *text, const char *url); /* a picture, a sticker, a follow ... */
void gets_mail(const char *kind, const char *payload);
void similar_arrives(const char *like);     /* the job's finding about the wording wished for last: a JSON array */
void holds(enum role role, int64_t unit_id); /* the person joined: a role more */
void invited(const char *code, enum role role, int64_t unit_id); /* "/join CODE" gives that role, once */
void mail_arrives(void);                    /* everything due is delivered, to whomever */
void pass_ms(int64_t ms);                   /* collected replies that are due go out */

void bot_said(const char *names, const char *file, int line);
void bot_text(const char *part, bool wanted, const char *file, int line);
void in_state(const char *name, const char *file, int line);
#define bot(names) bot_said((names), __FILE__, __LINE__)
#define silent() bot_said("", __FILE__, __LINE__)
#define bot_says(part) bot_text((part), true, __FILE__, __LINE__)
#define bot_never_says(part) bot_text((part), false, __FILE__, __LINE__)
#define state_is(name) in_state((name), __FILE__, __LINE__)

/* Short cuts to the middle of a conversation. */
void registered(const char *name);          /* consent, name and unit given; at the question for the title */
void at_benefit(void);                      /* title and description given as well */
void at_confirm(void);                      /* and 50 triệu */
int64_t submitted(void);                    /* the id of an initiative just sent */

struct dialog *dialog_now(void);            /* what the database holds, read */
struct human *person_named(const char *user_id);

#endif
