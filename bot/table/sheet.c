/* Tables for people: see sheet.h. */
#include "sheet.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "csv.h"
#include "hours.h"

enum { COPY_BYTES = 65536, WIDTH = 18, NAME_BYTES = 128 };

static const int64_t exact_max = INT64_C(1) << 53; /* a workbook's numbers are doubles */

struct sheet {
    enum sheet_format format;
    FILE *out;
    const char *name, *header;
    uint32_t rows_max;
    int64_t rows;
    struct csv csv;

    /* xlsx */
    lxw_workbook *book;
    lxw_worksheet *page;
    uint32_t pages, row;
    uint16_t column;
    lxw_format *bold, *amount, *moment, *day;
    char *folder, *path;
    struct err failed; /* the first failure; kind is ERR_NONE while there was none */
    char *cell; /* memory for one */
};

bool sheet_format_named(const char *name, enum sheet_format *ret)
{
    bool csv = strcmp(name, "csv") == 0;
    if (csv || strcmp(name, "xlsx") == 0)
        *ret = csv ? SHEET_CSV : SHEET_XLSX;
    return csv || strcmp(name, "xlsx") == 0;
}

static int sheet_end(struct sheet *s)
{
    if (s->book)
        lxw_workbook_free(s->book);
    if (s->path)
        unlink(s->path);
    if (s->folder)
        rmdir(s->folder);
    return 0;
}

static void note_failure(struct sheet *s, lxw_error error)
{
    if (error != LXW_NO_ERROR && s->failed.kind == ERR_NONE)
        err_set(&s->failed, ERR_SYSTEM, "the workbook cannot be made: %s%s%s", lxw_strerror(error), errno ? ": " : "",
                errno ? strerror(errno) : "");
}

/* ---- header and pages ---- */

static void write_header(struct sheet *s)
{
    for (struct str rest = str_of(s->header);;) {
        const char *bar = rest.n ? memchr(rest.p, '|', rest.n) : NULL;
        size_t n = bar ? (size_t)(bar - rest.p) : rest.n;
        bool broken = n > 0 && rest.p[0] == '\n'; /* a long header goes over several lines of the catalogue */
        sheet_text(s, (struct str){rest.p + broken, n - broken});
        if (!bar)
            break;
        rest = str_skip(rest, n + 1);
    }
    if (s->page) {
        worksheet_set_column(s->page, 0, (lxw_col_t)(s->column - 1), WIDTH, NULL);
        worksheet_freeze_panes(s->page, 1, 0);
    }
    sheet_end_row(s);
    s->rows--;
}

static void begin_page(struct sheet *s)
{
    char name[NAME_BYTES];
    s->pages++;
    snprintf(name, sizeof(name), s->pages == 1 ? "%s" : "%s (%u)", s->name, s->pages);
    s->page = workbook_add_worksheet(s->book, name);
    s->row = 0;
    s->column = 0;
    if (!s->page)
        note_failure(s, LXW_ERROR_MEMORY_MALLOC_FAILED);
    else
        write_header(s);
}

static bool begin_book(struct sheet *s, struct err *e)
{
    const char *base = getenv("TMPDIR");
    s->folder = talloc_asprintf(s, "%s/sangkien-export-XXXXXX", base && *base ? base : "/var/tmp");
    if (!s->folder || !mkdtemp(s->folder)) {
        err_set(e, ERR_SYSTEM, "cannot make the folder %s: %s; set TMPDIR to one with room", s->folder ? s->folder : "", strerror(errno));
        TALLOC_FREE(s->folder); /* nothing to remove */
        return false;
    }
    s->path = talloc_asprintf(s, "%s/book.xlsx", s->folder);
    /* Above 4 GB, which a million long descriptions are, the container has to be ZIP64; programs read both. */
    lxw_workbook_options options = {.constant_memory = LXW_TRUE, .tmpdir = s->folder, .use_zip64 = LXW_TRUE};
    s->book = s->path ? workbook_new_opt(s->path, &options) : NULL;
    s->cell = talloc_size(s, SHEET_CELL_UNITS_MAX * 3 + 4);
    if (!s->book || !s->cell)
        return err_set(e, ERR_NOMEM, "out of memory");
    s->bold = workbook_add_format(s->book);
    s->amount = workbook_add_format(s->book);
    s->moment = workbook_add_format(s->book);
    s->day = workbook_add_format(s->book);
    if (!s->bold || !s->amount || !s->moment || !s->day)
        return err_set(e, ERR_NOMEM, "out of memory");
    format_set_bold(s->bold);
    format_set_num_format(s->amount, "#,##0");
    format_set_num_format(s->moment, "dd/mm/yyyy hh:mm");
    format_set_num_format(s->day, "dd/mm/yyyy");
    begin_page(s);
    return true;
}

