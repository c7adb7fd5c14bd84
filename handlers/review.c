/* Reviewers: one card at a time, a verdict on it, the next.  What the author hears of it is verdict.c.
 *
 *   review ─ valid ─▶ review_benefit ─▶ (given)      ─ duplicate ─▶ review_duplicate ─▶ (given)
 *          ├ returned ─▶ review_field ─▶ review_reason ─▶ (given)    └ refused ─▶ review_reason
 *          └ more ─▶ review_other ─ recognise ─▶ review_level ─▶ review_date ─▶ review_benefit ─▶ (given)
 *
 * d->review names the card by its receipt code.  Every answer loads it again together with the reviewer's grants: a role that
 * ended, or a card that somebody else has by now, ends it there.  A verdict is mail to the author; nothing is changed here. */
#include "review.h"

#include <cjson/cJSON.h>

#include "reading/amount.h"
#include "reading/text.h"
#include "say.h"
#include "scoped.h"
#include "staff.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum {
    TITLE_SHORT = 120,
    DESCRIPTION_SHORT = 480,
    ALIKE_TITLE = 80,
    ALIKE_WORDS = 150,
    SAID_SHORT = 140,
    FULL_CHARS = 1700,
    REASON_CHARS_MIN = 3,
    REASON_CHARS_MAX = 300,
    LEVEL_CHARS_MAX = 80,
    SAME_FIGURE_MANY = 5, /* as the queue counts (0008_review.sql), like the two below */
    REPORTED_DAY_S = 24 * 3600,
    PUT_OFF_S = 3600,
};
static const int64_t benefit_huge = 10000000000, benefit_large = 1000000000;

/* ---- the card on hand ---- */

/* The card that the talk is about.  NULL: a need has to be loaded first, or it is gone and the talk went on from there. */
static const struct review_card *card_on_hand(struct talk *t)
{
    struct dialog *d = t->d;
    t->out->need_text = d->review.code;
    if (d->staff && !need(t, NEED_GRANTS | NEED_REVIEW_CARD))
        return NULL;
    if (!has_role(t, ROLE_REVIEWER)) {
        d->review = (struct reviewing){0};
        go(t, ST_RETURN);
        return NULL;
    }
    const struct review_card *c = t->in->review_card;
    bool there = c && !c->taken && (d->review.chosen || strcmp(c->status, STATUS_SUBMITTED) == 0);
    bool as_shown = !d->review.stamp || (c && c->stamp == d->review.stamp);
    if (there && as_shown)
        return c;
    /* Nothing is decided unseen: what the author has just changed is shown again. */
    d->review = (struct reviewing){.code = there ? d->review.code : NULL, .chosen = there && d->review.chosen};
    lead(t, there ? MSG_REVIEW_CHANGED : MSG_REVIEW_GONE, NO_ARGS);
    go(t, ST_REVIEW);
    return NULL;
}

static bool waits(const struct review_card *c)
{
    return strcmp(c->status, STATUS_SUBMITTED) == 0;
}

static bool has_money(const struct review_card *c)
{
    return c->benefit_kind && strcmp(c->benefit_kind, BENEFIT_MONEY) == 0;
}

/* ---- what it shows ---- */

static const char *add_line(struct talk *t, const char *lines, const char *line)
{
    return !line || !*line ? lines : lines ? fmt(t, "%s\n%s", lines, line) : line;
}

static bool has_digit(const char *s)
{
    return s && strpbrk(s, "0123456789") != NULL;
}

