/* Reminders nobody asked for: said when there is still something to do, with a button that leads to exactly that. */
#include <cjson/cJSON.h>
#include <string.h>

#include "broadcast_store.h"
#include "say.h"
#include "ticket.h"

/* What is missing of the draft, the confirmation included. */
static int steps_left(const struct draft *draft)
{
    return (draft->description ? 0 : 1) + (draft->benefit.kind ? 0 : 1) + 1;
}

/* Each says it, or not: why is kept for `sangkien nudge list`. */
static const char *remind_of_draft(struct talk *t, const cJSON *root)
{
    const struct draft *draft = &t->d->draft;
    if (!draft->id || draft->id != mail_id(root, "about") || !draft->title)
        return "gone";
    if (draft->description && !draft->benefit.kind)
        say(t, MSG_REMIND_MISSING_BENEFIT, ARGS({"title", draft->title}));
    else
        say(t, MSG_REMIND_DRAFT, ARGS({"n", fmt(t, "%d", steps_left(draft))}));
    return NULL;
}

static const char *remind_of_returned(struct talk *t, const cJSON *root)
{
    t->out->need_id = mail_id(root, "about");
    if (!need(t, NEED_INITIATIVE))
        return NULL;
    const struct initiative *i = t->in->initiative;
    if (!i || !i->title || strcmp(i->status, STATUS_RETURNED) != 0)
        return "gone";
    say(t, MSG_REMIND_RETURNED, ARGS({"title", i->title}, {"code", i->code}, {"ghi_chu", i->review_note}, {"id", fmt(t, "%lld", (long long)i->id)}));
    return NULL;
}

static const char *remind_of_wave(struct talk *t, const cJSON *root)
{
    const char *wave = mail_text(t, root, "wave", 80), *days = mail_text(t, root, "days", 4);
    const bool has_draft = t->d->draft.id && t->d->draft.title;
    if (!wave || !days)
        return "gone";
    say(t, has_draft ? MSG_REMIND_WAVE_DRAFT : MSG_REMIND_WAVE, ARGS({"wave", wave}, {"d", days}));
    return NULL;
}

/* What may have changed since the mail was posted: time went by, he wants no more, a contact came, a broadcast was quicker. */
static const char *reason_against(struct talk *t, const cJSON *root)
{
    const int64_t until_ms = mail_id(root, "until");
    if (until_ms && t->in->now_ms > until_ms)
        return "late";
    if (!consented(t) || t->person.opted_out_at_ms)
        return "opted_out";
    if (owned_by_a_person(t->in))
        return "with_support";
    if (need(t, NEED_REMINDERS) && t->in->reminders > BROADCAST_PER_WEEK)
        return "capped";
    return NULL;
}

void nudge_mail(struct talk *t, const cJSON *root)
{
    static const struct {
        const char *kind;
        const char *(*remind)(struct talk *t, const cJSON *root);
    } kinds[] = {{"draft", remind_of_draft}, {"returned", remind_of_returned}, {"wave", remind_of_wave}};
    const char *kind = mail_text(t, root, "kind", 20), *reason = reason_against(t, root);
    for (size_t i = 0; !reason && !t->out->needs && kind && i < ARRAY_LEN(kinds); i++)
        if (strcmp(kinds[i].kind, kind) == 0)
            reason = kinds[i].remind(t, root);
    const struct reply *said = t->out->replies;
    t->out->nudge = (struct nudge_end){.id = mail_id(root, "id"), .reply_id = said ? said->id : 0, .reason = said ? NULL : reason};
}
