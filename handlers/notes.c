/* Mail: what other people's turns and background jobs have to tell this person.  It never takes the question away. */
#include <cjson/cJSON.h>

#include "broadcast.h"
#include "campaign.h"
#include "review.h"
#include "shortlist.h"
#include "ticket.h"
#include "scoped.h"
#include "reading/text.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum {
    LATER_MS = 60 * 1000,       /* mail waits this long while somebody is telling */
    TELLING_MS = 5 * 60 * 1000, /* a description is under way when a piece came within this */
};

const char *mail_text(struct talk *t, const cJSON *root, const char *name, size_t chars)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, name));
    return s && *s ? must(text_short(t->ctx, str_of(must(text_clean(t->ctx, str_of(s)))), chars)) : NULL;
}

/* Ids are decimal strings; a plain number is taken where it is exact. */
int64_t mail_id(const cJSON *root, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(root, name);
    const char *s = cJSON_GetStringValue(item);
    if (s)
        return id_parse(s);
    return cJSON_IsNumber(item) && item->valuedouble > 0 && item->valuedouble < 9007199254740992.0
               ? (int64_t)item->valuedouble
               : 0;
}

const char *action_word(const struct talk *t)
{
    return strchr(t->action, '_') + 1;
}

void job_wish_add(struct talk *t, const char *kind, const char *args)
{
    struct job_wish *w = must(talloc_zero(t->ctx, struct job_wish));
    *w = (struct job_wish){.next = t->out->jobs, .kind = kind, .args = args};
    t->out->jobs = w;
}

static int share_of(const cJSON *root)
{
    int64_t share = mail_id(root, "share");
    return share <= 100 ? (int)share : 0;
}

void mail_add(struct talk *t, const char *to, const char *kind, const char *payload, int64_t not_before_ms)
{
    struct mail *m = must(talloc_zero(t->ctx, struct mail));
    struct mail **last = &t->out->mail;
    while (*last)
        last = &(*last)->next;
    *m = (struct mail){.user_id = to, .id = t->in->new_id(t->in->new_id_ctx), .kind = kind, .payload = payload, .not_before_ms = not_before_ms};
    *last = m; /* who gets two gets them in this order */
}

/* ---- co-authors ---- */

/* In the first author's own turn: is the co-author somebody we know?  Then that person is asked.  Nothing is said. */
static void coauthor_seek(struct talk *t, const cJSON *root)
{
    const char *name = mail_text(t, root, "name", NAME_CHARS_MAX);
    int64_t author_id = mail_id(root, "author_id");
    t->out->need_id = mail_id(root, "initiative_id");
    t->out->need_text = name;
    if (!name || !author_id || !need(t, NEED_INITIATIVE | NEED_COLLEAGUE))
        return;
    const struct initiative *i = t->in->initiative;
    const char *who = t->in->colleague_user_id, *me = t->in->msg->user_id;
    if (!i || !who || strcmp(who, me) == 0)
        return;
    struct initiative_author *a = must(talloc_zero(t->ctx, struct initiative_author));
    *a = (struct initiative_author){.user_id = me, .initiative_id = i->id, .id = author_id, .name = name,
                                    .author_user_id = who, .share_pct = share_of(root), .consent = "asked"};
    t->out->author_consents = a;

    SCOPED(json) cJSON *asked = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(asked, "initiative_owner", me));
    must(cJSON_AddStringToObject(asked, "initiative_id", fmt(t, "%lld", (long long)i->id)));
    must(cJSON_AddStringToObject(asked, "author_id", fmt(t, "%lld", (long long)author_id)));
    must(cJSON_AddStringToObject(asked, "title", i->title));
    must(cJSON_AddStringToObject(asked, "name", t->person.full_name ? t->person.full_name : ""));
    must(cJSON_AddNumberToObject(asked, "share", a->share_pct));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(asked));
    mail_add(t, who, "coauthor_asked", must(talloc_strdup(t->ctx, json)), t->in->now_ms);
}

static void coauthor_asked(struct talk *t, const cJSON *root)
{
    struct dialog *d = t->d;
    struct coauthor_ask asked = {.author_id = mail_id(root, "author_id"), .initiative_id = mail_id(root, "initiative_id"),
                                 .owner = mail_text(t, root, "initiative_owner", 200),
                                 .title = mail_text(t, root, "title", 80), .name = mail_text(t, root, "name", NAME_CHARS_MAX),
                                 .share_pct = share_of(root)};
    if (!asked.author_id || !asked.initiative_id || !asked.owner || !asked.title || !consented(t))
        return;
    /* The newest stands first; a fourth pushes the oldest out, whose first author sees it unanswered. */
    memmove(&d->ask[1], &d->ask[0], sizeof(d->ask[0]) * (ASKS_MAX - 1));
    d->ask[0] = asked;
    say(t, MSG_COAUTHOR_ASKED,
        ARGS({"name", asked.name}, {"share", fmt(t, "%d", asked.share_pct)}, {"title", asked.title},
             {"id", fmt(t, "%lld", (long long)asked.author_id)}));
    restate(t);
}

