/* Initiatives, their revisions and authors, and the parked drafts they come from. */
#ifndef SANGKIEN_DB_INITIATIVE_STORE_H
#define SANGKIEN_DB_INITIATIVE_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

void initiative_store_add(struct save *s, const struct initiative *i);
void initiative_store_patch(struct save *s, const struct initiative_patch *p);
void initiative_store_add_author(struct save *s, const struct initiative_author *a);
void initiative_store_author_consent(struct save *s, const struct initiative_author *a);
void initiative_store_put_draft(struct save *s, const struct parked_draft *d);

/** Deletes a parked draft that has become the active one: its evidence stays. */
void initiative_store_unpark_draft(struct save *s, const struct parked_draft *d);

/** Deletes a draft, parked or active, and the evidence that was sent for it. */
void initiative_store_drop_draft(struct save *s, const struct parked_draft *d);

/* Readers of one person's part of a set-based result; rows belong to ctx, order as in the result. */
const struct initiative *initiative_store_list_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t *ret_total);
const struct initiative *initiative_store_one_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t id);
const struct initiative_author *initiative_store_authors_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t initiative_id);
const struct parked_draft *initiative_store_drafts_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

#endif
