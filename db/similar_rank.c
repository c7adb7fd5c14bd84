/* Ranking by the lists of terms: see similar_rank.h. */
#include "similar_rank.h"

enum {
    ENTRY = 4,
    LENGTH_BITS = 6,
    LISTS_MAX = 1024, /* parts; what a look-up reads is far less */
    TYPICAL = 15,     /* added to the length, in pairs of terms: a short text must not win by one term */
    SCALE = 64,
};

struct similar_rank {
    uint32_t docs;
    uint16_t *sum; /* by number */
    struct str list[LISTS_MAX];
    size_t lists;
};

struct best {
    uint32_t doc, worth;
};

struct similar_rank *similar_rank_new(TALLOC_CTX *ctx, uint32_t docs)
{
    struct similar_rank *rank = talloc_zero(ctx, struct similar_rank);
    rank->docs = docs;
    rank->sum = talloc_zero_array(rank, uint16_t, docs + 1);
    return rank;
}

static uint32_t entry_at(struct str entries, size_t i)
{
    const unsigned char *p = (const unsigned char *)entries.p + i;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* 16 * log2(n), the fraction linear. */
static uint32_t log2_16(uint32_t n)
{
    uint32_t whole = 31U - (uint32_t)__builtin_clz(n | 1U);
    return whole * 16 + (uint32_t)((((uint64_t)n << 4) >> whole) & 15U);
}

void similar_rank_add(struct similar_rank *rank, struct str entries, uint32_t length)
{
    if (rank->lists == LISTS_MAX)
        return;
    rank->list[rank->lists++] = entries;
    uint32_t most = log2_16(rank->docs + 1), here = log2_16(length);
    uint16_t worth = (uint16_t)(most > here ? most - here + 2 : 2);
    for (size_t i = 0; i + ENTRY <= entries.n; i += ENTRY) {
        uint32_t doc = entry_at(entries, i) >> LENGTH_BITS;
        if (doc <= rank->docs && rank->sum[doc] <= UINT16_MAX - worth)
            rank->sum[doc] = (uint16_t)(rank->sum[doc] + worth);
    }
}

static size_t keep(struct best *best, size_t count, size_t most, struct best b)
{
    size_t at = count < most ? count++ : most - 1;
    for (; at > 0 && best[at - 1].worth < b.worth; at--)
        best[at] = best[at - 1];
    best[at] = b;
    return count;
}

size_t similar_rank_best(struct similar_rank *rank, uint32_t *ret, size_t most)
{
    struct best *best = talloc_array(rank, struct best, (unsigned)most + 1);
    size_t count = 0;
    uint32_t least = 1; /* no sum below this can be among the best, whatever the length */
    for (size_t l = 0; l < rank->lists; l++) {
        struct str entries = rank->list[l];
        for (size_t i = 0; i + ENTRY <= entries.n; i += ENTRY) {
            uint32_t entry = entry_at(entries, i), doc = entry >> LENGTH_BITS;
            if (doc > rank->docs || rank->sum[doc] < least)
                continue;
            uint32_t worth = rank->sum[doc] * SCALE / (TYPICAL + (entry & ((1U << LENGTH_BITS) - 1)));
            rank->sum[doc] = 0; /* met again in another list, it is not counted again */
            if (count < most || worth > best[count - 1].worth)
                count = keep(best, count, most, (struct best){doc, worth});
            if (count == most)
                least = best[most - 1].worth * TYPICAL / SCALE + 1;
        }
    }
    for (size_t i = 0; i < count; i++)
        ret[i] = best[i].doc;
    talloc_free(best);
    return count;
}
