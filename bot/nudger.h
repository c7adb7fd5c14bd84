/* Automatic reminders: a look, every six seconds over all nodes, at a thousand people for what they may have forgotten.
 *
 *   a draft left a day ago, an initiative that was returned, the last days of a wave (settings nudge.*)
 *
 * Who is found gets a row of nudge, which counts like a broadcast's for the two a week, and mail, in one statement; the words are
 * said in his own turn (handlers/reminder.c), which looks once more whether they may be and writes into the row what came of it.
 *
 *   queued -> said -> sent | failed          given up by the outbox
 *          -> dropped                        gone, late, opted_out, with_support, capped, overtaken
 *
 * What failed or was dropped does not count and may be found again.  Only inside hours.broadcast, 200 a minute, so that a morning
 * begins with a trickle; a person's second reminder comes a day behind the first. */
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

enum { NUDGES_PER_MINUTE = 200 };
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
