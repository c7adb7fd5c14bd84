/* Pasted tokens: see token_input.h.  Errors never repeat what was pasted. */
#include "token_input.h"

#include "secret.h"
#include "token/token_file.h"
#include "zalo/answer.h"

static struct str trimmed(struct str s)
{
    static const char blanks[] = " \t\r\n\"',";
    while (s.n > 0 && memchr(blanks, s.p[s.n - 1], sizeof(blanks) - 1))
        s.n--;
    while (s.n > 0 && memchr(blanks, s.p[0], sizeof(blanks) - 1))
        s = str_skip(s, 1);
    return s;
}

/* Cuts the first part up to `end` off *rest; false when nothing is left. */
static bool next_part(struct str *rest, char end, struct str *ret)
{
    if (rest->n == 0)
        return false;
    const char *at = memchr(rest->p, end, rest->n);
    size_t n = at ? (size_t)(at - rest->p) : rest->n;
    *ret = (struct str){rest->p, n};
    *rest = str_skip(*rest, at ? n + 1 : n);
    return true;
}

static bool has_key(struct str part, const char *key, struct str *ret_value)
{
    size_t n = strlen(key);
    if (part.n <= n || memcmp(part.p, key, n) != 0 || part.p[n] != '=')
        return false;
    *ret_value = trimmed(str_skip(part, n + 1));
    return true;
}

static bool seconds_of(struct str digits, int64_t *ret)
{
    int64_t v = 0;
    if (digits.n == 0 || digits.n > 9)
        return false;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '9')
            return false;
        v = v * 10 + (digits.p[i] - '0');
    }
    *ret = v;
    return true;
}

static int hex_value(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* A value of a query, with %XX undone. */
static char *decoded(TALLOC_CTX *ctx, struct str s)
{
    char *out = secret_room(ctx, s.n), *at = out;
    for (size_t i = 0; out && i < s.n; i++) {
        int high = s.p[i] == '%' && i + 2 < s.n ? hex_value(s.p[i + 1]) : -1, low = high >= 0 ? hex_value(s.p[i + 2]) : -1;
        *at++ = low >= 0 ? (char)(high * 16 + low) : s.p[i];
        i += low >= 0 ? 2 : 0;
    }
    return out;
}

static bool read_address(TALLOC_CTX *ctx, struct str url, struct token_input *ret, struct err *e)
{
    struct str part, value;
    const char *fragment = memchr(url.p, '#', url.n);
    if (fragment)
        url.n = (size_t)(fragment - url.p);
    const char *query = memchr(url.p, '?', url.n);
    struct str rest = query ? str_skip(url, (size_t)(query + 1 - url.p)) : (struct str){0};
    while (next_part(&rest, '&', &part)) {
        if (has_key(part, "code", &value))
            ret->code = decoded(ctx, value);
        else if (has_key(part, "oa_id", &value))
            ret->oa_id = decoded(ctx, value);
        else if (has_key(part, "state", &value))
            ret->state = decoded(ctx, value);
    }
    return ret->code || err_set(e, ERR_INVALID, "the address holds no code=: it has to be the one the browser ends on after the consent");
}

bool token_input_read_code(TALLOC_CTX *ctx, struct str line, struct token_input *ret, struct err *e)
{
    struct token_input input = {0};
    struct str value;
    line = trimmed(line);
    bool ok = true;
    if (str_starts(line, STR("http://")) || str_starts(line, STR("https://")))
        ok = read_address(ctx, line, &input, e);
    else
        input.code = secret_copy(ctx, has_key(line, "code", &value) ? value : line);
    if (!ok)
        return false;
    if (!input.code || !token_is_plausible(str_of(input.code)))
        return err_set(e, ERR_INVALID, "that is no authorization code");
    *ret = input;
    return true;
}

static bool read_json(TALLOC_CTX *ctx, struct str text, struct token_input *ret, struct err *e)
{
    struct zalo_tokens tokens;
    struct zalo_answer answer;
    zalo_oauth_read(ctx, 200, text, &tokens, &answer);
    if (answer.class != ZALO_OK || !tokens.refresh_token)
        return err_set(e, ERR_INVALID, "the JSON holds no pair of tokens");
    ret->access = tokens.access_token;
    ret->refresh = tokens.refresh_token;
    ret->expires_in_s = tokens.expires_in_s;
    return true;
}

static bool read_lines(TALLOC_CTX *ctx, struct str rest, struct token_input *ret, struct err *e)
{
    struct str line, value;
    for (int number = 1; next_part(&rest, '\n', &line); number++) {
        line = trimmed(line);
        if (line.n == 0)
            continue;
        if (has_key(line, "access_token", &value)) {
            ret->access = secret_copy(ctx, value);
        } else if (has_key(line, "refresh_token", &value)) {
            ret->refresh = secret_copy(ctx, value);
        } else if (has_key(line, "expires_in", &value)) {
            if (!seconds_of(value, &ret->expires_in_s))
                return err_set(e, ERR_INVALID, "line %d: expires_in is not a number of seconds", number);
        } else if (has_key(line, "code_verifier", &value)) {
            ret->code_verifier = secret_copy(ctx, value);
        } else if (has_key(line, "code", &value) || str_starts(line, STR("https://")) || str_starts(line, STR("http://"))) {
            const char *verifier = ret->code_verifier;
            if (!token_input_read_code(ctx, line, ret, e))
                return false;
            ret->code_verifier = verifier;
        } else if (!ret->access) {
            ret->access = secret_copy(ctx, line);
        } else if (!ret->refresh) {
            ret->refresh = secret_copy(ctx, line);
        } else {
            return err_set(e, ERR_INVALID, "line %d is one too many: two lines, the access token and the refresh token", number);
        }
    }
    return true;
}

bool token_input_read(TALLOC_CTX *ctx, struct str text, struct token_input *ret, struct err *e)
{
    struct token_input input = {0};
    struct str all = {text.p, text.n};
    while (all.n > 0 && (all.p[0] == ' ' || all.p[0] == '\n' || all.p[0] == '\r' || all.p[0] == '\t'))
        all = str_skip(all, 1);
    if (all.n == 0)
        return err_set(e, ERR_INVALID, "nothing on stdin: run it in a terminal for the consent link, or see sangkien token --help");
    if (memchr(text.p, '\0', text.n))
        return err_set(e, ERR_INVALID, "stdin holds NUL bytes: it has to be text");
    if (!(all.p[0] == '{' ? read_json(ctx, all, &input, e) : read_lines(ctx, all, &input, e)))
        return false;
    if (input.code && (input.access || input.refresh))
        return err_set(e, ERR_INVALID, "either a pair of tokens or a code, not both");
    if (!input.code && (!input.access || !input.refresh))
        return err_set(e, ERR_INVALID, "a pair is needed: the %s token is missing", input.access ? "refresh" : "access");
    if (!input.code && (!token_is_plausible(str_of(input.access)) || !token_is_plausible(str_of(input.refresh))))
        return err_set(e, ERR_INVALID, "what stands there are no tokens: blanks or letters with accents in them");
    *ret = input;
    return true;
}
