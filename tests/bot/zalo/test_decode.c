/* Every event of the catalogue becomes the struct inbound the dialogue expects; what is odd is refused or passed over by rule. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "decode.h"
#include "samples.h"
#include "signature.h"

#define APP "360846524940903967"
#define OA "388613280878808645"
#define USER "246845883529197922"

static const char *const oa_ids[] = {"1111", OA};
static const struct zalo_identity identity = {.app_id = APP, .oa_ids = oa_ids, .oa_count = ARRAY_LEN(oa_ids)};

#define HEAD(event) "{\"app_id\":\"" APP "\",\"user_id_by_app\":\"552177279717587730\",\"event_name\":\"" event "\",\"timestamp\":\"1714476720123\","
#define FROM_USER "\"sender\":{\"id\":\"" USER "\"},\"recipient\":{\"id\":\"" OA "\"},"
#define FROM_OA "\"sender\":{\"id\":\"" OA "\"},\"recipient\":{\"id\":\"" USER "\"},"
#define ATTACHED(type, payload) "\"message\":{\"msg_id\":\"b0a1\",\"attachments\":[{\"type\":\"" type "\",\"payload\":" payload "}]}}"

/* Decodes what must be taken; *refused tells why not. */
static struct inbound *decode_as(TALLOC_CTX *ctx, const struct zalo_identity *who, const char *body)
{
    struct inbound *in = NULL;
    struct err e = {0};
    if (!zalo_decode(ctx, str_of(body), who, &in, &e))
        fail_msg("%s: %s", e.msg, body);
    return in;
}

static struct inbound *decode(TALLOC_CTX *ctx, const char *body)
{
    return decode_as(ctx, &identity, body);
}

static bool is_refused(TALLOC_CTX *ctx, const char *body)
{
    struct inbound *in = NULL;
    struct err e = {0};
    bool refused = !zalo_decode(ctx, str_of(body), &identity, &in, &e);
    assert_true(refused == (in == NULL));
    assert_true(!refused || e.kind == ERR_INVALID);
    return refused;
}

static void assert_ignored(struct inbound *in, const char *reason)
{
    assert_int_equal(in->kind, IN_IGNORED);
    assert_string_equal(zalo_ignored_reason(in), reason);
}

static void test_text_message(void **state)
{
    struct inbound *in = decode(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"96d3\",\"quote_msg_id\":\"4868\",\"text\":\"  C\\u00e1i n\xc3\xa0y  \"}}");
    assert_int_equal(in->kind, IN_TEXT);
    assert_string_equal(in->event_name, "user_send_text");
    assert_string_equal(in->app_id, APP);
    assert_string_equal(in->oa_id, OA);
    assert_string_equal(in->user_id, USER);
    assert_string_equal(in->msg_id, "96d3");
    assert_string_equal(in->quote_msg_id, "4868");
    assert_string_equal(in->text, "C\xc3\xa1i n\xc3\xa0y");
    assert_int_equal(in->sent_at_ms, 1714476720123);
    assert_null(in->admin_id);
    assert_null(zalo_ignored_reason(in));
}

