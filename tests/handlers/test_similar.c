/* Initiatives like the draft: searched for once a wording, asked about before the summary, kept for the reviewer. */
#include "transcript.h"

#include <string.h>

/* What the job finds: of whom, which one, and more. */
#define LIKE(user, id, more)                                                                                                   \
    "{\"user_id\":\"" user "\",\"id\":\"" id "\",\"code\":\"SK-AAAA" id "\",\"title\":\"Giá kẹp số " id "\",\"submitted_at_ms\":\"1689000000000\"," \
    "\"score\":600,\"reachable\":true" more "}"
#define MINE "[" LIKE("u1", "71", "") "]"
#define SAME_UNIT "[" LIKE("u2", "72", ",\"unit\":\"Trường THCS Tân Mỹ\",\"unit_id\":\"13\",\"words\":\"bo mạch, kẹp\"") "]"
#define OTHER_UNIT "[" LIKE("u3", "73", ",\"unit\":\"Công ty TNHH May Việt Yên\",\"unit_id\":\"11\"") "]"
#define THREE "[" LIKE("u1", "71", "") "," LIKE("u2", "72", "") "," LIKE("u3", "73", "") "]"
#define UNREACHABLE "[{\"user_id\":\"import-1\",\"id\":\"9\",\"title\":\"Giá kẹp cũ\",\"score\":700,\"reachable\":false}]"

static void confirms_amount(void)
{
    says("50 triệu");
    says("đúng rồi");
}

/* In other words it is like that one of u2, and like another. */
static void rewrites(const char *title, int64_t first)
{
    says("sửa tên");
    says(title);
    char like[400];
    snprintf(like, sizeof(like), "[{\"user_id\":\"u2\",\"id\":\"%lld\",\"title\":\"Giá kẹp bo mạch\",\"score\":900,\"reachable\":true}," LIKE("u3", "73", "") "]",
             (long long)first);
    similar_arrives(like);
    bot("similar");
}

static const struct similar_signal *only_signal(void)
{
    assert_non_null(world->me->signals);
    assert_null(world->me->signals->next);
    assert_int_equal(world->me->signals->initiative_id, world->me->initiatives->id);
    return world->me->signals;
}

static void test_a_wording_is_searched_for_once(void **state)
{
    (void)state;
    registered("Nguyễn Thị Hoa");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    assert_int_equal(world->me->wishes, 0);
    says("Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.");
    assert_int_equal(world->me->wishes, 0);
    says("viết xong");
    assert_int_equal(world->me->wishes, 1);
    confirms_amount();
    assert_int_equal(world->me->wishes, 1);
    says("sửa tên");
    says("Đồ gá kẹp bo mạch hai mặt");
    assert_int_equal(world->me->wishes, 2);
    says("gửi");
    assert_int_equal(world->me->wishes, 2);
}

static void test_nothing_found_changes_nothing(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives("[]");
    silent();
    confirms_amount();
    bot("confirm_summary");
    says("gửi");
    assert_null(world->me->signals);
}

static void test_what_was_found_is_asked_about_before_the_summary(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(SAME_UNIT);
    silent();
    state_is("benefit");
    confirms_amount();
    bot("similar");
    bot_says("\"Giá kẹp số 72\": của người cùng đơn vị; cùng nói về bo mạch, kẹp");
    taps("Cách làm khác");
    bot("similar_different_noted+confirm_summary");
    taps("Gửi sáng kiến");
    bot("submitted");
    const struct similar_signal *s = only_signal();
    assert_string_equal(s->choice, CHOICE_DIFFERENT);
    assert_string_equal(s->other_user_id, "u2");
    assert_int_equal(s->other_id, 72);
    assert_int_equal(s->score, 600);
    assert_true(s->same_unit);
}

static void test_a_late_finding_takes_the_place_of_the_summary(void **state)
{
    (void)state;
    at_confirm();
    similar_arrives(OTHER_UNIT);
    bot("similar");
    says("khác");
    bot("similar_different_noted+confirm_summary");
}

static void test_a_finding_about_an_older_wording_is_nothing(void **state)
{
    (void)state;
    at_confirm();
    struct similar_wish old = world->me->wish;
    says("sửa tên");
    says("Đồ gá kẹp bo mạch hai mặt");
    world->me->wish = old;
    similar_arrives(OTHER_UNIT);
    silent();
    state_is("confirm");
    says("gửi");
    assert_null(world->me->signals);
    similar_arrives(OTHER_UNIT); /* and about what is filed already */
    silent();
}

