/* Likeness of initiatives: copies are found however they are worded, another solution for the same problem is no copy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "similarity.h"

static struct similar_doc *doc_of(TALLOC_CTX *ctx, const char *title, const char *description)
{
    return similar_read(ctx, str_of(title), str_of(description));
}

static int score_of(const char *title_a, const char *description_a, const char *title_b, const char *description_b)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct similar_doc *a = doc_of(ctx, title_a, description_a), *b = doc_of(ctx, title_b, description_b);
    int score = similar_score(a, b);
    assert_int_equal(score, similar_score(b, a));
    assert_in_range(score, 0, SIMILAR_SCORE_MAX);
    talloc_free(ctx);
    return score;
}

/* ---- parts ---- */

static const struct {
    const char *description, *problem, *solution, *benefit, *unclear;
} splits[] = {
    {"Trước đây vải ẩm bị mốc. Em đã đặt quạt hút. Kết quả: không còn mốc.", "vai am bi moc", "dat quat hut", "khong con moc", ""},
    {"Thẻ giấy hay mất. Từ đó tôi phát mã trên điện thoại, nhờ vậy không phải chờ.", "the giay hay mat", "phat ma tren dien thoai",
     "khong phai cho", ""},
    {"Thực trạng: tôn trầy. Giải pháp: dán cao su. Hiệu quả: giảm 60%.", "ton tray", "dan cao su", "giam", ""},
    {"Làm gá quay, thay cho cách làm cũ (tháo ra lật lại). Sau khi áp dụng, năng suất tăng 22%.", "thao ra lat lai", "lam ga quay",
     "nang suat tang", ""},
    {"Kim gãy rơi. Cách khắc phục: gắn khay từ. Áp dụng từ tháng 2, khách hài lòng. Dễ làm, chi phí thấp.", "kim gay roi", "gan khay tu",
     "khach hai long", ""},
    {"Dân biết gọi ai. Cách làm: lập danh bạ. Lý do: khó tìm số.", "kho tim so", "lap danh ba", "dan biet goi ai", ""},
    {"Rau đắt. Vì vậy chúng tôi đề xuất: tổ trồng rau; nhờ vậy thêm rau.", "rau dat", "to trong rau", "them rau", ""},
    {"Nhóm chúng em cắt dưỡng tôn. Hiện nay không khoét lại.", "", "cat duong ton", "khong khoet lai", ""},
    {"truoc day ghi so. em da dan ma qr. ket qua: nhanh hon.", "ghi so", "dan ma qr", "nhanh hon", ""},
    {"Thêm hai chốt thép gió. Giảm 2,5% phế phẩm.", "", "", "giam phe pham", "them hai chot thep gio"},
    /* The author acts: that is the solution, whatever stands before. */
    {"Găng ướt vắt trên ống nước, lâu khô. Em hàn giá xoay bốn tầng, nhờ vậy găng khô nhanh.", "gang uot vat tren ong nuoc lau kho",
     "han gia xoay bon tang", "gang kho nhanh", ""},
    {"Trước đây hai người giữ bo mạch, nay một người kẹp vào đồ gá.", "hai nguoi giu bo mach", "mot nguoi kep vao do ga", "", ""},
    {"Tôi thấy mùn cưa bay. Chúng tôi ghép thùng lọc.", "toi thay mun cua bay", "ghep thung loc", "", ""},
    {"em cắt cành giữa tán, giờ quả đều màu, bớt rụng", "", "cat canh giua tan gio qua deu mau bot rung", "", ""},
    /* Nobody says what was done: it is somewhere in what was told. */
    {"Thực trạng: vải ẩm bị mốc, đã đặt quạt hút.", "", "", "", "vai am bi moc da dat quat hut"},
    {"", "", "", "", ""},
};

