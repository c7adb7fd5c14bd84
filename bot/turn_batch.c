/* A batch of turns: see turn_batch.h. */
#include "turn_batch.h"

#include <openssl/rand.h>
#include <stdlib.h>

#include "canned_store.h"
#include "case_store.h"
#include "clock.h"
#include "initiative_store.h"
#include "job_store.h"
#include "log.h"
#include "outbox_store.h"
#include "pg.h"
#include "reading/text.h"
#include "reading/unit_name.h"
#include "review_store.h"
#include "role_store.h"
#include "settings.h"
#include "signal_store.h"
#include "standing_store.h"
#include "zalo/sha256.h"
#include "ticket_store.h"

enum {
    ROUNDS_MAX = 4,
    STATEMENT_DEADLINE_MS = 5000, /* longer than Zalo waits: the webhook is answered meanwhile, the commit still counts */
    LAST_INBOUND_STEP_MS = 15 * 60 * 1000, /* last_inbound_at is kept this coarse to spare a row version a turn */
    TURN_BYTES = 6 * 1024, /* of the batch's pool: what a turn takes from load to save, or it takes more */
    BATCH_BYTES = 8 * 1024,
    OBJECTS_PER_TURN = 100,
    LATE_MS = 3000, /* older than what took effect by more than connections of one node reorder */
    PROMPT_EXPIRES_MS = 10 * 60 * 1000,
    RECEIPT_EXPIRES_MS = 24 * 60 * 60 * 1000,
};

#define PRIVACY_VERSION "2026-11"

static void think(struct turn_batch *b);

static int64_t new_id(void *ctx)
{
    return ids_next(ctx);
}

static void finish(struct turn_batch *b, const struct err *e)
{
    if (e)
        b->e = *e;
    b->done(b, b->ctx);
}

/* ---- load ---- */

static void on_claimed(const struct pg_answer *answer, void *arg)
{
    struct turn_batch *b = arg;
    if (answer->e) {
        finish(b, answer->e);
        return;
    }
    if (conversation_store_claimed(b, answer, b->rows, b->count) > 0 && !b->introduced) { /* somebody's first event, or held elsewhere: rare */
        b->introduced = true;
        struct pg_unit *unit = pg_unit_new(b);
        conversation_store_introduce(unit, b->rows, b->count, b->options->process);
        PG_FAULTS(unit, "turn_before_introduction", "turn_after_introduction");
        pg_run(b->pg, unit, STATEMENT_DEADLINE_MS, on_claimed, b);
        return;
    }
    b->now_ms = clock_epoch_ms();
    think(b);
}

/* One statement per kind of need over all turns that asked for it. */
static const struct {
    enum need need;
    enum sql_id sql;
    enum { ARG_NONE, ARG_ID, ARG_TEXT, ARG_UNIT, ARG_RAW, ARG_HASH } arg; /* a raw text is looked for as it stands */
} needs[] = {
    {NEED_INITIATIVES, SQL_INITIATIVE_LIST, ARG_NONE}, {NEED_INITIATIVE, SQL_INITIATIVE_GET, ARG_ID},
    {NEED_UNITS, SQL_UNIT_MATCH, ARG_UNIT},            {NEED_DRAFTS, SQL_DRAFT_LIST, ARG_NONE},
    {NEED_TICKET, SQL_TICKET_LIST, ARG_NONE},          {NEED_AUTHORS, SQL_INITIATIVE_AUTHOR_LIST, ARG_ID},
    {NEED_COLLEAGUE, SQL_PERSON_COLLEAGUE, ARG_TEXT},  {NEED_MY_DATA, SQL_PERSON_DATA, ARG_NONE},
    {NEED_EVIDENCE, SQL_EVIDENCE_COUNT, ARG_ID},       {NEED_GRANTS, SQL_GRANT_LIST, ARG_NONE},
    {NEED_INVITE, SQL_INVITE_TAKE, ARG_HASH},          {NEED_CANNED, SQL_CANNED_FIND, ARG_TEXT},
    {NEED_CANNED_ONE, SQL_CANNED_GET, ARG_ID},         {NEED_CANNED_OFFER, SQL_CANNED_OFFER, ARG_TEXT},
    {NEED_REVIEW_CARD, SQL_REVIEW_OF_CODE, ARG_TEXT},  {NEED_REVIEW_NEXT, SQL_REVIEW_NEXT, ARG_NONE},
    {NEED_REVIEW_OTHER, SQL_REVIEW_OTHER, ARG_TEXT},   {NEED_WAVES, SQL_WAVE_ALL, ARG_NONE},
    {NEED_TICKET_START, SQL_TICKET_START, ARG_NONE},   {NEED_CONTACTS, SQL_TICKET_CONTACTS, ARG_ID},
    {NEED_CHIEFS, SQL_TICKET_CHIEFS, ARG_ID},          {NEED_CASE, SQL_TICKET_CASE, ARG_ID},
    {NEED_QUEUE, SQL_TICKET_QUEUE, ARG_NONE},          {NEED_QUOTED, SQL_TICKET_QUOTED, ARG_RAW},
    {NEED_REMINDERS, SQL_NUDGE_REMINDERS, ARG_NONE},
};

