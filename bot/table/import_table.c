/* What the imports of tables share: see import_table.h. */
#include "import_table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reading/text.h"

enum { PRINT_MOST = 200 };

struct refusal {
    long line;
    char *why;
};

/* ---- columns and cells ---- */

static bool names_column(const struct table_column *c, const char *key)
{
    char wanted[60];
    snprintf(wanted, sizeof(wanted), "|%s|", key);
    return *key && strlen(key) < sizeof(wanted) - 2 && !strchr(key, '|') && (strcmp(key, c->key) == 0 || strstr(c->headings, wanted));
}

bool table_begin(struct table *t, TALLOC_CTX *ctx, FILE *in, const struct table_column *columns, size_t count, size_t required, struct err *e)
{
    *t = (struct table){.columns = columns, .count = count};
    if (!csv_reader_begin(&t->csv, in, e))
        return false;
    if (!csv_reader_next(&t->csv, ctx, &t->row, e))
        return err_set(e, ERR_INVALID, "it has no rows");
    for (size_t k = 0; k < count; k++) {
        t->at[k] = -1;
        for (size_t c = t->row.count; c-- > 0;)
            if (names_column(&columns[k], text_key(ctx, t->row.cell[c])))
                t->at[k] = (int)c;
    }
    for (size_t k = 0; k < required; k++)
        if (t->at[k] < 0)
            return err_set(e, ERR_INVALID, "line %ld names no column %s; name it so", t->csv.line, columns[k].key);
    return true;
}

const char *table_cell(struct table *t, TALLOC_CTX *ctx, size_t column)
{
    int c = t->at[column];
    return c >= 0 && (size_t)c < t->row.count ? text_clean(ctx, t->row.cell[c]) : "";
}

const char *table_or_null(const char *text)
{
    return *text ? text : NULL;
}

bool table_number(const char *text, int64_t most, int64_t *ret)
{
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 15)
        return false;
    *ret = strtoll(text, NULL, 10);
    return *ret <= most;
}

static bool two_digits(const char *p, int *ret)
{
    if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
        return false;
    *ret = (p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

const char *table_day(TALLOC_CTX *ctx, const char *text)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int century, year, month, day;
    bool iso = strlen(text) == 10 && text[4] == '-' && text[7] == '-' && two_digits(text, &century) && two_digits(text + 2, &year) &&
               two_digits(text + 5, &month) && two_digits(text + 8, &day);
    bool here = !iso && strlen(text) == 10 && text[2] == '/' && text[5] == '/' && two_digits(text, &day) && two_digits(text + 3, &month) &&
                two_digits(text + 6, &century) && two_digits(text + 8, &year);
    if (!iso && !here)
        return NULL;
    year += century * 100;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (year < 1900 || month < 1 || month > 12 || day < 1 || day > days[month - 1] || (month == 2 && day == 29 && !leap))
        return NULL;
    return talloc_asprintf(ctx, "%04d-%02d-%02d", year, month, day);
}

/* ---- the report ---- */

void refusals_add(struct refusals *r, long line, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    r->list = talloc_realloc(NULL, r->list, struct refusal, (unsigned)r->count + 1);
    r->list[r->count++] = (struct refusal){line, talloc_vasprintf(r->list, format, ap)};
    va_end(ap);
}

static int by_line(const void *a, const void *b)
{
    const struct refusal *x = a, *y = b;
    return (x->line > y->line) - (x->line < y->line);
}

void refusals_print(struct refusals *r)
{
    if (r->count)
        qsort(r->list, r->count, sizeof(r->list[0]), by_line);
    for (size_t i = 0; i < r->count && i < PRINT_MOST; i++)
        fprintf(stderr, "line %ld: %s\n", r->list[i].line, r->list[i].why);
    if (r->count > PRINT_MOST)
        fprintf(stderr, "and %zu more\n", r->count - PRINT_MOST);
}

void refusals_done(struct refusals *r)
{
    TALLOC_FREE(r->list);
    r->count = 0;
}
