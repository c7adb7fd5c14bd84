/* Reminders nobody asked for: said when there is still something to do, with a button that leads to exactly that. */
#include <cjson/cJSON.h>
#include <string.h>

#include "say.h"
#include "ticket.h"

/* What is missing of the draft, the confirmation included. */
static int steps_left(const struct draft *draft)
{
    return (draft->description ? 0 : 1) + (draft->benefit.kind ? 0 : 1) + 1;
}

static void remind_of_draft(struct talk *t, int64_t id)
{
    const struct draft *draft = &t->d->draft;
    if (!draft->id || draft->id != id || !draft->title)
        return;
    if (draft->description && !draft->benefit.kind)
        say(t, MSG_REMIND_MISSING_BENEFIT, ARGS({"title", draft->title}));
    else
        say(t, MSG_REMIND_DRAFT, ARGS({"n", fmt(t, "%d", steps_left(draft))}));
}

static void remind_of_returned(struct talk *t, int64_t id)
{
    t->out->need_id = id;
    if (!need(t, NEED_INITIATIVE))
        return;
    const struct initiative *i = t->in->initiative;
    if (!i || !i->title || strcmp(i->status, STATUS_RETURNED) != 0)
        return;
    say(t, MSG_REMIND_RETURNED, ARGS({"title", i->title}, {"code", i->code}, {"ghi_chu", i->review_note}, {"id", fmt(t, "%lld", (long long)i->id)}));
}

static void remind_of_wave(struct talk *t, const cJSON *root)
{
    const char *wave = mail_text(t, root, "wave", 80), *days = mail_text(t, root, "days", 4);
    const bool has_draft = t->d->draft.id && t->d->draft.title;
    if (!wave || !days)
        return;
    say(t, has_draft ? MSG_REMIND_WAVE_DRAFT : MSG_REMIND_WAVE, ARGS({"wave", wave}, {"d", days}));
}

/* Opted out, or with a person: since the mail was posted. */
static bool may_be_reminded(const struct talk *t)
{
    return consented(t) && !t->person.opted_out_at_ms && !owned_by_a_person(t->in);
}

void nudge_mail(struct talk *t, const cJSON *root)
{
    const char *kind = mail_text(t, root, "kind", 20);
    if (!kind || !may_be_reminded(t))
        return;
    if (strcmp(kind, "draft") == 0)
        remind_of_draft(t, mail_id(root, "about"));
    else if (strcmp(kind, "returned") == 0)
        remind_of_returned(t, mail_id(root, "about"));
    else if (strcmp(kind, "wave") == 0)
        remind_of_wave(t, root);
}
