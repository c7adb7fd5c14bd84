/* The HTTP engine under client.h: libcurl's multi_socket interface on a libevent base, with handles that are kept and reused.
 *
 *     idle --fetch_start()--> active --libcurl is done--> done --callback--> idle
 *
 * libcurl tells which sockets and which one timer to watch (on_socket, on_timer); libevent tells when they are ready
 * (on_ready, on_timeout); after each of these steps finished transfers are collected and called back, outside libcurl.
 * Nothing here knows Zalo. */
#ifndef SANGKIEN_BOT_ZALO_FETCH_H
#define SANGKIEN_BOT_ZALO_FETCH_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

struct event_base;
struct fetcher;

enum { FETCH_BODY_MAX = 64 * 1024, FETCH_UPLOAD_MAX = 6 * 1024 * 1024, FETCH_ANSWER_MAX = 256 * 1024 };

enum fetch_kind {
    FETCH_POST,
    FETCH_GET,
    FETCH_DOWNLOAD, /* GET into a file descriptor, on a connection of its own */
    FETCH_UPLOAD,   /* POST of up to FETCH_UPLOAD_MAX bytes, with a deadline of its own */
    FETCH_KIND_COUNT
};

struct fetcher_options { /* borrowed during fetcher_new() */
    const char *protocols; /* of POST and GET, as for CURLOPT_PROTOCOLS_STR */
    const char *ca_file, *proxy;
    unsigned max_connections;
    long connect_ms, total_ms, low_speed_bytes, low_speed_s;
};

struct fetch_result {
    int http_status;    /* 0: no status line came */
    bool whole;         /* the answer came completely */
    bool written;       /* part of the request's body was handed to the connection */
    bool timed_out;
    bool not_allowed;   /* download: the address is not public */
    bool too_large;     /* more than allowed came */
    int write_errno;    /* download: what write(2) said */
    const char *why;    /* when !whole: what libcurl said */
    struct str body;    /* POST and GET, when whole */
    int rate_remain;    /* X-RateLimit-Remain, -1: absent */
    int64_t bytes;      /* download: written */
    unsigned char sha256[32]; /* download, when whole */
    const char *content_type; /* download, NULL: absent */
};

typedef void fetch_done_fn(const struct fetch_result *result, void *ctx);

struct fetch_request { /* copied, but for headers and fd */
    enum fetch_kind kind;
    const char *url;
    struct curl_slist *headers; /* must live until the callback; NULL: none */
    struct str body;            /* POST, upload: at most FETCH_BODY_MAX or FETCH_UPLOAD_MAX bytes, at least one */
    int fd;                     /* download, with the rest */
    int64_t max_bytes;
    bool any_address; /* also private ones, and plain http */
    long total_ms; /* upload and download */
};

/** @return owned by ctx; NULL with ERR_SYSTEM or ERR_NOMEM. */
struct fetcher *fetcher_new(TALLOC_CTX *ctx, struct event_base *base, const struct fetcher_options *options, struct err *e);

/** Starts a transfer; on_done is called once, later.  @return false with ERR_NOMEM or ERR_INVALID: it will not be called. */
bool fetch_start(struct fetcher *fetcher, const struct fetch_request *request, fetch_done_fn *on_done, void *ctx,
                 struct err *e);

/** Ends all transfers now, with their callbacks; fetch_start() refuses meanwhile. */
void fetcher_cancel_all(struct fetcher *fetcher);

unsigned fetcher_inflight(const struct fetcher *fetcher);

#endif
