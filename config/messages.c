/* The text catalogue: reads messages.vi.yaml event by event, checks it, fills placeholders.  See messages.h. */
#include "messages.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "messages_vi_yaml.h"
#include "scoped.h"

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    VARIANTS_MAX = 8,
    ARGS_MAX = 32,  /* placeholders of one message */
    PLACEHOLDER_MAX = 32,
};

struct entry {
    struct message message;
    const char *variants[VARIANTS_MAX + 1];
    size_t variant_count;
    const char *args[ARGS_MAX]; /* placeholders that the text and its args allow */
    size_t arg_count;
};

struct catalogue {
    struct entry entry[MSG_COUNT];
};

static const char *const names[MSG_COUNT] = MESSAGE_NAMES;
static struct catalogue *builtin, *current;

static inline void file_close(FILE *f)
{
    if (f)
        fclose(f);
}

static inline void talloc_release(void *p)
{
    talloc_free(p);
}

SCOPED_DEFINE(file, FILE *, file_close)
SCOPED_DEFINE(talloc, struct catalogue *, talloc_release)

/* ---- counting: config uses nobody, so the two counts the checks need are made here ---- */

static size_t chars_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

static size_t utf16_units_of(const char *s)
{
    size_t n = 0;
    for (; *s; s++)
        n += (((unsigned char)*s & 0xC0) != 0x80) + ((unsigned char)*s >= 0xF0);
    return n;
}

/* ---- placeholders ---- */

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* The placeholder at `p` ("{name}"), empty when there is none; *after gets what follows. */
static struct str placeholder_at(const char *p, const char **after)
{
    if (*p != '{')
        return (struct str){NULL, 0};
    const char *end = p + 1;
    while (is_name_char(*end))
        end++;
    if (*end != '}' || end == p + 1 || end - p > PLACEHOLDER_MAX)
        return (struct str){NULL, 0};
    *after = end + 1;
    return (struct str){p + 1, (size_t)(end - p - 1)};
}

static bool entry_allows(const struct entry *entry, struct str arg)
{
    for (size_t i = 0; i < entry->arg_count; i++)
        if (str_eq(str_of(entry->args[i]), arg))
            return true;
    return false;
}

static bool entry_allow(struct catalogue *c, struct entry *entry, struct str arg, struct err *e)
{
    if (entry_allows(entry, arg))
        return true;
    if (entry->arg_count == ARGS_MAX)
        return err_set(e, ERR_INVALID, "text %s has more than %d placeholders", entry->message.name, ARGS_MAX);
    entry->args[entry->arg_count] = talloc_strndup(c, arg.p, arg.n);
    return entry->args[entry->arg_count++] || err_set(e, ERR_NOMEM, "out of memory");
}

/* Braces are placeholders; with `own` they extend what the entry allows, otherwise `like` has to allow them. */
static bool check_braces(struct catalogue *c, struct entry *entry, const struct entry *like, const char *text, struct err *e)
{
    for (const char *p = text; *p;) {
        const char *after = p + 1;
        struct str arg = placeholder_at(p, &after);
        if (!arg.n && (*p == '{' || *p == '}'))
            return err_set(e, ERR_INVALID, "text %s has a brace that is no placeholder: \"%.20s\"", entry->message.name, p);
        if (arg.n && like && !entry_allows(like, arg))
            return err_set(e, ERR_INVALID, "text %s has the unknown placeholder {%.*s}", entry->message.name, STR_ARG(arg));
        if (arg.n && !like && !entry_allow(c, entry, arg, e))
            return false;
        p = after;
    }
    return true;
}

/* ---- checks ---- */

static bool has_action(const struct message *m, const char *action)
{
    for (size_t i = 0; i < m->button_count; i++)
        if (strcmp(m->button[i].action, action) == 0)
            return true;
    return false;
}

