/* Calls of the OA API and the OAuth host: see client.h. */
#include "client.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "encode.h"
#include "fetch.h"
#include "log.h"

enum {
    DEFAULT_IN_FLIGHT = 64,
    OTHER_CALLS = 16, /* beside the sends */
    DEFAULT_CONNECT_MS = 3000,
    DEFAULT_TOTAL_MS = 10000,
    DEFAULT_DOWNLOAD_MS = 60000,
    DEFAULT_LOW_SPEED_BYTES = 100,
    DEFAULT_LOW_SPEED_S = 5,
};

/* The request headers of one access token, shared by all calls that use it: building them costs more than the rest. */
struct token_headers {
    struct curl_slist *list;
    char *token;
    unsigned users;
};

enum call_kind { CALL_SEND, CALL_GET, CALL_TOKENS, CALL_DOWNLOAD };

struct call {
    struct call *next_free;
    struct zalo_client *client;
    enum call_kind kind;
    union {
        zalo_sent_fn *sent;
        zalo_got_fn *got;
        zalo_tokens_fn *tokens;
        zalo_downloaded_fn *downloaded;
    } on;
    void *ctx;
    struct token_headers *headers; /* held until the call ends; NULL: none */
};

struct zalo_client {
    struct fetcher *fetcher;
    char *api_url, *oauth_url, *app_id, *app_secret;
    bool appsecret_proof, has_proxy;
    unsigned max_in_flight, sends;
    struct token_headers *current; /* of the token used last */
    struct curl_slist *oauth_headers;
    struct call *free_calls;
};

/* ---- headers ---- */

static bool is_visible_ascii(const char *s)
{
    if (!s || !*s)
        return false;
    for (; *s; s++)
        if (*s <= ' ' || *s > '~')
            return false;
    return true;
}

/* curl_slist_append() leaves the list as it was when memory runs out; here that counts as a failure of the whole. */
static bool append(struct curl_slist **list, const char *line)
{
    struct curl_slist *longer = line ? curl_slist_append(*list, line) : NULL;
    if (longer)
        *list = longer;
    return longer;
}

static int token_headers_destroy(struct token_headers *h)
{
    curl_slist_free_all(h->list);
    OPENSSL_cleanse(h->token, strlen(h->token));
    return 0;
}

static void token_headers_unref(struct token_headers *h)
{
    if (h && --h->users == 0)
        talloc_free(h);
}

/* hex(HMAC-SHA256(key = app secret, message = access token)), zalo-oa-api.md 2.1 */
static char *proof_line(TALLOC_CTX *ctx, const char *secret, const char *token)
{
    unsigned char mac[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (!HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)token, strlen(token), mac, &n))
        return NULL;
    char *line = talloc_strdup(ctx, "appsecret_proof: ");
    for (unsigned i = 0; line && i < n; i++)
        line = talloc_asprintf_append(line, "%02x", mac[i]);
    return line;
}

static bool token_headers_fill(struct token_headers *h, const struct zalo_client *client, const char *token, const char *content_type)
{
    TALLOC_CTX *tmp = talloc_new(h);
    bool ok = append(&h->list, talloc_asprintf(tmp, "access_token: %s", token)) &&
              append(&h->list, content_type) &&
              (!client->appsecret_proof || append(&h->list, proof_line(tmp, client->app_secret, token)));
    talloc_free(tmp);
    return ok;
}

/* With one user; NULL: no memory. */
static struct token_headers *headers_new(struct zalo_client *client, const char *token, const char *content_type)
{
    struct token_headers *h = talloc_zero(client, struct token_headers);
    if (!h)
        return NULL;
    h->token = talloc_strdup(h, token);
    if (!h->token) {
        talloc_free(h);
        return NULL;
    }
    talloc_set_destructor(h, token_headers_destroy);
    log_hide(token);
    h->users = 1;
    if (!token_headers_fill(h, client, token, content_type)) {
        talloc_free(h);
        return NULL;
    }
    return h;
}

/* The headers of JSON with that token, with one more user; NULL: no memory. */
static struct token_headers *headers_for(struct zalo_client *client, const char *token)
{
    struct token_headers *h = client->current;
    if (h && strcmp(h->token, token) == 0) {
        h->users++;
        return h;
    }
    h = headers_new(client, token, "Content-Type: application/json");
    if (!h)
        return NULL;
    token_headers_unref(client->current);
    client->current = h;
    h->users++; /* the client and the caller */
    return h;
}

/* ---- calls ---- */

