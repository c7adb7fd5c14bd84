/* Waves of a campaign: see wave_rules.h. */
#include "wave_rules.h"

#include <string.h>

#include "str.h"

bool campaign_code_ok(const char *code)
{
    return *code && strlen(code) <= CAMPAIGN_CODE_BYTES_MAX && !strpbrk(code, " \t\n|;,\"") && strcmp(code, "ever") != 0;
}

bool campaign_name_ok(const char *name)
{
    return *name && strlen(name) <= CAMPAIGN_NAME_BYTES_MAX;
}

enum wave_fault wave_check(const struct wave_row *w, const struct wave_row *others, const struct wave_row **ret_other)
{
    if (!campaign_name_ok(w->name))
        return WAVE_UNNAMED;
    if (strcmp(w->starts_on, w->ends_on) > 0)
        return WAVE_BACKWARDS;
    if (w->frozen)
        return WAVE_FROZEN;
    for (const struct wave_row *o = others; o; o = o->next) {
        if (strcmp(o->code, w->code) == 0 || strcmp(o->campaign, w->campaign) != 0)
            continue;
        if (strcmp(o->starts_on, w->ends_on) <= 0 && strcmp(w->starts_on, o->ends_on) <= 0) {
            if (ret_other)
                *ret_other = o;
            return WAVE_OVERLAPS;
        }
    }
    return WAVE_GOOD;
}

const char *wave_fault_name(enum wave_fault fault)
{
    static const char *const names[] = {
        [WAVE_GOOD] = "", [WAVE_UNNAMED] = "unnamed", [WAVE_BACKWARDS] = "backwards", [WAVE_FROZEN] = "frozen", [WAVE_OVERLAPS] = "overlaps",
    };
    return fault < ARRAY_LEN(names) ? names[fault] : "";
}
