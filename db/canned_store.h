/* Canned answers: the installation's, found by words, offered for questions like those they answered. */
#ifndef SANGKIEN_DB_CANNED_STORE_H
#define SANGKIEN_DB_CANNED_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

/** Those found for that person, best first, from the result of SQL_CANNED_FIND, _GET or _OFFER; a list, NULL: none. */
const struct canned_answer *canned_store_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** @param name_key, text_key  folded, for finding. */
void canned_store_put(struct save *s, const struct canned_answer *a, const char *name_key, const char *text_key);
void canned_store_drop(struct save *s, int64_t id);

/** @param question_key  what was asked, folded. */
void canned_store_learn(struct save *s, const struct canned_use *u, const char *question_key);

#endif
