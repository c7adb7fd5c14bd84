/* Every answer Zalo may give ends in the class its table asks for; garbage ends in a class too, never in a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "answer.h"
#include "samples.h"

static struct zalo_answer answer(TALLOC_CTX *ctx, int status, const char *body)
{
    struct zalo_answer a;
    zalo_answer_read(ctx, status, str_of(body), &a);
    return a;
}

static void test_a_sent_message(void **state)
{
    struct zalo_answer a = answer(*state, 200, "{\"data\":{\"message_id\":\"63ecf43f0df7dba892e6\",\"user_id\":\"2512523625412515\",\"sent_time\":\"1626926349402\",\"quota\":{\"quota_type\":\"reply\",\"remain\":\"8\",\"total\":\"8\"}},\"error\":0,\"message\":\"Success\"}");
    assert_int_equal(a.class, ZALO_OK);
    assert_string_equal(a.message_id, "63ecf43f0df7dba892e6");
    assert_string_equal(a.quota_type, "reply");
    assert_int_equal(a.quota_remain, 8);
    assert_false(a.charged);
    assert_true(a.known);
    assert_int_equal(a.http_status, 200);
}

static void test_members_may_be_numbers_strings_or_missing(void **state)
{
    struct zalo_answer a = answer(*state, 200, "{\"error\":\"0\",\"data\":{\"message_id\":6325,\"quota\":{\"quota_type\":\"reply\"}}}");
    assert_int_equal(a.class, ZALO_OK);
    assert_string_equal(a.message_id, "6325");
    assert_int_equal(a.quota_remain, -1);
    assert_string_equal(a.message, "");
    a = answer(*state, 200, "{\"error\":0}");
    assert_int_equal(a.class, ZALO_OK);
    assert_null(a.message_id);
    assert_true(a.charged); /* no quota named: costs money */
    a = answer(*state, 200, "{\"error\":\"-216\",\"message\":null}");
    assert_int_equal(a.class, ZALO_TOKEN);
    a = answer(*state, 200, "{\"error\":0,\"data\":null,\"message\":{}}");
    assert_int_equal(a.class, ZALO_OK);
}

static void test_every_code_of_the_table(void **state)
{
    static const struct {
        int code;
        enum zalo_class want;
    } cases[] = {
        {-32, ZALO_RETRY}, {-100, ZALO_POISON}, {-124, ZALO_TOKEN}, {-200, ZALO_RETRY}, {-201, ZALO_POISON}, {-202, ZALO_STOP}, {-203, ZALO_STOP},
        {-204, ZALO_STOP}, {-205, ZALO_STOP}, {-207, ZALO_STOP}, {-208, ZALO_STOP}, {-209, ZALO_STOP}, {-210, ZALO_POISON}, {-211, ZALO_QUOTA},
        {-212, ZALO_STOP}, {-213, ZALO_DROP}, {-214, ZALO_RETRY}, {-215, ZALO_STOP}, {-216, ZALO_TOKEN}, {-217, ZALO_DROP}, {-218, ZALO_QUOTA},
        {-219, ZALO_STOP}, {-220, ZALO_TOKEN}, {-221, ZALO_STOP}, {-222, ZALO_DROP}, {-223, ZALO_STOP}, {-224, ZALO_STOP}, {-227, ZALO_DROP},
        {-230, ZALO_DROP}, {-232, ZALO_DROP}, {-233, ZALO_POISON}, {-234, ZALO_NIGHT}, {-235, ZALO_STOP}, {-237, ZALO_DROP}, {-238, ZALO_POISON},
        {-240, ZALO_STOP}, {-241, ZALO_POISON}, {-242, ZALO_STOP}, {-244, ZALO_DROP}, {-248, ZALO_POISON}, {-249, ZALO_POISON}, {-305, ZALO_DROP},
        {-311, ZALO_QUOTA}, {-320, ZALO_STOP}, {-321, ZALO_STOP}, {-403, ZALO_DROP}, {-1340, ZALO_POISON}, {-1341, ZALO_POISON},
        {216, ZALO_TOKEN}, {401, ZALO_TOKEN}, {-401, ZALO_TOKEN}, {404, ZALO_POISON},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zalo_answer a = answer(*state, 200, talloc_asprintf(*state, "{\"error\":%d,\"message\":\"some prose\"}", cases[i].code));
        if (a.class != cases[i].want || !a.known || a.code != cases[i].code)
            fail_msg("%d is %s", cases[i].code, zalo_class_name(a.class));
        assert_true(strlen(a.meaning) > 0);
        assert_string_equal(a.message, "some prose");
        assert_int_equal(a.tries_max, cases[i].code == -200 ? 3 : 0);
        const char *meaning;
        assert_int_equal(zalo_classify(cases[i].code, STR(""), &meaning), cases[i].want);
    }
}

