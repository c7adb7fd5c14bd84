/* Campaigns, waves and targets, from the chat of organizers and unit admins: see campaign.c. */
#ifndef SANGKIEN_HANDLERS_CAMPAIGN_H
#define SANGKIEN_HANDLERS_CAMPAIGN_H

#include "flow.h"

enum { CAMPAIGN_ROLES = ROLE_ORGANIZER | ROLE_UNIT_ADMIN };

void ask_target_unit(struct talk *t);
void ask_target_number(struct talk *t);
void ask_plan_wave(struct talk *t);
void ask_wave_days(struct talk *t);
void ask_plan_card(struct talk *t);
enum answer read_target_unit(struct talk *t, const char *text);
enum answer read_target_number(struct talk *t, const char *text);
enum answer read_plan_wave(struct talk *t, const char *text);
enum answer read_campaign_name(struct talk *t, const char *text);
enum answer read_wave_name(struct talk *t, const char *text);
enum answer read_wave_days(struct talk *t, const char *text);
enum state plan_wave_wanted(struct talk *t);
enum state plan_wave_taken(struct talk *t);
enum state plan_again(struct talk *t);
enum state plan_agreed(struct talk *t);
enum state plan_dropped(struct talk *t);

/* Commands of staff.c. */
void cmd_target_set(struct talk *t, int64_t arg, enum edit_field field);
void cmd_campaign_new(struct talk *t, int64_t arg, enum edit_field field);
void cmd_wave_new(struct talk *t, int64_t arg, enum edit_field field);
void cmd_wave_change(struct talk *t, int64_t arg, enum edit_field field);

/** What a job of the kind "standing" found for "campaign": the unit in the present wave, and all waves.  @param n  0: there are no figures. */
void campaign_shown(struct talk *t, const struct message_arg *args, size_t n);
/** What a job of the kind "campaign" did. */
void campaign_told(struct talk *t, const struct cJSON *result);

#endif
