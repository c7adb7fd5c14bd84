/* What the platform refuses in the body of a message (zalo-oa-api 2.3): limits, shapes, unknown uploads. */
#ifndef STANDIN_CHECK_H
#define STANDIN_CHECK_H

#include "standin.h"

struct check {
    int         code; /* 0: accepted */
    const char *why;  /* static; NULL: the usual sentence */
    const char *kind; /* of the accepted message, static */
    const char *asset; /* the upload it shows, or NULL; borrowed from the body */
    const char *url;   /* the address it shows, or NULL; borrowed */
};

/** Judges `message` (the member of that name of the request). */
struct check check_message(const struct standin *s, const cJSON *message);

#endif
