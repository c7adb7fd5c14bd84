/* Worker processes: see supervisor.h. */
#include "supervisor.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "service.h"

enum {
    LOOK_MS = 500,          /* between looks at the clock while no signal comes */
    PAUSE_LEAST_MS = 100,   /* before the second start in a row that came to nothing */
    PAUSE_MOST_MS = 30000,
    STEADY_MS = 2000,       /* who lived so long had begun well */
    HUNG_MS = 20000,        /* no turn of the event loop for so long; nothing in it may block */
    ABORT_MS = 2000,        /* between SIGABRT, which counts against what it has in hand (suspects.h), and SIGKILL */
    BEGIN_MS = 60000,       /* before the first turn: a start may wait for a database */
    STOP_MS = 20000,        /* a worker gives itself 5 s for requests and the rest for what is being sent */
};

struct worker {
    pid_t pid; /* 0: not running */
    int64_t started_ms, next_start_ms, aborted_ms;
    int pause_ms;
};

struct supervisor {
    int workers;
    worker_fn *work;
    void *ctx;
    struct workforce *force; /* shared */
    struct worker worker[SUPERVISOR_WORKERS_MAX];
    sigset_t waited_for, before;
    int64_t stop_at_ms; /* 0: serving; else who still runs then is killed */
    int64_t watchdog_ms, told_ms;
    int worst;
};

static void signal_all(const struct supervisor *s, int signal)
{
    for (int i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            kill(s->worker[i].pid, signal);
}

/* In the child. */
static _Noreturn void be_worker(struct supervisor *s, int number, pid_t supervisor)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    sigprocmask(SIG_SETMASK, &s->before, NULL);
    if (getppid() != supervisor) /* gone before the kernel was asked to tell */
        _exit(EX_TEMPFAIL);
    int code = s->work(s->force, (size_t)number, s->ctx);
    exit(code);
}

static void start(struct supervisor *s, int number, int64_t now_ms)
{
    struct worker *w = &s->worker[number];
    s->force->seat[number].alive_ms = 0;
    pid_t supervisor = getpid(), pid = fork();
    if (pid == 0)
        be_worker(s, number, supervisor);
    w->started_ms = now_ms;
    w->aborted_ms = 0;
    if (pid > 0) {
        w->pid = pid;
        return;
    }
    log_error("worker %d cannot be started: %s; later again", number, strerror(errno));
    w->next_start_ms = now_ms + PAUSE_MOST_MS;
}

static void begin_stop(struct supervisor *s, int signal, int64_t now_ms)
{
    if (s->stop_at_ms) {
        signal_all(s, SIGKILL);
        return;
    }
    log_info("signal %d: stopping %d workers", signal, s->workers);
    service_notify("STOPPING=1");
    s->stop_at_ms = now_ms + STOP_MS;
    signal_all(s, SIGTERM);
}

static void note_end(struct supervisor *s, int number, int status, int64_t now_ms)
{
    struct worker *w = &s->worker[number];
    bool as_told = s->stop_at_ms && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM; /* before it listened for signals itself */
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : as_told ? 0 : EX_SOFTWARE;
    pid_t pid = w->pid;
    w->pid = 0;
    metrics_retire(&s->force->metrics[number], &s->force->metrics[s->workers]);
    if (s->stop_at_ms) {
        s->worst = code > s->worst ? code : s->worst;
        return;
    }
    if (code == EX_CONFIG) { /* it has said why; it would say so again */
        s->worst = EX_CONFIG;
        begin_stop(s, SIGTERM, now_ms);
        return;
    }
    bool steady = now_ms - w->started_ms > STEADY_MS;
    w->next_start_ms = now_ms + (steady ? 0 : w->pause_ms);
    if (WIFSIGNALED(status))
        log_error("worker %d (process %d) was ended by signal %d; it is started again in %lld ms", number, (int)pid, WTERMSIG(status),
                  (long long)(w->next_start_ms - now_ms));
    else
        log_error("worker %d (process %d) ended with status %d; it is started again in %lld ms", number, (int)pid, code,
                  (long long)(w->next_start_ms - now_ms));
    w->pause_ms = steady || w->pause_ms == 0 ? PAUSE_LEAST_MS : w->pause_ms * 2;
    if (w->pause_ms > PAUSE_MOST_MS)
        w->pause_ms = PAUSE_MOST_MS;
}

