/* Reviewers' cards and verdicts. */
#ifndef SANGKIEN_DB_REVIEW_STORE_H
#define SANGKIEN_DB_REVIEW_STORE_H

#include <talloc.h>

#include "pg_value.h"
#include "rows.h"
#include "save.h"

/** The card of this reviewer among the results of review_next or review_of_code; NULL when there is none. Owned by ctx. */
const struct review_card *review_store_card_of(TALLOC_CTX *ctx, const PGresult *res, const char *reviewer);

/** What follows from a verdict, for the initiative and for the record. */
void review_store_apply(struct save *s, const struct verdict *v);

/** Nobody gets that initiative for a while. */
void review_store_away(struct save *s, const struct review_away *a);

#endif
