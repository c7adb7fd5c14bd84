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

/* Which of our migrations the database has, and the newest it knows of.  They are compared one by one: a number may be filled later. */
struct applied {
    bool has[MIGRATION_COUNT];
    int count, newest;
};

static bool read_applied(PGconn *conn, struct applied *ret, struct err *e)
{
    *ret = (struct applied){0};
    SCOPED(pgresult) PGresult *there = PQexec(conn, "SELECT to_regclass('schema_migration') IS NOT NULL");
    if (PQresultStatus(there) != PGRES_TUPLES_OK)
        return fail(conn, "cannot look at the schema", e);
    if (strcmp(PQgetvalue(there, 0, 0), "t") != 0)
        return true;
    SCOPED(pgresult) PGresult *res = PQexec(conn, "SELECT number FROM schema_migration ORDER BY number");
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        return fail(conn, "cannot look at the schema", e);
    for (int r = 0; r < PQntuples(res); r++) {
        ret->newest = (int)strtol(PQgetvalue(res, r, 0), NULL, 10);
        for (int m = 0; m < MIGRATION_COUNT; m++)
            if (migrations[m].number == ret->newest && !ret->has[m]) {
                ret->has[m] = true;
                ret->count++;
            }
    }
    return true;
}

static bool too_new(const struct applied *a, struct err *e)
{
    int last = migrations[MIGRATION_COUNT - 1].number;
    if (a->newest > last)
        err_set(e, ERR_INVALID, "the database has migration %d, this program knows %d: run a newer sangkien", a->newest, last);
    return a->newest > last;
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
    for (int m = 0; m < MIGRATION_COUNT; m++) {
        /* The table lock makes a second migration wait; each migration and its mark commit together. */
        struct applied done;
        if (!run(conn, "BEGIN", "beginning", e) || !run(conn, "SET LOCAL client_min_messages = warning", "beginning", e) ||
            !run(conn, "CREATE TABLE IF NOT EXISTS schema_migration (number integer PRIMARY KEY, name text NOT NULL,"
                       " at timestamptz NOT NULL DEFAULT now())", "creating the list of migrations", e) ||
            !run(conn, "LOCK TABLE schema_migration IN EXCLUSIVE MODE", "locking the list of migrations", e) || !read_applied(conn, &done, e))
            return false;
        if (too_new(&done, e))
            return false;
        if (!done.has[m]) {
            if (!apply(conn, &migrations[m], e))
                return err_wrap(e, "migration %d", migrations[m].number);
            log_info("migration %d %s applied", migrations[m].number, migrations[m].name);
            count++;
        }
        if (!run(conn, "COMMIT", "committing a migration", e))
            return false;
    }
    if (ret_applied)
        *ret_applied = count;
    return true;
}

bool migrate_check(const char *url, struct err *e)
{
    SCOPED(pgconn) PGconn *conn = open_database(url, e);
    struct applied done;
    if (!conn || !read_applied(conn, &done, e) || too_new(&done, e))
        return false;
    if (done.count < MIGRATION_COUNT)
        return err_set(e, ERR_NOT_FOUND, "the database has %d of %d migrations: run `sangkien migrate`", done.count, MIGRATION_COUNT);
    return true;
}
