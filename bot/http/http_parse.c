/* Reads one request: head line by line, then a body of announced length or in chunks.
 *
 *   REQUEST_LINE -> HEADERS -> LENGTH ------------------------------> done
 *                         \--> CHUNKS (size, data, ..., trailers) --> done
 *
 * Every byte is looked at once (chunk data moved once), so no input costs more than linear time. */
#include "http_parse.h"

enum phase { REQUEST_LINE, HEADERS, LENGTH, CHUNKS };

/* A chunk-size line with its extensions, and all trailers together, may take this many bytes. */
enum { CHUNK_LINE_MAX = 256, TRAILERS_MAX = 2048 };

/* What a byte may be part of. */
enum {
    TOKEN = 1,  /* RFC 9110 5.6.2 */
    TARGET = 2, /* path and query, RFC 3986 3.3 and 3.4 */
    TEXT = 4,   /* field value: visible, blank, tab, obs-text (RFC 9110 5.5) */
    NAME = 8,   /* host name or IPv4 address */
    DIGIT = 16,
    HEX = 32,
};

#define ALPHA_HEX (TOKEN | TARGET | TEXT | NAME | HEX)
#define ALPHA (TOKEN | TARGET | TEXT | NAME)
#define NUMBER (TOKEN | TARGET | TEXT | NAME | DIGIT | HEX)
static const uint8_t class_of[256] = {
    ['\t'] = TEXT, [' '] = TEXT,
    ['!'] = TOKEN | TARGET | TEXT, ['"'] = TEXT, ['#'] = TOKEN | TEXT, ['$'] = TOKEN | TARGET | TEXT,
    ['%'] = TOKEN | TARGET | TEXT, ['&'] = TOKEN | TARGET | TEXT, ['\''] = TOKEN | TARGET | TEXT,
    ['('] = TARGET | TEXT, [')'] = TARGET | TEXT, ['*'] = TOKEN | TARGET | TEXT, ['+'] = TOKEN | TARGET | TEXT,
    [','] = TARGET | TEXT, ['-'] = ALPHA, ['.'] = ALPHA, ['/'] = TARGET | TEXT,
    ['0' ... '9'] = NUMBER,
    [':'] = TARGET | TEXT, [';'] = TARGET | TEXT, ['<'] = TEXT, ['='] = TARGET | TEXT, ['>'] = TEXT,
    ['?'] = TARGET | TEXT, ['@'] = TARGET | TEXT,
    ['A' ... 'F'] = ALPHA_HEX, ['G' ... 'Z'] = ALPHA,
    ['['] = TEXT, ['\\'] = TEXT, [']'] = TEXT, ['^'] = TOKEN | TEXT, ['_'] = ALPHA, ['`'] = TOKEN | TEXT,
    ['a' ... 'f'] = ALPHA_HEX, ['g' ... 'z'] = ALPHA,
    ['{'] = TEXT, ['|'] = TOKEN | TEXT, ['}'] = TEXT, ['~'] = TOKEN | TARGET | TEXT,
    [0x80 ... 0xff] = TEXT,
};
#undef ALPHA_HEX
#undef ALPHA
#undef NUMBER

static inline bool is(char c, uint8_t class)
{
    return class_of[(unsigned char)c] & class;
}

/* Length of the longest beginning of `s` made of bytes of this class. */
static size_t span(struct str s, uint8_t class)
{
    size_t n = 0;
    while (n < s.n && is(s.p[n], class))
        n++;
    return n;
}

static inline char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool eq_ignoring_case(struct str s, struct str lower_case)
{
    if (s.n != lower_case.n)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (lower(s.p[i]) != lower_case.p[i])
            return false;
    return true;
}

static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

static bool bad(struct http_parse *p, uint16_t status, const char *why)
{
    p->status = status;
    p->why = why;
    return false;
}

