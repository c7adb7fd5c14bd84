/* Ranking by posting lists: what is rare counts, what is long counts less, and a list that is broken does no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "similar_rank.h"

enum { DOCS = 1000, SHORT = 10, LONG = 60 };

struct list {
    unsigned char bytes[4 * 64];
    size_t n;
};

static void add(struct list *list, uint32_t doc, uint32_t half_terms)
{
    uint32_t entry = doc << 6 | half_terms;
    for (int shift = 24; shift >= 0; shift -= 8)
        list->bytes[list->n++] = (unsigned char)(entry >> shift);
}

static struct str view(const struct list *list)
{
    return (struct str){(const char *)list->bytes, list->n};
}

static void test_a_rare_term_counts_more_than_a_common_one(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, DOCS);
    struct list rare = {0}, common = {0};
    uint32_t best[2];
    add(&common, 7, SHORT);
    add(&rare, 8, SHORT);
    similar_rank_add(rank, view(&common), 500);
    similar_rank_add(rank, view(&rare), 2);
    assert_int_equal(similar_rank_best(rank, best, 2), 2);
    assert_int_equal(best[0], 8);
    assert_int_equal(best[1], 7);
    talloc_free(rank);
}

static void test_more_shared_terms_come_first_each_initiative_once(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, DOCS);
    struct list list[3] = {0};
    uint32_t best[10];
    for (uint32_t l = 0; l < 3; l++)
        for (uint32_t doc = 1; doc <= l + 1; doc++)
            add(&list[l], doc, SHORT);
    for (int l = 0; l < 3; l++)
        similar_rank_add(rank, view(&list[l]), 50);
    assert_int_equal(similar_rank_best(rank, best, 10), 3);
    assert_int_equal(best[0], 1);
    assert_int_equal(best[1], 2);
    assert_int_equal(best[2], 3);
    talloc_free(rank);
}

static void test_a_long_text_needs_more_shared_terms(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, DOCS);
    struct list list = {0};
    uint32_t best[2];
    add(&list, 1, LONG);
    add(&list, 2, SHORT);
    similar_rank_add(rank, view(&list), 2);
    assert_int_equal(similar_rank_best(rank, best, 2), 2);
    assert_int_equal(best[0], 2);
    talloc_free(rank);
}

static void test_only_as_many_as_wanted_and_the_best_of_them(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, DOCS);
    struct list all = {0}, some = {0};
    uint32_t best[3];
    for (uint32_t doc = 1; doc <= 60; doc++)
        add(&all, doc, SHORT);
    for (uint32_t doc = 58; doc <= 60; doc++)
        add(&some, doc, SHORT);
    similar_rank_add(rank, view(&all), 60);
    similar_rank_add(rank, view(&some), 3);
    assert_int_equal(similar_rank_best(rank, best, 3), 3);
    for (int i = 0; i < 3; i++)
        assert_in_range(best[i], 58, 60);
    talloc_free(rank);
}

static void test_broken_lists_are_passed_over(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, DOCS);
    struct list list = {0};
    uint32_t best[4];
    add(&list, DOCS + 1, SHORT);
    add(&list, (1U << 25) - 1, SHORT);
    add(&list, DOCS, SHORT);
    list.n += 3; /* torn */
    similar_rank_add(rank, view(&list), 0);
    assert_int_equal(similar_rank_best(rank, best, 4), 1);
    assert_int_equal(best[0], DOCS);
    talloc_free(rank);
    rank = similar_rank_new(NULL, 0);
    assert_int_equal(similar_rank_best(rank, best, 4), 0);
    talloc_free(rank);
}

static void test_a_sum_does_not_run_over(void **state)
{
    (void)state;
    struct similar_rank *rank = similar_rank_new(NULL, 1U << 24);
    struct list list = {0}, once = {0};
    uint32_t best[2];
    add(&list, 1, SHORT);
    add(&once, 2, SHORT);
    for (int i = 0; i < 1000; i++)
        similar_rank_add(rank, view(&list), 1);
    similar_rank_add(rank, view(&once), 1);
    assert_int_equal(similar_rank_best(rank, best, 2), 2);
    assert_int_equal(best[0], 1);
    talloc_free(rank);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rare_term_counts_more_than_a_common_one),
        cmocka_unit_test(test_more_shared_terms_come_first_each_initiative_once),
        cmocka_unit_test(test_a_long_text_needs_more_shared_terms),
        cmocka_unit_test(test_only_as_many_as_wanted_and_the_best_of_them),
        cmocka_unit_test(test_broken_lists_are_passed_over),
        cmocka_unit_test(test_a_sum_does_not_run_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
