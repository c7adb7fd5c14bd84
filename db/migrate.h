/* Brings a database to this program's schema: numbered, forward only, each migration one transaction. */
#ifndef SANGKIEN_DB_MIGRATE_H
#define SANGKIEN_DB_MIGRATE_H

#include <stdbool.h>

#include "err.h"

/** Applies what is missing, blocking.  Two at once are safe: the second waits.  @param ret_applied may be NULL. */
bool migrate_run(const char *url, int *ret_applied, struct err *e);

/** Compares without changing.  @return false with a sentence that says what to do (unreachable, old, too new). */
bool migrate_check(const char *url, struct err *e);

#endif
