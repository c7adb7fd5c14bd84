/* Campaigns, waves and targets from the chat.
 *
 *   "đặt chỉ tiêu" -> unit -> wave -> number -> card -> yes -> (a job writes it) -> said
 *   "tạo chiến dịch" -> its name -> name of its first wave -> days -> card -> yes
 *   "thêm đợt" -> name -> days -> card -> yes          "sửa đợt" -> which -> days -> card -> yes
 *
 * What is wrong with a wave is said where its days are given, by the rules of the import (wave_rules.h); the job looks once more
 * (bot/standing/campaign_job.h), at the rights as well: a target is for the subtrees of one's grants, a wave is everybody's. */
#include "campaign.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "reading/amount.h"
#include "reading/moment.h"
#include "reading/text.h"
#include "say.h"
#include "scoped.h"
#include "staff.h"
#include "wave_rules.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { WAVES_SHOWN = 8, WAVE_NAME_CHARS_MAX = 60, WORD_CHARS = 20 };

/* "2026-08-01" as "01/08/2026". */
static const char *day_of(struct talk *t, const char *iso)
{
    return iso && strlen(iso) == 10 ? fmt(t, "%.2s/%.2s/%.4s", iso + 8, iso + 5, iso) : NULL;
}

static bool may_write_waves(const struct talk *t)
{
    for (const struct role_grant *g = t->in->grants; g; g = g->next)
        if (g->role == ROLE_ORGANIZER && g->unit_id == 0)
            return true;
    return false;
}

static void forget_choices(struct talk *t)
{
    memset(t->d->choice, 0, sizeof(t->d->choice));
}

/* NEED_WAVES is loaded. */
static const struct wave_row *wave_of(const struct talk *t, int64_t id)
{
    const struct wave_row *w = t->in->waves;
    while (w && w->id != id)
        w = w->next;
    return w;
}

/* Which of those that may still change is meant, when there is only one. */
static const struct wave_row *only_wave(const struct talk *t)
{
    const struct wave_row *only = NULL;
    for (const struct wave_row *w = t->in->waves; w; w = w->next) {
        if (w->frozen)
            continue;
        if (only)
            return NULL;
        only = w;
    }
    return only;
}

static void begin(struct talk *t, const char *kind)
{
    t->d->plan = (struct planning){.kind = kind};
    forget_choices(t);
}

/* ---- a unit's target ---- */

void cmd_target_set(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    begin(t, PLAN_TARGET);
    go(t, ST_TARGET_UNIT);
}

static const char *choices(struct talk *t)
{
    const char *list = NULL;
    for (int i = 0; i < CHOICES_MAX && t->d->choice[i].id; i++)
        list = list ? fmt(t, "%s\n%d. %s", list, i + 1, t->d->choice[i].name) : fmt(t, "1. %s", t->d->choice[i].name);
    return list;
}

void ask_target_unit(struct talk *t)
{
    const char *list = choices(t);
    ask(t, list ? MSG_TARGET_WHICH_UNIT : MSG_TARGET_ASK_UNIT, ARGS({"danh_sach", list}));
}

static enum answer take_unit(struct talk *t, int64_t id, const char *name)
{
    t->d->plan.unit_id = id;
    t->d->plan.unit_name = must(text_short(t->ctx, str_of(name), 120));
    return ANS_OK;
}

enum answer read_target_unit(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    int64_t id = d->choice[0].id ? choice_named(t, text) : 0;
    for (int i = 0; id && i < CHOICES_MAX; i++)
        if (d->choice[i].id == id)
            return take_unit(t, id, d->choice[i].name);
    const struct unit_match *m;
    enum answer answer = read_unit_name(t, text, &m);
    return answer == ANS_OK ? take_unit(t, m->id, m->name) : answer == ANS_NONE_FOUND ? ANS_UNCLEAR : answer;
}

void ask_target_number(struct talk *t)
{
    ask(t, MSG_TARGET_ASK_NUMBER, ARGS({"don_vi", t->d->plan.unit_name}, {"dot", t->d->plan.wave_name}));
}

/* "120", "1.200", "120 sáng kiến"; 0 takes the target away. */
enum answer read_target_number(struct talk *t, const char *text)
{
    static const char *const words[] = {"", "sang kien", "sk", "bai"};
    const char *p = must(text_key(t->ctx, str_of(text)));
    int64_t n = 0;
    size_t digits = 0;
    for (; (*p >= '0' && *p <= '9') || (digits && *p == '.' && p[1] >= '0' && p[1] <= '9'); p++) {
        if (*p == '.')
            continue;
        n = n * 10 + (*p - '0');
        if (++digits > 9 || n > TARGET_MOST)
            return ANS_UNCLEAR;
    }
    p += strspn(p, " ");
    for (size_t i = 0; digits && i < ARRAY_LEN(words); i++)
        if (strcmp(p, words[i]) == 0) {
            t->d->plan.number = n;
            return ANS_OK;
        }
    return ANS_UNCLEAR;
}