struct sheet *sheet_new(TALLOC_CTX *ctx, FILE *out, enum sheet_format format, const char *name, const char *header, uint32_t rows_max,
                        struct err *e)
{
    struct sheet *s = talloc_zero(ctx, struct sheet);
    if (!s) {
        err_set(e, ERR_NOMEM, "out of memory");
        return NULL;
    }
    s->format = format;
    s->out = out;
    s->name = talloc_strdup(s, name);
    s->header = talloc_strdup(s, header);
    s->rows_max = rows_max ? rows_max : SHEET_ROWS_MAX;
    talloc_set_destructor(s, sheet_end);
    errno = 0;
    if (format == SHEET_CSV) {
        csv_begin(&s->csv, out);
        write_header(s);
    } else if (!begin_book(s, e)) {
        talloc_free(s);
        return NULL;
    }
    return s;
}

/* ---- cells ---- */

/* Where a cell that is about to be written belongs; a full page is followed by the next. @return false: nowhere. */
static bool place(struct sheet *s, lxw_row_t *row, lxw_col_t *column)
{
    if (s->row == s->rows_max && s->column == 0)
        begin_page(s);
    *row = s->row;
    *column = s->column++;
    return s->page != NULL && s->failed.kind == ERR_NONE;
}

/* What a cell can hold: no control characters but line breaks and tabs, nothing XML forbids, not too long. */
static const char *cell_text(struct sheet *s, struct str text)
{
    size_t n = 0, units = 0;
    for (size_t i = 0; i < text.n;) {
        unsigned char c = (unsigned char)text.p[i];
        size_t bytes = c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
        if (i + bytes > text.n)
            break;
        bool kept = c >= 0x20 ? c != 0x7F : c == '\n' || c == '\t';
        kept = kept && !(c == 0xEF && text.p[i + 1] == '\xbf' && (unsigned char)text.p[i + 2] >= 0xBE); /* U+FFFE, U+FFFF */
        units += kept ? 1 + (bytes == 4) : 0;
        if (units > SHEET_CELL_UNITS_MAX - 1) {
            memcpy(s->cell + n, "\xe2\x80\xa6", 3);
            n += 3;
            break;
        }
        if (kept) {
            memcpy(s->cell + n, text.p + i, bytes);
            n += bytes;
        }
        i += bytes;
    }
    s->cell[n] = '\0';
    return s->cell;
}

void sheet_text(struct sheet *s, struct str text)
{
    if (s->format == SHEET_CSV) {
        csv_text(&s->csv, text);
        return;
    }
    lxw_row_t row;
    lxw_col_t column;
    if (place(s, &row, &column) && text.n > 0)
        note_failure(s, worksheet_write_string(s->page, row, column, cell_text(s, text), row == 0 ? s->bold : NULL));
}

void sheet_number(struct sheet *s, int64_t number)
{
    if (s->format == SHEET_CSV) {
        csv_number(&s->csv, number);
    } else if (number > exact_max || number < -exact_max) { /* a double would change it */
        char digits[32];
        snprintf(digits, sizeof(digits), "%lld", (long long)number);
        sheet_text(s, str_of(digits));
    } else {
        lxw_row_t row;
        lxw_col_t column;
        if (place(s, &row, &column))
            note_failure(s, worksheet_write_number(s->page, row, column, (double)number, s->amount));
    }
}