static void test_a_description_is_taken_apart_by_its_cues(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(splits); i++) {
        struct similar_doc *d = doc_of(ctx, "Tên", splits[i].description);
        const char *const want[SIMILAR_PARTS] = {[SIMILAR_TITLE] = "ten", [SIMILAR_PROBLEM] = splits[i].problem,
                                                 [SIMILAR_SOLUTION] = splits[i].solution, [SIMILAR_BENEFIT] = splits[i].benefit,
                                                 [SIMILAR_UNCLEAR] = splits[i].unclear};
        for (enum similar_part p = 0; p < SIMILAR_PARTS; p++)
            if (strcmp(similar_part_text(ctx, d, p), want[p]) != 0)
                fail_msg("%s: part %d is \"%s\", wanted \"%s\"", splits[i].description, (int)p, similar_part_text(ctx, d, p), want[p]);
    }
    talloc_free(ctx);
}

/* ---- words ---- */

static const char title[] = "Khay nam châm giữ kim gãy";
static const char description[] = "Kim gãy rơi thất lạc trong hàng. Cách khắc phục: gắn khay nam châm dưới chân vịt. Áp dụng từ tháng 2, đạt yêu cầu.";

static void test_accents_case_numbers_and_teencode_do_not_matter(void **state)
{
    (void)state;
    int same = score_of(title, description, title, description);
    assert_true(same > 700);
    /* Not equal: with accents, two words with one fold are two words. */
    assert_in_range(score_of(title, description, "KHAY NAM CHAM GIU KIM GAY",
                              "kim gay roi that lac trong hang. cach khac phuc: gan khay nam cham duoi chan vit. ap dung tu thang 7, dat yeu cau."),
                    same - 50, same + 50);
    assert_true(score_of("Bàn xoay chụp ảnh sp", "em làm bàn xoay 360 độ có đèn", "Bàn xoay chụp ảnh sản phẩm", "Làm bàn xoay 360 độ có đèn.") >=
                SIMILAR_FLAG);
    assert_int_equal(score_of("Đăng kí tỉ lệ kĩ thuật", "kĩ thuật ghép mắt nhỏ", "Đăng ký tỷ lệ kỹ thuật", "kỹ thuật ghép mắt nhỏ"),
                     score_of("Đăng kí tỉ lệ kĩ thuật", "kĩ thuật ghép mắt nhỏ", "Đăng kí tỉ lệ kĩ thuật", "kĩ thuật ghép mắt nhỏ"));
}

static void test_the_same_words_are_the_same_initiative_however_they_are_told(void **state)
{
    (void)state;
    static const char *const told[] = {
        "Hết phụ liệu mới đi lấy nên chuyền hay dừng. Em lắp bảng đèn báo, kho thấy là đem tới trước.",
        "Hết phụ liệu mới đi lấy nên chuyền hay dừng. Lắp bảng đèn báo, kho thấy là đem tới trước.",
        "Thực trạng: hết phụ liệu mới đi lấy nên chuyền hay dừng, lắp bảng đèn báo thì kho thấy là đem tới trước.",
        "Lắp bảng đèn báo hết phụ liệu cho kho thấy, đem tới trước, chuyền không dừng vì đi lấy.",
    };
    for (size_t i = 0; i < ARRAY_LEN(told); i++)
        for (size_t j = 0; j <= i; j++)
            if (score_of("Bảng đèn báo hết phụ liệu", told[i], "Bảng đèn báo hết phụ liệu", told[j]) < SIMILAR_FLAG)
                fail_msg("not the same: %s | %s", told[i], told[j]);
}

static void test_what_two_have_in_common_is_told_in_the_words_of_the_first(void **state)
{
    (void)state;
    static const struct { const char *title, *description, *want; } cases[] = {
        {"Khay nam châm giữ kim", "", "Khay nam châm giữ kim"},
        {"Hộp đựng, khay NAM CHAM.", "", "khay NAM CHAM"},
        {"Bảng màu trong kho", "Em gắn thêm khay nam châm ở kho.", "khay nam châm"},
        {"Bảng màu", "Dán nhãn.", ""},
        {"", "", ""},
    };
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct similar_doc *other = doc_of(ctx, title, description);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *got = similar_common_words(ctx, str_of(cases[i].title), str_of(cases[i].description), other);
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("\"%s\" in common, wanted \"%s\"", got, cases[i].want);
    }
    talloc_free(ctx);
}

