/* A campaign, a wave's days or a unit's target, set from the chat, as a job (jobs.h): looked at once more with what is stored by then, and written. */
#ifndef SANGKIEN_BOT_CAMPAIGN_JOB_H
#define SANGKIEN_BOT_CAMPAIGN_JOB_H

struct job;

/**
 * Arguments: "op" "target" with "wave" and "unit" (ids) and "n"; or "wave" with "wave" (id; none: a new one, which gets "new_id"), "name",
 * "from", "to" (YYYY-MM-DD).
 * or "campaign" with "new_id" (its own and its first wave's), "campaign" (its name), and "name", "from", "to" of that wave.
 * Result: the arguments, names for the ids, and "done", or "refused": "frozen", "overlaps" (with "other", "other_from", "other_to"),
 * "backwards", "unnamed" (wave_rules.h), "campaign_there" (one of that name), "gone" (no such wave or unit, no campaign), "rights".
 */
void campaign_job(struct job *job, void *ctx);

#endif
