/* Fuzzes what Zalo posts: verification with a right signature, then decoding, then the event key.
 *
 * An input with an app_id of its own is the body as it stands.  Any other continues `{"app_id":...,"timestamp":...` in place
 * of its first brace, so that mutations of the rest still carry a right hash.  Seeds: tests/data/zalo-samples, any JSON. */
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "json.h"
#include "signature.h"

#define APP "360846524940903967"
#define STAMP "1714476720123"
#define SECRET "test-oa-secret"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *promise)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

/* Without the code under test. */
static void sign(struct str body, char header[static 69])
{
    unsigned char digest[32];
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    EVP_DigestInit_ex(c, EVP_sha256(), NULL);
    EVP_DigestUpdate(c, APP, strlen(APP));
    EVP_DigestUpdate(c, body.p, body.n);
    EVP_DigestUpdate(c, STAMP, strlen(STAMP));
    EVP_DigestUpdate(c, SECRET, strlen(SECRET));
    EVP_DigestFinal_ex(c, digest, NULL);
    EVP_MD_CTX_free(c);
    memcpy(header, "mac=", 4);
    for (size_t i = 0; i < sizeof(digest); i++)
        snprintf(header + 4 + 2 * i, 3, "%02x", digest[i]);
}

static void check_text(const char *s)
{
    for (size_t n = s ? strlen(s) : 0; n > 0;) {
        size_t step = utf8_sequence(s, n);
        must(step > 0, "every text is valid UTF-8");
        s += step;
        n -= step;
    }
}

static void check_id(const char *s)
{
    check_text(s);
    must(!s || (s[0] && strlen(s) <= INBOUND_ID_MAX), "ids have 1 to 128 bytes");
    for (; s && *s; s++)
        must((unsigned char)*s >= 0x20 && *s != 0x7f, "ids hold no control characters");
}

static void check_inbound(const struct inbound *in)
{
    must(in->kind < IN_KIND_COUNT && in->kind != IN_MAIL, "kind is one of Zalo's");
    must((in->kind == IN_IGNORED) == (zalo_ignored_reason(in) != NULL), "what is ignored has a reason");
    must(in->user_id != NULL, "user_id is there");
    must(in->kind == IN_IGNORED || in->kind == IN_REVOKED || (in->oa_id && strcmp(in->user_id, ZALO_NOBODY) != 0),
         "an event for us has OA and person");
    must(in->kind != IN_TEXT || in->text, "a text has text");
    must(in->attachment_count <= INBOUND_ATTACHMENTS_MAX && in->seen_count <= INBOUND_ATTACHMENTS_MAX, "lists are bounded");
    const char *const id[] = {in->app_id, in->oa_id, in->user_id, in->msg_id, in->quote_msg_id, in->conversation_id, in->admin_id};
    for (size_t i = 0; i < ARRAY_LEN(id); i++)
        check_id(id[i]);
    for (size_t i = 0; i < in->seen_count; i++)
        check_id(in->seen_ids[i]);
    check_text(in->event_name);
    check_text(in->text);
    check_text(in->reaction);
    check_text(in->info_name);
    check_text(in->info_phone);
    for (size_t i = 0; i < in->attachment_count; i++) {
        const struct attachment *a = &in->attachment[i];
        const char *const text[] = {a->type, a->url, a->name, a->description, a->latitude, a->longitude};
        for (size_t k = 0; k < ARRAY_LEN(text); k++)
            check_text(text[k]);
        must(a->size_bytes >= -1, "sizes are not negative");
    }
}

static bool decode(TALLOC_CTX *ctx, struct str body, const struct zalo_identity *identity)
{
    unsigned char key[ZALO_EVENT_KEY_BYTES];
    struct inbound *in = NULL;
    struct err e = {0};
    if (!zalo_decode(ctx, body, identity, &in, &e)) {
        must(in == NULL && e.kind == ERR_INVALID && e.msg[0], "a refusal says why");
        return false;
    }
    check_inbound(in);
    must(zalo_event_key(in, body, key), "a key can be made");
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char head[] = "{\"app_id\":\"" APP "\",\"timestamp\":\"" STAMP "\"";
    static const char *const oa_ids[] = {"388613280878808645"};
    static const struct zalo_identity identity = {APP, oa_ids, 1};
    const struct zalo_secrets secrets = {.current = STR(SECRET), .previous = STR("old"), .oa_ids = oa_ids, .oa_count = 1};

    must(zalo_signature_init(), "sha-256 is there");
    const struct str plain = {(const char *)data, size};
    must(zalo_verify(plain, STR("mac=e9bd5dec71713fe915b822c7a593ba005f8ccb6032d2a33b93903b3e755c1788"), 1, &secrets) != ZALO_SIGNED,
         "nobody guesses a hash");
    must(zalo_verify(STR("{}"), plain, 1, &secrets) != ZALO_SIGNED, "any bytes may be in the header");

    TALLOC_CTX *ctx = talloc_new(NULL);
    must(ctx != NULL, "memory");
    if (memmem(data, size, "\"app_id\"", 8)) {
        decode(ctx, plain, &identity);
        talloc_free(ctx);
        return 0;
    }
    char *bytes = talloc_size(ctx, sizeof(head) + size);
    must(bytes != NULL, "memory");
    memcpy(bytes, head, sizeof(head) - 1);
    memcpy(bytes + sizeof(head) - 1, data, size);
    if (size > 0 && data[0] == '{')
        bytes[sizeof(head) - 1] = ',';
    const struct str body = {bytes, sizeof(head) - 1 + size};
    char header[69];
    sign(body, header);
    enum zalo_verdict verdict = zalo_verify(body, str_of(header), 1, &secrets);
    must(verdict == ZALO_SIGNED || verdict == ZALO_BAD_BODY, "a right hash is never called forged");
    must(!decode(ctx, body, &identity) || verdict == ZALO_SIGNED, "the scanner takes what the reader takes");
    talloc_free(ctx);
    return 0;
}
