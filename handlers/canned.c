/* Canned answers: kept, found without accents, offered for a question like one they answered before, sent with one tap. */
#include "contact.h"
#include "reading/question.h"
#include "reading/text.h"
#include "staff.h"

enum { CANNED_NAME_CHARS_MAX = 60, LINE_CHARS = 60, LABEL_CHARS = 18 };

static const char *id_text(struct talk *t, int64_t id)
{
    return fmt(t, "%lld", (long long)id);
}

/* ---- what an answer may leave to be filled in ---- */

static const char *const variables[] = {"ten", "ho_ten", "don_vi", "ma", "so", "can_bo"};

/* The first {word} that nothing is known to stand for, NULL when there is none. */
static const char *unknown_variable(struct talk *t, const char *text)
{
    for (const char *open = strchr(text, '{'); open; open = strchr(open + 1, '{')) {
        size_t n = strspn(open + 1, "abcdefghijklmnopqrstuvwxyz_");
        if (open[1 + n] != '}')
            continue;
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(variables); i++)
            known |= str_eq(str_of(variables[i]), (struct str){open + 1, n});
        if (!known)
            return must(talloc_strndup(t->ctx, open, n + 2));
    }
    return NULL;
}

/* For the person whose ticket it is; without one as it was written. */
static const char *filled(struct talk *t, const struct canned_answer *a, const struct ticket_case *c)
{
    if (!c)
        return a->text;
    const struct dialog *his = must(dialog_read(t->ctx, c->dialog));
    const struct message_arg args[] = {
        {"ten", given_name(t, asker_name(c))}, {"ho_ten", asker_name(c)},           {"don_vi", c->unit_name}, {"ma", his->last_code},
        {"so", id_text(t, c->ticket.number)},  {"can_bo", t->person.full_name},
    };
    return must(message_render(t->ctx, a->text, args, ARRAY_LEN(args)));
}

/* ---- whom the supporter is answering ---- */

/* @return false when that has to be loaded first. NULL in *ret: nobody at the moment. */
static bool at_hand(struct talk *t, const struct ticket_case **ret)
{
    *ret = NULL;
    if (t->state != ST_ANSWERING)
        return true;
    t->out->need_id = t->d->answer_number;
    if (!need(t, NEED_CASE))
        return false;
    *ret = t->in->ticket_case;
    return true;
}

/* That answer was right for what was asked: a question like it will be offered it. */
static void learn(struct talk *t, int64_t answer_id, const struct ticket_case *c)
{
    if (!c->ticket.question || !*c->ticket.question)
        return;
    struct canned_use *u = must(talloc_zero(t->ctx, struct canned_use));
    *u = (struct canned_use){.user_id = c->ticket.user_id, .ticket_id = c->ticket.id, .answer_id = answer_id,
                             .question = must(question_key(t->ctx, c->ticket.question))};
    t->out->canned_uses = u;
}

static void send(struct talk *t, const struct canned_answer *a, const struct ticket_case *c, bool direct)
{
    learn(t, a->id, c);
    audit_more(t, c->ticket.user_id, fmt(t, "{\"answer\":\"%lld\",\"ticket\":\"%lld\"}", (long long)a->id, (long long)c->ticket.id));
    t->d->acked_ms = 0; /* of several lines in a row only the first is acknowledged; a tap always is */
    answer_case(t, c, filled(t, a, c), direct);
}

/* ---- showing ---- */

static void show_one(struct talk *t, const struct canned_answer *a, const struct ticket_case *c)
{
    const char *label = c ? words(t, MSG_STAFF_CANNED_SEND, ARGS({"name", must(text_short(t->ctx, str_of(asker_name(c)), LABEL_CHARS))})) : NULL;
    say(t, MSG_STAFF_CANNED_ONE, ARGS({"mau", a->name}, {"noi_dung", filled(t, a, c)}, {"gui", label}, {"id", id_text(t, a->id)}));
}

static void show_list(struct talk *t, const struct ticket_case *c)
{
    static const char *const id_of[] = {"id1", "id2", "id3", "id4", "id5"}, *const name_of[] = {"mau1", "mau2", "mau3", "mau4", "mau5"};
    struct message_arg args[1 + 2 * ARRAY_LEN(id_of)];
    const char *lines = NULL;
    size_t n = 0;
    for (const struct canned_answer *a = t->in->canned; a; a = a->next) {
        const char *text = must(text_short(t->ctx, str_of(a->text), LINE_CHARS));
        lines = lines ? fmt(t, "%s\n• %s: %s", lines, a->name, text) : fmt(t, "• %s: %s", a->name, text);
        if (n < ARRAY_LEN(id_of)) {
            args[1 + 2 * n] = (struct message_arg){id_of[n], id_text(t, a->id)};
            args[2 + 2 * n] = (struct message_arg){name_of[n], a->name};
            n++;
        }
    }
    if (n == 1 && t->typed_rest) {
        show_one(t, t->in->canned, c);
        return;
    }
    args[0] = (struct message_arg){"danh_sach", lines};
    say(t, n ? MSG_STAFF_CANNED_LIST : MSG_STAFF_CANNED_NONE, args, 1 + 2 * n);
}

