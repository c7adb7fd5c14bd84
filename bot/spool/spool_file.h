/* The spool on disk: one SQLite file (WAL, synchronous=FULL) of events that were acknowledged and not yet committed.
 *
 * Blocking, so for start-up and for the writer thread of spool.c; one thread at a time.
 *
 * Several processes may share the folder: each takes the lowest number N whose spool-N.lock nobody holds, and works on
 * spool-N.db.  The lock ends with the process, however it ends, so the next one finds the rows.  Files of processes that are
 * gone for good (fewer of them are configured now) are emptied into the own one at start.
 *
 * What was acknowledged must be readable, so the whole file is read at start and each row's checksum compared; spool-N.lock
 * also holds the last id that was committed, so that a log cut short is noticed.  Of a torn file the readable rows are copied
 * to a new one, then it is moved aside as torn-TIME-spool-N.db:
 *   spool-N.db.new (being written)  ->  spool-N.db.good (complete)  ->  the old one moved away  ->  spool-N.db
 * A start that finds a .good file finishes that, whenever it was interrupted. */
#ifndef SANGKIEN_BOT_SPOOL_FILE_H
#define SANGKIEN_BOT_SPOOL_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

enum { SPOOL_NUMBERS = 128, SPOOL_KEY_BYTES = 16, SPOOL_SUM_BYTES = 8, SPOOL_ROW_BYTES = 128 /* what a row costs beyond its body, about */ };

struct spool_file;

struct spool_row {
    int64_t id;        /* ascending; never used twice */
    int64_t at_ms;     /* epoch: when it was spooled */
    bool held;         /* the process that wrote it also has it in memory */
    bool redelivered;  /* Zalo said so */
    const char *user_id;
    unsigned char key[SPOOL_KEY_BYTES];
    unsigned char sum[SPOOL_SUM_BYTES]; /* spool_sum() of the rest */
    struct str body;   /* the webhook body as it came */
};

/** Room in the spool that a row takes, for the bound. */
static inline uint64_t spool_row_cost(struct str body)
{
    return body.n + SPOOL_ROW_BYTES;
}

/** Fills row->sum. Belongs to the event loop's thread. @return false when OpenSSL failed. */
bool spool_row_sign(struct spool_row *row);

/** Compares row->sum. The same thread. */
bool spool_row_is_whole(const struct spool_row *row);

/** Views, valid during the call. */
typedef void spool_row_fn(const struct spool_row *row, void *ctx);

struct spool_opened {
    unsigned number;    /* N */
    uint64_t torn;      /* files that had to be moved aside */
    uint64_t adopted;   /* rows of processes that are gone */
};

/**
 * Takes a number, opens or makes the file, mends what is torn (said in the log), takes over what others left.
 * @param on_row  called for each row that waits, in order; none of them is `held` any more.
 * @return NULL with ERR_SYSTEM: nothing can be kept there.  Freed with talloc_free(): the lock is given back.
 */
struct spool_file *spool_file_open(TALLOC_CTX *ctx, const char *folder, spool_row_fn *on_row, void *row_ctx, struct spool_opened *ret,
                                   struct err *e);

/** Writes go between begin and commit. @param durable  false: a power cut may undo it (removals: the event key makes a repeat harmless). */
bool spool_file_begin(struct spool_file *f, bool durable, struct err *e);
/** @param row  its id 0: the next one. */
bool spool_file_add(struct spool_file *f, const struct spool_row *row, int64_t *ret_id, struct err *e);
bool spool_file_remove(struct spool_file *f, int64_t id, struct err *e);
bool spool_file_commit(struct spool_file *f, struct err *e);
void spool_file_rollback(struct spool_file *f);

/** The next rows behind id `after` that are not held: at most so many, and none more once their bodies have `most_bytes`. */
bool spool_file_read(struct spool_file *f, int64_t after, int most, size_t most_bytes, spool_row_fn *on_row, void *ctx, struct err *e);

/** When the oldest row was spooled, epoch ms; 0: there is none. */
int64_t spool_file_oldest_ms(struct spool_file *f);

/** For an empty spool: gives the disk back, so that no words of people stay behind in the file. */
void spool_file_tidy(struct spool_file *f);

#endif
