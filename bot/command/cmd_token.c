/* `sangkien token set|show`: gives the service its first tokens, or new ones after the OA's admin had to consent again. */
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "log.h"
#include "secret.h"
#include "token/token_file.h"
#include "token_input.h"
#include "zalo/encode.h"

enum { INPUT_MAX = 64 * 1024, VERIFIER_CHARS = 43, STATE_BYTES = 12 };

static const int64_t LIFETIME_DEFAULT_MS = INT64_C(90000) * 1000;

struct work {
    TALLOC_CTX *memory;
    const struct settings *settings;
    struct command *command;
    struct seal_key *key;
    struct command_token row; /* as it was before */
};

static int complain(int code, const char *what)
{
    fprintf(stderr, "sangkien token: %s\n", what);
    return code;
}

static int64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- storing ---- */

static bool add_sealed(struct work *w, struct pg_params *p, const char *what, const char *token, struct err *e)
{
    struct str sealed;
    if (!seal_close(p, w->key, token_about(p, w->settings->zalo.oa_id, what), str_of(token), &sealed, e))
        return false;
    pg_param_bytea(p, sealed.p, sealed.n);
    return true;
}

static bool store_row(struct work *w, const char *access, const char *refresh, int64_t lifetime_ms, struct err *e)
{
    struct pg_params *p = pg_params_new(w->memory);
    pg_param_text(p, w->settings->zalo.oa_id);
    if (!add_sealed(w, p, "access", access, e) || !add_sealed(w, p, "refresh", refresh, e))
        return false;
    pg_param_int8(p, lifetime_ms);
    return command_query(w->command, SQL_TOKEN_SET, p, NULL, NULL, e);
}

/* One call tells a pasted typing error before a worker's message does. */
static void try_token(struct work *w, const char *access)
{
    struct zalo_answer answer;
    struct zalo_oa oa;
    struct err e;
    if (!w->command->zalo && !command_open_zalo(w->command, &e))
        fprintf(stderr, "not tried with Zalo: %s\n", e.msg);
    else if (!command_ask_oa(w->memory, w->command, access, &answer, &oa, &e))
        fprintf(stderr, "not tried with Zalo: %s\n", e.msg);
    else if (answer.class == ZALO_OK && oa.oa_id && strcmp(oa.oa_id, w->settings->zalo.oa_id) != 0)
        fprintf(stderr, "warning: the token belongs to the OA %s, zalo.oa_id says %s\n", oa.oa_id, w->settings->zalo.oa_id);
    else if (answer.class == ZALO_OK)
        printf("Zalo accepts it: %s\n", oa.name ? oa.name : "an OA without a name");
    else
        fprintf(stderr, "warning: Zalo does not accept the access token now: %s (code %d); the service will try to refresh it\n",
                answer.meaning, answer.code);
}

static int store(struct work *w, const char *access, const char *refresh, int64_t lifetime_ms)
{
    struct err e, read;
    struct command_token now;
    char expires[COMMAND_TIME_SIZE];
    if (!store_row(w, access, refresh, lifetime_ms, &e)) {
        fprintf(stderr, "sangkien token set: the tokens could not be stored: %s\n", e.msg);
        return EX_UNAVAILABLE;
    }
    if (command_token_row(w->memory, w->command, w->key, &now, &read) && now.found)
        printf("stored as generation %" PRId64 ", expires %s (Vietnam time)\n", now.generation, command_time(now.expires_at_ms, expires));
    else
        puts("stored");
    try_token(w, access);
    puts("A running service takes them over within half a minute; `sangkien check` looks at everything.");
    return EX_OK;
}

/* ---- an authorization code ---- */

struct exchange {
    TALLOC_CTX *memory;
    bool done;
    char *access, *refresh;
    int64_t expires_in_s;
    enum zalo_class class;
    char why[400];
};