static void test_accents_that_contradict_are_other_words(void **state)
{
    (void)state;
    int accented = score_of("Tôn mạ kẽm", "Cán tôn mạ kẽm", "Tốn má kém", "Cạn tốn má kém");
    assert_int_equal(accented, 0);
    assert_true(score_of("Tôn mạ kẽm", "Cán tôn mạ kẽm", "ton ma kem", "can ton ma kem") > 0);
}

static void test_stock_phrases_and_nothing_are_alike_to_nothing(void **state)
{
    (void)state;
    assert_int_equal(score_of("", "", "", ""), 0);
    assert_int_equal(score_of(title, description, "", ""), 0);
    assert_int_equal(score_of("Gá khoan mặt bích", "Đặt sáu bạc dẫn. Dễ làm, chi phí thấp. Cách này ai cũng làm được.", "Rối que kể sử",
                              "Làm rối que vua Hùng. Dễ làm, chi phí thấp. Cách này ai cũng làm được."),
                     0);
}

static void test_terms_are_the_same_without_accents_and_in_either_order(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    int32_t a[SIMILAR_TERMS_MAX], b[SIMILAR_TERMS_MAX];
    size_t n = similar_terms(doc_of(ctx, title, description), a);
    assert_true(n > 5);
    for (size_t i = 1; i < n; i++)
        assert_true(a[i - 1] < a[i]);
    assert_int_equal(similar_terms(doc_of(ctx, "khay nam cham giu kim gay",
                                          "kim gay roi that lac trong hang. cach khac phuc: gan khay nam cham duoi chan vit. ap dung tu thang 2, "
                                          "dat yeu cau."),
                                   b),
                     n);
    assert_memory_equal(a, b, n * sizeof(a[0]));
    assert_int_equal(similar_terms(doc_of(ctx, "bánh khóa", ""), a), similar_terms(doc_of(ctx, "khóa bánh", ""), b));
    assert_int_equal(a[0], b[0]);
    assert_int_equal(similar_terms(doc_of(ctx, "", "và của cho 123"), a), 0);
    talloc_free(ctx);
}

static void test_a_long_text_stays_within_its_limits(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    char *text = talloc_strdup(ctx, "");
    for (int i = 0; i < 3000; i++)
        text = talloc_asprintf_append_buffer(text, "w%cx%cy%c ", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676);
    int32_t terms[SIMILAR_TERMS_MAX];
    struct similar_doc *d = doc_of(ctx, title, text);
    assert_int_equal(similar_terms(d, terms), SIMILAR_TERMS_MAX);
    assert_true(similar_score(d, d) > 900);
    talloc_free(ctx);
}

/* ---- the shared data ---- */

static cJSON *read_lines(const char *path)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    assert_non_null(f);
    cJSON *rows = cJSON_CreateArray();
    while (getline(&line, &room, f) > 0)
        cJSON_AddItemToArray(rows, cJSON_Parse(line));
    free(line);
    fclose(f);
    return rows;
}

static const char *text_of(const cJSON *row, const char *key)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, key));
}

static const cJSON *row_named(const cJSON *rows, const char *id)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
        if (strcmp(text_of(row, "id"), id) == 0)
            return row;
    fail_msg("there is no %s", id);
    return NULL;
}

/* How many rows with that key are flagged against the one they name; all of them in *ret_all. */
static int flagged(const cJSON *rows, const cJSON *originals, const char *key, int *ret_all)
{
    int count = 0;
    const cJSON *row;
    *ret_all = 0;
    cJSON_ArrayForEach(row, rows) {
        const char *of = text_of(row, key);
        if (!of)
            continue;
        const cJSON *original = row_named(originals, of);
        ++*ret_all;
        count += score_of(text_of(row, "title"), text_of(row, "description"), text_of(original, "title"), text_of(original, "description")) >=
                 SIMILAR_FLAG;
    }
    return count;
}

