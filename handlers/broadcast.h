/* Messages to many, from the chat of organizers: see broadcast.c. */
#ifndef SANGKIEN_HANDLERS_BROADCAST_H
#define SANGKIEN_HANDLERS_BROADCAST_H

#include "flow.h"

enum { BROADCAST_ROLES = ROLE_ORGANIZER | ROLE_UNIT_ADMIN };

void ask_broadcast_text(struct talk *t);
void ask_broadcast_template(struct talk *t);
enum answer read_broadcast_template(struct talk *t, const char *text);
enum state broadcast_template_taken(struct talk *t);
enum answer read_broadcast_whom(struct talk *t, const char *text);
enum answer read_broadcast_text(struct talk *t, const char *text);
enum answer read_broadcast_when(struct talk *t, const char *text);
enum state broadcast_whom_taken(struct talk *t);
enum state broadcast_text_taken(struct talk *t);
enum state broadcast_when_taken(struct talk *t);

/* Commands of staff.c; the number behind those of a button is the broadcast's. */
void cmd_broadcast_new(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_go(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_edit(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_text(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_template(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_when(struct talk *t, int64_t arg, enum edit_field field);
void cmd_broadcast_about(struct talk *t, int64_t arg, enum edit_field field);

/** What a job of the kind "broadcast" found out. */
void broadcast_told(struct talk *t, const struct cJSON *result);
/** Mail "broadcast_asked": a second person's yes is wanted. */
void broadcast_asked(struct talk *t, const struct cJSON *root);
/** Mail "broadcast_over": one that this person started has come to its end. */
void broadcast_over(struct talk *t, const struct cJSON *root);

#endif