static void on_tokens(const struct zalo_tokens *tokens, const struct zalo_answer *answer, void *ctx)
{
    struct exchange *x = ctx;
    x->done = true;
    x->class = answer->class;
    snprintf(x->why, sizeof(x->why), "%s (code %d)%s%s", answer->meaning, answer->code, answer->message[0] ? ": " : "", answer->message);
    if (!tokens)
        return;
    x->access = secret_copy(x->memory, str_of(tokens->access_token));
    x->refresh = tokens->refresh_token ? secret_copy(x->memory, str_of(tokens->refresh_token)) : NULL;
    x->expires_in_s = tokens->expires_in_s;
}

/* A code works once, so what it brought is on disk before anything else can fail; a running service also finds it there. */
static void write_file(struct work *w, const char *access, const char *refresh, int64_t lifetime_ms)
{
    struct token_pair pair = {.access = access, .refresh = refresh, .base_generation = w->row.found ? w->row.generation : 0,
                              .expires_at_ms = wall_ms() + lifetime_ms};
    struct err e;
    if (w->row.opens)
        token_fingerprint(w->row.access, w->row.refresh, pair.base);
    if (!token_file_write(w->settings, w->key, &pair, &e))
        fprintf(stderr, "warning: %s, ignoring\n", e.msg);
}

static int exchange(struct work *w, const char *code, const char *verifier)
{
    struct exchange x = {.memory = w->memory};
    struct err e;
    if (!command_open_zalo(w->command, &e) || !zalo_client_exchange_code(w->command->zalo, code, verifier, on_tokens, &x, &e) ||
        !command_wait(w->command, &x.done, &e)) {
        fprintf(stderr, "sangkien token set: the code could not be exchanged: %s; a code works once, for ten minutes\n", e.msg);
        zalo_client_free(w->command->zalo); /* nothing calls back any more */
        w->command->zalo = NULL;
        return EX_UNAVAILABLE;
    }
    if (x.class != ZALO_OK || !x.access || !x.refresh) {
        fprintf(stderr, "sangkien token set: Zalo did not give tokens for the code: %s; open the link again for a new code\n",
                x.class == ZALO_OK ? "the answer holds no refresh token" : x.why);
        return x.class == ZALO_RETRY || x.class == ZALO_UNKNOWN_OUTCOME ? EX_UNAVAILABLE : EX_NOPERM;
    }
    log_hide(x.access);
    log_hide(x.refresh);
    int64_t lifetime_ms = x.expires_in_s > 0 ? x.expires_in_s * 1000 : LIFETIME_DEFAULT_MS;
    write_file(w, x.access, x.refresh, lifetime_ms);
    return store(w, x.access, x.refresh, lifetime_ms);
}

/* ---- the consent page ---- */

/* 43 characters of base64url from 32 random bytes (zalo-oa-api.md 4.1: exactly 43). */
static bool new_verifier(char ret[static VERIFIER_CHARS + 2])
{
    unsigned char random[32];
    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    EVP_EncodeBlock((unsigned char *)ret, random, sizeof(random));
    ret[VERIFIER_CHARS] = '\0';
    for (char *c = ret; *c; c++)
        *c = (char)(*c == '+' ? '-' : *c == '/' ? '_' : *c);
    return true;
}

static bool new_state(char ret[static 2 * STATE_BYTES + 1])
{
    unsigned char random[STATE_BYTES];
    if (RAND_bytes(random, sizeof(random)) != 1)
        return false;
    for (size_t i = 0; i < sizeof(random); i++)
        snprintf(ret + 2 * i, 3, "%02x", random[i]);
    return true;
}

/* One line from the terminal, wiped later. */
static char *ask(TALLOC_CTX *ctx, const char *question)
{
    char *line = secret_room(ctx, INPUT_MAX);
    fputs(question, stdout);
    fflush(stdout);
    if (!line || !fgets(line, INPUT_MAX, stdin))
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return line;
}

