/* What accompanies a conversation: evidence and mail to other people's turns. */
#ifndef SANGKIEN_DB_CASE_STORE_H
#define SANGKIEN_DB_CASE_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

void case_store_add_evidence(struct save *s, const struct evidence *e);
void case_store_add_mail(struct save *s, const struct mail *m);

void case_store_end_nudge(struct save *s, const char *user_id, const struct nudge_end *n);

/** The person wants no more reminders. */
void case_store_stop_nudges(struct save *s, const char *user_id);

/** Mail that is due, from the result of SQL_MAILBOX_DUE; each row is a child of ctx. */
struct mail *case_store_due_mail(TALLOC_CTX *ctx, const PGresult *res);

/** Up to `most` matches of one person's typed unit, from the result of SQL_UNIT_MATCH. @return how many. */
size_t case_store_units_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, struct unit_match *out, size_t most);

#endif
