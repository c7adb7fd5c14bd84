/* Messages out of order: lines of a title, and events that come after newer ones took effect. */
#include "transcript.h"

#include <string.h>

static void test_a_title_sent_in_three_lines_is_one_title(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    int64_t typed = world->now_ms + 15000; /* before the bot's answer to the first line */
    world->sent_at_ms = typed;
    says("Đồ gá kẹp bo mạch");
    bot("ask_description");
    world->step_ms = 300;
    world->sent_at_ms = typed + 1000;
    says("khi hàn tay");
    bot("title_joined+ask_description");
    world->sent_at_ms = typed + 2000;
    says("ở chuyền 5");
    bot("title_joined+ask_description");
    bot_says("\"Đồ gá kẹp bo mạch khi hàn tay ở chuyền 5\"");
    assert_string_equal(dialog_now()->draft.title, "Đồ gá kẹp bo mạch khi hàn tay ở chuyền 5");
    world->sent_at_ms = 0;
    world->step_ms = 20000;
    says("Trước đây hai người giữ.");
    bot("description_more");
}

static void test_a_joined_title_keeps_its_limit(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    char title[181];
    memset(title, 'a', 180);
    title[180] = '\0';
    int64_t typed = world->now_ms + 15000;
    world->sent_at_ms = typed;
    says(title);
    world->step_ms = 300;
    says("một dòng nữa dài hơn phần còn lại của tên");
    bot("description_more"); /* too long for a title: it is the description then */
    assert_string_equal(dialog_now()->draft.title, title);
}

static void test_a_first_line_too_short_is_completed_by_the_second(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    int64_t typed = world->now_ms + 15000;
    world->sent_at_ms = typed;
    says("Gá");
    bot("title_too_short");
    world->step_ms = 300;
    says("kẹp bo");
    bot("ask_description");
    assert_string_equal(dialog_now()->draft.title, "Gá kẹp bo");
}

static void test_a_late_command_or_tap_gets_the_old_tap_answer(void **state)
{
    (void)state;
    at_benefit();
    world->late = true;
    says("hủy");
    bot("old_tap ask_benefit");
    state_is("benefit");
    taps("Chưa ước tính được");
    bot("old_tap ask_benefit");
    says("xóa nháp");
    bot("old_tap ask_benefit");
}

static void test_a_late_text_is_appended_while_collecting(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("Nay một người kẹp.");
    world->late = true;
    says("Trước đây hai người giữ.");
    bot("description_more");
    assert_string_equal(dialog_now()->draft.partial, "Nay một người kẹp.\nTrước đây hai người giữ.");
}

static void test_a_late_text_elsewhere_is_new_text(void **state)
{
    (void)state;
    at_benefit();
    world->late = true;
    says("50 triệu");
    bot("benefit_echo");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_a_title_sent_in_three_lines_is_one_title),
        T(test_a_joined_title_keeps_its_limit),
        T(test_a_first_line_too_short_is_completed_by_the_second),
        T(test_a_late_command_or_tap_gets_the_old_tap_answer),
        T(test_a_late_text_is_appended_while_collecting),
        T(test_a_late_text_elsewhere_is_new_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
