/* `sangkien catch-up`: asks a running server to read back what Zalo did not send again, and waits for its figures. */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "catch_up.h"
#include "clock.h"
#include "command.h"
#include "commands.h"

enum { LOOK_MS = 500, TAKEN_UP_MS = 30000, HOURS_DEFAULT = 24 };

const char catch_up_usage[] = "usage: sangkien catch-up [--hours N]\n\n"
                            "A running server reads the conversations of the last N hours (24; at most 168) back from Zalo and feeds what is\n"
                            "missing, each message once.  It does so by itself at its start after an outage that Zalo does not make up for; this\n"
                            "is for when the webhook was switched off, or answered what it should not have.\n";

struct state {
    bool wanted, taken_up, cut_off;
    int64_t people, messages, missing, unreadable;
};

static void on_state(const PGresult *res, void *ctx)
{
    struct state *s = ctx;
    if (PQntuples(res) == 1)
        *s = (struct state){pg_bool(res, 0, 0), !pg_null(res, 0, 1), pg_bool(res, 0, 6), pg_int8(res, 0, 2), pg_int8(res, 0, 3), pg_int8(res, 0, 4),
                            pg_int8(res, 0, 5)};
}

static bool look(struct command *c, struct state *ret, struct err *e)
{
    struct pg_params *p = pg_params_new(c);
    pg_param_text(p, c->settings->zalo.oa_id);
    return command_query(c, SQL_CATCH_UP_GET, p, on_state, ret, e);
}

static bool want(struct command *c, int64_t hours, struct err *e)
{
    struct pg_params *p = pg_params_new(c);
    pg_param_text(p, c->settings->zalo.oa_id);
    pg_param_int8(p, hours * 3600000);
    return command_query(c, SQL_CATCH_UP_WANT, p, NULL, NULL, e);
}

static int wait_for_it(struct command *c)
{
    struct err e;
    struct state s = {.wanted = true};
    int64_t begin_ms = clock_monotonic_ms(), told_ms = begin_ms;
    while (s.wanted) {
        poll(NULL, 0, LOOK_MS); /* nobody tells us when */
        int64_t now_ms = clock_monotonic_ms();
        if (!look(c, &s, &e)) {
            fprintf(stderr, "sangkien catch-up: %s; the server goes on with it\n", e.msg);
            return EX_UNAVAILABLE;
        }
        if (s.wanted && !s.taken_up && now_ms - begin_ms > TAKEN_UP_MS) {
            fprintf(stderr, "sangkien catch-up: no running server has taken it up: start it (systemctl start sangkien), it does so at its start\n");
            return EX_TEMPFAIL;
        }
        if (s.taken_up && now_ms - told_ms > 10000) {
            told_ms = now_ms;
            fprintf(stderr, "%" PRId64 " conversations read so far\n", s.people);
        }
    }
    printf("%" PRId64 " conversations, %" PRId64 " messages, %" PRId64 " had been missed, %" PRId64 " of a kind that cannot be read back\n", s.people,
           s.messages, s.missing, s.unreadable);
    if (s.cut_off)
        printf("not all could be read: see the server's log\n");
    return EX_OK;
}

int cmd_catch_up(struct settings *s, int argc, char **argv)
{
    int64_t hours = HOURS_DEFAULT;
    char *rest = NULL;
    if (argc == 3 && strcmp(argv[1], "--hours") == 0)
        hours = strtol(argv[2], &rest, 10);
    if ((argc != 1 && !rest) || (rest && *rest) || hours < 1 || hours > CATCH_UP_BACK_HOURS_MAX) {
        fputs(catch_up_usage, stderr);
        return EX_USAGE;
    }
    if (!s->zalo.oa_id[0]) {
        fprintf(stderr, "sangkien catch-up: zalo.oa_id is not set\n");
        return EX_CONFIG;
    }
    struct err e;
    struct command *c = command_new(NULL, s);
    int code = EX_UNAVAILABLE;
    if (c && command_open_database(c, &e) && want(c, hours, &e))
        code = wait_for_it(c);
    else
        fprintf(stderr, "sangkien catch-up: %s\n", c ? e.msg : "out of memory");
    talloc_free(c);
    return code;
}
