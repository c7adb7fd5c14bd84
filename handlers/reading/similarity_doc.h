/* An initiative taken apart: what similarity.c reads and the score and the index look at. */
#ifndef SANGKIEN_HANDLERS_READING_SIMILARITY_DOC_H
#define SANGKIEN_HANDLERS_READING_SIMILARITY_DOC_H

#include "letters.h"
#include "similarity.h"

enum { BREAK_NONE, BREAK_SOFT /* a hyphen */, BREAK_CLAUSE, BREAK_SENTENCE };

/* Hashes stand for the words: 32 bits over some fifty words of two texts, and a clash moves a score by a few points. */
struct token {
    struct word word;
    uint32_t fold; /* hash of the folded letters */
    uint32_t full; /* with shapes and tone; 0 where accents are unknown */
    uint8_t weight, part;
    uint8_t before; /* what stands in front of it */
    bool opens, closes; /* a parenthesis in front of it */
    bool skip;      /* a cue or a stock phrase: says nothing about this initiative */
};

/* A word of the document, once per spelling. */
struct entry {
    uint32_t fold, full;
    uint8_t weight;
    uint8_t parts; /* bit per enum similar_part */
};

struct similar_doc {
    struct token *token;
    size_t tokens, title_tokens;
    struct entry *entry; /* by fold */
    size_t entries;
};

/** The word as an entry, without its parts; weight 0: it tells nothing. */
struct entry similar_entry_of(const struct word *word);

/** Whether the document has that word in one of those parts; where both have accents they must agree. */
bool similar_has(const struct similar_doc *doc, const struct entry *e, unsigned parts);

#define PART(p) (1U << SIMILAR_##p)
#define SOLVING (PART(SOLUTION) | PART(UNCLEAR))
#define ANYWHERE (PART(TITLE) | PART(PROBLEM) | PART(SOLUTION) | PART(BENEFIT) | PART(UNCLEAR))

#endif
