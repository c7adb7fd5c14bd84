/* Vitals: see vitals.h. */
#include "vitals.h"

#include <dirent.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "pg_queue.h"
#include "settings.h"

enum {
    BEAT_MS = 100,       /* how often lateness is measured */
    WINDOW_MS = 10000,   /* the longest of this and of the one before is shown */
    LOOK_MS = 5000,      /* at descriptors and disks */
    ASK_MS = 15000,
    DEADLINE_MS = 3000,
    EXACT_MS = 500,      /* an answer that took longer says too little about the clocks */
    SKEW_WARN_MS = 2000,
};

struct watcher {
    struct vitals shown; /* first: what the outside holds a pointer to */
    const struct settings *settings;
    struct pg_queue *db;
    bool asks, asking;
    struct event *beat, *look, *ask;
    int64_t beat_due_ms, window_ms, asked_at_ms;
    uint64_t worst_ms, worst_before_ms;
};

static void arm(struct event *timer, int64_t ms)
{
    struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
    event_add(timer, &tv);
}

/* ---- the loop ---- */

static void on_beat(evutil_socket_t fd, short what, void *arg)
{
    struct watcher *w = arg;
    int64_t now = clock_monotonic_ms();
    (void)fd;
    (void)what;
    uint64_t late = now > w->beat_due_ms ? (uint64_t)(now - w->beat_due_ms) : 0;
    if (now - w->window_ms > WINDOW_MS) {
        w->window_ms = now;
        w->worst_before_ms = w->worst_ms;
        w->worst_ms = 0;
    }
    if (late > w->worst_ms)
        w->worst_ms = late;
    w->shown.loop_lag_ms = w->worst_ms > w->worst_before_ms ? w->worst_ms : w->worst_before_ms;
    w->beat_due_ms = now + BEAT_MS;
    arm(w->beat, BEAT_MS);
}

/* ---- the machine ---- */

static uint64_t resident_bytes(void)
{
    char line[128] = "";
    FILE *f = fopen("/proc/self/statm", "re");
    if (!f)
        return 0;
    const char *second = fgets(line, sizeof(line), f) ? strchr(line, ' ') : NULL; /* total, resident, ... in pages */
    fclose(f);
    return second ? strtoul(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t open_files(void)
{
    uint64_t n = 0;
    DIR *d = opendir("/proc/self/fd");
    if (!d)
        return 0;
    while (readdir(d))
        n++;
    closedir(d);
    return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static void disk_of(const char *path, uint64_t *size, uint64_t *free_bytes)
{
    struct statvfs st;
    if (statvfs(path, &st) != 0)
        return; /* a folder that is missing is said elsewhere */
    *size = (uint64_t)st.f_blocks * st.f_frsize;
    *free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
}

static void on_look(evutil_socket_t fd, short what, void *arg)
{
    struct watcher *w = arg;
    struct vitals *v = &w->shown;
    struct rlimit limit;
    (void)fd;
    (void)what;
    v->files = open_files();
    v->files_most = getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
    v->resident_bytes = resident_bytes();
    disk_of(w->settings->spool.path, &v->spool_disk_bytes, &v->spool_disk_free);
    disk_of(w->settings->evidence.path, &v->evidence_disk_bytes, &v->evidence_disk_free);
    arm(w->look, LOOK_MS);
}

/* ---- the database ---- */

static uint64_t number(const PGresult *res, int column)
{
    int64_t n = pg_int8(res, 0, column);
    return n > 0 ? (uint64_t)n : 0;
}

static void note_skew(struct watcher *w, int64_t database_ms)
{
    int64_t took_ms = clock_monotonic_ms() - w->asked_at_ms, mine_ms = clock_epoch_ms() - took_ms / 2;
    if (took_ms > EXACT_MS)
        return;
    w->shown.clock_skew_ms = (uint64_t)llabs(database_ms - mine_ms);
    static struct log_gate gate;
    if (w->shown.clock_skew_ms > SKEW_WARN_MS && log_pass(&gate, 600000))
        log_warn("this machine's clock and the database's are %lld ms apart: look at time synchronisation", (long long)(mine_ms - database_ms));
}

static void on_answer(const struct pg_answer *answer, void *arg)
{
    struct watcher *w = arg;
    struct vitals *v = &w->shown;
    w->asking = false;
    v->asked = !answer->e;
    if (answer->e)
        return; /* the lost connection is said by whoever needs it */
    const PGresult *res = answer->result[0];
    note_skew(w, pg_int8(res, 0, 0));
    for (int i = 0; i < VITALS_CLASSES; i++) {
        v->outbox[i] = number(res, 1 + i);
        v->outbox_oldest_s[i] = number(res, 1 + VITALS_CLASSES + i);
    }
    uint64_t *const rest[] = {&v->leases_expired, &v->mailbox_late_s, &v->dead, &v->evidence_waiting, &v->transaction_s, &v->dead_rows_pct,
                              &v->broadcasts, &v->broadcasts_paused, &v->broadcast_chunks, &v->deliveries_unknown};
    for (size_t i = 0; i < ARRAY_LEN(rest); i++)
        *rest[i] = number(res, 1 + 2 * VITALS_CLASSES + (int)i);
}

static void on_ask(evutil_socket_t fd, short what, void *arg)
{
    struct watcher *w = arg;
    (void)fd;
    (void)what;
    arm(w->ask, ASK_MS);
    if (w->asking)
        return;
    w->asking = true;
    w->asked_at_ms = clock_monotonic_ms();
    struct pg_unit *unit = pg_unit_new(w);
    pg_add(unit, SQL_VITALS_COUNT, NULL);
    pg_queue_run(w->db, unit, DEADLINE_MS, on_answer, w);
}

static int watcher_destructor(struct watcher *w)
{
    event_free(w->beat);
    event_free(w->look);
    event_free(w->ask);
    return 0;
}

const struct vitals *vitals_new(TALLOC_CTX *ctx, struct event_base *base, struct pg_queue *db, const struct settings *settings, bool asks)
{
    struct watcher *w = talloc_zero(ctx, struct watcher);
    *w = (struct watcher){.settings = settings, .db = db, .asks = asks};
    w->beat = event_new(base, -1, 0, on_beat, w);
    w->look = event_new(base, -1, 0, on_look, w);
    w->ask = event_new(base, -1, 0, on_ask, w);
    talloc_set_destructor(w, watcher_destructor);
    w->window_ms = clock_monotonic_ms();
    w->beat_due_ms = w->window_ms + BEAT_MS;
    arm(w->beat, BEAT_MS);
    arm(w->look, 0);
    if (asks)
        arm(w->ask, 0);
    return &w->shown;
}
