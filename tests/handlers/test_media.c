/* Pictures, files, voice and the odd kinds. */
#include "transcript.h"

static int evidence_rows(int64_t id)
{
    int n = 0;
    for (struct evidence_row *r = world->me->evidence; r; r = r->next)
        n += r->e.initiative_id == id;
    return n;
}

static void test_pictures_become_evidence_and_a_burst_is_acknowledged_once(void **state)
{
    (void)state;
    at_benefit();
    int64_t id = dialog_now()->draft.id;
    world->step_ms = 500;
    for (int i = 0; i < 3; i++)
        sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("evidence_lead+ask_benefit");
    bot_says("3 ảnh/tệp");
    assert_int_equal(evidence_rows(id), 3);
    assert_string_equal(world->out.replies->collapse_key, "collect");
    world->step_ms = 20000;
    sends(IN_FILE, NULL, "https://example.com/b.pdf");
    bot_says("1 ảnh/tệp");
    assert_string_equal(world->me->evidence->e.kind, "file");
    says("50 triệu");
    says("đúng rồi");
    bot_says("(kèm 4 ảnh/tệp)");
    says("gửi");
    assert_int_equal(evidence_rows(world->me->initiatives->id), 4);
}

static void test_a_burst_is_answered_at_the_latest_after_ten_seconds(void **state)
{
    (void)state;
    at_benefit();
    world->step_ms = 1500;
    int64_t first = world->now_ms + 1500;
    for (int i = 0; i < 6; i++) {
        sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
        assert_true(world->out.replies->not_before_ms <= first + 10000);
        assert_true(world->out.replies->not_before_ms <= world->now_ms + 2000);
    }
}

static void test_pictures_and_words_of_a_description_are_answered_together(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    world->step_ms = 500;
    says("Trước đây hai người giữ.");
    sends(IN_IMAGE, "ảnh đồ gá", "https://example.com/a.jpg");
    bot("evidence_lead+description_more");
    says("Nay một người kẹp.");
    bot("evidence_lead+description_more");
    assert_string_equal(dialog_now()->draft.partial, "Trước đây hai người giữ.\nảnh đồ gá\nNay một người kẹp.");
    pass_ms(20000);
    says("Mỗi ca thêm bốn mươi bo.");
    bot("description_more"); /* the picture has been acknowledged */
}

static void test_a_voice_note_is_kept_and_a_person_can_write_it_down(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    sends(IN_AUDIO, NULL, "https://example.com/a.m4a");
    bot("voice_kept ask_title");
    assert_string_equal(world->me->evidence->e.kind, "audio");
    taps("Nhờ cán bộ ghi giúp");
    bot("handoff_voice ask_title");
    assert_string_equal(world->me->tickets->topic, "voice");
}

static void test_pictures_after_the_receipt_belong_to_what_was_sent(void **state)
{
    (void)state;
    int64_t id = submitted();
    sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("evidence_kept");
    assert_int_equal(evidence_rows(id), 1);
}

static void test_pictures_without_a_draft_say_what_to_do(void **state)
{
    (void)state;
    submitted();
    says("menu");
    sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("media_no_draft");
}

static void test_an_initiative_takes_fifty_pieces(void **state)
{
    (void)state;
    at_benefit();
    for (int i = 0; i < EVIDENCE_MAX; i++)
        sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    sends(IN_IMAGE, NULL, "https://example.com/a.jpg");
    bot("evidence_full ask_benefit");
    assert_int_equal(evidence_rows(dialog_now()->draft.id), EVIDENCE_MAX);
}

static void test_a_picture_without_address_or_that_failed_is_asked_for_again(void **state)
{
    (void)state;
    at_benefit();
    sends(IN_IMAGE, NULL, NULL);
    bot("evidence_unreadable ask_benefit");
    gets_mail("evidence_failed", "{\"name\":\"anh.jpg\"}");
    bot("evidence_failed ask_benefit");
    bot_says("anh.jpg");
}

static void test_stickers_and_reactions_do_not_disturb(void **state)
{
    (void)state;
    at_benefit();
    sends(IN_REACTION, NULL, NULL);
    silent();
    sends(IN_STICKER, NULL, NULL);
    bot("sticker_ack ask_benefit");
    sends(IN_STICKER, NULL, NULL);
    silent();
    says("50 triệu");
    bot("benefit_echo");
}

static void test_links_locations_and_cards_get_an_answer_and_the_question_again(void **state)
{
    (void)state;
    at_benefit();
    sends(IN_LINK, "https://example.com/x", "https://example.com/x");
    bot("link_ack ask_benefit");
    sends(IN_LOCATION, NULL, NULL);
    bot("location_ack ask_benefit");
    sends(IN_CARD, NULL, NULL);
    bot("card_ack ask_benefit");
    assert_null(world->me->evidence);
}

static void test_a_link_in_the_description_is_part_of_it(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    sends(IN_LINK, NULL, "https://example.com/video");
    bot("description_more");
    assert_string_equal(dialog_now()->draft.partial, "https://example.com/video");
}

static void test_a_web_visitor_gets_one_fixed_answer(void **state)
{
    (void)state;
    sends(IN_ANONYMOUS, "alo", NULL);
    bot("");
    assert_non_null(world->out.replies);
    assert_null(world->out.state);
    assert_null(world->out.draft);
    bot_says("quan tâm");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_pictures_become_evidence_and_a_burst_is_acknowledged_once),
        T(test_a_burst_is_answered_at_the_latest_after_ten_seconds),
        T(test_pictures_and_words_of_a_description_are_answered_together),
        T(test_a_voice_note_is_kept_and_a_person_can_write_it_down),
        T(test_pictures_after_the_receipt_belong_to_what_was_sent),
        T(test_pictures_without_a_draft_say_what_to_do),
        T(test_an_initiative_takes_fifty_pieces),
        T(test_a_picture_without_address_or_that_failed_is_asked_for_again),
        T(test_stickers_and_reactions_do_not_disturb),
        T(test_links_locations_and_cards_get_an_answer_and_the_question_again),
        T(test_a_link_in_the_description_is_part_of_it),
        T(test_a_web_visitor_gets_one_fixed_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
