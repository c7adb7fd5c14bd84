/* Tokens at rest: see seal.h. */
#include "seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>

#include "durable.h"
#include "log.h"
#include "scoped.h"
#include "secret.h"
#include "settings.h"

#define KEY_FILE "token.key"

enum { PLAIN_BYTES_MAX = 1024 * 1024, HEX_BYTES = SEAL_KEY_BYTES * 2 };

SCOPED_DEFINE(cipher, EVP_CIPHER_CTX *, EVP_CIPHER_CTX_free)

/* ---- the key ---- */

static int key_wipe(struct seal_key *key)
{
    OPENSSL_cleanse(key, sizeof(*key));
    return 0;
}

static struct seal_key *key_new(TALLOC_CTX *ctx, struct err *e)
{
    struct seal_key *key = talloc_zero(ctx, struct seal_key);
    if (key)
        talloc_set_destructor(key, key_wipe);
    else
        err_set(e, ERR_NOMEM, "out of memory for the token key");
    return key;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool key_from_hex(struct seal_key *key, struct str hex)
{
    if (hex.n != HEX_BYTES)
        return false;
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++) {
        int high = hex_value(hex.p[2 * i]), low = hex_value(hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key->byte[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

static bool key_read_file(struct seal_key *key, const char *folder, struct err *e)
{
    struct str text;
    if (!durable_read(key, folder, KEY_FILE, &text, e))
        return false;
    while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
        text.n--;
    if (!key_from_hex(key, text))
        return err_set(e, ERR_INVALID, "%s/" KEY_FILE " does not hold 64 hex digits", folder);
    const char *hex = secret_copy(key, text);
    if (hex)
        log_hide(hex);
    return true;
}

static bool key_make_file(const char *folder, struct err *e)
{
    unsigned char fresh[SEAL_KEY_BYTES];
    char hex[HEX_BYTES + 2];
    if (RAND_priv_bytes(fresh, sizeof(fresh)) != 1)
        return err_set(e, ERR_SYSTEM, "OpenSSL gave no random bytes for the token key");
    for (size_t i = 0; i < SEAL_KEY_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", fresh[i]);
    hex[HEX_BYTES] = '\n';
    bool ok = durable_write(folder, KEY_FILE, (struct str){hex, HEX_BYTES + 1}, false, e);
    OPENSSL_cleanse(fresh, sizeof(fresh));
    OPENSSL_cleanse(hex, sizeof(hex));
    if (!ok && e->kind == ERR_CONFLICT)
        return true; /* another process was faster: its key counts */
    if (ok)
        log_info("made a key for stored tokens: %s/" KEY_FILE " (keep a copy apart from the database's backups)", folder);
    return ok;
}

static struct seal_key *key_get(TALLOC_CTX *ctx, const struct settings *s, bool make, struct err *e)
{
    struct seal_key *key = key_new(ctx, e);
    if (!key)
        return NULL;
    if (s->zalo.token_key.set) {
        memcpy(key->byte, s->zalo.token_key.byte, sizeof(key->byte));
        return key;
    }
    struct err why = {0};
    bool ok = key_read_file(key, s->spool.path, &why);
    if (!ok && make && why.kind == ERR_NOT_FOUND)
        ok = key_make_file(s->spool.path, &why) && key_read_file(key, s->spool.path, &why);
    if (ok)
        return key;
    talloc_free(key);
    if (e)
        *e = why;
    return NULL;
}

struct seal_key *seal_key_load(TALLOC_CTX *ctx, const struct settings *s, struct err *e)
{
    return key_get(ctx, s, true, e);
}

struct seal_key *seal_key_find(TALLOC_CTX *ctx, const struct settings *s, struct err *e)
{
    return key_get(ctx, s, false, e);
}

/* ---- values ---- */

bool seal_close(TALLOC_CTX *ctx, const struct seal_key *key, struct str about, struct str plain, struct str *ret, struct err *e)
{
    SCOPED(cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (plain.n > PLAIN_BYTES_MAX || about.n > PLAIN_BYTES_MAX)
        return err_set(e, ERR_INVALID, "%zu bytes are too many to seal", plain.n);
    unsigned char *out = talloc_array(ctx, unsigned char, (unsigned)(plain.n + SEAL_OVERHEAD));
    if (!c || !out) {
        talloc_free(out);
        return err_set(e, ERR_NOMEM, "out of memory for sealing");
    }
    unsigned char *body = out + SEAL_NONCE_BYTES;
    int n = 0;
    bool ok = RAND_bytes(out, SEAL_NONCE_BYTES) == 1 && EVP_EncryptInit_ex2(c, EVP_aes_256_gcm(), key->byte, out, NULL) == 1 &&
              (about.n == 0 || EVP_EncryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) == 1) &&
              (plain.n == 0 || EVP_EncryptUpdate(c, body, &n, (const unsigned char *)plain.p, (int)plain.n) == 1) &&
              EVP_EncryptFinal_ex(c, body + plain.n, &n) == 1 &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_BYTES, body + plain.n) == 1;
    if (!ok) {
        talloc_free(out);
        return err_set(e, ERR_SYSTEM, "OpenSSL could not seal a value");
    }
    *ret = (struct str){(const char *)out, plain.n + SEAL_OVERHEAD};
    return true;
}

bool seal_open(TALLOC_CTX *ctx, const struct seal_key *key, struct str about, struct str sealed, struct str *ret, struct err *e)
{
    SCOPED(cipher) EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    if (sealed.n < SEAL_OVERHEAD || sealed.n > PLAIN_BYTES_MAX + SEAL_OVERHEAD)
        return err_set(e, ERR_INVALID, "%zu bytes are no sealed value", sealed.n);
    size_t plain_n = sealed.n - SEAL_OVERHEAD;
    char *out = secret_room(ctx, plain_n);
    if (!c || !out) {
        talloc_free(out);
        return err_set(e, ERR_NOMEM, "out of memory for opening a sealed value");
    }
    const unsigned char *bytes = (const unsigned char *)sealed.p;
    unsigned char tag[SEAL_TAG_BYTES]; /* a copy: the call takes no const */
    memcpy(tag, bytes + sealed.n - SEAL_TAG_BYTES, sizeof(tag));
    int n = 0;
    bool ok = EVP_DecryptInit_ex2(c, EVP_aes_256_gcm(), key->byte, bytes, NULL) == 1 &&
              (about.n == 0 || EVP_DecryptUpdate(c, NULL, &n, (const unsigned char *)about.p, (int)about.n) == 1) &&
              (plain_n == 0 || EVP_DecryptUpdate(c, (unsigned char *)out, &n, bytes + SEAL_NONCE_BYTES, (int)plain_n) == 1) &&
              EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, SEAL_TAG_BYTES, tag) == 1 &&
              EVP_DecryptFinal_ex(c, (unsigned char *)out + plain_n, &n) == 1;
    if (!ok) {
        talloc_free(out); /* wiped: what a failed tag has let through is nobody's to see */
        return err_set(e, ERR_INVALID, "a sealed value does not open: it was sealed with another key, or changed");
    }
    *ret = (struct str){out, plain_n};
    return true;
}
