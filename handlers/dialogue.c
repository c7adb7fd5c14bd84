/* The engine: one event in, the tables of flow.c decide, replies and the new state out.
 *
 * Order of understanding a text (design.md section 5): labels and numbers of the buttons on show, commands, the reader
 * of the state.  A turn that lacks data returns early with out->needs set and is run again from the start. */
#include "reading/amount.h"
#include "inbound.h"
#include "say.h"
#include "staff.h"
#include "reading/parts.h"
#include "reading/phrase.h"
#include "reading/text.h"
#include "ticket.h"

enum {
    SAME_TAP_MS = 10000,             /* the same tap again within this is the same finger */
    AWAY_MS = 12 * 3600 * 1000,      /* who answers after this is told what is there */
    ASKED_CHARS_MIN = 12, /* "gì cơ nhỉ" asks nothing */
    ASKED_CHARS = 500,               /* kept of a question, in case it is passed on */
    BRIEF_BYTES = 160,               /* longer than any label, number or "sửa mục 3" */
};

/* ---- small questions ---- */

bool need(struct talk *t, unsigned what)
{
    return turn_need(t->in, t->out, what);
}

bool turn_need(const struct turn_input *in, struct turn_output *out, unsigned what)
{
    if ((in->loaded & what) == what)
        return true;
    out->needs |= what & ~in->loaded;
    return false;
}

bool consented(const struct talk *t)
{
    return t->person.consent_at_ms > 0;
}

bool pending(const struct talk *t)
{
    return !(flow[t->state].flags & F_IDLE);
}

void person_changed(struct talk *t)
{
    t->out->person = &t->person;
}

/* ---- moving about ---- */

/* The first thing the registration lacks. */
static enum state onward(const struct talk *t)
{
    const struct draft *draft = &t->d->draft;
    if (!consented(t))
        return ST_CONSENT;
    if (!draft->id)
        return ST_MENU;
    const bool own = !draft->for_user; /* of somebody else his own turn asks */
    if (own && !t->person.full_name)
        return ST_NAME;
    if (own && !t->person.unit_id && !t->person.unit_text)
        return ST_UNIT;
    if (!draft->title)
        return ST_TITLE;
    if (!draft->description)
        return ST_DESCRIPTION;
    if (!draft->benefit.kind)
        return ST_BENEFIT;
    return similar_open(draft) ? ST_SIMILAR : ST_CONFIRM;
}