static int by_consent(struct work *w, const char *redirect_uri)
{
    const struct settings *s = w->settings;
    char verifier[VERIFIER_CHARS + 2], state[2 * STATE_BYTES + 1];
    struct token_input input;
    struct err e;
    if (!redirect_uri)
        redirect_uri = ask(w->memory, "The callback address of the app, exactly as saved in the Zalo developer console:\n> ");
    if (!redirect_uri || !redirect_uri[0])
        return complain(EX_USAGE, "no callback address, so there is no link to open; give it with --redirect-uri URL");
    if (!new_verifier(verifier) || !new_state(state))
        return complain(EX_OSERR, "OpenSSL gave no random bytes");
    const char *link = zalo_encode_consent_url(w->memory, s->zalo.oauth_url, s->zalo.app_id, redirect_uri, verifier, state);
    if (!link)
        return complain(EX_OSERR, "out of memory");
    printf("\nOpen this link in a browser as an admin of the OA and agree:\n\n  %s\n\n"
           "The browser then goes to the callback address, whether or not a page is there.\n", link);
    const char *line = ask(w->memory, "Paste the whole address from the browser, or the code in it (good for ten minutes, once):\n> ");
    if (!line || !line[0])
        return complain(EX_NOINPUT, "nothing was pasted; nothing has changed");
    if (!token_input_read_code(w->memory, str_of(line), &input, &e))
        return complain(EX_DATAERR, e.msg);
    if (input.state && strcmp(input.state, state) != 0)
        return complain(EX_DATAERR, "that address belongs to another link than the one above; open that one again");
    if (input.oa_id && strcmp(input.oa_id, s->zalo.oa_id) != 0)
        return complain(EX_DATAERR, "the consent was given for another OA than zalo.oa_id; open the link as an admin of that one");
    return exchange(w, input.code, verifier);
}

/* ---- the command ---- */

static char *read_input(TALLOC_CTX *ctx, size_t *ret_n)
{
    char *text = secret_room(ctx, INPUT_MAX);
    *ret_n = text ? fread(text, 1, INPUT_MAX, stdin) : 0;
    return text && !ferror(stdin) && *ret_n < INPUT_MAX ? text : NULL;
}

static int by_input(struct work *w)
{
    struct token_input input;
    struct err e;
    size_t n;
    const char *text = read_input(w->memory, &n);
    if (!text)
        return complain(EX_NOINPUT, "stdin cannot be read, or holds more than 64 KB");
    if (!token_input_read(w->memory, (struct str){text, n}, &input, &e)) {
        fprintf(stderr, "sangkien token set: %s\n", e.msg);
        return EX_DATAERR;
    }
    if (input.code)
        return exchange(w, input.code, input.code_verifier);
    log_hide(input.access);
    log_hide(input.refresh);
    return store(w, input.access, input.refresh, input.expires_in_s > 0 ? input.expires_in_s * 1000 : LIFETIME_DEFAULT_MS);
}

static int token_set(struct work *w, const char *redirect_uri)
{
    const struct settings *s = w->settings;
    struct err e;
    if (!s->zalo.app_id[0] || !s->zalo.oa_id[0] || !s->zalo.app_secret[0])
        return complain(EX_CONFIG, "zalo.app_id, zalo.app_secret and zalo.oa_id have to be set first");
    w->key = seal_key_load(w->memory, s, &e);
    if (!w->key)
        return complain(EX_CONFIG, e.msg);
    /* Before a code is spent: is there a place for what it brings? */
    if (!command_open_database(w->command, &e) || !command_token_row(w->memory, w->command, w->key, &w->row, &e))
        return complain(EX_UNAVAILABLE, e.msg);
    return isatty(STDIN_FILENO) ? by_consent(w, redirect_uri) : by_input(w);
}

