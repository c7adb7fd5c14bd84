/* What was sent: the list with its pages, one in full, the wish to withdraw, verdicts. */
#include "transcript.h"

#include <stdio.h>

static void test_an_empty_list_invites(void **state)
{
    (void)state;
    says("alo");
    says("sáng kiến của tôi");
    bot("list_empty");
    taps("Đăng ký sáng kiến");
    bot("consent");
}

static void test_the_list_shows_status_and_one_in_full(void **state)
{
    (void)state;
    submitted();
    taps("Sáng kiến của tôi");
    bot("list_mine");
    bot_says("1. Đồ gá kẹp bo mạch khi hàn tay – đã gửi");
    says("1");
    bot("detail");
    bot_says("(SK-T00000)");
    bot_says("22/07/2023");
    bot_says("50.000.000 đồng/năm");
    bot_says("nay một người kẹp vào đồ gá.");
    says("quay lại");
    bot("list_mine");
    says("quay lại");
    bot("welcome");
}

static void test_a_long_list_has_pages(void **state)
{
    (void)state;
    submitted();
    for (int i = 0; i < 6; i++) {
        struct initiative *copy = talloc_memdup(world->ctx, world->me->initiatives, sizeof(*copy));
        copy->id = 100 + i;
        copy->title = talloc_asprintf(world->ctx, "Bài số %d của em", i);
        copy->next = world->me->initiatives;
        world->me->initiatives = copy;
    }
    says("sáng kiến của tôi");
    bot_says("7 sáng kiến");
    bot_says("5. Bài số 1 của em");
    bot_never_says("Bài số 0");
    taps("Xem thêm");
    bot("list_mine");
    bot_says("1. Bài số 0 của em");
    says("2");
    bot("detail");
    bot_says("SK-T00000");
}

static void test_numbers_that_are_not_in_the_list_are_not_understood(void **state)
{
    (void)state;
    submitted();
    says("sáng kiến của tôi");
    says("4"); /* not "gặp cán bộ": the numbers belong to the list */
    bot("list_unclear");
    says("do ga kep bo mach khi han tay");
    bot("detail");
}

static void test_a_wish_to_withdraw_goes_to_a_person(void **state)
{
    (void)state;
    int64_t id = submitted();
    says("rút sáng kiến");
    bot("list_mine");
    bot_says("rút sáng kiến số mấy");
    says("1");
    bot("withdraw_ask");
    taps("Nhờ cán bộ rút giúp");
    bot("withdraw_wished");
    assert_string_equal(world->me->tickets->topic, "withdraw");
    assert_int_equal(world->me->tickets->initiative_id, id);
    assert_string_equal(world->out.patches->field, "withdraw_wish");
    assert_string_equal(world->me->initiatives->status, STATUS_SUBMITTED); /* a person decides */
}

static void test_somebody_elses_initiative_is_not_shown(void **state)
{
    (void)state;
    int64_t id = submitted();
    i_am("u2");
    registered("Trần Thị Bình");
    char payload[64];
    snprintf(payload, sizeof(payload), "#b1:*:view.%lld", (long long)id);
    taps_payload(payload);
    bot("not_found ask_title");
    snprintf(payload, sizeof(payload), "#b1:*:edit_of.%lld", (long long)id);
    taps_payload(payload);
    bot("not_found ask_title");
    bot_never_says("nay một người");
}

static void test_verdicts_are_told(void **state)
{
    (void)state;
    submitted();
    gets_mail("verdict", "{\"status\":\"recognised\",\"title\":\"Đồ gá\",\"code\":\"SK-T00000\",\"level\":\"Công đoàn cơ sở\"}");
    bot("status_recognised");
    bot_says("Công đoàn cơ sở công nhận");
    char payload[200];
    snprintf(payload, sizeof(payload),
             "{\"status\":\"duplicate\",\"title\":\"Đồ gá\",\"code\":\"SK-T00000\",\"code_other\":\"SK-B\",\"initiative_id\":\"%lld\"}",
             (long long)world->me->initiatives->id);
    world->me->initiatives->status = "duplicate";
    gets_mail("verdict", payload);
    bot("status_duplicate");
    taps("Giải thích thêm");
    bot("appeal_ask");
    says("khác");
    bot("appeal_unclear");
    says("cách kẹp của em khác, dùng lò xo");
    bot("appeal_noted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_an_empty_list_invites),
        T(test_the_list_shows_status_and_one_in_full),
        T(test_a_long_list_has_pages),
        T(test_numbers_that_are_not_in_the_list_are_not_understood),
        T(test_a_wish_to_withdraw_goes_to_a_person),
        T(test_somebody_elses_initiative_is_not_shown),
        T(test_verdicts_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
