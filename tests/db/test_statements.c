/* Every statement of db/sql is accepted by PostgreSQL; migrations are repeatable and refuse what they do not know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "migrate.h"
#include "migrations.h"
#include "statements.h"

static const char *url;

static void test_every_statement_can_be_prepared(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    for (int i = 0; i < SQL_COUNT; i++) {
        PGresult *res = PQprepare(conn, sql_statements[i].name, sql_statements[i].text, 0, NULL);
        if (PQresultStatus(res) != PGRES_COMMAND_OK)
            fail_msg("%s: %s", sql_statements[i].name, PQerrorMessage(conn));
        PQclear(res);
    }
    PQfinish(conn);
}

static void test_a_second_migration_changes_nothing(void **state)
{
    (void)state;
    int applied = -1;
    struct err e;
    assert_true(migrate_run(url, &applied, &e));
    assert_int_equal(applied, 0);
    assert_true(migrate_check(url, &e));
}

static void test_a_newer_schema_is_refused_with_what_to_do(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    PQclear(PQexec(conn, "INSERT INTO schema_migration (number, name) VALUES (9999, 'future')"));
    struct err e = {0};
    assert_false(migrate_check(url, &e));
    assert_non_null(strstr(e.msg, "run a newer sangkien"));
    assert_false(migrate_run(url, NULL, &e));
    PQclear(PQexec(conn, "DELETE FROM schema_migration WHERE number = 9999"));
    PQfinish(conn);
    assert_true(migrate_check(url, &e));
}

/* Two branches each add a migration; the lower number may arrive later. */
static void test_a_number_below_the_newest_is_not_passed_over(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    PQclear(PQexec(conn, "DELETE FROM schema_migration WHERE number = 1"));
    struct err e = {0};
    assert_false(migrate_check(url, &e));
    assert_non_null(strstr(e.msg, "run `sangkien migrate`"));
    assert_false(migrate_run(url, NULL, &e)); /* its tables are there already */
    assert_non_null(strstr(e.msg, "migration 1:"));
    PQclear(PQexec(conn, "INSERT INTO schema_migration (number, name) VALUES (1, 'start')"));
    PQfinish(conn);
    assert_true(migrate_check(url, &e));
}

static void test_an_unreachable_database_is_told_apart(void **state)
{
    (void)state;
    struct err e = {0};
    assert_false(migrate_check("host=127.0.0.1 port=1 dbname=nowhere", &e));
    assert_int_equal(e.kind, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.msg, "cannot reach the database"));
}

/* design 6: what grows with people is keyed by user_id first, so that the schema can be distributed by it. */
static void test_tables_of_people_have_user_id_first_in_every_unique_index(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    PGresult *res = PQexec(conn,
                           "SELECT i.indexrelid::regclass::text FROM pg_index i"
                           " JOIN pg_class c ON c.oid = i.indrelid AND c.relnamespace = 'public'::regnamespace"
                           " JOIN pg_attribute u ON u.attrelid = c.oid AND u.attname = 'user_id'"
                           " WHERE i.indisunique AND i.indkey[0] <> u.attnum");
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    for (int r = 0; r < PQntuples(res); r++)
        print_error("unique index without user_id first: %s\n", PQgetvalue(res, r, 0));
    assert_int_equal(PQntuples(res), 0);
    PQclear(res);
    PQfinish(conn);
}

/* Compared by the rules of a language, every index of ids would be several times as dear to go through. */
static void test_ids_of_people_are_compared_by_their_bytes(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    PGresult *res = PQexec(conn,
                           "SELECT c.relname, a.attname FROM pg_attribute a"
                           " JOIN pg_class c ON c.oid = a.attrelid AND c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
                           " WHERE a.attname ~ '(^|_)user_id$' AND a.attnum > 0 AND a.attcollation <> 'pg_catalog.\"C\"'::regcollation");
    assert_int_equal(PQresultStatus(res), PGRES_TUPLES_OK);
    for (int r = 0; r < PQntuples(res); r++)
        print_error("%s.%s lacks COLLATE \"C\"\n", PQgetvalue(res, r, 0), PQgetvalue(res, r, 1));
    assert_int_equal(PQntuples(res), 0);
    PQclear(res);
    PQfinish(conn);
}

