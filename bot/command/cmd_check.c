/* `sangkien check`: what is wrong with this installation, why, and how to mend it. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "commands.h"
#include "messages.h"
#include "spool/spool_look.h"
#include "token/token_file.h"

enum { SKEW_MS = 2000, TIGHT_MS = 6 * 3600 * 1000, MB = 1024 * 1024 };

struct check {
    const struct settings *settings;
    struct command *command;
    struct seal_key *key;
    int code; /* of the first FAIL */
};

/* ---- what people read ---- */

__attribute__((format(printf, 2, 3))) static void fine(const char *what, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("ok    %s: ", what);
    vprintf(fmt, ap);
    putchar('\n');
    va_end(ap);
}

/* `fmt` says why, `mend` what to do. */
__attribute__((format(printf, 3, 4))) static void doubtful(const char *what, const char *mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("warn  %s: ", what);
    vprintf(fmt, ap);
    printf("; %s\n", mend);
    va_end(ap);
}

__attribute__((format(printf, 5, 6))) static void broken(struct check *c, int code, const char *what, const char *mend, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    printf("FAIL  %s: ", what);
    vprintf(fmt, ap);
    printf("; %s\n", mend);
    va_end(ap);
    if (c->code == EX_OK)
        c->code = code;
}

/* ---- settings ---- */

static void check_settings(struct check *c)
{
    const struct settings *s = c->settings;
    const struct {
        const char *key, *value, *where;
    } needed[] = {
        {"zalo.app_id", s->zalo.app_id, "copy it from the app's page in the Zalo developer console"},
        {"zalo.app_secret", s->zalo.app_secret, "copy it from the app's page in the Zalo developer console"},
        {"zalo.oa_id", s->zalo.oa_id, "copy it from the OA's page in OA Manager"},
    };
    bool complete = true;
    for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
        if (!needed[i].value[0]) {
            broken(c, EX_CONFIG, "settings", needed[i].where, "%s is not set", needed[i].key);
            complete = false;
        }
    }
    if (complete)
        fine("settings", "read, app %s, OA %s", s->zalo.app_id, s->zalo.oa_id);
    if (!s->zalo.oa_secret_key[0])
        doubtful("webhook", "copy the OA secret key from the console's webhook page into zalo.oa_secret_key",
                 "no OA secret key: every event is answered 200 and dropped, which is right only while the URL is being registered");
    else if (s->zalo.oa_secret_key_previous[0])
        doubtful("webhook", "remove zalo.oa_secret_key_previous once Zalo signs with the new one", "the previous OA secret key is still accepted");
    else
        fine("webhook", "the OA secret key is set");
}

static void check_texts(struct check *c)
{
    struct err e;
    const char *file = c->settings->texts.file;
    if (messages_load(file[0] ? file : NULL, &e))
        fine("texts", "%d texts from %s", MSG_COUNT - 1, file[0] ? file : "the program itself");
    else
        broken(c, EX_CONFIG, "texts", "mend the file, or remove texts.file to use the built-in texts", "%s", e.msg);
}

/* ---- folders ---- */

/* Creates and removes a file, as the service will. @return errno, 0 when it can. */
static int try_writing(const char *path)
{
    char name[40];
    uint64_t random = 0;
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return errno;
    RAND_bytes((unsigned char *)&random, sizeof(random));
    snprintf(name, sizeof(name), "tmp-check-%016" PRIx64, random);
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), why = 0;
    if (fd < 0 || write(fd, "x", 1) != 1 || fsync(fd) != 0)
        why = errno;
    if (fd >= 0) {
        close(fd);
        unlinkat(folder, name, 0);
    }
    close(folder);
    return why;
}

