/* Small files that must survive a power cut whole or not at all: the token key, a fresh pair of tokens. */
#ifndef SANGKIEN_BOT_DURABLE_H
#define SANGKIEN_BOT_DURABLE_H

#include <stdbool.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

enum { DURABLE_BYTES_MAX = 64 * 1024 };

/**
 * Makes `name` in `folder` hold these bytes, mode 0600: a temporary file, fsync, rename, fsync of the folder.  Blocks for
 * the time of two fsyncs.  The folder is made (0700) when only its last part is missing.
 * @param replace  false: an existing file stays as it is (ERR_CONFLICT).
 * @return false with ERR_SYSTEM (with a sentence for the operator) or ERR_CONFLICT; the old file is intact then.
 */
bool durable_write(const char *folder, const char *name, struct str bytes, bool replace, struct err *e);

/**
 * Reads a secret file of at most DURABLE_BYTES_MAX; refuses one that others may read or write.
 * @param[out] ret  owned by ctx, wiped when it is freed, NUL behind the bytes.
 * @return false with ERR_NOT_FOUND, ERR_INVALID (permissions, size, not a plain file) or ERR_SYSTEM.
 */
bool durable_read(TALLOC_CTX *ctx, const char *folder, const char *name, struct str *ret, struct err *e);

/** Makes a folder (0700) when it is missing. @return false with ERR_SYSTEM. */
bool durable_folder(const char *path, struct err *e);

#endif
