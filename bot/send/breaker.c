/* The circuit breaker: see breaker.h. */
#include "breaker.h"

int64_t breaker_wait_ms(const struct breaker *b, int64_t now_ms)
{
    return b->open && b->probe_at_ms > now_ms ? b->probe_at_ms - now_ms : 0;
}

void breaker_called(struct breaker *b, int64_t now_ms)
{
    b->probe_at_ms = now_ms + BREAKER_PROBE_MS;
}

bool breaker_heard(struct breaker *b, bool answered, int64_t now_ms)
{
    if (b->open && answered) {
        *b = (struct breaker){0};
        return true;
    }
    b->failed = (b->failed << 1 | !answered) & ((1u << BREAKER_CALLS) - 1);
    b->calls += b->calls < BREAKER_CALLS;
    if (b->open || b->calls < BREAKER_CALLS || __builtin_popcount(b->failed) <= BREAKER_CALLS / 2)
        return false;
    b->open = true;
    b->probe_at_ms = now_ms + BREAKER_PROBE_MS;
    return true;
}
