/* The signature of a webhook body: see signature.h. */
#include "signature.h"

#include <openssl/crypto.h>
#include <strings.h>

#include "sha256.h"

enum { APP_ID_MAX = 128, TIMESTAMP_DIGITS_MIN = 10, TIMESTAMP_DIGITS_MAX = 16 };

static struct zalo_signature_counts counts;

/* ---- the scanner: finds two members of the top level and where the object ends, understands nothing else ---- */

struct scan {
    const char *at, *end;
};

static void skip_blanks(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\t' || *s->at == '\n' || *s->at == '\r'))
        s->at++;
}

static bool take(struct scan *s, char c)
{
    if (s->at == s->end || *s->at != c)
        return false;
    s->at++;
    return true;
}

/* From the opening quote to behind the closing one; *ret is what stands between, escapes and all. */
static bool take_string(struct scan *s, struct str *ret, bool *ret_escaped)
{
    if (!take(s, '"'))
        return false;
    const char *from = s->at;
    *ret_escaped = false;
    while (s->at < s->end && *s->at != '"') {
        if (*s->at == '\\') {
            *ret_escaped = true;
            s->at++;
        }
        if (s->at < s->end)
            s->at++;
    }
    *ret = (struct str){from, (size_t)(s->at - from)};
    return take(s, '"');
}

