/* Broadcasts for the terminal: the rehearsal, the report that adds up, the bar that moves. */
#ifndef SANGKIEN_BOT_BROADCAST_SHOW_H
#define SANGKIEN_BOT_BROADCAST_SHOW_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "broadcast_plan.h"

struct settings;

/** "paused", "held for a second person", or the state. */
const char *broadcast_show_state(const struct broadcast *b);

/** One line of the list. */
void broadcast_show_line(const struct broadcast *b);

/** Who will get it, who not and why, what it costs, when it ends. */
void broadcast_show_rehearsal(const struct broadcast *b, const struct broadcast_reach *reach, const struct settings *s);

/** The texts that those rows of broadcast_preview will get. */
void broadcast_show_samples(const struct broadcast *b, const PGresult *res);

/** All about it; `sums` is the answer of broadcast_sums. */
void broadcast_show_report(const struct broadcast *b, const PGresult *sums, const struct settings *s);

/** One line. @param per_s  0: not known. @param columns  of the terminal, where it is written over itself and cut to fit; 0: none. */
void broadcast_show_bar(const struct broadcast *b, const struct broadcast_sums *sums, int64_t per_s, int columns);

/** Those of whom it is known what became of them. */
int64_t broadcast_show_settled(const struct broadcast_sums *sums);

#endif
