/* CSV that is no programme: see csv.h. */
#include "csv.h"

#include <errno.h>
#include <inttypes.h>

void csv_begin(struct csv *csv, FILE *out)
{
    *csv = (struct csv){.out = out};
    fputs("\xef\xbb\xbf", out);
}

static void begin_cell(struct csv *csv)
{
    if (csv->in_row)
        putc(',', csv->out);
    csv->in_row = true;
}

/* Bytes of what a spreadsheet may trim, or shows as nothing, at the start of a cell: blanks, apostrophes, zero-width ones. */
static size_t ignorable(struct str s)
{
    static const struct str wide[] = {
        {"\xc2\xa0", 2},     /* no-break space */
        {"\xc2\xad", 2},     /* soft hyphen */
        {"\xe2\x80\x8b", 3}, /* zero-width space, non-joiner, joiner */
        {"\xe2\x80\x8c", 3}, {"\xe2\x80\x8d", 3},
        {"\xe2\x81\xa0", 3}, /* word joiner */
        {"\xe3\x80\x80", 3}, /* ideographic space */
        {"\xef\xbb\xbf", 3}, /* byte-order mark */
    };
    if (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\'' || s.p[0] == '"' || s.p[0] == '\0'))
        return 1;
    for (size_t i = 0; i < ARRAY_LEN(wide); i++)
        if (str_starts(s, wide[i]))
            return wide[i].n;
    return 0;
}

static bool is_break(char c)
{
    return c == '\t' || c == '\n' || c == '\r' || c == ';';
}

/* Would a cell that begins with `s` be a formula?  Inside a text a dash or plus with a blank behind it is a list. */
static bool is_formula(struct str s, bool inside)
{
    static const struct str wide_equals = {"\xef\xbc\x9d", 3}, wide_plus = {"\xef\xbc\x8b", 3}, wide_minus = {"\xef\xbc\x8d", 3},
                            wide_at = {"\xef\xbc\xa0", 3};
    for (size_t n; (n = ignorable(s)) > 0;)
        s = str_skip(s, n);
    if (s.n == 0)
        return false;
    if (s.p[0] == '=' || s.p[0] == '@' || str_starts(s, wide_equals) || str_starts(s, wide_at))
        return true;
    bool wide = str_starts(s, wide_plus) || str_starts(s, wide_minus);
    if (!wide && s.p[0] != '+' && s.p[0] != '-')
        return false;
    struct str behind = str_skip(s, wide ? 3 : 1);
    return !inside || (behind.n > 0 && behind.p[0] != ' ');
}

void csv_text(struct csv *csv, struct str text)
{
    begin_cell(csv);
    putc('"', csv->out);
    bool first = text.n > 0 && is_break(text.p[0]) && text.p[0] != ';'; /* TAB, CR, LF: trimmed by some, then what follows counts */
    if (first || is_formula(text, false))
        putc('\'', csv->out);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '"')
            putc('"', csv->out);
        if (c != '\0')
            putc(c, csv->out);
        if (is_break(c) && is_formula(str_skip(text, i + 1), true))
            putc('\'', csv->out);
    }
    putc('"', csv->out);
}

void csv_number(struct csv *csv, int64_t number)
{
    begin_cell(csv);
    fprintf(csv->out, "%" PRId64, number);
}

void csv_end_row(struct csv *csv)
{
    fputs("\r\n", csv->out);
    csv->in_row = false;
}

bool csv_finish(struct csv *csv, struct err *e)
{
    errno = 0;
    if (fflush(csv->out) == 0 && !ferror(csv->out))
        return true;
    return err_set(e, ERR_SYSTEM, "cannot write the export: %s", errno ? strerror(errno) : "write error");
}
