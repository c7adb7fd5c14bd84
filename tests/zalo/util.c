/* What every part of the stand-in leans on: memory that never fails, digests, ids, UTF-8, a string map. */
#include "util.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

static void out_of_memory(void)
{
    fputs("zalo-standin: out of memory\n", stderr);
    exit(EX_OSERR);
}

void *must_alloc(size_t bytes)
{
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        out_of_memory();
    return p;
}

char *must_dup_n(const char *p, size_t n)
{
    char *copy = must_alloc(n + 1);
    if (n)
        memcpy(copy, p, n);
    return copy;
}

char *must_dup(const char *z)
{
    return z ? must_dup_n(z, strlen(z)) : NULL;
}

char *must_format(const char *fmt, ...)
{
    char   *out = NULL;
    va_list ap;
    va_start(ap, fmt);
    if (vasprintf(&out, fmt, ap) < 0)
        out_of_memory();
    va_end(ap);
    return out;
}

void set_string(char **slot, const char *z)
{
    char *copy = must_dup(z); /* first: `z` may be what is in the slot */
    free(*slot);
    *slot = copy;
}

static int64_t clock_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t monotonic_us(void)
{
    return clock_us(CLOCK_MONOTONIC);
}

int64_t monotonic_ms(void)
{
    return monotonic_us() / 1000;
}

int64_t wall_ms(void)
{
    return clock_us(CLOCK_REALTIME) / 1000;
}

static void to_hex(const unsigned char *p, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[p[i] >> 4];
        out[2 * i + 1] = digits[p[i] & 15];
    }
    out[2 * n] = '\0';
}

static void need(bool ok)
{
    if (!ok) {
        fputs("zalo-standin: OpenSSL refused a digest or random bytes\n", stderr);
        exit(EX_SOFTWARE);
    }
}

static size_t digest(const char *name, const struct piece *pieces, size_t count, unsigned char out[EVP_MAX_MD_SIZE])
{
    static EVP_MD *sha256, *md5; /* a fetch per call costs more than the digest */
    EVP_MD       **md = strcmp(name, "SHA256") == 0 ? &sha256 : &md5;
    if (!*md)
        need((*md = EVP_MD_fetch(NULL, name, NULL)) != NULL);
    static EVP_MD_CTX *ctx;
    if (!ctx)
        need((ctx = EVP_MD_CTX_new()) != NULL);
    unsigned n = 0;
    need(EVP_DigestInit_ex(ctx, *md, NULL));
    for (size_t i = 0; i < count; i++)
        need(EVP_DigestUpdate(ctx, pieces[i].p, pieces[i].n));
    need(EVP_DigestFinal_ex(ctx, out, &n));
    return n;
}

void sha256_hex(const struct piece *pieces, size_t count, char out[SHA256_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    to_hex(raw, digest("SHA256", pieces, count, raw), out);
}

void md5_hex(const void *p, size_t n, char out[MD5_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    to_hex(raw, digest("MD5", &(struct piece){p, n}, 1, raw), out);
}

void hmac_sha256_hex(const char *key, const char *text, char out[SHA256_HEX])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned      n = 0;
    need(HMAC(EVP_sha256(), key, (int)strlen(key), (const unsigned char *)text, strlen(text), raw, &n) != NULL);
    to_hex(raw, n, out);
}

char *pkce_challenge(const char *verifier)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    size_t        n = digest("SHA256", &(struct piece){verifier, strlen(verifier)}, 1, raw);
    char         *out = must_alloc(n * 2);
    EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
    for (char *c = out; *c; c++) {
        if (*c == '+')
            *c = '-';
        else if (*c == '/')
            *c = '_';
        else if (*c == '=')
            *c = '\0';
    }
    return out;
}

void random_hex(char *out, size_t digits)
{
    unsigned char raw[32];
    need(digits <= 2 * sizeof(raw) && RAND_bytes(raw, sizeof(raw)) == 1);
    char hex[2 * sizeof(raw) + 1];
    to_hex(raw, sizeof(raw), hex);
    memcpy(out, hex, digits);
    out[digits] = '\0';
}

char *random_token(size_t n)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    char             *out = must_alloc(n + 1);
    need(RAND_bytes((unsigned char *)out, (int)n) == 1);
    for (size_t i = 0; i < n; i++)
        out[i] = letters[(unsigned char)out[i] & 63];
    return out;
}

uint64_t hash_bytes(uint64_t seed, const void *p, size_t n)
{
    uint64_t             h = seed ^ 0xcbf29ce484222325U; /* FNV-1a */
    const unsigned char *b = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ b[i]) * 0x100000001b3U;
    return h;
}

