/* `sangkien invite` and `sangkien role`: who may do what beside registering, given by one-time codes, ended at once. */
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "command.h"
#include "commands.h"
#include "ids.h"
#include "role_store.h"
#include "zalo/sha256.h"

enum { CODE_HOURS = 24, PAGE = 200, LOG_LINES = 200 };

const char invite_usage[] =
    "usage: sangkien invite support|reviewer|unit_admin|organizer [--unit CODE]\n\n"
    "Prints a code.  Who sends \"/join CODE\" to the OA within 24 hours gets the role; the code serves once.  With --unit (as in\n"
    "`import units`) it holds in that unit and below; unit_admin needs one, without it the others hold everywhere.\n";

const char role_usage[] =
    "usage: sangkien role list                              USER, role, unit, name, since, by whom; separated by tabs\n"
    "       sangkien role revoke USER [ROLE] [--unit CODE]  ends it with the next message of that person; without ROLE all of them\n"
    "       sangkien role log [USER]                        the newest 200 privileged acts, of or about that person\n\n"
    "USER is the first column of the list.\n";

struct arguments {
    const char *word[3]; /* in order, without options */
    int words;
    const char *unit;
    bool bad;
};

static struct arguments read_arguments(int argc, char **argv)
{
    struct arguments a = {0};
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--unit=", 7) == 0)
            a.unit = argv[i] + 7;
        else if (strcmp(argv[i], "--unit") == 0 && i + 1 < argc)
            a.unit = argv[++i];
        else if (argv[i][0] == '-' || a.words == 3)
            a.bad = true;
        else
            a.word[a.words++] = argv[i];
    }
    return a;
}

static int fail(const char *command, const struct err *e)
{
    fprintf(stderr, "sangkien %s: %s\n", command, e->msg);
    return EX_UNAVAILABLE;
}

static int64_t new_id(void)
{
    struct ids ids;
    ids_init(&ids);
    return ids_next(&ids);
}

/* ---- invite ---- */

static bool make_code(char code[static INVITE_CODE_CHARS + 1])
{
    const unsigned letters = (unsigned)strlen(invite_alphabet), fair = 256 / letters * letters; /* above, some letters would come oftener */
    size_t n = 0;
    while (n < INVITE_CODE_CHARS) {
        unsigned char random;
        if (RAND_bytes(&random, 1) != 1)
            return false;
        if (random < fair)
            code[n++] = invite_alphabet[random % letters];
    }
    code[n] = '\0';
    return true;
}

struct invited {
    bool made;
    char until[COMMAND_TIME_SIZE];
    char unit[256];
};

static void on_invited(const PGresult *res, void *ctx)
{
    struct invited *i = ctx;
    i->made = PQntuples(res) == 1;
    if (!i->made)
        return;
    command_time(pg_time_ms(res, 0, 0), i->until);
    struct str unit = pg_bytes(res, 0, 1);
    snprintf(i->unit, sizeof(i->unit), "%.*s", STR_ARG(unit));
}

static int invite(struct command *c, const char *role, const char *unit)
{
    struct err e;
    char code[INVITE_CODE_CHARS + 1];
    unsigned char hash[SHA256_BYTES];
    struct str made = {code, INVITE_CODE_CHARS};
    if (!sha256_init() || !make_code(code) || !sha256_parts(&made, 1, hash)) {
        fputs("sangkien invite: OpenSSL gives no random bytes or no SHA-256\n", stderr);
        return EX_SOFTWARE;
    }
    struct pg_params *p = pg_params_new(c);
    pg_param_bytea(p, hash, sizeof(hash));
    pg_param_text(p, role);
    pg_param_text(p, unit);
    pg_param_text(p, command_actor(p));
    pg_param_int8(p, new_id());
    pg_param_int8(p, CODE_HOURS);
    struct invited done = {0};
    if (!command_query(c, SQL_INVITE_ADD, p, on_invited, &done, &e))
        return fail("invite", &e);
    if (!done.made) {
        fprintf(stderr, "sangkien invite: there is no unit with the code %s; `sangkien import units` brings them\n", unit);
        return EX_DATAERR;
    }
    printf("%.4s-%.4s-%.4s\n", code, code + 4, code + 8);
    fprintf(stderr, "for %s%s%s, once, until %s; to be sent to the OA as: /join %.4s-%.4s-%.4s\n", role, done.unit[0] ? " of " : " everywhere",
            done.unit, done.until, code, code + 4, code + 8);
    return EX_OK;
}

/* ---- role ---- */

struct page {
    TALLOC_CTX *memory;
    int rows;
    const char *user_id, *role; /* of the last row */
    int64_t unit_id;
};

static const char *or_dash(const char *s)
{
    return s && *s ? s : "-";
}

static void print_plain(const char *s)
{
    for (; *s; s++)
        putchar(*s == '\t' || *s == '\n' || *s == '\r' ? ' ' : *s);
}

