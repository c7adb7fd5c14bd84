/* The last pair on disk, and what an operator may paste. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "folder.h"
#include "token/token_file.h"
#include "command/token_input.h"

static const struct seal_key key = {{7}}, other_key = {{8}};

static struct token_pair pair_of(const char *access, const char *refresh)
{
    struct token_pair pair = {.access = access, .refresh = refresh, .base_generation = 12, .expires_at_ms = 1800000000000};
    token_fingerprint("old-access", "old-refresh", pair.base);
    return pair;
}

static void test_a_pair_is_read_as_it_was_written(void **state)
{
    struct folder f;
    struct token_pair got, pair = pair_of("new-access", "new-refresh");
    (void)state;
    folder_make(&f);
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_true(token_file_write(&f.settings, &key, &pair, NULL));
    assert_true(token_file_read(ctx, &f.settings, &key, &got, NULL));
    assert_string_equal(got.access, "new-access");
    assert_string_equal(got.refresh, "new-refresh");
    assert_string_equal(got.base, pair.base);
    assert_int_equal(got.base_generation, 12);
    assert_true(got.expires_at_ms == 1800000000000);
    /* A second one takes its place, and nothing else is left in the folder. */
    pair = pair_of("newer-access", "newer-refresh");
    pair.base[0] = '\0';
    assert_true(token_file_write(&f.settings, &key, &pair, NULL));
    assert_true(token_file_read(ctx, &f.settings, &key, &got, NULL));
    assert_string_equal(got.access, "newer-access");
    assert_string_equal(got.base, "");
    DIR *dir = opendir(f.path);
    int files = 0;
    for (const struct dirent *d; (d = readdir(dir));)
        files += d->d_name[0] != '.' || strlen(d->d_name) > 2;
    closedir(dir);
    assert_int_equal(files, 1);
    talloc_free(ctx);
    folder_remove(&f);
}

/* What was synced, in order: f a file, d a folder.  What stands in the program comes before the C library's. */
static char synced[8];

int fsync(int fd)
{
    struct stat st;
    size_t n = strlen(synced);
    if (fstat(fd, &st) == 0 && n + 1 < sizeof(synced))
        synced[n] = S_ISDIR(st.st_mode) ? 'd' : 'f';
    return (int)syscall(SYS_fsync, fd);
}

static void test_a_pair_that_was_written_outlives_a_power_cut(void **state)
{
    struct folder f;
    struct token_pair pair = pair_of("new-access", "new-refresh");
    (void)state;
    folder_make(&f);
    memset(synced, 0, sizeof(synced));
    assert_true(token_file_write(&f.settings, &key, &pair, NULL));
    assert_string_equal(synced, "fd");
    folder_remove(&f);
}

