/* A person is wanted: a ticket is opened at once, a sentence about the matter is welcome, the talk goes on meanwhile. */
#include "say.h"
#include "reading/text.h"

enum { NOTE_CHARS_MAX = 2000 };

int64_t ticket_open(struct talk *t, const char *topic, const char *question, int64_t initiative_id, bool *ret_was_open)
{
    *ret_was_open = false;
    if (!need(t, NEED_TICKET))
        return 0;
    const struct ticket *open = t->in->ticket;
    if (open && open->topic && strcmp(open->topic, topic) == 0 && open->initiative_id == initiative_id) {
        *ret_was_open = true;
        return open->id;
    }
    const char *step = t->d->interrupted ? t->d->interrupted : state_name(t->state);
    struct ticket *ticket = must(talloc_zero(t->ctx, struct ticket));
    *ticket = (struct ticket){.user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx), .state = "new",
                              .topic = topic, .question = question ? question : "", .step = step,
                              .initiative_id = initiative_id, .opened_at_ms = t->in->now_ms};
    t->out->tickets = ticket;
    return ticket->id;
}

static void open_and_ask(struct talk *t, const char *topic, int64_t initiative_id)
{
    bool was_open;
    int64_t id = ticket_open(t, topic, NULL, initiative_id, &was_open);
    if (!id)
        return;
    t->d->ticket_id = id;
    const struct draft *draft = &t->d->draft;
    const char *kept = draft->title || draft->partial ? message_get(MSG_LABEL_DRAFT_KEPT)->text : NULL;
    lead(t, was_open ? MSG_HANDOFF_ALREADY : MSG_HANDOFF_DONE, ARGS({"nhap", kept}));
    go(t, ST_HUMAN_NOTE);
}

void cmd_human(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (!consent_first(t, "human"))
        return;
    int64_t about = t->state == ST_DETAIL || t->state == ST_WITHDRAW ? t->d->view_id : 0;
    open_and_ask(t, "human", about);
}

void cmd_human_voice(struct talk *t, int64_t arg, enum edit_field field)
{
    bool was_open;
    (void)arg, (void)field;
    if (!consent_first(t, "human") || !ticket_open(t, "voice", NULL, t->d->draft.id, &was_open))
        return;
    say(t, MSG_HANDOFF_VOICE, NO_ARGS);
    restate(t);
}

enum answer read_human_note(struct talk *t, const char *text)
{
    if (!t->d->ticket_id)
        return ANS_OK;
    struct str note = str_of(text);
    if (text_chars(note) > NOTE_CHARS_MAX)
        note = text_cut(note, NOTE_CHARS_MAX);
    struct ticket_message *m = must(talloc_zero(t->ctx, struct ticket_message));
    *m = (struct ticket_message){.user_id = t->in->msg->user_id, .id = t->in->new_id(t->in->new_id_ctx),
                                 .ticket_id = t->d->ticket_id, .direction = "in",
                                 .text = must(talloc_strndup(t->ctx, note.p, note.n)), .msg_id = t->in->msg->msg_id};
    t->out->ticket_messages = m;
    lead(t, MSG_HANDOFF_NOTED, NO_ARGS);
    return ANS_OK;
}
