/* What every part of the stand-in leans on: memory that never fails, digests, ids, UTF-8, a string map. */
#ifndef STANDIN_UTIL_H
#define STANDIN_UTIL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* A test tool has nobody to report lack of memory to: these end the process with EX_OSERR instead. */
void *must_alloc(size_t bytes); /* zeroed */
char *must_dup(const char *z);  /* NULL gives NULL */
char *must_dup_n(const char *p, size_t n);
char *must_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** Replaces *slot by a copy of `z` and frees what was there. */
void  set_string(char **slot, const char *z);

/** Milliseconds of a clock that never jumps; for durations only. */
int64_t monotonic_ms(void);
/** Microseconds of the same clock. */
int64_t monotonic_us(void);
/** Wall clock in epoch milliseconds, without the test's clock offset (standin_now adds it). */
int64_t wall_ms(void);

#define SHA256_HEX 65
#define MD5_HEX    33
struct piece {
    const void *p;
    size_t      n;
};
/** Lower-case hex of SHA-256 over the pieces one after the other. */
void  sha256_hex(const struct piece *pieces, size_t count, char out[SHA256_HEX]);
void  md5_hex(const void *p, size_t n, char out[MD5_HEX]);
void  hmac_sha256_hex(const char *key, const char *text, char out[SHA256_HEX]);
/** base64url without padding of the raw SHA-256 of `verifier` (RFC 7636 S256). Owned by the caller. */
char *pkce_challenge(const char *verifier);
/** `digits` random lower-case hex digits (at most 64), NUL-terminated. */
void  random_hex(char *out, size_t digits);
/** A random URL-safe string of `n` characters, as long as Zalo's tokens are. Owned by the caller. */
char *random_token(size_t n);
uint64_t hash_bytes(uint64_t seed, const void *p, size_t n);

bool   utf8_valid(const char *p, size_t n);
size_t utf8_characters(const char *z);
size_t utf16_units(const char *z); /* how the platform's 2000 limit is counted */

/** The string member `name` of `o`, or NULL when it is missing or no string. Borrowed from `o`. */
const char *json_string(const cJSON *o, const char *name);
/** The integer member `name`, also when written as a string of digits; `otherwise` when it is missing. */
int64_t     json_integer(const cJSON *o, const char *name, int64_t otherwise);
bool        json_flag(const cJSON *o, const char *name, bool otherwise);
const cJSON *json_member(const cJSON *o, const char *name);
/** Epoch milliseconds and ids travel as strings of digits. */
void json_add_digits(cJSON *o, const char *name, int64_t value);

/* String to pointer; keys are copied. Grows by itself, a removed key leaves no trace. */
struct map {
    struct map_entry *entries;
    size_t            capacity, used;
};
void *map_get(const struct map *m, const char *key);
void  map_set(struct map *m, const char *key, void *value);
void  map_remove(struct map *m, const char *key);
void  map_done(struct map *m);

#endif