/* ---- which wave ---- */

static void take_wave(struct talk *t, const struct wave_row *w)
{
    struct planning *plan = &t->d->plan;
    plan->wave_id = w->id;
    plan->wave_name = w->name;
    plan->from = w->starts_on;
    plan->to = w->ends_on;
    forget_choices(t);
}

static enum state after_wave(const struct talk *t)
{
    return strcmp(t->d->plan.kind, PLAN_TARGET) == 0 ? ST_TARGET_NUMBER : ST_WAVE_DAYS;
}

enum state plan_wave_wanted(struct talk *t)
{
    forget_choices(t);
    if (!need(t, NEED_WAVES))
        return ST_STAY;
    size_t n = 0;
    for (const struct wave_row *w = t->in->waves; w; w = w->next)
        n += !w->frozen;
    if (n == 0) {
        lead(t, MSG_CAMPAIGN_NO_WAVE, NO_ARGS);
        return ST_RETURN;
    }
    if (n > 1)
        return ST_PLAN_WAVE;
    take_wave(t, only_wave(t));
    return after_wave(t);
}

/* The first of those that may still change; further ones are named by their name. */
void ask_plan_wave(struct talk *t)
{
    if (!need(t, NEED_WAVES))
        return;
    forget_choices(t);
    int n = 0;
    for (const struct wave_row *w = t->in->waves; w && n < CHOICES_MAX; w = w->next) {
        const char *name = must(text_short(t->ctx, str_of(w->name), WAVE_NAME_CHARS_MAX));
        if (!w->frozen)
            t->d->choice[n++] = (struct choice){w->id, fmt(t, "%s (%s – %s)", name, day_of(t, w->starts_on), day_of(t, w->ends_on))};
    }
    ask(t, MSG_PLAN_WHICH_WAVE, ARGS({"danh_sach", choices(t)}));
}

enum answer read_plan_wave(struct talk *t, const char *text)
{
    if (!need(t, NEED_WAVES))
        return ANS_HANDLED;
    const struct wave_row *w = wave_of(t, choice_named(t, text)), *named = NULL;
    for (const struct wave_row *o = t->in->waves; o && !w; o = o->next)
        if (!o->frozen && (same_words(t, o->name, text) || same_words(t, o->code, text)))
            named = o;
    w = w ? w : named;
    if (!w || w->frozen)
        return ANS_UNCLEAR;
    take_wave(t, w);
    return ANS_OK;
}

enum state plan_wave_taken(struct talk *t)
{
    return after_wave(t);
}

/* ---- a wave's name and days ---- */

static bool waves_refused(struct talk *t)
{
    if (may_write_waves(t))
        return false;
    say(t, MSG_WAVE_NOT_YOURS, NO_ARGS);
    restate(t);
    return true;
}

static void say_none(struct talk *t)
{
    say(t, MSG_CAMPAIGN_NONE, ARGS({"tao", may_write_waves(t) ? message_get(MSG_LABEL_CAMPAIGN_NEW)->text : NULL}));
    restate(t);
}

void cmd_campaign_new(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (waves_refused(t))
        return;
    begin(t, PLAN_CAMPAIGN);
    go(t, ST_CAMPAIGN_NAME);
}

void cmd_wave_new(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (waves_refused(t) || !need(t, NEED_WAVES))
        return;
    if (!t->in->waves) {
        say_none(t);
        return;
    }
    begin(t, PLAN_WAVE);
    go(t, ST_WAVE_NAME);
}

void cmd_wave_change(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (waves_refused(t))
        return;
    begin(t, PLAN_WAVE);
    go(t, plan_wave_wanted(t));
}

static bool name_ok(const char *text)
{
    size_t chars = text_chars(str_of(text));
    return chars >= 2 && chars <= WAVE_NAME_CHARS_MAX && !strchr(text, '\n') && campaign_name_ok(text);
}

/* Two of one name could not be told apart where waves are shown; the job looks once more. */
enum answer read_campaign_name(struct talk *t, const char *text)
{
    if (!name_ok(text))
        return ANS_UNCLEAR;
    if (!need(t, NEED_WAVES))
        return ANS_HANDLED;
    for (const struct wave_row *w = t->in->waves; w; w = w->next)
        if (same_words(t, w->campaign_name, text)) {
            lead(t, MSG_WAVE_CAMPAIGN_THERE, NO_ARGS);
            ask_state(t);
            return ANS_HANDLED;
        }
    t->d->plan.campaign_name = text;
    return ANS_OK;
}

