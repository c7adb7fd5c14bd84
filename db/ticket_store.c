/* Tickets: see ticket_store.h. */
#include "ticket_store.h"

void ticket_store_put(struct save *s, const struct ticket *t)
{
    save_row(s, SQL_TICKET_PUT, "tiittttnin" "ttt" "mmm" "min" "mmmmmmm", t->user_id, t->id, t->number, t->state, t->topic, t->question,
             t->step, t->initiative_id, t->unit_id, t->previous_id, t->assignee, t->assignee_name, t->passed ? t->passed : "", t->opened_at_ms,
             t->closed_at_ms, t->asked_at_ms, t->first_answer_at_ms, (int64_t)t->first_answer_min, (int64_t)t->slowest_answer_min,
             t->answered_at_ms, t->contact_at_ms, t->snoozed_until_ms, t->told_at_ms, t->overdue_at_ms, t->warned_at_ms, t->tick_at_ms);
}

void ticket_store_add_message(struct save *s, const struct ticket_message *m)
{
    save_row(s, SQL_TICKET_MESSAGE_ADD, "tiitttttt", m->user_id, m->id, m->ticket_id, m->direction, m->text, m->msg_id, m->author, m->kind,
             m->url);
}

void ticket_store_message_failed(struct save *s, const char *user_id, int64_t id, const char *failure)
{
    save_row(s, SQL_TICKET_MESSAGE_FAILED, "tit", user_id, id, failure);
}

void ticket_store_add_relay(struct save *s, const struct ticket_relay *r)
{
    save_row(s, SQL_TICKET_RELAY_ADD, "titit", r->user_id, r->id, r->worker_id, r->ticket_id, r->contact);
}

void ticket_store_set_duty(struct save *s, const char *user_id, bool on)
{
    save_row(s, on ? SQL_DUTY_ON : SQL_DUTY_OFF, "t", user_id);
}

void ticket_store_relay_failed(struct save *s, const char *user_id, int64_t id)
{
    save_row(s, SQL_TICKET_RELAY_FAILED, "ti", user_id, id);
}

/* ---- reading ---- */

static bool is_of(const PGresult *res, int r, const char *user_id)
{
    return str_eq(pg_bytes(res, r, 0), str_of(user_id));
}

const struct ticket *ticket_store_list_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct ticket *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct ticket *t = talloc_zero(ctx, struct ticket);
        *t = (struct ticket){
            .user_id = user_id,
            .id = pg_int8(res, r, 1),
            .number = pg_int8(res, r, 2),
            .state = pg_text(t, res, r, 3),
            .topic = pg_text(t, res, r, 4),
            .question = pg_text(t, res, r, 5),
            .step = pg_text(t, res, r, 6),
            .initiative_id = pg_int8(res, r, 7),
            .unit_id = pg_int8(res, r, 8),
            .previous_id = pg_int8(res, r, 9),
            .assignee = pg_text(t, res, r, 10),
            .assignee_name = pg_text(t, res, r, 11),
            .passed = pg_text(t, res, r, 12),
            .opened_at_ms = pg_time_ms(res, r, 13),
            .closed_at_ms = pg_time_ms(res, r, 14),
            .asked_at_ms = pg_time_ms(res, r, 15),
            .first_answer_at_ms = pg_time_ms(res, r, 16),
            .first_answer_min = (int)pg_int8(res, r, 17),
            .slowest_answer_min = (int)pg_int8(res, r, 18),
            .answered_at_ms = pg_time_ms(res, r, 19),
            .contact_at_ms = pg_time_ms(res, r, 20),
            .snoozed_until_ms = pg_time_ms(res, r, 21),
            .told_at_ms = pg_time_ms(res, r, 22),
            .overdue_at_ms = pg_time_ms(res, r, 23),
            .warned_at_ms = pg_time_ms(res, r, 24),
            .tick_at_ms = pg_time_ms(res, r, 25),
        };
        *last = t;
        last = &t->next;
    }
    return first;
}

int64_t ticket_store_start_of(const PGresult *res, const char *user_id, int *ret_minutes)
{
    for (int r = 0; r < PQntuples(res); r++)
        if (is_of(res, r, user_id)) {
            *ret_minutes = (int)pg_int8(res, r, 2);
            return pg_int8(res, r, 1);
        }
    return 0;
}

const struct contact *ticket_store_contacts_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct contact *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct contact *c = talloc_zero(ctx, struct contact);
        *c = (struct contact){
            .user_id = pg_text(c, res, r, 1), .name = pg_text(c, res, r, 2), .last_inbound_at_ms = pg_time_ms(res, r, 3)};
        *last = c;
        last = &c->next;
    }
    return first;
}

const struct ticket_case *ticket_store_case_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct ticket_case *c = talloc_zero(ctx, struct ticket_case);
        *c = (struct ticket_case){
            .ticket = {.user_id = pg_text(c, res, r, 1), .id = pg_int8(res, r, 2), .number = pg_int8(res, r, 3), .state = pg_text(c, res, r, 4),
                       .topic = pg_text(c, res, r, 5), .question = pg_text(c, res, r, 6), .assignee = pg_text(c, res, r, 7),
                       .assignee_name = pg_text(c, res, r, 8), .opened_at_ms = pg_time_ms(res, r, 9), .asked_at_ms = pg_time_ms(res, r, 10)},
            .name = pg_text(c, res, r, 11),
            .unit_name = pg_text(c, res, r, 12),
            .last_inbound_at_ms = pg_time_ms(res, r, 13),
            .owner = pg_text(c, res, r, 14),
            .owner_until_ms = pg_time_ms(res, r, 15),
            .dialog = pg_text(c, res, r, 16),
            .recent = pg_text(c, res, r, 17),
        };
        return c;
    }
    return NULL;
}

const struct ticket_case *ticket_store_queue_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    struct ticket_case *first = NULL, **last = &first;
    for (int r = 0; r < PQntuples(res); r++) {
        if (!is_of(res, r, user_id))
            continue;
        struct ticket_case *c = talloc_zero(ctx, struct ticket_case);
        *c = (struct ticket_case){
            .ticket = {.user_id = pg_text(c, res, r, 1), .id = pg_int8(res, r, 2), .number = pg_int8(res, r, 3), .state = pg_text(c, res, r, 4),
                       .question = pg_text(c, res, r, 5), .assignee = pg_text(c, res, r, 6), .asked_at_ms = pg_time_ms(res, r, 8)},
            .name = pg_text(c, res, r, 7),
            .owner = pg_text(c, res, r, 9),
            .owner_until_ms = pg_time_ms(res, r, 10),
        };
        *last = c;
        last = &c->next;
    }
    return first;
}

const struct ticket *ticket_store_quoted_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id)
{
    for (int r = 0; r < PQntuples(res); r++)
        if (is_of(res, r, user_id)) {
            struct ticket *t = talloc_zero(ctx, struct ticket);
            *t = (struct ticket){.user_id = pg_text(t, res, r, 1), .id = pg_int8(res, r, 2), .number = pg_int8(res, r, 3)};
            return t;
        }
    return NULL;
}
