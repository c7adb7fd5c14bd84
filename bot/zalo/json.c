/* The JSON reader: see json.h. */
#include "json.h"

#include <string.h>

enum { FLAG_ESCAPED = 1, FLAG_REPLACED = 2 };

struct reader {
    struct json *doc;
    const char *start, *at, *end;
    const char *wrong; /* the first thing that was wrong */
};

static bool read_value(struct reader *r, int depth);

static bool fail(struct reader *r, const char *what)
{
    if (!r->wrong)
        r->wrong = what;
    return false;
}

size_t utf8_sequence(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    if (left == 0)
        return 0;
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    bool overlong = (p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xf0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xed && p[1] > 0x9f;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || surrogate || beyond ? 0 : n;
}

static void skip_blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
        r->at++;
}

static bool take(struct reader *r, char c)
{
    if (r->at == r->end || *r->at != c)
        return false;
    r->at++;
    return true;
}

static struct json_token *token_add(struct reader *r, enum json_type type)
{
    struct json *doc = r->doc;
    if (doc->count == doc->max) {
        fail(r, "too many values");
        return NULL;
    }
    struct json_token *t = &doc->token[doc->count++];
    *t = (struct json_token){.start = (uint32_t)(r->at - r->start), .type = (uint8_t)type};
    return t;
}

static void token_end(struct reader *r, struct json_token *t)
{
    t->end = (uint32_t)(r->at - r->start);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The code unit of "XXXX" at p, -1 when those are not four hex digits before `end`. */
static int code_unit(const char *p, const char *end)
{
    int unit = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        unit = unit << 4 | d;
    }
    return unit;
}

static bool is_high_surrogate(int unit)
{
    return unit >= 0xd800 && unit <= 0xdbff;
}

static bool is_low_surrogate(int unit)
{
    return unit >= 0xdc00 && unit <= 0xdfff;
}

