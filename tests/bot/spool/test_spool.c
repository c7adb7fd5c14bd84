/* The spool: order, bound, what a kill, a torn file, a full disk and a second process leave of it. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "folder.h"
#include "spool/spool.h"
#include "spool/spool_look.h"

enum { ROWS_MAX = 4096, DEADLINE_S = 20 };

/* One spool on a loop, and what it called back. */
struct rig {
    struct folder folder;
    struct event_base *base;
    struct spool *spool;
    int64_t id[ROWS_MAX];   /* of what was added, in the order of the callbacks; 0: refused */
    size_t added;
    char body[ROWS_MAX][32]; /* found at start, or read */
    int64_t body_id[ROWS_MAX];
    size_t found, read;
    bool read_done;
};

static void on_found(const struct spool_row *row, void *ctx)
{
    struct rig *r = ctx;
    snprintf(r->body[r->found], sizeof(r->body[0]), "%.*s", (int)(row->body.n < 31 ? row->body.n : 31), row->body.p);
    r->body_id[r->found++] = row->id;
}

static void on_added(int64_t id, const struct err *why, void *ctx)
{
    struct rig *r = ctx;
    assert_true((id == 0) == (why != NULL));
    r->id[r->added++] = id;
}

static void on_read(const struct spool_row *rows, size_t count, const struct err *e, void *ctx)
{
    struct rig *r = ctx;
    assert_null(e);
    for (size_t i = 0; i < count; i++) {
        assert_true(spool_row_is_whole(&rows[i]));
        snprintf(r->body[r->read], sizeof(r->body[0]), "%.*s", (int)(rows[i].body.n < 31 ? rows[i].body.n : 31), rows[i].body.p);
        r->body_id[r->read++] = rows[i].id;
    }
    r->read_done = true;
}

static void rig_open(struct rig *r)
{
    struct err e = {0};
    r->found = r->added = r->read = 0;
    r->base = event_base_new();
    r->spool = spool_new(NULL, r->base, &r->folder.settings, on_found, r, &e);
    if (!r->spool)
        fail_msg("%s", e.msg);
}

static void rig_close(struct rig *r)
{
    talloc_free(r->spool);
    event_base_free(r->base);
}

static struct rig *rig_new(void)
{
    struct rig *r = calloc(1, sizeof(*r));
    folder_make(&r->folder);
    r->folder.settings.spool.max_mb = 16;
    rig_open(r);
    return r;
}

static void rig_free(struct rig *r)
{
    rig_close(r);
    folder_remove(&r->folder);
    free(r);
}

static bool add(struct rig *r, const char *user_id, const char *body, bool held)
{
    struct spool_row row = {.user_id = user_id, .body = str_of(body), .held = held, .key = {(unsigned char)body[0]}};
    return spool_add(r->spool, &row, on_added, r);
}

static void on_too_late(evutil_socket_t fd, short what, void *ctx)
{
    (void)fd;
    (void)what;
    (void)ctx;
    fail_msg("the spool did not call back");
}

static void wait_added(struct rig *r, size_t count)
{
    struct event *late = evtimer_new(r->base, on_too_late, NULL);
    event_add(late, &(struct timeval){DEADLINE_S, 0});
    while (r->added < count)
        event_base_loop(r->base, EVLOOP_ONCE);
    event_free(late);
}

static void read_behind(struct rig *r, int64_t after)
{
    struct event *late = evtimer_new(r->base, on_too_late, NULL);
    event_add(late, &(struct timeval){DEADLINE_S, 0});
    r->read_done = false;
    spool_read(r->spool, after, on_read, r);
    while (!r->read_done)
        event_base_loop(r->base, EVLOOP_ONCE);
    event_free(late);
}

static void path_in(char *ret, size_t n, const struct rig *r, const char *name)
{
    snprintf(ret, n, "%s/%s", r->folder.path, name);
}

static void test_rows_come_back_in_the_order_in_which_they_were_added(void **state)
{
    struct rig *r = rig_new();
    char body[16];
    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(body, sizeof(body), "%d", i);
        assert_true(add(r, i % 3 ? "one" : "two", body, false));
    }
    assert_int_equal(r->added, 0); /* never before it returns */
    wait_added(r, 1000);
    for (size_t i = 1; i < 1000; i++)
        assert_true(r->id[i] > r->id[i - 1]);
    for (int64_t after = 0; r->read < 1000; after = r->body_id[r->read - 1])
        read_behind(r, after);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(strtol(r->body[i], NULL, 10), i);
    assert_int_equal(spool_rows(r->spool), 1000);
    assert_true(spool_oldest_age_ms(r->spool) < 60000);
    rig_free(r);
}