/* Origin-form only: we are no proxy, so absolute-form and authority-form have no business here. */
static bool read_target(struct http_parse *p, struct str target, uint32_t at)
{
    if (p->method == HTTP_OPTIONS) {
        if (!str_eq(target, STR("*")))
            return bad(p, 405, "OPTIONS for one resource");
    } else if (target.n == 0 || target.p[0] != '/') {
        return bad(p, 400, "target is not in origin-form");
    }
    if (span(target, TARGET) != target.n)
        return bad(p, 400, "byte not allowed in a target");
    for (size_t i = 0; i < target.n; i++) {
        if (target.p[i] != '%')
            continue;
        if (target.n - i < 3 || !is(target.p[i + 1], HEX) || !is(target.p[i + 2], HEX))
            return bad(p, 400, "bad percent-encoding in the target");
        if (target.p[i + 1] == '0' && target.p[i + 2] == '0')
            return bad(p, 400, "NUL in the target");
    }
    const char *mark = memchr(target.p, '?', target.n);
    p->target_at = (uint16_t)at;
    p->path_len = (uint16_t)(mark ? mark - target.p : (ptrdiff_t)target.n);
    p->query_at = (uint16_t)(at + p->path_len + (mark ? 1 : 0));
    p->query_len = (uint16_t)(target.n - p->path_len - (mark ? 1 : 0));
    return true;
}

static bool read_method(struct http_parse *p, struct str method)
{
    static const struct { struct str name; enum http_method method; } known[] = {
        {STR("POST"), HTTP_POST}, {STR("GET"), HTTP_GET}, {STR("HEAD"), HTTP_HEAD}, {STR("OPTIONS"), HTTP_OPTIONS},
    };
    static const struct str refused[] = {STR("PUT"), STR("DELETE"), STR("PATCH"), STR("TRACE"), STR("CONNECT")};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (str_eq(method, known[i].name)) {
            p->method = (uint8_t)known[i].method;
            return true;
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(refused); i++)
        if (str_eq(method, refused[i]))
            return bad(p, 405, "method not allowed here");
    return bad(p, 501, "unknown method");
}

/* method SP target SP HTTP/1.x, each blank exactly one. */
static bool read_request_line(struct http_parse *p, const char *bytes, struct str line)
{
    if (line.n == 0 && !p->leading_crlf) { /* one empty line may come first, RFC 9112 2.2 */
        p->leading_crlf = true;
        return true;
    }
    struct str method = {line.p, span(line, TOKEN)};
    struct str rest = str_skip(line, method.n);
    if (method.n == 0 || rest.n == 0 || rest.p[0] != ' ')
        return bad(p, 400, "no method");
    rest = str_skip(rest, 1);
    const char *blank = memchr(rest.p, ' ', rest.n);
    if (!blank || blank == rest.p)
        return bad(p, 400, "no target or no version");
    struct str target = {rest.p, (size_t)(blank - rest.p)};
    struct str version = str_skip(rest, target.n + 1);
    if (version.n != 8 || !str_starts(version, STR("HTTP/")) || !is(version.p[5], DIGIT) || version.p[6] != '.' ||
        !is(version.p[7], DIGIT))
        return bad(p, 400, "request line does not end in a version");
    if (version.p[5] != '1' || version.p[7] > '1')
        return bad(p, 505, "version other than 1.0 and 1.1");
    p->http10 = version.p[7] == '0';
    p->close = p->http10; /* keep-alive of 1.0 is an extension with holes of its own */
    if (!read_method(p, method) || !read_target(p, target, (uint32_t)(target.p - bytes)))
        return false;
    p->phase = HEADERS;
    return true;
}

/* uri-host [":" port]; of reg-name only what host names are made of (no user info, no lists, no paths). */
static bool valid_host(struct str v)
{
    size_t n = span(v, NAME);
    if (v.n && v.p[0] == '[') {
        n = 1;
        while (n < v.n && (is(v.p[n], HEX) || v.p[n] == ':' || v.p[n] == '.'))
            n++;
        if (n < 4 || n == v.n || v.p[n] != ']')
            return false;
        n++;
    }
    struct str port = str_skip(v, n);
    if (n == 0 || port.n == 0)
        return n > 0;
    return port.p[0] == ':' && port.n <= 6 && span(str_skip(port, 1), DIGIT) == port.n - 1;
}