static void check_folder(struct check *c, const char *key, const char *path, int64_t wanted_mb)
{
    struct stat st;
    struct statvfs v;
    int why = try_writing(path);
    if (why) {
        broken(c, EX_CANTCREAT, key,
               why == ENOENT ? "make it, owned by the user of the service, mode 700; before the first start nothing is missing, that makes it"
                             : "give the user of the service the right to write there",
               "cannot write to %s: %s", path, strerror(why));
        return;
    }
    int64_t free_mb = statvfs(path, &v) == 0 ? (int64_t)(v.f_bavail * v.f_frsize / MB) : 0;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        doubtful(key, "chmod 700", "other users may look into %s (mode %03o)", path, (unsigned)st.st_mode & 0777);
    if (geteuid() == 0 && stat(path, &st) == 0 && st.st_uid != 0)
        doubtful(key, "run this as the user of the service to be sure", "%s can be written to, but root may write anywhere", path);
    if (free_mb < wanted_mb)
        doubtful(key, "make room on that disk", "%" PRId64 " MB are free in %s, it may need %" PRId64, free_mb, path, wanted_mb);
    else
        fine(key, "%s can be written to, %" PRId64 " MB are free", path, free_mb);
}

static int64_t wall_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Events that wait on this machine, and those that cannot be read. */
static void check_spool(struct check *c)
{
    struct spool_look look;
    struct err e;
    const char *path = c->settings->spool.path;
    check_folder(c, "spool", path, c->settings->spool.max_mb);
    if (!spool_look_at(path, &look, &e))
        return; /* just said */
    int64_t minutes = look.oldest_ms ? (wall_ms() - look.oldest_ms) / 60000 : 0;
    if (look.left)
        doubtful("spool", "start the service, it takes them over", "%" PRIu64 " events wait in a spool that no process has open, the oldest for %" PRId64 " min",
                 look.left, minutes);
    else if (look.rows && minutes > 0)
        doubtful("spool", "look whether the service reaches the database", "%" PRIu64 " events wait, the oldest for %" PRId64 " min", look.rows, minutes);
    else
        fine("spool", "%" PRIu64 " events wait, %" PRIu64 " kB, %" PRIu64 " of %" PRIu64 " files in use", look.rows, look.bytes / 1024, look.in_use,
             look.files);
    if (look.unreadable)
        doubtful("spool", "restart the service: it keeps what can be read and moves the rest aside", "%" PRIu64 " files cannot be read", look.unreadable);
    if (look.torn)
        doubtful("spool", "keep them until nobody misses a message, then delete them", "%" PRIu64 " files were found torn and moved aside as torn-*", look.torn);
}

/* ---- the database ---- */

struct server {
    int64_t clock_ms;
    char version[32];
    bool writable, trigrams;
};

static void on_server(const PGresult *res, void *ctx)
{
    struct server *server = ctx;
    struct str version = pg_bytes(res, 0, 1);
    server->clock_ms = pg_int8(res, 0, 0);
    snprintf(server->version, sizeof(server->version), "%.*s", STR_ARG(version));
    server->writable = pg_bool(res, 0, 2);
    server->trigrams = pg_bool(res, 0, 3);
}