static void test_unknown_codes_are_tried_once_more_and_reported(void **state)
{
    static const int codes[] = {-1, -9999, 5, 500, 2147483647, -2147483647};
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct zalo_answer a = answer(*state, 200, talloc_asprintf(*state, "{\"error\":%d}", codes[i]));
        assert_int_equal(a.class, ZALO_RETRY);
        assert_false(a.known);
        assert_int_equal(a.tries_max, 2);
    }
    assert_int_equal(zalo_classify(0, STR(""), NULL), ZALO_OK);
}

static void test_the_text_tells_the_two_meanings_of_223_apart(void **state)
{
    assert_int_equal(answer(*state, 200, "{\"error\":-223,\"message\":\"OA has reached the article Quota of this month\"}").class, ZALO_QUOTA);
    assert_int_equal(answer(*state, 200, "{\"error\":-223,\"message\":\"OA has not authorised the app\"}").class, ZALO_STOP);
    assert_int_equal(answer(*state, 200, "{\"error\":-223}").class, ZALO_STOP);
}

static void test_the_status_decides_only_without_a_readable_body(void **state)
{
    static const struct {
        int status;
        const char *body;
        enum zalo_class want;
    } cases[] = {
        {200, "", ZALO_UNKNOWN_OUTCOME}, {200, "<html>busy</html>", ZALO_UNKNOWN_OUTCOME}, {200, "{\"error\":0", ZALO_UNKNOWN_OUTCOME},
        {200, "[]", ZALO_UNKNOWN_OUTCOME}, {200, "{}", ZALO_UNKNOWN_OUTCOME}, {200, "{\"error\":null}", ZALO_UNKNOWN_OUTCOME},
        {200, "{\"error\":0.0}", ZALO_UNKNOWN_OUTCOME}, {200, "{\"error\":1e400}", ZALO_UNKNOWN_OUTCOME}, {200, "{\"error\":99999999999}", ZALO_UNKNOWN_OUTCOME},
        {200, "{\"error\":0,\"error\":-216}", ZALO_UNKNOWN_OUTCOME}, {200, "{\"error\":\"\"}", ZALO_UNKNOWN_OUTCOME},
        {301, "", ZALO_RETRY}, {302, "<html>", ZALO_RETRY}, {307, "", ZALO_RETRY},
        {400, "", ZALO_RETRY}, {401, "", ZALO_TOKEN}, {403, "no", ZALO_RETRY}, {404, "not found", ZALO_POISON}, {408, "", ZALO_RETRY},
        {429, "", ZALO_RETRY}, {500, "<html>", ZALO_RETRY}, {502, "", ZALO_RETRY}, {503, "{}", ZALO_RETRY}, {504, "", ZALO_RETRY},
        {500, "{\"error\":-216}", ZALO_TOKEN}, {401, "{\"error\":-230}", ZALO_DROP}, {500, "{\"error\":0}", ZALO_UNKNOWN_OUTCOME},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zalo_answer a = answer(*state, cases[i].status, cases[i].body);
        if (a.class != cases[i].want)
            fail_msg("http %d '%s' is %s", cases[i].status, cases[i].body, zalo_class_name(a.class));
    }
}

