/* What the bot says goes out in the shapes of the contract, within Zalo's limits, and as valid JSON whatever the text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "decode.h"
#include "encode.h"
#include "json.h"
#include "reading/text.h"
#include "samples.h"
#include "sha256.h"

static const struct zalo_encode_options plain = {0};

static struct zalo_request *encode(TALLOC_CTX *ctx, const struct reply *reply, size_t *count)
{
    struct zalo_request *request = NULL;
    struct err e = {0};
    if (!zalo_encode_parts(ctx, reply, &plain, &request, count, &e))
        fail_msg("%s", e.msg);
    for (size_t i = 0; i < *count; i++)
        assert_int_equal(strlen(request[i].body), request[i].body_n);
    return request;
}

static void assert_encoded(TALLOC_CTX *ctx, const struct reply *reply, const char *path, const char *body)
{
    size_t n;
    struct zalo_request *request = encode(ctx, reply, &n);
    assert_int_equal(n, 1);
    assert_string_equal(request->path, path);
    assert_string_equal(request->body, body);
}

static void assert_refused(TALLOC_CTX *ctx, const struct reply *reply)
{
    struct zalo_request *request = NULL;
    struct err e = {0};
    size_t n = 77;
    assert_false(zalo_encode_parts(ctx, reply, &plain, &request, &n, &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_null(request);
    assert_int_equal(n, 77);
}

static void test_plain_text(void **state)
{
    const struct reply reply = {.user_id = "2512523625412515", .text = "Xin ch\xc3\xa0o"};
    assert_encoded(*state, &reply, "/v3.0/oa/message/cs",
                   "{\"recipient\":{\"user_id\":\"2512523625412515\"},\"message\":{\"text\":\"Xin ch\xc3\xa0o\"}}");
}

static void test_quote_is_there_only_when_there_is_one(void **state)
{
    struct reply reply = {.user_id = "1", .text = "a", .quote_msg_id = "4868"};
    assert_encoded(*state, &reply, ZALO_PATH_CS,
                   "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"text\":\"a\",\"quote_message_id\":\"4868\"}}");
    reply.quote_msg_id = "";
    assert_encoded(*state, &reply, ZALO_PATH_CS, "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"text\":\"a\"}}");
}

static void test_buttons_of_every_kind(void **state)
{
    const struct reply reply = {
        .user_id = "1",
        .text = "a",
        .button = {{"One", "#b1:x"}, {"Web", "https://shop.example/?a=b"}, {"Call", "tel:84900000000"}},
        .button_count = 3,
    };
    static const char payload[] =
        "\"buttons\":[{\"title\":\"One\",\"type\":\"oa.query.hide\",\"payload\":\"#b1:x\"},"
        "{\"title\":\"Web\",\"type\":\"oa.open.url\",\"payload\":{\"url\":\"https://shop.example/?a=b\"}},"
        "{\"title\":\"Call\",\"type\":\"oa.open.phone\",\"payload\":{\"phone_code\":\"84900000000\"}}]}}}}";
    assert_encoded(*state, &reply, ZALO_PATH_CS,
                   talloc_asprintf(*state, "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"text\":\"a\",\"attachment\":{\"type\":\"template\",\"payload\":{%s", payload));
    struct zalo_request *request;
    size_t n;
    const struct zalo_encode_options typed = {.template_type_button = true};
    assert_true(zalo_encode_parts(*state, &reply, &typed, &request, &n, NULL));
    assert_string_equal(request->body,
                        talloc_asprintf(*state, "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"text\":\"a\",\"attachment\":{\"type\":\"template\",\"payload\":{\"template_type\":\"button\",%s", payload));
}

/* One attachment a message. */
static void test_a_picture_takes_the_place_of_buttons(void **state)
{
    const struct reply reply = {.user_id = "1", .text = "a", .image_url = "https://cdn.example/i.jpg", .button = {{"One", "#b1:x"}}, .button_count = 1};
    assert_encoded(*state, &reply, ZALO_PATH_CS,
                   "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"text\":\"a\",\"attachment\":{\"type\":\"template\",\"payload\":{"
                   "\"template_type\":\"media\",\"elements\":[{\"media_type\":\"image\",\"url\":\"https://cdn.example/i.jpg\"}]}}}}");
}