/* Why a second look at the figure is worth it (domain.md section 9). */
static const char *doubts(struct talk *t, const struct review_card *c)
{
    const char *lines = NULL;
    if (!has_money(c))
        return NULL;
    if (c->annual_benefit_vnd > benefit_huge)
        lines = add_line(t, lines, words(t, MSG_REVIEW_DOUBT_HUGE, NO_ARGS));
    else if (c->annual_benefit_vnd > benefit_large && c->coauthor_count == 0 && !has_digit(c->description))
        lines = add_line(t, lines, words(t, MSG_REVIEW_DOUBT_UNEXPLAINED, NO_ARGS));
    if (c->same_figure >= SAME_FIGURE_MANY)
        lines = add_line(t, lines, words(t, MSG_REVIEW_DOUBT_SAME, ARGS({"n", fmt(t, "%lld", (long long)c->same_figure)})));
    return lines;
}

static const char *label_of(struct talk *t, const char *prefix, const char *word)
{
    enum msg id = word ? message_named(str_of(fmt(t, "%s%s", prefix, word))) : MSG_NONE;
    return id ? message_get(id)->text : NULL;
}

/* One line for each that is alike; their codes go to `code`, at most `most`. */
static const char *alike_lines(struct talk *t, const struct review_card *c, bool with_words, const char **code, size_t most)
{
    SCOPED(json) cJSON *list = c->alike ? cJSON_Parse(c->alike) : NULL;
    const cJSON *item;
    const char *lines = NULL;
    size_t n = 0;
    cJSON_ArrayForEach(item, list)
    {
        const char *other = mail_text(t, item, "code", 20);
        if (!other || n == most)
            continue;
        const char *unit = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(item, "same_unit")) ? message_get(MSG_REVIEW_SAME_UNIT)->text
                                                                                              : mail_text(t, item, "unit", ALIKE_TITLE);
        code[n++] = other;
        lines = add_line(t, lines,
                         words(t, MSG_REVIEW_ALIKE,
                               ARGS({"i", fmt(t, "%zu", n)}, {"ten_giong", mail_text(t, item, "title", ALIKE_TITLE)}, {"code", other},
                                    {"don_vi", unit}, {"loi", label_of(t, "review_choice_", mail_text(t, item, "choice", 20))},
                                    {"noi_dung", with_words ? mail_text(t, item, "words", ALIKE_WORDS) : NULL})));
    }
    return lines;
}

static const char *short_of(struct talk *t, const char *text, size_t chars)
{
    return text ? must(text_short(t->ctx, str_of(text), chars)) : NULL;
}

static const char *card_benefit(struct talk *t, const struct review_card *c)
{
    struct benefit b = {.kind = c->benefit_kind, .vnd = c->annual_benefit_vnd, .text = c->benefit_text};
    const char *line = benefit_line(t, &b);
    if (c->checked_benefit_vnd)
        line = fmt(t, "%s %s", line, words(t, MSG_REVIEW_CHECKED, ARGS({"amount", must(amount_digits(t->ctx, c->checked_benefit_vnd))})));
    return line;
}

static void show_card(struct talk *t, const struct review_card *c)
{
    t->d->review.stamp = c->stamp;
    const char *code[SIMILAR_SHOWN_MAX];
    const char *before = c->appeal ? words(t, MSG_REVIEW_APPEAL, ARGS({"loi", short_of(t, c->appeal, SAID_SHORT)})) : NULL;
    if (c->review_note)
        before = add_line(t, before, words(t, MSG_REVIEW_BEFORE, ARGS({"ghi_chu", short_of(t, c->review_note, SAID_SHORT)})));
    const char *extra = c->evidence_count || c->coauthor_count
                            ? words(t, MSG_REVIEW_COUNTS, ARGS({"tep", fmt(t, "%lld", (long long)c->evidence_count)},
                                                               {"dong_tac_gia", fmt(t, "%lld", (long long)c->coauthor_count)}))
                            : NULL;
    const struct message_arg args[] = {
        {"title", short_of(t, c->title, TITLE_SHORT)},
        {"code", c->code},
        {"don_vi", short_of(t, c->unit_name ? c->unit_name : message_get(MSG_UNIT_UNTOLD)->text, ALIKE_TITLE)},
        {"tac_gia", short_of(t, c->author_name, ALIKE_TITLE)},
        {"ngay", date_of(t, c->submitted_at_ms)},
        {"noi_dung", short_of(t, c->description, DESCRIPTION_SHORT)},
        {"benefit_line", card_benefit(t, c)},
        {"raw", short_of(t, c->benefit_text, 80)},
        {"dau_hieu", doubts(t, c)},
        {"giong", alike_lines(t, c, true, code, ARRAY_LEN(code))},
        {"truoc", before},
        {"kem", extra},
        {"status", status_label(t, c->status)},
        {"cong_nhan", strcmp(c->status, STATUS_VALID) == 0 ? message_get(MSG_LABEL_RECOGNISE)->text : NULL},
        {"mo_lai", strcmp(c->status, STATUS_WITHDRAWN) != 0 ? message_get(MSG_LABEL_REOPEN)->text : NULL},
    };
    ask(t, waits(c) ? MSG_REVIEW_CARD : MSG_REVIEW_DECIDED, args, ARRAY_LEN(args));
}

