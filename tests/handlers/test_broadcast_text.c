/* Texts of broadcasts: placeholders are checked when written and filled for each, template data stays JSON, the way out is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "broadcast_text.h"
#include "messages.h"

static int load(void **state)
{
    struct err e;
    (void)state;
    return messages_load(NULL, &e) ? 0 : -1;
}

static void test_what_is_known_is_filled_in(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    const struct broadcast_person who = {.full_name = "Trần Thị Hoa", .unit_name = "Công ty May 10", .title = "Xe đẩy ba tầng", .initiatives = 3};
    assert_string_equal(broadcast_text_render(ctx, "{ten}|{ho_ten}|{unit}|{title}|{n}", &who),
                        "Hoa|Trần Thị Hoa|Công ty May 10|Xe đẩy ba tầng|3");
    talloc_free(ctx);
}

static void test_what_is_not_known_becomes_a_neutral_word_and_leaves_no_gap(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    char *text = broadcast_text_render(ctx, "Chào {xung_ho} {ten}, ở {unit} có \"{title}\".", &(struct broadcast_person){0});
    assert_null(strchr(text, '{'));
    assert_null(strstr(text, "  "));
    assert_null(strstr(text, " ,"));
    assert_non_null(strstr(text, message_get(MSG_BROADCAST_NO_UNIT)->text));
    talloc_free(ctx);
}

static void test_the_words_alone_say_the_same_as_the_text(void **state)
{
    static const char *const texts[] = {"{ten}", "Chào {xung_ho} {ten} ({ho_ten}), ở {unit}: \"{title}\", {n} sáng kiến.", "{n}{n}", "{title}\n{unit} ạ"};
    static const struct broadcast_person people[] = {
        {.full_name = "Trần Thị Hoa", .unit_name = "Công ty May 10", .title = "Xe đẩy ba tầng", .initiatives = 3},
        {.full_name = "An", .title = "{ten} {n}"},
        {.full_name = "Lê } {unit", .unit_name = "%s 100%"},
    };
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (size_t t = 0; t < ARRAY_LEN(texts); t++)
        for (size_t p = 0; p < ARRAY_LEN(people); p++) {
            char *words = broadcast_text_words(ctx, texts[t], &people[p]);
            assert_non_null(words);
            assert_string_equal(broadcast_text_fill(ctx, texts[t], words), broadcast_text_render(ctx, texts[t], &people[p]));
        }
    talloc_free(ctx);
}

static void test_where_a_word_is_missing_or_divides_the_whole_text_is_kept(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_null(broadcast_text_words(ctx, "Chào {ten}, mời", &(struct broadcast_person){0}));
    assert_null(broadcast_text_words(ctx, "Chào {ten}, mời", &(struct broadcast_person){.full_name = "A\x1f" "B"}));
    talloc_free(ctx);
}

static void test_braces_in_what_people_typed_are_left_alone(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_string_equal(broadcast_text_render(ctx, "\"{title}\"", &(struct broadcast_person){.title = "{ten} {n}"}), "\"{ten} {n}\"");
    talloc_free(ctx);
}

static void test_the_data_of_a_template_stays_json_whatever_fills_it(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    char *data = broadcast_data_render(ctx, "{\"ten\":\"{ten}\",\"don_vi\":\"{unit}\"}",
                                       &(struct broadcast_person){.full_name = "An", .unit_name = "\"May\",\\10"});
    assert_string_equal(data, "{\"ten\":\"An\",\"don_vi\":\"\\\"May\\\",\\\\10\"}");
    talloc_free(ctx);
}

static void test_a_template_is_typed_as_lines_or_as_json(void **state)
{
    (void)state;
    static const struct {
        const char *text, *id, *data; /* NULL: refused */
    } cases[] = {
        {"7895417", "7895417", "{}"},
        {" 7895417 \n ten = {ten}\n\ndot: Đợt 2: về đích ", "7895417", "{\"ten\":\"{ten}\",\"dot\":\"Đợt 2: về đích\"}"},
        {"a-1\nten = một\nten = hai", "a-1", "{\"ten\":\"hai\"}"},
        {"7895417 {\"ten\":\"{ten}\"}", "7895417", "{\"ten\":\"{ten}\"}"},
        {"", NULL, NULL}, {"\n", NULL, NULL}, {"mẫu 1", NULL, NULL}, {"1\nten", NULL, NULL}, {"1\nten =", NULL, NULL}, {"1\n= x", NULL, NULL},
        {"1\ntên = x", NULL, NULL}, {"1\nten = {tenx}", NULL, NULL}, {"1 {\"ten\":5}", NULL, NULL}, {"1 {", NULL, NULL},
        {"0123456789012345678901234567890123456789012345678901234567890123x", NULL, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        TALLOC_CTX *ctx = talloc_new(NULL);
        const char *id = NULL, *data = NULL;
        struct err e = {0};
        bool read = broadcast_template_read(ctx, str_of(cases[i].text), &id, &data, &e);
        if (read != (cases[i].id != NULL))
            fail_msg("%s: %s", cases[i].text, read ? data : e.msg);
        if (read) {
            assert_string_equal(id, cases[i].id);
            assert_string_equal(data, cases[i].data);
        }
        talloc_free(ctx);
    }
}

