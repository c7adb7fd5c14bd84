/* Which events were in hand when the process died: one that was so at two crashes is dead, or it would crash every restart.
 *
 * Their keys stand in a small file mapped into memory, in-hand-N beside the spool: writing there costs a store, and the
 * kernel keeps it however the process ends (a power cut may lose it, but is no crash).  At the next start what was in hand is
 * suspect: it goes through in a batch of its own, so that if it strikes again the others of its first batch are not in hand.
 *
 * A crash is a signal the process raised itself (SIGSEGV, SIGABRT, ...; systemd's watchdog sends SIGABRT).  Whoever is killed
 * from outside (kill -9, out of memory) has mostly done nothing: that counts a fifth.  The count goes when the event settles. */
#ifndef SANGKIEN_BOT_SUSPECTS_H
#define SANGKIEN_BOT_SUSPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "turns.h"

struct suspects;

enum suspicion {
    SUSPICION_NONE,
    SUSPICION_SOME,  /* handle it alone */
    SUSPICION_PROVEN /* do not handle it at all */
};

/**
 * Maps folder/in-hand-`number`; the number is this process's own as long as it lives (spool.h).  From then on crashes are noted.
 * @param process  this process's name in leases.
 * @return NULL with ERR_SYSTEM; all functions take NULL for "nobody is suspect".  Freed with talloc_free(): a clean end.
 */
struct suspects *suspects_new(TALLOC_CTX *ctx, const char *folder, unsigned number, const char *process, struct err *e);

/** The process that had the number before, surely gone; "": nobody. */
const char *suspects_predecessor(const struct suspects *s);

/** A batch of connection `runner` takes these in hand, or (count 0) has nothing in hand any more. */
void suspects_hold(struct suspects *s, size_t runner, struct turn_event *const *events, size_t count);

enum suspicion suspects_about(const struct suspects *s, const struct turn_event *event);

/** It has settled. */
void suspects_clear(struct suspects *s, const struct turn_event *event);

#endif
