/* The request reader: what it takes, what it refuses and why, and that cuts between reads never matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "http/http_parse.h"

static const struct http_parse_limits limits = {.head_max = 1024, .body_max = 64, .lines_max = 8};

/* Feeds `text` in pieces of `step` bytes (0: at once); `bytes` receives the decoded message. */
static enum http_verdict feed(struct str text, size_t step, struct http_parse *p, char *bytes)
{
    enum http_verdict v = HTTP_MORE;
    size_t have = 0;
    *p = (struct http_parse){0};
    for (size_t at = 0; at < text.n && v == HTTP_MORE;) {
        size_t take = step && step < text.n - at ? step : text.n - at;
        memcpy(bytes + have, text.p + at, take);
        have += take;
        at += take;
        v = http_parse(p, &limits, bytes, &have);
    }
    return v;
}

#define REQUEST(headers) "GET / HTTP/1.1\r\nHost: a\r\n" headers "\r\n"
#define POST(headers, body) "POST /w HTTP/1.1\r\nHost: a\r\n" headers "\r\n" body
#define CHUNKED(body) POST("Transfer-Encoding: chunked\r\n", body)

/* Text is the request, bytes may hold NUL. status 0 = taken whole, -1 = more is awaited. */
static const struct { struct str text; int status; const char *why; } cases[] = {
    {STR(REQUEST("")), 0, "the least request"},
    {STR("\r\n" REQUEST("")), 0, "one empty line may come first"},
    {STR("\r\n\r\n" REQUEST("")), 400, "two may not"},
    {STR("HEAD /healthz HTTP/1.1\r\nHost: a.b:80\r\n\r\n"), 0, "HEAD"},
    {STR("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), 0, "the asterisk belongs to OPTIONS"},
    {STR("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "OPTIONS of a resource"},
    {STR("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "asterisk-form with GET"},
    {STR("GET / HTTP/1.0\r\n\r\n"), 0, "HTTP/1.0 needs no Host"},
    {STR("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n"), 400, "but not two"},
    {STR(POST("Content-Length: 3\r\n", "abc")), 0, "POST with a length"},
    {STR(POST("Content-Length: 003\r\n", "abc")), 0, "1*DIGIT"},
    {STR(POST("Content-Length:\t3 \t\r\n", "abc")), 0, "blanks around a value"},
    {STR(POST("Content-Length: 0\r\n", "")), 0, "empty body"},
    {STR(POST("Content-Length: 4\r\n", "abc")), -1, "one byte is missing"},
    {STR(POST("", "")), 411, "POST without a length"},
    {STR(POST("Content-Length: 65\r\n", "")), 413, "larger than body_max"},
    {STR(POST("Content-Length: 18446744073709551615\r\n", "")), 413, "fits 64 bits"},
    {STR(POST("Content-Length: 18446744073709551616\r\n", "")), 400, "does not"},
    {STR(POST("Content-Length: 99999999999999999999999999999999\r\n", "")), 400, "far from it"},
    {STR(POST("Content-Length: 3\r\nContent-Length: 3\r\n", "abc")), 400, "twice, though equal"},
    {STR(POST("Content-Length: 3, 3\r\n", "abc")), 400, "a list"},
    {STR(POST("Content-Length: +3\r\n", "abc")), 400, "a sign"},
    {STR(POST("Content-Length: -0\r\n", "")), 400, "minus nothing"},
    {STR(POST("Content-Length: 0x3\r\n", "abc")), 400, "hexadecimal"},
    {STR(POST("Content-Length: 3 3\r\n", "abc")), 400, "blank inside"},
    {STR(POST("Content-Length:\r\n", "")), 400, "no value"},
    {STR(POST("Content-Length : 3\r\n", "abc")), 400, "blank before the colon"},
    {STR(POST("Content_Length: 3\r\nContent-Length: 3\r\n", "abc")), 400, "an underscore some gateways fold"},
    {STR(POST("Transfer_Encoding: chunked\r\nContent-Length: 3\r\n", "abc")), 400, "the same"},
    {STR(REQUEST("Content-Length: 3\r\n") "abc"), 400, "GET with a body"},
    {STR(REQUEST("Content-Length: 0\r\n")), 0, "GET with an empty one"},
    {STR(REQUEST("X-Empty:\r\nX-Umlaut: D\xc3\xbcsseldorf\r\n")), 0, "empty value, obs-text"},
    {STR("GET / HTTP/1.1\r\n\r\n"), 400, "no Host"},
    {STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400, "empty Host"},
    {STR("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400, "Host twice"},
    {STR("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 0, "IPv6 Host"},
    {STR("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n"), 400, "bracket left open"},
    {STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400, "user info"},
    {STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, "path in Host"},
    {STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400, "list in Host"},
    {STR("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n"), 400, "port is no number"},
    {STR("GET / HTTP/1.1\r\nHost: a:123456\r\n\r\n"), 400, "port too long"},
    {STR("GET / HTTP/1.1\nHost: a\r\n\r\n"), 400, "bare LF after the request line"},
    {STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400, "bare LF after a header"},
    {STR("GET / HTTP/1.1\r\nHost: a\r\n\n"), 400, "bare LF at the end"},
    {STR("GET / HTTP/1.1\rHost: a\r\n\r\n"), 400, "bare CR"},
    {STR(REQUEST("X: a\rb\r\n")), 400, "bare CR in a value"},
    {STR(REQUEST("X: a\r\n b\r\n")), 400, "folded line"},
    {STR(REQUEST("X: a\r\n\tb\r\n")), 400, "folded with a tab"},
    {STR("GET / HTTP/1.1\r\n Host: a\r\n\r\n"), 400, "blank before the first header"},
    {STR(REQUEST("X: a\0b\r\n")), 400, "NUL in a value"},
    {STR(REQUEST("X\0: a\r\n")), 400, "NUL in a name"},
    {STR(REQUEST("X: a\x7f\r\n")), 400, "DEL in a value"},
    {STR(REQUEST("X: a\x01\r\n")), 400, "control byte in a value"},
    {STR(REQUEST(": a\r\n")), 400, "no name"},
    {STR(REQUEST("X\r\n")), 400, "no colon"},
    {STR(REQUEST("X Y: a\r\n")), 400, "blank in a name"},
    {STR(REQUEST("X(: a\r\n")), 400, "name is no token"},
    {STR(REQUEST("X-T\xc3\xab: a\r\n")), 400, "name is not ASCII"},
    {STR("GET /\r\nHost: a\r\n\r\n"), 400, "HTTP/0.9"},
    {STR("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), 400, "blank at the end"},
    {STR("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "two blanks"},
    {STR("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "two blanks before the version"},
    {STR("GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "tab for a blank"},
    {STR(" GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "blank in front"},
    {STR("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "blank in the target"},
    {STR("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "fragment"},
    {STR("GET /\xc3\xab HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "target is not ASCII"},
    {STR("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad percent-encoding"},
    {STR("GET /% HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "cut percent-encoding"},
    {STR("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "encoded NUL"},
    {STR("GET /%E1%BB%87?x=%20 HTTP/1.1\r\nHost: a\r\n\r\n"), 0, "good percent-encoding"},
    {STR("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "absolute-form"},
    {STR("GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "authority-form"},
    {STR("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "CONNECT"},
    {STR("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "TRACE"},
    {STR("PUT / HTTP/1.1\r\nHost: a\r\n\r\n"), 405, "PUT"},
    {STR("get / HTTP/1.1\r\nHost: a\r\n\r\n"), 501, "methods are case-sensitive"},
    {STR("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 501, "unknown method"},
    {STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505, "HTTP/2 preface"},
    {STR("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 505, "HTTP/1.2"},
    {STR("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505, "HTTP/0.9 by name"},
    {STR("GET / HTTP/1.10\r\nHost: a\r\n\r\n"), 400, "two digits"},
    {STR("GET / http/1.1\r\nHost: a\r\n\r\n"), 400, "lower-case protocol"},
    {STR("GET / RTSP/1.0\r\nHost: a\r\n\r\n"), 400, "another protocol"},
    {STR("\x16\x03\x01\x02"), 400, "TLS hello"},
    {STR(REQUEST("Connection: Upgrade\r\nUpgrade: h2c\r\n")), 501, "upgrade"},
    {STR(REQUEST("Upgrade: h2c\r\n")), 0, "an Upgrade that Connection does not name means nothing"},
    {STR(POST("Expect: 100-continue\r\nContent-Length: 1\r\n", "")), -1, "expectation we know"},
    {STR(POST("Expect: 200-ok\r\nContent-Length: 1\r\n", "a")), 417, "one we do not"},
    {STR(REQUEST("1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n")), 0, "as many lines as allowed"},
    {STR(REQUEST("1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n")), 431, "one more"},
    /* chunked */
    {STR(CHUNKED("5\r\nhello\r\n0\r\n\r\n")), 0, "one chunk"},
    {STR(CHUNKED("5\r\nhello\r\n006\r\n world\r\n0\r\n\r\n")), 0, "two chunks"},
    {STR(CHUNKED("5;a=b;c;d=\"e \\\" f\"\r\nhello\r\n0\r\nX-T: 1\r\nTransfer-Encoding: x\r\n\r\n")), 0,
     "extensions and trailers are dropped"},
    {STR(CHUNKED("0\r\n\r\n")), 0, "empty body"},
    {STR(CHUNKED("40\r\n")), -1, "as large as allowed"},
    {STR(CHUNKED("41\r\n")), 413, "one more"},
    {STR(CHUNKED("3f\r\n" "0123456789012345678901234567890123456789012345678901234567890ab\r\n2\r\n")), 413,
     "the second chunk is too much"},
    {STR(CHUNKED("fffffffff\r\n")), 400, "size overflows 32 bits"},
    {STR(CHUNKED("5\r\nhello0\r\n\r\n")), 400, "no line end after data"},
    {STR(CHUNKED("5\r\nhello\rX0\r\n\r\n")), 400, "bare CR after data"},
    {STR(CHUNKED("5\r\nhello!!\r\n0\r\n\r\n")), 400, "more data than announced"},
    {STR(CHUNKED("+5\r\nhello\r\n0\r\n\r\n")), 400, "sign"},
    {STR(CHUNKED("-1\r\n")), 400, "negative"},
    {STR(CHUNKED("0x5\r\nhello\r\n0\r\n\r\n")), 400, "0x"},
    {STR(CHUNKED("5 \r\nhello\r\n0\r\n\r\n")), 400, "blank after the size"},
    {STR(CHUNKED(" 5\r\nhello\r\n0\r\n\r\n")), 400, "blank before it"},
    {STR(CHUNKED("1_0\r\n")), 400, "underscore"},
    {STR(CHUNKED("\r\nhello\r\n")), 400, "no size"},
    {STR(CHUNKED("5\nhello\r\n0\r\n\r\n")), 400, "bare LF after the size"},
    {STR(CHUNKED("5\rhello\r\n0\r\n\r\n")), 400, "bare CR after the size"},
    {STR(CHUNKED("5;\r\nhello\r\n")), 400, "extension without a name"},
    {STR(CHUNKED("5;\0a\r\nhello\r\n")), 400, "NUL in an extension"},
    {STR(CHUNKED("5;a[=x\r\nhello\r\n")), 400, "extension name is no token"},
    {STR(CHUNKED("5;a=\"b\r\nhello\r\n")), 400, "quote left open"},
    {STR(CHUNKED("5;a=\"b\"c\r\nhello\r\n")), 400, "text after the quote"},
    {STR(CHUNKED("0\r\n X: a\r\n\r\n")), 400, "folded trailer"},
    {STR(CHUNKED("0\r\nX\r\n\r\n")), 400, "trailer without a colon"},
    {STR(CHUNKED("0\r\nX: a\n\r\n")), 400, "bare LF in a trailer"},
    {STR(CHUNKED("0\r\n\n")), 400, "bare LF at the end"},
    {STR(POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "")), 400, "both framings"},
    {STR(POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "")), 400, "in either order"},
    {STR(POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "")), 400, "twice"},
    {STR(POST("Transfer-Encoding: gzip, chunked\r\n", "")), 501, "another coding first"},
    {STR(POST("Transfer-Encoding: identity\r\n", "")), 501, "identity"},
    {STR(POST("Transfer-Encoding: \"chunked\"\r\n", "")), 501, "quoted"},
    {STR(POST("Transfer-Encoding:\r\n", "")), 501, "no coding"},
    {STR("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, "chunked in HTTP/1.0"},
    {STR(REQUEST("Transfer-Encoding: chunked\r\n") "0\r\n\r\n"), 400, "GET with chunks"},
};

static void test_each_request_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http_parse whole, cut;
        char bytes[4096], cut_bytes[4096];
        enum http_verdict v = feed(cases[i].text, 0, &whole, bytes);
        int got = v == HTTP_MORE ? -1 : v == HTTP_DONE ? 0 : whole.status;
        if (got != cases[i].status)
            fail_msg("%s: %d instead of %d (%s)\n%.*s", cases[i].why, got, cases[i].status,
                     whole.why ? whole.why : "-", STR_ARG(cases[i].text));
        if (v == HTTP_BAD)
            assert_non_null(whole.why);
        for (size_t step = 1; step < cases[i].text.n; step++) {
            enum http_verdict cut_v = feed(cases[i].text, step, &cut, cut_bytes);
            if (cut_v != v || cut.status != whole.status || cut.why != whole.why)
                fail_msg("%s: another verdict in pieces of %zu bytes", cases[i].why, step);
            if (v == HTTP_DONE) {
                assert_int_equal(cut.body_len, whole.body_len);
                assert_int_equal(cut.head_len, whole.head_len);
                assert_memory_equal(bytes, cut_bytes, whole.head_len + whole.body_len);
            }
        }
    }
}

static void test_parts_of_a_request_are_found(void **state)
{
    (void)state;
    struct http_parse p;
    char b[1024];
    assert_int_equal(feed(STR("\r\nPOST /webhook?a=1&b HTTP/1.1\r\nHost: a\r\nX-Sig: \t mac=12 \r\nx-SIG:second\r\n"
                              "X-Sig-Not: third\r\nContent-Length: 2\r\n\r\n{}POST"), 0, &p, b), HTTP_DONE);
    assert_int_equal(p.method, HTTP_POST);
    assert_true(str_eq((struct str){b + p.target_at, p.path_len}, STR("/webhook")));
    assert_true(str_eq((struct str){b + p.query_at, p.query_len}, STR("a=1&b")));
    assert_true(str_eq((struct str){b + p.head_len, p.body_len}, STR("{}")));
    assert_true(str_eq((struct str){b + p.pos, 4}, STR("POST")));
    assert_false(p.close);
    struct str headers = {b + p.headers_at, p.head_len - p.headers_at};
    unsigned count;
    assert_true(str_eq(http_parse_header(headers, STR("x-sig"), NULL), STR("mac=12")));
    assert_true(str_eq(http_parse_header(headers, STR("x-sig"), &count), STR("mac=12")));
    assert_int_equal(count, 2);
    assert_true(str_eq(http_parse_header(headers, STR("content-length"), &count), STR("2")));
    assert_int_equal(count, 1);
    assert_null(http_parse_header(headers, STR("x-si"), &count).p);
    assert_int_equal(count, 0);
    assert_null(http_parse_header(headers, STR("second"), NULL).p);
}

static void test_an_empty_header_is_there_but_empty(void **state)
{
    (void)state;
    struct str headers = STR("A:\r\nB: \t\r\n\r\n");
    assert_non_null(http_parse_header(headers, STR("a"), NULL).p);
    assert_int_equal(http_parse_header(headers, STR("b"), NULL).n, 0);
    assert_null(http_parse_header(STR("\r\n"), STR("a"), NULL).p);
}

static void test_chunks_are_decoded_in_place(void **state)
{
    (void)state;
    struct http_parse p;
    char b[1024];
    assert_int_equal(feed(STR(CHUNKED("5\r\nhello\r\n6;x=\"\\\"\"\r\n world\r\n0\r\nA: b\r\n\r\nGET")), 3, &p, b), HTTP_DONE);
    assert_true(str_eq((struct str){b + p.head_len, p.body_len}, STR("hello world")));
    assert_true(p.close);
}

static void test_connection_options_are_read_as_a_list(void **state)
{
    (void)state;
    static const struct { struct str text; bool close; } options[] = {
        {STR(REQUEST("Connection: close\r\n")), true},
        {STR(REQUEST("Connection: keep-alive\r\n")), false},
        {STR(REQUEST("Connection: keep-alive ,\tCLOSE\r\n")), true},
        {STR(REQUEST("Connection: keep-alive\r\nConnection: close\r\n")), true},
        {STR(REQUEST("Connection: closed, ,disclose\r\n")), false},
        {STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), true},
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        struct http_parse p;
        char b[1024];
        assert_int_equal(feed(options[i].text, 0, &p, b), HTTP_DONE);
        assert_int_equal(p.close, options[i].close);
    }
}

static void test_a_head_may_be_exactly_as_large_as_allowed(void **state)
{
    (void)state;
    char text[2048], b[2048];
    for (int more = 0; more <= 1; more++) {
        struct http_parse p;
        size_t n = 0;
        memcpy(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 28);
        n = 28;
        size_t fill = limits.head_max - 28 - 4 + (size_t)more;
        memset(text + n, 'a', fill);
        n += fill;
        memcpy(text + n, "\r\n\r\n", 4);
        n += 4;
        for (size_t step = 0; step < 3; step++) {
            enum http_verdict v = feed((struct str){text, n}, step, &p, b);
            assert_int_equal(v, more ? HTTP_BAD : HTTP_DONE);
            assert_int_equal(p.status, more ? 431 : 0);
        }
    }
    memset(text, 'a', sizeof text);
    memcpy(text, "GET /", 5);
    struct http_parse p;
    assert_int_equal(feed((struct str){text, sizeof text}, 7, &p, b), HTTP_BAD);
    assert_int_equal(p.status, 414);
    assert_int_equal(feed((struct str){text, limits.head_max}, 0, &p, b), HTTP_BAD); /* full and not finished: at once */
    assert_int_equal(feed((struct str){text, limits.head_max - 1}, 0, &p, b), HTTP_MORE);
}

static void test_chunk_lines_and_trailers_have_an_end(void **state)
{
    (void)state;
    static const struct { struct str start; char fill; } endless[] = {
        {STR(CHUNKED("0")), '0'},
        {STR(CHUNKED("1;a=")), 'b'},
        {STR(CHUNKED("0\r\nX: ")), 'b'},
    };
    static char text[8192], b[8192];
    for (size_t i = 0; i < ARRAY_LEN(endless); i++) {
        struct http_parse p;
        memset(text, endless[i].fill, sizeof text);
        memcpy(text, endless[i].start.p, endless[i].start.n);
        assert_int_equal(feed((struct str){text, sizeof text}, 1, &p, b), HTTP_BAD);
        assert_int_equal(p.status, 400);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_request_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(test_parts_of_a_request_are_found),
        cmocka_unit_test(test_an_empty_header_is_there_but_empty),
        cmocka_unit_test(test_chunks_are_decoded_in_place),
        cmocka_unit_test(test_connection_options_are_read_as_a_list),
        cmocka_unit_test(test_a_head_may_be_exactly_as_large_as_allowed),
        cmocka_unit_test(test_chunk_lines_and_trailers_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
