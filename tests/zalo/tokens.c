/* The OA's grant and its OAuth v4 endpoints (zalo-oa-api section 4): single-use refresh tokens, a new access token kills the
 * old one at once, codes work once for 10 minutes. */
#include "tokens.h"
#include "record.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REFRESH_LIFETIME_MS (INT64_C(90) * 24 * 3600 * 1000)
#define CODE_LIFETIME_MS    (INT64_C(10) * 60 * 1000)
#define TOKEN_LENGTH        320 /* "a few hundred characters" */
#define CODES_MAX           16

struct code {
    char   *code, *challenge; /* challenge NULL: the link had none */
    int64_t until_ms;
};

struct tokens {
    char       *access, *refresh;
    int64_t     access_until_ms, refresh_until_ms;
    struct map  dead; /* access tokens that were good once */
    struct code codes[CODES_MAX];
    size_t      next_code;
    uint64_t    generation;
};

struct tokens *tokens_new(struct standin *s)
{
    (void)s;
    return must_alloc(sizeof(struct tokens));
}

void tokens_free(struct tokens *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < CODES_MAX; i++) {
        free(t->codes[i].code);
        free(t->codes[i].challenge);
    }
    free(t->access);
    free(t->refresh);
    map_done(&t->dead);
    free(t);
}

void tokens_set(struct standin *s, const char *access, const char *refresh)
{
    struct tokens *t = s->tokens;
    if (access) {
        if (t->access && strcmp(t->access, access) != 0)
            map_set(&t->dead, t->access, t);
        map_remove(&t->dead, access);
        set_string(&t->access, access);
        t->access_until_ms = standin_now(s) + s->set.access_lifetime_s * 1000;
        t->generation++;
    }
    if (refresh) {
        set_string(&t->refresh, refresh);
        t->refresh_until_ms = standin_now(s) + REFRESH_LIFETIME_MS;
    }
    state_save(s);
}

bool tokens_known(const struct standin *s)
{
    return s->tokens->access || s->tokens->refresh;
}

int tokens_check(const struct standin *s, const char *access)
{
    const struct tokens *t = s->tokens;
    if (!access || !*access)
        return -216;
    if (t->access && strcmp(access, t->access) == 0)
        return standin_now(s) < t->access_until_ms ? 0 : (int)s->set.dead_token_error;
    return map_get(&t->dead, access) ? (int)s->set.dead_token_error : -216;
}

char *tokens_apply(struct standin *s, const cJSON *wanted)
{
    struct tokens *t = s->tokens;
    tokens_set(s, json_string(wanted, "access_token"), json_string(wanted, "refresh_token"));
    if (json_flag(wanted, "expire_access", false))
        t->access_until_ms = standin_now(s);
    if (json_member(wanted, "expires_in"))
        t->access_until_ms = standin_now(s) + json_integer(wanted, "expires_in", 0) * 1000;
    if (json_flag(wanted, "revoke_refresh", false))
        set_string(&t->refresh, NULL);
    if (json_flag(wanted, "revoke_access", false) && t->access) {
        map_set(&t->dead, t->access, t);
        set_string(&t->access, NULL);
    }
    state_save(s);
    return NULL;
}

cJSON *tokens_json(const struct standin *s)
{
    const struct tokens *t = s->tokens;
    cJSON               *o = cJSON_CreateObject();
    if (t->access)
        cJSON_AddStringToObject(o, "access_token", t->access);
    if (t->refresh)
        cJSON_AddStringToObject(o, "refresh_token", t->refresh);
    cJSON_AddNumberToObject(o, "access_until_ms", (double)t->access_until_ms);
    cJSON_AddNumberToObject(o, "refresh_until_ms", (double)t->refresh_until_ms);
    cJSON_AddNumberToObject(o, "generation", (double)t->generation);
    return o;
}