static void test_lost_answers(void **state)
{
    struct zalo_answer a;
    (void)state;
    zalo_answer_lost(0, false, "refused", &a);
    assert_int_equal(a.class, ZALO_RETRY);
    assert_string_equal(a.message, "refused");
    zalo_answer_lost(0, true, "timeout", &a);
    assert_int_equal(a.class, ZALO_UNKNOWN_OUTCOME);
    zalo_answer_lost(200, true, "cut", &a);
    assert_int_equal(a.class, ZALO_UNKNOWN_OUTCOME);
    zalo_answer_lost(503, true, "cut", &a);
    assert_int_equal(a.class, ZALO_RETRY);
}

static void test_too_much_of_anything_is_unreadable(void **state)
{
    char *deep = talloc_zero_size(*state, 201);
    memset(deep, '[', 100);
    memset(deep + 100, ']', 100);
    assert_int_equal(answer(*state, 200, talloc_asprintf(*state, "{\"error\":0,\"data\":%s}", deep)).class, ZALO_UNKNOWN_OUTCOME);
    const size_t n = ZALO_ANSWER_BYTES_MAX + 1;
    char *large = talloc_zero_size(*state, n + 1);
    memset(large, ' ', n);
    memcpy(large, "{\"error\":0}", 11);
    assert_int_equal(answer(*state, 200, large).class, ZALO_UNKNOWN_OUTCOME);
    large[n - 1] = '\0';
    assert_int_equal(answer(*state, 200, large).class, ZALO_OK);
}

static void test_prose_is_short_and_of_one_line(void **state)
{
    char *text = talloc_strdup(*state, "a\\nb\\u0007");
    for (int i = 0; i < 200; i++)
        text = talloc_strdup_append_buffer(text, "\xe1\xbb\x87");
    struct zalo_answer a = answer(*state, 200, talloc_asprintf(*state, "{\"error\":-201,\"message\":\"%s\"}", text));
    assert_true(strlen(a.message) <= 200);
    assert_memory_equal(a.message, "a b \xe1\xbb\x87", 7);
    assert_int_equal(strlen(a.message) % 3, 4 % 3);
}

/* ---- OAuth ---- */

static struct zalo_answer oauth(TALLOC_CTX *ctx, int status, const char *body, struct zalo_tokens *tokens)
{
    struct zalo_answer a;
    *tokens = (struct zalo_tokens){0};
    zalo_oauth_read(ctx, status, str_of(body), tokens, &a);
    return a;
}

static void test_a_pair_of_tokens(void **state)
{
    struct zalo_tokens t;
    assert_int_equal(oauth(*state, 200, "{\"access_token\":\"RfBh5N\",\"refresh_token\":\"L2Y2BO\",\"expires_in\":\"90000\"}", &t).class, ZALO_OK);
    assert_string_equal(t.access_token, "RfBh5N");
    assert_string_equal(t.refresh_token, "L2Y2BO");
    assert_int_equal(t.expires_in_s, 90000);
    assert_int_equal(t.refresh_expires_in_s, 0);
    assert_int_equal(oauth(*state, 200, "{\"access_token\":\"a\",\"expires_in\":3600,\"refresh_token_expires_in\":\"7776000\",\"error\":0}", &t).class, ZALO_OK);
    assert_null(t.refresh_token);
    assert_int_equal(t.expires_in_s, 3600);
    assert_int_equal(t.refresh_expires_in_s, 7776000);
    assert_int_equal(oauth(*state, 200, "{\"access_token\":\"a\"}", &t).class, ZALO_OK);
    assert_int_equal(t.expires_in_s, 90000);
}

