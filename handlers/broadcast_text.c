/* Texts of broadcasts: see broadcast_text.h. */
#include "broadcast_text.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "messages.h"
#include "reading/text.h"
#include "say.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)
SCOPED_DEFINE(json_text, char *, cJSON_free)

enum { FILL_UNITS = 160, NAME_CHARS = 60, QUOTE_CHARS = 80, DATA_BYTES_MAX = 4000, TEMPLATE_ID_MAX = 64, BUTTONS_OWN_MAX = REPLY_BUTTONS_MAX - 1 };

#define WORDS_DIVIDER '\x1f'

static const char *const known[] = {"xung_ho", "ten", "ho_ten", "unit", "title", "n"};

static bool is_known(struct str name)
{
    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_eq(name, str_of(known[i])))
            return true;
    return false;
}

static bool is_empty(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if (text.p[i] != ' ' && text.p[i] != '\n')
            return false;
    return true;
}

bool broadcast_text_check(struct str text, struct err *e)
{
    size_t fills = 0;
    if (is_empty(text))
        return err_set(e, ERR_INVALID, "the text is empty");
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '}')
            return err_set(e, ERR_INVALID, "a } closes nothing (after \"%.*s\")", (int)(i > 40 ? 40 : i), text.p + (i > 40 ? i - 40 : 0));
        if (text.p[i] != '{')
            continue;
        const char *end = memchr(text.p + i, '}', text.n - i);
        if (!end)
            return err_set(e, ERR_INVALID, "a { is not closed (before \"%.*s\")", (int)(text.n - i > 40 ? 40 : text.n - i), text.p + i);
        struct str name = {text.p + i + 1, (size_t)(end - text.p) - i - 1};
        if (!is_known(name))
            return err_set(e, ERR_INVALID, "unknown placeholder {%.*s}; there are {xung_ho} {ten} {ho_ten} {unit} {title} {n}",
                           name.n > 40 ? 40 : (int)name.n, name.p);
        fills++;
        i += name.n + 1;
    }
    if (text_utf16_units(text) + fills * FILL_UNITS > MESSAGE_TEXT_UNITS)
        return err_set(e, ERR_INVALID, "the text is too long: %zu characters and room for %zu placeholders, one message holds %d", text_utf16_units(text),
                       fills, MESSAGE_TEXT_UNITS);
    return true;
}

bool broadcast_text_is_plain(const char *text)
{
    return !strchr(text, '{');
}

enum { FILLS = ARRAY_LEN(known) };

/* What fills each of the known placeholders; owned by ctx. */
static void fills_of(TALLOC_CTX *ctx, const struct broadcast_person *who, struct message_arg args[static FILLS])
{
    const char *full = who->full_name ? text_short(ctx, str_of(who->full_name), NAME_CHARS) : NULL;
    const char *blank = full ? strrchr(full, ' ') : NULL, *address = message_get(MSG_ADDRESS)->text;
    const char *const fill[FILLS] = {
        address,
        blank ? blank + 1 : full,
        full ? full : address,
        who->unit_name ? text_short(ctx, str_of(who->unit_name), QUOTE_CHARS) : message_get(MSG_BROADCAST_NO_UNIT)->text,
        who->title ? text_short(ctx, str_of(who->title), QUOTE_CHARS) : message_get(MSG_BROADCAST_NO_TITLE)->text,
        talloc_asprintf(ctx, "%lld", (long long)who->initiatives),
    };
    for (size_t i = 0; i < FILLS; i++)
        args[i] = (struct message_arg){known[i], fill[i]};
}

char *broadcast_text_render(TALLOC_CTX *ctx, const char *text, const struct broadcast_person *who)
{
    TALLOC_CTX *tmp = talloc_new(ctx);
    struct message_arg args[FILLS];
    fills_of(tmp, who, args);
    char *out = must(message_render(ctx, text, args, FILLS));
    talloc_free(tmp);
    return out;
}

/* ---- what fills a text, by itself ---- */

