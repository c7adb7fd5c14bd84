/* Pictures and files: fetched once, named safely, removed when their person is.  PostgreSQL is real, downloads are played. */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "database.h"
#include "evidence.h"
#include "evidence_file.h"
#include "folder.h"
#include "pg_queue.h"
#include "zalo/client.h"
#include "zalo/sha256.h"

enum { WAIT_S = 20 };

/* ---- downloads ---- */

static struct {
    int calls, open, most_open;
    const char *content;
    enum err_kind kind; /* ERR_NONE: it works */
    int http_status;
    void (*before_answer)(void);
} cdn;

struct zalo_client {
    struct event_base *base;
};

struct download {
    int fd;
    zalo_downloaded_fn *on_downloaded;
    void *ctx;
    struct event *timer;
};

static int download_end(struct download *d)
{
    cdn.open--;
    event_free(d->timer);
    return 0;
}

static void on_answer(evutil_socket_t fd, short what, void *arg)
{
    struct download *d = arg;
    struct zalo_download answer = {.ok = cdn.kind == ERR_NONE, .http_status = cdn.http_status};
    (void)fd;
    (void)what;
    if (cdn.before_answer)
        cdn.before_answer();
    if (answer.ok) {
        answer.bytes = (int64_t)strlen(cdn.content);
        assert_int_equal(write(d->fd, cdn.content, strlen(cdn.content)), strlen(cdn.content));
        assert_true(sha256_parts(&(struct str){cdn.content, strlen(cdn.content)}, 1, answer.sha256));
    } else {
        err_set(&answer.err, cdn.kind, "it failed for the test");
    }
    d->on_downloaded(&answer, d->ctx);
    talloc_free(d);
}

bool zalo_client_download(struct zalo_client *client, const char *link, const struct zalo_download_options *options, int fd,
                          zalo_downloaded_fn *on_downloaded, void *ctx, struct err *e)
{
    struct download *d = talloc_zero(client, struct download);
    (void)link;
    (void)e;
    assert_true(options->max_bytes == 25 * 1024 * 1024);
    assert_int_equal(options->allow_count, 1); /* the exact host only */
    cdn.calls++;
    if (++cdn.open > cdn.most_open)
        cdn.most_open = cdn.open;
    *d = (struct download){.fd = fd, .on_downloaded = on_downloaded, .ctx = ctx, .timer = event_new(client->base, -1, 0, on_answer, d)};
    talloc_set_destructor(d, download_end);
    struct timeval soon = {0, 10000};
    event_add(d->timer, &soon);
    return true;
}

/* ---- the world ---- */

static const char *url;
static struct event_base *base;
static PGconn *admin;
static struct folder place;
static TALLOC_CTX *memory;
static struct pg_queue *db;
static struct evidence_fetcher *fetcher;
static char failed[100];

static void on_failed(const char *user_id, const char *name, void *ctx)
{
    (void)ctx;
    snprintf(failed, sizeof(failed), "%s %s", user_id, name ? name : "-");
}

static int64_t now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

