/* The evidence folder: see evidence_file.h. */
#include "evidence_file.h"

#include <curl/curl.h>
#include <dirent.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "durable.h"
#include "fault.h"
#include "scoped.h"
#include "zalo/address.h"

#define TEMPORARY "tmp-"

enum { LEFT_BEHIND_S = 600, SHA256_HEX = 64 };

SCOPED_DEFINE(curl_url, CURLU *, curl_url_cleanup)
SCOPED_DEFINE(curl_text, char *, curl_free)

/* ---- the folder ---- */

/* Files under way that nobody writes any more: no download lasts ten minutes. */
static void remove_left_behind(int folder)
{
    int again = dup(folder);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    if (!dir) {
        if (again >= 0)
            close(again);
        return;
    }
    rewinddir(dir);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (strncmp(entry->d_name, TEMPORARY, strlen(TEMPORARY)) == 0 && fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtime < time(NULL) - LEFT_BEHIND_S)
            unlinkat(folder, entry->d_name, 0);
    }
    closedir(dir);
}

int evidence_folder_open(const char *path, struct err *e)
{
    if (!durable_folder(path, e))
        return -1;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || faccessat(fd, ".", W_OK | X_OK, 0) != 0) {
        err_set(e, ERR_SYSTEM, "cannot write to the folder %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    remove_left_behind(fd);
    return fd;
}

int64_t evidence_folder_free(int folder)
{
    struct statvfs v;
    return fstatvfs(folder, &v) == 0 ? (int64_t)v.f_bavail * (int64_t)v.f_frsize : 0;
}

int evidence_temporary(int folder, char ret_name[static EVIDENCE_TEMPORARY_SIZE], struct err *e)
{
    uint64_t random;
    if (RAND_bytes((unsigned char *)&random, sizeof(random)) != 1) {
        err_set(e, ERR_SYSTEM, "OpenSSL gave no random bytes");
        return -1;
    }
    snprintf(ret_name, EVIDENCE_TEMPORARY_SIZE, TEMPORARY "%016" PRIx64, random);
    int fd = openat(folder, ret_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        err_set(e, ERR_SYSTEM, "cannot make a file for evidence: %s", strerror(errno));
    return fd;
}

/* ---- paths ---- */

void evidence_path(const unsigned char sha256[static 32], int64_t id, char ret[static EVIDENCE_PATH_SIZE])
{
    char hex[SHA256_HEX + 1];
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
    snprintf(ret, EVIDENCE_PATH_SIZE, "%.2s/%s-%" PRId64, hex, hex, id);
}

bool evidence_path_is_ours(const char *path)
{
    static const char hex[] = "0123456789abcdef";
    if (strspn(path, hex) != 2 || path[2] != '/' || strspn(path + 3, hex) != SHA256_HEX || strncmp(path, path + 3, 2) != 0)
        return false;
    const char *id = path + 3 + SHA256_HEX;
    if (*id++ != '-')
        return false;
    size_t digits = strspn(id, "0123456789");
    return digits > 0 && digits <= 19 && id[digits] == '\0';
}

bool evidence_remove(int folder, const char *path, struct err *e)
{
    if (!evidence_path_is_ours(path))
        return err_set(e, ERR_INVALID, "a path to remove is not one of the evidence store");
    if (FAULT_POINT("evidence_before_removal"))
        return err_set(e, ERR_SYSTEM, "cannot remove a piece of evidence: a fault point");
    char part[3] = {path[0], path[1], '\0'};
    int dir = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    bool gone = dir >= 0 ? unlinkat(dir, path + 3, 0) == 0 || errno == ENOENT : errno == ENOENT;
    int why = errno;
    if (dir >= 0)
        close(dir);
    return gone || err_set(e, ERR_SYSTEM, "cannot remove a piece of evidence: %s", strerror(why));
}

/* ---- publishing ---- */

struct evidence_publication {
    int folder, fd;
    char temporary[EVIDENCE_TEMPORARY_SIZE], path[EVIDENCE_PATH_SIZE];
    evidence_published_fn *on_published;
    void *ctx;
    int done_fd; /* the thread says here that it is through */
    struct event *done;
    pthread_t thread;
    bool threaded;
    int why; /* errno, 0: in place */
};

static int sync_part(int folder, const char *part)
{
    int dir = openat(folder, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int why = dir < 0 || fsync(dir) != 0 ? errno : 0;
    if (dir >= 0)
        close(dir);
    return why;
}

static int publish(const struct evidence_publication *p)
{
    char part[3] = {p->path[0], p->path[1], '\0'};
    if (FAULT_POINT("evidence_before_sync"))
        return ENOSPC;
    if (fsync(p->fd) != 0)
        return errno;
    bool made = mkdirat(p->folder, part, 0700) == 0;
    if (!made && errno != EEXIST)
        return errno;
    if (FAULT_POINT("evidence_before_rename"))
        return ENOSPC;
    if (renameat(p->folder, p->temporary, p->folder, p->path) != 0)
        return errno;
    if (FAULT_POINT("evidence_after_rename"))
        return EIO;
    int why = sync_part(p->folder, part);
    return why ? why : made && fsync(p->folder) != 0 ? errno : 0;
}

static void *publish_thread(void *arg)
{
    struct evidence_publication *p = arg;
    p->why = publish(p);
    eventfd_write(p->done_fd, 1);
    return NULL;
}

static void on_through(evutil_socket_t fd, short what, void *arg)
{
    struct evidence_publication *p = arg;
    (void)fd;
    (void)what;
    if (p->threaded)
        pthread_join(p->thread, NULL);
    p->threaded = false;
    struct err e = {0};
    if (p->why)
        err_set(&e, ERR_SYSTEM, "cannot put evidence in place: %s", strerror(p->why));
    evidence_published_fn *on_published = p->on_published;
    void *ctx = p->ctx;
    talloc_free(p);
    on_published(e.kind ? &e : NULL, ctx);
}

static int publication_end(struct evidence_publication *p)
{
    if (p->threaded)
        pthread_join(p->thread, NULL);
    if (p->done)
        event_free(p->done);
    if (p->done_fd >= 0)
        close(p->done_fd);
    return 0;
}

struct evidence_publication *evidence_publish(TALLOC_CTX *ctx, struct event_base *base, int folder, int fd, const char *temporary,
                                              const char *path, evidence_published_fn *on_published, void *published_ctx)
{
    struct evidence_publication *p = talloc_zero(ctx, struct evidence_publication);
    if (!p)
        abort();
    p->folder = folder;
    p->fd = fd;
    snprintf(p->temporary, sizeof(p->temporary), "%s", temporary);
    snprintf(p->path, sizeof(p->path), "%s", path);
    p->on_published = on_published;
    p->ctx = published_ctx;
    p->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    talloc_set_destructor(p, publication_end);
    p->done = event_new(base, p->done_fd, EV_READ, on_through, p);
    if (!p->done)
        abort();
    if (p->done_fd >= 0 && event_add(p->done, NULL) == 0 && pthread_create(&p->thread, NULL, publish_thread, p) == 0) {
        p->threaded = true;
    } else { /* no thread to be had: slower for everybody, but done */
        p->why = publish(p);
        event_active(p->done, EV_READ, 0);
    }
    return p;
}

/* ---- where from ---- */

static bool below(const char *host, const char *domain)
{
    size_t n = strlen(host), m = strlen(domain);
    return domain[0] == '.' && n > m && strcasecmp(host + n - m, domain) == 0;
}

bool evidence_url_allowed(const char *url, const struct string_list *hosts, struct err *e)
{
    SCOPED(curl_url) CURLU *u = curl_url();
    SCOPED(curl_text) char *scheme = NULL;
    SCOPED(curl_text) char *host = NULL;
    SCOPED(curl_text) char *port = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK || curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK)
        return err_set(e, ERR_INVALID, "the address of the piece is no URL");
    if (host_in_list(host, (unsigned)strtoul(port, NULL, 10), hosts->item, hosts->count))
        return true;
    for (size_t i = 0; i < hosts->count; i++)
        if (below(host, hosts->item[i]) && strcmp(scheme, "https") == 0)
            return true;
    return err_set(e, ERR_INVALID, "evidence.allow_hosts does not name the host %.100s", host);
}
