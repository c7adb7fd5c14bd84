/* What is kept is shown, erased after a question, and at once when Zalo says so. */
#include "transcript.h"

static void test_my_data_shows_what_is_kept(void **state)
{
    (void)state;
    says("dữ liệu của tôi");
    bot("hello my_data_none");
    at_benefit();
    says("dữ liệu của tôi");
    bot("my_data ask_benefit");
    bot_says("Nguyễn Thị Hoa");
    bot_says("Trường THCS Tân Mỹ");
    bot_says("1 bản nháp");
}

static void test_erasure_asks_first(void **state)
{
    (void)state;
    at_benefit();
    says("xóa dữ liệu của tôi");
    bot("erase_ask");
    assert_false(world->out.erase);
    taps("Giữ lại");
    bot("erase_kept+ask_benefit");
    says("xóa dữ liệu của tôi");
    taps("Xóa hết");
    bot("erased");
    assert_true(world->out.erase);
    assert_null(world->out.person);
    assert_int_equal(world->me->erasures, 1);
    assert_null(world->me->person.full_name);
    assert_int_equal(dialog_now()->draft.id, 0);
    assert_null(strstr(world->me->conv.draft, "Hoa"));
    assert_null(strstr(world->me->conv.draft, "Đồ gá"));
    says("alo");
    bot("welcome");
}

static void test_withdrawal_through_zalo_erases_without_asking(void **state)
{
    (void)state;
    at_confirm();
    sends(IN_WITHDRAW, NULL, NULL);
    bot("erased");
    bot_never_says("Hoa");
    assert_true(world->out.erase);
    state_is("menu");
}

static void test_withdrawal_counts_while_a_person_answers(void **state)
{
    (void)state;
    at_benefit();
    world->me->conv.owner = "user:c1";
    world->me->conv.owner_until_ms = world->now_ms + 600000;
    sends(IN_WITHDRAW, NULL, NULL);
    bot("erased");
}

static void test_privacy_says_what_why_and_how_long(void **state)
{
    (void)state;
    submitted();
    says("dữ liệu của tôi");
    taps("Giữ để làm gì?");
    bot("privacy");
    bot_says("Em giữ:");
    bot_says("Để làm gì:");
    bot_says("365 ngày");
}

static void test_unfollow_is_silent_and_a_new_follow_says_what_is_there(void **state)
{
    (void)state;
    at_benefit();
    sends(IN_UNFOLLOW, NULL, NULL);
    silent();
    assert_false(world->me->person.follows);
    sends(IN_FOLLOW, NULL, NULL);
    bot("welcome_back_draft");
    assert_true(world->me->person.follows);
    bot_says("Đồ gá kẹp bo mạch khi hàn tay");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_my_data_shows_what_is_kept),
        T(test_erasure_asks_first),
        T(test_withdrawal_through_zalo_erases_without_asking),
        T(test_withdrawal_counts_while_a_person_answers),
        T(test_privacy_says_what_why_and_how_long),
        T(test_unfollow_is_silent_and_a_new_follow_says_what_is_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
