/* Receipt codes are unique by construction, hold no look-alikes, and need the key to be guessed; ids ascend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "ids.h"
#include "receipt.h"

static const unsigned char key[RECEIPT_KEY_BYTES] = "an example key of 32 bytes .....";

static int by_code(const void *a, const void *b)
{
    return memcmp(a, b, RECEIPT_CODE_BYTES);
}

static void test_two_hundred_thousand_numbers_give_as_many_codes(void **state)
{
    (void)state;
    enum { N = 200000 };
    char (*codes)[RECEIPT_CODE_BYTES] = calloc(N, RECEIPT_CODE_BYTES);
    assert_non_null(codes);
    for (uint32_t n = 0; n < N; n++)
        receipt_code(key, n, codes[n]);
    qsort(codes, N, RECEIPT_CODE_BYTES, by_code);
    for (uint32_t n = 1; n < N; n++)
        assert_memory_not_equal(codes[n - 1], codes[n], RECEIPT_CODE_BYTES);
    free(codes);
}

static void test_a_code_is_sk_and_six_characters_without_look_alikes(void **state)
{
    (void)state;
    for (uint32_t n = 0; n < 5000; n++) {
        char code[RECEIPT_CODE_BYTES];
        receipt_code(key, n, code);
        assert_int_equal(strlen(code), 9);
        assert_memory_equal(code, "SK-", 3);
        assert_int_equal(strspn(code + 3, "23456789ABCDEFGHJKMNPQRSTVWXYZ"), 6);
    }
}

static void test_neighbours_share_no_pattern_and_another_key_gives_others(void **state)
{
    (void)state;
    unsigned char other[RECEIPT_KEY_BYTES];
    memcpy(other, key, sizeof(other));
    other[31] ^= 1;
    int same_start = 0, same_code = 0;
    for (uint32_t n = 0; n < 3000; n++) {
        char a[RECEIPT_CODE_BYTES], b[RECEIPT_CODE_BYTES], c[RECEIPT_CODE_BYTES];
        receipt_code(key, n, a);
        receipt_code(key, n + 1, b);
        receipt_code(other, n, c);
        same_start += memcmp(a, b, 5) == 0;
        same_code += strcmp(a, c) == 0;
    }
    assert_in_range(same_start, 0, 20); /* 3000 / 900 expected of chance */
    assert_in_range(same_code, 0, 1);
}

static void test_the_stock_gives_every_number_of_its_blocks_once(void **state)
{
    (void)state;
    struct receipt_stock s = {.key_known = true};
    memcpy(s.key, key, sizeof(s.key));
    assert_int_equal(receipt_stock_left(&s), 0);
    assert_true(receipt_stock_add(&s, 7));
    assert_true(receipt_stock_add(&s, 9));
    assert_int_equal(receipt_stock_left(&s), 2 * RECEIPT_BLOCK);
    for (uint32_t i = 0; i < 2 * RECEIPT_BLOCK; i++) {
        char got[RECEIPT_CODE_BYTES], again[RECEIPT_CODE_BYTES], want[RECEIPT_CODE_BYTES];
        receipt_stock_peek(&s, got);
        receipt_stock_peek(&s, again); /* looking spends nothing */
        assert_string_equal(got, again);
        receipt_code(key, (i < RECEIPT_BLOCK ? 7u : 8u) * RECEIPT_BLOCK + i, want);
        assert_string_equal(got, want);
        receipt_stock_spend(&s);
    }
    assert_int_equal(receipt_stock_left(&s), 0);
}

static void test_the_stock_has_a_bound(void **state)
{
    (void)state;
    struct receipt_stock s = {.key_known = true};
    for (int i = 0; i < RECEIPT_BLOCKS; i++)
        assert_true(receipt_stock_add(&s, i));
    assert_false(receipt_stock_add(&s, 99));
}

static void test_ids_ascend_and_never_repeat(void **state)
{
    (void)state;
    struct ids ids;
    ids_init(&ids);
    int64_t last = 0;
    for (int i = 0; i < 100000; i++) { /* more than a millisecond holds: it borrows from the next */
        int64_t id = ids_next(&ids);
        assert_true(id > last);
        last = id;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_hundred_thousand_numbers_give_as_many_codes),
        cmocka_unit_test(test_a_code_is_sk_and_six_characters_without_look_alikes),
        cmocka_unit_test(test_neighbours_share_no_pattern_and_another_key_gives_others),
        cmocka_unit_test(test_the_stock_gives_every_number_of_its_blocks_once),
        cmocka_unit_test(test_the_stock_has_a_bound),
        cmocka_unit_test(test_ids_ascend_and_never_repeat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
