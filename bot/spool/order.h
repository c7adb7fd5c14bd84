/* A person's events in several workers of one node: which of them comes first.
 *
 * Each worker marks what it has taken and not settled yet, per cell (people whose ids have the same hash); the time of
 * its oldest mark in a cell stands on a board that all workers share.  An event may go to the turns while no other worker has an
 * older mark in its cell; else it waits in its worker's spool: some milliseconds, while PostgreSQL is well.  The oldest of a cell never waits, and a spool is read back in the
 * order of its marks, so nobody waits for ever.
 *
 * What a dead worker had on the board stays until the next one in its seat has read the spools, as do its rows. */
#ifndef SANGKIEN_BOT_SPOOL_ORDER_H
#define SANGKIEN_BOT_SPOOL_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

enum { ORDER_SEATS = 64, ORDER_CELLS = 1 << 16 };

/* Shared by the workers; begins as zeros. */
struct order_board {
    size_t seats;
    int64_t born_ms;                   /* monotonic */
    _Atomic bool opened[ORDER_SEATS];  /* what its spool holds is on the board */
    _Atomic int64_t oldest_us[ORDER_SEATS][ORDER_CELLS]; /* 0: none */
};

struct order;
struct order_mark;

uint32_t order_cell(const char *user_id);

/** @param board  NULL: this worker is alone. */
struct order *order_new(TALLOC_CTX *ctx, struct order_board *board, size_t seat);

/** A start is over: what was added until now replaces what the worker before has left on the board. */
void order_opened(struct order *o);

/** Marks an event as taken. @param at_us  since the epoch: what two workers take within a millisecond has an order too.
 *  @param disk_only  it is in no lane of this process. @return valid until order_end(). */
struct order_mark *order_add(struct order *o, uint32_t cell, int64_t at_us, bool disk_only);

void order_end(struct order *o, uint32_t cell, struct order_mark *mark);

/** The oldest of a cell that is on disk only, NULL when there is none. */
struct order_mark *order_next_on_disk(const struct order *o, uint32_t cell);

/** It is in a lane of this process now. */
void order_in_memory(struct order_mark *mark);

/** The file cannot be used: what was found there is nothing to be waited for. */
void order_forget_disk(struct order *o);

/** True when no other worker has an older event of that cell. @param mark  NULL: the event has just arrived. */
bool order_may_go(const struct order *o, uint32_t cell, const struct order_mark *mark);

#endif
