/* The figures of a unit as people read them: dots between thousands, one decimal behind a comma, half up.  The chat, the mail of
 * a job and the text of `sangkien standing` take theirs from here. */
#ifndef SANGKIEN_BOT_STANDING_FIGURES_H
#define SANGKIEN_BOT_STANDING_FIGURES_H

#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "messages.h"

struct standing_row;
struct standing_wave;

enum { STANDING_ARGS_MAX = 40 };

/** "1.892.577" of "1892577". */
char *standing_grouped(TALLOC_CTX *ctx, const char *digits);

/** Tenths of a per cent, half up; -1 when `whole` is 0. Both at most 2^63 / 2000. */
int64_t standing_tenths(int64_t part, int64_t whole);

/** The same of decimal digits of any length, as a share: 0 to 1000. */
int64_t standing_share(const char *part, const char *whole);

/** How many are missing to the target, and how many a day until the end; 0 when reached, or without target. */
int64_t standing_missing(const struct standing_row *row);
int64_t standing_daily(const struct standing_row *row, const struct standing_wave *wave);

/** Named values for the messages admin_*: strings owned by ctx. @return how many. */
size_t standing_args(TALLOC_CTX *ctx, const struct standing_wave *wave, const struct standing_row *row,
                     struct message_arg ret[static STANDING_ARGS_MAX]);

/** The unit's line in a list: admin_unit_line, or admin_no_target; where a cluster begins, its name above.
 *  @param before  the one above in the list, NULL: none. */
char *standing_line(TALLOC_CTX *ctx, const struct standing_wave *wave, const struct standing_row *before, const struct standing_row *row);

#endif
