/* The straight way: from the first word to the receipt, and the next initiative after it. */
#include "transcript.h"

static void test_first_message_is_greeted_with_the_menu(void **state)
{
    (void)state;
    says("alo");
    bot("welcome");
}

static void test_a_follow_is_greeted_with_the_menu(void **state)
{
    (void)state;
    sends(IN_FOLLOW, NULL, NULL);
    bot("welcome");
    sends(IN_CHATNOW, NULL, NULL);
    bot("welcome");
}

static void test_straight_registration_ends_with_a_code(void **state)
{
    (void)state;
    sends(IN_FOLLOW, NULL, NULL);
    taps("Đăng ký sáng kiến");
    bot("consent");
    assert_null(world->me->person.full_name);
    taps("Đồng ý");
    bot("ask_name");
    says("Nguyễn Thị Hoa");
    bot("ask_unit");
    says("may viet yen");
    bot("unit_candidates");
    bot_says("1. Công ty TNHH May Việt Yên");
    says("2");
    bot("unit_taken+ask_title");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    bot("ask_description");
    says("Trước đây hai người giữ bo mạch mới hàn được.");
    bot("description_more");
    says("Nay em làm đồ gá có lò xo, một người làm được.");
    bot("description_more");
    taps("Viết xong");
    bot("ask_benefit");
    says("5 triệu/tháng");
    bot("benefit_echo_month");
    bot_says("5.000.000 đồng × 12 tháng = 60.000.000 đồng/năm");
    taps("Đúng rồi");
    bot("confirm_summary");
    bot_says("Mục 3, làm lợi: 60.000.000 đồng/năm (từ 5.000.000 đồng/tháng)");
    taps("Gửi sáng kiến");
    bot("submitted");
    bot_says("SK-T00000");

    const struct initiative *i = world->me->initiatives;
    assert_non_null(i);
    assert_string_equal(i->title, "Đồ gá kẹp bo mạch khi hàn tay");
    assert_string_equal(i->description,
                        "Trước đây hai người giữ bo mạch mới hàn được.\nNay em làm đồ gá có lò xo, một người làm được.");
    assert_int_equal(i->annual_benefit_vnd, 60000000);
    assert_string_equal(i->benefit_text, "5 triệu/tháng");
    assert_int_equal(i->unit_id, 12);
    assert_int_equal(world->out.replies->class, REPLY_RECEIPT);
}

static void test_the_next_initiative_keeps_name_and_unit(void **state)
{
    (void)state;
    submitted();
    taps("Thêm sáng kiến nữa");
    bot("ask_title");
    says("Xe đẩy ba tầng chở khay thành phẩm");
    bot("ask_description");
    says("Trước đây khuân tay từng khay, nay đẩy một lần ba tầng.");
    says("xong");
    says("20 triệu");
    says("ok");
    bot("confirm_summary");
    bot_says("Trường THCS Tân Mỹ");
    says("1");
    bot("submitted");
    assert_int_equal(world->me->initiatives->next->annual_benefit_vnd, 50000000);
    assert_true(world->me->initiatives->id != world->me->initiatives->next->id);
}

static void test_a_title_too_short_or_too_long_is_asked_again(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Gá");
    bot("title_too_short");
    char title[1001];
    memset(title, 'a', 1000);
    title[1000] = '\0';
    says(title);
    bot("title_kept_as_description"); /* nobody types it twice */
    says(title);
    bot("title_too_long");
    bot_says("200");
    title[200] = '\0';
    says(title);
    bot("description_so_far");
}

static void test_a_description_too_short_is_asked_for_more(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("viết xong");
    bot("description_too_short");
    says("ngắn quá");
    bot("description_more");
    says("viết xong");
    bot("description_too_short");
    says("nay một người làm được thay vì hai");
    taps("Viết xong");
    bot("ask_benefit");
}

static void test_a_description_may_be_written_anew_and_has_a_limit(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("bản viết đầu tiên, chưa ưng ý lắm");
    taps("Viết lại từ đầu");
    bot("description_reset+ask_description");
    char *text = talloc_size(world->ctx, 4102);
    memset(text, 'b', 4101);
    text[4101] = '\0';
    says(text);
    bot("description_too_long");
    says("Trước đây hai người giữ, nay một người kẹp.");
    says("viết xong");
    bot("ask_benefit");
    assert_string_equal(dialog_now()->draft.description, "Trước đây hai người giữ, nay một người kẹp.");
}

