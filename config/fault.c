/* Fault points of test builds: see fault.h. */
#include "fault.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { POINTS_MAX = 256, PLANS_MAX = 16, NAME_BYTES = 64 };
enum what { KILL, ERROR, STALL, WHATS };

static const char *const what_name[WHATS] = {"kill", "error", "stall"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all of this */
static const char *seen[POINTS_MAX];
static size_t seen_count;
static struct plan {
    char name[NAME_BYTES];
    enum what what;
    long passes; /* to let go by */
    bool over;
} plans[PLANS_MAX];
static size_t plan_count;
static bool plans_read;

static void note(const char *what, const char *name)
{
    const char *path = getenv("FAULT_LOG");
    char line[2 * NAME_BYTES];
    int n = snprintf(line, sizeof(line), "%s %s\n", what, name);
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    if (fd < 0)
        return;
    if (write(fd, line, (size_t)n) != n)
        fprintf(stderr, "fault point %s could not be noted\n", name);
    close(fd);
}

/* A mistake in the plan would be a test that tests nothing. */
static _Noreturn void refuse(const char *plan)
{
    fprintf(stderr, "FAULT_PLAN: \"%s\" is not NAME:kill|error|stall[:PASSES]\n", plan);
    abort();
}

static void read_plans(void)
{
    const char *text = getenv("FAULT_PLAN");
    plans_read = true;
    while (text && *text) {
        size_t n = strcspn(text, ",");
        char one[2 * NAME_BYTES], *what, *passes;
        if (n >= sizeof(one) || plan_count == PLANS_MAX)
            refuse(text);
        memcpy(one, text, n);
        one[n] = '\0';
        if (!(what = strchr(one, ':')) || what - one >= NAME_BYTES)
            refuse(one);
        *what++ = '\0';
        if ((passes = strchr(what, ':')))
            *passes++ = '\0';
        struct plan *p = &plans[plan_count++];
        snprintf(p->name, sizeof(p->name), "%.*s", NAME_BYTES - 1, one);
        p->passes = passes ? strtol(passes, NULL, 10) : 0;
        while (p->what < WHATS && strcmp(what, what_name[p->what]) != 0)
            p->what++;
        if (p->what == WHATS)
            refuse(one);
        text += n + (text[n] == ',');
    }
}

static bool first_pass(const char *name)
{
    for (size_t i = 0; i < seen_count; i++)
        if (strcmp(seen[i], name) == 0)
            return false;
    if (seen_count < POINTS_MAX)
        seen[seen_count++] = name;
    return true;
}

/* What is to happen at this pass, WHATS: nothing. */
static enum what due(const char *name)
{
    for (size_t i = 0; i < plan_count; i++) {
        struct plan *p = &plans[i];
        if (!p->over && strcmp(p->name, name) == 0 && p->passes-- == 0) {
            p->over = true;
            return p->what;
        }
    }
    return WHATS;
}

bool fault_point(const char *name)
{
    pthread_mutex_lock(&lock);
    if (!plans_read)
        read_plans();
    if (first_pass(name))
        note("pass", name);
    enum what what = due(name);
    if (what != WHATS)
        note(what_name[what], name);
    pthread_mutex_unlock(&lock);
    if (what == KILL)
        raise(SIGKILL);
    if (what == STALL)
        poll(NULL, 0, FAULT_STALL_MS);
    return what == ERROR;
}