void tokens_load(struct standin *s, const cJSON *saved)
{
    struct tokens *t = s->tokens;
    set_string(&t->access, json_string(saved, "access_token"));
    set_string(&t->refresh, json_string(saved, "refresh_token"));
    t->access_until_ms = json_integer(saved, "access_until_ms", 0);
    t->refresh_until_ms = json_integer(saved, "refresh_until_ms", 0);
    t->generation = (uint64_t)json_integer(saved, "generation", 0);
}

/* ---- the token endpoint ---- */

static void oauth_error(struct call *c, int code, const char *name)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "error", code);
    cJSON_AddStringToObject(o, "error_name", name);
    cJSON_AddStringToObject(o, "error_reason", "");
    cJSON_AddStringToObject(o, "error_description", "");
    cJSON_AddStringToObject(o, "ref_doc", "https://developers.zalo.me/docs/social-api/tham-khao/ma-loi");
    record_counters(c->s->record)->refresh_refused++;
    call_json(c, 200, o);
}

static void issue(struct call *c, bool with_refresh)
{
    char *access = random_token(TOKEN_LENGTH), *refresh = with_refresh ? random_token(TOKEN_LENGTH) : NULL;
    char  seconds[24];
    tokens_set(c->s, access, refresh);
    record_counters(c->s->record)->refreshes++;
    standin_say(c->s, "issued a new access token, the old one is dead");
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "access_token", access);
    if (refresh)
        cJSON_AddStringToObject(o, "refresh_token", refresh);
    snprintf(seconds, sizeof(seconds), "%lld", (long long)c->s->set.access_lifetime_s);
    cJSON_AddStringToObject(o, "expires_in", seconds);
    free(access);
    free(refresh);
    call_json(c, 200, o);
}

static struct code *code_find(struct tokens *t, const char *code)
{
    for (size_t i = 0; code && i < CODES_MAX; i++)
        if (t->codes[i].code && strcmp(t->codes[i].code, code) == 0)
            return &t->codes[i];
    return NULL;
}

static void grant_by_code(struct call *c, const char *code, const char *verifier)
{
    struct code *found = code_find(c->s->tokens, code);
    bool         good = found && standin_now(c->s) < found->until_ms;
    if (good && found->challenge) {
        char *challenge = verifier && strlen(verifier) == 43 ? pkce_challenge(verifier) : NULL;
        good = challenge && strcmp(challenge, found->challenge) == 0;
        free(challenge);
    }
    if (found) { /* used up, also by a failed try */
        set_string(&found->code, NULL);
        set_string(&found->challenge, NULL);
    }
    if (good)
        issue(c, true);
    else
        oauth_error(c, -14005, "Authorized code is invalid.");
}

static void grant_by_refresh(struct call *c, const char *refresh)
{
    struct tokens *t = c->s->tokens;
    if (!refresh || !t->refresh || strcmp(refresh, t->refresh) != 0 || standin_now(c->s) >= t->refresh_until_ms)
        oauth_error(c, -14014, "Invalid refresh token.");
    else
        issue(c, c->s->set.rotate_refresh);
}

static void access_token(struct call *c)
{
    struct evkeyvalq form = TAILQ_HEAD_INITIALIZER(form);
    const char      *type = call_header(c, "Content-Type"), *secret = call_header(c, "secret_key");
    if (c->method != EVHTTP_REQ_POST || !type || strncmp(type, "application/x-www-form-urlencoded", 33) != 0 ||
        evhttp_parse_query_str(c->body, &form) != 0) {
        oauth_error(c, -14018, "Grant type is invalid.");
        evhttp_clear_headers(&form);
        return;
    }
    const char *app_id = evhttp_find_header(&form, "app_id"), *grant = evhttp_find_header(&form, "grant_type");
    if (!app_id || strcmp(app_id, c->s->app_id) != 0)
        oauth_error(c, -14002, "App is invalid.");
    else if (!secret || strcmp(secret, c->s->app_secret) != 0)
        oauth_error(c, -14004, "Invalid secret key.");
    else if (grant && strcmp(grant, "refresh_token") == 0)
        grant_by_refresh(c, evhttp_find_header(&form, "refresh_token"));
    else if (grant && strcmp(grant, "authorization_code") == 0)
        grant_by_code(c, evhttp_find_header(&form, "code"), evhttp_find_header(&form, "code_verifier"));
    else
        oauth_error(c, -14018, "Grant type is invalid.");
    evhttp_clear_headers(&form);
}

