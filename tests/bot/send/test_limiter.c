/* The pace of all calls: what any stretch of time can hold, who goes first, what happens without a database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <string.h>

#include "clock.h"
#include "database.h"
#include "send/limiter.h"
#include "pg_queue.h"
#include "settings.h"
#include "zalo/answer.h"

enum { SENDERS = 3, CALLS_MAX = 4000 };

static const char *url;

struct sender {
    struct fixture *f;
    struct limiter *limiter;
    struct pg_queue *db;
    enum send_rank rank;
    int left;  /* calls it still wants to make */
    int made;
};

struct fixture {
    struct event_base *base;
    struct settings settings;
    struct sender sender[SENDERS];
    int64_t at_ms[CALLS_MAX];
    enum send_rank rank[CALLS_MAX];
    int calls, wanted;
};

static void send_all(void *arg)
{
    struct sender *s = arg;
    struct fixture *f = s->f;
    while (s->left > 0 && limiter_take(s->limiter, s->rank, (size_t)s->left)) {
        f->rank[f->calls] = s->rank;
        f->at_ms[f->calls++] = clock_monotonic_ms();
        s->made++;
        s->left--;
    }
    if (f->calls >= f->wanted)
        event_base_loopbreak(f->base);
}

static void add_sender(struct fixture *f, size_t i, const char *database, const char *process)
{
    struct sender *s = &f->sender[i];
    s->f = f;
    s->db = pg_queue_new(f, f->base, &(struct pg_options){.url = database, .name = "test", .named_statements = true});
    s->limiter = limiter_new(f, &(struct limiter_options){.base = f->base, .settings = &f->settings, .process = process, .db = s->db});
    limiter_on_more(s->limiter, SEND_REPLY, send_all, s);
}

static int setup(void **state)
{
    struct fixture *f = talloc_zero(NULL, struct fixture);
    struct err e;
    if (!settings_load_text("test", STR("zalo: {app_id: 'pace'}"), false, &f->settings, &e))
        return -1;
    f->base = event_base_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    struct event_base *base = f->base;
    for (size_t i = 0; i < SENDERS; i++)
        TALLOC_FREE(f->sender[i].db); /* calls the limiter back */
    settings_free(&f->settings);
    talloc_free(f);
    event_base_free(base);
    return 0;
}

static void want(struct fixture *f, size_t i, enum send_rank rank, int calls)
{
    struct sender *s = &f->sender[i];
    s->rank = rank;
    s->left = calls;
    f->wanted += calls;
    limiter_on_more(s->limiter, rank, send_all, s);
    send_all(s);
}

static void test_no_stretch_holds_more_than_its_share_and_the_slack(void **state)
{
    struct fixture *f = *state;
    const double per_ms = 30000 / 60900.0;
    f->settings.send.per_minute = 30000;
    for (size_t i = 0; i < SENDERS; i++) {
        add_sender(f, i, url, i == 0 ? "one" : i == 1 ? "two" : "three");
        want(f, i, SEND_REPLY, 400);
    }
    event_base_dispatch(f->base);
    assert_int_equal(f->calls, 1200);
    for (int first = 0; first < f->calls; first++)
        for (int last = first; last < f->calls; last += 50) {
            double most = ((double)(f->at_ms[last] - f->at_ms[first]) + 1 + 900) * per_ms + 2;
            assert_true(last - first + 1 <= (int)most);
        }
    for (size_t i = 0; i < SENDERS; i++) /* every process gets its own */
        assert_int_equal(f->sender[i].made, 400);
}

/* One value of the line that all processes share. */
static const char *of_the_line(const char *what)
{
    static char value[64];
    char sql[200];
    PGconn *conn = PQconnectdb(url);
    snprintf(sql, sizeof(sql), "SELECT %s FROM send_pace WHERE app_id = 'pace'", what);
    PGresult *res = PQexec(conn, sql);
    snprintf(value, sizeof(value), "%s", PQntuples(res) == 1 ? PQgetvalue(res, 0, 0) : PQresultErrorMessage(res));
    PQclear(res);
    PQfinish(conn);
    return value;
}

static void test_a_minutes_calls_take_longer_than_a_minute_of_zalos(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 60;
    add_sender(f, 0, url, "one");
    want(f, 0, SEND_REPLY, 1);
    event_base_dispatch(f->base);
    assert_string_equal(of_the_line("(extract(epoch FROM next_at - first_at) * 1000 / calls)::int"), "1015"); /* 60 s and the slack */
}

static void test_a_reply_goes_before_a_broadcast_that_waits(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 6000;
    add_sender(f, 0, url, "both");
    struct sender *s = &f->sender[0];
    f->sender[1] = (struct sender){.f = f, .limiter = s->limiter};
    want(f, 0, SEND_BROADCAST, 120);
    want(f, 1, SEND_REPLY, 60);
    event_base_dispatch(f->base);
    int late = 0, replies = 0;
    for (int i = 0; i < f->calls; i++) {
        replies += f->rank[i] == SEND_REPLY;
        late += f->rank[i] == SEND_BROADCAST && replies > 0 && replies < 60;
    }
    assert_int_equal(replies, 60);
    assert_int_equal(late, 0);
}

