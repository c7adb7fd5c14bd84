/* The HTTP engine: see fetch.h. */
#include "fetch.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "answer.h"
#include "sha256.h"

/* Idle connections older than this are not reused: the other side may be about to close them, and a request that meets the
 * close is an unknown outcome.  nginx closes after 60 to 75 s. */
enum { REUSE_WITHIN_S = 30 };

enum { KEEP_ANSWER_ROOM = 16 * 1024, FIRST_ANSWER_ROOM = 1024, RECEIVE_BYTES = 16 * 1024, UPLOAD_BYTES = 16 * 1024 };

struct fetch {
    LIST_ENTRY(fetch) all;
    TAILQ_ENTRY(fetch) in; /* of one of the lists below, or of none while its callback runs */
    struct fetcher *owner;
    CURL *easy;
    enum fetch_kind kind;
    bool active;
    CURLcode code;
    char why[CURL_ERROR_SIZE];
    char *url; /* what the handle is set to */
    char *body;
    size_t body_n, body_room, body_at;
    char *answer;
    size_t answer_n, answer_room;
    bool too_large, not_allowed, any_address;
    int fd, write_errno;
    int64_t max_bytes, bytes;
    struct sha256_stream *hash;
    fetch_done_fn *on_done;
    void *ctx;
};

/* One socket that libcurl wants watched. */
struct watch {
    SLIST_ENTRY(watch) free;
    struct event ready;
    struct fetcher *owner;
};

TAILQ_HEAD(fetch_list, fetch);

struct fetcher {
    struct event_base *base;
    CURLM *multi;
    struct event timer;
    struct fetcher_options options; /* strings are ours */
    LIST_HEAD(, fetch) all;
    struct fetch_list idle[FETCH_KIND_COUNT], active, done;
    SLIST_HEAD(, watch) free_watches;
    unsigned inflight;
    bool cancelling;
    bool *freed; /* set when a callback frees the fetcher under whoever points here */
};

static void on_ready(evutil_socket_t fd, short what, void *arg);
static void on_timeout(evutil_socket_t fd, short what, void *arg);
static void collect_done(struct fetcher *f);

/* ---- what libcurl asks of a transfer ---- */

static size_t on_read(char *buffer, size_t size, size_t count, void *arg)
{
    struct fetch *t = arg;
    size_t room = size * count, left = t->body_n - t->body_at;
    if (left == 0) /* a second try of libcurl's own: the first may have been taken */
        return CURL_READFUNC_ABORT;
    size_t n = left < room ? left : room;
    memcpy(buffer, t->body + t->body_at, n);
    t->body_at += n;
    return n;
}

/* Without a way back libcurl cannot send a body twice (fetch.h would lose its meaning of `written`). */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
    (void)arg, (void)offset, (void)origin;
    return CURL_SEEKFUNC_FAIL;
}

static size_t on_write(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *t = arg;
    size_t n = size * count;
    if (n > FETCH_ANSWER_MAX - t->answer_n) {
        t->too_large = true;
        return 0;
    }
    if (t->answer_n + n > t->answer_room) {
        size_t room = t->answer_room ? t->answer_room : FIRST_ANSWER_ROOM;
        while (room < t->answer_n + n)
            room *= 2;
        char *larger = talloc_realloc_size(t, t->answer, room);
        if (!larger)
            return 0;
        t->answer = larger;
        t->answer_room = room;
    }
    memcpy(t->answer + t->answer_n, bytes, n);
    t->answer_n += n;
    return n;
}

static size_t on_file_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct fetch *t = arg;
    const size_t n = size * count;
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) /* an error page is no picture */
        return 0;
    if ((int64_t)n > t->max_bytes - t->bytes) {
        t->too_large = true;
        return 0;
    }
    if (!sha256_stream_add(t->hash, bytes, n))
        return 0;
    for (size_t done = 0; done < n;) {
        ssize_t wrote = write(t->fd, bytes + done, n - done);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0) {
            t->write_errno = wrote < 0 ? errno : EIO;
            return 0;
        }
        done += (size_t)wrote;
        t->bytes += wrote;
    }
    return n;
}