/* Stored states and forged taps may name a state that has nothing to stand on. */
static enum state possible(const struct talk *t, enum state to)
{
    const struct dialog *d = t->d;
    if (to <= ST_NONE || to >= ST_COUNT)
        return ST_MENU;
    const unsigned flags = flow[to].flags;
    if (!consented(t) && !(flags & F_PUBLIC))
        return ST_MENU;
    if ((flags & F_FIELD) && !d->draft.id && !d->edit_id)
        return ST_MENU;
    switch (to) {
    case ST_CONFIRM:
    case ST_DRAFT_CHOICE:
    case ST_DELETE_DRAFT:
        return !d->draft.id ? ST_MENU : to == ST_CONFIRM ? onward(t) : to;
    case ST_SIMILAR:
        return d->draft.similar[0].id ? to : onward(t);
    case ST_SIMILAR_WHICH:
        return d->draft.similar[0].id && d->similar_said ? to : onward(t);
    case ST_SIMILAR_SAME:
        return similar_chosen_as(&d->draft, CHOICE_SAME) ? to : onward(t);
    case ST_SIMILAR_TOGETHER:
        return similar_chosen_as(&d->draft, CHOICE_TOGETHER) ? to : onward(t);
    case ST_BENEFIT_CHOICE:
        return d->choice_vnd[0] ? to : ST_BENEFIT;
    case ST_BENEFIT_COUNT:
        return d->reading.unit_vnd ? to : ST_BENEFIT;
    case ST_BENEFIT_RANGE:
    case ST_BENEFIT_ECHO:
    case ST_BENEFIT_SURE:
        return d->reading.kind && d->reading.vnd > 0 ? to : ST_BENEFIT;
    case ST_BENEFIT_WORDS:
        return d->reading.text ? to : ST_BENEFIT;
    case ST_UNIT_PICK:
        return d->choice[0].id ? to : ST_UNIT;
    case ST_UNIT_UNKNOWN:
        return d->unit_typed ? to : ST_UNIT;
    case ST_OFFER_TITLE:
        return d->offered_title ? to : ST_MENU;
    case ST_KIND:
    case ST_APPLIED_ON:
    case ST_COAUTHORS:
    case ST_CONFIDENTIAL:
        return d->extras_id ? to : ST_MENU;
    case ST_COAUTHORS_CHECK:
        return d->extras_id && d->coauthor[0].name ? to : ST_MENU;
    case ST_DETAIL:
    case ST_WITHDRAW:
    case ST_APPEAL:
        return d->view_id ? to : ST_MENU;
    case ST_REVIEW_OTHER:
        return d->review.code ? to : ST_MENU;
    case ST_REVIEW_FIELD:
    case ST_REVIEW_REASON:
    case ST_REVIEW_DUPLICATE:
    case ST_REVIEW_BENEFIT:
    case ST_REVIEW_LEVEL:
    case ST_REVIEW_DATE:
        return d->review.code && d->review.verdict ? to : ST_MENU;
    case ST_ANSWERING:
        return d->answer_number ? to : ST_MENU;
    case ST_CANNED_NAME:
        return d->last_answer ? to : ST_MENU;
    case ST_BROADCAST_TEXT:
        return d->broadcast_to || d->broadcast_id ? to : ST_MENU;
    case ST_BROADCAST_TEMPLATE:
    case ST_BROADCAST_WHEN:
        return d->broadcast_id ? to : ST_MENU;
    case ST_TARGET_UNIT:
    case ST_PLAN_WAVE:
        return d->plan.kind ? to : ST_MENU;
    case ST_TARGET_NUMBER:
        return d->plan.kind && d->plan.unit_id && d->plan.wave_id ? to : ST_MENU;
    case ST_CAMPAIGN_NAME:
    case ST_WAVE_NAME:
        return d->plan.kind ? to : ST_MENU;
    case ST_WAVE_DAYS:
        return d->plan.kind && d->plan.wave_name ? to : ST_MENU;
    case ST_PLAN_CARD:
        return d->plan.kind && d->plan.wave_name && d->plan.from && d->plan.to ? to : ST_MENU;
    case ST_WHOM:
        return d->unsent[0].kind && d->choice[0].id ? to : ST_MENU;
    default:
        return to;
    }
}

static void enter(struct talk *t, enum state to)
{
    struct dialog *d = t->d;
    const unsigned flags = flow[to].flags, left = flow[t->state].flags;
    if (!(flags & F_EXCURSION) && !d->edit_id)
        d->interrupted = NULL;
    else if ((flags & F_EXCURSION) && !(left & (F_EXCURSION | F_IDLE)))
        d->interrupted = state_name(t->state);
    if (!(flags & (F_FIELD | F_EXCURSION)) && to != ST_UNIT && to != ST_UNIT_PICK && to != ST_UNIT_UNKNOWN) {
        d->edit_id = 0;
        d->edit_partial = NULL;
    }
    if (!(flags & (F_AMOUNTS | F_EXCURSION)))
        d->clarifications = 0;
    if (flags & F_IDLE)
        d->editing = false;
    if (to != ST_TITLE)
        d->fragment = NULL;
    t->state = to;
    if (!t->tapped)
        d->last_tap = NULL; /* something else has led here: the button is pressed anew */
    d->seq++;
    d->misses = 0;
    d->question = t->next_question ? message_get(t->next_question)->name : NULL;
    t->next_question = MSG_NONE;
    memset(d->shown, 0, sizeof(d->shown));
    if (flags & F_DRAFT)
        d->draft.step = state_name(to);
}

void go(struct talk *t, enum state to)
{
    if (t->out->needs || to == ST_STAY)
        return;
    if (to == ST_ASK) {
        t->d->seq++;
        ask_state(t);
        return;
    }
    if (to == ST_ONWARD)
        to = onward(t);
    else if (to == ST_RETURN)
        to = state_named(t->d->interrupted);
    enter(t, possible(t, to));
    if ((flow[t->state].flags & F_IDLE) && (t->lead || t->spoke))
        lead_flush(t);
    else
        ask_state(t);
}

