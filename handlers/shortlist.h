/* Shortlists for the awards, in the chat of organizers and unit admins: see shortlist.c. */
#ifndef SANGKIEN_HANDLERS_SHORTLIST_H
#define SANGKIEN_HANDLERS_SHORTLIST_H

#include "flow.h"

/* Commands of staff.c.  The number behind a list's is its page; with SHORTLIST_EVER added, of all time. */
enum { SHORTLIST_EVER = 1000 };
void cmd_shortlists(struct talk *t, int64_t arg, enum edit_field field);
void cmd_shortlist(struct talk *t, int64_t arg, enum edit_field field);

/** What a job of the kind "shortlist" found. */
void shortlist_told(struct talk *t, const struct cJSON *result);

#endif
