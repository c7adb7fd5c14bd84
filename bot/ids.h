/* Ids made by the application: 64 bits of time, process and counter, ascending within a process. */
#ifndef SANGKIEN_BOT_IDS_H
#define SANGKIEN_BOT_IDS_H

#include <stdint.h>

struct ids {
    uint64_t last_ms;
    uint32_t counter;
    uint32_t node; /* 10 random bits, drawn at start */
};

void ids_init(struct ids *ids);

/** 41 bits of milliseconds since 2020, 10 bits of node, 12 bits of counter; always > 0 and below 2^63. */
int64_t ids_next(struct ids *ids);

/** When it was made, by the clock of the node that made it (ms since 1970). */
int64_t ids_made_at_ms(int64_t id);

#endif
