/* Settings: see settings.h.  The table first, then reading values, the file, the environment. */
#include "settings.h"

#include <stdlib.h>
#include <strings.h>
#include <talloc.h>
#include <unistd.h>
#include <yaml.h>

#include "settings_value.h"

enum { FILE_MAX_BYTES = 64 * 1024 };

/* By enum setting_type. */
static const char *const type_names[] = {"text",    "secret", "number", "time",  "yes/no",     "choice",
                                         "address", "URL",    "secret", "list",  "week hours", "dates"};


#define AT(member) offsetof(struct settings, member)

static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL}; /* order of enum log_level */
static const char *const log_formats[] = {"text", "json", NULL};

/* clang-format off */
static const struct setting table[] = {
    {"server", "listen", T_ADDRESS, AT(server.listen), "127.0.0.1:8080", "where the webhook listens"},
    {"server", "admin_listen", T_ADDRESS, AT(server.admin_listen), "", "where metrics and health listen; empty: with the webhook"},
    {"server", "workers", T_INT, AT(server.workers), "1", "worker processes", 1, 64, "processes"},
    {"server", "max_connections", T_INT, AT(server.max_connections), "10000", "open connections a worker accepts", 16, 60000, "connections"},
    {"server", "node", T_STRING, AT(server.node), "", "name of this node, different on each; empty: the host name"},
    {"database", "url", T_SECRET, AT(database.url), "postgresql:///sangkien", "PostgreSQL connection string"},
    {"database", "named_statements", T_BOOL, AT(database.named_statements), "yes", "no: for a pgbouncer older than 1.21"},
    {"zalo", "app_id", T_STRING, AT(zalo.app_id), "", "id of the Zalo app"},
    {"zalo", "app_secret", T_SECRET, AT(zalo.app_secret), "", "secret key of the Zalo app"},
    {"zalo", "oa_id", T_STRING, AT(zalo.oa_id), "", "id of the Official Account"},
    {"zalo", "oa_secret_key", T_SECRET, AT(zalo.oa_secret_key), "", "OA secret key: signs webhooks"},
    {"zalo", "oa_secret_key_previous", T_SECRET, AT(zalo.oa_secret_key_previous), "", "the key before, while it is being changed"},
    {"zalo", "verification", T_STRING, AT(zalo.verification), "", "domain verification: zalo_verifier....html or its code"},
    {"zalo", "api_url", T_URL, AT(zalo.api_url), "https://openapi.zalo.me", "base of the OA interface"},
    {"zalo", "oauth_url", T_URL, AT(zalo.oauth_url), "https://oauth.zaloapp.com", "base of the token interface"},
    {"zalo", "access_token", T_SECRET, AT(zalo.access_token), "", "first start only; later the stored one counts"},
    {"zalo", "refresh_token", T_SECRET, AT(zalo.refresh_token), "", "first start only; works once"},
    {"zalo", "token_key", T_KEY, AT(zalo.token_key), "", "encrypts stored tokens; empty: made once beside the spool"},
    {"zalo", "ca_file", T_STRING, AT(zalo.ca_file), "", "certificates to trust instead of the system's"},
    {"zalo", "appsecret_proof", T_BOOL, AT(zalo.appsecret_proof), "no", "sign each call with the app secret"},
    {"zalo", "button_template_type", T_BOOL, AT(zalo.button_template_type), "no", "send template_type with buttons"},
    {"spool", "path", T_STRING, AT(spool.path), "/var/lib/sangkien/spool", "folder of the spool: events while PostgreSQL is away"},
    {"spool", "after_ms", T_DURATION_MS, AT(spool.after_ms), "1000", "spool an event when PostgreSQL takes longer", 50, 1700, .live = true},
    {"spool", "max_mb", T_INT, AT(spool.max_mb), "1024", "size of the spool", 1, 1000000, "MB", .live = true},
    {"evidence", "path", T_STRING, AT(evidence.path), "/var/lib/sangkien/evidence", "folder of pictures and files"},
    {"evidence", "max_mb", T_INT, AT(evidence.max_mb), "25", "size of one picture or file", 1, 1000, "MB", .live = true},
    {"evidence", "allow_hosts", T_LIST, AT(evidence.allow_hosts), ".zdn.vn, .zadn.vn, .dlfl.vn, .dlfl.me, .dlmd.me", "where they may be fetched from; .name: all hosts below"},
    {"chat", "quiet_ms", T_DURATION_MS, AT(chat.quiet_ms), "2000", "several messages are one answer after this quiet", 0, 10000, .live = true},
    {"chat", "per_minute", T_INT, AT(chat.per_minute), "20", "more messages of one person are kept, not answered; 0: no bound", 0, 10000, "messages", .live = true},
    {"send", "per_minute", T_INT, AT(send.per_minute), "3960", "calls to Zalo in any 60 s, over all nodes", 1, 10000000, "calls", .live = true},
    {"hours", "staff", T_HOURS, AT(hours.staff), "T2-T6 07:30-11:30,13:30-17:00", "when the support contacts answer", .live = true},
    {"hours", "broadcast", T_HOURS, AT(hours.broadcast), "T2-CN 07:00-20:30", "when broadcasts and reminders go out", .live = true},
    {"hours", "holidays", T_HOLIDAYS, AT(hours.holidays), "01-01, 04-30, 05-01, 09-02", "days off: 2027-02-05, or 09-02 of every year", .live = true},
    {"support", "answer_minutes", T_INT, AT(support.answer_minutes), "60", "a question unanswered so long in staff hours is escalated, once", 1, 100000, "minutes", .live = true},
    {"support", "wait_minutes", T_INT, AT(support.wait_minutes), "30", "nobody on duty takes it for so long in staff hours: organizers are told", 1, 100000, "minutes", .live = true},
    {"support", "silence_minutes", T_INT, AT(support.silence_minutes), "30", "a contact silent so long gives the conversation back; warned before", 2, 1440, "minutes", .live = true},
    {"support", "admin_minutes", T_INT, AT(support.admin_minutes), "30", "the bot's silence after somebody typed in OA Manager", 1, 1440, "minutes", .live = true},
    {"broadcast", "confirm_over", T_INT, AT(broadcast.confirm_over), "1000", "a broadcast to more people waits for a second person", 1, 100000000, "people", .live = true},
    {"broadcast", "confirm_ms", T_DURATION_MS, AT(broadcast.confirm_ms), "600000", "so long; then it begins all the same, unless cancelled", 0, 86400000, .live = true},
    {"nudge", "draft_hours", T_INT, AT(nudge.draft_hours), "24", "an unfinished draft is reminded of after so long; 0: never", 0, 160, "hours", .live = true},
    {"nudge", "returned_hours", T_INT, AT(nudge.returned_hours), "24", "one that was sent back is, after so long; 0: never", 0, 160, "hours", .live = true},
    {"nudge", "wave_days", T_INT, AT(nudge.wave_days), "3", "a wave's end is, so many days before it; 0: never", 0, 60, "days", .live = true},
    {"nudge", "charged", T_BOOL, AT(nudge.charged), "no", "also remind people whose free 48 hours are over", .live = true},
    {"price", "message_vnd", T_INT, AT(price.message_vnd), "55", "price of a message outside the free window", 0, 1000000, "VND", .live = true},
    {"retention", "message_days", T_INT, AT(retention.message_days), "365", "how long the transcript is kept", 1, 36500, "days", .live = true},
    {"watch", "silence_ms", T_DURATION_MS, AT(watch.silence_ms), "2h", "organizers hear when no webhook came for so long in hours.staff; 0: never", 0, 86400000, .live = true},
    {"log", "level", T_CHOICE, AT(log.level), "info", "least level written", .choices = log_levels, .live = true},
    {"log", "format", T_CHOICE, AT(log.json), "text", "text for people, json for machines", .choices = log_formats, .live = true},
    {"texts", "file", T_STRING, AT(texts.file), "", "catalogue that replaces the built-in texts"},
};
/* clang-format on */

