/* The HTTP server over real sockets: what is answered, in which order, and what a hang-up does. */
#include "http_rig.h"

/* --- answers --- */

static void test_requests_of_one_connection_are_answered_one_after_another(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    struct str body;
    client_send(rig, c, STR(GET("/healthz?x=1")));
    assert_int_equal(client_answer(rig, c, 0, &body), 200);
    assert_true(str_eq(body, STR("/healthz 0\n")));
    client_send(rig, c, STR("POST /webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}"));
    assert_int_equal(client_answer(rig, c, 1, &body), 200);
    assert_true(str_eq(body, STR("/webhook 2\n")));
    assert_non_null(strstr(c->got, "\r\nDate: "));
    assert_non_null(strstr(c->got, " GMT\r\n"));
    assert_non_null(strstr(c->got, "\r\nX-Content-Type-Options: nosniff\r\n"));
    assert_null(strstr(c->got, "Connection: close"));
    assert_int_equal(http_server_stats(rig->server)->requests, 2);
    assert_int_equal(http_server_stats(rig->server)->answers[2], 2);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    client_free(c);
    rig_close(rig);
}

static void test_head_gets_the_length_but_no_body(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    client_send(rig, c, STR("HEAD /a HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    client_wait_closed(rig, c);
    assert_non_null(strstr(c->got, "\r\nContent-Length: 5\r\n"));
    assert_non_null(strstr(c->got, "\r\nConnection: close\r\n"));
    assert_string_equal(strstr(c->got, "\r\n\r\n"), "\r\n\r\n");
    client_free(c);
    rig_close(rig);
}

static void test_old_http_and_options_are_answered(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig), *d = client_open(rig);
    client_send(rig, c, STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
    client_wait_closed(rig, c);
    assert_int_equal(client_count(c, 200, 300), 1);
    client_send(rig, d, STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"));
    assert_int_equal(client_answer(rig, d, 0, NULL), 204);
    assert_non_null(strstr(d->got, "\r\nAllow: GET, HEAD, POST\r\n"));
    assert_int_equal(rig->count, 1);
    client_free(c);
    client_free(d);
    rig_close(rig);
}

static void on_wrong_method(const struct http_request *r, void *ctx)
{
    struct rig *rig = ctx;
    struct sockaddr_storage peer;
    rig->count++;
    assert_true(http_request_peer(rig->server, r->id, &peer));
    assert_int_equal(peer.ss_family, AF_INET);
    assert_int_equal(http_header_count(r, STR("x-a")), 2);
    assert_true(str_eq(http_header(r, STR("x-a")), STR("1")));
    http_answer_not_allowed(rig->server, r->id, STR("POST"));
    http_answer(rig->server, r->id, 200, STR(""), STR("")); /* a second answer is none */
}

static void test_a_handler_refuses_a_method_and_keeps_the_connection(void **state)
{
    (void)state;
    struct rig *rig = rig_open_with(NULL, on_wrong_method);
    struct client *c = client_open(rig);
    for (unsigned i = 0; i < 2; i++) {
        client_send(rig, c, STR("GET /webhook HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nx-a: 2\r\n\r\n"));
        assert_int_equal(client_answer(rig, c, i, NULL), 405);
    }
    assert_non_null(strstr(c->got, "\r\nAllow: POST\r\n"));
    assert_int_equal(http_server_stats(rig->server)->answers[2], 0);
    client_free(c);
    rig_close(rig);
}

static void test_pipelined_requests_are_answered_in_order_whatever_order_the_answers_come_in(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/0") GET("/1") GET("/2") GET("/3")));
    RIG_WAIT(rig, rig->count == 4);
    static const unsigned order[] = {2, 1, 3, 0};
    static const struct str bodies[] = {STR("zero"), STR("one"), STR("two"), STR("three")};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(client_count(c, 0, 1000), 0);
        http_answer(rig->server, rig->ids[order[i]], 200, STR(""), bodies[order[i]]);
        http_answer(rig->server, rig->ids[order[i]], 200, STR(""), STR("said twice"));
    }
    for (unsigned i = 0; i < 4; i++) {
        struct str body;
        assert_int_equal(client_answer(rig, c, i, &body), 200);
        assert_true(str_eq(body, bodies[i]));
    }
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    client_free(c);
    rig_close(rig);
}

static void test_only_so_many_pipelined_requests_wait_the_rest_stays_unread(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *c = client_open(rig);
    for (int i = 0; i < 40; i++)
        client_send(rig, c, STR(GET("/")));
    unsigned answered = 0;
    RIG_WAIT(rig, rig->count == 16);
    for (unsigned most = 16; answered < 40; answered++) {
        assert_int_equal(rig->count, most);
        http_answer(rig->server, rig->ids[answered], 200, STR(""), STR(""));
        assert_int_equal(rig->count, most); /* never handed out from within http_answer() */
        most += most < 40;
        RIG_WAIT(rig, rig->count == most);
    }
    RIG_WAIT(rig, client_count(c, 200, 201) == 40);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    client_free(c);
    rig_close(rig);
}

static void test_a_hundred_thousand_pipelined_requests_are_all_answered(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    size_t one = sizeof GET("/") - 1;
    char *all = malloc(COUNT * one);
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(all + i * one, GET("/"), one);
    client_send(rig, c, (struct str){all, COUNT * one});
    free(all);
    RIG_WAIT(rig, rig->count == COUNT && http_server_stats(rig->server)->buffered_bytes == 0);
    shutdown(c->fd, SHUT_WR);
    client_wait_closed(rig, c);
    size_t length = (size_t)(strstr(c->got, "\r\n\r\n") - c->got) + 4 + sizeof "/ 0\n" - 1;
    assert_int_equal(c->n, COUNT * length);
    client_free(c);
    rig_close(rig);
}

static void test_requests_cut_anywhere_are_all_understood(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    static const struct str two = STR(GET("/one") "POST /two HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    unsigned requests = 0;
    for (size_t cut = 1; cut < two.n; cut++) {
        uint32_t before = rig->count;
        client_send(rig, c, (struct str){two.p, cut});
        /* the server has seen the first part when it holds some of it, or has answered all of it */
        RIG_WAIT(rig, http_server_stats(rig->server)->buffered_bytes > 0 || cut == sizeof GET("/one") - 1);
        client_send(rig, c, str_skip(two, cut));
        RIG_WAIT(rig, rig->count == before + 2);
        requests += 2;
    }
    RIG_WAIT(rig, client_count(c, 200, 201) == requests);
    client_free(c);
    rig_close(rig);
}

static char pattern(size_t i)
{
    return (char)('a' + i * 2654435761u % 23);
}

static void on_large_body(const struct http_request *r, void *ctx)
{
    for (size_t i = 0; i < r->body.n; i++)
        if (r->body.p[i] != pattern(i))
            fail_msg("byte %zu of the body is wrong", i);
    rig_handler(r, ctx);
}

static void test_a_body_as_large_as_allowed_arrives_whole(void **state)
{
    (void)state;
    struct rig *rig = rig_open_with(NULL, on_large_body);
    struct client *c = client_open(rig);
    static char body[1 << 20];
    for (size_t i = 0; i < sizeof body; i++)
        body[i] = pattern(i);
    static const size_t sizes[] = {sizeof body, 16300, 16384, 16385, 2048, 1900, 70000};
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        char head[100];
        int n = snprintf(head, sizeof head, "POST /%zu HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n", sizes[i],
                         sizes[i]);
        client_send(rig, c, (struct str){head, (size_t)n});
        client_send(rig, c, (struct str){body, sizes[i]});
        assert_int_equal(client_answer(rig, c, i, NULL), 200);
    }
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    client_free(c);
    rig_close(rig);
}

static void test_a_chunked_request_is_read_and_ends_its_connection(void **state)
{
    (void)state;
    struct rig *rig = rig_open_with(NULL, on_large_body);
    struct client *c = client_open(rig);
    client_send(rig, c, STR("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    size_t sent = 0;
    for (size_t size = 1; size < 9000; size = size * 3 + 1) {
        char chunk[16384];
        int n = snprintf(chunk, sizeof chunk, "%zx\r\n", size);
        for (size_t i = 0; i < size; i++)
            chunk[n++] = pattern(sent++);
        client_send(rig, c, (struct str){chunk, (size_t)n});
        client_send(rig, c, STR("\r\n"));
        rig_turn(rig);
    }
    client_send(rig, c, STR("0\r\n\r\n" GET("/smuggled")));
    client_wait_closed(rig, c);
    struct str body;
    assert_int_equal(client_answer(rig, c, 0, &body), 200);
    char want[32];
    snprintf(want, sizeof want, "/c %zu\n", sent);
    assert_true(str_eq(body, str_of(want)));
    assert_int_equal(rig->count, 1);
    client_free(c);
    rig_close(rig);
}

static void test_100_continue_is_sent_when_the_client_waits_for_it(void **state)
{
    (void)state;
    static const struct str head = STR("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    client_send(rig, c, head);
    assert_int_equal(client_answer(rig, c, 0, NULL), 100);
    client_send(rig, c, STR("ab"));
    client_send(rig, c, STR("cd"));
    assert_int_equal(client_answer(rig, c, 1, NULL), 200);
    client_send(rig, c, head); /* a body that follows at once needs no permission, or may get it */
    client_send(rig, c, STR("abcd"));
    RIG_WAIT(rig, client_count(c, 200, 201) == 2);

    rig->later = true; /* behind an unanswered request it has to wait for its turn */
    struct client *d = client_open(rig);
    client_send(rig, d, STR(GET("/first")));
    RIG_WAIT(rig, rig->count == 3);
    client_send(rig, d, head);
    RIG_WAIT(rig, http_server_stats(rig->server)->buffered_bytes > 0);
    http_answer(rig->server, rig->ids[2], 200, STR(""), STR(""));
    assert_int_equal(client_answer(rig, d, 0, NULL), 200);
    assert_int_equal(client_answer(rig, d, 1, NULL), 100);

    rig->later = false;
    struct client *k = client_open(rig); /* once, also when chunk framing dribbles in */
    client_send(rig, k, STR("POST /k HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n"));
    assert_int_equal(client_answer(rig, k, 0, NULL), 100);
    client_send(rig, k, STR("00"));
    for (int i = 0; i < 3; i++)
        rig_turn(rig);
    client_send(rig, k, STR("\r\n\r\n"));
    assert_int_equal(client_answer(rig, k, 1, NULL), 200);
    client_free(k);

    struct client *x = client_open(rig); /* no invitation for what is refused anyway */
    client_send(rig, x, STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n"));
    assert_int_equal(client_answer(rig, x, 0, NULL), 413);
    client_free(c);
    client_free(d);
    client_free(x);
    rig_close(rig);
}

static void test_a_broken_request_is_answered_in_turn_and_ends_the_connection(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/first") "GET / HTTP/1.1\r\nHost : a\r\n\r\n" GET("/never")));
    RIG_WAIT(rig, rig->count == 1);
    assert_int_equal(client_count(c, 0, 1000), 0);
    http_answer(rig->server, rig->ids[0], 200, STR(""), STR(""));
    client_wait_closed(rig, c);
    assert_int_equal(client_answer(rig, c, 0, NULL), 200);
    assert_int_equal(client_answer(rig, c, 1, NULL), 400);
    assert_int_equal(client_count(c, 0, 1000), 2);
    assert_int_equal(rig->count, 1);
    assert_int_equal(http_server_stats(rig->server)->killed[HTTP_KILL_REFUSED], 1);
    client_free(c);
    rig_close(rig);
}

static void test_a_client_that_is_still_sending_gets_to_see_why_it_is_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *c = client_open(rig);
    static char body[3 << 20];
    client_send(rig, c, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3145728\r\n\r\n"));
    client_send(rig, c, (struct str){body, sizeof body});
    client_wait_closed(rig, c);
    assert_int_equal(client_answer(rig, c, 0, NULL), 413);
    assert_int_equal(rig->count, 0);
    client_free(c);
    rig_close(rig);
}

static void test_a_client_that_has_finished_sending_still_gets_its_answers(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/a") GET("/b") "GET /cut"));
    shutdown(c->fd, SHUT_WR);
    RIG_WAIT(rig, rig->count == 2);
    http_answer(rig->server, rig->ids[0], 200, STR(""), STR(""));
    rig_turn(rig);
    http_answer(rig->server, rig->ids[1], 200, STR(""), STR(""));
    client_wait_closed(rig, c);
    assert_int_equal(client_count(c, 200, 201), 2);
    client_free(c);
    rig_close(rig);
}

static void test_a_large_answer_goes_out_in_parts_while_others_are_served(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct client *slow = client_open_with(rig, 1 << 16), *other = client_open(rig);
    size_t size = 5 << 20; /* more than a socket buffer ever takes (tcp_wmem) */
    char *body = malloc(size);
    assert_non_null(body);
    for (size_t i = 0; i < size; i++)
        body[i] = pattern(i);
    rig->body = (struct str){body, size};
    event_del(slow->ev); /* does not read yet */
    client_send(rig, slow, STR(GET("/large") GET("/behind")));
    RIG_WAIT(rig, rig->count == 1 && http_server_stats(rig->server)->buffered_bytes > 0);
    rig->body = STR("small");
    client_send(rig, other, STR(GET("/")));
    assert_int_equal(client_answer(rig, other, 0, NULL), 200);
    assert_true(rig->count <= 3);
    event_add(slow->ev, NULL);
    struct str got;
    assert_int_equal(client_answer(rig, slow, 0, &got), 200);
    assert_int_equal(got.n, size);
    assert_memory_equal(got.p, body, size);
    assert_int_equal(client_answer(rig, slow, 1, NULL), 200);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    free(body);
    client_free(slow);
    client_free(other);
    rig_close(rig);
}

/* --- hang-ups --- */

static void on_batch(const struct http_request *r, void *ctx)
{
    struct rig *rig = ctx;
    rig->ids[rig->count++] = r->id;
    if (rig->count == 3) /* as a committed batch does: all at once, from within somebody's callback */
        for (unsigned i = 0; i < 3; i++)
            http_answer(rig->server, rig->ids[i], 200, STR("application/json"), STR("{}"));
}

static void test_one_callback_may_answer_other_connections_and_gone_ones(void **state)
{
    (void)state;
    struct rig *rig = rig_open_with(NULL, on_batch);
    struct client *a = client_open(rig), *gone = client_open(rig), *b = client_open(rig);
    client_send(rig, a, STR(GET("/")));
    RIG_WAIT(rig, rig->count == 1);
    client_send(rig, gone, STR(GET("/")));
    RIG_WAIT(rig, rig->count == 2);
    struct linger reset = {1, 0};
    setsockopt(gone->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_free(gone);
    client_send(rig, b, STR(GET("/")));
    assert_int_equal(client_answer(rig, a, 0, NULL), 200);
    assert_int_equal(client_answer(rig, b, 0, NULL), 200);
    assert_non_null(strstr(b->got, "\r\nContent-Type: application/json\r\n"));
    client_free(a);
    client_free(b);
    rig_close(rig);
}

static void test_an_id_of_a_client_that_hung_up_answers_nobody(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/gone")));
    RIG_WAIT(rig, rig->count == 1);
    struct linger reset = {1, 0};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    client_free(c);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 0);
    c = client_open(rig);
    client_send(rig, c, STR(GET("/new")));
    RIG_WAIT(rig, rig->count == 2);
    assert_int_equal(rig->ids[0].slot, rig->ids[1].slot); /* the slot is used again, the name is not */
    http_answer(rig->server, rig->ids[0], 200, STR(""), STR("not yours"));
    http_answer(rig->server, (struct http_request_id){0, 0}, 200, STR(""), STR("not yours"));
    http_answer(rig->server, (struct http_request_id){999999, 1}, 200, STR(""), STR("not yours"));
    assert_int_equal(http_server_stats(rig->server)->late_answers, 3);
    http_answer(rig->server, rig->ids[1], 200, STR(""), STR("yours"));
    struct str body;
    assert_int_equal(client_answer(rig, c, 0, &body), 200);
    assert_true(str_eq(body, STR("yours")));
    client_free(c);
    rig_close(rig);
}

static void test_ten_thousand_resets_leave_nothing_behind(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    struct linger reset = {1, 0};
    for (unsigned i = 0; i < 10000; i++) {
        static const struct str starts[] = {STR(GET("/")), STR("GET / HT"), STR(""), STR("POST / HTTP/1.1\r\nHost: a\r\n"
                                            "Content-Length: 9\r\n\r\n"), STR("\x16\x03\x01"), STR(GET("/") GET("/"))};
        rig->later = i % 2;
        struct client *c = client_open(rig);
        client_send(rig, c, starts[i % ARRAY_LEN(starts)]);
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        if (i % 3)
            rig_turn(rig);
        client_free(c);
    }
    rig->later = false;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/")));
    assert_int_equal(client_answer(rig, c, 0, NULL), 200);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 1);
    assert_int_equal(http_server_stats(rig->server)->pending, 0);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    client_free(c);
    rig_close(rig);
}

/* Many clients at once, everything at random: cuts, kinds, sizes, when and in which order answers come, who hangs up. */
enum { CROWD = 40, EACH = 60 };

struct crowd {
    struct rig *rig;
    uint32_t seed;
    struct { struct http_request_id id; char text[32]; } open[CROWD * EACH];
    unsigned count;
};

static uint32_t chance(struct crowd *w, uint32_t below)
{
    w->seed = w->seed * 1664525u + 1013904223u;
    return (w->seed >> 8) % below;
}

static void answer_one(struct crowd *w)
{
    unsigned i = chance(w, w->count);
    http_answer(w->rig->server, w->open[i].id, 200, STR(""), str_of(w->open[i].text));
    w->open[i] = w->open[--w->count];
}

static void on_crowd(const struct http_request *r, void *ctx)
{
    struct rig *rig = ctx;
    struct crowd *w = rig->own;
    w->open[w->count].id = r->id;
    snprintf(w->open[w->count++].text, sizeof w->open[0].text, "%.*s", STR_ARG(r->path));
    for (size_t i = 0; i < r->body.n; i++)
        assert_int_equal(r->body.p[i], pattern(i));
    while (w->count && chance(w, 3) == 0)
        answer_one(w);
}

/* All requests of one client as bytes: "/client/number", GET or POST. */
static size_t write_requests(struct crowd *w, unsigned client, char *bytes, size_t size)
{
    size_t n = 0;
    for (unsigned i = 0; i < EACH; i++) {
        uint32_t kind = chance(w, 8), body = kind == 0 ? chance(w, 40000) : kind < 4 ? chance(w, 900) : 0;
        n += (size_t)snprintf(bytes + n, size - n, "%s /%u/%u HTTP/1.1\r\nHost: a\r\nContent-Length: %u\r\n\r\n",
                              kind < 4 ? "POST" : "GET", client, i, body);
        assert_true(n + body < size);
        for (uint32_t k = 0; k < body; k++)
            bytes[n++] = pattern(k);
    }
    return n;
}

static void test_a_random_crowd_gets_every_answer_in_order(void **state)
{
    (void)state;
    enum { BYTES = EACH * 41000 };
    for (uint32_t seed = 1; seed <= 3; seed++) {
        struct crowd *w = calloc(1, sizeof *w);
        assert_non_null(w);
        struct rig *rig = rig_open_with(&(struct http_limits){.handler_ms = 60000}, on_crowd);
        *w = (struct crowd){.rig = rig, .seed = seed};
        rig->own = w;
        struct { struct client *c; char *bytes; size_t n, sent; } crowd[CROWD];
        for (unsigned i = 0; i < CROWD; i++) {
            crowd[i].c = client_open(rig);
            crowd[i].bytes = malloc(BYTES);
            assert_non_null(crowd[i].bytes);
            crowd[i].n = write_requests(w, i, crowd[i].bytes, BYTES);
            crowd[i].sent = 0;
        }
        for (unsigned busy = CROWD; busy;) {
            busy = 0;
            for (unsigned i = 0; i < CROWD; i++) {
                size_t left = crowd[i].n - crowd[i].sent;
                if (left) {
                    size_t most = chance(w, 4) ? 1 + chance(w, 200) : 1 + chance(w, 30000);
                    most = left < most ? left : most;
                    ssize_t n = send(crowd[i].c->fd, crowd[i].bytes + crowd[i].sent, most, MSG_NOSIGNAL);
                    crowd[i].sent += n > 0 ? (size_t)n : 0;
                    busy++;
                } else if (i % 8 == 0 && !crowd[i].c->closed) { /* every eighth leaves without waiting */
                    struct linger reset = {1, 0};
                    setsockopt(crowd[i].c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
                    event_del(crowd[i].c->ev);
                    close(crowd[i].c->fd);
                    crowd[i].c->fd = -1;
                    crowd[i].c->closed = true;
                }
            }
            event_base_loop(rig->base, EVLOOP_NONBLOCK);
            while (w->count && chance(w, 4))
                answer_one(w);
        }
        for (unsigned i = 0; i < CROWD; i++) {
            for (unsigned k = 0; i % 8 && k < EACH; k++) {
                struct str body;
                char want[32];
                snprintf(want, sizeof want, "/%u/%u", i, k);
                while (client_count(crowd[i].c, 200, 201) <= k) {
                    if (w->count)
                        answer_one(w);
                    event_base_loop(rig->base, w->count ? EVLOOP_NONBLOCK : EVLOOP_ONCE);
                }
                assert_int_equal(client_answer(rig, crowd[i].c, k, &body), 200);
                assert_true(str_eq(body, str_of(want)));
            }
        }
        while (w->count)
            answer_one(w);
        for (unsigned i = 0; i < CROWD; i++) {
            free(crowd[i].bytes);
            client_free(crowd[i].c);
        }
        RIG_WAIT(rig, http_server_stats(rig->server)->connections == 0);
        assert_int_equal(http_server_stats(rig->server)->pending, 0);
        assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
        rig_close(rig);
        free(w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests_of_one_connection_are_answered_one_after_another),
        cmocka_unit_test(test_head_gets_the_length_but_no_body),
        cmocka_unit_test(test_old_http_and_options_are_answered),
        cmocka_unit_test(test_a_handler_refuses_a_method_and_keeps_the_connection),
        cmocka_unit_test(test_pipelined_requests_are_answered_in_order_whatever_order_the_answers_come_in),
        cmocka_unit_test(test_only_so_many_pipelined_requests_wait_the_rest_stays_unread),
        cmocka_unit_test(test_a_hundred_thousand_pipelined_requests_are_all_answered),
        cmocka_unit_test(test_requests_cut_anywhere_are_all_understood),
        cmocka_unit_test(test_a_body_as_large_as_allowed_arrives_whole),
        cmocka_unit_test(test_a_chunked_request_is_read_and_ends_its_connection),
        cmocka_unit_test(test_100_continue_is_sent_when_the_client_waits_for_it),
        cmocka_unit_test(test_a_broken_request_is_answered_in_turn_and_ends_the_connection),
        cmocka_unit_test(test_a_client_that_is_still_sending_gets_to_see_why_it_is_refused),
        cmocka_unit_test(test_a_client_that_has_finished_sending_still_gets_its_answers),
        cmocka_unit_test(test_a_large_answer_goes_out_in_parts_while_others_are_served),
        cmocka_unit_test(test_one_callback_may_answer_other_connections_and_gone_ones),
        cmocka_unit_test(test_an_id_of_a_client_that_hung_up_answers_nobody),
        cmocka_unit_test(test_ten_thousand_resets_leave_nothing_behind),
        cmocka_unit_test(test_a_random_crowd_gets_every_answer_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
