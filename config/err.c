/* Errors: see err.h. */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool err_set(struct err *e, enum err_kind kind, const char *fmt, ...)
{
    if (!e)
        return false;
    e->kind = kind;
    e->sqlstate[0] = '\0';
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    return false;
}

/* Appends what fits; a sentence that is cut is better than none. */
static void append(char *to, size_t room, const char *text)
{
    size_t used = strnlen(to, room - 1), n = strnlen(text, room - 1 - used);
    memcpy(to + used, text, n);
    to[used + n] = '\0';
}

bool err_wrap(struct err *e, const char *fmt, ...)
{
    if (!e)
        return false;
    char inner[sizeof(e->msg)];
    memcpy(inner, e->msg, sizeof(inner));
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
    va_end(ap);
    append(e->msg, sizeof(e->msg), ": ");
    append(e->msg, sizeof(e->msg), inner);
    return false;
}
