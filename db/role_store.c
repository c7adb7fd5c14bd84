/* Roles: see role_store.h. */
#include "role_store.h"

#include <string.h>

static const struct {
    enum role role;
    const char *name;
} names[] = {{ROLE_SUPPORT, "support"}, {ROLE_REVIEWER, "reviewer"}, {ROLE_UNIT_ADMIN, "unit_admin"}, {ROLE_ORGANIZER, "organizer"}};

const char *role_name(enum role role)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (names[i].role == role)
            return names[i].name;
    return "";
}

enum role role_named(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(names); i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].role;
    return ROLE_NONE;
}

const char invite_alphabet[] = "23456789ABCDEFGHJKMNPQRSTVWXYZ";

bool invite_code_read(const char *typed, char ret[static INVITE_CODE_CHARS + 1])
{
    size_t n = 0;
    for (const char *p = typed; *p; p++) {
        char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;
        if (c == '-' || c == ' ')
            continue;
        if (n == INVITE_CODE_CHARS || !strchr(invite_alphabet, c))
            return false;
        ret[n++] = c;
    }
    ret[n] = '\0';
    return n == INVITE_CODE_CHARS;
}

const struct role_grant *role_store_grants_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct role_grant *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!str_eq(pg_bytes(res, r, 0), str_of(user_id)))
            continue;
        struct role_grant *g = talloc_zero(ctx, struct role_grant);
        *g = (struct role_grant){.user_id = user_id, .role = role_named(pg_text(g, res, r, 1)), .unit_id = pg_int8(res, r, 2),
                                 .unit_name = pg_text(g, res, r, 3)};
        *last = g;
        last = &g->next;
    }
    return first;
}

const struct invite *role_store_invite_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    for (int r = 0; r < PQntuples(res); r++) {
        if (!str_eq(pg_bytes(res, r, 0), str_of(user_id)))
            continue;
        struct invite *i = talloc_zero(ctx, struct invite);
        *i = (struct invite){.role = role_named(pg_text(i, res, r, 1)), .unit_id = pg_int8(res, r, 2), .unit_name = pg_text(i, res, r, 3),
                             .invited_by = pg_text(i, res, r, 4)};
        return i;
    }
    return NULL;
}

void role_store_add_grant(struct save *s, const struct role_grant *g, const char *granted_by)
{
    save_row(s, SQL_GRANT_ADD, "ttit", g->user_id, role_name(g->role), g->unit_id, granted_by);
}

void role_store_add_audit(struct save *s, const char *user_id, const struct audit_entry *a)
{
    save_row(s, SQL_AUDIT_ADD, "tittt", user_id, a->id, a->action, a->about, a->detail);
}
