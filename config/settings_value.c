/* Reading one setting from text: see settings_value.h. */
#include "settings_value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <talloc.h>

#include "scoped.h"

enum { SECRET_MAX_BYTES = 4096, LIST_MAX = 64, VALUE_SHOWN = 60 };

bool setting_is_secret(const struct setting *d)
{
    return d->type == T_SECRET || d->type == T_KEY;
}

static bool refuse(const struct setting *d, const struct found *f, struct err *e, const char *expected)
{
    if (setting_is_secret(d))
        return err_set(e, ERR_INVALID, "%s: expected %s (value not shown)", f->place, expected);
    int shown = f->value.n > VALUE_SHOWN ? VALUE_SHOWN : (int)f->value.n;
    return err_set(e, ERR_INVALID, "%s is \"%.*s\", expected %s", f->place, shown, f->value.p, expected);
}

void *setting_slot(struct settings *s, const struct setting *d)
{
    return (char *)s + d->at;
}

/* ---- one value of each type ---- */

static char *trimmed(TALLOC_CTX *ctx, struct str v)
{
    while (v.n > 0 && strchr(" \t\r\n", v.p[0]))
        v = str_skip(v, 1);
    while (v.n > 0 && strchr(" \t\r\n", v.p[v.n - 1]))
        v.n--;
    return talloc_strndup(ctx, v.n ? v.p : "", v.n);
}

static bool read_int(const char *text, int64_t *ret, const char **rest)
{
    char *end = NULL;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (end == text || errno != 0 || text[0] == '+')
        return false;
    *ret = v;
    *rest = end;
    return true;
}

static bool set_int(const struct setting *d, const char *text, const struct found *f, int64_t *ret, struct err *e)
{
    char expected[160];
    snprintf(expected, sizeof(expected), "a whole number of %s from %lld to %lld", d->unit, (long long)d->least, (long long)d->most);
    const char *rest = NULL;
    int64_t v = 0;
    if (!read_int(text, &v, &rest) || *rest || v < d->least || v > d->most)
        return refuse(d, f, e, expected);
    *ret = v;
    return true;
}

static bool set_duration(const struct setting *d, const char *text, const struct found *f, int64_t *ret, struct err *e)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"", 1}, {"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}};
    char expected[160];
    snprintf(expected, sizeof(expected), "a time from %lld ms to %lld ms, such as %lld or 1s", (long long)d->least,
             (long long)d->most, (long long)d->most);
    const char *rest = NULL;
    int64_t v = 0;
    if (!read_int(text, &v, &rest))
        return refuse(d, f, e, expected);
    while (*rest == ' ')
        rest++;
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(rest, units[i].unit) == 0 && v >= 0 && v <= d->most / units[i].ms && v * units[i].ms >= d->least) {
            *ret = v * units[i].ms;
            return true;
        }
    return refuse(d, f, e, expected);
}

static bool set_bool(const struct setting *d, const char *text, const struct found *f, bool *ret, struct err *e)
{
    static const char *const words[2][4] = {{"no", "false", "off", "0"}, {"yes", "true", "on", "1"}};
    for (size_t v = 0; v < 2; v++)
        for (size_t i = 0; i < ARRAY_LEN(words[v]); i++)
            if (strcasecmp(text, words[v][i]) == 0) {
                *ret = v == 1;
                return true;
            }
    return refuse(d, f, e, "yes or no");
}

static bool set_choice(const struct setting *d, const char *text, const struct found *f, int64_t *ret, struct err *e)
{
    char expected[120] = "one of";
    for (int i = 0; d->choices[i]; i++) {
        if (strcmp(text, d->choices[i]) == 0) {
            *ret = i;
            return true;
        }
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof(expected) - used, " %s", d->choices[i]);
    }
    return refuse(d, f, e, expected);
}