static bool check_text(struct catalogue *c, struct entry *entry, const struct entry *like, const char *text, struct err *e)
{
    if (!*text)
        return err_set(e, ERR_INVALID, "text %s is empty", entry->message.name);
    if (utf16_units_of(text) > MESSAGE_TEXT_UNITS)
        return err_set(e, ERR_INVALID, "text %s is longer than %d characters", entry->message.name, MESSAGE_TEXT_UNITS);
    return check_braces(c, entry, like, text, e);
}

static bool check_entry(struct catalogue *c, struct entry *entry, const struct entry *like, struct err *e)
{
    const struct message *m = &entry->message;
    if (!m->text)
        return err_set(e, ERR_INVALID, "text %s is missing", m->name);
    if (!check_text(c, entry, like, m->text, e))
        return false;
    for (size_t i = 0; i < entry->variant_count; i++)
        if (!check_text(c, entry, like, entry->variants[i], e))
            return false;
    for (size_t i = 0; i < m->button_count; i++) {
        const struct message_button *b = &m->button[i];
        if (!*b->label || !*b->action)
            return err_set(e, ERR_INVALID, "button %zu of text %s is empty", i + 1, m->name);
        if (!strchr(b->label, '{') && chars_of(b->label) > MESSAGE_LABEL_CHARS)
            return err_set(e, ERR_INVALID, "button \"%s\" of text %s is longer than %d characters", b->label, m->name,
                           MESSAGE_LABEL_CHARS);
        if (like && !has_action(&like->message, b->action))
            return err_set(e, ERR_INVALID, "button \"%s\" of text %s has the unknown action %s", b->label, m->name, b->action);
        if (!check_braces(c, entry, like, b->label, e) || !check_braces(c, entry, like, b->action, e))
            return false;
    }
    return true;
}

/* ---- reading YAML ---- */

struct reader {
    yaml_parser_t parser;
    yaml_event_t event;
    bool event_held;
    struct catalogue *catalogue;
    struct err *e;
};

static bool next(struct reader *r)
{
    if (r->event_held)
        yaml_event_delete(&r->event);
    r->event_held = yaml_parser_parse(&r->parser, &r->event);
    if (r->event_held && r->event.type == YAML_ALIAS_EVENT)
        return err_set(r->e, ERR_INVALID, "line %zu: aliases are not used here", r->event.start_mark.line + 1);
    return r->event_held || err_set(r->e, ERR_INVALID, "line %zu: %s", r->parser.problem_mark.line + 1,
                                    r->parser.problem ? r->parser.problem : "not YAML");
}

static bool wrong(struct reader *r, const char *wanted)
{
    return err_set(r->e, ERR_INVALID, "line %zu: expected %s", r->event.start_mark.line + 1, wanted);
}

/* Copies the scalar on hand; the line break that ends a block scalar is not part of the text. */
static const char *scalar(struct reader *r)
{
    size_t n = r->event.data.scalar.length;
    const char *p = (const char *)r->event.data.scalar.value;
    while (n && (p[n - 1] == '\n' || p[n - 1] == ' '))
        n--;
    if (memchr(p, '\0', n)) {
        err_set(r->e, ERR_INVALID, "line %zu: a NUL in a text", r->event.start_mark.line + 1);
        return NULL;
    }
    const char *copy = talloc_strndup(r->catalogue, p, n);
    if (!copy)
        err_set(r->e, ERR_NOMEM, "out of memory");
    return copy;
}

/* "- action: label" */
static bool read_button(struct reader *r, struct entry *entry)
{
    struct message *m = &entry->message;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return wrong(r, "\"- action: label\"");
    if (m->button_count == MESSAGE_BUTTONS_MAX)
        return err_set(r->e, ERR_INVALID, "text %s has more than %d buttons", m->name, MESSAGE_BUTTONS_MAX);
    struct message_button *b = &m->button[m->button_count++];
    if (!next(r))
        return false;
    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "the action of a button");
    if (!(b->action = scalar(r)) || !next(r))
        return false;
    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "the label of a button");
    if (!(b->label = scalar(r)) || !next(r))
        return false;
    return r->event.type == YAML_MAPPING_END_EVENT || wrong(r, "one action and label per button");
}

