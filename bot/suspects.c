/* Who was in hand at a crash: see suspects.h. */
#include "suspects.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "log.h"

enum {
    HELD_MAX = 256,      /* of one batch */
    SUSPECTS_MAX = 1024, /* the oldest are forgotten */
    POINTS_CRASH = 5,
    POINTS_KILL = 1,
    POINTS_DEAD = 10,    /* two crashes, or ten kills */
    ALTERNATE_STACK_BYTES = 64 * 1024,
    NAME_BYTES = 128,
};

/* How the process ended; in the order of their being written. */
enum ending { ENDED_CLEANLY, RUNNING, CRASHED };

struct mark {
    uint64_t who; /* 0: empty */
    uint32_t points;
    uint32_t unused;
};

/* The file; only ever read by the same build family: another layout has another `magic`. */
struct map {
    uint64_t magic;
    volatile sig_atomic_t ending;
    uint32_t next; /* where the next suspect goes */
    uint64_t held[TURNS_CONNECTIONS][HELD_MAX];
    struct mark suspect[SUSPECTS_MAX];
    char process[NAME_BYTES]; /* whose map it is */
};

#define MAGIC 0x73616e676b683032ull

struct suspects {
    struct map *map;
    char predecessor[NAME_BYTES];
    size_t count; /* suspects there are: mostly none, and then nobody is looked up */
};

static struct map *crash_map; /* of the signal handler */

static uint64_t who_is(const struct turn_event *event)
{
    uint64_t key = str_hash(str_of(event->in->user_id)), what = (uint64_t)event->in->mail_id;
    if (event->in->kind != IN_MAIL)
        memcpy(&what, event->key, sizeof(what));
    key = (key ^ what) * 1099511628211ull;
    return key ? key : 1;
}

static struct mark *find(const struct suspects *s, uint64_t who)
{
    for (size_t i = 0; i < SUSPECTS_MAX; i++)
        if (s->map->suspect[i].who == who)
            return &s->map->suspect[i];
    return NULL;
}

static void accuse(struct suspects *s, uint64_t who, uint32_t points)
{
    struct mark *m = find(s, who);
    if (!m) {
        m = &s->map->suspect[s->map->next++ % SUSPECTS_MAX];
        *m = (struct mark){.who = who};
    }
    m->points += points;
}

/* Only what a signal handler may do; then the signal takes its course. */
static void on_crash(int signal_number)
{
    if (crash_map)
        crash_map->ending = CRASHED;
    raise(signal_number); /* SA_RESETHAND: the default, once we have returned */
}

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

static void watch_crashes(struct suspects *s)
{
    static char stack[ALTERNATE_STACK_BYTES]; /* a stack may have overflowed */
    crash_map = s->map;
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof(stack)}, NULL);
    struct sigaction a = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK | (int)SA_RESETHAND};
    for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
        sigaction(crashes[i], &a, NULL);
}

static int suspects_destructor(struct suspects *s)
{
    for (size_t i = 0; i < ARRAY_LEN(crashes); i++)
        signal(crashes[i], SIG_DFL);
    crash_map = NULL;
    memset(s->map->held, 0, sizeof(s->map->held));
    s->map->ending = ENDED_CLEANLY;
    munmap(s->map, sizeof(*s->map));
    return 0;
}

/* What the process before us left. */
static void judge(struct suspects *s)
{
    size_t held = 0;
    bool crashed = s->map->ending == CRASHED;
    for (size_t r = 0; r < TURNS_CONNECTIONS; r++)
        for (size_t i = 0; i < HELD_MAX; i++)
            if (s->map->held[r][i]) {
                accuse(s, s->map->held[r][i], crashed ? POINTS_CRASH : POINTS_KILL);
                held++;
            }
    if (crashed)
        log_error("the process before this one crashed with %zu events in hand: each is handled alone now, and not at all after a second crash", held);
    memset(s->map->held, 0, sizeof(s->map->held));
    for (size_t i = 0; i < SUSPECTS_MAX; i++)
        s->count += s->map->suspect[i].who != 0;
}

struct suspects *suspects_new(TALLOC_CTX *ctx, const char *folder, unsigned number, const char *process, struct err *e)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/in-hand-%u", folder, number);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;
    if (fd >= 0 && posix_fallocate(fd, 0, sizeof(struct map)) == 0) /* a hole could not be filled on a full disk: SIGBUS */
        map = mmap(NULL, sizeof(struct map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED) {
        err_set(e, ERR_SYSTEM, "cannot use %s: %s", path, strerror(why));
        return NULL;
    }
    struct suspects *s = talloc_zero(ctx, struct suspects);
    s->map = map;
    talloc_set_destructor(s, suspects_destructor);
    if (s->map->magic != MAGIC) {
        memset(s->map, 0, sizeof(*s->map));
        s->map->magic = MAGIC;
    }
    snprintf(s->predecessor, sizeof(s->predecessor), "%.*s", NAME_BYTES - 1, s->map->process);
    snprintf(s->map->process, sizeof(s->map->process), "%s", process);
    judge(s);
    s->map->ending = RUNNING;
    watch_crashes(s);
    return s;
}

const char *suspects_predecessor(const struct suspects *s)
{
    return s ? s->predecessor : "";
}

void suspects_hold(struct suspects *s, size_t runner, struct turn_event *const *events, size_t count)
{
    if (!s)
        return;
    uint64_t *held = s->map->held[runner];
    for (size_t i = 0; i < count; i++)
        held[i] = who_is(events[i]);
    for (size_t i = count; i < HELD_MAX && held[i]; i++)
        held[i] = 0;
}

enum suspicion suspects_about(const struct suspects *s, const struct turn_event *event)
{
    const struct mark *m = s && s->count ? find(s, who_is(event)) : NULL;
    return !m ? SUSPICION_NONE : m->points >= POINTS_DEAD ? SUSPICION_PROVEN : SUSPICION_SOME;
}

void suspects_clear(struct suspects *s, const struct turn_event *event)
{
    struct mark *m = s && s->count ? find(s, who_is(event)) : NULL;
    if (!m)
        return;
    *m = (struct mark){0};
    s->count--;
}