static void test_attachments_of_every_kind(void **state)
{
    struct inbound *in = decode(*state, HEAD("user_send_image") FROM_USER "\"message\":{\"msg_id\":\"b0a1\",\"text\":\"\xe1\xba\xa3nh\",\"attachments\":[{\"type\":\"image\",\"payload\":{\"thumbnail\":\"https://cdn.example/t.jpg\",\"url\":\"https://cdn.example/i.jpg\"}}]}}");
    assert_int_equal(in->kind, IN_IMAGE);
    assert_int_equal(in->attachment_count, 1);
    assert_string_equal(in->attachment[0].type, "image");
    assert_string_equal(in->attachment[0].url, "https://cdn.example/i.jpg");
    assert_string_equal(in->text, "\xe1\xba\xa3nh");
    assert_int_equal(in->attachment[0].size_bytes, -1);

    in = decode(*state, HEAD("user_send_gif") FROM_USER ATTACHED("gif", "{\"url\":\"https://cdn.example/i.gif\"}"));
    assert_int_equal(in->kind, IN_GIF);
    in = decode(*state, HEAD("user_send_link") FROM_USER ATTACHED("link", "{\"description\":\"M\xc3\xb4 t\xe1\xba\xa3\",\"url\":\"https://example.com\"}"));
    assert_int_equal(in->kind, IN_LINK);
    assert_string_equal(in->attachment[0].description, "M\xc3\xb4 t\xe1\xba\xa3");
    in = decode(*state, HEAD("user_send_audio") FROM_USER ATTACHED("audio", "{\"url\":\"https://cdn.example/v.amr\"}"));
    assert_int_equal(in->kind, IN_AUDIO);
    in = decode(*state, HEAD("user_send_video") FROM_USER ATTACHED("video", "{\"description\":\"\",\"url\":\"https://cdn.example/v.mp4\"}"));
    assert_int_equal(in->kind, IN_VIDEO);
    in = decode(*state, HEAD("user_send_file") FROM_USER ATTACHED("file", "{\"url\":\"https://cdn.example/f.pdf\",\"size\":\"182034\",\"name\":\"bao-gia.pdf\",\"checksum\":\"9e10\",\"type\":\"pdf\"}"));
    assert_int_equal(in->kind, IN_FILE);
    assert_int_equal(in->attachment[0].size_bytes, 182034);
    assert_string_equal(in->attachment[0].name, "bao-gia.pdf");
    assert_string_equal(in->attachment[0].type, "file");
    in = decode(*state, HEAD("user_send_file") FROM_USER ATTACHED("file", "{\"url\":\"https://cdn.example/f.pdf\",\"size\":77}"));
    assert_int_equal(in->attachment[0].size_bytes, 77);
    in = decode(*state, HEAD("user_send_sticker") FROM_USER ATTACHED("sticker", "{\"id\":\"bfe4\",\"url\":\"https://cdn.example/s.png\"}"));
    assert_int_equal(in->kind, IN_STICKER);
    in = decode(*state, HEAD("user_send_location") FROM_USER ATTACHED("location", "{\"coordinates\":{\"latitude\":\"10.7642473\",\"longitude\":\"-106.6564314\"}}"));
    assert_int_equal(in->kind, IN_LOCATION);
    assert_string_equal(in->attachment[0].latitude, "10.7642473");
    assert_string_equal(in->attachment[0].longitude, "-106.6564314");
    in = decode(*state, HEAD("user_send_location") FROM_USER ATTACHED("location", "{\"coordinates\":{\"latitude\":10.5,\"longitude\":\"1e9\"}}"));
    assert_string_equal(in->attachment[0].latitude, "10.5");
    assert_null(in->attachment[0].longitude);
}

static void test_addresses_that_are_none_are_absent(void **state)
{
    static const char *const url[] = {"\"\"", "\"https://a b\"", "\"https://a\\nb\"", "\"https://a\\u0000b\\u0007\"", "null", "17", "{}"};
    for (size_t i = 0; i < ARRAY_LEN(url); i++) {
        struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("user_send_image") FROM_USER ATTACHED("image", "{\"url\":%s}"), url[i]));
        assert_int_equal(in->attachment_count, 1);
        assert_null(in->attachment[0].url);
    }
    char *longer = talloc_zero_size(*state, 2100);
    memset(longer, 'a', 2099);
    struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("user_send_image") FROM_USER ATTACHED("image", "{\"url\":\"%s\"}"), longer));
    assert_null(in->attachment[0].url);
}

static void test_at_most_ten_attachments_are_kept(void **state)
{
    char *list = talloc_strdup(*state, "");
    for (int i = 0; i < 14; i++)
        list = talloc_asprintf_append(list, "%s{\"type\":\"image\",\"payload\":{\"url\":\"https://x/%d\"}}", i ? "," : "", i);
    struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("user_send_image") FROM_USER "\"message\":{\"msg_id\":\"1\",\"attachments\":[%s]}}", list));
    assert_int_equal(in->attachment_count, INBOUND_ATTACHMENTS_MAX);
    assert_string_equal(in->attachment[9].url, "https://x/9");
}

