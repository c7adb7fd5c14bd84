/* Who may do what: every staff command by every role, typed, tapped, replayed; joining; the record of what was done. */
#include "transcript.h"

#include <stdio.h>
#include <string.h>

#include "role_store.h"
#include "staff.h"

enum { OTHER_UNIT = 77 };

/* Everybody there is.  `hint`: joined once, so the dialog says "staff". */
static const struct {
    const char *who;
    unsigned role;
    bool hint;
} people[] = {
    {"a worker", ROLE_NONE, false},
    {"revoked", ROLE_NONE, true},
    {"support", ROLE_SUPPORT, true},
    {"reviewer", ROLE_REVIEWER, true},
    {"unit_admin", ROLE_UNIT_ADMIN, true},
    {"organizer", ROLE_ORGANIZER, true},
};

static void revoke_all(void)
{
    world->me->grants = NULL;
}

/* A person of that kind, in the menu, whose database says what it says. */
static void become(size_t kind)
{
    holds(people[kind].role ? people[kind].role : ROLE_SUPPORT, people[kind].role == ROLE_UNIT_ADMIN ? OTHER_UNIT : 0);
    if (!people[kind].role)
        revoke_all();
    if (!people[kind].hint) {
        struct dialog *d = dialog_now();
        d->staff = false;
        world->me->conv.draft = dialog_print(world->me->ctx, d);
    }
    says("menu");
    state_is("menu");
}

/* All that a turn can do but answer: whatever is added to turn_output later is looked at as well. */
static void no_effect(const char *who, const char *what)
{
    struct turn_output rest = world->out;
    rest.replies = NULL;
    rest.state = rest.draft = rest.note = NULL;
    static const struct turn_output nothing;
    if (memcmp(&rest, &nothing, sizeof(rest)) != 0)
        fail_msg("%s by %s had an effect", what, who);
    state_is("menu");
}

/* What the same person is told when he does that. */
static char *told_for(size_t kind, void (*act)(const char *), const char *what)
{
    world_teardown(NULL);
    void *state;
    world_setup(&state);
    become(kind);
    act(what);
    if (!people[kind].role)
        no_effect(people[kind].who, what);
    return strdup(world->texts);
}

static void unseen(size_t kind, void (*act)(const char *), const char *what, const char *like_what)
{
    char *told = told_for(kind, act, what), *unknown = told_for(0, act, like_what);
    no_effect("anybody", like_what);
    if (strcmp(told, unknown) != 0)
        fail_msg("%s tells %s by %s, where a worker's %s is told %s", what, told, people[kind].who, like_what, unknown);
    free(told);
    free(unknown);
}

/* The command is there for this role: it does what it does, and there is a record of it. */
static void works(size_t kind, void (*act)(const char *), const char *what, const struct command *c)
{
    free(told_for(kind, act, what));
    /* Those that tell of nobody and change nothing until more is said. */
    bool looks_only = c->does == cmd_staff_menu || c->does == cmd_canned || c->does == cmd_canned_take || c->does == cmd_canned_keep;
    const struct audit_entry *a = world->out.audit;
    if (looks_only ? a != NULL : !a || strcmp(a->action, c->action) != 0 || a->id == 0)
        fail_msg("%s by %s is recorded as %s", what, people[kind].who, a ? a->action : "nothing");
}

static void for_each(void (*check)(size_t kind, const struct staff_command *row))
{
    for (size_t i = 0; i < staff_command_count; i++)
        for (size_t k = 0; k < ARRAY_LEN(people); k++)
            check(k, &staff_commands[i]);
}

static void type_it(size_t kind, const struct staff_command *row)
{
    for (size_t w = 0; w < ARRAY_LEN(row->words) && row->words[w]; w++) {
        static const char *const signs[] = {"/", ""};
        bool number = strcmp(row->words[w], "#") == 0;
        for (size_t s = 0; s < (number ? 1 : ARRAY_LEN(signs)); s++) {
            char text[100];
            snprintf(text, sizeof(text), "%s%s%s", number ? "" : signs[s], row->words[w], number ? "12" : "");
            if (!*text)
                continue;
            if (!(row->command.roles & people[kind].role))
                unseen(kind, says, text, text); /* as told to a worker who says the same */
            else if (number || *signs[s] || (row->flags & STAFF_BARE))
                works(kind, says, text, &row->command);
        }
    }
}

static void test_a_typed_command_exists_for_its_roles_only(void **state)
{
    (void)state;
    for_each(type_it);
}

