/* Organizers send a message to many from the chat: whom, what, a rehearsal to look at, then a yes; and they see it move.
 *
 *   "gửi tin" -> whom -> text -> (a job counts) -> rehearsal -> yes, or an hour -> (a job starts it) -> progress, pause, cancel
 *
 * What asks the database is a job behind the turn (bot/broadcast/broadcast_job.h); what it found out comes back here to be
 * said.  Rights are looked at here, where somebody asks, and by the job once more, for that very broadcast. */
#include "broadcast.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "broadcast_text.h"
#include "reading/amount.h"
#include "reading/moment.h"
#include "reading/text.h"
#include "say.h"
#include "scoped.h"
#include "segment.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { SAMPLE_CHARS = 300, OP_CHARS = 20, MINUTE_MS = 60000, DAY_MIN = 24 * 60, VIETNAM_MIN = 7 * 60 };

static const struct {
    enum answer answer;
    const char *segment;
} whom[] = {
    {ANS_NOT_YET, "registered and not initiative"}, {ANS_DRAFTING, "draft"}, {ANS_SENT_BACK, "returned"},
    {ANS_QUIET, "silent 3"},                        {ANS_EVERYBODY, "everybody"},
};

/* ---- what is wished of the job ---- */

/* `new_id` names the one row the job may add, so that a job done twice adds it once. */
static void wish(struct talk *t, const char *op, int64_t id, cJSON *args)
{
    must(cJSON_AddStringToObject(args, "op", op));
    must(cJSON_AddStringToObject(args, "id", fmt(t, "%lld", (long long)id)));
    must(cJSON_AddStringToObject(args, "new_id", fmt(t, "%lld", (long long)t->in->new_id(t->in->new_id_ctx))));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(args));
    job_wish_add(t, "broadcast", must(talloc_strdup(t->ctx, json)));
}

static void wish_about(struct talk *t, const char *op, int64_t id)
{
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    wish(t, op, id, args);
}

static void wish_start(struct talk *t, int64_t id, int64_t at_ms)
{
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, "at_ms", fmt(t, "%lld", (long long)at_ms)));
    must(cJSON_AddStringToObject(args, "name", t->person.full_name ? t->person.full_name : ""));
    wish(t, "go", id, args);
}

/* ---- composing ---- */

/* Where this person may send: "0" everywhere, else the id of the unit whose subtree it is; NULL: nowhere. */
static const char *scope_of(struct talk *t)
{
    SCOPED(json) cJSON *units = staff_scope(t, BROADCAST_ROLES);
    const char *scope = NULL;
    const cJSON *unit;
    cJSON_ArrayForEach(unit, units)
        if (!scope || strcmp(unit->valuestring, "0") == 0)
            scope = unit->valuestring;
    return scope ? must(talloc_strdup(t->ctx, scope)) : NULL;
}

void cmd_broadcast_new(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    t->d->broadcast_to = NULL;
    t->d->broadcast_id = 0;
    go(t, ST_BROADCAST_WHOM);
}

/* "đơn vị" and its name or code: those, folded; NULL when it is something else. */
static const char *unit_named(struct talk *t, const char *text)
{
    static const char word[] = "don vi ";
    const char *key = must(text_key(t->ctx, str_of(text)));
    return strncmp(key, word, sizeof(word) - 1) == 0 && key[sizeof(word) - 1] ? key + sizeof(word) - 1 : NULL;
}

/* Beside the buttons a unit's name and the words of segment.h are understood. */
enum answer read_broadcast_whom(struct talk *t, const char *text)
{
    struct segment s;
    struct err e;
    if (strlen(text) > SEGMENT_BYTES_MAX || (!unit_named(t, text) && !segment_parse(t->ctx, str_of(text), &s, &e)))
        return ANS_UNCLEAR;
    t->d->broadcast_to = text;
    t->d->broadcast_id = 0;
    return ANS_OK;
}

enum state broadcast_whom_taken(struct talk *t)
{
    for (size_t i = 0; i < ARRAY_LEN(whom); i++)
        if (whom[i].answer == t->answer)
            t->d->broadcast_to = whom[i].segment;
    t->d->broadcast_id = 0;
    return ST_NONE;
}

