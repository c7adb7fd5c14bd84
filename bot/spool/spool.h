/* The spool: events that PostgreSQL could not take in time, on this machine's disk instead.
 *
 * The event loop hands rows over and is called back when they are on disk; a writer thread owns the file and commits all
 * that wait with one fsync.  Nothing here blocks the loop but the start and the end.
 *
 * Jobs run in the order in which they were given, so a read sees every row added before it and none removed before it. */
#ifndef SANGKIEN_BOT_SPOOL_H
#define SANGKIEN_BOT_SPOOL_H

#include "spool_file.h"

struct event_base;
struct settings;
struct spool;

enum {
    SPOOL_JOBS_MAX = 16384, /* waiting for the thread; beyond: refused */
    SPOOL_JOBS_BYTES_MAX = 64 << 20,
    SPOOL_READ_ROWS = 256,  /* of one read */
};

struct spool_counters {
    uint64_t added, removed, refused, torn;
};

/**
 * Opens the spool in settings->spool.path, see spool_file_open().  Blocks: the whole file is read.
 * @param on_row  for each row that waits already.
 * @return NULL with ERR_SYSTEM or ERR_NOMEM.  Freed with talloc_free(): what waits for the disk is written (5 s at most),
 * nobody is called back any more.
 */
struct spool *spool_new(TALLOC_CTX *ctx, struct event_base *base, const struct settings *settings, spool_row_fn *on_row, void *row_ctx,
                        struct err *e);

/** N of spool-N.db. */
unsigned spool_number(const struct spool *s);

/** False: spool.max_mb is reached, or too much waits for the disk. */
bool spool_has_room(const struct spool *s, struct str body);

/** `id` 0: it is not on disk, for `why`. Once, from the loop, never before spool_add() returns. */
typedef void spool_added_fn(int64_t id, const struct err *why, void *ctx);

/**
 * Appends an event; everything is copied, `sum` and `at_ms` are filled here.
 * @return false when it is refused at once, for want of room.
 */
bool spool_add(struct spool *s, const struct spool_row *row, spool_added_fn *on_added, void *ctx);

/** Removes a row, whose body (its size) is given for the bound; it may come back after a crash or a power cut. */
void spool_remove(struct spool *s, int64_t id, struct str body);

/** Rows are owned by nobody and gone after the call. `e`: they could not be read. */
typedef void spool_read_fn(const struct spool_row *rows, size_t count, const struct err *e, void *ctx);

/** Reads the next SPOOL_READ_ROWS rows behind `after` that are not `held`. */
void spool_read(struct spool *s, int64_t after, spool_read_fn *on_read, void *ctx);

/** Rows in the spool, those on their way to the disk included; what they take. */
uint64_t spool_rows(const struct spool *s);
uint64_t spool_bytes(const struct spool *s);

/** How long the oldest row has been waiting, 0 when there is none. */
int64_t spool_oldest_age_ms(const struct spool *s);

/** False while the last try to write failed. */
bool spool_well(const struct spool *s);

const struct spool_counters *spool_counters(const struct spool *s);

#endif
