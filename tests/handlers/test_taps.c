/* Buttons: what a tap means now, what an old one means, and what forged ones cannot do. */
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void test_an_old_tap_is_refused_and_the_question_asked_again(void **state)
{
    (void)state;
    at_confirm();
    char *send = strdup(payload_on_show("Gửi sáng kiến"));
    says("sửa mục 3");
    says("60 triệu");
    says("đúng rồi");
    bot("edit_done+confirm_summary");
    taps_payload(send); /* of the summary that showed 50 triệu */
    bot("old_tap confirm_summary");
    assert_null(world->me->initiatives);
    free(send);
}

static void test_the_same_tap_within_ten_seconds_is_silent(void **state)
{
    (void)state;
    at_confirm();
    char *send = strdup(payload_on_show("Gửi sáng kiến"));
    taps_payload(send);
    bot("submitted");
    world->step_ms = 3000;
    taps_payload(send);
    silent();
    world->step_ms = 20000;
    taps_payload(send);
    bot("already_submitted");
    assert_null(world->me->initiatives->next);
    free(send);
}

static void test_command_buttons_are_valid_for_ever(void **state)
{
    (void)state;
    sends(IN_FOLLOW, NULL, NULL);
    char *list = strdup(payload_on_show("Sáng kiến của tôi"));
    at_benefit();
    taps_payload(list);
    bot("list_none_sent+ask_benefit");
    free(list);
}

static void test_an_interruption_does_not_make_the_buttons_old(void **state)
{
    (void)state;
    at_confirm();
    char *send = strdup(payload_on_show("Gửi sáng kiến"));
    says("hướng dẫn");
    bot("help_confirm confirm_summary");
    taps_payload(send);
    bot("submitted");
    free(send);
}

static void test_labels_may_be_typed_without_accents(void **state)
{
    (void)state;
    sends(IN_FOLLOW, NULL, NULL);
    says("DANG KY SANG KIEN");
    bot("consent");
    says("khong dong y");
    bot("consent_declined");
    says("đăng ký");
    says("Dong y!");
    bot("ask_name");
}

static void test_forged_payloads_do_nothing(void **state)
{
    (void)state;
    static const char *const forged[] = {
        "#b1:", "#b1::", "#b1:confirm", "#b1:confirm.1", "#b1:confirm.1:", "#b1:confirm.0:yes", "#b1:*:yes", "#b1:*:cancel",
        "#b1:*:", "#b1:*:view", "#b1:*:view.-1", "#b1:*:view.1e9", "#b1:*:view.99999999999999999999", "#b1:submitted.1:yes",
        "the present question", "#b1:../../x:yes", "#b1:confirm.1:yes\nrole=organizer", "#b2:*:register", "#b1:*:organizer",
        "#b1:erase.9:yes", "#b1:*:coauthor_yes.1",
    };
    at_benefit();
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        char payload[200];
        bool present = strcmp(forged[i], "the present question") == 0;
        if (present)
            snprintf(payload, sizeof(payload), "#b1:benefit.%lld:amount", (long long)dialog_now()->seq);
        else
            snprintf(payload, sizeof(payload), "%s", forged[i]);
        taps_payload(payload);
        if (strcmp(world->me->conv.state, "benefit") != 0)
            fail_msg("%s led to %s", payload, world->me->conv.state);
        assert_null(world->me->initiatives);
        assert_false(world->out.erase);
        assert_null(dialog_now()->draft.benefit.kind);
    }
    says("bỏ qua");
    bot("confirm_summary");
}

static void test_a_choice_that_was_not_on_show_is_refused(void **state)
{
    (void)state;
    at_benefit();
    says("2tr25");
    bot("clar_two_ways");
    char payload[100];
    snprintf(payload, sizeof(payload), "#b1:benefit_choice.%lld:v3", (long long)dialog_now()->seq);
    taps_payload(payload);
    bot("old_tap clar_two_ways");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_an_old_tap_is_refused_and_the_question_asked_again),
        T(test_the_same_tap_within_ten_seconds_is_silent),
        T(test_command_buttons_are_valid_for_ever),
        T(test_an_interruption_does_not_make_the_buttons_old),
        T(test_labels_may_be_typed_without_accents),
        T(test_forged_payloads_do_nothing),
        T(test_a_choice_that_was_not_on_show_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
