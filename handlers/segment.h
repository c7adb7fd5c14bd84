/* Whom a broadcast is for, as people write it: "registered and not initiative and (unit KCN-VT or silent 14)".
 *
 *   everybody          whoever has ever written
 *   registered         name and unit are known
 *   initiative         has sent one
 *   draft              has one under way
 *   returned           has one that was sent back to be completed
 *   silent DAYS        has not written for so many days
 *   unit CODE          works in that unit or below it
 *   behind CODE        works in a unit whose target in that wave is not reached; has it none of its own, the one above counts
 *   role ROLE          holds it: support, reviewer, unit_admin, organizer
 *   and, or, not, ( )  "and" binds closer than "or"
 *
 * Who opted out, was reminded twice this week or talks with a support contact is left out of every broadcast without being
 * asked for.  A segment becomes its conditions and a table of truth: bit n of `truth` tells whether it holds when exactly the
 * conditions hold whose bits are set in n.  So one prepared query serves every segment (broadcast_audience, 0007_broadcast.sql). */
#ifndef SANGKIEN_HANDLERS_SEGMENT_H
#define SANGKIEN_HANDLERS_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

enum { SEGMENT_CONDITIONS_MAX = 6, SEGMENT_BYTES_MAX = 500 };

struct segment {
    size_t count;
    struct {
        const char *kind;
        const char *arg; /* "" where there is none */
    } condition[SEGMENT_CONDITIONS_MAX];
    uint64_t truth;
};

/** @return false with ERR_INVALID and a sentence that says what was expected where; strings are owned by ctx. */
bool segment_parse(TALLOC_CTX *ctx, struct str text, struct segment *ret, struct err *e);

#endif
