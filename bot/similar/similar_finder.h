/* Finds what is alike behind the turns: for an author who has just told title and description, and for the reviewer once an
 * initiative was filed or its wording edited.
 *
 *   wish of a turn -> look-up -> mail "similar_found" to that person, when something is very similar
 *   row of similar_check -> look-up -> signals for the reviewer
 *
 * A wish may be given up in a rush (similar_desk.h) and is gone with the process; a check is a row and stays until it is
 * done, so the reviewer misses nothing.  Every process does checks; two that do the same one write the same. */
#ifndef SANGKIEN_BOT_SIMILAR_FINDER_H
#define SANGKIEN_BOT_SIMILAR_FINDER_H

#include <stdint.h>
#include <talloc.h>

struct event_base;
struct ids;
struct pg_queue;
struct similar_desk;
struct similar_finder;
struct similar_wish;

struct similar_finder_options {
    struct event_base *base;
    struct similar_desk *desk;   /* borrowed; ends before the finder */
    struct pg_queue *jobs;       /* reads and writes what belongs to a finding; nobody waits for it; ends before the finder too */
    struct ids *ids;
    void (*on_mail)(void *ctx);  /* mail was posted that is due now */
    void *ctx;
};

struct similar_finder *similar_finder_new(TALLOC_CTX *ctx, const struct similar_finder_options *options);

/** A turn of that person is committed and wishes for this; everything is copied. */
void similar_finder_take(struct similar_finder *f, const char *user_id, const struct similar_wish *wish);

struct similar_finder_counters {
    uint64_t found;   /* wishes that came to mail about something very similar */
    uint64_t nothing; /* looked up, and nothing is */
    uint64_t lost;    /* given up or failed */
    uint64_t checked; /* initiatives checked for the reviewer */
    int64_t check_lag_ms; /* for how long the oldest check was due at the last look; 0: none was */
};
const struct similar_finder_counters *similar_finder_counters(const struct similar_finder *f);

#endif