static void add_hash(struct pg_array *a, struct str text)
{
    unsigned char hash[SHA256_BYTES];
    if (sha256_parts(&text, 1, hash))
        pg_array_bytea(a, hash, sizeof(hash));
    else
        pg_array_null(a); /* equals nothing */
}

static void add_need(struct turn_batch *b, struct pg_unit *unit, size_t k)
{
    struct pg_array *ids = pg_array_new(unit, PG_TEXT), *arg = NULL;
    if (needs[k].arg != ARG_NONE)
        arg = pg_array_new(unit, needs[k].arg == ARG_ID ? PG_INT8 : needs[k].arg == ARG_HASH ? PG_BYTEA : PG_TEXT);
    for (size_t i = 0; i < b->count; i++) {
        const struct turn_output *out = b->turn[i].out;
        if (!out || !(out->needs & needs[k].need))
            continue;
        pg_array_text(ids, b->turn[i].row->user_id);
        if (needs[k].arg == ARG_ID)
            pg_array_int8(arg, out->need_id);
        else if (needs[k].arg == ARG_TEXT)
            pg_array_text(arg, text_key(unit, str_of(out->need_text)));
        else if (needs[k].arg == ARG_UNIT)
            pg_array_text(arg, unit_key(unit, str_of(out->need_text)));
        else if (needs[k].arg == ARG_HASH)
            add_hash(arg, str_of(out->need_text));
        else if (needs[k].arg == ARG_RAW)
            pg_array_text(arg, out->need_text);
    }
    struct pg_params *p = pg_params_new(unit);
    pg_param_array(p, ids);
    if (arg)
        pg_param_array(p, arg);
    pg_add(unit, needs[k].sql, p);
}

static bool row_of(const PGresult *res, const char *user_id, int *ret)
{
    for (int r = 0; r < PQntuples(res); r++)
        if (str_eq(pg_bytes(res, r, 0), str_of(user_id))) {
            *ret = r;
            return true;
        }
    return false;
}

