/* A table of units: see units_read.h. */
#include "units_read.h"

#include <stdlib.h>
#include <string.h>

#include "reading/text.h"

enum { CODE_BYTES_MAX = 40, NAME_CHARS_LEAST = 2, NAME_CHARS_MOST = 200, CLUSTER_CHARS_MOST = 100, LEVEL_MOST = 9, MEMBERS_MOST = 100000000 };

enum field { CODE, NAME, PARENT, LEVEL, KIND, CLUSTER, MEMBERS, VALID_FROM, VALID_TO, FIELDS };

static const struct table_column fields[FIELDS] = {
    [CODE] = {"code", "|ma|ma don vi|"},
    [NAME] = {"name", "|ten|ten don vi|don vi|"},
    [PARENT] = {"parent", "|parent code|ma cap tren|cap tren|truc thuoc|"},
    [LEVEL] = {"level", "|cap|"},
    [KIND] = {"kind", "|loai|loai don vi|"},
    [CLUSTER] = {"cluster", "|cum|khoi|cum thi dua|khoi thi dua|"},
    [MEMBERS] = {"members", "|doan vien|so doan vien|so nguoi|"},
    [VALID_FROM] = {"valid_from", "|valid from|tu ngay|hieu luc tu|"},
    [VALID_TO] = {"valid_to", "|valid to|den ngay|het hieu luc|"},
};

/* The identifiers of the programme's glossary. */
static const char *const kinds[] = {"province_unit", "upper_unit", "iz_union", "civil_union", "sector_union", "grassroots_unit", "section"};

struct reading {
    TALLOC_CTX *ctx;
    struct table table;
    struct refusals *refusals;
};

/* ---- the file ---- */

static bool known_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i], kind) == 0)
            return true;
    return false;
}

static bool good_code(const char *code)
{
    return *code && strlen(code) <= CODE_BYTES_MAX && !strpbrk(code, " \t\n\",;|");
}

static bool read_dates(struct reading *r, struct unit_row *u)
{
    const char *from = table_cell(&r->table, r->ctx, VALID_FROM), *to = table_cell(&r->table, r->ctx, VALID_TO);
    u->valid_from = *from ? table_day(u, from) : NULL;
    u->valid_to = *to ? table_day(u, to) : NULL;
    if ((*from && !u->valid_from) || (*to && !u->valid_to))
        refusals_add(r->refusals, u->line, "%s is no day; write it as 2026-08-01 or 01/08/2026", *from && !u->valid_from ? from : to);
    else if (u->valid_from && u->valid_to && strcmp(u->valid_from, u->valid_to) >= 0)
        refusals_add(r->refusals, u->line, "valid_to %s is not after valid_from %s; valid_to is the first day on which the unit is no more", u->valid_to, u->valid_from);
    else
        return true;
    return false;
}