/* Somebody says he did this person's initiative together with him.  It is this person's to say so. */
static void coauthor_offered(struct talk *t, const cJSON *root)
{
    struct dialog *d = t->d;
    t->out->need_id = mail_id(root, "initiative_id");
    if (!need(t, NEED_INITIATIVE | NEED_AUTHORS))
        return;
    const struct initiative *i = t->in->initiative;
    const char *from = mail_text(t, root, "from", 200), *name = mail_text(t, root, "name", NAME_CHARS_MAX);
    int64_t author_id = mail_id(root, "author_id");
    if (!i || !i->title || !from || !name || !author_id || !consented(t))
        return;
    struct coauthor_ask offered = {.author_id = author_id, .initiative_id = i->id, .owner = from, .name = name, .offered = true,
                                   .title = must(text_short(t->ctx, str_of(i->title), 80)), .share_pct = coauthor_share(t)};
    memmove(&d->ask[1], &d->ask[0], sizeof(d->ask[0]) * (ASKS_MAX - 1));
    d->ask[0] = offered;
    say(t, MSG_COAUTHOR_OFFERED,
        ARGS({"name", name}, {"share", fmt(t, "%d", offered.share_pct)}, {"title", offered.title}, {"code", i->code},
             {"id", fmt(t, "%lld", (long long)author_id)}));
    restate(t);
}

/* Back with the one who offered: the draft of the same thing is still his to send. */
static void coauthor_offer_answered(struct talk *t, const cJSON *root)
{
    const char *said = mail_text(t, root, "answer", 10), *title = mail_text(t, root, "title", 80);
    const char *owner = mail_text(t, root, "author_user_id", 200);
    if (!said || !title || !owner)
        return;
    bool waits = similar_answered(&t->d->draft, owner, mail_id(root, "initiative_id")), yes = strcmp(said, "yes") == 0;
    bool on_show = waits && t->state == ST_SIMILAR_TOGETHER; /* the question whether to wait has had its day */
    if (yes) /* the button belongs to the state that comes next */
        (on_show ? lead : say)(t, MSG_TOGETHER_YES,
                               ARGS({"title", title}, {"code", mail_text(t, root, "code", 20)},
                                    {"nhap", waits ? message_get(MSG_TOGETHER_DRAFT_SPARE)->text : NULL},
                                    {"xoa", waits ? message_get(MSG_LABEL_DELETE_DRAFT)->text : NULL}));
    else
        say(t, MSG_TOGETHER_NO,
            ARGS({"title", title}, {"nhap", waits ? message_get(MSG_TOGETHER_DRAFT_STAYS)->text : NULL},
                 {"tiep", waits && !on_show ? message_get(MSG_LABEL_RESUME)->text : NULL}));
    if (on_show)
        go(t, yes ? ST_MENU : ST_ONWARD);
    else
        restate(t);
}

/* The answer counts only when the row of that id is this person's and was put to the one who answers. */
static void coauthor_answered(struct talk *t, const cJSON *root)
{
    int64_t author_id = mail_id(root, "author_id");
    const char *who = mail_text(t, root, "author_user_id", 200), *said = mail_text(t, root, "answer", 10);
    t->out->need_id = mail_id(root, "initiative_id");
    if (!need(t, NEED_AUTHORS) || !who || !said)
        return;
    const struct initiative_author *row = t->in->authors;
    while (row && row->id != author_id)
        row = row->next;
    if (!row || !row->author_user_id || strcmp(row->author_user_id, who) != 0)
        return;
    bool yes = strcmp(said, "yes") == 0;
    struct initiative_author *a = must(talloc_zero(t->ctx, struct initiative_author));
    *a = *row;
    a->next = NULL;
    a->user_id = t->in->msg->user_id;
    a->initiative_id = t->out->need_id;
    a->consent = yes ? "yes" : "no";
    t->out->author_consents = a;
    say(t, yes ? MSG_COAUTHOR_YES_TOLD : MSG_COAUTHOR_NO_TOLD, ARGS({"name", row->name}));
    restate(t);
}

/* ---- jobs and reviewers ---- */

