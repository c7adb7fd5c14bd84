/* The OA's grant: one access token, one refresh token, authorization codes; what was once good is remembered as dead. */
#ifndef STANDIN_TOKENS_H
#define STANDIN_TOKENS_H

#include "call.h"
#include "standin.h"

struct tokens *tokens_new(struct standin *s);
void           tokens_free(struct tokens *t);
/** Installs a pair as if it had just been issued; NULL leaves that half alone. */
void           tokens_set(struct standin *s, const char *access, const char *refresh);
/** Whether a pair is known, from the state file or the command line. */
bool           tokens_known(const struct standin *s);
/** 0 when `access` is good now, else the error code a call with it gets. */
int            tokens_check(const struct standin *s, const char *access);
/** POST /_admin/token: see the README. @return NULL or an owned sentence. */
char          *tokens_apply(struct standin *s, const cJSON *wanted);
cJSON         *tokens_json(const struct standin *s);
void           tokens_load(struct standin *s, const cJSON *saved);

/** /v4/oa/access_token, /v4/oa/permission and the button of its page. */
void oauth_route(struct call *c);

#endif