static void test_a_file_is_a_message_behind_its_text(void **state)
{
    const struct reply reply = {.user_id = "1", .text = "a", .file_token = "Pkk\"z", .button = {{"One", "#b1:x"}}, .button_count = 1};
    const struct zalo_encode_options options = {0};
    struct zalo_request *part;
    size_t count;
    struct err e;
    assert_true(zalo_encode_parts(*state, &reply, &options, &part, &count, &e));
    assert_int_equal(count, 2);
    assert_non_null(strstr(part[0].body, "\"text\":\"a\""));
    assert_non_null(strstr(part[0].body, "#b1:x"));
    assert_string_equal(part[1].path, ZALO_PATH_CS);
    assert_string_equal(part[1].body, "{\"recipient\":{\"user_id\":\"1\"},\"message\":{\"attachment\":{\"type\":\"file\",\"payload\":{\"token\":\"Pkk\\\"z\"}}}}");
}

static void test_a_file_name_cannot_leave_its_place_in_the_form(void **state)
{
    size_t n = 0;
    static const char want[] = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a_____X: y_.pdf\"\r\n"
                               "Content-Type: application/octet-stream\r\n\r\n\0\r\n\r\n--b--\r\n";
    const char *form = zalo_encode_file_form(*state, "b", "a\"\\\r\n\tX: y\x7f.pdf", (struct str){"\0\r\n", 3}, &n);
    assert_int_equal(n, sizeof(want) - 1);
    assert_memory_equal(form, want, n);
}

static void test_anonymous_visitors_get_text_only(void **state)
{
    const struct reply reply = {.user_id = "1ffe", .text = "a", .anonymous_conversation_id = "fa8f", .quote_msg_id = "1",
                                .button = {{"One", "#b1:x"}}, .button_count = 1};
    assert_encoded(*state, &reply, "/v2.0/oa/message",
                   "{\"recipient\":{\"anonymous_id\":\"1ffe\",\"conversation_id\":\"fa8f\"},\"message\":{\"text\":\"a\"}}");
}

static void test_what_zalo_would_refuse_is_refused_here(void **state)
{
    char *payload = talloc_zero_size(*state, 1002);
    memset(payload, 'p', 1001);
    struct reply reply = {.user_id = "1", .text = "a", .button = {{"One", payload}}, .button_count = 1};
    assert_refused(*state, &reply);
    payload[1000] = '\0';
    size_t n;
    encode(*state, &reply, &n);
    reply.button[0].label = "";
    assert_refused(*state, &reply);
    reply.button[0] = (struct button){"One", NULL};
    assert_refused(*state, &reply);
    assert_refused(*state, &(struct reply){.user_id = "1", .text = ""});
    assert_refused(*state, &(struct reply){.user_id = "1"});
    assert_refused(*state, &(struct reply){.text = "a"});
    char *endless = talloc_zero_size(*state, 40000);
    memset(endless, 'x', 39999);
    assert_refused(*state, &(struct reply){.user_id = "1", .text = endless});
}

static void test_a_long_label_is_cut_to_100_characters(void **state)
{
    char *label = talloc_strdup(*state, "");
    for (int i = 0; i < 120; i++)
        label = talloc_strdup_append_buffer(label, "\xe1\xbb\x87");
    const struct reply reply = {.user_id = "1", .text = "a", .button = {{label, "#b1:x"}}, .button_count = 1};
    size_t n;
    struct zalo_request *request = encode(*state, &reply, &n);
    const char *title = strstr(request->body, "\"title\":\"") + 9;
    assert_int_equal(strchr(title, '"') - title, 300);
}

/* The text of part `i`, read back. */
static char *part_text(TALLOC_CTX *ctx, const struct zalo_request *request)
{
    static struct json_token room[256];
    struct json doc;
    assert_true(json_read(&doc, (struct str){request->body, request->body_n}, room, ARRAY_LEN(room), NULL));
    char *text = json_string(ctx, &doc, json_get(&doc, json_get(&doc, JSON_ROOT, STR("message")), STR("text")));
    assert_non_null(text);
    return text;
}

