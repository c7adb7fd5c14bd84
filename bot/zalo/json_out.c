/* The JSON writer: see json_out.h. */
#include "json_out.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json.h"

enum { FIRST_ROOM = 512 };

void json_out_init(struct json_out *o, TALLOC_CTX *ctx, size_t max)
{
    *o = (struct json_out){.max = max, .room = FIRST_ROOM};
    o->p = talloc_size(ctx, o->room);
    o->failed = !o->p;
}

static void put(struct json_out *o, const char *bytes, size_t n)
{
    if (o->failed || n == 0)
        return;
    if (n > o->max - o->n) {
        o->failed = true;
        return;
    }
    if (o->n + n > o->room) {
        size_t room = o->room * 2 > o->n + n ? o->room * 2 : o->n + n;
        char *larger = talloc_realloc_size(NULL, o->p, room);
        if (!larger) {
            o->failed = true;
            return;
        }
        o->p = larger;
        o->room = room;
    }
    memcpy(o->p + o->n, bytes, n);
    o->n += n;
}

static void element(struct json_out *o)
{
    if (o->comma)
        put(o, ",", 1);
    o->comma = true;
}

void json_out_open(struct json_out *o, char bracket)
{
    element(o);
    put(o, &bracket, 1);
    o->comma = false;
}

void json_out_close(struct json_out *o, char bracket)
{
    put(o, &bracket, 1);
    o->comma = true;
}

void json_out_key(struct json_out *o, const char *key)
{
    element(o);
    put(o, "\"", 1);
    put(o, key, strlen(key));
    put(o, "\":", 2);
    o->comma = false;
}

static void put_escape(struct json_out *o, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *hit = memchr(plain, c, sizeof(plain) - 1);
    char esc[8];
    if (hit)
        put(o, (char[]){'\\', letter[hit - plain]}, 2);
    else
        put(o, esc, (size_t)snprintf(esc, sizeof(esc), "\\u%04x", c));
}

void json_out_string(struct json_out *o, struct str text)
{
    element(o);
    put(o, "\"", 1);
    size_t done = 0, at = 0; /* text.p[done..at) is to be copied as it stands */
    while (at < text.n) {
        unsigned char c = (unsigned char)text.p[at];
        size_t n = utf8_sequence(text.p + at, text.n - at);
        if (n > 0 && c >= 0x20 && c != 0x7f && c != '"' && c != '\\') {
            at += n;
            continue;
        }
        put(o, text.p + done, at - done);
        if (n == 0)
            put(o, "\xef\xbf\xbd", 3);
        else
            put_escape(o, c);
        done = ++at;
    }
    if (at > done)
        put(o, text.p + done, at - done);
    put(o, "\"", 1);
}

void json_out_integer(struct json_out *o, int64_t n)
{
    char digits[24];
    element(o);
    put(o, digits, (size_t)snprintf(digits, sizeof(digits), "%" PRId64, n));
}

void json_out_raw(struct json_out *o, struct str json)
{
    element(o);
    put(o, json.p, json.n);
}

char *json_out_done(struct json_out *o, size_t *ret_n)
{
    size_t n = o->n;
    if (!o->failed && o->max == o->n) /* the NUL is not counted against the bound */
        o->max++;
    put(o, "", 1);
    if (o->failed)
        return NULL;
    *ret_n = n;
    return o->p;
}
