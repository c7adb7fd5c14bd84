/* `sangkien similar`: which stored initiatives are like the one on each line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <event2/event.h>

#include "command.h"
#include "commands.h"
#include "reading/similarity.h"
#include "reading/text.h"
#include "similar/similar.h"
#include "zalo/json.h"

enum { LINES_MAX = 5, JSON_ROOM = 512 };

const char similar_usage[] = "usage: sangkien similar [--verbose] < LINES\n"
                            "Each line is {\"title\": ..., \"description\": ...}.  For each: `code<TAB>score<TAB>title` of up to five stored\n"
                            "initiatives, best first, then a blank line.  A score is 0 to 1000; from 460 on it is \"very similar\".\n"
                            "  --verbose  on stderr: how long each look-up took\n";

struct asking {
    bool done;
    struct err e;
};

static void on_matches(const struct similar_match *match, size_t count, const struct err *e, void *arg)
{
    struct asking *a = arg;
    a->done = true;
    if (e)
        a->e = *e;
    for (size_t i = 0; i < count; i++) {
        printf("%s\t%d\t", match[i].code, match[i].score);
        for (const char *p = match[i].title; *p; p++)
            putchar(*p == '\t' || *p == '\n' ? ' ' : *p);
        putchar('\n');
    }
}

static bool ask(struct command *c, struct str line, bool verbose, struct err *e)
{
    TALLOC_CTX *tmp = talloc_new(c);
    struct json_token room[JSON_ROOM];
    struct json doc;
    bool ok = json_read(&doc, line, room, JSON_ROOM, e);
    if (ok && json_type(&doc, JSON_ROOT) != JSON_OBJECT)
        ok = err_set(e, ERR_INVALID, "it is JSON, but no object");
    const char *title = ok ? json_string(tmp, &doc, json_get(&doc, JSON_ROOT, STR("title"))) : NULL;
    const char *description = ok ? json_string(tmp, &doc, json_get(&doc, JSON_ROOT, STR("description"))) : NULL;
    if (ok && !title && !description)
        ok = err_set(e, ERR_INVALID, "it has neither a title nor a description");
    if (ok) {
        struct asking a = {0};
        struct timespec from, to;
        clock_gettime(CLOCK_MONOTONIC, &from);
        similar_look_up(c->db, str_of(text_clean(tmp, str_of(title))), str_of(text_clean(tmp, str_of(description))), LINES_MAX, on_matches, &a);
        while (!a.done)
            if (event_base_loop(c->base, EVLOOP_ONCE) != 0)
                TALLOC_FREE(c->db); /* calls back */
        clock_gettime(CLOCK_MONOTONIC, &to);
        if (verbose)
            fprintf(stderr, "%lld us\n", (long long)(to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000);
        if (a.e.kind != ERR_NONE) {
            *e = a.e;
            ok = false;
        }
    }
    talloc_free(tmp);
    return ok;
}

static int answer_lines(struct command *c, bool verbose)
{
    struct err e = {0};
    char *line = NULL;
    size_t room = 0;
    int code = EX_OK;
    long number = 0;
    for (ssize_t n; code != EX_UNAVAILABLE && (n = getline(&line, &room, stdin)) > 0;) {
        number++;
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r'))
            n--;
        if (n > 0 && !ask(c, (struct str){line, (size_t)n}, verbose, &e)) {
            fprintf(stderr, "sangkien similar: line %ld: %s\n", number, e.msg);
            code = e.kind == ERR_INVALID ? EX_DATAERR : EX_UNAVAILABLE;
        }
        putchar('\n');
        fflush(stdout);
    }
    free(line);
    return code;
}

/* Commands do without prepared statements; a command that asks the same thing for every line is better off with them. */
static bool reopen_prepared(struct command *c, struct err *e)
{
    struct pg_options options = {.url = c->settings->database.url, .name = "similar", .named_statements = c->settings->database.named_statements};
    TALLOC_FREE(c->db);
    c->db = pg_queue_new(c, c->base, &options);
    return c->db || err_set(e, ERR_NOMEM, "out of memory");
}

int cmd_similar(struct settings *s, int argc, char **argv)
{
    bool verbose = argc == 2 && strcmp(argv[1], "--verbose") == 0;
    if (argc > 1 && !verbose) {
        fprintf(stderr, "sangkien similar: unknown argument %s\n%s", argv[1], similar_usage);
        return EX_USAGE;
    }
    struct err e = {0};
    struct command *c = command_new(NULL, s);
    int code = EX_UNAVAILABLE;
    if (!c)
        fputs("sangkien similar: out of memory\n", stderr);
    else if (!command_open_database(c, &e) || !reopen_prepared(c, &e) || !command_index_similar(c, &e))
        fprintf(stderr, "sangkien similar: %s\n", e.msg);
    else
        code = answer_lines(c, verbose);
    talloc_free(c);
    return code;
}