static void test_2000_units_are_one_message_and_2001_are_two(void **state)
{
    static const char *const letters[] = {"x", "\xe1\xbb\x87", "\xf0\x9f\x98\x80"};
    for (size_t k = 0; k < ARRAY_LEN(letters); k++) {
        const size_t units = strlen(letters[k]) == 4 ? 2 : 1, count = ZALO_TEXT_UNITS / units;
        char *text = talloc_strdup(*state, "");
        for (size_t i = 0; i < count; i++)
            text = talloc_strdup_append_buffer(text, letters[k]);
        size_t n;
        encode(*state, &(struct reply){.user_id = "1", .text = text}, &n);
        assert_int_equal(n, 1);
        text = talloc_strdup_append_buffer(text, letters[k]);
        struct zalo_request *request = encode(*state, &(struct reply){.user_id = "1", .text = text}, &n);
        assert_int_equal(n, 2);
        assert_string_equal(talloc_asprintf(*state, "%s%s", part_text(*state, &request[0]), part_text(*state, &request[1])), text);
    }
}

static void test_a_split_loses_no_word_and_puts_quote_and_buttons_at_the_ends(void **state)
{
    char *text = talloc_strdup(*state, "");
    for (int i = 0; i < 1200; i++)
        text = talloc_asprintf_append_buffer(text, "%s\xe1\xbb\x87%d", i ? " " : "", i);
    const struct reply reply = {.user_id = "1", .text = text, .quote_msg_id = "q", .button = {{"One", "#b1:x"}}, .button_count = 1};
    size_t n;
    struct zalo_request *request = encode(*state, &reply, &n);
    assert_true(n >= 3);
    char *joined = talloc_strdup(*state, "");
    for (size_t i = 0; i < n; i++) {
        char *part = part_text(*state, &request[i]);
        assert_true(text_utf16_units(str_of(part)) <= ZALO_TEXT_UNITS);
        joined = talloc_asprintf_append_buffer(joined, "%s%s", i ? " " : "", part);
        assert_int_equal(strstr(request[i].body, "quote_message_id") != NULL, i == 0);
        assert_int_equal(strstr(request[i].body, "attachment") != NULL, i == n - 1);
    }
    assert_string_equal(joined, text);
}

static void test_naughty_strings_go_out_as_they_are(void **state)
{
    const char *folder = corpus_folder(*state, "strings");
    if (!folder)
        skip();
    struct str list = file_read(*state, talloc_asprintf(*state, "%s/blns.jsonl", folder));
    for (const char *line = list.p; line && *line;) {
        static struct json_token room[64];
        const char *end = strchrnul(line, '\n');
        struct json doc;
        assert_true(json_read(&doc, (struct str){line, (size_t)(end - line)}, room, ARRAY_LEN(room), NULL));
        char *s = json_string(*state, &doc, json_get(&doc, JSON_ROOT, STR("s")));
        if (s[0]) {
            size_t n;
            struct zalo_request *request = encode(*state, &(struct reply){.user_id = "1", .text = s}, &n);
            if (n == 1)
                assert_string_equal(part_text(*state, request), s);
        }
        line = *end ? end + 1 : end;
    }
}

static void test_data_of_get_calls(void **state)
{
    assert_string_equal(zalo_encode_user(*state, "12\"3"), "{\"user_id\":\"12\\\"3\"}");
    assert_string_equal(zalo_encode_conversation(*state, "123", 10, 10), "{\"user_id\":\"123\",\"offset\":10,\"count\":10}");
    assert_string_equal(zalo_encode_percent(*state, STR("{\"a\":\"\xc3\xa0 ~\"}")), "%7B%22a%22%3A%22%C3%A0%20~%22%7D");
}