void sheet_empty(struct sheet *s)
{
    sheet_text(s, (struct str){"", 0});
}

static void write_time(struct sheet *s, const struct tm *tm, bool with_clock)
{
    char text[32];
    if (s->format == SHEET_CSV) {
        strftime(text, sizeof(text), with_clock ? "%Y-%m-%d %H:%M" : "%Y-%m-%d", tm);
        csv_text(&s->csv, str_of(text));
        return;
    }
    lxw_datetime at = {.year = tm->tm_year + 1900, .month = tm->tm_mon + 1, .day = tm->tm_mday, .hour = tm->tm_hour, .min = tm->tm_min};
    lxw_row_t row;
    lxw_col_t column;
    if (place(s, &row, &column))
        note_failure(s, worksheet_write_datetime(s->page, row, column, &at, with_clock ? s->moment : s->day));
}

void sheet_moment(struct sheet *s, int64_t epoch_ms)
{
    struct tm tm;
    time_t t = (time_t)((epoch_ms + VIETNAM_OFFSET_MS) / 1000);
    if (epoch_ms == 0 || !gmtime_r(&t, &tm))
        sheet_empty(s);
    else
        write_time(s, &tm, true);
}

void sheet_day(struct sheet *s, struct str iso)
{
    char text[11] = "";
    struct tm tm = {0};
    if (iso.n == 10)
        memcpy(text, iso.p, 10);
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    if (!end || *end || tm.tm_year < 0) /* a workbook knows no day before 1900 */
        sheet_empty(s);
    else
        write_time(s, &tm, false);
}

void sheet_end_row(struct sheet *s)
{
    if (s->format == SHEET_CSV)
        csv_end_row(&s->csv);
    s->column = 0;
    s->row++;
    s->rows++;
}

int64_t sheet_rows(const struct sheet *s)
{
    return s->rows;
}

bool sheet_ok(const struct sheet *s)
{
    return s->format == SHEET_CSV ? !ferror(s->out) : s->failed.kind == ERR_NONE;
}

/* ---- the end ---- */

/* The library leaves out to look whether the rows, which it keeps in files until the end, could be written. */
static void check_pages(struct sheet *s)
{
    lxw_sheet *sheet;
    STAILQ_FOREACH(sheet, s->book->sheets, list_pointers)
        if (!sheet->is_chartsheet && sheet->u.worksheet->optimize_tmpfile &&
            (fflush(sheet->u.worksheet->optimize_tmpfile) != 0 || ferror(sheet->u.worksheet->optimize_tmpfile)))
            note_failure(s, LXW_ERROR_CREATING_TMPFILE);
}

static bool copy_book(struct sheet *s, struct err *e)
{
    FILE *in = fopen(s->path, "rbe");
    if (!in)
        return err_set(e, ERR_SYSTEM, "cannot read the workbook %s: %s", s->path, strerror(errno));
    char *buffer = talloc_size(s, COPY_BYTES);
    for (size_t n; buffer && (n = fread(buffer, 1, COPY_BYTES, in)) > 0;)
        if (fwrite(buffer, 1, n, s->out) != n)
            break;
    bool read = buffer && feof(in);
    fclose(in);
    errno = read ? 0 : errno;
    if (read && fflush(s->out) == 0 && !ferror(s->out))
        return true;
    return err_set(e, ERR_SYSTEM, "cannot write the export: %s", errno ? strerror(errno) : "write error");
}

bool sheet_finish(struct sheet *s, struct err *e)
{
    if (s->format == SHEET_CSV)
        return csv_finish(&s->csv, e);
    errno = 0;
    check_pages(s);
    if (s->failed.kind == ERR_NONE) {
        lxw_workbook *book = s->book;
        s->book = NULL; /* closing frees it, also when it fails */
        note_failure(s, workbook_close(book));
    }
    if (s->failed.kind != ERR_NONE) {
        *e = s->failed;
        return false;
    }
    return copy_book(s, e);
}