static void test_required_fields_cannot_be_skipped(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("bỏ qua");
    bot("skip_not_allowed ask_title");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("bỏ qua");
    bot("skip_not_allowed ask_description");
}

static void test_a_text_that_looks_like_a_title_is_offered_as_one(void **state)
{
    (void)state;
    submitted();
    says("Giá đỡ cuộn dây cáp ở kho vật tư");
    bot("fallback_menu");
    bot_says("Giá đỡ cuộn dây cáp ở kho vật tư");
    taps("Đúng, đăng ký");
    bot("ask_description");
    assert_string_equal(dialog_now()->draft.title, "Giá đỡ cuộn dây cáp ở kho vật tư");
}

static void test_the_ladder_of_misses_ends_with_a_person(void **state)
{
    (void)state;
    at_confirm();
    says("gì cơ nhỉ");
    bot("confirm_unclear");
    says("gì cơ nhỉ");
    bot("choices_lead+confirm_summary");
    says("gì cơ nhỉ");
    bot("offer_human");
    says("gì cơ nhỉ");
    bot("confirm_unclear");
    taps("Gặp cán bộ");
    bot("handoff_done+handoff_ask");
}

static void test_taking_up_a_draft_after_days_says_what_is_there(void **state)
{
    (void)state;
    at_benefit();
    pass_ms(3LL * 24 * 3600 * 1000);
    says("chào em");
    bot("welcome_back_draft");
    bot_says("Đồ gá kẹp bo mạch");
    bot_says("đã có tên và nội dung");
    taps("Làm tiếp");
    bot("ask_benefit");
    pass_ms(30LL * 24 * 3600 * 1000);
    says("50 triệu");
    bot("still_here+benefit_echo");
    says("đúng rồi");
    bot("confirm_summary");
}

static void test_drafts_are_put_aside_and_taken_up_again(void **state)
{
    (void)state;
    at_benefit();
    says("menu");
    taps("Viết sáng kiến khác");
    bot("ask_title");
    says("Xe đẩy ba tầng chở khay thành phẩm");
    says("hủy");
    bot("cancelled_kept");
    says("đăng ký");
    bot("welcome_back_draft");
    taps("Bản nháp khác");
    bot("drafts");
    bot_says("1. Đồ gá kẹp bo mạch");
    says("1");
    bot("still_here+ask_benefit");
    assert_string_equal(dialog_now()->draft.title, "Đồ gá kẹp bo mạch khi hàn tay");
    says("30 triệu");
    says("đúng rồi");
    says("gửi");
    bot("submitted");
    says("làm tiếp");
    bot("still_here+ask_description");
    assert_null(world->me->drafts);
}

static void test_a_sixth_draft_cannot_be_put_aside(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    for (int i = 0; i < 5; i++) {
        char title[64];
        snprintf(title, sizeof(title), "Sáng kiến số %d của tổ em", i);
        says(title);
        says("menu");
        taps("Viết sáng kiến khác");
        bot("ask_title");
    }
    says("Sáng kiến thứ sáu của tổ em");
    says("menu");
    taps("Viết sáng kiến khác");
    bot("drafts_full+drafts");
}

static void test_yes_and_no_end_the_description(void **state)
{
    (void)state;
    static const char *const ends[] = {"ok", "ko", "gửi", "👍"};
    registered("Nguyễn Thị Hoa");
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        says("Kệ để khuôn xoay");
        says("Trước phải bê khuôn nặng trên sàn, nay xoay là tới.");
        says(ends[i]);
        bot("ask_benefit");
        assert_string_equal(dialog_now()->draft.description, "Trước phải bê khuôn nặng trên sàn, nay xoay là tới.");
        says("đăng ký");
        taps("Viết sáng kiến khác");
    }
}

static void test_yes_before_anything_is_written_is_no_description(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Kệ để khuôn xoay");
    says("ngắn");
    bot("description_more");
    says("ok");
    bot("description_too_short");
    assert_string_equal(dialog_now()->draft.partial, "ngắn");
}

static void test_a_list_with_nothing_sent_names_what_is_being_written(void **state)
{
    (void)state;
    at_confirm();
    says("sáng kiến của tôi");
    bot("list_none_sent+confirm_summary");
}

