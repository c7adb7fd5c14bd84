/* The memory of the dialogue: what is written is read again, and nothing a row may hold can stop a conversation. */
#include "transcript.h"

#include <stdlib.h>
#include <string.h>

static void test_everything_written_is_read_again(void **state)
{
    (void)state;
    struct dialog d = {
        .greeted = true, .seq = 12, .prompted_at_ms = 1690000000123, .question = "clar_upper", .misses = 2,
        .last_hash = UINT64_MAX, .before_hash = 7, .wanted = "human", .interrupted = "title", .editing = true,
        .draft = {.id = INT64_MAX, .title = "Đồ \"gá\" {x}\\", .partial = "một\nhai", .unit_id = 12, .step = "benefit",
                  .benefit = {.kind = BENEFIT_MONEY, .text = "5tr/tháng", .vnd = 60000000, .unit_vnd = 5000000,
                              .period = PERIOD_MONTH, .period_count = 12},
                  .evidence = 3, .similar_hash = 1,
                  .similar = {{"u8", 9, "SK-AAAAAA", "Đồ gá hàn", "Tổ 2", "đồ gá, hàn", 1690000000000, 512, true, true, true, CHOICE_AGAIN},
                              {.user_id = "u7", .id = 10, .title = "Giá kẹp"}}},
        .choice = {{11, "Công ty A"}, {12, "Công ty B"}}, .choice_vnd = {50000, 50000000, 0},
        .shown = {{"Đúng rồi", "yes"}}, .coauthor = {{"Trần Bình", 20}},
        .ask = {{5, 3, "u9", "Đồ gá", "Lê An", 30}},
    };
    const char *json = dialog_print(world->ctx, &d);
    struct dialog *back = dialog_read(world->ctx, json);
    assert_string_equal(json, dialog_print(world->ctx, back));
    assert_int_equal(back->draft.id, INT64_MAX);
    assert_true(back->last_hash == UINT64_MAX);
    assert_string_equal(back->draft.title, d.draft.title);
    assert_int_equal(back->draft.benefit.period, PERIOD_MONTH);
    assert_string_equal(back->ask[0].owner, "u9");
    assert_string_equal(back->draft.similar[0].choice, CHOICE_AGAIN);
    assert_int_equal(back->draft.similar[0].score, 512);
    assert_true(back->draft.similar[0].asked);
    assert_null(back->draft.similar[1].choice);
    assert_int_equal(back->choice_vnd[1], 50000000);
}

static void test_a_parked_draft_is_read_again(void **state)
{
    (void)state;
    struct draft draft = {.id = 77, .title = "Đồ gá", .description = "một hai", .benefit = {.kind = BENEFIT_UNKNOWN}};
    struct draft back;
    assert_true(draft_read(world->ctx, draft_print(world->ctx, &draft), &back));
    assert_int_equal(back.id, 77);
    assert_string_equal(back.benefit.kind, BENEFIT_UNKNOWN);
    assert_false(draft_read(world->ctx, "{}", &back));
    assert_false(draft_read(world->ctx, NULL, &back));
}

static void test_members_of_the_wrong_kind_read_as_absent(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "", "null", "[]", "7", "\"x\"", "{", "{\"draft\":5}", "{\"draft\":{\"id\":12}}", "{\"draft\":{\"id\":\"x\"}}",
        "{\"draft\":{\"id\":\"99999999999999999999\",\"title\":[]}}", "{\"draft\":{\"id\":\"-1\"}}", "{\"seq\":true}",
        "{\"choice\":{\"id\":1}}", "{\"choice\":[1,2,3,4,5,6,7,8]}", "{\"choice\":[[[]]]}", "{\"choice_vnd\":{\"a\":1}}",
        "{\"reading\":{\"period\":\"99\",\"kind\":\"gold\"}}", "{\"misses\":\"-5\"}", "{\"last_hash\":\"zz\"}",
        "{\"interrupted\":\"no_such_state\",\"question\":\"no_such_text\"}", "{\"last_tap\":\"\\ud800\"}",
        "{\"draft\":{\"id\":\"5\",\"title\":\"\\u0000\"}}", "{\"draft\":{\"id\":\"5\",\"similar\":[{},{\"id\":\"3\"},7]}}",
    };
    for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
        struct dialog *d = dialog_read(world->ctx, hostile[i]);
        assert_non_null(d);
        assert_true(d->misses >= 0 && d->reading.period == PERIOD_YEAR && !d->reading.kind && !d->choice[0].id);
    }
}

