/* A random walk over everything people, phones and jobs can do: no crash, no sentence twice in a row (the harness
 * checks every reply), always a way on, and in the end every text of the catalogue was heard. */
#include "transcript.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TURNS = 100000, PEOPLE = 3 };

static uint64_t seed = 20230726;

static unsigned pick(unsigned n)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (unsigned)(seed >> 33) % n;
}

static const char *const texts[] = {
    "Tên sáng kiến: Bàn nâng bằng lò xo\nNội dung: Trước đây cúi nhiều, nay hàng ngang thắt lưng.\nLàm lợi: 40 triệu",
    ("Trước đây công nhân phải bê từng thùng hàng từ kho ra xe, mỗi ngày hơn hai trăm thùng, rất mệt và hay rơi vỡ, nên tôi nghĩ ra cách "
    "làm một cái băng chuyền con lăn từ ống thép cũ, nay hàng tự trôi ra xe và không ai phải bê nữa"),
    "đăng ký", "đồng ý", "không", "có", "ok", "viết xong", "quay lại", "bỏ qua", "hủy", "hướng dẫn", "sáng kiến của tôi",
    "gặp cán bộ", "dừng nhắc", "bật nhắc", "menu", "#menu", "#huy", "sửa", "sửa mô tả", "sửa 3", "sửa mục 4", "sửa 5",
    "sửa tên", "xóa nháp", "dữ liệu của tôi", "rút sáng kiến", "tình hình", "cảm ơn em nhiều", "làm tiếp", "quyền riêng tư", "1", "2", "3",
    "4", "5", "9", "50 triệu", "50tr", "50", "5 triệu/tháng", "20 triệu/quý", "100 nghìn/ngày", "200 nghìn/ca", "300",
    "trên 20 triệu", "dưới 50 triệu", "hơn 2 triệu/tháng", "1000 USD", "0", "50đ", "20 tỷ", "5000 đồng", "vài triệu",
    "50 triệu năm", "2tr25", "20 triệu điện và 10 triệu công", "tuần được 2 triệu", "an toàn hơn", "không tính bằng tiền",
    "chưa ước tính được", "Nguyễn Thị Hoa", "Hoa", "Trường THCS Tân Mỹ", "truong thcs", "may viet yen", "Xưởng không ai biết",
    "Đồ gá kẹp bo mạch khi hàn tay", "Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá là hàn được.",
    "Giá đỡ cuộn dây cáp ở kho vật tư", "hôm nay trời nóng quá", "mấy giờ rồi em?", "😅", "👍", "Nguyễn Văn An 40%, Trần Bình 20",
    "Trần Văn Hòa 90, Lê Văn Minh 50%", "Trần Thị Bình", "0 đồng", "#huongdan", "#b1:*:extras", "15/8/2022", "8/2022", "31/2/2022", "abc", "x",
    "Đăng ký sáng kiến", "Viết sáng kiến khác", "Sáng kiến của tôi", "Nhập lại", "Bổ sung thông tin", "Giải pháp kỹ thuật", "Xóa dữ liệu của tôi", "Xóa hết",
    "#b1:", "#b1:*:register", "#b1:confirm.1:yes", "#b1:*:view.99", "#b1:*:yes", "#b1:title.99999999999999999999:keep",
    "#b1:*:view.", "/join 1234", "#b1:*:review_own.5", "#b1:*:proposal_yes.5", "/menu", "/", "#b1:*:view.9999999999999999999", "#b1:*:coauthor_yes.5", "#b1:*:edit_of.7000000000000000001",
    "khác", "trùng", "làm chung", "áp dụng lại", "#b1:*:similar", "#b1:similar.2:same", "#b1:menu.0:amount", "#b1:benefit_choice.3:v3", "#b1::", "#b1:*:", "#b1:*:cancel", "#b1:erase.2:yes",
};

