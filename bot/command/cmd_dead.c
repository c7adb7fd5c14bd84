/* `sangkien dead`: the events that could not be processed: which, since when, why; once more, or away with them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "commands.h"
#include "conversation_store.h"
#include "ids.h"

enum { PAGE = 500 };

const char dead_usage[] =
    "usage: sangkien dead list             KEY, time in Vietnam, bytes and error of each, separated by tabs\n"
    "       sangkien dead retry KEY|--all  gives it back to the service, which handles it like a late message of that person\n"
    "       sangkien dead drop KEY|--all   deletes it for good\n\n"
    "KEY is the first column of the list.  An event that fails again is in the list again, with its new error.\n";

struct dead {
    const char *user_id;
    struct str key;
    int64_t at_ms, bytes;
    const char *error;
};

struct page {
    TALLOC_CTX *memory; /* of the rows */
    struct dead row[PAGE];
    int rows;
};

static void on_page(const PGresult *res, void *ctx)
{
    struct page *page = ctx;
    page->rows = PQntuples(res);
    for (int i = 0; i < page->rows; i++) {
        struct str key = pg_bytes(res, i, 1);
        page->row[i] = (struct dead){
            .user_id = talloc_strdup(page->memory, pg_text(page->memory, res, i, 0)),
            .key = {talloc_memdup(page->memory, key.p, key.n), key.n},
            .at_ms = pg_time_ms(res, i, 2),
            .bytes = pg_int8(res, i, 3),
            .error = talloc_strdup(page->memory, pg_text(page->memory, res, i, 4)),
        };
    }
}

/* The page behind the last row of the one before. */
static bool next_page(struct command *c, struct page *page, struct err *e)
{
    TALLOC_CTX *before = page->memory;
    struct dead last = page->rows > 0 ? page->row[page->rows - 1] : (struct dead){.user_id = "", .key = STR("")};
    struct pg_params *p = pg_params_new(c);
    pg_param_int8(p, PAGE);
    pg_param_text(p, last.user_id);
    pg_param_bytea(p, last.key.p, last.key.n);
    page->memory = talloc_new(c);
    page->rows = 0;
    bool ok = command_query(c, SQL_DEAD_LIST, p, on_page, page, e);
    talloc_free(before);
    return ok;
}

static void print_row(const struct dead *d)
{
    char time[COMMAND_TIME_SIZE];
    printf("%s/", d->user_id);
    for (size_t i = 0; i < d->key.n; i++)
        printf("%02x", (unsigned char)d->key.p[i]);
    printf("\t%s\t%" PRId64 "\t", command_time(d->at_ms, time), d->bytes);
    for (const char *at = d->error; *at; at++)
        putchar(*at == '\t' || *at == '\n' || *at == '\r' ? ' ' : *at);
    putchar('\n');
}

/* "USER/32 hex digits", the user id may hold a slash itself. */
static bool parse_key(TALLOC_CTX *ctx, const char *text, struct dead *ret)
{
    const char *slash = strrchr(text, '/');
    unsigned char *key = talloc_size(ctx, EVENT_KEY_BYTES);
    if (!slash || slash == text || strlen(slash + 1) != 2 * EVENT_KEY_BYTES || strspn(slash + 1, "0123456789abcdef") != 2 * EVENT_KEY_BYTES)
        return false;
    for (size_t i = 0; i < EVENT_KEY_BYTES; i++) {
        const char two[] = {slash[1 + 2 * i], slash[2 + 2 * i], '\0'};
        key[i] = (unsigned char)strtoul(two, NULL, 16);
    }
    *ret = (struct dead){.user_id = talloc_strndup(ctx, text, (size_t)(slash - text)), .key = {(char *)key, EVENT_KEY_BYTES}};
    return true;
}

static void on_changed(const PGresult *res, void *ctx)
{
    *(bool *)ctx = strcmp(PQcmdTuples((PGresult *)res), "1") == 0; /* libpq forgot the const */
}

static bool change(struct command *c, enum sql_id what, const struct dead *d, struct ids *ids, bool *there, struct err *e)
{
    struct pg_params *p = pg_params_new(c);
    pg_param_text(p, d->user_id);
    pg_param_bytea(p, d->key.p, d->key.n);
    if (what == SQL_DEAD_RETRY)
        pg_param_int8(p, ids_next(ids));
    *there = false;
    return command_query(c, what, p, on_changed, there, e);
}

static int fail(const struct err *e)
{
    fprintf(stderr, "sangkien dead: %s\n", e->msg);
    return EX_UNAVAILABLE;
}

static int list(struct command *c)
{
    struct err e;
    struct page page = {.memory = NULL};
    bool any = false;
    do {
        if (!next_page(c, &page, &e))
            return fail(&e);
        for (int i = 0; i < page.rows; i++)
            print_row(&page.row[i]);
        any |= page.rows > 0;
    } while (page.rows == PAGE);
    if (!any)
        fputs("no dead events\n", stderr);
    return EX_OK;
}

static int change_all(struct command *c, enum sql_id what, uint64_t *count)
{
    struct err e;
    struct ids ids;
    struct page page = {.memory = NULL};
    ids_init(&ids);
    do {
        if (!next_page(c, &page, &e))
            return fail(&e);
        for (int i = 0; i < page.rows; i++) {
            bool there;
            if (!change(c, what, &page.row[i], &ids, &there, &e))
                return fail(&e);
            *count += there;
        }
    } while (page.rows == PAGE);
    return EX_OK;
}

static int change_one(struct command *c, enum sql_id what, const char *text, uint64_t *count)
{
    struct err e;
    struct ids ids;
    struct dead d;
    bool there;
    ids_init(&ids);
    if (!parse_key(c, text, &d)) {
        fprintf(stderr, "sangkien dead: \"%s\" is no key: copy the first column of `sangkien dead list`\n", text);
        return EX_USAGE;
    }
    if (!change(c, what, &d, &ids, &there, &e))
        return fail(&e);
    *count = there;
    if (there)
        return EX_OK;
    fprintf(stderr, "sangkien dead: there is no dead event %s; `sangkien dead list` shows those there are\n", text);
    return EX_DATAERR;
}

static int run(struct command *c, const char *verb, const char *which)
{
    if (strcmp(verb, "list") == 0)
        return list(c);
    bool retry = strcmp(verb, "retry") == 0;
    enum sql_id what = retry ? SQL_DEAD_RETRY : SQL_DEAD_DROP;
    uint64_t count = 0;
    int code = strcmp(which, "--all") == 0 ? change_all(c, what, &count) : change_one(c, what, which, &count);
    if (code != EX_OK)
        return code;
    printf("%" PRIu64 " %s\n", count, retry ? "given back: a running service takes them within seconds" : "dropped");
    return EX_OK;
}

int cmd_dead(struct settings *s, int argc, char **argv)
{
    const char *verb = argc > 1 ? argv[1] : "";
    bool change = strcmp(verb, "retry") == 0 || strcmp(verb, "drop") == 0;
    if ((!change && strcmp(verb, "list") != 0) || argc != (change ? 3 : 2)) {
        fputs(dead_usage, stderr);
        return EX_USAGE;
    }
    struct err e;
    struct command *c = command_new(NULL, s);
    if (!c) {
        fputs("sangkien dead: out of memory\n", stderr);
        return EX_OSERR;
    }
    int code = command_open_database(c, &e) ? run(c, verb, change ? argv[2] : "") : fail(&e);
    talloc_free(c);
    return code == EX_OK && fflush(stdout) != 0 ? EX_IOERR : code;
}
