/* Where the units stand: see standing_store.h. */
#include "standing_store.h"

void standing_store_ask_wave(struct pg_unit *unit, const char *code)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_text(p, code);
    pg_add(unit, SQL_STANDING_WAVE, p);
}

bool standing_store_wave(TALLOC_CTX *ctx, const PGresult *res, struct standing_wave *ret)
{
    *ret = (struct standing_wave){0};
    if (PQntuples(res) == 0)
        return false;
    *ret = (struct standing_wave){
        .id = pg_int8(res, 0, 0),
        .code = pg_text(ctx, res, 0, 1),
        .name = pg_text(ctx, res, 0, 2),
        .campaign = pg_text(ctx, res, 0, 3),
        .starts_on = pg_text(ctx, res, 0, 4),
        .ends_on = pg_text(ctx, res, 0, 5),
        .frozen_at_ms = pg_time_ms(res, 0, 6),
        .folded_at_ms = pg_time_ms(res, 0, 7),
        .before_at_ms = pg_time_ms(res, 0, 8),
        .today = pg_text(ctx, res, 0, 9),
        .days_left = pg_int8(res, 0, 10),
        .ended = pg_bool(res, 0, 11),
        .age_ms = pg_int8(res, 0, 12),
    };
    return ret->id != 0;
}

void standing_store_ask_rows(struct pg_unit *unit, int64_t wave_id, bool frozen, int64_t unit_id, int64_t levels_below, struct pg_array *within)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, wave_id);
    pg_param_int8(p, unit_id);
    pg_param_int8(p, levels_below);
    if (!within) {
        within = pg_array_new(p, PG_INT8);
        pg_array_int8(within, 0);
    }
    pg_param_array(p, within);
    pg_add(unit, frozen ? SQL_SNAPSHOT_LIST : SQL_STANDING_LIST, p);
}

void standing_store_row(TALLOC_CTX *ctx, const PGresult *res, int r, struct standing_row *ret)
{
    *ret = (struct standing_row){
        .unit_id = pg_int8(res, r, 0),
        .code = pg_text(ctx, res, r, 1),
        .name = pg_text(ctx, res, r, 2),
        .parent = pg_text(ctx, res, r, 3),
        .level = pg_int8(res, r, 4),
        .cluster = pg_text(ctx, res, r, 5),
        .target = pg_int8(res, r, 6),
        .people = pg_int8(res, r, 7),
        .sent = pg_int8(res, r, 8),
        .counted = pg_int8(res, r, 9),
        .valid = pg_int8(res, r, 10),
        .pending = pg_int8(res, r, 11),
        .duplicate = pg_int8(res, r, 12),
        .refused = pg_int8(res, r, 13),
        .nonmonetary = pg_int8(res, r, 14),
        .unknown = pg_int8(res, r, 15),
        .benefit_vnd = pg_text(ctx, res, r, 16),
        .has_median = !pg_null(res, r, 17),
        .median_vnd = pg_int8(res, r, 17),
        .largest_vnd = pg_text(ctx, res, r, 18),
        .peers = pg_int8(res, r, 19),
        .rank = pg_int8(res, r, 20),
        .rank_people = pg_int8(res, r, 21),
        .suspect = pg_int8(res, r, 22),
        .has_before = !pg_null(res, r, 24),
        .before_people = pg_int8(res, r, 23),
        .before_counted = pg_int8(res, r, 24),
        .before_rank = pg_int8(res, r, 25),
        .before_rank_people = pg_int8(res, r, 26),
        .depth = pg_int8(res, r, 27),
    };
}

void standing_store_ask_loose(struct pg_unit *unit, int64_t wave_id)
{
    struct pg_params *p = pg_params_new(unit);
    pg_param_int8(p, wave_id);
    pg_add(unit, SQL_STANDING_LOOSE, p);
}

static void add_text(struct pg_params *p, const char *text)
{
    struct pg_array *a = pg_array_new(p, PG_TEXT);
    pg_array_text(a, text);
    pg_param_array(p, a);
}

static void add_int8(struct pg_params *p, int64_t n)
{
    struct pg_array *a = pg_array_new(p, PG_INT8);
    pg_array_int8(a, n);
    pg_param_array(p, a);
}

void standing_store_ask_waves(struct pg_unit *unit, const char *user_id)
{
    struct pg_params *p = pg_params_new(unit);
    add_text(p, user_id);
    pg_add(unit, SQL_WAVE_ALL, p);
}

struct wave_row *standing_store_waves_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct wave_row *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!str_eq(pg_bytes(res, r, 0), str_of(user_id)))
            continue;
        struct wave_row *w = talloc_zero(ctx, struct wave_row);
        *w = (struct wave_row){.id = pg_int8(res, r, 1), .code = pg_text(w, res, r, 2), .name = pg_text(w, res, r, 3),
                               .campaign = pg_text(w, res, r, 4), .campaign_name = pg_text(w, res, r, 5),
                               .starts_on = pg_text(w, res, r, 6), .ends_on = pg_text(w, res, r, 7), .frozen = pg_bool(res, r, 8)};
        *last = w;
        last = &w->next;
    }
    return first;
}

void standing_store_put_campaign(struct pg_unit *unit, int64_t id, const char *code, const char *name)
{
    struct pg_params *p = pg_params_new(unit);
    add_int8(p, id);
    add_text(p, code);
    add_text(p, name);
    pg_add(unit, SQL_CAMPAIGN_PUT, p);
}

void standing_store_put_wave(struct pg_unit *unit, const struct wave_row *w)
{
    struct pg_params *p = pg_params_new(unit);
    add_int8(p, w->id);
    const char *const texts[] = {w->code, w->campaign, w->name, w->starts_on, w->ends_on};
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        add_text(p, texts[i]);
    pg_add(unit, SQL_WAVE_PUT, p);
}

void standing_store_put_target(struct pg_unit *unit, const char *wave, const char *unit_code, int64_t initiatives)
{
    struct pg_params *p = pg_params_new(unit);
    add_text(p, wave);
    add_text(p, unit_code);
    add_int8(p, initiatives);
    pg_add(unit, SQL_TARGET_PUT, p);
}
