/* Rows to import: see import_row.h. */
#include "import_row.h"

#include <inttypes.h>
#include <stdlib.h>

#include "csv_read.h"
#include "draft.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "zalo/json.h"
#include "zalo/sha256.h"

enum { JSON_ROOM = 512, ID_BYTES_MAX = 100, SECTOR_CHARS_MAX = 100 };

/* What a row can hold; the names are those of the JSON keys. */
enum field { ID, TITLE, DESCRIPTION, BENEFIT, SECTOR, UNIT, FIELDS };

static const struct {
    const char *key;
    const char *headings; /* other names of the column, folded, apart by '|' */
} fields[FIELDS] = {
    [ID] = {"id", "|ma|ma so|ma sang kien|code|stt|"},
    [TITLE] = {"title", "|ten|ten sang kien|ten giai phap|tieu de|"},
    [DESCRIPTION] = {"description", "|noi dung|mo ta|noi dung sang kien|noi dung, cach lam, hieu qua|tom tat noi dung|"},
    [BENEFIT] = {"annual_vnd", "|annual_benefit_vnd|gia tri lam loi|gia tri lam loi (dong)|gia tri lam loi trong 01 nam|so tien lam loi|"},
    [SECTOR] = {"sector", "|linh vuc|"},
    [UNIT] = {"union_unit", "|unit|don vi|cong doan co so|cdcs|"},
};

struct import_reader {
    FILE *in;
    bool table;
    struct csv_reader csv;
    int column[FIELDS]; /* -1: the table has none */
    char *line;         /* of JSON lines; malloc */
    size_t room;
    long number;
};

static int reader_end(struct import_reader *r)
{
    free(r->line);
    return 0;
}

/* ---- the heading of a table ---- */

static bool names_field(enum field f, const char *key)
{
    if (strcmp(key, fields[f].key) == 0)
        return true;
    char wanted[80];
    snprintf(wanted, sizeof(wanted), "|%s|", key);
    return *key && strlen(key) < sizeof(wanted) - 2 && !strchr(key, '|') && strstr(fields[f].headings, wanted);
}

static bool read_heading(struct import_reader *r, struct err *e)
{
    struct csv_row row;
    TALLOC_CTX *tmp = talloc_new(r);
    bool there = csv_reader_next(&r->csv, tmp, &row, e);
    for (enum field f = 0; f < FIELDS; f++) {
        r->column[f] = -1;
        for (size_t c = row.count; there && c-- > 0;)
            if (names_field(f, text_key(tmp, row.cell[c])))
                r->column[f] = (int)c;
    }
    talloc_free(tmp);
    if (!there)
        return err_set(e, ERR_INVALID, "it has no rows");
    if (r->column[TITLE] < 0 || r->column[DESCRIPTION] < 0)
        return err_set(e, ERR_INVALID, "line %ld names no column %s; name it so", r->csv.line,
                       r->column[TITLE] < 0 ? "title (ten sang kien)" : "description (noi dung)");
    return true;
}

