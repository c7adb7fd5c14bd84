/* Tickets: what is promised, who gets them, and what two contacts may do to one.  The chats (support.chat) have the rest. */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

#include "hours.h"

/* A worker in the middle of the benefit, and two contacts for everybody, the first on duty. */
static void scene(void)
{
    static const char *const contacts[] = {"c1", "c2"};
    for (size_t i = 0; i < ARRAY_LEN(contacts); i++) {
        i_am(contacts[i]);
        holds(ROLE_SUPPORT, 0);
        world->me->person.last_inbound_at_ms = world->now_ms;
    }
    i_am("c1");
    says("/truc");
    bot("staff_duty_on");
    i_am("u1");
    at_benefit();
    world->me->person.last_inbound_at_ms = world->now_ms;
}

static void asks(const char *question)
{
    says("gặp cán bộ");
    says(question);
    mail_arrives();
}

static const struct ticket *ticket(void)
{
    return person_named("u1")->tickets;
}

static char *payload(const char *contact, const char *more)
{
    return talloc_asprintf(world->ctx, "{\"ticket\":\"%lld\",\"contact\":\"%s\",\"contact_name\":\"%s\"%s}", (long long)ticket()->id, contact,
                           contact, more);
}

static void test_the_promise_is_the_median_the_hours_or_when_they_begin(void **state)
{
    (void)state;
    struct hours office;
    struct err e;
    at_benefit();
    says("gặp cán bộ");
    bot_says("trong giờ làm việc (T2-CN 00:00-24:00)"); /* nobody can tell yet how long it takes */
    world->me->tickets = NULL;
    says("bỏ qua");
    assert_true(hours_parse(STR("T2-T6 07:30-11:30,13:30-17:00;T7 00:00-24:00"), &office, &e));
    world->hours = &office;
    says("gặp cán bộ");
    bot_says("(T2-T6 07:30-11:30, 13:30-17:00; T7 00:00-24:00)");
    world->hours = NULL;
    world->me->tickets = NULL;
    world->answer_minutes = 25;
    says("bỏ qua");
    says("gặp cán bộ");
    bot_says("khoảng 25 phút");
    world->me->tickets = NULL;
    says("bỏ qua");
    assert_true(hours_parse(STR("T2-T6 07:30-11:30"), &office, &e)); /* it is Saturday */
    world->hours = &office;
    says("gặp cán bộ");
    bot_says("07:30 ngày 24/07/2023");
    bot_never_says("25 phút");
}

static void test_the_first_of_two_takes_and_the_second_is_told_by_whom(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    assert_string_equal(ticket()->assignee, "c1");
    i_am("u1");
    gets_mail("ticket_take", payload("c2", ""));
    bot("handoff_open");
    gets_mail("ticket_take", payload("c1", ""));
    silent();
    assert_string_equal(world->me->conv.owner, "user:c2");
    assert_non_null(strstr(world->out.mail->payload, "\"what\":\"held\""));
    assert_non_null(strstr(world->out.mail->payload, "\"by\":\"c2\""));
    gets_mail("ticket_answer", payload("c1", ",\"text\":\"không được\",\"direct\":\"yes\""));
    silent();
    gets_mail("ticket_close", payload("c1", ""));
    silent();
    assert_string_equal(ticket()->state, "assigned");
}

static void test_who_passed_a_ticket_on_does_not_get_it_again(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    i_am("u1");
    gets_mail("ticket_pass", payload("c1", ""));
    assert_null(ticket()->assignee);
    gets_mail("ticket_tick", payload("c1", ""));
    assert_null(ticket()->assignee);
    i_am("c2");
    says("/truc");
    bot_says("Câu hỏi đang chờ: 1");
    mail_arrives();
    assert_string_equal(ticket()->assignee, "c2");
}

static void test_a_contact_who_has_gone_home_loses_what_he_left_unanswered(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    person_named("c1")->on_duty = false;
    person_named("c2")->on_duty = true;
    pass_ms(61 * 60 * 1000);
    i_am("u1");
    gets_mail("ticket_tick", payload("c1", ""));
    assert_string_equal(ticket()->assignee, "c2");
    assert_true(ticket()->overdue_at_ms > 0);
}

