/* Text made clean, folded and cut; checked against the Unicode tables when they are at hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <openssl/evp.h>
#include <utf8proc.h>

#include "letters.h"
#include "text.h"

typedef char *convert_fn(TALLOC_CTX *ctx, struct str text);

struct conversion {
    struct str in;
    const char *want;
    const char *rule;
};

static void check(convert_fn *convert, const struct conversion *cases, size_t n)
{
    void *ctx = talloc_new(NULL);
    for (size_t i = 0; i < n; i++) {
        char *got = convert(ctx, cases[i].in);
        if (strcmp(got, cases[i].want) != 0)
            print_error("%s: want \"%s\", got \"%s\"\n", cases[i].rule, cases[i].want, got);
        assert_string_equal(got, cases[i].want);
        assert_string_equal(convert(ctx, str_of(got)), got); /* once is enough */
    }
    talloc_free(ctx);
}

static void test_stored_text_is_clean_and_otherwise_as_typed(void **state)
{
    (void)state;
    static const struct conversion cases[] = {
        {STR("  Đồ gá   kẹp  "), "Đồ gá kẹp", "T4"},
        {STR("a\xff" "b"), "a\xEF\xBF\xBD" "b", "T1: one bad byte"},
        {STR("a\xe1\xbb" "b"), "a\xEF\xBF\xBD" "b", "T1: a cut sequence is one fault"},
        {STR("\xed\xa0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "T1: a surrogate"},
        {STR("\xc0\xaf"), "\xEF\xBF\xBD\xEF\xBF\xBD", "T1: overlong"},
        {STR("\xf4\x90\x80\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD", "T1: above U+10FFFF"},
        {STR("tie\u0302\u0301n"), "tiến", "T2: NFD"},
        {STR("tie\u0301\u0302n"), "tiến", "T2: tone before shape"},
        {STR("tié\u0302n"), "tiến", "T2: tone composed, shape behind"},
        {STR("ta\u0306\u0323t ta\u0323\u0306t ta\u0300\u0306m"), "tặt tặt tằm", "T2: breve"},
        {STR("mu\u031b\u01a1\u0300i mu\u031bo\u0300\u031bi mu\u031bo\u031b\u0300i"), "mười mười mười", "T2: horn"},
        {STR("E\u0309\u0302 O\u0303\u0302"), "Ể Ỗ", "T2: capitals"},
        {STR("i\u0301\u0302"), "í\u0302", "T2: i has no shape mark, so canonical order stays"},
        {STR("50\u200b tri\u200cệu\ufeff"), "50 triệu", "T3"},
        {STR("\u202eabc\u202c \u2066x\u2069\u200e"), "abc x", "bidi controls"},
        {STR("a\0b\x01\x1f\x7f"), "ab", "controls"},
        {STR("a\tb\u00a0c\u2009d\u202fe\u3000f"), "a b c d e f", "odd spaces"},
        {STR("a\r\nb\rc\u2028d"), "a\nb\nc\nd", "line ends"},
        {STR("\n\n a \n \n\n\n b \n"), "a\n\nb", "at most two breaks, none at the ends"},
        {STR("👨‍👩‍👧‍👦 ❤️ 5️⃣ 👍🏽"), "👨‍👩‍👧‍👦 ❤️ 5️⃣ 👍🏽", "emoji stay whole"},
        {STR("hoà thuỷ ko đc"), "hoà thuỷ ko đc", "T10: nothing is corrected"},
        {STR("ﬁ ½ ５０"), "ﬁ ½ ５０", "T10: NFC, not NFKC"},
        {STR(""), "", "empty"},
        {STR(" \n\u200b "), "", "nothing left"},
    };
    check(text_clean, cases, ARRAY_LEN(cases));
}

/* 12 vowels, 5 tones, both cases, typed in every order that keyboards give: one stored letter, one key (T2, T8). */
static void test_every_vietnamese_letter_comes_out_of_every_spelling(void **state)
{
    (void)state;
    static const struct { const char *base, *shape, *key; } vowels[] = {
        {"a", "", "a"}, {"a", "\u0306", "a"}, {"a", "\u0302", "a"}, {"e", "", "e"}, {"e", "\u0302", "e"}, {"i", "", "i"},
        {"o", "", "o"}, {"o", "\u0302", "o"}, {"o", "\u031b", "o"}, {"u", "", "u"}, {"u", "\u031b", "u"}, {"y", "", "y"},
        {"A", "", "a"}, {"A", "\u0306", "a"}, {"A", "\u0302", "a"}, {"E", "", "e"}, {"E", "\u0302", "e"}, {"I", "", "i"},
        {"O", "", "o"}, {"O", "\u0302", "o"}, {"O", "\u031b", "o"}, {"U", "", "u"}, {"U", "\u031b", "u"}, {"Y", "", "y"},
    };
    static const char *const tones[] = {"", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"};
    void *ctx = talloc_new(NULL);
    for (size_t v = 0; v < ARRAY_LEN(vowels); v++)
        for (size_t t = 0; t < ARRAY_LEN(tones); t++) {
            const char *base = vowels[v].base, *shape = vowels[v].shape, *tone = tones[t];
            char *shape_first = talloc_asprintf(ctx, "%s%s%s", base, shape, tone);
            char *tone_first = talloc_asprintf(ctx, "%s%s%s", base, tone, shape);
            char *want = (char *)utf8proc_NFC((const utf8proc_uint8_t *)shape_first);
            char *toned = (char *)utf8proc_NFC((const utf8proc_uint8_t *)talloc_asprintf(ctx, "%s%s", base, tone));
            char *shaped = (char *)utf8proc_NFC((const utf8proc_uint8_t *)talloc_asprintf(ctx, "%s%s", base, shape));
            char *spelled[] = {want, shape_first, tone_first, talloc_asprintf(ctx, "%s%s", toned, shape),
                               talloc_asprintf(ctx, "%s%s", shaped, tone)};
            assert_int_equal(text_chars(str_of(want)), 1);
            for (size_t i = 0; i < ARRAY_LEN(spelled); i++) {
                assert_string_equal(text_clean(ctx, str_of(spelled[i])), want);
                assert_string_equal(text_key(ctx, str_of(spelled[i])), vowels[v].key);
            }
            free(want);
            free(toned);
            free(shaped);
        }
    talloc_free(ctx);
}

static void test_the_key_is_folded(void **state)
{
    (void)state;
    static const struct conversion cases[] = {
        {STR("HUỶ hủy huy"), "huy huy huy", "T5, T8"},
        {STR("Đ đ Ð ð"), "d d d d", "T8, with the eth of old keyboards"},
        {STR("ƠƯĂÂÊÔ ờứẳậễộ"), "ouaaeo ouaaeo", "T5, T8"},
        {STR("khỏang triêụ tie\u0301\u0302n"), "khoang trieu tien", "T8: misplaced tones"},
        {STR("５０ Ｔｒ"), "50 tr", "T6"},
        {STR("½ ¾"), "1/2 3/4", "T6"},
        {STR("20–30 − 40—50"), "20-30 - 40-50", "T6"},
        {STR("💰50tr💰"), "50tr", "T7"},
        {STR("5️⃣0️⃣ triệu"), "50 trieu", "T3"},
        {STR("50\u200b\u200dtr"), "50tr", "T3"},
        {STR("a👍🏽b"), "a b", "T7: words stay apart"},
        {STR("ok\r\nđi"), "ok\ndi", "line breaks are kept"},
        {STR("𝟱𝟬 𝐭𝐫"), "50 tr", "letters of mathematical alphabets"},
        {STR("m² m³"), "m2 m3", "powers"},
        {STR("Straße ΑΒΓ"), "straße αβγ", "other scripts"},
    };
    check(text_key, cases, ARRAY_LEN(cases));
}

static void test_lengths_are_code_points_and_utf16_units(void **state)
{
    (void)state;
    assert_int_equal(text_chars(STR("tiến 👍")), 6);
    assert_int_equal(text_utf16_units(STR("tiến 👍")), 7);
    assert_int_equal(text_chars(STR("")), 0);
    assert_int_equal(text_chars(STR("\xff\xff")), 2);
}

static void test_cutting_never_splits_a_grapheme(void **state)
{
    (void)state;
    static const struct { struct str text; size_t chars; const char *want; } cases[] = {
        {STR("abc"), 2, "ab"}, {STR("abc"), 3, "abc"}, {STR("abc"), 9, "abc"}, {STR("abc"), 0, ""},
        {STR("ae\u0302\u0301x"), 2, "a"}, {STR("ae\u0302\u0301x"), 3, "a"}, {STR("ae\u0302\u0301x"), 4, "ae\u0302\u0301"},
        {STR("a👨‍👩‍👧b"), 5, "a"}, {STR("a👨‍👩‍👧b"), 6, "a👨‍👩‍👧"},
        {STR("🇻🇳🇻🇳"), 3, "🇻🇳"}, {STR("👍🏽"), 1, ""}, {STR("5️⃣"), 2, ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str got = text_cut(cases[i].text, cases[i].chars);
        if (!str_eq(got, str_of(cases[i].want)))
            print_error("\"%.*s\" at %zu: got \"%.*s\"\n", STR_ARG(cases[i].text), cases[i].chars, STR_ARG(got));
        assert_true(str_eq(got, str_of(cases[i].want)));
    }
}

static void test_short_texts_end_in_an_ellipsis(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    assert_string_equal(text_short(ctx, STR("Đồ gá kẹp"), 9), "Đồ gá kẹp");
    assert_string_equal(text_short(ctx, STR("Đồ gá kẹp"), 7), "Đồ gá…");
    assert_string_equal(text_short(ctx, STR("a\nb"), 9), "a b");
    assert_string_equal(text_short(ctx, STR("abc"), 1), "…");
    assert_string_equal(text_short(ctx, STR("abc"), 0), "");
    assert_string_equal(text_short(ctx, STR("a👨‍👩‍👧b"), 6), "a…");
    talloc_free(ctx);
}

static void test_messages_split_at_the_best_boundary_that_fits(void **state)
{
    (void)state;
    static const struct { const char *text; size_t units; const char *first, *rest; } cases[] = {
        {"aa bb", 5, "aa bb", ""},
        {"aa bb cc", 5, "aa bb", "cc"},
        {"aa bb\ncc dd", 8, "aa bb", "cc dd"},
        {"aa\n\nbb\ncc dd", 10, "aa", "bb\ncc dd"},
        {"aaaaaaa", 3, "aaa", "aaaa"},
        {"aa bbbbbbb", 4, "aa", "bbbbbbb"},
        {"👍👍👍", 3, "👍", "👍👍"},
        {"👍👍👍", 1, "👍", "👍👍"},
        {"  aa  ", 9, "aa", ""},
        {"xe\u0302\u0301y", 3, "x", "e\u0302\u0301y"},
        {"", 5, "", ""},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str rest, first = text_split(str_of(cases[i].text), cases[i].units, &rest);
        if (!str_eq(first, str_of(cases[i].first)) || !str_eq(rest, str_of(cases[i].rest)))
            print_error("\"%s\": got \"%.*s\" and \"%.*s\"\n", cases[i].text, STR_ARG(first), STR_ARG(rest));
        assert_true(str_eq(first, str_of(cases[i].first)));
        assert_true(str_eq(rest, str_of(cases[i].rest)));
    }
}

static void test_a_long_message_splits_into_parts_zalo_takes(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    char *text = talloc_strdup(ctx, "");
    for (int i = 0; i < 700; i++)
        text = talloc_asprintf_append_buffer(text, "%s%d", i % 3 ? "tiến👨‍👩‍👧" : "e\u0302\u0301 ", i);
    for (int i = 0; i < 2500; i++) /* one grapheme that no limit can hold */
        text = talloc_strdup_append_buffer(text, "\u0301");
    size_t parts = 0, chars = 0, blanks = 0;
    struct str rest = str_of(text);
    while (rest.n) {
        struct str before = rest, part = text_split(rest, 2000, &rest);
        assert_true(part.n > 0 && text_utf16_units(part) <= 2000);
        assert_true(rest.n < before.n);
        chars += text_chars(part);
        blanks += rest.n ? (size_t)(rest.p - part.p) - part.n : 0;
        parts++;
    }
    assert_true(parts >= 4);
    assert_int_equal(chars + blanks, text_chars(str_of(text))); /* only blanks between the parts are lost */
    talloc_free(ctx);
}

static void test_a_text_of_pictures_only_is_told_from_one_with_words(void **state)
{
    (void)state;
    assert_true(text_is_emoji(STR("👍")));
    assert_true(text_is_emoji(STR("👍🏽 ❤️")));
    assert_true(text_is_emoji(STR("👨‍👩‍👧‍👦🇻🇳")));
    assert_false(text_is_emoji(STR("ok 👍")));
    assert_false(text_is_emoji(STR("")));
    assert_false(text_is_emoji(STR(" ")));
    assert_false(text_is_emoji(STR("5")));
    assert_false(text_is_emoji(STR("5️⃣"))); /* a digit to the readers */
}

static void test_a_hostile_run_of_marks_is_composed_in_linear_time(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    enum { MARKS = 200000 };
    char *text = talloc_size(ctx, MARKS * 2 + 1);
    text[0] = 'e';
    for (size_t i = 0; i < MARKS; i++) /* alternating classes are the worst case of an insertion sort */
        memcpy(text + 1 + 2 * i, i % 2 ? "\u0301" : "\u0323", 2);
    char *clean = text_clean(ctx, (struct str){text, MARKS * 2 + 1});
    assert_non_null(clean);
    assert_int_equal(text_chars(str_of(clean)), MARKS); /* the first dot composes: ẹ */
    talloc_free(ctx);
}

/* ---- Unicode tables, when the corpora lie beside the sources ---------------------------------------------------- */

/* The file, or the test ends as skipped. */
static FILE *corpus(const char *name)
{
    char path[512];
    const char *root = getenv("SANGKIEN_CORPORA");
    snprintf(path, sizeof(path), "%s/strings/%s", root && *root ? root : SOURCE_ROOT "/../shared/corpora", name);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("no %s: skipped\n", path);
        skip();
    }
    return file;
}

/* "0041 0306" as UTF-8. */
static char *from_hex(TALLOC_CTX *ctx, const char *codes)
{
    char *ret = talloc_strdup(ctx, "");
    char *end;
    for (;;) {
        long cp = strtol(codes, &end, 16);
        if (end == codes)
            return ret;
        utf8proc_uint8_t bytes[4];
        utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)cp, bytes);
        ret = talloc_strndup_append(ret, (const char *)bytes, (size_t)n);
        codes = end;
    }
}

static void test_vietnamese_rows_of_the_normalization_test_come_out_as_nfc(void **state)
{
    (void)state;
    FILE *file = corpus("unicode-normalization-vietnamese.txt");
    char line[1024];
    int rows = 0, wrong = 0;
    void *ctx = talloc_new(NULL);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#')
            continue;
        char *save, *source = strtok_r(line, ";", &save), *nfc = strtok_r(NULL, ";", &save), *nfd = strtok_r(NULL, ";", &save);
        char *want = from_hex(ctx, nfc);
        char *forms[] = {from_hex(ctx, source), from_hex(ctx, nfc), from_hex(ctx, nfd)};
        for (size_t i = 0; i < ARRAY_LEN(forms); i++)
            wrong += strcmp(text_clean(ctx, str_of(forms[i])), want) != 0;
        rows++;
    }
    fclose(file);
    talloc_free(ctx);
    assert_int_equal(wrong, 0);
    assert_true(rows > 50);
}

static void test_sample_emoji_stay_whole_and_leave_the_key(void **state)
{
    (void)state;
    FILE *file = corpus("unicode-emoji-sample.txt");
    char line[1024];
    int rows = 0, wrong = 0;
    void *ctx = talloc_new(NULL);
    while (fgets(line, sizeof(line), file)) {
        if (line[0] == '#' || !strchr(line, ';'))
            continue;
        *strchr(line, ';') = '\0';
        char *emoji = from_hex(ctx, line);
        bool keycap = strstr(emoji, "\u20e3") != NULL;
        char *text = talloc_asprintf(ctx, "a %s b", emoji);
        bool fine = strcmp(text_clean(ctx, str_of(text)), text) == 0 && text_is_emoji(str_of(emoji)) == !keycap &&
                    text_cut(str_of(emoji), text_chars(str_of(emoji)) - 1).n == 0 &&
                    (keycap || strcmp(text_key(ctx, str_of(text)), "a b") == 0);
        if (!fine)
            print_error("%s: key \"%s\"\n", emoji, text_key(ctx, str_of(text)));
        wrong += !fine;
        rows++;
    }
    fclose(file);
    talloc_free(ctx);
    assert_int_equal(wrong, 0);
    assert_true(rows > 100);
}

static void test_naughty_strings_are_cleaned_to_valid_nfc(void **state)
{
    (void)state;
    FILE *file = corpus("blns.jsonl");
    char *line = NULL;
    size_t room = 0;
    int rows = 0;
    void *ctx = talloc_new(NULL);
    while (getline(&line, &room, file) > 0) {
        cJSON *row = cJSON_Parse(line);
        const char *s = cJSON_GetStringValue(cJSON_GetObjectItem(row, "s"));
        if (s) {
            char *clean = text_clean(ctx, str_of(s));
            utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)clean);
            assert_string_equal((const char *)nfc, clean);
            assert_string_equal(text_clean(ctx, str_of(clean)), clean);
            char *key = text_key(ctx, str_of(s));
            assert_string_equal(text_key(ctx, str_of(key)), key);
            free(nfc);
            rows++;
        }
        cJSON_Delete(row);
    }
    free(line);
    fclose(file);
    talloc_free(ctx);
    assert_true(rows > 50);
}

