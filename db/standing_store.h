/* Where the units stand (migration 0006): a wave, the lines of units, those without a known unit. */
#ifndef SANGKIEN_DB_STANDING_STORE_H
#define SANGKIEN_DB_STANDING_STORE_H

#include "pg.h"
#include "rows.h"

struct standing_wave {
    int64_t id;                   /* 0: none, the figures are of all time */
    const char *code, *name, *campaign;
    const char *starts_on, *ends_on; /* 01/08/2023 */
    int64_t frozen_at_ms;         /* 0: not kept yet */
    int64_t folded_at_ms;         /* 0: never */
    int64_t before_at_ms;         /* what "before" was folded at; 0: there is no day before */
    const char *today;
    int64_t days_left;            /* of the wave, today included */
    bool ended;
    int64_t age_ms;               /* of the fold */
};

struct standing_row {
    int64_t unit_id;
    const char *code, *name, *parent; /* parent: code */
    int64_t level;
    const char *cluster;
    int64_t target;               /* 0: none */
    int64_t people, sent, counted, valid, pending, duplicate, refused, nonmonetary, unknown;
    const char *benefit_vnd;      /* digits: a sum may be larger than 63 bits */
    bool has_median;
    int64_t median_vnd;
    const char *largest_vnd;      /* digits */
    int64_t peers, rank, rank_people; /* 0: not ranked */
    int64_t suspect;              /* submitted ones with a likeness; 0 in a kept wave */
    bool has_before;
    int64_t before_people, before_counted, before_rank, before_rank_people;
    int64_t depth;                /* 1: a root */
};

enum { STANDING_ALL_BELOW = 100 };

void standing_store_ask_wave(struct pg_unit *unit, const char *code);
/** From standing_wave. @return false when there is no such wave (ret holds the moments all the same). */
bool standing_store_wave(TALLOC_CTX *ctx, const PGresult *res, struct standing_wave *ret);

/** The unit (0: the roots) and so many levels below it. @param frozen  from what was kept.
 *  @param within  ids of units; only what is in the subtree of one of them; NULL: anything.  Used up. */
void standing_store_ask_rows(struct pg_unit *unit, int64_t wave_id, bool frozen, int64_t unit_id, int64_t levels_below, struct pg_array *within);
void standing_store_row(TALLOC_CTX *ctx, const PGresult *res, int r, struct standing_row *ret);

/** All waves, a list by their first day, from the rows for that user of wave_all. */
void standing_store_ask_waves(struct pg_unit *unit, const char *user_id);
struct wave_row *standing_store_waves_of(TALLOC_CTX *ctx, const PGresult *res, const char *user_id);

/** One campaign: campaign_put. */
void standing_store_put_campaign(struct pg_unit *unit, int64_t id, const char *code, const char *name);
/** One wave, new or changed: wave_put. */
void standing_store_put_wave(struct pg_unit *unit, const struct wave_row *w);
/** One target: target_put. */
void standing_store_put_target(struct pg_unit *unit, const char *wave, const char *unit_code, int64_t initiatives);

/** People and initiatives without a known unit. */
void standing_store_ask_loose(struct pg_unit *unit, int64_t wave_id);

#endif
