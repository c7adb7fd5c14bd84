/* Corrections: any field by name or number before sending; after sending while the initiative is still open. */
#include "transcript.h"

#include <stdio.h>

static void test_a_field_is_edited_by_its_number(void **state)
{
    (void)state;
    at_confirm();
    says("sửa mục 3");
    bot("edit_show_benefit");
    bot_says("50.000.000 đồng/năm");
    says("60 triệu");
    bot("benefit_echo");
    says("ok");
    bot("edit_done+confirm_summary");
    bot_says("60.000.000 đồng/năm");
    says("sửa 1");
    bot("edit_show_old");
    says("Đồ gá kẹp bo mạch có lò xo");
    bot("edit_done+confirm_summary");
    bot_says("có lò xo");
}

static void test_a_field_is_edited_by_its_name(void **state)
{
    (void)state;
    at_confirm();
    says("sửa mô tả");
    bot("edit_show_description");
    says("Nội dung mới kể lại đầy đủ hơn trước.");
    bot("description_more");
    says("viết xong");
    bot("edit_done+confirm_summary");
    bot_says("Nội dung mới kể lại");
    says("em muốn đổi tên sáng kiến");
    bot("edit_show_old");
    taps("Giữ như cũ");
    bot("kept+confirm_summary");
}

static void test_the_edit_menu_is_chosen_by_digit_or_label(void **state)
{
    (void)state;
    at_confirm();
    says("2");
    bot("edit_menu");
    says("4");
    bot("edit_show_unit");
    says("may viet yen");
    bot("unit_candidates");
    says("1");
    bot("unit_taken+confirm_summary");
    bot_says("Công ty TNHH May Việt Yên");
    assert_int_equal(world->me->person.unit_id, 13); /* the draft's unit only */
    taps("Sửa");
    says("noi dung");
    bot("edit_show_description");
    says("quay lại");
    bot("kept+confirm_summary");
}

static void test_the_unit_of_the_last_initiative_is_kept_for_the_next(void **state)
{
    (void)state;
    at_confirm();
    says("sửa mục 4");
    says("may viet yen");
    says("2");
    says("gửi");
    bot("submitted");
    assert_int_equal(world->me->initiatives->unit_id, 12);
    assert_int_equal(world->me->person.unit_id, 12);
}

static void test_a_field_is_edited_in_the_middle(void **state)
{
    (void)state;
    at_benefit();
    says("sửa tên");
    bot("edit_show_old");
    says("Đồ gá kẹp bo mạch có lò xo");
    bot("edit_done+ask_benefit");
}

static void test_nothing_to_edit_yet(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("sửa");
    bot("nothing_to_edit ask_title");
}

static void test_a_draft_is_deleted_after_a_question(void **state)
{
    (void)state;
    at_confirm();
    says("xóa nháp");
    bot("delete_draft_ask");
    taps("Giữ lại");
    bot("draft_kept+confirm_summary");
    says("xóa nháp");
    int64_t id = dialog_now()->draft.id;
    says("có");
    bot("delete_draft_done");
    assert_int_equal(world->out.dropped->id, id);
    assert_int_equal(dialog_now()->draft.id, 0);
    says("xóa nháp");
    bot("delete_not_draft");
}

static void test_what_was_sent_is_edited_while_open(void **state)
{
    (void)state;
    int64_t id = submitted();
    says("sáng kiến của tôi");
    bot("list_mine");
    says("1");
    bot("detail");
    taps("Sửa");
    bot("edit_menu");
    taps("Giá trị làm lợi");
    bot("edit_show_benefit");
    bot_says("50.000.000");
    says("70 triệu");
    bot("benefit_echo");
    taps("Đúng rồi");
    bot("edit_done_sent");
    assert_int_equal(world->out.patches->initiative_id, id);
    assert_string_equal(world->out.patches->field, "benefit");
    assert_int_equal(world->me->initiatives->annual_benefit_vnd, 70000000);
    says("sửa sáng kiến");
    bot("list_mine");
    bot_says("sửa sáng kiến số mấy");
    says("1");
    bot("edit_menu");
    says("2");
    bot("edit_show_description");
    says("Nội dung mới, kể lại đầy đủ hơn trước nhiều.");
    says("viết xong");
    bot("edit_done_sent");
    assert_string_equal(world->me->initiatives->description, "Nội dung mới, kể lại đầy đủ hơn trước nhiều.");
}

static void test_a_correction_right_after_the_receipt_is_of_what_was_sent(void **state)
{
    (void)state;
    submitted();
    says("sửa số tiền");
    bot("edit_show_benefit");
    says("60 triệu");
    says("đúng");
    bot("edit_done_sent");
    assert_int_equal(world->me->initiatives->annual_benefit_vnd, 60000000);
}

static void test_what_was_judged_is_not_edited(void **state)
{
    (void)state;
    submitted();
    says("menu");
    world->me->initiatives->status = STATUS_VALID;
    says("sửa sáng kiến");
    says("1");
    bot("edit_locked list_mine");
}

static void test_a_verdict_in_the_middle_of_an_edit_locks_it(void **state)
{
    (void)state;
    submitted();
    says("menu");
    says("sửa sáng kiến");
    says("1");
    says("1");
    bot("edit_show_old");
    world->me->initiatives->status = STATUS_VALID;
    says("Một cái tên khác hẳn cho bài này");
    bot("edit_locked_now");
    assert_null(world->out.patches);
}

static void test_a_returned_initiative_is_edited_from_the_verdict_and_the_draft_goes_on(void **state)
{
    (void)state;
    submitted();
    int64_t id = world->me->initiatives->id;
    says("đăng ký");
    says("Xe đẩy ba tầng chở khay thành phẩm");
    world->me->initiatives->status = STATUS_RETURNED;
    char payload[200];
    snprintf(payload, sizeof(payload),
             "{\"status\":\"returned\",\"title\":\"Đồ gá\",\"code\":\"SK-T00000\",\"note\":\"Thêm kết quả\","
             "\"initiative_id\":\"%lld\"}", (long long)id);
    pass_ms(600000);
    gets_mail("verdict", payload);
    bot("status_returned ask_description");
    bot_says("Thêm kết quả");
    taps("Bổ sung ngay");
    bot("edit_menu");
    taps("Tên sáng kiến");
    bot("edit_show_old");
    says("Đồ gá kẹp bo mạch có lò xo");
    bot("edit_done_sent+ask_description");
    assert_string_equal(world->me->initiatives->title, "Đồ gá kẹp bo mạch có lò xo");
    assert_string_equal(dialog_now()->draft.title, "Xe đẩy ba tầng chở khay thành phẩm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_a_field_is_edited_by_its_number),
        T(test_a_field_is_edited_by_its_name),
        T(test_the_edit_menu_is_chosen_by_digit_or_label),
        T(test_the_unit_of_the_last_initiative_is_kept_for_the_next),
        T(test_a_field_is_edited_in_the_middle),
        T(test_nothing_to_edit_yet),
        T(test_a_draft_is_deleted_after_a_question),
        T(test_what_was_sent_is_edited_while_open),
        T(test_a_correction_right_after_the_receipt_is_of_what_was_sent),
        T(test_what_was_judged_is_not_edited),
        T(test_a_verdict_in_the_middle_of_an_edit_locks_it),
        T(test_a_returned_initiative_is_edited_from_the_verdict_and_the_draft_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
