/* Plays many workers against the webhook: signed events over kept connections, each person's in order, every answer checked.
 *
 *   bench-load --port P --state FILE --people N --connections C (--seconds S | --events E) [--rate R]
 *   bench-load --port P --state FILE --people N --connections C --stagger K
 *   bench-load --port P --idle N
 *
 * Without --rate each connection sends its next event as soon as it is answered (closed loop); with it events are due at
 * R a second whatever the server does, and an answer's time counts from the moment its event was due (open loop).
 * --stagger leaves person i at step i modulo K, so that people are everywhere in a registration.
 * FILE remembers where each person is, so that a run goes on where the last one stopped.  --idle only opens connections
 * and holds them until the standard input ends.
 *
 * Prints one JSON object.  Ends with status 1 when an answer was not 200 or did not come. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "histogram.h"
#include "sign.h"
#include "worker.h"

enum { REQUEST_BYTES = 4096, ANSWER_BYTES = 1024, BODY_BYTES = 2048, WAIT_LAST_S = 10, NOBODY = -1 };

struct options {
    int port, connections, idle;
    uint32_t people, stagger;
    double seconds, rate;
    uint64_t events;
    const char *state, *app_id, *oa_id, *secret;
};

struct connection {
    int fd;
    int64_t person; /* whose event is on its way, NOBODY */
    int64_t due_ns;
    char out[REQUEST_BYTES], in[ANSWER_BYTES];
    size_t out_n, out_at, in_n;
    bool want_write;
};

static struct options o = {.people = 1000, .connections = 1, .app_id = "360846524940903967", .oa_id = "388613280878808645"};
static struct connection *connection;
static int *idle_connection; /* stack of those without an event */
static int idle_count, epoll_fd;
static uint32_t *next_event; /* of each person, in the state file; behind them the person whose turn is next */
static uint32_t *waiting;    /* ring of people without an event on its way */
static uint32_t waiting_at, waiting_count;
static uint64_t started, answered, filed, bad;
static struct histogram latency;

static int64_t now_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void die(const char *what)
{
    fprintf(stderr, "bench-load: %s: %s\n", what, strerror(errno));
    exit(EX_OSERR);
}

/* ---- people ---- */

static void put_person(uint32_t person)
{
    if (!o.stagger || next_event[person] < person % o.stagger)
        waiting[(waiting_at + waiting_count++) % o.people] = person;
}

static void open_state(void)
{
    size_t bytes = (o.people + 1) * sizeof(*next_event);
    int fd = open(o.state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, (off_t)bytes) != 0)
        die(o.state);
    next_event = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (next_event == MAP_FAILED)
        die(o.state);
    close(fd);
    waiting = calloc(o.people, sizeof(*waiting));
    if (!waiting)
        die("memory");
    for (uint32_t i = 0; i < o.people; i++)
        put_person((next_event[o.people] + i) % o.people);
}

static uint32_t take_person(void)
{
    uint32_t person = waiting[waiting_at];
    waiting_at = (waiting_at + 1) % o.people;
    waiting_count--;
    next_event[o.people] = (person + 1) % o.people;
    return person;
}

/* ---- requests ---- */

static void write_request(struct connection *c)
{
    char user[WORKER_ID_BYTES], text[WORKER_TEXT_BYTES], timestamp[24], body[BODY_BYTES], mac[SIGN_HEX_BYTES];
    uint32_t person = (uint32_t)c->person, event = next_event[person];
    worker_id(person, user);
    worker_text(person, event, text);
    snprintf(timestamp, sizeof(timestamp), "%" PRId64, now_ns(CLOCK_REALTIME) / 1000000);
    int n = snprintf(body, sizeof(body),
                     "{\"app_id\":\"%s\",\"sender\":{\"id\":\"%s\"},\"user_id_by_app\":\"5%s\",\"recipient\":{\"id\":\"%s\"},"
                     "\"event_name\":\"user_send_text\",\"message\":{\"text\":\"%s\",\"msg_id\":\"%08x%08x\"},\"timestamp\":\"%s\"}",
                     o.app_id, user, user + 1, o.oa_id, text, person, event, timestamp);
    sign_webhook(o.app_id, body, (size_t)n, timestamp, o.secret, mac);
    int total = snprintf(c->out, sizeof(c->out),
                         "POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Type: application/json\r\nUser-Agent: ZaloWebhook\r\n"
                         "X-ZEvent-Signature: mac=%s\r\nContent-Length: %d\r\n\r\n%s", o.port, mac, n, body);
    if (n >= (int)sizeof(body) || total >= (int)sizeof(c->out)) {
        fputs("bench-load: a request does not fit\n", stderr);
        exit(EX_SOFTWARE);
    }
    c->out_n = (size_t)total;
    c->out_at = 0;
}