static void test_the_file_shows_no_token_and_only_its_owner_reads_it(void **state)
{
    struct folder f;
    struct stat st;
    struct err e;
    struct token_pair got, pair = pair_of("secret-access", "secret-refresh");
    char path[100], bytes[1000];
    (void)state;
    folder_make(&f);
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_true(token_file_write(&f.settings, &key, &pair, NULL));
    snprintf(path, sizeof(path), "%s/token-4711.pair", f.path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    FILE *file = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof(bytes), file);
    fclose(file);
    assert_null(memmem(bytes, n, "secret", 6));
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(token_file_read(ctx, &f.settings, &key, &got, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    talloc_free(ctx);
    folder_remove(&f);
}

static void test_a_file_of_another_key_or_damaged_or_missing_is_told_apart(void **state)
{
    struct folder f;
    struct err e;
    struct token_pair got, pair = pair_of("a", "r");
    char path[100];
    (void)state;
    folder_make(&f);
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_false(token_file_read(ctx, &f.settings, &key, &got, &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
    assert_true(token_file_write(&f.settings, &key, &pair, NULL));
    assert_false(token_file_read(ctx, &f.settings, &other_key, &got, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    snprintf(path, sizeof(path), "%s/token-4711.pair", f.path);
    assert_int_equal(truncate(path, 20), 0);
    assert_false(token_file_read(ctx, &f.settings, &key, &got, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    f.settings.zalo.oa_id = "../../etc/passwd";
    assert_false(token_file_write(&f.settings, &key, &pair, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    talloc_free(ctx);
    folder_remove(&f);
}

static void test_the_newer_of_file_and_row_wins(void **state)
{
    struct token_pair pair = pair_of("a", "r");
    char spent[TOKEN_FINGERPRINT_SIZE], later[TOKEN_FINGERPRINT_SIZE];
    int64_t at = pair.expires_at_ms;
    (void)state;
    token_fingerprint("old-access", "old-refresh", spent);
    token_fingerprint("a", "r", later);
    assert_string_not_equal(spent, later);
    assert_true(token_file_is_newer(&pair, 12, at - 1, spent));    /* the answer came, the commit did not */
    assert_true(token_file_is_newer(&pair, 12, at + 5000, spent)); /* whatever the clocks say */
    assert_false(token_file_is_newer(&pair, 13, at, later));       /* the commit came too */
    assert_false(token_file_is_newer(&pair, 12, at + 5000, later)); /* the same number in another history */
    assert_false(token_file_is_newer(&pair, 40, at + 9000000, later)); /* other nodes went on */
    assert_true(token_file_is_newer(&pair, 5, at - 9000000, later));   /* a restored backup */
    assert_true(token_file_is_newer(&pair, 5, at - 9000000, ""));      /* which need not open */
    assert_false(token_file_is_newer(&pair, 1, at + 9000000, later));  /* a new database, with an operator's new pair */
    pair.base[0] = '\0';
    pair.base_generation = 0;
    assert_false(token_file_is_newer(&pair, 1, at, "")); /* no row was there; now there is one */
}

static void test_pasted_pairs_are_understood(void **state)
{
    static const char *const cases[] = {
        "acc\nref\n",
        "acc\r\n\r\n  ref",
        "access_token=acc\nrefresh_token=ref",
        "refresh_token=ref\naccess_token=acc\nexpires_in=90000\n",
        "{\"access_token\":\"acc\",\"refresh_token\":\"ref\",\"expires_in\":\"90000\"}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TALLOC_CTX *ctx = talloc_new(NULL);
        struct token_input in;
        struct err e;
        assert_true(token_input_read(ctx, str_of(cases[i]), &in, &e));
        assert_string_equal(in.access, "acc");
        assert_string_equal(in.refresh, "ref");
        assert_true(in.expires_in_s == (strstr(cases[i], "90000") ? 90000 : 0));
        assert_null(in.code);
        talloc_free(ctx);
    }
}

static void test_pasted_codes_are_understood(void **state)
{
    static const struct {
        const char *in, *code, *verifier, *oa_id;
    } cases[] = {
        {"code=abc\n", "abc", NULL, NULL},
        {"code_verifier=v\ncode=abc", "abc", "v", NULL},
        {"code=abc\ncode_verifier=v", "abc", "v", NULL},
        {"https://example.vn/cb?code=a%2Bb&oa_id=4711&state=s#top", "a+b", NULL, "4711"},
        {"https://example.vn/cb?oa_id=4711&code=abc", "abc", NULL, "4711"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TALLOC_CTX *ctx = talloc_new(NULL);
        struct token_input in;
        struct err e;
        assert_true(token_input_read(ctx, str_of(cases[i].in), &in, &e));
        assert_string_equal(in.code, cases[i].code);
        assert_true(!in.code_verifier == !cases[i].verifier);
        assert_true(!in.oa_id == !cases[i].oa_id);
        talloc_free(ctx);
    }
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct token_input in;
    assert_true(token_input_read_code(ctx, STR("  bare-code \n"), &in, NULL));
    assert_string_equal(in.code, "bare-code");
    talloc_free(ctx);
}

static void test_what_is_no_input_is_refused_without_repeating_it(void **state)
{
    static const char *const cases[] = {
        "", " \n", "only-one-secret", "secret1\nsecret2\nsecret3", "access_token=secret1", "code=secret1\nrefresh_token=secret2",
        "https://example.vn/cb?error=secret", "{\"error\":-14005,\"error_name\":\"secret\"}", "secret has blanks\nref", "expires_in=secret\na\nb",
        "{\"access_token\":\"secret\"}",
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TALLOC_CTX *ctx = talloc_new(NULL);
        struct token_input in;
        struct err e;
        assert_false(token_input_read(ctx, str_of(cases[i]), &in, &e));
        assert_int_equal(e.kind, ERR_INVALID);
        assert_null(strstr(e.msg, "secret"));
        talloc_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_pair_is_read_as_it_was_written),
        cmocka_unit_test(test_a_pair_that_was_written_outlives_a_power_cut),
        cmocka_unit_test(test_the_file_shows_no_token_and_only_its_owner_reads_it),
        cmocka_unit_test(test_a_file_of_another_key_or_damaged_or_missing_is_told_apart),
        cmocka_unit_test(test_the_newer_of_file_and_row_wins),
        cmocka_unit_test(test_pasted_pairs_are_understood),
        cmocka_unit_test(test_pasted_codes_are_understood),
        cmocka_unit_test(test_what_is_no_input_is_refused_without_repeating_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