static void test_business_cards(void **state)
{
    static const char card[] = ATTACHED("link", "{\"thumbnail\":\"https://cdn.example/a.jpg\",\"description\":\"{\\\"phone\\\":\\\"84900000000\\\",\\\"qrCodeUrl\\\":\\\"https://cdn.example/qr.jpg\\\"}\",\"url\":\"https://zalo.example/u\"}");
    struct inbound *in = decode(*state, talloc_asprintf(*state, "%s%s", HEAD("user_send_business_card") FROM_USER, card));
    assert_int_equal(in->kind, IN_CARD);
    assert_string_equal(in->info_phone, "84900000000");
    in = decode(*state, talloc_asprintf(*state, "%s%s", HEAD("user_send_link") FROM_USER, card));
    assert_int_equal(in->kind, IN_CARD);
    in = decode(*state, HEAD("user_send_business_card") FROM_USER ATTACHED("link", "{\"description\":\"not json\"}"));
    assert_int_equal(in->kind, IN_CARD);
    assert_null(in->info_phone);
    in = decode(*state, HEAD("user_send_link") FROM_USER ATTACHED("link", "{\"description\":\"{\\\"name\\\":\\\"x\\\"}\"}"));
    assert_int_equal(in->kind, IN_LINK);
    assert_null(in->info_name);
}

static void test_anonymous_visitors(void **state)
{
    struct inbound *in = decode(*state, "{\"app_id\":\"" APP "\",\"event_name\":\"anonymous_send_text\",\"timestamp\":\"1714476730000\",\"sender\":{\"id\":\"1ffedc467f179649cf06\"},\"recipient\":{\"id\":\"" OA "\"},\"message\":{\"msg_id\":\"7d1e\",\"conversation_id\":\"fa8f\",\"text\":\"M\xe1\xba\xa5y gi\xe1\xbb\x9d?\"}}");
    assert_int_equal(in->kind, IN_ANONYMOUS);
    assert_string_equal(in->user_id, "1ffedc467f179649cf06");
    assert_string_equal(in->conversation_id, "fa8f");
    in = decode(*state, HEAD("oa_send_anonymous_text") "\"sender\":{\"id\":\"" OA "\"},\"recipient\":{\"id\":\"1ffe\"},\"message\":{\"msg_id\":\"8f14\",\"conversation_id\":\"fa8f\",\"text\":\"8h\"}}");
    assert_int_equal(in->kind, IN_ECHO);
    assert_string_equal(in->conversation_id, "fa8f");
    assert_string_equal(in->user_id, "1ffe");
}

static void test_echoes_with_and_without_a_human(void **state)
{
    struct inbound *in = decode(*state, HEAD("oa_send_text") "\"sender\":{\"id\":\"" OA "\",\"admin_id\":\"1857363030121000009\"},\"recipient\":{\"id\":\"" USER "\"},\"message\":{\"msg_id\":\"c0ff\",\"text\":\"D\xe1\xba\xa1\"}}");
    assert_int_equal(in->kind, IN_ECHO);
    assert_string_equal(in->user_id, USER);
    assert_string_equal(in->admin_id, "1857363030121000009");
    static const char *const names[] = {"oa_send_text", "oa_send_image", "oa_send_gif", "oa_send_list", "oa_send_file", "oa_send_sticker", "oa_send_template"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *body = talloc_asprintf(*state, "{\"app_id\":\"" APP "\",\"event_name\":\"%s\",\"timestamp\":\"1714476720123\"," FROM_OA "\"message\":{\"msg_id\":\"c0ff01\",\"text\":\"caption\"}}", names[i]);
        in = decode(*state, body);
        assert_int_equal(in->kind, IN_ECHO);
        assert_string_equal(in->user_id, USER);
        assert_string_equal(in->msg_id, "c0ff01");
        assert_null(in->admin_id);
    }
}

