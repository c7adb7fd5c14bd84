/* The amount reader against the labelled lines, against lines derived from each rule, and what the questions need. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <inttypes.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "amount.h"
#include "table.h"

static int wrong_lines(const char *path, int *ret_lines)
{
    struct table t;
    int wrong = 0;
    *ret_lines = 0;
    table_open(&t, path);
    while (table_next(&t, true)) {
        struct amount a = amount_read(t.column[0]);
        char annual[24] = "";
        if (a.has_annual)
            snprintf(annual, sizeof(annual), "%" PRId64, a.annual_vnd);
        (*ret_lines)++;
        if (str_eq(t.column[1], str_of(amount_kind_name(a.kind))) && str_eq(t.column[2], str_of(annual)))
            continue;
        wrong++;
        print_error("%s:%d: \"%.*s\" (%.*s): want %.*s %.*s, got %s %s\n", path, t.number, STR_ARG(t.column[0]),
                    STR_ARG(t.column[3]), STR_ARG(t.column[1]), STR_ARG(t.column[2]), amount_kind_name(a.kind), annual);
    }
    table_close(&t);
    return wrong;
}

static void test_every_labelled_amount_is_read_as_labelled(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/data/vi-amounts.tsv", &lines), 0);
    assert_int_equal(lines, 306);
}

static void test_every_rule_holds_on_lines_written_for_it(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/handlers/reading/amounts-more.tsv", &lines), 0);
    assert_true(lines >= 2500);
}

static void test_lines_written_without_seeing_the_reader_are_read_as_labelled(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/data/vi-amounts-unseen.tsv", &lines), 0);
    assert_true(lines >= 600);
}

static bool same_reading(struct amount a, struct amount b)
{
    return a.kind == b.kind && a.has_annual == b.has_annual && a.annual_vnd == b.annual_vnd && a.ask == b.ask;
}

/* ---- The same message in other clothes (T2 to T7) ------------------------------------------------------------- */

typedef char *dress_fn(TALLOC_CTX *ctx, struct str text);

static char *dress_nfd(TALLOC_CTX *ctx, struct str text)
{
    utf8proc_uint8_t *nfd = NULL;
    utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &nfd, UTF8PROC_DECOMPOSE);
    char *ret = talloc_strdup(ctx, (const char *)nfd);
    free(nfd);
    return ret;
}

/* As people type without a Vietnamese keyboard. */
static char *without_accents(TALLOC_CTX *ctx, struct str text)
{
    utf8proc_uint8_t *plain = NULL;
    utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &plain, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK);
    char *ret = talloc_strdup(ctx, "");
    for (const char *p = (const char *)plain; *p; p++) {
        bool d = strncmp(p, "đ", 2) == 0;
        ret = talloc_asprintf_append_buffer(ret, "%c", d ? 'd' : *p);
        p += d;
    }
    free(plain);
    return ret;
}

/* T2: the tone typed before the shape, which NFC alone does not put right. */
static char *dress_tone_first(TALLOC_CTX *ctx, struct str text)
{
    char *nfd = dress_nfd(ctx, text);
    for (char *p = nfd; *p; p++) {
        static const char *const shapes[] = {"\u0302", "\u0306", "\u031b"};
        static const char *const tones[] = {"\u0300", "\u0301", "\u0303", "\u0309", "\u0323"};
        for (size_t i = 0; i < ARRAY_LEN(shapes); i++)
            for (size_t k = 0; k < ARRAY_LEN(tones); k++)
                if (strncmp(p, shapes[i], 2) == 0 && strncmp(p + 2, tones[k], 2) == 0) {
                    memcpy(p, tones[k], 2);
                    memcpy(p + 2, shapes[i], 2);
                    p += 3;
                    goto next;
                }
    next:;
    }
    return nfd;
}

static char *dress_polite(TALLOC_CTX *ctx, struct str text)
{
    return talloc_asprintf(ctx, "Dạ %.*s ạ", STR_ARG(text));
}

static char *dress_emoji(TALLOC_CTX *ctx, struct str text)
{
    return talloc_asprintf(ctx, "\U0001F64F %.*s \U0001F44D\U0001F3FD", STR_ARG(text));
}