void ask_broadcast_text(struct talk *t)
{
    ask(t, t->d->broadcast_id ? MSG_BROADCAST_ASK_NEW_TEXT : MSG_BROADCAST_ASK_TEXT, ARGS({"cho_ten", "{ten}"}, {"cho_don_vi", "{unit}"}));
}

enum answer read_broadcast_text(struct talk *t, const char *text)
{
    struct err e;
    t->d->broadcast_text = text;
    return broadcast_text_check(str_of(text), &e) ? ANS_OK : ANS_UNCLEAR;
}

/* Of one that is there only this changes: whom it is for and when stay. */
static enum state changed(struct talk *t, const char *op, cJSON *args)
{
    wish(t, op, t->d->broadcast_id, args);
    audit_add(t, "broadcast_change", NULL, fmt(t, "{\"arg\":\"%lld\"}", (long long)t->d->broadcast_id));
    t->d->broadcast_id = 0;
    lead(t, MSG_BROADCAST_COUNTING, NO_ARGS);
    return ST_RETURN;
}

enum state broadcast_text_taken(struct talk *t)
{
    if (t->d->broadcast_id) {
        SCOPED(json) cJSON *args = must(cJSON_CreateObject());
        must(cJSON_AddStringToObject(args, "text", t->d->broadcast_text));
        t->d->broadcast_text = NULL;
        return changed(t, "text", args);
    }
    struct dialog *d = t->d;
    const char *scope = scope_of(t), *unit = unit_named(t, d->broadcast_to);
    if (!scope)
        return ST_MENU;
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, unit ? "unit" : "segment", unit ? unit : d->broadcast_to));
    must(cJSON_AddStringToObject(args, "text", d->broadcast_text));
    must(cJSON_AddStringToObject(args, "scope", scope));
    wish(t, "create", 0, args);
    audit_add(t, "broadcast_create", NULL, NULL);
    d->broadcast_to = d->broadcast_text = NULL;
    lead(t, MSG_BROADCAST_COUNTING, NO_ARGS);
    return ST_RETURN;
}

void cmd_broadcast_edit(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    say(t, MSG_BROADCAST_EDIT, ARGS({"so", fmt(t, "%lld", (long long)arg)}));
    restate(t);
}

/* What is changed about the broadcast of that number, which the job will look for. */
static void go_change(struct talk *t, int64_t id, enum state to)
{
    t->d->broadcast_to = NULL;
    t->d->broadcast_id = id;
    go(t, to);
}

void cmd_broadcast_text(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    go_change(t, arg, ST_BROADCAST_TEXT);
}

void cmd_broadcast_template(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    go_change(t, arg, ST_BROADCAST_TEMPLATE);
}

void ask_broadcast_template(struct talk *t)
{
    ask(t, MSG_BROADCAST_ASK_TEMPLATE, ARGS({"cho_ten", "{ten}"}));
}

enum answer read_broadcast_template(struct talk *t, const char *text)
{
    struct err e;
    return broadcast_template_read(t->ctx, str_of(text), &t->d->broadcast_template, &t->d->broadcast_data, &e) ? ANS_OK : ANS_UNCLEAR;
}

/* ANS_NO: those who were silent too long are left out again. */
enum state broadcast_template_taken(struct talk *t)
{
    struct dialog *d = t->d;
    bool none = t->answer == ANS_NO;
    SCOPED(json) cJSON *args = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(args, "template", none ? "" : d->broadcast_template));
    must(cJSON_AddStringToObject(args, "data", none ? "" : d->broadcast_data));
    d->broadcast_template = d->broadcast_data = NULL;
    return changed(t, "template", args);
}

void cmd_broadcast_when(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    t->d->broadcast_id = arg;
    go(t, ST_BROADCAST_WHEN);
}

enum answer read_broadcast_when(struct talk *t, const char *text)
{
    return moment_read(str_of(text), t->in->now_ms, &t->d->broadcast_at_ms) ? ANS_OK : ANS_UNCLEAR;
}

enum state broadcast_when_taken(struct talk *t)
{
    struct dialog *d = t->d;
    wish_start(t, d->broadcast_id, d->broadcast_at_ms);
    audit_add(t, "broadcast_go", NULL, fmt(t, "{\"arg\":\"%lld\"}", (long long)d->broadcast_id));
    d->broadcast_id = d->broadcast_at_ms = 0;
    lead(t, MSG_BROADCAST_COUNTING, NO_ARGS);
    return ST_RETURN;
}