static void test_receipts_name_the_person_whichever_side_the_oa_is_on(void **state)
{
    struct inbound *in = decode(*state, HEAD("user_received_message") FROM_OA "\"message\":{\"msg_id\":\"63ec\"}}");
    assert_int_equal(in->kind, IN_RECEIVED);
    assert_string_equal(in->user_id, USER);
    in = decode(*state, HEAD("user_received_message") FROM_USER "\"message\":{\"msg_id\":\"63ec\"}}");
    assert_string_equal(in->user_id, USER);
    in = decode(*state, HEAD("user_seen_message") FROM_OA "\"message\":{\"msg_ids\":[\"63ec1\",\"63ec2\"]}}");
    assert_int_equal(in->kind, IN_SEEN);
    assert_int_equal(in->seen_count, 2);
    assert_string_equal(in->seen_ids[1], "63ec2");
    in = decode(*state, HEAD("user_seen_message") FROM_OA "\"message\":{\"msg_id\":\"63ec3\"}}");
    assert_int_equal(in->seen_count, 1);
    assert_string_equal(in->seen_ids[0], "63ec3");
    in = decode(*state, HEAD("user_seen_message") FROM_OA "\"message\":{\"msg_ids\":[1,2,3,4,5,6,7,8,9,10,11,12]}}");
    assert_int_equal(in->seen_count, INBOUND_ATTACHMENTS_MAX);
    in = decode(*state, HEAD("user_seen_message") FROM_OA "\"message\":{\"msg_ids\":\"63ec\"}}");
    assert_int_equal(in->seen_count, 0);
    assert_ignored(decode(*state, HEAD("user_received_message") "\"sender\":{\"id\":\"" OA "\"},\"recipient\":{\"id\":\"84900000000\"},\"message\":{\"delivery_time\":\"1602960467432\",\"msg_id\":\"15a0\",\"tracking_id\":\"order-1\"}}"), "phone_template");
}

static void test_relationship_events(void **state)
{
    struct inbound *in = decode(*state, "{\"oa_id\":\"" OA "\",\"follower\":{\"id\":\"24684588352919792\"},\"user_id_by_app\":\"5521\",\"event_name\":\"follow\",\"source\":\"oa_profile\",\"app_id\":\"" APP "\",\"timestamp\":\"154397978274\"}");
    assert_int_equal(in->kind, IN_FOLLOW);
    assert_string_equal(in->user_id, "24684588352919792");
    assert_string_equal(in->oa_id, OA);
    assert_null(in->msg_id);
    assert_int_equal(in->sent_at_ms, 154397978274);
    in = decode(*state, "{\"oa_id\":\"" OA "\",\"follower\":{\"id\":\"2468\"},\"event_name\":\"unfollow\",\"app_id\":\"" APP "\",\"timestamp\":1543979992740}");
    assert_int_equal(in->kind, IN_UNFOLLOW);
    assert_int_equal(in->sent_at_ms, 1543979992740);
    in = decode(*state, HEAD("user_click_chatnow") "\"oa_id\":\"" OA "\",\"user_id\":\"" USER "\"}");
    assert_int_equal(in->kind, IN_CHATNOW);
    assert_string_equal(in->user_id, USER);
    in = decode(*state, HEAD("user_withdraw") "\"oa_id\":\"" OA "\",\"user_id\":\"" USER "\"}");
    assert_int_equal(in->kind, IN_WITHDRAW);
    in = decode(*state, HEAD("user_reacted_message") FROM_USER "\"message\":{\"msg_id\":\"63ec\",\"react_icon\":\"/-heart\"}}");
    assert_int_equal(in->kind, IN_REACTION);
    assert_string_equal(in->reaction, "/-heart");
    assert_ignored(decode(*state, HEAD("follow") "\"oa_id\":\"" OA "\"}"), "no_person");
}

