/* The OA's token among several processes: no two refreshes, no lost pair, whatever dies when.
 *
 * PostgreSQL is real; the OAuth host is played here, strict like Zalo: a refresh token works once, a new access token kills
 * the old one.  "Processes" are several `struct tokens` on one loop, each with its own connection. */
#include <event2/event.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "folder.h"
#include "pg_queue.h"
#include "token/seal.h"
#include "token/token.h"
#include "token/token_file.h"
#include "zalo/client.h"

enum { PROCESSES_MAX = 8, WAIT_S = 20 };

/* ---- the OAuth host ---- */

static struct {
    int serial;          /* of the newest pair */
    char access[32], refresh[32];
    int calls, issued;
    bool without_refresh, revoked;
    int code;            /* answer with this error instead */
    void (*before_answer)(void);
} host;

struct zalo_client {
    struct event_base *base;
};

struct oauth_call {
    struct zalo_client *client;
    zalo_tokens_fn *on_tokens;
    void *ctx;
    char refresh[32];
    struct event *timer;
};

static int call_end(struct oauth_call *call)
{
    event_free(call->timer);
    return 0;
}

static void issue(void)
{
    host.serial++;
    snprintf(host.access, sizeof(host.access), "access-%06d", host.serial);
    if (!host.without_refresh)
        snprintf(host.refresh, sizeof(host.refresh), "refresh-%06d", host.serial);
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct oauth_call *call = arg;
    struct zalo_answer answer = {.class = ZALO_OK, .meaning = "", .message = "", .http_status = 200};
    struct zalo_tokens tokens = {.expires_in_s = 90000};
    (void)fd;
    (void)what;
    if (host.code || host.revoked || strcmp(call->refresh, host.refresh) != 0) {
        answer.code = host.code ? host.code : -14014;
        answer.class = answer.code == -14014 ? ZALO_TOKEN : ZALO_STOP;
        answer.meaning = "refused by the test";
    } else {
        issue();
        host.issued++;
        tokens.access_token = host.access;
        tokens.refresh_token = host.without_refresh ? NULL : host.refresh;
    }
    if (host.before_answer)
        host.before_answer();
    call->on_tokens(answer.class == ZALO_OK ? &tokens : NULL, &answer, call->ctx);
    talloc_free(call);
}

bool zalo_client_refresh(struct zalo_client *client, const char *refresh_token, zalo_tokens_fn *on_tokens, void *ctx, struct err *e)
{
    struct oauth_call *call = talloc_zero(client, struct oauth_call);
    (void)e;
    host.calls++;
    *call = (struct oauth_call){.client = client, .on_tokens = on_tokens, .ctx = ctx};
    snprintf(call->refresh, sizeof(call->refresh), "%s", refresh_token);
    call->timer = event_new(client->base, -1, 0, on_answer, call);
    talloc_set_destructor(call, call_end);
    struct timeval soon = {0, 20000}; /* so that the others come while it is open */
    event_add(call->timer, &soon);
    return true;
}

/* ---- the world ---- */

static const char *url;
static struct event_base *base;
static PGconn *admin;
static struct folder place;

static struct process {
    TALLOC_CTX *memory;
    struct pg_queue *db;
    struct tokens *tokens;
    int changes;
} processes[PROCESSES_MAX];

static void on_change(void *ctx)
{
    struct process *p = ctx;
    p->changes++;
}

static struct process *start(int i)
{
    struct process *p = &processes[i];
    char name[32];
    *p = (struct process){.memory = talloc_new(NULL)};
    p->db = pg_queue_new(p->memory, base, &(struct pg_options){.url = url, .name = "test", .named_statements = true});
    struct zalo_client *client = talloc_zero(p->memory, struct zalo_client);
    client->base = base;
    snprintf(name, sizeof(name), "process-%d", i);
    p->tokens = tokens_new(p->memory, base, p->db, client, &place.settings, name, on_change, p);
    return p;
}

