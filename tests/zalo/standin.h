/* The stand-in as a whole: who this OA is, what the tests have set, and the parts that do the work. */
#ifndef STANDIN_STANDIN_H
#define STANDIN_STANDIN_H

#include "util.h"

struct event_base;
struct evhttp;
struct people;
struct tokens;
struct webhook;
struct assets;
struct faults;
struct feed;
struct record;
struct state_file;

/* Everything a test may change at run time (POST /_admin/settings).  settings.c holds the table with the defaults and a
 * sentence about each. */
struct settings {
    int64_t rate_limit_per_minute, clock_offset_ms, deadline_ms, echo_delay_ms, api_delay_ms, access_lifetime_s;
    int64_t dead_token_error, webhook_connections, history_per_person, duplicate_window_ms, sub_quota, log_entries;
    double  ladder_factor;
    bool    retry, switch_off, list_messages, verified, require_proof, syntax_filter, timestamp_number, rotate_refresh;
    char   *retry_on, *echo, *receipts, *unknown_users, *quota_members, *redirect_uri, *package_valid_through;
};
void   settings_init(struct settings *set);
void   settings_done(struct settings *set);
/** @return NULL, or an owned sentence that says which member is unknown or has the wrong type; then nothing changed. */
char  *settings_apply(struct settings *set, const cJSON *wanted);
cJSON *settings_json(const struct settings *set);

struct standin {
    struct event_base *base;
    struct evhttp     *http;
    struct settings    set;
    char              *app_id, *app_secret, *oa_id, *oa_secret, *oa_name;
    char              *public_url; /* where the files under /cdn/ are fetched; no slash at the end */
    char              *page_dir;   /* NULL: the page built in */
    bool               quiet;
    cJSON             *phones; /* what the chat page shows; an array of {id, name, role, color} */
    struct people     *people;
    struct tokens     *tokens;
    struct webhook    *webhook;
    struct assets     *assets;
    struct faults     *faults;
    struct feed       *feed;
    struct record     *record;
    struct state_file *state; /* NULL: everything is forgotten at the end */
};

/** Epoch milliseconds as the stand-in sees them: the wall clock plus the test's clock_offset_ms. */
int64_t standin_now(const struct standin *s);
/** One line on stderr, unless --quiet. */
void    standin_say(const struct standin *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
