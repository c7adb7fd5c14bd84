/* Memory for tokens and keys: talloc strings that are wiped when they are freed. */
#ifndef SANGKIEN_BOT_SECRET_H
#define SANGKIEN_BOT_SECRET_H

#include <talloc.h>

#include "str.h"

/** Room for n bytes and a NUL, zeroed, wiped when it or its context is freed.  NULL: no memory. */
char *secret_room(TALLOC_CTX *ctx, size_t n);

/** A NUL-terminated copy, wiped like that. */
char *secret_copy(TALLOC_CTX *ctx, struct str s);

#endif