void ask_review(struct talk *t)
{
    struct dialog *d = t->d;
    if (d->review.code) {
        const struct review_card *c = card_on_hand(t);
        if (c)
            show_card(t, c);
        return;
    }
    if (!has_role(t, ROLE_REVIEWER)) {
        go(t, ST_RETURN);
        return;
    }
    if (!need(t, NEED_REVIEW_NEXT))
        return;
    const struct review_card *c = t->in->review_next;
    if (!c) {
        say(t, MSG_REVIEW_EMPTY, NO_ARGS);
        go(t, ST_RETURN);
        return;
    }
    d->review = (struct reviewing){.code = c->code};
    show_card(t, c);
}

/* "SK-7F3K2Q", "sk 7f3k2q", "7f3k2q": as it is stored, or NULL. */
static const char *code_in(struct talk *t, const char *text)
{
    char code[] = "SK-......";
    size_t n = 0;
    const char *key = must(text_key(t->ctx, str_of(text)));
    if (strncmp(key, "sk", 2) == 0)
        key += 2;
    for (; *key; key++) {
        if (*key == '-' || *key == ' ')
            continue;
        bool digit = *key >= '0' && *key <= '9', letter = *key >= 'a' && *key <= 'z';
        if ((!digit && !letter) || n == 6)
            return NULL;
        code[3 + n++] = letter ? (char)(*key - 'a' + 'A') : *key;
    }
    return n == 6 ? fmt(t, "%s", code) : NULL;
}

void cmd_review_card(struct talk *t, int64_t arg, enum edit_field field)
{
    struct dialog *d = t->d;
    const char *code = t->typed_rest ? code_in(t, t->typed_rest) : NULL;
    (void)arg, (void)field;
    if (code || d->review.chosen)
        d->review = (struct reviewing){.code = code, .chosen = code != NULL};
    go(t, ST_REVIEW);
}

/* ---- a verdict is given ---- */

static void add_text(cJSON *root, const char *name, const char *value)
{
    if (value && *value)
        must(cJSON_AddStringToObject(root, name, value));
}

static void add_number(struct talk *t, cJSON *root, const char *name, int64_t value)
{
    if (value)
        add_text(root, name, fmt(t, "%lld", (long long)value));
}

static const char *print(struct talk *t, const cJSON *root)
{
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    return must(talloc_strdup(t->ctx, json));
}

static void put_away(struct talk *t, const struct review_card *c, int64_t seconds)
{
    struct review_away *a = must(talloc_zero(t->ctx, struct review_away));
    *a = (struct review_away){.next = t->out->review_aways, .user_id = c->user_id, .id = c->id, .seconds = seconds};
    t->out->review_aways = a;
}

