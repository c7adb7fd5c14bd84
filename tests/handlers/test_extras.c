/* After the receipt: kind, date, co-authors, publication; each may be skipped, co-authors are asked themselves. */
#include "transcript.h"

#include <stdio.h>

static void to_coauthors(void)
{
    submitted();
    taps("Bổ sung thông tin");
    says("bỏ qua");
    says("bỏ qua");
    bot("ask_coauthors");
}

static void test_everything_may_be_told(void **state)
{
    (void)state;
    submitted();
    taps("Bổ sung thông tin");
    bot("ask_kind");
    says("1");
    bot("ask_applied_on");
    says("8/2022");
    bot("applied_on_taken+ask_coauthors");
    bot_says("01/08/2022");
    says("Nguyễn Văn An 40%, Trần Bình 20");
    bot("coauthors_check");
    bot_says("Phần của mình: 40%");
    taps("Đúng rồi");
    bot("coauthors_taken+ask_confidential");
    taps("Không công bố");
    bot("extras_done");
    const struct initiative *i = world->me->initiatives;
    assert_string_equal(i->solution_kind, "technical");
    assert_string_equal(i->applied_on, "2022-08-01");
    assert_true(i->confidential);
    assert_string_equal(world->me->authors->name, "Nguyễn Văn An");
    assert_int_equal(world->me->authors->share_pct, 40);
    assert_int_equal(world->me->authors->next->share_pct, 20);
}

static void test_everything_may_be_skipped(void **state)
{
    (void)state;
    to_coauthors();
    taps("Không có ai");
    bot("ask_confidential");
    says("bỏ qua");
    bot("extras_done");
    assert_null(world->me->authors);
    assert_null(world->me->initiatives->solution_kind);
}

static void test_the_questions_may_be_left(void **state)
{
    (void)state;
    to_coauthors();
    says("thôi");
    bot("stopped");
    says("đăng ký");
    bot("ask_title");
}

static void test_dates_are_dates(void **state)
{
    (void)state;
    static const char *const bad[] = {"31/2/2022", "15/13/2022", "1/1/2030", "hôm kia", "2022", "12345678"};
    static const struct {
        const char *typed, *stored;
    } good[] = {{"15/8/2022", "2022-08-15"}, {"ngày 5 tháng 9 năm 2021", "2021-09-05"}, {"29.2.2020", "2020-02-29"},
                {"1-9-21", "2021-09-01"}, {"hôm nay", "2023-07-22"}};
    submitted();
    taps("Bổ sung thông tin");
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        world->me->conv.state = "applied_on";
        says(bad[i]);
        state_is("applied_on");
    }
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        world->me->conv.state = "applied_on";
        says(good[i].typed);
        state_is("coauthors");
        assert_string_equal(world->me->initiatives->applied_on, good[i].stored);
    }
}

static void test_shares_are_read_in_many_ways(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *shown;
    } cases[] = {
        {"Nguyễn Văn An: 40 %; Trần Bình (20%)", "Nguyễn Văn An: 40%\nTrần Bình: 20%\nPhần của mình: 40%"},
        {"40% Nguyễn Văn An", "Nguyễn Văn An: 40%\nPhần của mình: 60%"},
        {"Nguyễn Văn An\nTrần Bình", "Nguyễn Văn An: 33%\nTrần Bình: 33%\nPhần của mình: 34%"},
        {"Nguyễn Văn An vs chị Lan", "Nguyễn Văn An: 33%\nchị Lan: 33%\nPhần của mình: 34%"},
        {"An Văn Với 30% và Trần Bình 20%", "An Văn Với: 30%\nTrần Bình: 20%\nPhần của mình: 50%"},
        {"- Nguyễn Văn An - 33,3%", "Nguyễn Văn An: 33%\nPhần của mình: 67%"},
    };
    to_coauthors();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        says(cases[i].typed);
        bot("coauthors_check");
        bot_says(cases[i].shown);
    }
    says("Nguyễn Văn An 90, Trần Bình 20");
    bot("coauthors_too_much");
    says("Nguyễn Văn An 40, Trần Bình");
    bot("coauthors_unclear");
    says("0912345678");
    state_is("coauthors_check");
}

static void test_a_known_coauthor_is_asked_and_the_answer_is_told(void **state)
{
    (void)state;
    i_am("u2");
    registered("Trần Thị Bình");
    i_am("u1");
    to_coauthors();
    says("tran thi binh 30");
    says("có");
    bot("coauthors_taken+ask_confidential");
    assert_string_equal(world->me->authors->consent, "unknown");
    mail_arrives();
    assert_string_equal(world->me->authors->consent, "asked");
}

static void test_a_coauthor_answers_beside_her_own_question(void **state)
{
    (void)state;
    i_am("u2");
    registered("Trần Thị Bình");
    i_am("u1");
    to_coauthors();
    says("Trần Thị Bình 30%");
    says("có");
    struct mail *seek = world->mail;
    assert_string_equal(seek->kind, "coauthor_seek");
    world->mail = NULL;
    gets_mail(seek->kind, seek->payload);
    silent();
    struct mail *asked = world->mail;
    assert_string_equal(asked->kind, "coauthor_asked");
    assert_string_equal(asked->user_id, "u2");
    world->mail = NULL;
    i_am("u2");
    gets_mail(asked->kind, asked->payload);
    bot("coauthor_asked ask_title");
    bot_says("Nguyễn Thị Hoa ghi mình là đồng tác giả (30%)");
    taps("Có, tôi cùng làm");
    bot("coauthor_thanks ask_title");
    i_am("u1");
    mail_arrives();
    bot("coauthor_yes_told ask_confidential");
    assert_string_equal(world->me->authors->consent, "yes");
}

static void test_an_unknown_coauthor_changes_nothing_for_the_asker(void **state)
{
    (void)state;
    to_coauthors();
    says("Người Không Quen 30%");
    says("có");
    bot("coauthors_taken+ask_confidential");
    mail_arrives();
    silent();
    assert_string_equal(world->me->authors->consent, "unknown");
}

static void test_a_forged_answer_for_somebody_elses_row_counts_nothing(void **state)
{
    (void)state;
    i_am("u2");
    registered("Trần Thị Bình");
    i_am("u1");
    to_coauthors();
    says("Trần Thị Bình 30%");
    says("có");
    mail_arrives();
    char payload[200];
    snprintf(payload, sizeof(payload),
             "{\"initiative_id\":\"%lld\",\"author_id\":\"%lld\",\"author_user_id\":\"u3\",\"answer\":\"yes\"}",
             (long long)world->me->initiatives->id, (long long)world->me->authors->id);
    gets_mail("coauthor_answered", payload);
    silent();
    assert_string_equal(world->me->authors->consent, "asked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_everything_may_be_told),
        T(test_everything_may_be_skipped),
        T(test_the_questions_may_be_left),
        T(test_dates_are_dates),
        T(test_shares_are_read_in_many_ways),
        T(test_a_known_coauthor_is_asked_and_the_answer_is_told),
        T(test_a_coauthor_answers_beside_her_own_question),
        T(test_an_unknown_coauthor_changes_nothing_for_the_asker),
        T(test_a_forged_answer_for_somebody_elses_row_counts_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
