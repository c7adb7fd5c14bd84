/* A bounded JSON writer: what is sent to Zalo is put together here, correct by construction.
 *
 * Commas are placed by the writer; the caller opens and closes what it opened.  Text that is not UTF-8 is written with U+FFFD
 * for each bad byte, so the result is valid JSON whatever came in. */
#ifndef SANGKIEN_BOT_ZALO_JSON_OUT_H
#define SANGKIEN_BOT_ZALO_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

struct json_out {
    char *p; /* owned by the context given to json_out_init() */
    size_t n, room, max;
    bool comma;  /* something stands before the next element */
    bool failed; /* longer than max, or no memory; nothing is written after that */
};

/** `max` bounds the text in bytes. */
void json_out_init(struct json_out *o, TALLOC_CTX *ctx, size_t max);

void json_out_open(struct json_out *o, char bracket);  /* '{' or '[' */
void json_out_close(struct json_out *o, char bracket); /* '}' or ']' */
void json_out_key(struct json_out *o, const char *key); /* a literal of ours: plain ASCII, written without escaping */
void json_out_string(struct json_out *o, struct str text);
void json_out_raw(struct json_out *o, struct str json); /* a value that is JSON already */
void json_out_integer(struct json_out *o, int64_t n);

/** The finished text, NUL-terminated, *ret_n bytes without that; NULL when it did not fit or memory ran out. */
char *json_out_done(struct json_out *o, size_t *ret_n);

#endif
