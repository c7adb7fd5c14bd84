/* The strict HTTP/1.1 request reader: a pure, incremental function over bytes, so that it can be tested and fuzzed alone.
 *
 * Where RFC 9112 lets a recipient be lenient (bare LF, folded lines, a blank before the colon, absolute-form, ...) it
 * refuses: two readers that disagree on where a request ends are a smuggling hole (RFC 9112 section 11.2).  The verdict
 * depends on the bytes alone, never on how they were cut into reads. */
#ifndef SANGKIEN_BOT_HTTP_PARSE_H
#define SANGKIEN_BOT_HTTP_PARSE_H

#include <stdint.h>

#include "str.h"

struct http_parse_limits {
    uint32_t head_max; /* bytes of the head, its last empty line included; at most 65535 */
    uint32_t body_max; /* bytes of the body after decoding */
    uint16_t lines_max; /* header lines */
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_OPTIONS };

enum http_verdict {
    HTTP_MORE, /* fine so far, not complete */
    HTTP_DONE, /* one whole request */
    HTTP_BAD,  /* answer `status`, close, interpret nothing behind it */
};

/* State between two calls.  Offsets count from the first byte of the message.  Zeroed = a new message. */
struct http_parse {
    uint32_t pos;            /* bytes already looked at; after HTTP_DONE: where the next message starts */
    uint32_t line;           /* start of the line being read */
    uint32_t head_len;       /* set once the head is complete, else 0 */
    uint32_t body_len;       /* body bytes at head_len; grows while chunks are decoded */
    uint32_t chunk_left;     /* bytes missing of the chunk in hand */
    uint64_t content_length; /* as announced */
    const char *why;         /* with HTTP_BAD: the rule that was broken, for tests and debugging */
    uint16_t status;         /* with HTTP_BAD: the status to answer */
    uint16_t lines;          /* header lines so far */
    uint16_t target_at, path_len, query_at, query_len;
    uint16_t headers_at;     /* start of the header lines */
    uint16_t chunk_line;     /* bytes of the chunk-size line or of all trailers so far */
    uint8_t phase, method, chunk;
    bool leading_crlf : 1, http10 : 1, has_host : 1, has_length : 1, chunked : 1, upgrade : 1;
    bool close : 1;           /* the connection ends with this request */
    bool expect_continue : 1; /* the client waits for "100 Continue" before it sends the body */
};

/**
 * Looks at the bytes that are new since the last call with the same `p`.
 * @param bytes  the message from its first byte on, what was there before unchanged. A chunked body is decoded in place.
 * @param[in,out] n  bytes there; made smaller when chunk framing was taken out and more is awaited.
 */
enum http_verdict http_parse(struct http_parse *p, const struct http_parse_limits *limits, char *bytes, size_t *n);

/** Least number of bytes the whole message takes; known once the head is complete, 0 before and for chunked ones. */
static inline size_t http_parse_need(const struct http_parse *p)
{
    return p->head_len && !p->chunked ? p->head_len + (size_t)p->content_length : 0;
}

/**
 * First value, without the blanks around it, of a header; `*count` (NULL is fine) tells how many lines bear the name.
 * @param headers          header lines of an accepted request: bytes headers_at .. head_len.
 * @param lower_case_name  compared without regard to case.
 */
struct str http_parse_header(struct str headers, struct str lower_case_name, unsigned *count);

#endif
