/* `sangkien import campaign FILE`: a campaign, its waves and what each unit is to reach, as one table; all or nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "commands_import.h"
#include "ids.h"
#include "import_table.h"
#include "standing_store.h"
#include "wave_rules.h"

enum { DEADLINE_MS = 60000 };

enum field { RECORD, CODE, NAME, FROM, TO, UNIT, INITIATIVES, FIELDS };

static const struct table_column fields[FIELDS] = {
    [RECORD] = {"record", "|loai|dong|"},
    [CODE] = {"code", "|ma|"},
    [NAME] = {"name", "|ten|"},
    [FROM] = {"from", "|tu ngay|ngay dau|"},
    [TO] = {"to", "|den ngay|ngay cuoi|"},
    [UNIT] = {"unit", "|don vi|ma don vi|"},
    [INITIATIVES] = {"initiatives", "|sang kien|chi tieu|so sang kien|"},
};

/* Of one kind; which members count depends on it. */
struct line {
    long line;
    const char *code, *name, *campaign, *from, *to, *unit;
    int64_t initiatives;
};

struct lines {
    struct line *at;
    size_t count;
};

struct import {
    struct command *c;
    struct table table;
    struct refusals refusals;
    struct lines campaigns, waves, targets;
    const char *campaign; /* the one named last */
    struct wave_row *stored;
    const char **units; /* codes, sorted */
    size_t unit_count;
};

static void add(struct import *i, struct lines *l, struct line line)
{
    l->at = talloc_realloc(i->c, l->at, struct line, (unsigned)l->count + 1);
    l->at[l->count++] = line;
}

static const struct line *coded(const struct lines *l, const char *code)
{
    for (size_t n = 0; n < l->count; n++)
        if (strcmp(l->at[n].code, code) == 0)
            return &l->at[n];
    return NULL;
}

/* ---- the file ---- */

static const char *cell(struct import *i, enum field f)
{
    return table_cell(&i->table, i->c, f);
}

static bool named(struct import *i, const struct line *l, const struct lines *others)
{
    const struct line *twin = coded(others, l->code);
    if (!campaign_code_ok(l->code))
        refusals_add(&i->refusals, l->line, "the code %.60s cannot be used; give one of 1 to %d letters and digits without blanks",
                     *l->code ? l->code : "(none)", CAMPAIGN_CODE_BYTES_MAX);
    else if (twin)
        refusals_add(&i->refusals, l->line, "the code %s stands in line %ld already; remove one of them", l->code, twin->line);
    else if (!campaign_name_ok(l->name))
        refusals_add(&i->refusals, l->line, "%s has no name, or one of more than %d bytes; give one", l->code, CAMPAIGN_NAME_BYTES_MAX);
    else
        return true;
    return false;
}

static void read_wave(struct import *i, struct line l)
{
    const char *from = cell(i, FROM), *to = cell(i, TO);
    l.campaign = i->campaign;
    l.from = table_day(i->c, from);
    l.to = table_day(i->c, to);
    if (!named(i, &l, &i->waves))
        return;
    if (!l.campaign)
        refusals_add(&i->refusals, l.line, "wave %s stands before any campaign; put a line with the record campaign above it", l.code);
    else if (!l.from || !l.to)
        refusals_add(&i->refusals, l.line, "%.20s is no day; write it as 2026-08-01 or 01/08/2026", l.from ? to : *from ? from : "(none)");
    else
        add(i, &i->waves, l);
}

