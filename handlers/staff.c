/* Staff: their commands as a table, the right to use them, joining by a one-time code.  See staff.h. */
#include "staff.h"

#include <cjson/cJSON.h>

#include "reading/text.h"
#include "broadcast.h"
#include "campaign.h"
#include "role_store.h"
#include "review.h"
#include "say.h"
#include "shortlist.h"

enum {
    JOIN_TRIES_MAX = 5,
    JOIN_WINDOW_MS = 24 * 60 * 60 * 1000, /* as long as a code is good */
};

const struct staff_command staff_commands[] = {
    /* typed             flags       word, its button for ever, what it does, whose it is             line of the menu */
    {{"", "menu"}, 0, {"staff_menu", true, cmd_staff_menu, ROLE_ANY}, MSG_NONE},
    {{"ra soat", "review"}, STAFF_BARE | STAFF_TEXT, {"review", true, cmd_review_card, ROLE_REVIEWER}, MSG_STAFF_DOES_REVIEW},
    {{"tinh hinh"}, STAFF_BARE, {"unit_standing", true, cmd_unit_standing, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_STAFF_DOES_STANDING},
    {{NULL}, 0, {"sub_units", true, cmd_sub_units, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{"chien dich", "chi tieu"}, STAFF_BARE, {"campaign", true, cmd_campaign, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_STAFF_DOES_CAMPAIGN},
    {{"dat chi tieu", "giao chi tieu"}, STAFF_BARE, {"target_set", true, cmd_target_set, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{"tao chien dich", "them chien dich"}, STAFF_BARE, {"campaign_new", true, cmd_campaign_new, ROLE_ORGANIZER}, MSG_NONE},
    {{"them dot"}, STAFF_BARE, {"wave_new", true, cmd_wave_new, ROLE_ORGANIZER}, MSG_NONE},
    {{"sua dot"}, STAFF_BARE, {"wave_change", true, cmd_wave_change, ROLE_ORGANIZER}, MSG_NONE},
    {{"khen thuong", "danh sach khen thuong"}, STAFF_BARE, {"shortlists", true, cmd_shortlists, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_STAFF_DOES_SHORTLISTS},
    {{NULL}, 0, {"shortlist_benefit", true, cmd_shortlist, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"shortlist_social", true, cmd_shortlist, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"shortlist_units", true, cmd_shortlist, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{"gui tin", "nhac"}, STAFF_BARE, {"broadcast", true, cmd_broadcast_new, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_STAFF_DOES_BROADCAST},
    {{"xem tin"}, STAFF_BARE, {"broadcast_look", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_STAFF_DOES_PROGRESS},
    {{NULL}, 0, {"broadcast_go", true, cmd_broadcast_go, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_when", true, cmd_broadcast_when, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_edit", true, cmd_broadcast_edit, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_text", true, cmd_broadcast_text, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_template", true, cmd_broadcast_template, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_try", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_confirm", true, cmd_broadcast_about, ROLE_ORGANIZER}, MSG_NONE},
    {{NULL}, 0, {"broadcast_drop", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_pause", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_resume", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{NULL}, 0, {"broadcast_retry", true, cmd_broadcast_about, ROLE_ORGANIZER | ROLE_UNIT_ADMIN}, MSG_NONE},
    {{"truc"}, 0, {"duty_on", true, cmd_duty_on, ROLE_SUPPORT}, MSG_STAFF_DOES_DUTY_ON},
    {{"nghi"}, 0, {"duty_off", true, cmd_duty_off, ROLE_SUPPORT}, MSG_STAFF_DOES_DUTY_OFF},
    {{"phieu"}, 0, {"tickets", true, cmd_ticket_list, ROLE_SUPPORT}, MSG_STAFF_DOES_TICKETS},
    {{"#"}, STAFF_TEXT, {"ticket_say", true, cmd_ticket_say, ROLE_SUPPORT}, MSG_STAFF_DOES_SAY},
    {{"nhap giup", "nhap"}, STAFF_TEXT, {"ticket_enter", true, cmd_ticket_enter, ROLE_SUPPORT}, MSG_STAFF_DOES_ENTER},
    {{"ten"}, STAFF_TEXT, {"propose_title", false, cmd_propose_title, ROLE_SUPPORT}, MSG_STAFF_DOES_PROPOSE},
    {{"mo ta", "mota"}, STAFF_TEXT, {"propose_description", false, cmd_propose_description, ROLE_SUPPORT}, MSG_NONE},
    {{"tien"}, STAFF_TEXT, {"propose_benefit", false, cmd_propose_benefit, ROLE_SUPPORT}, MSG_NONE},
    {{"mau"}, STAFF_TEXT, {"canned", true, cmd_canned, ROLE_SUPPORT | ROLE_ORGANIZER}, MSG_STAFF_DOES_CANNED},
    {{NULL}, 0, {"canned_send", true, cmd_canned_send, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"canned_take", true, cmd_canned_take, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"canned_keep", true, cmd_canned_keep, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_reply", true, cmd_ticket_reply, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_force", true, cmd_ticket_force, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_draft", true, cmd_ticket_draft, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_pass", true, cmd_ticket_pass, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_close", true, cmd_ticket_close, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_return", true, cmd_ticket_return, ROLE_SUPPORT}, MSG_NONE},
    {{NULL}, 0, {"ticket_later", true, cmd_ticket_later, ROLE_SUPPORT}, MSG_NONE},
};
const size_t staff_command_count = ARRAY_LEN(staff_commands);

const struct command *staff_command_named(struct str action)
{
    for (size_t i = 0; i < staff_command_count; i++)
        if (str_eq(str_of(staff_commands[i].command.action), action))
            return &staff_commands[i].command;
    return NULL;
}

/* ---- who may ---- */

static unsigned roles_held(struct talk *t)
{
    unsigned held = 0;
    if (!t->d->staff || !need(t, NEED_GRANTS))
        return 0;
    for (const struct role_grant *g = t->in->grants; g; g = g->next)
        held |= g->role;
    return held;
}

bool has_role(struct talk *t, unsigned roles)
{
    return (roles_held(t) & roles) != 0;
}

cJSON *staff_scope(struct talk *t, unsigned roles)
{
    cJSON *ids = must(cJSON_CreateArray());
    for (const struct role_grant *g = t->in->grants; g; g = g->next)
        if (g->role & roles)
            must(cJSON_AddItemToArray(ids, must(cJSON_CreateString(fmt(t, "%lld", (long long)g->unit_id)))) ? ids : NULL);
    return ids;
}

bool command_run(struct talk *t, const struct command *c, int64_t arg, enum edit_field field)
{
    if (c->roles) {
        if (!has_role(t, c->roles))
            return t->out->needs != 0;
        audit_add(t, c->action, NULL, arg ? fmt(t, "{\"arg\":\"%lld\"}", (long long)arg) : NULL);
    }
    t->action = c->action;
    c->does(t, arg, field);
    return true;
}

/* ---- the record ---- */

static struct audit_entry *last_entry(struct talk *t)
{
    struct audit_entry *a = t->out->audit;
    while (a && a->next)
        a = a->next;
    return a;
}

void audit_add(struct talk *t, const char *action, const char *about, const char *detail)
{
    struct audit_entry *last = last_entry(t), *a = must(talloc_zero(t->ctx, struct audit_entry));
    *a = (struct audit_entry){.id = t->in->new_id(t->in->new_id_ctx), .action = action, .about = about, .detail = detail};
    *(last ? &last->next : &t->out->audit) = a;
}

void audit_more(struct talk *t, const char *about, const char *detail)
{
    struct audit_entry *a = last_entry(t);
    if (!a)
        return;
    a->about = about ? about : a->about;
    a->detail = detail ? detail : a->detail;
}

void audit_none(struct talk *t)
{
    struct audit_entry **at = &t->out->audit;
    while (*at && (*at)->next)
        at = &(*at)->next;
    *at = NULL;
}

/* ---- what is typed ---- */

static bool ends_word(char c)
{
    return c == '\0' || c == ' ' || c == '\n';
}

/* Where the text goes on behind its first n words; they are read off the text as written, whose key has the same words. */
static const char *behind_words(const char *text, size_t n)
{
    for (; n; n--) {
        text += strcspn(text, " \n");
        text += strspn(text, " \n");
    }
    return text;
}

static size_t word_count(const char *words)
{
    size_t n = *words != '\0';
    for (const char *p = words; *p; p++)
        n += *p == ' ';
    return n;
}

/* Text is an answer here, whatever it says. */
static bool asks_for_text(const struct talk *t)
{
    return (flow[t->state].flags & (F_FIELD | F_COLLECTS)) || flow[t->state].scene == SCENE_NAME || flow[t->state].scene == SCENE_DESCRIPTION;
}

/* Whether these words begin the key; what stands behind them in the text goes to *ret_rest. */
static bool begins(const char *words, const char *key, const char *text, unsigned flags, const char **ret_rest)
{
    size_t n = strlen(words);
    if (strncmp(key, words, n) != 0 || !ends_word(key[n]))
        return false;
    const char *rest = behind_words(text, word_count(words));
    *ret_rest = *rest ? rest : NULL;
    return !*rest || (flags & STAFF_TEXT);
}

/* "#12 text": the number of something on show, then what is said about it. */
static bool numbered(const char *text, int64_t *ret_arg, const char **ret_rest)
{
    char digits[20];
    size_t n = strspn(text + 1, "0123456789");
    if (*text != '#' || n == 0 || n >= sizeof(digits) || !ends_word(text[1 + n]))
        return false;
    memcpy(digits, text + 1, n);
    digits[n] = '\0';
    *ret_arg = id_parse(digits);
    const char *rest = behind_words(text, 1);
    *ret_rest = *rest ? rest : NULL;
    return *ret_arg > 0;
}

static bool row_matches(const struct talk *t, const struct staff_command *row, const char *key, const char *text, int64_t *ret_arg,
                        const char **ret_rest)
{
    bool slash = *text == '/';
    for (size_t i = 0; i < ARRAY_LEN(row->words) && row->words[i]; i++) {
        const char *words = row->words[i];
        if (strcmp(words, "#") == 0) {
            if (numbered(text, ret_arg, ret_rest) && (!*ret_rest || (row->flags & STAFF_TEXT)))
                return true;
        } else if (slash) {
            if (begins(words, key, text + 1, row->flags, ret_rest))
                return true;
        } else if ((row->flags & STAFF_BARE) && !asks_for_text(t)) {
            /* Where a question is pending only the bare words: a sentence that begins with them may be its answer. */
            if (begins(words, key, text, pending(t) ? 0 : row->flags, ret_rest))
                return true;
        }
    }
    return false;
}

static bool staff_command_typed(struct talk *t, const char *text)
{
    if (!t->d->staff)
        return false;
    const char *key = must(text_key(t->ctx, str_of(*text == '/' ? text + 1 : text)));
    for (size_t i = 0; i < staff_command_count; i++) {
        const struct staff_command *row = &staff_commands[i];
        const char *rest = NULL;
        int64_t arg = 0;
        if (!row_matches(t, row, key, text, &arg, &rest))
            continue;
        if (t->in->late && has_role(t, row->command.roles)) {
            old_tap(t);
            return true;
        }
        t->typed_rest = rest;
        if (command_run(t, &row->command, arg, EDIT_ANY))
            return true;
        t->typed_rest = NULL;
    }
    return t->out->needs != 0;
}

/* ---- joining ---- */

/* A line for each command of these roles. */
static const char *menu_lines(struct talk *t, unsigned roles)
{
    const char *lines = NULL;
    for (size_t i = 0; i < staff_command_count; i++) {
        const struct staff_command *row = &staff_commands[i];
        if (row->menu == MSG_NONE || !(row->command.roles & roles))
            continue;
        const char *line = words(t, row->menu, NO_ARGS);
        lines = lines ? fmt(t, "%s\n%s", lines, line) : line;
    }
    return lines;
}

static const char *role_label(struct talk *t, enum role role)
{
    enum msg id = message_named(str_of(fmt(t, "label_role_%s", role_name(role))));
    return id ? message_get(id)->text : "";
}

/* Wrong, used, too old, too many tries: one sentence, so that trying tells nothing. */
static void refuse(struct talk *t)
{
    say(t, MSG_JOIN_REFUSED, NO_ARGS);
    restate(t);
}

static void join(struct talk *t, const char *typed)
{
    struct dialog *d = t->d;
    char code[INVITE_CODE_CHARS + 1];
    d->greeted = true;
    t->out->secret = true;
    if (t->in->now_ms - d->join_since_ms >= JOIN_WINDOW_MS) {
        d->join_since_ms = t->in->now_ms;
        d->join_tries = 0;
    }
    if (d->join_tries >= JOIN_TRIES_MAX) {
        refuse(t);
        return;
    }
    if (!invite_code_read(typed, code)) {
        d->join_tries++;
        refuse(t);
        return;
    }
    t->out->need_text = must(talloc_strdup(t->ctx, code));
    if (!need(t, NEED_INVITE))
        return;
    const struct invite *invite = t->in->invite;
    if (!invite || !invite->role) {
        d->join_tries++;
        refuse(t);
        return;
    }
    d->staff = true;
    d->join_tries = 0;
    struct role_grant *g = must(talloc_zero(t->ctx, struct role_grant));
    *g = (struct role_grant){.user_id = t->in->msg->user_id, .role = invite->role, .unit_id = invite->unit_id, .unit_name = invite->unit_name};
    t->out->new_grants = g;
    audit_add(t, "join", t->in->msg->user_id,
              fmt(t, "{\"role\":\"%s\",\"unit_id\":\"%lld\"}", role_name(g->role), (long long)g->unit_id));
    say(t, MSG_STAFF_JOINED, ARGS({"vai_tro", role_label(t, g->role)}, {"don_vi", g->unit_name ? g->unit_name : message_get(MSG_LABEL_EVERYWHERE)->text}, {"viec", menu_lines(t, g->role)}));
    restate(t);
}

bool staff_text(struct talk *t, const char *text)
{
    const char *rest;
    if (*text == '/' && begins("join", must(text_key(t->ctx, str_of(text + 1))), text + 1, STAFF_TEXT, &rest)) {
        join(t, rest ? rest : "");
        return true;
    }
    return staff_command_typed(t, text);
}

/* ---- the menu ---- */

void cmd_staff_menu(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    audit_none(t);
    const char *held = NULL;
    for (const struct role_grant *g = t->in->grants; g; g = g->next) {
        const char *one = g->unit_name ? fmt(t, "%s (%s)", role_label(t, g->role), g->unit_name) : role_label(t, g->role);
        held = held ? fmt(t, "%s, %s", held, one) : one;
    }
    say(t, MSG_STAFF_MENU, ARGS({"vai_tro", held}, {"viec", menu_lines(t, roles_held(t))}));
    restate(t);
}