static void test_a_revoked_grant_is_seen_in_whatever_shape_it_comes(void **state)
{
    static const char *const rest[] = {"\"oa_id\":\"" OA "\"}", "\"oaId\":\"" OA "\"}", "\"sender\":{\"id\":\"" OA "\"}}", "\"x\":0}"};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("permission_revoked") "%s", rest[i]));
        assert_int_equal(in->kind, IN_REVOKED);
        assert_string_equal(in->user_id, ZALO_NOBODY);
    }
    assert_ignored(decode(*state, HEAD("permission_revoked") "\"oa_id\":\"999\"}"), "foreign_oa");
}

static void test_submitted_info_is_read_from_every_known_shape(void **state)
{
    static const char *const rest[] = {
        "\"info\":{\"name\":\"Name Example\",\"phone\":\"84900000000\",\"user_dob\":\"30/10/1999\"}}",
        "\"info\":{\"name\":\"Name Example\",\"phone\":84900000000}}",
        "\"name\":\"Name Example\",\"phone\":\"84900000000\",\"city\":\"x\"}",
        "\"message\":{\"text\":\"{\\\"name\\\":\\\"Name Example\\\",\\\"phone\\\":\\\"84900000000\\\"}\"}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(rest); i++) {
        struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("user_submit_info") FROM_USER "%s", rest[i]));
        assert_int_equal(in->kind, IN_SUBMIT_INFO);
        assert_string_equal(in->info_name, "Name Example");
        assert_string_equal(in->info_phone, "84900000000");
    }
    struct inbound *in = decode(*state, HEAD("user_submit_info") FROM_USER "\"info\":null}");
    assert_null(in->info_name);
    assert_null(in->info_phone);
}

static void test_what_is_not_for_us_is_ignored_with_its_reason(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"{\"app_id\":\"1\",\"event_name\":\"user_send_text\",\"timestamp\":\"1714476720123\"," FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}", "foreign_app"},
        {"{\"event_name\":\"user_send_text\",\"timestamp\":\"1714476720123\"," FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}", "foreign_app"},
        {HEAD("user_send_text") "\"sender\":{\"id\":\"1\"},\"recipient\":{\"id\":\"2\"},\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}", "foreign_oa"},
        {HEAD("user_send_text") "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}", "foreign_oa"},
        {HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"This is message id\",\"text\":\"This is testing message\"}}", "console_probe"},
        {HEAD("user_send_group_text") "\"oa_id\":\"" OA "\",\"sender\":{\"id\":\"" USER "\"},\"recipient\":{\"id\":\"f414\"},\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}", "group"},
        {HEAD("oa_send_group_image") "\"oa_id\":\"" OA "\",\"sender\":{\"id\":\"" OA "\"},\"recipient\":{\"id\":\"f414\"}}", "group"},
        {HEAD("user_join_group") "\"oa_id\":\"" OA "\",\"group_id\":\"f414\"}", "group"},
        {HEAD("create_group") "\"oa_id\":\"" OA "\",\"group_id\":\"f414\"}", "group"},
        {HEAD("add_user_to_tag") "\"oa_id\":\"" OA "\",\"tag\":{\"user_ids\":[\"1\"],\"name\":\"x\"}}", "other_event"},
        {HEAD("user_call_oa") "\"oa_id\":\"" OA "\",\"user_id\":\"1\"}", "other_event"},
        {HEAD("change_oa_daily_quota") "\"oaId\":\"" OA "\",\"quota\":{\"prev_value\":1000,\"new_value\":2000}}", "other_event"},
        {HEAD("oa_reacted_message") FROM_OA "\"message\":{\"msg_id\":\"63ec\",\"react_icon\":\"/-strong\"}}", "other_event"},
        {HEAD("user_click_button") FROM_USER "\"message\":{\"msg_id\":\"1\"}}", "unknown_event"},
        {HEAD("User_Send_Text") FROM_USER "\"message\":{\"msg_id\":\"1\"}}", "unknown_event"},
        {HEAD("") FROM_USER "\"message\":{\"msg_id\":\"1\"}}", "unknown_event"},
        {"{\"app_id\":\"" APP "\",\"timestamp\":\"1714476720123\"," FROM_USER "\"event_name\":7}", "unknown_event"},
        {HEAD("user_send_text") "\"sender\":{\"id\":\"" OA "\"},\"recipient\":{\"id\":\"" OA "\"}}", "no_person"},
        {HEAD("user_send_text") "\"recipient\":{\"id\":\"" OA "\"},\"message\":{\"text\":\"x\"}}", "no_person"},
        {HEAD("user_send_text") "\"sender\":{\"id\":\"-\"},\"recipient\":{\"id\":\"" OA "\"},\"message\":{\"text\":\"x\"}}", "no_person"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct inbound *in = decode(*state, cases[i].body);
        if (in->kind != IN_IGNORED || strcmp(zalo_ignored_reason(in), cases[i].reason) != 0)
            fail_msg("%s: kind %d, reason %s", cases[i].body, (int)in->kind, zalo_ignored_reason(in));
        assert_string_equal(in->user_id, ZALO_NOBODY);
    }
}

