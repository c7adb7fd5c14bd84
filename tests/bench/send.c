/* A bare curl-multi loop that posts one body to many people: how fast messages can go out when nothing has to be kept.
 *
 *   bench-send --url URL --body FILE --messages N [--window W]
 *
 * FILE holds a request as the bot sends it; the first run of 18 digits in it is the recipient's id and becomes another for
 * each message.  The token comes from SANGKIEN_ZALO_ACCESS_TOKEN.  Prints one JSON object. */
#include <curl/curl.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { BODY_BYTES = 16384, ID_DIGITS = 18, WINDOW_MAX = 1024 };

struct transfer {
    CURL *easy;
    char body[BODY_BYTES];
    char answer[1024];
    size_t answer_n;
};

static struct {
    struct event_base *base;
    CURLM *multi;
    struct event *timer;
    struct curl_slist *headers;
    const char *url;
    char body[BODY_BYTES];
    size_t body_n, id_at;
    long messages, started, done, bad;
} s;

static void check(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "bench-send: %s\n", what);
    exit(EX_SOFTWARE);
}

static size_t on_answer(char *bytes, size_t size, size_t n, void *arg)
{
    struct transfer *t = arg;
    n *= size;
    size_t room = sizeof(t->answer) - 1 - t->answer_n, take = n < room ? n : room;
    memcpy(t->answer + t->answer_n, bytes, take);
    t->answer[t->answer_n += take] = '\0';
    return n;
}

static void start(struct transfer *t)
{
    char id[ID_DIGITS + 1];
    snprintf(id, sizeof(id), "7%017ld", s.started++);
    memcpy(t->body + s.id_at, id, ID_DIGITS);
    t->answer_n = 0;
    check(curl_multi_add_handle(s.multi, t->easy) == CURLM_OK, "curl takes no more transfers");
}

static void collect(void)
{
    int left;
    for (CURLMsg *m; (m = curl_multi_info_read(s.multi, &left));) {
        if (m->msg != CURLMSG_DONE)
            continue;
        CURL *easy = m->easy_handle;
        struct transfer *t;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        s.bad += m->data.result != CURLE_OK || status != 200 || !strstr(t->answer, "\"message_id\"");
        s.done++;
        curl_multi_remove_handle(s.multi, easy);
        if (s.started < s.messages)
            start(t);
        else if (s.done == s.messages)
            event_base_loopbreak(s.base);
    }
}

static void on_socket_event(evutil_socket_t fd, short what, void *arg)
{
    int running, flags = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);
    (void)arg;
    curl_multi_socket_action(s.multi, fd, flags, &running);
    collect();
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct event *ev = socket_arg;
    (void)easy;
    (void)arg;
    if (ev)
        event_free(ev);
    ev = NULL;
    if (what != CURL_POLL_REMOVE) {
        short flags = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
        ev = event_new(s.base, fd, flags, on_socket_event, NULL);
        event_add(ev, NULL);
    }
    curl_multi_assign(s.multi, fd, ev);
    return 0;
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    int running;
    (void)fd;
    (void)what;
    (void)arg;
    curl_multi_socket_action(s.multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect();
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    (void)multi;
    (void)arg;
    if (ms < 0)
        event_del(s.timer);
    else
        event_add(s.timer, &tv);
    return 0;
}

static void make_transfer(struct transfer *t)
{
    memcpy(t->body, s.body, s.body_n);
    t->easy = curl_easy_init();
    check(t->easy, "no memory");
    curl_easy_setopt(t->easy, CURLOPT_URL, s.url);
    curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, s.headers);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->body);
    curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE, (long)s.body_n);
    curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_answer);
    curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    curl_easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(t->easy, CURLOPT_PROXY, "");
}

static void read_body(const char *path)
{
    FILE *f = fopen(path, "rb");
    check(f, "the body cannot be read");
    s.body_n = fread(s.body, 1, sizeof(s.body) - 1, f);
    fclose(f);
    size_t digits = 0;
    for (size_t i = 0; i < s.body_n; i++) {
        digits = s.body[i] >= '0' && s.body[i] <= '9' ? digits + 1 : 0;
        if (digits == ID_DIGITS) {
            s.id_at = i + 1 - ID_DIGITS;
            return;
        }
    }
    check(false, "no recipient's id in the body");
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *body = NULL, *token = getenv("SANGKIEN_ZALO_ACCESS_TOKEN");
    long window = 64;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--url") == 0)
            s.url = argv[i + 1];
        else if (strcmp(argv[i], "--body") == 0)
            body = argv[i + 1];
        else if (strcmp(argv[i], "--messages") == 0)
            s.messages = strtol(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--window") == 0)
            window = strtol(argv[i + 1], NULL, 10);
    }
    if (!s.url || !body || !token || s.messages < 1 || window < 1 || window > WINDOW_MAX) {
        fputs("bench-send: needs --url, --body, --messages and SANGKIEN_ZALO_ACCESS_TOKEN\n", stderr);
        return EX_USAGE;
    }
    read_body(body);
    char header[256];
    snprintf(header, sizeof(header), "access_token: %s", token);
    s.headers = curl_slist_append(curl_slist_append(curl_slist_append(NULL, header), "Content-Type: application/json"), "Expect:");
    s.base = event_base_new();
    s.multi = curl_multi_init();
    struct transfer *transfer = calloc((size_t)window, sizeof(*transfer));
    check(s.headers && s.base && s.multi && transfer && curl_global_init(CURL_GLOBAL_ALL) == 0, "no memory");
    s.timer = event_new(s.base, -1, 0, on_timeout, NULL);
    curl_multi_setopt(s.multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(s.multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(s.multi, CURLMOPT_MAXCONNECTS, window);
    double began = now_s();
    for (long i = 0; i < window && s.started < s.messages; i++) {
        make_transfer(&transfer[i]);
        start(&transfer[i]);
    }
    event_base_dispatch(s.base);
    printf("{\"messages\": %ld, \"bad\": %ld, \"rate\": %.1f}\n", s.done, s.bad, (double)s.done / (now_s() - began));
    for (long i = 0; i < window && transfer[i].easy; i++)
        curl_easy_cleanup(transfer[i].easy);
    curl_multi_cleanup(s.multi);
    curl_slist_free_all(s.headers);
    event_free(s.timer);
    event_base_free(s.base);
    free(transfer);
    return s.bad || s.done != s.messages ? 1 : 0;
}
