/* Which worker's event of a person comes first: see order.h. */
#include "order.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "clock.h"
#include "str.h"

enum { OPENING_MS = 10000 }; /* a worker that has not got so far by then dies again and again: the others go on */

struct order_mark {
    struct order_mark *next;
    int64_t at_us;
    bool disk_only;
};

struct cell {
    struct order_mark *first, *last;
};

struct order {
    struct order_board *board;
    size_t seat;
    bool opened;
    int64_t last_us; /* a clock that is set back changes no order */
    struct cell *cell;
};

uint32_t order_cell(const char *user_id)
{
    return (uint32_t)(str_hash(str_of(user_id)) % ORDER_CELLS);
}

static void publish(const struct order *o, uint32_t cell)
{
    if (o->board && o->opened)
        atomic_store(&o->board->oldest_us[o->seat][cell], o->cell[cell].first ? o->cell[cell].first->at_us : 0);
}

struct order_mark *order_add(struct order *o, uint32_t cell, int64_t at_us, bool disk_only)
{
    struct cell *c = &o->cell[cell];
    struct order_mark *mark = malloc(sizeof(*mark)); /* there may be a million: talloc's header would cost four times as much */
    if (!mark)
        abort(); /* the supervisor restarts; what was acknowledged is on disk */
    o->last_us = at_us > o->last_us ? at_us : o->last_us;
    *mark = (struct order_mark){.at_us = o->last_us, .disk_only = disk_only};
    *(c->last ? &c->last->next : &c->first) = mark;
    c->last = mark;
    publish(o, cell);
    return mark;
}

void order_end(struct order *o, uint32_t cell, struct order_mark *mark)
{
    struct cell *c = &o->cell[cell];
    struct order_mark *before = NULL;
    for (struct order_mark *m = c->first; m != mark; m = m->next)
        before = m;
    *(before ? &before->next : &c->first) = mark->next;
    if (c->last == mark)
        c->last = before;
    free(mark);
    publish(o, cell);
}

struct order_mark *order_next_on_disk(const struct order *o, uint32_t cell)
{
    struct order_mark *m = o->cell[cell].first;
    while (m && !m->disk_only)
        m = m->next;
    return m;
}

void order_in_memory(struct order_mark *mark)
{
    mark->disk_only = false;
}

void order_forget_disk(struct order *o)
{
    for (uint32_t cell = 0; cell < ORDER_CELLS; cell++)
        for (struct order_mark *m; (m = order_next_on_disk(o, cell));)
            order_end(o, cell, m);
}

/* What is on the board stays: the rows do too. */
static int order_destructor(struct order *o)
{
    for (uint32_t cell = 0; cell < ORDER_CELLS; cell++)
        for (struct order_mark *m = o->cell[cell].first, *next; m; m = next) {
            next = m->next;
            free(m);
        }
    return 0;
}

struct order *order_new(TALLOC_CTX *ctx, struct order_board *board, size_t seat)
{
    struct order *o = talloc_zero(ctx, struct order);
    *o = (struct order){.board = board, .seat = seat, .cell = talloc_zero_array(o, struct cell, ORDER_CELLS)};
    talloc_set_destructor(o, order_destructor);
    return o;
}

void order_opened(struct order *o)
{
    if (o->opened)
        return;
    o->opened = true;
    for (uint32_t cell = 0; cell < ORDER_CELLS; cell++)
        publish(o, cell);
    if (o->board)
        atomic_store(&o->board->opened[o->seat], true);
}

static bool in_doubt(const struct order_board *board, size_t seat)
{
    return !atomic_load(&board->opened[seat]) && clock_monotonic_ms() - board->born_ms < OPENING_MS;
}

bool order_may_go(const struct order *o, uint32_t cell, const struct order_mark *mark)
{
    for (size_t seat = 0; o->board && seat < o->board->seats; seat++) {
        if (seat == o->seat)
            continue;
        int64_t oldest_us = atomic_load(&o->board->oldest_us[seat][cell]);
        if ((oldest_us && (!mark || oldest_us < mark->at_us)) || in_doubt(o->board, seat))
            return false;
    }
    return true;
}
