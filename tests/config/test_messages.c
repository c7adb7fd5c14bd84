/* The catalogue: the built-in texts are sound, a changed copy is held against them, placeholders are filled safely. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "messages.h"
#include "messages_vi_yaml.h"

static void test_the_built_in_texts_are_sound(void **state)
{
    struct err e = {0};
    (void)state;
    if (!messages_load(NULL, &e))
        fail_msg("%s", e.msg);
    for (enum msg id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct message *m = message_get(id);
        assert_true(*m->text);
        assert_int_equal(message_named(str_of(m->name)), id);
    }
    assert_int_equal(message_named(STR("no_such_text")), MSG_NONE);
    assert_string_equal(message_get(MSG_NONE)->text, "");
}

/* The built-in file with one text replaced by `text`, written to a temporary file. */
static bool load_changed(const char *name, const char *text, struct err *e)
{
    char path[] = "/tmp/messagesXXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    bool skipping = false;
    const char *p = (const char *)messages_vi_yaml;
    while (*p) {
        const char *end = strchr(p, '\n');
        size_t n = end ? (size_t)(end - p) + 1 : strlen(p);
        if (*p != ' ' && *p != '\n') {
            size_t len = strlen(name);
            skipping = strncmp(p, name, len) == 0 && p[len] == ':';
            if (skipping)
                fputs(text, f);
        }
        if (!skipping)
            fwrite(p, 1, n, f);
        p += n;
    }
    fclose(f);
    bool ok = messages_load(path, e);
    unlink(path);
    return ok;
}

static void test_an_operator_may_change_texts(void **state)
{
    struct err e = {0};
    (void)state;
    if (!load_changed("ask_name", "ask_name: Chào {xung_ho}, cho em xin họ tên ạ.\n", &e))
        assert_non_null(strstr(e.msg, "unknown placeholder")); /* xung_ho is not among its placeholders */
    assert_true(load_changed("ask_name", "ask_name: Cho em xin họ tên ạ.\n", &e));
    assert_string_equal(message_get(MSG_ASK_NAME)->text, "Cho em xin họ tên ạ.");
    assert_true(messages_load(NULL, &e));
    assert_string_not_equal(message_get(MSG_ASK_NAME)->text, "Cho em xin họ tên ạ.");
}

static void test_a_wrong_file_is_refused_with_its_reason_and_the_old_texts_stay(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *reason;
    } cases[] = {
        {"ask_name", "", "ask_name is missing"},
        {"ask_name", "ask_name: ''\n", "is empty"},
        {"ask_name", "ask_nam: Tên ạ?\n", "no text called ask_nam"},
        {"ask_name", "ask_name: Tên {secret} ạ?\n", "unknown placeholder {secret}"},
        {"ask_name", "ask_name: 'Tên {} ạ?'\n", "a brace"},
        {"ask_name", "ask_name: 'Tên } ạ?'\n", "a brace"},
        {"ask_name", "ask_name: [1, 2]\n", "expected a text"},
        {"ask_name", "ask_name: &a Tên\nask_unit: *a\n", "aliases"},
        {"ask_name", "ask_name: Tên\nask_name: Tên\n", "there twice"},
        {"ask_name", "ask_name: {txt: Tên}\n", "unknown member txt"},
        {"ask_name", "ask_name:\n  text: Tên\n  buttons:\n    - register: Một\n", "unknown action register"},
        {"clar_zero", "clar_zero:\n  text: Tên\n  buttons:\n    - retry: Một nhãn dài hơn hai mươi lăm ký tự\n",
         "longer than 25"},
        {"clar_zero", "clar_zero:\n  text: Tên\n  buttons:\n    - retry: A\n    - retry: B\n    - retry: C\n    - retry: D\n"
                      "    - retry: E\n    - retry: F\n", "more than 5 buttons"},
        {"ask_name", "ask_name: \"a\n", "line"},
        {"ask_name", "ask_name: \"a\\0b\"\n", "NUL"},
    };
    struct err e;
    assert_true(messages_load(NULL, &e));
    const char *before = message_get(MSG_ASK_NAME)->text;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        e = (struct err){0};
        assert_false(load_changed(cases[i].name, cases[i].text, &e));
        if (!strstr(e.msg, cases[i].reason))
            fail_msg("case %zu: expected \"%s\" in \"%s\"", i, cases[i].reason, e.msg);
        assert_ptr_equal(message_get(MSG_ASK_NAME)->text, before);
    }
    assert_false(messages_load("/nonexistent/messages.yaml", &e));
    assert_int_equal(e.kind, ERR_NOT_FOUND);
}

static void test_a_text_beyond_the_limit_of_the_platform_is_refused(void **state)
{
    struct err e = {0};
    char *text = malloc(2100);
    (void)state;
    snprintf(text, 2100, "ask_name: %2001s\n", "");
    memset(text + 10, 'a', 2001);
    assert_false(load_changed("ask_name", text, &e));
    assert_non_null(strstr(e.msg, "longer than 2000"));
    text[2010] = '\n';
    text[2011] = '\0';
    assert_true(load_changed("ask_name", text, &e));
    free(text);
    assert_true(messages_load(NULL, &e));
}

static void test_placeholders_are_filled_and_leave_no_traces_when_empty(void **state)
{
    (void)state;
    static const struct {
        const char *text, *a, *b, *want;
    } cases[] = {
        {"Chào {a} {b}, em đây.", "anh/chị", "Hoa", "Chào anh/chị Hoa, em đây."},
        {"Chào {a} {b}, em đây.", "anh/chị", NULL, "Chào anh/chị, em đây."},
        {"Chào {a} {b}, em đây.", NULL, NULL, "Chào, em đây."},
        {"{a} có việc", NULL, NULL, "có việc"},
        {"một\n{a}\nhai", NULL, NULL, "một\nhai"},
        {"một\n{a}", NULL, NULL, "một"},
        {"một {a}\nhai", NULL, NULL, "một\nhai"},
        {"{a}{b}", "{b}", "x", "{b}x"}, /* a value is not expanded again */
        {"{c} không có", NULL, NULL, "không có"},
        {"{a}", "", NULL, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct message_arg args[] = {{"a", cases[i].a}, {"b", cases[i].b}};
        char *got = message_render(NULL, cases[i].text, args, ARRAY_LEN(args));
        assert_string_equal(got, cases[i].want);
        talloc_free(got);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_built_in_texts_are_sound),
        cmocka_unit_test(test_an_operator_may_change_texts),
        cmocka_unit_test(test_a_wrong_file_is_refused_with_its_reason_and_the_old_texts_stay),
        cmocka_unit_test(test_a_text_beyond_the_limit_of_the_platform_is_refused),
        cmocka_unit_test(test_placeholders_are_filled_and_leave_no_traces_when_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
