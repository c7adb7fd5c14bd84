/* Work behind the turns: done once, by one process at a time, told to who asked, whatever dies or fails meanwhile. */
#include <cjson/cJSON.h>
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "clock.h"
#include "database.h"
#include "ids.h"
#include "job_store.h"
#include "jobs.h"
#include "pg_queue.h"

static const char *url;

enum { WAIT_MS = 20000 };

struct fixture {
    struct event_base *base;
    struct pg_queue *background, *work;
    struct ids ids;
    struct jobs *jobs;
    PGconn *sql;
    int runs, fail_first; /* how often "count" was run, and how often it fails before it succeeds */
    enum err_kind failure;
    struct job *kept; /* "hang": still being worked on */
    int mails;
    char asked[64], user_id[64]; /* of the job run last */
};

static char *query(struct fixture *f, const char *sql)
{
    static char value[512];
    PGresult *res = PQexec(f->sql, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK)
        fail_msg("%s: %s", sql, PQerrorMessage(f->sql));
    snprintf(value, sizeof(value), "%s", PQntuples(res) ? PQgetvalue(res, 0, 0) : "");
    PQclear(res);
    return value;
}

static void on_mail(void *arg)
{
    struct fixture *f = arg;
    f->mails++;
}

static void run_count(struct job *job, void *arg)
{
    struct fixture *f = arg;
    const cJSON *what = cJSON_GetObjectItem(job_args(job), "what");
    snprintf(f->asked, sizeof(f->asked), "%s", cJSON_GetStringValue(what) ? cJSON_GetStringValue(what) : "");
    snprintf(f->user_id, sizeof(f->user_id), "%s", job_user_id(job));
    if (f->runs++ < f->fail_first) {
        struct err e = {0};
        err_set(&e, f->failure, "the weather");
        job_failed(job, &e);
        return;
    }
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "run", f->runs);
    job_done(job, result);
}

static void run_hang(struct job *job, void *arg)
{
    struct fixture *f = arg;
    f->runs++;
    f->kept = job;
}

static int set_up(void **state)
{
    struct fixture *f = talloc_zero(NULL, struct fixture);
    struct pg_options pg = {.url = url, .name = "background", .named_statements = true};
    f->base = event_base_new();
    f->sql = PQconnectdb(url);
    ids_init(&f->ids);
    query(f, "DELETE FROM job");
    query(f, "DELETE FROM mailbox");
    query(f, "INSERT INTO conversation (user_id) VALUES ('u1'), ('u2') ON CONFLICT DO NOTHING");
    f->background = pg_queue_new(f, f->base, &pg);
    f->work = pg_queue_new(f, f->base, &pg);
    f->jobs = jobs_new(f, &(struct jobs_options){.base = f->base, .process = "me", .background = f->background, .work = f->work,
                                                 .ids = &f->ids, .on_mail = on_mail, .ctx = f});
    jobs_register(f->jobs, "count", run_count, f);
    jobs_register(f->jobs, "hang", run_hang, f);
    f->failure = ERR_UNAVAILABLE;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    TALLOC_FREE(f->work);
    TALLOC_FREE(f->background);
    TALLOC_FREE(f->jobs);
    event_base_free(f->base);
    PQfinish(f->sql);
    talloc_free(f);
    return 0;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd, (void)what, (void)arg;
}

/* Runs the loop until the query gives "t". */
static void until(struct fixture *f, const char *sql)
{
    int64_t give_up = clock_monotonic_ms() + WAIT_MS;
    struct event *tick = event_new(f->base, -1, EV_PERSIST, on_tick, NULL);
    struct timeval every = {0, 10000};
    event_add(tick, &every);
    while (strcmp(query(f, sql), "t") != 0) {
        if (clock_monotonic_ms() > give_up)
            fail_msg("did not come true: %s", sql);
        event_base_loop(f->base, EVLOOP_ONCE);
    }
    event_free(tick);
}

static void until_kept(struct fixture *f)
{
    while (!f->kept)
        event_base_loop(f->base, EVLOOP_ONCE);
}

