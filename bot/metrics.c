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

static char *counter(char *out, const char *name, const char *label, const char *value, uint64_t n)
{
    if (label)
        return talloc_asprintf_append_buffer(out, "sangkien_%s{%s=\"%s\"} %llu\n", name, label, value, (unsigned long long)n);
    return talloc_asprintf_append_buffer(out, "sangkien_%s %llu\n", name, (unsigned long long)n);
}

static char *head(char *out, const char *name, const char *type, const char *help)
{
    return talloc_asprintf_append_buffer(out, "# HELP sangkien_%s %s\n# TYPE sangkien_%s %s\n", name, help, name, type);
}

static char *spool_text(char *out, const struct intake *intake)
{
    const struct spool *spool = intake_spool_of(intake);
    out = head(out, "spool_usable", "gauge", "1: what the database does not take can be kept.");
    out = counter(out, "spool_usable", NULL, NULL, intake_well(intake));
    if (!spool)
        return out;
    const struct spool_counters *c = spool_counters(spool);
    out = head(out, "spool_rows", "gauge", "Events in the spool.");
    out = counter(out, "spool_rows", NULL, NULL, spool_rows(spool));
    out = head(out, "spool_bytes", "gauge", "What they take; spool.max_mb is the bound.");
    out = counter(out, "spool_bytes", NULL, NULL, spool_bytes(spool));
    out = head(out, "spool_oldest_seconds", "gauge", "How long the oldest has been waiting.");
    out = counter(out, "spool_oldest_seconds", NULL, NULL, (uint64_t)spool_oldest_age_ms(spool) / 1000);
    out = head(out, "spool_added_total", "counter", "Events that were spooled.");
    out = counter(out, "spool_added_total", NULL, NULL, c->added);
    out = head(out, "spool_removed_total", "counter", "Events that left the spool: committed, or kept as dead.");
    out = counter(out, "spool_removed_total", NULL, NULL, c->removed);
    out = head(out, "spool_drained_total", "counter", "Of those added by this process or before it: read back from the disk.");
    out = counter(out, "spool_drained_total", NULL, NULL, intake_drained(intake));
    out = head(out, "spool_refused_total", "counter", "Events that could not be spooled: full, or a disk error.");
    out = counter(out, "spool_refused_total", NULL, NULL, intake_refused_count(intake));
    out = head(out, "spool_torn_total", "counter", "Spool files found torn at start; what could be read was kept.");
    return counter(out, "spool_torn_total", NULL, NULL, c->torn);
}