static void test_samples_belong_to_whom_they_say(void **state)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(*state, sample), ours = 0;
    for (size_t i = 0; i < n; i++) {
        struct inbound *in = decode(*state, sample[i].body.p);
        ours += in->kind != IN_IGNORED;
        assert_non_null(in->event_name);
        assert_true(strncmp(sample[i].file, in->event_name, strlen(in->event_name)) == 0);
    }
    assert_int_equal(ours, 9);
    static const char *const test_oa[] = {"oa-1"};
    const struct zalo_identity theirs = {.app_id = "app-1", .oa_ids = test_oa, .oa_count = 1};
    struct inbound *in = decode_as(*state, &theirs, sample_body(*state, "user_send_location-1.json").p);
    assert_int_equal(in->kind, IN_LOCATION);
    assert_string_equal(in->user_id, "sender-1");
    assert_string_equal(in->attachment[0].latitude, "10.762622");
}

static void test_ids_keep_every_digit_and_every_letter(void **state)
{
    struct inbound *in = decode(*state, "{\"app_id\":" APP ",\"event_name\":\"user_send_text\",\"timestamp\":1714476720123,\"sender\":{\"id\":2468458835296197922},\"recipient\":{\"id\":" OA "},\"message\":{\"msg_id\":\"a b\",\"text\":\"x\"}}");
    assert_string_equal(in->user_id, "2468458835296197922");
    assert_string_equal(in->app_id, APP);
    assert_string_equal(in->msg_id, "a b");
    in = decode(*state, HEAD("user_send_text") "\"sender\":{\"id\":\"a\\u002fb\"},\"recipient\":{\"id\":\"" OA "\"},\"message\":{\"text\":\"x\"}}");
    assert_string_equal(in->user_id, "a/b");
}

static void test_bad_ids_are_refused(void **state)
{
    static const char *const id[] = {"\"a\\u0000b\"", "\"a\\u0001\"", "\"a\\n\"", "\"\\ud800\"", "\"a\x7f\"", "\"a\xc2\x85\"", "-1", "1.5", "1e3"};
    for (size_t i = 0; i < ARRAY_LEN(id); i++) {
        assert_true(is_refused(*state, talloc_asprintf(*state, HEAD("user_send_text") "\"sender\":{\"id\":%s},\"recipient\":{\"id\":\"" OA "\"},\"message\":{\"text\":\"x\"}}", id[i])));
        assert_true(is_refused(*state, talloc_asprintf(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"text\":\"x\",\"msg_id\":%s}}", id[i])));
    }
    for (int n = 127; n <= 129; n++) {
        char longer[130] = "";
        memset(longer, '7', (size_t)n);
        assert_int_equal(is_refused(*state, talloc_asprintf(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"text\":\"x\",\"msg_id\":\"%s\"}}", longer)), n > 128);
    }
}