/* Code point by code point; a replacement of 0 leaves it out. */
static char *dress_each(TALLOC_CTX *ctx, struct str text, utf8proc_int32_t map(utf8proc_int32_t cp), const char *behind)
{
    char *ret = talloc_strdup(ctx, "");
    utf8proc_int32_t cp;
    while (text.n) {
        text = str_skip(text, (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &cp));
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t n = utf8proc_encode_char(map(cp), bytes);
        ret = talloc_strndup_append(ret, (const char *)bytes, (size_t)n);
        ret = talloc_strdup_append(ret, behind);
    }
    return ret;
}

static utf8proc_int32_t as_it_is(utf8proc_int32_t cp)
{
    return cp;
}

static utf8proc_int32_t full_width(utf8proc_int32_t cp)
{
    bool widens = (cp >= '0' && cp <= '9') || (cp >= 'a' && cp <= 'z') || (cp >= 'A' && cp <= 'Z');
    return widens ? cp - '!' + 0xFF01 : cp;
}

static utf8proc_int32_t no_break(utf8proc_int32_t cp)
{
    return cp == ' ' ? 0xA0 : cp;
}

static char *dress_upper(TALLOC_CTX *ctx, struct str text)
{
    return dress_each(ctx, text, utf8proc_toupper, "");
}

static char *dress_full_width(TALLOC_CTX *ctx, struct str text)
{
    return dress_each(ctx, text, full_width, "");
}

static char *dress_no_break(TALLOC_CTX *ctx, struct str text)
{
    return dress_each(ctx, text, no_break, "");
}

static char *dress_zero_width(TALLOC_CTX *ctx, struct str text)
{
    return dress_each(ctx, text, as_it_is, "\u200b");
}

static void test_how_a_message_is_dressed_changes_nothing(void **state)
{
    (void)state;
    static const char *const paths[] = {SOURCE_ROOT "/tests/data/vi-amounts.tsv",
                                        SOURCE_ROOT "/tests/handlers/reading/amounts-more.tsv"};
    static dress_fn *const dresses[] = {dress_nfd, dress_tone_first, dress_polite, dress_emoji, dress_upper, dress_full_width,
                                        dress_no_break, dress_zero_width};
    int wrong = 0;
    for (size_t p = 0; p < ARRAY_LEN(paths); p++) {
        struct table t;
        table_open(&t, paths[p]);
        while (table_next(&t, true)) {
            void *ctx = talloc_new(NULL);
            struct amount plain = amount_read(t.column[0]);
            for (size_t d = 0; d < ARRAY_LEN(dresses); d++) {
                char *dressed = dresses[d](ctx, t.column[0]);
                if (same_reading(plain, amount_read(str_of(dressed))))
                    continue;
                wrong++;
                print_error("%s:%d: \"%s\" reads otherwise\n", paths[p], t.number, dressed);
            }
            talloc_free(ctx);
        }
        table_close(&t);
    }
    assert_int_equal(wrong, 0);
}