/* SQLite calls these ones: what stands in the program comes before the C library's. */
static _Atomic int syncs;

int fsync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    syncs++;
    return (int)syscall(SYS_fdatasync, fd);
}

static void test_nothing_is_called_added_before_it_is_synced_to_the_disk(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    assert_true(add(r, "one", "the first makes the log", false));
    wait_added(r, 1);
    for (size_t n = 2; n < 6; n++) {
        int before = syncs;
        assert_true(add(r, "one", "and another", false));
        wait_added(r, n);
        assert_true(syncs > before);
    }
    rig_free(r);
}

static void test_what_is_held_or_removed_is_not_read(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    add(r, "u", "a", true);
    add(r, "u", "b", false);
    add(r, "u", "c", false);
    wait_added(r, 3);
    spool_remove(r->spool, r->id[1], STR("b"));
    read_behind(r, 0);
    assert_int_equal(r->read, 1);
    assert_string_equal(r->body[0], "c");
    assert_int_equal(spool_rows(r->spool), 2);
    /* After a restart nobody holds it any more. */
    rig_close(r);
    rig_open(r);
    assert_int_equal(r->found, 2);
    assert_string_equal(r->body[0], "a");
    read_behind(r, 0);
    assert_int_equal(r->read, 2);
    rig_free(r);
}

static void test_an_id_never_comes_again(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    add(r, "u", "a", false);
    wait_added(r, 1);
    int64_t first = r->id[0];
    spool_remove(r->spool, first, STR("a"));
    read_behind(r, 0);
    rig_close(r);
    rig_open(r);
    add(r, "u", "b", false);
    wait_added(r, 1);
    assert_true(r->id[0] > first);
    rig_free(r);
}

static void test_beyond_its_bound_it_refuses_at_once_and_takes_again_when_there_is_room(void **state)
{
    struct rig *r = rig_new();
    static char body[100 * 1024 + 1];
    (void)state;
    r->folder.settings.spool.max_mb = 1;
    memset(body, 'x', sizeof(body) - 1);
    size_t taken = 0;
    while (taken < 100 && add(r, "u", body, false))
        taken++;
    assert_int_equal(taken, 10);
    assert_int_equal(spool_counters(r->spool)->refused, 1);
    assert_true(spool_bytes(r->spool) <= 1 << 20);
    wait_added(r, taken);
    spool_remove(r->spool, r->id[0], str_of(body));
    assert_true(add(r, "u", body, false));
    r->folder.settings.spool.max_mb = 2; /* it may change while the program runs */
    assert_true(add(r, "u", body, false));
    wait_added(r, taken + 2);
    rig_free(r);
}

/* A child adds rows and is killed the moment it has been told of some: those must be there. */
static void test_what_was_called_back_survives_a_kill(void **state)
{
    struct rig *r = rig_new();
    int told[2];
    (void)state;
    rig_close(r);
    assert_int_equal(pipe(told), 0);
    pid_t child = fork();
    if (child == 0) {
        rig_open(r);
        for (size_t n = 0;; n++) {
            char body[16];
            snprintf(body, sizeof(body), "%zu", n);
            if (r->added >= ROWS_MAX - 8 || !add(r, "u", body, n % 2 == 0))
                _exit(1);
            wait_added(r, n + 1);
            if (write(told[1], &n, sizeof(n)) != sizeof(n))
                _exit(2);
        }
    }
    close(told[1]);
    size_t last = 0, n;
    while (last < 100 && read(told[0], &n, sizeof(n)) == sizeof(n))
        last = n;
    kill(child, SIGKILL);
    while (read(told[0], &n, sizeof(n)) == sizeof(n))
        last = n;
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
    assert_true(last >= 100);
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 0);
    assert_true(r->found >= last + 1);
    for (size_t i = 0; i <= last; i++)
        assert_int_equal((size_t)strtol(r->body[i], NULL, 10), i);
    close(told[0]);
    rig_free(r);
}

