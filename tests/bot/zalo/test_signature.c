/* A request is taken for Zalo's only when every byte of it was signed with the OA secret key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "samples.h"
#include "signature.h"

static const struct zalo_secrets secrets = {.current = {SAMPLE_SECRET, sizeof(SAMPLE_SECRET) - 1}};

static enum zalo_verdict verify(struct str body, const char *header)
{
    return zalo_verify(body, str_of(header), 1, &secrets);
}

/* Signs with the members given, whatever the body says about them. */
static enum zalo_verdict verify_signed(TALLOC_CTX *ctx, struct str body, const char *app_id, const char *timestamp)
{
    return verify(body, sign(ctx, str_of(app_id), body, str_of(timestamp), secrets.current));
}

/* The check vector of zalo-oa-api.md 1.3. */
#define VECTOR "{\"app_id\":\"431284912\",\"event_name\":\"follow\",\"timestamp\":\"1714476720000\"}"
#define HEX "e9bd5dec71713fe915b822c7a593ba005f8ccb6032d2a33b93903b3e755c1788"
#define HEX_UPPER "E9BD5DEC71713FE915B822C7A593BA005F8CCB6032D2A33B93903B3E755C1788"

static const struct str vector_body = {VECTOR, sizeof(VECTOR) - 1};

static void test_check_vector_of_the_contract(void **state)
{
    (void)state;
    assert_int_equal(verify(vector_body, "mac=" HEX), ZALO_SIGNED);
}

static void test_every_sample_is_signed_as_its_index_says(void **state)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(*state, sample);
    for (size_t i = 0; i < n; i++)
        if (verify(sample[i].body, sample[i].header) != ZALO_SIGNED)
            fail_msg("%s is refused", sample[i].file);
}

static void test_any_changed_byte_of_any_sample_is_refused(void **state)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(*state, sample);
    for (size_t i = 0; i < n; i++) {
        char *copy = talloc_memdup(*state, sample[i].body.p, sample[i].body.n);
        const struct str body = {copy, sample[i].body.n};
        for (size_t at = 0; at < body.n; at++)
            for (int bit = 0; bit < 8; bit++) {
                copy[at] ^= (char)(1 << bit);
                if (verify(body, sample[i].header) == ZALO_SIGNED)
                    fail_msg("%s with bit %d of byte %zu changed is accepted", sample[i].file, bit, at);
                copy[at] ^= (char)(1 << bit);
            }
        assert_int_equal(verify(body, sample[i].header), ZALO_SIGNED);
    }
}

static void test_a_shortened_or_lengthened_body_is_refused(void **state)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(*state, sample);
    for (size_t i = 0; i < n; i++) {
        for (size_t cut = 0; cut < sample[i].body.n; cut++)
            assert_int_not_equal(verify((struct str){sample[i].body.p, cut}, sample[i].header), ZALO_SIGNED);
        char *longer = talloc_asprintf(*state, "%s\n", sample[i].body.p);
        assert_int_equal(verify(str_of(longer), sample[i].header), ZALO_FORGED);
    }
}

