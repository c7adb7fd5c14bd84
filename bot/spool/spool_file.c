/* The spool on disk: see spool_file.h.  This file and spool_look.c are the only ones that know SQLite. */
#include "spool_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "durable.h"
#include "fault.h"
#include "log.h"
#include "zalo/sha256.h"

enum { PATH_BYTES = 512, COPY_ROWS = 500, BUSY_MS = 1000 };

/* In the order of text[]. */
enum statement { ADD, REMOVE, READ, OLDEST, STATEMENTS };

struct spool_file {
    const char *folder;
    unsigned number;
    int lock_fd; /* holds the last committed id, see spool_file.h */
    sqlite3 *db;
    sqlite3_stmt *statement[STATEMENTS];
    int64_t last_id, noted_id;
};

#define COLUMNS "id, at, held, redelivered, user_id, key, sum, body"

static const char *const text[] = {
    [ADD] = "INSERT INTO event (" COLUMNS ") VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    [REMOVE] = "DELETE FROM event WHERE id = ?",
    [READ] = "SELECT " COLUMNS " FROM event WHERE id > ? AND NOT held ORDER BY id LIMIT ?",
    [OLDEST] = "SELECT at FROM event ORDER BY id LIMIT 1",
};
_Static_assert(ARRAY_LEN(text) == STATEMENTS, "every statement has its text");

/* AUTOINCREMENT: an id never comes again, or a removal that comes late would hit another row. */
static const char schema[] = "CREATE TABLE IF NOT EXISTS event (id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, "
                             "held INTEGER NOT NULL, redelivered INTEGER NOT NULL, user_id TEXT NOT NULL, key BLOB NOT NULL, "
                             "sum BLOB NOT NULL, body BLOB NOT NULL)";

static bool failed(sqlite3 *db, const char *what, struct err *e)
{
    return err_set(e, ERR_SYSTEM, "spool: cannot %s: %s", what, db ? sqlite3_errmsg(db) : "out of memory");
}

static bool run(sqlite3 *db, const char *sql, const char *what, struct err *e)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK || failed(db, what, e);
}

/* ---- rows ---- */

static bool sum_of(const struct spool_row *row, unsigned char ret[static SPOOL_SUM_BYTES])
{
    unsigned char hash[SHA256_BYTES];
    const struct str part[] = {str_of(row->user_id), {(const char *)row->key, sizeof(row->key)}, row->body};
    bool ok = sha256_parts(part, ARRAY_LEN(part), hash);
    memcpy(ret, hash, SPOOL_SUM_BYTES);
    return ok;
}

bool spool_row_sign(struct spool_row *row)
{
    return sum_of(row, row->sum);
}

static bool copy_blob(sqlite3_stmt *s, int column, void *to, size_t n)
{
    if ((size_t)sqlite3_column_bytes(s, column) != n)
        return false;
    memcpy(to, sqlite3_column_blob(s, column), n);
    return true;
}

/* Views into the statement's current row. @return false when it cannot be a row of ours. */
static bool row_of(sqlite3_stmt *s, struct spool_row *ret)
{
    *ret = (struct spool_row){
        .id = sqlite3_column_int64(s, 0), .at_ms = sqlite3_column_int64(s, 1), .held = sqlite3_column_int(s, 2),
        .redelivered = sqlite3_column_int(s, 3), .user_id = (const char *)sqlite3_column_text(s, 4)};
    const void *body = sqlite3_column_blob(s, 7);
    ret->body = (struct str){body, (size_t)sqlite3_column_bytes(s, 7)};
    return ret->user_id && body && copy_blob(s, 5, ret->key, sizeof(ret->key)) && copy_blob(s, 6, ret->sum, sizeof(ret->sum));
}

bool spool_row_is_whole(const struct spool_row *row)
{
    unsigned char sum[SPOOL_SUM_BYTES];
    return sum_of(row, sum) && memcmp(sum, row->sum, sizeof(sum)) == 0;
}

/* ---- names ---- */

static void path_of(char ret[static PATH_BYTES], const char *folder, const char *before, unsigned number, const char *after)
{
    snprintf(ret, PATH_BYTES, "%s/%sspool-%u%s", folder, before, number, after);
}

static void sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        log_warn("cannot sync the folder %s: %s, ignoring", folder, strerror(errno));
    if (fd >= 0)
        close(fd);
}

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