static void test_of_another_unit_only_title_and_unit_are_shown(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(OTHER_UNIT);
    confirms_amount();
    bot("similar");
    bot_says("\"Giá kẹp số 73\": Công ty TNHH May Việt Yên\n");
    bot_never_says("SK-AAAA73");
    bot_never_says("10/07/2023");
    assert_null(payload_on_show("Là bài tôi đã gửi"));
    taps("Áp dụng lại ở chỗ tôi");
    bot("similar_again_noted+confirm_summary");
    says("gửi");
    assert_string_equal(only_signal()->choice, CHOICE_AGAIN);
    assert_false(only_signal()->same_unit);
}

static void test_nobody_marks_other_peoples_as_the_own(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(OTHER_UNIT);
    confirms_amount();
    says("trùng");
    bot("similar_unclear");
    state_is("similar");
    taps_payload("#b1:similar.1:same");
    bot("old_tap similar");
    says("bỏ qua");
    bot("confirm_summary");
    says("gửi");
    assert_string_equal(only_signal()->choice, CHOICE_UNSAID);
}

static void test_the_same_as_the_own_leads_to_the_one_already_sent(void **state)
{
    (void)state;
    int64_t sent = submitted();
    says("đăng ký");
    says("Đồ gá kẹp bo mạch khi hàn tay");
    says("Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.");
    says("viết xong");
    char like[200];
    snprintf(like, sizeof(like), "[{\"user_id\":\"u1\",\"id\":\"%lld\",\"code\":\"SK-T00000\",\"title\":\"Đồ gá\",\"score\":900}]", (long long)sent);
    similar_arrives(like);
    confirms_amount();
    bot("similar");
    bot_says("bài của chính mình");
    assert_null(payload_on_show("Chúng tôi làm chung"));
    taps("Là bài tôi đã gửi");
    bot("similar_same");
    taps("Sửa bài đã gửi");
    bot("edit_menu");
    assert_int_equal(dialog_now()->edit_id, sent);
    says("1");
    says("Đồ gá kẹp bo mạch hai mặt");
    assert_string_equal(world->me->initiatives->title, "Đồ gá kẹp bo mạch hai mặt");
    state_is("similar_same");
    taps("Bỏ bản này");
    bot("delete_draft_ask");
    says("giữ lại");
    state_is("similar_same");
    taps("Vẫn gửi bản này");
    bot("confirm_summary");
    says("gửi");
    bot("submitted");
    assert_string_equal(only_signal()->choice, CHOICE_SAME);
}

static void test_the_own_can_be_dropped_after_one_more_question(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(MINE);
    confirms_amount();
    says("giống");
    bot("similar_same");
    says("bỏ bản này");
    bot("delete_draft_ask");
    says("xóa");
    bot("delete_draft_done");
    assert_int_equal(dialog_now()->draft.id, 0);
}

/* u2 has one, u1 writes the same. @return the id of the first. */
static int64_t two_of_one(void)
{
    i_am("u2");
    registered("Trần Thị Bình");
    says("Giá kẹp bo mạch");
    says("Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.");
    says("viết xong");
    confirms_amount();
    says("gửi");
    int64_t first = world->me->initiatives->id;
    i_am("u1");
    at_benefit();
    char like[200];
    snprintf(like, sizeof(like), "[{\"user_id\":\"u2\",\"id\":\"%lld\",\"title\":\"Giá kẹp bo mạch\",\"score\":900,\"reachable\":true}]",
             (long long)first);
    similar_arrives(like);
    confirms_amount();
    bot("similar");
    taps("Chúng tôi làm chung");
    bot("similar_together");
    return first;
}

static void test_the_first_author_is_asked_and_may_say_yes(void **state)
{
    (void)state;
    int64_t first = two_of_one();
    taps("Chờ trả lời");
    bot("draft_kept");
    mail_arrives();
    i_am("u2");
    bot_says("Nguyễn Thị Hoa cho biết đã cùng làm sáng kiến \"Giá kẹp bo mạch\"");
    taps("Có, cùng làm");
    bot("coauthor_offer_taken");
    const struct initiative_author *a = world->me->authors;
    assert_int_equal(a->initiative_id, first);
    assert_string_equal(a->name, "Nguyễn Thị Hoa");
    assert_string_equal(a->author_user_id, "u1");
    assert_string_equal(a->consent, "yes");
    assert_int_equal(a->share_pct, 50);
    mail_arrives();
    i_am("u1");
    bot("together_yes");
    bot_says("không cần gửi nữa");
    taps("Xóa bản nháp");
    bot("delete_draft_ask");
    says("xóa");
    assert_null(world->me->initiatives);
}

