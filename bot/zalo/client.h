/* Talks to Zalo: libcurl's multi interface on the process's event loop, one client per process.
 *
 * Promises:
 *  - Every accepted call ends in exactly one callback, never before the function that took the call returns, whatever
 *    happens (zalo_client_free() is the one exception: it drops what is open without calling anybody).
 *  - A POST goes out at most once: its body comes from a read callback that cannot be rewound, so libcurl cannot repeat it by
 *    itself on a reused connection that died; that ends as ZALO_UNKNOWN_OUTCOME instead (reliability.md C3).
 *  - Every call has a deadline, every answer a bound (256 KiB); redirects are not followed; certificates are checked.
 *  - Tokens and secrets are registered with log_hide() before first use; the client itself logs nothing.
 *
 * A callback may start further calls and may free the client.  Its arguments are borrowed and end with it.
 * Source: zalo-oa-api.md 2.1 (headers), 4.2 (token endpoint), 6.1 (HTTP level). */
#ifndef SANGKIEN_BOT_ZALO_CLIENT_H
#define SANGKIEN_BOT_ZALO_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "answer.h"
#include "err.h"
#include "str.h"

struct event_base;
struct zalo_client;

/* All borrowed during zalo_client_new() only. */
struct zalo_client_options {
    const char *api_url;   /* "https://openapi.zalo.me"; http:// only for a loopback host */
    const char *oauth_url; /* "https://oauth.zaloapp.com"; likewise */
    const char *app_id, *app_secret;
    bool appsecret_proof; /* send the header of that name: a switch of the developer console (2.1) */
    const char *ca_file;  /* NULL: the system's */
    const char *proxy;    /* NULL: none, whatever the environment says */
    unsigned max_in_flight; /* sends at a time; 0: 64 */
    long connect_ms, total_ms; /* 0: 3,000 and 10,000 */
    long low_speed_bytes, low_speed_s; /* slower than this for so long is a failure; 0: 100 B/s, 5 s */
};

typedef void zalo_sent_fn(const struct zalo_answer *answer, void *ctx);
typedef void zalo_tokens_fn(const struct zalo_tokens *tokens, const struct zalo_answer *answer, void *ctx);
typedef void zalo_got_fn(const struct zalo_answer *answer, struct str body, void *ctx);

/** @return owned by ctx, or NULL with ERR_INVALID (a base URL that is neither https nor loopback), ERR_NOMEM, ERR_SYSTEM.
 *  Free it (or its context) before the event base.  Calls curl_global_init(): make the first one before any thread. */
struct zalo_client *zalo_client_new(TALLOC_CTX *ctx, struct event_base *base, const struct zalo_client_options *options,
                                    struct err *e);

/** Drops open calls without calling back; connections are closed.  NULL is fine.  Same as talloc_free(). */
void zalo_client_free(struct zalo_client *client);

/** Ends every open call now, each with its callback (ZALO_UNKNOWN_OUTCOME or ZALO_RETRY, "cancelled"); calls that callbacks
 *  try to start are refused.  After it the client is idle and usable again. */
void zalo_client_cancel_all(struct zalo_client *client);

/** Calls that have been accepted and not called back. */
unsigned zalo_client_inflight(const struct zalo_client *client);

/*
 * The kinds of calls.  All copy what they are given and return false, without ever calling back, with
 *   ERR_UNAVAILABLE  as many calls as allowed are open: ask again after a callback (16 more than max_in_flight are kept for
 *                    everything but sends, so that a token can be refreshed under load)
 *   ERR_INVALID      a token with other than visible ASCII, a path without leading slash, a URL that is not allowed
 *   ERR_NOMEM
 */

/** POSTs a JSON body (at most 64 KiB) to `path` of the OA API. */
bool zalo_client_send(struct zalo_client *client, const char *access_token, const char *path, struct str body,
                      zalo_sent_fn *on_sent, void *ctx, struct err *e);

/** GETs `path` with the query parameter data=`data_json` (NULL: none).  The body is what came, for the zalo_read_...
 *  functions; with a lost answer it is empty and the class ZALO_RETRY, since asking again does no harm. */
bool zalo_client_get(struct zalo_client *client, const char *access_token, const char *path, const char *data_json,
                     zalo_got_fn *on_got, void *ctx, struct err *e);

/** POSTs a file of at most 5 MiB to `path`, one of ZALO_PATH_UPLOAD_...; `name` decides what Zalo takes it for.  Sending it again does
 *  no harm, so a lost answer is ZALO_RETRY.  The body that comes is for zalo_read_upload(). */
bool zalo_client_upload(struct zalo_client *client, const char *access_token, const char *path, const char *name, struct str content,
                        zalo_got_fn *on_got, void *ctx, struct err *e);

/** Asks for a new pair of tokens.  From the moment it is made the old access token is dead, and the refresh token is spent:
 *  ZALO_UNKNOWN_OUTCOME needs section 4.3, rule 6.  `tokens` is NULL unless the class is ZALO_OK. */
bool zalo_client_refresh(struct zalo_client *client, const char *refresh_token, zalo_tokens_fn *on_tokens, void *ctx,
                         struct err *e);

/** The first pair, for the code that came back from the consent page; code_verifier may be NULL (4.1). */
bool zalo_client_exchange_code(struct zalo_client *client, const char *code, const char *code_verifier,
                               zalo_tokens_fn *on_tokens, void *ctx, struct err *e);

struct zalo_download_options {
    int64_t max_bytes;              /* more is a failure; nothing beyond is written */
    const char *const *allow_hosts; /* "host" or "host:port": may be http and of any address; the rest must be https, port 443
                                       and have a public address */
    size_t allow_count;
    long total_ms; /* 0: 60,000 */
};

struct zalo_download {
    bool ok;
    /* Otherwise: ERR_INVALID not allowed, too large, or gone (4xx): a repeat will not help; ERR_UNAVAILABLE, ERR_TIMEOUT later;
     * ERR_SYSTEM the file descriptor would not take it. */
    struct err err;
    int http_status;
    int64_t bytes;            /* written to fd, also on failure */
    unsigned char sha256[32]; /* of these bytes, when ok */
    const char *content_type; /* as announced, not checked; NULL: absent */
};

typedef void zalo_downloaded_fn(const struct zalo_download *download, void *ctx);

/** Fetches a picture or file that somebody sent, without any token, streaming into `fd` (borrowed until the callback; it is
 *  written with write(2), so a regular file).  A connection is used for one download only: none that leads to an allowed
 *  private host can be borrowed by another address. */
bool zalo_client_download(struct zalo_client *client, const char *url, const struct zalo_download_options *options, int fd,
                          zalo_downloaded_fn *on_downloaded, void *ctx, struct err *e);

#endif
