/* Verdicts in a spreadsheet: see review_sheet.h. */
#include "review_sheet.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "messages.h"
#include "reading/amount.h"
#include "reading/text.h"
#include "scoped.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)

enum { NOTE_CHARS_MAX = 300, LEVEL_CHARS_MAX = 80 };

/* Columns of review_export. */
enum {
    USER_ID, ID, CODE, TITLE, DESCRIPTION, BENEFIT_KIND, DECLARED, BENEFIT_TEXT, UNIT, AUTHOR, STATUS, NOTE, SUBMITTED_AT, CHECKED, RECOGNISED,
    SOCIAL, DUPLICATE_OF, STAMP, SAME_FIGURE, APPEAL, ALIKE, RANK,
};

/* ---- writing ---- */

/* A line each: code, title, unit. */
static void write_alike(struct sheet *s, TALLOC_CTX *ctx, struct str json)
{
    SCOPED(json) cJSON *list = json.n ? cJSON_ParseWithLength(json.p, json.n) : NULL;
    const cJSON *item;
    char *text = talloc_strdup(ctx, "");
    cJSON_ArrayForEach(item, list)
    {
        const char *code = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "code"));
        const char *title = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "title"));
        const char *unit = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "unit"));
        text = talloc_asprintf_append(text, "%s%s %s (%s)", *text ? "\n" : "", code ? code : "", title ? title : "", unit ? unit : "");
    }
    sheet_text(s, str_of(text ? text : ""));
}

/* In the order of the text sheet_review_header of the catalogue; the last columns are for the reviewer. */
static void write_row(struct sheet *s, TALLOC_CTX *ctx, const PGresult *res, int i)
{
    char stamp[24];
    /* With the letter a spreadsheet keeps it as text, digit by digit. */
    snprintf(stamp, sizeof(stamp), "v%" PRId64, pg_int8(res, i, STAMP));
    sheet_text(s, pg_bytes(res, i, CODE));
    if (pg_null(res, i, RANK))
        sheet_empty(s);
    else
        sheet_number(s, pg_int8(res, i, RANK) + 1);
    sheet_text(s, pg_bytes(res, i, TITLE));
    sheet_text(s, pg_bytes(res, i, DESCRIPTION));
    sheet_text(s, pg_bytes(res, i, UNIT));
    sheet_text(s, pg_bytes(res, i, AUTHOR));
    sheet_moment(s, pg_time_ms(res, i, SUBMITTED_AT));
    export_word(s, "sheet_benefit_", pg_bytes(res, i, BENEFIT_KIND));
    export_amount(s, res, i, DECLARED);
    sheet_text(s, pg_bytes(res, i, BENEFIT_TEXT));
    if (pg_null(res, i, DECLARED))
        sheet_empty(s);
    else
        sheet_number(s, pg_int8(res, i, SAME_FIGURE));
    write_alike(s, ctx, pg_bytes(res, i, ALIKE));
    sheet_text(s, pg_bytes(res, i, APPEAL));
    export_word(s, "label_", pg_bytes(res, i, STATUS));
    sheet_text(s, pg_bytes(res, i, NOTE));
    sheet_text(s, str_of(stamp));
    sheet_empty(s); /* verdict */
    sheet_text(s, pg_bytes(res, i, DUPLICATE_OF));
    sheet_empty(s); /* field */
    sheet_empty(s); /* reason */
    export_amount(s, res, i, CHECKED);
    export_amount(s, res, i, RECOGNISED);
    sheet_empty(s); /* level */
    sheet_empty(s); /* day */
    export_mark(s, pg_bool(res, i, SOCIAL));
    sheet_end_row(s);
}

static void add_filter(struct pg_params *p, const struct export_filter *filter)
{
    struct pg_array *statuses = pg_array_new(p, PG_TEXT);
    for (size_t i = 0; filter->status[i]; i++)
        pg_array_text(statuses, filter->status[i]);
    if (!filter->status[0])
        pg_array_text(statuses, STATUS_SUBMITTED);
    pg_param_array(p, statuses);
    pg_param_int8(p, filter->unit_id[0]);
}