void ask_state(struct talk *t)
{
    if (flow[t->state].ask)
        flow[t->state].ask(t);
    else
        ask(t, t->d->question ? message_named(str_of(t->d->question)) : flow[t->state].prompt, NO_ARGS);
}

void restate(struct talk *t)
{
    if (t->out->needs)
        return;
    if (pending(t))
        ask_state(t);
    else
        lead_flush(t);
}

void go_on(struct talk *t, enum state to)
{
    if (!owned_by_a_person(t->in) || t->out->needs) {
        if (to == ST_ASK)
            restate(t);
        else
            go(t, to);
        return;
    }
    if (to != ST_ASK)
        enter(t, possible(t, to == ST_ONWARD ? onward(t) : to));
    lead_flush(t);
}

void miss(struct talk *t)
{
    struct dialog *d = t->d;
    const char *text = t->in->msg->text;
    d->asked = consented(t) && text && text_chars(str_of(text)) >= ASKED_CHARS_MIN && phrase_is_question(t->ctx, text) ? must(text_short(t->ctx, str_of(text), ASKED_CHARS)) : NULL;
    int rung = d->misses % 3;
    if (d->misses < 1000)
        d->misses++;
    if (rung == 0) {
        say(t, flow[t->state].unclear, ARGS({"max", fmt(t, "%d", TITLE_CHARS_MAX)}));
    } else if (rung == 1) {
        lead(t, MSG_CHOICES_LEAD, NO_ARGS);
        ask_state(t);
    } else {
        say(t, MSG_OFFER_HUMAN, NO_ARGS);
    }
}

void old_tap(struct talk *t)
{
    say(t, MSG_OLD_TAP, NO_ARGS);
    restate(t);
}

int64_t choice_named(struct talk *t, const char *text)
{
    const struct choice *choice = t->d->choice;
    const char *key = must(text_key(t->ctx, str_of(text)));
    if (key[0] >= '1' && key[0] <= '0' + CHOICES_MAX && (!key[1] || strcmp(key + 1, ".") == 0))
        return choice[key[0] - '1'].id;
    for (int i = 0; i < CHOICES_MAX && choice[i].id; i++)
        if (same_words(t, choice[i].name, text))
            return choice[i].id;
    return 0;
}

/* ---- acting ---- */

static const struct move *move_on(const struct step *step, enum answer a)
{
    if (a == ANS_UNCLEAR)
        return NULL;
    for (size_t i = 0; i < MOVES_MAX && step->then[i].on != ANS_UNCLEAR; i++)
        if (step->then[i].on == a)
            return &step->then[i];
    for (const struct move *m = step->also; m && m->on != ANS_UNCLEAR; m++)
        if (m->on == a)
            return m;
    return NULL;
}

static void take(struct talk *t, const struct move *move)
{
    t->answer = move->on;
    enum state to = move->does ? move->does(t) : ST_NONE;
    go(t, to ? to : move->to);
}

/* Runs the action of a button, a typed label or a phrase.  @return false when it means nothing here. */
static bool act(struct talk *t, const char *action, int64_t arg, enum edit_field field)
{
    const struct move *move = field == EDIT_ANY ? move_on(&flow[t->state], answer_named(action)) : NULL;
    if (move) {
        take(t, move);
        return true;
    }
    const struct command *command = command_named(str_of(action));
    return command && command_run(t, command, arg, field);
}

/* "view.123" -> "view" and 123.  @return false when what follows the dot is no plain number. */
static bool split_action(struct talk *t, const char *action, const char **ret_word, int64_t *ret_arg)
{
    const char *dot = strchr(action, '.');
    *ret_word = dot ? must(talloc_strndup(t->ctx, action, (size_t)(dot - action))) : action;
    *ret_arg = 0;
    if (!dot)
        return true;
    *ret_arg = id_parse(dot + 1);
    return *ret_arg != 0;
}

static bool act_on_button(struct talk *t, const char *action)
{
    const char *word;
    int64_t arg;
    return split_action(t, action, &word, &arg) && act(t, word, arg, EDIT_ANY);
}

/* ---- taps: "#b1:<state>.<seq>:<action>" or "#b1:*:<command>", and whatever somebody makes up ---- */

static const char tap_prefix[] = "#b1:";

