/* The one spelling of a unit's name, so that "Cty Điện tử Bình Minh Xanh" is "CĐCS Công ty TNHH Điện tử Bình Minh Xanh". */
#ifndef SANGKIEN_HANDLERS_READING_UNIT_NAME_H
#define SANGKIEN_HANDLERS_READING_UNIT_NAME_H

#include <talloc.h>

#include "str.h"

/**
 * What names of units are compared by, those that are stored and those that are typed: folded (text_key), words apart by one blank,
 * abbreviations written out, without the legal form ("TNHH MTV", "cổ phần"), without the union in front ("CĐCS", "Công đoàn"), and
 * without words that only lead to the name ("em làm ở ...").  Two names that differ in nothing else are taken for the same: where
 * both exist, both are found and the person chooses.  Never empty unless `name` has no word.  Idempotent.  Owned by ctx; NULL: no
 * memory.
 */
char *unit_key(TALLOC_CTX *ctx, struct str name);

#endif
