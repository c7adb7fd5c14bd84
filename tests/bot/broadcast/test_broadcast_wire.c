/* What a killed process leaves behind about the chunk it was sending. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "broadcast/broadcast_wire.h"
#include "folder.h"

enum { NUMBER = 3, BOOT_OFFSET = 8 };

static struct folder folder;

static int set_up(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

static struct broadcast_wire *open_it(void)
{
    struct err e;
    struct broadcast_wire *w = broadcast_wire_new(NULL, folder.path, NUMBER, &e);
    assert_non_null(w);
    return w;
}

/* A process that takes chunk 2 of broadcast 7 under fence 5, sends to these, and is killed. */
static void die_after(const char *const *users, size_t n)
{
    pid_t pid = fork();
    if (pid == 0) {
        struct broadcast_wire *w = open_it();
        broadcast_wire_begin(w, 7, 2, 5, "100");
        for (size_t i = 0; i < n; i++)
            broadcast_wire_reach(w, users[i]);
        raise(SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
}

static void assert_left(int64_t fence, const char *user_id)
{
    struct broadcast_wire *w = open_it();
    const struct broadcast_reached *left = broadcast_wire_before(w);
    assert_int_equal(left->fence, fence);
    if (fence) {
        assert_int_equal(left->broadcast, 7);
        assert_int_equal(left->chunk, 2);
        assert_string_equal(left->user_id, user_id);
    }
    talloc_free(w);
}

static void test_how_far_it_went_outlives_a_kill(void **state)
{
    (void)state;
    die_after((const char *[]){"101", "102", "103"}, 3);
    assert_left(5, "103");
}

static void test_a_chunk_of_which_nothing_was_sent_waits_as_it_was(void **state)
{
    (void)state;
    die_after(NULL, 0);
    assert_left(5, "100");
}

static void test_it_is_told_once(void **state)
{
    (void)state;
    die_after((const char *[]){"101"}, 1);
    assert_left(5, "101");
    assert_left(0, "");
}

static void test_of_another_boot_nothing_is_known(void **state)
{
    (void)state;
    die_after((const char *[]){"101"}, 1);
    char path[128];
    snprintf(path, sizeof(path), "%s/on-the-wire-%d", folder.path, NUMBER);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "?", 1, BOOT_OFFSET), 1);
    close(fd);
    assert_left(0, "");
}

static void test_an_id_that_does_not_fit_makes_it_unknown(void **state)
{
    (void)state;
    char longer[BROADCAST_WIRE_ID_BYTES + 1];
    memset(longer, '1', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    die_after((const char *[]){"101", longer, "102"}, 3);
    assert_left(0, "");
}

static void test_without_the_file_nothing_is_known(void **state)
{
    (void)state;
    struct err e;
    assert_null(broadcast_wire_new(NULL, "/nonexistent", NUMBER, &e));
    assert_int_equal(e.kind, ERR_SYSTEM);
    broadcast_wire_begin(NULL, 7, 2, 5, "100");
    broadcast_wire_reach(NULL, "101");
    assert_int_equal(broadcast_wire_before(NULL)->fence, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_how_far_it_went_outlives_a_kill, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_chunk_of_which_nothing_was_sent_waits_as_it_was, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_it_is_told_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_of_another_boot_nothing_is_known, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_an_id_that_does_not_fit_makes_it_unknown, set_up, tear_down),
        cmocka_unit_test(test_without_the_file_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
