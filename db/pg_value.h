/* Values to and from PostgreSQL in its binary format: parameters, arrays for set-based statements, result columns. */
#ifndef SANGKIEN_DB_PG_VALUE_H
#define SANGKIEN_DB_PG_VALUE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

enum { PG_PARAMS_MAX = 32 };

/* Parameters of one statement, in order $1, $2, ...  All values are copied into the context. */
struct pg_params {
    int count;
    Oid type[PG_PARAMS_MAX];
    const char *value[PG_PARAMS_MAX];
    int length[PG_PARAMS_MAX];
    int format[PG_PARAMS_MAX];
};

struct pg_params *pg_params_new(TALLOC_CTX *ctx);
void pg_param_text(struct pg_params *p, const char *z); /* NULL: null */
void pg_param_bytea(struct pg_params *p, const void *bytes, size_t n);
void pg_param_int8(struct pg_params *p, int64_t v);
void pg_param_time_ms(struct pg_params *p, int64_t epoch_ms); /* 0: null */

/* A one-dimensional array that grows; given to pg_param_array() when it is full. */
struct pg_array;

enum pg_elem { PG_TEXT, PG_INT8, PG_BOOL, PG_BYTEA, PG_TIME };

struct pg_array *pg_array_new(TALLOC_CTX *ctx, enum pg_elem elem);
void pg_array_text(struct pg_array *a, const char *z); /* NULL: null */
void pg_array_bytea(struct pg_array *a, const void *bytes, size_t n);
void pg_array_int8(struct pg_array *a, int64_t v);
void pg_array_id(struct pg_array *a, int64_t v); /* 0: null */
void pg_array_null(struct pg_array *a);
void pg_array_bool(struct pg_array *a, bool v);
void pg_array_time_ms(struct pg_array *a, int64_t epoch_ms); /* 0: null */
size_t pg_array_count(const struct pg_array *a);
void pg_param_array(struct pg_params *p, struct pg_array *a);

/* Columns of a binary result.  Null reads as NULL, 0 or false. */
bool pg_null(const PGresult *res, int row, int col);
int64_t pg_int8(const PGresult *res, int row, int col); /* int2, int4, int8 by the column's width */
bool pg_bool(const PGresult *res, int row, int col);
int64_t pg_time_ms(const PGresult *res, int row, int col);
struct str pg_bytes(const PGresult *res, int row, int col);               /* view into the result */
const char *pg_text(TALLOC_CTX *ctx, const PGresult *res, int row, int col); /* copy; NULL for null */

#endif
