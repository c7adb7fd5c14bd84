/* Evidence, mail, units: see case_store.h. */
#include "case_store.h"

void case_store_add_evidence(struct save *s, const struct evidence *e)
{
    /* Announced sizes are untrusted and only shown; "not said" is null, an empty file is 0. */
    save_row(s, SQL_EVIDENCE_ADD, e->size_bytes < 0 ? "tiittt" "nt" : "tiittt" "it", e->user_id, e->id, e->initiative_id, e->kind, e->url, e->name,
             e->size_bytes < 0 ? (int64_t)0 : e->size_bytes, e->msg_id);
}

void case_store_add_mail(struct save *s, const struct mail *m)
{
    save_row(s, SQL_MAILBOX_ADD, "tittm", m->user_id, m->id, m->kind, m->payload, m->not_before_ms);
}

void case_store_end_nudge(struct save *s, const char *user_id, const struct nudge_end *n)
{
    save_row(s, SQL_NUDGE_END, "tint", user_id, n->id, n->reply_id, n->reason);
}

void case_store_stop_nudges(struct save *s, const char *user_id)
{
    save_row(s, SQL_NUDGE_STOP, "t", user_id);
}

struct mail *case_store_due_mail(TALLOC_CTX *ctx, const PGresult *res)
{
    struct mail *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        struct mail *m = talloc_zero(ctx, struct mail);
        *m = (struct mail){
            .user_id = pg_text(m, res, r, 0),
            .id = pg_int8(res, r, 1),
            .kind = pg_text(m, res, r, 2),
            .payload = pg_text(m, res, r, 3),
            .not_before_ms = pg_time_ms(res, r, 4),
        };
        *last = m;
        last = &m->next;
    }
    return first;
}

size_t case_store_units_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id, struct unit_match *out, size_t most)
{
    size_t n = 0;
    for (int r = 0; r < PQntuples(res) && n < most; r++) {
        if (!str_eq(pg_bytes(res, r, 0), str_of(user_id)))
            continue;
        out[n++] = (struct unit_match){
            .id = pg_int8(res, r, 1),
            .name = pg_text(ctx, res, r, 2),
            .parent_name = pg_text(ctx, res, r, 3),
            .level = (int)pg_int8(res, r, 4),
            .score_pct = (int)pg_int8(res, r, 5),
        };
    }
    return n;
}
