/* The world of the client's tests: see client_world.h. */
#include "client_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
/* after the headers it needs */
#include <cmocka.h>

void world_connect(struct world *w, struct zalo_client_options options)
{
    struct err e = {0};
    talloc_free(w->client);
    options.api_url = options.api_url ? options.api_url : w->url;
    options.oauth_url = options.oauth_url ? options.oauth_url : w->url;
    options.app_id = "431284912";
    options.app_secret = options.app_secret ? options.app_secret : "test-app-secret";
    w->client = zalo_client_new(w->ctx, w->base, &options, &e);
    if (!w->client)
        fail_msg("%s", e.msg);
}

int world_set_up(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    w->ctx = talloc_new(NULL);
    w->base = event_base_new();
    w->server.body = STR("{\"error\":0,\"data\":{\"message_id\":\"m1\"}}");
    assert_true(server_start(&w->server, w->base));
    snprintf(w->url, sizeof(w->url), "http://127.0.0.1:%u", w->server.port);
    world_connect(w, (struct zalo_client_options){0});
    *state = w;
    return 0;
}

int world_tear_down(void **state)
{
    struct world *w = *state;
    talloc_free(w->ctx);
    server_stop(&w->server);
    event_base_free(w->base);
    free(w);
    return 0;
}

static void on_give_up(evutil_socket_t fd, short what, void *arg)
{
    struct world *w = arg;
    (void)fd, (void)what;
    event_base_loopbreak(w->base);
}

void run_until(struct world *w, unsigned called)
{
    struct event *give_up = evtimer_new(w->base, on_give_up, w);
    const struct timeval limit = {20, 0};
    evtimer_add(give_up, &limit);
    while (w->called < called && !event_base_got_break(w->base))
        event_base_loop(w->base, EVLOOP_ONCE);
    event_free(give_up);
    assert_int_equal(w->called, called);
}

void run_a_little(struct world *w)
{
    for (int i = 0; i < 20; i++)
        event_base_loop(w->base, EVLOOP_NONBLOCK);
}

void world_keep(struct world *w, const struct zalo_answer *a)
{
    assert_false(w->in_call);
    w->called++;
    w->answer = *a;
    snprintf(w->message_id, sizeof(w->message_id), "%s", a->message_id ? a->message_id : "");
    snprintf(w->message, sizeof(w->message), "%s", a->message);
}

void on_sent(const struct zalo_answer *a, void *ctx)
{
    world_keep(ctx, a);
}

bool send_as(struct world *w, const char *token, const char *body, struct err *e)
{
    w->in_call = true;
    bool ok = zalo_client_send(w->client, token, "/v3.0/oa/message/cs", str_of(body), on_sent, w, e);
    w->in_call = false;
    return ok;
}

void send_one(struct world *w)
{
    assert_true(send_as(w, "token-one", "{\"n\":1}", NULL));
}
