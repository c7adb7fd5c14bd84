/* How long reading takes: amounts, commands, normal form, signature and JSON over the labelled files, one thread, no I/O.
 *
 *   bench-reading [--rounds N]
 *
 * Prints one JSON object: for each kind the median and the greatest time of its items in ns (an item's time is its median
 * over the rounds), and for the labelled files how many lines are read as labelled. */
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <talloc.h>
#include <time.h>
#include <utf8proc.h>

#include <cjson/cJSON.h>

#include "bot/zalo/samples.h"
#include "handlers/reading/table.h"
#include "reading/amount.h"
#include "reading/intent.h"
#include "reading/text.h"
#include "zalo/decode.h"
#include "zalo/signature.h"

#define DATA SOURCE_ROOT "/tests/data/"

enum { ROUNDS = 31, ITEMS_MAX = 2000, LEAST_NS = 20000 };

struct item {
    struct str text;
    struct str label;       /* of the labelled files: kind, or intent */
    struct str annual;      /* of vi-amounts.tsv */
    enum intent_scene scene;
    bool any_scene;         /* labelled for every state; timed in the menu */
    struct str header;      /* of the samples */
};

struct set {
    const char *name;
    void (*run)(const struct item *item);
    bool (*right)(const struct item *item); /* NULL: nothing is labelled */
    struct item *item;
    size_t count;
};

static TALLOC_CTX *all;
static volatile unsigned sink; /* what was read must have been read */

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* ---- what is measured ---- */

static void run_amount(const struct item *i)
{
    sink += amount_read(i->text).kind;
}

static bool right_amount(const struct item *i)
{
    struct amount a = amount_read(i->text);
    char annual[24] = "";
    if (a.has_annual)
        snprintf(annual, sizeof(annual), "%" PRId64, a.annual_vnd);
    return str_eq(i->label, str_of(amount_kind_name(a.kind))) && str_eq(i->annual, str_of(annual));
}

static void run_intent(const struct item *i)
{
    sink += intent_read(i->text, i->scene, false).intent;
}

static bool right_intent(const struct item *i)
{
    enum intent_scene last = i->any_scene ? SCENE_CONFIRM : i->scene;
    for (enum intent_scene scene = i->scene; scene <= last; scene++)
        if (!str_eq(i->label, str_of(intent_name(intent_read(i->text, scene, false).intent))))
            return false;
    return true;
}

static void run_clean(const struct item *i)
{
    char *text = text_clean(all, i->text);
    sink += (unsigned char)text[0];
    talloc_free(text);
}

static void run_signature(const struct item *i)
{
    static const struct zalo_secrets secrets = {.current = {SAMPLE_SECRET, sizeof(SAMPLE_SECRET) - 1}};
    sink += zalo_verify(i->text, i->header, 1, &secrets);
}

static bool right_signature(const struct item *i)
{
    static const struct zalo_secrets secrets = {.current = {SAMPLE_SECRET, sizeof(SAMPLE_SECRET) - 1}};
    return zalo_verify(i->text, i->header, 1, &secrets) == ZALO_SIGNED;
}

static void run_json(const struct item *i)
{
    static const char *const oa[] = {"388613280878808645"};
    static const struct zalo_identity identity = {.app_id = "360846524940903967", .oa_ids = oa, .oa_count = 1};
    TALLOC_CTX *ctx = talloc_new(all);
    struct inbound *in;
    struct err e;
    sink += zalo_decode(ctx, i->text, &identity, &in, &e);
    talloc_free(ctx);
}

static struct set sets[] = {
    {"amount", run_amount, right_amount, NULL, 0},          {"intent", run_intent, right_intent, NULL, 0},
    {"nfc", run_clean, NULL, NULL, 0},                      {"nfd", run_clean, NULL, NULL, 0},
    {"signature", run_signature, right_signature, NULL, 0}, {"json", run_json, NULL, NULL, 0},
};
enum { AMOUNT, INTENT, NFC, NFD, SIGNATURE, JSON };

/* ---- what it is measured with ---- */

static struct str kept(struct str s)
{
    return (struct str){talloc_strndup(all, s.n ? s.p : "", s.n), s.n};
}

static void add(struct set *s, struct item item)
{
    if (!s->item)
        s->item = talloc_zero_array(all, struct item, ITEMS_MAX);
    if (s->count < ITEMS_MAX)
        s->item[s->count++] = item;
}