static void take_need(struct turn_batch *b, struct turn *t, enum need need, const PGresult *res)
{
    const char *user_id = t->row->user_id;
    struct turn_input *in = &t->in;
    int r;
    switch (need) {
    case NEED_INITIATIVES:
        in->initiatives = initiative_store_list_of(b, res, user_id, &in->initiative_total);
        break;
    case NEED_INITIATIVE:
        in->initiative = initiative_store_one_of(b, res, user_id, t->out->need_id);
        break;
    case NEED_UNITS:
        in->unit_count = case_store_units_of(b, res, user_id, t->units, ARRAY_LEN(t->units));
        in->units = t->units;
        break;
    case NEED_DRAFTS:
        in->drafts = initiative_store_drafts_of(b, res, user_id);
        break;
    case NEED_TICKET:
        in->tickets = ticket_store_list_of(b, res, user_id);
        break;
    case NEED_AUTHORS:
        in->authors = initiative_store_authors_of(b, res, user_id, t->out->need_id);
        break;
    case NEED_COLLEAGUE:
        in->colleague_user_id = row_of(res, user_id, &r) ? pg_text(b, res, r, 1) : NULL;
        break;
    case NEED_MY_DATA:
        if (row_of(res, user_id, &r))
            t->my_data = (struct my_data){pg_int8(res, r, 1), pg_int8(res, r, 2), pg_int8(res, r, 3),
                                          pg_int8(res, r, 4), pg_int8(res, r, 5), pg_time_ms(res, r, 6)};
        in->my_data = &t->my_data;
        break;
    case NEED_EVIDENCE:
        in->evidence_count = row_of(res, user_id, &r) ? pg_int8(res, r, 1) : 0;
        break;
    case NEED_GRANTS:
        in->grants = role_store_grants_of(b, res, user_id);
        break;
    case NEED_INVITE:
        in->invite = role_store_invite_of(b, res, user_id);
        break;
    case NEED_CANNED:
        in->canned = canned_store_of(b, res, user_id);
        break;
    case NEED_CANNED_ONE:
        in->canned_one = canned_store_of(b, res, user_id);
        break;
    case NEED_CANNED_OFFER:
        in->canned_offer = canned_store_of(b, res, user_id);
        break;
    case NEED_REVIEW_CARD:
        in->review_card = review_store_card_of(b, res, user_id);
        break;
    case NEED_REVIEW_NEXT:
        in->review_next = review_store_card_of(b, res, user_id);
        break;
    case NEED_REVIEW_OTHER:
        in->review_other = row_of(res, user_id, &r) ? pg_text(b, res, r, 1) : NULL;
        break;
    case NEED_WAVES:
        in->waves = standing_store_waves_of(b, res, user_id);
        break;
    case NEED_TICKET_START:
        in->ticket_number = ticket_store_start_of(res, user_id, &in->answer_minutes);
        break;
    case NEED_CONTACTS:
        in->contacts = ticket_store_contacts_of(b, res, user_id);
        break;
    case NEED_CHIEFS:
        in->chiefs = ticket_store_contacts_of(b, res, user_id);
        break;
    case NEED_CASE:
        in->ticket_case = ticket_store_case_of(b, res, user_id);
        break;
    case NEED_QUEUE:
        in->queue = ticket_store_queue_of(b, res, user_id);
        break;
    case NEED_REMINDERS:
        in->reminders = row_of(res, user_id, &r) ? pg_int8(res, r, 1) : 0;
        break;
    case NEED_QUOTED:
        in->quoted = ticket_store_quoted_of(b, res, user_id);
        break;
    }
    in->loaded |= need;
}

static unsigned needs_of(const struct turn_batch *b)
{
    unsigned all = 0;
    for (size_t i = 0; i < b->count; i++)
        all |= b->turn[i].out ? b->turn[i].out->needs : 0;
    return all;
}

static void on_needs_loaded(const struct pg_answer *answer, void *arg)
{
    struct turn_batch *b = arg;
    if (answer->e) {
        finish(b, answer->e);
        return;
    }
    unsigned wanted = needs_of(b);
    int statement = 0;
    for (size_t k = 0; k < ARRAY_LEN(needs); k++) {
        if (!(wanted & needs[k].need))
            continue;
        for (size_t i = 0; i < b->count; i++)
            if (b->turn[i].out && (b->turn[i].out->needs & needs[k].need))
                take_need(b, &b->turn[i], needs[k].need, answer->result[statement]);
        statement++;
    }
    think(b);
}

/* ---- think ---- */

static bool is_late(const struct turn *t)
{
    int64_t newest = t->row->conversation.last_event_at_ms, sent = t->event->in->sent_at_ms;
    if (t->event->in->kind == IN_MAIL || sent >= newest)
        return false;
    return t->event->redelivered || t->event->spooled || newest - sent > LATE_MS;
}