static void fill(struct rig *r, int rows)
{
    static char body[1000];
    for (int i = 0; i < rows; i++) {
        memset(body, 'x', sizeof(body) - 1);
        snprintf(body, 16, "%06d", i);
        body[6] = ' ';
        assert_true(add(r, "u", body, false));
    }
    wait_added(r, (size_t)rows);
}

static size_t torn_files(const struct rig *r)
{
    size_t n = 0;
    DIR *dir = opendir(r->folder.path);
    for (const struct dirent *d; (d = readdir(dir));)
        n += strncmp(d->d_name, "torn-", 5) == 0 && strcmp(d->d_name + strlen(d->d_name) - 3, ".db") == 0;
    closedir(dir);
    return n;
}

static void damage(const struct rig *r, const char *name, off_t at, size_t n)
{
    char path[128], junk[8192];
    path_in(path, sizeof(path), r, name);
    memset(junk, 0xa5, sizeof(junk));
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_true(pwrite(fd, junk, n, at) == (ssize_t)n);
    close(fd);
}

static off_t size_of(const struct rig *r, const char *name)
{
    char path[128];
    struct stat st;
    path_in(path, sizeof(path), r, name);
    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void test_of_a_torn_file_the_readable_rows_are_kept_and_the_file_is_moved_aside(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    fill(r, 2000);
    rig_close(r); /* everything is in one file now */
    damage(r, "spool-0.db", size_of(r, "spool-0.db") / 2, 6000);
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 1);
    assert_true(r->found > 1900 && r->found < 2000);
    assert_memory_equal(r->body[0], "000000", 6);
    assert_memory_equal(r->body[r->found - 1], "001999", 6); /* both sides of the hole */
    for (size_t i = 1; i < r->found; i++)
        assert_true(strcmp(r->body[i - 1], r->body[i]) < 0);
    assert_int_equal(torn_files(r), 1);
    /* It is a good file again. */
    size_t kept = r->found;
    add(r, "u", "new", false);
    wait_added(r, 1);
    rig_close(r);
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 0);
    assert_int_equal(r->found, kept + 1);
    rig_free(r);
}

static void test_a_file_that_is_no_spool_at_all_is_moved_aside(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    fill(r, 50);
    rig_close(r);
    damage(r, "spool-0.db", 0, 8192);
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 1);
    assert_int_equal(torn_files(r), 1);
    add(r, "u", "new", false);
    wait_added(r, 1);
    assert_true(r->id[0] > 0);
    rig_free(r);
}

static void test_a_changed_word_is_noticed(void **state)
{
    struct rig *r = rig_new();
    (void)state;
    fill(r, 50);
    rig_close(r);
    damage(r, "spool-0.db", size_of(r, "spool-0.db") - 700, 1); /* inside a body: the file's structure is whole */
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 1);
    assert_int_equal(r->found, 49);
    rig_free(r);
}

static void test_missing_newest_rows_are_noticed(void **state)
{
    struct rig *r = rig_new();
    char from[128], copy[128];
    (void)state;
    fill(r, 10);
    rig_close(r);
    path_in(from, sizeof(from), r, "spool-0.db");
    path_in(copy, sizeof(copy), r, "copy");
    FILE *in = fopen(from, "rb"), *out = fopen(copy, "wb");
    for (int c; (c = fgetc(in)) != EOF;)
        fputc(c, out);
    fclose(in);
    fclose(out);
    rig_open(r);
    add(r, "u", "newer", false);
    wait_added(r, 1);
    rig_close(r);
    assert_int_equal(rename(copy, from), 0); /* as if a power cut had undone the last commit */
    rig_open(r);
    assert_int_equal(spool_counters(r->spool)->torn, 1);
    assert_int_equal(r->found, 10);
    rig_free(r);
}

static void test_two_processes_have_a_file_each_and_the_next_start_finds_what_one_left(void **state)
{
    struct rig *r = rig_new();
    struct rig other = {.folder = r->folder};
    (void)state;
    rig_open(&other);
    assert_int_equal(spool_number(r->spool), 0);
    assert_int_equal(spool_number(other.spool), 1);
    add(r, "u", "first", false);
    add(&other, "v", "second", false);
    wait_added(r, 1);
    wait_added(&other, 1);
    rig_close(&other); /* and never comes back: one process is configured now */
    rig_close(r);
    rig_open(r);
    assert_int_equal(r->found, 2);
    assert_string_equal(r->body[0], "first");
    assert_string_equal(r->body[1], "second");
    rig_close(r);
    rig_open(r);
    assert_int_equal(r->found, 2); /* once */
    rig_free(r);
}