/* Length of the well-formed sequence at `b` (Unicode 15, table 3-7), 0 when there is none. */
static size_t sequence_length(const unsigned char *b, size_t n)
{
    if (b[0] < 0x80)
        return 1;
    size_t len = b[0] >= 0xC2 && b[0] <= 0xDF ? 2 : b[0] >= 0xE0 && b[0] <= 0xEF ? 3 : b[0] >= 0xF0 && b[0] <= 0xF4 ? 4 : 0;
    if (len == 0 || len > n)
        return 0;
    unsigned low = b[0] == 0xE0 ? 0xA0 : b[0] == 0xF0 ? 0x90 : 0x80;
    unsigned high = b[0] == 0xED ? 0x9F : b[0] == 0xF4 ? 0x8F : 0xBF;
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((b[i] & 0xC0) != 0x80)
            return 0;
    return len;
}

bool utf8_valid(const char *p, size_t n)
{
    const unsigned char *b = (const unsigned char *)p;
    for (size_t i = 0; i < n;) {
        size_t len = sequence_length(b + i, n - i);
        if (len == 0)
            return false;
        i += len;
    }
    return true;
}

size_t utf8_characters(const char *z)
{
    size_t n = 0;
    for (; *z; z++)
        n += ((unsigned char)*z & 0xC0) != 0x80;
    return n;
}

size_t utf16_units(const char *z)
{
    size_t n = 0;
    for (; *z; z++)
        n += (size_t)(((unsigned char)*z & 0xC0) != 0x80) + (size_t)((unsigned char)*z >= 0xF0);
    return n;
}

const cJSON *json_member(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

const char *json_string(const cJSON *o, const char *name)
{
    return cJSON_GetStringValue(json_member(o, name));
}

int64_t json_integer(const cJSON *o, const char *name, int64_t otherwise)
{
    const cJSON *v = json_member(o, name);
    if (cJSON_IsNumber(v))
        return (int64_t)v->valuedouble;
    if (cJSON_IsString(v) && *v->valuestring) {
        char   *end;
        int64_t n = strtoll(v->valuestring, &end, 10);
        if (*end == '\0')
            return n;
    }
    return otherwise;
}

bool json_flag(const cJSON *o, const char *name, bool otherwise)
{
    const cJSON *v = json_member(o, name);
    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

void json_add_digits(cJSON *o, const char *name, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%lld", (long long)value);
    cJSON_AddStringToObject(o, name, digits);
}

/* Open addressing with linear probing; removal shifts the run back, so no tombstones pile up under a long benchmark. */
struct map_entry {
    char *key;
    void *value;
};

static size_t slot_of(const struct map *m, const char *key)
{
    size_t i = hash_bytes(0, key, strlen(key)) & (m->capacity - 1);
    while (m->entries[i].key && strcmp(m->entries[i].key, key) != 0)
        i = (i + 1) & (m->capacity - 1);
    return i;
}

void *map_get(const struct map *m, const char *key)
{
    if (m->capacity == 0 || !key)
        return NULL;
    return m->entries[slot_of(m, key)].value;
}

static void map_grow(struct map *m)
{
    struct map bigger = {.capacity = m->capacity ? m->capacity * 2 : 64, .used = m->used};
    bigger.entries = must_alloc(bigger.capacity * sizeof(*bigger.entries));
    for (size_t i = 0; i < m->capacity; i++)
        if (m->entries[i].key)
            bigger.entries[slot_of(&bigger, m->entries[i].key)] = m->entries[i];
    free(m->entries);
    *m = bigger;
}

void map_set(struct map *m, const char *key, void *value)
{
    if ((m->used + 1) * 10 >= m->capacity * 7)
        map_grow(m);
    struct map_entry *e = &m->entries[slot_of(m, key)];
    if (!e->key) {
        e->key = must_dup(key);
        m->used++;
    }
    e->value = value;
}

void map_remove(struct map *m, const char *key)
{
    if (m->capacity == 0)
        return;
    size_t hole = slot_of(m, key), mask = m->capacity - 1;
    if (!m->entries[hole].key)
        return;
    free(m->entries[hole].key);
    m->used--;
    for (size_t i = (hole + 1) & mask; m->entries[i].key; i = (i + 1) & mask) {
        size_t home = hash_bytes(0, m->entries[i].key, strlen(m->entries[i].key)) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) { /* its run began at or before the hole */
            m->entries[hole] = m->entries[i];
            hole = i;
        }
    }
    m->entries[hole] = (struct map_entry){NULL, NULL};
}

void map_done(struct map *m)
{
    for (size_t i = 0; i < m->capacity; i++)
        free(m->entries[i].key);
    free(m->entries);
    *m = (struct map){NULL, 0, 0};
}