static bool read_content_length(struct http_parse *p, struct str v)
{
    if (p->has_length)
        return bad(p, 400, "Content-Length twice");
    p->has_length = true;
    if (v.n == 0 || span(v, DIGIT) != v.n)
        return bad(p, 400, "Content-Length is not a number");
    for (size_t i = 0; i < v.n; i++)
        if (__builtin_mul_overflow(p->content_length, 10, &p->content_length) ||
            __builtin_add_overflow(p->content_length, (uint64_t)(v.p[i] - '0'), &p->content_length))
            return bad(p, 400, "Content-Length overflows");
    return true;
}

static void read_connection(struct http_parse *p, struct str list)
{
    while (list.n) {
        const char *comma = memchr(list.p, ',', list.n);
        struct str option = {list.p, comma ? (size_t)(comma - list.p) : list.n};
        list = str_skip(list, option.n + 1);
        option = trim(option);
        if (eq_ignoring_case(option, STR("close")))
            p->close = true;
        else if (eq_ignoring_case(option, STR("upgrade")))
            p->upgrade = true;
    }
}

/* The headers that decide on framing; all others only have to be well formed. */
static bool read_known_header(struct http_parse *p, struct str name, struct str value)
{
    switch (name.n) { /* the length sorts out most names before a byte is compared */
    case 4:
        if (!eq_ignoring_case(name, STR("host")))
            return true;
        if (p->has_host)
            return bad(p, 400, "Host twice");
        p->has_host = true;
        return valid_host(value) || bad(p, 400, "bad Host");
    case 6:
        if (!eq_ignoring_case(name, STR("expect")) || p->http10)
            return true;
        p->expect_continue = eq_ignoring_case(value, STR("100-continue"));
        return p->expect_continue || bad(p, 417, "unknown expectation");
    case 10:
        if (eq_ignoring_case(name, STR("connection")))
            read_connection(p, value);
        return true;
    case 14:
        if (eq_ignoring_case(name, STR("content-length")))
            return read_content_length(p, value);
        /* Some gateways fold "_" into "-": a header that could become framing further on is refused here. */
        return !eq_ignoring_case(name, STR("content_length")) || bad(p, 400, "Content_Length");
    case 17:
        if (eq_ignoring_case(name, STR("transfer_encoding")))
            return bad(p, 400, "Transfer_Encoding");
        if (!eq_ignoring_case(name, STR("transfer-encoding")))
            return true;
        if (p->chunked)
            return bad(p, 400, "Transfer-Encoding twice");
        p->chunked = eq_ignoring_case(value, STR("chunked"));
        return p->chunked || bad(p, 501, "transfer coding other than chunked");
    default:
        return true;
    }
}

static bool read_header_line(struct http_parse *p, const struct http_parse_limits *limits, struct str line)
{
    if (++p->lines > limits->lines_max)
        return bad(p, 431, "too many header lines");
    struct str name = {line.p, span(line, TOKEN)}; /* a folded line starts with a blank: no name either */
    struct str rest = str_skip(line, name.n);
    if (name.n == 0 || rest.n == 0 || rest.p[0] != ':')
        return bad(p, 400, "header line without a proper name");
    return read_known_header(p, name, trim(str_skip(rest, 1)));
}

/* The empty line has come: is what the headers say together a request we take? */
static bool check_head(struct http_parse *p, const struct http_parse_limits *limits)
{
    if (!p->http10 && !p->has_host)
        return bad(p, 400, "no Host");
    if (p->chunked && (p->has_length || p->http10))
        return bad(p, 400, "Transfer-Encoding beside Content-Length or in HTTP/1.0");
    if (p->upgrade)
        return bad(p, 501, "upgrade asked for");
    if (p->method != HTTP_POST && (p->chunked || p->content_length > 0))
        return bad(p, 400, "body where none has a meaning");
    if (p->method == HTTP_POST && !p->chunked && !p->has_length)
        return bad(p, 411, "POST without a length");
    if (p->content_length > limits->body_max)
        return bad(p, 413, "body too large");
    if (p->chunked)
        p->close = true; /* our proxies send lengths; whoever does not gets one request per connection */
    p->phase = p->chunked ? CHUNKS : LENGTH;
    p->head_len = p->pos;
    return true;
}