static void prepare(struct turn_batch *b, struct turn *t)
{
    const struct settings *s = b->options->settings;
    t->conv = t->row->conversation;
    t->conv.draft = NULL; /* unchanged unless the dialogue says so */
    t->in = (struct turn_input){
        .msg = t->event->in,
        .now_ms = b->now_ms,
        .late = is_late(t),
        .person = &t->row->person,
        .conv = &t->row->conversation,
        .new_id = new_id,
        .new_id_ctx = b->options->ids,
        .privacy_version = PRIVACY_VERSION,
        .wave_end = b->options->wave_end,
        .quiet_ms = (int)s->chat.quiet_ms,
        .messages_per_minute = (int)s->chat.per_minute,
        .message_days = (int)s->retention.message_days,
        .support = {&s->hours.staff, &s->hours.holidays, (int)s->support.answer_minutes, (int)s->support.wait_minutes,
                    (int)s->support.silence_minutes, (int)s->support.admin_minutes},
    };
}

static void think_turn(struct turn_batch *b, struct turn *t)
{
    receipt_stock_peek(b->receipts, t->code);
    t->in.next_code = t->code;
    talloc_free(t->out);
    t->out = talloc_zero(b, struct turn_output);
    dialogue_turn(t->out, &t->in, t->out);
    if (!t->out->needs && t->out->code_used)
        receipt_stock_spend(b->receipts);
}

static void save_batch(struct turn_batch *b);

/* Thinks every turn that has not come to its end; loads what they asked for, or saves. */
static void think(struct turn_batch *b)
{
    bool first = b->rounds == 0;
    for (size_t i = 0; i < b->count; i++) {
        struct turn *t = &b->turn[i];
        if (first) {
            if (!t->row->locked || !t->row->fresh)
                continue;
            prepare(b, t);
            think_turn(b, t);
        } else if (t->out && t->out->needs) {
            think_turn(b, t);
        }
    }
    unsigned wanted = needs_of(b);
    if (!wanted) {
        save_batch(b);
        return;
    }
    if (++b->rounds > ROUNDS_MAX) { /* a mistake in the dialogue: the culprit is found by halving */
        err_set(&b->e, ERR_INVALID, "a turn asked for more %d times (needs 0x%x)", ROUNDS_MAX, wanted);
        finish(b, NULL);
        return;
    }
    struct pg_unit *unit = pg_unit_new(b);
    for (size_t k = 0; k < ARRAY_LEN(needs); k++)
        if (wanted & needs[k].need)
            add_need(b, unit, k);
    PG_FAULTS(unit, "turn_before_needs", "turn_after_needs");
    pg_run(b->pg, unit, STATEMENT_DEADLINE_MS, on_needs_loaded, b);
}

/* ---- save ---- */

/* The signed time, but never ahead of our clock: theirs may run fast, and the number is only signed, not checked. */
static int64_t said_at_ms(const struct turn_batch *b, const struct inbound *in)
{
    return in->sent_at_ms < b->now_ms ? in->sent_at_ms : b->now_ms;
}

static void save_inbound(struct turn_batch *b, struct save *s, const struct turn *t)
{
    const struct inbound *in = t->event->in;
    const struct person *p = t->out->person ? t->out->person : &t->row->person;
    if (in->kind == IN_MAIL || t->out->erase)
        return; /* mail is internal; of somebody who asked for erasure not even the asking is kept */
    conversation_store_message(s, &(struct message_row){
        .user_id = t->row->user_id,
        .id = ids_next(b->options->ids),
        .at_ms = said_at_ms(b, in),
        .origin = in->kind == IN_ECHO ? "admin" : "person",
        .kind = inbound_kind_name(in->kind),
        .text = p->consent_at_ms && !t->out->secret ? in->text : NULL, /* before consent only the kind of what came */
        .zalo_msg_id = in->msg_id,
        .quote_msg_id = in->quote_msg_id,
    });
}

static int64_t expires_ms(const struct reply *r)
{
    return r->class == REPLY_RECEIPT || r->class == REPLY_STAFF ? RECEIPT_EXPIRES_MS : PROMPT_EXPIRES_MS;
}

static bool is_delayed(const struct turn_batch *b, const struct reply *r)
{
    return r->not_before_ms > b->now_ms;
}

/* At once, nobody before it and there is room: leased to this process.  Otherwise whoever comes when it is due takes it, in order. */
static bool is_mine(const struct turn_batch *b, const struct turn *t, const struct reply *r)
{
    return b->sends && !is_delayed(b, r) && !t->row->reply_waiting;
}

