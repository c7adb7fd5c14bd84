/* What waits in a folder of spools, whoever has them open: for `sangkien check`, which changes nothing in it. */
#ifndef SANGKIEN_BOT_SPOOL_LOOK_H
#define SANGKIEN_BOT_SPOOL_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct spool_look {
    uint64_t files, in_use;  /* spools; how many of them a process has open */
    uint64_t rows, left;     /* waiting; in spools that no process has open */
    uint64_t bytes;          /* of all files */
    uint64_t torn, unreadable; /* moved aside; spools that cannot be read */
    int64_t oldest_ms;       /* epoch; 0: nothing waits */
};

/** Looks without changing anything. @return false with ERR_SYSTEM when the folder cannot be read. */
bool spool_look_at(const char *folder, struct spool_look *ret, struct err *e);

#endif