static void test_an_answer_says_what_it_costs_and_is_not_sent_where_zalo_refuses(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    i_am("u1");
    gets_mail("ticket_take", payload("c1", ""));
    world->me->person.last_inbound_at_ms = world->now_ms - 49LL * 3600 * 1000;
    gets_mail("ticket_answer", payload("c1", ",\"text\":\"dạ\""));
    bot("handoff_answer");
    assert_int_equal(world->out.replies->class, REPLY_STAFF);
    assert_non_null(strstr(world->out.mail->payload, "sent_paid"));
    world->me->person.last_inbound_at_ms = world->now_ms - 8LL * 24 * 3600 * 1000;
    gets_mail("ticket_answer", payload("c1", ",\"text\":\"còn nữa\""));
    silent();
    assert_non_null(strstr(world->out.mail->payload, "unreachable"));
}

static void test_mail_about_no_ticket_of_the_person_does_nothing(void **state)
{
    (void)state;
    scene();
    static const char *const kinds[] = {"ticket_tick", "ticket_take", "ticket_answer", "ticket_close", "ticket_return", "ticket_pass",
                                        "ticket_snooze", "ticket_lost", "ticket_gone"};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        gets_mail(kinds[i], "{\"ticket\":\"4711\",\"contact\":\"c1\",\"text\":\"x\"}");
        silent();
        assert_null(world->out.tickets);
        gets_mail(kinds[i], "[]");
        silent();
    }
    assert_string_equal(world->me->conv.owner, "bot");
}

static void test_a_card_of_somebody_without_a_unit_says_so(void **state)
{
    (void)state;
    scene();
    person_named("u1")->person.unit_id = 0;
    person_named("u1")->person.unit_name = NULL;
    asks("cho em hỏi cách tính tiền");
    assert_non_null(strstr(person_named("c1")->last_text, message_get(MSG_LABEL_UNIT_UNKNOWN)->text));
}

static const char *file_mail(const char *outcome, const char *more)
{
    return talloc_asprintf(world->ctx, "{\"job\":\"worker_file\",%s:{\"ticket\":\"%lld\",\"label\":\"(tệp a.pdf)\",\"url\":\"https://f.test/a\"%s}}", outcome,
                           (long long)ticket()->id, more);
}

static void test_a_document_goes_to_who_has_the_ticket_though_the_worker_is_being_answered(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    i_am("u1");
    gets_mail("ticket_take", payload("c1", ""));
    gets_mail("job_done", file_mail("\"result\"", ",\"token\":\"f1\""));
    silent();
    assert_string_equal(world->out.mail->kind, "ticket_words");
    assert_string_equal(world->out.mail->user_id, "c1");
    assert_non_null(strstr(world->out.mail->payload, "\"token\":\"f1\""));
    i_am("c1");
    gets_mail("ticket_words", talloc_asprintf(world->ctx, "{\"number\":\"%lld\",\"kind\":\"file\",\"label\":\"(tệp a.pdf)\",\"url\":\"https://f.test/a\",\"token\":\"f1\"}",
                                              (long long)ticket()->number));
    bot("staff_ticket_words");
    assert_string_equal(world->out.replies->file_token, "f1");
}

static void test_a_document_that_was_given_up_goes_by_its_address(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    i_am("u1");
    gets_mail("job_done", file_mail("\"failed\":true,\"args\"", ""));
    silent();
    assert_string_equal(world->out.mail->kind, "ticket_words");
    assert_non_null(strstr(world->out.mail->payload, "https://f.test/a"));
    assert_null(strstr(world->out.mail->payload, "token"));
}

static void test_a_document_of_no_ticket_goes_nowhere(void **state)
{
    (void)state;
    scene();
    asks("cho em hỏi cách tính tiền");
    i_am("u1");
    static const char *const bad[] = {
        "{\"job\":\"worker_file\",\"result\":{\"ticket\":\"4711\",\"url\":\"https://f.test/a\"}}",
        "{\"job\":\"worker_file\",\"failed\":true}",
        "{\"job\":\"worker_file\",\"result\":[]}",
        "{\"job\":\"worker_file\",\"result\":\"\"}",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        gets_mail("job_done", bad[i]);
        silent();
        assert_null(world->out.mail);
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_the_promise_is_the_median_the_hours_or_when_they_begin),
        T(test_the_first_of_two_takes_and_the_second_is_told_by_whom),
        T(test_who_passed_a_ticket_on_does_not_get_it_again),
        T(test_a_contact_who_has_gone_home_loses_what_he_left_unanswered),
        T(test_an_answer_says_what_it_costs_and_is_not_sent_where_zalo_refuses),
        T(test_mail_about_no_ticket_of_the_person_does_nothing),
        T(test_a_card_of_somebody_without_a_unit_says_so),
        T(test_a_document_goes_to_who_has_the_ticket_though_the_worker_is_being_answered),
        T(test_a_document_that_was_given_up_goes_by_its_address),
        T(test_a_document_of_no_ticket_goes_nowhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
