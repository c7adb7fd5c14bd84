/* Two workers of a node and one person: whose event may go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "spool/order.h"

enum { CELL = 7 };

struct node {
    struct order_board *board;
    struct order *a, *b;
};

static int begin(void **state)
{
    struct node *n = talloc_zero(NULL, struct node);
    n->board = talloc_zero(n, struct order_board);
    n->board->seats = 2;
    n->board->born_ms = clock_monotonic_ms();
    n->a = order_new(n, n->board, 0);
    n->b = order_new(n, n->board, 1);
    *state = n;
    return 0;
}

static int begin_opened(void **state)
{
    begin(state);
    struct node *n = *state;
    order_opened(n->a);
    order_opened(n->b);
    return 0;
}

static int end(void **state)
{
    talloc_free(*state);
    return 0;
}

static void test_a_newer_event_waits_until_the_older_one_of_the_other_worker_has_settled(void **state)
{
    struct node *n = *state;
    struct order_mark *older = order_add(n->a, CELL, 100, false), *newer = order_add(n->b, CELL, 200, true);
    assert_true(order_may_go(n->a, CELL, older));
    assert_false(order_may_go(n->b, CELL, newer));
    assert_false(order_may_go(n->b, CELL, NULL));
    assert_true(order_may_go(n->b, CELL + 1, NULL));
    order_end(n->a, CELL, older);
    assert_true(order_may_go(n->b, CELL, newer));
}

static void test_of_events_that_take_turns_exactly_the_oldest_goes(void **state)
{
    struct node *n = *state;
    struct order_mark *mark[6];
    for (int i = 0; i < 6; i++)
        mark[i] = order_add(i % 2 ? n->b : n->a, CELL, 100 + i, true);
    for (int i = 0; i < 6; i++) {
        for (int k = i; k < 6; k++)
            assert_int_equal(order_may_go(k % 2 ? n->b : n->a, CELL, mark[k]), k == i);
        order_end(i % 2 ? n->b : n->a, CELL, mark[i]);
    }
}

static void test_those_that_share_a_cell_settle_in_any_order(void **state)
{
    struct node *n = *state;
    struct order_mark *first = order_add(n->a, CELL, 100, false), *last = order_add(n->a, CELL, 101, false);
    struct order_mark *other = order_add(n->b, CELL, 102, true);
    order_end(n->a, CELL, last);
    assert_false(order_may_go(n->b, CELL, other));
    order_end(n->a, CELL, first);
    assert_true(order_may_go(n->b, CELL, other));
    order_end(n->a, CELL, order_add(n->a, CELL, 103, false));
    assert_true(order_may_go(n->b, CELL, other));
}

static void test_a_clock_set_back_changes_no_order(void **state)
{
    struct node *n = *state;
    order_add(n->a, CELL, 500, true);
    struct order_mark *later = order_add(n->a, CELL, 100, true), *other = order_add(n->b, CELL, 300, true);
    assert_true(order_may_go(n->b, CELL, other));
    assert_false(order_may_go(n->a, CELL, later));
}

static void test_what_a_dead_worker_had_counts_until_its_successor_has_read_the_spool(void **state)
{
    struct node *n = *state;
    order_add(n->a, CELL, 100, true);
    TALLOC_FREE(n->a);
    assert_false(order_may_go(n->b, CELL, NULL));
    n->a = order_new(n, n->board, 0);
    struct order_mark *found = order_add(n->a, CELL, 100, true);
    assert_false(order_may_go(n->b, CELL, NULL));
    order_opened(n->a);
    assert_false(order_may_go(n->b, CELL, NULL));
    order_end(n->a, CELL, found);
    assert_true(order_may_go(n->b, CELL, NULL));
}

static void test_nobody_goes_until_all_spools_are_read_but_ten_seconds_at_most(void **state)
{
    struct node *n = *state;
    order_opened(n->b);
    assert_false(order_may_go(n->b, CELL, NULL));
    n->board->born_ms -= 10000;
    assert_true(order_may_go(n->b, CELL, NULL));
}

static void test_the_next_on_disk_skips_what_is_in_memory(void **state)
{
    struct node *n = *state;
    order_add(n->a, CELL, 100, false);
    struct order_mark *second = order_add(n->a, CELL, 101, true), *third = order_add(n->a, CELL, 102, true);
    assert_ptr_equal(order_next_on_disk(n->a, CELL), second);
    order_in_memory(second);
    assert_ptr_equal(order_next_on_disk(n->a, CELL), third);
}

static void test_a_worker_alone_never_waits(void **state)
{
    struct node *n = *state;
    struct order *alone = order_new(n, NULL, 0);
    order_opened(alone);
    assert_true(order_may_go(alone, CELL, order_add(alone, CELL, 100, true)));
}

static void test_a_file_that_cannot_be_used_voids_what_was_found_in_it_and_nothing_else(void **state)
{
    struct node *n = *state;
    struct order_mark *taken = order_add(n->a, CELL, 100, false);
    order_add(n->a, CELL, 101, true);
    order_forget_disk(n->a);
    assert_null(order_next_on_disk(n->a, CELL));
    assert_false(order_may_go(n->b, CELL, NULL));
    order_end(n->a, CELL, taken);
    assert_true(order_may_go(n->b, CELL, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_newer_event_waits_until_the_older_one_of_the_other_worker_has_settled, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_of_events_that_take_turns_exactly_the_oldest_goes, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_those_that_share_a_cell_settle_in_any_order, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_a_clock_set_back_changes_no_order, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_what_a_dead_worker_had_counts_until_its_successor_has_read_the_spool, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_a_file_that_cannot_be_used_voids_what_was_found_in_it_and_nothing_else, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_nobody_goes_until_all_spools_are_read_but_ten_seconds_at_most, begin, end),
        cmocka_unit_test_setup_teardown(test_the_next_on_disk_skips_what_is_in_memory, begin_opened, end),
        cmocka_unit_test_setup_teardown(test_a_worker_alone_never_waits, begin_opened, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