/* ---- names ---- */

/* Levenshtein distance of short names; long ones count as far apart. */
static size_t distance(const char *a, const char *b)
{
    enum { MOST = 60 };
    size_t na = strlen(a), nb = strlen(b), row[MOST + 1];
    if (na > MOST || nb > MOST)
        return MOST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[nb];
}

/* The environment name of a setting: SANGKIEN_SPOOL_AFTER_MS. */
static void env_name(const struct setting *d, char *ret, size_t cap)
{
    snprintf(ret, cap, "SANGKIEN_%s_%s", d->section, d->key);
    for (char *p = ret; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p & ~0x20);
}

static void dotted_name(const struct setting *d, char *ret, size_t cap)
{
    snprintf(ret, cap, "%s.%s", d->section, d->key);
}

/* " (did you mean X?)" for a name not in the table, or an empty string. */
static const char *hint(const char *unknown, void (*name_of)(const struct setting *, char *, size_t), char *ret, size_t cap)
{
    size_t best = strlen(unknown) / 3 + 1;
    ret[0] = '\0';
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        char name[80];
        name_of(&table[i], name, sizeof(name));
        size_t far = distance(unknown, name);
        if (far < best) {
            best = far;
            snprintf(ret, cap, " (did you mean %s?)", name);
        }
    }
    return ret;
}

