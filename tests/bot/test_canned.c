/* Which question is offered which answer: measured on questions as a support desk gets them, eight matters in four wordings. */
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "database.h"
#include "flow.h"
#include "statements.h"
#include "str.h"

enum { MATTERS = 8, WORDINGS = 4 };

static const char *const asked[MATTERS][WORDINGS] = {
    {"cho em hỏi cách tính tiền làm lợi", "tiền làm lợi tính thế nào ạ", "em không biết tính số tiền làm lợi kiểu gì",
     "làm sao tính được giá trị làm lợi một năm"},
    {"hạn nộp sáng kiến đến ngày nào", "bao giờ hết hạn nộp sáng kiến ạ", "còn nộp sáng kiến đến hôm nào", "hạn cuối nộp là ngày mấy"},
    {"sáng kiến làm chung hai người thì ghi thế nào", "hai người cùng làm thì ai đăng ký",
     "làm chung với đồng nghiệp thì đăng ký tên ai", "đồng tác giả thì khai ra sao"},
    {"em gửi nhầm muốn sửa lại tên sáng kiến", "sửa tên sáng kiến đã gửi ở đâu", "gửi rồi có sửa được không ạ",
     "lỡ gửi sai nội dung giờ sửa thế nào"},
    {"khi nào có kết quả xét duyệt", "bao lâu thì biết kết quả ạ", "sáng kiến của em duyệt chưa", "kết quả bao giờ có"},
    {"có tiền thưởng không ạ", "được thưởng bao nhiêu tiền một sáng kiến", "sáng kiến được công nhận thì thưởng gì", "mức thưởng thế nào"},
    {"em đổi công ty rồi thì sửa đơn vị ở đâu", "đơn vị của em bị ghi sai", "sửa lại đơn vị công tác giúp em", "em chuyển sang xưởng khác rồi"},
    {"ảnh minh chứng gửi vào đâu", "em gửi ảnh chụp máy được không", "có cần gửi ảnh kèm theo không ạ", "gửi hình ảnh bằng cách nào"},
};

static PGconn *conn;
static char *keys[MATTERS][WORDINGS]; /* as an array of one for a statement */

static int read_questions(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (int m = 0; m < MATTERS; m++)
        for (int w = 0; w < WORDINGS; w++)
            keys[m][w] = talloc_asprintf(ctx, "{\"%s\"}", canned_question_key(ctx, asked[m][w]));
    *state = ctx;
    return 0;
}

static int forget_questions(void **state)
{
    return talloc_free(*state);
}

static PGresult *run(enum sql_id id, int n, const char *const *values)
{
    PGresult *res = PQexecParams(conn, sql_statements[id].text, n, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK && PQresultStatus(res) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    return res;
}

/* Everything but that wording has been answered before. */
static void fill_without(int matter, int wording)
{
    PQclear(PQexec(conn, "DELETE FROM canned_answer"));
    for (int m = 0; m < MATTERS; m++) {
        char id[32];
        snprintf(id, sizeof(id), "{%d}", m + 1);
        char name[32];
        snprintf(name, sizeof(name), "{m%d}", m);
        PQclear(run(SQL_CANNED_PUT, 6, (const char *const[]){id, name, name, "{text}", "{text}", "{s1}"}));
        for (int w = 0; w < WORDINGS; w++) {
            if (m == matter && w == wording)
                continue;
            char ticket[32];
            snprintf(ticket, sizeof(ticket), "{%d}", m * WORDINGS + w);
            PQclear(run(SQL_CANNED_LEARN, 4, (const char *const[]){"{u1}", ticket, id, keys[m][w]}));
        }
    }
}

static void test_of_32_questions_half_are_offered_their_answer_and_none_a_wrong_one(void **state)
{
    (void)state;
    int right = 0, wrong = 0;
    for (int m = 0; m < MATTERS; m++)
        for (int w = 0; w < WORDINGS; w++) {
            fill_without(m, w);
            PGresult *res = run(SQL_CANNED_OFFER, 2, (const char *const[]){"{s1}", keys[m][w]});
            char id[16];
            snprintf(id, sizeof(id), "%d", m + 1);
            if (PQntuples(res) == 1 && strcmp(PQgetvalue(res, 0, 1), id) == 0)
                right++;
            else if (PQntuples(res) == 1) {
                wrong++;
                print_message("wrong: %s\n", asked[m][w]);
            }
            PQclear(res);
        }
    print_message("offered: %d right, %d wrong of %d\n", right, wrong, MATTERS * WORDINGS);
    assert_int_equal(wrong, 0);
    assert_true(right >= MATTERS * WORDINGS / 2);
}

static void test_answers_are_found_by_their_words_without_accents(void **state)
{
    (void)state;
    PQclear(PQexec(conn, "DELETE FROM canned_answer"));
    PQclear(run(SQL_CANNED_PUT, 6, (const char *const[]){"{1,2,3}", "{Hạn nộp,Tiền làm lợi,Ảnh}", "{han nop,tien lam loi,anh}",
                                   "{Hạn là 30/11.,Lấy số tiền tiết kiệm một năm.,Gửi ngay tại đây.}",
                                   "{han la 30/11.,lay so tien tiet kiem mot nam.,gui ngay tai day.}", "{s1,s1,s1}"}));
    static const char *const found[][2] = {{"{han nop}", "1"}, {"{tiet kiem}", "2"}, {"{lam loi}", "2"}, {"{anh}", "3"}};
    for (size_t i = 0; i < ARRAY_LEN(found); i++) {
        PGresult *res = run(SQL_CANNED_FIND, 2, (const char *const[]){"{s1}", found[i][0]});
        assert_true(PQntuples(res) >= 1);
        assert_string_equal(PQgetvalue(res, 0, 1), found[i][1]);
        PQclear(res);
    }
    PGresult *all = run(SQL_CANNED_FIND, 2, (const char *const[]){"{s1}", "{\"\"}"});
    assert_int_equal(PQntuples(all), 3);
    PQclear(all);
}

int main(void)
{
    const char *url = test_database("test_canned");
    if (!url)
        return 77;
    conn = PQconnectdb(url);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_of_32_questions_half_are_offered_their_answer_and_none_a_wrong_one),
        cmocka_unit_test(test_answers_are_found_by_their_words_without_accents),
    };
    int failed = cmocka_run_group_tests(tests, read_questions, forget_questions);
    PQfinish(conn);
    return failed;
}
