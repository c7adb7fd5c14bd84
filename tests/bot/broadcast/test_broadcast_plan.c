/* Whom a segment reaches, asked of the database with the parameters the program makes; what a broadcast costs, when it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libpq-fe.h>
#include <string.h>

#include "broadcast/broadcast_plan.h"
#include "database.h"
#include "settings.h"
#include "statements.h"

static const char *url;

/* One person for each thing that can be true of one.  Units: P above K above M; X stands beside. */
static const char people[] =
    "INSERT INTO union_unit (id, code, name, parent_id, level) VALUES (1, 'P', 'P', NULL, 0), (2, 'K', 'K', 1, 1), (3, 'M', 'M', 2, 2), (4, 'X', 'X', NULL, 0);"
    "INSERT INTO conversation (user_id) VALUES ('new'), ('reg'), ('filed'), ('draft'), ('parked'), ('returned'), ('old'), ('older'), ('out'),"
    " ('helped'), ('was_helped'), ('capped'), ('once'), ('boss'), ('unboss'), ('withdrew');"
    "INSERT INTO person (user_id, full_name, consent_at, unit_id, last_inbound_at)"
    " SELECT user_id, CASE WHEN user_id <> 'new' THEN 'An ' || user_id END, CASE WHEN user_id <> 'new' THEN now() END, 3, now() - interval '1 hour' FROM conversation;"
    "UPDATE person SET unit_id = 4 WHERE user_id = 'reg'; UPDATE person SET unit_id = 2 WHERE user_id = 'filed';"
    "UPDATE person SET last_inbound_at = now() - interval '3 days' WHERE user_id = 'old';"
    "UPDATE person SET last_inbound_at = now() - interval '20 days' WHERE user_id = 'older';"
    "UPDATE person SET opted_out_at = now() WHERE user_id = 'out';"
    "UPDATE conversation SET owner = 'user:1', owner_until = now() + interval '1 hour' WHERE user_id = 'helped';"
    "UPDATE conversation SET owner = 'user:1', owner_until = now() - interval '1 hour' WHERE user_id = 'was_helped';"
    "UPDATE conversation SET draft = '{\"draft\":{\"id\":5,\"title\":\"Giá\"}}' WHERE user_id = 'draft';"
    "INSERT INTO draft (user_id, id, body) VALUES ('parked', 1, '{}');"
    "INSERT INTO initiative (user_id, id, code, title, benefit_kind, status, submitted_at) VALUES ('filed', 1, 'A', 'T', 'unknown', 'submitted', now()),"
    " ('returned', 2, 'B', 'T', 'unknown', 'returned', now()), ('withdrew', 3, 'C', 'T', 'unknown', 'withdrawn', now());"
    "INSERT INTO role_grant (user_id, role, granted_by) VALUES ('boss', 'organizer', 'test');"
    "INSERT INTO role_grant (user_id, role, granted_by, revoked_at) VALUES ('unboss', 'organizer', 'test', now());"
    "INSERT INTO broadcast (id, segment, body, created_by) SELECT n, 'everybody', 'x', 'test' FROM generate_series(901, 903) n;"
    "INSERT INTO delivery (user_id, broadcast_id, chunk, state, at) VALUES ('capped', 901, 0, 'seen', now() - interval '6 days'),"
    " ('once', 901, 0, 'sent', now() - interval '1 day'), ('once', 902, 0, 'sent', now() - interval '8 days'), ('once', 903, 0, 'failed', now());"
    /* P has reached its target, K has not, M below it has none of its own; X has none at all. */
    "INSERT INTO campaign (id, code, name) VALUES (1, 'C', 'C');"
    "INSERT INTO wave (id, campaign_id, code, name, starts_on, ends_on) VALUES (1, 1, 'W1', 'W', current_date, current_date);"
    "INSERT INTO target (wave_id, unit_id, initiatives) VALUES (1, 1, 0), (1, 2, 9);"
    "INSERT INTO nudge (user_id, id, kind) VALUES ('capped', 1, 'draft')";

