/* Who may take a reply, a chunk of a broadcast or a token's refresh, and who may say what became of it: asked by two processes in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "database.h"
#include "statements.h"

enum { COLUMN_FENCE = 7, COLUMN_UNSURE = 10, COLUMN_ECHO = 11, COLUMN_SILENCED = 12 }; /* of outbox_claim_due */

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

static PGresult *run(enum sql_id id, int count, const char *const *values)
{
    PGresult *res = PQexecParams(conn, sql_statements[id].text, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql_statements[id].name, PQresultErrorMessage(res));
    return res;
}

/* @return the claimed rows; to be cleared. */
static PGresult *claim(const char *process, const char *lease_ms)
{
    return run(SQL_OUTBOX_CLAIM_DUE, 3, (const char *const[]){process, lease_ms, "10"});
}

/* The one row's fence, which that process has got. */
static const char *claim_one(const char *process, const char *lease_ms)
{
    static char fence[2][24];
    static int turn;
    PGresult *res = claim(process, lease_ms);
    assert_int_equal(PQntuples(res), 1);
    snprintf(fence[turn ^= 1], sizeof(fence[0]), "{%s}", PQgetvalue(res, 0, COLUMN_FENCE));
    PQclear(res);
    return fence[turn];
}

static void sent(const char *fence, const char *msg_id)
{
    PQclear(run(SQL_OUTBOX_SENT, 5, (const char *const[]){"{an}", "{1}", fence, msg_id, "{null}"}));
}

static int set_up_reply(void **state)
{
    (void)state;
    query("DELETE FROM outbox");
    query("DELETE FROM message");
    query("DELETE FROM echo");
    query("DELETE FROM conversation");
    query("INSERT INTO conversation (user_id) VALUES ('an')");
    query("INSERT INTO outbox (user_id, id, text, due_at, expires_at) VALUES ('an', 1, 'em chào', now(), now() + interval '1 day')");
    return 0;
}

static void test_what_is_leased_is_nobody_elses_until_the_lease_ends(void **state)
{
    (void)state;
    claim_one("a", "60000");
    PGresult *res = claim("b", "60000");
    assert_int_equal(PQntuples(res), 0);
    PQclear(res);
    query("UPDATE outbox SET due_at = now()");
    res = claim("b", "60000");
    assert_int_equal(PQntuples(res), 1);
    assert_string_equal(PQgetvalue(res, 0, COLUMN_UNSURE), "t"); /* the first one may have sent it */
    PQclear(res);
}

static void test_who_has_lost_the_lease_settles_nothing(void **state)
{
    (void)state;
    const char *first = claim_one("a", "0"), *second = claim_one("b", "60000");
    sent(first, "{m1}");
    assert_string_equal(query("SELECT count(*) FROM outbox WHERE owner = 'b'"), "1");
    assert_string_equal(query("SELECT count(*) FROM message"), "0");
    sent(second, "{m2}");
    assert_string_equal(query("SELECT count(*) FROM outbox"), "0");
    assert_string_equal(query("SELECT string_agg(zalo_msg_id, ' ') FROM message"), "m2");
}

static void test_who_has_lost_the_lease_cannot_give_it_back(void **state)
{
    (void)state;
    const char *first = claim_one("a", "0");
    claim_one("b", "60000");
    PQclear(run(SQL_OUTBOX_RETRY, 6, (const char *const[]){"{an}", "{1}", first, "{0}", "{1}", "{late}"}));
    assert_string_equal(query("SELECT owner || attempts FROM outbox"), "b0");
}

static void test_who_takes_over_learns_of_the_echo(void **state)
{
    (void)state;
    query("INSERT INTO echo (user_id, msg_id, at, text) VALUES ('an', 'm1', now(), 'em chào')");
    claim_one("a", "0");
    PGresult *res = claim("b", "60000");
    assert_string_equal(PQgetvalue(res, 0, COLUMN_ECHO), "m1");
    PQclear(res);
}

