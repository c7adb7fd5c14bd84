/* How far a chunk has gone: see broadcast_wire.h. */
#include "broadcast_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BOOT_BYTES = 40 };

#define MAGIC 0x73616e676b773031ull

/* The file.  Whoever is killed between two stores leaves what it said before: `now` tells which of the two ids counts. */
struct map {
    uint64_t magic;
    char boot[BOOT_BYTES];
    int64_t broadcast, chunk;
    _Atomic int64_t fence; /* 0: what stands beside it does not count */
    _Atomic uint32_t now;
    char user_id[2][BROADCAST_WIRE_ID_BYTES];
};

struct broadcast_wire {
    struct map *map;
    struct broadcast_reached before;
};

static void read_boot(char boot[static BOOT_BYTES])
{
    memset(boot, 0, BOOT_BYTES);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, boot, BOOT_BYTES - 1) : -1;
    if (n < 0)
        memset(boot, 0, BOOT_BYTES);
    if (fd >= 0)
        close(fd);
}

static int wire_destructor(struct broadcast_wire *w)
{
    munmap(w->map, sizeof(*w->map));
    return 0;
}

/* Without a boot to compare with nothing is known. */
static void read_before(struct broadcast_wire *w, const char *boot)
{
    const struct map *m = w->map;
    if (m->magic != MAGIC || !boot[0] || memcmp(m->boot, boot, BOOT_BYTES) != 0)
        return;
    w->before = (struct broadcast_reached){.broadcast = m->broadcast, .chunk = m->chunk, .fence = m->fence};
    snprintf(w->before.user_id, sizeof(w->before.user_id), "%.*s", BROADCAST_WIRE_ID_BYTES - 1, m->user_id[m->now & 1]);
}

struct broadcast_wire *broadcast_wire_new(TALLOC_CTX *ctx, const char *folder, unsigned number, struct err *e)
{
    char path[512], boot[BOOT_BYTES];
    snprintf(path, sizeof(path), "%s/on-the-wire-%u", folder, number);
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;
    int why = fd < 0 ? errno : posix_fallocate(fd, 0, sizeof(struct map)); /* a hole could not be filled on a full disk: SIGBUS */
    if (why == 0 && (map = mmap(NULL, sizeof(struct map), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) == MAP_FAILED)
        why = errno;
    if (fd >= 0)
        close(fd);
    if (map == MAP_FAILED) {
        err_set(e, ERR_SYSTEM, "cannot use %s: %s", path, strerror(why));
        return NULL;
    }
    struct broadcast_wire *w = talloc_zero(ctx, struct broadcast_wire);
    w->map = map;
    talloc_set_destructor(w, wire_destructor);
    read_boot(boot);
    read_before(w, boot);
    atomic_store(&w->map->fence, 0);
    memcpy(w->map->boot, boot, BOOT_BYTES);
    w->map->magic = MAGIC;
    return w;
}

const struct broadcast_reached *broadcast_wire_before(const struct broadcast_wire *w)
{
    static const struct broadcast_reached nothing;
    return w ? &w->before : &nothing;
}

void broadcast_wire_begin(struct broadcast_wire *w, int64_t broadcast, int64_t chunk, int64_t fence, const char *marked_id)
{
    if (!w)
        return;
    atomic_store(&w->map->fence, 0);
    w->map->broadcast = broadcast;
    w->map->chunk = chunk;
    broadcast_wire_reach(w, marked_id);
    if (strlen(marked_id) < BROADCAST_WIRE_ID_BYTES)
        atomic_store(&w->map->fence, fence);
}

void broadcast_wire_reach(struct broadcast_wire *w, const char *user_id)
{
    if (!w)
        return;
    if (strlen(user_id) >= BROADCAST_WIRE_ID_BYTES) {
        atomic_store(&w->map->fence, 0);
        return;
    }
    uint32_t next = (w->map->now & 1) ^ 1;
    snprintf(w->map->user_id[next], BROADCAST_WIRE_ID_BYTES, "%s", user_id);
    atomic_store(&w->map->now, next);
}