static void test_the_first_author_may_say_no(void **state)
{
    (void)state;
    two_of_one();
    taps("Chờ trả lời");
    mail_arrives();
    i_am("u2");
    taps("Không phải");
    bot("coauthor_offer_refused");
    assert_null(world->me->authors);
    mail_arrives();
    i_am("u1");
    bot("together_no");
    taps("Làm tiếp bản nháp");
    bot("confirm_summary");
    says("gửi");
    assert_string_equal(only_signal()->choice, CHOICE_TOGETHER);
}

static void test_the_first_author_is_asked_once(void **state)
{
    (void)state;
    int64_t first = two_of_one();
    assert_non_null(world->mail);
    assert_null(world->mail->next);
    says("quay lại");
    bot("similar");
    taps("Chúng tôi làm chung");
    bot("similar_together");
    assert_null(world->mail->next);
    says("quay lại");
    says("khác"); /* and changes the mind twice */
    bot("similar_different_noted+confirm_summary");
    rewrites("Giá kẹp bo mạch hai mặt", first);
    says("làm chung");
    says("1");
    bot("similar_together");
    assert_null(world->mail->next);
}

static void test_the_answer_ends_the_question_whether_to_wait(void **state)
{
    (void)state;
    int64_t first = two_of_one();
    mail_arrives();
    i_am("u2");
    taps("Không phải");
    mail_arrives();
    i_am("u1");
    state_is("confirm");
    bot("together_no confirm_summary");
    rewrites("Giá kẹp bo mạch hai mặt", first);
    says("làm chung");
    says("1"); /* who has said no already */
    bot("confirm_summary");
    assert_null(world->mail);
}

static void test_a_yes_ends_it_as_well_and_leaves_the_draft(void **state)
{
    (void)state;
    two_of_one();
    mail_arrives();
    i_am("u2");
    taps("Có, cùng làm");
    mail_arrives();
    i_am("u1");
    bot("together_yes");
    state_is("menu");
    assert_int_not_equal(dialog_now()->draft.id, 0);
    taps("Xóa bản nháp");
    bot("delete_draft_ask");
}

/* The draft that waited is put aside: the one at hand is another matter. */
static void test_an_answer_does_not_offer_to_delete_another_draft(void **state)
{
    (void)state;
    two_of_one();
    taps("Chờ trả lời");
    says("viết sáng kiến khác");
    says("Xe đẩy hàng hai tầng");
    says("Trước đây bê tay từng thùng, nay xe hai tầng chở được bốn thùng một lượt.");
    says("viết xong");
    similar_arrives(OTHER_UNIT);
    confirms_amount();
    says("làm chung");
    bot("similar_together");
    mail_arrives();
    i_am("u2");
    taps("Có, cùng làm");
    mail_arrives();
    i_am("u1");
    bot_never_says("không cần gửi nữa");
    assert_null(payload_on_show("Xóa bản nháp"));
    state_is("similar_together");
}

/* The wording changes while the list is on show: an answer is about what is on show. */
static void test_a_new_finding_takes_the_place_of_the_list_on_show(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(SAME_UNIT);
    confirms_amount();
    says("sửa tên");
    says("Đồ gá kẹp bo mạch hai mặt");
    state_is("similar");
    similar_arrives(SAME_UNIT);
    silent(); /* the same again */
    says("sửa tên");
    says("Đồ gá kẹp bo mạch ba mặt");
    similar_arrives(OTHER_UNIT);
    bot("similar");
    bot_says("Giá kẹp số 73");
}

static void test_a_new_finding_ends_the_question_which(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(THREE);
    confirms_amount();
    says("làm chung");
    bot("similar_which");
    says("sửa tên");
    says("Đồ gá kẹp bo mạch hai mặt");
    similar_arrives(OTHER_UNIT);
    bot("similar");
    says("làm chung");
    assert_string_equal(world->mail->user_id, "u3");
}

static void test_what_was_marked_as_the_own_may_no_longer_be_alike(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(MINE);
    confirms_amount();
    says("sửa tên");
    says("Xe đẩy hàng hai tầng");
    state_is("similar");
    says("giống"); /* before the job has come to an end */
    bot("similar_same");
    similar_arrives(OTHER_UNIT);
    bot("similar");
}

static void test_an_author_who_cannot_be_asked_is_no_dead_end(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(UNREACHABLE);
    confirms_amount();
    bot_says("\"Giá kẹp cũ\": đơn vị khác");
    says("làm chung");
    bot("similar_together_noted+confirm_summary");
    assert_null(world->mail);
    says("gửi");
    assert_string_equal(only_signal()->choice, CHOICE_TOGETHER);
}

