/* The log: see log.h. */
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

/* Secrets are hidden in a longer text than is written, so that none is cut in two at the end of the line. */
enum { MESSAGE_MAX_BYTES = 2048, HIDDEN_MAX_BYTES = 8192, SECRET_MAX = 32, SECRET_LEAST_BYTES = 6 };

static enum log_level least_level = LOG_INFO;
static bool as_json;
static char *secrets[SECRET_MAX]; /* the pinned ones first */
static size_t secret_count, pinned_count;
static uint64_t dropped;

static const char *const level_name[] = {"debug", "info", "warn", "error"};

void log_setup(enum log_level least, bool json)
{
    least_level = least;
    as_json = json;
}

static bool known(const char *secret)
{
    for (size_t i = 0; i < secret_count; i++)
        if (strcmp(secrets[i], secret) == 0)
            return true;
    return false;
}

/* Puts it at `at`; when there is no room, the oldest that is not pinned is dead by now and goes. */
static bool hide_at(size_t at, const char *secret)
{
    if (!secret || strlen(secret) < SECRET_LEAST_BYTES || known(secret) || pinned_count == SECRET_MAX)
        return false;
    char *copy = strdup(secret);
    if (!copy)
        return false;
    if (secret_count == SECRET_MAX) {
        free(secrets[pinned_count]);
        memmove(secrets + pinned_count, secrets + pinned_count + 1, sizeof(secrets[0]) * (SECRET_MAX - 1 - pinned_count));
        secret_count--;
        if (at > secret_count)
            at = secret_count;
    }
    memmove(secrets + at + 1, secrets + at, sizeof(secrets[0]) * (secret_count - at));
    secrets[at] = copy;
    secret_count++;
    return true;
}

void log_hide(const char *secret)
{
    hide_at(secret_count, secret);
}

void log_hide_always(const char *secret)
{
    pinned_count += hide_at(pinned_count, secret);
}

/* The longest secret that begins here: one may be the front of another. */
static const char *secret_at(const char *text)
{
    const char *found = NULL;
    for (size_t i = 0; i < secret_count; i++) {
        size_t n = strlen(secrets[i]);
        if (strncmp(text, secrets[i], n) == 0 && (!found || n > strlen(found)))
            found = secrets[i];
    }
    return found;
}

static void hide_secrets(char *line)
{
    char *to = line;
    for (const char *from = line; *from;) {
        const char *secret = secret_at(from);
        if (secret) {
            from += strlen(secret);
            memcpy(to, "***", 3);
            to += 3;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

/* Appends all of the bytes or, when they do not fit, none. */
static bool put(char *out, size_t *at, size_t cap, const char *bytes, size_t n)
{
    if (n > cap - *at)
        return false;
    memcpy(out + *at, bytes, n);
    *at += n;
    return true;
}

static size_t utf8_length(unsigned char first)
{
    return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* JSON and text lines both need control characters escaped: a log line is one line.  Cuts between characters only. */
static void put_escaped(char *out, size_t *at, size_t cap, const char *s)
{
    while (*s) {
        unsigned char c = (unsigned char)*s;
        size_t n = strnlen(s, utf8_length(c));
        char esc[8];
        bool fits;
        if (c < 0x20 || c == 0x7f)
            fits = put(out, at, cap, esc, (size_t)snprintf(esc, sizeof(esc), "\\u%04x", c));
        else if (as_json && (c == '"' || c == '\\'))
            fits = put(out, at, cap, (char[]){'\\', (char)c}, 2);
        else
            fits = put(out, at, cap, s, n);
        if (!fits)
            return;
        s += n;
    }
}

void log_write(enum log_level level, const char *fmt, ...)
{
    if (level < least_level)
        return;
    char msg[HIDDEN_MAX_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    hide_secrets(msg);

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);

    char line[MESSAGE_MAX_BYTES + 128];
    int head = snprintf(line, sizeof(line), as_json ? "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"pid\":%d,\"event\":\"" : "%s.%03ldZ %-5s [%d] ",
                        stamp, now.tv_nsec / 1000000, level_name[level], (int)getpid());
    size_t at = (size_t)head;
    put_escaped(line, &at, (size_t)head + MESSAGE_MAX_BYTES, msg);
    (void)put(line, &at, sizeof(line), as_json ? "\"}\n" : "\n", as_json ? 3 : 1);
    ssize_t wrote;
    do
        wrote = write(STDERR_FILENO, line, at);
    while (wrote < 0 && errno == EINTR);
    if (wrote < 0)
        dropped++;
}

bool log_pass(struct log_gate *gate, int64_t every_ms)
{
    int64_t now = clock_monotonic_ms();
    if (now < gate->next_ms) {
        gate->held++;
        return false;
    }
    gate->next_ms = now + every_ms;
    gate->held = 0;
    return true;
}

const char *log_person(const char *user_id)
{
    /* FNV-1a with a per-process start: enough to follow one person through one log, useless elsewhere. */
    static uint64_t start;
    static char ring[4][20];
    static unsigned turn;
    if (start == 0) {
        struct timespec ts;
        clock_gettime(CLOCK_REALTIME, &ts);
        start = 14695981039346656037ull ^ ((uint64_t)ts.tv_nsec << 20) ^ (uint64_t)getpid();
    }
    uint64_t h = start;
    for (const char *p = user_id ? user_id : ""; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211ull;
    char *out = ring[turn++ % 4];
    snprintf(out, sizeof(ring[0]), "p%010llx", (unsigned long long)(h & 0xffffffffffull));
    return out;
}

uint64_t log_dropped(void)
{
    return dropped;
}
