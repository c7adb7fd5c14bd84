/* What a wave of a campaign must be like, whoever writes it: the chat (campaign.c), its job, and `sangkien import campaign`. */
#ifndef SANGKIEN_HANDLERS_WAVE_RULES_H
#define SANGKIEN_HANDLERS_WAVE_RULES_H

#include <stdbool.h>

#include "rows.h"

enum { CAMPAIGN_CODE_BYTES_MAX = 40, CAMPAIGN_NAME_BYTES_MAX = 200, TARGET_MOST = 100000000 };

enum wave_fault {
    WAVE_GOOD = 0,
    WAVE_UNNAMED,   /* no name, or too long a one */
    WAVE_BACKWARDS, /* it ends before it begins */
    WAVE_FROZEN,    /* it is counted and kept */
    WAVE_OVERLAPS,  /* it has days in common with another wave of its campaign: an initiative belongs to one */
};

/** @param others  all waves there will be beside it; one of its own code is passed over.  @param[out] ret_other  of WAVE_OVERLAPS
 *  the one it overlaps; may be NULL. */
enum wave_fault wave_check(const struct wave_row *w, const struct wave_row *others, const struct wave_row **ret_other);

/** "frozen", "overlaps", ...: what a job calls it. */
const char *wave_fault_name(enum wave_fault fault);

bool campaign_code_ok(const char *code);
bool campaign_name_ok(const char *name);

#endif
