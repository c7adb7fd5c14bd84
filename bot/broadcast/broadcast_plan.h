/* A broadcast before it is sent: its parameters for the one query behind count, preview and freeze, what it costs, when it ends. */
#ifndef SANGKIEN_BOT_BROADCAST_PLAN_H
#define SANGKIEN_BOT_BROADCAST_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "broadcast_store.h"
#include "err.h"

struct settings;

/** $1 to $6 of broadcast_count, broadcast_preview and broadcast_freeze. @return NULL with ERR_INVALID: the segment cannot be read. */
struct pg_params *broadcast_plan_params(TALLOC_CTX *ctx, const struct broadcast *b, struct err *e);

/** Text, buttons, template and segment are checked. @return false with ERR_INVALID and a sentence for who wrote them. */
bool broadcast_plan_check(const struct broadcast *b, struct err *e);

/** Codes that the segment names, for broadcast_unknown_codes. */
struct pg_params *broadcast_plan_codes(TALLOC_CTX *ctx, const struct broadcast *b);

struct broadcast_figures {
    int64_t recipients; /* who will get it as things stand */
    int64_t charged;    /* of these, outside the free 48 hours */
    int64_t cost_vnd;
    int64_t ends_at_ms; /* when the last one has gone; -1: not within sixty days of open hours */
};

/** @param from_ms  when it would begin. */
struct broadcast_figures broadcast_plan_figures(const struct broadcast *b, const struct broadcast_reach *reach, const struct settings *s,
                                                int64_t from_ms);

/** So long it waits for a second person, because it is large; 0: it need not. */
int64_t broadcast_plan_hold_ms(const struct broadcast_figures *f, const struct settings *s);

/**
 * Parameters of broadcast_start.
 * @param at_ms    not before; 0: now.
 * @param mail_id  of the mail `asks` to those who may say the second yes; `asks` NULL: nobody is asked.
 */
struct pg_params *broadcast_plan_start(TALLOC_CTX *ctx, int64_t id, const char *by, int64_t at_ms, int64_t hold_ms, int64_t mail_id, const char *asks);

/** Parameters of broadcast_try: to that person alone, as a reply of that id. */
struct pg_params *broadcast_plan_try(TALLOC_CTX *ctx, const struct broadcast *b, const char *user_id, int64_t reply_id);

/** When so many messages have gone, beginning at from_ms, at the allowed rate and inside hours.broadcast; -1 as above. */
int64_t broadcast_plan_end(int64_t messages, const struct settings *s, int64_t from_ms);

#endif
