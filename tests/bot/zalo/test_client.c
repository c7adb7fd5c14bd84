/* The client against a server that misbehaves in every way we could think of: one callback each, never a second POST. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
/* after the headers it needs */
#include <cmocka.h>

#include "client_world.h"
#include "log.h"

static void on_got(const struct zalo_answer *a, struct str body, void *ctx)
{
    struct world *w = ctx;
    world_keep(w, a);
    snprintf(w->got, sizeof(w->got), "%.*s", STR_ARG(body));
}

static void on_tokens(const struct zalo_tokens *t, const struct zalo_answer *a, void *ctx)
{
    struct world *w = ctx;
    world_keep(w, a);
    assert_int_equal(t != NULL, a->class == ZALO_OK);
    snprintf(w->access_token, sizeof(w->access_token), "%s", t ? t->access_token : "");
    snprintf(w->refresh_token, sizeof(w->refresh_token), "%s", t && t->refresh_token ? t->refresh_token : "");
}

/* ---- sends ---- */

static void test_a_send_carries_token_and_body_and_brings_the_id(void **state)
{
    struct world *w = *state;
    w->server.extra_header = "X-RateLimit-Limit: 4000\r\nX-RateLimit-Remain: 3998\r\n";
    send_one(w);
    assert_int_equal(zalo_client_inflight(w->client), 1);
    run_until(w, 1);
    assert_int_equal(zalo_client_inflight(w->client), 0);
    assert_int_equal(w->answer.class, ZALO_OK);
    assert_string_equal(w->message_id, "m1");
    assert_int_equal(w->answer.http_status, 200);
    assert_int_equal(w->answer.rate_remain, 3998);
    assert_true(w->answer.written);
    assert_true(str_starts(str_of(w->server.last), STR("POST /v3.0/oa/message/cs HTTP/1.1\r\n")));
    assert_non_null(strstr(w->server.last, "\r\naccess_token: token-one\r\n"));
    assert_non_null(strstr(w->server.last, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(w->server.last, "\r\n\r\n{\"n\":1}"));
    assert_null(strstr(w->server.last, "appsecret_proof"));
    assert_null(strstr(w->server.last, "Expect"));
}

static void test_connections_are_kept_and_a_new_token_is_used(void **state)
{
    struct world *w = *state;
    for (unsigned i = 1; i <= 20; i++) {
        assert_true(send_as(w, i <= 10 ? "token-one" : "token-two", "{}", NULL));
        run_until(w, i);
        assert_int_equal(w->answer.class, ZALO_OK);
    }
    assert_int_equal(w->server.connections, 1);
    assert_int_equal(w->server.requests, 20);
    assert_non_null(strstr(w->server.last, "\r\naccess_token: token-two\r\n"));
    assert_null(strstr(w->server.last, "token-one"));
}

static void test_the_proof_goes_along_when_it_is_asked_for(void **state)
{
    struct world *w = *state;
    world_connect(w, (struct zalo_client_options){.appsecret_proof = true, .app_secret = "Jefe"});
    /* printf what-do-ya-want | openssl dgst -sha256 -hmac Jefe */
    assert_true(send_as(w, "what-do-ya-want", "{}", NULL));
    run_until(w, 1);
    assert_non_null(strstr(w->server.last, "\r\nappsecret_proof: 13fe8ad7f64f8a5a92ee68d693eac740dcc39c90fe06191fdab94a9b1e8e3166\r\n"));
}

static void test_a_reused_connection_that_dies_after_taking_the_request_is_no_second_post(void **state)
{
    struct world *w = *state;
    w->server.act = RESET_ON_REUSE;
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_OK);
    send_one(w);
    run_until(w, 2);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
    assert_true(w->answer.written);
    run_a_little(w);
    assert_int_equal(w->server.requests, 2);
    w->server.act = ANSWER;
    send_one(w);
    run_until(w, 3);
    assert_int_equal(w->answer.class, ZALO_OK);
    assert_int_equal(w->server.requests, 3);
}

static void test_a_reset_after_the_request_is_an_unknown_outcome(void **state)
{
    struct world *w = *state;
    w->server.act = RESET;
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
    run_a_little(w);
    assert_int_equal(w->server.requests, 1);
}

