/* A database per test program: see database.h. */
#include "database.h"

#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "err.h"
#include "migrate.h"

static void run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        fprintf(stderr, "%s: %s", sql, PQerrorMessage(conn));
        exit(1);
    }
    PQclear(res);
}

const char *test_database(const char *name)
{
    static char url[512], sql[128];
    const char *server = getenv("SANGKIEN_TEST_DATABASE");
    if (!server) {
        puts("SANGKIEN_TEST_DATABASE is not set: skipped (./run test sets it)");
        return NULL;
    }
    PGconn *conn = PQconnectdb(server);
    if (PQstatus(conn) != CONNECTION_OK) {
        fprintf(stderr, "%s", PQerrorMessage(conn));
        exit(1);
    }
    snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s", name);
    run(conn, "SET client_min_messages = warning");
    run(conn, sql);
    snprintf(sql, sizeof(sql), "CREATE DATABASE %s", name);
    run(conn, sql);
    PQfinish(conn);
    snprintf(url, sizeof(url), "%s dbname=%s", server, name); /* the last dbname wins */
    struct err e;
    if (!migrate_run(url, NULL, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    return url;
}