/* A value that is not asked for: brackets are counted, not matched; decode.c judges whether it was JSON. */
static bool skip_value(struct scan *s)
{
    size_t depth = 0;
    while (s->at < s->end) {
        struct str ignored;
        bool escaped;
        switch (*s->at) {
        case '"':
            if (!take_string(s, &ignored, &escaped))
                return false;
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (depth == 0)
                return true;
            depth--;
            break;
        case ',':
            if (depth == 0)
                return true;
            break;
        default:
            break;
        }
        s->at++;
    }
    return false;
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* The text of a string without escapes and control bytes, or the digits of an integer. */
static bool take_plain(struct scan *s, struct str *ret)
{
    if (s->at < s->end && *s->at == '"') {
        bool escaped;
        if (!take_string(s, ret, &escaped) || escaped)
            return false;
        for (size_t i = 0; i < ret->n; i++)
            if ((unsigned char)ret->p[i] < 0x20)
                return false;
        return true;
    }
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    *ret = (struct str){from, (size_t)(s->at - from)};
    return ret->n > 0; /* a sign, fraction or exponent is met by the caller, who wants a comma or brace next */
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Does a key written with escapes spell `plain`?  "app\u005fid" would be a second app_id to a JSON parser. */
static bool escaped_key_spells(struct str key, struct str plain)
{
    size_t at = 0;
    for (size_t i = 0; i < plain.n; i++, at++) {
        if (at >= key.n)
            return false;
        unsigned c = (unsigned char)key.p[at];
        if (c == '\\' && at + 5 < key.n && key.p[at + 1] == 'u') {
            c = 0;
            for (size_t k = at + 2; k < at + 6; k++)
                c = c * 16 + (unsigned)(hex_value(key.p[k]) & 15);
            at += 5;
        }
        if (c != (unsigned char)plain.p[i])
            return false;
    }
    return at == key.n;
}

static bool scan_body(struct str body, struct str *app_id, struct str *timestamp)
{
    struct scan s = {body.p, body.p + body.n};
    const struct {
        struct str name;
        struct str *ret;
    } wanted[] = {{STR("app_id"), app_id}, {STR("timestamp"), timestamp}};
    bool seen[ARRAY_LEN(wanted)] = {false};

    skip_blanks(&s);
    if (!take(&s, '{'))
        return false;
    do {
        struct str key;
        bool escaped;
        skip_blanks(&s);
        if (!take_string(&s, &key, &escaped))
            return false;
        skip_blanks(&s);
        if (!take(&s, ':'))
            return false;
        skip_blanks(&s);
        size_t w = 0;
        while (w < ARRAY_LEN(wanted) && !str_eq(key, wanted[w].name)) {
            if (escaped && escaped_key_spells(key, wanted[w].name))
                return false;
            w++;
        }
        if (w == ARRAY_LEN(wanted)) {
            if (!skip_value(&s))
                return false;
        } else {
            if (seen[w] || !take_plain(&s, wanted[w].ret))
                return false;
            seen[w] = true;
            skip_blanks(&s);
        }
    } while (take(&s, ','));
    if (!take(&s, '}'))
        return false;
    skip_blanks(&s);
    return s.at == s.end && seen[0] && seen[1] && app_id->n > 0 && app_id->n <= APP_ID_MAX &&
           all_digits(*timestamp) && timestamp->n >= TIMESTAMP_DIGITS_MIN && timestamp->n <= TIMESTAMP_DIGITS_MAX;
}

/* ---- the header ---- */

static struct str trim_blanks(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool read_header(struct str value, unsigned char mac[static SHA256_BYTES])
{
    struct str s = trim_blanks(value);
    if (s.n > 3 && strncasecmp(s.p, "mac", 3) == 0) {
        s = trim_blanks(str_skip(s, 3));
        if (s.n == 0 || s.p[0] != '=')
            return false;
        s = trim_blanks(str_skip(s, 1));
    }
    if (s.n != SHA256_BYTES * 2)
        return false;
    for (size_t i = 0; i < SHA256_BYTES; i++) {
        int high = hex_value(s.p[2 * i]), low = hex_value(s.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        mac[i] = (unsigned char)(high << 4 | low);
    }
    return true;
}

/* ---- the verdict ---- */

static bool matches(struct str first, struct str body, struct str timestamp, struct str secret,
                    const unsigned char mac[static SHA256_BYTES])
{
    unsigned char digest[SHA256_BYTES];
    const struct str part[] = {first, body, timestamp, secret};
    return secret.n > 0 && sha256_parts(part, ARRAY_LEN(part), digest) && CRYPTO_memcmp(digest, mac, SHA256_BYTES) == 0;
}

static enum zalo_verdict judge(struct str body, struct str header_value, size_t header_count,
                               const struct zalo_secrets *secrets)
{
    unsigned char mac[SHA256_BYTES];
    struct str app_id, timestamp;
    if (secrets->current.n == 0 && secrets->previous.n == 0)
        return ZALO_NO_SECRET;
    if (header_count == 0)
        return ZALO_UNSIGNED;
    if (header_count > 1 || !read_header(header_value, mac))
        return ZALO_BAD_HEADER;
    if (!scan_body(body, &app_id, &timestamp))
        return ZALO_BAD_BODY;
    if (matches(app_id, body, timestamp, secrets->current, mac))
        return ZALO_SIGNED;
    if (matches(app_id, body, timestamp, secrets->previous, mac)) {
        counts.signed_with_previous++;
        return ZALO_SIGNED;
    }
    for (size_t i = 0; i < secrets->oa_count; i++)
        if (matches(str_of(secrets->oa_ids[i]), body, timestamp, secrets->current, mac))
            counts.would_match_oa_id++;
    return ZALO_FORGED;
}

bool zalo_signature_init(void)
{
    return sha256_init();
}

enum zalo_verdict zalo_verify(struct str body, struct str header_value, size_t header_count,
                              const struct zalo_secrets *secrets)
{
    enum zalo_verdict verdict = judge(body, header_value, header_count, secrets);
    counts.verdict[verdict]++;
    return verdict;
}

const char *zalo_verdict_name(enum zalo_verdict verdict)
{
    static const char *const name[ZALO_VERDICT_COUNT] = {
        [ZALO_FORGED] = "forged",     [ZALO_UNSIGNED] = "unsigned",   [ZALO_BAD_HEADER] = "bad_header",
        [ZALO_BAD_BODY] = "bad_body", [ZALO_NO_SECRET] = "no_secret", [ZALO_SIGNED] = "signed",
    };
    return name[verdict];
}

const struct zalo_signature_counts *zalo_signature_counts(void)
{
    return &counts;
}