/* ---- keeping ---- */

static const struct canned_answer *named(const struct talk *t, struct talk *scratch, const char *name)
{
    const struct canned_answer *a = t->in->canned;
    while (a && !same_words(scratch, a->name, name))
        a = a->next;
    return a;
}

/* Whose it is may change it, and who organizes. */
static bool may_change(struct talk *t, const struct canned_answer *a)
{
    return strcmp(a->created_by, t->in->msg->user_id) == 0 || has_role(t, ROLE_ORGANIZER);
}

/* @param answered  what `text` has answered, or NULL. @return false when something was missing and has been said, or has to be
 * loaded. */
static bool keep(struct talk *t, const char *name, const char *text, const struct ticket_case *answered)
{
    const char *unknown = text ? unknown_variable(t, text) : NULL;
    size_t chars = name ? text_chars(str_of(name)) : 0;
    if (chars < 2 || chars > CANNED_NAME_CHARS_MAX || !text || text_chars(str_of(text)) > ANSWER_CHARS_MAX) {
        say(t, MSG_STAFF_CANNED_HOW, NO_ARGS);
        return false;
    }
    if (unknown) {
        say(t, MSG_STAFF_CANNED_UNKNOWN, ARGS({"cho", unknown}, {"biet", "{ten}, {ho_ten}, {don_vi}, {ma}, {so}, {can_bo}"}));
        return false;
    }
    t->out->need_text = name;
    if (!need(t, NEED_CANNED))
        return false;
    const struct canned_answer *before = named(t, t, name);
    if (before && !may_change(t, before)) {
        if (!t->out->needs)
            say(t, MSG_STAFF_CANNED_NOT_YOURS, ARGS({"mau", before->name}));
        return false;
    }
    struct canned_answer *a = must(talloc_zero(t->ctx, struct canned_answer));
    *a = (struct canned_answer){.id = before ? before->id : t->in->new_id(t->in->new_id_ctx), .name = name, .text = text,
                                .created_by = t->in->msg->user_id};
    t->out->canned = a;
    if (answered)
        learn(t, a->id, answered);
    say(t, MSG_STAFF_CANNED_KEPT, ARGS({"mau", name}));
    return true;
}

static void drop(struct talk *t, const char *name)
{
    t->out->need_text = name;
    if (!need(t, NEED_CANNED))
        return;
    const struct canned_answer *a = named(t, t, name);
    if (a && !may_change(t, a)) {
        say(t, MSG_STAFF_CANNED_NOT_YOURS, ARGS({"mau", a->name}));
        return;
    }
    if (!a) {
        say(t, MSG_STAFF_CANNED_NONE, NO_ARGS);
        return;
    }
    struct canned_answer *gone = must(talloc_zero(t->ctx, struct canned_answer));
    gone->id = a->id;
    t->out->canned_dropped = gone;
    say(t, MSG_STAFF_CANNED_DROPPED, ARGS({"mau", a->name}));
}

/* The ticket that the last answer was for. @return false when it has to be loaded. */
static bool last_answered(struct talk *t, const struct ticket_case **ret)
{
    *ret = NULL;
    if (!t->d->last_answer || !t->d->last_answer_number)
        return true;
    t->out->need_id = t->d->last_answer_number;
    if (!need(t, NEED_CASE))
        return false;
    bool same = t->in->ticket_case && t->in->ticket_case->ticket.number == t->d->last_answer_number;
    *ret = same ? t->in->ticket_case : NULL;
    return true;
}

/* "luu NAME" and, from the next line on, the text; without one the last answer given. */
static void keep_typed(struct talk *t, const char *rest)
{
    size_t n = strcspn(rest, "\n");
    const char *name = n ? must(talloc_strndup(t->ctx, rest, n)) : NULL;
    const struct ticket_case *answered;
    if (rest[n])
        keep(t, name, rest + n + 1, NULL);
    else if (last_answered(t, &answered))
        keep(t, name, t->d->last_answer, answered);
}

