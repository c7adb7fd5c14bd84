/* The phrases of lexicon.tsv, folded once and looked up by hash: commands, fillers, teencode. */
#ifndef SANGKIEN_HANDLERS_READING_LEXICON_H
#define SANGKIEN_HANDLERS_READING_LEXICON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "intent.h"
#include "letters.h"
#include "str.h"

enum { KEY_BYTES = 512, KEY_WORDS = 40, MESSAGE_CHARS_MAX = 60, MESSAGE_WORDS_MAX = 12 /* I3 */, KEY_EXPANDED = 0xFF };

/** A short message as rule I2 wants it: folded, words apart by one blank, punctuation around words gone. */
struct message_key {
    char text[KEY_BYTES];
    char squeezed[KEY_BYTES];            /* the same without blanks (I6) */
    uint16_t at[KEY_WORDS + 1];          /* where each word begins in text; the last one: behind the end */
    uint16_t squeezed_at[KEY_WORDS + 1];
    uint64_t negates;                    /* bit i: word i is đừng, không, chưa, khỏi (I7) */
    uint8_t words;
    uint8_t typed_at[KEY_WORDS];         /* the word of `typed` it was, KEY_EXPANDED when teencode was written out */
    struct word typed[MESSAGE_WORDS_MAX];
};

/**
 * Reads the key, teencode written out (section 2).
 * @return false when the text has a line break, is longer than I3 allows, or has no word; it is content then.
 */
bool message_key_read(struct str text, struct message_key *ret);

/** Words [from, to) of the key, with or without blanks. */
struct str message_key_range(const struct message_key *key, size_t from, size_t to);
struct str message_key_squeezed(const struct message_key *key, size_t from, size_t to);

/** One command phrase. */
struct phrase {
    struct str key;
    struct str squeezed;
    struct str written; /* with accents, as in the table */
    struct str command; /* behind "/": without blanks, teencode as written */
    uint32_t letters; /* which letters occur: bit 0 is 'a' */
    enum intent intent;
    enum edit_field field;
    uint8_t scenes;   /* bit per enum intent_scene */
    uint8_t words;
    bool extended;    /* only with extended = true, see intent_read() */
    const struct phrase *next; /* same hash bucket */
};

/** All phrases, by length of `squeezed`, shortest first. */
size_t lexicon_phrases(const struct phrase **ret);

/** The first phrase with this key behind `after` (NULL: the first one); NULL when there is none. */
const struct phrase *lexicon_find(struct str key, const struct phrase *after);

/** True when the accents of words [from, to) do not contradict the phrase; teencode has none to compare. */
bool lexicon_accents_agree(const struct message_key *key, size_t from, size_t to, const struct phrase *phrase);

/** True for one of the fillers of 4.2; `key` may be two words. */
bool lexicon_is_filler(struct str key);

/** What a teencode token stands for, folded; false for any other word.  dk is left to the reader of the message. */
bool lexicon_expand(const struct word *word, struct str *ret);

/** T11, for the search of duplicates: key with teencode written out, without punctuation and words of digits only;
 *  words apart by one blank.  Owned by ctx. */
char *lexicon_search_key(TALLOC_CTX *ctx, struct str text);

#endif
