/* Metrics: see metrics.h. */
#include "metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "spool/intake.h"
#include "send/limiter.h"
#include "log.h"
#include "broadcast/broadcaster.h"
#include "nudger.h"
#include "send/outbox.h"
#include "pg_queue.h"
#include "similar/similar.h"
#include "similar/similar_finder.h"
#include "token/token.h"
#include "turns.h"
#include "vitals.h"
#include "watch.h"
#include "zalo/signature.h"

struct metrics metrics;

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

/* One without labels: the usual case. */
static void one(struct page *p, const char *name, enum metric_kind kind, const char *help, uint64_t n)
{
    head(p, name, kind, help);
    line(p, name, NULL, NULL, n);
}

/* Buckets of Prometheus count all up to their bound; http.h keeps each request in one. */
static void latency_lines(struct page *p, const struct http_stats *h)
{
    static const char *const bound[HTTP_LATENCY_BUCKETS] = {"0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "1.5", "2", "+Inf"};
    p->kind = METRIC_COUNTER;
    p->out = talloc_strdup_append_buffer(p->out, "# HELP sangkien_webhook_seconds From a webhook request's last byte to its answer.\n"
                                                 "# TYPE sangkien_webhook_seconds histogram\n");
    uint64_t n = 0;
    for (size_t i = 0; i < HTTP_LATENCY_BUCKETS; i++)
        line(p, "webhook_seconds_bucket", "le", bound[i], n += h->latency[i]);
    uint64_t total_ms = over_all(p->lines++, METRIC_COUNTER, h->latency_ms);
    p->out = talloc_asprintf_append_buffer(p->out, "sangkien_webhook_seconds_sum %llu.%03llu\n", (unsigned long long)(total_ms / 1000),
                                           (unsigned long long)(total_ms % 1000));
    line(p, "webhook_seconds_count", NULL, NULL, n);
}

static void database_lines(struct page *p, const struct pg_queue *background)
{
    struct pg_stats pg;
    pg_stats_read(&pg);
    one(p, "database_connections", METRIC_GAUGE, "Connections to PostgreSQL that this service keeps.", pg.connections);
    one(p, "database_connected", METRIC_GAUGE, "Of these, up.", pg.connected);
    one(p, "database_busy", METRIC_GAUGE, "Of these, with statements in flight.", pg.busy);
    head(p, "database_trouble_total", METRIC_COUNTER, "Connections lost, deadlines passed, failed statements by class of SQLSTATE.");
    for (int t = 0; t < PG_TROUBLES; t++)
        line(p, "database_trouble_total", "kind", pg_trouble_name((enum pg_trouble)t), pg.trouble[t]);
    one(p, "background_depth", METRIC_GAUGE, "Database jobs waiting behind each other.", pg_queue_depth(background));
}

static void token_lines(struct page *p, struct tokens *tokens)
{
    const char *why;
    const struct token *token = tokens_current(tokens);
    one(p, "token_expires_seconds", METRIC_LEAST, "Until the access token in use expires; 0: there is none.", (uint64_t)tokens_expires_in_s(tokens));
    one(p, "token_generation", METRIC_MOST, "How often the token has changed.", token ? (uint64_t)token->generation : 0);
    one(p, "token_degraded", METRIC_MOST, "1: sending is held or soon will be; /readyz says why.", tokens_degraded(tokens, &why));
}

static void limiter_lines(struct page *p, const struct limiter *limiter)
{
    const struct limiter_counters *c = limiter_counters(limiter);
    head(p, "send_calls_total", METRIC_COUNTER, "Calls to Zalo let go by the limiter.");
    line(p, "send_calls_total", "rank", "reply", c->calls[SEND_REPLY]);
    line(p, "send_calls_total", "rank", "broadcast", c->calls[SEND_BROADCAST]);
    one(p, "send_moments_leased_total", METRIC_COUNTER, "Moments to send in that the limiter leased.", c->leased);
    one(p, "send_moments_lapsed_total", METRIC_COUNTER, "Of these, not used in time.", c->lapsed);
    one(p, "send_moments_alone_total", METRIC_COUNTER, "Moments taken without the database.", c->alone);
    one(p, "send_rate_refused_total", METRIC_COUNTER, "Times Zalo said that it was too much (-32).", c->refused);
    one(p, "send_share_per_minute", METRIC_GAUGE, "Calls a minute that fall to this node when all send.", (uint64_t)limiter_share(limiter));
}

static void watch_lines(struct page *p, const struct watch_state *w)
{
    one(p, "webhook_silent", METRIC_MOST, "1: no webhook came for watch.silence_ms in working hours.", w->silent);
    one(p, "oa_known", METRIC_MOST, "1: Zalo has told about the OA since start.", w->oa_known);
    one(p, "oa_unverified", METRIC_MOST, "1: it says that the OA is not verified.", w->oa_unverified);
    one(p, "oa_package_days", METRIC_MOST, "Days left of the OA's package; 0 when it is over or nothing was told.", w->package_days);
    one(p, "operator_notices_total", METRIC_COUNTER, "Notices that organizers were sent about the service itself.", w->notices);
}

static void vitals_lines(struct page *p, const struct vitals *v)
{
    static const char *const classes[VITALS_CLASSES] = {"prompt", "receipt", "courtesy", "staff"};
    one(p, "loop_lag_ms", METRIC_MOST, "The longest the event loop was late within the last seconds.", v->loop_lag_ms);
    one(p, "resident_bytes", METRIC_GAUGE, "Resident memory of the serving processes.", v->resident_bytes);
    one(p, "open_files", METRIC_MOST, "Descriptors of the process that has most.", v->files);
    one(p, "open_files_most", METRIC_LEAST, "How many it may have.", v->files_most);
    head(p, "disk_bytes", METRIC_LEAST, "Size of the disk that holds the folder.");
    line(p, "disk_bytes", "folder", "spool", v->spool_disk_bytes);
    line(p, "disk_bytes", "folder", "evidence", v->evidence_disk_bytes);
    head(p, "disk_free_bytes", METRIC_LEAST, "Of that, free.");
    line(p, "disk_free_bytes", "folder", "spool", v->spool_disk_free);
    line(p, "disk_free_bytes", "folder", "evidence", v->evidence_disk_free);
    one(p, "database_answers", METRIC_MOST, "1: the numbers about the whole database below are of the last seconds.", v->asked);
    one(p, "clock_skew_ms", METRIC_MOST, "Between this machine's clock and the database's.", v->clock_skew_ms);
    head(p, "outbox_rows", METRIC_MOST, "Replies waiting in the database, by class.");
    for (size_t i = 0; i < VITALS_CLASSES; i++)
        line(p, "outbox_rows", "class", classes[i], v->outbox[i]);
    head(p, "outbox_oldest_seconds", METRIC_MOST, "Age of the oldest of them.");
    for (size_t i = 0; i < VITALS_CLASSES; i++)
        line(p, "outbox_oldest_seconds", "class", classes[i], v->outbox_oldest_s[i]);
    one(p, "outbox_leases_expired", METRIC_MOST, "Replies whose sender did not come back and that nobody has taken yet.", v->leases_expired);
    one(p, "mailbox_late_seconds", METRIC_MOST, "For how long the oldest piece of mail has been due.", v->mailbox_late_s);
    one(p, "dead_events", METRIC_MOST, "Events in dead_event: look at them with `sangkien dead list`.", v->dead);
    one(p, "evidence_waiting", METRIC_MOST, "Files that people sent and that are not fetched yet.", v->evidence_waiting);
    one(p, "database_transaction_seconds", METRIC_MOST, "Age of the oldest open transaction.", v->transaction_s);
    one(p, "database_dead_rows_percent", METRIC_MOST, "Dead rows of the tables that change most.", v->dead_rows_pct);
    one(p, "broadcasts_active", METRIC_MOST, "Broadcasts that are waiting, being frozen or sent.", v->broadcasts);
    one(p, "broadcasts_paused", METRIC_MOST, "Of these, halted.", v->broadcasts_paused);
    one(p, "broadcast_chunks_left", METRIC_MOST, "Pieces of them that are still to be frozen or sent.", v->broadcast_chunks);
    one(p, "deliveries_unknown", METRIC_MOST, "Messages of broadcasts of which it is not known whether they were sent.", v->deliveries_unknown);
}

static void unasked_lines(struct page *p, const struct broadcast_counters *b, const uint64_t nudges[NUDGE_KINDS])
{
    head(p, "broadcast_messages_total", METRIC_COUNTER, "Messages of broadcasts that came to their end.");
    line(p, "broadcast_messages_total", "end", "sent", b->sent);
    line(p, "broadcast_messages_total", "end", "failed", b->failed);
    line(p, "broadcast_messages_total", "end", "skipped", b->skipped);
    line(p, "broadcast_messages_total", "end", "unknown", b->unknown);
    head(p, "nudges_total", METRIC_COUNTER, "Automatic reminders posted.");
    line(p, "nudges_total", "kind", "draft", nudges[NUDGE_DRAFT]);
    line(p, "nudges_total", "kind", "returned", nudges[NUDGE_RETURNED]);
    line(p, "nudges_total", "kind", "wave", nudges[NUDGE_WAVE]);
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
    one(p, "event_oldest_ms", METRIC_MOST, "Age of the oldest event that has not taken effect, in memory or in the spool.", (uint64_t)intake_oldest_age_ms(from->intake));

    spool_lines(p, from->intake);

    head(p, "sends_total", METRIC_COUNTER, "Answers of Zalo to sends, by class.");
    for (int c = 0; c < ZALO_CLASS_COUNT; c++)
        line(p, "sends_total", "class", zalo_class_name((enum zalo_class)c), o->by_class[c]);
    head(p, "replies_total", METRIC_COUNTER, "Replies that came to their end.");
    line(p, "replies_total", "end", "sent", o->sent);
    line(p, "replies_total", "end", "failed", o->failed);
    line(p, "replies_total", "end", "expired", o->expired);
    line(p, "replies_total", "end", "reconciled", o->reconciled);
    line(p, "replies_total", "end", "merged", t->merged);
    line(p, "replies_total", "end", "dropped", o->dropped);
    head(p, "outbox_held", METRIC_GAUGE, "Replies in this process's hands.");
    line(p, "outbox_held", NULL, NULL, outbox_waiting(from->outbox));
    one(p, "replies_retried_total", METRIC_COUNTER, "Replies put off to be tried again.", o->retried);
    one(p, "replies_lease_lost_total", METRIC_COUNTER, "Replies not sent because their lease was about to end.", o->lease_lost);
    one(p, "send_pressed", METRIC_MOST, "1: replies exceed the pace: older answers are merged, courtesies dropped, broadcasts wait.", outbox_pressed(from->outbox));
    one(p, "send_paused", METRIC_MOST, "1: Zalo refuses to send for this OA; tried again once a minute.", outbox_paused(from->outbox));
    one(p, "send_broken", METRIC_MOST, "1: most calls to Zalo fail: one a second is tried.", limiter_broken(from->limiter));
    unasked_lines(p, broadcaster_counters(from->broadcaster), nudger_counters(from->nudger));
    limiter_lines(p, from->limiter);
    token_lines(p, from->tokens);
    database_lines(p, from->background);

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

    latency_lines(p, h);
    one(p, "http_requests_total", METRIC_COUNTER, "Requests that could be read.", h->requests);
    one(p, "http_pending", METRIC_GAUGE, "Requests waiting for their answer.", h->pending);
    one(p, "http_connections", METRIC_GAUGE, "Open connections.", h->connections);
    one(p, "http_accepted_total", METRIC_COUNTER, "Connections accepted.", h->accepted);
    one(p, "http_refused_total", METRIC_COUNTER, "Connections closed unread because descriptors ran out.", h->refused);
    one(p, "http_buffered_bytes", METRIC_GAUGE, "Partial requests and unsent answers.", h->buffered_bytes);
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
    vitals_lines(p, from->vitals);
    watch_lines(p, from->watch);
    return page.out;
}
