/* PostgreSQL's binary values: see pg_value.h. */
#include "pg_value.h"

#include <endian.h>
#include <stdlib.h>

/* Type ids are fixed in pg_type.dat and part of the protocol's stable surface. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25, OID_TIMESTAMPTZ = 1184 };

static const struct {
    Oid elem, array;
} elem_oid[] = {
    [PG_TEXT] = {OID_TEXT, 1009},   [PG_INT8] = {OID_INT8, 1016},         [PG_BOOL] = {OID_BOOL, 1000},
    [PG_BYTEA] = {OID_BYTEA, 1001}, [PG_TIME] = {OID_TIMESTAMPTZ, 1185},
};

/* PostgreSQL counts microseconds from 2000-01-01 00:00 UTC. */
static const int64_t EPOCH_2000_MS = 946684800000;

static int64_t time_to_pg(int64_t epoch_ms)
{
    return (epoch_ms - EPOCH_2000_MS) * 1000;
}

struct pg_params *pg_params_new(TALLOC_CTX *ctx)
{
    return talloc_zero(ctx, struct pg_params);
}

static void param(struct pg_params *p, Oid type, const void *bytes, size_t n)
{
    if (p->count == PG_PARAMS_MAX)
        abort(); /* a statement with more parameters is a mistake of ours */
    int i = p->count++;
    p->type[i] = type;
    p->format[i] = 1;
    p->length[i] = (int)n;
    p->value[i] = bytes ? talloc_memdup(p, n ? bytes : "", n ? n : 1) : NULL;
}

void pg_param_text(struct pg_params *p, const char *z)
{
    param(p, OID_TEXT, z, z ? strlen(z) : 0);
}

void pg_param_bytea(struct pg_params *p, const void *bytes, size_t n)
{
    param(p, OID_BYTEA, bytes, n);
}

void pg_param_int8(struct pg_params *p, int64_t v)
{
    uint64_t be = htobe64((uint64_t)v);
    param(p, OID_INT8, &be, sizeof(be));
}

void pg_param_time_ms(struct pg_params *p, int64_t epoch_ms)
{
    uint64_t be = htobe64((uint64_t)time_to_pg(epoch_ms));
    param(p, OID_TIMESTAMPTZ, epoch_ms ? &be : NULL, sizeof(be));
}

enum { ARRAY_HEAD = 20 }; /* dimensions, has-null flag, element type, length, lower bound */

struct pg_array {
    enum pg_elem elem;
    uint32_t count;
    bool nulls;
    char *buf; /* head and elements, in wire order */
    size_t used, room;
};

struct pg_array *pg_array_new(TALLOC_CTX *ctx, enum pg_elem elem)
{
    struct pg_array *a = talloc_zero(ctx, struct pg_array);
    a->elem = elem;
    a->room = 256;
    a->buf = talloc_array(a, char, (unsigned)a->room);
    a->used = ARRAY_HEAD;
    return a;
}

static void put(struct pg_array *a, const void *bytes, size_t n)
{
    if (a->used + n > a->room) {
        while (a->used + n > a->room)
            a->room *= 2;
        a->buf = talloc_realloc(a, a->buf, char, (unsigned)a->room);
        if (!a->buf)
            abort(); /* out of memory in the middle of a batch: the supervisor restarts, nothing was acknowledged */
    }
    memcpy(a->buf + a->used, bytes, n);
    a->used += n;
}

static void put32(struct pg_array *a, uint32_t v)
{
    v = htobe32(v);
    put(a, &v, sizeof(v));
}

void pg_array_null(struct pg_array *a)
{
    a->count++;
    a->nulls = true;
    put32(a, UINT32_MAX);
}

void pg_array_bytea(struct pg_array *a, const void *bytes, size_t n)
{
    a->count++;
    put32(a, (uint32_t)n);
    put(a, bytes, n);
}

void pg_array_text(struct pg_array *a, const char *z)
{
    if (z)
        pg_array_bytea(a, z, strlen(z));
    else
        pg_array_null(a);
}

void pg_array_int8(struct pg_array *a, int64_t v)
{
    uint64_t be = htobe64((uint64_t)v);
    pg_array_bytea(a, &be, sizeof(be));
}

void pg_array_id(struct pg_array *a, int64_t v)
{
    if (v)
        pg_array_int8(a, v);
    else
        pg_array_null(a);
}

void pg_array_bool(struct pg_array *a, bool v)
{
    pg_array_bytea(a, v ? "\1" : "\0", 1);
}

void pg_array_time_ms(struct pg_array *a, int64_t epoch_ms)
{
    if (epoch_ms)
        pg_array_int8(a, time_to_pg(epoch_ms));
    else
        pg_array_null(a);
}

size_t pg_array_count(const struct pg_array *a)
{
    return a->count;
}

void pg_param_array(struct pg_params *p, struct pg_array *a)
{
    const uint32_t head[5] = {htobe32(a->count ? 1 : 0), htobe32(a->nulls), htobe32(elem_oid[a->elem].elem), htobe32(a->count), htobe32(1)};
    memcpy(a->buf, head, sizeof(head));
    if (p->count == PG_PARAMS_MAX)
        abort();
    int i = p->count++;
    p->type[i] = elem_oid[a->elem].array;
    p->format[i] = 1;
    p->length[i] = (int)(a->count ? a->used : 12); /* an empty array has no dimensions */
    p->value[i] = talloc_steal(p, a->buf);
}

bool pg_null(const PGresult *res, int row, int col)
{
    return PQgetisnull(res, row, col) != 0;
}

int64_t pg_int8(const PGresult *res, int row, int col)
{
    const char *v = PQgetvalue(res, row, col);
    switch (PQgetlength(res, row, col)) {
    case 8: {
        uint64_t be;
        memcpy(&be, v, sizeof(be));
        return (int64_t)be64toh(be);
    }
    case 4: {
        uint32_t be;
        memcpy(&be, v, sizeof(be));
        return (int32_t)be32toh(be);
    }
    case 2: {
        uint16_t be;
        memcpy(&be, v, sizeof(be));
        return (int16_t)be16toh(be);
    }
    default:
        return 0;
    }
}

bool pg_bool(const PGresult *res, int row, int col)
{
    return PQgetlength(res, row, col) == 1 && *PQgetvalue(res, row, col) == 1;
}

int64_t pg_time_ms(const PGresult *res, int row, int col)
{
    return pg_null(res, row, col) ? 0 : pg_int8(res, row, col) / 1000 + EPOCH_2000_MS;
}

struct str pg_bytes(const PGresult *res, int row, int col)
{
    return (struct str){PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col)};
}

const char *pg_text(TALLOC_CTX *ctx, const PGresult *res, int row, int col)
{
    if (pg_null(res, row, col))
        return NULL;
    return talloc_strndup(ctx, PQgetvalue(res, row, col), (size_t)PQgetlength(res, row, col));
}
