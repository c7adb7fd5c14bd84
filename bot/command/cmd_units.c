/* `sangkien units`: unit names that people typed and the tree does not know, and saying which unit is meant. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "commands.h"
#include "reading/text.h"
#include "reading/unit_name.h"

enum { LINES_MAX = 1000, DEADLINE_MS = 60000 };

const char units_usage[] =
    "usage: sangkien units unmatched         what people typed: people, initiatives, the words, the unit most like them (code, name, per cent)\n"
    "       sangkien units match TEXT CODE   that is what TEXT means: its people and initiatives get the unit, and so do those who type it\n"
    "                                        from now on\n\n"
    "Texts that differ in accents, case and blanks only are one.\n";

/* One text as typed; those of one key stand together after sorting. */
struct typed {
    const char *text, *key;
    int64_t people, initiatives;
    const char *code, *name; /* most like it; NULL: nothing is */
    int64_t score;
};

struct units {
    struct command *c;
    struct typed *typed;
    size_t count;
    struct known {
        int64_t id;
        const char *code;
    } *known; /* sorted by id */
    size_t known_count;
    int64_t people, initiatives; /* that were given the unit */
};

static int by_key(const void *a, const void *b)
{
    const struct typed *x = a, *y = b;
    int order = strcmp(x->key, y->key);
    int64_t n = x->people + x->initiatives, m = y->people + y->initiatives;
    return order ? order : (n < m) - (n > m); /* the spelling used most stands for all */
}

static int by_weight(const void *a, const void *b)
{
    const struct typed *x = a, *y = b;
    int64_t n = x->people + x->initiatives, m = y->people + y->initiatives;
    return n != m ? (n < m) - (n > m) : strcmp(x->key, y->key);
}

static void on_typed(const PGresult *res, void *ctx)
{
    struct units *u = ctx;
    u->count = (size_t)PQntuples(res);
    u->typed = talloc_zero_array(u->c, struct typed, (unsigned)u->count);
    for (int r = 0; r < PQntuples(res); r++) {
        const char *text = pg_text(u->typed, res, r, 0);
        u->typed[r] = (struct typed){.text = text, .key = unit_key(u->typed, str_of(text)), .people = pg_int8(res, r, 1), .initiatives = pg_int8(res, r, 2)};
    }
    if (u->count)
        qsort(u->typed, u->count, sizeof(struct typed), by_key);
}

static bool load(struct units *u, struct err *e)
{
    return command_query(u->c, SQL_UNIT_TYPED_WAITING, pg_params_new(u->c), on_typed, u, e);
}

/* ---- unmatched ---- */

static void join_spellings(struct units *u)
{
    size_t kept = 0;
    for (size_t i = 0; i < u->count; i++) {
        if (kept && strcmp(u->typed[kept - 1].key, u->typed[i].key) == 0) {
            u->typed[kept - 1].people += u->typed[i].people;
            u->typed[kept - 1].initiatives += u->typed[i].initiatives;
        } else {
            u->typed[kept++] = u->typed[i];
        }
    }
    u->count = kept;
    if (kept)
        qsort(u->typed, kept, sizeof(struct typed), by_weight);
}

static int by_id(const void *a, const void *b)
{
    const struct known *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static void on_known(const PGresult *res, void *ctx)
{
    struct units *u = ctx;
    u->known_count = (size_t)PQntuples(res);
    u->known = talloc_zero_array(u->c, struct known, (unsigned)u->known_count);
    for (int r = 0; r < PQntuples(res); r++)
        u->known[r] = (struct known){pg_int8(res, r, 0), pg_text(u->known, res, r, 1)};
    if (u->known_count)
        qsort(u->known, u->known_count, sizeof(struct known), by_id);
}

/* Rows of unit_match: the number of the text in place of a person, best first. */
static void on_matches(const PGresult *res, void *ctx)
{
    struct units *u = ctx;
    for (int r = 0; r < PQntuples(res); r++) {
        char number[24];
        struct str digits = pg_bytes(res, r, 0);
        snprintf(number, sizeof(number), "%.*s", STR_ARG(digits));
        struct typed *t = &u->typed[strtoul(number, NULL, 10)];
        struct known want = {.id = pg_int8(res, r, 1)};
        const struct known *k = u->known_count ? bsearch(&want, u->known, u->known_count, sizeof(want), by_id) : NULL;
        if (!t->name && k) {
            t->code = k->code;
            t->name = pg_text(u->typed, res, r, 2);
            t->score = pg_int8(res, r, 5);
        }
    }
}

static bool suggest(struct units *u, size_t shown, struct err *e)
{
    struct pg_params *p = pg_params_new(u->c);
    struct pg_array *numbers = pg_array_new(p, PG_TEXT), *keys = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < shown; i++) {
        pg_array_text(numbers, talloc_asprintf(p, "%zu", i));
        pg_array_text(keys, u->typed[i].key);
    }
    pg_param_array(p, numbers);
    pg_param_array(p, keys);
    return command_query(u->c, SQL_UNIT_ALL, pg_params_new(u->c), on_known, u, e) && command_query(u->c, SQL_UNIT_MATCH, p, on_matches, u, e);
}

