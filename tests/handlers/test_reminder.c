/* Reminders: said while there is something to do, with a way to it. */
#include "transcript.h"

static void reminded(const char *kind, int64_t about)
{
    char payload[200];
    snprintf(payload, sizeof(payload), "{\"id\":\"77\",\"kind\":\"%s\",\"about\":\"%lld\",\"until\":\"%lld\",\"wave\":\"Đợt 1\",\"days\":\"2\"}",
             kind, (long long)about, (long long)world->now_ms + 60 * 60 * 1000);
    gets_mail("nudge", payload);
}

/* The row of it, which came with that id, tells why nothing was said. */
static void nothing_is_said_because(const char *reason)
{
    silent();
    assert_int_equal(world->out.nudge.id, 77);
    assert_int_equal(world->out.nudge.reply_id, 0);
    assert_string_equal(world->out.nudge.reason, reason);
}

static void test_a_draft_is_reminded_of_and_taken_up_where_it_stands(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    pass_ms(60 * 60 * 1000); /* who is just telling is not interrupted */
    reminded("draft", dialog_now()->draft.id);
    bot("remind_draft");
    bot_says("3 bước");
    assert_int_equal(world->out.nudge.id, 77);
    assert_true(world->out.nudge.reply_id == world->out.replies->id && !world->out.nudge.reason);
    taps("Làm tiếp");
    state_is("description");
}

static void test_only_the_benefit_missing_is_said_so(void **state)
{
    (void)state;
    at_benefit();
    reminded("draft", dialog_now()->draft.id);
    bot("remind_missing_benefit");
    taps("Bổ sung ngay");
    state_is("benefit");
}

static void test_what_is_no_longer_there_is_not_reminded_of(void **state)
{
    (void)state;
    at_benefit();
    reminded("draft", dialog_now()->draft.id + 1);
    nothing_is_said_because("gone");
    reminded("returned", 5);
    nothing_is_said_because("gone");
    reminded("nonsense", dialog_now()->draft.id);
    silent();
    gets_mail("nudge", "{}");
    silent();
}

static void test_nobody_is_reminded_who_does_not_want_it(void **state)
{
    (void)state;
    at_benefit();
    int64_t draft = dialog_now()->draft.id;
    reminded("draft", draft);
    bot("remind_missing_benefit");
    taps("Dừng nhắc");
    reminded("draft", draft);
    nothing_is_said_because("opted_out");
    reminded("wave", 1);
    nothing_is_said_because("opted_out");
}

static void test_a_reminder_whose_hour_has_passed_is_not_said(void **state)
{
    (void)state;
    at_benefit();
    char payload[200];
    snprintf(payload, sizeof(payload), "{\"id\":\"77\",\"kind\":\"draft\",\"about\":\"%lld\",\"until\":\"%lld\"}", (long long)dialog_now()->draft.id,
             (long long)world->now_ms - 1);
    gets_mail("nudge", payload);
    nothing_is_said_because("late");
}

static void test_a_broadcast_that_was_quicker_takes_the_place_of_a_third_reminder(void **state)
{
    (void)state;
    at_benefit();
    int64_t draft = dialog_now()->draft.id;
    world->reminders = 3;
    reminded("draft", draft);
    nothing_is_said_because("capped");
    world->reminders = 2;
    reminded("draft", draft);
    bot("remind_missing_benefit");
}

static void test_one_that_was_sent_back_comes_with_the_note_and_leads_to_the_field(void **state)
{
    (void)state;
    int64_t id = submitted();
    world->me->initiatives->status = STATUS_RETURNED;
    world->me->initiatives->review_note = "Nói rõ hơn cách làm giúp em.";
    reminded("returned", id);
    bot("remind_returned");
    bot_says("Nói rõ hơn cách làm giúp em.");
    taps("Bổ sung ngay");
    state_is("edit_menu");
}

static void test_the_end_of_a_wave_is_told_with_the_draft_there_is(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("quay lại");
    says("menu");
    reminded("wave", 1);
    bot("remind_wave");
    bot_says("Còn 2 ngày là kết thúc Đợt 1.");
    taps("Đăng ký sáng kiến");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    pass_ms(60 * 60 * 1000);
    reminded("wave", 2);
    bot("remind_wave_draft");
    bot_says("Đồ gá kẹp bo mạch khi hàn tay");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_draft_is_reminded_of_and_taken_up_where_it_stands, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_only_the_benefit_missing_is_said_so, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_longer_there_is_not_reminded_of, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_nobody_is_reminded_who_does_not_want_it, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_reminder_whose_hour_has_passed_is_not_said, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_broadcast_that_was_quicker_takes_the_place_of_a_third_reminder, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_one_that_was_sent_back_comes_with_the_note_and_leads_to_the_field, world_setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_the_end_of_a_wave_is_told_with_the_draft_there_is, world_setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
