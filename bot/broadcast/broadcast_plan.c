/* Planning a broadcast: see broadcast_plan.h. */
#include "broadcast_plan.h"

#include <string.h>

#include "broadcast_text.h"
#include "hours.h"
#include "segment.h"
#include "settings.h"

enum { MINUTE_MS = 60000, DAYS_MAX = 60 };

/* A run that repeats another's failures is for those people, whatever they are now. */
static bool segment_of(TALLOC_CTX *ctx, const struct broadcast *b, struct segment *ret, struct err *e)
{
    return segment_parse(ctx, b->parent_id ? STR("everybody") : str_of(b->segment), ret, e);
}

struct pg_params *broadcast_plan_params(TALLOC_CTX *ctx, const struct broadcast *b, struct err *e)
{
    struct segment s;
    if (!segment_of(ctx, b, &s, e))
        return NULL;
    struct pg_params *p = pg_params_new(ctx);
    struct pg_array *kinds = pg_array_new(p, PG_TEXT), *args = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < s.count; i++) {
        pg_array_text(kinds, s.condition[i].kind);
        pg_array_text(args, s.condition[i].arg);
    }
    pg_param_array(p, kinds);
    pg_param_array(p, args);
    pg_param_int8(p, (int64_t)s.truth);
    pg_param_int8(p, b->scope_unit);
    pg_param_int8(p, b->parent_id);
    pg_param_int8(p, BROADCAST_PER_WEEK);
    return p;
}

bool broadcast_plan_check(const struct broadcast *b, struct err *e)
{
    TALLOC_CTX *tmp = talloc_new(NULL);
    struct segment s;
    bool ok = segment_of(tmp, b, &s, e) && broadcast_text_check(str_of(b->body), e) && broadcast_buttons_check(str_of(b->buttons), e);
    if (ok && !b->template_id != !b->template_data)
        ok = err_set(e, ERR_INVALID, "a template needs its data, and data a template");
    if (ok && b->template_id)
        ok = broadcast_template_check(str_of(b->template_id), e);
    if (ok && b->template_data)
        ok = broadcast_data_check(str_of(b->template_data), e);
    talloc_free(tmp);
    return ok;
}

struct pg_params *broadcast_plan_codes(TALLOC_CTX *ctx, const struct broadcast *b)
{
    struct pg_params *p = pg_params_new(ctx);
    struct pg_array *units = pg_array_new(p, PG_TEXT), *waves = pg_array_new(p, PG_TEXT);
    struct segment s;
    struct err e;
    if (segment_of(p, b, &s, &e))
        for (size_t i = 0; i < s.count; i++) {
            if (strcmp(s.condition[i].kind, "unit") == 0)
                pg_array_text(units, s.condition[i].arg);
            else if (strcmp(s.condition[i].kind, "behind") == 0)
                pg_array_text(waves, s.condition[i].arg);
        }
    pg_param_array(p, units);
    pg_param_array(p, waves);
    return p;
}

int64_t broadcast_plan_end(int64_t messages, const struct settings *s, int64_t from_ms)
{
    /* Minute by minute while open, in one leap to the next opening while not. */
    int64_t at = from_ms, last = from_ms + (int64_t)DAYS_MAX * 24 * 60 * MINUTE_MS;
    for (int64_t left = messages; left > 0;) {
        at = hours_next_open(&s->hours.broadcast, &s->hours.holidays, at);
        if (at < 0 || at > last)
            return -1;
        int64_t now = left < s->send.per_minute ? left : s->send.per_minute;
        at += now * MINUTE_MS / s->send.per_minute;
        left -= now;
    }
    return at;
}

struct broadcast_figures broadcast_plan_figures(const struct broadcast *b, const struct broadcast_reach *reach, const struct settings *s,
                                                int64_t from_ms)
{
    struct broadcast_figures f = {.recipients = reach->free};
    if (!b->free_only)
        f.charged += reach->charged;
    if (b->template_id)
        f.charged += reach->silent;
    f.recipients += f.charged;
    f.cost_vnd = f.charged * s->price.message_vnd;
    f.ends_at_ms = broadcast_plan_end(f.recipients, s, from_ms);
    return f;
}

int64_t broadcast_plan_hold_ms(const struct broadcast_figures *f, const struct settings *s)
{
    return f->recipients > s->broadcast.confirm_over ? s->broadcast.confirm_ms : 0;
}

struct pg_params *broadcast_plan_start(TALLOC_CTX *ctx, int64_t id, const char *by, int64_t at_ms, int64_t hold_ms, int64_t mail_id, const char *asks)
{
    struct pg_params *p = pg_params_new(ctx);
    pg_param_int8(p, id);
    pg_param_text(p, by);
    pg_param_time_ms(p, at_ms);
    pg_param_int8(p, hold_ms);
    pg_param_int8(p, mail_id);
    pg_param_text(p, asks);
    return p;
}

struct pg_params *broadcast_plan_try(TALLOC_CTX *ctx, const struct broadcast *b, const char *user_id, int64_t reply_id)
{
    struct pg_params *p = pg_params_new(ctx);
    struct reply reply = {0};
    broadcast_buttons_add(p, b->buttons, &reply);
    char *buttons = talloc_strdup(p, "[");
    for (size_t i = 0; i < reply.button_count; i++) /* labels and payloads of our own catalogue: nothing to escape */
        buttons = talloc_asprintf_append(buttons, "%s[\"%s\",\"%s\"]", i ? "," : "", reply.button[i].label, reply.button[i].payload);
    pg_param_text(p, user_id);
    pg_param_int8(p, reply_id);
    pg_param_text(p, broadcast_text_render(p, b->body, &(struct broadcast_person){0}));
    pg_param_text(p, talloc_asprintf_append(buttons, "]"));
    return p;
}
