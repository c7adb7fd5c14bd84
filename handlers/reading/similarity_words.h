/* How much a word tells about an initiative. */
#ifndef SANGKIEN_HANDLERS_READING_SIMILARITY_WORDS_H
#define SANGKIEN_HANDLERS_READING_SIMILARITY_WORDS_H

#include <stdint.h>

#include "str.h"

enum { WORD_WEIGHT_MAX = 16 };

/** 0 for a word of grammar, WORD_WEIGHT_MAX for one that few initiatives have. @param fold  one word, folded, a final y
 *  behind a consonant written i (ky is ki). */
uint8_t similarity_word_weight(struct str fold);

#endif