static PGresult *claim_due(PGconn *conn, const char *process)
{
    const char *const values[] = {process, "30000", "1"};
    PGresult *res = PQexecParams(conn, sql_statements[SQL_OUTBOX_CLAIM_DUE].text, 3, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return res;
}

static void run(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(res);
}

static void add_replies(PGconn *conn)
{
    run(conn, "INSERT INTO outbox (user_id, id, text, due_at, expires_at)"
              " SELECT 'u', n, 'x', now() - interval '1 s' * n, now() + interval '1 h' FROM generate_series(1, 3) n");
}

static void test_who_claims_a_persons_oldest_reply_gets_all_that_are_due(void **state)
{
    (void)state;
    PGconn *conn = PQconnectdb(url);
    add_replies(conn);
    PGresult *res = claim_due(conn, "a");
    assert_int_equal(PQntuples(res), 3);
    PQclear(res);
    run(conn, "DELETE FROM outbox");
    PQfinish(conn);
}

/* Two processes look at the same moment: the one that comes second must not send the second reply before the first. */
static void test_a_person_whose_oldest_reply_is_being_claimed_is_left_alone(void **state)
{
    (void)state;
    PGconn *first = PQconnectdb(url), *second = PQconnectdb(url);
    add_replies(first);
    run(first, "BEGIN");
    PQclear(PQexec(first, "SELECT FROM outbox WHERE id = 1 FOR UPDATE"));
    PGresult *res = claim_due(second, "b");
    assert_int_equal(PQntuples(res), 0);
    PQclear(res);
    run(first, "UPDATE outbox SET owner = 'a', fence = 1, due_at = now() + interval '30 s' WHERE id = 1");
    run(first, "COMMIT");
    res = claim_due(second, "b");
    assert_int_equal(PQntuples(res), 0); /* the first is on its way, the others wait for it */
    PQclear(res);
    run(first, "DELETE FROM outbox WHERE id = 1");
    run(first, "UPDATE outbox SET owner = 'a', due_at = now() + interval '30 s' WHERE id = 2");
    res = claim_due(second, "b");
    assert_int_equal(PQntuples(res), 0); /* the third stays behind the second */
    PQclear(res);
    run(first, "DELETE FROM outbox");
    PQfinish(first);
    PQfinish(second);
}

static int count(PGconn *conn, const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    int n = (int)strtol(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return n;
}

/* Of a person's replies only answers nobody has begun to send make room for a newer one; the transcript keeps their words. */
static void test_only_untouched_answers_and_courtesies_are_merged(void **state)
{
    (void)state;
    static const struct {
        const char *columns, *values, *why;
        bool goes;
    } rows[] = {
        {"answers", "true", "an answer", true},
        {"class", "2", "a courtesy", true},
        {"class", "1", "a receipt", false},
        {"class", "3", "a contact's words", false},
        {"class", "0", "news: nobody asked for it", false},
        {"answers, owner", "true, 'a'", "somebody sends it", false},
        {"answers, attempts", "true, 1", "it may have been sent", false},
        {"answers, collapse_key", "true, 'collect'", "collected: its own statement", false},
    };
    PGconn *conn = PQconnectdb(url);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "INSERT INTO outbox (user_id, id, text, due_at, expires_at, %s) VALUES ('u', %zu, 'x', now(), now(), %s)",
                 rows[i].columns, i, rows[i].values);
        run(conn, sql);
        snprintf(sql, sizeof(sql), "INSERT INTO outbox (user_id, id, text, due_at, expires_at, answers) VALUES ('other', %zu, 'x', now(), now(), true)", i);
        run(conn, sql);
    }
    const char *users[] = {"{u}"};
    PGresult *res = PQexecParams(conn, sql_statements[SQL_OUTBOX_MERGE].text, 1, NULL, users, NULL, NULL, 0);
    assert_string_equal(PQcmdTuples(res), "2");
    PQclear(res);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM outbox WHERE user_id = 'u' AND id = %zu", i);
        if (count(conn, sql) != !rows[i].goes)
            fail_msg("%s", rows[i].why);
        snprintf(sql, sizeof(sql), "SELECT count(*) FROM message WHERE user_id = 'u' AND id = %zu AND text = 'x' AND failure IS NOT NULL", i);
        assert_int_equal(count(conn, sql), rows[i].goes);
    }
    assert_int_equal(count(conn, "SELECT count(*) FROM outbox WHERE user_id = 'other'"), sizeof(rows) / sizeof(rows[0]));
    run(conn, "DELETE FROM outbox");
    run(conn, "DELETE FROM message");
    PQfinish(conn);
}

int main(void)
{
    url = test_database("test_statements");
    if (!url)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_statement_can_be_prepared),
        cmocka_unit_test(test_a_second_migration_changes_nothing),
        cmocka_unit_test(test_a_number_below_the_newest_is_not_passed_over),
        cmocka_unit_test(test_a_newer_schema_is_refused_with_what_to_do),
        cmocka_unit_test(test_an_unreachable_database_is_told_apart),
        cmocka_unit_test(test_tables_of_people_have_user_id_first_in_every_unique_index),
        cmocka_unit_test(test_ids_of_people_are_compared_by_their_bytes),
        cmocka_unit_test(test_who_claims_a_persons_oldest_reply_gets_all_that_are_due),
        cmocka_unit_test(test_a_person_whose_oldest_reply_is_being_claimed_is_left_alone),
        cmocka_unit_test(test_only_untouched_answers_and_courtesies_are_merged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