/* "#b", a version, ":": a later version may have been rolled back. */
bool is_payload(const char *text)
{
    size_t digits = str_starts(str_of(text), STR("#b")) ? strspn(text + 2, "0123456789") : 0;
    return digits > 0 && text[2 + digits] == ':';
}

/* @return the action when the tap may act now, NULL when it belongs to an older question or to nothing. */
static const char *tap_action(struct talk *t, const char *payload)
{
    const char *at = payload + strlen(tap_prefix);
    const char *colon = str_starts(str_of(payload), str_of(tap_prefix)) ? strchr(at, ':') : NULL;
    if (!colon || !colon[1] || strlen(payload) > 200)
        return NULL;
    const char *action = colon + 1;
    if (str_eq((struct str){at, (size_t)(colon - at)}, STR("*"))) {
        const struct command *c = command_named((struct str){action, strcspn(action, ".")});
        return c && c->always ? action : NULL;
    }
    const char *expected = fmt(t, "%s.%lld", state_name(t->state), (long long)t->d->seq);
    return str_eq((struct str){at, (size_t)(colon - at)}, str_of(expected)) ? action : NULL;
}

static void tap_turn(struct talk *t, const char *payload)
{
    struct dialog *d = t->d;
    bool same = d->last_tap && strcmp(d->last_tap, payload) == 0 && t->in->now_ms - d->last_tap_ms < SAME_TAP_MS;
    if (same)
        return;
    d->last_tap = strlen(payload) <= 200 ? payload : NULL;
    d->last_tap_ms = t->in->now_ms;
    t->tapped = true;
    const char *action = t->in->late ? NULL : tap_action(t, payload);
    if (action && act_on_button(t, action))
        return;
    if (t->state == ST_SUBMITTED && d->last_code && str_starts(str_of(payload), STR("#b1:confirm.")))
        say(t, MSG_ALREADY_SUBMITTED, ARGS({"code", d->last_code}));
    else
        old_tap(t);
}

/* ---- typed text ---- */

static const char *label_action(struct talk *t, const struct shown_button *shown, const char *text)
{
    for (size_t i = 0; i < CHOICES_MAX && shown[i].label; i++)
        if (shown[i].action && same_words(t, shown[i].label, text))
            return shown[i].action;
    return NULL;
}

/* The topics of the help are understood at any time, in the words of their buttons. */
static const char *help_action(struct talk *t, const char *text)
{
    const struct message *help = message_get(MSG_HELP_MAIN);
    for (size_t i = 0; i < help->button_count; i++)
        if (same_words(t, help->button[i].label, text))
            return help->button[i].action;
    return NULL;
}

/* "2" or "2." chooses the second button where the state says so. */
static const char *number_action(const struct talk *t, const char *key)
{
    const struct shown_button *shown = t->d->shown;
    int64_t sent = t->in->msg->sent_at_ms;
    if ((flow[t->state].flags & F_SUDDEN) && sent && sent < t->d->prompted_at_ms)
        return NULL;
    if (!(flow[t->state].flags & F_NUMBERS) || key[0] < '1' || key[0] > '0' + CHOICES_MAX)
        return NULL;
    if (key[1] && strcmp(key + 1, ".") != 0 && strcmp(key + 1, ")") != 0)
        return NULL;
    return shown[key[0] - '1'].label ? shown[key[0] - '1'].action : NULL;
}

/* "sửa 3", "sửa mục 3": the fields are numbered on the summary card. */
static enum edit_field numbered_field(const char *key)
{
    static const char *const verbs[] = {"sua ", "chinh sua ", "chinh ", "doi "};
    static const char *const nouns[] = {"muc so ", "muc ", "phan ", "so ", "truong ", "o "};
    static const enum edit_field field[] = {EDIT_TITLE, EDIT_DESCRIPTION, EDIT_BENEFIT, EDIT_UNIT, EDIT_NAME};
    struct str s = str_of(key);
    bool verb = false;
    for (size_t i = 0; i < ARRAY_LEN(verbs) && !verb; i++)
        if (str_starts(s, str_of(verbs[i]))) {
            s = str_skip(s, strlen(verbs[i]));
            verb = true;
        }
    for (size_t i = 0; i < ARRAY_LEN(nouns); i++)
        if (str_starts(s, str_of(nouns[i]))) {
            s = str_skip(s, strlen(nouns[i]));
            break;
        }
    bool digit = verb && s.n == 1 && s.p[0] >= '1' && s.p[0] < '1' + (int)ARRAY_LEN(field);
    return digit ? field[s.p[0] - '1'] : EDIT_ANY;
}