static void test_an_echo_that_has_its_message_is_no_sign_of_another_with_the_same_words(void **state)
{
    (void)state;
    query("INSERT INTO echo (user_id, msg_id, at, text) VALUES ('an', 'm1', now(), 'em chào')");
    query("INSERT INTO message (user_id, id, origin, kind, text, zalo_msg_id) VALUES ('an', 7, 'bot', 'text', 'em chào', 'm1')");
    claim_one("a", "0");
    PGresult *res = claim("b", "60000");
    assert_true(PQgetisnull(res, 0, COLUMN_ECHO));
    PQclear(res);
}

static void test_the_bot_is_silent_while_a_person_has_the_conversation(void **state)
{
    (void)state;
    query("UPDATE conversation SET owner = 'user:binh', owner_until = now() + interval '1 hour'");
    PGresult *res = claim("a", "0");
    assert_string_equal(PQgetvalue(res, 0, COLUMN_SILENCED), "t");
    PQclear(res);
    query("UPDATE conversation SET owner_until = now() - interval '1 second'");
    res = claim("a", "0");
    assert_string_equal(PQgetvalue(res, 0, COLUMN_SILENCED), "f");
    PQclear(res);
}

/* ---- a chunk of a broadcast: 1 is the broadcast, 0 the chunk, two people in it ---- */

static int set_up_chunk(void **state)
{
    (void)state;
    query("DELETE FROM delivery");
    query("DELETE FROM broadcast_chunk");
    query("DELETE FROM broadcast");
    query("INSERT INTO conversation (user_id) VALUES ('an'), ('binh') ON CONFLICT DO NOTHING");
    query("INSERT INTO person (user_id) VALUES ('an'), ('binh') ON CONFLICT DO NOTHING");
    query("INSERT INTO broadcast (id, segment, body, created_by, state) VALUES (1, 'registered', 'chào', 'test', 'sending')");
    query("INSERT INTO broadcast_chunk (broadcast_id, chunk, from_id, last_id, state) VALUES (1, 0, 'an', 'binh', 'ready')");
    query("INSERT INTO delivery (user_id, broadcast_id, chunk) VALUES ('an', 1, 0), ('binh', 1, 0)");
    return 0;
}

/* @return how many chunks that process was given. */
static int take_chunk(const char *process, const char *lease_ms)
{
    PGresult *res = run(SQL_BROADCAST_TAKE, 4, (const char *const[]){"1", "ready", process, lease_ms});
    int n = PQntuples(res);
    PQclear(res);
    return n;
}

/* Marks the next one. @return how many were. */
static int mark(const char *fence, const char *behind)
{
    PGresult *res = run(SQL_BROADCAST_MARK, 6, (const char *const[]){"1", "0", fence, behind, "1", "60000"});
    int n = PQntuples(res);
    PQclear(res);
    return n;
}

static void test_a_chunk_is_one_processs_until_its_lease_ends(void **state)
{
    (void)state;
    assert_int_equal(take_chunk("a", "60000"), 1);
    assert_int_equal(take_chunk("b", "60000"), 0);
    query("UPDATE broadcast_chunk SET due_at = now()");
    assert_int_equal(take_chunk("b", "60000"), 1);
}

static void test_who_marked_them_is_known_before_they_are_sent(void **state)
{
    (void)state;
    take_chunk("a", "60000");
    assert_int_equal(mark("1", ""), 1);
    assert_string_equal(query("SELECT marked_id FROM broadcast_chunk"), "an");
}

static void test_who_has_lost_a_chunk_marks_ends_and_returns_nothing(void **state)
{
    (void)state;
    take_chunk("a", "0");
    take_chunk("b", "60000");
    assert_int_equal(mark("1", ""), 0);
    PQclear(run(SQL_BROADCAST_CHUNK_END, 3, (const char *const[]){"1", "0", "1"}));
    PQclear(run(SQL_BROADCAST_UNMARK, 4, (const char *const[]){"1", "0", "1", ""}));
    assert_string_equal(query("SELECT owner || state FROM broadcast_chunk"), "bready");
    assert_int_equal(mark("2", ""), 1);
}