static int prepare(void **state)
{
    PGconn *conn = PQconnectdb(url);
    PGresult *res = PQexec(conn, people);
    *state = conn;
    if (PQresultStatus(res) != PGRES_COMMAND_OK)
        print_error("%s\n", PQerrorMessage(conn));
    int failed = PQresultStatus(res) != PGRES_COMMAND_OK;
    PQclear(res);
    return failed;
}

static int done(void **state)
{
    PQfinish(*state);
    return 0;
}

static const char *statement(enum sql_id id)
{
    return sql_statements[id].text;
}

/* Who is frozen, names in order with blanks between. */
static char *reached(TALLOC_CTX *ctx, PGconn *conn, const struct broadcast *b)
{
    struct err e;
    struct pg_params *p = broadcast_plan_params(ctx, b, &e);
    assert_non_null(p);
    pg_param_int8(p, b->free_only);
    pg_param_int8(p, b->template_id != NULL);
    pg_param_text(p, "");
    pg_param_text(p, "zzzz");
    const char *freeze = statement(SQL_BROADCAST_FREEZE);
    PGresult *res = PQexecParams(conn, talloc_asprintf(ctx, "SELECT string_agg(user_id, ' ' ORDER BY user_id) FROM (%.*s) q", (int)strcspn(freeze, ";"), freeze),
                                 p->count, p->type, p->value, p->length, p->format, 0);
    if (PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s", PQerrorMessage(conn));
    char *names = talloc_strdup(ctx, PQgetvalue(res, 0, 0));
    PQclear(res);
    return names;
}

static void test_each_condition_finds_its_people(void **state)
{
    static const struct {
        const char *segment, *people;
    } cases[] = {
        {"everybody", "boss draft filed new old once parked reg returned unboss was_helped withdrew"},
        {"not registered", "new"},
        {"initiative", "filed returned"},
        {"registered and not initiative", "boss draft old once parked reg unboss was_helped withdrew"},
        {"draft", "draft parked"},
        {"returned", "returned"},
        {"silent 2", "old"},
        {"unit X", "reg"},
        {"unit K", "boss draft filed new old once parked returned unboss was_helped withdrew"},
        {"unit K and not unit M", "filed"},
        {"unit P and (draft or returned)", "draft parked returned"},
        {"role organizer", "boss"},
        {"unit NONE", ""},
        {"behind W1", "boss draft filed new old once parked returned unboss was_helped withdrew"},
        {"behind W1 and unit M and draft", "draft parked"},
        {"not behind W1", "reg"},
        {"behind W2", ""},
    };
    TALLOC_CTX *ctx = talloc_new(NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char *names = reached(ctx, *state, &(struct broadcast){.segment = cases[i].segment});
        if (strcmp(names, cases[i].people) != 0)
            fail_msg("%s: %s", cases[i].segment, names);
    }
    talloc_free(ctx);
}

static void test_a_scope_holds_whatever_the_segment_says(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_string_equal(reached(ctx, *state, &(struct broadcast){.segment = "everybody or unit K", .scope_unit = 4}), "reg");
    talloc_free(ctx);
}

static void test_free_only_and_a_template_move_the_border(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_string_equal(reached(ctx, *state, &(struct broadcast){.segment = "silent 2", .free_only = true}), "");
    assert_string_equal(reached(ctx, *state, &(struct broadcast){.segment = "silent 2", .template_id = "t"}), "old older");
    talloc_free(ctx);
}

static void test_a_repeat_is_for_those_to_whom_it_failed(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    assert_string_equal(reached(ctx, *state, &(struct broadcast){.segment = "draft", .parent_id = 903}), "once");
    talloc_free(ctx);
}

static void test_the_count_says_why_somebody_is_not_reached(void **state)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct err e;
    struct pg_params *p = broadcast_plan_params(ctx, &(struct broadcast){.segment = "everybody"}, &e);
    PGresult *res = PQexecParams(*state, statement(SQL_BROADCAST_COUNT), p->count, p->type, p->value, p->length, p->format, 1);
    struct broadcast_reach reach = broadcast_store_reach(res);
    PQclear(res);
    assert_int_equal(reach.free, 11);
    assert_int_equal(reach.charged, 1);
    assert_int_equal(reach.silent, 1);
    assert_int_equal(reach.opted_out, 1);
    assert_int_equal(reach.with_support, 1);
    assert_int_equal(reach.capped, 1);
    talloc_free(ctx);
}