/* Digits that name no button mean nothing to the phrases either, but in the menu, whose numbers everybody knows. */
static bool is_stray_number(const struct talk *t, const char *key)
{
    return *key && strspn(key, "0123456789.") == strlen(key) && !(flow[t->state].flags & F_IDLE);
}

/* In a benefit step "không phải, 60 triệu" is an amount, not a no. */
static bool is_amount(struct talk *t, const char *text)
{
    if (!(flow[t->state].flags & F_AMOUNTS))
        return false;
    enum amount_kind kind = amount_read(str_of(text)).kind;
    return kind <= AMOUNT_FOREIGN;
}

/* What a typed text asks for; NULL: it is an answer to the question. */
static const char *typed_action(struct talk *t, const char *text, enum edit_field *ret_field)
{
    *ret_field = EDIT_ANY;
    if (strlen(text) <= BRIEF_BYTES) {
        const char *key = must(text_key(t->ctx, str_of(text)));
        const char *action = label_action(t, t->d->shown, text);
        if (!action)
            action = label_action(t, t->d->aside, text);
        if (flow[t->state].flags & F_RELAYS)
            return action;
        if (!action)
            action = help_action(t, text);
        if (!action)
            action = number_action(t, key);
        if (action || is_amount(t, text) || is_stray_number(t, key))
            return action;
        if (flow[t->state].scene != SCENE_NAME && (*ret_field = numbered_field(key)) != EDIT_ANY)
            return "edit";
    }
    if (flow[t->state].flags & F_RELAYS)
        return NULL;
    enum intent_scene scene = flow[t->state].scene;
    if (scene == SCENE_NAME && (*text == '/' || *text == '#')) {
        /* Words are names here; the sign says that a command is meant. */
        text++;
        scene = SCENE_DESCRIPTION;
    }
    struct intent_reading r = intent_read(str_of(text), scene, true);
    if (r.intent == INTENT_CONTENT && scene != SCENE_NAME && strlen(text) <= BRIEF_BYTES)
        r = intent_read_parts(t->ctx, str_of(text), scene);
    if (r.intent == INTENT_CONTENT)
        return NULL;
    if (r.intent == INTENT_EDIT)
        *ret_field = r.field;
    return intent_name(r.intent);
}

static void answer(struct talk *t, const char *text)
{
    const struct step *step = &flow[t->state];
    if ((step->flags & (F_IDLE | F_RELAYS)) == F_IDLE && unaddressed_turn(t, text))
        return;
    if (note_goes_on(t, text))
        return;
    enum answer a = step->read ? step->read(t, text) : ANS_UNCLEAR;
    if (t->out->needs || a == ANS_HANDLED)
        return;
    const struct move *move = move_on(step, a);
    if (move)
        take(t, move);
    else
        miss(t);
}

/* Back after half a day: the first answer says what is there, then goes on with it. */
static void remind_where_we_are(struct talk *t)
{
    const struct dialog *d = t->d;
    bool away = d->prompted_at_ms && t->in->now_ms - d->prompted_at_ms > AWAY_MS;
    if (away && d->draft.title && (flow[t->state].flags & F_DRAFT) && !(flow[t->state].flags & F_COLLECTS))
        lead(t, MSG_STILL_HERE, NO_ARGS);
}