/* To the author's turn, which applies it if the initiative is still as it was on the card. */
static void send_verdict(struct talk *t, const struct review_card *c, const struct verdict *v)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    add_number(t, root, "id", t->in->new_id(t->in->new_id_ctx));
    add_number(t, root, "initiative_id", c->id);
    add_number(t, root, "stamp", c->stamp);
    add_text(root, "was", c->status);
    add_text(root, "status", v->verdict);
    add_text(root, "reviewer", t->in->msg->user_id);
    add_text(root, "reason", v->reason);
    add_text(root, "field", v->field);
    add_text(root, "note", v->note);
    add_text(root, "code_other", v->duplicate_of);
    add_number(t, root, "checked", v->checked_benefit_vnd);
    add_number(t, root, "recognised", v->recognised_benefit_vnd);
    add_text(root, "level", v->recognised_by);
    add_text(root, "on", v->recognised_on);
    add_text(root, "social", v->social);
    add_text(root, "title", c->title);
    add_text(root, "code", c->code);
    mail_add(t, c->user_id, "verdict", print(t, root), t->in->now_ms);

    SCOPED(json) cJSON *record = must(cJSON_CreateObject());
    add_text(record, "code", c->code);
    add_text(record, "verdict", v->verdict);
    add_text(record, "reason", v->reason);
    add_text(record, "field", v->field);
    add_text(record, "duplicate_of", v->duplicate_of);
    audit_add(t, "verdict", c->user_id, print(t, record));
}

/* What the author reads: the reason in our words, then in the reviewer's own. */
static const char *note_of(struct talk *t, const struct reviewing *r)
{
    const char *reason = label_of(t, r->verdict && strcmp(r->verdict, STATUS_RETURNED) == 0 ? "reason_returned_" : "reason_refused_", r->reason);
    return reason ? reason : r->note;
}

static enum state give(struct talk *t, const struct review_card *c)
{
    struct dialog *d = t->d;
    const struct reviewing r = d->review;
    bool recognised = strcmp(r.verdict, STATUS_RECOGNISED) == 0;
    struct verdict v = {.verdict = r.verdict, .reason = r.reason, .field = r.field, .note = note_of(t, &r), .duplicate_of = r.other,
                        .checked_benefit_vnd = recognised ? 0 : r.vnd, .recognised_benefit_vnd = recognised ? r.vnd : 0,
                        .recognised_by = r.level, .recognised_on = r.day};
    send_verdict(t, c, &v);
    if (waits(c))
        put_away(t, c, REPORTED_DAY_S);
    const char *label = label_of(t, "label_", strcmp(v.verdict, VERDICT_REOPENED) == 0 ? STATUS_SUBMITTED : v.verdict);
    lead(t, MSG_REVIEW_GIVEN, ARGS({"code", c->code}, {"ket_luan", label}));
    d->review = (struct reviewing){0};
    return r.chosen ? ST_RETURN : ST_REVIEW;
}

/* ---- the answers on the card ---- */

enum state review_chosen(struct talk *t)
{
    static const struct {
        enum answer answer;
        const char *verdict;
    } verdicts[] = {{ANS_VALID, STATUS_VALID},     {ANS_RETURNED, STATUS_RETURNED},   {ANS_DUPLICATE, STATUS_DUPLICATE},
                    {ANS_REFUSED, STATUS_REFUSED}, {ANS_RECOGNISE, STATUS_RECOGNISED}, {ANS_REOPEN, VERDICT_REOPENED}};
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    for (size_t i = 0; i < ARRAY_LEN(verdicts); i++)
        if (verdicts[i].answer == t->answer)
            t->d->review.verdict = verdicts[i].verdict;
    /* What is decided already can be recognised when it is valid, or opened again; buttons of the other card do not exist there. */
    bool reopen = t->answer == ANS_REOPEN, recognise = t->answer == ANS_RECOGNISE;
    if (waits(c) ? reopen : !(reopen || (recognise && strcmp(c->status, STATUS_VALID) == 0))) {
        miss(t);
        return ST_STAY;
    }
    if (reopen || (t->answer == ANS_VALID && !has_money(c)))
        return give(t, c);
    return ST_NONE;
}