static void test_unclear_amounts_offer_the_readings_as_choices(void **state)
{
    (void)state;
    static const struct { const char *text; enum amount_ask ask; int64_t choice[AMOUNT_CHOICES_MAX]; } cases[] = {
        {"50", ASK_UNIT, {50000, 50000000, INT64_C(50000000000)}},
        {"50/tháng", ASK_UNIT, {600000, 600000000, INT64_C(600000000000)}},
        {"1,5", ASK_UNIT, {1500, 1500000, 1500000000}},
        {"1500", ASK_UNIT, {1500000, 1500000000}},
        {"500.000", ASK_UNIT, {500000, 500000000}},
        {"200000", ASK_UNIT, {200000, 200000000}},
        {"20-30", ASK_UNIT, {20000, 20000000, INT64_C(20000000000)}},
        {"50m", ASK_UNIT, {50000, 50000000, INT64_C(50000000000)}},
        {"40 tirệu", ASK_UNIT, {40000, 40000000, INT64_C(40000000000)}},
        {"2tr25", ASK_TWO_WAYS, {2250000, 2025000}},
        {"1 tỷ 25", ASK_TWO_WAYS, {1250000000, 1025000000}},
        {"1,250 triệu", ASK_TWO_WAYS, {1250000, 1250000000}},
        {"1,500 tỷ", ASK_TWO_WAYS, {1500000000}}, /* 1500 tỷ is above L2 */
        {"20 300 triệu", ASK_TWO_WAYS, {20000000, INT64_C(20300000000)}},
        {"2 triệu năm", ASK_YEAR_OR_HALF, {2000000, 2500000}},
        {"1 tỷ 200 triệu năm", ASK_YEAR_OR_HALF, {1200000000, 1200500000}},
        {"50.00.000", ASK_AGAIN, {0}},
        {"vài triệu", ASK_VAGUE, {0}},
        {"20 triệu/tuần", ASK_WHOLE_YEAR, {0}},
        {"giảm 30% chi phí", ASK_WHOLE_YEAR, {0}},
        {"20 triệu và 10 triệu", ASK_TOTAL, {0}},
        {"0 đồng", ASK_ZERO, {0}},
        {"-50 triệu", ASK_ZERO, {0}},
        {"50đ", ASK_ODD_SIZE, {0}},
        {"2000 tỷ", ASK_ODD_SIZE, {0}},
        {"1000 USD", ASK_FOREIGN, {0}},
        {"200k/ngày", ASK_DAYS, {0}},
        {"200k/ca", ASK_SHIFTS, {0}},
        {"chưa tính", ASK_AGAIN, {0}},
        {"50 triệu", ASK_NOTHING, {0}},
        {"không tính bằng tiền được", ASK_NOTHING, {0}},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct amount a = amount_read(str_of(cases[i].text));
        bool same = a.ask == cases[i].ask && memcmp(a.choice, cases[i].choice, sizeof(a.choice)) == 0;
        if (!same)
            print_error("\"%s\": want ask %d, got %d with %" PRId64 " %" PRId64 " %" PRId64 "\n", cases[i].text, cases[i].ask,
                        a.ask, a.choice[0], a.choice[1], a.choice[2]);
        assert_true(same);
    }
}

static void test_bounds_and_rates_are_kept_as_typed(void **state)
{
    (void)state;
    struct amount a = amount_read(STR("2-3 triệu/tháng"));
    assert_int_equal(a.lo_vnd, 2000000);
    assert_int_equal(a.hi_vnd, 3000000);
    assert_int_equal(a.annual_vnd, 24000000);
    assert_int_equal(a.ask, ASK_LOWER_BOUND);
    a = amount_read(STR("dưới 50 triệu"));
    assert_false(a.has_annual);
    assert_int_equal(a.lo_vnd, 0);
    assert_int_equal(a.hi_vnd, 50000000);
    assert_int_equal(a.ask, ASK_UPPER_BOUND);
    assert_int_equal(amount_read(STR("gần 5 triệu/tháng")).hi_vnd, 60000000);
    assert_int_equal(amount_read(STR("dưới 200k/ngày")).ask, ASK_WHOLE_YEAR);
    a = amount_read(STR("20 triệu/quý"));
    assert_int_equal(a.unit_vnd, 20000000);
    a = amount_read(STR("200k/ngày, 280 ngày/năm"));
    assert_int_equal(a.unit_vnd, 200000);
    assert_int_equal(a.ask, ASK_NOTHING);
    a = amount_read(STR("50 triệu/năm"));
    assert_int_equal(a.unit_vnd, 0);
}

static void test_odd_sizes_are_asked_twice(void **state)
{
    (void)state;
    assert_true(amount_read(STR("90.000đ")).double_check);
    assert_false(amount_read(STR("100.000đ")).double_check);
    assert_false(amount_read(STR("10 tỷ")).double_check);
    assert_true(amount_read(STR("10 tỷ 1 triệu")).double_check);
    assert_true(amount_read(STR("1000 tỷ")).double_check);
    assert_false(amount_read(STR("vài triệu")).double_check);
}