/* The row of section.key; *from_file tells that the key was written with "_file" and holds a path. */
static const struct setting *find(const char *section, const char *key, bool *from_file)
{
    size_t n = strlen(key);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct setting *d = &table[i];
        if (strcmp(d->section, section) != 0)
            continue;
        *from_file = false;
        if (strcmp(d->key, key) == 0)
            return d;
        *from_file = true;
        if (setting_is_secret(d) && n > 5 && strcmp(key + n - 5, "_file") == 0 && strlen(d->key) == n - 5 && strncmp(d->key, key, n - 5) == 0)
            return d;
    }
    return NULL;
}

/* ---- YAML ---- */

struct yaml_read {
    yaml_document_t doc;
    const char *name;
    struct settings *s;
    bool seen[ARRAY_LEN(table)];
    bool holds_secret; /* a secret stands in the file itself */
};

static const char *scalar_of(const yaml_node_t *n)
{
    return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static bool is_null(const yaml_node_t *n)
{
    return n->type == YAML_SCALAR_NODE && n->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
           (n->data.scalar.length == 0 || strcmp(scalar_of(n), "~") == 0 || strcmp(scalar_of(n), "null") == 0);
}

/* A list may be written as [a, b], as lines with dashes, or as "a, b". */
static bool join_items(struct yaml_read *y, const yaml_node_t *node, struct found *f, struct err *e)
{
    char *all = talloc_strdup(y->s->memory, "");
    for (const yaml_node_item_t *i = node->data.sequence.items.start; all && i < node->data.sequence.items.top; i++) {
        const yaml_node_t *item = yaml_document_get_node(&y->doc, *i);
        if (!scalar_of(item))
            return err_set(e, ERR_INVALID, "%s: expected a plain list", f->place);
        all = talloc_asprintf_append(all, "%s,", scalar_of(item));
    }
    if (!all)
        return err_set(e, ERR_NOMEM, "out of memory for %s", f->place);
    f->value = str_of(all);
    return true;
}

static bool read_pair(struct yaml_read *y, const char *section, const yaml_node_t *key, const yaml_node_t *value, struct err *e)
{
    size_t line = key->start_mark.line + 1;
    const char *name = scalar_of(key);
    if (!name)
        return err_set(e, ERR_INVALID, "%s:%zu: expected a key below %s", y->name, line, section);
    bool from_file = false;
    const struct setting *d = find(section, name, &from_file);
    if (!d) {
        char full[120], maybe[120];
        snprintf(full, sizeof(full), "%.50s.%.60s", section, name);
        return err_set(e, ERR_INVALID, "%s:%zu: unknown key %s%s", y->name, line, full, hint(full, dotted_name, maybe, sizeof(maybe)));
    }
    struct found f;
    snprintf(f.place, sizeof(f.place), "%.200s:%zu: %s.%s%s", y->name, line, d->section, d->key, from_file ? "_file" : "");
    if (y->seen[d - table])
        return err_set(e, ERR_INVALID, "%s is set twice", f.place);
    y->seen[d - table] = true;
    if (is_null(value))
        return true;
    if (value->type == YAML_SEQUENCE_NODE && (d->type == T_LIST || d->type == T_HOLIDAYS)) {
        if (!join_items(y, value, &f, e))
            return false;
    } else if (value->type == YAML_SCALAR_NODE) {
        f.value = (struct str){scalar_of(value), value->data.scalar.length};
    } else {
        return err_set(e, ERR_INVALID, "%s: expected one value", f.place);
    }
    if (from_file)
        return setting_read_file(y->s, d, &f, e);
    if (setting_is_secret(d) && f.value.n > 0 && (d->at != AT(database.url) || strstr(scalar_of(value), "password=") || strchr(scalar_of(value), '@')))
        y->holds_secret = true;
    return setting_read(y->s, d, &f, e);
}

static bool read_sections(struct yaml_read *y, struct err *e)
{
    const yaml_node_t *root = yaml_document_get_root_node(&y->doc);
    if (!root || is_null(root))
        return true;
    if (root->type != YAML_MAPPING_NODE)
        return err_set(e, ERR_INVALID, "%s:%zu: expected \"section:\" with keys below it", y->name, root->start_mark.line + 1);
    for (const yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
        const yaml_node_t *key = yaml_document_get_node(&y->doc, p->key);
        const yaml_node_t *keys = yaml_document_get_node(&y->doc, p->value);
        const char *section = scalar_of(key);
        if (section && is_null(keys))
            continue;
        if (!section || keys->type != YAML_MAPPING_NODE) {
            char maybe[120];
            return err_set(e, ERR_INVALID, "%s:%zu: expected \"section:\" with keys below it, not %.60s%s", y->name,
                           key->start_mark.line + 1, section ? section : "a structure",
                           section ? hint(section, dotted_name, maybe, sizeof(maybe)) : "");
        }
        for (const yaml_node_pair_t *q = keys->data.mapping.pairs.start; q < keys->data.mapping.pairs.top; q++)
            if (!read_pair(y, section, yaml_document_get_node(&y->doc, q->key), yaml_document_get_node(&y->doc, q->value), e))
                return false;
    }
    return true;
}

static bool read_yaml(const char *name, struct str text, struct settings *s, bool *holds_secret, struct err *e)
{
    yaml_parser_t parser;
    struct yaml_read y = {.name = name, .s = s};
    if (!yaml_parser_initialize(&parser))
        return err_set(e, ERR_NOMEM, "out of memory for %s", name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)(text.p ? text.p : ""), text.n);
    bool ok = yaml_parser_load(&parser, &y.doc);
    if (!ok) {
        err_set(e, ERR_INVALID, "%s:%zu: not YAML: %s", name, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "unreadable");
    } else {
        ok = read_sections(&y, e);
        yaml_document_delete(&y.doc);
    }
    yaml_parser_delete(&parser);
    *holds_secret = y.holds_secret;
    return ok;
}