/* Goes behind the next placeholder. @return its name; n is 0 when there is none. */
static struct str next_placeholder(const char **at)
{
    const char *open = strchr(*at, '{'), *close = open ? strchr(open, '}') : NULL;
    if (!close)
        return (struct str){*at, 0};
    *at = close + 1;
    return (struct str){open + 1, (size_t)(close - open) - 1};
}

char *broadcast_text_words(TALLOC_CTX *ctx, const char *text, const struct broadcast_person *who)
{
    struct message_arg args[FILLS];
    char *out = must(talloc_strdup(ctx, ""));
    fills_of(out, who, args);
    bool first = true;
    for (struct str name; (name = next_placeholder(&text)).n > 0; first = false) {
        size_t i = 0;
        while (i < FILLS && !str_eq(name, str_of(args[i].name)))
            i++;
        if (i == FILLS || !args[i].value || !*args[i].value || strchr(args[i].value, WORDS_DIVIDER)) { /* a gap is closed up in its own way */
            talloc_free(out);
            return NULL;
        }
        out = must(talloc_asprintf_append_buffer(out, first ? "%s" : "\x1f%s", args[i].value));
    }
    return out;
}

char *broadcast_text_fill(TALLOC_CTX *ctx, const char *text, const char *words)
{
    char *out = must(talloc_strdup(ctx, ""));
    for (const char *from = text; next_placeholder(&text).n > 0; from = text) {
        size_t n = strcspn(words, (char[]){WORDS_DIVIDER, '\0'});
        out = must(talloc_asprintf_append_buffer(out, "%.*s%.*s", (int)strcspn(from, "{"), from, (int)n, words));
        words += n + (words[n] != '\0');
    }
    return must(talloc_asprintf_append_buffer(out, "%s", text));
}

/* ---- data of a template ---- */

bool broadcast_data_check(struct str json, struct err *e)
{
    SCOPED(json) cJSON *root = cJSON_ParseWithLength(json.p, json.n);
    const cJSON *member;
    if (!cJSON_IsObject(root) || json.n > DATA_BYTES_MAX)
        return err_set(e, ERR_INVALID, "the data of a template is a JSON object, at most %d bytes", DATA_BYTES_MAX);
    cJSON_ArrayForEach(member, root)
    {
        const char *value = cJSON_GetStringValue(member);
        if (!value)
            return err_set(e, ERR_INVALID, "the data of a template holds texts only, %.40s is none", member->string);
        if (!broadcast_text_check(str_of(value), e))
            return err_wrap(e, "%.40s", member->string);
    }
    return true;
}

char *broadcast_data_render(TALLOC_CTX *ctx, const char *json, const struct broadcast_person *who)
{
    SCOPED(json) cJSON *root = must(cJSON_Parse(json)), *out = must(cJSON_CreateObject());
    const cJSON *member;
    cJSON_ArrayForEach(member, root)
    {
        char *text = broadcast_text_render(ctx, cJSON_GetStringValue(member), who);
        must(cJSON_AddStringToObject(out, member->string, text));
        talloc_free(text);
    }
    SCOPED(json_text) char *printed = must(cJSON_PrintUnformatted(out));
    return must(talloc_strdup(ctx, printed));
}

char *broadcast_sample(TALLOC_CTX *ctx, const char *text, const char *template_id, const char *template_data, const struct broadcast_person *who)
{
    if (!template_id || !template_data)
        return broadcast_text_render(ctx, text, who);
    SCOPED(json) cJSON *root = must(cJSON_Parse(template_data));
    const cJSON *member;
    char *out = must(talloc_strdup(ctx, template_id));
    cJSON_ArrayForEach(member, root)
    {
        char *value = broadcast_text_render(ctx, cJSON_GetStringValue(member), who);
        out = must(talloc_asprintf_append_buffer(out, "\n%s = %s", member->string, value));
        talloc_free(value);
    }
    return out;
}

bool broadcast_template_check(struct str id, struct err *e)
{
    bool good = id.n > 0 && id.n <= TEMPLATE_ID_MAX;
    for (size_t i = 0; good && i < id.n; i++) {
        char c = id.p[i];
        good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
    }
    return good || err_set(e, ERR_INVALID, "the id of a template is 1 to %d letters and digits", TEMPLATE_ID_MAX);
}

