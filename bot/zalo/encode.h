/* What the bot says becomes requests of the OA API: paths and JSON bodies.  Pure; client.h sends them.
 * Source: zalo-oa-api.md 2.3 (text, quote, buttons), 2.5 (anonymous visitors), 4.1 (consent), 5 (other calls). */
#ifndef SANGKIEN_BOT_ZALO_ENCODE_H
#define SANGKIEN_BOT_ZALO_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "answer.h"
#include "err.h"
#include "rows.h"
#include "str.h"

#define ZALO_PATH_CS "/v3.0/oa/message/cs"
#define ZALO_PATH_TEMPLATE "/v3.0/oa/message/template"
#define ZALO_PATH_ANONYMOUS "/v2.0/oa/message"
#define ZALO_PATH_CONVERSATION "/v2.0/oa/conversation"
#define ZALO_PATH_RECENT "/v2.0/oa/listrecentchat"
#define ZALO_PATH_OA "/v2.0/oa/getoa"
#define ZALO_PATH_UPLOAD_FILE "/v2.0/oa/upload/file" /* pdf, doc, docx, csv (2.7) */
#define ZALO_PATH_USER "/v3.0/oa/user/detail"

enum {
    ZALO_TEXT_UNITS = 2000,    /* UTF-16 units of one text; longer is refused with -210 */
    ZALO_TITLE_CHARS = 100,    /* of a button; longer ones are cut */
    ZALO_PAYLOAD_CHARS = 1000, /* of a button */
    ZALO_PARTS_MAX = 16,       /* messages one reply may become */
};

/* One POST: path is a constant, body is JSON owned by the context it was made in. */
struct zalo_request {
    const char *path;
    char *body;
    size_t body_n;
};

struct zalo_encode_options {
    bool template_type_button; /* also write "template_type":"button"; whether Zalo wants it is disputed (2.3) */
};

/**
 * Encodes a reply as one or more messages, to be sent in order.
 *
 * A text of more than ZALO_TEXT_UNITS is split with text_split(); the quote goes on the first part, the buttons on the last.
 * A button's payload goes out as oa.query.hide, but "https://..." opens a page (oa.open.url) and "tel:..." dials
 * (oa.open.phone).  An anonymous visitor (reply->anonymous_conversation_id) gets the text only: neither buttons nor quotes
 * exist there.  A file (reply->file_token) is a message of its own behind the text.  For a retry without an expired quote, clear reply->quote_msg_id.
 *
 * @param[out] ret, ret_count  owned by ctx; 1 to ZALO_PARTS_MAX requests.  Untouched on failure.
 * @return false with ERR_INVALID (no person, no text, too long, a payload over its limit) or ERR_NOMEM.
 */
bool zalo_encode_parts(TALLOC_CTX *ctx, const struct reply *reply, const struct zalo_encode_options *options,
                       struct zalo_request **ret, size_t *ret_count, struct err *e);

/** A file as the one part "file" of a form (RFC 7578), between lines of `boundary`.  Owned by ctx; NULL: no memory. */
char *zalo_encode_file_form(TALLOC_CTX *ctx, const char *boundary, const char *name, struct str content, size_t *ret_n);

/** A message by an approved template: reaches people who were silent longer than seven days (2.9).
 *  @param data_json  an object, the template's fields. @return false with ERR_INVALID or ERR_NOMEM. */
bool zalo_encode_template(TALLOC_CTX *ctx, const char *user_id, const char *template_id, const char *data_json, struct zalo_request *ret,
                          struct err *e);

/* The member `data` of GET requests, JSON owned by ctx, NULL for lack of memory. */

/** For ZALO_PATH_USER. */
char *zalo_encode_user(TALLOC_CTX *ctx, const char *user_id);

/** For ZALO_PATH_CONVERSATION: newest first; `count` is at most 10 for Zalo. */
char *zalo_encode_conversation(TALLOC_CTX *ctx, const char *user_id, int offset, int count);

/** For ZALO_PATH_RECENT: the conversations, that with the newest message first; `count` is at most 10. */
char *zalo_encode_page(TALLOC_CTX *ctx, int offset, int count);

/**
 * The webhook body that a message of the conversation call had, as far as the call tells: event name, msg_id and thus the event
 * key are the same.  @return false for what the call does not tell (files, videos, cards come as a text without text).
 */
bool zalo_encode_event(TALLOC_CTX *ctx, const char *app_id, const char *oa_id, const struct zalo_spoken *said, struct str *ret);

/**
 * The link an admin of the OA opens to grant the app its permissions.
 * @param verifier  PKCE verifier (43 characters) whose challenge goes into the link; NULL: none.
 * @param state     comes back with the code; NULL: none.
 * @return owned by ctx, NULL for lack of memory.  The code is good for ten minutes, once.
 */
char *zalo_encode_consent_url(TALLOC_CTX *ctx, const char *oauth_url, const char *app_id, const char *redirect_uri,
                              const char *verifier, const char *state);

/** `text` percent-encoded for a query or form (RFC 3986 unreserved characters stay), owned by ctx. */
char *zalo_encode_percent(TALLOC_CTX *ctx, struct str text);

#endif