static void test_after_a_refusal_nobody_sends_until_the_next_minute(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 60000;
    add_sender(f, 0, url, "refused");
    want(f, 0, SEND_REPLY, 5);
    event_base_dispatch(f->base);
    int64_t wait_ms = limiter_back_off(f->sender[0].limiter);
    assert_in_range(wait_ms, 1, 61500);
    assert_in_range(limiter_back_off(f->sender[0].limiter), 1, wait_ms); /* the same hold, not a longer one */
    assert_false(limiter_take(f->sender[0].limiter, SEND_REPLY, 1));
    assert_int_equal(limiter_counters(f->sender[0].limiter)->refused, 2);
}

static void test_a_refusal_holds_the_others_too_and_whoever_cannot_tell_them_itself(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 60000;
    add_sender(f, 0, url, "refused");
    add_sender(f, 1, url, "another");
    add_sender(f, 2, "host=127.0.0.1 port=1 dbname=none connect_timeout=1", "without a database");
    want(f, 0, SEND_REPLY, 5);
    event_base_dispatch(f->base);
    int64_t free_ms = clock_monotonic_ms() + limiter_back_off(f->sender[0].limiter), end_ms = clock_monotonic_ms() + 1200;
    limiter_back_off(f->sender[2].limiter);
    while (strcmp(of_the_line("next_at > now() + interval '0.2 s'"), "t") != 0) { /* the refusal is on its way to the others */
        assert_true(clock_monotonic_ms() < end_ms);
        event_base_loop(f->base, EVLOOP_NONBLOCK);
    }
    want(f, 1, SEND_REPLY, 5);
    want(f, 2, SEND_REPLY, 5);
    int64_t now_ms = clock_monotonic_ms(), watch_ms = free_ms - 100 - now_ms; /* a hold is 1.5 s at least, mostly more; */
    watch_ms = watch_ms > 1200 ? 1200 : watch_ms > 0 ? watch_ms : 0;          /* after 1 s one without a database would help itself */
    event_base_loopexit(f->base, &(struct timeval){watch_ms / 1000, watch_ms % 1000 * 1000});
    event_base_dispatch(f->base);
    assert_int_equal(f->sender[1].made, 0);
    assert_int_equal(f->sender[2].made, 0);
}

static void hear(struct fixture *f, int calls, enum zalo_class class)
{
    for (int i = 0; i < calls; i++)
        limiter_heard(f->sender[0].limiter, &(struct zalo_answer){.class = class, .meaning = "server error", .message = ""});
}

static void test_while_calls_fail_one_a_second_goes_and_all_when_one_is_answered(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 60000;
    add_sender(f, 0, url, "one");
    hear(f, 20, ZALO_RETRY);
    int64_t began_ms = clock_monotonic_ms();
    want(f, 0, SEND_REPLY, 200);
    f->wanted = 1;
    event_base_dispatch(f->base); /* the probe */
    assert_true(f->at_ms[0] - began_ms >= 990);
    assert_int_equal(f->calls, 1);
    hear(f, 1, ZALO_RETRY);
    f->wanted = 2;
    event_base_dispatch(f->base);
    assert_true(f->at_ms[1] - f->at_ms[0] >= 990);
    assert_true(limiter_broken(f->sender[0].limiter));
    hear(f, 1, ZALO_DROP); /* Zalo is there, whatever it thinks of this one */
    f->wanted = 200;
    event_base_dispatch(f->base);
    assert_int_equal(f->calls, 200);
}

static void test_without_the_database_half_of_an_even_share_goes(void **state)
{
    struct fixture *f = *state;
    f->settings.send.per_minute = 6000; /* 50 in a second of its own */
    add_sender(f, 0, "host=127.0.0.1 port=1 dbname=none connect_timeout=1", "alone");
    want(f, 0, SEND_REPLY, 60);
    event_base_dispatch(f->base);
    int64_t took = f->at_ms[59] - f->at_ms[0];
    assert_true(took >= 1000);
    assert_int_equal(f->calls, 60);
    assert_true(limiter_counters(f->sender[0].limiter)->alone >= 60);
}

int main(void)
{
    url = test_database("limiter");
    if (!url)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_no_stretch_holds_more_than_its_share_and_the_slack, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_minutes_calls_take_longer_than_a_minute_of_zalos, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_reply_goes_before_a_broadcast_that_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(test_after_a_refusal_nobody_sends_until_the_next_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_refusal_holds_the_others_too_and_whoever_cannot_tell_them_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(test_while_calls_fail_one_a_second_goes_and_all_when_one_is_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_the_database_half_of_an_even_share_goes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
