/* A person has the conversation: the bot is silent, what the worker says goes to the contact, and he may come back at any time. */
#include <strings.h>

#include "reading/intent.h"
#include "reading/text.h"
#include "ticket.h"

enum {
    MAIL_LATER_MS = 60 * 1000,
    CLOCKS_DIFFER_MS = 1000,
    DOCUMENT_BYTES_MAX = 5 * 1024 * 1024,
    DOCUMENT_NAME_CHARS = 200,
};

const char *media_url(const struct inbound *msg)
{
    return msg->attachment_count ? msg->attachment[0].url : NULL;
}

const char *media_label(struct talk *t, const struct inbound *msg)
{
    const struct attachment *a = msg->attachment_count ? &msg->attachment[0] : NULL;
    switch (msg->kind) {
    case IN_IMAGE:
    case IN_GIF:
        return message_get(MSG_LABEL_MEDIA_IMAGE)->text;
    case IN_AUDIO:
        return message_get(MSG_LABEL_MEDIA_VOICE)->text;
    case IN_VIDEO:
        return message_get(MSG_LABEL_MEDIA_VIDEO)->text;
    case IN_FILE:
        return words(t, MSG_LABEL_MEDIA_FILE, ARGS({"name", a ? a->name : NULL}));
    case IN_LINK:
        return message_get(MSG_LABEL_MEDIA_LINK)->text;
    case IN_STICKER:
        return message_get(MSG_LABEL_MEDIA_STICKER)->text;
    case IN_CARD:
        return message_get(MSG_LABEL_MEDIA_CARD)->text;
    case IN_LOCATION:
        return words(t, MSG_LABEL_MEDIA_LOCATION, ARGS({"lat", a ? a->latitude : NULL}, {"long", a ? a->longitude : NULL}));
    default:
        return NULL;
    }
}

/* Zalo takes these from an account, up to that size; anything else goes as an address (zalo-oa-api.md 2.7). */
const char *media_document(struct talk *t, const struct inbound *msg)
{
    static const char *const endings[] = {"pdf", "doc", "docx", "csv"};
    const struct attachment *a = msg->kind == IN_FILE && msg->attachment_count ? &msg->attachment[0] : NULL;
    const char *dot = a && a->url && a->name ? strrchr(a->name, '.') : NULL;
    for (size_t i = 0; dot && a->size_bytes <= DOCUMENT_BYTES_MAX && i < ARRAY_LEN(endings); i++)
        if (strcasecmp(dot + 1, endings[i]) == 0)
            return text_chars(str_of(a->name)) <= DOCUMENT_NAME_CHARS ? a->name : fmt(t, "tep.%s", endings[i]);
    return NULL;
}

/* The ticket this conversation is about: the owner's, or else the newest one that is open. */
static const struct ticket *ticket_at_hand(const struct talk *t)
{
    for (const struct ticket *k = t->in->tickets; k; k = k->next)
        if (strcmp(k->state, TICKET_CLOSED) != 0 && owned_by(t->in, k->assignee))
            return k;
    return ticket_open_now(t);
}

static void hand_on(struct talk *t)
{
    if (!consented(t) || !need(t, NEED_TICKET))
        return;
    const struct ticket *k = ticket_at_hand(t);
    if (!k)
        return;
    if (media_url(t->in->msg) && t->in->msg->kind != IN_STICKER && t->in->msg->kind != IN_LINK)
        evidence_keep(t, 0); /* links to Zalo's files expire */
    ticket_said(t, ticket_change(t, k), t->in->msg->text && *t->in->msg->text ? t->in->msg->text : NULL);
}

/* The worker wants the bot back. @return true when something has to be loaded first. */
static bool come_back(struct talk *t)
{
    if (!need(t, NEED_TICKET))
        return true;
    const struct ticket *k = ticket_at_hand(t);
    if (k) {
        struct ticket *change = ticket_change(t, k);
        ticket_hand_back(t, change, "left");
        ticket_schedule(t, change);
    }
    t->out->owner = "bot";
    t->out->owner_until_ms = 0;
    lead(t, MSG_HANDOFF_RETURNED, NO_ARGS);
    return false;
}

/* Buttons that lead back to the bot; those of staff act for their owner, whoever has his own conversation. */
static bool is_way_back(const struct command *c)
{
    static const char *const back[] = {"handoff_close", "resume", "register", "register_new", "review_own"};
    for (size_t i = 0; i < ARRAY_LEN(back); i++)
        if (strcmp(c->action, back[i]) == 0)
            return true;
    return false;
}

/* Buttons under what the contact has sent: they act and the conversation stays the contact's. */
static bool is_of_contact(const struct command *c)
{
    static const char *const words[] = {"proposal_yes", "proposal_no", "deny"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(c->action, words[i]) == 0)
            return true;
    return false;
}

