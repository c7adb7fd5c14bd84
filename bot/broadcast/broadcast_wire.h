/* How far the chunk in hand has gone on the wire, kept where it outlives a process that is killed: who is behind waits again.
 *
 * Rows are marked in the database some dozens at a time, and the mark alone cannot tell which of them were sent when the process
 * died.  The furthest is therefore written into a small file mapped into memory before its call begins: that costs a store, and
 * the kernel keeps it however the process ends.  Of another boot of the machine it says nothing (a power cut loses what came last),
 * nor of another taking of the chunk (its fence differs); then all that is marked counts as sent, as without the file. */
#ifndef SANGKIEN_BOT_BROADCAST_WIRE_H
#define SANGKIEN_BOT_BROADCAST_WIRE_H

#include <stdint.h>
#include <talloc.h>

#include "err.h"

struct broadcast_wire;

enum { BROADCAST_WIRE_ID_BYTES = 64 };

struct broadcast_reached {
    int64_t broadcast, chunk, fence; /* fence 0: not known */
    char user_id[BROADCAST_WIRE_ID_BYTES]; /* nobody behind this one was put on the wire */
};

/**
 * Maps folder/on-the-wire-`number`; the number is this process's own as long as it lives (spool.h).
 * @return NULL with ERR_SYSTEM; the functions below take NULL for "not known".
 */
struct broadcast_wire *broadcast_wire_new(TALLOC_CTX *ctx, const char *folder, unsigned number, struct err *e);

/** What the process before this one, surely gone, left; never NULL. */
const struct broadcast_reached *broadcast_wire_before(const struct broadcast_wire *w);

/** A chunk was taken; up to marked_id it is not this process's doing. */
void broadcast_wire_begin(struct broadcast_wire *w, int64_t broadcast, int64_t chunk, int64_t fence, const char *marked_id);

/** The call to this one begins now, and to nobody behind so far. */
void broadcast_wire_reach(struct broadcast_wire *w, const char *user_id);

#endif
