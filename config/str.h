/* Borrowed text: a view is not an owner. */
#ifndef SANGKIEN_CONFIG_STR_H
#define SANGKIEN_CONFIG_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p; /* UTF-8 bytes, no NUL promised; may be NULL when n is 0 */
    size_t n;
};

#define STR(lit) ((struct str){(lit), sizeof(lit) - 1})
#define STR_ARG(s) (int)(s).n, (s).p /* printf("%.*s", STR_ARG(name)) */
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/** A view of a NUL-terminated string; NULL gives an empty view. */
static inline struct str str_of(const char *z)
{
    return (struct str){z, z ? strlen(z) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/** What is left of `s` behind its first `n` bytes; empty when it is shorter. */
static inline struct str str_skip(struct str s, size_t n)
{
    if (n > s.n)
        n = s.n;
    return n ? (struct str){s.p + n, s.n - n} : s;
}

/** FNV-1a, with its high bits folded into the low ones: for tables in memory, never for anything that is stored. */
static inline uint64_t str_hash(struct str s)
{
    uint64_t h = 14695981039346656037ull;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 1099511628211ull;
    return h ^ h >> 32;
}

#endif
