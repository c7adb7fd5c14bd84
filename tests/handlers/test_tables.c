/* The tables of flow.c: every state is reachable, every text is there, every button means something where it stands. */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

static bool is_command(const char *action)
{
    return command_named((struct str){action, strcspn(action, ".")}) != NULL;
}

static bool has_move(const struct step *step, enum answer a)
{
    for (size_t i = 0; i < MOVES_MAX && step->then[i].on != ANS_UNCLEAR; i++)
        if (step->then[i].on == a)
            return true;
    for (const struct move *m = step->also; m && m->on != ANS_UNCLEAR; m++)
        if (m->on == a)
            return true;
    return false;
}

static void test_every_state_has_a_name_of_its_own_and_all_texts(void **state)
{
    (void)state;
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++) {
        const struct step *step = &flow[s];
        assert_true(step->name && *step->name);
        assert_int_equal(state_named(step->name), s);
        assert_true(step->prompt != MSG_NONE);
        assert_true(step->unclear != MSG_NONE);
        assert_true(step->help != MSG_NONE);
    }
}

static void test_every_state_is_reachable_from_the_menu(void **state)
{
    (void)state;
    /* What commands and working-out lead to: ST_ONWARD can be any step of the registration. */
    bool reached[ST_COUNT] = {[ST_MENU] = true,        [ST_CONSENT] = true,      [ST_NAME] = true,
                              [ST_UNIT] = true,        [ST_TITLE] = true,        [ST_DESCRIPTION] = true,
                              [ST_BENEFIT] = true,     [ST_CONFIRM] = true,      [ST_DRAFT_CHOICE] = true,
                              [ST_DRAFTS] = true,      [ST_DELETE_DRAFT] = true, [ST_LIST] = true,
                              [ST_HUMAN_NOTE] = true,  [ST_ERASE] = true,        [ST_KIND] = true,
                              [ST_SIMILAR] = true,     [ST_APPEAL] = true,      [ST_REVIEW] = true,
                              [ST_ANSWERING] = true,   [ST_WHOM] = true,        [ST_CANNED_NAME] = true,
                              [ST_BROADCAST_WHOM] = true, [ST_BROADCAST_WHEN] = true, [ST_BROADCAST_TEMPLATE] = true, [ST_TARGET_UNIT] = true, [ST_WAVE_NAME] = true,
                              [ST_CAMPAIGN_NAME] = true};
    for (int round = 0; round < ST_COUNT; round++)
        for (enum state s = ST_NONE + 1; s < ST_COUNT; s++) {
            if (!reached[s])
                continue;
            for (size_t i = 0; i < MOVES_MAX && flow[s].then[i].on != ANS_UNCLEAR; i++)
                if (flow[s].then[i].to < ST_COUNT)
                    reached[flow[s].then[i].to] = true;
            for (const struct move *m = flow[s].also; m && m->on != ANS_UNCLEAR; m++)
                if (m->to < ST_COUNT)
                    reached[m->to] = true;
        }
    reached[ST_BENEFIT_SURE] |= reached[ST_BENEFIT_ECHO]; /* benefit_echo_taken() decides */
    reached[ST_SIMILAR_WHICH] |= reached[ST_SIMILAR];     /* similar_chosen() decides, as about the next two */
    reached[ST_SIMILAR_SAME] |= reached[ST_SIMILAR];
    reached[ST_SIMILAR_TOGETHER] |= reached[ST_SIMILAR];
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++)
        if (!reached[s])
            fail_msg("state %s cannot be reached", flow[s].name);
}

static void test_every_button_of_a_question_means_something_there(void **state)
{
    (void)state;
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++) {
        const struct message *m = message_get(flow[s].prompt);
        for (size_t i = 0; i < m->button_count; i++) {
            const char *action = m->button[i].action;
            if (!has_move(&flow[s], answer_named(action)) && !is_command(action))
                fail_msg("button %s of %s leads nowhere in state %s", action, m->name, flow[s].name);
        }
    }
}

static void test_every_button_anywhere_is_an_answer_or_a_command(void **state)
{
    (void)state;
    for (enum msg id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct message *m = message_get(id);
        for (size_t i = 0; i < m->button_count; i++) {
            const char *action = m->button[i].action;
            if (answer_named(action) == ANS_UNCLEAR && !is_command(action) && strcmp(action, "{link}") != 0)
                fail_msg("button %s of %s is unknown", action, m->name);
        }
    }
}

static void test_skippable_states_have_a_way_past(void **state)
{
    (void)state;
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++)
        if (flow[s].flags & F_SKIPPABLE)
            assert_true(has_move(&flow[s], ANS_SKIP));
}

static void test_texts_are_short_lines_with_one_emoji_at_most(void **state)
{
    (void)state;
    for (enum msg id = MSG_NONE + 1; id < MSG_COUNT; id++) {
        const struct message *m = message_get(id);
        int lines = 1;
        size_t chars = 0;
        if (strncmp(m->name, "sheet_", 6) == 0) /* of tables, never said */
            continue;
        for (const char *p = m->text; *p; p++) {
            lines += *p == '\n';
            chars = *p == '\n' ? 0 : chars + (((unsigned char)*p & 0xC0) != 0x80);
            if (chars > 76)
                fail_msg("a line of %s is long", m->name);
        }
        if (lines > 7)
            fail_msg("%s has %d lines", m->name, lines);
    }
}

static void test_internal_answers_cannot_be_tapped(void **state)
{
    (void)state;
    assert_int_equal(answer_named(""), ANS_UNCLEAR);
    assert_int_equal(answer_named("amount"), ANS_UNCLEAR);
    assert_int_equal(answer_named("yes"), ANS_YES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_every_state_has_a_name_of_its_own_and_all_texts),
        T(test_every_state_is_reachable_from_the_menu),
        T(test_every_button_of_a_question_means_something_there),
        T(test_every_button_anywhere_is_an_answer_or_a_command),
        T(test_skippable_states_have_a_way_past),
        T(test_texts_are_short_lines_with_one_emoji_at_most),
        T(test_internal_answers_cannot_be_tapped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