static void ask(struct fixture *f, const char *user_id, const char *kind, const char *args)
{
    PGresult *res;
    char id[24];
    const char *values[] = {user_id, id, kind, args};
    snprintf(id, sizeof(id), "%lld", (long long)ids_next(&f->ids));
    res = PQexecParams(f->sql, "INSERT INTO job (user_id, id, kind, args) VALUES ($1, $2, $3, $4::jsonb)", 4, NULL, values, NULL, NULL, 0);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    jobs_poke(f->jobs);
}

static void test_the_result_comes_as_mail_to_who_asked_and_the_job_is_gone(void **state)
{
    struct fixture *f = *state;
    ask(f, "u1", "count", "{\"what\": \"units\"}");
    until(f, "SELECT count(*) = 1 FROM mailbox");
    assert_string_equal(f->asked, "units");
    assert_string_equal(f->user_id, "u1");
    assert_string_equal(query(f, "SELECT user_id || kind || payload::text FROM mailbox"), "u1job_done{\"job\": \"count\", \"result\": {\"run\": 1}}");
    assert_string_equal(query(f, "SELECT count(*) FROM job"), "0");
    while (f->mails == 0)
        event_base_loop(f->base, EVLOOP_ONCE);
    assert_int_equal(f->mails, 1);
    assert_int_equal(jobs_counters(f->jobs)->done, 1);
}

static void test_jobs_are_done_one_after_the_other_until_none_is_left(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 20; i++)
        ask(f, i % 2 ? "u1" : "u2", "count", "{}");
    until(f, "SELECT count(*) = 20 AND count(DISTINCT payload->'result'->>'run') = 20 FROM mailbox");
    assert_int_equal(f->runs, 20);
}

static void test_what_fails_is_tried_again(void **state)
{
    struct fixture *f = *state;
    f->fail_first = 2;
    ask(f, "u1", "count", "{}");
    until(f, "SELECT attempts = 1 AND owner IS NULL AND due_at > now() FROM job");
    assert_string_equal(query(f, "SELECT last_error FROM job"), "the weather");
    query(f, "UPDATE job SET due_at = now()");
    until(f, "SELECT attempts = 2 AND owner IS NULL FROM job");
    query(f, "UPDATE job SET due_at = now()");
    until(f, "SELECT payload->'result'->>'run' = '3' FROM mailbox");
}

static void test_what_always_fails_ends_with_a_note(void **state)
{
    struct fixture *f = *state;
    f->fail_first = 1000;
    ask(f, "u1", "count", "{\"of\": \"units\"}");
    query(f, "UPDATE job SET attempts = 4");
    until(f, "SELECT count(*) = 1 FROM mailbox");
    assert_string_equal(query(f, "SELECT payload::text FROM mailbox"), "{\"job\": \"count\", \"args\": {\"of\": \"units\"}, \"failed\": true}");
    assert_string_equal(query(f, "SELECT count(*) FROM job"), "0");
    assert_int_equal(jobs_counters(f->jobs)->given_up, 1);
}

static void test_what_cannot_succeed_is_not_tried_again(void **state)
{
    struct fixture *f = *state;
    f->fail_first = 1000;
    f->failure = ERR_INVALID;
    ask(f, "u1", "count", "{}");
    until(f, "SELECT count(*) = 1 FROM mailbox WHERE payload ? 'failed'");
    assert_int_equal(f->runs, 1);
}

static void test_the_job_of_a_process_that_died_is_done_by_another(void **state)
{
    struct fixture *f = *state;
    query(f, "INSERT INTO job (user_id, id, kind, owner, attempts, due_at) VALUES ('u1', 1, 'count', 'dead', 1, now() + interval '1 hour')");
    ask(f, "u2", "count", "{}");
    until(f, "SELECT count(*) = 1 FROM mailbox"); /* the lease of the other is respected */
    assert_string_equal(query(f, "SELECT owner FROM job"), "dead");
    query(f, "UPDATE job SET due_at = now()");
    until(f, "SELECT count(*) = 1 FROM mailbox WHERE user_id = 'u1'");
}

static void on_none_taken(const struct pg_answer *answer, void *arg)
{
    assert_null(answer->e);
    assert_int_equal(PQntuples(answer->result[0]), 0);
    *(bool *)arg = true;
}