static void watch(struct connection *c, bool write)
{
    if (c->want_write == write)
        return;
    c->want_write = write;
    struct epoll_event e = {.events = write ? EPOLLIN | EPOLLOUT : EPOLLIN, .data.ptr = c};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e) != 0)
        die("epoll");
}

static void push(struct connection *c)
{
    ssize_t n = send(c->fd, c->out + c->out_at, c->out_n - c->out_at, MSG_NOSIGNAL);
    if (n < 0 && errno != EAGAIN)
        die("the server closed a connection");
    if (n > 0)
        c->out_at += (size_t)n;
    watch(c, c->out_at < c->out_n);
}

static void start(struct connection *c, int64_t due_ns)
{
    c->person = take_person();
    c->due_ns = due_ns;
    write_request(c);
    started++;
    push(c);
}

/* Length of the whole answer in c->in, 0 while it is not all there; *status is set with it. */
static size_t answer_length(const struct connection *c, int *status)
{
    const char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4), *length = memmem(c->in, c->in_n, "Content-Length: ", 16);
    if (!end)
        return 0;
    size_t head = (size_t)(end + 4 - c->in), body = length && length < end ? strtoul(length + 16, NULL, 10) : 0;
    *status = c->in_n > 12 && memcmp(c->in, "HTTP/1.1 ", 9) == 0 ? (int)strtol(c->in + 9, NULL, 10) : 0;
    return head + body <= c->in_n ? head + body : 0;
}

/* @return true when the answer to the connection's event has come. */
static bool pull(struct connection *c, bool measured)
{
    ssize_t n = recv(c->fd, c->in + c->in_n, sizeof(c->in) - 1 - c->in_n, 0);
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0)
        die("the server closed a connection");
    c->in_n += (size_t)n;
    c->in[c->in_n] = '\0';
    int status = 0;
    size_t length = answer_length(c, &status);
    if (length == 0 && c->in_n < sizeof(c->in) - 1)
        return false;
    if (length != c->in_n || c->person == NOBODY) {
        fputs("bench-load: bytes that answer nothing\n", stderr);
        exit(EX_PROTOCOL);
    }
    c->in_n = 0;
    uint32_t person = (uint32_t)c->person;
    if (status == 200) {
        filed += worker_files(next_event[person]);
        next_event[person]++;
        answered++;
    } else {
        bad++;
    }
    if (measured)
        histogram_add(&latency, (uint64_t)(now_ns(CLOCK_MONOTONIC) - c->due_ns));
    c->person = NOBODY;
    put_person(person);
    return true;
}

/* ---- the loop ---- */

static int dial(void)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)o.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
        die("cannot connect");
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0 || fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
        die("socket");
    return fd;
}

static void open_connections(void)
{
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    connection = calloc((size_t)o.connections, sizeof(*connection));
    idle_connection = calloc((size_t)o.connections, sizeof(*idle_connection));
    if (epoll_fd < 0 || !connection || !idle_connection)
        die("memory");
    for (int i = 0; i < o.connections; i++) {
        struct connection *c = &connection[i];
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        c->fd = dial();
        c->person = NOBODY;
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) != 0)
            die("epoll");
        idle_connection[idle_count++] = i;
    }
}

static bool may_start(int64_t now, int64_t end)
{
    return idle_count > 0 && waiting_count > 0 && (o.stagger || (o.events ? started < o.events : now < end));
}

/* @return when the next event is due, or `end`. */
static int64_t start_due(int64_t began, int64_t now, int64_t end)
{
    int64_t due = now;
    while (may_start(now, end)) {
        if (o.rate > 0.0) {
            due = began + (int64_t)((double)started * 1e9 / o.rate);
            if (due > now)
                return due;
        }
        start(&connection[idle_connection[--idle_count]], due);
    }
    return end;
}