static bool read_row(struct reading *r, struct unit_row *u)
{
    const char *level = table_cell(&r->table, r->ctx, LEVEL), *members = table_cell(&r->table, r->ctx, MEMBERS);
    int64_t n = -1;
    u->code = table_cell(&r->table, r->ctx, CODE);
    u->name = table_cell(&r->table, r->ctx, NAME);
    u->parent = table_or_null(table_cell(&r->table, r->ctx, PARENT));
    u->kind = table_or_null(table_cell(&r->table, r->ctx, KIND));
    u->cluster = table_or_null(table_cell(&r->table, r->ctx, CLUSTER));
    u->members = -1;
    size_t name_chars = text_chars(str_of(u->name));
    if (!good_code(u->code))
        refusals_add(r->refusals, u->line, "the code %.60s cannot be used; give one of 1 to %d letters and digits without blanks", *u->code ? u->code : "(none)", CODE_BYTES_MAX);
    else if (name_chars < NAME_CHARS_LEAST || name_chars > NAME_CHARS_MOST || strchr(u->name, '\n'))
        refusals_add(r->refusals, u->line, "the name of %s has %zu characters; give one line of %d to %d", u->code, name_chars, NAME_CHARS_LEAST, NAME_CHARS_MOST);
    else if (!table_number(level, LEVEL_MOST, &n))
        refusals_add(r->refusals, u->line, "the level %.20s is none; the province has 1, an upper-level union 2, the grassroots 3, a section 4", *level ? level : "(none)");
    else if (u->kind && !known_kind(u->kind))
        refusals_add(r->refusals, u->line, "the kind %.40s is not known; it is one of province_unit, upper_unit, iz_union, civil_union, sector_union, grassroots_unit, "
                           "section", u->kind);
    else if (u->cluster && text_chars(str_of(u->cluster)) > CLUSTER_CHARS_MOST)
        refusals_add(r->refusals, u->line, "the cluster has more than %d characters; shorten it", CLUSTER_CHARS_MOST);
    else if (*members && !table_number(members, MEMBERS_MOST, &u->members))
        refusals_add(r->refusals, u->line, "%.20s is no number of members; write digits only", members);
    else if (read_dates(r, u)) {
        u->level = (int)n;
        return true;
    }
    return false;
}

bool units_read(TALLOC_CTX *ctx, FILE *in, struct units *ret, struct refusals *refusals, struct err *e)
{
    *ret = (struct units){.row = talloc_array(ctx, struct unit_row *, 0)};
    struct reading r = {.ctx = talloc_new(ctx), .refusals = refusals};
    if (!table_begin(&r.table, r.ctx, in, fields, FIELDS, LEVEL + 1, e))
        return false;
    for (;;) {
        if (!csv_reader_next(&r.table.csv, r.ctx, &r.table.row, e)) {
            if (e->kind == ERR_NONE)
                break;
            refusals_add(refusals, r.table.csv.line, "%s", e->msg);
            continue;
        }
        struct unit_row *u = talloc_zero(r.ctx, struct unit_row);
        u->line = r.table.csv.line;
        if (!read_row(&r, u))
            continue;
        ret->row = talloc_realloc(ctx, ret->row, struct unit_row *, (unsigned)ret->count + 1);
        ret->row[ret->count++] = u;
    }
    /* What a file does not speak of stays as it is. */
    for (size_t i = 0; i < ret->count; i++) {
        struct unit_row *u = ret->row[i];
        static const char absent[] = "";
        u->kind = r.table.at[KIND] < 0 ? absent : u->kind;
        u->cluster = r.table.at[CLUSTER] < 0 ? absent : u->cluster;
        u->members = r.table.at[MEMBERS] < 0 ? -2 : u->members;
        u->valid_from = r.table.at[VALID_FROM] < 0 ? absent : u->valid_from;
        u->valid_to = r.table.at[VALID_TO] < 0 ? absent : u->valid_to;
    }
    return true;
}

/* ---- against the tree ---- */

