/* Was this webhook body signed by Zalo?  Decided over the raw bytes, before any JSON parser sees them.
 *
 *     X-ZEvent-Signature: mac=<hex of SHA-256( app_id || body || timestamp || OA secret key )>
 *
 * A plain hash, not an HMAC, and without separators.  What makes the concatenation unambiguous is that app_id and
 * timestamp are members of the signed body itself: a bounded scanner takes them from the top level, each exactly once,
 * app_id without escapes, timestamp 10 to 16 plain digits, and nothing but blanks may surround the one object.
 * Source: zalo-oa-api.md 1.3 (signature), 1.2 (no secret yet), 1.5 (length of the timestamp). */
#ifndef SANGKIEN_BOT_ZALO_SIGNATURE_H
#define SANGKIEN_BOT_ZALO_SIGNATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

/* All borrowed; they must live as long as zalo_verify() runs. */
struct zalo_secrets {
    struct str current;  /* the OA secret key of the console's webhook page, not the app secret */
    struct str previous; /* still accepted while the key is being changed; may be empty */
    const char *const *oa_ids; /* only for the counter would_match_oa_id; may be NULL */
    size_t oa_count;
};

enum zalo_verdict {
    ZALO_FORGED = 0, /* the hash belongs to other bytes or to another secret: 401 */
    ZALO_UNSIGNED,   /* no signature header: 401 */
    ZALO_BAD_HEADER, /* two headers, or not 64 hex digits: 401 */
    ZALO_BAD_BODY,   /* app_id or timestamp missing, twice or odd, or not one object: 401 */
    ZALO_NO_SECRET,  /* none configured yet: answer 200, process nothing (the console shows it after that) */
    ZALO_SIGNED,     /* genuine.  Whether app and OA are ours is decode.h's question */
    ZALO_VERDICT_COUNT
};

struct zalo_signature_counts {
    uint64_t verdict[ZALO_VERDICT_COUNT];
    uint64_t signed_with_previous;
    uint64_t would_match_oa_id; /* forged, but right if the first term were the OA id: some threads claim so */
};

/** Makes the hash ready. @return false when OpenSSL cannot; then the process had better not start. */
bool zalo_signature_init(void);

/**
 * Verifies one request.  One pass over the body, no allocation, constant-time comparison.
 * @param header_value  the value of X-ZEvent-Signature: `mac=` (blanks around the sign and any case are fine, and it may
 *                      be absent) and 64 hex digits of any case.
 * @param header_count  how many such headers the request has; anything but 1 is refused.
 */
enum zalo_verdict zalo_verify(struct str body, struct str header_value, size_t header_count,
                              const struct zalo_secrets *secrets);

/** "forged", "unsigned", ...: the name of a counter and the word in a log line. */
const char *zalo_verdict_name(enum zalo_verdict verdict);

/** Counted since the process started; valid for ever. */
const struct zalo_signature_counts *zalo_signature_counts(void);

#endif
