/* Set-based saving: see save.h. */
#include "save.h"

#include <stdarg.h>
#include <stdlib.h>

enum { COLUMNS_MAX = 26 };

struct rows {
    int columns;
    struct pg_array *column[COLUMNS_MAX];
};

struct save {
    struct rows *rows[SQL_COUNT];
};

/* Erasures first (what the same turn writes afterwards stays), then parents before children. */
static const enum sql_id order[] = {
    SQL_ERASE_FILES, SQL_ERASE_EVIDENCE, SQL_ERASE_REVISIONS, SQL_ERASE_REVIEWS, SQL_ERASE_REVIEWER, SQL_ERASE_AUTHORS, SQL_ERASE_AUTHORSHIPS,
    SQL_ERASE_INITIATIVES, SQL_ERASE_SIGNALS,
    SQL_ERASE_RELAYED_MESSAGES, SQL_ERASE_RELAYED_REPLIES, SQL_ERASE_RELAYED_MAIL, SQL_ERASE_RELAYS, SQL_ERASE_DUTY, SQL_ERASE_ANSWERS,
    SQL_ERASE_TICKET_MESSAGES, SQL_ERASE_TICKETS, SQL_ERASE_DRAFTS, SQL_ERASE_MESSAGES, SQL_ERASE_ECHOES, SQL_ERASE_OUTBOX,
    SQL_ERASE_MAIL, SQL_ERASE_JOBS, SQL_ERASE_DEAD_EVENTS, SQL_ERASE_GRANTS, SQL_ERASE_AUDIT,
    SQL_ERASE_ENTERED, SQL_ERASE_CANNED_QUESTIONS, SQL_ERASE_CANNED_AUTHORS, SQL_ERASE_DELIVERIES, SQL_ERASE_DOUBTS, SQL_ERASE_NUDGES, SQL_ERASE_BROADCASTS,
    SQL_ERASE_PERSON, SQL_ERASE_JOURNAL,
    SQL_CONVERSATION_SAVE, SQL_PERSON_SAVE, SQL_MESSAGE_ADD, SQL_ECHO_ADD,
    SQL_INITIATIVE_ADD, SQL_INITIATIVE_PATCH, SQL_INITIATIVE_AUTHOR_ADD, SQL_INITIATIVE_AUTHOR_CONSENT, SQL_SIGNAL_ADD, SQL_SIMILAR_CHECK_ADD,
    SQL_REVIEW_APPLY, SQL_REVIEW_AWAY,
    SQL_EVIDENCE_ADD, SQL_EVIDENCE_DROP_FILES, SQL_EVIDENCE_DROP, SQL_DRAFT_PUT, SQL_DRAFT_DROP,
    SQL_TICKET_PUT, SQL_TICKET_MESSAGE_ADD, SQL_TICKET_MESSAGE_FAILED, SQL_DUTY_ON, SQL_DUTY_OFF, SQL_NUDGE_END, SQL_NUDGE_STOP, SQL_MAILBOX_ADD, SQL_JOB_ADD,
    SQL_GRANT_ADD, SQL_AUDIT_ADD, SQL_CANNED_PUT, SQL_CANNED_LEARN, SQL_CANNED_DROP,
    SQL_OUTBOX_DROP_COLLECTED, SQL_OUTBOX_DROP_UNCLAIMED, SQL_OUTBOX_ADD, SQL_TICKET_RELAY_ADD, SQL_OUTBOX_SENT, SQL_TICKET_RELAY_FAILED, SQL_OUTBOX_RETRY,
    SQL_UNIT_KEY, SQL_UNIT_ALIAS_KEY,
};

struct save *save_new(TALLOC_CTX *ctx)
{
    return talloc_zero(ctx, struct save);
}

static struct rows *rows_for(struct save *s, enum sql_id id, const char *types)
{
    if (s->rows[id])
        return s->rows[id];
    struct rows *r = s->rows[id] = talloc_zero(s, struct rows);
    for (const char *t = types; *t; t++) {
        enum pg_elem elem = *t == 't' ? PG_TEXT : *t == 'b' ? PG_BOOL : *t == 'y' ? PG_BYTEA : *t == 'm' ? PG_TIME : PG_INT8;
        r->column[r->columns++] = pg_array_new(r, elem);
    }
    return r;
}

void save_row(struct save *s, enum sql_id id, const char *types, ...)
{
    if (strlen(types) > COLUMNS_MAX)
        abort();
    struct rows *r = rows_for(s, id, types);
    va_list ap;
    va_start(ap, types);
    for (int c = 0; types[c]; c++) {
        struct pg_array *a = r->column[c];
        switch (types[c]) {
        case 't':
            pg_array_text(a, va_arg(ap, const char *));
            break;
        case 'i':
            pg_array_int8(a, va_arg(ap, int64_t));
            break;
        case 'n':
            pg_array_id(a, va_arg(ap, int64_t));
            break;
        case 'b':
            pg_array_bool(a, va_arg(ap, int) != 0);
            break;
        case 'm':
            pg_array_time_ms(a, va_arg(ap, int64_t));
            break;
        case 'y': {
            const void *bytes = va_arg(ap, const void *);
            size_t n = va_arg(ap, size_t);
            if (bytes)
                pg_array_bytea(a, bytes, n);
            else
                pg_array_null(a);
            break;
        }
        default:
            abort();
        }
    }
    va_end(ap);
}

bool save_empty(const struct save *s, enum sql_id id)
{
    return !s->rows[id];
}

void save_into(struct save *s, struct pg_unit *unit)
{
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        struct rows *r = s->rows[order[i]];
        if (!r)
            continue;
        struct pg_params *p = pg_params_new(unit);
        for (int c = 0; c < r->columns; c++)
            pg_param_array(p, r->column[c]);
        pg_add(unit, order[i], p);
        s->rows[order[i]] = NULL;
    }
}