char *metrics_text(TALLOC_CTX *ctx, const struct http_server *http, const struct turns *turns, const struct intake *intake,
                   const struct outbox *outbox, const struct pg_queue *background, const struct similar_counters *similar,
                   const struct similar_finder_counters *finder)
{
    const struct http_stats *h = http_server_stats(http);
    const struct turn_counters *t = turns_counters(turns);
    const struct outbox_counters *o = outbox_counters(outbox);
    const struct zalo_signature_counts *sig = zalo_signature_counts();
    char *out = talloc_strdup(ctx, "");

    out = head(out, "events_total", "counter", "Signed webhook events by kind.");
    for (int k = 0; k < IN_KIND_COUNT; k++)
        out = counter(out, "events_total", "kind", inbound_kind_name((enum inbound_kind)k), metrics.events[k]);
    out = head(out, "signatures_total", "counter", "Webhook requests by verdict on their signature.");
    for (int v = 0; v < ZALO_VERDICT_COUNT; v++)
        out = counter(out, "signatures_total", "verdict", zalo_verdict_name((enum zalo_verdict)v), sig->verdict[v]);
    out = head(out, "signatures_previous_total", "counter", "Signed with the previous secret.");
    out = counter(out, "signatures_previous_total", NULL, NULL, sig->signed_with_previous);
    out = head(out, "events_undecodable_total", "counter", "Signed, but not readable.");
    out = counter(out, "events_undecodable_total", NULL, NULL, metrics.undecodable);

    out = head(out, "turns_total", "counter", "Events that went through a committed batch.");
    out = counter(out, "turns_total", NULL, NULL, t->events);
    out = head(out, "turn_batches_total", "counter", "Committed batches.");
    out = counter(out, "turn_batches_total", NULL, NULL, t->batches);
    out = head(out, "turn_duplicates_total", "counter", "Events that had taken effect before.");
    out = counter(out, "turn_duplicates_total", NULL, NULL, t->duplicates);
    out = head(out, "turn_deferred_total", "counter", "Events put off because another process held the person.");
    out = counter(out, "turn_deferred_total", NULL, NULL, t->deferred);
    out = head(out, "turn_retries_total", "counter", "Batches that did not commit.");
    out = counter(out, "turn_retries_total", NULL, NULL, t->retries);
    out = head(out, "turn_dead_total", "counter", "Events kept in dead_event.");
    out = counter(out, "turn_dead_total", NULL, NULL, t->dead);
    out = head(out, "turns_waiting", "gauge", "Events waiting or in hand.");
    out = counter(out, "turns_waiting", NULL, NULL, turns_waiting(turns));

    out = spool_text(out, intake);

    out = head(out, "sends_total", "counter", "Answers of Zalo to sends, by class.");
    for (int c = 0; c < ZALO_CLASS_COUNT; c++)
        out = counter(out, "sends_total", "class", zalo_class_name((enum zalo_class)c), o->by_class[c]);
    out = head(out, "replies_total", "counter", "Replies that came to their end.");
    out = counter(out, "replies_total", "end", "sent", o->sent);
    out = counter(out, "replies_total", "end", "failed", o->failed);
    out = counter(out, "replies_total", "end", "expired", o->expired);
    out = counter(out, "replies_total", "end", "reconciled", o->reconciled);
    out = head(out, "outbox_held", "gauge", "Replies in this process's hands.");
    out = counter(out, "outbox_held", NULL, NULL, outbox_waiting(outbox));
    out = head(out, "background_depth", "gauge", "Database jobs waiting behind each other.");
    out = counter(out, "background_depth", NULL, NULL, pg_queue_depth(background));

    out = head(out, "similar_lag_ms", "gauge", "Age of the oldest initiative that the index of similar ones does not know yet.");
    out = counter(out, "similar_lag_ms", NULL, NULL, (uint64_t)similar->lag_ms);
    out = head(out, "similar_written_total", "counter", "Initiatives written into that index.");
    out = counter(out, "similar_written_total", NULL, NULL, similar->written);
    out = head(out, "similar_searches_total", "counter", "Drafts that similar initiatives were looked for, by end.");
    out = counter(out, "similar_searches_total", "end", "found", finder->found);
    out = counter(out, "similar_searches_total", "end", "nothing", finder->searched - finder->found);
    out = counter(out, "similar_searches_total", "end", "lost", finder->lost);
    out = head(out, "similar_checked_total", "counter", "Filed or edited initiatives checked for the reviewer.");
    out = counter(out, "similar_checked_total", NULL, NULL, finder->checked);

    out = head(out, "http_connections", "gauge", "Open connections.");
    out = counter(out, "http_connections", NULL, NULL, h->connections);
    out = head(out, "http_answers_total", "counter", "Answers by first digit of the status.");
    static const char *const digit[] = {"other", "1xx", "2xx", "3xx", "4xx", "5xx"};
    for (size_t i = 1; i < 6; i++)
        out = counter(out, "http_answers_total", "status", digit[i], h->answers[i]);
    out = head(out, "http_killed_total", "counter", "Connections ended by us, by reason.");
    for (int k = 0; k < HTTP_KILL_COUNT; k++)
        out = counter(out, "http_killed_total", "reason", http_kill_name((enum http_kill)k), h->killed[k]);
    out = head(out, "http_timeouts_total", "counter", "Requests answered 503 because no commit came in time.");
    out = counter(out, "http_timeouts_total", NULL, NULL, h->handler_timeouts);
    out = head(out, "log_dropped_total", "counter", "Log lines that could not be written.");
    out = counter(out, "log_dropped_total", NULL, NULL, log_dropped());
    out = head(out, "resident_bytes", "gauge", "Resident memory of this process.");
    return counter(out, "resident_bytes", NULL, NULL, (uint64_t)resident_bytes());
}
