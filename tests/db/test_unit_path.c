/* union_unit.path: from the root to the unit, right after every insert and move, in whatever order they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "database.h"

static const char *url;
static PGconn *conn;

static const char *query(const char *sql)
{
    static char value[256];
    PGresult *res = PQexec(conn, sql);
    snprintf(value, sizeof(value), "%s", PQntuples(res) ? PQgetvalue(res, 0, 0) : PQresultErrorMessage(res));
    PQclear(res);
    return value;
}

static const char *path(int id)
{
    char sql[100];
    snprintf(sql, sizeof(sql), "SELECT array_to_string(path, '.') FROM union_unit WHERE id = %d", id);
    return query(sql);
}

static int set_up(void **state)
{
    (void)state;
    query("DELETE FROM union_unit");
    query("INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (1, 'A', 'a', NULL, 1), (2, 'B', 'b', 1, 2), (3, 'C', 'c', 2, 3),"
          " (4, 'D', 'd', 3, 4), (5, 'E', 'e', 1, 2)");
    return 0;
}

static void test_a_path_leads_from_the_root_to_the_unit(void **state)
{
    (void)state;
    assert_string_equal(path(1), "1");
    assert_string_equal(path(4), "1.2.3.4");
    assert_string_equal(query("SELECT string_agg(code, '' ORDER BY id) FROM union_unit WHERE path @> ARRAY[2::bigint]"), "BCD");
}

static void test_a_unit_that_moves_takes_all_below_it_along(void **state)
{
    (void)state;
    query("UPDATE union_unit SET parent_id = 5 WHERE id = 3");
    assert_string_equal(path(3), "1.5.3");
    assert_string_equal(path(4), "1.5.3.4");
    query("UPDATE union_unit SET parent_id = NULL WHERE id = 5");
    assert_string_equal(path(4), "5.3.4");
    assert_string_equal(path(2), "1.2");
}

static void test_children_may_come_before_their_parents(void **state)
{
    (void)state;
    query("INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (22, 'Z', 'z', 21, 3), (21, 'Y', 'y', 20, 2), (20, 'X', 'x', NULL, 1)");
    assert_string_equal(path(22), "20.21.22");
}

static void test_nobody_hangs_below_himself(void **state)
{
    (void)state;
    assert_non_null(strstr(query("UPDATE union_unit SET parent_id = 4 WHERE id = 2"), "unit B would be below itself"));
    assert_non_null(strstr(query("UPDATE union_unit SET parent_id = 2 WHERE id = 2"), "unit B would be below itself"));
    assert_string_equal(path(4), "1.2.3.4");
}

static void test_a_path_cannot_be_written_by_hand(void **state)
{
    (void)state;
    query("UPDATE union_unit SET path = ARRAY[7, 8]::bigint[]");
    assert_string_equal(path(4), "1.2.3.4");
}

int main(void)
{
    url = test_database("test_unit_path");
    if (!url)
        return 77;
    conn = PQconnectdb(url);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_path_leads_from_the_root_to_the_unit, set_up),
        cmocka_unit_test_setup(test_a_unit_that_moves_takes_all_below_it_along, set_up),
        cmocka_unit_test_setup(test_children_may_come_before_their_parents, set_up),
        cmocka_unit_test_setup(test_nobody_hangs_below_himself, set_up),
        cmocka_unit_test_setup(test_a_path_cannot_be_written_by_hand, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(conn);
    return failed;
}
