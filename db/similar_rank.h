/* Which initiatives share most with a question: adds up the lists of its terms.
 *
 * An entry of a list is four bytes, big-endian: 25 bits number of an initiative, 6 bits half the number of its terms (63: that
 * or more).  A term is worth the logarithm of how rare it is; a long text shares more terms by chance, so the sum is divided by the
 * length of the text (tf-idf with the length in place of the norm). */
#ifndef SANGKIEN_DB_SIMILAR_RANK_H
#define SANGKIEN_DB_SIMILAR_RANK_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

struct similar_rank;

/** @param docs  no number is greater; memory is two bytes for each, one nanosecond an entry or so is the time. */
struct similar_rank *similar_rank_new(TALLOC_CTX *ctx, uint32_t docs);

/** Adds a part of a list. @param entries  borrowed until the end. @param length  of the whole list. */
void similar_rank_add(struct similar_rank *rank, struct str entries, uint32_t length);

/** The numbers that share most, best first. @return how many. */
size_t similar_rank_best(struct similar_rank *rank, uint32_t *ret, size_t most);

#endif