static void reap(struct supervisor *s, int64_t now_ms)
{
    int status;
    for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
        for (int i = 0; i < s->workers; i++)
            if (s->worker[i].pid == pid)
                note_end(s, i, status, now_ms);
}

static bool is_hung(const struct supervisor *s, int number, int64_t now_ms)
{
    int64_t alive_ms = s->force->seat[number].alive_ms;
    return alive_ms ? now_ms - alive_ms > HUNG_MS : now_ms - s->worker[number].started_ms > BEGIN_MS;
}

static void end_hung(struct worker *w, int number, int64_t now_ms)
{
    if (!w->aborted_ms) {
        log_error("worker %d (process %d) hangs: aborted", number, (int)w->pid);
        w->aborted_ms = now_ms;
        kill(w->pid, SIGABRT);
    } else if (now_ms - w->aborted_ms > ABORT_MS) {
        kill(w->pid, SIGKILL);
    }
}

/* Starts what is due, kills what hangs; tells systemd while all is well. */
static void look_after(struct supervisor *s, int64_t now_ms)
{
    for (int i = 0; i < s->workers; i++) {
        struct worker *w = &s->worker[i];
        if (w->pid == 0 && !s->stop_at_ms && now_ms >= w->next_start_ms) {
            start(s, i, now_ms);
        } else if (w->pid && s->stop_at_ms && now_ms > s->stop_at_ms) {
            log_error("worker %d (process %d) does not stop: killed", i, (int)w->pid);
            kill(w->pid, SIGKILL);
        } else if (w->pid && !s->stop_at_ms && is_hung(s, i, now_ms)) {
            end_hung(w, i, now_ms);
        }
    }
    if (s->watchdog_ms && now_ms - s->told_ms >= s->watchdog_ms) {
        s->told_ms = now_ms;
        service_notify("WATCHDOG=1");
    }
}

static bool any_runs(const struct supervisor *s)
{
    for (int i = 0; i < s->workers; i++)
        if (s->worker[i].pid)
            return true;
    return false;
}

static void on_signal(struct supervisor *s, int signal, int64_t now_ms)
{
    if (signal == SIGTERM || signal == SIGINT) {
        begin_stop(s, signal, now_ms);
    } else if (signal == SIGHUP) {
        service_notify_reloading();
        signal_all(s, SIGHUP);
        service_notify("READY=1");
    } else if (signal == SIGCHLD) {
        reap(s, now_ms);
    }
}

int supervise(int workers, worker_fn *work, void *ctx)
{
    struct supervisor s = {.workers = workers < SUPERVISOR_WORKERS_MAX ? workers : SUPERVISOR_WORKERS_MAX, .work = work, .ctx = ctx,
                           .watchdog_ms = service_watchdog_ms()};
    s.force = mmap(NULL, sizeof(*s.force), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (s.force == MAP_FAILED) {
        log_error("no memory to share with the workers: %s", strerror(errno));
        return EX_OSERR;
    }
    s.force->workers = s.force->order.seats = (size_t)s.workers;
    s.force->order.born_ms = clock_monotonic_ms();
    sigemptyset(&s.waited_for);
    sigaddset(&s.waited_for, SIGTERM);
    sigaddset(&s.waited_for, SIGINT);
    sigaddset(&s.waited_for, SIGHUP);
    sigaddset(&s.waited_for, SIGCHLD);
    sigprocmask(SIG_BLOCK, &s.waited_for, &s.before);
    look_after(&s, clock_monotonic_ms());
    service_notify("READY=1");
    while (!s.stop_at_ms || any_runs(&s)) {
        const struct timespec wait = {0, LOOK_MS * 1000000L};
        int signal = sigtimedwait(&s.waited_for, NULL, &wait);
        int64_t now_ms = clock_monotonic_ms();
        if (signal > 0)
            on_signal(&s, signal, now_ms);
        look_after(&s, now_ms);
    }
    munmap(s.force, sizeof(*s.force));
    sigprocmask(SIG_SETMASK, &s.before, NULL);
    return s.worst;
}
