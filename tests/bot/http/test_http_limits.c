/* The HTTP server over real sockets: deadlines, limits on connections, memory and descriptors, drain, end. */
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "clock.h"
#include "http_rig.h"

/* --- deadlines: the limits are short, the tests wait for what follows from them --- */

static void test_a_request_that_drips_in_ends_at_the_total_deadline(void **state)
{
    (void)state;
    static const struct { struct str start; enum http_kill why; } drips[] = {
        {STR("GET /"), HTTP_KILL_HEAD},
        {STR("GET / HTTP/1.1\r\nX:"), HTTP_KILL_HEAD},
        {STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n"), HTTP_KILL_BODY},
        {STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n"), HTTP_KILL_BODY},
    };
    for (unsigned i = 0; i < ARRAY_LEN(drips); i++) {
        bool head = drips[i].why == HTTP_KILL_HEAD;
        struct rig *rig = rig_open(&(struct http_limits){.head_ms = head ? 20 : 60000, .request_ms = head ? 60000 : 20});
        struct client *c = client_open(rig);
        client_send(rig, c, drips[i].start);
        while (!c->closed) {
            if (c->n == 0) /* one byte more whenever anything happens: never silent, never done */
                client_send(rig, c, STR("a"));
            rig_turn(rig);
        }
        assert_int_equal(client_answer(rig, c, 0, NULL), 408);
        assert_int_equal(rig->count, 0);
        assert_int_equal(http_server_stats(rig->server)->killed[drips[i].why], 1);
        client_free(c);
        rig_close(rig);
    }
}

/* In every turn of the loop there is something to do. */
struct busy {
    struct event *ev;
    int64_t turns;
};

static void on_busy(evutil_socket_t fd, short what, void *arg)
{
    struct busy *busy = arg;
    (void)fd, (void)what;
    busy->turns++;
    event_add(busy->ev, &(struct timeval){0, 0});
}

static void test_slow_requests_are_served_a_few_each_turn_however_busy_the_loop_is(void **state)
{
    (void)state;
    enum { SLOW = 64, AT_ONCE = 16 };
    struct rig *rig = rig_open(NULL);
    struct client *slow[SLOW];
    struct busy busy = {0};
    busy.ev = event_new(rig->base, -1, 0, on_busy, &busy);
    for (unsigned i = 0; i < SLOW; i++) {
        slow[i] = client_open(rig);
        client_send(rig, slow[i], STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n"));
    }
    const struct http_stats *stats = http_server_stats(rig->server);
    int64_t begin = clock_monotonic_ms(), spent = 0;
    on_busy(-1, 0, &busy);
    while (spent < 400 || stats->connections < SLOW) { /* until they are slow */
        rig_turn(rig);
        spent = clock_monotonic_ms() - begin;
    }
    for (unsigned i = 0; i < SLOW; i++)
        client_send(rig, slow[i], STR("a")); /* this byte shows that they are */
    for (int64_t until = busy.turns + 20; busy.turns < until;)
        rig_turn(rig);
    for (unsigned i = 0; i < SLOW; i++)
        client_send(rig, slow[i], STR("bc"));
    int64_t from = busy.turns;
    RIG_WAIT(rig, rig->count == SLOW);
    int64_t turns = busy.turns - from;
    if (turns < SLOW / AT_ONCE - 1 || turns > SLOW / AT_ONCE + 20)
        fail_msg("%d slow requests took %d turns", SLOW, (int)turns);
    for (unsigned i = 0; i < SLOW; i++) {
        assert_int_equal(client_answer(rig, slow[i], 0, NULL), 200);
        client_free(slow[i]);
    }
    event_free(busy.ev);
    rig_close(rig);
}

static void test_an_idle_connection_is_closed_without_a_word(void **state)
{
    (void)state;
    struct rig *rig = rig_open(&(struct http_limits){.idle_ms = 20});
    struct client *fresh = client_open(rig), *used = client_open(rig);
    client_send(rig, used, STR(GET("/")));
    client_wait_closed(rig, fresh);
    client_wait_closed(rig, used);
    assert_int_equal(fresh->n, 0);
    assert_int_equal(client_count(used, 0, 1000), 1);
    assert_int_equal(http_server_stats(rig->server)->killed[HTTP_KILL_IDLE], 2);
    client_free(fresh);
    client_free(used);
    rig_close(rig);
}

static void test_a_client_that_does_not_take_its_answer_is_cut_off(void **state)
{
    (void)state;
    struct rig *rig = rig_open(&(struct http_limits){.drain_ms = 30});
    struct client *c = client_open_with(rig, 4096);
    size_t size = 16 << 20;
    char *body = calloc(1, size);
    assert_non_null(body);
    rig->body = (struct str){body, size};
    event_del(c->ev);
    client_send(rig, c, STR(GET("/")));
    RIG_WAIT(rig, http_server_stats(rig->server)->killed[HTTP_KILL_DRAIN] == 1);
    assert_int_equal(http_server_stats(rig->server)->connections, 0);
    assert_int_equal(http_server_stats(rig->server)->buffered_bytes, 0);
    free(body);
    client_free(c);
    rig_close(rig);
}

static void test_a_client_that_never_closes_is_closed(void **state)
{
    (void)state;
    struct rig *rig = rig_open(&(struct http_limits){.linger_ms = 20});
    struct client *c = client_open(rig);
    client_send(rig, c, STR("rubbish\r\n"));
    client_wait_closed(rig, c); /* this is our half; the descriptor stays open */
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 0);
    assert_int_equal(http_server_stats(rig->server)->killed[HTTP_KILL_LINGER], 1);
    client_free(c);
    rig_close(rig);
}

static void test_a_slow_handler_is_answered_for_and_its_own_answer_comes_too_late(void **state)
{
    (void)state;
    struct rig *rig = rig_open(&(struct http_limits){.handler_ms = 20});
    rig->later = true;
    struct client *c = client_open(rig);
    client_send(rig, c, STR(GET("/a") GET("/b")));
    RIG_WAIT(rig, rig->count == 2);
    http_answer(rig->server, rig->ids[1], 200, STR(""), STR("b in time"));
    assert_int_equal(client_answer(rig, c, 0, NULL), 503);
    assert_int_equal(client_answer(rig, c, 1, NULL), 200);
    http_answer(rig->server, rig->ids[0], 200, STR(""), STR("a too late"));
    assert_int_equal(http_server_stats(rig->server)->handler_timeouts, 1);
    assert_int_equal(http_server_stats(rig->server)->late_answers, 1);
    client_send(rig, c, STR(GET("/c") GET("/d") GET("/e"))); /* the framing is intact, the connection goes on */
    RIG_WAIT(rig, rig->count == 5);
    http_answer(rig->server, rig->ids[2], 200, STR(""), STR("c in time"));
    http_answer(rig->server, rig->ids[3], 200, STR(""), STR("d in time"));
    assert_int_equal(client_answer(rig, c, 2, NULL), 200);
    assert_int_equal(client_answer(rig, c, 3, NULL), 200);
    assert_int_equal(client_answer(rig, c, 4, NULL), 503);
    assert_int_equal(http_server_stats(rig->server)->pending, 0);
    client_free(c);
    rig_close(rig);
}

/* --- limits --- */

static void test_connections_beyond_the_cap_wait_for_a_place(void **state)
{
    (void)state;
    struct rig *rig = rig_open(&(struct http_limits){.max_connections = 2});
    struct client *c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = client_open(rig);
        client_send(rig, c[i], STR(GET("/")));
    }
    assert_int_equal(client_answer(rig, c[0], 0, NULL), 200);
    assert_int_equal(client_answer(rig, c[1], 0, NULL), 200);
    assert_int_equal(http_server_stats(rig->server)->connections, 2);
    for (int i = 2; i < 4; i++) {
        assert_int_equal(c[i]->n, 0);
        client_free(c[i - 2]);
        assert_int_equal(client_answer(rig, c[i], 0, NULL), 200);
    }
    assert_int_equal(http_server_stats(rig->server)->accepted, 4);
    client_free(c[2]);
    client_free(c[3]);
    rig_close(rig);
}

static void test_bodies_beyond_the_common_memory_are_refused(void **state)
{
    (void)state;
    static char most[40000];
    memset(most, 'a', sizeof most);
    struct rig *rig = rig_open(&(struct http_limits){.buffered_bytes = 150000});
    struct client *a = client_open(rig), *b = client_open(rig);
    client_send(rig, a, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n"));
    client_send(rig, a, (struct str){most, sizeof most});
    RIG_WAIT(rig, http_server_stats(rig->server)->buffered_bytes > sizeof most);
    client_send(rig, b, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 90000\r\n\r\n"));
    client_send(rig, b, (struct str){most, sizeof most});
    client_send(rig, b, (struct str){most, sizeof most});
    assert_int_equal(client_answer(rig, b, 0, NULL), 503);
    client_wait_closed(rig, b);
    assert_int_equal(http_server_stats(rig->server)->killed[HTTP_KILL_MEMORY], 1);
    client_free(a);
    client_free(b);
    rig_close(rig);
}

static void test_who_announces_much_and_sends_little_takes_little(void **state)
{
    (void)state;
    enum { MANY = 100 };
    struct rig *rig = rig_open(&(struct http_limits){.buffered_bytes = 400000});
    struct client *many[MANY], *honest = client_open(rig);
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = client_open(rig);
        client_send(rig, many[i], STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\na"));
    }
    const struct http_stats *stats = http_server_stats(rig->server);
    RIG_WAIT(rig, stats->buffered_bytes >= (uint64_t)MANY * 2048);
    client_send(rig, honest, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"));
    RIG_WAIT(rig, stats->buffered_bytes >= (uint64_t)(MANY + 1) * 2048);
    client_send(rig, honest, STR("b"));
    assert_int_equal(client_answer(rig, honest, 0, NULL), 200);
    assert_int_equal(stats->killed[HTTP_KILL_MEMORY], 0);
    for (unsigned i = 0; i < MANY; i++)
        client_free(many[i]);
    client_free(honest);
    rig_close(rig);
}

/* Runs `body` in a child with its own descriptor limit; what fails there fails here. */
static void in_child(void (*body)(void))
{
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        body();
        fflush(NULL);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define CHILD_MUST(holds)                                                                                          \
    do {                                                                                                           \
        if (!(holds)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #holds);                                            \
            _exit(1);                                                                                              \
        }                                                                                                          \
    } while (0)

static int plain_connect(const struct sockaddr_in *to)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (const struct sockaddr *)to, sizeof *to) == 0 ? fd : -1;
}

static void exhaust_descriptors(void)
{
    struct rig *rig = rig_open(NULL);
    int clients[8], taken[128], count = 0;
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++) /* all in the backlog before the first is accepted */
        CHILD_MUST((clients[i] = plain_connect(&rig->address)) >= 0);
    struct rlimit few = {64, 64};
    CHILD_MUST(setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (count < 128 && (taken[count] = dup(0)) >= 0)
        count++;
    CHILD_MUST(count > 3 && count < 128);
    for (int i = 0; i < 3; i++)
        close(taken[--count]);
    const struct http_stats *s = http_server_stats(rig->server);
    RIG_WAIT(rig, s->accept_pauses >= 1);
    struct timespec first, third;
    clock_gettime(CLOCK_MONOTONIC, &first);
    RIG_WAIT(rig, s->accept_pauses >= 3);
    clock_gettime(CLOCK_MONOTONIC, &third);
    CHILD_MUST(s->accepted == 3 && s->refused == s->accept_pauses);
    /* 100 ms, then 200 ms were waited: it does not spin (a lower bound: no slow machine breaks it) */
    CHILD_MUST((third.tv_sec - first.tv_sec) * 1000 + (third.tv_nsec - first.tv_nsec) / 1000000 >= 250);
    while (count)
        close(taken[--count]);
    RIG_WAIT(rig, s->accepted + s->refused >= ARRAY_LEN(clients)); /* recovers by itself */
    CHILD_MUST(send(clients[0], GET("/"), sizeof GET("/") - 1, 0) > 0);
    RIG_WAIT(rig, s->requests == 1);
    rig_close(rig);
}

static void test_without_descriptors_accepting_pauses_and_recovers(void **state)
{
    (void)state;
    in_child(exhaust_descriptors);
}

static long resident_kb(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%*d %ld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Child: holds `count` connections until its standard input (a pipe) ends. */
static void hold_connections(const struct sockaddr_in *to, unsigned count, int until)
{
    for (unsigned i = 0; i < count; i++)
        if (plain_connect(to) < 0)
            _exit(1);
    char end;
    _exit(read(until, &end, 1) == 0 ? 0 : 1);
}

static void test_an_idle_connection_takes_next_to_no_memory(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    if (files.rlim_cur < COUNT + 100)
        skip();
    struct rig *rig = rig_open(&(struct http_limits){.max_connections = COUNT});
    int until[2];
    assert_int_equal(pipe(until), 0);
    long kb = resident_kb();
    size_t heap = mallinfo2().uordblks;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(until[1]);
        hold_connections(&rig->address, COUNT, until[0]);
    }
    close(until[0]);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == COUNT);
    double each = (double)(mallinfo2().uordblks - heap) / COUNT;
    print_message("%d idle connections: %.0f bytes of heap each, resident memory grew by %ld kB\n", COUNT, each,
                  resident_kb() - kb);
    assert_true(each < 1024); /* a generous bound: sanitizers and other allocators count differently */
    close(until[1]);
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 0);
    rig_close(rig);
}

/* --- drain and end --- */

static void on_drained(void *ctx)
{
    ++*(int *)ctx;
}

static void test_a_drain_finishes_what_has_begun_and_closes_the_rest(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    int done = 0;
    struct client *idle = client_open(rig), *waiting = client_open(rig), *half = client_open(rig),
                  *just = client_open(rig);
    rig->later = false;
    client_send(rig, idle, STR(GET("/")));
    client_send(rig, just, STR(GET("/")));
    assert_int_equal(client_answer(rig, idle, 0, NULL), 200);
    assert_int_equal(client_answer(rig, just, 0, NULL), 200);
    rig->later = true;
    client_send(rig, waiting, STR(GET("/")));
    client_send(rig, half, STR("GET / HTTP/1.1\r\n"));
    RIG_WAIT(rig, rig->count == 3 && http_server_stats(rig->server)->buffered_bytes > 0);
    client_send(rig, just, STR(GET("/just-sent") GET("/not-any-more"))); /* in the socket, unread, when the drain begins */
    http_server_drain(rig->server, on_drained, &done);
    assert_int_equal(done, 0);
    client_wait_closed(rig, idle);
    RIG_WAIT(rig, rig->count == 4);
    http_answer(rig->server, rig->ids[2], 200, STR(""), STR("finished"));
    http_answer(rig->server, rig->ids[3], 200, STR(""), STR("finished"));
    client_send(rig, half, STR("Host: a\r\n\r\n"));
    RIG_WAIT(rig, rig->count == 5);
    http_answer(rig->server, rig->ids[4], 200, STR(""), STR("finished"));
    struct client *ended[] = {waiting, just, half};
    for (unsigned i = 0; i < ARRAY_LEN(ended); i++) {
        client_wait_closed(rig, ended[i]);
        struct str body;
        assert_int_equal(client_answer(rig, ended[i], ended[i] == just, &body), 200);
        assert_true(str_eq(body, STR("finished")));
        assert_non_null(strstr(ended[i]->got, "\r\nConnection: close\r\n"));
        assert_int_equal(done, 0);
        client_free(ended[i]);
    }
    client_free(idle);
    RIG_WAIT(rig, done);
    assert_int_equal(done, 1);
    assert_int_equal(rig->count, 5);
    assert_int_equal(http_server_stats(rig->server)->killed[HTTP_KILL_IDLE], 0); /* nobody had to wait for a deadline */
    struct client *late = client_open(rig); /* the socket still listens: another process would take it */
    client_send(rig, late, STR(GET("/")));
    event_base_loop(rig->base, EVLOOP_NONBLOCK);
    assert_int_equal(http_server_stats(rig->server)->connections, 0);
    assert_int_equal(done, 1);
    client_free(late);
    rig_close(rig);
}

static void on_drained_free(void *ctx)
{
    struct rig *rig = ctx;
    http_server_free(rig->server);
    rig->server = NULL;
}

/* Whoever connected just before a restart has its request on the way: closing now would refuse it. */
static void test_a_connection_that_is_new_at_a_drain_may_still_ask(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    int done = 0;
    struct client *fresh = client_open(rig);
    RIG_WAIT(rig, http_server_stats(rig->server)->connections == 1);
    http_server_drain(rig->server, on_drained, &done);
    for (int turn = 0; turn < 10; turn++) /* it is looked at meanwhile */
        event_base_loop(rig->base, EVLOOP_NONBLOCK);
    assert_int_equal(done, 0);
    client_send(rig, fresh, STR(GET("/")));
    assert_int_equal(client_answer(rig, fresh, 0, NULL), 200);
    client_wait_closed(rig, fresh);
    RIG_WAIT(rig, done);
    client_free(fresh);
    rig_close(rig);
}

static void test_a_drain_ends_a_connection_once_its_unsent_answer_is_out(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    int done = 0;
    struct client *c = client_open_with(rig, 4096);
    size_t size = 16 << 20;
    char *body = calloc(1, size);
    assert_non_null(body);
    rig->body = (struct str){body, size};
    event_del(c->ev);
    client_send(rig, c, STR(GET("/")));
    RIG_WAIT(rig, http_server_stats(rig->server)->buffered_bytes > 0);
    http_server_drain(rig->server, on_drained, &done);
    event_add(c->ev, NULL);
    assert_int_equal(client_answer(rig, c, 0, NULL), 200);
    client_wait_closed(rig, c);
    RIG_WAIT(rig, done);
    free(body);
    client_free(c);
    rig_close(rig);
}

static void test_an_unused_server_drains_at_once_and_may_be_freed_then(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    http_server_drain(rig->server, on_drained_free, rig);
    assert_non_null(rig->server);
    RIG_WAIT(rig, !rig->server);
    rig_close(rig);
}

static void test_a_server_may_be_freed_with_requests_unanswered(void **state)
{
    (void)state;
    struct rig *rig = rig_open(NULL);
    rig->later = true;
    struct client *a = client_open(rig), *b = client_open(rig);
    client_send(rig, a, STR(GET("/") GET("/") "GET /half"));
    client_send(rig, b, STR(GET("/")));
    RIG_WAIT(rig, rig->count == 3);
    http_answer(rig->server, rig->ids[1], 200, STR(""), STR("stored"));
    http_server_free(rig->server);
    rig->server = NULL;
    client_wait_closed(rig, a);
    client_wait_closed(rig, b);
    client_free(a);
    client_free(b);
    rig_close(rig);
}

static void test_addresses_to_listen_on_are_understood_or_refused(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:0", "*:0", "localhost:0"};
    static const char *const wrong[] = {"", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x",
                                        "127.0.0.1:70000",
                                        "::1:80", "[::1:80", "[]:80", "127.0.0.1:80 ", "127.0.0.1:-1"};
    struct err e = {0};
    for (unsigned i = 0; i < ARRAY_LEN(good); i++) {
        int fd = http_listen(good[i], &e);
        if (fd < 0)
            fail_msg("%s: %s", good[i], e.msg);
        close(fd);
    }
    for (unsigned i = 0; i < ARRAY_LEN(wrong); i++) {
        e = (struct err){0};
        assert_int_equal(http_listen(wrong[i], &e), -1);
        assert_int_equal(e.kind, ERR_INVALID);
    }
    int taken = http_listen("127.0.0.1:0", &e);
    struct sockaddr_in a;
    socklen_t n = sizeof a;
    getsockname(taken, (struct sockaddr *)&a, &n);
    char again[32];
    snprintf(again, sizeof again, "127.0.0.1:%d", ntohs(a.sin_port));
    assert_int_equal(http_listen(again, &e), -1);
    assert_int_equal(e.kind, ERR_SYSTEM);
    close(taken);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_that_drips_in_ends_at_the_total_deadline),
        cmocka_unit_test(test_slow_requests_are_served_a_few_each_turn_however_busy_the_loop_is),
        cmocka_unit_test(test_an_idle_connection_is_closed_without_a_word),
        cmocka_unit_test(test_a_client_that_does_not_take_its_answer_is_cut_off),
        cmocka_unit_test(test_a_client_that_never_closes_is_closed),
        cmocka_unit_test(test_a_slow_handler_is_answered_for_and_its_own_answer_comes_too_late),
        cmocka_unit_test(test_connections_beyond_the_cap_wait_for_a_place),
        cmocka_unit_test(test_bodies_beyond_the_common_memory_are_refused),
        cmocka_unit_test(test_who_announces_much_and_sends_little_takes_little),
        cmocka_unit_test(test_without_descriptors_accepting_pauses_and_recovers),
        cmocka_unit_test(test_an_idle_connection_takes_next_to_no_memory),
        cmocka_unit_test(test_a_drain_finishes_what_has_begun_and_closes_the_rest),
        cmocka_unit_test(test_a_connection_that_is_new_at_a_drain_may_still_ask),
        cmocka_unit_test(test_a_drain_ends_a_connection_once_its_unsent_answer_is_out),
        cmocka_unit_test(test_an_unused_server_drains_at_once_and_may_be_freed_then),
        cmocka_unit_test(test_a_server_may_be_freed_with_requests_unanswered),
        cmocka_unit_test(test_addresses_to_listen_on_are_understood_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
