/* Reviewers' cards and verdicts: see review_store.h. */
#include "review_store.h"

/* Columns of review_next and review_of_code. */
enum {
    REVIEWER, USER_ID, ID, CODE, TITLE, DESCRIPTION, DECLARED, BENEFIT_KIND, BENEFIT_TEXT, UNIT, STATUS, NOTE, SUBMITTED_AT, CHECKED,
    RECOGNISED, SOCIAL, DUPLICATE_OF, AUTHOR, STAMP, EVIDENCE, COAUTHORS, SAME_FIGURE, APPEAL, ALIKE, TAKEN,
};

const struct review_card *review_store_card_of(TALLOC_CTX *ctx, const PGresult *res, const char *reviewer)
{
    for (int r = 0; r < PQntuples(res); r++) {
        if (!str_eq(pg_bytes(res, r, REVIEWER), str_of(reviewer)))
            continue;
        struct review_card *c = talloc_zero(ctx, struct review_card);
        *c = (struct review_card){
            .user_id = pg_text(c, res, r, USER_ID),
            .id = pg_int8(res, r, ID),
            .code = pg_text(c, res, r, CODE),
            .title = pg_text(c, res, r, TITLE),
            .description = pg_text(c, res, r, DESCRIPTION),
            .annual_benefit_vnd = pg_int8(res, r, DECLARED),
            .benefit_kind = pg_text(c, res, r, BENEFIT_KIND),
            .benefit_text = pg_text(c, res, r, BENEFIT_TEXT),
            .unit_name = pg_text(c, res, r, UNIT),
            .status = pg_text(c, res, r, STATUS),
            .review_note = pg_text(c, res, r, NOTE),
            .submitted_at_ms = pg_time_ms(res, r, SUBMITTED_AT),
            .checked_benefit_vnd = pg_int8(res, r, CHECKED),
            .recognised_benefit_vnd = pg_int8(res, r, RECOGNISED),
            .social = pg_bool(res, r, SOCIAL),
            .duplicate_of = pg_text(c, res, r, DUPLICATE_OF),
            .author_name = pg_text(c, res, r, AUTHOR),
            .stamp = pg_int8(res, r, STAMP),
            .evidence_count = pg_int8(res, r, EVIDENCE),
            .coauthor_count = pg_int8(res, r, COAUTHORS),
            .same_figure = pg_int8(res, r, SAME_FIGURE),
            .appeal = pg_text(c, res, r, APPEAL),
            .alike = pg_text(c, res, r, ALIKE),
            .taken = pg_bool(res, r, TAKEN),
        };
        return c;
    }
    return NULL;
}

void review_store_apply(struct save *s, const struct verdict *v)
{
    save_row(s, SQL_REVIEW_APPLY, "tiitttttt" "nnttt", v->user_id, v->id, v->initiative_id, v->verdict, v->reviewer, v->reason, v->field, v->note,
             v->duplicate_of, v->checked_benefit_vnd, v->recognised_benefit_vnd, v->recognised_by, v->recognised_on, v->social);
}

void review_store_away(struct save *s, const struct review_away *a)
{
    save_row(s, SQL_REVIEW_AWAY, "tii", a->user_id, a->id, a->seconds);
}