static enum http_verdict head_incomplete(struct http_parse *p, bool room)
{
    if (room)
        return HTTP_MORE;
    bad(p, p->phase == REQUEST_LINE ? 414 : 431, "head too large");
    return HTTP_BAD;
}

static enum http_verdict read_head(struct http_parse *p, const struct http_parse_limits *limits, const char *bytes,
                                   size_t n)
{
    bool room = n < limits->head_max;
    uint32_t end = room ? (uint32_t)n : limits->head_max;
    while (p->phase == REQUEST_LINE || p->phase == HEADERS) {
        while (p->pos < end && is(bytes[p->pos], TEXT))
            p->pos++;
        if (p->pos == end)
            return head_incomplete(p, room);
        if (bytes[p->pos] != '\r') {
            bad(p, 400, "control byte, NUL or bare LF");
            return HTTP_BAD;
        }
        if (p->pos + 1 == end)
            return head_incomplete(p, room);
        if (bytes[p->pos + 1] != '\n') {
            bad(p, 400, "bare CR");
            return HTTP_BAD;
        }
        struct str line = {bytes + p->line, p->pos - p->line};
        p->line = p->pos += 2;
        bool fine;
        if (p->phase == REQUEST_LINE) {
            fine = read_request_line(p, bytes, line);
            p->headers_at = (uint16_t)p->pos;
        } else if (line.n) {
            fine = read_header_line(p, limits, line);
        } else {
            fine = check_head(p, limits);
        }
        if (!fine)
            return HTTP_BAD;
    }
    return HTTP_DONE;
}

/* RFC 9112 7.1.  Extensions are checked and dropped, trailers too; blanks around them (BWS) are refused.
 *
 *   SIZE_START -> SIZE -> SIZE_LF -> DATA -> DATA_CR -> DATA_LF -> SIZE_START ...
 *                  \-> EXT_* -/  \-> TRAILER_START (size 0) -> TRAILER_NAME -> TRAILER_VALUE -> TRAILER_LF -> START
 *                                              \-> END_LF -> END */
enum chunk {
    SIZE_START, SIZE, EXT_START, EXT_NAME, EXT_VALUE_START, EXT_VALUE, EXT_QUOTED, EXT_ESCAPED, EXT_END, SIZE_LF,
    DATA, DATA_CR, DATA_LF, TRAILER_START, TRAILER_NAME, TRAILER_VALUE, TRAILER_LF, END_LF, END,
    CHUNK_BAD,
};

static enum chunk after_extension(char c)
{
    return c == ';' ? EXT_START : c == '\r' ? SIZE_LF : CHUNK_BAD;
}

static enum chunk read_size_digit(struct http_parse *p, char c)
{
    unsigned digit = is(c, DIGIT) ? (unsigned)(c - '0') : (unsigned)(lower(c) - 'a') + 10;
    if (p->chunk_left > (UINT32_MAX >> 4))
        return CHUNK_BAD;
    p->chunk_left = p->chunk_left << 4 | digit;
    return SIZE;
}

