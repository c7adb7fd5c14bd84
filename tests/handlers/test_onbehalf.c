/* What the support writes for a worker: a whole draft, or one field.  Nothing counts until the worker has said yes. */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

static const char entered[] =
    "{\"by\":\"s1\",\"ticket\":\"9\",\"draft\":\"{\\\"id\\\":\\\"4001\\\",\\\"title\\\":\\\"Giá treo dây hàn\\\",\\\"description\\\":"
    "\\\"Dây hàn trước đây để dưới sàn, nay treo lên giá nên không vướng chân.\\\",\\\"entered_by\\\":\\\"s1\\\","
    "\\\"entered_by_name\\\":\\\"Trần Thị Lan\\\",\\\"benefit\\\":{\\\"kind\\\":\\\"money\\\",\\\"text\\\":\\\"30 triệu\\\",\\\"vnd\\\":\\\"30000000\\\"}}\"}";

/* What the supporter's turn will be told. */
static const char *answer_to_support(void)
{
    for (const struct mail *m = world->out.mail; m; m = m->next)
        if (strcmp(m->kind, "draft_answered") == 0 || strcmp(m->kind, "proposal_answered") == 0) {
            assert_string_equal(m->user_id, "s1");
            return m->payload;
        }
    return "";
}

static void a_known_worker(void)
{
    registered("Nguyễn Thị Hoa");
    says("xóa nháp");
    says("xóa");
    state_is("menu");
}

static void test_an_entered_draft_is_read_first_and_counts_when_it_is_sent(void **state)
{
    (void)state;
    a_known_worker();
    gets_mail("ticket_draft", entered);
    bot("entered_on_behalf");
    bot_says("Trần Thị Lan");
    assert_null(world->me->initiatives);
    state_is("menu");
    taps("Xem và xác nhận");
    bot("confirm_summary");
    bot_says("30.000.000");
    assert_null(world->me->initiatives);
    taps("Gửi sáng kiến");
    bot("submitted");
    assert_int_equal(world->me->initiatives->id, 4001);
    assert_string_equal(world->me->initiatives->created_by, "s1");
    assert_non_null(strstr(answer_to_support(), "\"sent\""));
    assert_null(world->me->drafts);
}

static void test_not_mine_deletes_it_and_tells_who_wrote_it(void **state)
{
    (void)state;
    a_known_worker();
    gets_mail("ticket_draft", entered);
    char *yes = strdup(payload_on_show("Xem và xác nhận"));
    taps("Không phải của tôi");
    bot("entered_denied");
    assert_null(world->me->drafts);
    assert_non_null(strstr(answer_to_support(), "\"deny\""));
    taps_payload(yes);
    bot("entered_gone");
    assert_null(world->me->initiatives);
    free(yes);
}

static void test_not_mine_after_reading_deletes_it_as_well(void **state)
{
    (void)state;
    a_known_worker();
    gets_mail("ticket_draft", entered);
    char *no = strdup(payload_on_show("Không phải của tôi"));
    taps("Xem và xác nhận");
    taps_payload(no);
    bot("entered_denied");
    state_is("menu");
    assert_int_equal(dialog_now()->draft.id, 0);
    free(no);
}

static void test_not_mine_after_sending_says_that_it_was_sent(void **state)
{
    (void)state;
    a_known_worker();
    gets_mail("ticket_draft", entered);
    char *no = strdup(payload_on_show("Không phải của tôi"));
    taps("Xem và xác nhận");
    taps("Gửi sáng kiến");
    taps_payload(no);
    bot("already_submitted");
    assert_non_null(world->me->initiatives);
    free(no);
}

static void test_a_draft_under_way_is_put_aside_not_lost(void **state)
{
    (void)state;
    at_benefit();
    gets_mail("ticket_draft", entered);
    bot("entered_on_behalf ask_benefit");
    taps("Xem và xác nhận");
    bot("confirm_summary");
    assert_non_null(world->me->drafts);
    taps("Không phải của tôi");
    says("làm tiếp");
    bot("still_here+ask_benefit");
}

static void test_deny_never_deletes_what_the_person_wrote_himself(void **state)
{
    (void)state;
    at_benefit();
    char payload[60];
    snprintf(payload, sizeof(payload), "#b1:*:deny.%lld", (long long)dialog_now()->draft.id);
    taps_payload(payload);
    bot("entered_gone ask_benefit");
    assert_non_null(dialog_now()->draft.title);
    assert_null(world->out.dropped);
}

static void test_before_consent_nothing_that_was_entered_is_kept(void **state)
{
    (void)state;
    says("menu");
    gets_mail("ticket_draft", entered);
    silent();
    assert_null(world->me->drafts);
    assert_non_null(strstr(answer_to_support(), "\"full\""));
}

static void test_with_five_drafts_put_aside_it_is_refused_and_told(void **state)
{
    (void)state;
    a_known_worker();
    for (int i = 0; i < 5; i++) {
        char *mail = strdup(entered);
        char *id = strstr(mail, "4001");
        id[3] = (char)('2' + i);
        gets_mail("ticket_draft", mail);
        free(mail);
    }
    gets_mail("ticket_draft", entered);
    silent();
    assert_non_null(strstr(answer_to_support(), "\"full\""));
}

