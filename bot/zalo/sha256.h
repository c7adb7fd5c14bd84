/* SHA-256 with the algorithm looked up once: fetching it per call costs more than hashing a webhook body.
 *
 * One digest context serves the whole process, so these functions belong to the event loop's thread. */
#ifndef SANGKIEN_BOT_ZALO_SHA256_H
#define SANGKIEN_BOT_ZALO_SHA256_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

enum { SHA256_BYTES = 32 };

/** Fetches the algorithm; calling it again is free. @return false when OpenSSL has no SHA-256 to give. */
bool sha256_init(void);

/** Hash of the parts one after the other, without separators. @return false (and `out` zeroed) when OpenSSL failed. */
bool sha256_parts(const struct str *part, size_t count, unsigned char out[static SHA256_BYTES]);

/* A hash that is fed piece by piece, for what streams by. */
struct sha256_stream;
struct sha256_stream *sha256_stream_new(void); /* NULL: no memory */
bool sha256_stream_add(struct sha256_stream *s, const void *bytes, size_t n);
bool sha256_stream_end(struct sha256_stream *s, unsigned char out[static SHA256_BYTES]);
void sha256_stream_free(struct sha256_stream *s); /* NULL is fine */

#endif