static void test_a_disk_without_room_refuses_and_recovers(void **state)
{
    struct rig *r = rig_new();
    static char body[64 * 1024 + 1];
    struct rlimit before, small;
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    add(r, "u", "before", false);
    wait_added(r, 1);
    assert_true(r->id[0] > 0);
    small = before;
    small.rlim_cur = 40000; /* the log of the file may not grow beyond */
    setrlimit(RLIMIT_FSIZE, &small);
    memset(body, 'x', sizeof(body) - 1);
    assert_true(add(r, "u", body, false));
    wait_added(r, 2);
    setrlimit(RLIMIT_FSIZE, &before);
    assert_true(r->id[1] == 0);
    assert_false(spool_well(r->spool));
    assert_int_equal(spool_rows(r->spool), 1);
    assert_true(add(r, "u", "after", false));
    wait_added(r, 3);
    assert_true(r->id[2] > 0);
    assert_true(spool_well(r->spool));
    read_behind(r, 0);
    assert_int_equal(r->read, 2);
    assert_string_equal(r->body[1], "after");
    rig_free(r);
}

static void test_nobody_else_may_read_it_and_an_empty_one_keeps_no_words(void **state)
{
    struct rig *r = rig_new();
    char path[128], bytes[256 * 1024];
    (void)state;
    fill(r, 20);
    path_in(path, sizeof(path), r, "spool-0.db-wal");
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    for (size_t i = 0; i < 20; i++)
        spool_remove(r->spool, r->id[i], (struct str){NULL, 999});
    rig_close(r);
    assert_true(size_of(r, "spool-0.db-wal") <= 0);
    path_in(path, sizeof(path), r, "spool-0.db");
    FILE *f = fopen(path, "rb");
    size_t n = fread(bytes, 1, sizeof(bytes), f);
    fclose(f);
    assert_null(memmem(bytes, n, "xxxxxxxxxxxxxxxx", 16));
    rig_open(r);
    assert_int_equal(r->found, 0);
    rig_free(r);
}

static void test_a_look_from_outside_counts_what_waits(void **state)
{
    struct rig *r = rig_new();
    struct spool_look look;
    struct err e;
    (void)state;
    fill(r, 7);
    assert_true(spool_look_at(r->folder.path, &look, &e));
    assert_int_equal(look.files, 1);
    assert_int_equal(look.in_use, 1);
    assert_int_equal(look.rows, 7);
    assert_int_equal(look.left, 0);
    assert_true(look.bytes > 7000 && look.oldest_ms > 0);
    rig_close(r);
    assert_true(spool_look_at(r->folder.path, &look, &e));
    assert_int_equal(look.in_use, 0);
    assert_int_equal(look.left, 7);
    damage(r, "spool-0.db", 0, 8192);
    assert_true(spool_look_at(r->folder.path, &look, &e));
    assert_int_equal(look.unreadable, 1);
    assert_false(spool_look_at("/nonexistent", &look, &e));
    rig_open(r);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_come_back_in_the_order_in_which_they_were_added),
        cmocka_unit_test(test_nothing_is_called_added_before_it_is_synced_to_the_disk),
        cmocka_unit_test(test_what_is_held_or_removed_is_not_read),
        cmocka_unit_test(test_an_id_never_comes_again),
        cmocka_unit_test(test_beyond_its_bound_it_refuses_at_once_and_takes_again_when_there_is_room),
        cmocka_unit_test(test_what_was_called_back_survives_a_kill),
        cmocka_unit_test(test_of_a_torn_file_the_readable_rows_are_kept_and_the_file_is_moved_aside),
        cmocka_unit_test(test_a_file_that_is_no_spool_at_all_is_moved_aside),
        cmocka_unit_test(test_a_changed_word_is_noticed),
        cmocka_unit_test(test_missing_newest_rows_are_noticed),
        cmocka_unit_test(test_two_processes_have_a_file_each_and_the_next_start_finds_what_one_left),
        cmocka_unit_test(test_a_disk_without_room_refuses_and_recovers),
        cmocka_unit_test(test_nobody_else_may_read_it_and_an_empty_one_keeps_no_words),
        cmocka_unit_test(test_a_look_from_outside_counts_what_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