static void test_of_several_it_is_asked_which(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(THREE);
    confirms_amount();
    bot("similar");
    says("áp dụng lại");
    bot("similar_which");
    bot_says("2. \"Giá kẹp số 72\"");
    says("9");
    bot("similar_which_unclear");
    says("2");
    bot("similar_again_noted+confirm_summary");
    says("gửi");
    int again = 0, unsaid = 0;
    for (const struct similar_signal *s = world->me->signals; s; s = s->next) {
        bool this_one = strcmp(s->other_user_id, "u2") == 0;
        again += this_one && strcmp(s->choice, CHOICE_AGAIN) == 0;
        unsaid += !this_one && strcmp(s->choice, CHOICE_UNSAID) == 0;
    }
    assert_int_equal(again, 1);
    assert_int_equal(unsaid, 2);
}

static void test_together_is_asked_of_other_people_only(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(THREE);
    confirms_amount();
    says("làm chung");
    bot("similar_which");
    bot_never_says("Giá kẹp số 71"); /* one's own */
    says("không");
    bot("similar_different_noted+confirm_summary");
}

static void test_what_was_said_holds_when_the_wording_changes(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(SAME_UNIT);
    confirms_amount();
    says("khác");
    says("sửa tên");
    says("Đồ gá kẹp bo mạch hai mặt");
    similar_arrives(SAME_UNIT);
    silent();
    state_is("confirm");
    says("sửa tên");
    says("Đồ gá kẹp bo mạch ba mặt");
    similar_arrives(OTHER_UNIT);
    bot("similar"); /* this one is new */
}

static void test_a_finding_that_comes_while_the_question_is_on_show(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(SAME_UNIT);
    confirms_amount();
    bot("similar");
    similar_arrives(SAME_UNIT); /* once more the same: nothing is said */
    silent();
    similar_arrives(OTHER_UNIT);
    bot("similar");
    bot_says("Giá kẹp số 73");
    similar_arrives("[]"); /* what was on show is gone: so is the question */
    bot("confirm_summary");
    similar_arrives(THREE);
    bot("similar");
    says("áp dụng lại");
    bot("similar_which");
    similar_arrives(MINE);
    bot("similar");
    says("giống");
    bot("similar_same");
    similar_arrives(THREE); /* the one it is about is still there */
    silent();
    taps("Vẫn gửi bản này");
    bot("similar"); /* of the new ones nothing was said */
}

static void test_a_draft_put_aside_keeps_what_was_said(void **state)
{
    (void)state;
    at_benefit();
    similar_arrives(SAME_UNIT);
    confirms_amount();
    says("khác");
    says("#menu");
    says("viết sáng kiến khác");
    state_is("title");
    says("Xe đẩy hàng hai tầng");
    says("#menu");
    says("xóa nháp");
    says("xóa");
    says("làm tiếp");
    state_is("confirm");
    says("gửi");
    assert_string_equal(only_signal()->choice, CHOICE_DIFFERENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_a_wording_is_searched_for_once),
        T(test_nothing_found_changes_nothing),
        T(test_what_was_found_is_asked_about_before_the_summary),
        T(test_a_late_finding_takes_the_place_of_the_summary),
        T(test_a_finding_about_an_older_wording_is_nothing),
        T(test_of_another_unit_only_title_and_unit_are_shown),
        T(test_nobody_marks_other_peoples_as_the_own),
        T(test_the_same_as_the_own_leads_to_the_one_already_sent),
        T(test_the_own_can_be_dropped_after_one_more_question),
        T(test_the_first_author_is_asked_and_may_say_yes),
        T(test_the_first_author_may_say_no),
        T(test_the_first_author_is_asked_once),
        T(test_an_author_who_cannot_be_asked_is_no_dead_end),
        T(test_of_several_it_is_asked_which),
        T(test_together_is_asked_of_other_people_only),
        T(test_what_was_said_holds_when_the_wording_changes),
        T(test_a_finding_that_comes_while_the_question_is_on_show),
        T(test_the_answer_ends_the_question_whether_to_wait),
        T(test_a_yes_ends_it_as_well_and_leaves_the_draft),
        T(test_an_answer_does_not_offer_to_delete_another_draft),
        T(test_a_new_finding_takes_the_place_of_the_list_on_show),
        T(test_a_new_finding_ends_the_question_which),
        T(test_what_was_marked_as_the_own_may_no_longer_be_alike),
        T(test_a_draft_put_aside_keeps_what_was_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
