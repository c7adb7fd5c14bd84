/* Roles: who holds which, the codes that give them, the record of privileged acts. */
#ifndef SANGKIEN_DB_ROLE_STORE_H
#define SANGKIEN_DB_ROLE_STORE_H

#include "pg.h"
#include "rows.h"
#include "save.h"

/** As stored; "" for what is no single role. */
const char *role_name(enum role role);
/** 0 when there is no role of that name. */
enum role role_named(const char *name);

enum { INVITE_CODE_CHARS = 12 }; /* 58 bits: not to be guessed within its day */
extern const char invite_alphabet[]; /* without look-alikes */

/** A code as it was made, whose hash is the key of its invitation: upper case, no dashes or blanks. @return false: it is none. */
bool invite_code_read(const char *typed, char ret[static INVITE_CODE_CHARS + 1]);

/** The roles that person holds, from the result of SQL_GRANT_LIST, a list; NULL: none. */
const struct role_grant *role_store_grants_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** The invitation that person has used, from the result of SQL_INVITE_TAKE, or NULL. */
const struct invite *role_store_invite_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

void role_store_add_grant(struct save *s, const struct role_grant *g, const char *granted_by);
void role_store_add_audit(struct save *s, const char *user_id, const struct audit_entry *a);

#endif
