/* The index of initiatives: see similar_store.h. */
#include "similar_store.h"

#include <inttypes.h>

enum { READ_ENTRIES = 75000 }; /* of the lists, in a look-up: some ten nanoseconds each until they are ranked */

/* Time limits of the statements themselves. */
static const char find_ms[] = "1000", write_ms[] = "30000";

/* What is sent with one sync is one transaction: no BEGIN that a failure would leave open. */
static void force_plan(struct pg_unit *unit, const char *timeout_ms)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, timeout_ms);
    pg_add(unit, SQL_SIMILAR_PLAN, p);
}

struct similar_rows {
    struct pg_array *user_id, *id, *stamp, *terms;
};

struct similar_rows *similar_rows_new(TALLOC_CTX *ctx)
{
    struct similar_rows *rows = talloc(ctx, struct similar_rows);
    *rows = (struct similar_rows){.user_id = pg_array_new(rows, PG_TEXT), .id = pg_array_new(rows, PG_INT8),
                                  .stamp = pg_array_new(rows, PG_INT8), .terms = pg_array_new(rows, PG_TEXT)};
    return rows;
}

void similar_rows_add(struct similar_rows *rows, const char *user_id, int64_t id, int64_t stamp, const int32_t *terms, size_t n)
{
    char *literal = n ? talloc_strdup(rows, "{") : NULL;
    for (size_t i = 0; i < n; i++)
        literal = talloc_asprintf_append_buffer(literal, "%s%" PRId32, i ? "," : "", terms[i]);
    if (literal)
        literal = talloc_strdup_append_buffer(literal, "}");
    pg_array_text(rows->user_id, user_id);
    pg_array_int8(rows->id, id);
    pg_array_int8(rows->stamp, stamp);
    pg_array_text(rows->terms, literal);
    talloc_free(literal);
}

size_t similar_rows_count(const struct similar_rows *rows)
{
    return pg_array_count(rows->id);
}

void similar_rows_into(struct similar_rows *rows, struct pg_unit *unit)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_array(p, rows->user_id);
    pg_param_array(p, rows->id);
    pg_param_array(p, rows->stamp);
    pg_param_array(p, rows->terms);
    force_plan(unit, write_ms);
    pg_add(unit, SQL_SIMILAR_WRITE, p);
    talloc_free(rows);
}

int similar_store_ask_waiting(struct pg_unit *unit, int64_t most)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, most);
    return pg_add(unit, SQL_SIMILAR_WAITING, p);
}

struct similar_waiting similar_store_waiting_at(TALLOC_CTX *ctx, const PGresult *res, int row)
{
    return (struct similar_waiting){.user_id = pg_text(ctx, res, row, 0), .id = pg_int8(res, row, 1), .title = pg_bytes(res, row, 2),
                                    .description = pg_bytes(res, row, 3), .stamp = pg_int8(res, row, 4), .age_ms = pg_int8(res, row, 5)};
}

int similar_store_ask_lists(struct pg_unit *unit, const int32_t *terms, size_t n)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *term = pg_array_new(p, PG_INT8);
    for (size_t i = 0; i < n; i++)
        pg_array_int8(term, terms[i]);
    pg_param_array(p, term);
    pg_param_int8(p, READ_ENTRIES);
    force_plan(unit, find_ms);
    return pg_add(unit, SQL_SIMILAR_READ, p);
}

struct similar_list similar_store_list_at(const PGresult *res, int row)
{
    return (struct similar_list){.length = (uint32_t)pg_int8(res, row, 0), .entries = pg_bytes(res, row, 1),
                                 .docs = (uint32_t)pg_int8(res, row, 2)};
}

int similar_store_ask_candidates(struct pg_unit *unit, const uint32_t *docs, size_t n)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *doc = pg_array_new(p, PG_INT8);
    for (size_t i = 0; i < n; i++)
        pg_array_int8(doc, docs[i]);
    pg_param_array(p, doc);
    force_plan(unit, find_ms);
    return pg_add(unit, SQL_SIMILAR_FIND, p);
}

struct similar_candidate similar_store_candidate_at(const PGresult *res, int row)
{
    return (struct similar_candidate){.user_id = pg_bytes(res, row, 0), .id = pg_int8(res, row, 1), .code = pg_bytes(res, row, 2),
                                      .title = pg_bytes(res, row, 3), .description = pg_bytes(res, row, 4), .unit_id = pg_int8(res, row, 5),
                                      .status = pg_bytes(res, row, 6), .unit = pg_bytes(res, row, 7),
                                      .submitted_ms = pg_time_ms(res, row, 8), .confidential = pg_bool(res, row, 9)};
}