static void on_roles(const PGresult *res, void *ctx)
{
    struct page *page = ctx;
    page->rows = PQntuples(res);
    for (int r = 0; r < page->rows; r++) {
        char since[COMMAND_TIME_SIZE];
        page->user_id = pg_text(page->memory, res, r, 0);
        page->role = pg_text(page->memory, res, r, 1);
        page->unit_id = pg_int8(res, r, 2);
        printf("%s\t%s\t%s\t", page->user_id, page->role, or_dash(pg_text(page->memory, res, r, 3)));
        print_plain(or_dash(pg_text(page->memory, res, r, 4)));
        printf("\t%s\t%s\n", command_time(pg_time_ms(res, r, 5), since), pg_text(page->memory, res, r, 6));
    }
}

static int role_list(struct command *c)
{
    struct err e;
    struct page page = {.memory = c, .user_id = "", .role = ""};
    bool any = false;
    do {
        struct pg_params *p = pg_params_new(c);
        pg_param_int8(p, PAGE);
        pg_param_text(p, page.user_id);
        pg_param_text(p, page.role);
        pg_param_int8(p, page.unit_id);
        if (!command_query(c, SQL_ROLE_LIST, p, on_roles, &page, &e))
            return fail("role", &e);
        any |= page.rows > 0;
    } while (page.rows == PAGE);
    if (!any)
        fputs("nobody holds a role; `sangkien invite` makes a code that gives one\n", stderr);
    return EX_OK;
}

static void on_revoked(const PGresult *res, void *ctx)
{
    *(int *)ctx = PQntuples(res);
}

static int role_revoke(struct command *c, const struct arguments *a)
{
    struct err e;
    int ended = 0;
    struct pg_params *p = pg_params_new(c);
    pg_param_text(p, a->word[1]);
    pg_param_text(p, a->word[2]);
    pg_param_text(p, a->unit);
    pg_param_text(p, command_actor(p));
    pg_param_int8(p, new_id());
    if (!command_query(c, SQL_ROLE_REVOKE, p, on_revoked, &ended, &e))
        return fail("role", &e);
    if (ended == 0) {
        fprintf(stderr, "sangkien role: %s holds no such role; `sangkien role list` shows who holds which\n", a->word[1]);
        return EX_DATAERR;
    }
    printf("%d ended\n", ended);
    return EX_OK;
}

static void on_log(const PGresult *res, void *ctx)
{
    TALLOC_CTX *memory = ctx;
    for (int r = 0; r < PQntuples(res); r++) {
        char at[COMMAND_TIME_SIZE];
        printf("%s\t%s\t%s\t%s\t%s\n", command_time(pg_time_ms(res, r, 0), at), pg_text(memory, res, r, 1), pg_text(memory, res, r, 2),
               or_dash(pg_text(memory, res, r, 3)), pg_text(memory, res, r, 4));
    }
}

static int role_log(struct command *c, const char *user_id)
{
    struct err e;
    struct pg_params *p = pg_params_new(c);
    pg_param_int8(p, LOG_LINES);
    pg_param_text(p, user_id);
    return command_query(c, SQL_AUDIT_LIST, p, on_log, c, &e) ? EX_OK : fail("role", &e);
}

/* ---- both ---- */

static int with_database(struct settings *s, const char *name, int (*run)(struct command *c, const struct arguments *a),
                         const struct arguments *a)
{
    struct err e;
    struct command *c = command_new(NULL, s);
    int code = EX_UNAVAILABLE;
    if (!c)
        fprintf(stderr, "sangkien %s: out of memory\n", name);
    else if (!command_open_database(c, &e))
        fprintf(stderr, "sangkien %s: %s\n", name, e.msg);
    else
        code = run(c, a);
    talloc_free(c);
    return code;
}

static int run_invite(struct command *c, const struct arguments *a)
{
    return invite(c, a->word[0], a->unit);
}

int cmd_invite(struct settings *s, int argc, char **argv)
{
    struct arguments a = read_arguments(argc, argv);
    enum role role = role_named(a.word[0]);
    if (a.bad || a.words != 1 || role == ROLE_NONE) {
        fputs(invite_usage, stderr);
        return EX_USAGE;
    }
    if (role == ROLE_UNIT_ADMIN && !a.unit) {
        fputs("sangkien invite: a unit_admin needs a unit: --unit CODE\n", stderr);
        return EX_USAGE;
    }
    return with_database(s, "invite", run_invite, &a);
}

static int run_role(struct command *c, const struct arguments *a)
{
    if (strcmp(a->word[0], "list") == 0)
        return role_list(c);
    return strcmp(a->word[0], "log") == 0 ? role_log(c, a->word[1]) : role_revoke(c, a);
}

int cmd_role(struct settings *s, int argc, char **argv)
{
    struct arguments a = read_arguments(argc, argv);
    const char *verb = a.words ? a.word[0] : "";
    bool list = strcmp(verb, "list") == 0 && a.words == 1 && !a.unit;
    bool log = strcmp(verb, "log") == 0 && a.words <= 2 && !a.unit;
    bool revoke = strcmp(verb, "revoke") == 0 && a.words >= 2 && (!a.word[2] || role_named(a.word[2]) != ROLE_NONE);
    if (a.bad || !(list || log || revoke)) {
        fputs(role_usage, stderr);
        return EX_USAGE;
    }
    return with_database(s, "role", run_role, &a);
}
