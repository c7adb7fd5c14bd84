/* The amount: every way of saying it leads to its question, and nothing is kept that was not read back. */
#include "transcript.h"

#include <stdio.h>

static const struct benefit *kept(void)
{
    return &dialog_now()->draft.benefit;
}

static void test_an_exact_amount_is_read_back_before_it_is_kept(void **state)
{
    (void)state;
    at_benefit();
    says("50tr");
    bot("benefit_echo");
    bot_says("50.000.000 đồng/năm");
    assert_null(kept()->kind);
    taps("Đúng rồi");
    bot("confirm_summary");
    assert_string_equal(kept()->kind, BENEFIT_MONEY);
    assert_int_equal(kept()->vnd, 50000000);
    assert_string_equal(kept()->text, "50tr");
}

static void test_a_wrong_reading_is_entered_again(void **state)
{
    (void)state;
    at_benefit();
    says("50tr");
    taps("Nhập lại");
    bot("benefit_retry");
    says("60tr");
    bot_says("60.000.000");
    says("70 triệu"); /* a correction instead of an answer */
    bot("benefit_echo");
    bot_says("70.000.000");
    says("sai rồi");
    bot("benefit_retry");
}

static void test_annualising_is_shown(void **state)
{
    (void)state;
    static const struct {
        const char *typed, *name, *shown;
        int64_t vnd;
    } cases[] = {
        {"5 triệu/tháng", "benefit_echo_month", "5.000.000 đồng × 12 tháng = 60.000.000 đồng/năm", 60000000},
        {"20 triệu/quý", "benefit_echo_quarter", "20.000.000 đồng × 4 quý = 80.000.000 đồng/năm", 80000000},
    };
    at_benefit();
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        says(cases[i].typed);
        bot(cases[i].name);
        bot_says(cases[i].shown);
        says("đúng rồi");
        assert_int_equal(kept()->vnd, cases[i].vnd);
        says("sửa số tiền");
    }
}

static void test_a_unit_that_is_missing_is_asked_with_buttons(void **state)
{
    (void)state;
    at_benefit();
    says("50");
    bot("clar_unit");
    taps("50 triệu đồng");
    bot("benefit_echo");
    bot_says("50.000.000 đồng/năm");
    says("1");
    bot("confirm_summary");
    assert_string_equal(kept()->text, "50");
}

static void test_digits_choose_among_the_readings(void **state)
{
    (void)state;
    at_benefit();
    says("50");
    bot("clar_unit");
    says("2");
    bot("benefit_echo");
    bot_says("50.000.000");
}

static void test_days_are_counted_and_multiplied(void **state)
{
    (void)state;
    at_benefit();
    says("100 nghìn/ngày");
    bot("clar_days");
    bot_says("100.000");
    taps("264 ngày (22 ngày/tháng)");
    bot("benefit_echo_day");
    bot_says("100.000 đồng × 264 ngày = 26.400.000 đồng/năm");
    taps("Nhập lại");
    says("100 nghìn/ngày");
    says("không rõ lắm");
    bot("count_unclear");
    says("250");
    bot("benefit_echo_day");
    bot_says("25.000.000");
    says("đúng rồi");
    bot("confirm_summary");
    bot_says("(từ 100.000 đồng/ngày)");
}

static void test_shifts_are_counted(void **state)
{
    (void)state;
    at_benefit();
    says("200 nghìn/ca");
    bot("clar_shifts");
    says("600");
    bot("benefit_echo_shift");
    bot_says("200.000 đồng × 600 ca = 120.000.000 đồng/năm");
}

static void test_of_a_range_the_lower_bound_is_proposed(void **state)
{
    (void)state;
    at_benefit();
    says("trên 20 triệu");
    bot("clar_range");
    bot_says("20.000.000 đồng/năm");
    taps("Ghi mức thấp");
    bot("confirm_summary");
    assert_int_equal(kept()->vnd, 20000000);
}

static void test_an_upper_bound_wants_one_figure(void **state)
{
    (void)state;
    at_benefit();
    says("dưới 50 triệu");
    bot("clar_upper");
    bot_says("dưới 50.000.000 đồng");
    says("40 triệu");
    bot("benefit_echo");
}

static void test_foreign_money_is_asked_in_dong(void **state)
{
    (void)state;
    at_benefit();
    says("1000 usd");
    bot("clar_foreign");
    says("24 triệu");
    bot("benefit_echo");
}

static void test_zero_is_perhaps_no_money_at_all(void **state)
{
    (void)state;
    at_benefit();
    says("0 đồng");
    bot("clar_zero");
    taps("Đúng, không ra tiền");
    bot("ask_gain");
    says("Công nhân đỡ phải cúi, an toàn hơn");
    bot("confirm_summary");
    bot_says("không tính bằng tiền: Công nhân đỡ phải cúi, an toàn hơn");
    assert_string_equal(kept()->kind, BENEFIT_NONMONETARY);
}

static void test_a_benefit_in_words_is_kept_as_typed(void **state)
{
    (void)state;
    at_benefit();
    says("an toàn hơn cho công nhân");
    bot("clar_nonmonetary");
    bot_says("an toàn hơn cho công nhân");
    taps("Ghi như vậy");
    bot("confirm_summary");
    assert_string_equal(kept()->text, "an toàn hơn cho công nhân");
    assert_string_equal(kept()->kind, BENEFIT_NONMONETARY);
}