/* It answers what the person wrote, and says where the talk is. */
static bool is_answer(const struct turn_batch *b, const struct turn *t, const struct reply *r)
{
    return r->class == REPLY_PROMPT && t->event->in->kind != IN_MAIL && !is_delayed(b, r);
}

static bool has_answer(const struct turn_batch *b, const struct turn *t)
{
    const struct reply *r = t->out->replies;
    while (r && !is_answer(b, t, r))
        r = r->next;
    return r != NULL;
}

static void save_replies(struct turn_batch *b, struct save *s, const struct turn *t)
{
    if (b->merges && t->row->reply_waiting && has_answer(b, t))
        b->merges[b->merge_count++] = t->row->user_id;
    if (t->out->drop_replies)
        outbox_store_drop_unclaimed(s, t->row->user_id);
    bool drop = t->row->reply_collected && t->out->replies;
    if (drop)
        outbox_store_drop_collected(s, t->row->user_id);
    for (const struct reply *r = t->out->replies; r; r = r->next) {
        bool mine = is_mine(b, t, r);
        outbox_store_add(s, r, mine ? b->options->process : NULL,
                         mine ? TURN_LEASE_MS : is_delayed(b, r) ? r->not_before_ms - b->now_ms : 0, expires_ms(r), is_answer(b, t, r));
    }
}

static void save_person(struct turn_batch *b, struct save *s, const struct turn *t)
{
    static const unsigned interactions = 1u << IN_TEXT | 1u << IN_IMAGE | 1u << IN_GIF | 1u << IN_LINK | 1u << IN_AUDIO | 1u << IN_VIDEO |
                                         1u << IN_FILE | 1u << IN_STICKER | 1u << IN_LOCATION | 1u << IN_CARD | 1u << IN_FOLLOW |
                                         1u << IN_CHATNOW | 1u << IN_SUBMIT_INFO;
    bool interaction = interactions >> t->event->in->kind & 1;
    int64_t sent = said_at_ms(b, t->event->in);
    struct person p = t->out->person ? *t->out->person : t->row->person;
    bool stale = interaction && !t->out->erase && sent - p.last_inbound_at_ms > LAST_INBOUND_STEP_MS;
    if (!t->out->person && !stale)
        return;
    if (interaction && sent > p.last_inbound_at_ms)
        p.last_inbound_at_ms = sent;
    p.user_id = t->row->user_id;
    conversation_store_save_person(s, &p, p.full_name ? text_key(b, str_of(p.full_name)) : NULL);
}

/* Stands for an erased person in the counts; leads back to nobody. */
static const char *random_key(TALLOC_CTX *ctx)
{
    unsigned char r[16];
    if (RAND_bytes(r, sizeof(r)) != 1)
        abort(); /* a guessable key would be no erasure */
    char *key = talloc_strdup(ctx, "");
    for (size_t i = 0; i < sizeof(r); i++)
        key = talloc_asprintf_append_buffer(key, "%02x", r[i]);
    return key;
}

/* If an attempt's commit came through unheard, nobody sends its replies, and what follows would overtake them: anybody may, in
 * order.  Its person's lock has been waited for, so there is no such attempt under way any more. */
static void save_orphans(struct save *s, const struct turn *t)
{
    for (size_t i = 0; t->row->locked && i < t->event->orphan_count; i++)
        outbox_store_retry(s, t->event->orphans[i], 0, false, "the answer to its commit was lost");
}

