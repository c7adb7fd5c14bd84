/* The JSON reader takes exactly what RFC 8259 allows, within its bounds, and never invents or loses anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#include "json.h"
#include "json_out.h"
#include "samples.h"

static struct json_token room[JSON_TOKENS_MAX];

static bool reads(struct str text)
{
    struct json doc;
    return json_read(&doc, text, room, ARRAY_LEN(room), NULL);
}

static void test_members_elements_and_types(void **state)
{
    const struct str text = STR(" { \"a\" : [ 1 , \"x\" , { } , [ ] , null ] , \"b\" : { \"c\" : true } , \"e\" : { } } ");
    struct json doc;
    assert_true(json_read(&doc, text, room, ARRAY_LEN(room), NULL));
    json_ref a = json_get(&doc, JSON_ROOT, STR("a"));
    const enum json_type want[] = {JSON_NUMBER, JSON_STRING, JSON_OBJECT, JSON_ARRAY, JSON_NULL};
    size_t n = 0;
    for (json_ref v = json_first(&doc, a); v; v = json_next(&doc, v))
        assert_int_equal(json_type(&doc, v), want[n++]);
    assert_int_equal(n, ARRAY_LEN(want));
    assert_int_equal(json_type(&doc, json_get(&doc, json_get(&doc, JSON_ROOT, STR("b")), STR("c"))), JSON_TRUE);
    json_ref e = json_get(&doc, JSON_ROOT, STR("e"));
    assert_int_equal(json_type(&doc, e), JSON_OBJECT);
    assert_int_equal(json_get(&doc, e, STR("c")), JSON_NOTHING);
    assert_int_equal(json_get(&doc, json_get(&doc, e, STR("x")), STR("y")), JSON_NOTHING);
    assert_int_equal(json_get(&doc, a, STR("a")), JSON_NOTHING);
    assert_int_equal(json_first(&doc, JSON_ROOT), JSON_NOTHING);
    assert_false(doc.duplicate);
    (void)state;
}

static void test_a_key_standing_twice_is_noticed_when_it_is_asked_for(void **state)
{
    const struct str text = STR("{\"a\":1,\"b\":2,\"\\u0061\":3,\"A\":4}");
    struct json doc;
    assert_true(json_read(&doc, text, room, ARRAY_LEN(room), NULL));
    json_get(&doc, JSON_ROOT, STR("b"));
    json_get(&doc, JSON_ROOT, STR("A"));
    assert_false(doc.duplicate);
    json_get(&doc, JSON_ROOT, STR("a"));
    assert_true(doc.duplicate);
    (void)state;
}

static void test_escapes_are_undone(void **state)
{
    static const struct {
        const char *json, *want;
        bool replaced;
    } cases[] = {
        {"\"\"", "", false},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz", false},
        {"\"\\u00e2\\u1EC7\\u0041\"", "\xc3\xa2\xe1\xbb\x87" "A", false},
        {"\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80", false},
        {"\"\\uDBFF\\uDFFF\"", "\xf4\x8f\xbf\xbf", false},
        {"\"a\\u0000b\"", "a\xef\xbf\xbd" "b", true},
        {"\"\\ud83d\"", "\xef\xbf\xbd", true},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx", true},
        {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd", true},
        {"\"\\ud83d\\ud83d\\ude00\"", "\xef\xbf\xbd\xf0\x9f\x98\x80", true},
        {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd" "A", true},
        {"\"\\ufffd\"", "\xef\xbf\xbd", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        assert_true(json_read(&doc, str_of(cases[i].json), room, ARRAY_LEN(room), NULL));
        assert_string_equal(json_string(*state, &doc, JSON_ROOT), cases[i].want);
        assert_int_equal(json_was_replaced(&doc, JSON_ROOT), cases[i].replaced);
    }
}

static void test_text_that_is_not_utf8_is_refused_and_the_edges_are_taken(void **state)
{
    static const struct {
        const char *bytes;
        bool ok;
    } cases[] = {
        {"\x7f", true}, {"\xc2\x80", true}, {"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true}, {"\xef\xbf\xbf", true}, {"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false}, {"\xbf", false}, {"\xc0\x80", false}, {"\xc1\xbf", false}, {"\xc2", false}, {"\xc2 ", false},
        {"\xe0\x9f\xbf", false}, {"\xed\xa0\x80", false}, {"\xed\xbf\xbf", false}, {"\xe1\xbb", false},
        {"\xf0\x8f\xbf\xbf", false}, {"\xf4\x90\x80\x80", false}, {"\xf5\x80\x80\x80", false}, {"\xff", false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(reads(str_of(talloc_asprintf(*state, "\"%s\"", cases[i].bytes))), cases[i].ok);
}

static void test_bounds_are_exact(void **state)
{
    char text[2 * JSON_DEPTH_MAX + 8];
    for (int depth = JSON_DEPTH_MAX - 1; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(reads((struct str){text, (size_t)depth * 2}), depth <= JSON_DEPTH_MAX);
    }
    char *many = talloc_strdup(*state, "[0");
    for (int i = 3; i < JSON_TOKENS_MAX; i++) /* the absent value and the array take a token each */
        many = talloc_strdup_append_buffer(many, ",0");
    assert_true(reads(str_of(talloc_asprintf(*state, "%s]", many))));
    assert_false(reads(str_of(talloc_asprintf(*state, "%s,0]", many))));
}