/* Typed into the chat they are text like any other: kept as typed, and no command. */
static void test_hostile_payloads_are_kept_as_typed(void **state)
{
    (void)state;
    FILE *file = corpus("injection-payloads.jsonl");
    char *line = NULL;
    size_t room = 0;
    int rows = 0, plain = 0;
    void *ctx = talloc_new(NULL);
    while (getline(&line, &room, file) > 0) {
        cJSON *row = cJSON_Parse(line);
        const char *b64 = cJSON_GetStringValue(cJSON_GetObjectItem(row, "b64"));
        assert_non_null(b64);
        unsigned char *bytes = talloc_size(ctx, strlen(b64) + 4);
        int padded = EVP_DecodeBlock(bytes, (const unsigned char *)b64, (int)strlen(b64));
        assert_true(padded >= 0);
        size_t n = (size_t)padded - (size_t)(str_of(b64).n > 0 && strchr(b64, '=') ? strlen(strchr(b64, '=')) : 0);
        struct str payload = {(const char *)bytes, n};
        char *clean = text_clean(ctx, payload);
        utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)clean);
        assert_string_equal((const char *)nfc, clean);
        assert_string_equal(text_clean(ctx, str_of(clean)), clean);
        char *key = text_key(ctx, payload);
        assert_string_equal(text_key(ctx, str_of(key)), key);
        assert_string_equal(text_key(ctx, str_of(clean)), key);
        bool printable = n > 0 && bytes[0] != ' ' && bytes[n - 1] != ' ' && !memmem(bytes, n, "  ", 2);
        for (size_t i = 0; i < n && printable; i++)
            printable = bytes[i] >= ' ' && bytes[i] < 0x7f;
        if (printable) {
            assert_true(str_eq(str_of(clean), payload));
            plain++;
        }
        for (size_t limit = 0; limit <= text_chars(str_of(clean)); limit += 7) {
            struct str cut = text_cut(str_of(clean), limit);
            assert_true(text_chars(cut) <= limit && str_starts(str_of(clean), cut));
        }
        free(nfc);
        cJSON_Delete(row);
        rows++;
    }
    free(line);
    fclose(file);
    talloc_free(ctx);
    assert_true(rows > 900 && plain > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_text_is_clean_and_otherwise_as_typed),
        cmocka_unit_test(test_every_vietnamese_letter_comes_out_of_every_spelling),
        cmocka_unit_test(test_the_key_is_folded),
        cmocka_unit_test(test_lengths_are_code_points_and_utf16_units),
        cmocka_unit_test(test_cutting_never_splits_a_grapheme),
        cmocka_unit_test(test_short_texts_end_in_an_ellipsis),
        cmocka_unit_test(test_messages_split_at_the_best_boundary_that_fits),
        cmocka_unit_test(test_a_long_message_splits_into_parts_zalo_takes),
        cmocka_unit_test(test_a_text_of_pictures_only_is_told_from_one_with_words),
        cmocka_unit_test(test_a_hostile_run_of_marks_is_composed_in_linear_time),
        cmocka_unit_test(test_vietnamese_rows_of_the_normalization_test_come_out_as_nfc),
        cmocka_unit_test(test_sample_emoji_stay_whole_and_leave_the_key),
        cmocka_unit_test(test_naughty_strings_are_cleaned_to_valid_nfc),
        cmocka_unit_test(test_hostile_payloads_are_kept_as_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
