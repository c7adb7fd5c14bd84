/* "Tình hình" as a job (jobs.h): the figures of one unit, or a list of those below it, or the sum of a wave, in words. */
#ifndef SANGKIEN_BOT_STANDING_JOB_H
#define SANGKIEN_BOT_STANDING_JOB_H

struct job;

/**
 * Arguments: "what" ("daily", "below", "summary", "campaign"), "unit" (id, "0": the root), "within" (ids of units, what is in their subtrees; "0" among them: everywhere; none: nothing), "wave" (code,
 * missing: the present one).
 * Result: "what", "unit", "args" (named values for the message), "lines"; "nothing": true when there is no such unit for the asker.
 */
void standing_job(struct job *job, void *ctx);

#endif
