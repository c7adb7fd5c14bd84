/* Support: what the two sides of a ticket share.
 *
 *   worker's turns (ticket.c, owned.c)                        contact's turns (contact.c, contact_mail.c)
 *   ticket_tick    look what is due: assign, warn, escalate   ticket_card    here is a question
 *   ticket_take    a contact wants the conversation           ticket_result  what became of what you did
 *   ticket_answer  a contact says something                   ticket_words   the worker says something
 *   ticket_close, _return, _pass, _snooze                     ticket_news    what happened to a ticket of yours
 *   ticket_lost    words given up by the outbox
 *   ticket_gone    the contact who has it is none any more
 *   ticket_admin_over  nobody has typed in OA Manager for a while
 *   job_done       of job "worker_file": the worker's document is with Zalo, or could not be brought there
 *
 * The left column is mail to the worker, the right one mail to the contact.  The ticket is the worker's: only his turns change it,
 * one after another, so of two contacts who press the same button the second finds what the first has done. */
#ifndef SANGKIEN_HANDLERS_TICKET_H
#define SANGKIEN_HANDLERS_TICKET_H

#include "say.h"

enum {
    MINUTE_MS = 60 * 1000,
    HOUR_MS = 60 * MINUTE_MS,
    REOPEN_MS = 72 * HOUR_MS,       /* a closed ticket goes on when its worker asks again within this */
    PAID_AFTER_MS = 48 * HOUR_MS,   /* zalo-oa-api.md 3.1: a message to somebody silent so long is charged, */
    REACH_MS = 7 * 24 * HOUR_MS,    /* and after this it is refused */
    TICKET_TEXT_CHARS = 2000,
    FILE_TOKEN_CHARS = 1000,
};

/* ---- ticket.c: the worker's side ---- */

/** Mail of the left column. @return false when it is of another kind. */
bool ticket_mail(struct talk *t, const char *kind, const struct cJSON *root);

/** Mail "job_done" that is the ticket's: no word of the bot's, so it waits for nothing. */
bool is_ticket_job(const struct inbound *msg);

/** The person's newest open ticket; NEED_TICKET must be loaded. */
const struct ticket *ticket_open_now(const struct talk *t);

/** The row to change: saved with the turn. */
struct ticket *ticket_change(struct talk *t, const struct ticket *k);

/** Something the worker says belongs to the ticket; waits for an answer from now on, and the contact who has it hears it. */
void ticket_said(struct talk *t, struct ticket *k, const char *text);

/** The same for a voice note sent before, by its address. */
void ticket_said_voice(struct talk *t, struct ticket *k, const char *url);

/** What an admin wrote to the worker in OA Manager is an answer like any other. */
void ticket_answered_by_admin(struct talk *t, struct ticket *k, const char *admin, const char *text);

/** The ticket is looked after at that moment, or before. */
void ticket_look(struct talk *t, struct ticket *k, int64_t at_ms);

/** The conversation is the bot's again; whoever had it is told `why` ("left", "closed", ...). */
void ticket_hand_back(struct talk *t, struct ticket *k, const char *why);

/** Sees to it that the ticket is looked after at the next moment something is due. Call it after the last change. */
void ticket_schedule(struct talk *t, struct ticket *k);

/** Whether a person has the conversation, and who. */
bool owned_by_a_person(const struct turn_input *in);
bool owned_by(const struct turn_input *in, const char *user_id);

/** More of what was asked a moment ago, in another message or a picture: it goes to the same ticket.  Needs may be set.
 *  @param text NULL: the message is no text. @return true when it did. */
bool note_goes_on(struct talk *t, const char *text);

/* ---- owned.c: a person has the conversation ---- */

/** An event of a worker whose conversation a person has. @return false: it is for the bot all the same. */
bool owned_turn(struct talk *t);

/** Somebody typed in OA Manager. */
void admin_echo(struct talk *t);

/** Mail "ticket_admin_over" to the same person: nobody has typed there for the set time, the bot is back and says so. */
void admin_over(struct talk *t, const struct cJSON *root);

/* ---- contact.c: the contact's side ---- */

/** Mail of the right column. @return false when it is of another kind. */
bool contact_mail(struct talk *t, const char *kind, const struct cJSON *root);

/** A message that quotes one of a ticket's goes to that ticket, from either side. @return true when it did (or needs are set). */
bool quoted_turn(struct talk *t);

/** What staff sends and answers no question of the bot, text or not: perhaps it is meant for somebody. @return true when handled. */
bool unaddressed_turn(struct talk *t, const char *text);

/** One more message while that is asked about: it is for the same person. @return false: nothing is asked, or there is no room. */
bool more_unaddressed(struct talk *t, const char *text);

/** What a job has found out, or what it was asked when it was given up (bot/jobs.h); NULL: neither. */
const struct cJSON *job_outcome(const struct cJSON *root);

/** A document of a contact is with Zalo, or could not be brought there (job "contact_file"): it goes to the worker. */
void contact_file_told(struct talk *t, const struct cJSON *result);

/** What the contact sends while he answers somebody: everything goes there. */
void answering_media(struct talk *t);

/** The person of this turn does not follow the OA any more, or asked to be erased: as a contact he cannot be told anything, so what he had
 *  goes to others and organizers hear how much it is.  Needs may be set. */
void contact_leaves(struct talk *t);

/* ---- both ---- */

/** A JSON object of texts; those without a value are left out. */
const char *texts_json(struct talk *t, const struct message_arg *args, size_t n);

/** Mail with a payload of texts; those without a value are left out. */
void mail_post(struct talk *t, const char *to, const char *kind, int64_t not_before_ms, const struct message_arg *args, size_t n);

/* Whose words a reply carries, and in which ticket. */
struct carried {
    const char *worker_id;
    int64_t ticket_id;
    const char *contact; /* NULL: the bot's own word about it */
};

/** Words of one person for the one whose turn it is, in the frame of a text of the catalogue; long ones in parts.
 *  @return the first part. */
struct reply *relay(struct talk *t, enum msg id, const struct message_arg *args, size_t n, const char *image_url, const struct carried *c);

/** A reply, in as many parts as it has, is about that ticket: who quotes it means the ticket. `c->contact` NULL: it carries nobody's words. */
void belongs_to(struct talk *t, const struct reply *first, const struct carried *c);

/** "ảnh", "tệp bao-gia.pdf": what a message is when it is no text; NULL for texts. */
const char *media_label(struct talk *t, const struct inbound *msg);
/** Where the attachment can be fetched; NULL: nowhere. */
const char *media_url(const struct inbound *msg);
/** The name of a document that can be sent on as a file (jobs "contact_file", "worker_file"); NULL: it is none. */
const char *media_document(struct talk *t, const struct inbound *msg);

/** The file of that token goes out behind the words. @param token  NULL: none. */
void file_behind(struct reply *first, const char *token);

#endif
