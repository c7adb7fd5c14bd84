/* A callback's way back to an object that may be gone when it comes: statements and calls cannot be taken back.
 *
 * The note belongs to whoever will call back (so it ends with it), the object holds it in a slot; either may go first. */
#ifndef SANGKIEN_BOT_PENDING_H
#define SANGKIEN_BOT_PENDING_H

#include <talloc.h>

struct pending;

/** Notes that `owner` waits for `answerer` (a talloc object); the note is the callback's ctx. @param slot  empty; part of owner. */
struct pending *pending_new(TALLOC_CTX *answerer, void *owner, struct pending **slot);

/** Who waits; NULL when it has gone. */
void *pending_owner(const struct pending *p);

/** In the callback: ends the wait. @return the owner, NULL when it has gone. */
void *pending_end(struct pending *p);

/** In the owner's destructor: the answer, when it comes, finds nobody. An empty slot is fine. */
void pending_forget(struct pending **slot);

#endif