static struct call *call_take(struct zalo_client *client, enum call_kind kind, void *ctx, struct err *e)
{
    const unsigned open = fetcher_inflight(client->fetcher);
    bool full = kind == CALL_SEND ? client->sends >= client->max_in_flight
                                  : open - client->sends >= OTHER_CALLS;
    if (full) {
        err_set(e, ERR_UNAVAILABLE, "%u calls to zalo are open", open);
        return NULL;
    }
    struct call *c = client->free_calls;
    if (c)
        client->free_calls = c->next_free;
    else if (!(c = talloc_zero(client, struct call))) {
        err_set(e, ERR_NOMEM, "out of memory for a call to zalo");
        return NULL;
    }
    *c = (struct call){.client = client, .kind = kind, .ctx = ctx};
    return c;
}

static void call_put_back(struct call *c)
{
    token_headers_unref(c->headers);
    c->headers = NULL;
    c->next_free = c->client->free_calls;
    c->client->free_calls = c;
}

static struct zalo_answer lost(const struct fetch_result *r)
{
    struct zalo_answer a;
    zalo_answer_lost(r->http_status, r->written, r->why, &a);
    a.rate_remain = r->rate_remain;
    return a;
}

static void finish_sent(const struct call *c, const struct fetch_result *r, TALLOC_CTX *tmp)
{
    struct zalo_answer a = lost(r);
    if (r->whole)
        zalo_answer_read(tmp, r->http_status, r->body, &a);
    a.written = r->written;
    a.rate_remain = r->rate_remain;
    c->on.sent(&a, c->ctx);
}

static void finish_got(const struct call *c, const struct fetch_result *r, TALLOC_CTX *tmp)
{
    struct zalo_answer a = lost(r);
    if (r->whole) {
        zalo_answer_read(tmp, r->http_status, r->body, &a);
        /* Some of these calls answer with the bare thing, without an envelope (section 5). */
        bool bare = a.class == ZALO_UNKNOWN_OUTCOME && r->body.n > 0 && (r->body.p[0] == '[' || r->body.p[0] == '{');
        if (bare) {
            a.class = ZALO_OK;
            a.meaning = "success";
        }
    }
    if (a.class == ZALO_UNKNOWN_OUTCOME)
        a.class = ZALO_RETRY;
    a.rate_remain = r->rate_remain;
    c->on.got(&a, r->whole ? r->body : STR(""), c->ctx);
}

static void finish_tokens(const struct call *c, const struct fetch_result *r, TALLOC_CTX *tmp)
{
    struct zalo_answer a = lost(r);
    struct zalo_tokens tokens = {0};
    if (r->whole)
        zalo_oauth_read(tmp, r->http_status, r->body, &tokens, &a);
    a.written = r->written;
    if (a.class == ZALO_OK) {
        log_hide(tokens.access_token);
        log_hide(tokens.refresh_token);
    }
    c->on.tokens(a.class == ZALO_OK ? &tokens : NULL, &a, c->ctx);
}

static bool explain_download(const struct fetch_result *r, struct err *e)
{
    const int status = r->http_status;
    if (r->not_allowed)
        return err_set(e, ERR_INVALID, "download refused: the address is not public");
    if (r->too_large)
        return err_set(e, ERR_INVALID, "download is larger than allowed");
    if (r->write_errno)
        return err_set(e, ERR_SYSTEM, "download could not be written: %s", strerror(r->write_errno));
    if (status == 0 || status == 200)
        return err_set(e, r->timed_out ? ERR_TIMEOUT : ERR_UNAVAILABLE, "download broke off: %s", r->why);
    bool later = status >= 500 || status == 408 || status == 429;
    return err_set(e, later ? ERR_UNAVAILABLE : ERR_INVALID, "download answered with http status %d", status);
}

static void finish_download(const struct call *c, const struct fetch_result *r)
{
    struct zalo_download d = {
        .http_status = r->http_status,
        .bytes = r->bytes,
        .content_type = r->content_type,
    };
    d.ok = (r->whole && r->http_status == 200) || explain_download(r, &d.err);
    memcpy(d.sha256, r->sha256, sizeof(d.sha256));
    c->on.downloaded(&d, c->ctx);
}

/* The call is put back before the callback, which may start others or free the client. */
static void on_done(const struct fetch_result *r, void *arg)
{
    const struct call c = *(struct call *)arg;
    if (c.kind == CALL_SEND)
        c.client->sends--;
    call_put_back(arg);
    if (c.kind == CALL_DOWNLOAD) {
        finish_download(&c, r);
        return;
    }
    TALLOC_CTX *tmp = talloc_pool(NULL, 2048);
    if (c.kind == CALL_SEND)
        finish_sent(&c, r, tmp);
    else if (c.kind == CALL_GET)
        finish_got(&c, r, tmp);
    else
        finish_tokens(&c, r, tmp);
    talloc_free(tmp);
}