/* ---- the refresh of a token: of generation 5 ---- */

static int set_up_token(void **state)
{
    (void)state;
    query("DELETE FROM oa_token");
    query("INSERT INTO oa_token (oa_id, access_token, refresh_token, expires_at, refresh_at, generation)"
          " VALUES ('oa', 'a5', 'r5', now() + interval '1 day', now(), 5)");
    return 0;
}

/* @return was it given the refresh of that generation? */
static bool lease_refresh(const char *generation, const char *process, const char *lease_ms)
{
    PGresult *res = run(SQL_TOKEN_LEASE, 4, (const char *const[]){"oa", generation, process, lease_ms});
    bool given = PQntuples(res) == 1;
    PQclear(res);
    return given;
}

static void test_one_process_refreshes_until_its_lease_ends(void **state)
{
    (void)state;
    assert_true(lease_refresh("5", "a", "60000"));
    assert_false(lease_refresh("5", "b", "60000"));
    assert_true(lease_refresh("5", "a", "0")); /* its own is renewed */
    assert_true(lease_refresh("5", "b", "60000"));
}

static void test_a_generation_that_is_over_is_not_refreshed(void **state)
{
    (void)state;
    assert_false(lease_refresh("4", "a", "60000"));
    assert_string_equal(query("SELECT lease_owner IS NULL FROM oa_token"), "t");
}

static void test_a_pair_of_a_generation_that_is_over_is_not_stored(void **state)
{
    (void)state;
    PQclear(run(SQL_TOKEN_RENEWED, 6, (const char *const[]){"oa", "4", "a4", "r4", "60000", "0"}));
    assert_string_equal(query("SELECT generation || convert_from(access_token, 'UTF8') FROM oa_token"), "5a5");
    PQclear(run(SQL_TOKEN_RENEWED, 6, (const char *const[]){"oa", "5", "a6", "r6", "60000", "0"}));
    assert_string_equal(query("SELECT generation || convert_from(access_token, 'UTF8') FROM oa_token"), "6a6");
}

static int open_database(void **state)
{
    (void)state;
    conn = PQconnectdb(url);
    return PQstatus(conn) == CONNECTION_OK ? 0 : -1;
}

static int close_database(void **state)
{
    (void)state;
    PQfinish(conn);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_is_leased_is_nobody_elses_until_the_lease_ends, set_up_reply),
        cmocka_unit_test_setup(test_who_has_lost_the_lease_settles_nothing, set_up_reply),
        cmocka_unit_test_setup(test_who_has_lost_the_lease_cannot_give_it_back, set_up_reply),
        cmocka_unit_test_setup(test_who_takes_over_learns_of_the_echo, set_up_reply),
        cmocka_unit_test_setup(test_an_echo_that_has_its_message_is_no_sign_of_another_with_the_same_words, set_up_reply),
        cmocka_unit_test_setup(test_the_bot_is_silent_while_a_person_has_the_conversation, set_up_reply),
        cmocka_unit_test_setup(test_a_chunk_is_one_processs_until_its_lease_ends, set_up_chunk),
        cmocka_unit_test_setup(test_who_marked_them_is_known_before_they_are_sent, set_up_chunk),
        cmocka_unit_test_setup(test_who_has_lost_a_chunk_marks_ends_and_returns_nothing, set_up_chunk),
        cmocka_unit_test_setup(test_one_process_refreshes_until_its_lease_ends, set_up_token),
        cmocka_unit_test_setup(test_a_generation_that_is_over_is_not_refreshed, set_up_token),
        cmocka_unit_test_setup(test_a_pair_of_a_generation_that_is_over_is_not_stored, set_up_token),
    };
    url = test_database("leases");
    return url ? cmocka_run_group_tests(tests, open_database, close_database) : 77;
}
