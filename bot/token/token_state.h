/* What token.c (the row, who sends with what), token_store.c (pairs the row does not have yet) and token_refresh.c (the way to a new
 * pair) share; nobody else includes this. */
#ifndef SANGKIEN_BOT_TOKEN_STATE_H
#define SANGKIEN_BOT_TOKEN_STATE_H

#include <event2/event.h>

#include "clock.h"
#include "fault.h"
#include "log.h"
#include "pending.h"
#include "pg_queue.h"
#include "settings.h"
#include "token.h"
#include "token_file.h"
#include "zalo/client.h"

enum {
    TOKEN_LOOK_HELD_MS = 2000,  /* between looks while nothing can be sent */
    TOKEN_LOOK_LEASED_MS = 500, /* while another process refreshes */
    TOKEN_STORE_AGAIN_MS = 1000,
    TOKEN_REFUSED_AGAIN_MS = 3600 * 1000,
    TOKEN_LIFETIME_MS = 90000 * 1000, /* when nobody says */
    TOKEN_GIVE_UP_MS = 60000,   /* until a refresh that failed is tried again, at first */
};

/* The row as it was read. */
struct row {
    bool found;
    int64_t generation;
    int64_t expires_at_ms; /* epoch */
    int64_t expires_in_ms, refresh_in_ms; /* on the database's clock, when it was read */
    const char *lease_owner;
    bool leased, needs_consent, held;
    const char *access, *refresh; /* NULL: they do not open with our key */
    char base[TOKEN_FINGERPRINT_SIZE];
};

struct tokens {
    struct pg_queue *db;
    struct zalo_client *zalo;
    const struct settings *settings;
    const char *owner;
    tokens_changed_fn *on_change;
    void *change_ctx;

    struct event *timer; /* armed whenever no step is under way */
    struct pending *step; /* the one statement or call under way */
    struct seal_key *key;
    TALLOC_CTX *row_memory;
    struct row row;

    struct token current; /* generation 0: nothing read yet */
    char *current_access;
    int64_t expires_ms;  /* monotonic */
    int64_t adopted_ms;  /* monotonic: since when */
    int64_t jitter_ms;   /* refresh so long after half of life */
    int64_t announced;   /* generation on_change was last called about, 0: none usable */
    int64_t rejected;    /* generation Zalo refused, or whose pair is spent */
    bool accepted;       /* Zalo took a call with the current one */
    int quick;           /* fresh tokens refused in a row */

    TALLOC_CTX *kept_memory;
    struct token_pair kept; /* the newest pair we know of, from Zalo or the file; access NULL: none */

    int64_t not_before_ms; /* monotonic: no refresh until then */
    int tries, given_up;
    int64_t watched;       /* generation another process was seen refreshing */
    int64_t spent;         /* generation whose refresh token Zalo called invalid */
    bool lost_answer;      /* of an earlier try: the refresh token may have been spent by it */
    char took_over_from[128]; /* who held the lease before us without ending it */
    bool failing;          /* the last refresh ended without a pair */
    bool nothing_logged;   /* "no token" was said */
    char why[400];
    struct log_gate store_gate, key_gate, db_gate, file_gate;
};

/* token.c */
int64_t tokens_random(int64_t limit);
void tokens_wait(struct tokens *t, int64_t ms); /* then the next look */
/* Says why sending is held; the sentence is also what /readyz shows. */
__attribute__((format(printf, 2, 3))) void tokens_because(struct tokens *t, const char *fmt, ...);
struct pg_params *tokens_params(struct tokens *t); /* the OA's id is in */
struct pg_unit *tokens_unit(struct tokens *t, enum sql_id id, struct pg_params *params);
void tokens_run(struct tokens *t, struct pg_unit *unit, pg_done_fn *done);
void tokens_announce(struct tokens *t);
void tokens_look(struct tokens *t);

/* token_store.c */
void tokens_keep(struct tokens *t, TALLOC_CTX *memory, const struct token_pair *pair);
void tokens_reload_file(struct tokens *t);
void tokens_write_file(struct tokens *t);
void tokens_store_kept(struct tokens *t);
void tokens_store_configured(struct tokens *t); /* the settings' pair: there is no other yet */

/* token_refresh.c */
void tokens_lease(struct tokens *t);
void tokens_ask_for_consent(struct tokens *t);

#endif