static bool read_item(struct reader *r, struct entry *entry, const char *list)
{
    if (strcmp(list, "buttons") == 0)
        return read_button(r, entry);
    if (r->event.type != YAML_SCALAR_EVENT)
        return wrong(r, "a text");
    const char *text = scalar(r);
    if (!text)
        return false;
    if (strcmp(list, "args") == 0)
        return entry_allow(r->catalogue, entry, str_of(text), r->e);
    if (entry->variant_count == VARIANTS_MAX)
        return err_set(r->e, ERR_INVALID, "text %s has more than %d variants", entry->message.name, VARIANTS_MAX);
    entry->variants[entry->variant_count++] = text;
    return true;
}

static bool read_list(struct reader *r, struct entry *entry, const char *list)
{
    if (r->event.type != YAML_SEQUENCE_START_EVENT)
        return wrong(r, "a list");
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (!read_item(r, entry, list))
            return false;
    }
}

/* The value of one name: a text, or a mapping of text, buttons, variants, args. */
static bool read_entry(struct reader *r, struct entry *entry)
{
    if (r->event.type == YAML_SCALAR_EVENT)
        return (entry->message.text = scalar(r)) != NULL;
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return wrong(r, "a text, or a mapping with text and buttons");
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        const char *key = r->event.type == YAML_SCALAR_EVENT ? scalar(r) : NULL;
        if (!key)
            return wrong(r, "text, buttons, variants or args");
        if (!next(r))
            return false;
        if (strcmp(key, "text") == 0) {
            if (r->event.type != YAML_SCALAR_EVENT)
                return wrong(r, "a text");
            if (!(entry->message.text = scalar(r)))
                return false;
        } else if (strcmp(key, "buttons") == 0 || strcmp(key, "variants") == 0 || strcmp(key, "args") == 0) {
            if (!read_list(r, entry, key))
                return false;
        } else {
            return err_set(r->e, ERR_INVALID, "text %s has the unknown member %s", entry->message.name, key);
        }
    }
}

static bool read_document(struct reader *r)
{
    do {
        if (!next(r))
            return false;
    } while (r->event.type == YAML_STREAM_START_EVENT || r->event.type == YAML_DOCUMENT_START_EVENT);
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return wrong(r, "a mapping of names to texts");
    for (;;) {
        if (!next(r))
            return false;
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return true;
        const char *name = r->event.type == YAML_SCALAR_EVENT ? scalar(r) : NULL;
        if (!name)
            return wrong(r, "the name of a text");
        enum msg id = message_named(str_of(name));
        if (id == MSG_NONE)
            return err_set(r->e, ERR_INVALID, "line %zu: there is no text called %s", r->event.start_mark.line + 1, name);
        struct entry *entry = &r->catalogue->entry[id];
        if (entry->message.text || entry->message.button_count)
            return err_set(r->e, ERR_INVALID, "text %s is there twice", name);
        if (!next(r) || !read_entry(r, entry))
            return false;
    }
}

/* @param like the built-in catalogue an operator's file is held against; NULL while reading the built-in one */
static struct catalogue *read_catalogue(const unsigned char *yaml, size_t n, const struct catalogue *like, struct err *e)
{
    SCOPED(talloc) struct catalogue *c = talloc_zero(NULL, struct catalogue);
    struct reader r = {.catalogue = c, .e = e};
    if (!c || !yaml_parser_initialize(&r.parser)) {
        err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < MSG_COUNT; i++)
        c->entry[i].message.name = names[i];
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, yaml, n);
    bool ok = read_document(&r);
    if (r.event_held)
        yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    c->entry[MSG_NONE].message.text = "";
    for (size_t i = 1; ok && i < MSG_COUNT; i++) {
        struct entry *entry = &c->entry[i];
        ok = check_entry(c, entry, like ? &like->entry[i] : NULL, e);
        entry->message.variants = entry->variant_count ? entry->variants : NULL;
    }
    return ok ? TAKE(c) : NULL;
}