static void test_drafts_put_aside_are_shown_when_one_is_to_be_deleted(void **state)
{
    (void)state;
    at_confirm();
    says("đăng ký");
    taps("Viết sáng kiến khác");
    bot("ask_title");
    says("hủy");
    says("xóa bản nháp");
    bot("drafts"); /* the one at hand is empty */
}

static void test_what_is_added_to_a_description_keeps_the_old_one(void **state)
{
    (void)state;
    at_confirm();
    char *old = strdup(dialog_now()->draft.description);
    says("sửa nội dung");
    bot("edit_show_description");
    says("thêm: đã dùng hai vụ");
    bot("description_more");
    says("xong");
    bot("edit_done+confirm_summary");
    const char *now = dialog_now()->draft.description;
    assert_true(strncmp(now, old, strlen(old)) == 0 && strstr(now, "đã dùng hai vụ"));
    says("gửi");
    says("sửa nội dung");
    says("them la do dau lung");
    says("xong");
    bot("edit_done_sent");
    now = world->me->initiatives->description;
    assert_true(strncmp(now, old, strlen(old)) == 0 && strstr(now, "hai vụ") && strstr(now, "do dau lung"));
    free(old);
}

enum { HOUR_MS = 3600 * 1000, DAY_MS = 24 * HOUR_MS };

static int64_t filed_at(int64_t sent_at_ms, int64_t arrived_at_ms)
{
    at_confirm();
    world->sent_at_ms = sent_at_ms;
    world->arrived_at_ms = arrived_at_ms;
    says("gửi");
    world->sent_at_ms = world->arrived_at_ms = 0;
    return world->me->initiatives->submitted_at_ms;
}

static void test_an_initiative_is_filed_when_it_was_sent_but_at_most_a_day_before_it_came(void **state)
{
    (void)state;
    int64_t now = world->now_ms + HOUR_MS;
    world->now_ms = now;
    assert_int_equal(filed_at(now - 5 * HOUR_MS, 0), now - 5 * HOUR_MS);
    i_am("u2");
    int64_t filed = filed_at(now - 50 * HOUR_MS, 0);
    assert_true(filed >= now - 24 * HOUR_MS && filed < now - 23 * HOUR_MS);
    i_am("u3");
    assert_int_equal(filed_at(now - 80 * HOUR_MS, now - 70 * HOUR_MS), now - 80 * HOUR_MS); /* our outage of three days */
    i_am("u4");
    filed = filed_at(now + 90 * HOUR_MS, 0);
    assert_true(filed >= now && filed < now + HOUR_MS); /* nobody is ahead of the clock */
}

static void test_after_the_end_of_a_wave_its_end_is_told_with_the_receipt(void **state)
{
    (void)state;
    world->wave_end = (struct wave_end){.name = "Đợt 1", .ends_on = "10/08/2023", .closes_at_ms = world->now_ms + HOUR_MS};
    at_confirm();
    says("gửi");
    bot("submitted"); /* sent in time, whatever the clock here says by now */
    world->wave_end.closes_at_ms = world->now_ms - HOUR_MS;
    i_am("u2");
    at_confirm();
    says("gửi");
    bot("after_deadline+submitted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_first_message_is_greeted_with_the_menu),
        T(test_a_follow_is_greeted_with_the_menu),
        T(test_straight_registration_ends_with_a_code),
        T(test_the_next_initiative_keeps_name_and_unit),
        T(test_a_title_too_short_or_too_long_is_asked_again),
        T(test_a_description_too_short_is_asked_for_more),
        T(test_a_description_may_be_written_anew_and_has_a_limit),
        T(test_required_fields_cannot_be_skipped),
        T(test_a_text_that_looks_like_a_title_is_offered_as_one),
        T(test_the_ladder_of_misses_ends_with_a_person),
        T(test_taking_up_a_draft_after_days_says_what_is_there),
        T(test_drafts_are_put_aside_and_taken_up_again),
        T(test_a_sixth_draft_cannot_be_put_aside),
        T(test_yes_and_no_end_the_description),
        T(test_yes_before_anything_is_written_is_no_description),
        T(test_a_list_with_nothing_sent_names_what_is_being_written),
        T(test_drafts_put_aside_are_shown_when_one_is_to_be_deleted),
        T(test_what_is_added_to_a_description_keeps_the_old_one),
        T(test_an_initiative_is_filed_when_it_was_sent_but_at_most_a_day_before_it_came),
        T(test_after_the_end_of_a_wave_its_end_is_told_with_the_receipt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
