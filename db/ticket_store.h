/* Tickets: what a worker asked, who answers, and which reply carried whose words. */
#ifndef SANGKIEN_DB_TICKET_STORE_H
#define SANGKIEN_DB_TICKET_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

void ticket_store_put(struct save *s, const struct ticket *t);
void ticket_store_add_message(struct save *s, const struct ticket_message *m);
void ticket_store_message_failed(struct save *s, const char *user_id, int64_t id, const char *failure);
void ticket_store_add_relay(struct save *s, const struct ticket_relay *r);
void ticket_store_set_duty(struct save *s, const char *user_id, bool on);

/** A reply was given up: if it carried somebody's words, the ticket hears of it.  Behind outbox_store_settle(). */
void ticket_store_relay_failed(struct save *s, const char *user_id, int64_t id);

/*
 * One person's part of a result; rows are children of ctx.
 */

/** Of SQL_TICKET_LIST: newest first. */
const struct ticket *ticket_store_list_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** Of SQL_TICKET_START: a fresh number; *ret_minutes is 0 when there is no median yet. */
int64_t ticket_store_start_of(const PGresult *res, const char *user_id, int *ret_minutes);

/** Of SQL_TICKET_CONTACTS, best first, or SQL_TICKET_CHIEFS. */
const struct contact *ticket_store_contacts_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** Of SQL_TICKET_CASE; NULL: no such ticket for this reader. */
const struct ticket_case *ticket_store_case_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** Of SQL_TICKET_QUEUE, oldest first. */
const struct ticket_case *ticket_store_queue_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** Of SQL_TICKET_QUOTED; NULL: the quoted message belongs to none. */
const struct ticket *ticket_store_quoted_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

#endif
