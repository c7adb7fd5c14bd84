/* One setting: its row in the table and how its value is read from text.  Used by settings.c only. */
#ifndef SANGKIEN_CONFIG_SETTINGS_VALUE_H
#define SANGKIEN_CONFIG_SETTINGS_VALUE_H

#include <sys/types.h>

#include "settings.h"

enum setting_type {
    T_STRING,
    T_SECRET,
    T_INT,
    T_DURATION_MS,
    T_BOOL,
    T_CHOICE, /* stored as the index in `choices` */
    T_ADDRESS,
    T_URL,
    T_KEY, /* 32 bytes as 64 hex digits; a secret */
    T_LIST,
    T_HOURS,
    T_HOLIDAYS,
};

struct setting {
    const char *section, *key;
    enum setting_type type;
    size_t at; /* offset in struct settings */
    const char *fallback;
    const char *help;
    int64_t least, most;        /* T_INT, T_DURATION_MS */
    const char *unit;           /* T_INT */
    const char *const *choices; /* T_CHOICE, NULL-terminated */
    bool live;                  /* settings_reload() takes it over; only types stored by value */
};

enum { SETTING_PLACE_MAX = 300 };

/* Where a value stands and what it is, for the error sentence. */
struct found {
    char place[SETTING_PLACE_MAX]; /* "sangkien.yaml:12: spool.after_ms" or "SANGKIEN_SPOOL_AFTER_MS" */
    struct str value;
};

/** True when the value must not show in errors and logs, and may come from a file. */
bool setting_is_secret(const struct setting *d);

/** The member of *s that the row describes. */
void *setting_slot(struct settings *s, const struct setting *d);

/** Reads f->value into its member; strings are owned by s->memory. @return false with ERR_INVALID or ERR_NOMEM. */
bool setting_read(struct settings *s, const struct setting *d, const struct found *f, struct err *e);

/** The same with the content of the file that f->value names; refuses one that others may read. */
bool setting_read_file(struct settings *s, const struct setting *d, struct found *f, struct err *e);

/**
 * A whole file of at most `most` bytes, owned by s->memory.
 * @param[out] mode  its permission bits. @return false with ERR_NOT_FOUND, ERR_INVALID, ERR_SYSTEM or ERR_NOMEM.
 */
bool setting_file_bytes(struct settings *s, const char *path, size_t most, struct str *ret, mode_t *mode, struct err *e);

#endif