static curl_socket_t on_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct fetch *t = arg;
    if (purpose != CURLSOCKTYPE_IPCXN || (!t->any_address && !address_is_public(&address->addr))) {
        t->not_allowed = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- handles ---- */

static bool sends_body(enum fetch_kind kind)
{
    return kind == FETCH_POST || kind == FETCH_UPLOAD;
}

static int fetch_destroy(struct fetch *t)
{
    if (t->active)
        curl_multi_remove_handle(t->owner->multi, t->easy);
    curl_easy_cleanup(t->easy);
    sha256_stream_free(t->hash);
    LIST_REMOVE(t, all);
    return 0;
}

static bool set_up(struct fetch *t)
{
    const struct fetcher_options *o = &t->owner->options;
    CURL *h = t->easy;
    bool ok = true;
#define SET(option, value) (ok = ok && curl_easy_setopt(h, (option), (value)) == CURLE_OK)
    SET(CURLOPT_PRIVATE, t);
    SET(CURLOPT_ERRORBUFFER, t->why);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_QUICK_EXIT, 1L); /* a resolver that hangs must not hold up the shutdown */
    SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_USERAGENT, "sangkien");
    SET(CURLOPT_PROXY, o->proxy ? o->proxy : "");
    SET(CURLOPT_CONNECTTIMEOUT_MS, o->connect_ms);
    SET(CURLOPT_LOW_SPEED_LIMIT, o->low_speed_bytes);
    SET(CURLOPT_LOW_SPEED_TIME, o->low_speed_s);
    SET(CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    SET(CURLOPT_SSL_VERIFYPEER, 1L);
    SET(CURLOPT_SSL_VERIFYHOST, 2L);
    if (o->ca_file)
        SET(CURLOPT_CAINFO, o->ca_file);
    SET(CURLOPT_WRITEDATA, t);
    if (t->kind == FETCH_DOWNLOAD) {
        SET(CURLOPT_WRITEFUNCTION, on_file_bytes);
        SET(CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
        SET(CURLOPT_OPENSOCKETDATA, t);
        SET(CURLOPT_FRESH_CONNECT, 1L); /* an open connection has been checked for another URL */
        SET(CURLOPT_FORBID_REUSE, 1L);
        return ok;
    }
    SET(CURLOPT_WRITEFUNCTION, on_write);
    SET(CURLOPT_PROTOCOLS_STR, o->protocols);
    SET(CURLOPT_TIMEOUT_MS, o->total_ms);
    SET(CURLOPT_MAXAGE_CONN, (long)REUSE_WITHIN_S);
    if (sends_body(t->kind)) {
        SET(CURLOPT_POST, 1L);
        SET(CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BYTES);
        SET(CURLOPT_READFUNCTION, on_read);
        SET(CURLOPT_READDATA, t);
        SET(CURLOPT_SEEKFUNCTION, on_seek);
    }
    return ok;
}

static struct fetch *fetch_new(struct fetcher *f, enum fetch_kind kind)
{
    struct fetch *t = talloc_zero(f, struct fetch);
    if (!t)
        return NULL;
    t->owner = f;
    t->kind = kind;
    t->easy = curl_easy_init();
    LIST_INSERT_HEAD(&f->all, t, all);
    talloc_set_destructor(t, fetch_destroy);
    if (!t->easy || !set_up(t))
        TALLOC_FREE(t);
    return t;
}

/* What differs from call to call. */
static bool prepare(struct fetch *t, const struct fetch_request *r)
{
    CURL *h = t->easy;
    bool ok = true;
    t->why[0] = '\0';
    t->body_n = t->body_at = t->answer_n = 0;
    t->too_large = t->not_allowed = false;
    t->write_errno = 0;
    if (t->answer_room > KEEP_ANSWER_ROOM) {
        TALLOC_FREE(t->answer);
        t->answer_room = 0;
    }
    if (!t->url || strcmp(t->url, r->url) != 0) {
        SET(CURLOPT_URL, r->url);
        talloc_free(t->url);
        t->url = ok ? talloc_strdup(t, r->url) : NULL; /* NULL only means: set it again next time */
    }
    SET(CURLOPT_HTTPHEADER, r->headers);
    if (t->kind == FETCH_UPLOAD)
        SET(CURLOPT_TIMEOUT_MS, r->total_ms);
    if (sends_body(t->kind)) {
        if (r->body.n > t->body_room) {
            char *larger = talloc_realloc_size(t, t->body, r->body.n);
            if (!larger)
                return false;
            t->body = larger;
            t->body_room = r->body.n;
        }
        memcpy(t->body, r->body.p, r->body.n);
        t->body_n = r->body.n;
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n);
    }
    if (t->kind == FETCH_DOWNLOAD) {
        t->fd = r->fd;
        t->max_bytes = r->max_bytes;
        t->bytes = 0;
        t->any_address = r->any_address;
        sha256_stream_free(t->hash);
        t->hash = sha256_stream_new();
        ok = ok && t->hash;
        SET(CURLOPT_PROTOCOLS_STR, r->any_address ? "http,https" : "https");
        SET(CURLOPT_TIMEOUT_MS, r->total_ms);
    }
#undef SET
    return ok;
}

