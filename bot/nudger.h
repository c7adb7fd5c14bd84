/* Automatic reminders: a look, once a minute over all nodes, at some thousand people for what they may have forgotten.
 *
 *   a draft left a day ago, an initiative that was returned, the last days of a wave (settings nudge.*)
 *
 * Who is found gets a row of nudge, which counts like a broadcast's for the two a week, and mail; the words are said in his own
 * turn (handlers/reminder.c), which looks once more whether there is still something to say.  Only inside hours.broadcast, and
 * at most PER_LOOK at a time, so that a morning begins with a trickle. */
#ifndef SANGKIEN_BOT_NUDGER_H
#define SANGKIEN_BOT_NUDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

struct event_base;
struct ids;
struct nudger;
struct pg_queue;
struct settings;

enum nudge_kind { NUDGE_DRAFT, NUDGE_RETURNED, NUDGE_WAVE, NUDGE_KINDS };

struct nudger_options {
    struct event_base *base;
    const struct settings *settings;
    struct pg_queue *db; /* not that of turns and replies: a look may take a while */
    struct ids *ids;
    void (*on_mail)(void *ctx); /* mail was posted that is due now */
    void *ctx;
    bool hold; /* after a restored backup: nobody is reminded */
};

/** Freed after its connection, which calls it back. */
struct nudger *nudger_new(TALLOC_CTX *ctx, const struct nudger_options *options);

/** Posted by this process, by nudge_kind. */
const uint64_t *nudger_counters(const struct nudger *n);

#endif
