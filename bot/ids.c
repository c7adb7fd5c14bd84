/* Ids: see ids.h. */
#include "ids.h"

#include <openssl/rand.h>
#include <stdlib.h>
#include <time.h>

static const uint64_t EPOCH_2020_MS = 1577836800000;

static uint64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000 - EPOCH_2020_MS;
}

void ids_init(struct ids *ids)
{
    unsigned char r[2];
    if (RAND_bytes(r, sizeof(r)) != 1)
        abort(); /* no randomness at start: nothing that follows would be safe */
    *ids = (struct ids){.node = (uint32_t)(r[0] << 8 | r[1]) & 0x3ff};
}

int64_t ids_next(struct ids *ids)
{
    uint64_t ms = now_ms();
    if (ms > ids->last_ms) {
        ids->last_ms = ms;
        ids->counter = 0;
    } else if (++ids->counter > 0xfff) { /* more than 4096 in a millisecond, or the clock went back: borrow the next one */
        ids->last_ms++;
        ids->counter = 0;
    }
    return (int64_t)(ids->last_ms << 22 | (uint64_t)ids->node << 12 | ids->counter);
}

int64_t ids_made_at_ms(int64_t id)
{
    return (int64_t)((uint64_t)id >> 22) + (int64_t)EPOCH_2020_MS;
}
