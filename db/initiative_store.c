/* Initiatives: see initiative_store.h. */
#include "initiative_store.h"

#include "signal_store.h"

void initiative_store_add(struct save *s, const struct initiative *i)
{
    bool money = strcmp(i->benefit_kind, BENEFIT_MONEY) == 0;
    /* A declared 0 đồng is money all the same, so the null comes from the kind, not from the value. */
    save_row(s, SQL_INITIATIVE_ADD, money ? "tittti" "ttntmt" : "titttn" "ttntmt", i->user_id, i->id, i->code, i->title, i->description,
             money ? i->annual_benefit_vnd : 0, i->benefit_kind, i->benefit_text, i->unit_id, i->unit_text, i->submitted_at_ms,
             i->created_by);
    signal_store_add_check(s, i->user_id, i->id);
}

void initiative_store_patch(struct save *s, const struct initiative_patch *p)
{
    save_row(s, SQL_INITIATIVE_PATCH, "tiittit", p->user_id, p->revision_id, p->initiative_id, p->field, p->value, p->number, p->benefit_kind);
    if (strcmp(p->field, "title") == 0 || strcmp(p->field, "description") == 0)
        signal_store_add_check(s, p->user_id, p->initiative_id);
}

void initiative_store_add_author(struct save *s, const struct initiative_author *a)
{
    save_row(s, SQL_INITIATIVE_AUTHOR_ADD, "tiittit", a->user_id, a->initiative_id, a->id, a->name, a->author_user_id,
             (int64_t)a->share_pct, a->consent);
}

void initiative_store_author_consent(struct save *s, const struct initiative_author *a)
{
    save_row(s, SQL_INITIATIVE_AUTHOR_CONSENT, "tiitt", a->user_id, a->initiative_id, a->id, a->consent, a->author_user_id);
}

void initiative_store_put_draft(struct save *s, const struct parked_draft *d)
{
    save_row(s, SQL_DRAFT_PUT, "tit", d->user_id, d->id, d->body);
}

void initiative_store_unpark_draft(struct save *s, const struct parked_draft *d)
{
    save_row(s, SQL_DRAFT_DROP, "ti", d->user_id, d->id);
}

void initiative_store_drop_draft(struct save *s, const struct parked_draft *d)
{
    save_row(s, SQL_EVIDENCE_DROP_FILES, "ti", d->user_id, d->id);
    save_row(s, SQL_EVIDENCE_DROP, "ti", d->user_id, d->id);
    save_row(s, SQL_DRAFT_DROP, "ti", d->user_id, d->id);
}

static bool is_of(const PGresult *res, int row, const char *user_id)
{
    return str_eq(pg_bytes(res, row, 0), str_of(user_id));
}

const struct initiative *initiative_store_list_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t *ret_total)
{
    struct initiative *first = NULL, **last = &first;
    *ret_total = 0;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct initiative *i = talloc_zero(ctx, struct initiative);
        *i = (struct initiative){
            .user_id = user_id,
            .id = pg_int8(res, r, 1),
            .code = pg_text(i, res, r, 2),
            .title = pg_text(i, res, r, 3),
            .annual_benefit_vnd = pg_int8(res, r, 4),
            .benefit_kind = pg_text(i, res, r, 5),
            .benefit_text = pg_text(i, res, r, 6),
            .status = pg_text(i, res, r, 7),
            .submitted_at_ms = pg_time_ms(res, r, 8),
        };
        *ret_total = pg_int8(res, r, 9);
        *last = i;
        last = &i->next;
    }
    return first;
}

const struct initiative *initiative_store_one_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t id)
{
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id) || pg_int8(res, r, 1) != id)
            continue;
        struct initiative *i = talloc_zero(ctx, struct initiative);
        *i = (struct initiative){
            .user_id = user_id,
            .id = id,
            .code = pg_text(i, res, r, 2),
            .title = pg_text(i, res, r, 3),
            .description = pg_text(i, res, r, 4),
            .annual_benefit_vnd = pg_int8(res, r, 5),
            .benefit_kind = pg_text(i, res, r, 6),
            .benefit_text = pg_text(i, res, r, 7),
            .unit_id = pg_int8(res, r, 8),
            .unit_text = pg_text(i, res, r, 9),
            .unit_name = pg_text(i, res, r, 10),
            .solution_kind = pg_text(i, res, r, 11),
            .applied_on = pg_text(i, res, r, 12),
            .confidential = pg_bool(res, r, 13),
            .status = pg_text(i, res, r, 14),
            .review_note = pg_text(i, res, r, 15),
            .submitted_at_ms = pg_time_ms(res, r, 16),
            .evidence_count = pg_int8(res, r, 17),
            .stamp = pg_int8(res, r, 18),
            .returned_field = pg_text(i, res, r, 19),
            .appealed = pg_bool(res, r, 20),
        };
        return i;
    }
    return NULL;
}

const struct initiative_author *initiative_store_authors_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, int64_t initiative_id)
{
    struct initiative_author *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id) || pg_int8(res, r, 1) != initiative_id)
            continue;
        struct initiative_author *a = talloc_zero(ctx, struct initiative_author);
        *a = (struct initiative_author){
            .user_id = user_id,
            .initiative_id = initiative_id,
            .id = pg_int8(res, r, 2),
            .name = pg_text(a, res, r, 3),
            .author_user_id = pg_text(a, res, r, 4),
            .share_pct = (int)pg_int8(res, r, 5),
            .consent = pg_text(a, res, r, 6),
        };
        *last = a;
        last = &a->next;
    }
    return first;
}

const struct parked_draft *initiative_store_drafts_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct parked_draft *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct parked_draft *d = talloc_zero(ctx, struct parked_draft);
        *d = (struct parked_draft){
            .user_id = user_id, .id = pg_int8(res, r, 1), .body = pg_text(d, res, r, 2), .updated_at_ms = pg_time_ms(res, r, 3)};
        *last = d;
        last = &d->next;
    }
    return first;
}