enum state review_marked(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    send_verdict(t, c, &(struct verdict){.verdict = VERDICT_MARKED, .social = c->social ? "false" : "true"});
    lead(t, c->social ? MSG_REVIEW_UNMARKED : MSG_REVIEW_MARKED, ARGS({"code", c->code}));
    return ST_NONE;
}

enum state review_put_off(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    if (waits(c)) {
        put_away(t, c, PUT_OFF_S);
        lead(t, MSG_REVIEW_PUT_OFF, ARGS({"code", c->code}));
    }
    bool chosen = t->d->review.chosen;
    t->d->review = (struct reviewing){0};
    return chosen ? ST_RETURN : ST_NONE;
}

/* Free for others at once. */
enum state review_ended(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    if (waits(c))
        put_away(t, c, 0);
    t->d->review = (struct reviewing){0};
    lead(t, MSG_REVIEW_ENDED, NO_ARGS);
    return ST_NONE;
}

enum state review_read_on(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    say(t, MSG_REVIEW_FULL, ARGS({"code", c->code}, {"noi_dung", short_of(t, c->description, FULL_CHARS)}));
    return ST_NONE;
}

/* ---- returned, refused: where and why ---- */

enum state review_field_chosen(struct talk *t)
{
    if (!card_on_hand(t))
        return ST_STAY;
    t->d->review.field = t->answer == ANS_EDIT_TITLE         ? "title"
                         : t->answer == ANS_EDIT_DESCRIPTION ? "description"
                         : t->answer == ANS_EDIT_BENEFIT     ? "benefit"
                                                             : "unit";
    return ST_NONE;
}

static const char *const returned_codes[] = {"unclear", "method", "basis", "wrong"};
static const char *const refused_codes[] = {"period", "known", "unused", "excluded"};

static bool is_returned(const struct talk *t)
{
    return t->d->review.verdict && strcmp(t->d->review.verdict, STATUS_RETURNED) == 0;
}

void ask_review_reason(struct talk *t)
{
    struct dialog *d = t->d;
    const char *lines = NULL;
    memset(d->choice, 0, sizeof(d->choice));
    for (size_t i = 0; i < ARRAY_LEN(returned_codes); i++) {
        const char *label = is_returned(t) ? label_of(t, "reason_returned_", returned_codes[i]) : label_of(t, "reason_refused_", refused_codes[i]);
        d->choice[i] = (struct choice){(int64_t)i + 1, label};
        lines = add_line(t, lines, fmt(t, "%zu. %s", i + 1, label ? label : ""));
    }
    ask(t, MSG_REVIEW_REASON, ARGS({"danh_sach", lines}));
}

enum answer read_review_reason(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    int64_t i = choice_named(t, text);
    size_t chars = text_chars(str_of(text));
    if (!i && (chars < REASON_CHARS_MIN || chars > REASON_CHARS_MAX))
        return ANS_UNCLEAR;
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ANS_HANDLED;
    d->review.reason = !i ? "other" : is_returned(t) ? returned_codes[i - 1] : refused_codes[i - 1];
    d->review.note = i ? NULL : text;
    go(t, give(t, c));
    return ANS_HANDLED;
}

/* ---- duplicate: of which ---- */

void ask_review_duplicate(struct talk *t)
{
    struct dialog *d = t->d;
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return;
    const char *code[SIMILAR_SHOWN_MAX] = {0};
    const char *lines = alike_lines(t, c, false, code, ARRAY_LEN(code));
    memset(d->choice, 0, sizeof(d->choice));
    for (size_t i = 0; i < ARRAY_LEN(code) && code[i]; i++)
        d->choice[i] = (struct choice){(int64_t)i + 1, code[i]};
    ask(t, lines ? MSG_REVIEW_DUPLICATE : MSG_REVIEW_DUPLICATE_CODE, ARGS({"danh_sach", lines}, {"code", c->code}));
}