static bool set_address(TALLOC_CTX *ctx, const struct setting *d, const char *text, const struct found *f,
                        struct listen_address *ret, struct err *e)
{
    if (!*text) {
        *ret = (struct listen_address){text, text, 0};
        return true;
    }
    const char *colon = strrchr(text, ':');
    bool bracketed = text[0] == '[' && colon && colon > text && colon[-1] == ']';
    const char *host = colon ? talloc_strndup(ctx, text + bracketed, (size_t)(colon - text) - 2u * bracketed) : NULL;
    unsigned char raw[sizeof(struct in6_addr)];
    const char *rest = NULL;
    int64_t port = -1;
    if (!host || inet_pton(bracketed ? AF_INET6 : AF_INET, host, raw) != 1 || !read_int(colon + 1, &port, &rest) || *rest ||
        port < 0 || port > UINT16_MAX)
        return refuse(d, f, e, "ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
    *ret = (struct listen_address){text, host, (uint16_t)port};
    return true;
}

/* Tokens travel in these calls, so plain http only stays on this machine. */
static bool set_url(const struct setting *d, char *text, const struct found *f, const char **ret, struct err *e)
{
    static const char *const local[] = {"http://127.0.0.1", "http://localhost", "http://[::1]"};
    size_t n = strlen(text);
    while (n > 0 && text[n - 1] == '/')
        text[--n] = '\0';
    bool fine = strncmp(text, "https://", 8) == 0 && n > 8;
    for (size_t i = 0; !fine && i < ARRAY_LEN(local); i++) {
        size_t m = strlen(local[i]);
        fine = strncmp(text, local[i], m) == 0 && (text[m] == ':' || text[m] == '/' || !text[m]);
    }
    if (!fine || strpbrk(text, " ?#@\"\\"))
        return refuse(d, f, e, "https://HOST, or http:// to this machine");
    *ret = text;
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool set_key(const struct setting *d, const char *text, const struct found *f, struct key_bytes *ret, struct err *e)
{
    struct key_bytes k = {.set = *text != '\0'};
    if (k.set && strlen(text) != 2 * sizeof(k.byte))
        return refuse(d, f, e, "64 hexadecimal digits (make them with: openssl rand -hex 32)");
    for (size_t i = 0; k.set && i < sizeof(k.byte); i++) {
        int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return refuse(d, f, e, "64 hexadecimal digits (make them with: openssl rand -hex 32)");
        k.byte[i] = (unsigned char)(high * 16 + low);
    }
    *ret = k;
    return true;
}

/* Cuts the next word off a list such as "a, b", in place. @return NULL behind the last one. */
static char *next_word(char **rest)
{
    static const char between[] = ", \t\r\n";
    char *word = *rest + strspn(*rest, between);
    char *end = word + strcspn(word, between);
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return *word ? word : NULL;
}

static bool set_list(TALLOC_CTX *ctx, const struct setting *d, char *text, const struct found *f, struct string_list *ret,
                     struct err *e)
{
    const char **item = talloc_zero_array(ctx, const char *, LIST_MAX);
    size_t count = 0;
    if (!item)
        return err_set(e, ERR_NOMEM, "out of memory for %s", f->place);
    for (char *word = next_word(&text); word; word = next_word(&text)) {
        if (count == LIST_MAX)
            return refuse(d, f, e, "at most 64 items");
        item[count++] = word;
    }
    *ret = (struct string_list){item, count};
    return true;
}

static bool set_holidays(const struct setting *d, char *text, const struct found *f, struct holidays *ret, struct err *e)
{
    struct holidays off = {.count = 0};
    for (char *word = next_word(&text); word; word = next_word(&text))
        if (!holidays_add(&off, str_of(word), NULL))
            return refuse(d, f, e, "days such as 2027-02-05, or 09-02 for every year");
    *ret = off;
    return true;
}

/* The password inside a connection string is a secret of its own: libpq may name it where the whole string is not. */
static void hide_password(TALLOC_CTX *ctx, const char *url)
{
    const char *scheme = strstr(url, "://");
    const char *at = scheme ? strchr(scheme, '@') : NULL;
    const char *colon = at ? memchr(scheme + 3, ':', (size_t)(at - scheme - 3)) : NULL;
    if (colon)
        log_hide_always(talloc_strndup(ctx, colon + 1, (size_t)(at - colon - 1)));
    const char *word = strstr(url, "password=");
    if (word)
        log_hide_always(talloc_strndup(ctx, word + 9, strcspn(word + 9, " &")));
}

static bool has_control(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return true;
    return false;
}

bool setting_read(struct settings *s, const struct setting *d, const struct found *f, struct err *e)
{
    if (memchr(f->value.p ? f->value.p : "", '\0', f->value.n))
        return refuse(d, f, e, "a value without NUL bytes");
    char *text = trimmed(s->memory, f->value);
    if (!text)
        return err_set(e, ERR_NOMEM, "out of memory for %s", f->place);
    if (d->type != T_LIST && d->type != T_HOLIDAYS && has_control(text))
        return refuse(d, f, e, "one line without control characters");
    void *at = setting_slot(s, d);
    switch (d->type) {
    case T_SECRET:
        log_hide_always(text);
        if (at == (void *)&s->database.url)
            hide_password(s->memory, text);
        *(const char **)at = text;
        return true;
    case T_STRING:
        *(const char **)at = text;
        return true;
    case T_INT:
        return set_int(d, text, f, at, e);
    case T_DURATION_MS:
        return set_duration(d, text, f, at, e);
    case T_BOOL:
        return set_bool(d, text, f, at, e);
    case T_CHOICE:
        return set_choice(d, text, f, at, e);
    case T_ADDRESS:
        return set_address(s->memory, d, text, f, at, e);
    case T_URL:
        return set_url(d, text, f, at, e);
    case T_KEY:
        log_hide_always(text);
        return set_key(d, text, f, at, e);
    case T_LIST:
        return set_list(s->memory, d, text, f, at, e);
    case T_HOLIDAYS:
        return set_holidays(d, text, f, at, e);
    case T_HOURS: {
        struct err why;
        char expected[700];
        if (hours_parse(str_of(text), at, &why))
            return true;
        snprintf(expected, sizeof(expected), "hours such as \"T2-T6 07:30-11:30,13:30-17:00\": %s", why.msg);
        return refuse(d, f, e, expected);
    }
    }
    return err_set(e, ERR_INVALID, "%s has no type", f->place);
}

/* ---- files ---- */

static void close_file(FILE *f)
{
    if (f)
        fclose(f);
}
SCOPED_DEFINE(file, FILE *, close_file)

bool setting_file_bytes(struct settings *s, const char *path, size_t most, struct str *ret, mode_t *mode, struct err *e)
{
    SCOPED(file) FILE *in = fopen(path, "re");
    struct stat st;
    if (!in || fstat(fileno(in), &st) != 0)
        return err_set(e, errno == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID, "cannot read %s: it is a folder", path);
    char *bytes = talloc_size(s->memory, most + 1);
    if (!bytes)
        return err_set(e, ERR_NOMEM, "out of memory for %s", path);
    size_t n = fread(bytes, 1, most + 1, in);
    if (ferror(in))
        return err_set(e, ERR_SYSTEM, "cannot read %s: %s", path, strerror(errno));
    if (n > most)
        return err_set(e, ERR_INVALID, "%s is longer than %zu bytes", path, most);
    *ret = (struct str){bytes, n};
    *mode = st.st_mode & 0777;
    return true;
}

static bool is_below(const char *folder, const char *path)
{
    size_t n = folder ? strlen(folder) : 0;
    return n > 0 && strncmp(path, folder, n) == 0 && path[n] == '/' && !strstr(path + n, "/..");
}

/* systemd gives credentials to a service by an access list, which shows as group bits (systemd.exec, LoadCredential=).  A command that
 * root runs beside the service reads the same files, and nobody told it where they are. */
static bool is_credential(const char *path)
{
    return is_below(getenv("CREDENTIALS_DIRECTORY"), path) || is_below("/run/credentials", path);
}

bool setting_read_file(struct settings *s, const struct setting *d, struct found *f, struct err *e)
{
    char *path = trimmed(s->memory, f->value);
    mode_t mode = 0;
    if (!path)
        return err_set(e, ERR_NOMEM, "out of memory for %s", f->place);
    if (!setting_file_bytes(s, path, SECRET_MAX_BYTES, &f->value, &mode, e))
        return err_wrap(e, "%s", f->place);
    if ((mode & 077) != 0 && !is_credential(path))
        return err_set(e, ERR_INVALID, "%s: %s may be read by others (mode %03o); do: chmod 600 %s", f->place, path,
                       (unsigned)mode, path);
    return setting_read(s, d, f, e);
}
