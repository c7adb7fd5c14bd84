/* Conversations and people: see conversation_store.h. */
#include "conversation_store.h"

static struct pg_array *ids_of(struct pg_unit *unit, const struct turn_row *rows, size_t n)
{
    struct pg_array *ids = pg_array_new(unit, PG_TEXT);
    for (size_t i = 0; i < n; i++)
        if (!rows[i].locked)
            pg_array_text(ids, rows[i].user_id);
    return ids;
}

static void add_claim(struct pg_unit *unit, const struct turn_row *rows, size_t n, const char *process)
{
    struct pg_params *claim = pg_params_new(unit), *load = pg_params_new(unit);
    struct pg_array *keys = pg_array_new(unit, PG_BYTEA), *mail = pg_array_new(unit, PG_INT8);
    bool any_mail = false;
    for (size_t i = 0; i < n; i++) {
        if (rows[i].locked)
            continue;
        if (rows[i].event_key)
            pg_array_bytea(keys, rows[i].event_key, EVENT_KEY_BYTES);
        else
            pg_array_null(keys);
        pg_array_id(mail, rows[i].mail_id);
        any_mail |= rows[i].mail_id != 0;
    }
    pg_param_array(claim, ids_of(unit, rows, n));
    pg_param_array(claim, keys);
    if (any_mail)
        pg_param_array(claim, mail);
    pg_param_array(load, ids_of(unit, rows, n));
    pg_param_text(load, process);
    pg_add(unit, any_mail ? SQL_CONVERSATION_CLAIM_MAIL : SQL_CONVERSATION_CLAIM, claim);
    pg_add(unit, SQL_PERSON_LOAD, load);
}

void conversation_store_claim(struct pg_unit *unit, const struct turn_row *rows, size_t n, const char *process)
{
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_LOAD_PLAN, NULL);
    add_claim(unit, rows, n, process);
}

void conversation_store_introduce(struct pg_unit *unit, const struct turn_row *rows, size_t n, const char *process)
{
    struct pg_params *introduce = pg_params_new(unit);
    pg_param_array(introduce, ids_of(unit, rows, n));
    pg_add(unit, SQL_CONVERSATION_INTRODUCE, introduce);
    add_claim(unit, rows, n, process);
}

