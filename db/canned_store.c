/* Canned answers: see canned_store.h. */
#include "canned_store.h"

const struct canned_answer *canned_store_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct canned_answer *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!str_eq(pg_bytes(res, r, 0), str_of(user_id)))
            continue;
        struct canned_answer *a = talloc_zero(ctx, struct canned_answer);
        *a = (struct canned_answer){.id = pg_int8(res, r, 1), .name = pg_text(a, res, r, 2), .text = pg_text(a, res, r, 3),
                                    .created_by = pg_text(a, res, r, 4)};
        *last = a;
        last = &a->next;
    }
    return first;
}

void canned_store_put(struct save *s, const struct canned_answer *a, const char *name_key, const char *text_key)
{
    save_row(s, SQL_CANNED_PUT, "ittttt", a->id, a->name, name_key, a->text, text_key, a->created_by);
}

void canned_store_drop(struct save *s, int64_t id)
{
    save_row(s, SQL_CANNED_DROP, "i", id);
}

void canned_store_learn(struct save *s, const struct canned_use *u, const char *question_key)
{
    save_row(s, SQL_CANNED_LEARN, "tiit", u->user_id, u->ticket_id, u->answer_id, question_key);
}