static int token_show(struct work *w)
{
    struct err e;
    char expires[COMMAND_TIME_SIZE];
    struct command_token *row = &w->row;
    w->key = seal_key_find(w->memory, w->settings, &e); /* without one the row is shown all the same */
    if (!command_open_database(w->command, &e) || !command_token_row(w->memory, w->command, w->key, row, &e))
        return complain(EX_UNAVAILABLE, e.msg);
    if (!row->found)
        return complain(EX_UNAVAILABLE, "no tokens are stored for this OA: run `sangkien token set`");
    printf("OA             %s\ngeneration     %" PRId64 "\nexpires        %s (Vietnam time, in %" PRId64 " min)\nrefresh        in %" PRId64 " min\n",
           w->settings->zalo.oa_id, row->generation, command_time(row->expires_at_ms, expires), row->expires_in_ms / 60000,
           row->refresh_in_ms / 60000);
    printf("opens          %s\nneeds consent  %s\n", row->opens ? "yes" : "no: stored with another key", row->needs_consent ? "yes: run `sangkien token set`" : "no");
    if (row->leased)
        printf("being refreshed by %s\n", row->lease_owner ? row->lease_owner : "?");
    return EX_OK;
}

const char token_usage[] =
    "usage: sangkien token set [--redirect-uri URL]\n"
    "       sangkien token show\n"
    "       sangkien token release [--drop]\n\n"
    "set reads from stdin one of\n"
    "  two lines, the access token and the refresh token, or access_token=... and refresh_token=...\n"
    "  (and expires_in=SECONDS if you know it), or the JSON that Zalo gave\n"
    "  code=... and, when the link carried a challenge, code_verifier=...\n"
    "In a terminal it prints the link on which an admin of the OA consents, and asks for what the browser shows then.\n"
    "URL is the app's callback address exactly as saved in the Zalo developer console.\n\n"
    "release lets sending go on after the database was restored from a backup; --drop: without the replies of before.\n";

static void on_release(const PGresult *res, void *ctx)
{
    *(bool *)ctx = PQntuples(res) == 1;
}

static int token_release(struct work *w, bool drop)
{
    struct err e;
    bool was_held = false;
    struct pg_params *stale = pg_params_new(w->memory), *held = pg_params_new(w->memory);
    pg_param_text(stale, w->settings->zalo.oa_id);
    pg_param_text(held, w->settings->zalo.oa_id);
    if (!command_open_database(w->command, &e) || (drop && !command_query(w->command, SQL_OUTBOX_DROP_RELEASE, stale, NULL, NULL, &e)) ||
        !command_query(w->command, SQL_TOKEN_RELEASE, held, on_release, &was_held, &e))
        return complain(EX_UNAVAILABLE, e.msg);
    puts(was_held ? "released: running servers send again within some seconds" : "sending was not held");
    return EX_OK;
}

int cmd_token(struct settings *s, int argc, char **argv)
{
    bool set = argc > 1 && strcmp(argv[1], "set") == 0, show = argc == 2 && strcmp(argv[1], "show") == 0;
    const char *redirect_uri = NULL;
    bool drop = argc == 3 && strcmp(argv[2], "--drop") == 0, release = argc > 1 && strcmp(argv[1], "release") == 0 && (argc == 2 || drop);
    if (set && argc == 4 && strcmp(argv[2], "--redirect-uri") == 0)
        redirect_uri = argv[3];
    else if (set && argc == 3 && strncmp(argv[2], "--redirect-uri=", 15) == 0)
        redirect_uri = argv[2] + 15;
    else if (!release && (argc != 2 || (!set && !show))) {
        fputs(token_usage, stderr);
        return EX_USAGE;
    }
    struct work w = {.settings = s, .memory = talloc_new(NULL), .command = command_new(NULL, s)};
    int code = EX_OSERR;
    if (!w.memory || !w.command)
        complain(code, "out of memory");
    else
        code = release ? token_release(&w, drop) : set ? token_set(&w, redirect_uri) : token_show(&w);
    talloc_free(w.memory);
    talloc_free(w.command);
    return code;
}