static int unmatched(struct units *u, struct err *e)
{
    if (!load(u, e))
        return EX_UNAVAILABLE;
    join_spellings(u);
    size_t shown = u->count < LINES_MAX ? u->count : LINES_MAX;
    if (!suggest(u, shown, e))
        return EX_UNAVAILABLE;
    for (size_t i = 0; i < shown; i++) {
        const struct typed *t = &u->typed[i];
        printf("%" PRId64 "\t%" PRId64 "\t%s\t", t->people, t->initiatives, text_short(u->c, str_of(t->text), 200));
        if (t->name)
            printf("%s\t%s\t%" PRId64 "\n", t->code, t->name, t->score);
        else
            puts("-\t-\t-");
    }
    if (u->count > shown)
        fprintf(stderr, "and %zu more\n", u->count - shown);
    return EX_OK;
}

/* ---- match ---- */

static void on_given(const struct pg_answer *answer, void *ctx)
{
    struct units *u = ctx;
    u->people = strtoll(PQcmdTuples(answer->result[2]), NULL, 10);
    u->initiatives = strtoll(PQcmdTuples(answer->result[3]), NULL, 10);
}

struct found {
    bool there;
    int64_t id;
};

static void on_unit(const PGresult *res, void *ctx)
{
    struct found *f = ctx;
    f->there = PQntuples(res) == 1;
    f->id = f->there ? pg_int8(res, 0, 0) : 0;
}

static struct pg_params *texts_of(const struct units *u, struct pg_unit *unit, const char *key, int64_t unit_id)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *texts = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; i < u->count; i++)
        if (strcmp(u->typed[i].key, key) == 0)
            pg_array_text(texts, u->typed[i].text);
    pg_param_array(p, texts);
    if (unit_id)
        pg_param_int8(p, unit_id);
    return p;
}

/* The people's conversations are held meanwhile: a turn that read the old unit cannot write it back afterwards. */
static int match(struct units *u, const char *text, const char *code, struct err *e)
{
    struct found found = {0};
    struct pg_params *which = pg_params_new(u->c);
    const char *clean = text_clean(u->c, str_of(text)), *key = unit_key(u->c, str_of(clean));
    pg_param_text(which, code);
    if (!command_query(u->c, SQL_UNIT_BY_CODE, which, on_unit, &found, e) || !load(u, e))
        return EX_UNAVAILABLE;
    if (!found.there || !*key) {
        err_set(e, ERR_NOT_FOUND, found.there ? "the text has no letter" : "there is no unit with the code %s; `sangkien import units` brings them", code);
        return EX_DATAERR;
    }
    struct pg_unit *unit = pg_unit_new(u->c);
    struct pg_params *alias = pg_params_new(unit);
    pg_param_int8(alias, found.id);
    pg_param_text(alias, clean);
    pg_param_text(alias, key);
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_UNIT_TYPED_HOLD, texts_of(u, unit, key, 0));
    pg_add(unit, SQL_UNIT_GIVE_PEOPLE, texts_of(u, unit, key, found.id));
    pg_add(unit, SQL_UNIT_GIVE_INITIATIVES, texts_of(u, unit, key, found.id));
    pg_add(unit, SQL_UNIT_ALIAS_ADD, alias);
    pg_add_control(unit, "COMMIT");
    if (!command_commit(u->c, unit, DEADLINE_MS, on_given, u, e))
        return EX_UNAVAILABLE;
    printf("%" PRId64 " people and %" PRId64 " initiatives are of %s now; who types it from now on as well\n", u->people, u->initiatives, code);
    return EX_OK;
}

int cmd_units(struct settings *s, int argc, char **argv)
{
    struct err e = {0};
    bool list = argc == 2 && strcmp(argv[1], "unmatched") == 0, give = argc == 4 && strcmp(argv[1], "match") == 0;
    if (!list && !give) {
        fputs(units_usage, stderr);
        return EX_USAGE;
    }
    int code = EX_UNAVAILABLE;
    struct units u = {.c = command_new(NULL, s)};
    if (!u.c)
        err_set(&e, ERR_NOMEM, "out of memory");
    else if (command_open_database(u.c, &e))
        code = list ? unmatched(&u, &e) : match(&u, argv[2], argv[3], &e);
    if (code != EX_OK)
        fprintf(stderr, "sangkien units: %s\n", e.msg);
    talloc_free(u.c);
    return code;
}