/* ---- about one that is there ---- */

void cmd_broadcast_go(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    wish_start(t, arg, 0);
}

/* The word of the command behind "broadcast_" is what the job does. */
void cmd_broadcast_about(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    wish_about(t, action_word(t), arg);
}

/* ---- telling ---- */

/* Ids and figures of the job are decimal strings. */
static int64_t number_of(const cJSON *root, const char *name)
{
    return id_parse(cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name)));
}

static const char *figure_of(struct talk *t, const cJSON *root, const char *name)
{
    return must(amount_digits(t->ctx, number_of(root, name)));
}

/* "16:45 ngày 25/11/2026" in Vietnam, NULL for never. */
static const char *time_of(struct talk *t, int64_t ms)
{
    if (!ms)
        return NULL;
    int64_t minute = (ms / MINUTE_MS + VIETNAM_MIN) % DAY_MIN;
    return words(t, MSG_BROADCAST_TIME, ARGS({"gio", fmt(t, "%02d:%02d", (int)(minute / 60), (int)(minute % 60))}, {"ngay", date_of(t, ms)}));
}

static const char *label_when(bool there, enum msg label)
{
    return there ? message_get(label)->text : NULL;
}

static bool is_state(const char *state, const char *name)
{
    return state && strcmp(state, name) == 0;
}

/* As up to three people will read it. */
static const char *samples_of(struct talk *t, const cJSON *r)
{
    const char *one = mail_text(t, r, "sample", SAMPLE_CHARS), *two = mail_text(t, r, "sample2", SAMPLE_CHARS),
               *three = mail_text(t, r, "sample3", SAMPLE_CHARS);
    return !two ? one : three ? fmt(t, "• %s\n• %s\n• %s", one, two, three) : fmt(t, "• %s\n• %s", one, two);
}

static void tell_rehearsal(struct talk *t, const cJSON *r, const char *number)
{
    int64_t people = number_of(r, "people"), ends_ms = number_of(r, "ends_at_ms");
    const char *missed = words(t, MSG_BROADCAST_MISSED,
                               ARGS({"im_lang", figure_of(t, r, "silent")}, {"tu_choi", figure_of(t, r, "opted_out")},
                                    {"du_tin", figure_of(t, r, "capped")}, {"ho_tro", figure_of(t, r, "with_support")}));
    if (!people) {
        say(t, MSG_BROADCAST_NOBODY, ARGS({"so", number}, {"khong_toi", missed}));
        return;
    }
    int64_t kept_ms = number_of(r, "kept_at_ms");
    const char *end = ends_ms ? time_of(t, ends_ms) : message_get(MSG_BROADCAST_NO_END)->text, *template = mail_text(t, r, "template", OP_CHARS * 4);
    say(t, MSG_BROADCAST_REHEARSAL,
        ARGS({"so", number}, {"nguoi", figure_of(t, r, "people")}, {"mien_phi", figure_of(t, r, "free")},
             {"tinh_phi", figure_of(t, r, "charged")}, {"tien", figure_of(t, r, "cost_vnd")}, {"khong_toi", missed},
             {"khi", kept_ms ? words(t, MSG_BROADCAST_END_KEPT, ARGS({"luc", time_of(t, kept_ms)}, {"xong", end})) : words(t, MSG_BROADCAST_END_NOW, ARGS({"xong", end}))},
             {"gui", message_get(kept_ms ? MSG_LABEL_BROADCAST_GO_KEPT : MSG_LABEL_BROADCAST_GO)->text},
             {"mau_tin", template ? words(t, MSG_BROADCAST_BY_TEMPLATE, ARGS({"ma", template}, {"n", figure_of(t, r, "by_template")})) : NULL},
             {"mau", samples_of(t, r)}));
}

static void tell_begun(struct talk *t, const cJSON *r, const char *number)
{
    const char *people = figure_of(t, r, "people"), *at = time_of(t, number_of(r, "begins_at_ms"));
    if (number_of(r, "hold_min"))
        say(t, MSG_BROADCAST_HELD,
            ARGS({"so", number}, {"nguoi", people}, {"hoi", figure_of(t, r, "asked")}, {"phut", figure_of(t, r, "hold_min")}));
    else if (at)
        say(t, MSG_BROADCAST_BEGINS, ARGS({"so", number}, {"nguoi", people}, {"luc", at}));
    else
        say(t, MSG_BROADCAST_BEGUN, ARGS({"so", number}, {"nguoi", people}));
}

