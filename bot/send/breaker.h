/* The circuit breaker of the calls to Zalo: while most of them fail, one a second is tried instead of all.
 *
 *   closed --more than half of the last 20 calls failed--> open --a call is answered--> closed
 *
 * So an outage of Zalo does not use up the tries of everything that waits.  A failed call is one without an answer of the OA API: 5xx,
 * no connection, a reset, a deadline; an answer with an error code is one.  Source: reliability.md Z1. */
#ifndef SANGKIEN_BOT_BREAKER_H
#define SANGKIEN_BOT_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

enum { BREAKER_CALLS = 20, BREAKER_PROBE_MS = 1000 };

/* Closed when zero. */
struct breaker {
    uint32_t failed; /* a bit for each of the last calls, 1: it failed */
    unsigned calls;  /* that `failed` knows, at most BREAKER_CALLS */
    bool open;
    int64_t probe_at_ms; /* while open: the next call */
};

/** Milliseconds until a call may be made; 0: now.  Times are monotonic. */
int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms);

/** A call is made. */
void breaker_called(struct breaker *b, int64_t now_ms);

/** A call has come to its end. @return true when it was this that opened or closed the circuit. */
bool breaker_heard(struct breaker *b, bool answered, int64_t now_ms);

#endif