bool review_sheet_write(struct command *c, struct sheet *s, const struct export_filter *filter, struct err *e)
{
    static const struct export_table table = {SQL_REVIEW_EXPORT, USER_ID, ID, add_filter, write_row};
    return export_by_pages(c, s, &table, filter, e);
}

/* ---- reading ---- */

/* Folded names of the columns: as the catalogue's header has them, and in English. */
static const struct {
    const char *names; /* apart by '|' */
    bool must;
} columns[REVIEW_COLUMNS] = {
    [REVIEW_CODE] = {"|ma|ma sang kien|code|", true},
    [REVIEW_VERDICT] = {"|ket luan|verdict|", true},
    [REVIEW_DUPLICATE_OF] = {"|trung voi|duplicate_of|", false},
    [REVIEW_FIELD] = {"|phan can bo sung|field|", false},
    [REVIEW_REASON] = {"|ly do|reason|", false},
    [REVIEW_CHECKED] = {"|gia tri da kiem tra (dong/nam)|gia tri da kiem tra|checked|", false},
    [REVIEW_RECOGNISED] = {"|gia tri duoc cong nhan (dong/nam)|gia tri duoc cong nhan|recognised|", false},
    [REVIEW_LEVEL] = {"|cap cong nhan|recognised_by|", false},
    [REVIEW_DAY] = {"|ngay cong nhan|recognised_on|", false},
    [REVIEW_SOCIAL] = {"|y nghia xa hoi|social|", false},
    [REVIEW_STAMP] = {"|phien ban|version|", false},
};

/* Words a cell may hold, folded. */
struct word {
    const char *typed, *means;
};

static const struct word verdicts[] = {
    {"hop le", STATUS_VALID},          {"valid", STATUS_VALID},           {"can bo sung", STATUS_RETURNED},   {"returned", STATUS_RETURNED},
    {"trung lap", STATUS_DUPLICATE},   {"trung", STATUS_DUPLICATE},       {"duplicate", STATUS_DUPLICATE},    {"khong hop le", STATUS_REFUSED},
    {"khong duoc tinh", STATUS_REFUSED}, {"refused", STATUS_REFUSED},     {"cong nhan", STATUS_RECOGNISED},   {"da cong nhan", STATUS_RECOGNISED},
    {"recognised", STATUS_RECOGNISED}, {"mo lai", VERDICT_REOPENED},      {"mo lai de xet", VERDICT_REOPENED}, {"reopened", VERDICT_REOPENED},
};
static const struct word fields[] = {
    {"ten", "title"},       {"ten sang kien", "title"},        {"title", "title"},     {"noi dung", "description"}, {"description", "description"},
    {"gia tri lam loi", "benefit"}, {"benefit", "benefit"},    {"don vi", "unit"},     {"unit", "unit"},
};
static const struct word marks[] = {{"co", "true"}, {"x", "true"}, {"true", "true"}, {"khong", "false"}, {"0", "false"}, {"false", "false"}};

static const char *meaning(TALLOC_CTX *ctx, const struct word *words, size_t n, struct str cell)
{
    const char *key = text_key(ctx, cell);
    for (size_t i = 0; key && i < n; i++)
        if (strcmp(words[i].typed, key) == 0)
            return words[i].means;
    return NULL;
}

bool review_heading_read(const struct csv_row *row, struct review_heading *ret, struct err *e)
{
    TALLOC_CTX *tmp = talloc_new(NULL);
    for (size_t k = 0; k < REVIEW_COLUMNS; k++) {
        ret->at[k] = -1;
        for (size_t c = row->count; c-- > 0;) {
            const char *wanted = talloc_asprintf(tmp, "|%s|", text_key(tmp, row->cell[c]));
            if (row->cell[c].n && !memchr(row->cell[c].p, '|', row->cell[c].n) && strstr(columns[k].names, wanted))
                ret->at[k] = (int)c;
        }
    }
    talloc_free(tmp);
    for (size_t k = 0; k < REVIEW_COLUMNS; k++)
        if (columns[k].must && ret->at[k] < 0)
            return err_set(e, ERR_INVALID, "no column is named %s; keep the first row of the export", k == REVIEW_CODE ? "code (ma)" : "verdict (ket luan)");
    return true;
}

