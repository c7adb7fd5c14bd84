/* Tokens at rest: nothing opens but what was sealed, with the same key, for the same place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "durable.h"
#include "folder.h"
#include "token/seal.h"

static const struct seal_key key = {{1, 2, 3, 4}}, other_key = {{1, 2, 3, 5}};
static const struct str about = {"oa_token/4711/access", 20};

static void test_what_was_sealed_opens(void **state)
{
    static const struct str cases[] = {{"a-token", 7}, {"", 0}, {NULL, 0}, {"with\0nul", 8}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TALLOC_CTX *ctx = talloc_new(NULL);
        struct str sealed, plain;
        assert_true(seal_close(ctx, &key, about, cases[i], &sealed, NULL));
        assert_int_equal(sealed.n, cases[i].n + SEAL_OVERHEAD);
        assert_true(seal_open(ctx, &key, about, sealed, &plain, NULL));
        assert_true(str_eq(plain, cases[i]));
        assert_int_equal(plain.p[plain.n], 0);
        talloc_free(ctx);
    }
}

/* NIST's GCM test case 16 (McGrew and Viega), so that other tools can open what we sealed. */
static void test_the_form_is_nonce_ciphertext_tag_of_aes_256_gcm(void **state)
{
    static const unsigned char k[] = {0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08,
                                      0xfe, 0xff, 0xe9, 0x92, 0x86, 0x65, 0x73, 0x1c, 0x6d, 0x6a, 0x8f, 0x94, 0x67, 0x30, 0x83, 0x08};
    static const unsigned char aad[] = {0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xfe, 0xed, 0xfa, 0xce, 0xde, 0xad, 0xbe, 0xef, 0xab, 0xad, 0xda, 0xd2};
    static const unsigned char sealed[] = {
        0xca, 0xfe, 0xba, 0xbe, 0xfa, 0xce, 0xdb, 0xad, 0xde, 0xca, 0xf8, 0x88, /* nonce */
        0x52, 0x2d, 0xc1, 0xf0, 0x99, 0x56, 0x7d, 0x07, 0xf4, 0x7f, 0x37, 0xa3, 0x2a, 0x84, 0x42, 0x7d, 0x64, 0x3a, 0x8c, 0xdc,
        0xbf, 0xe5, 0xc0, 0xc9, 0x75, 0x98, 0xa2, 0xbd, 0x25, 0x55, 0xd1, 0xaa, 0x8c, 0xb0, 0x8e, 0x48, 0x59, 0x0d, 0xbb, 0x3d,
        0xa7, 0xb0, 0x8b, 0x10, 0x56, 0x82, 0x88, 0x38, 0xc5, 0xf6, 0x1e, 0x63, 0x93, 0xba, 0x7a, 0x0a, 0xbc, 0xc9, 0xf6, 0x62,
        0x76, 0xfc, 0x6e, 0xce, 0x0f, 0x4e, 0x17, 0x68, 0xcd, 0xdf, 0x88, 0x53, 0xbb, 0x2d, 0x55, 0x1b /* tag */};
    static const unsigned char plain[] = {
        0xd9, 0x31, 0x32, 0x25, 0xf8, 0x84, 0x06, 0xe5, 0xa5, 0x59, 0x09, 0xc5, 0xaf, 0xf5, 0x26, 0x9a, 0x86, 0xa7, 0xa9, 0x53,
        0x15, 0x34, 0xf7, 0xda, 0x2e, 0x4c, 0x30, 0x3d, 0x8a, 0x31, 0x8a, 0x72, 0x1c, 0x3c, 0x0c, 0x95, 0x95, 0x68, 0x09, 0x53,
        0x2f, 0xcf, 0x0e, 0x24, 0x49, 0xa6, 0xb5, 0x25, 0xb1, 0x6a, 0xed, 0xf5, 0xaa, 0x0d, 0xe6, 0x57, 0xba, 0x63, 0x7b, 0x39};
    struct seal_key nist;
    struct str opened;
    (void)state;
    memcpy(nist.byte, k, sizeof(nist.byte));
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_true(seal_open(ctx, &nist, (struct str){(const char *)aad, sizeof(aad)}, (struct str){(const char *)sealed, sizeof(sealed)}, &opened, NULL));
    assert_int_equal(opened.n, sizeof(plain));
    assert_memory_equal(opened.p, plain, sizeof(plain));
    talloc_free(ctx);
}

static void test_the_same_value_never_looks_the_same(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct str a, b;
    (void)state;
    assert_true(seal_close(ctx, &key, about, STR("a-token"), &a, NULL));
    assert_true(seal_close(ctx, &key, about, STR("a-token"), &b, NULL));
    assert_false(str_eq(a, b));
    assert_null(memmem(a.p, a.n, "a-token", 7));
    talloc_free(ctx);
}

