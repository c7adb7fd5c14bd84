/* Migrations: see migrate.h.  Runs before the event loop exists, so blocking calls are fine here. */
#include "migrate.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "migrations.h" /* generated from db/migrations */
#include "scoped.h"

SCOPED_DEFINE(pgconn, PGconn *, PQfinish)
SCOPED_DEFINE(pgresult, PGresult *, PQclear)

static bool fail(PGconn *conn, const char *while_doing, struct err *e)
{
    const char *text = PQerrorMessage(conn);
    return err_set(e, ERR_UNAVAILABLE, "%s: %.*s", while_doing, (int)strcspn(text, "\n"), text);
}

static PGconn *open_database(const char *url, struct err *e)
{
    const char *const keys[] = {"fallback_application_name", "connect_timeout", "target_session_attrs", "dbname", NULL};
    const char *const values[] = {"sangkien migrate", "5", "read-write", url, NULL};
    PGconn *conn = PQconnectdbParams(keys, values, 1);
    if (PQstatus(conn) == CONNECTION_OK)
        return conn;
    fail(conn, "cannot reach the database", e);
    PQfinish(conn);
    return NULL;
}

static bool run(PGconn *conn, const char *sql, const char *while_doing, struct err *e)
{
    SCOPED(pgresult) PGresult *res = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
        return true;
    return fail(conn, while_doing, e);
}

/* The newest applied migration; 0 on an empty database. */
static bool applied(PGconn *conn, int *ret, struct err *e)
{
    SCOPED(pgresult) PGresult *res =
        PQexec(conn, "SELECT CASE WHEN to_regclass('schema_migration') IS NULL THEN 0 ELSE 1 END");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return fail(conn, "cannot look at the schema", e);
    *ret = 0;
    if (strcmp(PQgetvalue(res, 0, 0), "0") == 0)
        return true;
    SCOPED(pgresult) PGresult *newest = PQexec(conn, "SELECT coalesce(max(number), 0) FROM schema_migration");
    if (PQresultStatus(newest) != PGRES_TUPLES_OK)
        return fail(conn, "cannot look at the schema", e);
    *ret = (int)strtol(PQgetvalue(newest, 0, 0), NULL, 10);
    return true;
}

static bool apply(PGconn *conn, const struct migration *m, struct err *e)
{
    char number[16];
    snprintf(number, sizeof(number), "%d", m->number);
    const char *const values[] = {number, m->name};
    if (!run(conn, m->sql, m->name, e))
        return false;
    SCOPED(pgresult) PGresult *res =
        PQexecParams(conn, "INSERT INTO schema_migration (number, name) VALUES ($1::int, $2)", 2, NULL, values, NULL, NULL, 0);
    return PQresultStatus(res) == PGRES_COMMAND_OK || fail(conn, m->name, e);
}

bool migrate_run(const char *url, int *ret_applied, struct err *e)
{
    SCOPED(pgconn) PGconn *conn = open_database(url, e);
    if (!conn)
        return false;
    int count = 0;
    for (;;) {
        /* The table lock makes a second migration wait; each migration and its mark commit together. */
        int newest = 0;
        if (!run(conn, "BEGIN", "beginning", e) || !run(conn, "SET LOCAL client_min_messages = warning", "beginning", e) ||
            !run(conn, "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT NULL,"
                       " at timestamptz NOT NULL DEFAULT now())", "creating the list of migrations", e) ||
            !run(conn, "LOCK TABLE schema_migration IN EXCLUSIVE MODE", "locking the list of migrations", e) || !applied(conn, &newest, e))
            return false;
        if (newest > MIGRATION_COUNT)
            return err_set(e, ERR_INVALID, "the database has migration %d, this program knows %d: run a newer sangkien", newest, MIGRATION_COUNT);
        if (newest < MIGRATION_COUNT) {
            if (!apply(conn, &migrations[newest], e))
                return err_wrap(e, "migration %d", newest + 1);
            log_info("migration %d %s applied", newest + 1, migrations[newest].name);
            count++;
        }
        if (!run(conn, "COMMIT", "committing a migration", e))
            return false;
        if (newest + 1 >= MIGRATION_COUNT)
            break;
    }
    if (ret_applied)
        *ret_applied = count;
    return true;
}

bool migrate_check(const char *url, struct err *e)
{
    SCOPED(pgconn) PGconn *conn = open_database(url, e);
    int newest = 0;
    if (!conn || !applied(conn, &newest, e))
        return false;
    if (newest < MIGRATION_COUNT)
        return err_set(e, ERR_NOT_FOUND, "the database has %d of %d migrations: run `sangkien migrate`", newest, MIGRATION_COUNT);
    if (newest > MIGRATION_COUNT)
        return err_set(e, ERR_INVALID, "the database has migration %d, this program knows %d: run a newer sangkien", newest, MIGRATION_COUNT);
    return true;
}