/* One byte of chunk framing.  `p->chunk_left` holds the size being read. */
static enum chunk chunk_step(struct http_parse *p, char c)
{
    switch ((enum chunk)p->chunk) {
    case SIZE_START:
        p->chunk_left = 0;
        p->chunk_line = 0;
        return is(c, HEX) ? read_size_digit(p, c) : CHUNK_BAD;
    case SIZE:
        return is(c, HEX) ? read_size_digit(p, c) : after_extension(c);
    case EXT_START:
        return is(c, TOKEN) ? EXT_NAME : CHUNK_BAD;
    case EXT_NAME:
        return is(c, TOKEN) ? EXT_NAME : c == '=' ? EXT_VALUE_START : after_extension(c);
    case EXT_VALUE_START:
        return is(c, TOKEN) ? EXT_VALUE : c == '"' ? EXT_QUOTED : CHUNK_BAD;
    case EXT_VALUE:
        return is(c, TOKEN) ? EXT_VALUE : after_extension(c);
    case EXT_QUOTED:
        return c == '"' ? EXT_END : c == '\\' ? EXT_ESCAPED : is(c, TEXT) ? EXT_QUOTED : CHUNK_BAD;
    case EXT_ESCAPED:
        return is(c, TEXT) ? EXT_QUOTED : CHUNK_BAD;
    case EXT_END:
        return after_extension(c);
    case SIZE_LF:
        p->chunk_line = 0;
        return c != '\n' ? CHUNK_BAD : p->chunk_left ? DATA : TRAILER_START;
    case DATA_CR:
        return c == '\r' ? DATA_LF : CHUNK_BAD;
    case DATA_LF:
        return c == '\n' ? SIZE_START : CHUNK_BAD;
    case TRAILER_START:
        return c == '\r' ? END_LF : is(c, TOKEN) ? TRAILER_NAME : CHUNK_BAD;
    case TRAILER_NAME:
        return is(c, TOKEN) ? TRAILER_NAME : c == ':' ? TRAILER_VALUE : CHUNK_BAD;
    case TRAILER_VALUE:
        return is(c, TEXT) ? TRAILER_VALUE : c == '\r' ? TRAILER_LF : CHUNK_BAD;
    case TRAILER_LF:
        return c == '\n' ? TRAILER_START : CHUNK_BAD;
    case END_LF:
        return c == '\n' ? END : CHUNK_BAD;
    case DATA: case END: case CHUNK_BAD:
        break;
    }
    return CHUNK_BAD;
}

static enum http_verdict read_chunks(struct http_parse *p, const struct http_parse_limits *limits, char *bytes,
                                     size_t *n)
{
    while (p->pos < *n) {
        if (p->chunk == DATA) {
            uint32_t there = (uint32_t)*n - p->pos;
            uint32_t take = there < p->chunk_left ? there : p->chunk_left;
            memmove(bytes + p->head_len + p->body_len, bytes + p->pos, take);
            p->body_len += take;
            p->pos += take;
            p->chunk_left -= take;
            if (p->chunk_left == 0)
                p->chunk = DATA_CR;
            continue;
        }
        enum chunk next = chunk_step(p, bytes[p->pos++]);
        bool trailers = next >= TRAILER_START;
        if (next == CHUNK_BAD || ++p->chunk_line > (trailers ? TRAILERS_MAX : CHUNK_LINE_MAX)) {
            bad(p, 400, "bad chunk");
            return HTTP_BAD;
        }
        if (next == DATA && p->chunk_left > limits->body_max - p->body_len) {
            bad(p, 413, "chunks too large");
            return HTTP_BAD;
        }
        p->chunk = (uint8_t)next;
        if (next == END)
            return HTTP_DONE;
    }
    *n = p->pos = p->head_len + p->body_len; /* the framing is understood and gone */
    return HTTP_MORE;
}

enum http_verdict http_parse(struct http_parse *p, const struct http_parse_limits *limits, char *bytes, size_t *n)
{
    if (!p->head_len) {
        enum http_verdict v = read_head(p, limits, bytes, *n);
        if (v != HTTP_DONE)
            return v;
    }
    if (p->chunked)
        return read_chunks(p, limits, bytes, n);
    size_t need = http_parse_need(p);
    if (*n < need) {
        p->pos = (uint32_t)*n;
        return HTTP_MORE;
    }
    p->pos = (uint32_t)need;
    p->body_len = (uint32_t)p->content_length;
    return HTTP_DONE;
}

struct str http_parse_header(struct str headers, struct str lower_case_name, unsigned *count)
{
    struct str first = {NULL, 0};
    unsigned found = 0;
    while (headers.n > 2) { /* what is left then is the empty line */
        const char *lf = memchr(headers.p, '\n', headers.n);
        if (!lf)
            break;
        struct str line = {headers.p, (size_t)(lf - headers.p) - 1};
        headers = str_skip(headers, line.n + 2);
        if (line.n <= lower_case_name.n || line.p[lower_case_name.n] != ':' ||
            !eq_ignoring_case((struct str){line.p, lower_case_name.n}, lower_case_name))
            continue;
        if (found++ == 0) {
            first = trim(str_skip(line, lower_case_name.n + 1));
            if (!count)
                break;
        }
    }
    if (count)
        *count = found;
    return first;
}
