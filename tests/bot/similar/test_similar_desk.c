/* Look-ups of turns: each is answered once, in order, one at a time with rests between, and nobody waits for ever. */
#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "database.h"
#include "similar/similar_desk.h"

enum { ASKED = 6 };

static const char *url;

struct fixture {
    struct event_base *base;
    struct pg_queue *queue;
    struct similar_desk *desk;
    int asked, answered, wanted; /* loop until so many are answered */
    int order[ASKED];
    int64_t at_ms[ASKED];
    struct err e[ASKED];
    size_t depth_most;
};

struct asking {
    struct fixture *f;
    int number;
};

static void on_done(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    struct asking *a = arg;
    struct fixture *f = a->f;
    (void)match;
    assert_int_equal(count, 0);
    assert_true(f->answered < ASKED);
    f->order[f->answered] = a->number;
    f->at_ms[f->answered] = clock_monotonic_ms();
    f->e[f->answered++] = e ? *e : (struct err){0};
    if (pg_queue_depth(f->queue) > f->depth_most)
        f->depth_most = pg_queue_depth(f->queue);
    if (f->answered == f->wanted)
        event_base_loopbreak(f->base);
}

static void ask(struct fixture *f, struct asking asking[static ASKED], int n)
{
    for (int i = 0; i < n; i++) {
        asking[i] = (struct asking){f, i};
        similar_desk_ask(f->desk, STR("Khay nam châm giữ kim gãy"), STR("Gắn khay dưới chân vịt."), 3, on_done, &asking[i]);
    }
    assert_int_equal(f->answered, 0); /* never before it returns */
}

static struct fixture *open_desk(const char *at)
{
    struct fixture *f = talloc_zero(NULL, struct fixture);
    f->base = event_base_new();
    f->queue = pg_queue_new(f, f->base, &(struct pg_options){.url = at, .name = "similar", .named_statements = true});
    f->desk = similar_desk_new(f, f->base, f->queue);
    return f;
}

static void close_desk(struct fixture *f)
{
    struct event_base *base = f->base;
    TALLOC_FREE(f->desk);
    TALLOC_FREE(f->queue);
    talloc_free(f);
    event_base_free(base);
}

static void test_each_question_is_answered_once_in_order_one_at_a_time(void **state)
{
    (void)state;
    if (!url)
        skip();
    struct fixture *f = open_desk(url);
    struct asking asking[ASKED];
    f->wanted = ASKED;
    ask(f, asking, ASKED);
    event_base_dispatch(f->base);
    assert_int_equal(f->answered, ASKED);
    for (int i = 0; i < ASKED; i++) {
        assert_int_equal(f->order[i], i);
        assert_int_equal(f->e[i].kind, ERR_NONE);
    }
    assert_int_equal(f->depth_most, 0);
    assert_int_equal(similar_desk_counters(f->desk)->answered, ASKED);
    close_desk(f);
}

static void test_between_two_look_ups_there_is_a_rest(void **state)
{
    (void)state;
    if (!url)
        skip();
    struct fixture *f = open_desk(url);
    struct asking asking[ASKED];
    f->wanted = ASKED;
    ask(f, asking, ASKED);
    event_base_dispatch(f->base);
    for (int i = 1; i < ASKED; i++) /* at least four times the least that is counted, a millisecond; less what the clock rounds */
        assert_true(f->at_ms[i] - f->at_ms[i - 1] >= 3);
    close_desk(f);
}

static void test_what_waits_when_the_desk_ends_is_called_back(void **state)
{
    (void)state;
    struct fixture *f = open_desk(url ? url : "host=/nonexistent");
    struct asking asking[ASKED];
    ask(f, asking, ASKED);
    event_base_loop(f->base, EVLOOP_NONBLOCK); /* the first one is being looked up */
    TALLOC_FREE(f->desk);
    assert_int_equal(f->answered, ASKED - 1);
    TALLOC_FREE(f->queue);
    assert_int_equal(f->answered, ASKED);
    for (int i = 0; i < ASKED; i++)
        assert_int_equal(f->e[i].kind, ERR_UNAVAILABLE);
    close_desk(f);
}

static void test_without_a_database_all_are_called_back_within_seconds(void **state)
{
    (void)state;
    struct fixture *f = open_desk("host=/nonexistent");
    struct asking asking[ASKED];
    int64_t began_ms = clock_monotonic_ms();
    f->wanted = ASKED;
    ask(f, asking, ASKED);
    event_base_dispatch(f->base);
    assert_int_equal(f->answered, ASKED);
    for (int i = 0; i < ASKED; i++)
        assert_int_not_equal(f->e[i].kind, ERR_NONE);
    assert_int_equal(similar_desk_counters(f->desk)->answered, 0);
    assert_true(similar_desk_counters(f->desk)->given_up > 0);
    assert_true(clock_monotonic_ms() - began_ms < 10000);
    close_desk(f);
}

static void on_counted(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    int *refused = arg;
    (void)match, (void)count;
    assert_int_equal(e->kind, *refused < 0 ? ERR_UNAVAILABLE : ERR_TIMEOUT);
    *refused += *refused < 0 ? -1 : 1;
}

static void test_of_too_many_the_oldest_are_given_up(void **state)
{
    (void)state;
    struct fixture *f = open_desk("host=/nonexistent");
    int refused = 0;
    for (int i = 0; i < SIMILAR_DESK_WAITING_MAX; i++)
        similar_desk_ask(f->desk, STR("Khay"), STR("Gắn khay."), 3, on_counted, &refused);
    assert_int_equal(refused, 0);
    for (int i = 1; i <= 7; i++) {
        similar_desk_ask(f->desk, STR("Khay"), STR("Gắn khay."), 3, on_counted, &refused);
        assert_int_equal(refused, i);
    }
    refused = -1; /* from here on the end of the desk refuses those who still wait */
    TALLOC_FREE(f->desk);
    assert_int_equal(refused, -1 - SIMILAR_DESK_WAITING_MAX);
    close_desk(f);
}

int main(void)
{
    url = test_database("similar_desk");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_question_is_answered_once_in_order_one_at_a_time),
        cmocka_unit_test(test_between_two_look_ups_there_is_a_rest),
        cmocka_unit_test(test_what_waits_when_the_desk_ends_is_called_back),
        cmocka_unit_test(test_of_too_many_the_oldest_are_given_up),
        cmocka_unit_test(test_without_a_database_all_are_called_back_within_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