static void test_a_text_beyond_its_limit_is_dropped_not_cut(void **state)
{
    (void)state;
    char *json = talloc_strdup(world->ctx, "{\"draft\":{\"id\":\"5\",\"title\":\"");
    for (int i = 0; i < 201; i++)
        json = talloc_strdup_append(json, "ệ");
    json = talloc_strdup_append(json, "\",\"description\":\"ngắn\"}}");
    struct dialog *d = dialog_read(world->ctx, json);
    assert_null(d->draft.title);
    assert_string_equal(d->draft.description, "ngắn");
}

/* Any state with any memory must go on: the row may come from another version, or from anywhere. */
static void test_any_state_goes_on_with_any_memory(void **state)
{
    (void)state;
    static const char *const memory[] = {
        NULL, "{}", "not json",
        "{\"edit_id\":\"5\",\"view_id\":\"6\",\"extras_id\":\"7\",\"ticket_id\":\"8\",\"interrupted\":\"confirm\"}",
        "{\"draft\":{\"id\":\"5\"},\"question\":\"clar_upper\"}",
        "{\"draft\":{\"id\":\"5\",\"title\":\"Một cái tên\",\"description\":\"một hai ba\",\"benefit\":{\"kind\":\"money\"}}}",
        "{\"question\":\"welcome\",\"reading\":{\"kind\":\"money\",\"vnd\":\"5\",\"unit_vnd\":\"9223372036854775807\","
        "\"period\":\"3\",\"period_count\":\"5000\"},\"draft\":{\"id\":\"5\",\"title\":\"Một cái tên\"}}",
        "{\"choice\":[{\"id\":\"1\"}],\"unit_typed\":\"x\",\"offered_title\":\"abc\",\"choice_vnd\":[\"1\",\"2\"]}",
    };
    static const char *const said[] = {"1", "có", "50 triệu", "quay lại", "hướng dẫn", "hủy", "xyz", "viết xong", "bỏ qua",
                                       "sáng kiến của tôi", "Nguyễn Văn An 20%", "8/2022", "#menu"};
    for (int consent = 0; consent < 2; consent++)
        for (enum state s = ST_NONE; s < ST_COUNT; s++)
            for (size_t m = 0; m < ARRAY_LEN(memory); m++)
                for (size_t i = 0; i < ARRAY_LEN(said); i++) {
                    world->me->person.consent_at_ms = consent;
                    world->me->person.full_name = consent ? "Hoa Lê" : NULL;
                    world->me->conv.state = state_name(s);
                    world->me->conv.draft = consent ? memory[m] : NULL;
                    world->me->last_text = NULL;
                    world->me->initiatives = NULL;
                    world->me->drafts = NULL;
                    says(said[i]);
                }
}

static void test_random_bytes_never_crash(void **state)
{
    (void)state;
    static const char good[] = "{\"greeted\":true,\"seq\":\"4\",\"draft\":{\"id\":\"5\",\"title\":\"T\xc3\xaan\",\"benefit\":"
                               "{\"kind\":\"money\",\"vnd\":\"5\"}},\"choice\":[{\"id\":\"1\",\"name\":\"A\"}]}";
    srand(7);
    for (int i = 0; i < 20000; i++) {
        char json[sizeof(good)];
        memcpy(json, good, sizeof(good));
        for (int k = 0; k < 1 + rand() % 4; k++)
            json[rand() % (int)(sizeof(good) - 1)] = (char)(1 + rand() % 255);
        struct dialog *d = dialog_read(world->ctx, json);
        char *text = dialog_print(d, d);
        assert_non_null(text);
        talloc_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_everything_written_is_read_again),
        T(test_a_parked_draft_is_read_again),
        T(test_members_of_the_wrong_kind_read_as_absent),
        T(test_a_text_beyond_its_limit_is_dropped_not_cut),
        T(test_any_state_goes_on_with_any_memory),
        T(test_random_bytes_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
