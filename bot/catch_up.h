/* Reading back what Zalo does not send again: after an outage longer than its ladder, or when an operator asks for it.
 *
 *   beat (every BEAT_MS: "alive"; a gap longer than the ladder, or `sangkien catch-up`, leaves a time in the table catch_up)
 *     -> claim (one process of all) -> recent chats, newest first -> of each person the conversation back to that time
 *     -> what has no event key yet goes through the intake, oldest first, as a redelivery -> end
 *
 * A message gets the event key its webhook would have had, so it takes effect once however it comes; what came later in the
 * talk goes by the rule for late events.  Bounded: BACK_MS back, PEOPLE_MAX people, PAGES_MAX pages of each, a call each
 * PACE_MS.  A crash ends the lease, and the next process begins again: what is known is not fed twice.
 * Files, videos and cards are not told by the call: they are counted, and the person's next message goes on without them.
 * Source: zalo-oa-api.md 1.5, 5, 7.11. */
#ifndef SANGKIEN_BOT_CATCH_UP_H
#define SANGKIEN_BOT_CATCH_UP_H

#include <stdint.h>
#include <talloc.h>

struct event_base;
struct intake;
struct limiter;
struct pg_queue;
struct settings;
struct tokens;
struct turns;
struct zalo_client;

enum { CATCH_UP_BACK_HOURS_MAX = 24 * 7 };

struct catch_up_options {
    struct event_base *base;
    const struct settings *settings;
    const char *process;
    struct pg_queue *db;
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
    struct intake *intake;
    struct turns *turns;
};

struct catch_up *catch_up_new(TALLOC_CTX *ctx, const struct catch_up_options *options);

#endif