static bool start(struct call *c, const struct fetch_request *request, struct err *e)
{
    if (!fetch_start(c->client->fetcher, request, on_done, c, e)) {
        call_put_back(c);
        return false;
    }
    if (c->kind == CALL_SEND)
        c->client->sends++;
    return true;
}

static bool check_call(const char *access_token, const char *path, struct err *e)
{
    if (!is_visible_ascii(access_token))
        return err_set(e, ERR_INVALID, "access token is empty or not plain ascii");
    if (!is_visible_ascii(path) || path[0] != '/')
        return err_set(e, ERR_INVALID, "path of a call to zalo must begin with a slash");
    return true;
}

bool zalo_client_send(struct zalo_client *client, const char *access_token, const char *path, struct str body,
                      zalo_sent_fn *on_sent, void *ctx, struct err *e)
{
    char url[512];
    struct call *c = check_call(access_token, path, e) ? call_take(client, CALL_SEND, ctx, e) : NULL;
    if (!c)
        return false;
    c->on.sent = on_sent;
    c->headers = headers_for(client, access_token);
    int n = snprintf(url, sizeof(url), "%s%s", client->api_url, path);
    if (!c->headers || n < 0 || (size_t)n >= sizeof(url)) {
        call_put_back(c);
        return err_set(e, ERR_NOMEM, "out of memory for a call to zalo");
    }
    const struct fetch_request request = {.kind = FETCH_POST, .url = url, .headers = c->headers->list, .body = body};
    return start(c, &request, e);
}

bool zalo_client_get(struct zalo_client *client, const char *access_token, const char *path, const char *data_json,
                     zalo_got_fn *on_got, void *ctx, struct err *e)
{
    struct call *c = check_call(access_token, path, e) ? call_take(client, CALL_GET, ctx, e) : NULL;
    if (!c)
        return false;
    c->on.got = on_got;
    c->headers = headers_for(client, access_token);
    TALLOC_CTX *tmp = talloc_new(NULL);
    const char *data = data_json ? zalo_encode_percent(tmp, str_of(data_json)) : "";
    const char *url = data ? talloc_asprintf(tmp, "%s%s%s%s", client->api_url, path, data_json ? "?data=" : "", data) : NULL;
    bool ok;
    if (c->headers && url) {
        const struct fetch_request request = {.kind = FETCH_GET, .url = url, .headers = c->headers->list};
        ok = start(c, &request, e);
    } else {
        call_put_back(c);
        ok = err_set(e, ERR_NOMEM, "out of memory for a call to zalo");
    }
    talloc_free(tmp);
    return ok;
}

bool zalo_client_upload(struct zalo_client *client, const char *access_token, const char *path, const char *name, struct str content,
                        zalo_got_fn *on_got, void *ctx, struct err *e)
{
    struct call *c = check_call(access_token, path, e) ? call_take(client, CALL_GET, ctx, e) : NULL;
    if (!c)
        return false;
    c->on.got = on_got;
    TALLOC_CTX *tmp = talloc_new(NULL);
    unsigned char noise[16];
    char boundary[2 * sizeof(noise) + 1] = "";
    bool random = RAND_bytes(noise, sizeof(noise)) == 1;
    for (size_t i = 0; i < sizeof(noise); i++)
        snprintf(boundary + 2 * i, 3, "%02x", noise[i]);
    size_t n = 0;
    char *form = random ? zalo_encode_file_form(tmp, boundary, name, content, &n) : NULL;
    const char *url = talloc_asprintf(tmp, "%s%s", client->api_url, path);
    const char *type = talloc_asprintf(tmp, "Content-Type: multipart/form-data; boundary=%s", boundary);
    bool ok;
    c->headers = type ? headers_new(client, access_token, type) : NULL;
    if (form && url && c->headers) {
        const struct fetch_request request = {.kind = FETCH_UPLOAD, .url = url, .headers = c->headers->list, .body = {form, n},
                                              .total_ms = DEFAULT_DOWNLOAD_MS};
        ok = start(c, &request, e);
    } else {
        call_put_back(c);
        ok = err_set(e, ERR_NOMEM, "out of memory for an upload");
    }
    talloc_free(tmp);
    return ok;
}