static void test_silence_and_drips_end_at_the_deadline(void **state)
{
    struct world *w = *state;
    world_connect(w, (struct zalo_client_options){.total_ms = 300, .low_speed_s = 60});
    static const enum act acts[] = {SILENCE, DRIP};
    for (unsigned i = 0; i < ARRAY_LEN(acts); i++) {
        w->server.act = acts[i];
        send_one(w);
        run_until(w, i + 1);
        assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
        assert_true(w->answer.written);
        assert_int_equal(w->server.requests, i + 1);
    }
}

static void test_an_endless_answer_is_cut_at_its_bound(void **state)
{
    struct world *w = *state;
    world_connect(w, (struct zalo_client_options){.total_ms = 60000, .low_speed_s = 60});
    w->server.act = ENDLESS;
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
    assert_string_equal(w->message, "answer is larger than allowed");
    w->server.act = ANSWER;
    send_one(w);
    run_until(w, 2);
    assert_int_equal(w->answer.class, ZALO_OK);
}

static void test_a_slow_answer_is_given_up_by_its_speed(void **state)
{
    struct world *w = *state;
    world_connect(w, (struct zalo_client_options){.low_speed_bytes = 100000, .low_speed_s = 1, .total_ms = 60000});
    w->server.act = DRIP;
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
}

static void test_answers_that_are_none(void **state)
{
    static const struct {
        const char *raw;
        enum zalo_class want;
    } cases[] = {
        {"garbage\r\n\r\n", ZALO_UNKNOWN_OUTCOME},
        {"", ZALO_UNKNOWN_OUTCOME},
        {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"error\":0", ZALO_UNKNOWN_OUTCOME},
        {"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>", ZALO_UNKNOWN_OUTCOME},
        {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", ZALO_RETRY},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", ZALO_RETRY},
        {"HTTP/1.1 503 Busy\r\nContent-Length: 40\r\n\r\nbusy", ZALO_RETRY},
        {"HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n", ZALO_RETRY},
        {"HTTP/1.1 200 OK\r\nContent-Length: 32\r\n\r\n{\"error\":-216,\"message\":\"token\"}", ZALO_TOKEN},
    };
    struct world *w = *state;
    w->server.act = ANSWER_RAW;
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        w->server.body = str_of(cases[i].raw);
        w->server.act = cases[i].raw[0] ? ANSWER_RAW : RESET;
        send_one(w);
        run_until(w, i + 1);
        if (w->answer.class != cases[i].want)
            fail_msg("'%s' is %s", cases[i].raw, zalo_class_name(w->answer.class));
        assert_int_equal(w->server.requests, i + 1);
    }
}

static void test_a_redirect_is_not_followed(void **state)
{
    struct world *w = *state;
    char raw[256];
    snprintf(raw, sizeof(raw), "HTTP/1.1 307 Moved\r\nLocation: %s/elsewhere\r\nContent-Length: 0\r\n\r\n", w->url);
    w->server.act = ANSWER_RAW;
    w->server.body = str_of(raw);
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_RETRY);
    assert_int_equal(w->answer.http_status, 307);
    run_a_little(w);
    assert_int_equal(w->server.requests, 1);
}

static void test_what_was_not_sent_may_be_sent_again(void **state)
{
    struct world *w = *state;
    world_connect(w, (struct zalo_client_options){.api_url = "http://127.0.0.1:1"});
    send_one(w);
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_RETRY);
    assert_false(w->answer.written);
    assert_int_equal(w->answer.http_status, 0);
    char https[64];
    snprintf(https, sizeof(https), "https://127.0.0.1:%u", w->server.port);
    w->server.act = ANSWER_RAW;
    world_connect(w, (struct zalo_client_options){.api_url = https, .total_ms = 500}); /* no TLS there */
    send_one(w);
    run_until(w, 2);
    assert_int_equal(w->answer.class, ZALO_RETRY);
    assert_false(w->answer.written);
}