/* ---- the consent page ---- */

static void html(struct call *c, const char *text)
{
    call_add_header(c, "Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'");
    call_text(c, 200, "text/html; charset=utf-8", text, strlen(text));
}

/* The three things a link of the console can get wrong; 0 when it is fine. */
static int link_error(const struct call *c)
{
    const char *app_id = call_query(c, "app_id"), *uri = call_query(c, "redirect_uri"), *saved = c->s->set.redirect_uri;
    if (!app_id || strcmp(app_id, c->s->app_id) != 0)
        return -14002;
    if (!uri || (strncmp(uri, "http://", 7) != 0 && strncmp(uri, "https://", 8) != 0) || (*saved && strcmp(uri, saved) != 0))
        return -14003;
    return 0;
}

static void permission(struct call *c)
{
    int wrong = link_error(c);
    if (wrong) {
        oauth_error(c, wrong, wrong == -14002 ? "Invalid app id." : "Invalid redirect uri.");
        return;
    }
    const char *challenge = call_query(c, "code_challenge"), *state = call_query(c, "state");
    char *uri = evhttp_uriencode(call_query(c, "redirect_uri"), -1, 0), *name = evhttp_htmlescape(c->s->oa_name);
    char *encoded_challenge = challenge ? evhttp_uriencode(challenge, -1, 0) : must_dup("");
    char *encoded_state = state ? evhttp_uriencode(state, -1, 0) : must_dup("");
    char *page = must_format(
        "<!doctype html><html lang=\"vi\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">"
        "<title>Cấp quyền</title><style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;padding:0 1rem}"
        "a{display:block;background:#0068ff;color:#fff;text-align:center;padding:.8rem;border-radius:.6rem;text-decoration:none}"
        "</style><h1>%s</h1><p>Ứng dụng <b>%s</b> xin quyền gửi tin và nhận sự kiện của Official Account này.</p>"
        "<a href=\"/v4/oa/permission/grant?app_id=%s&amp;redirect_uri=%s&amp;code_challenge=%s&amp;state=%s\">Đồng ý</a></html>",
        name, c->s->app_id, c->s->app_id, uri, encoded_challenge, encoded_state);
    html(c, page);
    free(page);
    free(encoded_state);
    free(encoded_challenge);
    free(name);
    free(uri);
}

static void grant(struct call *c)
{
    int wrong = link_error(c);
    if (wrong) {
        oauth_error(c, wrong, wrong == -14002 ? "Invalid app id." : "Invalid redirect uri.");
        return;
    }
    struct tokens *t = c->s->tokens;
    struct code   *code = &t->codes[t->next_code++ % CODES_MAX];
    const char    *challenge = call_query(c, "code_challenge"), *uri = call_query(c, "redirect_uri"), *state = call_query(c, "state");
    free(code->code);
    code->code = random_token(120);
    set_string(&code->challenge, challenge && *challenge ? challenge : NULL);
    code->until_ms = standin_now(c->s) + CODE_LIFETIME_MS;
    char *encoded_state = state && *state ? evhttp_uriencode(state, -1, 0) : NULL;
    char *to = must_format("%s%ccode=%s&oa_id=%s%s%s", uri, strchr(uri, '?') ? '&' : '?', code->code, c->s->oa_id,
                           encoded_state ? "&state=" : "", encoded_state ? encoded_state : "");
    call_add_header(c, "Location", to);
    free(encoded_state);
    free(to);
    call_text(c, 302, "text/plain", "", 0);
}

void oauth_route(struct call *c)
{
    if (strcmp(c->path, "/v4/oa/access_token") == 0)
        access_token(c);
    else if (strcmp(c->path, "/v4/oa/permission") == 0)
        permission(c);
    else if (strcmp(c->path, "/v4/oa/permission/grant") == 0)
        grant(c);
    else
        call_error(c, 404, NULL);
}