static const char *const mails[][2] = {
    {"nudge", "{\"kind\":\"wave\",\"about\":\"5\",\"wave\":\"Đợt 1\",\"days\":\"2\"}"},
    {"nudge", "{\"kind\":\"returned\",\"about\":\"5\"}"},
    {"broadcast_over", "{\"id\":\"5\"}"},
    {"broadcast_asked", "{\"id\":\"5\",\"people\":\"3\",\"hold_min\":\"10\",\"name\":\"Lê An\",\"sample\":\"Chào mình ạ\"}"},
    {"evidence_failed", "{\"name\":\"anh.jpg\"}"},
    {"job_done", "{\"job\":\"standing\",\"failed\":true}"},
    {"verdict", "{\"status\":\"returned\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\",\"note\":\"thêm ảnh\",\"initiative_id\":\"5\"}"},
    {"verdict", "{\"status\":\"valid\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\"}"},
    {"verdict", "{\"status\":\"recognised\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\",\"level\":\"Công đoàn tỉnh\"}"},
    {"verdict", "{\"status\":\"duplicate\",\"title\":\"Đồ gá\",\"code_other\":\"SK-BBBBBB\"}"},
    {"verdict", "{\"status\":\"refused\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\"}"},
    {"verdict", "{\"status\":\"other\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\"}"},
    {"coauthor_asked", "{\"initiative_owner\":\"u9\",\"initiative_id\":\"3\",\"author_id\":\"5\",\"title\":\"Đồ gá\","
                       "\"name\":\"Lê An\",\"share\":30}"},
    {"coauthor_answered", "{\"initiative_id\":\"3\",\"author_id\":\"5\",\"author_user_id\":\"u2\",\"answer\":\"yes\"}"},
    {"coauthor_offered", "{\"from\":\"u2\",\"initiative_id\":\"7\",\"author_id\":\"8\",\"name\":\"Lê An\"}"},
    {"coauthor_offer_answered", "{\"author_user_id\":\"u2\",\"initiative_id\":\"71\",\"answer\":\"yes\",\"title\":\"Đồ gá\",\"code\":\"SK-AAAAAA\"}"},
    {"coauthor_offer_answered", "{\"author_user_id\":\"u2\",\"initiative_id\":\"76\",\"answer\":\"no\",\"title\":\"Đồ gá\"}"},
    {"similar_found", "{\"draft_id\":\"5\",\"hash\":\"5\",\"like\":[]}"},
    {"ticket_draft", "{\"draft\":\"{\\\"id\\\":\\\"4001\\\",\\\"title\\\":\\\"Giá treo dây hàn\\\",\\\"entered_by\\\":\\\"u9\\\"}\"}"},
    {"ticket_proposal", "{\"id\":\"71\",\"field\":\"title\",\"text\":\"Giá treo dây hàn\",\"from\":\"u9\",\"name\":\"Lê An\"}"},
    {"ticket_proposal", "{\"id\":\"72\",\"field\":\"benefit\",\"text\":\"60 triệu\",\"vnd\":\"60000000\",\"from\":\"u9\"}"},
    {"verdict", "not json"},
    {"unheard_of", "{}"},
};

#define LIKE(user, id, reachable, more)                                                                                         \
    "{\"user_id\":\"" user "\",\"id\":\"" id "\",\"code\":\"SK-AAAAAA\",\"title\":\"Giá kẹp bo\",\"submitted_at_ms\":\"1690000000000\","         \
    "\"score\":600,\"reachable\":" reachable more "}"

static const char *const likes[] = {
    "[" LIKE("u2", "71", "true", "") "]",
    "[" LIKE("u1", "72", "true", ",\"unit\":\"Trường THCS Tân Mỹ\",\"words\":\"bo mạch\"") "," LIKE("u9", "73", "false", "") "]",
    "[" LIKE("u3", "74", "true", ",\"unit\":\"May Việt Yên\"") "," LIKE("u1", "75", "true", "") "," LIKE("u2", "76", "true", "") "]",
    "[{}]",
};

static void find_something(void)
{
    if (world->me->wishes)
        similar_arrives(likes[pick(ARRAY_LEN(likes))]);
}