static void test_integers_keep_to_what_fits(void **state)
{
    static const struct {
        const char *json;
        bool ok;
        int64_t want;
    } cases[] = {
        {"0", true, 0}, {"-7", true, -7}, {"\"42\"", true, 42}, {"\"-42\"", true, -42},
        {"999999999999999999", true, 999999999999999999}, {"1000000000000000000", false, 0}, {"1.0", false, 0},
        {"1e3", false, 0}, {"\"\"", false, 0}, {"\"-\"", false, 0}, {"\" 1\"", false, 0}, {"\"1x\"", false, 0},
        {"null", false, 0}, {"true", false, 0}, {"[1]", false, 0},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json doc;
        int64_t n = 0;
        assert_true(json_read(&doc, str_of(cases[i].json), room, ARRAY_LEN(room), NULL));
        assert_int_equal(json_integer(&doc, JSON_ROOT, &n), cases[i].ok);
        assert_int_equal(n, cases[i].want);
    }
}

static void test_numbers_have_no_leading_zeros_and_no_odd_ends(void **state)
{
    static const char *const taken[] = {"0", "-0", "10", "0.5", "-0.50e+10", "1E400", "1e-05"};
    static const char *const refused[] = {"00", "01", "-01", "-", "+1", "1.", ".5", "1.e3", "1e", "1e+", "0x10", "1_0", "--1", "Infinity", "NaN", "1 2"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(taken); i++)
        assert_true(reads(str_of(taken[i])));
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        assert_false(reads(str_of(refused[i])));
}

static void read_corpus_file(const char *file, struct str text, void *arg)
{
    bool ok = reads(text);
    (void)arg;
    if (file[0] == 'y' && !ok)
        fail_msg("%s must be accepted", file);
    if (file[0] == 'n' && ok)
        fail_msg("%s must be refused", file);
    /* The written policy for what the standard leaves open: bytes that are not UTF-8 are refused, the rest is taken. */
    bool bad_utf8 = strstr(file, "invalid_utf-8") || strstr(file, "UTF-8_invalid") || strstr(file, "iso_latin") ||
                    strstr(file, "overlong");
    if (file[0] == 'i' && ok == bad_utf8)
        fail_msg("%s is judged against the policy", file);
}

static void test_public_parsing_corpus(void **state)
{
    const char *folder = corpus_folder(*state, "json/test_parsing");
    if (!folder)
        skip();
    assert_true(corpus_each(*state, folder, read_corpus_file, NULL) >= 90);
}

/* What the writer writes, the reader reads back: for every string of the public list, and every single byte. */
static void round_trip(TALLOC_CTX *ctx, const char *text)
{
    struct json_out out;
    struct json doc;
    size_t n;
    json_out_init(&out, ctx, 1 << 20);
    json_out_string(&out, str_of(text));
    char *written = json_out_done(&out, &n);
    assert_non_null(written);
    assert_int_equal(strlen(written), n);
    assert_true(json_read(&doc, (struct str){written, n}, room, ARRAY_LEN(room), NULL));
    char *back = json_string(ctx, &doc, JSON_ROOT);
    for (size_t i = 0, j = 0; text[i]; j++) { /* bad bytes come back as U+FFFD each */
        size_t step = utf8_sequence(text + i, strlen(text + i));
        if (step > 0) {
            assert_memory_equal(text + i, back + j, step);
            i += step;
            j += step - 1;
        } else {
            assert_memory_equal(back + j, "\xef\xbf\xbd", 3);
            i++;
            j += 2;
        }
        if (!text[i])
            assert_int_equal(strlen(back), j + 1);
    }
}

static void test_written_strings_read_back_as_they_were(void **state)
{
    for (int c = 1; c < 256; c++)
        round_trip(*state, (char[]){'a', (char)c, 'z', '\0'});
    round_trip(*state, "");
    const char *folder = corpus_folder(*state, "strings");
    if (!folder)
        return;
    struct str list = file_read(*state, talloc_asprintf(*state, "%s/blns.jsonl", folder));
    assert_non_null(list.p);
    size_t lines = 0;
    for (const char *line = list.p; *line; lines++) {
        const char *end = strchrnul(line, '\n');
        struct json doc;
        assert_true(json_read(&doc, (struct str){line, (size_t)(end - line)}, room, ARRAY_LEN(room), NULL));
        round_trip(*state, json_string(*state, &doc, json_get(&doc, JSON_ROOT, STR("s"))));
        line = *end ? end + 1 : end;
    }
    assert_true(lines > 100);
}

static void test_the_writer_keeps_its_bound(void **state)
{
    for (size_t max = 0; max < 40; max++) {
        struct json_out out;
        size_t n;
        json_out_init(&out, *state, max);
        json_out_open(&out, '{');
        json_out_key(&out, "key");
        json_out_string(&out, STR("a\"b\x01"));
        json_out_key(&out, "n");
        json_out_integer(&out, INT64_MIN);
        json_out_close(&out, '}');
        const char want[] = "{\"key\":\"a\\\"b\\u0001\",\"n\":-9223372036854775808}";
        char *text = json_out_done(&out, &n);
        if (max < strlen(want))
            assert_null(text);
        else
            assert_string_equal(text, want);
    }
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
        TEST(test_members_elements_and_types),
        TEST(test_a_key_standing_twice_is_noticed_when_it_is_asked_for),
        TEST(test_escapes_are_undone),
        TEST(test_text_that_is_not_utf8_is_refused_and_the_edges_are_taken),
        TEST(test_bounds_are_exact),
        TEST(test_integers_keep_to_what_fits),
        TEST(test_numbers_have_no_leading_zeros_and_no_odd_ends),
        TEST(test_public_parsing_corpus),
        TEST(test_written_strings_read_back_as_they_were),
        TEST(test_the_writer_keeps_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
