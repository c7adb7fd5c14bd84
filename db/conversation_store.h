/* Conversations and people: the load and save of a batch of turns, one event per person. */
#ifndef SANGKIEN_DB_CONVERSATION_STORE_H
#define SANGKIEN_DB_CONVERSATION_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

enum { EVENT_KEY_BYTES = 16 };

/* What a turn is about, and what the load phase found.  Sorted by user_id (strcmp), each person once. */
struct turn_row {
    const char *user_id;
    const unsigned char *event_key; /* NULL for mail */
    int64_t mail_id;                /* 0 for webhook events */

    bool locked;    /* false: the person has no rows yet, or another process holds them and the event waits */
    bool fresh;     /* false: took effect before (duplicate, or mail already delivered) */
    bool reply_waiting;   /* another process holds, or nobody does, an earlier reply */
    bool reply_collected; /* a collected reply is unclaimed */
    struct person person;
    struct conversation conversation;
};

/** Appends BEGIN, how to plan, and the two statements of the load phase. */
void conversation_store_claim(struct pg_unit *unit, const struct turn_row *rows, size_t n, const char *process);

/** Appends the same, in the transaction that runs, for those not locked by it: who has no rows gets them first. */
void conversation_store_introduce(struct pg_unit *unit, const struct turn_row *rows, size_t n, const char *process);

/** Fills the rows from the answer to a unit that ends with one of these; strings belong to ctx.  @return how many are not locked. */
size_t conversation_store_claimed(TALLOC_CTX *ctx, const struct pg_answer *answer, struct turn_row *rows, size_t n);

void conversation_store_save(struct save *s, const char *user_id, const struct conversation *c);

/** @param name_key the folded full name, or NULL. */
void conversation_store_save_person(struct save *s, const struct person *p, const char *name_key);

/** One transcript row.  origin: person, bot, staff, admin. */
struct message_row {
    const char *user_id;
    int64_t id, at_ms;
    const char *origin, *kind, *text, *zalo_msg_id, *quote_msg_id;
};
void conversation_store_message(struct save *s, const struct message_row *m);

/** Erases a person: see db/sql/person.sql.  @param key random text under which the initiatives go on being counted. */
void conversation_store_erase(struct save *s, const char *user_id, const char *key);

#endif