static void test_mail_that_is_no_draft_does_nothing(void **state)
{
    (void)state;
    a_known_worker();
    static const char *const bad[] = {"", "{}", "[]", "{\"draft\":\"\"}", "{\"draft\":\"{}\"}", "{\"draft\":\"{\\\"id\\\":\\\"5\\\"}\"}",
                                      "{\"draft\":\"{\\\"id\\\":\\\"5\\\",\\\"title\\\":\\\"Không ai viết\\\"}\"}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        gets_mail("ticket_draft", bad[i]);
        silent();
        gets_mail("ticket_proposal", bad[i]);
        silent();
        assert_null(world->me->drafts);
    }
}

/* ---- a proposed field ---- */

#define PROPOSAL(id, field, text, vnd)                                                                                              \
    "{\"id\":\"" id "\",\"field\":\"" field "\",\"text\":\"" text "\",\"vnd\":\"" vnd "\",\"from\":\"s1\",\"name\":\"Trần Thị Lan\"}"

static void test_a_title_is_taken_with_one_tap_and_the_registration_goes_on(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    gets_mail("ticket_proposal", PROPOSAL("71", "title", "Giá treo dây hàn", "0"));
    bot("field_proposed ask_title");
    assert_null(dialog_now()->draft.title);
    taps("Dùng đề xuất này");
    bot("proposal_taken+ask_description");
    assert_string_equal(dialog_now()->draft.title, "Giá treo dây hàn");
    assert_non_null(strstr(answer_to_support(), "\"yes\""));
}

static void test_an_amount_on_the_summary_is_shown_there(void **state)
{
    (void)state;
    at_confirm();
    gets_mail("ticket_proposal", PROPOSAL("72", "benefit", "5 triệu/tháng", "60000000"));
    bot("field_proposed confirm_summary");
    bot_says("60.000.000 đồng/năm");
    taps("Dùng đề xuất này");
    bot("proposal_taken+confirm_summary");
    bot_says("60.000.000 đồng/năm");
    assert_int_equal(dialog_now()->draft.benefit.vnd, 60000000);
    assert_string_equal(dialog_now()->draft.benefit.text, "5 triệu/tháng");
}

static void test_without_the_tap_nothing_changes(void **state)
{
    (void)state;
    at_confirm();
    gets_mail("ticket_proposal", PROPOSAL("73", "title", "Tên khác hẳn", "0"));
    char *yes = strdup(payload_on_show("Dùng đề xuất này"));
    taps("Không dùng");
    bot("proposal_refused+confirm_summary");
    assert_non_null(strstr(answer_to_support(), "\"no\""));
    taps_payload(yes);
    bot("old_tap confirm_summary");
    taps_payload("#b1:*:proposal_yes.99");
    bot("old_tap confirm_summary");
    assert_string_equal(dialog_now()->draft.title, "Đồ gá kẹp bo mạch khi hàn tay");
    free(yes);
}

static void test_elsewhere_it_goes_into_the_draft_and_the_question_stays(void **state)
{
    (void)state;
    at_benefit();
    gets_mail("ticket_proposal", PROPOSAL("74", "title", "Giá treo dây hàn", "0"));
    taps("Dùng đề xuất này");
    bot("proposal_taken+ask_benefit");
    assert_string_equal(dialog_now()->draft.title, "Giá treo dây hàn");
}

static void test_of_four_that_wait_the_oldest_gives_way(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    gets_mail("ticket_proposal", PROPOSAL("81", "title", "Đề xuất số một", "0"));
    gets_mail("ticket_proposal", PROPOSAL("82", "title", "Đề xuất số hai", "0"));
    gets_mail("ticket_proposal", PROPOSAL("83", "title", "Đề xuất số ba", "0"));
    gets_mail("ticket_proposal", PROPOSAL("84", "title", "Đề xuất số bốn", "0"));
    taps_payload("#b1:*:proposal_yes.81");
    bot("old_tap ask_title");
    taps_payload("#b1:*:proposal_yes.82");
    assert_string_equal(dialog_now()->draft.title, "Đề xuất số hai");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_an_entered_draft_is_read_first_and_counts_when_it_is_sent),
        T(test_not_mine_deletes_it_and_tells_who_wrote_it),
        T(test_not_mine_after_reading_deletes_it_as_well),
        T(test_not_mine_after_sending_says_that_it_was_sent),
        T(test_a_draft_under_way_is_put_aside_not_lost),
        T(test_deny_never_deletes_what_the_person_wrote_himself),
        T(test_before_consent_nothing_that_was_entered_is_kept),
        T(test_with_five_drafts_put_aside_it_is_refused_and_told),
        T(test_mail_that_is_no_draft_does_nothing),
        T(test_a_title_is_taken_with_one_tap_and_the_registration_goes_on),
        T(test_an_amount_on_the_summary_is_shown_there),
        T(test_without_the_tap_nothing_changes),
        T(test_elsewhere_it_goes_into_the_draft_and_the_question_stays),
        T(test_of_four_that_wait_the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