static int by_string(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_target(struct import *i, struct line l)
{
    const char *initiatives = cell(i, INITIATIVES);
    l.unit = cell(i, UNIT);
    if (!coded(&i->waves, l.code))
        refusals_add(&i->refusals, l.line, "there is no wave %.60s above this line; a target names a wave of the same file", *l.code ? l.code : "(none)");
    else if (!bsearch(&l.unit, i->units, i->unit_count, sizeof(const char *), by_string))
        refusals_add(&i->refusals, l.line, "there is no unit %.60s; import it first, or mend the code", *l.unit ? l.unit : "(none)");
    else if (!table_number(initiatives, TARGET_MOST, &l.initiatives))
        refusals_add(&i->refusals, l.line, "%.20s is no number of initiatives; write digits only", *initiatives ? initiatives : "(none)");
    else
        add(i, &i->targets, l);
}

static void read_line(struct import *i)
{
    struct line l = {.line = i->table.csv.line, .code = cell(i, CODE), .name = cell(i, NAME)};
    const char *record = cell(i, RECORD);
    if (strcmp(record, "campaign") == 0) {
        i->campaign = l.code;
        if (named(i, &l, &i->campaigns))
            add(i, &i->campaigns, l);
    } else if (strcmp(record, "wave") == 0) {
        read_wave(i, l);
    } else if (strcmp(record, "target") == 0) {
        read_target(i, l);
    } else {
        refusals_add(&i->refusals, l.line, "the record %.30s is none of campaign, wave, target", *record ? record : "(none)");
    }
}

static int by_target(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int order = strcmp(x->code, y->code);
    order = order ? order : strcmp(x->unit, y->unit);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static const struct wave_row *stored_wave(const struct import *i, const char *code)
{
    const struct wave_row *w = i->stored;
    while (w && strcmp(w->code, code) != 0)
        w = w->next;
    return w;
}

static void refuse_wave(struct import *i, const struct line *l, enum wave_fault fault, const struct wave_row *other)
{
    const struct line *twin = other ? coded(&i->waves, other->code) : NULL;
    if (fault == WAVE_BACKWARDS)
        refusals_add(&i->refusals, l->line, "wave %s ends on %s before it begins on %s; mend one of them", l->code, l->to, l->from);
    else if (fault == WAVE_FROZEN)
        refusals_add(&i->refusals, l->line, "wave %s is counted and kept, it cannot be changed any more; remove its lines", l->code);
    else if (fault == WAVE_OVERLAPS && twin)
        refusals_add(&i->refusals, l->line, "wave %s and wave %s (line %ld) have days in common; an initiative belongs to one wave of a campaign",
                     l->code, other->code, twin->line);
    else if (fault == WAVE_OVERLAPS)
        refusals_add(&i->refusals, l->line, "wave %s has days in common with wave %s, which is there already (%s to %s)", l->code, other->code,
                     other->starts_on, other->ends_on);
}

/* Each wave against those above it and those that are there and not in the file. */
static void check_waves(struct import *i)
{
    struct wave_row *others = NULL;
    for (const struct wave_row *w = i->stored; w; w = w->next) {
        if (coded(&i->waves, w->code))
            continue;
        struct wave_row *kept = talloc_zero(i->c, struct wave_row);
        *kept = *w;
        kept->next = others;
        others = kept;
    }
    for (size_t n = 0; n < i->waves.count; n++) {
        const struct line *l = &i->waves.at[n];
        const struct wave_row *before = stored_wave(i, l->code), *other = NULL;
        struct wave_row *w = talloc_zero(i->c, struct wave_row);
        *w = (struct wave_row){.next = others, .code = l->code, .name = l->name, .campaign = l->campaign, .starts_on = l->from,
                               .ends_on = l->to, .frozen = before && before->frozen};
        enum wave_fault fault = wave_check(w, others, &other);
        refuse_wave(i, l, fault, other);
        others = w;
    }
}

static void check(struct import *i)
{
    check_waves(i);
    if (i->targets.count)
        qsort(i->targets.at, i->targets.count, sizeof(struct line), by_target);
    for (size_t n = 1; n < i->targets.count; n++) {
        const struct line *t = &i->targets.at[n], *before = t - 1;
        if (strcmp(t->code, before->code) == 0 && strcmp(t->unit, before->unit) == 0)
            refusals_add(&i->refusals, t->line, "the target of %s in wave %s stands in line %ld already; remove one of them", t->unit, t->code, before->line);
    }
}

/* ---- the database ---- */

static void on_units(const PGresult *res, void *ctx)
{
    struct import *i = ctx;
    i->unit_count = (size_t)PQntuples(res);
    i->units = talloc_zero_array(i->c, const char *, (unsigned)i->unit_count);
    for (int r = 0; r < PQntuples(res); r++)
        i->units[r] = pg_text(i->units, res, r, 1);
}

static void on_waves(const PGresult *res, void *ctx)
{
    struct import *i = ctx;
    i->stored = standing_store_waves_of(i->c, res, "");
}

static struct pg_params *for_nobody(TALLOC_CTX *ctx)
{
    struct pg_params *p = pg_params_new(ctx);
    struct pg_array *users = pg_array_new(p, PG_TEXT);
    pg_array_text(users, "");
    pg_param_array(p, users);
    return p;
}

static bool write_all(struct import *i, struct err *e)
{
    struct ids ids;
    ids_init(&ids);
    struct pg_unit *unit = pg_unit_new(i->c);
    struct pg_params *c = pg_params_new(unit), *w = pg_params_new(unit), *clear = pg_params_new(unit), *t = pg_params_new(unit);
    struct pg_array *campaign[3] = {pg_array_new(c, PG_INT8), pg_array_new(c, PG_TEXT), pg_array_new(c, PG_TEXT)}, *wave[6], *target[3];
    struct pg_array *cleared = pg_array_new(clear, PG_TEXT);
    for (size_t n = 0; n < ARRAY_LEN(wave); n++)
        wave[n] = pg_array_new(w, n == 0 ? PG_INT8 : PG_TEXT);
    for (size_t n = 0; n < ARRAY_LEN(target); n++)
        target[n] = pg_array_new(t, n == 2 ? PG_INT8 : PG_TEXT);
    for (size_t n = 0; n < i->campaigns.count; n++) {
        pg_array_int8(campaign[0], ids_next(&ids));
        pg_array_text(campaign[1], i->campaigns.at[n].code);
        pg_array_text(campaign[2], i->campaigns.at[n].name);
    }
    for (size_t n = 0; n < i->waves.count; n++) {
        const struct line *l = &i->waves.at[n];
        const char *texts[] = {l->code, l->campaign, l->name, l->from, l->to};
        pg_array_int8(wave[0], ids_next(&ids));
        for (size_t k = 0; k < ARRAY_LEN(texts); k++)
            pg_array_text(wave[k + 1], texts[k]);
        pg_array_text(cleared, l->code);
    }
    for (size_t n = 0; n < i->targets.count; n++) {
        pg_array_text(target[0], i->targets.at[n].code);
        pg_array_text(target[1], i->targets.at[n].unit);
        pg_array_int8(target[2], i->targets.at[n].initiatives);
    }
    for (size_t n = 0; n < ARRAY_LEN(campaign); n++)
        pg_param_array(c, campaign[n]);
    for (size_t n = 0; n < ARRAY_LEN(wave); n++)
        pg_param_array(w, wave[n]);
    for (size_t n = 0; n < ARRAY_LEN(target); n++)
        pg_param_array(t, target[n]);
    pg_param_array(clear, cleared);
    pg_add_control(unit, "BEGIN");
    pg_add(unit, SQL_CAMPAIGN_PUT, c);
    pg_add(unit, SQL_WAVE_PUT, w);
    pg_add(unit, SQL_TARGET_CLEAR, clear);
    pg_add(unit, SQL_TARGET_PUT, t);
    pg_add_control(unit, "COMMIT");
    return command_commit(i->c, unit, DEADLINE_MS, NULL, NULL, e);
}

static int refuse(struct import *i, const char *name)
{
    refusals_print(&i->refusals);
    printf("nothing imported: %zu things to mend in %s\n", i->refusals.count, name);
    refusals_done(&i->refusals);
    return EX_DATAERR;
}

int import_campaign(struct command *c, FILE *in, const char *name)
{
    struct err e = {0};
    struct import i = {.c = c};
    if (!command_query(c, SQL_UNIT_ALL, pg_params_new(c), on_units, &i, &e) || !command_query(c, SQL_WAVE_ALL, for_nobody(c), on_waves, &i, &e)) {
        fprintf(stderr, "sangkien import: %s; nothing was imported\n", e.msg);
        return EX_UNAVAILABLE;
    }
    if (!table_begin(&i.table, c, in, fields, FIELDS, CODE + 1, &e)) {
        fprintf(stderr, "sangkien import: %s: %s\n", name, e.msg);
        return EX_DATAERR;
    }
    for (;;) {
        if (csv_reader_next(&i.table.csv, c, &i.table.row, &e))
            read_line(&i);
        else if (e.kind == ERR_NONE)
            break;
        else
            refusals_add(&i.refusals, i.table.csv.line, "%s", e.msg);
    }
    check(&i);
    if (i.refusals.count > 0)
        return refuse(&i, name);
    if (!write_all(&i, &e)) {
        fprintf(stderr, "sangkien import: %s; nothing was imported\n", e.msg);
        return e.sqlstate[0] ? EX_DATAERR : EX_UNAVAILABLE;
    }
    printf("%zu campaigns, %zu waves, %zu targets imported\n", i.campaigns.count, i.waves.count, i.targets.count);
    return EX_OK;
}
