/* Unknown outcomes of broadcast messages: what a crash or a lost answer left open is settled by Zalo's echo or by a look into the
 * conversation; what neither can tell stays unknown, for a person to see.  Nothing is ever sent again from here. */
#ifndef SANGKIEN_BOT_BROADCAST_SETTLE_H
#define SANGKIEN_BOT_BROADCAST_SETTLE_H

#include <talloc.h>

struct broadcast_settler;
struct event_base;
struct limiter;
struct pg_queue;
struct tokens;
struct zalo_client;

struct broadcast_settler_options {
    struct event_base *base;
    struct pg_queue *db;
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
};

/** Looks every few seconds until it is freed, after its connection. */
struct broadcast_settler *broadcast_settler_new(TALLOC_CTX *ctx, const struct broadcast_settler_options *options);

#endif
