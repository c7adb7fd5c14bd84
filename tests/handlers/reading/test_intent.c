/* Commands against the labelled lines, every phrase of the lexicon in its disguises, and content that must stay content. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <talloc.h>
#include <utf8proc.h>

#include "intent.h"
#include "lexicon.h"
#include "table.h"
#include "text.h"

enum { FILE_SCENES = SCENE_CONFIRM + 1 }; /* the five states of vi-intents.tsv */

/* @return how many lines of the table are read otherwise. */
static int wrong_lines(const char *path, bool comments, int *ret_lines)
{
    struct table t;
    int wrong = 0;
    *ret_lines = 0;
    table_open(&t, path);
    while (table_next(&t, comments)) {
        bool any = str_eq(t.column[1], STR("any"));
        enum intent_scene only = SCENE_MENU;
        assert_true(any || intent_scene_named(t.column[1], &only));
        for (int scene = any ? 0 : (int)only; scene < (any ? FILE_SCENES : (int)only + 1); scene++) {
            enum intent got = intent_read(t.column[0], (enum intent_scene)scene, false).intent;
            if (str_eq(str_of(intent_name(got)), t.column[2]))
                continue;
            wrong++;
            print_error("%s:%d: \"%.*s\" in %.*s (%.*s): want %.*s, got %s\n", path, t.number, STR_ARG(t.column[0]),
                        STR_ARG(t.column[1]), STR_ARG(t.column[3]), STR_ARG(t.column[2]), intent_name(got));
        }
        (*ret_lines)++;
    }
    table_close(&t);
    return wrong;
}

static void test_every_labelled_intent_is_read_as_labelled(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/data/vi-intents.tsv", false, &lines), 0);
    assert_int_equal(lines, 202);
}

static void test_every_rule_holds_on_lines_written_for_it(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/handlers/reading/intents-more.tsv", true, &lines), 0);
    assert_true(lines >= 1000);
}

static void test_lines_written_without_seeing_the_reader_are_read_as_labelled(void **state)
{
    (void)state;
    int lines;
    assert_int_equal(wrong_lines(SOURCE_ROOT "/tests/data/vi-intents-unseen.tsv", true, &lines), 0);
    assert_true(lines >= 390);
}

/* One row of the lexicon that holds everywhere: intent and phrase; yes and no count in confirm only. */
typedef void visit_fn(struct str phrase, enum intent intent, void *ctx);

static void each_phrase(bool extended, visit_fn *visit, void *ctx)
{
    struct table t;
    table_open(&t, SOURCE_ROOT "/handlers/reading/lexicon.tsv");
    while (table_next(&t, true)) {
        enum intent intent = intent_named(t.column[0]);
        bool limited = t.column[3].n > 0;
        if (intent != INTENT_CONTENT && (!limited || (extended && str_starts(t.column[3], STR("extended")))))
            visit(t.column[1], intent, ctx);
    }
    table_close(&t);
}