static void evidence_failed(struct talk *t, const cJSON *root)
{
    say(t, MSG_EVIDENCE_FAILED, ARGS({"name", mail_text(t, root, "name", 60)}));
    restate(t);
}

static bool is_telling(const struct talk *t)
{
    return (flow[t->state].flags & F_COLLECTS) && t->in->now_ms - t->d->prompted_at_ms < TELLING_MS;
}

/* Who tells what a job found out, by the kind of the job. */
static const struct {
    const char *job;
    void (*tell)(struct talk *t, const cJSON *result);
} job_results[] = {
    {"broadcast", broadcast_told},
    {"campaign", campaign_told},
    {"contact_file", contact_file_told},
    {"shortlist", shortlist_told},
    {"standing", standing_told},
};

const cJSON *job_outcome(const cJSON *root)
{
    const cJSON *result = cJSON_GetObjectItemCaseSensitive(root, "result");
    return result ? result : cJSON_GetObjectItemCaseSensitive(root, "args");
}

static void job_done(struct talk *t, const cJSON *root)
{
    const char *job = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(root, "job"));
    bool document = job && strcmp(job, "contact_file") == 0; /* it has an address to go by */
    const cJSON *result = document ? job_outcome(root) : cJSON_GetObjectItemCaseSensitive(root, "result");
    if (!cJSON_IsObject(result)) {
        say(t, MSG_JOB_FAILED, NO_ARGS);
        restate(t);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(job_results); i++)
        if (job && strcmp(job_results[i].job, job) == 0)
            job_results[i].tell(t, result);
}

/* What bot/watch.h has seen, for an organizer. */
static void operator_notice(struct talk *t, const cJSON *root)
{
    const char *kind = mail_text(t, root, "kind", 20);
    enum msg id = kind ? message_named(str_of(fmt(t, "notice_%s", kind))) : MSG_NONE;
    if (!id)
        return;
    say(t, id, ARGS({"detail", mail_text(t, root, "detail", 40)}));
    restate(t);
}

void mail_turn(struct talk *t)
{
    const char *kind = t->in->msg->mail_kind ? t->in->msg->mail_kind : "";
    const char *payload = t->in->msg->mail_payload ? t->in->msg->mail_payload : "";
    SCOPED(json) cJSON *root = cJSON_Parse(payload);
    if (strcmp(kind, "coauthor_seek") == 0) {
        coauthor_seek(t, root);
        return;
    }
    if (strcmp(kind, "similar_found") == 0) {
        similar_found(t, root);
        return;
    }
    if (strcmp(kind, "ticket_admin_over") == 0) {
        admin_over(t, root);
        return;
    }
    if (strcmp(kind, "ticket_evidence") == 0) {
        evidence_entered(t, root);
        return;
    }
    if (ticket_mail(t, kind, root) || contact_mail(t, kind, root))
        return;
    if (strcmp(kind, "verdict") == 0) {
        verdict_mail(t, root, is_telling(t));
        return;
    }
    if (is_telling(t)) {
        mail_add(t, t->in->msg->user_id, kind, payload, t->in->now_ms + LATER_MS);
        return;
    }
    if (strcmp(kind, "coauthor_asked") == 0)
        coauthor_asked(t, root);
    else if (strcmp(kind, "coauthor_answered") == 0)
        coauthor_answered(t, root);
    else if (strcmp(kind, "coauthor_offered") == 0)
        coauthor_offered(t, root);
    else if (strcmp(kind, "coauthor_offer_answered") == 0)
        coauthor_offer_answered(t, root);
    else if (strcmp(kind, "coauthor_verdict") == 0)
        coauthor_verdict(t, root);
    else if (strcmp(kind, "nudge") == 0)
        nudge_mail(t, root);
    else if (strcmp(kind, "evidence_failed") == 0)
        evidence_failed(t, root);
    else if (strcmp(kind, "operator_notice") == 0)
        operator_notice(t, root);
    else if (strcmp(kind, "job_done") == 0)
        job_done(t, root);
    else if (strcmp(kind, "broadcast_asked") == 0)
        broadcast_asked(t, root);
    else if (strcmp(kind, "broadcast_over") == 0)
        broadcast_over(t, root);
    else if (strcmp(kind, "ticket_draft") == 0)
        draft_entered(t, root);
    else if (strcmp(kind, "draft_answered") == 0)
        draft_answered(t, root);
    else if (strcmp(kind, "ticket_proposal") == 0)
        field_proposed(t, root);
    else if (strcmp(kind, "proposal_answered") == 0)
        proposal_answered(t, root);
    else if (strcmp(kind, "review_stale") == 0)
        review_stale(t, root);
}
