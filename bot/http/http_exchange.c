/* What an HTTP request leaves behind until it is answered: its exchange in a table named by ids, and answers as bytes.
 *
 * A connection's exchanges form a queue in order of arrival; all that wait for the handler form another one, in order of
 * deadline.  Small buffers are pooled and the table is kept, so the steady state allocates nothing. */
#include "http_conn.h"

#include <assert.h>
#include <stdlib.h>

void *http_memory_take(struct http_server *s, uint32_t *size)
{
    void *p;
    if (*size > BLOCK_BYTES) {
        p = malloc(*size);
    } else {
        *size = BLOCK_BYTES;
        p = s->pool;
        if (p) {
            memcpy(&s->pool, p, sizeof s->pool); /* a free block holds the address of the next */
            s->pooled--;
        } else {
            p = malloc(BLOCK_BYTES);
        }
    }
    if (p)
        s->stats.buffered_bytes += *size;
    return p;
}

void http_memory_give(struct http_server *s, void *p, uint32_t size)
{
    s->stats.buffered_bytes -= size;
    if (size != BLOCK_BYTES || s->pooled >= POOL_BLOCKS) {
        free(p);
        return;
    }
    memcpy(p, &s->pool, sizeof s->pool);
    s->pool = p;
    s->pooled++;
}

void http_exchanges_done(struct http_server *s)
{
    free(s->exchanges);
    while (s->pool) {
        void *next;
        memcpy(&next, s->pool, sizeof next);
        free(s->pool);
        s->pool = next;
    }
}

void outbox_drop(struct http_server *s, struct outbox **box)
{
    if (*box)
        http_memory_give(s, *box, (*box)->size + (uint32_t)sizeof **box);
    *box = NULL;
}

/* Makes room for `n` more bytes. */
static bool outbox_reserve(struct http_server *s, struct outbox **box, size_t n)
{
    struct outbox *old = *box;
    size_t used = old ? old->used : 0;
    if (old && old->size - used >= n)
        return true;
    size_t want = sizeof *old + used + n;
    if (old && want < 2 * (size_t)old->size) /* grow in powers, or pipelining copies quadratically */
        want = 2 * (size_t)old->size;
    if (want > INT32_MAX)
        return false;
    uint32_t bytes = (uint32_t)want;
    struct outbox *box_new = http_memory_take(s, &bytes);
    if (!box_new)
        return false;
    *box_new = (struct outbox){.size = bytes - (uint32_t)sizeof *box_new, .used = (uint32_t)used};
    if (old) {
        memcpy(box_new->bytes, old->bytes, used);
        box_new->sent = old->sent;
    }
    outbox_drop(s, box);
    *box = box_new;
    return true;
}

bool outbox_append(struct http_server *s, struct outbox **box, struct str text)
{
    if (text.n == 0)
        return true;
    if (!outbox_reserve(s, box, text.n))
        return false;
    memcpy((*box)->bytes + (*box)->used, text.p, text.n);
    (*box)->used += (uint32_t)text.n;
    return true;
}

static int32_t exchange_new(struct http_server *s)
{
    if (s->exchange_free == NO_SLOT) {
        uint32_t count = s->exchange_count ? 2 * s->exchange_count : 64;
        struct exchange *more = count > INT32_MAX / 2 ? NULL : realloc(s->exchanges, count * sizeof *more);
        if (!more)
            return NO_SLOT;
        s->exchanges = more;
        for (uint32_t i = count; i-- > s->exchange_count;) {
            more[i] = (struct exchange){.generation = 1, .next = s->exchange_free};
            s->exchange_free = (int32_t)i;
        }
        s->exchange_count = count;
    }
    int32_t slot = s->exchange_free;
    s->exchange_free = s->exchanges[slot].next;
    return slot;
}

/* Queues a request behind the others of its connection. */
int32_t exchange_push(struct conn *c, bool head_only, bool close)
{
    struct http_server *s = c->server;
    int32_t slot = exchange_new(s);
    if (slot == NO_SLOT)
        return NO_SLOT;
    struct exchange *x = &s->exchanges[slot];
    *x = (struct exchange){.conn = c, .generation = x->generation, .next = NO_SLOT, .head_only = head_only,
                           .close = close};
    if (c->last == NO_SLOT)
        c->first = slot;
    else
        s->exchanges[c->last].next = slot;
    c->last = slot;
    c->pending++;
    return slot;
}

