/* Reading segments: see segment.h. */
#include "segment.h"

#include <string.h>

enum { DEPTH_MAX = 20, DAYS_MAX = 3650 };

static const struct {
    const char *kind;
    enum { ARG_NONE, ARG_DAYS, ARG_CODE, ARG_WAVE, ARG_ROLE } arg;
} kinds[] = {
    {"everybody", ARG_NONE}, {"registered", ARG_NONE}, {"initiative", ARG_NONE}, {"draft", ARG_NONE},
    {"returned", ARG_NONE},  {"silent", ARG_DAYS},     {"unit", ARG_CODE},       {"behind", ARG_WAVE},
    {"role", ARG_ROLE},
};

static const char *const roles[] = {"support", "reviewer", "unit_admin", "organizer"};

/* What a condition alone holds for: those numbers below 64 in which its bit is set. */
static const uint64_t alone[SEGMENT_CONDITIONS_MAX] = {
    0xaaaaaaaaaaaaaaaa, 0xcccccccccccccccc, 0xf0f0f0f0f0f0f0f0, 0xff00ff00ff00ff00, 0xffff0000ffff0000, 0xffffffff00000000,
};

struct parser {
    TALLOC_CTX *ctx;
    struct str rest;
    struct str word; /* the next one; empty at the end */
    struct segment *out;
    struct err *e;
    int depth;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void advance(struct parser *p)
{
    struct str s = p->rest;
    while (s.n > 0 && is_blank(s.p[0]))
        s = str_skip(s, 1);
    size_t n = 0;
    while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '(' && s.p[n] != ')')
        n++;
    if (n == 0 && s.n > 0) /* a parenthesis is a word by itself */
        n = 1;
    p->word = (struct str){s.p, n};
    p->rest = str_skip(s, n);
}

static bool is(const struct parser *p, const char *word)
{
    return str_eq(p->word, str_of(word));
}

static bool expected(struct parser *p, const char *what)
{
    if (p->word.n == 0)
        return err_set(p->e, ERR_INVALID, "segment: expected %s at the end", what);
    return err_set(p->e, ERR_INVALID, "segment: expected %s instead of \"%.*s\"", what, p->word.n > 60 ? 60 : STR_ARG(p->word));
}

static bool read_arg(struct parser *p, size_t kind, const char **ret)
{
    *ret = "";
    if (kinds[kind].arg == ARG_NONE)
        return true;
    bool good = p->word.n > 0 && !is(p, "(") && !is(p, ")");
    if (kinds[kind].arg == ARG_DAYS) {
        int days = 0;
        good = good && p->word.n <= 4;
        for (size_t i = 0; good && i < p->word.n; i++) {
            good = p->word.p[i] >= '0' && p->word.p[i] <= '9';
            days = days * 10 + (p->word.p[i] - '0');
        }
        if (!good || days < 1 || days > DAYS_MAX)
            return expected(p, "a number of days after silent");
    } else if (kinds[kind].arg == ARG_ROLE) {
        bool known = false;
        for (size_t i = 0; i < ARRAY_LEN(roles); i++)
            known |= is(p, roles[i]);
        if (!known)
            return expected(p, "support, reviewer, unit_admin or organizer after role");
    } else if (!good) {
        return expected(p, kinds[kind].arg == ARG_WAVE ? "the code of a wave after behind" : "the code of a unit after unit");
    }
    *ret = talloc_strndup(p->ctx, p->word.p, p->word.n);
    advance(p);
    return *ret || err_set(p->e, ERR_NOMEM, "out of memory");
}

static bool read_condition(struct parser *p, uint64_t *ret)
{
    size_t kind = 0;
    while (kind < ARRAY_LEN(kinds) && !is(p, kinds[kind].kind))
        kind++;
    if (kind == ARRAY_LEN(kinds))
        return expected(p, "everybody, registered, initiative, draft, returned, silent DAYS, unit CODE, behind WAVE, role ROLE, not or (");
    const char *arg;
    advance(p);
    if (!read_arg(p, kind, &arg))
        return false;
    struct segment *s = p->out;
    size_t i = 0;
    while (i < s->count && (strcmp(s->condition[i].kind, kinds[kind].kind) != 0 || strcmp(s->condition[i].arg, arg) != 0))
        i++;
    if (i == SEGMENT_CONDITIONS_MAX)
        return err_set(p->e, ERR_INVALID, "segment: more than %d different conditions", SEGMENT_CONDITIONS_MAX);
    if (i == s->count) {
        s->condition[i].kind = kinds[kind].kind;
        s->condition[i].arg = arg;
        s->count++;
    }
    *ret = alone[i];
    return true;
}

static bool read_any(struct parser *p, uint64_t *ret);

static bool read_one(struct parser *p, uint64_t *ret)
{
    bool negated = false, ok;
    while (is(p, "not")) {
        negated = !negated;
        advance(p);
    }
    if (is(p, "(")) {
        if (++p->depth > DEPTH_MAX)
            return err_set(p->e, ERR_INVALID, "segment: more than %d open parentheses", DEPTH_MAX);
        advance(p);
        ok = read_any(p, ret) && (is(p, ")") || expected(p, ")"));
        advance(p);
        p->depth--;
    } else {
        ok = read_condition(p, ret);
    }
    if (ok && negated)
        *ret = ~*ret;
    return ok;
}

static bool read_all(struct parser *p, uint64_t *ret)
{
    uint64_t next;
    if (!read_one(p, ret))
        return false;
    while (is(p, "and")) {
        advance(p);
        if (!read_one(p, &next))
            return false;
        *ret &= next;
    }
    return true;
}

static bool read_any(struct parser *p, uint64_t *ret)
{
    uint64_t next;
    if (!read_all(p, ret))
        return false;
    while (is(p, "or")) {
        advance(p);
        if (!read_all(p, &next))
            return false;
        *ret |= next;
    }
    return true;
}

bool segment_parse(TALLOC_CTX *ctx, struct str text, struct segment *ret, struct err *e)
{
    struct segment s = {.count = 0};
    struct parser p = {.ctx = ctx, .rest = text, .out = &s, .e = e};
    if (text.n > SEGMENT_BYTES_MAX)
        return err_set(e, ERR_INVALID, "segment: longer than %d bytes", SEGMENT_BYTES_MAX);
    advance(&p);
    if (!read_any(&p, &s.truth))
        return false;
    if (p.word.n > 0)
        return expected(&p, "and, or, or the end");
    *ret = s;
    return true;
}
