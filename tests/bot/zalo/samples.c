/* Samples, corpora and a signer for tests: see samples.h. */
#include "samples.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* after the headers it needs */
#include <cmocka.h>

#define SAMPLES SOURCE_ROOT "/tests/data/zalo-samples"

struct str file_read(TALLOC_CTX *ctx, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return (struct str){NULL, 0};
    char *bytes = talloc_size(ctx, 1 << 20);
    size_t n = fread(bytes, 1, (1 << 20) - 1, f);
    fclose(f);
    bytes[n] = '\0';
    return (struct str){talloc_realloc_size(ctx, bytes, n + 1), n};
}

struct str sample_body(TALLOC_CTX *ctx, const char *file)
{
    struct str body = file_read(ctx, talloc_asprintf(ctx, SAMPLES "/%s", file));
    if (!body.p)
        fail_msg("no sample %s", file);
    return body;
}

size_t samples_load(TALLOC_CTX *ctx, struct sample ret[static SAMPLES_MAX])
{
    struct str index = sample_body(ctx, "INDEX.md");
    size_t n = 0;
    for (const char *line = index.p; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        char file[64], mac[65];
        const char *end = strchrnul(line, '\n'), *at = memmem(line, (size_t)(end - line), "`mac=", 5);
        if (!at || sscanf(line, "| %63[^ |] |", file) != 1 || sscanf(at, "`mac=%64[0-9a-f]`", mac) != 1)
            continue;
        assert_true(n < SAMPLES_MAX);
        ret[n++] = (struct sample){
            .file = talloc_strdup(ctx, file),
            .header = talloc_asprintf(ctx, "mac=%s", mac),
            .body = sample_body(ctx, file),
        };
    }
    assert_true(n >= 22);
    return n;
}

char *sign(TALLOC_CTX *ctx, struct str app_id, struct str body, struct str timestamp, struct str secret)
{
    unsigned char digest[32];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    EVP_DigestUpdate(c, app_id.p, app_id.n);
    EVP_DigestUpdate(c, body.p, body.n);
    EVP_DigestUpdate(c, timestamp.p, timestamp.n);
    EVP_DigestUpdate(c, secret.p, secret.n);
    EVP_DigestFinal_ex(c, digest, NULL);
    EVP_MD_CTX_free(c);
    char *out = talloc_strdup(ctx, "mac=");
    for (size_t i = 0; i < sizeof(digest); i++)
        out = talloc_asprintf_append(out, "%02x", digest[i]);
    return out;
}

const char *corpus_folder(TALLOC_CTX *ctx, const char *name)
{
    const char *root = getenv("SANGKIEN_CORPORA");
    const char *path = talloc_asprintf(ctx, "%s/%s", root ? root : SOURCE_ROOT "/../shared/corpora", name);
    DIR *d = opendir(path);
    if (!d)
        return NULL;
    closedir(d);
    return path;
}

size_t corpus_each(TALLOC_CTX *ctx, const char *folder, void (*each)(const char *file, struct str text, void *arg),
                   void *arg)
{
    DIR *d = opendir(folder);
    assert_non_null(d);
    size_t n = 0;
    for (struct dirent *entry; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        struct str text = file_read(ctx, talloc_asprintf(ctx, "%s/%s", folder, entry->d_name));
        assert_non_null(text.p);
        each(entry->d_name, text, arg);
        n++;
    }
    closedir(d);
    return n;
}
