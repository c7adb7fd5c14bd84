/* The connection on the event loop: units, errors, deadlines, reconnects, and values in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <string.h>

#include "conversation_store.h"
#include "database.h"
#include "pg.h"
#include "pg_queue.h"
#include "save.h"

static const char *url;

struct fixture {
    struct event_base *base;
    TALLOC_CTX *ctx;
    struct pg_queue *q;
    int calls;
    struct err e;
    int failed;
    bool committed;
    char text[256];
    int64_t number;
    int rows;
    size_t unknown;
};

static int setup(void **state)
{
    struct fixture *f = talloc_zero(NULL, struct fixture);
    f->base = event_base_new();
    f->ctx = f;
    f->q = pg_queue_new(f, f->base, &(struct pg_options){.url = url, .name = "test", .named_statements = true});
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct event_base *base = f->base;
    talloc_free(f);
    event_base_free(base);
    return 0;
}

static void on_done(const struct pg_answer *a, void *ctx)
{
    struct fixture *f = ctx;
    f->calls++;
    f->e = a->e ? *a->e : (struct err){0};
    f->failed = a->failed;
    f->committed = pg_committed(a);
    const PGresult *last = a->e ? NULL : a->result[a->count - 1];
    f->rows = last ? PQntuples(last) : -1;
    event_base_loopbreak(f->base);
}

static void run(struct fixture *f, struct pg_unit *unit, int deadline_ms)
{
    f->calls = 0;
    pg_queue_run(f->q, unit, deadline_ms, on_done, f);
    assert_int_equal(f->calls, 0); /* never before the function that was given it returns */
    event_base_dispatch(f->base);
    assert_int_equal(f->calls, 1);
}

static struct pg_unit *control(struct fixture *f, const char *a, const char *b, const char *c)
{
    struct pg_unit *unit = pg_unit_new(f);
    pg_add_control(unit, a);
    if (b)
        pg_add_control(unit, b);
    if (c)
        pg_add_control(unit, c);
    return unit;
}

static void test_a_unit_commits_and_says_so(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "BEGIN", "SELECT 1", "COMMIT"), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
    assert_true(f->committed);
}

/* A division by zero where it would be. */
static void test_no_statement_is_compiled(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "SELECT 1 / (current_setting('jit') = 'off')::int", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_a_commit_of_a_failed_transaction_is_not_taken_for_one(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "BEGIN", "SELECT 1/0", NULL), 5000);
    assert_string_equal(f->e.sqlstate, "22012");
    assert_int_equal(f->failed, 1);
    run(f, control(f, "COMMIT", NULL, NULL), 5000); /* answers ROLLBACK, without an error */
    assert_int_equal(f->e.kind, ERR_NONE);
    assert_false(f->committed);
}