static void text_turn(struct talk *t, const char *text)
{
    if (is_payload(text)) {
        tap_turn(t, text);
        return;
    }
    t->d->last_tap = NULL; /* after a word in between, the same button is pressed anew */
    if (staff_text(t, text) || quoted_turn(t))
        return;
    enum edit_field field;
    const char *action = typed_action(t, text, &field);
    if (action && t->in->late) {
        old_tap(t);
        return;
    }
    if (action && strcmp(action, "menu") == 0 && (flow[t->state].flags & (F_IDLE | F_RELAYS)) == F_IDLE && *text != '/' &&
        strcmp(must(text_key(t->ctx, str_of(text))), "menu") != 0 && unaddressed_turn(t, text))
        return; /* a supporter greets who has asked him */
    if (!t->d->greeted) {
        t->d->greeted = true;
        bool means_nothing_yet = action && !command_named(str_of(action)) && (flow[t->state].flags & F_IDLE);
        if (!action || means_nothing_yet || strcmp(action, "menu") == 0) {
            ask_state(t);
            return;
        }
        say(t, MSG_HELLO, NO_ARGS);
    }
    const char *word;
    int64_t arg;
    if (action && split_action(t, action, &word, &arg) && act(t, word, arg, field))
        return;
    remind_where_we_are(t);
    answer(t, text);
}

/* ---- the events that are not text ---- */

static void follow_turn(struct talk *t)
{
    struct dialog *d = t->d;
    if (t->in->msg->kind == IN_FOLLOW) {
        t->person.follows = true;
        person_changed(t);
    }
    d->greeted = true;
    if (d->draft.id && d->draft.title && consented(t))
        go(t, ST_DRAFT_CHOICE);
    else
        go(t, ST_MENU);
}

static void unfollow_turn(struct talk *t)
{
    contact_leaves(t);
    t->person.follows = false;
    person_changed(t);
}

/* Web visitors have no account: one answer, no memory. */
static void anonymous_turn(struct talk *t)
{
    struct reply *r = must(talloc_zero(t->ctx, struct reply));
    r->user_id = t->in->msg->user_id;
    r->id = t->in->new_id(t->in->new_id_ctx);
    r->text = message_get(MSG_ANONYMOUS)->text;
    r->anonymous_conversation_id = t->in->msg->conversation_id;
    t->out->replies = r;
    t->out->note = "anonymous";
}

static void turn_by_kind(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    switch (msg->kind) {
    case IN_FOLLOW:
    case IN_CHATNOW:
        follow_turn(t);
        break;
    case IN_UNFOLLOW:
        unfollow_turn(t);
        break;
    case IN_WITHDRAW:
        erase_person(t);
        break;
    case IN_MAIL:
        mail_turn(t);
        break;
    case IN_TEXT:
        if (msg->text && *msg->text)
            text_turn(t, msg->text);
        else
            media_turn(t);
        break;
    default:
        media_turn(t);
    }
}

void dialogue_turn(TALLOC_CTX *ctx, const struct turn_input *in, struct turn_output *out)
{
    struct talk *t = must(talloc_zero(ctx, struct talk));
    *t = (struct talk){.ctx = ctx, .in = in, .out = out, .person = *in->person, .reply_tail = &out->replies};
    const enum inbound_kind kind = in->msg->kind;
    if (kind == IN_ANONYMOUS) {
        anonymous_turn(t);
        return;
    }
    if (kind == IN_IGNORED || kind == IN_REACTION || kind > IN_ECHO)
        return;
    t->d = must(dialog_read(ctx, in->conv->draft));
    t->state = possible(t, state_named(in->conv->state));
    t->note = must(talloc_asprintf(ctx, "%s -> ", state_name(t->state)));
    t->person.user_id = in->msg->user_id;
    if (t->d->collect_due_ms <= in->now_ms)
        t->d->burst = 0; /* acknowledged by now */

    if (flow[t->state].roles && !has_role(t, flow[t->state].roles)) {
        if (out->needs)
            return;
        t->state = ST_MENU; /* the role ended in the middle of it */
        t->d->interrupted = NULL;
    }
    const char *notes_from = state_name(t->state);
    const enum state was = t->state;
    const struct dialog before = *t->d;
    const enum flood flood = flood_of(t);
    if (kind == IN_ECHO)
        admin_echo(t);
    else if (flood != FLOOD_HELD && (kind == IN_WITHDRAW || !owned_by_a_person(in) || !owned_turn(t)))
        turn_by_kind(t);
    if (out->needs)
        return;
    if (flood)
        flood_hush(t, flood, &before, was);
    lead_flush(t);
    similar_wish(t);
    out->state = state_name(t->state);
    out->draft = must(dialog_print(ctx, t->d));
    out->note = fmt(t, "%s -> %s:%s", notes_from, out->state, t->note + strlen(notes_from) + strlen(" -> "));
}