static char *utf8_map(TALLOC_CTX *ctx, struct str text, utf8proc_option_t options)
{
    utf8proc_uint8_t *mapped = NULL;
    utf8proc_map((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &mapped, options);
    assert_non_null(mapped);
    char *ret = talloc_strdup(ctx, (const char *)mapped);
    free(mapped);
    return ret;
}

static char *without_accents(TALLOC_CTX *ctx, struct str text)
{
    char *plain = utf8_map(ctx, text, UTF8PROC_DECOMPOSE | UTF8PROC_STRIPMARK);
    char *out = plain;
    for (const char *in = plain; *in; in++) {
        if (strncmp(in, "đ", 2) == 0) {
            *out++ = 'd';
            in++;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return plain;
}

static char *upper_case(TALLOC_CTX *ctx, struct str text)
{
    char *ret = talloc_strdup(ctx, "");
    while (text.n) {
        utf8proc_int32_t cp;
        utf8proc_uint8_t bytes[4];
        text = str_skip(text, (size_t)utf8proc_iterate((const utf8proc_uint8_t *)text.p, (utf8proc_ssize_t)text.n, &cp));
        utf8proc_ssize_t n = utf8proc_encode_char(utf8proc_toupper(cp), bytes);
        ret = talloc_strndup_append(ret, (const char *)bytes, (size_t)n);
    }
    return ret;
}

struct disguise_run {
    const char *how;
    bool extended;
    int wrong;
};

static void expect(struct disguise_run *run, const char *text, enum intent want)
{
    bool about_similar = want >= INTENT_DIFFERENT && want <= INTENT_AGAIN;
    enum intent got = intent_read(str_of(text), about_similar ? SCENE_SIMILAR : SCENE_CONFIRM, run->extended).intent;
    if (got == want)
        return;
    run->wrong++;
    print_error("%s: \"%s\": want %s, got %s\n", run->how, text, intent_name(want), intent_name(got));
}

static void check_disguises(struct str phrase, enum intent intent, void *ctx)
{
    struct disguise_run *run = ctx;
    if (intent == INTENT_DONE || intent == INTENT_UNKNOWN || intent == INTENT_NONMONETARY)
        return; /* scenes of their own, see below */
    void *tmp = talloc_new(NULL);
    run->how = "as it is";
    expect(run, talloc_strndup(tmp, phrase.p, phrase.n), intent);
    run->how = "without accents";
    char *plain = without_accents(tmp, phrase);
    if (strcmp(plain, "dung") != 0) /* dừng and đúng, see the rules one by one */
        expect(run, plain, intent);
    run->how = "decomposed";
    expect(run, utf8_map(tmp, phrase, UTF8PROC_DECOMPOSE), intent);
    run->how = "upper case";
    expect(run, upper_case(tmp, phrase), intent);
    run->how = "with fillers";
    struct message_key key;
    assert_true(message_key_read(phrase, &key));
    if (!lexicon_is_filler(message_key_range(&key, key.words - 1u, key.words))) { /* "giúp" would be stripped with them */
        expect(run, talloc_asprintf(tmp, "%.*s ạ", STR_ARG(phrase)), intent);
        expect(run, talloc_asprintf(tmp, "dạ %.*s ạ", STR_ARG(phrase)), intent);
        expect(run, talloc_asprintf(tmp, "em muốn %.*s nhé", STR_ARG(phrase)), intent);
    }
    run->how = "with punctuation and emoji";
    expect(run, talloc_asprintf(tmp, "  \"%.*s\" !!! 😀", STR_ARG(phrase)), intent);
    run->how = "with a slash";
    expect(run, talloc_asprintf(tmp, "/%.*s", STR_ARG(phrase)), intent);
    run->how = "with # and no blanks";
    char *squeezed = talloc_asprintf(tmp, "#%.*s", STR_ARG(phrase));
    char *out = squeezed;
    for (const char *in = squeezed; *in; in++)
        if (*in != ' ')
            *out++ = *in;
    *out = '\0';
    expect(run, squeezed, intent);
    talloc_free(tmp);
}

static void test_every_phrase_is_found_however_it_is_typed(void **state)
{
    (void)state;
    struct disguise_run run = {.extended = false};
    each_phrase(false, check_disguises, &run);
    assert_int_equal(run.wrong, 0);
}

static void test_extended_phrases_are_found_in_their_scenes_only(void **state)
{
    (void)state;
    struct disguise_run run = {.extended = true};
    each_phrase(true, check_disguises, &run);
    assert_int_equal(run.wrong, 0);
    assert_int_equal(intent_read(STR("Viết xong"), SCENE_DESCRIPTION, true).intent, INTENT_DONE);
    assert_int_equal(intent_read(STR("xong rồi ạ"), SCENE_TITLE, true).intent, INTENT_DONE);
    assert_int_equal(intent_read(STR("xong"), SCENE_BENEFIT, true).intent, INTENT_CONTENT);
    assert_int_equal(intent_read(STR("em chưa biết ạ"), SCENE_BENEFIT, true).intent, INTENT_UNKNOWN);
    assert_int_equal(intent_read(STR("không ra tiền"), SCENE_BENEFIT, true).intent, INTENT_NONMONETARY);
    assert_int_equal(intent_read(STR("không ra tiền"), SCENE_DESCRIPTION, true).intent, INTENT_CONTENT);
    assert_int_equal(intent_read(STR("Viết xong"), SCENE_DESCRIPTION, false).intent, INTENT_CONTENT);
    assert_int_equal(intent_read(STR("chưa ước tính được"), SCENE_BENEFIT, false).intent, INTENT_CONTENT);
    assert_int_equal(intent_read(STR("làm chung"), SCENE_CONFIRM, true).intent, INTENT_CONTENT);
    assert_int_equal(intent_read(STR("trùng"), SCENE_TITLE, true).intent, INTENT_CONTENT);
}

static void test_edit_phrases_name_their_field(void **state)
{
    (void)state;
    static const struct { const char *text; enum edit_field field; } cases[] = {
        {"sửa", EDIT_ANY}, {"sua ten", EDIT_TITLE}, {"đổi tên sáng kiến giúp em", EDIT_TITLE}, {"sửa lại mô tả", EDIT_DESCRIPTION},
        {"sửa nội dung", EDIT_DESCRIPTION}, {"cho em sửa lại giá trị làm lợi", EDIT_BENEFIT}, {"nhập lại số tiền", EDIT_BENEFIT},
        {"sửa đơn vị", EDIT_UNIT}, {"sửa họ tên", EDIT_NAME},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct intent_reading got = intent_read(str_of(cases[i].text), SCENE_CONFIRM, true);
        if (got.intent != INTENT_EDIT || got.field != cases[i].field)
            print_error("\"%s\": got %s, field %d\n", cases[i].text, intent_name(got.intent), got.field);
        assert_int_equal(got.intent, INTENT_EDIT);
        assert_int_equal(got.field, cases[i].field);
    }
}

static void test_rules_one_by_one(void **state)
{
    (void)state;
    static const struct { const char *text; enum intent_scene scene; enum intent want; const char *rule; } cases[] = {
        {"/ hủy", SCENE_DESCRIPTION, INTENT_CANCEL, "I1: the blank behind the sign is optional"},
        {"/ok", SCENE_TITLE, INTENT_YES, "I1: in every state"},
        {"/huy", SCENE_NAME, INTENT_CANCEL, "I1: a name is safe from all but the slash"},
        {"Huy", SCENE_NAME, INTENT_CONTENT, "a given name"},
        {"Thôi", SCENE_NAME, INTENT_CONTENT, "a family name"},
        {"#xyz", SCENE_MENU, INTENT_CONTENT, "I1: no phrase"},
        {"hủy\nbỏ", SCENE_DESCRIPTION, INTENT_CONTENT, "I3: a line break inside"},
        {"hủy\n", SCENE_DESCRIPTION, INTENT_CANCEL, "T4: a line break at the end is trimmed"},
        {"em em em em em em em em em em em em hủy", SCENE_MENU, INTENT_CONTENT, "I3: thirteen words"},
        {"em em em em em em em em em em em hủy", SCENE_MENU, INTENT_CANCEL, "I3: twelve words"},
        {"4", SCENE_CONFIRM, INTENT_CONTENT, "I4: three choices in confirm"},
        {"5", SCENE_MENU, INTENT_CONTENT, "I4: four choices in the menu"},
        {"1️⃣", SCENE_MENU, INTENT_REGISTER, "T3, I4: a keycap is a digit"},
        {"12", SCENE_MENU, INTENT_CONTENT, "I4: single digits"},
        {"1", SCENE_BENEFIT, INTENT_CONTENT, "I4: a digit is content there"},
        {"giúp em với", SCENE_TITLE, INTENT_HELP, "I5: stops at the phrase"},
        {"em", SCENE_MENU, INTENT_CONTENT, "I5: stripping that leaves nothing is undone"},
        {"được không", SCENE_CONFIRM, INTENT_CONTENT, "4.2: a pair, and nothing is left"},
        {"hủy được không", SCENE_TITLE, INTENT_CANCEL, "4.2: two-word fillers"},
        {"hủy đc ko ạ", SCENE_TITLE, INTENT_CANCEL, "4.2: the same in teencode"},
        {"vui lòng hủy giúp em ngay bây giờ", SCENE_TITLE, INTENT_CANCEL, "4.2: both ends"},
        {"vâng", SCENE_TITLE, INTENT_CONTENT, "I5: yes is content in title"},
        {"không", SCENE_DESCRIPTION, INTENT_CONTENT, "I5: no is content in description"},
        {"vâng", SCENE_MENU, INTENT_YES, "I5: yes counts elsewhere"},
        {"hướg dẫn", SCENE_TITLE, INTENT_HELP, "I6: a letter missing"},
        {"hưnớg dẫn", SCENE_TITLE, INTENT_HELP, "I6: two letters swapped"},
        {"hủyy", SCENE_TITLE, INTENT_CONTENT, "I6: never for phrases below five letters"},
        {"sang kiennn cua toii", SCENE_TITLE, INTENT_CONTENT, "I6: three faults are too many"},
        {"dong yy", SCENE_CONFIRM, INTENT_CONTENT, "I6: never for yes and no"},
        {"ừm xóa bản nháp kia", SCENE_CONFIRM, INTENT_DELETE_DRAFT, "I7: three of five words"},
        {"ừm xóa bản nháp kia", SCENE_TITLE, INTENT_CONTENT, "I7: only in menu and confirm"},
        {"xóa bản nháp của tổ em đi", SCENE_MENU, INTENT_DELETE_DRAFT, "I7: three of five words left"},
        {"xóa bản nháp của tổ hàn số hai", SCENE_MENU, INTENT_CONTENT, "I7: three of eight words"},
        {"đừng xóa nháp", SCENE_CONFIRM, INTENT_CONTENT, "I7: negated"},
        {"đúng gửi đi", SCENE_CONFIRM, INTENT_YES, "I7: đúng is not đừng"},
        {"đừng gửi đi", SCENE_CONFIRM, INTENT_CONTENT, "I7: negated"},
        {"chưa gửi đi", SCENE_CONFIRM, INTENT_NO, "I5 comes first"},
        {"đúng", SCENE_CONFIRM, INTENT_YES, "section 1: accents are looked at first"},
        {"dừng", SCENE_CONFIRM, INTENT_CANCEL, "section 1: accents are looked at first"},
        {"dung", SCENE_CONFIRM, INTENT_YES, "without accents a question makes it the answer"},
        {"dung", SCENE_DESCRIPTION, INTENT_CANCEL, "and elsewhere it is dừng"},
        {"dùng", SCENE_DESCRIPTION, INTENT_CONTENT, "a third word of the same fold"},
        {"để sau", SCENE_BENEFIT, INTENT_SKIP, "4.3: state-dependent"},
        {"để sau ạ", SCENE_MENU, INTENT_CANCEL, "4.3: state-dependent"},
        {"đk", SCENE_DESCRIPTION, INTENT_REGISTER, "4.3: register in every state"},
        {"cho em đk với ạ", SCENE_MENU, INTENT_REGISTER, "2: đk alone, fillers do not count"},
        {"đk rồi", SCENE_CONFIRM, INTENT_YES, "2: đk is được elsewhere"},
        {"e k hiểu j", SCENE_MENU, INTENT_HELP, "2 and I7"},
        {"sdt cán bộ", SCENE_MENU, INTENT_HUMAN, "2: phrases in teencode"},
        {"huỷ", SCENE_TITLE, INTENT_CANCEL, "T8: new tone placement"},
        {"xoá nháp", SCENE_TITLE, INTENT_DELETE_DRAFT, "T8: old and new are one"},
        {"đăng kí sáng kiến mới", SCENE_TITLE, INTENT_REGISTER, "T9"},
        {"Dạ, em cần hỗ trợ ạ", SCENE_TITLE, INTENT_HELP, "I2: punctuation around words"},
        {"👍🏽", SCENE_CONFIRM, INTENT_YES, "4.4: a skin tone changes nothing"},
        {"❤️", SCENE_BENEFIT, INTENT_YES, "4.4"},
        {"❌", SCENE_CONFIRM, INTENT_NO, "4.4"},
        {"❤\xC2\x85\x06", SCENE_CONFIRM, INTENT_YES, "4.4: a line end of any kind is no second sign"},
        {"👍👎", SCENE_CONFIRM, INTENT_CONTENT, "4.4: one emoji"},
        {"✅", SCENE_DESCRIPTION, INTENT_CONTENT, "4.4: content there"},
        {"", SCENE_MENU, INTENT_CONTENT, "nothing"},
        {"...", SCENE_MENU, INTENT_CONTENT, "no word"},
    };
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum intent got = intent_read(str_of(cases[i].text), cases[i].scene, false).intent;
        if (got == cases[i].want)
            continue;
        wrong++;
        print_error("%s: \"%s\": want %s, got %s\n", cases[i].rule, cases[i].text, intent_name(cases[i].want), intent_name(got));
    }
    assert_int_equal(wrong, 0);
}

/* ---- Initiatives are content ---------------------------------------------------------------------------------- */

static int commands_in(struct str text, const char *what, bool benefit)
{
    int found = 0;
    static const enum intent_scene scenes[] = {SCENE_TITLE, SCENE_DESCRIPTION, SCENE_BENEFIT};
    for (size_t i = 0; i < ARRAY_LEN(scenes) - !benefit; i++)
        for (int extended = 0; extended < 2; extended++) {
            enum intent got = intent_read(text, scenes[i], extended).intent;
            if (got == INTENT_CONTENT)
                continue;
            found++;
            print_error("%s \"%.*s\" was taken for %s\n", what, STR_ARG(text), intent_name(got));
        }
    return found;
}

/* A text as a whole, and each of its sentences: people send a description one sentence at a time.  A sentence that is
 * only a thumb says yes where the amount is asked for (4.4), so those are tried where a text is asked for. */
static int commands_in_text(const char *text, const char *what)
{
    if (!text)
        return 0;
    int found = commands_in(str_of(text), what, true);
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, ".;:!?\n");
        struct str sentence = {p, n};
        found += sentence.n ? commands_in(sentence, what, !text_is_emoji(sentence)) : 0;
        p += n;
        p += strspn(p, ".;:!?\n ");
    }
    return found;
}

