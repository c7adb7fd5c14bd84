/* Vietnamese text as people type it: made clean once at the edge, folded for matching, cut for showing.
 *
 * Rules T1 to T11 are quoted in text.c.  Two forms of a message exist: the stored one (text_clean) and
 * the key (text_key), which serves matching only and is never shown to anybody. */
#ifndef SANGKIEN_HANDLERS_READING_TEXT_H
#define SANGKIEN_HANDLERS_READING_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

/**
 * The form that is stored (T1, T2, T4, T10): valid UTF-8 (bad bytes become U+FFFD), NFC with misordered
 * Vietnamese marks composed, without NUL, U+200B, U+200C, U+FEFF, bidi controls and other control
 * characters (tab and the odd spaces become a blank; CR LF and CR become LF), trimmed, runs of blanks
 * collapsed, line breaks kept (at most two in a row).  Emoji sequences stay whole.
 * @return owned by ctx, NUL-terminated, never NULL but for lack of memory.
 */
char *text_clean(TALLOC_CTX *ctx, struct str raw);

/** The key (T2 to T8): cleaned, lower case, marks removed, `đ` to `d`, full-width forms to ASCII, emoji dropped,
 *  line breaks kept, odd spaces plain.  Idempotent.  Owned by ctx. */
char *text_key(TALLOC_CTX *ctx, struct str text);

/** Characters (code points) of valid UTF-8; the unit of every limit shown to people. */
size_t text_chars(struct str text);

/** UTF-16 code units: what Zalo's limit of 2000 is counted in (zalo-oa-api 2.3), never less than characters. */
size_t text_utf16_units(struct str text);

/** The longest prefix of at most `chars` characters that does not end inside a grapheme cluster. */
struct str text_cut(struct str text, size_t chars);

/** `text` when it has at most `chars` characters, else cut with "…" so that the whole has at most `chars`; line
 *  breaks become blanks.  Owned by ctx. */
char *text_short(TALLOC_CTX *ctx, struct str text, size_t chars);

/** First part of at most `units` UTF-16 units, ending at a paragraph, line, word or grapheme boundary in this
 *  order of preference (zalo-oa-api 2.3).  *rest gets what follows, without leading blanks. */
struct str text_split(struct str text, size_t units, struct str *rest);

/** True for a text that is one or more emoji or pictographs and nothing else. */
bool text_is_emoji(struct str text);

#endif