static void run(void)
{
    int64_t began = now_ns(CLOCK_MONOTONIC), end = began + (int64_t)(o.seconds * 1e9), last = end + WAIT_LAST_S * INT64_C(1000000000);
    if (o.events || o.stagger)
        end = last = began + INT64_C(600000000000);
    uint64_t in_time = 0;
    int64_t now = began, ended = end;
    for (;;) {
        int64_t due = start_due(began, now, end);
        if (started == answered + bad && (o.stagger ? waiting_count == 0 : o.events ? started >= o.events : now >= end))
            break;
        if (now >= last)
            break;
        int64_t until = now >= end ? last : due;
        struct timespec wait = {(until - now) / 1000000000, (until - now) % 1000000000};
        struct epoll_event ready[256];
        int n = epoll_pwait2(epoll_fd, ready, 256, &wait, NULL);
        if (n < 0 && errno != EINTR)
            die("epoll");
        now = now_ns(CLOCK_MONOTONIC);
        for (int i = 0; i < n; i++) {
            struct connection *c = ready[i].data.ptr;
            if (ready[i].events & EPOLLOUT)
                push(c);
            if (!(ready[i].events & ~(unsigned)EPOLLOUT) || !pull(c, now <= end))
                continue;
            in_time += now <= end;
            idle_connection[idle_count++] = (int)(c - connection);
        }
        now = now_ns(CLOCK_MONOTONIC);
    }
    if (o.events || o.stagger)
        ended = now;
    printf("{\"seconds\": %.6f, \"events\": %" PRIu64 ", \"in_time\": %" PRIu64 ", \"filed\": %" PRIu64 ", \"bad\": %" PRIu64
           ", \"unanswered\": %" PRIu64 ", \"rate\": %.1f, \"p50_us\": %.1f, \"p99_us\": %.1f, \"p999_us\": %.1f, \"max_us\": %.1f}\n",
           (double)(ended - began) / 1e9, answered, in_time, filed, bad, started - answered - bad,
           (double)in_time * 1e9 / (double)(ended - began), (double)histogram_quantile(&latency, 0.5) / 1e3,
           (double)histogram_quantile(&latency, 0.99) / 1e3, (double)histogram_quantile(&latency, 0.999) / 1e3, (double)latency.max / 1e3);
}

/* Opens connections that say nothing; they must all still be there in the end. */
static int hold_idle(void)
{
    o.connections = o.idle;
    open_connections();
    printf("open %d\n", o.idle);
    fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) { }
    struct epoll_event ready;
    int closed = epoll_wait(epoll_fd, &ready, 1, 0);
    puts(closed ? "closed by the server" : "all open");
    return closed ? 1 : 0;
}

static bool option(const char *name, const char *value)
{
    if (strcmp(name, "--port") == 0)
        o.port = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--state") == 0)
        o.state = value;
    else if (strcmp(name, "--people") == 0)
        o.people = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--connections") == 0)
        o.connections = (int)strtol(value, NULL, 10);
    else if (strcmp(name, "--seconds") == 0)
        o.seconds = strtod(value, NULL);
    else if (strcmp(name, "--events") == 0)
        o.events = strtoull(value, NULL, 10);
    else if (strcmp(name, "--stagger") == 0)
        o.stagger = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--rate") == 0)
        o.rate = strtod(value, NULL);
    else if (strcmp(name, "--idle") == 0)
        o.idle = (int)strtol(value, NULL, 10);
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i += 2)
        if (i + 1 == argc || !option(argv[i], argv[i + 1])) {
            fprintf(stderr, "bench-load: what is %s?\n", argv[i]);
            return EX_USAGE;
        }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    if (o.idle > 0)
        return hold_idle();
    o.secret = getenv("SANGKIEN_ZALO_OA_SECRET_KEY");
    if (!o.secret || !o.state || !o.port || !o.people || o.connections < 1 || (o.seconds <= 0 && !o.events && !o.stagger)) {
        fputs("bench-load: needs --port, --state, --people, --connections, --seconds, --events or --stagger, and SANGKIEN_ZALO_OA_SECRET_KEY\n", stderr);
        return EX_USAGE;
    }
    if (o.rate > 0.0 && !o.events)
        o.events = (uint64_t)(o.rate * o.seconds); /* all that become due in that time are sent, however late */
    open_state();
    open_connections();
    run();
    return bad || started != answered ? 1 : 0;
}