static void test_oauth_errors(void **state)
{
    static const struct {
        const char *body;
        enum zalo_class want;
    } cases[] = {
        {"{\"error\":-14014,\"error_name\":\"Invalid refresh token.\",\"error_reason\":\"\"}", ZALO_TOKEN},
        {"{\"error\":-118,\"error_name\":\"x\"}", ZALO_TOKEN},
        {"{\"error\":-14002}", ZALO_STOP}, {"{\"error\":-14003}", ZALO_STOP}, {"{\"error\":-14004}", ZALO_STOP}, {"{\"error\":-14005}", ZALO_STOP},
        {"{\"error\":-14018}", ZALO_POISON}, {"{\"error\":-99}", ZALO_RETRY},
        {"{\"error\":-14014,\"access_token\":\"a\",\"refresh_token\":\"b\"}", ZALO_TOKEN},
        {"{\"access_token\":\"\"}", ZALO_UNKNOWN_OUTCOME}, {"{\"access_token\":null}", ZALO_UNKNOWN_OUTCOME}, {"{\"access_token\":7}", ZALO_UNKNOWN_OUTCOME},
        {"{\"access_token\":\"a\\nX-Evil: 1\"}", ZALO_UNKNOWN_OUTCOME}, {"{\"access_token\":\"a\",\"access_token\":\"b\"}", ZALO_UNKNOWN_OUTCOME},
        {"{}", ZALO_UNKNOWN_OUTCOME}, {"[]", ZALO_UNKNOWN_OUTCOME}, {"", ZALO_UNKNOWN_OUTCOME}, {"<html>", ZALO_UNKNOWN_OUTCOME},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zalo_tokens t;
        struct zalo_answer a = oauth(*state, 200, cases[i].body, &t);
        if (a.class != cases[i].want)
            fail_msg("%s is %s", cases[i].body, zalo_class_name(a.class));
        assert_null(t.access_token);
    }
    struct zalo_tokens t;
    assert_string_equal(oauth(*state, 200, cases[0].body, &t).message, "Invalid refresh token.");
    assert_int_equal(oauth(*state, 500, "{\"access_token\":\"a\"}", &t).class, ZALO_RETRY);
}

/* ---- GET calls ---- */

static void test_the_conversation_call(void **state)
{
    static const char items[] = "[{\"src\":0,\"time\":1690184100000,\"type\":\"text\",\"message\":\"Ch\xc3\xa0o\",\"message_id\":\"63ec\",\"from_id\":\"1\",\"to_id\":2468458835296197922},{\"src\":1,\"type\":\"photo\"},null]";
    struct zalo_spoken said[ZALO_CONVERSATION_MAX];
    for (int enveloped = 0; enveloped < 2; enveloped++) {
        size_t n = 0;
        char *body = talloc_asprintf(*state, enveloped ? "{\"error\":0,\"message\":\"Success\",\"data\":%s}" : "%s", items);
        assert_true(zalo_read_conversation(*state, str_of(body), said, &n));
        assert_int_equal(n, 2);
        assert_true(said[0].by_oa);
        assert_int_equal(said[0].at_ms, 1690184100000);
        assert_string_equal(said[0].message_id, "63ec");
        assert_string_equal(said[0].to_id, "2468458835296197922");
        assert_false(said[1].by_oa);
        assert_string_equal(said[1].text, "");
        assert_null(said[1].message_id);
    }
    size_t n = 0;
    assert_false(zalo_read_conversation(*state, STR("{\"error\":-216,\"data\":[]}"), said, &n));
    assert_false(zalo_read_conversation(*state, STR("{\"error\":0}"), said, &n));
    assert_false(zalo_read_conversation(*state, STR("garbage"), said, &n));
    char *many = talloc_strdup(*state, "[{}");
    for (int i = 0; i < 20; i++)
        many = talloc_strdup_append_buffer(many, ",{}");
    assert_true(zalo_read_conversation(*state, str_of(talloc_asprintf(*state, "%s]", many)), said, &n));
    assert_int_equal(n, ZALO_CONVERSATION_MAX);
}

static void test_an_upload_gives_a_token_or_nothing(void **state)
{
    static const char *const none[] = {"{\"error\":-201,\"message\":\"no\"}", "{\"error\":0,\"data\":{}}", "{\"error\":0,\"data\":{\"token\":\"\"}}",
                                       "{\"error\":0,\"data\":[\"token\"]}", "{\"error\":0,\"data\":{\"token\":\"a\",\"token\":\"b\"}}", "<html>", ""};
    assert_string_equal(zalo_read_upload(*state, STR("{\"error\":0,\"data\":{\"token\":\"PkkPJ\"},\"message\":\"Success\"}")), "PkkPJ");
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_null(zalo_read_upload(*state, str_of(none[i])));
}