static struct catalogue *read_file(const char *path, struct err *e)
{
    SCOPED(file) FILE *f = fopen(path, "rbe");
    if (!f) {
        err_set(e, ERR_NOT_FOUND, "could not open texts %s: %m", path);
        return NULL;
    }
    unsigned char *yaml = talloc_array(NULL, unsigned char, FILE_BYTES_MAX + 1);
    struct catalogue *c = NULL;
    size_t n = yaml ? fread(yaml, 1, FILE_BYTES_MAX + 1, f) : 0;
    if (!yaml)
        err_set(e, ERR_NOMEM, "out of memory");
    else if (ferror(f))
        err_set(e, ERR_SYSTEM, "could not read texts %s: %m", path);
    else if (n > FILE_BYTES_MAX)
        err_set(e, ERR_INVALID, "texts %s are larger than %d bytes", path, FILE_BYTES_MAX);
    else if (!(c = read_catalogue(yaml, n, builtin, e)))
        err_wrap(e, "texts %s", path);
    talloc_free(yaml);
    return c;
}

bool messages_load(const char *path, struct err *e)
{
    if (!builtin) {
        builtin = read_catalogue(messages_vi_yaml, messages_vi_yaml_len, NULL, e);
        if (!builtin)
            return err_wrap(e, "built-in texts");
        current = builtin;
    }
    struct catalogue *c = path ? read_file(path, e) : builtin;
    if (!c)
        return false;
    if (current != builtin && current != c)
        talloc_free(current);
    current = c;
    return true;
}

const struct message *message_get(enum msg id)
{
    struct err e = {0};
    if (!current && !messages_load(NULL, &e)) {
        fprintf(stderr, "%s\n", e.msg); /* a broken build: tests/config/test_messages.c would have told */
        abort();
    }
    assert(id >= MSG_NONE && id < MSG_COUNT);
    return &current->entry[id].message;
}

enum msg message_named(struct str name)
{
    for (size_t i = 1; i < MSG_COUNT; i++)
        if (str_eq(name, str_of(names[i])))
            return (enum msg)i;
    return MSG_NONE;
}

/* ---- filling in ---- */

static const char *value_of(struct str name, const struct message_arg *args, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_of(args[i].name)))
            return args[i].value ? args[i].value : "";
    return "";
}

/* An empty value leaves no traces: no double blank, no blank before punctuation, no empty line of its own. */
static const char *close_up(char *out, size_t *n, const char *rest)
{
    bool at_line_start = *n == 0 || out[*n - 1] == '\n';
    bool after_blank = at_line_start || out[*n - 1] == ' ';
    if (at_line_start && *rest == '\n')
        return rest + 1;
    if (after_blank && *rest == ' ')
        return rest + 1;
    if (!at_line_start && after_blank && (!*rest || strchr("\n,.;:!?)", *rest)))
        (*n)--;
    if (!*rest)
        while (*n && out[*n - 1] == '\n')
            (*n)--;
    return rest;
}

char *message_render(TALLOC_CTX *ctx, const char *text, const struct message_arg *args, size_t arg_count)
{
    size_t room = 1;
    for (const char *p = text; *p;) {
        const char *after = p + 1;
        struct str name = placeholder_at(p, &after);
        room += name.n ? strlen(value_of(name, args, arg_count)) : 1;
        p = after;
    }
    char *out = talloc_size(ctx, room);
    if (!out)
        return NULL;
    size_t n = 0;
    for (const char *p = text; *p;) {
        const char *after = p + 1;
        struct str name = placeholder_at(p, &after);
        if (!name.n) {
            out[n++] = *p;
            p = after;
            continue;
        }
        const char *value = value_of(name, args, arg_count);
        size_t len = strlen(value);
        memcpy(out + n, value, len);
        n += len;
        p = len ? after : close_up(out, &n, after);
    }
    out[n] = '\0';
    return out;
}
