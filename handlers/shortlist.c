/* "Khen thưởng": the largest checked benefits, what was marked for its social meaning, the units with most that is valid.  Asked for
 * here, read by a job with the statements of `sangkien export` (bot/table/shortlist_job.h), said when its mail comes: ten at a time. */
#include "shortlist.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "say.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { WORD_CHARS = 20, NAME_CHARS = 80 };

static const struct {
    const char *list;
    enum msg told;
} lists[] = {
    {"benefit", MSG_SHORTLIST_BENEFIT}, {"social", MSG_SHORTLIST_SOCIAL}, {"units", MSG_SHORTLIST_UNITS},
};

void cmd_shortlists(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    say(t, MSG_SHORTLISTS, NO_ARGS);
    restate(t);
}

void cmd_shortlist(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, "list", action_word(t)));
    must(cJSON_AddStringToObject(args, "page", fmt(t, "%lld", (long long)(arg % SHORTLIST_EVER))));
    must(cJSON_AddBoolToObject(args, "ever", arg >= SHORTLIST_EVER));
    must(cJSON_AddItemToObject(args, "within", staff_scope(t, ROLE_ORGANIZER | ROLE_UNIT_ADMIN)) ? args : NULL);
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(args));
    job_wish_add(t, "shortlist", must(talloc_strdup(t->ctx, json)));
}

void shortlist_told(struct talk *t, const cJSON *r)
{
    const char *list = mail_text(t, r, "list", WORD_CHARS), *wave = mail_text(t, r, "wave", NAME_CHARS);
    const char *lines = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(r, "lines"));
    size_t which = 0;
    while (which < ARRAY_LEN(lists) && (!list || strcmp(lists[which].list, list) != 0))
        which++;
    if (which == ARRAY_LEN(lists) || !has_role(t, ROLE_ORGANIZER | ROLE_UNIT_ADMIN))
        return; /* the role ended meanwhile */
    bool ever = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "ever"));
    bool more = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "more")), cut = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "cut"));
    int64_t next = mail_id(r, "page") + 1 + (ever ? SHORTLIST_EVER : 0);
    say(t, lists[which].told,
        ARGS({"wave", wave ? wave : message_get(MSG_STANDING_EVER)->text},
             {"lines", lines && *lines ? must(talloc_strdup(t->ctx, lines)) : message_get(MSG_SHORTLIST_NOTHING)->text},
             {"con_lai", cut ? message_get(MSG_SHORTLIST_CUT)->text : NULL}, {"trang", fmt(t, "%lld", (long long)next)},
             {"xem_tiep", more ? message_get(MSG_LABEL_SHORTLIST_MORE)->text : NULL}, {"tu_dau", fmt(t, "%d", SHORTLIST_EVER + 1)},
             {"tat_ca", wave ? message_get(MSG_LABEL_SHORTLIST_EVER)->text : NULL}));
    restate(t);
}
