/* Likeness for the reviewer: see signal_store.h. */
#include "signal_store.h"

void signal_store_add(struct save *s, const struct similar_signal *x)
{
    save_row(s, SQL_SIGNAL_ADD, "titiibt", x->user_id, x->initiative_id, x->other_user_id, x->other_id, (int64_t)x->score, (int)x->same_unit,
             x->choice);
}

void signal_store_add_check(struct save *s, const char *user_id, int64_t id)
{
    save_row(s, SQL_SIMILAR_CHECK_ADD, "ti", user_id, id);
}

void signal_store_ask_check(struct pg_unit *unit)
{
    pg_add(unit, SQL_SIMILAR_CHECK_NEXT, NULL);
}

bool signal_store_check_of(TALLOC_CTX *ctx, const PGresult *res, struct signal_check *ret)
{
    if (PQntuples(res) == 0)
        return false;
    *ret = (struct signal_check){.user_id = pg_text(ctx, res, 0, 0), .id = pg_int8(res, 0, 1), .title = pg_bytes(res, 0, 2),
                                 .description = pg_bytes(res, 0, 3), .stamp = pg_int8(res, 0, 4), .age_ms = pg_int8(res, 0, 5)};
    return true;
}

void signal_store_put_off_check(struct pg_unit *unit, const struct signal_check *check)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, check->user_id);
    pg_param_int8(p, check->id);
    pg_add(unit, SQL_SIMILAR_CHECK_PUT_OFF, p);
}

static void add_ids(struct pg_params *p, const struct signal_found *found, size_t n)
{
    struct pg_array *user_id = pg_array_new(p, PG_TEXT), *id = pg_array_new(p, PG_INT8);
    for (size_t i = 0; i < n; i++) {
        pg_array_text(user_id, found[i].user_id);
        pg_array_int8(id, found[i].id);
    }
    pg_param_array(p, user_id);
    pg_param_array(p, id);
}

void signal_store_end_check(struct pg_unit *unit, const struct signal_check *check, const struct signal_found *found, size_t n)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, check->user_id);
    pg_param_int8(p, check->id);
    pg_param_int8(p, check->stamp);
    add_ids(p, found, n);
    struct pg_array *score = pg_array_new(p, PG_INT8);
    for (size_t i = 0; i < n; i++)
        pg_array_int8(score, found[i].score);
    pg_param_array(p, score);
    pg_add(unit, SQL_SIMILAR_CHECK_DONE, p);
}

int signal_store_ask_about(struct pg_unit *unit, const struct signal_found *found, size_t n)
{
    struct pg_params *p = pg_params_new(unit);
    add_ids(p, found, n);
    return pg_add(unit, SQL_SIMILAR_ABOUT, p);
}

struct signal_about signal_store_about_at(const PGresult *res, int row)
{
    return (struct signal_about){
        .place = (size_t)pg_int8(res, row, 0), .description = pg_bytes(res, row, 1), .reachable = pg_bool(res, row, 2)};
}