enum answer read_wave_name(struct talk *t, const char *text)
{
    if (!name_ok(text))
        return ANS_UNCLEAR;
    t->d->plan.wave_name = text;
    return ANS_OK;
}

void ask_wave_days(struct talk *t)
{
    const struct planning *plan = &t->d->plan;
    ask(t, plan->from ? MSG_WAVE_ASK_NEW_DAYS : MSG_WAVE_ASK_DAYS,
        ARGS({"dot", plan->wave_name}, {"tu", day_of(t, plan->from)}, {"den", day_of(t, plan->to)}));
}

/* The campaign a new wave belongs to: that of the one planned last. */
static const struct wave_row *last_wave(const struct talk *t)
{
    const struct wave_row *w = t->in->waves;
    while (w && w->next)
        w = w->next;
    return w;
}

static void lead_fault(struct talk *t, const char *fault, const char *other, const char *from, const char *to)
{
    enum msg id = message_named(str_of(fmt(t, "wave_%s", fault)));
    lead(t, id ? id : MSG_CAMPAIGN_NO_WAVE, ARGS({"dot", other}, {"tu", from}, {"den", to}));
}

enum answer read_wave_days(struct talk *t, const char *text)
{
    struct planning *plan = &t->d->plan;
    struct moment_day from, to;
    if (!moment_read_span(str_of(text), t->in->now_ms, &from, &to))
        return ANS_UNCLEAR;
    if (!need(t, NEED_WAVES))
        return ANS_HANDLED;
    static const struct wave_row first = {.campaign = ""}; /* of a campaign that is not there yet: of no other's */
    const struct wave_row *of = strcmp(plan->kind, PLAN_CAMPAIGN) == 0 ? &first : plan->wave_id ? wave_of(t, plan->wave_id) : last_wave(t), *other = NULL;
    if (!of)
        return ANS_UNCLEAR;
    struct wave_row w = *of;
    w.starts_on = fmt(t, "%04d-%02d-%02d", from.year, from.month, from.day);
    w.ends_on = fmt(t, "%04d-%02d-%02d", to.year, to.month, to.day);
    if (!plan->wave_id) {
        w.frozen = false;
        w.code = "";
        w.name = plan->wave_name;
    }
    enum wave_fault fault = wave_check(&w, t->in->waves, &other);
    if (fault) {
        lead_fault(t, wave_fault_name(fault), other ? other->name : NULL, other ? day_of(t, other->starts_on) : day_of(t, w.starts_on),
                   other ? day_of(t, other->ends_on) : day_of(t, w.ends_on));
        ask_state(t);
        return ANS_HANDLED;
    }
    plan->from = w.starts_on;
    plan->to = w.ends_on;
    return ANS_OK;
}

/* ---- the card and what follows ---- */

void ask_plan_card(struct talk *t)
{
    const struct planning *plan = &t->d->plan;
    ask(t, strcmp(plan->kind, PLAN_TARGET) == 0 ? MSG_TARGET_CARD : strcmp(plan->kind, PLAN_WAVE) == 0 ? MSG_WAVE_CARD : MSG_CAMPAIGN_CARD,
        ARGS({"chien_dich", plan->campaign_name}, {"don_vi", plan->unit_name}, {"dot", plan->wave_name}, {"tu", day_of(t, plan->from)}, {"den", day_of(t, plan->to)},
             {"n", must(amount_digits(t->ctx, plan->number))}));
}

enum state plan_again(struct talk *t)
{
    return after_wave(t);
}

enum state plan_dropped(struct talk *t)
{
    t->d->plan = (struct planning){0};
    lead(t, MSG_PLAN_DROPPED, NO_ARGS);
    return ST_RETURN;
}

static const char *decimal(struct talk *t, int64_t n)
{
    return fmt(t, "%lld", (long long)n);
}

enum state plan_agreed(struct talk *t)
{
    const struct planning plan = t->d->plan;
    bool target = strcmp(plan.kind, PLAN_TARGET) == 0;
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, "op", plan.kind));
    must(cJSON_AddStringToObject(args, "wave", decimal(t, plan.wave_id)));
    if (target) {
        must(cJSON_AddStringToObject(args, "unit", decimal(t, plan.unit_id)));
        must(cJSON_AddStringToObject(args, "n", decimal(t, plan.number)));
    } else {
        must(cJSON_AddStringToObject(args, "new_id", decimal(t, t->in->new_id(t->in->new_id_ctx))));
        must(cJSON_AddStringToObject(args, "from", plan.from));
        must(cJSON_AddStringToObject(args, "to", plan.to));
    }
    SCOPED(json_text) char *record = must(cJSON_PrintUnformatted(args)); /* ids, days and figures; a name stays out */
    audit_add(t, fmt(t, "%s_agreed", plan.kind), NULL, must(talloc_strdup(t->ctx, record)));
    if (!target)
        must(cJSON_AddStringToObject(args, "name", plan.wave_name));
    if (plan.campaign_name)
        must(cJSON_AddStringToObject(args, "campaign", plan.campaign_name));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(args));
    job_wish_add(t, "campaign", must(talloc_strdup(t->ctx, json)));
    t->d->plan = (struct planning){0};
    lead(t, MSG_PLAN_UNDER_WAY, NO_ARGS);
    return ST_RETURN;
}