static struct turn_row *row_of(struct turn_row *rows, size_t n, struct str user_id)
{
    size_t lo = 0, hi = n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        size_t len = strlen(rows[mid].user_id);
        int order = memcmp(rows[mid].user_id, user_id.p, len < user_id.n ? len : user_id.n);
        if (order == 0 && len == user_id.n)
            return &rows[mid];
        if (order < 0 || (order == 0 && len < user_id.n))
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void take_conversation(TALLOC_CTX *ctx, const PGresult *claim, int r, struct turn_row *row)
{
    row->locked = true;
    row->conversation = (struct conversation){
        .state = pg_text(ctx, claim, r, 2),
        .draft = pg_text(ctx, claim, r, 3),
        .owner = pg_text(ctx, claim, r, 4),
        .owner_until_ms = pg_time_ms(claim, r, 5),
        .last_event_at_ms = pg_time_ms(claim, r, 6),
        .version = pg_int8(claim, r, 7),
    };
}

static void take_person(TALLOC_CTX *ctx, const PGresult *load, int r, struct turn_row *row)
{
    row->person = (struct person){
        .user_id = row->user_id,
        .full_name = pg_text(ctx, load, r, 1),
        .phone = pg_text(ctx, load, r, 2),
        .unit_id = pg_int8(load, r, 3),
        .unit_text = pg_text(ctx, load, r, 4),
        .unit_name = pg_text(ctx, load, r, 5),
        .follows = pg_bool(load, r, 6),
        .opted_out_at_ms = pg_time_ms(load, r, 7),
        .consent_at_ms = pg_time_ms(load, r, 8),
        .consent_version = pg_text(ctx, load, r, 9),
        .last_inbound_at_ms = pg_time_ms(load, r, 10),
        .created_at_ms = pg_time_ms(load, r, 11),
    };
    row->reply_waiting = pg_bool(load, r, 12);
    row->reply_collected = pg_bool(load, r, 13);
}

size_t conversation_store_claimed(TALLOC_CTX *ctx, const struct pg_answer *answer, struct turn_row *rows, size_t n)
{
    const PGresult *claim = answer->result[answer->count - 2], *load = answer->result[answer->count - 1];
    for (int r = 0; r < PQntuples(claim); r++) {
        struct turn_row *row = row_of(rows, n, pg_bytes(claim, r, 0));
        if (!row)
            continue;
        if (pg_bool(claim, r, 1))
            row->fresh = true;
        else
            take_conversation(ctx, claim, r, row);
    }
    for (int r = 0; r < PQntuples(load); r++) {
        struct turn_row *row = row_of(rows, n, pg_bytes(load, r, 0));
        if (row && row->locked)
            take_person(ctx, load, r, row);
    }
    size_t unlocked = 0;
    for (size_t i = 0; i < n; i++)
        unlocked += !rows[i].locked;
    return unlocked;
}

void conversation_store_save(struct save *s, const char *user_id, const struct conversation *c)
{
    save_row(s, SQL_CONVERSATION_SAVE, "tttmtm", user_id, c->state, c->draft, c->last_event_at_ms, c->owner, c->owner_until_ms);
}

void conversation_store_save_person(struct save *s, const struct person *p, const char *name_key)
{
    save_row(s, SQL_PERSON_SAVE, "ttttntbmmtm", p->user_id, p->full_name, name_key, p->phone, p->unit_id, p->unit_text, (int)p->follows,
             p->opted_out_at_ms, p->consent_at_ms, p->consent_version, p->last_inbound_at_ms);
}

void conversation_store_message(struct save *s, const struct message_row *m)
{
    save_row(s, SQL_MESSAGE_ADD, "timttttt", m->user_id, m->id, m->at_ms, m->origin, m->kind, m->text, m->zalo_msg_id, m->quote_msg_id);
}

void conversation_store_erase(struct save *s, const char *user_id, const char *key)
{
    static const enum sql_id all[] = {
        SQL_ERASE_FILES, SQL_ERASE_EVIDENCE, SQL_ERASE_REVISIONS, SQL_ERASE_REVIEWS, SQL_ERASE_REVIEWER,
        SQL_ERASE_AUTHORS, SQL_ERASE_AUTHORSHIPS,
        SQL_ERASE_RELAYED_MESSAGES, SQL_ERASE_RELAYED_REPLIES, SQL_ERASE_RELAYED_MAIL, SQL_ERASE_RELAYS, SQL_ERASE_DUTY, SQL_ERASE_ANSWERS,
        SQL_ERASE_TICKET_MESSAGES, SQL_ERASE_TICKETS, SQL_ERASE_DRAFTS, SQL_ERASE_MESSAGES, SQL_ERASE_ECHOES, SQL_ERASE_OUTBOX,
        SQL_ERASE_MAIL, SQL_ERASE_JOBS, SQL_ERASE_DEAD_EVENTS, SQL_ERASE_GRANTS, SQL_ERASE_CANNED_QUESTIONS,
        SQL_ERASE_DOUBTS, SQL_ERASE_NUDGES, SQL_ERASE_BROADCASTS,
        SQL_ERASE_PERSON, SQL_ERASE_JOURNAL,
    };
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        save_row(s, all[i], "t", user_id);
    save_row(s, SQL_ERASE_AUDIT, "tt", user_id, key);
    save_row(s, SQL_ERASE_ENTERED, "tt", user_id, key);
    save_row(s, SQL_ERASE_CANNED_AUTHORS, "tt", user_id, key);
    save_row(s, SQL_ERASE_DELIVERIES, "tt", user_id, key);
    save_row(s, SQL_ERASE_SIGNALS, "tt", user_id, key);
    save_row(s, SQL_ERASE_INITIATIVES, "tt", user_id, key);
}
