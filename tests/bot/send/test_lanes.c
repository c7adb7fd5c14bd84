/* Replies in hand: in order per person, one of a person at a time, a refused one waits for the next token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "send/lanes.h"

enum { TOKEN = 7 };

static int setup(void **state)
{
    struct lanes *lanes = talloc_zero(NULL, struct lanes);
    lanes_init(lanes, lanes);
    *state = lanes;
    return 0;
}

static int teardown(void **state)
{
    talloc_free(*state);
    return 0;
}

static struct item *add(struct lanes *lanes, const char *user_id, int64_t id)
{
    return lanes_add(lanes, (struct outbox_claim){.user_id = user_id, .id = id});
}

/* Puts the next lane's head on the wire. @return its id, 0 when none may go. */
static int64_t go(struct lanes *lanes, struct lane **ret)
{
    *ret = lanes_take(lanes, TOKEN);
    if (!*ret)
        return 0;
    (*ret)->busy = true;
    return (*ret)->first->claim.id;
}

static void came_to_its_end(struct lanes *lanes, struct lane *l)
{
    lanes_drop_head(lanes, l);
    lanes_next(lanes, l);
}

static void test_a_persons_second_reply_waits_until_the_first_has_come_to_its_end(void **state)
{
    struct lanes *lanes = *state;
    struct lane *a, *b, *none;
    add(lanes, "a", 1);
    add(lanes, "a", 2);
    add(lanes, "b", 3);
    assert_int_equal(go(lanes, &a), 1);
    add(lanes, "a", 4); /* also one that comes meanwhile */
    assert_int_equal(go(lanes, &b), 3);
    assert_int_equal(go(lanes, &none), 0);
    came_to_its_end(lanes, a);
    assert_int_equal(go(lanes, &a), 2);
    assert_int_equal(lanes->held, 3);
}

static void test_who_could_not_go_just_now_is_the_next_one_again(void **state)
{
    struct lanes *lanes = *state;
    struct lane *l, *other;
    add(lanes, "a", 1);
    add(lanes, "b", 2);
    l = lanes_take(lanes, TOKEN);
    lanes_put_first(lanes, l);
    add(lanes, "c", 3); /* behind all of them */
    assert_int_equal(go(lanes, &l), 1);
    assert_int_equal(go(lanes, &other), 2);
    assert_int_equal(go(lanes, &other), 3);
}

static void test_the_only_one_put_back_does_not_lose_who_comes_next(void **state)
{
    struct lanes *lanes = *state;
    struct lane *l;
    add(lanes, "a", 1);
    lanes_put_first(lanes, lanes_take(lanes, TOKEN));
    add(lanes, "b", 2);
    assert_int_equal(go(lanes, &l), 1);
    assert_int_equal(go(lanes, &l), 2);
}

static void test_a_head_refused_with_this_token_waits_for_the_next_and_holds_up_nobody(void **state)
{
    struct lanes *lanes = *state;
    struct lane *l;
    struct item *refused = add(lanes, "a", 1);
    refused->token_retried = true;
    refused->token_generation = TOKEN;
    add(lanes, "b", 2);
    assert_int_equal(go(lanes, &l), 2);
    assert_int_equal(go(lanes, &l), 0);
    add(lanes, "c", 3);
    assert_int_equal(go(lanes, &l), 3);
    l = lanes_take(lanes, TOKEN + 1);
    assert_non_null(l);
    assert_int_equal(l->first->claim.id, 1);
}

static void test_a_lane_with_nothing_in_it_is_gone(void **state)
{
    struct lanes *lanes = *state;
    struct lane *l;
    size_t before = talloc_total_blocks(lanes);
    char name[] = "somebody";
    struct item *item = add(lanes, name, 1);
    assert_ptr_not_equal(item->claim.user_id, name); /* the caller's may go */
    assert_int_equal(go(lanes, &l), 1);
    came_to_its_end(lanes, l);
    assert_int_equal(lanes->held, 0);
    assert_int_equal(talloc_total_blocks(lanes), before);
    add(lanes, name, 2);
    assert_int_equal(go(lanes, &l), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_persons_second_reply_waits_until_the_first_has_come_to_its_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_could_not_go_just_now_is_the_next_one_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_only_one_put_back_does_not_lose_who_comes_next, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_head_refused_with_this_token_waits_for_the_next_and_holds_up_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_lane_with_nothing_in_it_is_gone, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
