/* Tickets in memory: see transcript_tickets.h. */
#include "transcript_tickets.h"

#include <stdio.h>
#include <string.h>

static bool supports(const struct human *h, int64_t unit_id)
{
    for (const struct role_grant *g = h->grants; g; g = g->next)
        if (g->role == ROLE_SUPPORT && (g->unit_id == 0 || g->unit_id == unit_id))
            return true;
    return false;
}

static const struct contact *load_staff(TALLOC_CTX *ctx, const struct human *me, const struct turn_output *out, bool chiefs)
{
    struct contact *first = NULL, **last = &first;
    for (int i = 0; i < PEOPLE_MAX && world->human[i].ctx; i++) {
        struct human *h = &world->human[i];
        bool chief = false;
        for (const struct role_grant *g = h->grants; g; g = g->next)
            chief |= g->role == ROLE_ORGANIZER;
        if (h == me || (chiefs ? !chief : !h->on_duty || !supports(h, out->need_id)))
            continue;
        struct contact *c = talloc_zero(ctx, struct contact);
        *c = (struct contact){.user_id = h->person.user_id, .name = h->person.full_name, .last_inbound_at_ms = h->person.last_inbound_at_ms};
        *last = c;
        last = &c->next;
    }
    return first;
}

static struct ticket_case *case_from(TALLOC_CTX *ctx, const struct human *asker, const struct ticket *k)
{
    struct ticket_case *c = talloc_zero(ctx, struct ticket_case);
    *c = (struct ticket_case){.ticket = *k, .name = asker->person.full_name, .unit_name = asker->person.unit_name,
                              .last_inbound_at_ms = asker->person.last_inbound_at_ms, .owner = asker->conv.owner,
                              .owner_until_ms = asker->conv.owner_until_ms, .dialog = asker->conv.draft};
    return c;
}

static void load_tickets(TALLOC_CTX *ctx, struct human *me, const struct turn_output *out, struct turn_input *in)
{
    struct ticket_case **last = NULL, *queue = NULL;
    last = &queue;
    in->ticket_case = NULL;
    in->quoted = NULL;
    for (int i = 0; i < PEOPLE_MAX && world->human[i].ctx; i++) {
        struct human *h = &world->human[i];
        for (struct ticket *k = h->tickets; k; k = k->next) {
            if ((out->needs & NEED_CASE) && k->number == out->need_id && supports(me, k->unit_id))
                in->ticket_case = case_from(ctx, h, k);
            bool mine = k->assignee && strcmp(k->assignee, me->person.user_id) == 0;
            if (strcmp(k->state, TICKET_CLOSED) != 0 && (!k->assignee || mine) && supports(me, k->unit_id)) {
                *last = case_from(ctx, h, k);
                last = &(*last)->next;
            }
        }
    }
    in->queue = queue;
    for (const struct relay_row *r = world->relays; r && (out->needs & NEED_QUOTED); r = r->next) {
        char msg_id[32];
        snprintf(msg_id, sizeof(msg_id), "z%lld", (long long)r->r.id);
        if (strcmp(r->r.user_id, me->person.user_id) != 0 || strcmp(msg_id, out->need_text) != 0)
            continue;
        for (const struct ticket *k = person_named(r->r.worker_id)->tickets; k; k = k->next)
            if (k->id == r->r.ticket_id)
                in->quoted = k;
    }
}

void transcript_load_tickets(TALLOC_CTX *ctx, struct human *h, const struct turn_output *out, struct turn_input *in)
{
    if (out->needs & NEED_TICKET_START) {
        in->ticket_number = ++world->next_number;
        in->answer_minutes = world->answer_minutes;
    }
    if (out->needs & NEED_CONTACTS)
        in->contacts = load_staff(ctx, h, out, false);
    if (out->needs & NEED_CHIEFS)
        in->chiefs = load_staff(ctx, h, out, true);
    if (out->needs & (NEED_CASE | NEED_QUEUE | NEED_QUOTED))
        load_tickets(ctx, h, out, in);
}

static const char *keep(struct human *h, const char *s)
{
    return s ? talloc_strdup(h->ctx, s) : NULL;
}

void transcript_apply_tickets(struct human *h, const struct turn_output *out)
{
    for (const struct ticket *t = out->tickets; t; t = t->next) {
        struct ticket *row = h->tickets;
        while (row && row->id != t->id)
            row = row->next;
        if (!row) {
            row = talloc_zero(h->ctx, struct ticket);
            row->next = h->tickets;
            h->tickets = row;
        }
        struct ticket *next = row->next;
        *row = *t;
        row->next = next;
        row->user_id = h->person.user_id;
        row->state = keep(h, t->state);
        row->topic = keep(h, t->topic);
        row->step = keep(h, t->step);
        row->question = keep(h, t->question);
        row->assignee = keep(h, t->assignee);
        row->assignee_name = keep(h, t->assignee_name);
        row->passed = keep(h, t->passed);
    }
    for (const struct ticket_relay *r = out->relays; r; r = r->next) {
        struct relay_row *row = talloc_zero(world->ctx, struct relay_row);
        *row = (struct relay_row){.next = world->relays, .r = *r};
        row->r.user_id = talloc_strdup(world->ctx, r->user_id);
        row->r.worker_id = talloc_strdup(world->ctx, r->worker_id);
        world->relays = row;
    }
    if (out->duty)
        h->on_duty = out->duty == DUTY_ON;
    if (out->owner) {
        h->conv.owner = keep(h, out->owner);
        h->conv.owner_until_ms = out->owner_until_ms;
    }
}
