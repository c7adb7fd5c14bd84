/* "Tình hình": where the units stand.  Asked for here, counted by a job (bot/standing/standing_job.h), said when its mail comes. */
#include <cjson/cJSON.h>

#include "campaign.h"
#include "say.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { UNITS_MAX = 3, ARGS_MAX = 40 }; /* of one person with several grants; named values of one message */

#define STANDING_ROLES (ROLE_ORGANIZER | ROLE_UNIT_ADMIN)

static void wish(struct talk *t, const char *what, int64_t unit_id, const cJSON *within)
{
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, "what", what));
    must(cJSON_AddStringToObject(args, "unit", fmt(t, "%lld", (long long)unit_id)));
    must(cJSON_AddItemToObject(args, "within", must(cJSON_Duplicate(within, true))) ? args : NULL);
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(args));
    job_wish_add(t, "standing", must(talloc_strdup(t->ctx, json)));
}

/* Of everything, or of each of the person's units. */
static void wish_own(struct talk *t, const char *what)
{
    SCOPED(json) cJSON *within = staff_scope(t, STANDING_ROLES);
    const cJSON *id;
    cJSON_ArrayForEach(id, within)
        if (strcmp(id->valuestring, "0") == 0) {
            wish(t, what, 0, within);
            return;
        }
    int n = 0;
    for (id = within->child; id && n++ < UNITS_MAX; id = id->next)
        wish(t, what, id_parse(id->valuestring), within);
}

void cmd_unit_standing(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    wish_own(t, "daily");
}

void cmd_campaign(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    wish_own(t, "campaign");
}

/* `arg` may be made up: the job looks only below what this person sees. */
void cmd_sub_units(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    SCOPED(json) cJSON *within = staff_scope(t, STANDING_ROLES);
    wish(t, "below", arg, within);
}

void standing_told(struct talk *t, const cJSON *result)
{
    const char *what = mail_text(t, result, "what", 20);
    const cJSON *named = cJSON_GetObjectItemCaseSensitive(result, "args"), *item;
    struct message_arg args[ARGS_MAX + 2];
    size_t n = 0;
    if (what && !cJSON_IsObject(named) && strcmp(what, "campaign") == 0) {
        campaign_shown(t, NULL, 0);
        return;
    }
    if (!what || !cJSON_IsObject(named)) {
        say(t, MSG_STANDING_NOTHING, NO_ARGS);
        restate(t);
        return;
    }
    for (item = named->child; item; item = item->next)
        if (cJSON_IsString(item) && n < ARGS_MAX)
            args[n++] = (struct message_arg){item->string, must(talloc_strdup(t->ctx, item->valuestring))};
    const char *lines = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(result, "lines"));
    args[n++] = (struct message_arg){"lines", lines ? must(talloc_strdup(t->ctx, lines)) : ""};
    args[n++] = (struct message_arg){"unit_id", fmt(t, "%lld", (long long)mail_id(result, "unit"))};
    if (strcmp(what, "campaign") == 0) {
        campaign_shown(t, args, n);
        return;
    }
    bool ended = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(result, "ended"));
    enum msg id = strcmp(what, "below") == 0 ? (lines && *lines ? MSG_ADMIN_SUB_UNITS : MSG_STANDING_NO_SUB_UNITS)
                  : ended                    ? MSG_ADMIN_WAVE_SUMMARY
                                             : MSG_ADMIN_DAILY;
    say(t, id, args, n);
    restate(t);
}
