/* Files that survive a power cut: see durable.h. */
#include "durable.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fault.h"
#include "secret.h"

enum { NAME_MAX_BYTES = 200 };

bool durable_folder(const char *path, struct err *e)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return true;
    return err_set(e, ERR_SYSTEM, "cannot make the folder %s: %s", path, strerror(errno));
}

static int open_folder(const char *path, struct err *e)
{
    if (!durable_folder(path, e))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        err_set(e, ERR_SYSTEM, "cannot open the folder %s: %s", path, strerror(errno));
    return fd;
}

static bool write_all(int fd, struct str bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        bytes = str_skip(bytes, (size_t)n);
    }
    return true;
}

/* As when a disk is full. */
#define fails(point) (FAULT_POINT(point) && (errno = ENOSPC))

/* A command run by root must not leave files that the service, whose folder this is, cannot read. */
static bool give_to_owner(int dir, int fd)
{
    struct stat st;
    return geteuid() != 0 || (fstat(dir, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0);
}

/* On failure errno tells why. */
static bool write_synced(int dir, const char *name, struct str bytes)
{
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool ok = give_to_owner(dir, fd) && !fails("file_before_write") && write_all(fd, bytes) && !fails("file_before_sync") && fsync(fd) == 0;
    int why = errno;
    if (close(fd) != 0 && ok) {
        ok = false;
        why = errno;
    }
    errno = why;
    return ok;
}

bool durable_write(const char *folder, const char *name, struct str bytes, bool replace, struct err *e)
{
    char temporary[NAME_MAX_BYTES + 32];
    unsigned char random[8];
    if (strlen(name) > NAME_MAX_BYTES || RAND_bytes(random, sizeof(random)) != 1)
        return err_set(e, ERR_SYSTEM, "cannot name a temporary file for %s/%s", folder, name);
    snprintf(temporary, sizeof(temporary), ".%s.%02x%02x%02x%02x%02x%02x%02x%02x", name, random[0], random[1], random[2], random[3],
             random[4], random[5], random[6], random[7]);
    int dir = open_folder(folder, e);
    if (dir < 0)
        return false;
    /* link() refuses to overwrite, rename() overwrites: both put a whole file in place or none. */
    bool ok = write_synced(dir, temporary, bytes) && !fails("file_before_rename") &&
              (replace ? renameat(dir, temporary, dir, name) : linkat(dir, temporary, dir, name, 0)) == 0;
    int why = errno;
    if (!ok || !replace)
        unlinkat(dir, temporary, 0);
    if (ok && (fails("file_after_rename") || fsync(dir) != 0)) {
        ok = false;
        why = errno;
    }
    close(dir);
    if (ok)
        return true;
    return err_set(e, why == EEXIST && !replace ? ERR_CONFLICT : ERR_SYSTEM, "cannot write %s/%s: %s", folder, name, strerror(why));
}

static bool read_open_file(TALLOC_CTX *ctx, int fd, struct str *ret, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return err_set(e, ERR_SYSTEM, "%s", strerror(errno));
    if (!S_ISREG(st.st_mode) || st.st_size > DURABLE_BYTES_MAX)
        return err_set(e, ERR_INVALID, "it is not a plain file of at most %d bytes", DURABLE_BYTES_MAX);
    if (st.st_mode & 077)
        return err_set(e, ERR_INVALID, "other users may read or change it (mode %03o): chmod 600", (unsigned)st.st_mode & 0777);
    char *bytes = secret_room(ctx, (size_t)st.st_size);
    size_t have = 0;
    while (bytes && have < (size_t)st.st_size) {
        ssize_t n = read(fd, bytes + have, (size_t)st.st_size - have);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            int why = errno;
            talloc_free(bytes);
            return err_set(e, ERR_SYSTEM, "%s", strerror(why));
        }
        if (n == 0)
            break; /* it was cut meanwhile; whoever reads the content notices */
        have += (size_t)n;
    }
    if (!bytes)
        return err_set(e, ERR_NOMEM, "out of memory");
    *ret = (struct str){bytes, have};
    return true;
}

bool durable_read(TALLOC_CTX *ctx, const char *folder, const char *name, struct str *ret, struct err *e)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fd = dir < 0 ? -1 : openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int why = errno;
    if (dir >= 0)
        close(dir);
    if (fd < 0)
        return err_set(e, why == ENOENT ? ERR_NOT_FOUND : ERR_SYSTEM, "cannot open %s/%s: %s", folder, name, strerror(why));
    bool ok = read_open_file(ctx, fd, ret, e) || err_wrap(e, "cannot use %s/%s", folder, name);
    close(fd);
    return ok;
}