/* ---- environment ---- */

extern char **environ;

static bool has_env_section(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        size_t n = strlen(table[i].section);
        if (strncasecmp(name + strlen("SANGKIEN_"), table[i].section, n) == 0 && name[strlen("SANGKIEN_") + n] == '_')
            return true;
    }
    return false;
}

/* A variable that looks like a setting and is none would be a silent typo. */
static bool refuse_unknown_env(struct err *e)
{
    for (char **v = environ; v && *v; v++) {
        char name[100], known[100], maybe[120];
        size_t n = strcspn(*v, "=");
        if (strncmp(*v, "SANGKIEN_", strlen("SANGKIEN_")) != 0 || n >= sizeof(name))
            continue;
        memcpy(name, *v, n);
        name[n] = '\0';
        bool found = !has_env_section(name);
        for (size_t i = 0; !found && i < ARRAY_LEN(table); i++) {
            env_name(&table[i], known, sizeof(known));
            size_t k = strlen(known);
            found = strncmp(name, known, k) == 0 && (!name[k] || (setting_is_secret(&table[i]) && strcmp(name + k, "_FILE") == 0));
        }
        if (!found)
            return err_set(e, ERR_INVALID, "unknown variable %s%s", name, hint(name, env_name, maybe, sizeof(maybe)));
    }
    return true;
}