/* The rest of a text behind its first word when that, folded, is `word`; NULL when it is not. */
static const char *behind(struct talk *t, const char *text, const char *word)
{
    size_t n = strcspn(text, " \n");
    const char *first = must(talloc_strndup(t->ctx, text, n));
    return strcmp(must(text_key(t->ctx, str_of(first))), word) == 0 ? text + n + strspn(text + n, " ") : NULL;
}

/* ---- commands ---- */

/* "/mau": all; "/mau words": those that have them; "/mau luu NAME", "/mau xoa NAME"; from a button the one of that id. */
void cmd_canned(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    const struct ticket_case *c;
    const char *rest = t->typed_rest, *tail;
    if (!at_hand(t, &c))
        return;
    if (arg) {
        t->out->need_id = arg;
        if (!need(t, NEED_CANNED_ONE))
            return;
        audit_none(t);
        if (t->in->canned_one)
            show_one(t, t->in->canned_one, c);
        else
            say(t, MSG_STAFF_CANNED_NONE, NO_ARGS);
    } else if (rest && (tail = behind(t, rest, "luu"))) {
        keep_typed(t, tail);
    } else if (rest && (tail = behind(t, rest, "xoa")) && *tail) {
        drop(t, tail);
    } else {
        t->out->need_text = rest ? rest : "";
        if (!need(t, NEED_CANNED))
            return;
        audit_none(t);
        show_list(t, c);
    }
    restate(t);
}

void cmd_canned_send(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    const struct ticket_case *c;
    if (!at_hand(t, &c))
        return;
    t->out->need_id = arg;
    if (!need(t, NEED_CANNED_ONE))
        return;
    if (!c)
        say(t, MSG_STAFF_CANNED_FOR_NOBODY, NO_ARGS);
    else if (!t->in->canned_one)
        say(t, MSG_STAFF_CANNED_NONE, NO_ARGS);
    else
        send(t, t->in->canned_one, c, false);
}

/* ---- the offer ---- */

void canned_offer(struct talk *t, const struct ticket_case *c)
{
    struct dialog *d = t->d;
    if (!c->ticket.question || !*c->ticket.question)
        return;
    t->out->need_text = must(question_key(t->ctx, c->ticket.question));
    if (!need(t, NEED_CANNED_OFFER) || !t->in->canned_offer)
        return;
    const struct canned_answer *a = t->in->canned_offer;
    memmove(&d->offer[1], &d->offer[0], sizeof(d->offer[0]) * (OFFERS_MAX - 1));
    d->offer[0] = (struct offer){.number = c->ticket.number, .answer_id = a->id};
    say(t, MSG_STAFF_CANNED_OFFER, ARGS({"mau", a->name}, {"noi_dung", filled(t, a, c)}, {"so", id_text(t, c->ticket.number)}));
}

/* The answer that was offered for the ticket of that number, as it is now. */
void cmd_canned_take(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    const struct offer *o = NULL;
    for (int i = 0; i < OFFERS_MAX && !o; i++)
        o = t->d->offer[i].number == arg && arg ? &t->d->offer[i] : NULL;
    if (!o) {
        audit_none(t);
        old_tap(t);
        return;
    }
    const struct ticket_case *c = case_of(t, arg);
    if (!c)
        return;
    t->out->need_id = o->answer_id;
    if (!need(t, NEED_CANNED_ONE))
        return;
    if (t->in->canned_one)
        send(t, t->in->canned_one, c, true);
    else
        say(t, MSG_STAFF_CANNED_NONE, NO_ARGS);
}

/* ---- the button behind an answer ---- */

void cmd_canned_keep(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    audit_none(t); /* the name makes it an act */
    if (t->d->last_answer)
        go(t, ST_CANNED_NAME);
    else
        old_tap(t);
}

enum answer read_canned_name(struct talk *t, const char *text)
{
    if (!has_role(t, ROLE_SUPPORT))
        return t->out->needs ? ANS_HANDLED : ANS_SKIP;
    if (strchr(text, '\n') || text_chars(str_of(text)) > CANNED_NAME_CHARS_MAX)
        return ANS_UNCLEAR;
    const struct ticket_case *answered;
    if (!last_answered(t, &answered) || !keep(t, text, t->d->last_answer, answered))
        return ANS_HANDLED;
    audit_add(t, "canned", NULL, NULL);
    return ANS_OK;
}

/* Naming is an aside of answering: that goes on. */
enum state canned_named(struct talk *t)
{
    return answering_goes_on(t);
}
