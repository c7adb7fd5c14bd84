/* unit_match: who types a unit's name gets that unit and nothing else; only what no unit is called is looked for among similar names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "database.h"
#include "statements.h"

static PGconn *conn;

static void run(const char *sql)
{
    PGresult *res = PQexec(conn, sql);
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(conn));
    PQclear(res);
}

/* The units found for a folded name, best first: "ID:SCORE ...". */
static const char *match(const char *key)
{
    static char found[256];
    char keys[128];
    snprintf(keys, sizeof(keys), "{\"%s\"}", key);
    const char *const values[] = {"{u}", keys};
    PGresult *res = PQexecParams(conn, sql_statements[SQL_UNIT_MATCH].text, 2, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    found[0] = '\0';
    for (int r = 0; r < PQntuples(res); r++) {
        size_t n = strlen(found);
        snprintf(found + n, sizeof(found) - n, "%s%s:%s", n ? " " : "", PQgetvalue(res, r, 1), PQgetvalue(res, r, 5));
    }
    PQclear(res);
    return found;
}

static int set_up(void **state)
{
    (void)state;
    run("DELETE FROM union_unit");
    run("INSERT INTO union_unit (id, code, name, name_key, parent_id, level, valid_to) VALUES"
        " (1, 'A', 'A', 'cong ty dien tu sao mai', NULL, 2, NULL), (2, 'B', 'B', 'cong ty dien tu sao hom', NULL, 2, NULL),"
        " (3, 'C', 'C', 'cong ty may rang dong', 1, 2, '2020-01-01'), (4, 'D', 'D', 'xuong co dien', 1, 3, NULL),"
        " (5, 'E', 'E', 'xuong co dien', 2, 3, NULL), (6, 'F', 'F', 'cong ty dien tu ha long', NULL, 2, '2020-01-01')");
    run("INSERT INTO unit_alias (unit_id, alias, alias_key) VALUES (2, 'Sao Hôm', 'sao hom')");
    return 0;
}

static void test_the_name_of_a_unit_brings_no_similar_ones(void **state)
{
    (void)state;
    assert_string_equal(match("cong ty dien tu sao mai"), "1:100");
}

static void test_a_name_of_several_units_brings_them_all(void **state)
{
    (void)state;
    assert_string_equal(match("xuong co dien"), "4:100 5:100");
}

static void test_an_alias_is_as_good_as_the_name_and_brings_no_similar_ones(void **state)
{
    (void)state;
    run("INSERT INTO union_unit (id, code, name, name_key, level) VALUES (7, 'G', 'G', 'to sao hom', 3)");
    assert_string_equal(match("sao hom"), "2:100");
}

static void test_a_misspelt_name_brings_similar_ones(void **state)
{
    (void)state;
    assert_int_equal(strncmp(match("cong ty dien tu sao mia"), "1:", 2), 0);
    assert_non_null(strstr(match("cong ty dien tu sao mia"), "2:"));
}

static void test_the_name_of_a_unit_taken_in_leads_to_its_successor(void **state)
{
    (void)state;
    assert_int_equal(strncmp(match("cong ty may rang dong"), "1:100", 5), 0);
}

/* Its name alone must not keep those from being found that are still there. */
static void test_the_name_of_a_unit_that_ended_brings_similar_ones(void **state)
{
    (void)state;
    assert_non_null(strstr(match("cong ty dien tu ha long"), "1:"));
}

/* In a province thousands of names begin alike: what is found must still be the nearest, and be found through an index. */
static void test_among_thousands_of_names_alike_the_nearest_is_found_by_index(void **state)
{
    (void)state;
    run("INSERT INTO union_unit (id, code, name, name_key, level) SELECT 1000 + n, 'T' || n, 'T', 'cong ty tnhh dien tu ' || md5(n::text), 3 FROM generate_series(1, 3000) n");
    run("INSERT INTO union_unit (id, code, name, name_key, level) VALUES (900, 'Y', 'Y', 'cong ty tnhh dien tu sao kim', 3)");
    run("ANALYZE union_unit");
    assert_int_equal(strncmp(match("cong ty tnhh dien tu sao kmi"), "900:", 4), 0);
    char plan[200];
    snprintf(plan, sizeof(plan), "EXPLAIN SELECT x.id FROM union_unit x ORDER BY x.name_key <-> 'cong ty tnhh dien tu sao kmi' LIMIT 30");
    PGresult *res = PQexec(conn, plan);
    int by_index = 0;
    for (int r = 0; r < PQntuples(res); r++)
        by_index |= strstr(PQgetvalue(res, r, 0), "union_unit_near") != NULL;
    PQclear(res);
    assert_true(by_index);
}

int main(void)
{
    const char *url = test_database("test_unit_match");
    if (!url)
        return 77;
    conn = PQconnectdb(url);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_the_name_of_a_unit_brings_no_similar_ones, set_up),
        cmocka_unit_test_setup(test_a_name_of_several_units_brings_them_all, set_up),
        cmocka_unit_test_setup(test_an_alias_is_as_good_as_the_name_and_brings_no_similar_ones, set_up),
        cmocka_unit_test_setup(test_a_misspelt_name_brings_similar_ones, set_up),
        cmocka_unit_test_setup(test_among_thousands_of_names_alike_the_nearest_is_found_by_index, set_up),
        cmocka_unit_test_setup(test_the_name_of_a_unit_taken_in_leads_to_its_successor, set_up),
        cmocka_unit_test_setup(test_the_name_of_a_unit_that_ended_brings_similar_ones, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(conn);
    return failed;
}
