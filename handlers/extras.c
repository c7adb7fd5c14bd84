/* After the receipt, all of it optional: kind of solution, date of first use, co-authors and their shares, publication. */
#include <cjson/cJSON.h>
#include <stdlib.h>

#include "say.h"
#include "scoped.h"
#include "reading/phrase.h"
#include "reading/text.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { YEAR_LEAST = 1990, SHARE_MAX = 100 };

void cmd_extras(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)arg, (void)field;
    if (t->d->extras_id && consented(t) && !(flow[t->state].flags & F_DRAFT)) {
        go(t, ST_KIND);
        return;
    }
    say(t, MSG_EXTRAS_NONE, NO_ARGS);
    restate(t);
}

enum state extras_done(struct talk *t)
{
    lead(t, MSG_EXTRAS_DONE, NO_ARGS);
    return ST_NONE;
}

enum state kind_taken(struct talk *t)
{
    static const struct {
        enum answer answer;
        const char *kind;
    } kinds[] = {{ANS_TECHNICAL, "technical"},
                 {ANS_MANAGEMENT, "management"},
                 {ANS_OPERATIONAL, "operational"},
                 {ANS_TECH_APPLICATION, "tech_application"}};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].answer == t->answer)
            return patch_add(t, t->d->extras_id, "solution_kind", kinds[i].kind, 0, NULL) ? ST_NONE : ST_STAY;
    return ST_NONE;
}

enum state confidential_taken(struct talk *t)
{
    return patch_add(t, t->d->extras_id, "confidential", "true", 0, NULL) ? extras_done(t) : ST_STAY;
}

/* ---- date of first use ---- */

