/* Commands in parts of a message, words that take something back, forms: what whole-message matching does not see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "form.h"
#include "parts.h"
#include "phrase.h"

struct said {
    const char *text;
    enum intent_scene scene;
    enum intent want;
};

static void check(const struct said *cases, size_t n)
{
    void *ctx = talloc_new(NULL);
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        enum intent got = intent_read(str_of(cases[i].text), cases[i].scene, true).intent;
        if (got == INTENT_CONTENT)
            got = intent_read_parts(ctx, str_of(cases[i].text), cases[i].scene).intent;
        if (got == cases[i].want)
            continue;
        wrong++;
        print_error("\"%s\": want %s, got %s\n", cases[i].text, intent_name(cases[i].want), intent_name(got));
    }
    talloc_free(ctx);
    assert_int_equal(wrong, 0);
}

static void test_telex_left_as_typed_is_read_as_meant(void **state)
{
    (void)state;
    static const struct said cases[] = {
        {"guiwr ddi", SCENE_CONFIRM, INTENT_YES},         {"guwri luoon", SCENE_CONFIRM, INTENT_YES},
        {"ddungs roofi", SCENE_CONFIRM, INTENT_YES},      {"huyr", SCENE_DESCRIPTION, INTENT_CANCEL},
        {"Gawpj cans booj", SCENE_MENU, INTENT_HUMAN},    {"boor qua", SCENE_BENEFIT, INTENT_SKIP},
        {"suwar teen", SCENE_CONFIRM, INTENT_EDIT},       {"ddawng kys sangs kieens", SCENE_MENU, INTENT_REGISTER},
        {"xoas nhaps", SCENE_MENU, INTENT_DELETE_DRAFT},  {"Box dungj cuj", SCENE_TITLE, INTENT_CONTENT},
        {"SK-WWWWWW", SCENE_MENU, INTENT_CONTENT},
        {"viet software quan ly", SCENE_TITLE, INTENT_CONTENT},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_one_clause_may_be_the_command(void **state)
{
    (void)state;
    static const struct said cases[] = {
        {"tên sai rồi, sửa tên", SCENE_CONFIRM, INTENT_EDIT},
        {"mệt quá, thôi hủy đi", SCENE_CONFIRM, INTENT_CANCEL},
        {"không phải. sửa số tiền", SCENE_CONFIRM, INTENT_EDIT},
        {"chào em, anh muốn đăng ký", SCENE_MENU, INTENT_REGISTER},
        {"chán quá rồi em ạ, gặp cán bộ", SCENE_CONFIRM, INTENT_HUMAN},
        {"gửi đi, cảm ơn em", SCENE_CONFIRM, INTENT_YES},
        /* two commands, or a yes with something beside it, are asked about */
        {"chỉnh sửa, thoát, tên dài quá nhỉ", SCENE_CONFIRM, INTENT_CONTENT},
        {"đúng rồi, nhưng tên hơi dài", SCENE_CONFIRM, INTENT_CONTENT},
        {"khoan, nộp", SCENE_CONFIRM, INTENT_CONTENT},
        /* where words are wanted they are words */
        {"máy hay kẹt, dừng máy, sửa", SCENE_DESCRIPTION, INTENT_CONTENT},
        {"hủy phiếu giấy, gặp cán bộ qua mạng", SCENE_TITLE, INTENT_CONTENT},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_yes_said_twice_is_yes_and_never_a_guess(void **state)
{
    (void)state;
    static const struct said cases[] = {
        {"ok chốt", SCENE_CONFIRM, INTENT_YES},           {"vâng gửi đi em", SCENE_CONFIRM, INTENT_YES},
        {"đúng rồi gửi luôn đi", SCENE_CONFIRM, INTENT_YES}, {"ok đúng", SCENE_BENEFIT, INTENT_YES},
        {"đừng nộp luôn", SCENE_CONFIRM, INTENT_CONTENT}, {"dung nop luon", SCENE_CONFIRM, INTENT_CONTENT},
        {"dung gui", SCENE_CONFIRM, INTENT_CONTENT},      {"ok sai", SCENE_CONFIRM, INTENT_CONTENT},
        {"chưa gửi đi", SCENE_CONFIRM, INTENT_NO},
        {"ok chốt", SCENE_TITLE, INTENT_CONTENT},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_the_small_words_of_a_region_do_not_hide_a_command(void **state)
{
    (void)state;
    static const struct said cases[] = {
        {"xong rồi đó nghen", SCENE_DESCRIPTION, INTENT_DONE}, {"xong rồi nờ", SCENE_DESCRIPTION, INTENT_DONE},
        {"hổng biết tính sao luôn á", SCENE_BENEFIT, INTENT_UNKNOWN}, {"gửi dùm tui cái nghen", SCENE_CONFIRM, INTENT_YES},
        {"hủy cái đó", SCENE_DESCRIPTION, INTENT_CONTENT},     {"cái giá đó", SCENE_TITLE, INTENT_CONTENT},
    };
    check(cases, ARRAY_LEN(cases));
}

static void test_words_that_take_back_or_rename_leave_the_new_title(void **state)
{
    (void)state;
    static const struct {
        const char *(*read)(TALLOC_CTX *, const char *);
        const char *text, *want;
    } cases[] = {
        {phrase_behind_correction, "à nhầm, Giá treo kìm và tua vít", "Giá treo kìm và tua vít"},
        {phrase_behind_correction, "nhầm rồi: Giá treo", "Giá treo"},
        {phrase_behind_correction, "ý em là giá treo", "giá treo"},
        {phrase_behind_correction, "à nhầm", NULL},
        {phrase_behind_correction, "nhầm, giá treo", "giá treo"},
        {phrase_behind_correction, "nhầm lẫn giữa hai mã hàng hay xảy ra", NULL},
        {phrase_behind_correction, "trước đây hay nhầm", NULL},
        {phrase_new_title, "đổi tên thành Tấm chắn bụi", "Tấm chắn bụi"},
        {phrase_new_title, "ten phai la tam chan bui", "tam chan bui"},
        {phrase_new_title, "sửa tên", NULL},
        {phrase_new_title, "tên dài quá", NULL},
    };
    void *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = cases[i].read(ctx, cases[i].text);
        if (cases[i].want)
            assert_string_equal(got ? got : "(nothing)", cases[i].want);
        else
            assert_null(got);
    }
    talloc_free(ctx);
}

static void test_a_form_is_taken_apart_at_its_headings(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    struct form f = {0};
    assert_true(form_read(ctx, "Em gửi ạ\nHọ tên: Trần A\n1. Tên sáng kiến: Bàn nâng\n2. Nội dung: Trước cúi nhiều\nnay đỡ\n"
                               "Kết quả: đỡ đau lưng\n3. Giá trị làm lợi ước tính: 40 triệu/năm", &f));
    assert_string_equal(f.title, "Bàn nâng");
    assert_string_equal(f.description, "Trước cúi nhiều\nnay đỡ\nKết quả: đỡ đau lưng");
    assert_string_equal(f.benefit, "40 triệu/năm");
    struct form none = {.title = "as it was"};
    static const char *const no_forms[] = {"", ":", "Tên: Bàn nâng", "Bàn nâng: loại lò xo\ncó 2 tầng: trên và dưới", "Nội dung: abc",
                                           "giờ bắt đầu 7:30\ntên gì: cũng được"};
    for (size_t i = 0; i < ARRAY_LEN(no_forms); i++)
        assert_false(form_read(ctx, no_forms[i], &none));
    assert_string_equal(none.title, "as it was");
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_telex_left_as_typed_is_read_as_meant),
        cmocka_unit_test(test_one_clause_may_be_the_command),
        cmocka_unit_test(test_yes_said_twice_is_yes_and_never_a_guess),
        cmocka_unit_test(test_the_small_words_of_a_region_do_not_hide_a_command),
        cmocka_unit_test(test_words_that_take_back_or_rename_leave_the_new_title),
        cmocka_unit_test(test_a_form_is_taken_apart_at_its_headings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
