/* Everything that is not text: pictures, files and voice become evidence; the odd kinds get what a thoughtful person
 * would answer. */
#include "say.h"
#include "reading/text.h"
#include "ticket.h"

enum { STICKER_QUIET_MS = 10 * 60 * 1000, FILE_NAME_CHARS = 200 };

/* The draft, or the initiative just sent or on show, that a picture belongs to; 0: none. */
static int64_t target_of(const struct talk *t)
{
    const struct dialog *d = t->d;
    if (d->edit_id)
        return d->edit_id;
    if (t->state == ST_SUBMITTED || (t->state >= ST_KIND && t->state <= ST_CONFIDENTIAL))
        return d->extras_id;
    if (t->state == ST_DETAIL)
        return d->view_id;
    return d->draft.id;
}

const char *evidence_kind(const struct inbound *msg)
{
    switch (msg->kind) {
    case IN_AUDIO:
        return "audio";
    case IN_VIDEO:
        return "video";
    case IN_GIF:
        return "gif";
    case IN_FILE:
        return "file";
    default:
        return "image";
    }
}

int evidence_keep(struct talk *t, int64_t target)
{
    const struct inbound *msg = t->in->msg;
    bool draft = target && target == t->d->draft.id;
    int n = 0;
    for (size_t i = 0; i < msg->attachment_count && i < INBOUND_ATTACHMENTS_MAX; i++) {
        const struct attachment *a = &msg->attachment[i];
        if (!a->url || (draft && t->d->draft.evidence >= EVIDENCE_MAX))
            continue;
        struct evidence *e = must(talloc_zero(t->ctx, struct evidence));
        *e = (struct evidence){.next = t->out->evidence, .user_id = msg->user_id, .id = t->in->new_id(t->in->new_id_ctx),
                               .initiative_id = target, .kind = evidence_kind(msg), .url = a->url,
                               .name = a->name ? must(text_short(t->ctx, str_of(a->name), FILE_NAME_CHARS)) : NULL,
                               .size_bytes = a->size_bytes, .msg_id = msg->msg_id};
        t->out->evidence = e;
        t->d->draft.evidence += draft;
        n++;
    }
    return n;
}

static void media_refused(struct talk *t)
{
    bool full = t->d->draft.evidence >= EVIDENCE_MAX && target_of(t) == t->d->draft.id;
    say(t, full ? MSG_EVIDENCE_FULL : MSG_EVIDENCE_UNREADABLE, ARGS({"max", fmt(t, "%d", EVIDENCE_MAX)}));
    restate(t);
}

/* A burst of pictures is acknowledged once: the answer waits for quiet and counts what came meanwhile. */
static void acknowledge(struct talk *t, int n)
{
    struct dialog *d = t->d;
    bool burst_open = d->collect_due_ms > t->in->now_ms;
    d->burst = (burst_open ? d->burst : 0) + n;
    if (d->burst > EVIDENCE_MAX)
        d->burst = EVIDENCE_MAX;
    bool partial = t->state == ST_DESCRIPTION && (d->edit_id ? d->edit_partial : d->draft.partial);
    const char *count = fmt(t, "%d", d->burst);
    t->collected = true;
    if (pending(t)) {
        lead(t, MSG_EVIDENCE_LEAD, ARGS({"n", count}));
        if (partial)
            ask(t, MSG_DESCRIPTION_MORE, NO_ARGS);
        else
            ask_state(t);
    } else {
        say(t, MSG_EVIDENCE_KEPT, ARGS({"n", count}));
    }
}

static void evidence_turn(struct talk *t)
{
    if (!consented(t)) {
        if (t->state == ST_CONSENT)
            lead(t, MSG_MEDIA_BEFORE_YES, NO_ARGS);
        else
            say(t, MSG_MEDIA_BEFORE_CONSENT, NO_ARGS);
        restate(t);
        return;
    }
    bool voice = t->in->msg->kind == IN_AUDIO;
    int64_t target = target_of(t);
    bool for_other = target && target == t->d->draft.id && t->d->draft.for_user;
    int n = for_other ? evidence_enter(t) : evidence_keep(t, target);
    if (!n) {
        media_refused(t);
    } else if (voice && !for_other) {
        t->d->voice_url = media_url(t->in->msg);
        say(t, MSG_VOICE_KEPT, NO_ARGS);
        restate(t);
    } else if (!target) {
        say(t, MSG_MEDIA_NO_DRAFT, NO_ARGS);
        restate(t);
    } else {
        const char *caption = t->in->msg->text;
        if (caption && *caption && (flow[t->state].flags & F_COLLECTS)) {
            t->d->burst = (t->d->collect_due_ms > t->in->now_ms ? t->d->burst : 0) + n;
            read_description(t, caption);
            return;
        }
        acknowledge(t, n);
    }
}