struct import_reader *import_reader_new(TALLOC_CTX *ctx, FILE *in, struct err *e)
{
    struct import_reader *r = talloc_zero(ctx, struct import_reader);
    r->in = in;
    talloc_set_destructor(r, reader_end);
    if (!sha256_init()) {
        err_set(e, ERR_SYSTEM, "OpenSSL offers no SHA-256");
        return NULL;
    }
    char head[3] = "";
    bool mark = fread(head, 1, sizeof(head), in) == sizeof(head) && memcmp(head, "\xef\xbb\xbf", 3) == 0;
    if (fseek(in, mark ? 3 : 0, SEEK_SET) != 0) {
        err_set(e, ERR_INVALID, "it cannot be read twice: give a file, not a pipe");
        return NULL;
    }
    int c;
    while ((c = getc(in)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        ;
    r->table = c != '{' && c != EOF;
    if (fseek(in, !r->table && mark ? 3 : 0, SEEK_SET) != 0 || (r->table && (!csv_reader_begin(&r->csv, in, e) || !read_heading(r, e))))
        return NULL;
    return r;
}

/* ---- one row ---- */

static bool whole_number(struct str s, int64_t *ret)
{
    int64_t v = 0;
    if (s.n == 0 || s.n > 18)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        v = v * 10 + (s.p[i] - '0');
    }
    *ret = v;
    return true;
}

static bool is_utf8(struct str s)
{
    while (s.n > 0) {
        size_t n = utf8_sequence(s.p, s.n);
        if (n == 0)
            return false;
        s = str_skip(s, n);
    }
    return true;
}

/* A figure, or words as people write them ("27 triệu", "1,2 tỷ"). */
static bool read_benefit(TALLOC_CTX *ctx, struct str text, struct import_row *ret, struct err *e)
{
    char *clean = text_clean(ctx, text);
    ret->has_benefit = whole_number(str_of(clean), &ret->benefit_vnd);
    if (ret->has_benefit || !*clean)
        return true;
    struct amount a = amount_read(str_of(clean));
    ret->benefit_text = clean;
    if (a.has_annual) {
        ret->has_benefit = true;
        ret->benefit_vnd = a.annual_vnd;
        return true;
    }
    return a.kind == AMOUNT_NONMONETARY ||
           err_set(e, ERR_INVALID, "\"%.60s\" is no amount of dong for one year; write a whole number, or leave it empty", clean);
}

static bool check_length(const char *text, size_t least, size_t most, const char *what, struct err *e)
{
    size_t chars = text_chars(str_of(text));
    if (chars < least)
        return err_set(e, ERR_INVALID, chars == 0 ? "there is no %s" : "the %s is too short", what);
    return chars <= most || err_set(e, ERR_INVALID, "the %s has %zu characters, at most %zu are stored", what, chars, most);
}

static const char *user_of(TALLOC_CTX *ctx, const char *id, const struct import_row *row)
{
    static const char hex[] = "0123456789abcdef";
    if (*id)
        return talloc_asprintf(ctx, IMPORT_USER_PREFIX "%s", id);
    unsigned char hash[SHA256_BYTES];
    char text[33];
    const struct str parts[] = {str_of(row->title), STR("\n"), str_of(row->description)};
    sha256_parts(parts, ARRAY_LEN(parts), hash);
    for (size_t i = 0; i < 32; i++)
        text[i] = hex[i % 2 ? hash[i / 2] & 15 : hash[i / 2] >> 4];
    text[32] = '\0';
    return talloc_asprintf(ctx, IMPORT_USER_PREFIX "%s", text);
}

static bool make_row(TALLOC_CTX *ctx, const struct str value[FIELDS], struct import_row *ret, struct err *e)
{
    for (enum field f = 0; f < FIELDS; f++)
        if (!is_utf8(value[f]))
            return err_set(e, ERR_INVALID, "%s is not UTF-8; save the file as \"CSV UTF-8\"", fields[f].key);
    const char *id = text_clean(ctx, value[ID]);
    ret->title = text_clean(ctx, value[TITLE]);
    ret->description = text_clean(ctx, value[DESCRIPTION]);
    ret->sector = value[SECTOR].n ? text_clean(ctx, value[SECTOR]) : NULL;
    ret->unit = value[UNIT].n ? text_clean(ctx, value[UNIT]) : NULL;
    if (strlen(id) > ID_BYTES_MAX)
        return err_set(e, ERR_INVALID, "the id has more than %d bytes", ID_BYTES_MAX);
    /* An old record may say little; what is asked of people today (20 characters) is not asked of it. */
    if (!check_length(ret->title, TITLE_CHARS_MIN, TITLE_CHARS_MAX, "title", e) ||
        !check_length(ret->description, 1, DESCRIPTION_CHARS_MAX, "description", e) ||
        (ret->sector && !check_length(ret->sector, 0, SECTOR_CHARS_MAX, "sector", e)) ||
        (ret->unit && !check_length(ret->unit, 0, UNIT_CHARS_MAX, "unit", e)) || !read_benefit(ctx, value[BENEFIT], ret, e))
        return false;
    ret->user_id = user_of(ctx, id, ret);
    return true;
}

static enum import_result next_of_table(struct import_reader *r, TALLOC_CTX *ctx, struct import_row *ret, struct err *e)
{
    struct csv_row row;
    struct str value[FIELDS] = {{NULL, 0}};
    bool there = csv_reader_next(&r->csv, ctx, &row, e);
    ret->line = r->csv.line;
    if (!there)
        return e->kind == ERR_NONE ? IMPORT_END : IMPORT_REFUSED;
    for (enum field f = 0; f < FIELDS; f++)
        value[f] = r->column[f] >= 0 && (size_t)r->column[f] < row.count ? row.cell[r->column[f]] : STR("");
    return make_row(ctx, value, ret, e) ? IMPORT_ROW : IMPORT_REFUSED;
}

static bool read_json(TALLOC_CTX *ctx, struct str line, struct str value[FIELDS], struct err *e)
{
    struct json_token room[JSON_ROOM];
    struct json doc;
    if (!json_read(&doc, line, room, JSON_ROOM, e))
        return false;
    if (json_type(&doc, JSON_ROOT) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "it is JSON, but no object");
    for (enum field f = 0; f < FIELDS; f++) {
        json_ref ref = json_get(&doc, JSON_ROOT, str_of(fields[f].key));
        enum json_type type = json_type(&doc, ref);
        if (type == JSON_STRING)
            value[f] = str_of(json_string(ctx, &doc, ref));
        else if (type == JSON_NUMBER && (f == ID || f == BENEFIT))
            value[f] = json_raw(&doc, ref);
        else if (type == JSON_ABSENT || type == JSON_NULL)
            value[f] = STR("");
        else
            return err_set(e, ERR_INVALID, "%s is not %s", fields[f].key, f == BENEFIT ? "a whole number" : "a text");
    }
    return !doc.duplicate || err_set(e, ERR_INVALID, "a key is there twice");
}

static enum import_result next_of_lines(struct import_reader *r, TALLOC_CTX *ctx, struct import_row *ret, struct err *e)
{
    for (ssize_t n; (n = getline(&r->line, &r->room, r->in)) > 0;) {
        struct str value[FIELDS] = {{NULL, 0}};
        ret->line = ++r->number;
        while (n > 0 && (r->line[n - 1] == '\n' || r->line[n - 1] == '\r' || r->line[n - 1] == ' '))
            n--;
        if (n == 0)
            continue;
        if (n > CSV_ROW_BYTES_MAX) {
            err_set(e, ERR_INVALID, "the line is longer than %d bytes", CSV_ROW_BYTES_MAX);
            return IMPORT_REFUSED;
        }
        bool ok = read_json(ctx, (struct str){r->line, (size_t)n}, value, e) && make_row(ctx, value, ret, e);
        return ok ? IMPORT_ROW : IMPORT_REFUSED;
    }
    return IMPORT_END;
}

enum import_result import_reader_next(struct import_reader *r, TALLOC_CTX *ctx, struct import_row *ret, struct err *e)
{
    *ret = (struct import_row){0};
    return r->table ? next_of_table(r, ctx, ret, e) : next_of_lines(r, ctx, ret, e);
}