static int commands_in_amount(long long vnd)
{
    char text[3][64];
    snprintf(text[0], sizeof(text[0]), "%lld", vnd);
    snprintf(text[1], sizeof(text[1]), "khoảng %lld triệu đồng/năm", vnd / 1000000);
    snprintf(text[2], sizeof(text[2]), "%lldtr", vnd / 1000000);
    int found = 0;
    for (size_t i = 0; i < ARRAY_LEN(text); i++)
        found += commands_in(str_of(text[i]), "amount", true);
    return found;
}

static void test_no_initiative_is_taken_for_a_command(void **state)
{
    (void)state;
    static const struct { const char *path; int lines; } files[] = {
        {SOURCE_ROOT "/tests/data/vi-initiatives.jsonl", 300},
        {SOURCE_ROOT "/tests/data/vi-similar-pairs.jsonl", 327},
    };
    int found = 0;
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        struct table t;
        int lines = 0;
        table_open(&t, files[f].path);
        while (table_next(&t, false)) {
            cJSON *row = cJSON_Parse(t.line);
            assert_non_null(row);
            const char *title = cJSON_GetStringValue(cJSON_GetObjectItem(row, "title"));
            assert_non_null(title);
            found += commands_in_text(title, "title");
            found += commands_in_text(cJSON_GetStringValue(cJSON_GetObjectItem(row, "description")), "description");
            const cJSON *annual = cJSON_GetObjectItem(row, "annual_vnd");
            if (cJSON_IsNumber(annual))
                found += commands_in_amount((long long)annual->valuedouble);
            cJSON_Delete(row);
            lines++;
        }
        table_close(&t);
        assert_int_equal(lines, files[f].lines);
    }
    assert_int_equal(found, 0);
}