bool fetch_start(struct fetcher *f, const struct fetch_request *r, fetch_done_fn *on_done, void *ctx, struct err *e)
{
    if (f->cancelling)
        return err_set(e, ERR_UNAVAILABLE, "calls are being cancelled");
    const int body_max = r->kind == FETCH_UPLOAD ? FETCH_UPLOAD_MAX : FETCH_BODY_MAX;
    if (sends_body(r->kind) && (r->body.n == 0 || r->body.n > (size_t)body_max))
        return err_set(e, ERR_INVALID, "request body has %zu bytes, 1 to %d are allowed", r->body.n, body_max);
    struct fetch *t = TAILQ_FIRST(&f->idle[r->kind]);
    if (t)
        TAILQ_REMOVE(&f->idle[r->kind], t, in);
    else if (!(t = fetch_new(f, r->kind)))
        return err_set(e, ERR_NOMEM, "out of memory for an http call");
    if (!prepare(t, r) || curl_multi_add_handle(f->multi, t->easy) != CURLM_OK) {
        talloc_free(t);
        return err_set(e, ERR_NOMEM, "http call could not be set up");
    }
    t->on_done = on_done;
    t->ctx = ctx;
    t->active = true;
    TAILQ_INSERT_TAIL(&f->active, t, in);
    f->inflight++;
    return true;
}

/* ---- the end of a transfer ---- */

static int rate_remain(CURL *easy)
{
    struct curl_header *h;
    if (curl_easy_header(easy, "X-RateLimit-Remain", 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
        return -1;
    char *end;
    long n = strtol(h->value, &end, 10);
    return end > h->value && n >= 0 && n < 1000000000 ? (int)n : -1;
}

static struct fetch_result result_of(struct fetch *t)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    struct fetch_result r = {
        .http_status = (int)status,
        .whole = t->code == CURLE_OK,
        .written = t->body_at > 0,
        .timed_out = t->code == CURLE_OPERATION_TIMEDOUT,
        .not_allowed = t->not_allowed,
        .too_large = t->too_large,
        .write_errno = t->write_errno,
        .why = t->too_large ? "answer is larger than allowed" : t->why[0] ? t->why : curl_easy_strerror(t->code),
        .rate_remain = rate_remain(t->easy),
        .bytes = t->bytes,
    };
    if (r.whole && t->kind != FETCH_DOWNLOAD)
        r.body = (struct str){t->answer, t->answer_n};
    if (r.whole && t->kind == FETCH_DOWNLOAD) {
        char *type = NULL;
        r.whole = sha256_stream_end(t->hash, r.sha256);
        curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
        r.content_type = type;
    }
    return r;
}

/* Calls back and puts the handle by.  @return false when the callback freed the fetcher. */
static bool finish(struct fetcher *f, struct fetch *t, struct fetch_list *list)
{
    TAILQ_REMOVE(list, t, in);
    curl_multi_remove_handle(f->multi, t->easy);
    t->active = false;
    f->inflight--;
    struct fetch_result r = result_of(t);

    bool freed = false, *outer = f->freed;
    f->freed = &freed; // cppcheck-suppress autoVariables ; put back below, before this returns
    t->on_done(&r, t->ctx);
    if (freed) {
        if (outer)
            *outer = true;
        return false;
    }
    f->freed = outer;
    if (t->body_room > FETCH_BODY_MAX) { /* a file's bytes are not kept */
        TALLOC_FREE(t->body);
        t->body_room = 0;
    }
    TAILQ_INSERT_HEAD(&f->idle[t->kind], t, in); /* the one last used is the one still in the cache */
    return true;
}

/* Copies what libcurl has finished first: it may not be touched while its messages are being read. */
static void collect_done(struct fetcher *f)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(f->multi, &left))) {
        struct fetch *t = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        t->code = msg->data.result;
        TAILQ_REMOVE(&f->active, t, in);
        TAILQ_INSERT_TAIL(&f->done, t, in);
    }
    struct fetch *t;
    while ((t = TAILQ_FIRST(&f->done)))
        if (!finish(f, t, &f->done))
            return;
}