static void tap_something(void)
{
    pass_ms(11000);
    const struct button *b = pick(6) ? world->me->last_buttons : world->me->older_buttons;
    unsigned at = pick(REPLY_BUTTONS_MAX);
    if (b[at].payload)
        taps_payload(b[at].payload);
}

/* A tap on the newest buttons is never refused. */
static void tap_the_newest(void)
{
    pass_ms(11000);
    const struct button *b = &world->me->last_buttons[pick(REPLY_BUTTONS_MAX)];
    if (!b->payload || world->late)
        return;
    const struct human *h = world->me;
    char *before = strdup(h->conv.draft ? h->conv.draft : "");
    char *payload = strdup(b->payload);
    bool coauthor = strstr(payload, "coauthor") != NULL;
    taps_payload(payload);
    if (!coauthor && strncmp(world->said, "old_tap", 7) == 0)
        fail_msg("the newest button %s was refused after %s", payload, before);
    free(payload);
    free(before);
}

static void step(void)
{
    world->late = pick(40) == 0;
    world->step_ms = pick(4) ? 3000 + pick(20000) : pick(1500);
    world->sent_at_ms = pick(12) ? 0 : world->now_ms - 3000;
    unsigned what = pick(100);
    if (what < 56)
        says(texts[pick(ARRAY_LEN(texts))]);
    else if (what < 70)
        tap_something();
    else if (what < 80)
        tap_the_newest();
    else if (what < 86)
        find_something();
    else if (what < 89)
        sends(IN_IMAGE, pick(3) ? NULL : "ảnh đồ gá", pick(5) ? "https://example.com/a.jpg" : NULL);
    else if (what < 97)
        sends((enum inbound_kind)pick(IN_ANONYMOUS), pick(2) ? "Hoa Nguyễn" : NULL, pick(2) ? "https://example.com/x" : NULL);
    else {
        const char *const *m = mails[pick(ARRAY_LEN(mails))];
        gets_mail(m[0], m[1]);
    }
    if (pick(30) == 0)
        pass_ms((int64_t)pick(90) * 3600 * 1000);
    if (pick(20) == 0)
        mail_arrives();
    if (world->me->initiatives && pick(50) == 0)
        world->me->initiatives->status = pick(2) ? STATUS_VALID : STATUS_RETURNED;
    if (pick(200) == 0)
        world->me->tickets = NULL; /* closed by a contact */
}

/* Whatever happened, "#menu" answers something and "đăng ký" leads to a question. */
static void check_a_way_on(void)
{
    world->late = false;
    world->step_ms = 30000;
    world->sent_at_ms = 0;
    says("#menu");
    if (!*world->said)
        fail_msg("the menu was silent in %s", world->me->conv.state);
    says("/dangky");
    if (!*world->said)
        fail_msg("/dangky was silent");
}

/* Everybody has sent something already, so that the walk also gets behind the receipt. */
static void populate(void)
{
    static const char *const names[PEOPLE] = {"Nguyễn Thị Hoa", "Trần Thị Bình", "Lê Văn Minh"};
    static const char *const people[PEOPLE] = {"u1", "u2", "u3"};
    world->late = false;
    world->sent_at_ms = 0;
    for (int i = 0; i < PEOPLE; i++) {
        i_am(people[i]);
        registered(names[i]);
        says("Đồ gá kẹp bo mạch khi hàn tay");
        says("Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.");
        says("viết xong");
        says("50 triệu");
        says("đúng rồi");
        says("gửi");
        says("Bổ sung thông tin");
        state_is("kind");
    }
}