/* An empty variable is one that is not set: container tools pass those on. */
static bool read_environment(struct settings *s, struct err *e)
{
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct setting *d = &table[i];
        struct found f;
        env_name(d, f.place, sizeof(f.place));
        const char *value = getenv(f.place);
        bool given = value && *value;
        f.value = str_of(value);
        if (given && !setting_read(s, d, &f, e))
            return false;
        if (!setting_is_secret(d))
            continue;
        size_t n = strlen(f.place);
        snprintf(f.place + n, sizeof(f.place) - n, "_FILE");
        const char *path = getenv(f.place);
        if (!path || !*path)
            continue;
        if (given)
            return err_set(e, ERR_INVALID, "%s and the same without _FILE are both set; keep one", f.place);
        f.value = str_of(path);
        if (!setting_read_file(s, d, &f, e))
            return false;
    }
    return refuse_unknown_env(e);
}

/* ---- all together ---- */

static bool set_defaults(struct settings *s, struct err *e)
{
    s->memory = talloc_new(NULL);
    if (!s->memory)
        return err_set(e, ERR_NOMEM, "out of memory for the settings");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        struct found f;
        snprintf(f.place, sizeof(f.place), "default of %s.%s", table[i].section, table[i].key);
        f.value = str_of(table[i].fallback);
        /* Not registered as a secret: the default is no secret, and hiding it would blot out log lines. */
        if (table[i].type == T_SECRET)
            *(const char **)setting_slot(s, &table[i]) = table[i].fallback;
        else if (!setting_read(s, &table[i], &f, e))
            return false;
    }
    return true;
}

static bool complete(struct settings *s, bool env, struct err *e)
{
    if (env && !read_environment(s, e))
        return false;
    if (!*s->server.admin_listen.text)
        s->server.admin_listen = s->server.listen;
    if (!*s->server.node) {
        char host[256] = "";
        if (gethostname(host, sizeof(host) - 1) != 0 || !*host)
            return err_set(e, ERR_SYSTEM, "this machine has no host name; set server.node");
        s->server.node = talloc_strdup(s->memory, host);
        if (!s->server.node)
            return err_set(e, ERR_NOMEM, "out of memory for the settings");
    }
    return true;
}

bool settings_load_text(const char *name, struct str text, bool env, struct settings *ret, struct err *e)
{
    struct settings s = {.memory = NULL};
    bool holds_secret = false;
    if (!set_defaults(&s, e) || !read_yaml(name, text, &s, &holds_secret, e) || !complete(&s, env, e)) {
        settings_free(&s);
        return false;
    }
    *ret = s;
    return true;
}