void fetcher_cancel_all(struct fetcher *f)
{
    struct fetch *t;
    bool outer = f->cancelling;
    f->cancelling = true;
    while ((t = TAILQ_FIRST(&f->done)))
        if (!finish(f, t, &f->done))
            return;
    while ((t = TAILQ_FIRST(&f->active))) {
        t->code = CURLE_ABORTED_BY_CALLBACK;
        memcpy(t->why, "cancelled", sizeof("cancelled"));
        if (!finish(f, t, &f->active))
            return;
    }
    f->cancelling = outer;
}

unsigned fetcher_inflight(const struct fetcher *f)
{
    return f->inflight;
}

/* ---- libcurl and libevent ---- */

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct fetcher *f = arg;
    struct watch *w = socket_arg;
    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (w) {
            event_del(&w->ready);
            SLIST_INSERT_HEAD(&f->free_watches, w, free);
            curl_multi_assign(f->multi, fd, NULL);
        }
        return 0;
    }
    if (w) {
        event_del(&w->ready);
    } else {
        w = SLIST_FIRST(&f->free_watches);
        if (w)
            SLIST_REMOVE_HEAD(&f->free_watches, free);
        else if (!(w = talloc_zero(f, struct watch)))
            return -1;
        w->owner = f;
        curl_multi_assign(f->multi, fd, w);
    }
    short events = (short)(EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    event_assign(&w->ready, f->base, fd, events, on_ready, w);
    return event_add(&w->ready, NULL);
}

/* Never acts itself, not even for 0 ms: libcurl is not re-entrant. */
static int on_timer(CURLM *multi, long ms, void *arg)
{
    struct fetcher *f = arg;
    (void)multi;
    if (ms < 0)
        return event_del(&f->timer);
    const struct timeval in = {ms / 1000, ms % 1000 * 1000};
    return event_add(&f->timer, &in);
}

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;
    struct fetcher *f = w->owner; /* the watch may be somebody else's after the next line */
    int mask = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0), running;
    curl_multi_socket_action(f->multi, fd, mask, &running);
    collect_done(f);
}

static void on_timeout(evutil_socket_t fd, short what, void *arg)
{
    struct fetcher *f = arg;
    int running;
    (void)fd, (void)what;
    curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_done(f);
}

/* ---- life ---- */

static int fetcher_destroy(struct fetcher *f)
{
    if (f->freed)
        *f->freed = true;
    struct fetch *t;
    while ((t = LIST_FIRST(&f->all)))
        talloc_free(t);
    if (f->multi)
        curl_multi_cleanup(f->multi); /* closes connections: on_socket() still runs */
    event_del(&f->timer);
    return 0;
}

struct fetcher *fetcher_new(TALLOC_CTX *ctx, struct event_base *base, const struct fetcher_options *options, struct err *e)
{
    static bool curl_is_ready;
    if (!curl_is_ready && curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) {
        err_set(e, ERR_SYSTEM, "libcurl could not be initialised");
        return NULL;
    }
    curl_is_ready = true;
    struct fetcher *f = talloc_zero(ctx, struct fetcher);
    if (!f) {
        err_set(e, ERR_NOMEM, "out of memory for the http client");
        return NULL;
    }
    f->base = base;
    f->options = *options;
    f->options.protocols = talloc_strdup(f, options->protocols);
    f->options.ca_file = options->ca_file ? talloc_strdup(f, options->ca_file) : NULL;
    f->options.proxy = options->proxy ? talloc_strdup(f, options->proxy) : NULL;
    LIST_INIT(&f->all);
    for (size_t i = 0; i < FETCH_KIND_COUNT; i++)
        TAILQ_INIT(&f->idle[i]);
    TAILQ_INIT(&f->active);
    TAILQ_INIT(&f->done);
    SLIST_INIT(&f->free_watches);
    event_assign(&f->timer, base, -1, 0, on_timeout, f);
    f->multi = curl_multi_init();
    talloc_set_destructor(f, fetcher_destroy);

    const long connections = (long)options->max_connections;
    bool ok = f->multi && curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, connections) == CURLM_OK &&
              curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, connections) == CURLM_OK;
    if (!ok) {
        err_set(e, ERR_SYSTEM, "libcurl could not be set up");
        TALLOC_FREE(f);
    }
    return f;
}
