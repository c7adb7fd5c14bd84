/* Tables of spreadsheets: see csv_read.h. */
#include "csv_read.h"

#include <errno.h>

#include "reading/letters.h"

static size_t count_of(struct str s, char c)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] == c;
    return n;
}

bool csv_reader_begin(struct csv_reader *r, FILE *in, struct err *e)
{
    static const char separators[] = ",;\t";
    char head[4096];
    size_t n = fread(head, 1, sizeof(head), in), mark = 0;
    *r = (struct csv_reader){.in = in, .separator = ',', .next_line = 1};
    if (ferror(in))
        return err_set(e, ERR_SYSTEM, "it cannot be read: %s", strerror(errno));
    if (n >= 2 && ((head[0] == '\xff' && head[1] == '\xfe') || (head[0] == '\xfe' && head[1] == '\xff')))
        return err_set(e, ERR_INVALID, "it is UTF-16 (\"Unicode text\"); save it as \"CSV UTF-8\"");
    if (n >= 3 && memcmp(head, "\xef\xbb\xbf", 3) == 0)
        mark = 3;
    const char *end = n ? memchr(head, '\n', n) : NULL;
    struct str first = {head, end ? (size_t)(end - head) : n};
    for (size_t i = 1; separators[i]; i++)
        if (count_of(first, separators[i]) > count_of(first, r->separator))
            r->separator = separators[i];
    if (fseek(in, (long)mark, SEEK_SET) != 0)
        return err_set(e, ERR_SYSTEM, "it cannot be read twice: give a file, not a pipe");
    return true;
}

struct growing {
    char *bytes;
    size_t used, room;
    bool full;
};

static void put(struct growing *g, int c)
{
    if (g->full)
        return;
    if (g->used + 1 >= g->room) {
        if (g->room >= CSV_ROW_BYTES_MAX) {
            g->full = true;
            return;
        }
        g->room *= 2;
        g->bytes = talloc_realloc(NULL, g->bytes, char, (unsigned)g->room);
    }
    g->bytes[g->used++] = (char)c;
}

static struct str without_guard(struct str cell)
{
    static const char guarded[] = {'=', '+', '-', '@'};
    if (cell.n >= 2 && cell.p[0] == '\'' && memchr(guarded, cell.p[1], sizeof(guarded)))
        return str_skip(cell, 1);
    return cell;
}

/* Reads one row into g and notes where its cells begin. @return their number, 0 at the end of the file. */
static size_t read_row(struct csv_reader *r, struct growing *g, size_t begin[CSV_CELLS_MAX + 1], bool *ret_open)
{
    size_t cells = 0;
    bool quoted = false, any = false, fresh = true;
    begin[0] = 0;
    for (int c; (c = getc(r->in)) != EOF;) {
        any = true;
        if (quoted) {
            if (c == '\n')
                r->next_line++;
            if (c != '"') {
                put(g, c);
                continue;
            }
            int next = getc(r->in);
            if (next == '"') {
                put(g, '"');
                continue;
            }
            quoted = false;
            if (next != EOF)
                ungetc(next, r->in);
        } else if (c == '"' && fresh) {
            quoted = true;
            fresh = false;
        } else if (c == r->separator || c == '\n') {
            if (c == '\n' && g->used > begin[cells] && g->bytes[g->used - 1] == '\r')
                g->used--;
            if (cells < CSV_CELLS_MAX)
                begin[++cells] = g->used;
            fresh = true;
            if (c == '\n') {
                r->next_line++;
                *ret_open = false;
                return cells;
            }
        } else {
            put(g, c);
            fresh = false;
        }
    }
    *ret_open = quoted;
    if (any && cells < CSV_CELLS_MAX)
        begin[++cells] = g->used;
    return any ? cells : 0;
}

/* Also false where some other program has put the sign for a lost letter already. */
static bool letters_are_whole(struct str s)
{
    for (int32_t cp; (cp = utf8_take(&s)) >= 0;)
        if (cp == 0xFFFD)
            return false;
    return true;
}

bool csv_reader_next(struct csv_reader *r, TALLOC_CTX *ctx, struct csv_row *ret, struct err *e)
{
    size_t begin[CSV_CELLS_MAX + 1];
    for (;;) {
        struct growing g = {.room = 1024};
        bool open = false;
        g.bytes = talloc_array(NULL, char, (unsigned)g.room);
        r->line = r->next_line;
        size_t cells = read_row(r, &g, begin, &open);
        if (cells == 0 || open || g.full) {
            talloc_free(g.bytes);
            e->kind = ERR_NONE;
            if (open)
                return err_set(e, ERR_INVALID, "a quoted cell does not end");
            if (g.full)
                return err_set(e, ERR_INVALID, "the row is longer than %d bytes", CSV_ROW_BYTES_MAX);
            return false;
        }
        if (cells == 1 && g.used == 0) {
            talloc_free(g.bytes);
            continue;
        }
        if (!letters_are_whole((struct str){g.bytes, g.used})) {
            talloc_free(g.bytes);
            return err_set(e, ERR_INVALID, "some letters are lost: it is not UTF-8; save the table as \"CSV UTF-8\"");
        }
        talloc_steal(ctx, g.bytes);
        ret->count = cells;
        for (size_t i = 0; i < cells; i++)
            ret->cell[i] = without_guard((struct str){g.bytes + begin[i], begin[i + 1] - begin[i]});
        return true;
    }
}
