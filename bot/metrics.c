/* Metrics: see metrics.h. */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http.h"
#include "intake.h"
#include "log.h"
#include "outbox.h"
#include "pg_queue.h"
#include "similar.h"
#include "similar_finder.h"
#include "turns.h"
#include "zalo/signature.h"

struct metrics metrics;

static long resident_bytes(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    const char *second = fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL; /* total, resident, ... in pages */
    fclose(f);
    return second ? strtol(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

/* ---- over all workers ---- */

static struct metrics_seat alone; /* of a process without a supervisor */
static struct metrics_seat *own = &alone;
static const struct metrics_seat *seats = &alone;
static size_t seat_count = 1;

void metrics_share(struct metrics_seat *all, size_t count, size_t mine)
{
    seats = all;
    seat_count = count;
    own = &all[mine];
}

void metrics_retire(struct metrics_seat *dead, struct metrics_seat *kept)
{
    for (size_t i = 0; i < METRICS_MAX; i++) {
        if (dead->kind[i] == METRIC_COUNTER) {
            kept->kind[i] = METRIC_COUNTER;
            kept->value[i] += dead->value[i];
        }
        dead->value[i] = 0;
        dead->kind[i] = METRIC_NONE;
    }
}

/* Notes the value of this process. @return the one over all. */
static uint64_t over_all(size_t i, enum metric_kind kind, uint64_t n)
{
    if (i >= METRICS_MAX)
        abort(); /* more lines than METRICS_MAX: a mistake of ours, seen by the first test that asks */
    own->value[i] = n;
    own->kind[i] = (uint8_t)kind;
    uint64_t total = n;
    for (size_t s = 0; s < seat_count; s++) {
        uint64_t v = seats[s].value[i];
        if (&seats[s] == own || seats[s].kind[i] == METRIC_NONE)
            continue;
        if (kind == METRIC_COUNTER || kind == METRIC_GAUGE)
            total += v;
        else if ((kind == METRIC_MOST) == (v > total))
            total = v;
    }
    return total;
}

/* ---- the page ---- */

struct page {
    char *out;
    size_t lines; /* with a value */
    enum metric_kind kind;
};

static void head(struct page *p, const char *name, enum metric_kind kind, const char *help)
{
    p->kind = kind;
    p->out = talloc_asprintf_append_buffer(p->out, "# HELP sangkien_%s %s\n# TYPE sangkien_%s %s\n", name, help, name,
                                           kind == METRIC_COUNTER ? "counter" : "gauge");
}

static void line(struct page *p, const char *name, const char *label, const char *value, uint64_t n)
{
    unsigned long long total = over_all(p->lines++, p->kind, n);
    if (label)
        p->out = talloc_asprintf_append_buffer(p->out, "sangkien_%s{%s=\"%s\"} %llu\n", name, label, value, total);
    else
        p->out = talloc_asprintf_append_buffer(p->out, "sangkien_%s %llu\n", name, total);
}

static void spool_lines(struct page *p, const struct intake *intake)
{
    const struct spool *spool = intake_spool_of(intake);
    head(p, "spool_usable", METRIC_LEAST, "1: what the database does not take can be kept.");
    line(p, "spool_usable", NULL, NULL, intake_well(intake));
    static const struct spool_counters nothing;
    const struct spool_counters *c = spool ? spool_counters(spool) : &nothing; /* every worker has the same lines */
    head(p, "spool_rows", METRIC_GAUGE, "Events in the spool.");
    line(p, "spool_rows", NULL, NULL, spool ? spool_rows(spool) : 0);
    head(p, "spool_bytes", METRIC_GAUGE, "What they take; spool.max_mb is the bound.");
    line(p, "spool_bytes", NULL, NULL, spool ? spool_bytes(spool) : 0);
    head(p, "spool_oldest_seconds", METRIC_MOST, "How long the oldest has been waiting.");
    line(p, "spool_oldest_seconds", NULL, NULL, spool ? (uint64_t)spool_oldest_age_ms(spool) / 1000 : 0);
    head(p, "spool_added_total", METRIC_COUNTER, "Events that were spooled.");
    line(p, "spool_added_total", NULL, NULL, c->added);
    head(p, "spool_removed_total", METRIC_COUNTER, "Events that left the spool: committed, or kept as dead.");
    line(p, "spool_removed_total", NULL, NULL, c->removed);
    head(p, "spool_drained_total", METRIC_COUNTER, "Of those added by this process or before it: read back from the disk.");
    line(p, "spool_drained_total", NULL, NULL, intake_drained(intake));
    head(p, "spool_refused_total", METRIC_COUNTER, "Events that could not be spooled: full, or a disk error.");
    line(p, "spool_refused_total", NULL, NULL, intake_refused_count(intake));
    head(p, "spool_torn_total", METRIC_COUNTER, "Spool files found torn at start; what could be read was kept.");
    line(p, "spool_torn_total", NULL, NULL, c->torn);
}

char *metrics_text(TALLOC_CTX *ctx, const struct metrics_sources *from)
{
    const struct http_stats *h = http_server_stats(from->http);
    const struct turn_counters *t = turns_counters(from->turns);
    const struct outbox_counters *o = outbox_counters(from->outbox);
    const struct similar_counters *similar = from->similar;
    const struct similar_finder_counters *finder = from->finder;
    const struct zalo_signature_counts *sig = zalo_signature_counts();
    struct page page = {.out = talloc_strdup(ctx, "")}, *p = &page;

    head(p, "events_total", METRIC_COUNTER, "Signed webhook events by kind.");
    for (int k = 0; k < IN_KIND_COUNT; k++)
        line(p, "events_total", "kind", inbound_kind_name((enum inbound_kind)k), metrics.events[k]);
    head(p, "signatures_total", METRIC_COUNTER, "Webhook requests by verdict on their signature.");
    for (int v = 0; v < ZALO_VERDICT_COUNT; v++)
        line(p, "signatures_total", "verdict", zalo_verdict_name((enum zalo_verdict)v), sig->verdict[v]);
    head(p, "signatures_previous_total", METRIC_COUNTER, "Signed with the previous secret.");
    line(p, "signatures_previous_total", NULL, NULL, sig->signed_with_previous);
    head(p, "events_undecodable_total", METRIC_COUNTER, "Signed, but not readable.");
    line(p, "events_undecodable_total", NULL, NULL, metrics.undecodable);

    head(p, "turns_total", METRIC_COUNTER, "Events that went through a committed batch.");
    line(p, "turns_total", NULL, NULL, t->events);
    head(p, "turn_batches_total", METRIC_COUNTER, "Committed batches.");
    line(p, "turn_batches_total", NULL, NULL, t->batches);
    head(p, "turn_duplicates_total", METRIC_COUNTER, "Events that had taken effect before.");
    line(p, "turn_duplicates_total", NULL, NULL, t->duplicates);
    head(p, "turn_deferred_total", METRIC_COUNTER, "Events put off because another process held the person.");
    line(p, "turn_deferred_total", NULL, NULL, t->deferred);
    head(p, "turn_retries_total", METRIC_COUNTER, "Batches that did not commit.");
    line(p, "turn_retries_total", NULL, NULL, t->retries);
    head(p, "turn_dead_total", METRIC_COUNTER, "Events kept in dead_event.");
    line(p, "turn_dead_total", NULL, NULL, t->dead);
    head(p, "turns_waiting", METRIC_GAUGE, "Events waiting or in hand.");
    line(p, "turns_waiting", NULL, NULL, turns_waiting(from->turns));

    spool_lines(p, from->intake);

    head(p, "sends_total", METRIC_COUNTER, "Answers of Zalo to sends, by class.");
    for (int c = 0; c < ZALO_CLASS_COUNT; c++)
        line(p, "sends_total", "class", zalo_class_name((enum zalo_class)c), o->by_class[c]);
    head(p, "replies_total", METRIC_COUNTER, "Replies that came to their end.");
    line(p, "replies_total", "end", "sent", o->sent);
    line(p, "replies_total", "end", "failed", o->failed);
    line(p, "replies_total", "end", "expired", o->expired);
    line(p, "replies_total", "end", "reconciled", o->reconciled);
    head(p, "outbox_held", METRIC_GAUGE, "Replies in this process's hands.");
    line(p, "outbox_held", NULL, NULL, outbox_waiting(from->outbox));
    head(p, "background_depth", METRIC_GAUGE, "Database jobs waiting behind each other.");
    line(p, "background_depth", NULL, NULL, pg_queue_depth(from->background));

    head(p, "similar_lag_ms", METRIC_MOST, "Age of the oldest initiative that the index of similar ones does not know yet.");
    line(p, "similar_lag_ms", NULL, NULL, (uint64_t)similar->lag_ms);
    head(p, "similar_written_total", METRIC_COUNTER, "Initiatives written into that index.");
    line(p, "similar_written_total", NULL, NULL, similar->written);
    head(p, "similar_searches_total", METRIC_COUNTER, "Drafts that similar initiatives were looked for, by end.");
    line(p, "similar_searches_total", "end", "found", finder->found);
    line(p, "similar_searches_total", "end", "nothing", finder->nothing);
    line(p, "similar_searches_total", "end", "lost", finder->lost);
    head(p, "similar_checked_total", METRIC_COUNTER, "Filed or edited initiatives checked for the reviewer.");
    line(p, "similar_checked_total", NULL, NULL, finder->checked);
    head(p, "similar_check_lag_ms", METRIC_MOST, "For how long the oldest of these checks has been due.");
    line(p, "similar_check_lag_ms", NULL, NULL, (uint64_t)finder->check_lag_ms);

    head(p, "http_connections", METRIC_GAUGE, "Open connections.");
    line(p, "http_connections", NULL, NULL, h->connections);
    head(p, "http_answers_total", METRIC_COUNTER, "Answers by first digit of the status.");
    static const char *const digit[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 1; i < 6; i++)
        line(p, "http_answers_total", "status", digit[i], h->answers[i]);
    head(p, "http_killed_total", METRIC_COUNTER, "Connections ended by us, by reason.");
    for (int k = 0; k < HTTP_KILL_COUNT; k++)
        line(p, "http_killed_total", "reason", http_kill_name((enum http_kill)k), h->killed[k]);
    head(p, "http_timeouts_total", METRIC_COUNTER, "Requests answered 503 because no commit came in time.");
    line(p, "http_timeouts_total", NULL, NULL, h->handler_timeouts);
    head(p, "log_dropped_total", METRIC_COUNTER, "Log lines that could not be written.");
    line(p, "log_dropped_total", NULL, NULL, log_dropped());
    head(p, "resident_bytes", METRIC_GAUGE, "Resident memory of this process.");
    line(p, "resident_bytes", NULL, NULL, (uint64_t)resident_bytes());
    return page.out;
}