/* ---- figures ---- */

static struct settings settings_of(const char *yaml)
{
    struct settings s = {0};
    struct err e;
    assert_true(settings_load_text("test", str_of(yaml), false, &s, &e));
    return s;
}

#define VIETNAM(day_of_epoch, hour, minute) ((((day_of_epoch) * 24 + (hour) - 7) * 60 + (minute)) * INT64_C(60000))

static void test_it_ends_when_the_last_one_has_gone_at_the_allowed_rate(void **state)
{
    (void)state;
    struct settings s = settings_of("send: {per_minute: 1000}\nhours: {broadcast: 'T2-CN 07:00-20:30', holidays: []}");
    assert_int_equal(broadcast_plan_end(5500, &s, VIETNAM(20000, 8, 0)), VIETNAM(20000, 8, 5) + 30000);
    settings_free(&s);
}

static void test_what_does_not_fit_into_the_day_goes_on_the_next_morning(void **state)
{
    (void)state;
    struct settings s = settings_of("send: {per_minute: 1000}\nhours: {broadcast: 'T2-CN 07:00-20:30', holidays: []}");
    assert_int_equal(broadcast_plan_end(15000, &s, VIETNAM(20000, 20, 20)), VIETNAM(20001, 7, 5));
    assert_int_equal(broadcast_plan_end(1000, &s, VIETNAM(20000, 23, 0)), VIETNAM(20001, 7, 1));
    settings_free(&s);
    s = settings_of("hours: {broadcast: 'T2 07:00-07:01', holidays: []}\nsend: {per_minute: 1}");
    assert_int_equal(broadcast_plan_end(1000, &s, VIETNAM(20000, 8, 0)), -1);
    settings_free(&s);
}

static void test_the_cost_is_that_of_the_charged_ones(void **state)
{
    (void)state;
    struct settings s = settings_of("price: {message_vnd: 55}");
    struct broadcast_reach reach = {.free = 100, .charged = 20, .silent = 7, .opted_out = 3, .capped = 2};
    struct broadcast_figures f = broadcast_plan_figures(&(struct broadcast){0}, &reach, &s, VIETNAM(20000, 8, 0));
    assert_int_equal(f.recipients, 120);
    assert_int_equal(f.cost_vnd, 20 * 55);
    f = broadcast_plan_figures(&(struct broadcast){.template_id = "t"}, &reach, &s, VIETNAM(20000, 8, 0));
    assert_int_equal(f.recipients, 127);
    assert_int_equal(f.cost_vnd, 27 * 55);
    f = broadcast_plan_figures(&(struct broadcast){.free_only = true}, &reach, &s, VIETNAM(20000, 8, 0));
    assert_int_equal(f.recipients, 100);
    assert_int_equal(f.cost_vnd, 0);
    settings_free(&s);
}

int main(void)
{
    url = test_database("broadcast_plan");
    if (!url)
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_condition_finds_its_people),
        cmocka_unit_test(test_a_scope_holds_whatever_the_segment_says),
        cmocka_unit_test(test_free_only_and_a_template_move_the_border),
        cmocka_unit_test(test_a_repeat_is_for_those_to_whom_it_failed),
        cmocka_unit_test(test_the_count_says_why_somebody_is_not_reached),
        cmocka_unit_test(test_it_ends_when_the_last_one_has_gone_at_the_allowed_rate),
        cmocka_unit_test(test_what_does_not_fit_into_the_day_goes_on_the_next_morning),
        cmocka_unit_test(test_the_cost_is_that_of_the_charged_ones),
    };
    return cmocka_run_group_tests(tests, prepare, done);
}