static void test_copies_are_flagged_and_other_solutions_are_not(void **state)
{
    (void)state;
    cJSON *shared = read_lines(SOURCE_ROOT "/tests/data/vi-initiatives.jsonl"), *pairs = read_lines(SOURCE_ROOT "/tests/data/vi-similar-pairs.jsonl");
    int copies, more, negatives;
    int right = flagged(shared, shared, "dup_of", &copies), also = flagged(pairs, shared, "dup_of", &more);
    int wrong = flagged(pairs, shared, "hard_negative_of", &negatives);
    print_message("flagged: %d of %d copies, %d of %d further rewordings, %d of %d hard negatives\n", right, copies, also, more, wrong, negatives);
    assert_int_equal(copies, 60);
    assert_true(negatives >= 150);
    assert_true(right * 100 >= copies * 90);
    assert_true(also * 100 >= more * 90);
    assert_true(wrong * 100 <= negatives * 4);
    cJSON_Delete(shared);
    cJSON_Delete(pairs);
}

/* Written apart, and nothing was chosen by them: what the limits leave is for the next such set. */
static void test_copies_that_nothing_was_chosen_by_are_flagged_as_well(void **state)
{
    (void)state;
    cJSON *unseen = read_lines(SOURCE_ROOT "/tests/data/vi-similar-holdout.jsonl"), *all = read_lines(SOURCE_ROOT "/tests/data/vi-initiatives.jsonl");
    cJSON *row;
    cJSON_ArrayForEach(row, unseen)
        cJSON_AddItemToArray(all, cJSON_Duplicate(row, true));
    int copies, negatives;
    int right = flagged(unseen, all, "dup_of", &copies), wrong = flagged(unseen, all, "hard_negative_of", &negatives);
    print_message("flagged: %d of %d copies, %d of %d hard negatives\n", right, copies, wrong, negatives);
    assert_int_equal(copies, 84);
    assert_int_equal(negatives, 32);
    assert_true(right * 100 >= copies * 88);
    assert_true(wrong * 100 <= negatives * 8);
    cJSON_Delete(unseen);
    cJSON_Delete(all);
}

static void test_originals_are_not_alike(void **state)
{
    (void)state;
    TALLOC_CTX *ctx = talloc_new(NULL);
    cJSON *shared = read_lines(SOURCE_ROOT "/tests/data/vi-initiatives.jsonl");
    struct similar_doc *original[300];
    size_t n = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, shared)
        if (!text_of(row, "dup_of"))
            original[n++] = doc_of(ctx, text_of(row, "title"), text_of(row, "description"));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < i; j++)
            assert_true(similar_score(original[i], original[j]) < SIMILAR_FLAG);
    cJSON_Delete(shared);
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_description_is_taken_apart_by_its_cues),
        cmocka_unit_test(test_accents_case_numbers_and_teencode_do_not_matter),
        cmocka_unit_test(test_the_same_words_are_the_same_initiative_however_they_are_told),
        cmocka_unit_test(test_what_two_have_in_common_is_told_in_the_words_of_the_first),
        cmocka_unit_test(test_accents_that_contradict_are_other_words),
        cmocka_unit_test(test_stock_phrases_and_nothing_are_alike_to_nothing),
        cmocka_unit_test(test_terms_are_the_same_without_accents_and_in_either_order),
        cmocka_unit_test(test_a_long_text_stays_within_its_limits),
        cmocka_unit_test(test_copies_are_flagged_and_other_solutions_are_not),
        cmocka_unit_test(test_copies_that_nothing_was_chosen_by_are_flagged_as_well),
        cmocka_unit_test(test_originals_are_not_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
