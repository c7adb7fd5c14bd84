/* `sangkien import units FILE`: the tree of unions as the organizer keeps it in a spreadsheet; all or nothing, by code.
 *
 * Parents are written before what is below them, a depth at a time, so that no unit is below itself in between. */
#include <stdio.h>
#include <sysexits.h>

#include "commands_import.h"
#include "ids.h"
#include "reading/unit_name.h"
#include "units_read.h"

enum { DEADLINE_MS = 120000 };

struct import {
    struct command *c;
    struct units units;
    struct unit_row **stored;
    size_t stored_count;
    struct refusals refusals;
    int64_t added, changed;
};

static void on_stored(const PGresult *res, void *ctx)
{
    struct import *i = ctx;
    i->stored_count = (size_t)PQntuples(res);
    i->stored = talloc_zero_array(i->c, struct unit_row *, (unsigned)i->stored_count);
    for (int r = 0; r < PQntuples(res); r++) {
        struct unit_row *u = i->stored[r] = talloc_zero(i->stored, struct unit_row);
        *u = (struct unit_row){.id = pg_int8(res, r, 0), .code = pg_text(u, res, r, 1), .name = pg_text(u, res, r, 2), .parent = pg_text(u, res, r, 3),
            .level = (int)pg_int8(res, r, 4), .kind = pg_text(u, res, r, 5), .cluster = pg_text(u, res, r, 6),
            .members = pg_null(res, r, 7) ? -1 : pg_int8(res, r, 7), .valid_from = pg_text(u, res, r, 8), .valid_to = pg_text(u, res, r, 9)};
    }
}

/* ---- writing ---- */

static void keep_old_names(struct import *i, struct pg_unit *unit)
{
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *codes = pg_array_new(p, PG_TEXT), *names = pg_array_new(p, PG_TEXT);
    for (size_t n = 0; n < i->units.count; n++) {
        pg_array_text(codes, i->units.row[n]->code);
        pg_array_text(names, i->units.row[n]->name);
    }
    pg_param_array(p, codes);
    pg_param_array(p, names);
    pg_add(unit, SQL_UNIT_KEEP_NAMES, p);
}

static void add_depth(struct import *i, struct pg_unit *unit, struct ids *ids, int depth)
{
    enum { COLUMNS = 11 };
    static const enum pg_elem types[COLUMNS] = {PG_INT8, PG_TEXT, PG_TEXT, PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT, PG_TEXT, PG_INT8, PG_TEXT, PG_TEXT};
    struct pg_params *p = pg_params_new(unit);
    struct pg_array *a[COLUMNS];
    for (size_t c = 0; c < COLUMNS; c++)
        a[c] = pg_array_new(p, types[c]);
    for (size_t n = 0; n < i->units.count; n++) {
        const struct unit_row *u = i->units.row[n];
        if (u->depth != depth)
            continue;
        const char *key = unit_key(p, str_of(u->name));
        pg_array_int8(a[0], u->id ? u->id : ids_next(ids));
        pg_array_text(a[1], u->code);
        pg_array_text(a[2], u->name);
        pg_array_text(a[3], key && *key ? key : "-");
        pg_array_text(a[4], u->parent);
        pg_array_int8(a[5], u->level);
        pg_array_text(a[6], u->kind);
        pg_array_text(a[7], u->cluster);
        if (u->members < 0)
            pg_array_null(a[8]);
        else
            pg_array_int8(a[8], u->members);
        pg_array_text(a[9], u->valid_from);
        pg_array_text(a[10], u->valid_to);
    }
    for (size_t c = 0; c < COLUMNS; c++)
        pg_param_array(p, a[c]);
    pg_add(unit, SQL_UNIT_PUT, p);
}

/* Each row of unit_put says whether it is new; those that changed nothing give no row. */
static void on_written(const struct pg_answer *answer, void *ctx)
{
    struct import *i = ctx;
    for (int n = 2; n < answer->count - 1; n++)
        for (int r = 0; r < PQntuples(answer->result[n]); r++)
            *(pg_bool(answer->result[n], r, 0) ? &i->added : &i->changed) += 1;
}

static bool write_units(struct import *i, struct err *e)
{
    struct ids ids;
    int deepest = 0;
    ids_init(&ids);
    for (size_t n = 0; n < i->units.count; n++)
        deepest = i->units.row[n]->depth > deepest ? i->units.row[n]->depth : deepest;
    struct pg_unit *unit = pg_unit_new(i->c);
    pg_add_control(unit, "BEGIN");
    keep_old_names(i, unit);
    for (int depth = 1; depth <= deepest; depth++)
        add_depth(i, unit, &ids, depth);
    pg_add_control(unit, "COMMIT");
    return command_commit(i->c, unit, DEADLINE_MS, on_written, i, e);
}

int import_units(struct command *c, FILE *in, const char *name)
{
    struct err e = {0};
    struct import i = {.c = c};
    if (!units_read(c, in, &i.units, &i.refusals, &e)) {
        fprintf(stderr, "sangkien import: %s: %s\n", name, e.msg);
        return EX_DATAERR;
    }
    if (!command_query(c, SQL_UNIT_ALL, pg_params_new(c), on_stored, &i, &e)) {
        fprintf(stderr, "sangkien import: %s; nothing was imported\n", e.msg);
        return EX_UNAVAILABLE;
    }
    units_check(c, &i.units, i.stored, i.stored_count, &i.refusals);
    if (i.refusals.count > 0) {
        refusals_print(&i.refusals);
        printf("nothing imported: %zu things to mend in %s\n", i.refusals.count, name);
        refusals_done(&i.refusals);
        return EX_DATAERR;
    }
    if (!write_units(&i, &e)) {
        fprintf(stderr, "sangkien import: %s; nothing was imported\n", e.msg);
        return e.sqlstate[0] ? EX_DATAERR : EX_UNAVAILABLE;
    }
    printf("%zu units read: %lld new, %lld changed, %lld as they were\n", i.units.count, (long long)i.added, (long long)i.changed,
           (long long)((int64_t)i.units.count - i.added - i.changed));
    return EX_OK;
}