static void test_names_go_both_ways(void **state)
{
    (void)state;
    for (int i = 0; i < INTENT_COUNT; i++)
        assert_int_equal(intent_named(str_of(intent_name((enum intent)i))), i);
    assert_int_equal(intent_named(STR("nothing")), INTENT_CONTENT);
    assert_string_equal(intent_name((enum intent)99), "content");
    enum intent_scene scene;
    assert_true(intent_scene_named(STR("benefit"), &scene));
    assert_int_equal(scene, SCENE_BENEFIT);
    assert_false(intent_scene_named(STR("any"), &scene));
}

static void test_the_search_key_is_expanded_and_bare(void **state)
{
    (void)state;
    void *ctx = talloc_new(NULL);
    assert_string_equal(lexicon_search_key(ctx, STR("Đồ gá, kẹp 2 sp/lần (SKKN)!")), "do ga kep san pham lan sang kien kinh nghiem");
    assert_string_equal(lexicon_search_key(ctx, STR("")), "");
    assert_string_equal(lexicon_search_key(ctx, STR("12 34")), "");
    talloc_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_labelled_intent_is_read_as_labelled),
        cmocka_unit_test(test_every_rule_holds_on_lines_written_for_it),
        cmocka_unit_test(test_lines_written_without_seeing_the_reader_are_read_as_labelled),
        cmocka_unit_test(test_every_phrase_is_found_however_it_is_typed),
        cmocka_unit_test(test_extended_phrases_are_found_in_their_scenes_only),
        cmocka_unit_test(test_edit_phrases_name_their_field),
        cmocka_unit_test(test_rules_one_by_one),
        cmocka_unit_test(test_no_initiative_is_taken_for_a_command),
        cmocka_unit_test(test_names_go_both_ways),
        cmocka_unit_test(test_the_search_key_is_expanded_and_bare),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
