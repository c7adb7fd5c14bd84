/* Broadcasts as rows: see broadcast_store.h. */
#include "broadcast_store.h"

#include <string.h>

struct broadcast *broadcast_store_row(TALLOC_CTX *ctx, const PGresult *res, int r)
{
    struct broadcast *b = talloc_zero(ctx, struct broadcast);
    *b = (struct broadcast){
        .id = pg_int8(res, r, 0),
        .segment = pg_text(b, res, r, 1),
        .scope_unit = pg_int8(res, r, 2),
        .parent_id = pg_int8(res, r, 3),
        .body = pg_text(b, res, r, 4),
        .buttons = pg_text(b, res, r, 5),
        .template_id = pg_text(b, res, r, 6),
        .template_data = pg_text(b, res, r, 7),
        .free_only = pg_bool(res, r, 8),
        .state = pg_text(b, res, r, 9),
        .start_at_ms = pg_time_ms(res, r, 10),
        .paused_at_ms = pg_time_ms(res, r, 11),
        .pause_reason = pg_text(b, res, r, 12),
        .created_by = pg_text(b, res, r, 13),
        .created_at_ms = pg_time_ms(res, r, 14),
        .started_by = pg_text(b, res, r, 15),
        .confirmed_by = pg_text(b, res, r, 16),
        .sending_at_ms = pg_time_ms(res, r, 17),
        .ended_at_ms = pg_time_ms(res, r, 18),
        .held = pg_bool(res, r, 19),
    };
    return b;
}

/* A number under each word of column 0. */
struct slot {
    const char *word;
    int64_t *to;
};

static void add_up(const PGresult *res, int column, const struct slot *slots, size_t n)
{
    for (int r = 0; r < PQntuples(res); r++)
        for (size_t i = 0; i < n; i++)
            if (str_eq(pg_bytes(res, r, 0), str_of(slots[i].word)))
                *slots[i].to += pg_int8(res, r, column);
}

struct broadcast_sums broadcast_store_sums(const PGresult *res)
{
    struct broadcast_sums s = {0};
    const struct slot slots[] = {{"waiting", &s.waiting}, {"sending", &s.sending}, {"sent", &s.sent},
                                 {"received", &s.received}, {"seen", &s.seen}, {"failed", &s.failed},
                                 {"skipped", &s.skipped}, {"cancelled", &s.cancelled}, {"unknown", &s.unknown}};
    add_up(res, 2, slots, ARRAY_LEN(slots));
    for (int r = 0; r < PQntuples(res); r++) {
        s.frozen += pg_int8(res, r, 2);
        s.charged += pg_int8(res, r, 3);
    }
    return s;
}

struct broadcast_reach broadcast_store_reach(const PGresult *res)
{
    struct broadcast_reach reach = {0};
    const struct slot slots[] = {{"free", &reach.free}, {"charged", &reach.charged}, {"silent", &reach.silent}, {"never", &reach.never},
                                 {"opted_out", &reach.opted_out}, {"with_support", &reach.with_support}, {"capped", &reach.capped}};
    add_up(res, 1, slots, ARRAY_LEN(slots));
    return reach;
}

struct pg_params *broadcast_store_add(TALLOC_CTX *ctx, const struct broadcast *b, const char *by, int64_t wish_id)
{
    struct pg_params *p = pg_params_new(ctx);
    pg_param_text(p, b->segment);
    pg_param_int8(p, b->scope_unit);
    pg_param_int8(p, b->parent_id);
    pg_param_text(p, b->body);
    pg_param_text(p, b->buttons ? b->buttons : "");
    pg_param_text(p, b->template_id);
    pg_param_text(p, b->template_data);
    pg_param_int8(p, b->free_only);
    pg_param_text(p, by);
    pg_param_int8(p, wish_id);
    return p;
}