static void test_a_random_walk_never_repeats_a_sentence_and_never_sticks(void **state)
{
    (void)state;
    static const char *const people[PEOPLE] = {"u1", "u2", "u3"};
    populate();
    for (int turn = 0; turn < TURNS; turn++) {
        i_am(people[pick(PEOPLE)]);
        step();
        if (turn % 50 == 0)
            check_a_way_on();
        if (turn % 500 == 499) {
            /* A new world, or memory would grow; what was heard is kept. */
            bool seen[MSG_COUNT];
            memcpy(seen, world->seen, sizeof(seen));
            void *unused;
            world_teardown(NULL);
            world_setup(&unused);
            memcpy(world->seen, seen, sizeof(seen));
            populate();
        }
    }
    /* These are words inside other texts, or said by the pipeline, or need a special occasion tested elsewhere. */
    int unheard = 0;
    for (enum msg id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const char *name = message_get(id)->name;
        bool inside = strncmp(name, "label_", 6) == 0 || strncmp(name, "benefit_line_", 13) == 0 ||
                      strncmp(name, "draft_holds_", 12) == 0 || strncmp(name, "list_", 5) == 0 ||
                      strncmp(name, "detail_", 7) == 0 || strncmp(name, "staff_", 6) == 0 /* nobody here is one: test_staff.c */;
        /* staff's: tests/chats/standing.chat; of a wave that is over: test_register.c */
        inside |= strncmp(name, "admin_", 6) == 0 || strncmp(name, "standing_", 9) == 0 || strcmp(name, "after_deadline") == 0;
        inside |= strncmp(name, "notice_", 7) == 0; /* organizers */
        inside |= strncmp(name, "sheet_", 6) == 0 || strncmp(name, "ticket_", 7) == 0; /* tables */
        inside |= strncmp(name, "review_", 7) == 0 || strncmp(name, "reason_", 7) == 0; /* reviewers: review.chat */
        inside |= strncmp(name, "shortlist", 9) == 0; /* shortlist.chat */
        inside |= strncmp(name, "campaign", 8) == 0 || strncmp(name, "target_", 7) == 0 || strncmp(name, "wave_", 5) == 0 ||
                  strncmp(name, "plan_", 5) == 0 || strcmp(name, "help_campaign") == 0; /* campaign.chat */
        inside |= strncmp(name, "broadcast_", 10) == 0 || strcmp(name, "help_broadcast") == 0; /* broadcast.chat */
        inside |= strncmp(name, "remind_", 7) == 0; /* test_reminder.c */
        static const char *const others[] = {"address", "untitled", "untold", "again", "anonymous", "system_error",
                                             "rate_limited", "apology", "summary_evidence", "my_data_phone",
                                             "similar_mine", "similar_same_unit", "similar_other_unit", "similar_words",
                                             "unit_untold", "together_draft_spare", "together_draft_stays",
                                             /* test_extras.c, test_edit.c, test_media.c, test_similar.c, test_initiatives.c */
                                             "coauthor_offered", "coauthor_offer_taken", "coauthor_offer_refused",
                                             "coauthor_yes_told", "coauthor_no_told", "coauthor_denied", "edit_locked_now",
                                             "evidence_full", "help_confidential", "drafts_full",
                                             "title_too_long", "description_too_long", "coauthors_too_much",
                                             "edit_done_sent", "already_submitted", "withdraw_wished",
                                             "coauthor_verdict", /* afterwards.chat */
                                             /* review.chat */
                                             "status_returned_here", "status_valid_checked", "status_reopened", "appeal_ask",
                                             "appeal_unclear", "appeal_noted", "appeal_once", "appeal_not_now", "help_review",
                                             /* test_support.c: it takes a contact */
                                             "handoff_open", "handoff_answer", "handoff_answer_file", "handoff_still", "handoff_over",
                                             "handoff_closed", "handoff_done_with", "handoff_returned", "handoff_passed",
                                             "handoff_silent"};
        for (size_t i = 0; i < ARRAY_LEN(others); i++)
            inside |= strcmp(name, others[i]) == 0;
        if (!inside && !world->seen[id]) {
            print_message("never heard: %s\n", name);
            unheard++;
        }
    }
    assert_int_equal(unheard, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_random_walk_never_repeats_a_sentence_and_never_sticks, world_setup,
                                        world_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