static void test_no_money_by_button_and_the_gain_may_be_skipped(void **state)
{
    (void)state;
    at_benefit();
    taps("Không tính bằng tiền");
    bot("ask_gain");
    taps("Bỏ qua");
    bot("confirm_summary");
    bot_says("làm lợi: không tính bằng tiền");
}

static void test_an_unknown_amount_may_come_later(void **state)
{
    (void)state;
    at_benefit();
    says("chưa ước tính được");
    bot("clar_unknown");
    taps("Bổ sung sau");
    bot("confirm_summary");
    bot_says("chưa ước tính, bổ sung sau");
    says("gửi");
    assert_string_equal(world->me->initiatives->benefit_kind, BENEFIT_UNKNOWN);
}

static void test_skip_leaves_the_amount_open(void **state)
{
    (void)state;
    at_benefit();
    says("bỏ qua");
    bot("confirm_summary");
    assert_string_equal(kept()->kind, BENEFIT_UNKNOWN);
}

static void test_odd_sizes_are_asked_a_second_time_in_words(void **state)
{
    (void)state;
    at_benefit();
    says("20 tỷ");
    bot("benefit_echo");
    says("đúng rồi");
    bot("benefit_double_check");
    bot_says("20.000.000.000");
    assert_null(kept()->kind);
    taps("Đúng số này");
    bot("confirm_summary");
    assert_int_equal(kept()->vnd, 20000000000);
}

static void test_after_two_questions_a_person_or_later_is_offered(void **state)
{
    (void)state;
    at_benefit();
    says("alibaba");
    bot("clar_again");
    says("hoho hihi");
    bot("clar_again");
    says("lalala");
    bot("clar_give_up");
    says("hmm hmm");
    bot("benefit_stuck_unclear");
    taps("Bổ sung sau");
    bot("confirm_summary");
}

static void test_an_amount_that_was_understood_breaks_the_row_of_questions(void **state)
{
    (void)state;
    at_benefit();
    says("alibaba");
    says("hoho hihi");
    says("30 triệu");
    bot("benefit_echo");
    taps("Nhập lại");
    says("alibaba"); /* the row was broken by an answer that was understood */
    bot("clar_again");
}

static void test_a_no_around_an_amount_is_an_amount(void **state)
{
    (void)state;
    at_benefit();
    says("50tr");
    says("không phải, 60 triệu");
    bot("benefit_echo");
    bot_says("60.000.000");
}

static void test_words_do_not_take_away_what_is_on_show(void **state)
{
    (void)state;
    at_benefit();
    says("50");
    bot("clar_unit");
    says("ừa cái đó á");
    bot("benefit_choice_unclear");
    says("2");
    bot("benefit_echo");
    bot_says("50.000.000");
    says("ơ kìa");
    bot("benefit_echo_unclear");
    says("đúng");
    bot("confirm_summary");
    assert_int_equal(kept()->vnd, 50000000);
}

static void test_to_enter_again_is_understood_at_every_question(void **state)
{
    (void)state;
    at_benefit();
    says("20-30tr");
    bot("clar_range");
    says("nhap lai");
    bot("benefit_retry");
    says("50");
    bot("clar_unit");
    says("sửa");
    bot("benefit_retry");
    says("45tr");
    bot("benefit_echo");
}

static void test_an_aside_does_not_repeat_the_complaint(void **state)
{
    (void)state;
    at_benefit();
    says("alibaba");
    bot("clar_again");
    says("dừng nhắc");
    bot("optout_done ask_benefit");
}

static void test_a_figure_at_the_summary_corrects_it(void **state)
{
    (void)state;
    at_confirm();
    says("60tr");
    bot("benefit_echo");
    bot_says("60.000.000");
    says("ok");
    bot("edit_done+confirm_summary");
    assert_int_equal(kept()->vnd, 60000000);
    says("sua so tien thanh 2tr5/thang");
    bot("benefit_echo_month");
    says("ok");
    bot("edit_done+confirm_summary");
    assert_int_equal(kept()->vnd, 30000000);
    says("sửa");
    bot("edit_menu");
    says("80 triệu");
    bot("benefit_echo");
    says("quay lại");
    bot("kept+confirm_summary");
    assert_int_equal(kept()->vnd, 30000000);
    says("50"); /* no unit: it may mean anything here */
    bot("confirm_unclear");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_an_exact_amount_is_read_back_before_it_is_kept),
        T(test_a_wrong_reading_is_entered_again),
        T(test_annualising_is_shown),
        T(test_a_unit_that_is_missing_is_asked_with_buttons),
        T(test_digits_choose_among_the_readings),
        T(test_days_are_counted_and_multiplied),
        T(test_shifts_are_counted),
        T(test_of_a_range_the_lower_bound_is_proposed),
        T(test_an_upper_bound_wants_one_figure),
        T(test_foreign_money_is_asked_in_dong),
        T(test_zero_is_perhaps_no_money_at_all),
        T(test_a_benefit_in_words_is_kept_as_typed),
        T(test_no_money_by_button_and_the_gain_may_be_skipped),
        T(test_an_unknown_amount_may_come_later),
        T(test_skip_leaves_the_amount_open),
        T(test_odd_sizes_are_asked_a_second_time_in_words),
        T(test_after_two_questions_a_person_or_later_is_offered),
        T(test_an_amount_that_was_understood_breaks_the_row_of_questions),
        T(test_a_no_around_an_amount_is_an_amount),
        T(test_words_do_not_take_away_what_is_on_show),
        T(test_to_enter_again_is_understood_at_every_question),
        T(test_an_aside_does_not_repeat_the_complaint),
        T(test_a_figure_at_the_summary_corrects_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