#define UNTIL(condition)                                                                                                           \
    do {                                                                                                                           \
        int64_t give_up_ = now_ms() + WAIT_S * 1000;                                                                               \
        while (!(condition)) {                                                                                                     \
            if (now_ms() > give_up_)                                                                                               \
                fail_msg("never came true: %s", #condition);                                                                       \
            event_base_loop(base, EVLOOP_ONCE);                                                                                    \
        }                                                                                                                          \
    } while (0)

static void sql(const char *text)
{
    PGresult *res = PQexec(admin, text);
    if (PQresultStatus(res) != PGRES_COMMAND_OK && PQresultStatus(res) != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(admin));
    PQclear(res);
}

static int64_t ask(const char *text)
{
    PGresult *res = PQexec(admin, text);
    bool ok = PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1;
    int64_t n = ok ? strtoll(PQgetvalue(res, 0, 0), NULL, 10) : -1;
    PQclear(res);
    if (!ok)
        fail_msg("%s: %s", text, PQerrorMessage(admin));
    return n;
}

static void add(const char *user_id, int id, const char *link, int attempts)
{
    char text[600];
    snprintf(text, sizeof(text),
             "INSERT INTO evidence (user_id, id, initiative_id, kind, url, name, due_at, attempts) VALUES ('%s', %d, 1, 'file', '%s', 'a.pdf', now(), %d)",
             user_id, id, link, attempts);
    sql(text);
}

static void start(void)
{
    struct zalo_client *client = talloc_zero(memory, struct zalo_client);
    client->base = base;
    fetcher = evidence_fetcher_new(memory, base, db, client, &place.settings, on_failed, NULL);
}

static const char *const hosts[] = {".zdn.vn", "127.0.0.1:8000"};

static int world_make(void **state)
{
    memset(&cdn, 0, sizeof(cdn));
    cdn.content = "a picture";
    failed[0] = '\0';
    folder_make(&place);
    place.settings.evidence.allow_hosts = (struct string_list){hosts, ARRAY_LEN(hosts)};
    sql("TRUNCATE evidence, file_removal");
    base = event_base_new();
    struct event *tick = event_new(base, -1, EV_PERSIST, on_tick, NULL);
    struct timeval often = {0, 5000};
    event_add(tick, &often);
    *state = tick;
    memory = talloc_new(NULL);
    db = pg_queue_new(memory, base, &(struct pg_options){.url = url, .name = "test", .named_statements = true});
    return 0;
}

static int world_end(void **state)
{
    TALLOC_FREE(memory);
    event_free(*state);
    event_base_free(base);
    folder_remove(&place);
    return 0;
}

/* The content of a file below the folder; "" when there is none. */
static const char *content_of(const char *path)
{
    static char text[100];
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", place.path, path);
    int fd = open(full, O_RDONLY);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
    if (fd >= 0)
        close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void expected_path(int id, char ret[static EVIDENCE_PATH_SIZE])
{
    unsigned char digest[32];
    assert_true(sha256_parts(&(struct str){cdn.content, strlen(cdn.content)}, 1, digest));
    evidence_path(digest, id, ret);
}

static int on_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)path;
    (void)ftw;
    if (kind != FTW_F)
        return 0;
    assert_int_equal(st->st_mode & 0777, 0600);
    return 0;
}

static int files;

static int count_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    files += kind == FTW_F;
    return on_file(path, st, kind, ftw);
}

static int file_count(void)
{
    files = 0;
    nftw(place.path, count_file, 8, FTW_PHYS);
    return files;
}

/* ---- what has to hold ---- */

static void test_a_piece_is_fetched_stored_and_noted(void **state)
{
    char path[EVIDENCE_PATH_SIZE];
    unsigned open;
    unsigned long stored, given_up;
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 0);
    start();
    UNTIL(ask("SELECT count(*) FROM evidence WHERE state = 'stored' AND due_at IS NULL AND size_bytes = 9 AND length(sha256) = 32") == 1);
    expected_path(7, path);
    assert_string_equal(content_of(path), "a picture");
    assert_int_equal(file_count(), 1);
    UNTIL((evidence_fetcher_counts(fetcher, &open, &stored, &given_up), open == 0));
    assert_int_equal(stored, 1);
}

static void test_the_same_picture_of_two_people_is_two_files(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.jpg", 0);
    add("u2", 8, "https://f1.zdn.vn/a.jpg", 0);
    start();
    UNTIL(ask("SELECT count(DISTINCT path) FROM evidence WHERE state = 'stored'") == 2);
    assert_int_equal(file_count(), 2);
}

static void test_four_at_a_time_and_the_rest_after_them(void **state)
{
    (void)state;
    for (int i = 1; i <= 11; i++)
        add("u1", i, "https://f1.zdn.vn/a.jpg", 0);
    start();
    UNTIL(ask("SELECT count(*) FROM evidence WHERE state = 'stored'") == 11);
    assert_int_equal(cdn.calls, 11);
    assert_int_equal(cdn.most_open, 4);
}

static void erase(void)
{
    sql("DELETE FROM evidence");
}

static void test_a_piece_erased_while_it_was_under_way_leaves_no_file(void **state)
{
    unsigned open;
    unsigned long stored, given_up;
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 0);
    cdn.before_answer = erase;
    start();
    UNTIL(cdn.calls == 1 && (evidence_fetcher_counts(fetcher, &open, &stored, &given_up), open == 0));
    assert_int_equal(file_count(), 0);
    assert_int_equal(stored, 0);
}

static void test_a_failure_is_tried_again_later(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 0);
    cdn.kind = ERR_TIMEOUT;
    start();
    UNTIL(ask("SELECT count(*) FROM evidence WHERE error LIKE '%test%'") == 1);
    assert_int_equal(ask("SELECT count(*) FROM evidence WHERE state = 'waiting' AND attempts = 1 AND due_at BETWEEN now() + interval '20 s' AND now() + interval '40 s'"), 1);
    assert_int_equal(file_count(), 0);
    assert_string_equal(failed, "");
}