static void tap_it(size_t kind, const struct staff_command *row)
{
    static const char *const args[] = {"", ".7"};
    for (size_t a = 0; a < ARRAY_LEN(args); a++) {
        char payload[100], unknown[100];
        snprintf(payload, sizeof(payload), "#b1:*:%s%s", row->command.action, args[a]);
        snprintf(unknown, sizeof(unknown), "#b1:*:no_such_command%s", args[a]);
        if (!(row->command.roles & people[kind].role))
            unseen(kind, taps_payload, payload, unknown);
        else if (row->command.always)
            works(kind, taps_payload, payload, &row->command);
    }
}

/* A forged payload, or a genuine one of before the role ended: they are the same bytes. */
static void test_a_tap_on_a_command_works_for_its_roles_only(void **state)
{
    (void)state;
    for_each(tap_it);
}

static void tap_in_state(const char *action)
{
    char payload[120];
    snprintf(payload, sizeof(payload), "#b1:menu.%lld:%s", (long long)dialog_now()->seq, action);
    taps_payload(payload);
}

static void tap_in_place(size_t kind, const struct staff_command *row)
{
    if (!(row->command.roles & people[kind].role))
        unseen(kind, tap_in_state, row->command.action, "no_such_command");
}

static void test_a_payload_forged_for_the_question_on_show_is_refused_as_well(void **state)
{
    (void)state;
    for_each(tap_in_place);
}

/* The table of everybody's commands may hold rows with roles too. */
static void test_commands_of_everybody_with_roles_are_kept_from_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < command_count; i++)
        for (size_t k = 0; commands[i].roles && k < ARRAY_LEN(people); k++) {
            char payload[100];
            snprintf(payload, sizeof(payload), "#b1:*:%s", commands[i].action);
            if (!(commands[i].roles & people[k].role))
                unseen(k, taps_payload, payload, "#b1:*:no_such_command");
        }
}

static void test_every_staff_command_has_roles_words_or_a_button_and_a_name_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < staff_command_count; i++) {
        const struct staff_command *row = &staff_commands[i];
        assert_true((row->command.roles & ROLE_ANY) != 0 && !(row->command.roles & ~(unsigned)ROLE_ANY));
        assert_true(row->words[0] || row->command.always);
        assert_ptr_equal(command_named(str_of(row->command.action)), &row->command);
        assert_int_equal(answer_named(row->command.action), ANS_UNCLEAR);
    }
}

/* ---- states ---- */

static void test_states_of_staff_name_whose_they_are(void **state)
{
    (void)state;
    static const char *const prefixes[] = {"staff_", "review", "broadcast", "campaign", "target_", "wave_", "plan_"};
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++) {
        bool staff = false;
        for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
            staff |= strncmp(message_get(flow[s].prompt)->name, prefixes[i], strlen(prefixes[i])) == 0;
        if (staff != (flow[s].roles != 0))
            fail_msg("state %s %s", flow[s].name, staff ? "is for everybody" : "has roles but says what everybody may hear");
    }
}

/* Whatever the stored dialog holds, and whatever answer is typed or tapped, one whose role has ended is in the menu. */
static void test_a_role_that_ends_in_the_middle_leads_to_the_menu(void **state)
{
    for (enum state s = ST_NONE + 1; s < ST_COUNT; s++) {
        if (!flow[s].roles)
            continue;
        for (int tap = 0; tap < 2; tap++) {
            world_teardown(NULL);
            world_setup(state);
            at_confirm();
            holds(flow[s].roles & ROLE_REVIEWER ? ROLE_REVIEWER : ROLE_SUPPORT, 0);
            says("menu");
            struct dialog *d = dialog_now();
            d->answer_number = d->answer_ticket = 5;
            d->answer_worker = "u2";
            d->answer_name = "Trần Thị Bình";
            d->answer_open = true;
            d->last_answer = "Dạ đúng rồi ạ";
            d->unsent[0] = (struct spoken){.text = d->last_answer, .kind = "text"};
            d->choice[0] = (struct choice){5, "#5 Trần Thị Bình"};
            d->review = (struct reviewing){.code = "SK-AAAAAA"};
            world->me->conv.draft = dialog_print(world->me->ctx, d);
            world->me->conv.state = flow[s].name;
            revoke_all();
            char payload[100];
            snprintf(payload, sizeof(payload), "#b1:%s.%lld:%s", flow[s].name, (long long)d->seq, flow[s].then[0].on == ANS_DONE ? "done" : "valid");
            if (tap)
                taps_payload(payload);
            else
                says("tin này không được tới ai cả");
            assert_null(world->out.mail);
            assert_null(world->out.audit);
            assert_null(world->out.canned);
            assert_int_equal(flow[state_named(world->me->conv.state)].roles, 0);
        }
    }
}