static void save_turn(struct turn_batch *b, struct save *s, struct turn *t)
{
    const struct turn_output *out = t->out;
    save_orphans(s, t);
    if (!out)
        return;
    if (out->erase)
        conversation_store_erase(s, t->row->user_id, random_key(b));
    if (out->state)
        t->conv.state = out->state;
    if (out->draft)
        t->conv.draft = out->draft;
    if (out->owner) {
        t->conv.owner = out->owner;
        t->conv.owner_until_ms = out->owner_until_ms;
    }
    int64_t sent = said_at_ms(b, t->event->in);
    if (t->event->in->kind != IN_MAIL && sent > t->conv.last_event_at_ms)
        t->conv.last_event_at_ms = sent;
    conversation_store_save(s, t->row->user_id, &t->conv);
    save_person(b, s, t);
    save_inbound(b, s, t);
    for (const struct initiative *i = out->new_initiatives; i; i = i->next)
        initiative_store_add(s, i);
    for (const struct initiative_patch *p = out->patches; p; p = p->next)
        initiative_store_patch(s, p);
    for (const struct initiative_author *a = out->authors; a; a = a->next)
        initiative_store_add_author(s, a);
    for (const struct initiative_author *a = out->author_consents; a; a = a->next)
        initiative_store_author_consent(s, a);
    for (const struct similar_signal *x = out->signals; x; x = x->next)
        signal_store_add(s, x);
    for (const struct evidence *e = out->evidence; e; e = e->next)
        case_store_add_evidence(s, e);
    for (const struct parked_draft *d = out->parked; d; d = d->next)
        initiative_store_put_draft(s, d);
    for (const struct parked_draft *d = out->dropped; d; d = d->next)
        initiative_store_drop_draft(s, d);
    for (const struct parked_draft *d = out->unparked; d; d = d->next)
        initiative_store_unpark_draft(s, d);
    for (const struct ticket *k = out->tickets; k; k = k->next)
        ticket_store_put(s, k);
    for (const struct ticket_message *m = out->ticket_messages; m; m = m->next)
        ticket_store_add_message(s, m);
    for (const struct ticket_relay *r = out->relays; r; r = r->next)
        ticket_store_add_relay(s, r);
    if (out->failed_message_id)
        ticket_store_message_failed(s, t->row->user_id, out->failed_message_id, out->failed_why);
    if (out->duty)
        ticket_store_set_duty(s, t->row->user_id, out->duty == DUTY_ON);
    for (const struct role_grant *g = out->new_grants; g; g = g->next)
        role_store_add_grant(s, g, t->in.invite->invited_by);
    for (const struct audit_entry *a = out->audit; a; a = a->next)
        role_store_add_audit(s, t->row->user_id, a);
    for (const struct canned_answer *a = out->canned; a; a = a->next)
        canned_store_put(s, a, text_key(b, str_of(a->name)), text_key(b, str_of(a->text)));
    for (const struct canned_answer *a = out->canned_dropped; a; a = a->next)
        canned_store_drop(s, a->id);
    for (const struct canned_use *u = out->canned_uses; u; u = u->next)
        canned_store_learn(s, u, text_key(b, str_of(u->question)));
    for (const struct verdict *v = out->verdicts; v; v = v->next)
        review_store_apply(s, v);
    for (const struct review_away *a = out->review_aways; a; a = a->next)
        review_store_away(s, a);
    if (out->nudge.id)
        case_store_end_nudge(s, t->row->user_id, &out->nudge);
    if (out->person && out->person->opted_out_at_ms && !t->row->person.opted_out_at_ms)
        case_store_stop_nudges(s, t->row->user_id);
    for (const struct mail *m = out->mail; m; m = m->next)
        case_store_add_mail(s, m);
    for (const struct job_wish *w = out->jobs; w; w = w->next)
        job_store_add(s, t->row->user_id, ids_next(b->options->ids), w->kind, w->args);
    save_replies(b, s, t);
    if (out->note)
        log_debug("%s: %s", log_person(t->row->user_id), out->note);
}

static void on_saved(const struct pg_answer *answer, void *arg)
{
    struct turn_batch *b = arg;
    if (answer->e) {
        finish(b, answer->e);
        return;
    }
    b->transaction_open = false;
    if (!pg_committed(answer)) {
        err_set(&b->e, ERR_INVALID, "the commit answered %s", PQcmdStatus(answer->result[answer->count - 1]));
        finish(b, NULL);
        return;
    }
    b->committed = true;
    if (b->merge_count > 0)
        b->merged = strtoll(PQcmdTuples(answer->result[b->merge_statement]), NULL, 10);
    finish(b, NULL);
}

