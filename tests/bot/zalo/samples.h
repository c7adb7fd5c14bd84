/* What the tests of bot/zalo share: the sample bodies with their signatures, corpora of others, and a signer of its own. */
#ifndef SANGKIEN_TESTS_BOT_ZALO_SAMPLES_H
#define SANGKIEN_TESTS_BOT_ZALO_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "str.h"

#define SAMPLE_SECRET "test-oa-secret"

struct sample {
    const char *file;   /* "user_send_text-1.json" */
    const char *header; /* X-ZEvent-Signature by INDEX.md */
    struct str body;
};

enum { SAMPLES_MAX = 64 };

/** Reads tests/data/zalo-samples by its INDEX.md; fails the test when there are none. */
size_t samples_load(TALLOC_CTX *ctx, struct sample ret[static SAMPLES_MAX]);

/** The sample of that file name; fails the test when it is missing. */
struct str sample_body(TALLOC_CTX *ctx, const char *file);

/** "mac=" and the hash of app_id, body, timestamp and secret, computed without the code under test. */
char *sign(TALLOC_CTX *ctx, struct str app_id, struct str body, struct str timestamp, struct str secret);

/** Whole file, NUL-terminated behind its end; {NULL, 0} when it cannot be read. */
struct str file_read(TALLOC_CTX *ctx, const char *path);

/** A folder of the public corpora ("json/test_parsing"), NULL when this machine does not have them. */
const char *corpus_folder(TALLOC_CTX *ctx, const char *name);

/** Calls `each` for every file of the folder, in no order. @return how many. */
size_t corpus_each(TALLOC_CTX *ctx, const char *folder, void (*each)(const char *file, struct str text, void *arg),
                   void *arg);

#endif