/* From now on the handler has limits.handler_ms. */
void exchange_wait(struct http_server *s, int32_t slot, int64_t now)
{
    struct exchange *x = &s->exchanges[slot];
    x->waiting = true;
    x->deadline_ms = now + s->limits.handler_ms;
    x->newer = NO_SLOT;
    x->older = s->newest;
    if (s->newest == NO_SLOT)
        s->oldest = slot;
    else
        s->exchanges[s->newest].newer = slot;
    s->newest = slot;
    s->stats.pending++;
    if (!event_pending(s->handler_timer, EV_TIMEOUT, NULL)) {
        struct timeval after = {s->limits.handler_ms / 1000, s->limits.handler_ms % 1000 * 1000};
        event_add(s->handler_timer, &after);
    }
}

void exchange_stop_waiting(struct http_server *s, struct exchange *x)
{
    if (!x->waiting)
        return;
    x->waiting = false;
    if (x->older == NO_SLOT)
        s->oldest = x->newer;
    else
        s->exchanges[x->older].newer = x->newer;
    if (x->newer == NO_SLOT)
        s->newest = x->older;
    else
        s->exchanges[x->newer].older = x->older;
    s->stats.pending--;
}

/* Takes the first exchange off its connection; ids naming it are stale from here. */
void exchange_pop(struct conn *c)
{
    struct http_server *s = c->server;
    int32_t slot = c->first;
    struct exchange *x = &s->exchanges[slot];
    exchange_stop_waiting(s, x);
    outbox_drop(s, &x->stored);
    c->first = x->next;
    if (c->first == NO_SLOT)
        c->last = NO_SLOT;
    c->pending--;
    x->conn = NULL;
    if (++x->generation == 0)
        x->generation = 1;
    x->next = s->exchange_free;
    s->exchange_free = slot;
}

struct exchange *exchange_find(const struct http_server *s, struct http_request_id id)
{
    if (id.slot >= s->exchange_count)
        return NULL;
    struct exchange *x = &s->exchanges[id.slot];
    return x->conn && x->generation == id.generation && !x->answered ? x : NULL;
}

struct str answer_status_line(int status)
{
    switch (status) {
#define LINE(code, reason) case code: return STR("HTTP/1.1 " #code " " reason "\r\n")
    LINE(200, "OK");
    LINE(204, "No Content");
    LINE(304, "Not Modified");
    LINE(400, "Bad Request");
    LINE(401, "Unauthorized");
    LINE(403, "Forbidden");
    LINE(404, "Not Found");
    LINE(405, "Method Not Allowed");
    LINE(408, "Request Timeout");
    LINE(411, "Length Required");
    LINE(413, "Content Too Large");
    LINE(414, "URI Too Long");
    LINE(415, "Unsupported Media Type");
    LINE(417, "Expectation Failed");
    LINE(422, "Unprocessable Content");
    LINE(429, "Too Many Requests");
    LINE(431, "Request Header Fields Too Large");
    LINE(501, "Not Implemented");
    LINE(503, "Service Unavailable");
    LINE(505, "HTTP Version Not Supported");
#undef LINE
    default:
        assert(status == 500); /* a status without a line here is our own mistake */
        return STR("HTTP/1.1 500 Internal Server Error\r\n");
    }
}

/* Head of an answer, gathered on the stack. */
struct head {
    size_t n;
    char bytes[512];
};

static void put(struct head *h, struct str s)
{
    assert(s.n <= sizeof h->bytes - h->n);
    memcpy(h->bytes + h->n, s.p, s.n);
    h->n += s.n;
}

static void put_number(struct head *h, size_t number)
{
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put(h, (struct str){digits + at, sizeof digits - at});
}

bool answer_encode(struct http_server *s, struct outbox **box, const struct answer *a, bool head_only, bool close)
{
    assert(!memchr(a->content_type.n ? a->content_type.p : "", '\n', a->content_type.n));
    struct head h;
    h.n = 0;
    put(&h, answer_status_line(a->status));
    put(&h, STR("Date: "));
    put(&h, str_of(s->date));
    if (a->status != 204 && a->status != 304) {
        put(&h, STR("\r\nContent-Length: "));
        put_number(&h, a->body.n);
    }
    if (a->body.n) {
        put(&h, STR("\r\nContent-Type: "));
        put(&h, a->content_type.n ? a->content_type : STR("text/plain; charset=utf-8"));
        put(&h, STR("\r\nX-Content-Type-Options: nosniff"));
    }
    if (a->allow.n) {
        put(&h, STR("\r\nAllow: "));
        put(&h, a->allow);
    }
    if (close)
        put(&h, STR("\r\nConnection: close"));
    put(&h, STR("\r\n\r\n"));
    bool with_body = !head_only && a->status != 204 && a->status != 304;
    return outbox_reserve(s, box, h.n + (with_body ? a->body.n : 0)) &&
           outbox_append(s, box, (struct str){h.bytes, h.n}) &&
           (!with_body || outbox_append(s, box, a->body));
}
