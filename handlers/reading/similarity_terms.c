/* The terms that the index finds an initiative by: see similarity.h. */
#include <stdlib.h>

#include "similarity_doc.h"

enum {
    REACH = 3,        /* telling words before a word that it makes pairs with */
    WORD_WEIGHT = 10, /* from here on a word alone is a term; commoner ones are found through their pairs */
};

static int by_value(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static int32_t pair_hash(uint32_t a, uint32_t b)
{
    uint32_t low = a < b ? a : b, high = a < b ? b : a;
    uint32_t h = (low * 2654435761U) ^ (high + 0x9e3779b9U + (low << 6));
    h ^= h >> 15;
    h *= 0x85ebca6bU;
    return (int32_t)(h ^ h >> 13);
}

static size_t add_term(int32_t *ret, size_t n, int32_t hash)
{
    for (size_t i = 0; i < n; i++)
        if (ret[i] == hash)
            return n;
    if (n < SIMILAR_TERMS_MAX)
        ret[n++] = hash;
    return n;
}

/* Terms of tokens whose part is one of `parts`. */
static size_t terms_of(const struct similar_doc *doc, unsigned parts, int32_t *ret, size_t n)
{
    uint32_t last[REACH] = {0}; /* telling words before, nearest first */
    for (size_t i = 0; i < doc->tokens; i++) {
        const struct token *t = &doc->token[i];
        if (t->before >= BREAK_SENTENCE || (t->skip && last[0]))
            memset(last, 0, sizeof(last));
        if (t->skip || t->weight == 0)
            continue;
        if (parts & (1U << t->part)) {
            for (size_t k = 0; k < REACH && last[k]; k++)
                n = add_term(ret, n, pair_hash(last[k], t->fold));
            if (t->weight >= WORD_WEIGHT)
                n = add_term(ret, n, (int32_t)t->fold);
        }
        memmove(&last[1], &last[0], sizeof(last) - sizeof(last[0]));
        last[0] = t->fold;
    }
    return n;
}

size_t similar_terms(const struct similar_doc *doc, int32_t ret[static SIMILAR_TERMS_MAX])
{
    /* A long text is cut where it tells least. */
    size_t n = terms_of(doc, SOLVING | PART(TITLE), ret, 0);
    n = terms_of(doc, PART(PROBLEM) | PART(BENEFIT), ret, n);
    qsort(ret, n, sizeof(ret[0]), by_value);
    return n;
}
