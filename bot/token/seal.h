/* Tokens at rest: AES-256-GCM, so that a dump of the database or a copy of the spool folder gives nobody the OA.
 *
 * Sealed bytes are nonce (12, random) || ciphertext || tag (16).  The associated data say what a value is and whose, so a
 * sealed value moved to another row or column does not open.  Random nonces are safe for 2^32 values under one key
 * (NIST SP 800-38D, 8.3); two tokens twice a day never get there. */
#ifndef SANGKIEN_BOT_SEAL_H
#define SANGKIEN_BOT_SEAL_H

#include <stdbool.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

struct settings;

enum { SEAL_KEY_BYTES = 32, SEAL_NONCE_BYTES = 12, SEAL_TAG_BYTES = 16, SEAL_OVERHEAD = SEAL_NONCE_BYTES + SEAL_TAG_BYTES };

/* Wiped when it is freed. */
struct seal_key {
    unsigned char byte[SEAL_KEY_BYTES];
};

/**
 * The key of this installation: zalo.token_key, else the file token.key in spool.path (64 hex digits, mode 0600), which is
 * made when it is missing.  Two processes that start at once agree on one.  Several nodes must be given the same key.
 * @return owned by ctx, or NULL with ERR_INVALID (not a key, or others may read it), ERR_SYSTEM, ERR_NOMEM.
 */
struct seal_key *seal_key_load(TALLOC_CTX *ctx, const struct settings *s, struct err *e);

/** The same, but a missing file is ERR_NOT_FOUND: for looking without changing anything. */
struct seal_key *seal_key_find(TALLOC_CTX *ctx, const struct settings *s, struct err *e);

/** Seals. @param[out] ret  owned by ctx. @return false with ERR_NOMEM or ERR_SYSTEM (no randomness). */
bool seal_close(TALLOC_CTX *ctx, const struct seal_key *key, struct str about, struct str plain, struct str *ret, struct err *e);

/** Opens. @param[out] ret  a secret owned by ctx, NUL behind it; untouched on failure.
 *  @return false with ERR_INVALID: another key, other associated data, or changed bytes. */
bool seal_open(TALLOC_CTX *ctx, const struct seal_key *key, struct str about, struct str sealed, struct str *ret, struct err *e);

#endif