static void read_amounts(void)
{
    struct table t;
    table_open(&t, DATA "vi-amounts.tsv");
    while (table_next(&t, true))
        add(&sets[AMOUNT], (struct item){.text = kept(t.column[0]), .label = kept(t.column[1]), .annual = kept(t.column[2])});
    table_close(&t);
}

static void read_intents(void)
{
    struct table t;
    table_open(&t, DATA "vi-intents.tsv");
    while (table_next(&t, false)) {
        struct item i = {.text = kept(t.column[0]), .label = kept(t.column[2]), .any_scene = str_eq(t.column[1], STR("any"))};
        if (!i.any_scene && !intent_scene_named(t.column[1], &i.scene))
            abort();
        add(&sets[INTENT], i);
    }
    table_close(&t);
}

static void add_text(const cJSON *text)
{
    const char *nfc = cJSON_GetStringValue(text);
    if (!nfc)
        return;
    add(&sets[NFC], (struct item){.text = kept(str_of(nfc))});
    utf8proc_uint8_t *nfd = NULL;
    if (utf8proc_map((const utf8proc_uint8_t *)nfc, 0, &nfd, UTF8PROC_NULLTERM | UTF8PROC_DECOMPOSE) < 0)
        abort();
    add(&sets[NFD], (struct item){.text = kept(str_of((const char *)nfd))});
    free(nfd);
}

static void read_initiatives(void)
{
    struct table t;
    table_open(&t, DATA "vi-initiatives.jsonl");
    while (table_next(&t, false)) {
        cJSON *row = cJSON_Parse(t.line);
        add_text(cJSON_GetObjectItemCaseSensitive(row, "title"));
        add_text(cJSON_GetObjectItemCaseSensitive(row, "description"));
        cJSON_Delete(row);
    }
    table_close(&t);
}

static void read_samples(void)
{
    struct sample sample[SAMPLES_MAX];
    size_t n = samples_load(all, sample);
    for (size_t i = 0; i < n; i++) {
        struct item item = {.text = sample[i].body, .header = str_of(sample[i].header)};
        add(&sets[SIGNATURE], item);
        add(&sets[JSON], item);
    }
}

/* ---- measuring ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Often enough that reading the clock does not count. */
static double once_ns(const struct set *s, const struct item *i)
{
    for (unsigned times = 8;; times *= 2) {
        int64_t began = now_ns();
        for (unsigned k = 0; k < times; k++)
            s->run(i);
        int64_t took = now_ns() - began;
        if (took >= LEAST_NS)
            return (double)took / times;
    }
}

static void print_set(const struct set *s, int rounds, bool last)
{
    double *item_ns = talloc_array(all, double, (unsigned)s->count), *round_ns = talloc_array(all, double, (unsigned)rounds);
    size_t right = 0;
    for (size_t i = 0; i < s->count; i++) {
        for (int r = 0; r < rounds; r++)
            round_ns[r] = once_ns(s, &s->item[i]);
        item_ns[i] = median(round_ns, (size_t)rounds);
        right += s->right && s->right(&s->item[i]);
    }
    double middle = median(item_ns, s->count);
    printf("  \"%s\": {\"items\": %zu, \"median_ns\": %.0f, \"max_ns\": %.0f", s->name, s->count, middle, item_ns[s->count - 1]);
    if (s->right)
        printf(", \"right\": %zu", right);
    printf("}%s\n", last ? "" : ",");
}

int main(int argc, char **argv)
{
    int rounds = argc == 3 && strcmp(argv[1], "--rounds") == 0 ? (int)strtol(argv[2], NULL, 10) : argc == 1 ? ROUNDS : 0;
    if (rounds < 1) {
        fputs("usage: bench-reading [--rounds N]\n", stderr);
        return EX_USAGE;
    }
    all = talloc_new(NULL);
    if (!zalo_signature_init())
        return EX_SOFTWARE;
    read_amounts();
    read_intents();
    read_initiatives();
    read_samples();
    puts("{");
    for (size_t i = 0; i < ARRAY_LEN(sets); i++)
        print_set(&sets[i], rounds, i + 1 == ARRAY_LEN(sets));
    puts("}");
    talloc_free(all);
    return 0;
}
