/* What happened, for tests to look at: the last requests and webhook deliveries, and counters. */
#ifndef STANDIN_RECORD_H
#define STANDIN_RECORD_H

#include "standin.h"

struct evkeyvalq;

/* Counters of GET /_admin/stats that no other part keeps. */
struct counters {
    uint64_t sends, charged, duplicates, refreshes, refresh_refused, rate_limited, bad_token;
};

struct record *record_new(void);
void           record_free(struct record *r);
struct counters *record_counters(struct record *r);

/** Notes a request as it arrived: keeps the last `log_entries`, bodies up to 8 KiB, and counts it under its path. */
void record_request(struct standin *s, const char *method, const char *path, const char *query,
                    const struct evkeyvalq *headers, const char *body, size_t n);
/** Notes one attempt to deliver a webhook; `status` 0 when there was no answer. */
void record_delivery(struct standin *s, const char *body, size_t n, int num_retry, int status, int64_t us);

/** The noted requests whose path begins with `path`, oldest first. Owned by the caller. */
cJSON *record_requests_json(const struct record *r, const char *path);
cJSON *record_deliveries_json(const struct record *r);
/** Counters by path, and the requests of the last full second. */
cJSON *record_paths_json(const struct record *r);
int64_t record_rate_per_s(const struct record *r);
void   record_clear(struct record *r);

#endif