/* A link in the description is part of it; elsewhere it cannot be opened. */
static void link_turn(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    const char *url = msg->attachment_count ? msg->attachment[0].url : NULL;
    const char *text = msg->text && *msg->text ? msg->text : url;
    if (consented(t) && (flow[t->state].flags & F_COLLECTS) && text) {
        const char *both = url && !strstr(text, url) ? fmt(t, "%s\n%s", text, url) : text;
        read_description(t, both);
        return;
    }
    say(t, MSG_LINK_ACK, NO_ARGS);
    restate(t);
}

/* Stickers do not disturb: one friendly word, then silence for a while; none while somebody is telling. */
static void sticker_turn(struct talk *t)
{
    struct dialog *d = t->d;
    bool recently = d->sticker_ms && t->in->now_ms - d->sticker_ms < STICKER_QUIET_MS;
    if (recently || (flow[t->state].flags & F_COLLECTS))
        return;
    d->sticker_ms = t->in->now_ms;
    say(t, MSG_STICKER_ACK, NO_ARGS);
    restate(t);
}

static void submit_info_turn(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    if (!consented(t)) {
        say(t, MSG_INFO_BEFORE_CONSENT, NO_ARGS);
        restate(t);
        return;
    }
    if (msg->info_phone && *msg->info_phone) {
        t->person.phone = msg->info_phone;
        person_changed(t);
    }
    if (t->state == ST_NAME && msg->info_name && *msg->info_name && read_name(t, msg->info_name) == ANS_OK) {
        lead(t, MSG_INFO_THANKS, NO_ARGS);
        go(t, field_taken(t));
        return;
    }
    if (t->spoke)
        return;
    say(t, MSG_INFO_THANKS, NO_ARGS);
    restate(t);
}

/* A supporter's picture or file where nothing is asked of himself may be meant for who has asked him. */
static bool for_somebody(struct talk *t)
{
    const struct inbound *msg = t->in->msg;
    if (!t->d->staff || !media_url(msg) || msg->kind == IN_STICKER)
        return false;
    const char *text = msg->text && *msg->text ? msg->text : NULL;
    return more_unaddressed(t, text) || ((flow[t->state].flags & F_IDLE) && unaddressed_turn(t, text));
}

void media_turn(struct talk *t)
{
    if (quoted_turn(t))
        return;
    if (flow[t->state].flags & F_RELAYS) {
        answering_media(t);
        return;
    }
    if (for_somebody(t) || (media_url(t->in->msg) && t->in->msg->kind != IN_STICKER && note_goes_on(t, NULL)))
        return;
    if (!t->d->greeted) {
        t->d->greeted = true;
        if (t->in->msg->kind == IN_STICKER || t->in->msg->kind == IN_TEXT) {
            ask_state(t);
            return;
        }
        say(t, MSG_HELLO, NO_ARGS);
    }
    switch (t->in->msg->kind) {
    case IN_IMAGE:
    case IN_GIF:
    case IN_AUDIO:
    case IN_VIDEO:
    case IN_FILE:
        evidence_turn(t);
        break;
    case IN_LINK:
        link_turn(t);
        break;
    case IN_STICKER:
        sticker_turn(t);
        break;
    case IN_LOCATION:
        say(t, MSG_LOCATION_ACK, NO_ARGS);
        restate(t);
        break;
    case IN_CARD:
        say(t, MSG_CARD_ACK, NO_ARGS);
        restate(t);
        break;
    case IN_SUBMIT_INFO:
        submit_info_turn(t);
        break;
    default:
        miss(t);
    }
}