static void test_after_the_last_try_the_person_is_told(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 5);
    cdn.kind = ERR_UNAVAILABLE;
    start();
    UNTIL(failed[0]);
    assert_string_equal(failed, "u1 a.pdf");
    assert_int_equal(ask("SELECT count(*) FROM evidence WHERE state = 'failed' AND due_at IS NULL"), 1);
}

static void test_what_is_too_large_is_given_up_at_once(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 0);
    cdn.kind = ERR_INVALID;
    cdn.http_status = 200;
    start();
    UNTIL(failed[0]);
    assert_int_equal(ask("SELECT count(*) FROM evidence WHERE state = 'failed'"), 1);
}

static void test_a_link_that_is_gone_gets_three_tries(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 1);
    cdn.kind = ERR_INVALID;
    cdn.http_status = 404;
    start();
    UNTIL(ask("SELECT count(*) FROM evidence WHERE error IS NOT NULL") == 1);
    assert_string_equal(failed, "");
    sql("UPDATE evidence SET due_at = now()");
    UNTIL(failed[0]);
}

static void test_a_full_disk_is_not_the_fault_of_the_piece(void **state)
{
    (void)state;
    add("u1", 7, "https://f1.zdn.vn/a.pdf", 30);
    cdn.kind = ERR_SYSTEM;
    start();
    UNTIL(ask("SELECT count(*) FROM evidence WHERE error IS NOT NULL") == 1);
    assert_int_equal(ask("SELECT count(*) FROM evidence WHERE state = 'waiting' AND due_at > now()"), 1);
    assert_string_equal(failed, "");
}

static void test_a_host_that_is_not_allowed_is_never_asked(void **state)
{
    (void)state;
    add("u1", 7, "http://169.254.169.254/latest/meta-data", 0);
    start();
    UNTIL(failed[0]);
    assert_int_equal(cdn.calls, 0);
    assert_int_equal(ask("SELECT count(*) FROM evidence WHERE state = 'failed' AND error LIKE '%allow_hosts%'"), 1);
}

static void put(const char *path)
{
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", place.path, path);
    int fd = open(full, O_WRONLY | O_CREAT, 0600);
    assert_true(fd >= 0);
    close(fd);
}

static bool there(const char *path)
{
    char full[200];
    snprintf(full, sizeof(full), "%s/%s", place.path, path);
    return access(full, F_OK) == 0;
}

static void test_erased_files_are_removed_and_nothing_else(void **state)
{
    char path[EVIDENCE_PATH_SIZE], other[EVIDENCE_PATH_SIZE], folder[100], text[900];
    (void)state;
    expected_path(7, path);
    expected_path(8, other);
    snprintf(folder, sizeof(folder), "%s/%.2s", place.path, path);
    assert_int_equal(mkdir(folder, 0700), 0);
    put(path);
    put(other);
    put("token.key");
    snprintf(text, sizeof(text), "INSERT INTO file_removal (path) VALUES ('%s'), ('token.key'), ('%.2s/../token.key'), ('%s/token.key'), ('00/gone')",
             path, path, place.path);
    sql(text);
    start();
    UNTIL(ask("SELECT count(*) FROM file_removal") == 0);
    assert_false(there(path));
    assert_true(there(other));
    assert_true(there("token.key"));
}

static void test_what_a_crash_left_under_way_is_removed_at_the_start(void **state)
{
    char full[200];
    struct timespec old[2] = {{1000000000, 0}, {1000000000, 0}};
    (void)state;
    put("tmp-0000000000000001");
    put("tmp-0000000000000002");
    snprintf(full, sizeof(full), "%s/tmp-0000000000000001", place.path);
    assert_int_equal(utimensat(AT_FDCWD, full, old, 0), 0);
    start();
    UNTIL(!there("tmp-0000000000000001"));
    assert_true(there("tmp-0000000000000002")); /* another process may be writing it */
}

static void test_freed_in_the_middle_of_anything_nothing_calls_back(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        char link[40];
        snprintf(link, sizeof(link), "https://f1.zdn.vn/%d", i);
        add("u1", 100 + i, link, 0);
        start();
        int64_t until = now_ms() + i;
        while (now_ms() < until)
            event_base_loop(base, EVLOOP_NONBLOCK);
        talloc_free(fetcher);
        event_base_loop(base, EVLOOP_NONBLOCK);
    }
}