static void test_a_repeated_member_that_is_read_is_refused(void **state)
{
    static const char *const twice[] = {
        "\"app_id\":\"" APP "\"", "\"event_name\":\"user_send_text\"", "\"timestamp\":\"1714476720123\"", "\"sender\":{\"id\":\"1\"}",
        "\"recipient\":{\"id\":\"" OA "\"}", "\"message\":{\"text\":\"y\"}", "\"sen\\u0064er\":{\"id\":\"1\"}",
        "\"oa_id\":\"1\",\"oa_id\":\"2\"",
    };
    for (size_t i = 0; i < ARRAY_LEN(twice); i++)
        assert_true(is_refused(*state, talloc_asprintf(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"},%s}", twice[i])));
    assert_true(is_refused(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\",\"text\":\"x\"}}"));
    assert_true(is_refused(*state, HEAD("user_send_image") FROM_USER ATTACHED("image", "{\"url\":\"https://a\",\"url\":\"https://b\"}")));
    assert_false(is_refused(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"},\"new\":1,\"new\":2}"));
}

static void test_members_of_another_type_are_passed_over(void **state)
{
    static const char *const message[] = {"null", "7", "\"x\"", "[]", "{\"text\":null}", "{\"text\":[\"x\"],\"msg_id\":null}", "{\"text\":7,\"attachments\":{}}",
                                          "{\"attachments\":[null,7,\"x\",[],{\"payload\":7},{\"type\":7,\"payload\":{\"coordinates\":[]}}]}"};
    for (size_t i = 0; i < ARRAY_LEN(message); i++) {
        struct inbound *in = decode(*state, talloc_asprintf(*state, HEAD("user_send_text") FROM_USER "\"message\":%s}", message[i]));
        assert_int_equal(in->kind, IN_TEXT);
        assert_string_equal(in->text, "");
        assert_null(in->msg_id);
    }
}

static void test_text_that_cannot_be_stored_is_made_storable(void **state)
{
    struct inbound *in = decode(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"a\\u0000b\\ud800c\"}}");
    assert_string_equal(in->text, "a\xef\xbf\xbd" "b\xef\xbf\xbd" "c");
    assert_true(is_refused(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"a\xff\"}}"));
    assert_true(is_refused(*state, HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"a\x01\"}}"));
    const char with_nul[] = HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"a\0b\"}}";
    struct inbound *none = NULL;
    assert_false(zalo_decode(*state, (struct str){with_nul, sizeof(with_nul) - 1}, &identity, &none, NULL));
}

static void test_bodies_that_are_no_event_are_refused(void **state)
{
    static const char *const body[] = {"", "{", "[]", "null", "7", "\"x\"", "{}", HEAD("user_send_text") "}", "{\"timestamp\":\"171447672012x\"}", "{\"timestamp\":123}", "{\"timestamp\":\"12345678901234567\"}", "{\"timestamp\":null}"};
    for (size_t i = 0; i < ARRAY_LEN(body); i++)
        assert_true(is_refused(*state, body[i]));
}

/* ---- event keys ---- */

static void key_of(TALLOC_CTX *ctx, const char *body, unsigned char key[ZALO_EVENT_KEY_BYTES])
{
    assert_true(zalo_event_key(decode(ctx, body), str_of(body), key));
}

static bool same_key(TALLOC_CTX *ctx, const char *a, const char *b)
{
    unsigned char ka[ZALO_EVENT_KEY_BYTES], kb[ZALO_EVENT_KEY_BYTES];
    key_of(ctx, a, ka);
    key_of(ctx, b, kb);
    return memcmp(ka, kb, sizeof(ka)) == 0;
}