static struct str trimmed(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\n'))
        s = str_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

/* "name = text" or "name: text" into the object. */
static bool read_pair(TALLOC_CTX *ctx, struct str line, cJSON *object, struct err *e)
{
    size_t at = 0;
    while (at < line.n && line.p[at] != '=' && line.p[at] != ':')
        at++;
    struct str name = trimmed((struct str){line.p, at}), value = at < line.n ? trimmed(str_skip(line, at + 1)) : (struct str){line.p, 0};
    if (!value.n || !broadcast_template_check(name, e))
        return err_set(e, ERR_INVALID, "a line of a template's data is name = text");
    const char *key = must(talloc_strndup(ctx, name.p, name.n));
    cJSON_DeleteItemFromObjectCaseSensitive(object, key);
    must(cJSON_AddStringToObject(object, key, must(talloc_strndup(ctx, value.p, value.n))));
    return true;
}

bool broadcast_template_read(TALLOC_CTX *ctx, struct str text, const char **ret_id, const char **ret_data, struct err *e)
{
    struct str rest = trimmed(text);
    size_t n = 0;
    while (n < rest.n && rest.p[n] != ' ' && rest.p[n] != '\n')
        n++;
    struct str id = {rest.p, n};
    if (!broadcast_template_check(id, e))
        return false;
    rest = trimmed(str_skip(rest, n));
    const char *data;
    if (rest.n && rest.p[0] == '{') {
        data = must(talloc_strndup(ctx, rest.p, rest.n));
    } else {
        SCOPED(json) cJSON *object = must(cJSON_CreateObject());
        while (rest.n) {
            const char *end = memchr(rest.p, '\n', rest.n);
            struct str line = {rest.p, end ? (size_t)(end - rest.p) : rest.n};
            if (!read_pair(ctx, line, object, e))
                return false;
            rest = trimmed(str_skip(rest, line.n));
        }
        SCOPED(json_text) char *printed = must(cJSON_PrintUnformatted(object));
        data = must(talloc_strdup(ctx, printed));
    }
    if (!broadcast_data_check(str_of(data), e))
        return false;
    *ret_id = must(talloc_strndup(ctx, id.p, id.n));
    *ret_data = data;
    return true;
}

/* ---- buttons ---- */

static const struct message_button *button_named(struct str name)
{
    const struct message *m = message_get(MSG_BROADCAST_BUTTONS);
    for (size_t i = 0; i < m->button_count; i++)
        if (str_eq(name, str_of(m->button[i].action)))
            return &m->button[i];
    return NULL;
}

static struct str next_name(struct str *rest)
{
    while (rest->n > 0 && rest->p[0] == ' ')
        *rest = str_skip(*rest, 1);
    const char *end = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
    struct str name = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = str_skip(*rest, name.n);
    return name;
}

bool broadcast_buttons_check(struct str names, struct err *e)
{
    size_t count = 0;
    for (struct str name; (name = next_name(&names)).n > 0; count++)
        if (!button_named(name))
            return err_set(e, ERR_INVALID, "there is no button %.*s; there are register, list_mine, resume, help_what and human",
                           name.n > 40 ? 40 : (int)name.n, name.p);
    return count <= BUTTONS_OWN_MAX || err_set(e, ERR_INVALID, "at most %d buttons fit", BUTTONS_OWN_MAX);
}

void broadcast_buttons_add(TALLOC_CTX *ctx, const char *names, struct reply *reply)
{
    struct str rest = str_of(names);
    for (struct str name; (name = next_name(&rest)).n > 0 && reply->button_count < BUTTONS_OWN_MAX;) {
        const struct message_button *b = button_named(name);
        if (b)
            reply->button[reply->button_count++] = (struct button){b->label, must(talloc_asprintf(ctx, "#b1:*:%s", b->action))};
    }
    reply->button[reply->button_count++] = (struct button){message_get(MSG_BROADCAST_OPTOUT)->text, "#b1:*:optout"};
}
