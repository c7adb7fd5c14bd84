/* Every setting: one table in settings.c, one struct to read from.
 *
 * A value comes from the default, the YAML file (section: key:), or the environment (SANGKIEN_SECTION_KEY), the later one
 * winning.  A secret may also be the content of a file: `key_file:` or SANGKIEN_SECTION_KEY_FILE.  What is unknown or of the
 * wrong kind is refused at start with the place, the value and what was expected.  Adding a key is one row and one member. */
#ifndef SANGKIEN_CONFIG_SETTINGS_H
#define SANGKIEN_CONFIG_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "hours.h"
#include "log.h"

#define SETTINGS_DEFAULT_PATH "/etc/sangkien/sangkien.yaml"

struct listen_address {
    const char *text; /* as written: "127.0.0.1:8080", "[::1]:8080"; never NULL after loading */
    const char *host; /* numeric address without brackets */
    uint16_t port;    /* 0: the system chooses */
};

struct string_list {
    const char *const *item;
    size_t count;
};

struct key_bytes {
    bool set;
    unsigned char byte[32];
};

/* Strings are never NULL ("" when not set) and live until settings_free(). */
struct settings {
    struct {
        struct listen_address listen;
        struct listen_address admin_listen; /* equal to listen unless set */
        int64_t workers;
        int64_t max_connections; /* per worker */
        const char *node;        /* name of this node in leases and logs; the host name unless set */
    } server;
    struct {
        const char *url; /* libpq connection string or URI */
        bool named_statements;
    } database;
    struct {
        const char *app_id, *app_secret;
        const char *oa_id, *oa_secret_key, *oa_secret_key_previous;
        const char *verification; /* file name or code of the domain verification */
        const char *api_url, *oauth_url; /* without a slash at the end */
        const char *access_token, *refresh_token;
        struct key_bytes token_key;
        const char *ca_file;
        bool appsecret_proof;
        bool button_template_type;
    } zalo;
    struct {
        const char *path; /* folder */
        int64_t after_ms;
        int64_t max_mb;
    } spool;
    struct {
        const char *path; /* folder */
        int64_t max_mb;   /* one piece */
        struct string_list allow_hosts; /* "host", "host:port", or ".domain" for all below it */
    } evidence;
    struct {
        int64_t quiet_ms;
        int64_t per_minute; /* of one person, answered; 0: no bound */
    } chat;
    struct {
        int64_t per_minute;
    } send;
    struct {
        struct hours staff, broadcast;
        struct holidays holidays;
    } hours;
    struct {
        int64_t answer_minutes, wait_minutes, silence_minutes, admin_minutes;
    } support;
    struct {
        int64_t confirm_over, confirm_ms;
    } broadcast;
    struct {
        int64_t draft_hours, returned_hours, wave_days; /* 0: never */
        bool charged; /* also people whose free window is over */
    } nudge;
    struct {
        int64_t message_vnd;
    } price;
    struct {
        int64_t silence_ms; /* 0: never */
    } watch;
    struct {
        int64_t message_days;
    } retention;
    struct {
        int64_t level; /* enum log_level */
        int64_t json;  /* log.format: 0 text, 1 json */
    } log;
    struct {
        const char *file; /* catalogue that replaces the built-in one; "" for none */
    } texts;
    void *memory; /* owns the strings */
};

/**
 * Reads the settings: `path`, which must exist, or SETTINGS_DEFAULT_PATH when it is there and `path` is NULL; then the
 * environment.  Secrets are registered with log_hide().
 * @param[out] ret  free with settings_free(); untouched on failure.
 * @return false with ERR_NOT_FOUND (no such file), ERR_INVALID (a sentence for the operator), ERR_SYSTEM or ERR_NOMEM.
 */
bool settings_load(const char *path, struct settings *ret, struct err *e);

/** The same from text instead of a file; `name` stands for the file in errors.  No environment when `env` is false. */
bool settings_load_text(const char *name, struct str text, bool env, struct settings *ret, struct err *e);

/**
 * Loads again and takes over what may change while the program runs; what needs a restart is named in a warning.
 * On failure nothing changes.
 */
bool settings_reload(const char *path, struct settings *s, struct err *e);

/** Forgets the secrets and frees. NULL and zeroed structs are fine. */
void settings_free(struct settings *s);

/** All keys with type, default and one line of help. */
void settings_print_help(FILE *out);

#endif
