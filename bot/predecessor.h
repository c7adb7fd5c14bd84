/* What the process before this one held when it died is for whoever comes next, at once and not when its leases end.
 *
 * A transaction that was on its way to PostgreSQL when the process died may commit after its successor has looked, with leases of
 * the dead.  So the successor looks again each second for as long as such a transaction may take (statement_timeout is 1 s). */
#ifndef SANGKIEN_BOT_PREDECESSOR_H
#define SANGKIEN_BOT_PREDECESSOR_H

#include <event2/event.h>
#include <talloc.h>

#include "broadcast/broadcast_wire.h"
#include "pg_queue.h"
#include "settings.h"

struct predecessor_options {
    struct event_base *base;
    const struct settings *settings;
    struct pg_queue *db;
    const char *process;                    /* its name in leases; surely gone */
    const struct broadcast_reached *reached; /* how far a broadcast of its went */
    void (*on_given_back)(void *ctx);       /* replies may be there to be claimed */
    void *ctx;
};

/** Gives its leases back, now and some times more.  Borrows what the options name as long as ctx lives. */
void predecessor_end(TALLOC_CTX *ctx, const struct predecessor_options *options);

#endif