/* Like kill -9: nothing is finished, nobody is told. */
static void end(struct process *p)
{
    TALLOC_FREE(p->memory);
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

/* Runs the loop until the condition holds; fails the test after WAIT_S. */
#define UNTIL(condition)                                                                                                           \
    do {                                                                                                                           \
        int64_t give_up_ = now_ms() + WAIT_S * 1000;                                                                               \
        while (!(condition)) {                                                                                                     \
            if (now_ms() > give_up_)                                                                                               \
                fail_msg("never came true: %s", #condition);                                                                       \
            event_base_loop(base, EVLOOP_ONCE);                                                                                    \
        }                                                                                                                          \
    } while (0)

/* Runs the loop for a while in which nothing must happen. */
static void run_ms(int64_t ms)
{
    int64_t end_ms = now_ms() + ms;
    while (now_ms() < end_ms)
        event_base_loop(base, EVLOOP_ONCE);
}

static int64_t generation(const struct process *p)
{
    const struct token *t = tokens_current(p->tokens);
    return t ? t->generation : 0;
}

static const char *access_of(const struct process *p)
{
    const struct token *t = tokens_current(p->tokens);
    return t ? t->access : "none";
}

static void sql(const char *text)
{
    PGresult *res = PQexec(admin, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(admin));
    PQclear(res);
}

static int64_t ask(const char *text)
{
    PGresult *res = PQexec(admin, text);
    if (PQresultStatus(res) != PGRES_TUPLES_OK || PQntuples(res) != 1)
        fail_msg("%s: %s", text, PQerrorMessage(admin));
    int64_t n = strtoll(PQgetvalue(res, 0, 0), NULL, 10);
    PQclear(res);
    return n;
}

/* Puts the host's pair into the row as another process would. */
static void write_row(const struct seal_key *key)
{
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct str a, r;
    assert_true(seal_close(ctx, key, token_about(ctx, "4711", "access"), str_of(host.access), &a, NULL));
    assert_true(seal_close(ctx, key, token_about(ctx, "4711", "refresh"), str_of(host.refresh), &r, NULL));
    const char *values[] = {a.p, r.p};
    const int lengths[] = {(int)a.n, (int)r.n}, formats[] = {1, 1};
    const Oid types[] = {17, 17};
    PGresult *res = PQexecParams(admin,
                                 "INSERT INTO oa_token (oa_id, access_token, refresh_token, expires_at, refresh_at) VALUES ('4711', $1, $2,"
                                 " now() + interval '25 h', now() + interval '12 h') ON CONFLICT (oa_id) DO UPDATE SET access_token = $1,"
                                 " refresh_token = $2, generation = oa_token.generation + 1",
                                 2, types, values, lengths, formats, 1);
    assert_int_equal(PQresultStatus(res), PGRES_COMMAND_OK);
    PQclear(res);
    talloc_free(ctx);
}

static int world_make(void **state)
{
    (void)state;
    memset(&host, 0, sizeof(host));
    issue();
    folder_make(&place);
    place.settings.zalo.token_key = (struct key_bytes){.set = true, .byte = {4, 7}};
    place.settings.zalo.access_token = "access-000001";
    place.settings.zalo.refresh_token = "refresh-000001";
    sql("TRUNCATE oa_token");
    base = event_base_new();
    struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL); /* so that UNTIL looks often enough */
    struct timeval often = {0, 5000};
    event_add(tick, &often);
    *state = tick;
    return 0;
}

static int world_end(void **state)
{
    for (int i = 0; i < PROCESSES_MAX; i++)
        end(&processes[i]);
    event_free(*state);
    event_base_free(base);
    folder_remove(&place);
    return 0;
}

static const struct seal_key key = {{4, 7}};

/* ---- what has to hold ---- */

static void test_the_first_pair_comes_from_the_settings_and_is_stored_sealed(void **state)
{
    (void)state;
    struct process *p = start(0);
    const char *why;
    assert_null(tokens_current(p->tokens));
    assert_true(tokens_degraded(p->tokens, &why));
    UNTIL(generation(p) == 1);
    assert_string_equal(access_of(p), "access-000001");
    assert_false(tokens_degraded(p->tokens, &why));
    assert_int_equal(p->changes, 1);
    assert_int_equal(host.calls, 0);
    assert_int_equal(ask("SELECT count(*) FROM oa_token WHERE position('access' IN encode(access_token, 'escape')) > 0"), 0);
    assert_true(tokens_expires_in_s(p->tokens) > 89000);
}

static void test_without_any_pair_sends_are_held_and_a_sentence_says_why(void **state)
{
    (void)state;
    place.settings.zalo.access_token = place.settings.zalo.refresh_token = "";
    struct process *p = start(0);
    const char *why = "";
    UNTIL(tokens_degraded(p->tokens, &why) && strstr(why, "token set"));
    assert_null(tokens_current(p->tokens));
    assert_int_equal(host.calls, 0);
    write_row(&key); /* the operator's pair */
    UNTIL(generation(p) == 1);
    assert_int_equal(p->changes, 1);
}

static void test_a_refresh_token_alone_is_enough_to_begin(void **state)
{
    (void)state;
    place.settings.zalo.access_token = "";
    struct process *p = start(0);
    UNTIL(generation(p) == 2);
    assert_string_equal(access_of(p), "access-000002");
}

static void test_a_refused_token_is_refreshed_once_and_sends_wait_meanwhile(void **state)
{
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    tokens_rejected(p->tokens, 1);
    assert_null(tokens_current(p->tokens));
    tokens_rejected(p->tokens, 1); /* many sends were in flight */
    UNTIL(generation(p) == 2);
    tokens_rejected(p->tokens, 1); /* and some answer late */
    run_ms(100);
    assert_string_equal(access_of(p), "access-000002");
    assert_int_equal(host.calls, 1);
    assert_int_equal(ask("SELECT generation FROM oa_token"), 2);
    assert_int_equal(ask("SELECT count(*) FROM oa_token WHERE lease_owner IS NULL"), 1);
}

static void test_a_token_is_refreshed_when_half_of_its_life_is_over(void **state)
{
    (void)state;
    write_row(&key);
    sql("UPDATE oa_token SET expires_at = now() + interval '10 s', refresh_at = now() - interval '1 h'");
    struct process *p = start(0);
    UNTIL(generation(p) == 2);
    assert_int_equal(host.calls, 1);
    assert_true(ask("SELECT extract(epoch FROM refresh_at - now())::bigint FROM oa_token") > 44000); /* 12.5 h */
}

static void test_many_processes_refresh_once_for_each_expiry(void **state)
{
    (void)state;
    enum { EXPIRIES = 6 };
    for (int i = 0; i < PROCESSES_MAX; i++)
        start(i);
    for (int round = 1; round <= EXPIRIES; round++) {
        for (int i = 0; i < PROCESSES_MAX; i++)
            UNTIL(generation(&processes[i]) == round);
        for (int i = 0; i < PROCESSES_MAX; i++) {
            assert_string_equal(access_of(&processes[i]), host.access);
            tokens_accepted(processes[i].tokens, round);
        }
        for (int i = 0; i < PROCESSES_MAX; i++)
            tokens_rejected(processes[i].tokens, round);
    }
    UNTIL(generation(&processes[0]) == EXPIRIES + 1);
    assert_int_equal(host.calls, EXPIRIES);
}

static void test_an_answer_without_a_refresh_token_keeps_the_old_one(void **state)
{
    (void)state;
    host.without_refresh = true;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    tokens_rejected(p->tokens, 1);
    UNTIL(generation(p) == 2);
    tokens_rejected(p->tokens, 2);
    UNTIL(generation(p) == 3);
    assert_int_equal(host.issued, 2);
}

/* ---- deaths ---- */

/* The connections of the processes end: what they send now is lost. */
static void cut_database(void)
{
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()");
    host.before_answer = NULL;
}

static void test_a_pair_whose_commit_failed_is_kept_and_stored_later(void **state)
{
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    host.before_answer = cut_database;
    tokens_rejected(p->tokens, 1);
    UNTIL(generation(p) == 2);
    assert_string_equal(access_of(p), "access-000002");
    assert_int_equal(host.calls, 1);
}

static void test_a_pair_written_to_the_file_before_a_crash_is_found_by_the_next_process(void **state)
{
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    host.before_answer = cut_database;
    tokens_rejected(p->tokens, 1);
    UNTIL(host.issued == 1);
    end(p);
    assert_int_equal(ask("SELECT generation FROM oa_token"), 1); /* the commit never came */
    p = start(1);
    UNTIL(generation(p) == 2);
    assert_string_equal(access_of(p), "access-000002");
    assert_int_equal(host.calls, 1);
    tokens_rejected(p->tokens, 2);
    UNTIL(generation(p) == 3); /* its refresh token works */
}

static void test_a_sibling_that_runs_already_finds_it_too(void **state)
{
    (void)state;
    struct process *p = start(0), *sibling = start(1);
    UNTIL(generation(p) == 1 && generation(sibling) == 1);
    host.before_answer = cut_database;
    tokens_rejected(p->tokens, 1);
    UNTIL(host.issued == 1);
    end(p);
    tokens_rejected(sibling->tokens, 1); /* its sends fail as well */
    UNTIL(generation(sibling) == 2);
    assert_string_equal(access_of(sibling), "access-000002");
    assert_int_equal(host.calls, 1);
}

static void test_tokens_of_a_restored_backup_give_way_to_the_newer_file(void **state)
{
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    sql("CREATE TABLE backup AS SELECT * FROM oa_token");
    sql("UPDATE backup SET expires_at = expires_at - interval '30 h', refresh_at = refresh_at - interval '30 h'");
    for (int g = 1; g <= 3; g++) {
        tokens_accepted(p->tokens, g);
        tokens_rejected(p->tokens, g);
        UNTIL(generation(p) == g + 1);
    }
    end(p);
    sql("DELETE FROM oa_token");
    sql("INSERT INTO oa_token SELECT * FROM backup");
    sql("DROP TABLE backup");
    p = start(1);
    UNTIL(ask("SELECT count(*) FROM oa_token WHERE held_at IS NOT NULL") == 1);
    run_ms(100);
    assert_int_equal(generation(p), 0); /* nothing is sent before an operator says so */
    end(p);
    sql("UPDATE oa_token SET held_at = NULL");
    p = start(1);
    UNTIL(generation(p) > 0);
    assert_string_equal(access_of(p), "access-000004");
    assert_int_equal(host.calls, 3);
    end(p);
    int64_t written = ask("SELECT generation FROM oa_token");
    p = start(2); /* and it does not do so again */
    UNTIL(generation(p) > 0);
    run_ms(100);
    assert_int_equal(ask("SELECT generation FROM oa_token"), written);
}

static void test_an_old_file_never_replaces_an_operators_new_pair(void **state)
{
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    tokens_rejected(p->tokens, 1);
    UNTIL(generation(p) == 2); /* the file: made from generation 1 */
    end(p);
    sql("DELETE FROM oa_token"); /* a new database, a new consent: generation 1 again */
    issue();
    write_row(&key);
    sql("UPDATE oa_token SET expires_at = expires_at + interval '1 h'");
    p = start(1);
    UNTIL(generation(p) > 0);
    assert_string_equal(access_of(p), host.access);
    assert_int_equal(generation(p), 1);
}

static void test_the_old_token_is_not_used_once_zalo_has_issued_a_new_one(void **state)
{
    (void)state;
    write_row(&key);
    sql("UPDATE oa_token SET refresh_at = now() - interval '1 h'");
    host.before_answer = cut_database; /* so that the new one cannot be stored at once */
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    UNTIL(host.issued == 1);
    assert_null(tokens_current(p->tokens));
    UNTIL(generation(p) == 2);
    assert_int_equal(p->changes, 3); /* there, gone, there */
}

/* ---- spent and refused ---- */

static void other_process_wins(void)
{
    host.before_answer = NULL;
    issue();
    write_row(&key);
}

static void test_a_spent_refresh_token_with_a_newer_row_is_adopted_without_an_alarm(void **state)
{
    const char *why;
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    host.code = -14014;
    host.before_answer = other_process_wins;
    tokens_rejected(p->tokens, 1);
    UNTIL(generation(p) == 2);
    assert_string_equal(access_of(p), host.access);
    assert_false(tokens_degraded(p->tokens, &why));
    assert_int_equal(ask("SELECT count(*) FROM oa_token WHERE needs_consent"), 0);
    assert_int_equal(host.calls, 1);
}

static void test_a_revoked_grant_asks_for_consent_and_drops_nothing(void **state)
{
    const char *why = "";
    (void)state;
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    host.revoked = true;
    tokens_rejected(p->tokens, 1);
    UNTIL(ask("SELECT count(*) FROM oa_token WHERE needs_consent") == 1);
    assert_true(tokens_degraded(p->tokens, &why));
    assert_non_null(strstr(why, "token set"));
    assert_null(tokens_current(p->tokens));
    assert_int_equal(ask("SELECT generation FROM oa_token"), 1); /* the stored pair was not overwritten */
    int calls = host.calls;
    struct process *second = start(1); /* does not hammer either */
    UNTIL(tokens_degraded(second->tokens, &why) && generation(second) == 1); /* it may try the access token */
    run_ms(200);
    assert_int_equal(host.calls, calls);
    /* The admin consents again. */
    host.revoked = false;
    issue();
    write_row(&key);
    sql("UPDATE oa_token SET needs_consent = false");
    UNTIL(generation(p) == 2);
    assert_false(tokens_degraded(p->tokens, &why));
    tokens_rejected(p->tokens, 2); /* and refreshing works as ever */
    UNTIL(generation(p) == 3);
}

static void test_an_attempt_another_node_left_open_is_named(void **state)
{
    const char *why = "";
    (void)state;
    write_row(&key);
    sql("UPDATE oa_token SET lease_owner = 'node-b/1', lease_until = now() - interval '1 s'");
    host.revoked = true; /* node-b got the pair and has it on its disk */
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    tokens_rejected(p->tokens, 1);
    UNTIL(tokens_degraded(p->tokens, &why) && strstr(why, "node-b/1"));
    assert_null(tokens_current(p->tokens));
}

static void test_a_lease_of_another_process_is_waited_for(void **state)
{
    (void)state;
    write_row(&key);
    sql("UPDATE oa_token SET lease_owner = 'node-b/1', lease_until = now() + interval '60 s'");
    struct process *p = start(0);
    UNTIL(generation(p) == 1);
    tokens_rejected(p->tokens, 1);
    run_ms(700);
    assert_int_equal(host.calls, 0);
    issue();
    write_row(&key);
    UNTIL(generation(p) == 2);
    assert_int_equal(host.calls, 0);
}

static void test_a_wrong_app_secret_is_told_and_the_working_token_stays_in_use(void **state)
{
    const char *why = "";
    (void)state;
    write_row(&key);
    sql("UPDATE oa_token SET refresh_at = now() - interval '1 h'");
    host.code = -14004;
    struct process *p = start(0);
    UNTIL(host.calls == 1 && tokens_degraded(p->tokens, &why) && strstr(why, "app_secret"));
    assert_int_equal(generation(p), 1);
    UNTIL(ask("SELECT count(*) FROM oa_token WHERE lease_owner IS NULL AND refresh_at > now() + interval '50 min'") == 1);
}

static void test_tokens_of_another_key_are_told_and_not_refreshed(void **state)
{
    static const struct seal_key other = {{5}};
    const char *why = "";
    (void)state;
    write_row(&other);
    struct process *p = start(0);
    UNTIL(tokens_degraded(p->tokens, &why) && strstr(why, "token_key"));
    assert_null(tokens_current(p->tokens));
    assert_int_equal(host.calls, 0);
}

static void test_fresh_tokens_refused_again_and_again_slow_down(void **state)
{
    (void)state;
    struct process *p = start(0);
    for (int g = 1; g <= 5; g++) {
        UNTIL(generation(p) == g);
        tokens_rejected(p->tokens, g);
    }
    run_ms(300);
    assert_null(tokens_current(p->tokens));
    assert_int_equal(host.calls, 4);
}

static void test_freed_in_the_middle_of_anything_nothing_calls_back(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        struct process *p = start(0);
        if (i % 2)
            UNTIL(generation(p) > 0);
        if (i % 2)
            tokens_rejected(p->tokens, generation(p));
        for (int turns = 0; turns < i; turns++)
            event_base_loop(base, EVLOOP_NONBLOCK);
        if (i % 3 == 0)
            talloc_free(p->tokens); /* before its database connection */
        else if (i % 3 == 1)
            talloc_free(p->db); /* after it */
        event_base_loop(base, EVLOOP_NONBLOCK);
        end(p);
    }
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_the_first_pair_comes_from_the_settings_and_is_stored_sealed),
        WITH_WORLD(test_without_any_pair_sends_are_held_and_a_sentence_says_why),
        WITH_WORLD(test_a_refresh_token_alone_is_enough_to_begin),
        WITH_WORLD(test_a_refused_token_is_refreshed_once_and_sends_wait_meanwhile),
        WITH_WORLD(test_a_token_is_refreshed_when_half_of_its_life_is_over),
        WITH_WORLD(test_many_processes_refresh_once_for_each_expiry),
        WITH_WORLD(test_an_answer_without_a_refresh_token_keeps_the_old_one),
        WITH_WORLD(test_a_pair_whose_commit_failed_is_kept_and_stored_later),
        WITH_WORLD(test_the_old_token_is_not_used_once_zalo_has_issued_a_new_one),
        WITH_WORLD(test_a_pair_written_to_the_file_before_a_crash_is_found_by_the_next_process),
        WITH_WORLD(test_a_sibling_that_runs_already_finds_it_too),
        WITH_WORLD(test_tokens_of_a_restored_backup_give_way_to_the_newer_file),
        WITH_WORLD(test_an_old_file_never_replaces_an_operators_new_pair),
        WITH_WORLD(test_a_spent_refresh_token_with_a_newer_row_is_adopted_without_an_alarm),
        WITH_WORLD(test_a_revoked_grant_asks_for_consent_and_drops_nothing),
        WITH_WORLD(test_an_attempt_another_node_left_open_is_named),
        WITH_WORLD(test_a_lease_of_another_process_is_waited_for),
        WITH_WORLD(test_a_wrong_app_secret_is_told_and_the_working_token_stays_in_use),
        WITH_WORLD(test_tokens_of_another_key_are_told_and_not_refreshed),
        WITH_WORLD(test_fresh_tokens_refused_again_and_again_slow_down),
        WITH_WORLD(test_freed_in_the_middle_of_anything_nothing_calls_back),
    };
    url = test_database("test_token");
    if (!url)
        return 77; /* meson: skipped */
    admin = PQconnectdb(url);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(admin);
    return failed;
}