static void test_a_text_nobody_could_read_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {" \n ", "is empty"},
        {"Chào {name}", "unknown placeholder {name}"},
        {"Chào {ten", "is not closed"},
        {"Chào ten}", "closes nothing"},
        {"{}", "unknown placeholder {}"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        assert_false(broadcast_text_check(str_of(cases[i].text), &e));
        if (!strstr(e.msg, cases[i].says))
            fail_msg("%s: %s", cases[i].text, e.msg);
    }
    char longest[2100];
    struct err e;
    memset(longest, 'a', sizeof(longest));
    assert_true(broadcast_text_check((struct str){longest, 2000}, &e));
    assert_false(broadcast_text_check((struct str){longest, 2001}, &e));
    memcpy(longest, "{unit}", 6);
    assert_false(broadcast_text_check((struct str){longest, 1900}, &e)); /* no room for a long name */
}

static void test_template_data_that_is_no_object_of_texts_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "[]", "{\"n\":1}", "{\"a\":\"{name}\"}", "{\"a\":"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e;
        assert_false(broadcast_data_check(str_of(bad[i]), &e));
    }
}

static void test_the_last_button_always_ends_reminders(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct reply reply = {0};
    struct err e;
    broadcast_buttons_add(ctx, "register  human", &reply);
    assert_int_equal(reply.button_count, 3);
    assert_string_equal(reply.button[0].payload, "#b1:*:register");
    assert_string_equal(reply.button[2].payload, "#b1:*:optout");
    assert_true(broadcast_buttons_check(STR("register list_mine resume human"), &e));
    assert_false(broadcast_buttons_check(STR("register list_mine resume human help_what"), &e));
    assert_false(broadcast_buttons_check(STR("erase_me"), &e));
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_known_is_filled_in),
        cmocka_unit_test(test_what_is_not_known_becomes_a_neutral_word_and_leaves_no_gap),
        cmocka_unit_test(test_the_words_alone_say_the_same_as_the_text),
        cmocka_unit_test(test_where_a_word_is_missing_or_divides_the_whole_text_is_kept),
        cmocka_unit_test(test_braces_in_what_people_typed_are_left_alone),
        cmocka_unit_test(test_the_data_of_a_template_stays_json_whatever_fills_it),
        cmocka_unit_test(test_a_template_is_typed_as_lines_or_as_json),
        cmocka_unit_test(test_a_text_nobody_could_read_is_refused),
        cmocka_unit_test(test_template_data_that_is_no_object_of_texts_is_refused),
        cmocka_unit_test(test_the_last_button_always_ends_reminders),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