static void test_spellings_of_the_header(void **state)
{
    static const struct {
        const char *header;
        enum zalo_verdict want;
    } cases[] = {
        {"mac=" HEX, ZALO_SIGNED},
        {HEX, ZALO_SIGNED},
        {HEX_UPPER, ZALO_SIGNED},
        {"MAC=" HEX_UPPER, ZALO_SIGNED},
        {"Mac = " HEX, ZALO_SIGNED},
        {"mac =" HEX, ZALO_SIGNED},
        {"mac=\t" HEX, ZALO_SIGNED},
        {"  mac=" HEX "  ", ZALO_SIGNED},
        {"", ZALO_BAD_HEADER},
        {" ", ZALO_BAD_HEADER},
        {"mac", ZALO_BAD_HEADER},
        {"mac=", ZALO_BAD_HEADER},
        {"=" HEX, ZALO_BAD_HEADER},
        {"mac" HEX, ZALO_BAD_HEADER},
        {"mac==" HEX, ZALO_BAD_HEADER},
        {"mac=mac=" HEX, ZALO_BAD_HEADER},
        {"mac:" HEX, ZALO_BAD_HEADER},
        {"hmac=" HEX, ZALO_BAD_HEADER},
        {"sha256=" HEX, ZALO_BAD_HEADER},
        {"mac=" HEX "0", ZALO_BAD_HEADER},
        {"mac=" HEX ",mac=" HEX, ZALO_BAD_HEADER},
        {"mac=" HEX "; v=1", ZALO_BAD_HEADER},
        {"mac=0x" HEX, ZALO_BAD_HEADER},
        {"mac=\"" HEX "\"", ZALO_BAD_HEADER},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (verify(vector_body, cases[i].header) != cases[i].want)
            fail_msg("header '%s' is judged %s", cases[i].header, zalo_verdict_name(verify(vector_body, cases[i].header)));
}

static void test_every_wrong_digit_and_every_length_is_refused(void **state)
{
    char header[80];
    (void)state;
    for (size_t at = 0; at < 64; at++)
        for (const char *c = "0123456789abcdefgG :/@`\xff"; *c; c++) {
            snprintf(header, sizeof(header), "mac=%s", HEX);
            if (header[4 + at] == *c)
                continue;
            header[4 + at] = *c;
            assert_int_equal(verify(vector_body, header), strchr("0123456789abcdef", *c) ? ZALO_FORGED : ZALO_BAD_HEADER);
        }
    for (int n = 0; n < 64; n++) {
        snprintf(header, sizeof(header), "mac=%.*s", n, HEX);
        assert_int_equal(verify(vector_body, header), ZALO_BAD_HEADER);
    }
    const char with_nul[] = "mac=" HEX "\0";
    assert_int_equal(zalo_verify(vector_body, (struct str){with_nul, sizeof(with_nul)}, 1, &secrets), ZALO_BAD_HEADER);
}

static void test_no_header_and_two_headers_are_refused(void **state)
{
    (void)state;
    assert_int_equal(zalo_verify(vector_body, STR(""), 0, &secrets), ZALO_UNSIGNED);
    assert_int_equal(zalo_verify(vector_body, STR("mac=" HEX), 2, &secrets), ZALO_BAD_HEADER);
}

static void test_without_a_secret_nothing_is_judged(void **state)
{
    const struct zalo_secrets none = {0};
    (void)state;
    assert_int_equal(zalo_verify(vector_body, STR("mac=" HEX), 1, &none), ZALO_NO_SECRET);
    assert_int_equal(zalo_verify(STR(""), STR(""), 0, &none), ZALO_NO_SECRET);
}

static void test_an_empty_secret_never_matches(void **state)
{
    const struct zalo_secrets other = {.current = STR("something else")}; /* previous is empty */
    const char *unkeyed = sign(*state, STR("431284912"), vector_body, STR("1714476720000"), STR(""));
    assert_int_equal(zalo_verify(vector_body, str_of(unkeyed), 1, &other), ZALO_FORGED);
}

static void test_previous_secret_is_accepted_and_counted(void **state)
{
    const struct zalo_secrets rotated = {.current = STR("new-secret-key"), .previous = STR(SAMPLE_SECRET)};
    uint64_t before = zalo_signature_counts()->signed_with_previous;
    (void)state;
    assert_int_equal(zalo_verify(vector_body, STR("mac=" HEX), 1, &rotated), ZALO_SIGNED);
    assert_int_equal(zalo_signature_counts()->signed_with_previous, before + 1);
}

static void test_oa_id_as_first_term_is_refused_but_counted(void **state)
{
    static const char *const oa_ids[] = {"388613280878808645"};
    const struct zalo_secrets with_oa = {.current = STR(SAMPLE_SECRET), .oa_ids = oa_ids, .oa_count = 1};
    const char *header = sign(*state, str_of(oa_ids[0]), vector_body, STR("1714476720000"), with_oa.current);
    uint64_t before = zalo_signature_counts()->would_match_oa_id;
    assert_int_equal(zalo_verify(vector_body, str_of(header), 1, &with_oa), ZALO_FORGED);
    assert_int_equal(zalo_signature_counts()->would_match_oa_id, before + 1);
    assert_int_equal(zalo_verify(vector_body, STR("mac=" HEX_UPPER), 1, &with_oa), ZALO_SIGNED);
    assert_int_equal(zalo_signature_counts()->would_match_oa_id, before + 1);
}

/* All of these carry a right hash for the members named: only the scanner stands between them and acceptance. */
static void test_odd_bodies_with_a_right_hash(void **state)
{
    static const struct {
        const char *body;
        enum zalo_verdict want;
        const char *why;
    } cases[] = {
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_SIGNED, "smallest body"},
        {" \r\n\t{ \"app_id\" : \"1\" , \"timestamp\" : \"1714476720000\" } \n", ZALO_SIGNED, "blanks everywhere"},
        {"{\"timestamp\":1714476720000,\"app_id\":1}", ZALO_SIGNED, "integers"},
        {"{\"a\":{\"app_id\":\"2\",\"timestamp\":\"2\"},\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_SIGNED, "nested namesakes"},
        {"{\"a\":\"\\\"app_id\\\":\\\"2\\\"\",\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_SIGNED, "namesake in a string"},
        {"{\"App_id\":\"2\",\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_SIGNED, "case matters"},
        {"{\"app_id\":\"1\",\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "app_id twice"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "timestamp twice"},
        {"{\"app_id\":\"1\",\"app\\u005fid\":\"2\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "app_id again, escaped"},
        {"{\"\\u0061pp_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "app_id only escaped"},
        {"{\"app_id\":\"\\u0031\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "escape in app_id"},
        {"{\"app_id\":\"1\",\"timestamp\":\"171447672000\\u0030\"}", ZALO_BAD_BODY, "escape in timestamp"},
        {"{\"app_id\":\"1\",\"timestamp\":17144767.2e5}", ZALO_BAD_BODY, "exponent"},
        {"{\"app_id\":\"1\",\"timestamp\":1714476720000.0}", ZALO_BAD_BODY, "fraction"},
        {"{\"app_id\":\"1\",\"timestamp\":-1714476720000}", ZALO_BAD_BODY, "sign"},
        {"{\"app_id\":\"1\",\"timestamp\":+1714476720000}", ZALO_BAD_BODY, "plus"},
        {"{\"app_id\":\"1\",\"timestamp\":\" 1714476720000\"}", ZALO_BAD_BODY, "blank in timestamp"},
        {"{\"app_id\":\"1\",\"timestamp\":\"\"}", ZALO_BAD_BODY, "empty timestamp"},
        {"{\"app_id\":\"1\",\"timestamp\":null}", ZALO_BAD_BODY, "null timestamp"},
        {"{\"app_id\":\"1\",\"timestamp\":[1714476720000]}", ZALO_BAD_BODY, "array"},
        {"{\"app_id\":\"\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "empty app_id"},
        {"{\"app_id\":null,\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "null app_id"},
        {"{\"app_id\":{\"x\":1},\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "object app_id"},
        {"{\"app_id\":\"1\"}", ZALO_BAD_BODY, "no timestamp"},
        {"{\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "no app_id"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}x", ZALO_BAD_BODY, "text behind"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}{}", ZALO_BAD_BODY, "object behind"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"},", ZALO_BAD_BODY, "comma behind"},
        {"x{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "text before"},
        {"\xef\xbb\xbf{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "byte-order mark"},
        {"[{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}]", ZALO_BAD_BODY, "array around"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\"", ZALO_BAD_BODY, "not closed"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000", ZALO_BAD_BODY, "string not closed"},
        {"{\"app_id\":\"1\",\"timestamp\":\"1714476720000\",}", ZALO_BAD_BODY, "comma before the brace"},
        {"{app_id:\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "key without quotes"},
        {"{\"x\":{\"y\":[1,2},\"app_id\":\"1\",\"timestamp\":\"1714476720000\"}", ZALO_BAD_BODY, "brackets do not balance"},
        {"", ZALO_BAD_BODY, "nothing"},
        {"{", ZALO_BAD_BODY, "one brace"},
        {"{}", ZALO_BAD_BODY, "empty object"},
        {"null", ZALO_BAD_BODY, "null"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum zalo_verdict got = verify_signed(*state, str_of(cases[i].body), "1", "1714476720000");
        if (got != cases[i].want)
            fail_msg("%s: %s", cases[i].why, zalo_verdict_name(got));
    }
}

static void test_timestamps_have_10_to_16_digits(void **state)
{
    for (int digits = 1; digits <= 24; digits++) {
        char stamp[32] = "";
        for (int i = 0; i < digits; i++)
            stamp[i] = (char)('1' + i % 9);
        for (int quoted = 0; quoted < 2; quoted++) {
            char *body = talloc_asprintf(*state, quoted ? "{\"app_id\":\"1\",\"timestamp\":\"%s\"}" : "{\"app_id\":\"1\",\"timestamp\":%s}", stamp);
            assert_int_equal(verify_signed(*state, str_of(body), "1", stamp),
                             digits >= 10 && digits <= 16 ? ZALO_SIGNED : ZALO_BAD_BODY);
        }
    }
}

/* The hash covers app_id, body, timestamp and secret glued together: no other split of the same bytes may pass (W5). */
static void test_moving_bytes_across_the_boundary_is_refused(void **state)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(*state, sample);
    size_t tried = 0;
    for (size_t i = 0; i < n; i++) {
        const struct str body = sample[i].body;
        const char *stamp = memmem(body.p, body.n, "\"timestamp\"", 11);
        char app_id[64], timestamp[32];
        assert_int_equal(sscanf(strstr(body.p, "\"app_id\"") + 8, " : \"%63[^\"]\"", app_id), 1);
        assert_int_equal(sscanf(stamp + 11, " : \"%31[0-9]\"", timestamp), 1);
        char *glued = talloc_asprintf(*state, "%s%s%s%s", app_id, body.p, timestamp, SAMPLE_SECRET);
        const size_t start = strlen(app_id), end = start + body.n, total = strlen(glued);
        for (size_t from = 0; from <= total; from++)
            for (size_t to = from > end - 1 ? from : end - 1; to <= total; to++) {
                if (from == start && to == end)
                    continue;
                tried++;
                assert_int_not_equal(verify((struct str){glued + from, to - from}, sample[i].header), ZALO_SIGNED);
            }
    }
    assert_true(tried > 1000);
}

static void test_long_nests_and_strings_cost_one_pass(void **state)
{
    const size_t n = 1 << 20;
    char *deep = talloc_size(*state, n + 1);
    memset(deep, '[', n);
    memcpy(deep, "{\"a\":", 5);
    deep[n] = '\0';
    assert_int_equal(verify((struct str){deep, n}, "mac=" HEX), ZALO_BAD_BODY);
    memset(deep + 6, '\\', n - 6);
    deep[5] = '"';
    assert_int_equal(verify((struct str){deep, n}, "mac=" HEX), ZALO_BAD_BODY);
}

static int set_up(void **state)
{
    *state = talloc_new(NULL);
    return zalo_signature_init() ? 0 : -1;
}

static int tear_down(void **state)
{
    talloc_free(*state);
    return 0;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_check_vector_of_the_contract),
        TEST(test_every_sample_is_signed_as_its_index_says),
        TEST(test_any_changed_byte_of_any_sample_is_refused),
        TEST(test_a_shortened_or_lengthened_body_is_refused),
        TEST(test_spellings_of_the_header),
        TEST(test_every_wrong_digit_and_every_length_is_refused),
        TEST(test_no_header_and_two_headers_are_refused),
        TEST(test_without_a_secret_nothing_is_judged),
        TEST(test_an_empty_secret_never_matches),
        TEST(test_previous_secret_is_accepted_and_counted),
        TEST(test_oa_id_as_first_term_is_refused_but_counted),
        TEST(test_odd_bodies_with_a_right_hash),
        TEST(test_timestamps_have_10_to_16_digits),
        TEST(test_moving_bytes_across_the_boundary_is_refused),
        TEST(test_long_nests_and_strings_cost_one_pass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