static bool owned_tap(struct talk *t, const char *payload)
{
    static const char prefix[] = "#b1:*:";
    const char *action = str_starts(str_of(payload), str_of(prefix)) ? payload + strlen(prefix) : "";
    const struct command *c = command_named((struct str){action, strcspn(action, ".")});
    if (c && (c->roles || is_of_contact(c)))
        return false;
    if (c && is_way_back(c))
        return come_back(t);
    say(t, MSG_HANDOFF_STILL, NO_ARGS);
    return true;
}

static bool owned_text(struct talk *t, const char *text)
{
    if (is_payload(text))
        return owned_tap(t, text);
    if (t->d->staff && (*text == '/' || *text == '#'))
        return false;
    enum intent intent = intent_read(str_of(text), SCENE_MENU, false).intent;
    if (intent == INTENT_OPTOUT) {
        t->person.opted_out_at_ms = t->in->now_ms;
        person_changed(t);
    }
    const char *way_back = message_get(MSG_HANDOFF_OPEN)->button[0].label;
    if (intent == INTENT_RESUME || same_words(t, text, message_get(MSG_LABEL_GO_ON)->text) || same_words(t, text, way_back)) {
        if (!come_back(t))
            restate(t);
        return true;
    }
    hand_on(t);
    return true;
}

bool owned_turn(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    switch (msg->kind) {
    case IN_FOLLOW:
    case IN_UNFOLLOW:
        t->person.follows = msg->kind == IN_FOLLOW;
        person_changed(t);
        if (msg->kind == IN_UNFOLLOW)
            contact_leaves(t);
        return true;
    case IN_MAIL:
        if (msg->mail_kind && (str_starts(str_of(msg->mail_kind), STR("ticket_")) || is_ticket_job(msg)))
            return false;
        mail_add(t, msg->user_id, msg->mail_kind, msg->mail_payload, t->in->now_ms + MAIL_LATER_MS);
        return true;
    case IN_CHATNOW:
    case IN_SUBMIT_INFO:
        return true;
    case IN_TEXT:
        if (msg->text && *msg->text)
            return owned_text(t, msg->text);
        hand_on(t);
        return true;
    default:
        hand_on(t);
        return true;
    }
}

/* ---- OA Manager ---- */

/* A ticket for what an admin began by himself. */
static struct ticket *ticket_by_admin(struct talk *t)
{
    struct ticket *k = must(talloc_zero(t->ctx, struct ticket));
    *k = (struct ticket){.user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx), .number = t->in->ticket_number,
                         .state = TICKET_WAITING, .topic = "admin", .question = "", .step = state_name(t->state),
                         .unit_id = t->person.unit_id, .opened_at_ms = t->in->now_ms};
    t->out->tickets = k;
    return k;
}

/* The moment is in the mail: of several in a row only the last finds it unchanged. */
static void over_later(struct talk *t, int64_t until_ms)
{
    mail_post(t, t->in->msg->user_id, "ticket_admin_over", until_ms + CLOCKS_DIFFER_MS, ARGS({"until", fmt(t, "%lld", (long long)until_ms)}));
}

void admin_over(struct talk *t, const struct cJSON *root)
{
    const struct conversation *conv = t->in->conv;
    int64_t until = mail_id(root, "until");
    if (!conv->owner || !str_starts(str_of(conv->owner), STR("admin:")) || conv->owner_until_ms > until)
        return;
    if (conv->owner_until_ms > t->in->now_ms) {
        over_later(t, until);
        return;
    }
    if (consented(t) && !need(t, NEED_TICKET))
        return;
    t->out->owner = "bot";
    t->out->owner_until_ms = 0;
    const struct ticket *found = consented(t) ? ticket_open_now(t) : NULL;
    bool owed = found && found->asked_at_ms && found->assignee && strcmp(found->assignee, conv->owner) == 0;
    if (owed) { /* he has said nothing more: it is the contacts' again */
        struct ticket *k = ticket_change(t, found);
        k->assignee = k->assignee_name = NULL;
        k->state = TICKET_NEW;
        ticket_look(t, k, t->in->now_ms);
    }
    lead(t, owed ? MSG_HANDOFF_SILENT : MSG_HANDOFF_OVER, NO_ARGS);
    restate(t);
}

void admin_echo(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    const char *admin = fmt(t, "admin:%s", msg->admin_id);
    t->out->owner = admin;
    t->out->owner_until_ms = t->in->now_ms + (int64_t)t->in->support.admin_minutes * MINUTE_MS;
    t->out->drop_replies = true;
    over_later(t, t->out->owner_until_ms);
    if (!consented(t) || !need(t, NEED_TICKET))
        return;
    const struct ticket *open = ticket_at_hand(t);
    if (!open && !need(t, NEED_TICKET_START))
        return;
    struct ticket *k = open ? ticket_change(t, open) : ticket_by_admin(t);
    ticket_answered_by_admin(t, k, admin, msg->text ? msg->text : media_label(t, msg));
}