static int days_in(int month, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Up to four numbers in order; words between them ("ngày", "tháng", "năm") do not matter. */
static size_t numbers_in(const char *key, int ret[4])
{
    size_t n = 0;
    for (const char *p = key; *p && n < 4;) {
        size_t digits = strspn(p, "0123456789");
        if (digits > 4)
            return 0;
        if (digits)
            ret[n++] = (int)strtol(p, NULL, 10);
        p += digits ? digits : 1;
    }
    return n;
}

/* "15/8/2022", "8/2022" (its first day), "tháng 8 năm 2022", "hôm nay". */
bool date_read(struct talk *t, const char *text, int *d, int *m, int *y)
{
    int n[4] = {0}, today[4] = {0};
    const char *key = must(text_key(t->ctx, str_of(text)));
    numbers_in(date_of(t, t->in->now_ms), today);
    if (strcmp(key, "hom nay") == 0) {
        *d = today[0], *m = today[1], *y = today[2];
        return true;
    }
    size_t count = numbers_in(key, n);
    if (count != 2 && count != 3)
        return false;
    *d = count == 3 ? n[0] : 1;
    *m = n[count - 2];
    *y = n[count - 1] < 100 ? n[count - 1] + 2000 : n[count - 1];
    if (*y < YEAR_LEAST || *m < 1 || *m > 12 || *d < 1 || *d > days_in(*m, *y))
        return false;
    int day = (*y * 100 + *m) * 100 + *d, now = (today[2] * 100 + today[1]) * 100 + today[0];
    return day <= now;
}

enum answer read_applied_on(struct talk *t, const char *text)
{
    int d, m, y;
    if (!date_read(t, text, &d, &m, &y))
        return ANS_UNCLEAR;
    if (!patch_add(t, t->d->extras_id, "applied_on", fmt(t, "%04d-%02d-%02d", y, m, d), 0, NULL))
        return ANS_HANDLED;
    lead(t, MSG_APPLIED_ON_TAKEN, ARGS({"date", fmt(t, "%02d/%02d/%04d", d, m, y)}));
    return ANS_OK;
}

/* ---- co-authors: "Nguyễn Văn A 40%, Trần B 20" ---- */

static bool is_break(const char *p)
{
    bool decimal_comma = *p == ',' && p[1] >= '0' && p[1] <= '9';
    return *p == '\n' || *p == ';' || (*p == ',' && !decimal_comma);
}

/* Cuts blanks and the signs people put between a name and its share. */
static struct str trim_name(struct str s)
{
    static const char around[] = " -:()%.*+\t";
    while (s.n && strchr(around, s.p[0]))
        s = str_skip(s, 1);
    while (s.n && strchr(around, s.p[s.n - 1]))
        s.n--;
    return s;
}

/* One piece: letters are the name, the number in front or behind is the share.  @return false when it is neither. */
static bool read_coauthor(struct talk *t, struct str piece, struct coauthor *ret)
{
    size_t first = 0;
    while (first < piece.n && !(piece.p[first] >= '0' && piece.p[first] <= '9'))
        first++;
    size_t end = first;
    int share = 0;
    while (end < piece.n && piece.p[end] >= '0' && piece.p[end] <= '9' && share <= SHARE_MAX)
        share = share * 10 + (piece.p[end++] - '0');
    if (end < piece.n && (piece.p[end] == ',' || piece.p[end] == '.')) /* 33,3%: whole per cents are kept */
        for (end++; end < piece.n && piece.p[end] >= '0' && piece.p[end] <= '9';)
            end++;
    struct str front = trim_name((struct str){piece.p, first});
    struct str behind = trim_name(str_skip(piece, end));
    if ((front.n && behind.n) || (first < piece.n && (share < 1 || share > SHARE_MAX)))
        return false;
    struct str name = front.n ? front : behind;
    if (text_chars(name) < NAME_CHARS_MIN || text_chars(name) > NAME_CHARS_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++)
        if (strchr("0123456789@/\\{}[]<>#_=?!\"", name.p[i]))
            return false;
    *ret = (struct coauthor){must(talloc_strndup(t->ctx, name.p, name.n)), share};
    return true;
}

/* Shares nobody named are equal parts, the first author's among them.  @return false: some have a share, some not. */
static bool fill_shares(struct coauthor *authors, int n, int declared)
{
    int without = 0;
    for (int i = 0; i < n; i++)
        without += authors[i].share_pct == 0;
    if (without == 0)
        return true;
    if (without != n || declared >= SHARE_MAX)
        return false;
    for (int i = 0; i < n; i++)
        authors[i].share_pct = (SHARE_MAX - declared) / (n + 1);
    return true;
}

static int declared_already(const struct talk *t)
{
    int sum = 0;
    for (const struct initiative_author *a = t->in->authors; a; a = a->next)
        sum += a->share_pct;
    return sum;
}

static bool named_already(struct talk *t, const struct coauthor *list, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (same_words(t, list[i].name, name))
            return true;
    for (const struct initiative_author *a = t->in->authors; a; a = a->next)
        if (same_words(t, a->name, name))
            return true;
    return t->person.full_name && same_words(t, t->person.full_name, name);
}

enum answer read_coauthors(struct talk *t, const char *text)
{
    struct coauthor list[COAUTHORS_MAX] = {0};
    int n = 0, sum = 0;
    t->out->need_id = t->d->extras_id;
    if (!need(t, NEED_AUTHORS))
        return ANS_HANDLED;
    for (const char *p = must(phrase_break_names(t->ctx, text)); *p;) {
        const char *end = p;
        while (*end && !is_break(end))
            end++;
        struct str piece = trim_name((struct str){p, (size_t)(end - p)});
        p = *end ? end + 1 : end;
        struct coauthor one;
        if (!piece.n)
            continue;
        if (n == COAUTHORS_MAX || !read_coauthor(t, piece, &one))
            return ANS_UNCLEAR;
        if (!named_already(t, list, n, one.name))
            list[n++] = one;
    }
    int declared = declared_already(t);
    if (n == 0 || !fill_shares(list, n, declared))
        return ANS_UNCLEAR;
    for (int i = 0; i < n; i++)
        sum += list[i].share_pct;
    if (sum + declared > SHARE_MAX) {
        say(t, MSG_COAUTHORS_TOO_MUCH, ARGS({"sum", fmt(t, "%d", sum + declared)}));
        return ANS_HANDLED;
    }
    memcpy(t->d->coauthor, list, sizeof(list));
    return ANS_OK;
}

void ask_coauthors_check(struct talk *t)
{
    t->out->need_id = t->d->extras_id;
    if (!need(t, NEED_AUTHORS))
        return;
    char *list = must(talloc_strdup(t->ctx, ""));
    int rest = SHARE_MAX - declared_already(t);
    for (int i = 0; i < COAUTHORS_MAX && t->d->coauthor[i].name; i++) {
        list = must(talloc_asprintf_append(list, "%s%s: %d%%", i ? "\n" : "", t->d->coauthor[i].name,
                                           t->d->coauthor[i].share_pct));
        rest -= t->d->coauthor[i].share_pct;
    }
    ask(t, MSG_COAUTHORS_CHECK, ARGS({"danh_sach", list}, {"rest", fmt(t, "%d", rest > 0 ? rest : 0)}));
}

/* Whether a co-author is known is found out in a later turn of this person ("coauthor_seek", notes.c): one name, one
 * turn, because a turn can look up one colleague.  The asker hears nothing of it. */
static void seek_later(struct talk *t, const struct initiative_author *a)
{
    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "initiative_id", fmt(t, "%lld", (long long)a->initiative_id)));
    must(cJSON_AddStringToObject(root, "author_id", fmt(t, "%lld", (long long)a->id)));
    must(cJSON_AddStringToObject(root, "name", a->name));
    must(cJSON_AddNumberToObject(root, "share", a->share_pct));
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, t->in->msg->user_id, "coauthor_seek", must(talloc_strdup(t->ctx, json)), t->in->now_ms);
}

