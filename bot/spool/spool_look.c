/* A look at a folder of spools from outside: see spool_look.h. */
#include "spool_look.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "spool_file.h"

enum { PATH_BYTES = 512, BUSY_MS = 1000 };

static void look_at_one(const char *folder, unsigned number, struct spool_look *ret)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/spool-%u.lock", folder, number);
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    bool in_use = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    snprintf(path, sizeof(path), "%s/spool-%u.db", folder, number);
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    ret->files++;
    ret->in_use += in_use;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(db, BUSY_MS);
        if (sqlite3_prepare_v2(db, "SELECT count(*), coalesce(min(at), 0) FROM event", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW) {
            uint64_t rows = (uint64_t)sqlite3_column_int64(s, 0);
            int64_t oldest = sqlite3_column_int64(s, 1);
            ret->rows += rows;
            ret->left += in_use ? 0 : rows;
            if (oldest && (!ret->oldest_ms || oldest < ret->oldest_ms))
                ret->oldest_ms = oldest;
        } else {
            ret->unreadable++;
        }
    } else {
        ret->unreadable++;
    }
    sqlite3_finalize(s);
    sqlite3_close(db);
}

bool spool_look_at(const char *folder, struct spool_look *ret, struct err *e)
{
    *ret = (struct spool_look){0};
    DIR *dir = opendir(folder);
    if (!dir)
        return err_set(e, ERR_SYSTEM, "cannot read the folder %s: %s", folder, strerror(errno));
    for (const struct dirent *d; (d = readdir(dir));) {
        char *rest = NULL;
        struct stat st;
        bool torn = strncmp(d->d_name, "torn-", 5) == 0;
        bool ours = torn || strncmp(d->d_name, "spool-", 6) == 0;
        if (ours && fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0)
            ret->bytes += (uint64_t)st.st_size;
        size_t n = strlen(d->d_name);
        if (torn)
            ret->torn += n > 3 && strcmp(d->d_name + n - 3, ".db") == 0;
        unsigned long number = ours && !torn ? strtoul(d->d_name + strlen("spool-"), &rest, 10) : 0;
        if (ours && !torn && number < SPOOL_NUMBERS && strcmp(rest, ".db") == 0)
            look_at_one(folder, (unsigned)number, ret);
    }
    closedir(dir);
    return true;
}