static void test_event_keys_tell_events_apart_and_know_redeliveries(void **state)
{
    static const char text[] = HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}";
    static const char text_again[] = HEAD("user_send_text") FROM_USER "\"message\":{\"text\":\"other\",\"msg_id\":\"1\"}}";
    static const char text_next[] = HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"2\",\"text\":\"x\"}}";
    static const char image[] = HEAD("user_send_image") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"}}";
    static const char heart[] = HEAD("user_reacted_message") FROM_USER "\"message\":{\"msg_id\":\"1\",\"react_icon\":\"/-heart\"}}";
    static const char thumb[] = HEAD("user_reacted_message") FROM_USER "\"message\":{\"msg_id\":\"1\",\"react_icon\":\"/-strong\"}}";
    static const char follow[] = HEAD("follow") "\"oa_id\":\"" OA "\",\"follower\":{\"id\":\"1\"}}";
    static const char follow_other[] = HEAD("follow") "\"oa_id\":\"" OA "\",\"follower\":{\"id\":\"2\"}}";
    assert_true(same_key(*state, text, text));
    assert_true(same_key(*state, text, text_again));
    assert_false(same_key(*state, text, text_next));
    assert_false(same_key(*state, text, image));
    assert_false(same_key(*state, text, heart));
    assert_false(same_key(*state, heart, thumb));
    assert_true(same_key(*state, follow, follow));
    assert_false(same_key(*state, follow, follow_other));
}

/* ---- public corpora, as a member of a signed body ---- */

static void decode_corpus_file(const char *file, struct str text, void *arg)
{
    static const struct zalo_secrets secrets = {.current = {SAMPLE_SECRET, sizeof(SAMPLE_SECRET) - 1}};
    static const char head[] = HEAD("user_send_text") FROM_USER "\"message\":{\"msg_id\":\"1\",\"text\":\"x\"},\"extra\":";
    TALLOC_CTX *ctx = arg;
    char *bytes = talloc_size(ctx, sizeof(head) + text.n + 1);
    memcpy(bytes, head, sizeof(head) - 1);
    memcpy(bytes + sizeof(head) - 1, text.p, text.n);
    bytes[sizeof(head) - 1 + text.n] = '}';
    const struct str body = {bytes, sizeof(head) + text.n};
    const char *header = sign(ctx, STR(APP), body, STR("1714476720123"), secrets.current);
    enum zalo_verdict verdict = zalo_verify(body, str_of(header), 1, &secrets);
    struct inbound *in = NULL;
    bool ok = zalo_decode(ctx, body, &identity, &in, NULL);
    if (ok && verdict != ZALO_SIGNED)
        fail_msg("%s is JSON, but the scanner says %s", file, zalo_verdict_name(verdict));
    if (strncmp(file, "y_", 2) == 0 && (!ok || in->kind != IN_TEXT))
        fail_msg("%s must be accepted", file);
    if (strncmp(file, "n_", 2) == 0 && ok)
        fail_msg("%s must be refused", file);
}

static void test_public_corpora_as_members_of_a_signed_body(void **state)
{
    const char *folder = corpus_folder(*state, "json/test_parsing");
    if (!folder)
        skip();
    corpus_each(*state, folder, decode_corpus_file, *state);
    corpus_each(*state, corpus_folder(*state, "json/test_transform"), decode_corpus_file, *state);
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
        TEST(test_text_message),
        TEST(test_attachments_of_every_kind),
        TEST(test_addresses_that_are_none_are_absent),
        TEST(test_at_most_ten_attachments_are_kept),
        TEST(test_business_cards),
        TEST(test_anonymous_visitors),
        TEST(test_echoes_with_and_without_a_human),
        TEST(test_receipts_name_the_person_whichever_side_the_oa_is_on),
        TEST(test_relationship_events),
        TEST(test_a_revoked_grant_is_seen_in_whatever_shape_it_comes),
        TEST(test_submitted_info_is_read_from_every_known_shape),
        TEST(test_what_is_not_for_us_is_ignored_with_its_reason),
        TEST(test_samples_belong_to_whom_they_say),
        TEST(test_ids_keep_every_digit_and_every_letter),
        TEST(test_bad_ids_are_refused),
        TEST(test_a_repeated_member_that_is_read_is_refused),
        TEST(test_members_of_another_type_are_passed_over),
        TEST(test_text_that_cannot_be_stored_is_made_storable),
        TEST(test_bodies_that_are_no_event_are_refused),
        TEST(test_event_keys_tell_events_apart_and_know_redeliveries),
        TEST(test_public_corpora_as_members_of_a_signed_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
