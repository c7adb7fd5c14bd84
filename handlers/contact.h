/* Between contact.c (what a supporter does) and contact_mail.c (what he is told). */
#ifndef SANGKIEN_HANDLERS_CONTACT_H
#define SANGKIEN_HANDLERS_CONTACT_H

#include "ticket.h"

/** The ticket of that number if this person may see it; else says that there is none.  NULL also while it is loaded. */
const struct ticket_case *case_of(struct talk *t, int64_t number);

/** The worker's name, or a word that stands for it. */
const char *asker_name(const struct ticket_case *c);

/** Who, what, how far the draft is, what was said last, and what can be done. */
void show_card(struct talk *t, const struct ticket_case *c);
void show_draft(struct talk *t, const struct ticket_case *c);

/** The ticket a typed command is about: "#12" in front of what stands behind its words (taken off), or the one being answered, or
 *  that of a button's number.  NULL: there is none, which has been said; or it has to be loaded. */
const struct ticket_case *case_addressed(struct talk *t, int64_t number);

/** What the contact says to that worker, in the conversation he has or, `direct`, beside it. */
void answer_case(struct talk *t, const struct ticket_case *c, const char *text, bool direct);

/** What this turn's message says, with that text. */
struct spoken spoken_now(struct talk *t, const char *text);

/** The same for what was said before; `msg_id` may be NULL. */
void pass_on(struct talk *t, const struct ticket_case *c, const struct spoken *said, const char *msg_id, bool direct);

/** It is this contact's. */
bool case_is_mine(const struct talk *t, const struct ticket_case *c);

/** In ST_WHOM: what waits for an address is for that worker. */
void unsent_goes_to(struct talk *t, const struct ticket_case *c);

/** He answers nobody any more; the state is the caller's to leave. */
void answering_end(struct talk *t);

/** What a worker quotes of a contact's answer goes to that ticket, also when it was closed not long ago. @return whether it did. */
bool quoted_by_worker(struct talk *t, int64_t ticket_id, const char *text);

#endif
