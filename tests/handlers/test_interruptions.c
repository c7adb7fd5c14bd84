/* Whatever comes in between is answered, and then the question that was open is asked again. */
#include "transcript.h"

static void test_help_answers_for_the_step_and_asks_again(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("hướng dẫn");
    bot("help_title ask_title");
    taps("Xem gợi ý");
    bot("help_title ask_title");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("ghi gì bây giờ");
    bot("help_description ask_description");
    says("Trước đây hai người giữ, nay một người kẹp.");
    says("viết xong");
    says("hướng dẫn");
    bot("help_amount ask_benefit");
}

static void test_the_list_is_shown_beside_the_question(void **state)
{
    (void)state;
    submitted();
    says("đăng ký");
    says("sáng kiến của tôi");
    bot("list_beside ask_title");
    bot_says("Đồ gá kẹp bo mạch khi hàn tay – đã gửi");
    taps("Xem số 1");
    bot("detail ask_title");
    bot_says("SK-T00000");
    says("Xe đẩy ba tầng chở khay thành phẩm");
    bot("ask_description");
}

static void test_a_label_beside_the_question_may_be_typed(void **state)
{
    (void)state;
    submitted();
    says("đăng ký");
    says("sáng kiến của tôi");
    says("xem so 1");
    bot("detail ask_title");
}

static void test_thanks_are_answered_and_never_become_a_title(void **state)
{
    (void)state;
    submitted();
    says("cảm ơn em nhiều ạ");
    bot("thanks");
    says("đăng ký");
    says("cam on em");
    bot("thanks ask_title");
    state_is("title");
}

static void test_cancel_keeps_the_draft(void **state)
{
    (void)state;
    at_benefit();
    says("hủy");
    bot("cancelled_kept");
    state_is("menu");
    says("đăng ký");
    bot("welcome_back_draft");
    says("làm tiếp");
    bot("ask_benefit");
}

static void test_cancel_with_nothing_under_way_offers_what_was_perhaps_meant(void **state)
{
    (void)state;
    says("alo");
    says("hủy đăng ký");
    bot("nothing_to_cancel");
    taps("Dừng nhắc");
    bot("optout_done");
}

static void test_optout_in_the_middle_asks_again(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("dừng nhắc");
    bot("optout_done ask_title");
    assert_true(world->me->person.opted_out_at_ms > 0);
    says("bật nhắc");
    bot("optin_done ask_title");
    assert_int_equal(world->me->person.opted_out_at_ms, 0);
}

static void test_a_person_is_called_at_once_and_the_question_returns(void **state)
{
    (void)state;
    at_benefit();
    says("gặp cán bộ");
    bot("handoff_done+handoff_ask");
    assert_non_null(world->me->tickets);
    assert_string_equal(world->me->tickets->topic, "human");
    assert_string_equal(world->me->tickets->step, "benefit");
    says("nhờ tính giúp số tiền làm lợi");
    bot("handoff_noted+ask_benefit");
    assert_string_equal(world->me->notes->text, "nhờ tính giúp số tiền làm lợi");
    assert_int_equal(world->me->notes->ticket_id, world->me->tickets->id);
    says("gặp cán bộ");
    bot("handoff_already+handoff_ask");
    assert_null(world->me->tickets->next);
    taps("Không cần thêm");
    bot("ask_benefit");
}

static void test_back_goes_one_step_back_and_keeps_what_is_there(void **state)
{
    (void)state;
    at_confirm();
    says("quay lại");
    bot("edit_show_benefit");
    says("quay lại");
    bot("edit_show_description");
    says("quay lại");
    bot("edit_show_old");
    taps("Giữ như cũ");
    bot("kept+confirm_summary");
}

static void test_while_a_person_answers_the_bot_is_silent(void **state)
{
    (void)state;
    at_benefit();
    world->me->conv.owner = "user:c1";
    world->me->conv.owner_until_ms = world->now_ms + 600000;
    says("50 triệu");
    silent();
    says("menu");
    silent();
    says("stop");
    silent();
    assert_true(world->me->person.opted_out_at_ms > 0);
    pass_ms(600000);
    says("50 triệu");
    bot("benefit_echo");
}

static void test_mail_waits_while_somebody_is_telling(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("Trước đây hai người giữ bo mạch.");
    gets_mail("verdict", "{\"status\":\"valid\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\"}");
    silent();
    assert_int_equal(world->mail->not_before_ms, world->now_ms + 60000);
    says("Nay một người kẹp vào đồ gá.");
    says("viết xong");
    pass_ms(60000);
    mail_arrives();
    bot("status_valid ask_benefit");
    assert_int_equal(world->out.replies->class, REPLY_RECEIPT);
}

static void test_a_question_nobody_here_can_answer_goes_to_a_person(void **state)
{
    (void)state;
    submitted();
    says("bao giờ thì có tiền thưởng vậy em?");
    bot("fallback_offtopic");
    taps("Chuyển giúp tôi");
    bot("handoff_done");
    assert_string_equal(world->me->tickets->question, "bao giờ thì có tiền thưởng vậy em?");
}

static void test_a_word_typed_twice_is_not_answered_with_the_same_sentence(void **state)
{
    (void)state;
    says("alo");
    for (int i = 0; i < 6; i++)
        says("menu"); /* the harness fails on a repeated sentence */
    for (int i = 0; i < 6; i++)
        says("hướng dẫn");
}

static void test_questions_are_no_titles(void **state)
{
    (void)state;
    submitted();
    static const char *const questions[] = {"bao gio co ket qua", "có được thưởng ko", "sáng kiến này ai duyệt thế nào",
                                            "bao h nhan tien the em"};
    for (size_t i = 0; i < ARRAY_LEN(questions); i++) {
        says(questions[i]);
        bot("fallback_offtopic");
    }
    says("sơn chống gỉ cho tủ chứa");
    bot("fallback_menu");
}

static void test_the_topics_of_the_help_are_understood_without_it(void **state)
{
    (void)state;
    at_confirm();
    says("the nao la sang kien");
    bot("help_what confirm_summary");
    says("cách ghi số tiền?");
    bot("help_amount confirm_summary");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_help_answers_for_the_step_and_asks_again),
        T(test_the_list_is_shown_beside_the_question),
        T(test_a_label_beside_the_question_may_be_typed),
        T(test_thanks_are_answered_and_never_become_a_title),
        T(test_cancel_keeps_the_draft),
        T(test_cancel_with_nothing_under_way_offers_what_was_perhaps_meant),
        T(test_optout_in_the_middle_asks_again),
        T(test_a_person_is_called_at_once_and_the_question_returns),
        T(test_back_goes_one_step_back_and_keeps_what_is_there),
        T(test_while_a_person_answers_the_bot_is_silent),
        T(test_mail_waits_while_somebody_is_telling),
        T(test_a_question_nobody_here_can_answer_goes_to_a_person),
        T(test_a_word_typed_twice_is_not_answered_with_the_same_sentence),
        T(test_questions_are_no_titles),
        T(test_the_topics_of_the_help_are_understood_without_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