static void test_another_key_or_place_does_not_open_it(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct str sealed, plain = STR("untouched");
    struct err e;
    (void)state;
    assert_true(seal_close(ctx, &key, about, STR("a-token"), &sealed, NULL));
    assert_false(seal_open(ctx, &other_key, about, sealed, &plain, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_false(seal_open(ctx, &key, STR("oa_token/4711/refresh"), sealed, &plain, NULL));
    assert_false(seal_open(ctx, &key, STR(""), sealed, &plain, NULL));
    assert_true(str_eq(plain, STR("untouched")));
    talloc_free(ctx);
}

static void test_every_changed_bit_and_every_length_is_noticed(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct str sealed, plain;
    (void)state;
    assert_true(seal_close(ctx, &key, about, STR("a-token"), &sealed, NULL));
    char *copy = talloc_memdup(ctx, sealed.p, sealed.n);
    for (size_t bit = 0; bit < sealed.n * 8; bit++) {
        copy[bit / 8] ^= (char)(1 << bit % 8);
        assert_false(seal_open(ctx, &key, about, (struct str){copy, sealed.n}, &plain, NULL));
        copy[bit / 8] ^= (char)(1 << bit % 8);
    }
    for (size_t n = 0; n < sealed.n; n++)
        assert_false(seal_open(ctx, &key, about, (struct str){copy, n}, &plain, NULL));
    assert_true(seal_open(ctx, &key, about, (struct str){copy, sealed.n}, &plain, NULL));
    talloc_free(ctx);
}

static void test_a_missing_key_is_made_once_and_kept(void **state)
{
    struct folder f;
    struct stat st;
    struct err e;
    char path[100];
    (void)state;
    folder_make(&f);
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_null(seal_key_find(ctx, &f.settings, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    struct seal_key *made = seal_key_load(ctx, &f.settings, &e);
    assert_non_null(made);
    snprintf(path, sizeof(path), "%s/token.key", f.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(st.st_size, 65);
    struct seal_key *again = seal_key_load(ctx, &f.settings, &e), *found = seal_key_find(ctx, &f.settings, &e);
    assert_non_null(again);
    assert_non_null(found);
    assert_memory_equal(made->byte, again->byte, SEAL_KEY_BYTES);
    assert_memory_equal(made->byte, found->byte, SEAL_KEY_BYTES);
    static const unsigned char zeros[SEAL_KEY_BYTES];
    assert_memory_not_equal(made->byte, zeros, SEAL_KEY_BYTES);
    talloc_free(ctx);
    folder_remove(&f);
}

static void test_the_key_of_the_settings_comes_first(void **state)
{
    struct folder f;
    (void)state;
    folder_make(&f);
    f.settings.zalo.token_key = (struct key_bytes){.set = true, .byte = {9, 9}};
    TALLOC_CTX *ctx = talloc_new(NULL);
    const struct seal_key *k = seal_key_load(ctx, &f.settings, NULL);
    assert_non_null(k);
    assert_memory_equal(k->byte, f.settings.zalo.token_key.byte, SEAL_KEY_BYTES);
    talloc_free(ctx);
    char path[100];
    snprintf(path, sizeof(path), "%s/token.key", f.path);
    assert_int_not_equal(access(path, F_OK), 0); /* none was made for nothing */
    folder_remove(&f);
}

static void test_a_key_file_that_is_damaged_or_open_to_others_is_refused(void **state)
{
    static const char hex[] = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    struct folder f;
    struct err e;
    char path[100], wrong[80];
    (void)state;
    folder_make(&f);
    TALLOC_CTX *ctx = talloc_new(NULL);
    snprintf(path, sizeof(path), "%s/token.key", f.path);
    assert_true(durable_write(f.path, "token.key", str_of(hex), true, NULL));
    assert_non_null(seal_key_load(ctx, &f.settings, &e)); /* no newline is fine */
    assert_int_equal(chmod(path, 0640), 0);
    assert_null(seal_key_load(ctx, &f.settings, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_non_null(strstr(e.msg, "chmod 600"));
    for (int i = 0; i < 3; i++) {
        snprintf(wrong, sizeof(wrong), i == 0 ? "%.63s" : i == 1 ? "%s0" : "%.63sg", hex);
        assert_true(durable_write(f.path, "token.key", str_of(wrong), true, NULL));
        assert_null(seal_key_load(ctx, &f.settings, &e));
        assert_int_equal(e.kind, ERR_INVALID);
        assert_null(strstr(e.msg, "0011")); /* the error does not show the key */
    }
    talloc_free(ctx);
    folder_remove(&f);
}

static void test_two_that_make_the_key_at_once_agree(void **state)
{
    struct folder f;
    struct err e;
    (void)state;
    folder_make(&f);
    assert_true(durable_write(f.path, "token.key", STR("first"), false, &e));
    assert_false(durable_write(f.path, "token.key", STR("second"), false, &e));
    assert_int_equal(e.kind, ERR_CONFLICT);
    struct str text;
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_true(durable_read(ctx, f.path, "token.key", &text, &e));
    assert_true(str_eq(text, STR("first")));
    assert_true(durable_write(f.path, "token.key", STR("third"), true, &e));
    assert_true(durable_read(ctx, f.path, "token.key", &text, &e));
    assert_true(str_eq(text, STR("third")));
    talloc_free(ctx);
    folder_remove(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_sealed_opens),
        cmocka_unit_test(test_the_form_is_nonce_ciphertext_tag_of_aes_256_gcm),
        cmocka_unit_test(test_the_same_value_never_looks_the_same),
        cmocka_unit_test(test_another_key_or_place_does_not_open_it),
        cmocka_unit_test(test_every_changed_bit_and_every_length_is_noticed),
        cmocka_unit_test(test_a_missing_key_is_made_once_and_kept),
        cmocka_unit_test(test_the_key_of_the_settings_comes_first),
        cmocka_unit_test(test_a_key_file_that_is_damaged_or_open_to_others_is_refused),
        cmocka_unit_test(test_two_that_make_the_key_at_once_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