/* ---- joining ---- */

static void test_a_worker_never_costs_a_look_at_roles(void **state)
{
    (void)state;
    at_confirm();
    for (size_t i = 0; i < staff_command_count; i++)
        if (staff_commands[i].words[0]) {
            char text[100];
            snprintf(text, sizeof(text), "/%s", staff_commands[i].words[0]);
            says(text);
        }
    assert_int_equal(world->me->grant_reads, 0);
}

static void test_a_code_gives_its_role_and_is_in_no_transcript(void **state)
{
    (void)state;
    invited("ABCDEFGHJKMN", ROLE_UNIT_ADMIN, 30);
    says("/JOIN abcd efgh-jkmn");
    bot("staff_joined");
    assert_true(world->out.secret);
    assert_int_equal(world->me->grants->role, ROLE_UNIT_ADMIN);
    assert_int_equal(world->me->grants->unit_id, 30);
    assert_string_equal(world->out.audit->action, "join");
    says("/");
    bot("staff_menu");
}

static void test_a_wrong_code_a_used_one_and_no_code_are_told_the_same(void **state)
{
    (void)state;
    static const char *const wrong[] = {"/join", "/join ABCD", "/join ABCDEFGHJKMO", "/join NNNN-NNNN-NNNN", "/join ABCD-EFGH-JKMN"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        says("menu");
        says(wrong[i]);
        bot("join_refused");
        assert_null(world->me->grants);
        assert_true(world->out.secret);
        assert_null(world->out.audit);
    }
}

static void test_after_five_wrong_codes_the_right_one_is_not_even_looked_up(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        says("/join NNNN-NNNN-NNNN");
    invited("ABCDEFGHJKMN", ROLE_ORGANIZER, 0);
    says("/join ABCD-EFGH-JKMN");
    bot("join_refused");
    assert_null(world->me->grants);
    assert_non_null(world->code);
    pass_ms(24 * 3600 * 1000);
    says("/join ABCD-EFGH-JKMN");
    bot("staff_joined");
}

static void test_joining_leaves_the_registration_where_it_is(void **state)
{
    (void)state;
    at_benefit();
    holds(ROLE_REVIEWER, 0);
    bot("staff_joined ask_benefit");
    says("50 triệu");
    bot("benefit_echo");
}

static void test_where_text_is_asked_for_a_staff_word_is_text(void **state)
{
    (void)state;
    holds(ROLE_ORGANIZER, 0);
    registered("Nguyễn Thị Hoa");
    for (size_t i = 0; i < staff_command_count; i++)
        if ((staff_commands[i].flags & STAFF_BARE) && (staff_commands[i].command.roles & ROLE_ORGANIZER)) {
            says(staff_commands[i].words[0]);
            assert_null(world->out.audit);
        }
}

static void test_an_erasure_ends_the_role(void **state)
{
    (void)state;
    holds(ROLE_ORGANIZER, 0);
    sends(IN_WITHDRAW, NULL, NULL);
    assert_false(dialog_now()->staff);
    says("/");
    assert_null(strstr(world->said, "staff_menu"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)
        T(test_a_typed_command_exists_for_its_roles_only),
        T(test_a_tap_on_a_command_works_for_its_roles_only),
        T(test_a_payload_forged_for_the_question_on_show_is_refused_as_well),
        T(test_commands_of_everybody_with_roles_are_kept_from_others),
        T(test_every_staff_command_has_roles_words_or_a_button_and_a_name_of_its_own),
        T(test_states_of_staff_name_whose_they_are),
        T(test_a_role_that_ends_in_the_middle_leads_to_the_menu),
        T(test_a_worker_never_costs_a_look_at_roles),
        T(test_a_code_gives_its_role_and_is_in_no_transcript),
        T(test_a_wrong_code_a_used_one_and_no_code_are_told_the_same),
        T(test_after_five_wrong_codes_the_right_one_is_not_even_looked_up),
        T(test_joining_leaves_the_registration_where_it_is),
        T(test_where_text_is_asked_for_a_staff_word_is_text),
        T(test_an_erasure_ends_the_role),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
