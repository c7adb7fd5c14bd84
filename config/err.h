/* Errors carry a kind, for the caller to decide on, and a sentence, for the log line. */
#ifndef SANGKIEN_CONFIG_ERR_H
#define SANGKIEN_CONFIG_ERR_H

#include <stdbool.h>

enum err_kind {
    ERR_NONE = 0,
    ERR_INVALID,     /* the input is wrong; a repeat will not help */
    ERR_NOT_FOUND,
    ERR_TIMEOUT,     /* a deadline passed; the outcome may be unknown */
    ERR_UNAVAILABLE, /* the other side is away; a repeat later may help */
    ERR_CONFLICT,    /* somebody else was faster */
    ERR_NOMEM,
    ERR_SYSTEM,      /* the operating system said no */
};

struct err {
    enum err_kind kind;
    char sqlstate[6]; /* set where PostgreSQL answered, else empty */
    char msg[512];    /* lower case, no full stop: what, the value, the reason */
};

/** Fills `e` (NULL is fine). @return always false, so that `return err_set(...)` reads well. */
bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/** Puts "while ...: " in front of the sentence already there. @return always false. */
bool err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
