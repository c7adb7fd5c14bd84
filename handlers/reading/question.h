/* What a question to the support is known by: the same matter asked in other words gives much the same key. */
#ifndef SANGKIEN_HANDLERS_READING_QUESTION_H
#define SANGKIEN_HANDLERS_READING_QUESTION_H

#include <talloc.h>

/** Folded; ways to ask (when, how, how much, where) and words that mean one thing to a desk are one word each, words that tell nothing
 *  are left out, unless nothing else is there.  To be compared by trigrams: tests/bot/test_canned.c has the measure.  Owned by ctx, NULL:
 *  no memory. */
char *question_key(TALLOC_CTX *ctx, const char *question);

#endif