/* POSTs the form; `form` is a secret and is wiped. */
static bool ask_tokens(struct zalo_client *client, char *form, zalo_tokens_fn *on_tokens, void *ctx, struct err *e)
{
    char url[512];
    int n = snprintf(url, sizeof(url), "%s/v4/oa/access_token", client->oauth_url);
    struct call *c;
    bool ok = false;
    if (!client->oauth_headers)
        err_set(e, ERR_INVALID, "app id or app secret is not configured");
    else if (!form || n < 0 || (size_t)n >= sizeof(url))
        err_set(e, ERR_NOMEM, "out of memory for a token call");
    else if ((c = call_take(client, CALL_TOKENS, ctx, e))) {
        c->on.tokens = on_tokens;
        const struct fetch_request request = {
            .kind = FETCH_POST, .url = url, .headers = client->oauth_headers, .body = str_of(form)};
        ok = start(c, &request, e);
    }
    if (form)
        OPENSSL_cleanse(form, strlen(form));
    return ok;
}

bool zalo_client_refresh(struct zalo_client *client, const char *refresh_token, zalo_tokens_fn *on_tokens, void *ctx,
                         struct err *e)
{
    if (!is_visible_ascii(refresh_token))
        return err_set(e, ERR_INVALID, "refresh token is empty or not plain ascii");
    log_hide(refresh_token);
    TALLOC_CTX *tmp = talloc_new(NULL);
    const char *token = zalo_encode_percent(tmp, str_of(refresh_token));
    const char *app = zalo_encode_percent(tmp, str_of(client->app_id));
    char *form = token && app ? talloc_asprintf(tmp, "refresh_token=%s&app_id=%s&grant_type=refresh_token", token, app) : NULL;
    bool ok = ask_tokens(client, form, on_tokens, ctx, e);
    talloc_free(tmp);
    return ok;
}

bool zalo_client_exchange_code(struct zalo_client *client, const char *code, const char *code_verifier,
                               zalo_tokens_fn *on_tokens, void *ctx, struct err *e)
{
    if (!is_visible_ascii(code) || (code_verifier && !is_visible_ascii(code_verifier)))
        return err_set(e, ERR_INVALID, "code or verifier is empty or not plain ascii");
    TALLOC_CTX *tmp = talloc_new(NULL);
    const char *c = zalo_encode_percent(tmp, str_of(code)), *app = zalo_encode_percent(tmp, str_of(client->app_id));
    const char *v = code_verifier ? zalo_encode_percent(tmp, str_of(code_verifier)) : "";
    char *form = c && app && v ? talloc_asprintf(tmp, "code=%s&app_id=%s&grant_type=authorization_code%s%s", c, app,
                                                 code_verifier ? "&code_verifier=" : "", v)
                               : NULL;
    bool ok = ask_tokens(client, form, on_tokens, ctx, e);
    talloc_free(tmp);
    return ok;
}

/* ---- downloads ---- */

/* What a URL says about where it leads. */
struct target {
    char *scheme, *host, *port, *user;
};

/* @return false when it says too little; target_done() is due in any case. */
static bool target_parse(const char *url, struct target *t)
{
    *t = (struct target){0};
    CURLU *u = curl_url();
    bool ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_SCHEME, &t->scheme, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, &t->host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, &t->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    if (ok)
        curl_url_get(u, CURLUPART_USER, &t->user, 0); /* absent: stays NULL */
    curl_url_cleanup(u);
    return ok;
}

static void target_done(struct target *t)
{
    curl_free(t->scheme);
    curl_free(t->host);
    curl_free(t->port);
    curl_free(t->user);
}

static bool check_download(const struct zalo_client *client, const char *url, const struct zalo_download_options *options,
                           bool *ret_listed, struct err *e)
{
    struct target t;
    bool ok = false;
    if (target_parse(url, &t) && !t.user) {
        const unsigned port = (unsigned)strtoul(t.port, NULL, 10); /* 1 to 65535: libcurl has checked it */
        bool https = strcmp(t.scheme, "https") == 0, http = strcmp(t.scheme, "http") == 0;
        *ret_listed = host_in_list(t.host, port, options->allow_hosts, options->allow_count);
        /* Behind a proxy the address that is connected to is the proxy's: only names that are trusted anyway. */
        ok = *ret_listed ? https || http : https && port == 443 && !client->has_proxy;
    }
    target_done(&t);
    return ok || err_set(e, ERR_INVALID, "download refused: the link is not https on the usual port, nor to an allowed host");
}

