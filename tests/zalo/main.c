/* zalo-standin: plays Zalo's OA platform for tests, the benchmark and the demo.  This file reads the command line, opens the
 * socket and takes everything down again. */
#include "admin.h"
#include "assets.h"
#include "call.h"
#include "faults.h"
#include "feed.h"
#include "openapi.h"
#include "page.h"
#include "people.h"
#include "record.h"
#include "state.h"
#include "tokens.h"
#include "webhook.h"

#include <event2/event.h>
#include <event2/http.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>
#include <sysexits.h>

#define BODY_MAX (32 << 20) /* a person's video; the API's own limits are lower */

int64_t standin_now(const struct standin *s)
{
    return wall_ms() + s->set.clock_offset_ms;
}

void standin_say(const struct standin *s, const char *fmt, ...)
{
    if (s->quiet)
        return;
    va_list ap;
    va_start(ap, fmt);
    fputs("zalo-standin: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
}

static void route(struct call *c)
{
    if (strncmp(c->path, "/_admin/", 8) == 0)
        admin_route(c);
    else if (strncmp(c->path, "/v4/oa/", 7) == 0)
        oauth_route(c);
    else if (strncmp(c->path, "/v2.0/", 6) == 0 || strncmp(c->path, "/v3.0/", 6) == 0)
        openapi_route(c);
    else if (strncmp(c->path, "/cdn/", 5) == 0)
        assets_serve(c);
    else
        page_serve(c);
}

static void on_request(struct evhttp_request *req, void *arg)
{
    call_begin(arg, req, route);
}

static void on_signal(evutil_socket_t signal, short what, void *arg)
{
    (void)signal;
    (void)what;
    event_base_loopbreak(arg);
}

/* The three phones a new page shows; the ids are those of the documentation's examples and never change, so that a demo can
 * give the roles beforehand. */
static cJSON *first_phones(void)
{
    static const char *const rows[][4] = {
        {"246845883529197922", "Nguyễn Thị Lan", "Người lao động", "blue"},
        {"186729651760683225", "Trần Văn Minh", "Cán bộ hỗ trợ", "green"},
        {"251252362541251500", "Lê Thu Hà", "Ban tổ chức", "violet"},
    };
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "id", rows[i][0]);
        cJSON_AddStringToObject(o, "name", rows[i][1]);
        cJSON_AddStringToObject(o, "role", rows[i][2]);
        cJSON_AddStringToObject(o, "color", rows[i][3]);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

struct options {
    const char *listen, *webhook, *state, *access, *refresh, *public_url;
};

static void usage(FILE *to)
{
    fputs("usage: zalo-standin [--listen HOST:PORT] [--webhook URL] [--app-id ID] [--app-secret S] [--oa-id ID]\n"
          "                    [--oa-secret S] [--oa-name NAME] [--access-token T] [--refresh-token T] [--state FILE]\n"
          "                    [--page DIR|builtin] [--public-url URL] [--quiet]\n"
          "Plays Zalo: the OA API, OAuth, webhooks, and a chat page at /.  Port 0 picks a free one.\n", to);
}

static void read_options(int argc, char **argv, struct standin *s, struct options *o)
{
    static const struct option longs[] = {
        {"listen", required_argument, NULL, 'l'},       {"webhook", required_argument, NULL, 'w'},
        {"app-id", required_argument, NULL, 'a'},       {"app-secret", required_argument, NULL, 'A'},
        {"oa-id", required_argument, NULL, 'o'},        {"oa-secret", required_argument, NULL, 'O'},
        {"oa-name", required_argument, NULL, 'n'},      {"access-token", required_argument, NULL, 't'},
        {"refresh-token", required_argument, NULL, 'r'}, {"state", required_argument, NULL, 's'},
        {"page", required_argument, NULL, 'p'},         {"public-url", required_argument, NULL, 'u'},
        {"quiet", no_argument, NULL, 'q'},              {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        switch (c) {
        case 'l': o->listen = optarg; break;
        case 'w': o->webhook = optarg; break;
        case 'a': set_string(&s->app_id, optarg); break;
        case 'A': set_string(&s->app_secret, optarg); break;
        case 'o': set_string(&s->oa_id, optarg); break;
        case 'O': set_string(&s->oa_secret, optarg); break;
        case 'n': set_string(&s->oa_name, optarg); break;
        case 't': o->access = optarg; break;
        case 'r': o->refresh = optarg; break;
        case 's': o->state = optarg; break;
        case 'p': set_string(&s->page_dir, strcmp(optarg, "builtin") == 0 ? NULL : optarg); break;
        case 'u': o->public_url = optarg; break;
        case 'q': s->quiet = true; break;
        case 'h': usage(stdout); exit(EX_OK);
        default: usage(stderr); exit(EX_USAGE);
        }
    }
    if (optind < argc) {
        usage(stderr);
        exit(EX_USAGE);
    }
}

static void die(int code, char *why)
{
    fprintf(stderr, "zalo-standin: %s\n", why);
    free(why);
    exit(code);
}

/* Binds HOST:PORT and announces the port that was taken. */
static void open_socket(struct standin *s, const char *listen, const char *public_url)
{
    const char *colon = strrchr(listen, ':');
    char       *end = NULL;
    long        port = colon ? strtol(colon + 1, &end, 10) : -1;
    if (!colon || end == colon + 1 || *end || port < 0 || port > 65535)
        die(EX_USAGE, must_format("--listen wants HOST:PORT, not \"%s\"", listen));
    bool  bracketed = listen[0] == '[' && colon > listen + 1 && colon[-1] == ']';
    char *host = must_dup_n(listen + bracketed, (size_t)(colon - listen) - 2 * (size_t)bracketed);
    struct evhttp_bound_socket *bound = evhttp_bind_socket_with_handle(s->http, host, (ev_uint16_t)port);
    if (!bound)
        die(EX_UNAVAILABLE, must_format("cannot listen on %s; is another one running?", listen));
    struct sockaddr_storage addr;
    socklen_t               n = sizeof(addr);
    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&addr, &n);
    int taken = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port : ((struct sockaddr_in *)&addr)->sin_port);
    s->public_url = public_url ? must_dup(public_url)
                  : must_format("http://%s%s%s:%d", bracketed ? "[" : "", host, bracketed ? "]" : "", taken);
    printf("listening on %s%s%s:%d\n", bracketed ? "[" : "", host, bracketed ? "]" : "", taken);
    fflush(stdout);
    free(host);
}

