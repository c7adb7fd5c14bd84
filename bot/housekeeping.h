/* What happens by the clock: mail that has become due, old rows that go, unit names that get their folded key. */
#ifndef SANGKIEN_BOT_HOUSEKEEPING_H
#define SANGKIEN_BOT_HOUSEKEEPING_H

#include <stdint.h>
#include <talloc.h>

struct event_base;
struct housekeeping;
struct pg_queue;
struct settings;
struct turns;

struct housekeeping *housekeeping_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *background, struct turns *turns,
                                      const struct settings *settings);

/** Mail becomes due in due_ms: look then (it is looked every second anyway). */
void housekeeping_mail_in(struct housekeeping *h, int64_t due_ms);

#endif