static void test_what_cannot_be_sent_is_refused_at_once(void **state)
{
    struct world *w = *state;
    struct err e = {0};
    assert_false(send_as(w, "", "{}", &e));
    assert_int_equal(e.kind, ERR_INVALID);
    assert_false(send_as(w, "token\r\nX-Evil: 1", "{}", &e));
    assert_false(send_as(w, "token", "", &e));
    char *large = talloc_zero_size(w->ctx, 70000);
    memset(large, 'x', 69999);
    assert_false(send_as(w, "token", large, &e));
    assert_false(zalo_client_send(w->client, "token", "v3.0/oa", STR("{}"), on_sent, w, &e));
    assert_int_equal(zalo_client_inflight(w->client), 0);
    run_a_little(w);
    assert_int_equal(w->called, 0);
}

static void test_sends_beyond_the_limit_wait_outside_but_tokens_still_go(void **state)
{
    struct world *w = *state;
    struct err e = {0};
    w->server.act = SILENCE;
    world_connect(w, (struct zalo_client_options){.max_in_flight = 3});
    for (int i = 0; i < 3; i++)
        send_one(w);
    assert_false(send_as(w, "token-one", "{}", &e));
    assert_int_equal(e.kind, ERR_UNAVAILABLE);
    assert_true(zalo_client_refresh(w->client, "refresh-token", on_tokens, w, &e));
    assert_int_equal(zalo_client_inflight(w->client), 4);
    zalo_client_cancel_all(w->client);
    assert_int_equal(w->called, 4);
    assert_int_equal(zalo_client_inflight(w->client), 0);
    w->server.act = ANSWER;
    send_one(w);
    run_until(w, 5);
    assert_int_equal(w->answer.class, ZALO_OK);
}

static void test_many_at_once_each_get_one_callback(void **state)
{
    struct world *w = *state;
    unsigned sent = 0;
    while (sent < 2000) {
        if (send_as(w, "token-one", "{\"text\":\"x\"}", NULL))
            sent++;
        else
            event_base_loop(w->base, EVLOOP_ONCE);
    }
    while (zalo_client_inflight(w->client) > 0)
        event_base_loop(w->base, EVLOOP_ONCE);
    run_a_little(w);
    assert_int_equal(w->called, 2000);
    assert_int_equal(w->server.requests, 2000);
    assert_true(w->server.connections <= 64);
}

/* ---- ending ---- */

static void on_sent_send_again(const struct zalo_answer *a, void *ctx)
{
    struct world *w = ctx;
    world_keep(w, a);
    if (w->called < 3)
        assert_true(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent_send_again, w, NULL));
}

static void test_a_callback_may_send(void **state)
{
    struct world *w = *state;
    assert_true(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent_send_again, w, NULL));
    run_until(w, 3);
    assert_int_equal(w->server.requests, 3);
}

static void on_sent_free(const struct zalo_answer *a, void *ctx)
{
    struct world *w = ctx;
    world_keep(w, a);
    zalo_client_free(w->client);
    w->client = NULL;
}

static void test_a_callback_may_free_the_client(void **state)
{
    struct world *w = *state;
    for (int i = 0; i < 3; i++)
        assert_true(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent_free, w, NULL));
    run_until(w, 1);
    run_a_little(w);
    assert_int_equal(w->called, 1);
}

static void test_freeing_in_flight_calls_nobody(void **state)
{
    struct world *w = *state;
    w->server.act = SILENCE;
    for (int i = 0; i < 5; i++)
        send_one(w);
    run_a_little(w);
    zalo_client_free(w->client);
    w->client = NULL;
    run_a_little(w);
    assert_int_equal(w->called, 0);
}

static void on_sent_try_again(const struct zalo_answer *a, void *ctx)
{
    struct world *w = ctx;
    struct err e = {0};
    world_keep(w, a);
    assert_false(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent, w, &e));
    assert_int_equal(e.kind, ERR_UNAVAILABLE);
}