/* Reads \uXXXX (and its second half) at *at; U+FFFD for NUL and lone surrogates.  -1: not four hex digits. */
static int32_t escaped_code_point(const char **at, const char *end)
{
    int unit = code_unit(*at + 2, end);
    if (unit < 0)
        return -1;
    *at += 6;
    if (is_high_surrogate(unit) && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        int low = code_unit(*at + 2, end);
        if (is_low_surrogate(low)) {
            *at += 6;
            return 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    return unit == 0 || is_high_surrogate(unit) || is_low_surrogate(unit) ? 0xfffd : unit;
}

static bool read_escape(struct reader *r, struct json_token *t)
{
    t->flags |= FLAG_ESCAPED;
    if (r->end - r->at < 2)
        return fail(r, "string is not closed");
    if (r->at[1] != 'u') {
        static const char known[] = {'"', '\\', '/', 'b', 'f', 'n', 'r', 't'};
        if (!memchr(known, r->at[1], sizeof(known)))
            return fail(r, "unknown escape");
        r->at += 2;
        return true;
    }
    int literal = code_unit(r->at + 2, r->end);
    int32_t c = escaped_code_point(&r->at, r->end);
    if (c < 0)
        return fail(r, "bad \\u escape");
    if (c == 0xfffd && literal != 0xfffd)
        t->flags |= FLAG_REPLACED;
    return true;
}

static bool read_string(struct reader *r)
{
    r->at++;
    struct json_token *t = token_add(r, JSON_STRING);
    if (!t)
        return false;
    while (r->at < r->end) {
        unsigned char c = (unsigned char)*r->at;
        if (c == '"') {
            token_end(r, t);
            r->at++;
            return true;
        }
        if (c == '\\') {
            if (!read_escape(r, t))
                return false;
        } else if (c < 0x20) {
            return fail(r, "control byte in a string");
        } else if (c < 0x80) {
            r->at++;
        } else {
            size_t n = utf8_sequence(r->at, (size_t)(r->end - r->at));
            if (n == 0)
                return fail(r, "not UTF-8");
            r->at += n;
        }
    }
    return fail(r, "string is not closed");
}

static bool take_digits(struct reader *r)
{
    const char *from = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
        r->at++;
    return r->at > from;
}

static bool read_number(struct reader *r)
{
    struct json_token *t = token_add(r, JSON_NUMBER);
    if (!t)
        return false;
    take(r, '-');
    if (!take(r, '0') && !take_digits(r))
        return fail(r, "not a value");
    if (take(r, '.') && !take_digits(r))
        return fail(r, "digits missing behind the point");
    if (take(r, 'e') || take(r, 'E')) {
        if (!take(r, '+'))
            take(r, '-');
        if (!take_digits(r))
            return fail(r, "digits missing in the exponent");
    }
    token_end(r, t);
    return true;
}

static bool read_word(struct reader *r, struct str word, enum json_type type)
{
    if (!str_starts((struct str){r->at, (size_t)(r->end - r->at)}, word))
        return fail(r, "not a value");
    struct json_token *t = token_add(r, type);
    if (!t)
        return false;
    r->at += word.n;
    token_end(r, t);
    return true;
}

/* An array, or an object, whose keys are linked and have their value right behind them. */
static bool read_container(struct reader *r, enum json_type type, int depth)
{
    const char close = type == JSON_OBJECT ? '}' : ']';
    struct json_token *container = token_add(r, type);
    if (!container)
        return false;
    if (depth >= JSON_DEPTH_MAX)
        return fail(r, "nested too deep");
    r->at++;
    skip_blanks(r);
    struct json_token *last = NULL;
    if (!take(r, close)) {
        do {
            skip_blanks(r);
            if (last)
                last->next = r->doc->count;
            last = &r->doc->token[r->doc->count];
            if (type == JSON_OBJECT) {
                if (r->at == r->end || *r->at != '"')
                    return fail(r, "key expected");
                if (!read_string(r))
                    return false;
                skip_blanks(r);
                if (!take(r, ':'))
                    return fail(r, "colon expected");
                skip_blanks(r);
            }
            if (!read_value(r, depth + 1))
                return false;
            skip_blanks(r);
        } while (take(r, ','));
        if (!take(r, close))
            return fail(r, "comma or closing bracket expected");
    }
    token_end(r, container);
    return true;
}

static bool read_value(struct reader *r, int depth)
{
    if (r->at == r->end)
        return fail(r, "text ends early");
    switch (*r->at) {
    case '{':
        return read_container(r, JSON_OBJECT, depth);
    case '[':
        return read_container(r, JSON_ARRAY, depth);
    case '"':
        return read_string(r);
    case 't':
        return read_word(r, STR("true"), JSON_TRUE);
    case 'f':
        return read_word(r, STR("false"), JSON_FALSE);
    case 'n':
        return read_word(r, STR("null"), JSON_NULL);
    default:
        return read_number(r);
    }
}

bool json_read(struct json *doc, struct str text, struct json_token *token, size_t max, struct err *e)
{
    if (!text.p)
        text = STR("");
    *doc = (struct json){.text = text, .token = token, .max = (uint32_t)max, .count = 1};
    token[0] = (struct json_token){0};
    struct reader r = {.doc = doc, .start = text.p, .at = text.p, .end = text.p + text.n};
    skip_blanks(&r);
    bool ok = read_value(&r, 0);
    if (ok) {
        skip_blanks(&r);
        ok = r.at == r.end || fail(&r, "text behind the value");
    }
    return ok || err_set(e, ERR_INVALID, "not JSON at byte %zu of %zu: %s", (size_t)(r.at - r.start), text.n, r.wrong);
}

enum json_type json_type(const struct json *doc, json_ref value)
{
    return (enum json_type)doc->token[value].type;
}

struct str json_raw(const struct json *doc, json_ref value)
{
    const struct json_token *t = &doc->token[value];
    return (struct str){doc->text.p + t->start, t->end - t->start};
}

bool json_is_plain(const struct json *doc, json_ref value)
{
    return doc->token[value].type == JSON_STRING && !(doc->token[value].flags & FLAG_ESCAPED);
}

bool json_was_replaced(const struct json *doc, json_ref value)
{
    return doc->token[value].flags & FLAG_REPLACED;
}

static size_t put_utf8(char *out, int32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

/* Unescapes a string that json_read() took; never longer than it was.  @return bytes written. */
static size_t unescape(struct str raw, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at = raw.p, *end = raw.p + raw.n;
    size_t n = 0;
    while (at < end) {
        if (*at != '\\') {
            out[n++] = *at++;
        } else if (at[1] == 'u') {
            n += put_utf8(out + n, escaped_code_point(&at, end));
        } else {
            out[n++] = to[strchr(from, at[1]) - from];
            at += 2;
        }
    }
    return n;
}

static bool key_is(const struct json *doc, json_ref key, struct str name)
{
    struct str raw = json_raw(doc, key);
    if (json_is_plain(doc, key))
        return str_eq(raw, name);
    char text[256];
    if (raw.n > sizeof(text)) /* the names asked for are short: six bytes an escape leave room for all of them */
        return false;
    size_t n = unescape(raw, text);
    return str_eq((struct str){text, n}, name); // cppcheck-suppress legacyUninitvar ; unescape() fills n bytes
}

/* The token right behind a container belongs to it unless the container is empty. */
static json_ref first_inside(const struct json *doc, json_ref container)
{
    json_ref next = container + 1;
    return next < doc->count && doc->token[next].start < doc->token[container].end ? next : JSON_NOTHING;
}

json_ref json_get(struct json *doc, json_ref object, struct str name)
{
    json_ref found = JSON_NOTHING;
    json_ref key = json_type(doc, object) == JSON_OBJECT ? first_inside(doc, object) : JSON_NOTHING;
    for (; key; key = doc->token[key].next) {
        if (!key_is(doc, key, name))
            continue;
        if (found)
            doc->duplicate = true;
        else
            found = key + 1;
    }
    return found;
}

json_ref json_first(const struct json *doc, json_ref array)
{
    return json_type(doc, array) == JSON_ARRAY ? first_inside(doc, array) : JSON_NOTHING;
}

json_ref json_next(const struct json *doc, json_ref element)
{
    return doc->token[element].next;
}

char *json_string(TALLOC_CTX *ctx, const struct json *doc, json_ref value)
{
    if (json_type(doc, value) != JSON_STRING)
        return NULL;
    struct str raw = json_raw(doc, value);
    if (json_is_plain(doc, value))
        return talloc_strndup(ctx, raw.p, raw.n);
    char *out = talloc_size(ctx, raw.n + 1);
    if (out)
        out[unescape(raw, out)] = '\0';
    return out;
}

bool json_integer(const struct json *doc, json_ref value, int64_t *ret)
{
    enum json_type type = json_type(doc, value);
    struct str s = json_raw(doc, value);
    if (type != JSON_NUMBER && type != JSON_STRING)
        return false;
    bool minus = s.n > 0 && s.p[0] == '-';
    s = str_skip(s, minus);
    if (s.n == 0 || s.n > 18) /* 18 digits always fit */
        return false;
    int64_t n = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        n = n * 10 + (s.p[i] - '0');
    }
    *ret = minus ? -n : n;
    return true;
}