static void test_only_our_own_kind_of_path_is_ours(void **state)
{
    static const char *const ours = "ab/ab345678901234567890123456789012345678901234567890123456789012cd-123";
    static const char *const others[] = {
        "", "ab", "/etc/passwd", "../x", "ab/../cd", "AB/ab345678901234567890123456789012345678901234567890123456789012cd-1",
        "cd/ab345678901234567890123456789012345678901234567890123456789012cd-1", "ab/ab345678901234567890123456789012345678901234567890123456789012cd",
        "ab/ab345678901234567890123456789012345678901234567890123456789012cd-", "ab/ab345678901234567890123456789012345678901234567890123456789012cd-1/../x",
        "ab/ab345678901234567890123456789012345678901234567890123456789012cd--1", "ab/ab345678901234567890123456789012345678901234567890123456789012cd-1 ",
        "tmp-0000000000000001"};
    char path[EVIDENCE_PATH_SIZE];
    const unsigned char digest[32] = {0xff, 0x01};
    (void)state;
    assert_true(evidence_path_is_ours(ours));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        if (evidence_path_is_ours(others[i]))
            fail_msg("%s is not ours", others[i]);
    evidence_path(digest, INT64_MAX, path);
    assert_true(evidence_path_is_ours(path));
}

static void test_only_hosts_of_the_list_are_allowed(void **state)
{
    static const char *const list[] = {".zdn.vn", "cdn.example", "127.0.0.1:8000"};
    static const struct string_list allow = {list, ARRAY_LEN(list)};
    static const char *const good[] = {"https://f1.zdn.vn/x", "https://a.b.ZDN.vn/x?y=1", "https://cdn.example/x", "http://cdn.example/x", "http://127.0.0.1:8000/x"};
    static const char *const bad[] = {
        "https://zdn.vn.evil.example/x", "https://evilzdn.vn/x", "https://zdn.vn/x", "http://f1.zdn.vn/x", "http://127.0.0.1/x", "http://127.0.0.1:8001/x",
        "https://f1.zdn.vn@evil.example/x", "https://evil.example/f1.zdn.vn", "https://evil.example#.zdn.vn", "https://evil.example\\.zdn.vn/x",
        "file:///etc/passwd", "", "not a url", "https://sub.cdn.example/x", "ftp://f1.zdn.vn/x"};
    struct err e;
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (!evidence_url_allowed(good[i], &allow, &e))
            fail_msg("%s: %s", good[i], e.msg);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        if (evidence_url_allowed(bad[i], &allow, &e))
            fail_msg("%s must not be allowed", bad[i]);
}

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, world_make, world_end)

int main(void)
{
    const struct CMUnitTest pure[] = {
        cmocka_unit_test(test_only_our_own_kind_of_path_is_ours),
        cmocka_unit_test(test_only_hosts_of_the_list_are_allowed),
    };
    const struct CMUnitTest tests[] = {
        WITH_WORLD(test_a_piece_is_fetched_stored_and_noted),
        WITH_WORLD(test_the_same_picture_of_two_people_is_two_files),
        WITH_WORLD(test_four_at_a_time_and_the_rest_after_them),
        WITH_WORLD(test_a_piece_erased_while_it_was_under_way_leaves_no_file),
        WITH_WORLD(test_a_failure_is_tried_again_later),
        WITH_WORLD(test_after_the_last_try_the_person_is_told),
        WITH_WORLD(test_what_is_too_large_is_given_up_at_once),
        WITH_WORLD(test_a_link_that_is_gone_gets_three_tries),
        WITH_WORLD(test_a_full_disk_is_not_the_fault_of_the_piece),
        WITH_WORLD(test_a_host_that_is_not_allowed_is_never_asked),
        WITH_WORLD(test_erased_files_are_removed_and_nothing_else),
        WITH_WORLD(test_what_a_crash_left_under_way_is_removed_at_the_start),
        WITH_WORLD(test_freed_in_the_middle_of_anything_nothing_calls_back),
    };
    int bad = cmocka_run_group_tests(pure, NULL, NULL);
    url = test_database("test_evidence");
    if (!url)
        return bad;
    admin = PQconnectdb(url);
    bad += cmocka_run_group_tests(tests, NULL, NULL);
    PQfinish(admin);
    return bad;
}