static void test_a_job_under_a_lease_is_not_taken(void **state)
{
    struct fixture *f = *state;
    const char *kind = "dance"; /* which the fixture's own jobs do not look for */
    bool looked = false;
    struct pg_unit *unit = pg_unit_new(f);
    query(f, "INSERT INTO job (user_id, id, kind, owner, attempts, due_at) VALUES ('u1', 1, 'dance', 'other', 1, now() + interval '1 minute')");
    job_store_take(unit, "me", &kind, 1, 1000);
    pg_queue_run(f->work, unit, WAIT_MS, on_none_taken, &looked);
    while (!looked)
        event_base_loop(f->base, EVLOOP_ONCE);
}

static void test_a_job_that_kills_its_process_each_time_is_given_up(void **state)
{
    struct fixture *f = *state;
    query(f, "INSERT INTO job (user_id, id, kind, owner, attempts) VALUES ('u1', 1, 'count', 'dead', 5)");
    until(f, "SELECT count(*) = 1 FROM mailbox WHERE payload ? 'failed'");
    assert_int_equal(f->runs, 0);
}

static void test_who_was_overtaken_says_nothing(void **state)
{
    struct fixture *f = *state;
    ask(f, "u1", "hang", "{}");
    until_kept(f);
    query(f, "UPDATE job SET owner = 'other', attempts = attempts + 1");
    job_done(f->kept, cJSON_CreateObject());
    ask(f, "u2", "count", "{}");
    until(f, "SELECT count(*) = 1 FROM mailbox WHERE user_id = 'u2'");
    assert_string_equal(query(f, "SELECT count(*) FROM mailbox WHERE user_id = 'u1'"), "0");
    assert_string_equal(query(f, "SELECT owner FROM job"), "other");
}

static void test_a_kind_nobody_here_knows_is_left_to_a_newer_process(void **state)
{
    struct fixture *f = *state;
    ask(f, "u1", "dance", "{}");
    ask(f, "u1", "count", "{}");
    until(f, "SELECT count(*) = 1 FROM mailbox");
    assert_string_equal(query(f, "SELECT kind || attempts FROM job"), "dance0");
}

static void test_a_result_no_mail_can_hold_ends_with_a_note(void **state)
{
    struct fixture *f = *state;
    ask(f, "u1", "hang", "{}");
    until_kept(f);
    char *big = talloc_zero_array(f, char, JOB_RESULT_BYTES_MAX + 1);
    memset(big, 'x', JOB_RESULT_BYTES_MAX);
    cJSON *result = cJSON_CreateObject();
    cJSON_AddStringToObject(result, "text", big);
    job_done(f->kept, result);
    until(f, "SELECT count(*) = 1 FROM mailbox WHERE payload ? 'failed'");
}

static void on_added(const struct pg_answer *answer, void *arg)
{
    assert_null(answer->e);
    *(bool *)arg = true;
}

static void test_asked_again_while_it_waits_is_one_job(void **state)
{
    struct fixture *f = *state;
    for (int i = 0; i < 3; i++) {
        bool added = false;
        struct pg_unit *unit = pg_unit_new(f);
        struct save *s = save_new(unit);
        job_store_add(s, "u1", ids_next(&f->ids), "dance", i < 2 ? "{\"a\": 1}" : "{\"a\": 2}");
        save_into(s, unit);
        pg_queue_run(f->work, unit, WAIT_MS, on_added, &added);
        while (!added)
            event_base_loop(f->base, EVLOOP_ONCE);
    }
    assert_string_equal(query(f, "SELECT string_agg(args::text, ',' ORDER BY id) FROM job"), "{\"a\": 1},{\"a\": 2}");
}

int main(void)
{
    url = test_database("test_jobs");
    if (!url)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_result_comes_as_mail_to_who_asked_and_the_job_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_jobs_are_done_one_after_the_other_until_none_is_left, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_fails_is_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_always_fails_ends_with_a_note, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_cannot_succeed_is_not_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_job_of_a_process_that_died_is_done_by_another, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_job_under_a_lease_is_not_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_job_that_kills_its_process_each_time_is_given_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_was_overtaken_says_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_kind_nobody_here_knows_is_left_to_a_newer_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_result_no_mail_can_hold_ends_with_a_note, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_asked_again_while_it_waits_is_one_job, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