static void test_the_connection_goes_on_after_an_error(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "SELECT nonsense", NULL, NULL), 5000);
    assert_string_equal(f->e.sqlstate, "42703");
    assert_false(pg_transient(&f->e));
    run(f, control(f, "SELECT 1", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_a_deadline_drops_the_connection_and_the_next_unit_gets_a_new_one(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "SELECT pg_sleep(20)", NULL, NULL), 200);
    assert_int_equal(f->e.kind, ERR_TIMEOUT);
    assert_true(pg_transient(&f->e));
    run(f, control(f, "SELECT 1", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_a_terminated_backend_is_reported_and_replaced(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "SELECT pg_terminate_backend(pg_backend_pid())", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_UNAVAILABLE);
    assert_true(pg_unwell(&f->e));
    run(f, control(f, "SELECT 1", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_a_long_error_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) { /* one of three would be cut right by chance */
        run(f, control(f, talloc_asprintf(f, "SELECT ('%.*s' || repeat('ệ', 300))::integer", i, "xx"), NULL, NULL), 5000);
        assert_string_equal(f->e.sqlstate, "22P02");
        run(f, control(f, talloc_asprintf(f, "SELECT $q$%s$q$", strstr(f->e.msg, "ệ")), NULL, NULL), 5000);
        assert_int_equal(f->e.kind, ERR_NONE); /* what is left is a text that the database takes */
    }
}

static void test_the_servers_own_time_limits_are_worth_a_repeat(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "BEGIN", "SET LOCAL statement_timeout = 20", "SELECT pg_sleep(20)"), 5000);
    assert_string_equal(f->e.sqlstate, "57014");
    assert_true(pg_transient(&f->e));
    assert_false(pg_unwell(&f->e));
}

static void on_done_asks_again(const struct pg_answer *a, void *ctx)
{
    struct fixture *f = ctx;
    f->calls++;
    assert_non_null(a->e);
    if (f->calls == 1)
        pg_queue_run(f->q, control(f, "SELECT 1", NULL, NULL), 5000, on_done_asks_again, f);
}

static void test_a_queue_that_is_freed_fails_what_is_asked_meanwhile(void **state)
{
    struct fixture *f = *state;
    f->calls = 0;
    pg_queue_run(f->q, control(f, "SELECT 1", NULL, NULL), 5000, on_done_asks_again, f);
    TALLOC_FREE(f->q);
    assert_int_equal(f->calls, 2);
}

static void on_never(const struct pg_answer *a, void *ctx)
{
    assert_non_null(a->e);
    ++*(int *)ctx;
}

static void on_refused(const struct pg_answer *a, void *ctx)
{
    struct fixture *f = ctx;
    assert_string_equal(a->e->sqlstate, "25006");
    pg_queue_run(f->q, control(f, "ROLLBACK", NULL, NULL), 5000, on_done, f); /* at once, so the connection is not idle in between */
}

static void test_a_read_only_server_is_left_though_a_rollback_comes_first(void **state)
{
    struct fixture *f = *state;
    pg_queue_run(f->q, control(f, "BEGIN READ ONLY", "CREATE TABLE never (x int)", NULL), 5000, on_refused, f);
    event_base_dispatch(f->base);
    assert_int_equal(f->e.kind, ERR_NONE);
    assert_false(pg_connected(pg_queue_connection(f->q)));
    run(f, control(f, "SELECT 1", NULL, NULL), 5000); /* it looks for one that takes writes */
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_of_several_hosts_only_one_that_takes_writes_is_used(void **state)
{
    struct fixture *f = *state;
    run(f, control(f, "ALTER DATABASE test_pg SET default_transaction_read_only = on", NULL, NULL), 5000); /* for whoever connects from now on */
    struct pg_queue *before = f->q;
    f->q = pg_queue_new(f, f->base, &(struct pg_options){.url = url, .name = "a standby's", .named_statements = true});
    run(f, control(f, "SELECT 1", NULL, NULL), 1000);
    assert_int_equal(f->e.kind, ERR_UNAVAILABLE);
    talloc_free(f->q);
    f->q = before;
    run(f, control(f, "ALTER DATABASE test_pg RESET default_transaction_read_only", NULL, NULL), 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
}

static void test_an_impatient_unit_does_not_wait_for_the_patience_of_those_before_it(void **state)
{
    struct fixture *f = *state;
    struct pg_queue *reachable = f->q;
    int patient = 0;
    f->q = pg_queue_new(f, f->base, &(struct pg_options){.url = "host=127.0.0.1 port=1", .name = "nowhere"});
    pg_queue_run(f->q, control(f, "SELECT 1", NULL, NULL), 60000, on_never, &patient);
    run(f, control(f, "SELECT 1", NULL, NULL), 100);
    assert_int_equal(f->e.kind, ERR_UNAVAILABLE);
    assert_int_equal(patient, 0);
    TALLOC_FREE(f->q);
    assert_int_equal(patient, 1);
    f->q = reachable;
}

static void test_an_unreachable_database_fails_the_unit_at_its_deadline(void **state)
{
    struct fixture *f = *state;
    talloc_free(f->q);
    f->q = pg_queue_new(f, f->base, &(struct pg_options){.url = "host=127.0.0.1 port=1", .name = "nowhere"});
    run(f, control(f, "SELECT 1", NULL, NULL), 300);
    assert_int_equal(f->e.kind, ERR_UNAVAILABLE);
}

static const unsigned char key[EVENT_KEY_BYTES] = "0123456789abcdef";
static struct turn_row rows[2];

static void on_claimed(const struct pg_answer *a, void *ctx)
{
    struct fixture *f = ctx;
    on_done(a, ctx);
    f->unknown = a->e ? 2 : conversation_store_claimed(f, a, rows, 2);
}

static void claim_with(struct fixture *f, void (*add)(struct pg_unit *, const struct turn_row *, size_t, const char *))
{
    struct pg_unit *unit = pg_unit_new(f);
    add(unit, rows, 2, "test:1");
    f->calls = 0;
    pg_queue_run(f->q, unit, 5000, on_claimed, f);
    event_base_dispatch(f->base);
    assert_int_equal(f->e.kind, ERR_NONE);
}

/* Claims a webhook event of "a" and a piece of mail of "b" that is not there.  @return how many had to be introduced. */
static size_t claim(struct fixture *f)
{
    rows[0] = (struct turn_row){.user_id = "a", .event_key = key};
    rows[1] = (struct turn_row){.user_id = "b", .mail_id = 77};
    claim_with(f, conversation_store_claim);
    size_t met = f->unknown;
    if (met)
        claim_with(f, conversation_store_introduce);
    assert_int_equal(f->unknown, 0);
    run(f, control(f, "COMMIT", NULL, NULL), 5000);
    assert_true(rows[0].locked && rows[1].locked);
    assert_string_equal(rows[0].conversation.state, "menu");
    assert_string_equal(rows[0].conversation.owner, "bot");
    assert_null(rows[0].person.full_name);
    f->number = rows[0].fresh * 2 + rows[1].fresh;
    return met;
}

static void test_an_event_is_fresh_once_and_absent_mail_never(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(claim(f), 2);
    assert_int_equal(f->number, 2);
    assert_int_equal(claim(f), 0);
    assert_int_equal(f->number, 0);
}

static void test_values_survive_the_way_there_and_back(void **state)
{
    struct fixture *f = *state;
    claim(f);
    struct pg_unit *unit = pg_unit_new(f);
    struct save *s = save_new(unit);
    struct person p = {.user_id = "a", .full_name = "Nguyễn Thị Thủy", .follows = true, .consent_at_ms = 1714476720123, .consent_version = "v"};
    conversation_store_save_person(s, &p, "nguyen thi thuy");
    struct conversation c = {.state = "title", .draft = "{\"a\": \"b\\\"c\"}", .owner = "bot", .last_event_at_ms = 1714476720456};
    conversation_store_save(s, "a", &c);
    save_into(s, unit);
    run(f, unit, 5000);
    assert_int_equal(f->e.kind, ERR_NONE);
    run(f, control(f,
                   "SELECT 1 FROM person JOIN conversation USING (user_id) WHERE user_id = 'a' AND full_name = 'Nguyễn Thị Thủy' AND follows"
                   " AND phone IS NULL AND unit_id IS NULL AND consent_at = '2024-04-30 11:32:00.123+00' AND draft->>'a' = 'b\"c'"
                   " AND last_event_at = '2024-04-30 11:32:00.456+00' AND owner_until IS NULL AND version = 1",
                   NULL, NULL), 5000);
    assert_int_equal(f->rows, 1);
}

int main(void)
{
    url = test_database("test_pg");
    if (!url)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_unit_commits_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_statement_is_compiled, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_commit_of_a_failed_transaction_is_not_taken_for_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_connection_goes_on_after_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_deadline_drops_the_connection_and_the_next_unit_gets_a_new_one, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_terminated_backend_is_reported_and_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_long_error_is_cut_between_characters, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_servers_own_time_limits_are_worth_a_repeat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_queue_that_is_freed_fails_what_is_asked_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_read_only_server_is_left_though_a_rollback_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(test_of_several_hosts_only_one_that_takes_writes_is_used, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_impatient_unit_does_not_wait_for_the_patience_of_those_before_it, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_unreachable_database_fails_the_unit_at_its_deadline, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_event_is_fresh_once_and_absent_mail_never, setup, teardown),
        cmocka_unit_test_setup_teardown(test_values_survive_the_way_there_and_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
