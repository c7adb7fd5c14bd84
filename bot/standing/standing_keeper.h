/* Keeps the standing up to date behind the turns: folds what changed, keeps the waves that have ended, tells the turns which
 * wave is over.  On a connection of its own; with several processes whoever comes first folds for all. */
#ifndef SANGKIEN_BOT_STANDING_KEEPER_H
#define SANGKIEN_BOT_STANDING_KEEPER_H

#include <stdint.h>
#include <talloc.h>

struct event_base;
struct pg_queue;
struct standing_keeper;
struct wave_end;

/** @param queue  its connection, borrowed; ends before the keeper. */
struct standing_keeper *standing_keeper_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *queue);

/** The wave that ended last when none runs; name NULL: none.  Valid as long as the keeper; its contents change between turns. */
const struct wave_end *standing_keeper_wave(const struct standing_keeper *k);

struct standing_counters {
    uint64_t folds, failures;
    int64_t fold_ms; /* how long the last one took */
};
const struct standing_counters *standing_keeper_counters(const struct standing_keeper *k);

#endif
