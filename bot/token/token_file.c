/* The pair on disk: see token_file.h. */
#include "token_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "durable.h"
#include "secret.h"
#include "settings.h"
#include "zalo/sha256.h"

enum { FILE_NAME_BYTES = 96 };

bool token_is_plausible(struct str token)
{
    for (size_t i = 0; i < token.n; i++)
        if (token.p[i] <= 0x20 || token.p[i] >= 0x7f)
            return false;
    return token.n > 0 && token.n <= TOKEN_BYTES_MAX;
}

struct str token_about(TALLOC_CTX *ctx, const char *oa_id, const char *what)
{
    return str_of(talloc_asprintf(ctx, "oa_token/%s/%s", oa_id, what));
}

/* An OA id has digits only; whatever else is written in the settings must not leave the folder. */
static bool file_name(const char *oa_id, char *ret, size_t cap, struct err *e)
{
    size_t n = strlen(oa_id);
    if (n == 0 || n > 64 || strspn(oa_id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") != n)
        return err_set(e, ERR_INVALID, "zalo.oa_id is not an id of an Official Account");
    snprintf(ret, cap, "token-%s.pair", oa_id);
    return true;
}

bool token_file_write(const struct settings *s, const struct seal_key *key, const struct token_pair *pair, struct err *e)
{
    char name[FILE_NAME_BYTES];
    if (!file_name(s->zalo.oa_id, name, sizeof(name), e))
        return false;
    TALLOC_CTX *scratch = talloc_new(NULL);
    enum { REST = 160 }; /* two numbers, the fingerprint, line ends */
    size_t room = strlen(pair->access) + strlen(pair->refresh) + REST;
    char *text = secret_room(scratch, room);
    struct str sealed;
    bool ok = text || err_set(e, ERR_NOMEM, "out of memory for the file of the new tokens");
    if (ok) {
        int n = snprintf(text, room, "%" PRId64 "\n%s\n%" PRId64 "\n%s\n%s\n", pair->base_generation, pair->base, pair->expires_at_ms,
                         pair->access, pair->refresh);
        ok = seal_close(scratch, key, token_about(scratch, s->zalo.oa_id, "pair"), (struct str){text, (size_t)n}, &sealed, e) &&
             durable_write(s->spool.path, name, sealed, true, e);
    }
    talloc_free(scratch);
    return ok;
}

/* Cuts the first line off; NULL when there is none. */
static char *line_of(char **rest)
{
    char *line = *rest, *end = line ? strchr(line, '\n') : NULL;
    if (!end)
        return NULL;
    *end = '\0';
    *rest = end + 1;
    return line;
}

static bool number_of(const char *line, int64_t *ret)
{
    char *end = NULL;
    if (!line || !*line)
        return false;
    *ret = strtoll(line, &end, 10);
    return *end == '\0';
}

static bool pair_read(TALLOC_CTX *ctx, char *text, struct token_pair *ret)
{
    struct token_pair pair = {0};
    if (!number_of(line_of(&text), &pair.base_generation))
        return false;
    const char *base = line_of(&text);
    if (!base || strlen(base) >= sizeof(pair.base) || !number_of(line_of(&text), &pair.expires_at_ms))
        return false;
    snprintf(pair.base, sizeof(pair.base), "%s", base);
    struct str access = str_of(line_of(&text)), refresh = str_of(line_of(&text));
    if (!token_is_plausible(access) || !token_is_plausible(refresh))
        return false;
    pair.access = secret_copy(ctx, access);
    pair.refresh = secret_copy(ctx, refresh);
    *ret = pair;
    return pair.access && pair.refresh;
}

bool token_file_read(TALLOC_CTX *ctx, const struct settings *s, const struct seal_key *key, struct token_pair *ret, struct err *e)
{
    char name[FILE_NAME_BYTES];
    struct str sealed, plain;
    if (!file_name(s->zalo.oa_id, name, sizeof(name), e))
        return false;
    TALLOC_CTX *scratch = talloc_new(NULL);
    bool ok = durable_read(scratch, s->spool.path, name, &sealed, e);
    if (ok)
        ok = seal_open(scratch, key, token_about(scratch, s->zalo.oa_id, "pair"), sealed, &plain, e) ||
             err_wrap(e, "%s/%s", s->spool.path, name);
    if (ok) {
        char *text = secret_copy(scratch, plain); /* a copy that may be cut into lines */
        ok = (text && pair_read(ctx, text, ret)) || err_set(e, ERR_INVALID, "%s/%s holds no pair of tokens", s->spool.path, name);
    }
    talloc_free(scratch);
    return ok;
}

void token_fingerprint(const char *access, const char *refresh, char ret[static TOKEN_FINGERPRINT_SIZE])
{
    unsigned char digest[SHA256_BYTES];
    const struct str part[] = {str_of(access), STR("\n"), str_of(refresh)};
    ret[0] = '\0';
    if (sha256_parts(part, ARRAY_LEN(part), digest))
        for (size_t i = 0; i < sizeof(digest); i++)
            snprintf(ret + 2 * i, 3, "%02x", digest[i]);
}

bool token_file_is_newer(const struct token_pair *pair, int64_t row_generation, int64_t row_expires_at_ms, const char *row_base)
{
    if (pair->base[0] && strcmp(pair->base, row_base) == 0)
        return true;
    return pair->base_generation > row_generation && pair->expires_at_ms > row_expires_at_ms;
}