static void test_counts_of_days_and_shifts(void **state)
{
    (void)state;
    static const struct { const char *text; int want; } cases[] = {
        {"300", 300}, {"khoảng 300 ngày ạ", 300}, {"22 ngày/tháng", 264}, {"22 ngày mỗi tháng", 264}, {"mỗi tháng 26 ca", 312},
        {"280 ngày một năm", 280}, {"300 ngày/năm", 300}, {"một năm 300 ngày", 300}, {"600 ca", 600}, {"ba trăm", 300},
        {"hai trăm sáu mươi tư", 264}, {"1", 1}, {"5000", 5000},
        {"0", 0}, {"5001", 0}, {"-5", 0}, {"", 0}, {"không biết", 0}, {"50tr", 0}, {"20-25 ngày", 0}, {"1,5", 0}, {"300 ngày 2 ca", 0},
        {"5 ngày/tuần", 0}, {"99999999999999999999", 0}, {"417 ngày/tháng", 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        int count = 0;
        bool found = amount_read_count(str_of(cases[i].text), &count);
        if (found != (cases[i].want > 0) || count != cases[i].want)
            print_error("\"%s\": want %d, got %d\n", cases[i].text, cases[i].want, count);
        assert_int_equal(found, cases[i].want > 0);
        assert_int_equal(count, cases[i].want);
    }
}

static void test_no_text_is_too_long_or_too_broken_to_read(void **state)
{
    (void)state;
    static char text[20000];
    memset(text, '9', sizeof(text));
    assert_int_equal(amount_read((struct str){text, sizeof(text)}).kind, AMOUNT_AMBIGUOUS);
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
        memcpy(text + i, "1tr", 3);
    assert_int_equal(amount_read((struct str){text, sizeof(text)}).kind, AMOUNT_AMBIGUOUS);
    assert_int_equal(amount_read((struct str){NULL, 0}).kind, AMOUNT_NONE);
    assert_int_equal(amount_read(STR("\xff\xfe 50tr \xc3")).annual_vnd, 50000000);
}

/* xorshift64*: the same sums in every run. */
static uint64_t next_random(uint64_t *x)
{
    *x ^= *x >> 12;
    *x ^= *x << 25;
    *x ^= *x >> 27;
    return *x * UINT64_C(2685821657736338717);
}

static int unread_sum(int64_t vnd)
{
    int wrong = 0;
    void *ctx = talloc_new(NULL);
    char *digits = amount_digits(ctx, vnd);
    char *words = amount_words(ctx, vnd);
    char *forms[] = {words, without_accents(ctx, str_of(words)), amount_short(ctx, vnd), talloc_asprintf(ctx, "%sđ", digits),
                     talloc_asprintf(ctx, "%" PRId64 " đồng", vnd), talloc_asprintf(ctx, "%s VND một năm", digits)};
    for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
        if (strstr(forms[f], "1.000 tỷ")) /* has two readings (S3) */
            continue;
        struct amount a = amount_read(str_of(forms[f]));
        if (a.kind == AMOUNT_EXACT && a.annual_vnd == vnd)
            continue;
        wrong++;
        print_error("\"%s\": got %s %" PRId64 "\n", forms[f], amount_kind_name(a.kind), a.annual_vnd);
    }
    talloc_free(ctx);
    return wrong;
}

static void test_the_answers_read_back_are_understood_again(void **state)
{
    (void)state;
    static const int64_t edges[] = {1000, 1001, 1004, 1005, 1010, 1015, 1021, 1024, 1025, 1100, 1101, 1105, 1111, 20000, 105000, 250000, 999999,
                                    1000000, 1000001, 1000005, 1050000, 2350000, 15000000, 21000000, 24000000, 25000000, 64500000, 105000000,
                                    111000000, 120000000, 1000000000, 1000000005, 1005000000, 2350000000, 10000000000, 54746000000,
                                    999999999999, 1000000000000};
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(edges); i++)
        wrong += unread_sum(edges[i]);
    uint64_t seed = 3259;
    for (int i = 0; i < 20000; i++) { /* of every size, every second one round */
        int64_t limit = 1000, unit = 1;
        for (uint64_t k = next_random(&seed) % 10; k > 0; k--)
            limit *= 10;
        for (uint64_t k = next_random(&seed) % 2 ? next_random(&seed) % 10 : 0; k > 0 && unit * 1000 < limit; k--)
            unit *= 10;
        int64_t vnd = (int64_t)(next_random(&seed) % (uint64_t)limit) / unit * unit;
        if (vnd >= 1000)
            wrong += unread_sum(vnd);
    }
    assert_int_equal(wrong, 0);
}