enum state coauthors_taken(struct talk *t)
{
    struct dialog *d = t->d;
    if (!initiative_of(t, d->extras_id)) /* erased or not theirs: nothing to add to */
        return ST_STAY;
    for (int i = 0; i < COAUTHORS_MAX && d->coauthor[i].name; i++) {
        struct initiative_author *a = must(talloc_zero(t->ctx, struct initiative_author));
        *a = (struct initiative_author){.next = t->out->authors, .user_id = t->in->msg->user_id,
                                        .initiative_id = d->extras_id, .id = t->in->new_id(t->in->new_id_ctx),
                                        .name = d->coauthor[i].name, .share_pct = d->coauthor[i].share_pct,
                                        .consent = "unknown"};
        t->out->authors = a;
        seek_later(t, a);
    }
    memset(d->coauthor, 0, sizeof(d->coauthor));
    lead(t, MSG_COAUTHORS_TAKEN, NO_ARGS);
    return ST_NONE;
}

/* ---- the other side: somebody names this person ---- */

int coauthor_share(const struct talk *t)
{
    int rest = SHARE_MAX - declared_already(t);
    return rest > 1 ? rest / 2 : 0;
}

/* This person's own initiative gets the author who offered himself.  @return false when a need has to be loaded first. */
static bool offered_author_taken(struct talk *t, const struct coauthor_ask *asked)
{
    t->out->need_id = asked->initiative_id;
    if (!need(t, NEED_INITIATIVE | NEED_AUTHORS))
        return false;
    if (!t->in->initiative || named_already(t, NULL, 0, asked->name))
        return true; /* erased meanwhile, or named already */
    struct initiative_author *a = must(talloc_zero(t->ctx, struct initiative_author));
    *a = (struct initiative_author){.user_id = t->in->msg->user_id, .initiative_id = asked->initiative_id, .id = asked->author_id,
                                    .name = asked->name, .author_user_id = asked->owner, .share_pct = coauthor_share(t), .consent = "yes"};
    t->out->authors = a;
    return true;
}

static void coauthor_answer(struct talk *t, int64_t author_id, bool yes)
{
    struct dialog *d = t->d;
    int at = 0;
    while (at < ASKS_MAX && d->ask[at].author_id && author_id && d->ask[at].author_id != author_id)
        at++;
    if (at == ASKS_MAX || !d->ask[at].author_id || !d->ask[at].owner) {
        old_tap(t);
        return;
    }
    struct coauthor_ask asked = d->ask[at];
    if (asked.offered && yes && !offered_author_taken(t, &asked))
        return;
    memmove(&d->ask[at], &d->ask[at + 1], sizeof(d->ask[0]) * (size_t)(ASKS_MAX - 1 - at));
    d->ask[ASKS_MAX - 1] = (struct coauthor_ask){0};

    SCOPED(json) cJSON *root = must(cJSON_CreateObject());
    must(cJSON_AddStringToObject(root, "initiative_id", fmt(t, "%lld", (long long)asked.initiative_id)));
    must(cJSON_AddStringToObject(root, "author_id", fmt(t, "%lld", (long long)asked.author_id)));
    must(cJSON_AddStringToObject(root, "author_user_id", t->in->msg->user_id));
    must(cJSON_AddStringToObject(root, "answer", yes ? "yes" : "no"));
    if (asked.offered) {
        must(cJSON_AddStringToObject(root, "title", asked.title));
        if (t->in->initiative)
            must(cJSON_AddStringToObject(root, "code", t->in->initiative->code));
    }
    SCOPED(json_text) char *json = must(cJSON_PrintUnformatted(root));
    mail_add(t, asked.owner, asked.offered ? "coauthor_offer_answered" : "coauthor_answered", must(talloc_strdup(t->ctx, json)),
             t->in->now_ms);
    if (asked.offered)
        say(t, yes ? MSG_COAUTHOR_OFFER_TAKEN : MSG_COAUTHOR_OFFER_REFUSED, ARGS({"name", asked.name}));
    else
        say(t, yes ? MSG_COAUTHOR_THANKS : MSG_COAUTHOR_DENIED, NO_ARGS);
    restate(t);
}

void cmd_coauthor_yes(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    coauthor_answer(t, arg, true);
}

void cmd_coauthor_no(struct talk *t, int64_t arg, enum edit_field field)
{
    (void)field;
    coauthor_answer(t, arg, false);
}
