/* Shortlists for the awards as a job (jobs.h): the rows that `sangkien export ... --top N` writes, a page of ten as lines for the chat. */
#ifndef SANGKIEN_BOT_SHORTLIST_JOB_H
#define SANGKIEN_BOT_SHORTLIST_JOB_H

struct job;

/**
 * Arguments: "list" ("benefit", "social", "units"), "page" (from 1), "ever" (true: of all time, else of the present wave, when there is
 * one), "within" (ids of the units whose subtrees are looked at; "0" among them: everywhere; none: nothing).
 * Result: "list", "page", "ever", "wave" (its name; missing: of all time), "lines", "more" (there is a next page), "cut" (what follows is
 * left to the export).
 */
void shortlist_job(struct job *job, void *ctx);

#endif