static void test_oa_and_user(void **state)
{
    struct zalo_oa oa;
    assert_true(zalo_read_oa(*state, STR("{\"error\":0,\"data\":{\"oa_id\":388613280878808645,\"name\":\"OA\",\"is_verified\":true,\"num_follower\":\"12\"}}"), &oa));
    assert_string_equal(oa.oa_id, "388613280878808645");
    assert_true(oa.is_verified);
    assert_int_equal(oa.followers, 12);
    assert_null(oa.package_name);
    assert_true(zalo_read_oa(*state, STR("{\"error\":0,\"data\":{\"oaid\":\"3886\"}}"), &oa));
    assert_string_equal(oa.oa_id, "3886");
    assert_false(zalo_read_oa(*state, STR("{\"error\":-219}"), &oa));
    struct zalo_user user;
    assert_true(zalo_read_user(*state, STR("{\"error\":0,\"data\":{\"user_id\":\"1\",\"display_name\":\"N\",\"user_is_follower\":true,\"user_last_interaction_date\":\"30/04/2026\",\"shared_info\":{\"phone\":84900000000,\"name\":\"\"}}}"), &user));
    assert_string_equal(user.shared_phone, "84900000000");
    assert_null(user.shared_name);
    assert_true(user.is_follower);
    assert_false(zalo_read_user(*state, STR("{\"error\":0,\"data\":[]}"), &user));
}

static void answer_corpus_file(const char *file, struct str text, void *arg)
{
    struct zalo_answer a;
    struct zalo_tokens t;
    struct zalo_spoken said[ZALO_CONVERSATION_MAX];
    struct zalo_oa oa;
    struct zalo_user user;
    size_t n;
    zalo_answer_read(arg, 200, text, &a);
    assert_int_equal(a.class, ZALO_UNKNOWN_OUTCOME);
    zalo_oauth_read(arg, 200, text, &t, &a);
    assert_int_not_equal(a.class, ZALO_OK);
    zalo_read_conversation(arg, text, said, &n);
    zalo_read_oa(arg, text, &oa);
    zalo_read_user(arg, text, &user);
    char *body = talloc_size(arg, text.n + 64);
    int head = snprintf(body, 64, "{\"error\":0,\"data\":{\"x\":");
    memcpy(body + head, text.p, text.n);
    memcpy(body + head + text.n, "}}", 2);
    zalo_answer_read(arg, 200, (struct str){body, (size_t)head + text.n + 2}, &a);
    if (strncmp(file, "y_", 2) == 0)
        assert_int_equal(a.class, ZALO_OK);
    if (strncmp(file, "n_", 2) == 0)
        assert_int_equal(a.class, ZALO_UNKNOWN_OUTCOME);
}

static void test_public_corpora_as_answers(void **state)
{
    const char *folder = corpus_folder(*state, "json/test_parsing");
    if (!folder)
        skip();
    corpus_each(*state, folder, answer_corpus_file, *state);
    corpus_each(*state, corpus_folder(*state, "json/test_transform"), answer_corpus_file, *state);
}

static int set_up(void **state)
{
    *state = talloc_new(NULL);
    return 0;
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
        TEST(test_a_sent_message),
        TEST(test_members_may_be_numbers_strings_or_missing),
        TEST(test_every_code_of_the_table),
        TEST(test_unknown_codes_are_tried_once_more_and_reported),
        TEST(test_the_text_tells_the_two_meanings_of_223_apart),
        TEST(test_the_status_decides_only_without_a_readable_body),
        TEST(test_lost_answers),
        TEST(test_too_much_of_anything_is_unreadable),
        TEST(test_prose_is_short_and_of_one_line),
        TEST(test_a_pair_of_tokens),
        TEST(test_oauth_errors),
        TEST(test_the_conversation_call),
        TEST(test_an_upload_gives_a_token_or_nothing),
        TEST(test_oa_and_user),
        TEST(test_public_corpora_as_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