static struct str cell_of(TALLOC_CTX *ctx, const struct review_heading *h, const struct csv_row *row, enum review_column k)
{
    int at = h->at[k];
    return at < 0 || (size_t)at >= row->count ? (struct str){"", 0} : str_of(text_clean(ctx, row->cell[at]));
}

/* "50000000", "50.000.000", "50,000,000", "50 triệu". */
static bool read_amount(struct str cell, int64_t *ret)
{
    int64_t v = 0;
    size_t digits = 0;
    for (size_t i = 0; i < cell.n; i++) {
        char c = cell.p[i];
        if (c >= '0' && c <= '9' && digits++ < 16)
            v = v * 10 + (c - '0');
        else if (c != '.' && c != ',' && c != ' ')
            digits = 100;
    }
    if (digits > 0 && digits <= 16) {
        *ret = v;
        return true;
    }
    struct amount a = amount_read(cell);
    *ret = a.annual_vnd;
    return a.has_annual && a.ask == ASK_NOTHING;
}

/* "2023-08-15" or "15/8/2023", up to today. */
static bool read_day(TALLOC_CTX *ctx, struct str cell, const char *today, const char **ret)
{
    static const char *const formats[] = {"%Y-%m-%d", "%d/%m/%Y"};
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        struct tm tm = {0};
        const char *end = strptime(cell.p, formats[i], &tm);
        struct tm there = tm; /* timegm() makes 3 March of 31 February */
        if (!end || *end || timegm(&there) == -1 || there.tm_mday != tm.tm_mday || tm.tm_year < 90 || tm.tm_year > 8000)
            continue;
        *ret = talloc_asprintf(ctx, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
        return *ret && strcmp(*ret, today) <= 0;
    }
    return false;
}

static bool read_figures(TALLOC_CTX *ctx, const struct review_heading *h, const struct csv_row *row, const char *today, struct verdict *v,
                         struct err *e)
{
    struct str checked = cell_of(ctx, h, row, REVIEW_CHECKED), recognised = cell_of(ctx, h, row, REVIEW_RECOGNISED);
    struct str day = cell_of(ctx, h, row, REVIEW_DAY), level = cell_of(ctx, h, row, REVIEW_LEVEL), social = cell_of(ctx, h, row, REVIEW_SOCIAL);
    if (checked.n && !read_amount(checked, &v->checked_benefit_vnd))
        return err_set(e, ERR_INVALID, "the checked benefit is no amount of one year: %.40s", checked.p);
    if (recognised.n && !read_amount(recognised, &v->recognised_benefit_vnd))
        return err_set(e, ERR_INVALID, "the recognised benefit is no amount of one year: %.40s", recognised.p);
    if (day.n && !read_day(ctx, day, today, &v->recognised_on))
        return err_set(e, ERR_INVALID, "the day of recognition is no day up to today (dd/mm/yyyy): %.40s", day.p);
    if (text_chars(level) > LEVEL_CHARS_MAX)
        return err_set(e, ERR_INVALID, "who recognised it takes more than %d characters", LEVEL_CHARS_MAX);
    if (social.n && !(v->social = meaning(ctx, marks, ARRAY_LEN(marks), social)))
        return err_set(e, ERR_INVALID, "the mark for social meaning is neither yes (co) nor no (khong): %.40s", social.p);
    v->recognised_by = level.n ? level.p : NULL;
    return true;
}

static bool needs(const struct verdict *v, const char *verdict, bool there, const char *what, struct err *e)
{
    return strcmp(v->verdict, verdict) != 0 || there || err_set(e, ERR_INVALID, "the verdict %s needs %s", verdict, what);
}

