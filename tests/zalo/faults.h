/* Faults that tests switch on: which requests they befall, and what is done to them. */
#ifndef STANDIN_FAULTS_H
#define STANDIN_FAULTS_H

#include "standin.h"

/* NONE; STATUS: an HTTP error with an HTML body; RESET: a TCP reset; STALL: no answer for `ms`; SLOW_BODY: one byte each
 * `ms`; ENDLESS: a body that never ends; GARBAGE: 200 with what is no JSON; BAD_HTTP: bytes that are no HTTP; TRUNCATED: the
 * answer's first half; CLOSE: closed without a byte; ERROR: {"error": code}; DELAY: the right answer `ms` later; PASS: the
 * right answer (with echo_first). */
enum fault_kind { FAULT_NONE, FAULT_STATUS, FAULT_RESET, FAULT_STALL, FAULT_SLOW_BODY, FAULT_ENDLESS, FAULT_GARBAGE,
                  FAULT_BAD_HTTP, FAULT_TRUNCATED, FAULT_CLOSE, FAULT_ERROR, FAULT_DELAY, FAULT_PASS };

struct fault {
    enum fault_kind kind;
    bool            processed;  /* the request takes effect before the fault strikes */
    bool            echo_first; /* the echo is delivered, and answered, before the send call is */
    int             code;       /* HTTP status, or the error code */
    int64_t         ms;
    char            message[128];
};

struct faults *faults_new(void);
void           faults_free(struct faults *f);
/** Adds what POST /_admin/fault describes. @return NULL, or an owned sentence saying what is wrong. */
char          *faults_add(struct faults *f, const cJSON *wanted);
void           faults_clear(struct faults *f);
/** The fault that befalls this request, used up by one; .kind FAULT_NONE when there is none. */
struct fault   faults_take(struct faults *f, const char *path, const char *body, size_t n);
cJSON         *faults_json(const struct faults *f);

#endif
