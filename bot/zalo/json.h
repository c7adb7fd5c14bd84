/* A strict, bounded JSON reader: what Zalo sends is read once into a flat list of tokens that point into the text.
 *
 * Why not cJSON here: it takes control bytes, leading zeros and bad UTF-8, ends strings at \u0000, turns ids into doubles
 * and gives the first of two equal keys; checking all that before and after it is longer than this reader.
 *
 * Policy (reliability.md J1 to J3), the same for webhook bodies and API answers:
 *  - RFC 8259 to the letter: one value, blanks around it, nothing else; no byte-order mark.
 *  - Text that is not UTF-8 (overlong forms, surrogates, beyond U+10FFFF) is refused, so is a raw NUL or control byte.
 *  - At most JSON_DEPTH_MAX nested containers and as many tokens (keys and values) as the caller gives room for.
 *  - \u0000 and lone surrogates are grammatical: they read as U+FFFD, and json_was_replaced() tells, for ids.
 *  - Numbers keep their digits; nothing is converted.  Keys compare byte for byte after unescaping, case matters.
 *  - A key asked for that is there twice sets `duplicate`: the reader of a document checks it once at the end. */
#ifndef SANGKIEN_BOT_ZALO_JSON_H
#define SANGKIEN_BOT_ZALO_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

enum { JSON_DEPTH_MAX = 32, JSON_TOKENS_MAX = 4096 };

enum json_type {
    JSON_ABSENT = 0, /* also what every question about an absent value gives: paths need no checks between */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_token {
    uint32_t start, end; /* bytes of the text; for strings what is between the quotes */
    uint32_t next;       /* the following element or key of the same container, 0 at the end */
    uint8_t type;
    uint8_t flags;
};

/* A value is named by its place in the list; 0 is the absent value. */
typedef uint32_t json_ref;
enum { JSON_NOTHING = 0, JSON_ROOT = 1 };

struct json {
    struct str text;          /* borrowed; must outlive the document */
    struct json_token *token; /* the caller's room; token[0] is the absent value */
    uint32_t count, max;
    bool duplicate; /* a key that was asked for stands there twice */
};

/**
 * Reads `text` (less than 4 GiB) into `doc`.
 * @param token  room for `max` tokens (2 at least), borrowed; one of them is spent on the absent value.
 * @return false with ERR_INVALID: not JSON by the policy above, or more than fits.
 */
bool json_read(struct json *doc, struct str text, struct json_token *token, size_t max, struct err *e);

enum json_type json_type(const struct json *doc, json_ref value);

/** The member of that name; JSON_NOTHING when `object` is no object or has none. */
json_ref json_get(struct json *doc, json_ref object, struct str key);

/** Elements of an array in order: for (v = json_first(d, array); v; v = json_next(d, v)).  Nothing for other types. */
json_ref json_first(const struct json *doc, json_ref array);
json_ref json_next(const struct json *doc, json_ref element);

/** The bytes as they stand: digits of a number, a string with its escapes; empty for what is absent. */
struct str json_raw(const struct json *doc, json_ref value);

/** True for a string without escapes: then json_raw() is its text. */
bool json_is_plain(const struct json *doc, json_ref value);

/** True when unescaping the string put U+FFFD for a NUL or a lone surrogate. */
bool json_was_replaced(const struct json *doc, json_ref value);

/** The text of a string, NUL-terminated, owned by ctx.  NULL: not a string (or no memory). */
char *json_string(TALLOC_CTX *ctx, const struct json *doc, json_ref value);

/** A whole number, written as such or as a string of digits with an optional minus.  @return false otherwise. */
bool json_integer(const struct json *doc, json_ref value, int64_t *ret);

/** Bytes of the UTF-8 sequence at `p` (1 to 4), 0 when there is no valid one in the `left` bytes. */
size_t utf8_sequence(const char *p, size_t left);

#endif