/* What the conversation call tells of a message takes effect once, whichever way it comes first. */
static void test_a_message_read_back_has_the_key_of_its_webhook(void **state)
{
    static const struct {
        const char *body;
        struct zalo_spoken said;
    } cases[] = {
        {"{\"app_id\":\"1\",\"event_name\":\"user_send_text\",\"timestamp\":\"1714476720123\",\"sender\":{\"id\":\"u1\"},"
         "\"recipient\":{\"id\":\"oa\"},\"message\":{\"msg_id\":\"m1\",\"text\":\"ch\303\240o\"}}",
         {.at_ms = 1714476720123, .type = "text", .text = "ch\303\240o", .message_id = "m1", .from_id = "u1", .to_id = "oa"}},
        {"{\"app_id\":\"1\",\"event_name\":\"user_send_image\",\"timestamp\":\"1714476721000\",\"sender\":{\"id\":\"u1\"},"
         "\"recipient\":{\"id\":\"oa\"},\"message\":{\"msg_id\":\"m2\",\"attachments\":[{\"type\":\"image\",\"payload\":{\"url\":\"https://c/i.jpg\"}}]}}",
         {.at_ms = 1714476721000, .type = "photo", .text = "", .message_id = "m2", .from_id = "u1", .to_id = "oa", .url = "https://c/i.jpg"}},
    };
    const char *oa = "oa";
    struct zalo_identity identity = {.app_id = "1", .oa_ids = &oa, .oa_count = 1};
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned char want[ZALO_EVENT_KEY_BYTES], got[ZALO_EVENT_KEY_BYTES];
        struct inbound *came, *read_back;
        struct str body;
        struct err e;
        assert_true(zalo_decode(*state, str_of(cases[i].body), &identity, &came, &e) && zalo_event_key(came, str_of(cases[i].body), want));
        assert_true(zalo_encode_event(*state, "1", "oa", &cases[i].said, &body));
        assert_true(zalo_decode(*state, body, &identity, &read_back, &e) && zalo_event_key(read_back, body, got));
        assert_memory_equal(want, got, sizeof(want));
        assert_int_equal(came->kind, read_back->kind);
        assert_int_equal(came->sent_at_ms, read_back->sent_at_ms);
        assert_string_equal(came->user_id, read_back->user_id);
    }
}

/* The OA's own words, and what the call does not tell: a file comes as a text without text. */
static void test_what_cannot_be_read_back_is_refused(void **state)
{
    struct str body;
    struct zalo_spoken file = {.type = "text", .text = "", .message_id = "m1", .from_id = "u1"};
    struct zalo_spoken ours = {.by_oa = true, .type = "text", .text = "a", .message_id = "m2", .from_id = "oa"};
    struct zalo_spoken strange = {.type = "hologram", .text = "a", .message_id = "m3", .from_id = "u1"};
    assert_false(zalo_encode_event(*state, "1", "oa", &file, &body));
    assert_false(zalo_encode_event(*state, "1", "oa", &ours, &body));
    assert_false(zalo_encode_event(*state, "1", "oa", &strange, &body));
}

static void test_consent_link(void **state)
{
    assert_string_equal(zalo_encode_consent_url(*state, "https://oauth.zaloapp.com", "431284912", "https://bot.example/cb?x=1", NULL, NULL),
                        "https://oauth.zaloapp.com/v4/oa/permission?app_id=431284912&redirect_uri=https%3A%2F%2Fbot.example%2Fcb%3Fx%3D1");
    /* The verifier and challenge of RFC 7636, appendix B. */
    assert_string_equal(zalo_encode_consent_url(*state, "https://o", "1", "https://b", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "s t"),
                        "https://o/v4/oa/permission?app_id=1&redirect_uri=https%3A%2F%2Fb&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&state=s%20t");
}

static int set_up(void **state)
{
    *state = talloc_new(NULL);
    return sha256_init() ? 0 : -1;
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
        TEST(test_plain_text),
        TEST(test_quote_is_there_only_when_there_is_one),
        TEST(test_buttons_of_every_kind),
        TEST(test_a_picture_takes_the_place_of_buttons),
        TEST(test_a_file_is_a_message_behind_its_text),
        TEST(test_a_file_name_cannot_leave_its_place_in_the_form),
        TEST(test_anonymous_visitors_get_text_only),
        TEST(test_what_zalo_would_refuse_is_refused_here),
        TEST(test_a_long_label_is_cut_to_100_characters),
        TEST(test_2000_units_are_one_message_and_2001_are_two),
        TEST(test_a_split_loses_no_word_and_puts_quote_and_buttons_at_the_ends),
        TEST(test_naughty_strings_go_out_as_they_are),
        TEST(test_data_of_get_calls),
        TEST(test_a_message_read_back_has_the_key_of_its_webhook),
        TEST(test_what_cannot_be_read_back_is_refused),
        TEST(test_consent_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