static int by_code(const void *a, const void *b)
{
    const struct unit_row *x = *(struct unit_row *const *)a, *y = *(struct unit_row *const *)b;
    int order = strcmp(x->code, y->code);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static struct unit_row *find(struct unit_row **sorted, size_t count, const char *code)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(sorted[middle]->code, code);
        if (order == 0)
            return sorted[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const char *kept(const char *given, const char *stored)
{
    return given && !*given ? stored : given; /* "": the file has no such column */
}

static void keep_unsaid(struct unit_row *u)
{
    const struct unit_row *s = u->stored;
    u->kind = kept(u->kind, s ? s->kind : NULL);
    u->cluster = kept(u->cluster, s ? s->cluster : NULL);
    u->valid_from = kept(u->valid_from, s ? s->valid_from : NULL);
    u->valid_to = kept(u->valid_to, s ? s->valid_to : NULL);
    u->members = u->members == -2 ? (s ? s->members : -1) : u->members;
    if (!u->kind)
        u->kind = u->level <= 1 ? "province_unit" : u->level == 2 ? "upper_unit" : u->level == 3 ? "grassroots_unit" : "section";
}

enum { WALKING = -1 };

/* Sets depth along the way to the root; a row that leads back to itself is told once, by its first line. */
static bool set_depth(TALLOC_CTX *ctx, struct refusals *refusals, struct unit_row *u)
{
    struct unit_row *at = u;
    int steps = 0;
    while (at && at->depth == 0) {
        at->depth = WALKING;
        at = at->up;
    }
    bool circle = at && at->depth == WALKING;
    int base = circle || !at ? 0 : at->depth;
    for (struct unit_row *b = u; b != at; b = b->up)
        steps++;
    if (circle) {
        const char *way = talloc_strdup(ctx, at->code);
        struct unit_row *first = at->line ? at : NULL;
        for (struct unit_row *b = at->up; b != at; b = b->up) {
            way = talloc_asprintf(ctx, "%s, which is below %s", way, b->code);
            if (b->line && (!first || b->line < first->line))
                first = b;
        }
        refusals_add(refusals, first ? first->line : u->line, "%s is below itself: %s, which is below %s; mend the parent of one of them", at->code, way, at->code);
    }
    for (struct unit_row *b = u; b != at; b = b->up)
        b->depth = base + steps--;
    if (circle)
        for (struct unit_row *b = at->up; b != at; b = b->up)
            b->depth = 1;
    if (circle)
        at->depth = 1;
    return !circle;
}

void units_check(TALLOC_CTX *ctx, struct units *units, struct unit_row **stored, size_t stored_count, struct refusals *refusals)
{
    struct unit_row **sorted = talloc_memdup(ctx, units->row, units->count * sizeof(struct unit_row *));
    if (units->count)
        qsort(sorted, units->count, sizeof(struct unit_row *), by_code);
    size_t unique = 0;
    for (size_t i = 0; i < units->count; i++) {
        if (unique && strcmp(sorted[unique - 1]->code, sorted[i]->code) == 0)
            refusals_add(refusals, sorted[i]->line, "the code %s stands in line %ld already; remove one of them", sorted[i]->code, sorted[unique - 1]->line);
        else
            sorted[unique++] = sorted[i];
    }
    for (size_t i = 0; i < unique; i++) {
        struct unit_row *u = sorted[i];
        u->stored = find(stored, stored_count, u->code);
        u->id = u->stored ? u->stored->id : 0;
        keep_unsaid(u);
    }
    for (size_t i = 0; i < stored_count; i++) /* what the file does not name stays where it is, below what the file may move */
        if (stored[i]->parent && !(stored[i]->up = find(sorted, unique, stored[i]->parent)))
            stored[i]->up = find(stored, stored_count, stored[i]->parent);
    for (size_t i = 0; i < units->count; i++) {
        struct unit_row *u = units->row[i];
        if (!u->parent)
            continue;
        if (!(u->up = find(sorted, unique, u->parent)) && !(u->up = find(stored, stored_count, u->parent)))
            refusals_add(refusals, u->line, "there is no unit %s for %s to be below; add it to the file or mend the parent", u->parent, u->code);
    }
    for (size_t i = 0; i < units->count; i++)
        if (units->row[i]->depth == 0)
            set_depth(ctx, refusals, units->row[i]);
    for (size_t i = 0; i < units->count; i++) {
        struct unit_row *u = units->row[i];
        bool merged = u->valid_to != NULL; /* into one of the same level */
        if (u->up && u->level <= u->up->level && !(merged && u->level == u->up->level))
            refusals_add(refusals, u->line, "%s has level %d and is below %s of level %d; mend a level%s", u->code, u->level, u->up->code, u->up->level,
                   u->level == u->up->level ? ", or give valid_to when it was merged into that one" : "");
    }
}