static void save_batch(struct turn_batch *b)
{
    struct save *s = save_new(b);
    b->sends = b->options->may_send(b->options->ctx);
    if (b->options->is_pressed(b->options->ctx))
        b->merges = talloc_array(b, const char *, (unsigned)b->count);
    for (size_t i = 0; i < b->count; i++)
        save_turn(b, s, &b->turn[i]);
    b->commit_sent = true;
    struct pg_unit *unit = pg_unit_new(b);
    pg_add(unit, SQL_SAVE_PLAN, NULL);
    if (b->merge_count > 0)
        b->merge_statement = outbox_store_merge(unit, b->merges, b->merge_count);
    save_into(s, unit);
    pg_add_control(unit, "COMMIT");
    PG_FAULTS(unit, "turn_before_commit", "turn_after_commit");
    pg_run(b->pg, unit, STATEMENT_DEADLINE_MS, on_saved, b);
}

struct turn_batch *turn_batch_start(TALLOC_CTX *ctx, const struct turns_options *options, struct pg *pg, struct turn_event **events,
                                    size_t count, struct receipt_stock *receipts, void (*done)(struct turn_batch *batch, void *ctx), void *done_ctx)
{
    struct turn_batch *b = talloc_pooled_object(ctx, struct turn_batch, OBJECTS_PER_TURN * (unsigned)count, BATCH_BYTES + TURN_BYTES * count);
    *b = (struct turn_batch){.options = options, .pg = pg, .receipts = receipts, .count = count, .done = done, .ctx = done_ctx};
    b->turn = talloc_zero_array(b, struct turn, (unsigned)count);
    b->rows = talloc_zero_array(b, struct turn_row, (unsigned)count);
    for (size_t i = 0; i < count; i++) {
        bool mail = events[i]->in->kind == IN_MAIL;
        b->turn[i].event = events[i];
        b->turn[i].row = &b->rows[i];
        b->rows[i] = (struct turn_row){
            .user_id = events[i]->in->user_id, .event_key = mail ? NULL : events[i]->key, .mail_id = events[i]->in->mail_id};
    }
    struct pg_unit *unit = pg_unit_new(b);
    conversation_store_claim(unit, b->rows, count, options->process);
    PG_FAULTS(unit, "turn_before_claim", "turn_after_claim");
    b->transaction_open = true; /* also when a statement behind BEGIN fails */
    pg_run(pg, unit, STATEMENT_DEADLINE_MS, on_claimed, b);
    return b;
}

void turn_batch_publish(const struct turn_batch *b)
{
    const struct turns_options *o = b->options;
    bool evidence = false;
    for (size_t i = 0; i < b->count; i++) {
        const struct turn *t = &b->turn[i];
        if (t->row->locked && t->event->orphan_count)
            o->on_reply_later(0, o->ctx);
        if (!t->out)
            continue;
        evidence |= t->out->evidence != NULL;
        for (const struct reply *r = t->out->replies; r; r = r->next) {
            if (is_mine(b, t, r))
                o->on_reply(r, o->ctx);
            else
                o->on_reply_later(is_delayed(b, r) ? r->not_before_ms - b->now_ms : 0, o->ctx);
        }
        for (const struct mail *m = t->out->mail; m; m = m->next)
            o->on_mail(m, b->now_ms, o->ctx);
        if (t->out->jobs)
            o->on_job(o->ctx);
        if (t->out->similar_wish)
            o->on_similar(t->row->user_id, t->out->similar_wish, o->ctx);
    }
    if (evidence)
        o->on_evidence(o->ctx);
}

void turn_batch_orphans(const struct turn_batch *b)
{
    if (!b->commit_sent)
        return;
    for (size_t i = 0; i < b->count; i++) {
        const struct turn *t = &b->turn[i];
        struct turn_event *event = t->event;
        for (const struct reply *r = t->out ? t->out->replies : NULL; r; r = r->next) {
            if (!is_mine(b, t, r))
                continue;
            event->orphans = talloc_realloc(event, event->orphans, struct outbox_claim, (unsigned)event->orphan_count + 1);
            event->orphans[event->orphan_count++] = (struct outbox_claim){.user_id = event->in->user_id, .id = r->id};
        }
    }
}