static void test_cancelling_tells_what_may_have_been_taken(void **state)
{
    struct world *w = *state;
    w->server.act = SILENCE;
    assert_true(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent_try_again, w, NULL));
    zalo_client_cancel_all(w->client); /* before anything was written */
    assert_int_equal(w->called, 1);
    assert_int_equal(w->answer.class, ZALO_RETRY);
    assert_string_equal(w->message, "cancelled");
    assert_true(zalo_client_send(w->client, "token-one", "/x", STR("{}"), on_sent_try_again, w, NULL));
    while (w->server.requests == 0)
        event_base_loop(w->base, EVLOOP_ONCE);
    zalo_client_cancel_all(w->client);
    assert_int_equal(w->called, 2);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
}

/* ---- tokens ---- */

static void test_a_refresh_sends_the_form_and_brings_the_pair(void **state)
{
    struct world *w = *state;
    w->server.body = STR("{\"access_token\":\"new-access\",\"refresh_token\":\"new-refresh\",\"expires_in\":\"90000\"}");
    assert_true(zalo_client_refresh(w->client, "old+refresh/token", on_tokens, w, NULL));
    run_until(w, 1);
    assert_string_equal(w->access_token, "new-access");
    assert_string_equal(w->refresh_token, "new-refresh");
    assert_true(str_starts(str_of(w->server.last), STR("POST /v4/oa/access_token HTTP/1.1\r\n")));
    assert_non_null(strstr(w->server.last, "\r\nsecret_key: test-app-secret\r\n"));
    assert_non_null(strstr(w->server.last, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
    assert_non_null(strstr(w->server.last, "\r\n\r\nrefresh_token=old%2Brefresh%2Ftoken&app_id=431284912&grant_type=refresh_token"));
    w->server.body = STR("{\"error\":-14014,\"error_name\":\"Invalid refresh token.\"}");
    assert_true(zalo_client_refresh(w->client, "old", on_tokens, w, NULL));
    run_until(w, 2);
    assert_int_equal(w->answer.class, ZALO_TOKEN);
    assert_int_equal(w->answer.code, -14014);
    w->server.act = RESET_ON_REUSE;
    assert_true(zalo_client_refresh(w->client, "old", on_tokens, w, NULL));
    run_until(w, 3);
    assert_int_equal(w->answer.class, ZALO_UNKNOWN_OUTCOME);
    assert_int_equal(w->server.requests, 3);
}

static void test_a_code_is_exchanged_with_and_without_verifier(void **state)
{
    struct world *w = *state;
    w->server.body = STR("{\"access_token\":\"a\",\"refresh_token\":\"r\",\"expires_in\":90000}");
    assert_true(zalo_client_exchange_code(w->client, "the code", "v", on_tokens, w, NULL) == false);
    assert_true(zalo_client_exchange_code(w->client, "the-code", "verifier", on_tokens, w, NULL));
    run_until(w, 1);
    assert_non_null(strstr(w->server.last, "\r\n\r\ncode=the-code&app_id=431284912&grant_type=authorization_code&code_verifier=verifier"));
    assert_true(zalo_client_exchange_code(w->client, "the-code", NULL, on_tokens, w, NULL));
    run_until(w, 2);
    assert_null(strstr(w->server.last, "code_verifier"));
}

static void test_secrets_do_not_reach_the_log(void **state)
{
    struct world *w = *state;
    int saved = dup(STDERR_FILENO);
    FILE *log = tmpfile();
    dup2(fileno(log), STDERR_FILENO);
    w->server.body = STR("{\"access_token\":\"brand-new-access\",\"refresh_token\":\"brand-new-refresh\"}");
    assert_true(zalo_client_refresh(w->client, "burnt-refresh", on_tokens, w, NULL));
    run_until(w, 1);
    send_one(w);
    run_until(w, 2);
    log_write(LOG_ERROR, "leak: burnt-refresh brand-new-access brand-new-refresh token-one test-app-secret");
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(log);
    char text[4096];
    text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
    fclose(log);
    assert_non_null(strstr(text, "leak: *** *** *** *** ***"));
}

/* ---- GET ---- */

static void test_a_get_carries_its_data_and_brings_the_body(void **state)
{
    struct world *w = *state;
    w->server.body = STR("[{\"src\":1}]");
    assert_true(zalo_client_get(w->client, "token-one", "/v2.0/oa/conversation", "{\"user_id\":\"1\"}", on_got, w, NULL));
    run_until(w, 1);
    assert_int_equal(w->answer.class, ZALO_OK);
    assert_string_equal(w->got, "[{\"src\":1}]");
    assert_true(str_starts(str_of(w->server.last), STR("GET /v2.0/oa/conversation?data=%7B%22user_id%22%3A%221%22%7D HTTP/1.1\r\n")));
    w->server.body = STR("{\"error\":-216}");
    assert_true(zalo_client_get(w->client, "token-one", "/v2.0/oa/getoa", NULL, on_got, w, NULL));
    run_until(w, 2);
    assert_int_equal(w->answer.class, ZALO_TOKEN);
    w->server.act = RESET;
    assert_true(zalo_client_get(w->client, "token-one", "/v2.0/oa/getoa", NULL, on_got, w, NULL));
    run_until(w, 3);
    assert_int_equal(w->answer.class, ZALO_RETRY); /* asking again does no harm */
    assert_string_equal(w->got, "");
    w->server.act = ANSWER;
    w->server.body = STR("<html>");
    assert_true(zalo_client_get(w->client, "token-one", "/v2.0/oa/getoa", NULL, on_got, w, NULL));
    run_until(w, 4);
    assert_int_equal(w->answer.class, ZALO_RETRY);
}

static void test_base_addresses_are_https_or_this_machine(void **state)
{
    static const struct {
        const char *url;
        bool ok;
    } cases[] = {
        {"https://openapi.zalo.me", true}, {"https://openapi.zalo.me/", true}, {"http://127.0.0.1:9000", true}, {"http://127.8.0.1", true},
        {"http://localhost:9000", true}, {"http://[::1]:9000", true}, {"http://openapi.zalo.me", false}, {"http://10.0.0.1", false},
        {"http://localhost.example.com", false}, {"http://127.0.0.1.example.com", false}, {"ftp://127.0.0.1", false}, {"openapi.zalo.me", false},
        {"", false}, {NULL, false}, {"https://user@openapi.zalo.me", false}, {"file:///x", false},
    };
    struct world *w = *state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {0};
        const struct zalo_client_options options = {.api_url = cases[i].url, .oauth_url = "https://oauth.zaloapp.com", .app_id = "1", .app_secret = "s"};
        struct zalo_client *client = zalo_client_new(w->ctx, w->base, &options, &e);
        if ((client != NULL) != cases[i].ok)
            fail_msg("%s: %s", cases[i].url, e.msg);
        assert_true(client || e.kind == ERR_INVALID);
        zalo_client_free(client);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_set_up, world_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_send_carries_token_and_body_and_brings_the_id),
        TEST(test_connections_are_kept_and_a_new_token_is_used),
        TEST(test_the_proof_goes_along_when_it_is_asked_for),
        TEST(test_a_reused_connection_that_dies_after_taking_the_request_is_no_second_post),
        TEST(test_a_reset_after_the_request_is_an_unknown_outcome),
        TEST(test_silence_and_drips_end_at_the_deadline),
        TEST(test_an_endless_answer_is_cut_at_its_bound),
        TEST(test_a_slow_answer_is_given_up_by_its_speed),
        TEST(test_answers_that_are_none),
        TEST(test_a_redirect_is_not_followed),
        TEST(test_what_was_not_sent_may_be_sent_again),
        TEST(test_what_cannot_be_sent_is_refused_at_once),
        TEST(test_sends_beyond_the_limit_wait_outside_but_tokens_still_go),
        TEST(test_many_at_once_each_get_one_callback),
        TEST(test_a_callback_may_send),
        TEST(test_a_callback_may_free_the_client),
        TEST(test_freeing_in_flight_calls_nobody),
        TEST(test_cancelling_tells_what_may_have_been_taken),
        TEST(test_a_refresh_sends_the_form_and_brings_the_pair),
        TEST(test_a_code_is_exchanged_with_and_without_verifier),
        TEST(test_secrets_do_not_reach_the_log),
        TEST(test_a_get_carries_its_data_and_brings_the_body),
        TEST(test_base_addresses_are_https_or_this_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