enum answer read_review_duplicate(struct talk *t, const char *text)
{
    struct dialog *d = t->d;
    int64_t i = choice_named(t, text);
    const char *code = i ? d->choice[i - 1].name : code_in(t, text);
    if (!code)
        return ANS_UNCLEAR;
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ANS_HANDLED;
    t->out->need_text = code;
    if (!need(t, NEED_REVIEW_OTHER))
        return ANS_HANDLED;
    if (!t->in->review_other || strcmp(code, c->code) == 0) {
        say(t, MSG_REVIEW_NO_SUCH, ARGS({"code", code}));
        return ANS_HANDLED;
    }
    d->review.other = code;
    go(t, give(t, c));
    return ANS_HANDLED;
}

/* ---- the checked, and the recognised, benefit ---- */

void ask_review_benefit(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return;
    bool recognised = t->d->review.verdict && strcmp(t->d->review.verdict, STATUS_RECOGNISED) == 0;
    ask(t, recognised ? MSG_REVIEW_RECOGNISED_BENEFIT : MSG_REVIEW_BENEFIT, ARGS({"benefit_line", card_benefit(t, c)}));
}

enum state review_benefit_kept(struct talk *t)
{
    const struct review_card *c = card_on_hand(t);
    if (!c || !t->d->review.verdict)
        return ST_STAY;
    bool checked = strcmp(t->d->review.verdict, STATUS_RECOGNISED) == 0 && c->checked_benefit_vnd;
    if (t->answer == ANS_KEEP)
        t->d->review.vnd = checked ? c->checked_benefit_vnd : c->annual_benefit_vnd;
    return give(t, c);
}

enum answer read_review_benefit(struct talk *t, const char *text)
{
    struct amount a = amount_read(str_of(text));
    if (!a.has_annual || a.ask != ASK_NOTHING || a.annual_vnd <= 0)
        return ANS_UNCLEAR;
    const struct review_card *c = card_on_hand(t);
    if (!c || !t->d->review.verdict)
        return ANS_HANDLED;
    t->d->review.vnd = a.annual_vnd;
    go(t, give(t, c));
    return ANS_HANDLED;
}

/* ---- recognised: by whom, when ---- */

enum answer read_review_level(struct talk *t, const char *text)
{
    size_t chars = text_chars(str_of(text));
    if (chars < REASON_CHARS_MIN || chars > LEVEL_CHARS_MAX)
        return ANS_UNCLEAR;
    t->d->review.level = text;
    return ANS_OK;
}

enum state review_level_taken(struct talk *t)
{
    const struct message *m = message_get(MSG_REVIEW_LEVEL);
    t->d->review.level = m->button[t->answer == ANS_V1 ? 0 : 1].label;
    return ST_NONE;
}

static enum state recognised_on(struct talk *t, int d, int m, int y)
{
    const struct review_card *c = card_on_hand(t);
    if (!c)
        return ST_STAY;
    t->d->review.day = fmt(t, "%04d-%02d-%02d", y, m, d);
    return has_money(c) ? ST_REVIEW_BENEFIT : give(t, c);
}

enum answer read_review_day(struct talk *t, const char *text)
{
    int d, m, y;
    if (!date_read(t, text, &d, &m, &y))
        return ANS_UNCLEAR;
    go(t, recognised_on(t, d, m, y));
    return ANS_HANDLED;
}

enum state review_today(struct talk *t)
{
    int d, m, y;
    return date_read(t, "hom nay", &d, &m, &y) ? recognised_on(t, d, m, y) : ST_STAY;
}

/* ---- mail: a verdict that did not take effect ---- */

void review_stale(struct talk *t, const cJSON *root)
{
    const char *code = mail_text(t, root, "code", 20);
    if (!code || !has_role(t, ROLE_REVIEWER))
        return;
    say(t, MSG_REVIEW_STALE, ARGS({"code", code}));
    restate(t);
}
