/* More messages than a person types: one notice, then silence, and nothing is lost. */
#include "transcript.h"

enum { LIMIT = 20 };

static int setup(void **state)
{
    int failed = world_setup(state);
    world->messages_per_minute = LIMIT;
    return failed;
}

/* So often that the minute is used up; time stands nearly still. */
static void flood_with(const char *text, int count)
{
    world->step_ms = 50;
    for (int i = 0; i < count; i++)
        says(text);
}

static void flood(int count)
{
    flood_with("alo", count);
}

static void quiet_minute(void)
{
    world->step_ms = 0;
    pass_ms(61 * 1000);
}

static void test_one_notice_then_silence(void **state)
{
    (void)state;
    flood(LIMIT);
    assert_non_null(world->out.replies);
    flood(1);
    bot("rate_limited");
    for (int i = 0; i < 100; i++) {
        flood(1);
        silent();
    }
}

static void test_twenty_in_a_minute_are_all_answered(void **state)
{
    (void)state;
    world->step_ms = 3000;
    for (int i = 0; i < 100; i++) {
        says("trợ giúp");
        bot_never_says("hơi nhanh");
        assert_non_null(world->out.replies);
    }
}

static void test_after_a_quiet_minute_the_question_is_answered_that_was_pending(void **state)
{
    (void)state;
    at_benefit();
    quiet_minute();
    flood_with("trợ giúp", LIMIT);
    flood_with("70 triệu", 50); /* understood at any other time */
    state_is("benefit");
    quiet_minute();
    says("50 triệu");
    assert_string_not_equal(world->me->conv.state, "benefit");
}

static void test_however_long_it_lasted_one_minute_is_enough_and_the_next_flood_is_told_again(void **state)
{
    (void)state;
    flood(2000);
    silent();
    quiet_minute();
    says("trợ giúp");
    bot("help_main");
    flood(LIMIT + 1);
    bot_never_says("help");
    world->step_ms = 50;
    bool told = false;
    quiet_minute();
    for (int i = 0; i < LIMIT + 5; i++) {
        says("alo");
        told |= world->said && strcmp(world->said, "rate_limited") == 0;
    }
    assert_true(told);
}

static void test_a_description_in_many_lines_loses_none(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    world->step_ms = 61 * 1000;
    says("Đồ gá kẹp bo mạch khi hàn tay");
    quiet_minute();
    world->step_ms = 100;
    for (int i = 0; i < 60; i++) {
        char line[64];
        snprintf(line, sizeof(line), "Bước thứ %d là kẹp chặt bo mạch lại.", i + 1);
        says(line);
        bot_never_says("hơi nhanh");
    }
    const char *partial = dialog_now()->draft.partial;
    assert_non_null(strstr(partial, "Bước thứ 1 là"));
    assert_non_null(strstr(partial, "Bước thứ 60 là"));
    int lines = 0;
    for (const char *p = partial; (p = strstr(p, "Bước thứ")); p++)
        lines++;
    assert_int_equal(lines, 60);
}

static void test_pictures_beyond_the_limit_are_all_kept(void **state)
{
    (void)state;
    at_benefit();
    quiet_minute();
    world->step_ms = 100;
    for (int i = 0; i < 40; i++)
        sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    assert_int_equal(dialog_now()->draft.evidence, 40);
}

static void test_the_buttons_on_show_stay_good(void **state)
{
    (void)state;
    at_confirm();
    quiet_minute();
    says("sao");
    flood_with("sao", LIMIT);
    bot("rate_limited");
    int64_t seq = dialog_now()->seq;
    char label[200];
    snprintf(label, sizeof(label), "%s", dialog_now()->shown[0].label);
    sends(IN_LOCATION, NULL, NULL); /* would ask again, and so make older buttons invalid */
    silent();
    assert_int_equal(dialog_now()->seq, seq);
    assert_string_equal(dialog_now()->shown[0].label, label);
}

static void test_no_more_reminders_takes_effect_in_the_middle_of_a_flood(void **state)
{
    (void)state;
    flood(LIMIT + 5);
    says("dừng nhắc");
    silent();
    assert_true(world->me->person.opted_out_at_ms > 0);
}

static void test_what_waited_in_the_spool_is_no_flood(void **state)
{
    (void)state;
    world->step_ms = 1;
    int64_t hour_ago = world->now_ms - 3600 * 1000;
    for (int i = 0; i < 100; i++) { /* one each half a minute, and all arrive now */
        world->sent_at_ms = hour_ago + i * 30000;
        says("trợ giúp");
        bot_never_says("hơi nhanh");
        assert_non_null(world->out.replies);
    }
}

static void test_staff_is_not_counted(void **state)
{
    (void)state;
    holds(ROLE_SUPPORT, 0);
    world->step_ms = 50;
    for (int i = 0; i < 3 * LIMIT; i++) {
        says("trợ giúp");
        bot_never_says("hơi nhanh");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_notice_then_silence, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_twenty_in_a_minute_are_all_answered, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_after_a_quiet_minute_the_question_is_answered_that_was_pending, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_however_long_it_lasted_one_minute_is_enough_and_the_next_flood_is_told_again, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_a_description_in_many_lines_loses_none, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_pictures_beyond_the_limit_are_all_kept, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_the_buttons_on_show_stay_good, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_no_more_reminders_takes_effect_in_the_middle_of_a_flood, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_what_waited_in_the_spool_is_no_flood, setup, world_teardown),
        cmocka_unit_test_setup_teardown(test_staff_is_not_counted, setup, world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