/* The number is ours while the descriptor is open. */
static int lock_number(const char *folder, unsigned number, int *why)
{
    char path[PATH_BYTES];
    path_of(path, folder, "", number, ".lock");
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        return fd;
    *why = errno;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- one file ---- */

static void database_close(struct spool_file *f)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(f->statement[i]);
        f->statement[i] = NULL;
    }
    sqlite3_close(f->db);
    f->db = NULL;
}

static bool database_open(struct spool_file *f, const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600); /* SQLite would let others read it; its log gets the same mode */
    if (fd < 0)
        return err_set(e, ERR_SYSTEM, "spool: cannot open %s: %s", path, strerror(errno));
    close(fd);
    if (sqlite3_open_v2(path, &f->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return failed(f->db, "open the file", e);
    sqlite3_busy_timeout(f->db, BUSY_MS); /* somebody looks at it with a tool */
    if (!run(f->db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA secure_delete=ON", "use the file", e) ||
        !run(f->db, schema, "make the table", e))
        return false;
    for (size_t i = 0; i < STATEMENTS; i++)
        if (sqlite3_prepare_v3(f->db, text[i], -1, SQLITE_PREPARE_PERSISTENT, &f->statement[i], NULL) != SQLITE_OK)
            return failed(f->db, "prepare a statement", e);
    return true;
}

/* Reads all rows that can be read, forwards and, behind a hole, backwards. @return true when there was no hole. */
static bool read_all(sqlite3 *db, spool_row_fn *on_row, void *ctx)
{
    static const char *const order[] = {"SELECT " COLUMNS " FROM event ORDER BY id", "SELECT " COLUMNS " FROM event ORDER BY id DESC"};
    int64_t last = 0;
    bool whole = true;
    for (size_t pass = 0; pass < ARRAY_LEN(order); pass++) {
        sqlite3_stmt *s = NULL;
        int code = sqlite3_prepare_v2(db, order[pass], -1, &s, NULL);
        bool more = code == SQLITE_OK;
        while (more && (code = sqlite3_step(s)) == SQLITE_ROW) {
            struct spool_row row;
            if (pass > 0 && sqlite3_column_int64(s, 0) <= last)
                break;
            if (!row_of(s, &row) || !spool_row_is_whole(&row)) {
                whole = false;
                continue;
            }
            if (pass == 0)
                last = row.id;
            on_row(&row, ctx);
        }
        sqlite3_finalize(s);
        if (pass == 0 && code == SQLITE_DONE)
            return whole;
        whole = false;
    }
    return false;
}

/* The highest id there ever was. */
static int64_t sequence(sqlite3 *db)
{
    sqlite3_stmt *s = NULL;
    int64_t id = 0;
    if (sqlite3_prepare_v2(db, "SELECT seq FROM sqlite_sequence WHERE name = 'event'", -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
        id = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return id;
}

static void ignore_row(const struct spool_row *row, void *ctx)
{
    (void)row;
    (void)ctx;
}

static void note_last_id(struct spool_file *f)
{
    if (f->last_id == f->noted_id)
        return;
    /* Not synced: it survives the process; after a power cut it may be older, which only makes the check weaker. */
    if (pwrite(f->lock_fd, &f->last_id, sizeof(f->last_id), 0) == (ssize_t)sizeof(f->last_id))
        f->noted_id = f->last_id;
}

/* ---- mending ---- */

struct copy {
    struct spool_file *to;
    bool same_ids;
    uint64_t rows;
    struct err e;
    bool ok;
};

static void copy_row(const struct spool_row *row, void *ctx)
{
    struct copy *c = ctx;
    int64_t id;
    struct spool_row plain = *row;
    plain.held = false;
    plain.id = c->same_ids ? row->id : 0;
    c->ok = c->ok && spool_file_add(c->to, &plain, &id, &c->e);
    c->rows += c->ok;
    if (c->ok && c->rows % COPY_ROWS == 0)
        c->ok = spool_file_commit(c->to, &c->e) && spool_file_begin(c->to, true, &c->e);
}

/* Puts the mended file in the place of the torn one, which is moved aside; also when a first try was interrupted. */
static bool finish_mending(const char *folder, unsigned number, struct err *e)
{
    static const char *const part[] = {".db-wal", ".db"};
    char from[PATH_BYTES], to[PATH_BYTES], torn[40];
    path_of(from, folder, "", number, ".db-shm"); /* only an index of the log */
    unlink(from);
    snprintf(torn, sizeof(torn), "torn-%" PRId64 "-", clock_epoch_ms());
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        path_of(from, folder, "", number, part[i]);
        path_of(to, folder, torn, number, part[i]);
        if (rename(from, to) != 0 && errno != ENOENT)
            return err_set(e, ERR_SYSTEM, "spool: cannot move %s aside: %s", from, strerror(errno));
    }
    path_of(from, folder, "", number, ".db.good");
    path_of(to, folder, "", number, ".db");
    if (rename(from, to) != 0)
        return err_set(e, ERR_SYSTEM, "spool: cannot put %s in place: %s", to, strerror(errno));
    sync_folder(folder);
    return true;
}

static void remove_unfinished(const char *folder, unsigned number)
{
    static const char *const part[] = {".db.new", ".db.new-wal", ".db.new-shm"};
    char path[PATH_BYTES];
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        path_of(path, folder, "", number, part[i]);
        unlink(path);
    }
}

/* Copies what can be read of a torn file to a new one; changes nothing in it. */
static bool mend(struct spool_file *f, const char *why, struct err *e)
{
    char path[PATH_BYTES], fresh[PATH_BYTES], good[PATH_BYTES];
    path_of(path, f->folder, "", f->number, ".db");
    path_of(fresh, f->folder, "", f->number, ".db.new");
    path_of(good, f->folder, "", f->number, ".db.good");
    if (f->db)
        sqlite3_db_config(f->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    database_close(f);
    remove_unfinished(f->folder, f->number);
    struct copy copy = {.to = f, .same_ids = true /* behind a hole they come backwards */, .ok = database_open(f, fresh, e)};
    if (!copy.ok)
        return false;
    sqlite3 *old = NULL;
    copy.ok = spool_file_begin(f, true, &copy.e);
    if (sqlite3_open_v2(path, &old, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK) {
        sqlite3_db_config(old, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        read_all(old, copy_row, &copy);
    }
    sqlite3_close(old);
    copy.ok = copy.ok && spool_file_commit(f, &copy.e) && run(f->db, "PRAGMA wal_checkpoint(TRUNCATE)", "finish the copy", &copy.e);
    database_close(f);
    if (!copy.ok) {
        if (e)
            *e = copy.e;
        return false;
    }
    f->noted_id = -1; /* before the rename, or an interrupted start would miss rows that are not there any more */
    note_last_id(f);
    if (rename(fresh, good) != 0)
        return err_set(e, ERR_SYSTEM, "spool: cannot rename %s: %s", fresh, strerror(errno));
    sync_folder(f->folder);
    log_error("the spool %s is torn (%s): %" PRIu64 " events could be read and are kept, the file is moved aside as torn-*-spool-%u.db", path,
              why, copy.rows, f->number);
    return finish_mending(f->folder, f->number, e) && database_open(f, path, e);
}

/* Opens the file of f->number, whose lock is held. */
static bool open_whole(struct spool_file *f, uint64_t *torn, struct err *e)
{
    char path[PATH_BYTES], good[PATH_BYTES];
    struct err why = {0};
    path_of(path, f->folder, "", f->number, ".db");
    path_of(good, f->folder, "", f->number, ".db.good");
    if (exists(good) && !finish_mending(f->folder, f->number, e))
        return false;
    remove_unfinished(f->folder, f->number);
    int64_t noted = 0;
    if (pread(f->lock_fd, &noted, sizeof(noted), 0) != (ssize_t)sizeof(noted))
        noted = 0;
    bool there = exists(path);
    bool opened = database_open(f, path, &why);
    int code = f->db ? sqlite3_errcode(f->db) & 0xff : SQLITE_OK;
    if (!opened && code != SQLITE_CORRUPT && code != SQLITE_NOTADB)
        return err_set(e, ERR_SYSTEM, "%s", why.msg); /* the file may be sound: no right to write, no room, no descriptor */
    const char *wrong = !opened ? why.msg : !read_all(f->db, ignore_row, NULL) ? "rows cannot be read" : NULL;
    f->last_id = f->noted_id = opened ? sequence(f->db) : 0;
    if (!wrong && noted > f->last_id)
        wrong = there ? "its newest rows are missing" : "it is missing, and rows were in it";
    if (!wrong) {
        f->noted_id = noted;
        note_last_id(f);
        return true;
    }
    ++*torn;
    f->last_id = 0;
    return mend(f, wrong, e);
}

static int spool_file_close(struct spool_file *f)
{
    database_close(f);
    if (f->lock_fd >= 0)
        close(f->lock_fd);
    return 0;
}

static struct spool_file *file_of(TALLOC_CTX *ctx, const char *folder, unsigned number, int lock_fd)
{
    struct spool_file *f = talloc_zero(ctx, struct spool_file);
    *f = (struct spool_file){.folder = talloc_strdup(f, folder), .number = number, .lock_fd = lock_fd};
    talloc_set_destructor(f, spool_file_close);
    return f;
}

/* ---- several processes ---- */

/* Moves the rows of a process that is gone into ours.  A crash between the two commits leaves them in both: harmless. */
static bool adopt(struct spool_file *f, unsigned number, struct spool_opened *ret, struct err *e)
{
    char path[PATH_BYTES];
    int why = 0;
    path_of(path, f->folder, "", number, ".lock");
    if (!exists(path))
        return true;
    int fd = lock_number(f->folder, number, &why);
    if (fd < 0)
        return true; /* its process is alive */
    struct spool_file *other = file_of(f, f->folder, number, fd);
    struct copy copy = {.to = f, .ok = true};
    bool ok = open_whole(other, &ret->torn, e) && spool_file_begin(f, true, e);
    if (ok) {
        read_all(other->db, copy_row, &copy); /* it has just been found whole */
        ok = copy.ok && spool_file_commit(f, &copy.e) &&
             (copy.rows == 0 || run(other->db, "DELETE FROM event", "empty the spool of another process", &copy.e));
        spool_file_rollback(f); /* if it did not commit */
        if (ok)
            ret->adopted += copy.rows;
        else if (e)
            *e = copy.e;
    }
    if (ok)
        spool_file_tidy(other);
    talloc_free(other);
    return ok;
}

/* Gives new ids in the order in which the rows were spooled. */
static bool sort_rows(struct spool_file *f, struct err *e)
{
    bool ok = spool_file_begin(f, true, e) &&
              run(f->db, "CREATE TEMP TABLE old AS SELECT id FROM event; "
                         "INSERT INTO event (at, held, redelivered, user_id, key, sum, body) "
                         "SELECT at, held, redelivered, user_id, key, sum, body FROM event ORDER BY at, id; "
                         "DELETE FROM event WHERE id IN (SELECT id FROM old); DROP TABLE old", "sort the rows", e);
    f->last_id = ok ? sequence(f->db) : f->last_id;
    ok = ok && spool_file_commit(f, e);
    if (!ok)
        spool_file_rollback(f);
    return ok;
}

struct spool_file *spool_file_open(TALLOC_CTX *ctx, const char *folder, spool_row_fn *on_row, void *row_ctx, struct spool_opened *ret,
                                   struct err *e)
{
    *ret = (struct spool_opened){0};
    if (!durable_folder(folder, e))
        return NULL;
    int fd = -1, why = 0;
    unsigned number = 0;
    while (number < SPOOL_NUMBERS && (fd = lock_number(folder, number, &why)) < 0 && why == EWOULDBLOCK)
        number++;
    if (fd < 0) {
        err_set(e, ERR_SYSTEM, "spool: cannot lock a file in %s: %s", folder, strerror(why));
        return NULL;
    }
    ret->number = number;
    struct spool_file *f = file_of(ctx, folder, number, fd);
    if (!open_whole(f, &ret->torn, e)) {
        talloc_free(f);
        return NULL;
    }
    for (unsigned other = 0; other < SPOOL_NUMBERS; other++) {
        struct err cannot;
        if (other != number && !adopt(f, other, ret, &cannot))
            log_error("the spool of a process that is gone cannot be taken over: %s; it is tried again at the next start", cannot.msg);
    }
    /* Together with what others left, the order is that of arrival again. */
    bool ok = ret->adopted == 0 || sort_rows(f, e);
    (void)FAULT_POINT("spool_before_takeover");
    ok = ok && run(f->db, "UPDATE event SET held = 0 WHERE held", "take over the rows", e) &&
              (read_all(f->db, on_row, row_ctx) || failed(f->db, "read the rows again", e));
    if (!ok)
        TALLOC_FREE(f);
    return f;
}

/* ---- writing and reading ---- */

bool spool_file_begin(struct spool_file *f, bool durable, struct err *e)
{
    return run(f->db, durable ? "PRAGMA synchronous=FULL; BEGIN IMMEDIATE" : "PRAGMA synchronous=NORMAL; BEGIN IMMEDIATE", "begin", e);
}

static bool done(struct spool_file *f, sqlite3_stmt *s, const char *what, struct err *e)
{
    bool ok = sqlite3_step(s) == SQLITE_DONE || failed(f->db, what, e);
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
    return ok;
}

bool spool_file_add(struct spool_file *f, const struct spool_row *row, int64_t *ret_id, struct err *e)
{
    sqlite3_stmt *s = f->statement[ADD];
    if (FAULT_POINT("spool_before_write"))
        return err_set(e, ERR_SYSTEM, "spool: a fault point");
    if (row->id)
        sqlite3_bind_int64(s, 1, row->id);
    sqlite3_bind_int64(s, 2, row->at_ms);
    sqlite3_bind_int(s, 3, row->held);
    sqlite3_bind_int(s, 4, row->redelivered);
    sqlite3_bind_text(s, 5, row->user_id, -1, SQLITE_STATIC);
    sqlite3_bind_blob(s, 6, row->key, sizeof(row->key), SQLITE_STATIC);
    sqlite3_bind_blob(s, 7, row->sum, sizeof(row->sum), SQLITE_STATIC);
    sqlite3_bind_blob64(s, 8, row->body.n ? row->body.p : "", row->body.n, SQLITE_STATIC);
    if (!done(f, s, "write", e))
        return false;
    *ret_id = sqlite3_last_insert_rowid(f->db);
    if (*ret_id > f->last_id)
        f->last_id = *ret_id;
    return true;
}

bool spool_file_remove(struct spool_file *f, int64_t id, struct err *e)
{
    if (FAULT_POINT("spool_before_removal"))
        return err_set(e, ERR_SYSTEM, "spool: a fault point");
    sqlite3_bind_int64(f->statement[REMOVE], 1, id);
    return done(f, f->statement[REMOVE], "remove a row", e);
}

bool spool_file_commit(struct spool_file *f, struct err *e)
{
    if (FAULT_POINT("spool_before_sync"))
        return err_set(e, ERR_SYSTEM, "spool: a fault point");
    if (!run(f->db, "COMMIT", "commit", e))
        return false;
    (void)FAULT_POINT("spool_after_sync");
    note_last_id(f);
    return true;
}

void spool_file_rollback(struct spool_file *f)
{
    if (!sqlite3_get_autocommit(f->db)) /* a full disk rolls back by itself */
        (void)run(f->db, "ROLLBACK", "roll back", NULL);
    f->last_id = f->noted_id;
}

bool spool_file_read(struct spool_file *f, int64_t after, int most, size_t most_bytes, spool_row_fn *on_row, void *ctx, struct err *e)
{
    sqlite3_stmt *s = f->statement[READ];
    if (FAULT_POINT("spool_before_read"))
        return err_set(e, ERR_SYSTEM, "spool: a fault point");
    size_t bytes = 0;
    int code = SQLITE_DONE;
    sqlite3_bind_int64(s, 1, after);
    sqlite3_bind_int(s, 2, most);
    while (bytes < most_bytes && (code = sqlite3_step(s)) == SQLITE_ROW) {
        struct spool_row row;
        if (!row_of(s, &row))
            continue;
        bytes += row.body.n;
        on_row(&row, ctx);
    }
    bool ok = code == SQLITE_DONE || code == SQLITE_ROW || failed(f->db, "read", e);
    sqlite3_reset(s);
    return ok;
}

int64_t spool_file_oldest_ms(struct spool_file *f)
{
    sqlite3_stmt *s = f->statement[OLDEST];
    int64_t at = sqlite3_step(s) == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    sqlite3_reset(s);
    return at;
}

void spool_file_tidy(struct spool_file *f)
{
    (void)run(f->db, "PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)", "tidy up", NULL); /* later, then */
}