static bool check_database(struct check *c)
{
    struct err e;
    struct server server = {0};
    if (!command_open_database(c->command, &e)) {
        const char *mend = e.kind == ERR_NOT_FOUND || e.kind == ERR_INVALID ? "then check again" : "look whether PostgreSQL runs and database.url is right";
        broken(c, EX_UNAVAILABLE, "database", mend, "%s", e.msg);
        return false;
    }
    /* The first statement also connects and plans; the second measures the clocks. */
    int64_t before = 0, after = 0;
    for (int i = 0; i < 2; i++) {
        before = wall_ms();
        if (!command_query(c->command, SQL_CHECK_SERVER, pg_params_new(c->command), on_server, &server, &e)) {
            broken(c, EX_UNAVAILABLE, "database", "look into the log of PostgreSQL", "%s", e.msg);
            return false;
        }
        after = wall_ms();
    }
    if (server.writable)
        fine("database", "PostgreSQL %s, schema up to date, answers in %" PRId64 " ms", server.version, after - before);
    else
        broken(c, EX_UNAVAILABLE, "database", "point database.url at the primary", "this server is a standby and takes no writes");
    if (server.trigrams)
        fine("pg_trgm", "installed");
    else
        broken(c, EX_UNAVAILABLE, "pg_trgm", "as its owner run CREATE EXTENSION pg_trgm in the database",
               "the extension is missing, so units and similar initiatives are not found");
    int64_t skew = (before + after) / 2 - server.clock_ms, apart = skew < 0 ? -skew : skew;
    if (apart > SKEW_MS + (after - before) / 2)
        doubtful("clock", "run an NTP service on both machines", "this machine's clock is %" PRId64 " ms %s the database's", apart,
                 skew < 0 ? "behind" : "ahead of");
    else
        fine("clock", "within %" PRId64 " ms of the database's", apart);
    return true;
}

static void on_dead(const PGresult *res, void *ctx)
{
    *(int64_t *)ctx = pg_int8(res, 0, 0);
}

static void check_dead(struct check *c)
{
    int64_t count = 0;
    struct err e;
    if (!command_query(c->command, SQL_DEAD_COUNT, pg_params_new(c->command), on_dead, &count, &e))
        broken(c, EX_UNAVAILABLE, "dead events", "look into the log of PostgreSQL", "%s", e.msg);
    else if (count)
        doubtful("dead events", "`sangkien dead list` says why, `dead retry` tries them again", "%" PRId64 " events could not be processed", count);
    else
        fine("dead events", "none");
}

/* ---- the token ---- */

static void check_key(struct check *c)
{
    struct err e;
    c->key = seal_key_find(c->command, c->settings, &e);
    if (c->key && c->settings->zalo.token_key.set)
        fine("token key", "set in zalo.token_key");
    else if (c->key)
        fine("token key", "%s/token.key; several nodes need the same one", c->settings->spool.path);
    else if (e.kind == ERR_NOT_FOUND)
        doubtful("token key", "`sangkien token set` or the first start makes it; for several nodes set zalo.token_key", "none yet");
    else
        broken(c, EX_CONFIG, "token key", "mend the file or set zalo.token_key", "%s", e.msg);
}

#define NEW_TOKENS "run `sangkien token set` and open the link it prints"

/* @return true when there is an access token worth asking Zalo about. */
static bool check_row(struct check *c, TALLOC_CTX *ctx, struct command_token *token)
{
    struct err e;
    if (!command_token_row(ctx, c->command, c->key, token, &e)) {
        broken(c, EX_UNAVAILABLE, "token", "look into the log of PostgreSQL", "%s", e.msg);
        return false;
    }
    struct token_pair pair;
    char base[TOKEN_FINGERPRINT_SIZE] = "";
    if (token->opens)
        token_fingerprint(token->access, token->refresh, base);
    bool newer = c->key && token_file_read(ctx, c->settings, c->key, &pair, NULL) &&
                 (!token->found || token_file_is_newer(&pair, token->generation, token->expires_at_ms, base));
    if (newer) {
        doubtful("token", "start the service: it stores them", "this node holds newer tokens than the database");
        return false;
    }
    if (!token->found) {
        if (c->settings->zalo.refresh_token[0])
            doubtful("token", "start the service", "none stored yet; the first start takes the pair of the settings");
        else
            broken(c, EX_CONFIG, "token", NEW_TOKENS, "none stored, nothing can be sent");
        return false;
    }
    if (!token->opens) {
        broken(c, EX_CONFIG, "token", "set zalo.token_key to the key it was stored with, or " NEW_TOKENS,
               "the stored tokens of generation %" PRId64 " do not open with this node's key", token->generation);
        return false;
    }
    int64_t minutes = token->expires_in_ms / 60000;
    if (token->needs_consent)
        broken(c, EX_NOPERM, "token", NEW_TOKENS, "Zalo called the refresh token invalid%s",
               token->expires_in_ms > 0 ? "; the access token may work until it expires" : "");
    else if (token->expires_in_ms <= 0)
        doubtful("token", "start the service: it fetches a new one", "generation %" PRId64 " expired %" PRId64 " min ago", token->generation, -minutes);
    else if (token->refresh_in_ms < -3600 * 1000 || (token->expires_in_ms < TIGHT_MS && token->refresh_in_ms < 0))
        doubtful("token", "look whether the service runs and what its log says", "generation %" PRId64 " expires in %" PRId64 " min and was to be refreshed %" PRId64 " min ago",
                 token->generation, minutes, -token->refresh_in_ms / 60000);
    else
        fine("token", "generation %" PRId64 ", opens, good for %" PRId64 " min", token->generation, minutes);
    return token->expires_in_ms > 0;
}

