/* A stored webhook body becomes an event again: out of the spool, or out of dead_event by way of the mailbox. */
#ifndef SANGKIEN_BOT_REVIVE_H
#define SANGKIEN_BOT_REVIVE_H

#include "rows.h"
#include "turns.h"

struct settings;

/* Kind of the mailbox row that `sangkien dead retry` writes (db/sql/dead.sql). */
#define REVIVE_MAIL_KIND "dead_event"

/** Decodes event->body into event->in.  What cannot be read any more (it could be when it came, so a setting or the program has
 *  changed) is doomed, with nothing but its user_id. */
void revive_decode(struct turn_event *event, const char *user_id, const struct settings *s);

/** Fills an empty event from a row of that kind.  It takes effect in the turn that removes the row, though its key is known. */
void revive_event(struct turn_event *event, const struct mail *mail, const struct settings *s);

#endif