bool zalo_client_download(struct zalo_client *client, const char *url, const struct zalo_download_options *options, int fd,
                          zalo_downloaded_fn *on_downloaded, void *ctx, struct err *e)
{
    bool listed = false;
    struct call *c = check_download(client, url, options, &listed, e) ? call_take(client, CALL_DOWNLOAD, ctx, e) : NULL;
    if (!c)
        return false;
    c->on.downloaded = on_downloaded;
    const struct fetch_request request = {
        .kind = FETCH_DOWNLOAD,
        .url = url,
        .fd = fd,
        .max_bytes = options->max_bytes,
        .any_address = listed,
        .total_ms = options->total_ms > 0 ? options->total_ms : DEFAULT_DOWNLOAD_MS,
    };
    return start(c, &request, e);
}

/* ---- life ---- */

/* https anywhere, http only to this machine: tokens go there. */
static bool check_base(const char *url, struct err *e)
{
    struct target t = {0};
    bool ok = url && target_parse(url, &t) && !t.user &&
              (strcmp(t.scheme, "https") == 0 || (strcmp(t.scheme, "http") == 0 && host_is_loopback(t.host)));
    target_done(&t);
    return ok || err_set(e, ERR_INVALID, "address of zalo must be https, or http on this machine: %s", url ? url : "none");
}

static char *without_slash(TALLOC_CTX *ctx, const char *url)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    return talloc_strndup(ctx, url, n);
}

static int client_destroy(struct zalo_client *client)
{
    TALLOC_FREE(client->fetcher); /* before the header lists its transfers point to */
    curl_slist_free_all(client->oauth_headers);
    if (client->app_secret)
        OPENSSL_cleanse(client->app_secret, strlen(client->app_secret));
    return 0;
}

static bool client_fill(struct zalo_client *client, struct event_base *base, const struct zalo_client_options *o,
                        struct err *e)
{
    client->max_in_flight = o->max_in_flight ? o->max_in_flight : DEFAULT_IN_FLIGHT;
    client->has_proxy = o->proxy && o->proxy[0];
    client->appsecret_proof = o->appsecret_proof && o->app_secret;
    const struct fetcher_options fetcher = {
        .protocols = "http,https", /* which of them was settled by check_base() */
        .ca_file = o->ca_file,
        .proxy = o->proxy,
        .max_connections = client->max_in_flight + OTHER_CALLS,
        .connect_ms = o->connect_ms ? o->connect_ms : DEFAULT_CONNECT_MS,
        .total_ms = o->total_ms ? o->total_ms : DEFAULT_TOTAL_MS,
        .low_speed_bytes = o->low_speed_bytes ? o->low_speed_bytes : DEFAULT_LOW_SPEED_BYTES,
        .low_speed_s = o->low_speed_s ? o->low_speed_s : DEFAULT_LOW_SPEED_S,
    };
    client->fetcher = fetcher_new(client, base, &fetcher, e);
    if (!client->fetcher)
        return false;
    client->api_url = without_slash(client, o->api_url);
    client->oauth_url = without_slash(client, o->oauth_url);
    client->app_id = talloc_strdup(client, o->app_id ? o->app_id : "");
    client->app_secret = talloc_strdup(client, o->app_secret ? o->app_secret : "");
    if (!client->api_url || !client->oauth_url || !client->app_id || !client->app_secret)
        return err_set(e, ERR_NOMEM, "out of memory for the zalo client");
    if (!is_visible_ascii(client->app_secret) || !client->app_id[0])
        return true; /* sends work without; ask_tokens() says what is missing */
    log_hide(client->app_secret);
    char *line = talloc_asprintf(client, "secret_key: %s", client->app_secret);
    bool ok = append(&client->oauth_headers, line) &&
              append(&client->oauth_headers, "Content-Type: application/x-www-form-urlencoded");
    if (line)
        OPENSSL_cleanse(line, strlen(line));
    talloc_free(line);
    return ok || err_set(e, ERR_NOMEM, "out of memory for the zalo client");
}

struct zalo_client *zalo_client_new(TALLOC_CTX *ctx, struct event_base *base, const struct zalo_client_options *options,
                                    struct err *e)
{
    if (!check_base(options->api_url, e) || !check_base(options->oauth_url, e))
        return NULL;
    struct zalo_client *client = talloc_zero(ctx, struct zalo_client);
    if (!client) {
        err_set(e, ERR_NOMEM, "out of memory for the zalo client");
        return NULL;
    }
    talloc_set_destructor(client, client_destroy);
    if (!client_fill(client, base, options, e))
        TALLOC_FREE(client);
    return client;
}

void zalo_client_free(struct zalo_client *client)
{
    talloc_free(client);
}

void zalo_client_cancel_all(struct zalo_client *client)
{
    fetcher_cancel_all(client->fetcher);
}

unsigned zalo_client_inflight(const struct zalo_client *client)
{
    return fetcher_inflight(client->fetcher);
}
