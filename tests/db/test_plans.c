/* Plans that are made while statistics say that a table is empty: rows are found by their keys all the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "statements.h"

static PGconn *conn;

static void run(const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQresultErrorMessage(res));
    PQclear(res);
}

/* The statistics of a table that has just become empty: pages, but no rows. */
static void empty(const char *table, const char *fill)
{
    char sql[400];
    snprintf(sql, sizeof(sql), "ALTER TABLE %s SET (autovacuum_enabled = off); %s; DELETE FROM %s; ANALYZE %s", table, fill, table, table);
    run(sql);
}

static int setup(void **state)
{
    (void)state;
    empty("outbox", "INSERT INTO outbox (user_id, id, text, due_at, expires_at) SELECT 'p' || n, n, 'x', now(), now() FROM generate_series(1, 2000) n");
    run("INSERT INTO broadcast (segment, body, created_by) VALUES ('everybody', 'x', 'o')");
    empty("delivery", "INSERT INTO delivery (user_id, broadcast_id, chunk) SELECT 'p' || n, 1, 1 FROM generate_series(1, 2000) n");
    empty("delivery_doubt", "INSERT INTO delivery_doubt (user_id, broadcast_id) SELECT 'p' || n, 1 FROM generate_series(1, 2000) n");
    return 0;
}

/* Fails when the statement does not look for each row by its key. */
static void assert_keyed(enum sql_id plan, enum sql_id id, const char *nulls)
{
    char *sql = NULL;
    size_t n = strlen(sql_statements[id].text) + 200;
    sql = malloc(n);
    run("BEGIN");
    run(sql_statements[plan].text);
    snprintf(sql, n, "PREPARE looked_at AS %s", sql_statements[id].text);
    run(sql);
    snprintf(sql, n, "EXPLAIN EXECUTE looked_at (%s)", nulls);
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql_statements[id].name, PQresultErrorMessage(res));
    int rows = PQntuples(res);
    bool end_to_end = false;
    for (int r = 0; r < rows; r++) {
        const char *line = PQgetvalue(res, r, 0), *next = r + 1 < rows ? PQgetvalue(res, r + 1, 0) : "";
        bool by_index = strstr(line, "Scan using") || strstr(line, "Bitmap Index Scan");
        bool by_key = strstr(next, "Index Cond") && (strstr(next, "user_id") || strstr(next, "due_at"));
        end_to_end |= strstr(line, "Seq Scan on") || (by_index && !by_key);
    }
    for (int r = 0; end_to_end && r < rows; r++)
        print_message("%s\n", PQgetvalue(res, r, 0));
    if (end_to_end)
        fail_msg("%s reads a table, or an index, from end to end", sql_statements[id].name);
    PQclear(res);
    run("DEALLOCATE looked_at");
    run("ROLLBACK");
    free(sql);
}

static void test_due_replies_are_compared_with_those_of_their_person_only(void **state)
{
    (void)state;
    assert_keyed(SQL_SAVE_PLAN, SQL_OUTBOX_CLAIM_DUE, "NULL, NULL, NULL");
}

static void test_results_of_replies_find_their_rows_by_key(void **state)
{
    (void)state;
    assert_keyed(SQL_KEYED_PLAN, SQL_OUTBOX_SENT, "NULL, NULL, NULL, NULL, NULL");
    assert_keyed(SQL_KEYED_PLAN, SQL_OUTBOX_RETRY, "NULL, NULL, NULL, NULL, NULL, NULL");
    assert_keyed(SQL_KEYED_PLAN, SQL_OUTBOX_SILENCED, "NULL, NULL");
}

static void test_results_of_a_broadcast_find_their_rows_by_key(void **state)
{
    (void)state;
    assert_keyed(SQL_KEYED_PLAN, SQL_BROADCAST_RESULTS, "NULL, NULL, NULL, NULL, NULL, NULL");
    assert_keyed(SQL_KEYED_PLAN, SQL_BROADCAST_RECEIPTS, "NULL, NULL, NULL");
}

int main(void)
{
    const char *url = test_database("plans");
    if (!url)
        return 77;
    conn = PQconnectdb(url);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_due_replies_are_compared_with_those_of_their_person_only),
        cmocka_unit_test(test_results_of_replies_find_their_rows_by_key),
        cmocka_unit_test(test_results_of_a_broadcast_find_their_rows_by_key),
    };
    int failed = cmocka_run_group_tests(tests, setup, NULL);
    PQfinish(conn);
    return failed;
}
