/* Vietnamese letters taken apart (base, shape, tone): the one walk over raw text that folding, intents and amounts share. */
#ifndef SANGKIEN_HANDLERS_READING_LETTERS_H
#define SANGKIEN_HANDLERS_READING_LETTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "str.h"

enum { SHAPE_NONE, SHAPE_CIRCUMFLEX, SHAPE_BREVE, SHAPE_HORN, SHAPE_FOREIGN };
enum { TONE_NONE, TONE_GRAVE, TONE_ACUTE, TONE_TILDE, TONE_HOOK, TONE_DOT, TONE_CLASH };

/** One letter of the key: T3, T5, T6, T7 and T8 are done, and what T8 removes stands beside it (for T8a). */
struct letter {
    int32_t base;  /* lower case, without marks, đ as d; ' ' and '\n' are the only blanks */
    uint8_t shape;
    uint8_t tone;
    bool pictograph; /* base is ' ': an emoji stood here */
};

/** Walks raw text, valid UTF-8 or not.  Start with {.rest = text}. */
struct letter_reader {
    struct str rest;
    int32_t queue[24]; /* code points taken apart but not yet given out */
    uint8_t first, queued;
};

/** The next letter. @return false at the end of the text. */
bool letter_next(struct letter_reader *reader, struct letter *ret);

enum { WORD_MAX = 24 };

/** A word with its marks kept apart.  A word longer than WORD_MAX has n = 0 and matches nothing. */
struct word {
    uint8_t n;
    uint8_t tone;  /* of the whole word: where the tone sits does not count (T8) */
    bool marked;   /* any tone or shape; đ does not count (T8a) */
    bool too_long;
    char fold[WORD_MAX];
    uint8_t shape[WORD_MAX];
};

/** Appends a letter; other scripts are kept as bytes that match nothing. */
void word_add(struct word *word, const struct letter *letter);

/** T8a: what was typed may lack the marks of the known word, but not contradict them. */
bool word_may_be(const struct word *typed, const struct word *known);

/** Same letters, shapes and tone. */
bool word_is(const struct word *typed, const struct word *known);

/** Hash of the folded letters, FNV-1a. */
uint32_t fold_hash(const char *fold, size_t n);

/**
 * Takes one code point off valid or broken UTF-8; a bad sequence gives U+FFFD once per maximal subpart
 * (Unicode 15, section 3.9, "U+FFFD Substitution of Maximal Subparts").
 * @return -1 at the end.
 */
int32_t utf8_take(struct str *rest);

/** Emoji, pictographs, flags and skin tones; not the joiners, variation selectors or keycaps. */
bool codepoint_is_pictograph(int32_t cp);

/** What T3 removes from the key, and what else is not seen: format characters, selectors, tags, controls. */
bool codepoint_is_invisible(int32_t cp);

/** A combining mark that folding removes: category Mn or Me. */
bool codepoint_is_mark(int32_t cp);

/** Blanks of any width and line ends. */
bool codepoint_is_blank(int32_t cp);

#endif