static void check_zalo(struct check *c, TALLOC_CTX *ctx, const struct command_token *token)
{
    struct zalo_answer answer;
    struct zalo_oa oa;
    struct err e;
    if (!command_ask_oa(ctx, c->command, token->access, &answer, &oa, &e)) {
        broken(c, EX_UNAVAILABLE, "Zalo", "look at zalo.api_url and the network", "%s", e.msg);
        return;
    }
    const char *id = c->settings->zalo.oa_id;
    switch (answer.class) {
    case ZALO_OK:
        if (oa.oa_id && strcmp(oa.oa_id, id) != 0)
            broken(c, EX_CONFIG, "Zalo", "correct zalo.oa_id, or give the consent as an admin of the right OA", "the token belongs to the OA %s, the settings say %s", oa.oa_id, id);
        else
            fine("Zalo", "it accepts the token: %s", oa.name ? oa.name : "an OA without a name");
        break;
    case ZALO_TOKEN:
        broken(c, EX_NOPERM, "Zalo", "start the service, it tries to refresh it; if that fails " NEW_TOKENS, "it refuses the access token: %s (code %d)", answer.meaning, answer.code);
        break;
    case ZALO_RETRY:
    case ZALO_UNKNOWN_OUTCOME:
        doubtful("Zalo", "look at the network, the proxy and zalo.api_url", "no usable answer: %s", answer.message[0] ? answer.message : answer.meaning);
        break;
    default:
        broken(c, EX_NOPERM, "Zalo", "look at the app and its permissions in the developer console", "%s (code %d)", answer.meaning, answer.code);
    }
}

static void check_token(struct check *c)
{
    TALLOC_CTX *ctx = talloc_new(c->command);
    struct command_token token;
    struct err e;
    if (check_row(c, ctx, &token)) {
        if (command_open_zalo(c->command, &e))
            check_zalo(c, ctx, &token);
        else
            broken(c, EX_CONFIG, "Zalo", "correct zalo.api_url, zalo.oauth_url or zalo.ca_file", "%s", e.msg);
    }
    talloc_free(ctx);
}

int cmd_check(struct settings *s, int argc, char **argv)
{
    struct check c = {.settings = s, .code = EX_OK};
    if (argc > 1) {
        fprintf(stderr, "sangkien check: unknown argument %s; it takes none\n", argv[1]);
        return EX_USAGE;
    }
    c.command = command_new(NULL, s);
    if (!c.command) {
        fputs("sangkien check: out of memory\n", stderr);
        return EX_OSERR;
    }
    check_settings(&c);
    check_texts(&c);
    check_spool(&c);
    check_folder(&c, "evidence", s->evidence.path, s->evidence.max_mb * 20);
    check_key(&c);
    if (check_database(&c)) {
        check_dead(&c);
        if (s->zalo.oa_id[0])
            check_token(&c);
    }
    talloc_free(c.command);
    if (fflush(stdout) != 0)
        return EX_IOERR;
    return c.code;
}