/* ---- telling ---- */

static const char *mail_day(struct talk *t, const cJSON *r, const char *name)
{
    return day_of(t, mail_text(t, r, name, WORD_CHARS));
}

void campaign_told(struct talk *t, const cJSON *r)
{
    const char *op = mail_text(t, r, "op", WORD_CHARS), *refused = mail_text(t, r, "refused", WORD_CHARS);
    const char *wave = mail_text(t, r, "wave_name", WAVE_NAME_CHARS_MAX), *old = mail_text(t, r, "old", WORD_CHARS);
    if (!op || !has_role(t, CAMPAIGN_ROLES))
        return; /* the role ended meanwhile */
    if (refused && strcmp(refused, "overlaps") == 0) {
        say(t, MSG_WAVE_OVERLAPS, ARGS({"dot", mail_text(t, r, "other", WAVE_NAME_CHARS_MAX)}, {"tu", mail_day(t, r, "other_from")}, {"den", mail_day(t, r, "other_to")}));
    } else if (refused) {
        enum msg id = message_named(str_of(fmt(t, "wave_%s", refused)));
        say(t, strcmp(refused, "rights") == 0 ? MSG_PLAN_NOT_YOURS : id ? id : MSG_CAMPAIGN_NO_WAVE,
            ARGS({"dot", wave}, {"tu", mail_day(t, r, "from")}, {"den", mail_day(t, r, "to")}));
    } else if (strcmp(op, PLAN_TARGET) == 0) {
        say(t, MSG_TARGET_DONE,
            ARGS({"don_vi", mail_text(t, r, "unit_name", 120)}, {"dot", wave}, {"n", must(amount_digits(t->ctx, mail_id(r, "n")))},
                 {"truoc", old ? words(t, MSG_TARGET_BEFORE, ARGS({"n", must(amount_digits(t->ctx, id_parse(old)))})) : NULL}));
    } else {
        say(t, strcmp(op, PLAN_WAVE) == 0 ? MSG_WAVE_DONE : MSG_CAMPAIGN_DONE,
            ARGS({"dot", wave}, {"chien_dich", mail_text(t, r, "campaign", WAVE_NAME_CHARS_MAX)}, {"tu", mail_day(t, r, "from")},
                 {"den", mail_day(t, r, "to")}));
    }
    restate(t);
}

/* The latest of them; {wave} and the figures are of the present one. */
void campaign_shown(struct talk *t, const struct message_arg *args, size_t n)
{
    if (!has_role(t, CAMPAIGN_ROLES) || !need(t, NEED_WAVES))
        return;
    size_t count = 0, i = 0;
    for (const struct wave_row *w = t->in->waves; w; w = w->next)
        count++;
    if (count == 0) {
        say_none(t);
        return;
    }
    const char *lines = NULL;
    bool open = false;
    for (const struct wave_row *w = t->in->waves; w; w = w->next, i++) {
        open |= !w->frozen;
        if (i + WAVES_SHOWN < count)
            continue;
        const char *line = words(t, MSG_CAMPAIGN_LINE,
                                 ARGS({"dot", must(text_short(t->ctx, str_of(w->name), WAVE_NAME_CHARS_MAX))}, {"tu", day_of(t, w->starts_on)},
                                      {"den", day_of(t, w->ends_on)}, {"chot", w->frozen ? message_get(MSG_CAMPAIGN_FROZEN)->text : NULL}));
        lines = lines ? fmt(t, "%s\n%s", lines, line) : line;
    }
    bool waves = may_write_waves(t);
    struct message_arg *all = must(talloc_array(t->ctx, struct message_arg, (unsigned)n + 4));
    if (n)
        memcpy(all, args, sizeof(*args) * n);
    all[n] = (struct message_arg){"cac_dot", lines};
    all[n + 1] = (struct message_arg){"dat_chi_tieu", open ? message_get(MSG_LABEL_TARGET_SET)->text : NULL};
    all[n + 2] = (struct message_arg){"them_dot", waves ? message_get(MSG_LABEL_WAVE_NEW)->text : NULL};
    all[n + 3] = (struct message_arg){"sua_dot", waves && open ? message_get(MSG_LABEL_WAVE_CHANGE)->text : NULL};
    say(t, n ? MSG_CAMPAIGN : MSG_CAMPAIGN_WAVES, all, n + 4);
    restate(t);
}
