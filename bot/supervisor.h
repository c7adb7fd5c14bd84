/* Several worker processes behind one listening socket.
 *
 * The supervisor opens nothing, connects to nothing and holds no person's data: it starts the workers, starts again what dies
 * (at once, then with growing pauses while it keeps dying), kills one whose event loop no longer turns, and passes signals on:
 *   SIGTERM, SIGINT  to all, then waits for them; a second one kills      SIGHUP  to all: settings and texts are read again
 *
 *   worker:  fork -> work() -> exit code        A worker whose supervisor is gone is told SIGTERM by the kernel. */
#ifndef SANGKIEN_BOT_SUPERVISOR_H
#define SANGKIEN_BOT_SUPERVISOR_H

#include <stdint.h>

#include "metrics.h"
#include "spool/order.h"

enum { SUPERVISOR_WORKERS_MAX = ORDER_SEATS };

/* What the supervisor and its workers share. */
struct workforce {
    size_t workers;
    struct metrics_seat metrics[SUPERVISOR_WORKERS_MAX + 1]; /* the one behind the workers': of those that have ended */
    struct {
        _Atomic int64_t alive_ms; /* monotonic: when the worker's event loop turned last; 0: it has not begun */
    } seat[SUPERVISOR_WORKERS_MAX];
    struct order_board order;
};

/** Runs in the worker: everything up to its end. @return its exit code. */
typedef int worker_fn(struct workforce *force, size_t seat, void *ctx);

/**
 * Runs `workers` processes until SIGTERM or SIGINT, or until one says that its settings are wrong (EX_CONFIG).
 * No thread may run yet.  @return an exit code of sysexits.h: the worst of the workers' at an ordered end.
 */
int supervise(int workers, worker_fn *work, void *ctx);

#endif