bool review_row_read(TALLOC_CTX *ctx, const struct review_heading *h, const struct csv_row *row, const char *today, struct review_row *ret,
                     struct err *e)
{
    struct str code = cell_of(ctx, h, row, REVIEW_CODE), verdict = cell_of(ctx, h, row, REVIEW_VERDICT);
    struct str field = cell_of(ctx, h, row, REVIEW_FIELD), reason = cell_of(ctx, h, row, REVIEW_REASON);
    struct str other = cell_of(ctx, h, row, REVIEW_DUPLICATE_OF), stamp = cell_of(ctx, h, row, REVIEW_STAMP);
    struct verdict *v = &ret->said;
    *ret = (struct review_row){.code = code.p};
    if (code.n != 9 || strncmp(code.p, "SK-", 3) != 0)
        return err_set(e, ERR_INVALID, "this is no receipt code: %.40s", code.p);
    if (stamp.n && (stamp.p[0] != 'v' || (ret->stamp = strtoll(stamp.p + 1, NULL, 10)) <= 0))
        return err_set(e, ERR_INVALID, "the version is not as it was exported: %.40s", stamp.p);
    if (verdict.n && !(v->verdict = meaning(ctx, verdicts, ARRAY_LEN(verdicts), verdict)))
        return err_set(e, ERR_INVALID, "unknown verdict: %.40s", verdict.p);
    if (field.n && !(v->field = meaning(ctx, fields, ARRAY_LEN(fields), field)))
        return err_set(e, ERR_INVALID, "unknown part of an initiative: %.40s", field.p);
    if (text_chars(reason) > NOTE_CHARS_MAX)
        return err_set(e, ERR_INVALID, "the reason takes more than %d characters", NOTE_CHARS_MAX);
    if (!read_figures(ctx, h, row, today, v, e))
        return false;
    v->note = reason.n ? reason.p : NULL;
    v->reason = reason.n ? "other" : NULL;
    v->duplicate_of = other.n && v->verdict && strcmp(v->verdict, STATUS_DUPLICATE) == 0 ? other.p : NULL;
    if (v->duplicate_of && strcmp(v->duplicate_of, code.p) == 0)
        return err_set(e, ERR_INVALID, "%s cannot be a duplicate of itself", code.p);
    return !v->verdict || (needs(v, STATUS_DUPLICATE, v->duplicate_of, "the code it duplicates", e) &&
                           needs(v, STATUS_RETURNED, v->field && v->note, "the part and a reason", e) &&
                           needs(v, STATUS_REFUSED, v->note, "a reason", e) &&
                           needs(v, STATUS_RECOGNISED, v->recognised_by && v->recognised_on, "who recognised it and when", e));
}

/* ---- what it changes ---- */

static bool may_follow(const char *status, const char *verdict)
{
    bool waits = strcmp(status, STATUS_SUBMITTED) == 0;
    if (strcmp(verdict, VERDICT_REOPENED) == 0)
        return !waits && strcmp(status, STATUS_WITHDRAWN) != 0;
    return waits || (strcmp(status, STATUS_VALID) == 0 && strcmp(verdict, STATUS_RECOGNISED) == 0);
}

static bool differs(const char *said, const char *stands)
{
    return said && (!stands || strcmp(said, stands) != 0);
}

bool review_row_settle(struct review_row *row, const struct review_known *known, bool *ret_changed, struct err *e)
{
    struct verdict *v = &row->said;
    bool same = !v->verdict || strcmp(v->verdict, known->status) == 0;
    bool figures = (v->checked_benefit_vnd && v->checked_benefit_vnd != known->checked_benefit_vnd) ||
                   (v->recognised_benefit_vnd && v->recognised_benefit_vnd != known->recognised_benefit_vnd) ||
                   differs(v->recognised_by, known->recognised_by) || differs(v->recognised_on, known->recognised_on);
    bool mark = v->social && known->social != (strcmp(v->social, "true") == 0);
    *ret_changed = !same || figures || mark;
    if (!*ret_changed)
        return true;
    if (strcmp(known->status, STATUS_WITHDRAWN) == 0)
        return err_set(e, ERR_INVALID, "%s was withdrawn by its author", row->code);
    if (row->stamp && row->stamp != known->stamp)
        return err_set(e, ERR_INVALID, "%s was changed by its author after the export; export it again", row->code);
    if (!same && !may_follow(known->status, v->verdict))
        return err_set(e, ERR_INVALID, "%s is %s and cannot become %s; reopen it first (mo lai)", row->code, known->status, v->verdict);
    v->user_id = known->user_id;
    v->initiative_id = known->id;
    if (same) { /* what the author has been told stays as it is */
        v->verdict = VERDICT_MARKED;
        v->note = v->reason = v->field = v->duplicate_of = NULL;
    }
    return true;
}
