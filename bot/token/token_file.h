/* The last pair of tokens this node was given, sealed on disk: Zalo kills the old pair the moment it makes a new one, so
 * between its answer and our commit this file is the only place where the OA's access exists (reliability.md T3, T5).
 *
 * token-<oa_id>.pair in spool.path.  It stays after the commit: a database restored from a backup is older than the file. */
#ifndef SANGKIEN_BOT_TOKEN_FILE_H
#define SANGKIEN_BOT_TOKEN_FILE_H

#include <stdint.h>

#include "seal.h"

enum { TOKEN_BYTES_MAX = 8192, TOKEN_FINGERPRINT_SIZE = 65 };

struct token_pair {
    const char *access, *refresh; /* secrets; never empty */
    int64_t base_generation;      /* of the row whose refresh token was spent for this pair; 0: there was no row */
    char base[TOKEN_FINGERPRINT_SIZE]; /* fingerprint of the pair that row held; "" when there was none */
    int64_t expires_at_ms;        /* by this machine's clock */
};

/** True for what a token may look like: 1 to TOKEN_BYTES_MAX bytes of visible ASCII. */
bool token_is_plausible(struct str token);

/** Writes the pair, synced, in place of the one before. Blocks for two fsyncs. */
bool token_file_write(const struct settings *s, const struct seal_key *key, const struct token_pair *pair, struct err *e);

/** Reads it. @param[out] ret  strings owned by ctx, wiped when freed.
 *  @return false with ERR_NOT_FOUND, ERR_INVALID (another key, damaged, readable by others), ERR_SYSTEM, ERR_NOMEM. */
bool token_file_read(TALLOC_CTX *ctx, const struct settings *s, const struct seal_key *key, struct token_pair *ret, struct err *e);

/** SHA-256 of a pair in hex: tells whether a row still holds the very pair that was spent. */
void token_fingerprint(const char *access, const char *refresh, char ret[static TOKEN_FINGERPRINT_SIZE]);

/**
 * Is the pair of the file newer than the row?  It is when the row still holds the pair that was spent for it.  A row of a
 * generation below that comes from a backup, unless an operator began a new history: then the later expiry wins.
 * @param row_base  fingerprint of the row's pair, "" when it does not open.
 */
bool token_file_is_newer(const struct token_pair *pair, int64_t row_generation, int64_t row_expires_at_ms, const char *row_base);

/* What the columns' and the file's sealed values are about (seal.h); owned by ctx. */
struct str token_about(TALLOC_CTX *ctx, const char *oa_id, const char *what);

#endif
