/* libFuzzer target for the HTTP request reader: no crash, limits kept, and the cut between reads never matters.
 *
 *   clang -g -O1 -fsanitize=fuzzer,address,undefined -I config -I bot tests/fuzz/fuzz_http.c bot/http/http_parse.c -o fuzz_http
 *   ./fuzz_http -max_len=8192 -timeout=1 corpus/ */
#include <stdlib.h>

#include "http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_parse_limits limits = {.head_max = 2048, .body_max = 1024, .lines_max = 16};

static void must(bool holds)
{
    if (!holds)
        abort();
}

static void check_whole(const struct http_parse *p, const char *bytes)
{
    must(p->head_len <= limits.head_max && p->body_len <= limits.body_max && p->lines <= limits.lines_max);
    must(p->headers_at < p->head_len && p->head_len + p->body_len <= p->pos);
    must(memcmp(bytes + p->head_len - 2, "\r\n", 2) == 0);
    must(bytes[p->target_at] == '/' || p->method == HTTP_OPTIONS);
    must((uint32_t)p->query_at + p->query_len < p->headers_at);
    for (uint32_t i = 0; i < p->head_len; i++) { /* nothing a laxer reader could see as another line end */
        must(bytes[i] != '\0');
        must(bytes[i] != '\n' || bytes[i - 1] == '\r');
        must(bytes[i] != '\r' || bytes[i + 1] == '\n');
    }
    struct str headers = {bytes + p->headers_at, p->head_len - p->headers_at};
    unsigned hosts, lengths, codings;
    http_parse_header(headers, STR("host"), &hosts);
    http_parse_header(headers, STR("content-length"), &lengths);
    http_parse_header(headers, STR("transfer-encoding"), &codings);
    must(hosts + p->http10 >= 1 && hosts <= 1 && lengths + codings <= 1);
    must(codings == p->chunked);
}

/* Reads all requests in `data`, in pieces whose sizes `cuts` tells. Keeps exactly what it must keep: ASan sees the rest. */
static uint32_t read_all(const uint8_t *data, size_t size, uint32_t cuts, char *trace)
{
    struct http_parse p = {0};
    char *bytes = NULL;
    size_t have = 0, at = 0;
    uint32_t requests = 0;
    bool bad = false;
    while (at < size && !bad) {
        size_t take = cuts ? 1 + cuts % 7 * (cuts % 31) : size;
        cuts = cuts ? cuts * 1664525u + 1013904223u : 0;
        take = take < size - at ? take : size - at;
        char *more = malloc(have + take);
        must(more);
        if (have)
            memcpy(more, bytes, have);
        memcpy(more + have, data + at, take);
        free(bytes);
        bytes = more;
        have += take;
        at += take;
        size_t start = 0;
        while (start < have && !bad) {
            size_t left = have - start;
            enum http_verdict v = http_parse(&p, &limits, bytes + start, &left);
            if (v == HTTP_MORE) {
                have = start + left;
                must(http_parse_need(&p) == 0 || http_parse_need(&p) > left);
                break;
            }
            bad = v == HTTP_BAD;
            must(!bad || (p.why && p.status >= 400 && p.status <= 505));
            if (bad) {
                trace[requests] = (char)(p.status - 350);
            } else {
                check_whole(&p, bytes + start);
                trace[requests] = (char)(1 + p.body_len % 100);
                start += p.pos;
                must(start <= have);
                p = (struct http_parse){0};
            }
            requests++;
        }
        if (start) {
            have -= start;
            memmove(bytes, bytes + start, have);
        }
    }
    free(bytes);
    return requests;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char whole[1 << 16], cut[1 << 16];
    if (size < 4 || size > 1 << 15)
        return 0;
    uint32_t cuts = 1u | (uint32_t)data[size - 1] << 1 | (uint32_t)data[size - 2] << 9;
    uint32_t a = read_all(data, size, 0, whole);
    uint32_t b = read_all(data, size, cuts, cut);
    must(a == b && memcmp(whole, cut, a) == 0);
    return 0;
}