static void tell_progress(struct talk *t, const cJSON *r, const char *number)
{
    const char *state = mail_text(t, r, "state", OP_CHARS);
    enum msg label = state ? message_named(str_of(fmt(t, "label_broadcast_%s", state))) : MSG_NONE;
    bool paused = is_state(state, "paused"), over = is_state(state, "done") || is_state(state, "cancelled");
    say(t, over ? MSG_BROADCAST_OVER : MSG_BROADCAST_PROGRESS,
        ARGS({"so", number}, {"tinh_trang", label ? message_get(label)->text : NULL}, {"tong", figure_of(t, r, "frozen")},
             {"toi", figure_of(t, r, "arrived")}, {"gui", figure_of(t, r, "sent")}, {"cho", figure_of(t, r, "waiting")},
             {"loi", figure_of(t, r, "failed")}, {"bo_qua", figure_of(t, r, "skipped")}, {"chua_ro", figure_of(t, r, "unknown")},
             {"thoi", figure_of(t, r, "cancelled")}, {"xem", label_when(!over, MSG_LABEL_BROADCAST_LOOK)},
             {"tam_dung", label_when(!over && !paused, MSG_LABEL_BROADCAST_PAUSE)},
             {"tiep_tuc", label_when(paused, MSG_LABEL_BROADCAST_RESUME)}, {"dung_han", label_when(!over, MSG_LABEL_BROADCAST_DROP)},
             {"gui_lai", label_when(over && number_of(r, "failed"), MSG_LABEL_BROADCAST_RETRY)}));
}

void broadcast_told(struct talk *t, const cJSON *r)
{
    int64_t id = mail_id(r, "id");
    const char *op = mail_text(t, r, "op", OP_CHARS), *code = mail_text(t, r, "unknown_code", UNIT_CHARS_MAX), *number = fmt(t, "%lld", (long long)id);
    if (!op || !has_role(t, BROADCAST_ROLES))
        return; /* the role ended meanwhile */
    bool done = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(r, "done"));
    const char *codes = mail_text(t, r, "codes", SAMPLE_CHARS);
    if (codes)
        say(t, MSG_BROADCAST_UNIT_SEVERAL, ARGS({"cac_ma", codes}));
    else if (code)
        say(t, MSG_BROADCAST_CODE_UNKNOWN, ARGS({"code", code}));
    else if (!id)
        say(t, MSG_BROADCAST_NONE, NO_ARGS);
    else if (strcmp(op, "create") == 0 || (done && (strcmp(op, "retry") == 0 || strcmp(op, "text") == 0 || strcmp(op, "template") == 0)))
        tell_rehearsal(t, r, number);
    else if (strcmp(op, "try") == 0)
        return; /* the message itself is there */
    else if (strcmp(op, "go") == 0 && done)
        tell_begun(t, r, number);
    else if (strcmp(op, "drop") == 0 && done && number_of(r, "frozen") == 0)
        say(t, MSG_BROADCAST_DROPPED, ARGS({"so", number}));
    else
        tell_progress(t, r, number);
    restate(t);
}

/* Somebody else started a large one: this person's yes lets it begin, a no ends it. */
void broadcast_asked(struct talk *t, const cJSON *r)
{
    int64_t id = mail_id(r, "id");
    if (!id || !has_role(t, ROLE_ORGANIZER))
        return;
    say(t, MSG_BROADCAST_CONFIRM_ASKED,
        ARGS({"so", fmt(t, "%lld", (long long)id)}, {"nguoi_gui", mail_text(t, r, "name", NAME_CHARS_MAX)},
             {"nguoi", figure_of(t, r, "people")}, {"phut", figure_of(t, r, "hold_min")}, {"mau", mail_text(t, r, "sample", SAMPLE_CHARS)}));
    restate(t);
}

void broadcast_over(struct talk *t, const cJSON *r)
{
    int64_t id = mail_id(r, "id");
    if (id && has_role(t, BROADCAST_ROLES))
        wish_about(t, "look", id);
}
