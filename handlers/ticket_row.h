/* Between ticket.c (the row and when it is due) and ticket_acts.c (what contacts do to it). */
#ifndef SANGKIEN_HANDLERS_TICKET_ROW_H
#define SANGKIEN_HANDLERS_TICKET_ROW_H

#include "ticket.h"

/** The person's ticket of that id; NEED_TICKET must be loaded. */
const struct ticket *ticket_of_id(const struct talk *t, int64_t id);
bool ticket_is_closed(const struct ticket *k);

/** Mail to a contact, with which ticket it is about and whose.  Nobody reads that of an admin of the OA. */
void ticket_tell(struct talk *t, const struct ticket *k, const char *to, const char *kind, const char *what, const char *by);

/** A line of the ticket: "in", "out" or "note". */
struct ticket_message *ticket_message_add(struct talk *t, const struct ticket *k, const char *direction, const char *text, const char *author);

/** The conversation is the assignee's from now on. */
void ticket_own(struct talk *t, struct ticket *k);

/** So many minutes of staff hours later. */
int64_t ticket_hours_later(const struct talk *t, int64_t from_ms, int minutes);

/** That contact does not get it again. */
void ticket_pass_by(struct talk *t, struct ticket *k, const char *user_id);

/** Gives it to the best contact on duty; NEED_CONTACTS is loaded. @return false: nobody is there for it. */
bool ticket_assign(struct talk *t, struct ticket *k);

/** It has been answered now: nothing waits any more. */
void ticket_answered(struct talk *t, struct ticket *k);

/** The end of a job "worker_file": the document goes to who has the ticket. */
void worker_file_told(struct talk *t, const struct cJSON *root);

/** Mail "ticket_tick": sees to all that is due. */
void ticket_tick(struct talk *t, const struct ticket *found);

#endif
