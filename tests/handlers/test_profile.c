/* Consent before anything is kept; names of any script; units found, picked or kept as typed. */
#include "transcript.h"

static void test_nothing_is_kept_before_consent(void **state)
{
    (void)state;
    says("Đồ gá kẹp bo mạch khi hàn tay"); /* the harness checks every turn before consent */
    bot("welcome");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    bot("menu_unclear");
    sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("media_before_consent");
    assert_null(world->me->evidence);
    says("gặp cán bộ");
    bot("consent");
    assert_null(world->me->tickets);
    says("Hoa đây ạ, em hỏi chút");
    bot("consent_unclear");
    says("không đồng ý");
    bot("consent_declined");
    assert_int_equal(world->me->person.consent_at_ms, 0);
}

static void test_consent_remembers_what_was_wanted(void **state)
{
    (void)state;
    says("gặp cán bộ");
    bot("hello consent");
    taps("Đồng ý");
    bot("handoff_done+handoff_ask");
    assert_non_null(world->me->tickets);
    assert_string_equal(world->me->person.consent_version, "1");
}

static void test_the_details_of_consent_are_shown_and_the_question_returns(void **state)
{
    (void)state;
    says("đăng ký");
    taps("Xem chi tiết");
    bot("privacy consent");
    bot_says("365 ngày");
    says("1");
    bot("ask_name");
}

static void test_names_of_any_script_are_names(void **state)
{
    (void)state;
    static const char *const good[] = {"Nguyễn Thị Hoa", "huy hoàng", "Y Ban Niê", "O'Neil Trần", "Đinh H'Rê",
                                       "นภา สุขใจ", "Ли Минь"};
    static const char *const bad[] = {"0912345678", "x", "<b>Hoa</b>", "Hoa 1990", "😀😀"};
    says("đăng ký");
    says("đồng ý");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        says(bad[i]);
        state_is("name");
        assert_null(world->me->person.full_name);
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        world->me->conv.state = "name";
        says(good[i]);
        assert_string_equal(world->me->person.full_name, good[i]);
    }
}

static void test_a_single_word_is_asked_once_and_then_taken(void **state)
{
    (void)state;
    says("đăng ký");
    says("đồng ý");
    says("Huy"); /* a name here, not a command */
    bot("name_full");
    says("Huy");
    bot("ask_unit");
    assert_string_equal(world->me->person.full_name, "Huy");
}

static void test_commands_count_in_name_and_unit_with_a_sign_only(void **state)
{
    (void)state;
    says("đăng ký");
    says("đồng ý");
    says("#huongdan");
    bot("help_name ask_name");
    says("/huy");
    bot("cancelled_empty");
    says("đăng ký");
    bot("ask_name");
}

static void test_a_unit_typed_exactly_is_taken_directly(void **state)
{
    (void)state;
    says("đăng ký");
    says("đồng ý");
    says("Nguyễn Thị Hoa");
    says("truong thcs tan my");
    bot("unit_taken+ask_title");
    bot_says("Em ghi đơn vị: Trường THCS Tân Mỹ.");
    assert_int_equal(world->me->person.unit_id, 13);
}

static void test_a_unit_that_is_not_in_the_list_is_kept_as_typed(void **state)
{
    (void)state;
    says("đăng ký");
    says("đồng ý");
    says("Nguyễn Thị Hoa");
    says("trường thcs tân");
    bot("unit_candidates");
    says("9");
    bot("unit_pick_unclear");
    taps("Không có trong danh sách");
    bot("unit_taken+ask_title");
    assert_int_equal(world->me->person.unit_id, 0);
    assert_string_equal(world->me->person.unit_text, "trường thcs tân");
}

static void test_an_unknown_unit_is_kept_or_typed_again(void **state)
{
    (void)state;
    says("đăng ký");
    says("đồng ý");
    says("Nguyễn Thị Hoa");
    says("Xưởng mộc Năm Sao");
    bot("unit_not_found");
    bot_says("Xưởng mộc Năm Sao");
    taps("Gõ lại tên");
    bot("ask_unit");
    says("Xưởng mộc Sáu Sao");
    says("làm tiếp");
    bot("unit_taken+ask_title");
    assert_string_equal(world->me->person.unit_text, "Xưởng mộc Sáu Sao");
}

static void test_name_and_unit_are_edited_later(void **state)
{
    (void)state;
    at_confirm();
    says("sửa 5");
    bot("edit_show_old");
    says("Nguyễn Thị Hoa Mai");
    bot("edit_done+confirm_summary");
    assert_string_equal(world->me->person.full_name, "Nguyễn Thị Hoa Mai");
}

static void test_contact_details_shared_in_zalo_are_kept_after_consent_only(void **state)
{
    (void)state;
    says("alo");
    sends(IN_SUBMIT_INFO, "Nguyễn Thị Hoa", "84912345678");
    bot("info_before_consent");
    assert_null(world->me->person.phone);
    says("đăng ký");
    says("đồng ý");
    sends(IN_SUBMIT_INFO, "Nguyễn Thị Hoa", "84912345678");
    bot("info_thanks+ask_unit");
    assert_string_equal(world->me->person.phone, "84912345678");
    assert_string_equal(world->me->person.full_name, "Nguyễn Thị Hoa");
}

static void test_the_words_before_a_name_are_no_name(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *name;
    } cases[] = {{"tôi là Nguyễn Văn Hùng", "Nguyễn Văn Hùng"}, {"Tên em là Lê Thị Cúc", "Lê Thị Cúc"},
                 {"em la nguyen thi hoa", "nguyen thi hoa"},     {"Em La Thị Hoa", "Em La Thị Hoa"},
                 {"Vũ Thị Em", "Vũ Thị Em"},                     {"toi ten Tran Van Ba", "Tran Van Ba"}};
    says("đăng ký");
    says("đồng ý");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        world->me->conv.state = "name";
        says(cases[i].typed);
        assert_string_equal(world->me->person.full_name, cases[i].name);
    }
}

static void test_a_name_typed_small_is_greeted_with_a_capital(void **state)
{
    (void)state;
    registered("đỗ thị ánh");
    says("cảm ơn em");
    bot_says("anh/chị Ánh");
    assert_string_equal(world->me->person.full_name, "đỗ thị ánh");
}

static void test_a_thumb_as_the_first_word_is_welcomed(void **state)
{
    (void)state;
    says("👍");
    bot("welcome");
}

static void test_a_picture_at_the_consent_asks_one_thing(void **state)
{
    (void)state;
    says("đăng ký");
    sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("media_before_yes+consent");
    assert_null(world->me->evidence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_nothing_is_kept_before_consent),
        T(test_consent_remembers_what_was_wanted),
        T(test_the_details_of_consent_are_shown_and_the_question_returns),
        T(test_names_of_any_script_are_names),
        T(test_a_single_word_is_asked_once_and_then_taken),
        T(test_commands_count_in_name_and_unit_with_a_sign_only),
        T(test_a_unit_typed_exactly_is_taken_directly),
        T(test_a_unit_that_is_not_in_the_list_is_kept_as_typed),
        T(test_an_unknown_unit_is_kept_or_typed_again),
        T(test_name_and_unit_are_edited_later),
        T(test_contact_details_shared_in_zalo_are_kept_after_consent_only),
        T(test_the_words_before_a_name_are_no_name),
        T(test_a_name_typed_small_is_greeted_with_a_capital),
        T(test_a_thumb_as_the_first_word_is_welcomed),
        T(test_a_picture_at_the_consent_asks_one_thing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