/* N2, N4: the variants of the same number that people say. */
static void test_every_way_to_say_a_number_counts(void **state)
{
    (void)state;
    static const struct { const char *said[6]; int64_t n; } cases[] = {
        {{"hai mươi mốt", "hai mốt", "hăm mốt", "hai muoi mot", "21"}, 21},
        {{"hai mươi bốn", "hai mươi tư", "hai tư", "hăm tư", "hai muoi tu"}, 24},
        {{"hai mươi lăm", "hai mươi nhăm", "hai lăm", "hai nhăm", "hăm lăm", "hai muoi lam"}, 25},
        {{"năm mươi lăm", "năm lăm", "nam muoi lam", "năm nhăm", "5 chục lăm"}, 55},
        {{"bảy mươi bảy", "bẩy mươi bẩy", "bay muoi bay", "bảy chục bảy"}, 77},
        {{"mười lăm", "mười nhăm", "muoi lam", "một chục lăm"}, 15},
        {{"mười bốn", "muoi bon"}, 14},
        {{"một trăm linh một", "một trăm lẻ một", "trăm linh một", "mot tram le mot"}, 101},
        {{"một trăm linh năm", "một trăm lẻ năm", "một trăm linh lăm", "tram linh nam"}, 105},
        {{"một trăm mười", "trăm mười", "một trăm một", "trăm mốt", "1 trăm 10"}, 110},
        {{"một trăm mười một", "trăm mười một", "mot tram muoi mot"}, 111},
        {{"một trăm hai mươi", "trăm hai", "trăm hai mươi", "1 trăm 20"}, 120},
        {{"một trăm năm mươi", "trăm rưỡi", "một trăm rưỡi", "trăm năm", "một trăm năm"}, 150},
        {{"hai trăm bốn mươi", "hai trăm tư", "hai trăm bốn", "2 trăm 4 chục", "hai tram tu"}, 240},
        {{"năm trăm năm mươi lăm", "năm trăm năm lăm", "nam tram nam muoi lam"}, 555},
        {{"chín trăm chín mươi chín", "chin tram chin muoi chin"}, 999},
    };
    int wrong = 0;
    void *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < ARRAY_LEN(cases[i].said) && cases[i].said[k]; k++) {
            char *text = talloc_asprintf(ctx, "%s triệu", cases[i].said[k]);
            struct amount a = amount_read(str_of(text));
            if (a.kind == AMOUNT_EXACT && a.annual_vnd == cases[i].n * 1000000)
                continue;
            wrong++;
            print_error("\"%s\": got %s %" PRId64 "\n", text, amount_kind_name(a.kind), a.annual_vnd);
        }
    talloc_free(ctx);
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_labelled_amount_is_read_as_labelled),
        cmocka_unit_test(test_every_rule_holds_on_lines_written_for_it),
        cmocka_unit_test(test_lines_written_without_seeing_the_reader_are_read_as_labelled),
        cmocka_unit_test(test_how_a_message_is_dressed_changes_nothing),
        cmocka_unit_test(test_unclear_amounts_offer_the_readings_as_choices),
        cmocka_unit_test(test_bounds_and_rates_are_kept_as_typed),
        cmocka_unit_test(test_odd_sizes_are_asked_twice),
        cmocka_unit_test(test_counts_of_days_and_shifts),
        cmocka_unit_test(test_no_text_is_too_long_or_too_broken_to_read),
        cmocka_unit_test(test_the_answers_read_back_are_understood_again),
        cmocka_unit_test(test_every_way_to_say_a_number_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
