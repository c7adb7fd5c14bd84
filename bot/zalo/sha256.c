/* SHA-256: see sha256.h. */
#include "sha256.h"

#include <openssl/evp.h>
#include <string.h>

static EVP_MD *algorithm;
static EVP_MD_CTX *shared; /* initialising it again with the same algorithm allocates nothing */

bool sha256_init(void)
{
    if (!algorithm)
        algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (algorithm && !shared)
        shared = EVP_MD_CTX_new();
    return algorithm && shared;
}

bool sha256_parts(const struct str *part, size_t count, unsigned char out[static SHA256_BYTES])
{
    bool ok = sha256_init() && EVP_DigestInit_ex2(shared, algorithm, NULL) == 1;
    for (size_t i = 0; ok && i < count; i++)
        ok = part[i].n == 0 || EVP_DigestUpdate(shared, part[i].p, part[i].n) == 1;
    ok = ok && EVP_DigestFinal_ex(shared, out, NULL) == 1;
    if (!ok)
        memset(out, 0, SHA256_BYTES);
    return ok;
}

/* Never defined: a stream is the digest context itself under a name of its own. */
static EVP_MD_CTX *context_of(struct sha256_stream *s)
{
    return (EVP_MD_CTX *)s;
}

struct sha256_stream *sha256_stream_new(void)
{
    EVP_MD_CTX *c = sha256_init() ? EVP_MD_CTX_new() : NULL;
    if (c && EVP_DigestInit_ex2(c, algorithm, NULL) != 1) {
        EVP_MD_CTX_free(c);
        c = NULL;
    }
    return (struct sha256_stream *)c;
}

bool sha256_stream_add(struct sha256_stream *s, const void *bytes, size_t n)
{
    return EVP_DigestUpdate(context_of(s), bytes, n) == 1;
}

bool sha256_stream_end(struct sha256_stream *s, unsigned char out[static SHA256_BYTES])
{
    return EVP_DigestFinal_ex(context_of(s), out, NULL) == 1;
}

void sha256_stream_free(struct sha256_stream *s)
{
    EVP_MD_CTX_free(context_of(s));
}