static void parts_new(struct standin *s)
{
    s->record = record_new();
    s->people = people_new();
    s->tokens = tokens_new(s);
    s->assets = assets_new();
    s->faults = faults_new();
    s->webhook = webhook_new(s);
    s->phones = first_phones();
}

static void name_phones(struct standin *s)
{
    const cJSON *phone;
    cJSON_ArrayForEach(phone, s->phones)
    {
        struct person *p = people_get(s->people, json_string(phone, "id"));
        if (!p->name)
            set_string(&p->name, json_string(phone, "name"));
    }
}

/* Waiting calls are answered or dropped first, then what they point to. */
static void parts_free(struct standin *s)
{
    state_close(s);
    webhook_free(s->webhook);
    feed_free(s->feed);
    calls_end();
    evhttp_free(s->http);
    event_base_loop(s->base, EVLOOP_NONBLOCK); /* a bufferevent with a callback still to run is freed in the next turn */
    faults_free(s->faults);
    assets_free(s->assets);
    tokens_free(s->tokens);
    people_free(s->people);
    record_free(s->record);
    cJSON_Delete(s->phones);
    settings_done(&s->set);
    char *owned[] = {s->app_id, s->app_secret, s->oa_id, s->oa_secret, s->oa_name, s->public_url, s->page_dir};
    for (size_t i = 0; i < COUNT_OF(owned); i++)
        free(owned[i]);
    event_base_free(s->base);
}

int main(int argc, char **argv)
{
    struct standin s = {.app_id = must_dup("360846524940903967"), .oa_id = must_dup("388613280878808645"),
                        .app_secret = must_dup("demo-app-secret"), .oa_secret = must_dup("demo-oa-secret"),
                        .oa_name = must_dup("Sáng kiến Công đoàn")};
    struct options o = {.listen = "127.0.0.1:9400"};
    signal(SIGPIPE, SIG_IGN);
    umask(077);
    settings_init(&s.set);
    read_options(argc, argv, &s, &o);
    s.base = event_base_new();
    s.http = s.base ? evhttp_new(s.base) : NULL;
    if (!s.http)
        exit(EX_OSERR);
    parts_new(&s);
    char *why = o.state ? state_open(&s, o.state) : NULL;
    if (why)
        die(EX_DATAERR, why);
    if ((why = webhook_set_url(s.webhook, o.webhook)))
        die(EX_USAGE, why);
    if (!tokens_known(&s)) /* a pair from the state file has been refreshed since the command line was written */
        tokens_set(&s, o.access, o.refresh);
    name_phones(&s);
    s.feed = feed_new(&s);
    evhttp_set_max_body_size(s.http, BODY_MAX);
    evhttp_set_max_headers_size(s.http, 64 << 10);
    evhttp_set_allowed_methods(s.http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_PUT | EVHTTP_REQ_DELETE | EVHTTP_REQ_HEAD);
    evhttp_set_timeout(s.http, 120);
    evhttp_set_gencb(s.http, on_request, &s);
    open_socket(&s, o.listen, o.public_url);
    struct event *stops[2] = {evsignal_new(s.base, SIGTERM, on_signal, s.base), evsignal_new(s.base, SIGINT, on_signal, s.base)};
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        if (!stops[i] || evsignal_add(stops[i], NULL) < 0)
            exit(EX_OSERR);
    event_base_dispatch(s.base);
    for (size_t i = 0; i < COUNT_OF(stops); i++)
        event_free(stops[i]);
    parts_free(&s);
    return EX_OK;
}