bool settings_load(const char *path, struct settings *ret, struct err *e)
{
    struct settings s = {.memory = NULL};
    struct str text = {NULL, 0};
    mode_t mode = 0;
    bool holds_secret = false;
    const char *file = path ? path : SETTINGS_DEFAULT_PATH;
    struct err why = {.kind = ERR_NONE};
    if (!set_defaults(&s, e))
        goto fail;
    if (!setting_file_bytes(&s, file, FILE_MAX_BYTES, &text, &mode, &why) && (path || why.kind != ERR_NOT_FOUND)) {
        if (e)
            *e = why;
        goto fail;
    }
    if (!read_yaml(file, text, &s, &holds_secret, e))
        goto fail;
    /* The group may read it: root owns such files and the service belongs to their group. */
    if (holds_secret && (mode & 07) != 0) {
        err_set(e, ERR_INVALID, "%s holds secrets and may be read by everybody (mode %03o); do: chmod o= %s", file, (unsigned)mode, file);
        goto fail;
    }
    if (!complete(&s, true, e))
        goto fail;
    *ret = s;
    return true;
fail:
    settings_free(&s);
    return false;
}

static size_t value_size(const struct setting *d)
{
    switch (d->type) {
    case T_INT:
    case T_DURATION_MS:
    case T_CHOICE:
        return sizeof(int64_t);
    case T_HOURS:
        return sizeof(struct hours);
    case T_HOLIDAYS:
        return sizeof(struct holidays);
    case T_BOOL:
        return sizeof(bool);
    default:
        return 0;
    }
}

static bool same_value(const struct setting *d, struct settings *a, struct settings *b)
{
    if (d->type == T_STRING || d->type == T_SECRET || d->type == T_URL)
        return strcmp(*(char **)setting_slot(a, d), *(char **)setting_slot(b, d)) == 0;
    if (d->type == T_ADDRESS)
        return strcmp(((struct listen_address *)setting_slot(a, d))->text, ((struct listen_address *)setting_slot(b, d))->text) == 0;
    if (d->type == T_KEY)
        return memcmp(setting_slot(a, d), setting_slot(b, d), sizeof(struct key_bytes)) == 0;
    if (d->type == T_LIST) {
        const struct string_list *x = setting_slot(a, d), *y = setting_slot(b, d);
        bool same = x->count == y->count;
        for (size_t i = 0; same && i < x->count; i++)
            same = strcmp(x->item[i], y->item[i]) == 0;
        return same;
    }
    return memcmp(setting_slot(a, d), setting_slot(b, d), value_size(d)) == 0;
}

bool settings_reload(const char *path, struct settings *s, struct err *e)
{
    struct settings next = {.memory = NULL};
    if (!settings_load(path, &next, e))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct setting *d = &table[i];
        if (d->live)
            memcpy(setting_slot(s, d), setting_slot(&next, d), value_size(d));
        else if (!same_value(d, s, &next))
            log_warn("setting %s.%s changed; it counts after a restart", d->section, d->key);
    }
    settings_free(&next);
    return true;
}

void settings_free(struct settings *s)
{
    if (!s || !s->memory)
        return;
    explicit_bzero(&s->zalo.token_key, sizeof(s->zalo.token_key));
    talloc_free(s->memory);
    *s = (struct settings){.memory = NULL};
}

void settings_print_help(FILE *out)
{
    fprintf(out, "Settings: section.key in the YAML file, SANGKIEN_SECTION_KEY in the environment.\n"
                 "A secret may also be the content of a file: section.key_file or SANGKIEN_SECTION_KEY_FILE.\n"
                 "Those with * may change while the program runs (reload).\n\n");
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        const struct setting *d = &table[i];
        char name[80], range[80] = "";
        snprintf(name, sizeof(name), "%s.%s%s", d->section, d->key, d->live ? " *" : "");
        if (d->type == T_INT || d->type == T_DURATION_MS)
            snprintf(range, sizeof(range), ", %lld to %lld%s%s", (long long)d->least, (long long)d->most,
                     d->type == T_INT ? " " : " ms", d->type == T_INT ? d->unit : "");
        fprintf(out, "  %-32s %s: %s%s%s%s%s\n", name, type_names[d->type], d->help, range, *d->fallback ? " [" : "", d->fallback,
                *d->fallback ? "]" : "");
    }
}
