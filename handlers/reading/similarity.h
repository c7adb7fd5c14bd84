/* How alike two initiatives are: the same solution for the same problem, however it is worded.
 *
 * A description is taken apart into problem, solution and benefit ("Trước đây ... Từ đó tôi ..., nhờ vậy ..."), because two
 * initiatives about one problem share most of their words and are still no duplicates (domain.md 9).  What decides is how
 * much of either solution is found in the other initiative.  Everything is matched by the key of T11; where both are
 * written with accents, the accents must agree.  Weights of words are built in, so that a score does not depend on what
 * else is stored.  Integers only. */
#ifndef SANGKIEN_HANDLERS_READING_SIMILARITY_H
#define SANGKIEN_HANDLERS_READING_SIMILARITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

enum {
    SIMILAR_SCORE_MAX = 1000,
    SIMILAR_FLAG = 460, /* from here on "very similar"; measured by tests/bench/similar.py */
    SIMILAR_TERMS_MAX = 128,
    SIMILAR_WORDS_MAX = 1024, /* of title and description; what follows is not looked at */
};

/* One initiative, read. */
struct similar_doc;

/** Reads an initiative as it was typed; owned by ctx. An empty description is fine. */
struct similar_doc *similar_read(TALLOC_CTX *ctx, struct str title, struct str description);

/** 0 (nothing in common) to SIMILAR_SCORE_MAX; symmetric. */
int similar_score(const struct similar_doc *a, const struct similar_doc *b);

/** What the index finds it by: hashes of word pairs (in either order, also over one or two words between) and of telling
 *  words, without accents, each once, ascending. @return how many; 0 for a text without a telling word. */
size_t similar_terms(const struct similar_doc *doc, int32_t ret[static SIMILAR_TERMS_MAX]);

/**
 * Why two initiatives are taken to be alike, for the author of one: phrases of the title, else of the description, that the
 * other has as well, as they are written here; at most three, joined by commas, "" when there is none.  Owned by ctx.
 */
char *similar_common_words(TALLOC_CTX *ctx, struct str title, struct str description, const struct similar_doc *other);

enum similar_part { SIMILAR_TITLE, SIMILAR_PROBLEM, SIMILAR_SOLUTION, SIMILAR_BENEFIT, SIMILAR_UNCLEAR, SIMILAR_PARTS };

/** The folded words of one part of the initiative, apart by one blank, for tests and for looking. Owned by ctx. */
char *similar_part_text(TALLOC_CTX *ctx, const struct similar_doc *doc, enum similar_part part);

#endif
