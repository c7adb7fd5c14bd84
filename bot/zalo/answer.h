/* What Zalo's answers mean: one table says for every code what a sender does about it.
 *
 * The OA API answers HTTP 200 with `error` in the body, the OAuth host likewise with other texts, so the body decides and
 * the status line only where there is no readable body.  Members may come as strings or numbers and may be missing one by
 * one; a missing quota is not an empty one (zalo-oa-api.md 0.1, 2.2).  Bodies are read by the rules of json.h, at most
 * ZALO_ANSWER_BYTES_MAX of them.  Source: zalo-oa-api.md 2.2, 4.2, 4.4, 5, 6.1. */
#ifndef SANGKIEN_BOT_ZALO_ANSWER_H
#define SANGKIEN_BOT_ZALO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

enum { ZALO_ANSWER_BYTES_MAX = 256 * 1024, ZALO_CONVERSATION_MAX = 10 };

/* Code of the answer when the app or OA sent too much in a minute: every sender slows down, not only this row. */
enum { ZALO_CODE_RATE_LIMIT = -32 };

/* What a sender does.  Order: never compare with < or >. */
enum zalo_class {
    ZALO_OK,
    ZALO_RETRY,           /* later, with backoff */
    ZALO_TOKEN,           /* re-read the token; refresh it when it is still the one used; retry once (4.3) */
    ZALO_DROP,            /* permanent for this person until something inbound comes */
    ZALO_POISON,          /* the request itself is wrong: dead-letter, tell a developer */
    ZALO_STOP,            /* stop sending for this OA, tell an operator */
    ZALO_QUOTA,           /* wait for the quota to reset */
    ZALO_NIGHT,           /* wait for the morning */
    ZALO_UNKNOWN_OUTCOME, /* it may have been taken: settle by echo, receipt or conversation call before any retry */
    ZALO_CLASS_COUNT
};

/** "ok", "retry", ...: a metric label. */
const char *zalo_class_name(enum zalo_class class);

/* A call's outcome.  Strings are never NULL unless said so. */
struct zalo_answer {
    enum zalo_class class;
    int code;              /* of the body; 0 where there is none */
    const char *meaning;   /* ours, in English, static: for logs and the operator */
    bool known;            /* false: the code is not in the table; count and alert */
    int tries_max;         /* of this row with this outcome in a row, 0: the sender's general bound */
    const char *message;   /* Zalo's prose, cut to 200 characters, without control characters; "" when absent */
    const char *message_id; /* of what was sent; NULL when absent */
    const char *quota_type; /* reply, welcome_msg, sub_quota, purchase_quota, reward_quota; NULL: absent */
    int64_t quota_remain, quota_total; /* -1: absent, which does not mean zero (since 2026-03 they are absent) */
    bool charged;          /* sent, and no free quota was named: costs money (2.2) */
    int http_status;       /* 0: no answer came */
    /* Filled by the client: */
    bool written;          /* part of the request's body was handed to the connection */
    int rate_remain;       /* X-RateLimit-Remain; -1: absent */
};

/**
 * Reads the answer to a call of the OA API.
 * @param http_status  of the answer, 100 to 599.
 * @param body         borrowed; the strings of *ret are owned by ctx.
 * A 2xx whose body is not what the API writes is ZALO_UNKNOWN_OUTCOME: the call was taken.  Without a readable body
 * anything else is ZALO_RETRY, but 401 ZALO_TOKEN and 404 ZALO_POISON.  Lack of memory reads as an unreadable body.
 */
void zalo_answer_read(TALLOC_CTX *ctx, int http_status, struct str body, struct zalo_answer *ret);

/** The outcome when no whole answer came: ZALO_UNKNOWN_OUTCOME when the request may have been taken (written, and no
 *  status that says otherwise), else ZALO_RETRY.  `why` must outlive *ret; it becomes the message. */
void zalo_answer_lost(int http_status, bool written, const char *why, struct zalo_answer *ret);

/** The outcome of a code of openapi.zalo.me; `message` tells the two meanings of -223 apart. */
enum zalo_class zalo_classify(int code, struct str message, const char **ret_meaning);

/* ---- OAuth (oauth.zaloapp.com) ---- */

struct zalo_tokens {
    const char *access_token;     /* never empty */
    const char *refresh_token;    /* NULL: none came, keep the one you have (4.2) */
    int64_t expires_in_s;         /* 90000 when absent */
    int64_t refresh_expires_in_s; /* 0: not said */
};

/**
 * Reads the answer of the token endpoint; codes of section 4.4: ZALO_TOKEN for a refresh token that is spent (re-read the
 * row; else consent is needed), ZALO_STOP, ZALO_POISON, ZALO_RETRY (tries_max 3) for unknown ones.  ZALO_UNKNOWN_OUTCOME: the
 * old refresh token may be spent.
 * @param[out] tokens  written when ret->class is ZALO_OK; owned by ctx.  Secrets.
 */
void zalo_oauth_read(TALLOC_CTX *ctx, int http_status, struct str body, struct zalo_tokens *tokens,
                     struct zalo_answer *ret);

/* ---- answers of the GET calls; each is false when the body is not a successful answer of that call ---- */

struct zalo_spoken {
    bool by_oa;     /* src 0 */
    int64_t at_ms;  /* 0: absent */
    const char *type;
    const char *text;       /* as Zalo gives it, not cleaned; "" when absent */
    const char *message_id; /* NULL: absent */
    const char *from_id, *to_id;
    const char *url;        /* of a picture, voice note or link; NULL: absent */
};

/** The conversation call: newest first, at most ZALO_CONVERSATION_MAX. */
bool zalo_read_conversation(TALLOC_CTX *ctx, struct str body, struct zalo_spoken ret[static ZALO_CONVERSATION_MAX],
                            size_t *ret_count);

/** The answer to an upload: what a message names the file by. Owned by ctx; NULL: it is no such answer. */
const char *zalo_read_upload(TALLOC_CTX *ctx, struct str body);

struct zalo_oa {
    const char *oa_id, *name, *package_name, *package_valid_through; /* NULL: absent */
    bool is_verified, verified_known; /* the second: Zalo said either */
    int64_t followers; /* -1: absent */
};

bool zalo_read_oa(TALLOC_CTX *ctx, struct str body, struct zalo_oa *ret);

struct zalo_user {
    const char *user_id, *display_name;
    const char *last_interaction; /* "DD/MM/YYYY" */
    const char *shared_name, *shared_phone;
    bool is_follower;
};

bool zalo_read_user(TALLOC_CTX *ctx, struct str body, struct zalo_user *ret);

#endif
