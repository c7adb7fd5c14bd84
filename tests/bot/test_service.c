/* What systemd and the program tell each other: which socket is whose, what is said on NOTIFY_SOCKET, how often. */
#include "service.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "str.h"

enum { FIRST = 3, MOST = 3 };

static int saved[MOST]; /* whatever the test program itself had there */

static void set_number(const char *name, long long n)
{
    char digits[32];
    snprintf(digits, sizeof(digits), "%lld", n);
    setenv(name, digits, 1);
}

/* As systemd starts a program: sockets from 3 on, and what they are called. */
static int passed(void **state)
{
    (void)state;
    for (int i = 0; i < MOST; i++) {
        saved[i] = fcntl(FIRST + i, F_DUPFD_CLOEXEC, 64);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        assert_true(fd >= 0);
        if (fd != FIRST + i) {
            assert_int_equal(dup2(fd, FIRST + i), FIRST + i);
            close(fd);
        }
    }
    set_number("LISTEN_PID", getpid());
    setenv("LISTEN_FDS", "2", 1);
    setenv("LISTEN_FDNAMES", "webhook:admin", 1);
    return 0;
}

static int put_back(void **state)
{
    (void)state;
    static const char *const names[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        unsetenv(names[i]);
    for (int i = 0; i < MOST; i++) {
        close(FIRST + i);
        if (saved[i] >= 0) {
            dup2(saved[i], FIRST + i);
            close(saved[i]);
        }
    }
    return 0;
}

static void test_sockets_are_found_by_their_names(void **state)
{
    (void)state;
    assert_int_equal(service_socket("webhook"), 3);
    assert_int_equal(service_socket("admin"), 4);
    setenv("LISTEN_FDNAMES", "admin:webhook", 1);
    assert_int_equal(service_socket("admin"), 3);
    assert_int_equal(service_socket("webhook"), 4);
    assert_int_equal(service_socket("web"), -1);
}

static void test_a_first_socket_without_a_name_of_ours_is_the_webhooks(void **state)
{
    (void)state;
    setenv("LISTEN_FDNAMES", "sangkien.socket:other", 1);
    assert_int_equal(service_socket("webhook"), 3);
    assert_int_equal(service_socket("admin"), -1);
    unsetenv("LISTEN_FDNAMES");
    assert_int_equal(service_socket("webhook"), 3);
    assert_int_equal(service_socket("admin"), -1);
    setenv("LISTEN_FDNAMES", "admin", 1); /* fewer names than sockets */
    assert_int_equal(service_socket("webhook"), -1);
}

static void test_a_passed_socket_does_not_block_and_is_not_inherited(void **state)
{
    (void)state;
    assert_int_equal(service_socket("webhook"), 3);
    assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
    assert_true(fcntl(3, F_GETFD) & FD_CLOEXEC);
}

static void test_sockets_meant_for_another_process_are_left_alone(void **state)
{
    (void)state;
    set_number("LISTEN_PID", getppid());
    assert_int_equal(service_socket("webhook"), -1);
    unsetenv("LISTEN_PID");
    assert_int_equal(service_socket("webhook"), -1);
}

static void test_nonsense_in_the_variables_passes_no_socket(void **state)
{
    (void)state;
    static const char *const counts[] = {"0", "-1", "9", "2x", "", "99999999999999999999", " 2"};
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        setenv("LISTEN_FDS", counts[i], 1);
        assert_int_equal(service_socket("webhook"), -1);
    }
    setenv("LISTEN_FDS", "2", 1);
    close(3); /* said to be there, and is not */
    assert_int_equal(service_socket("webhook"), -1);
}

/* Hears what is told on an abstract or a named socket. */
static int hear_at(const char *name, bool abstract)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    size_t n = strlen(name);
    memcpy(at.sun_path + abstract, name, n);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + abstract + n)), 0);
    return fd;
}

static void assert_heard(int fd, const char *wanted)
{
    char said[128] = "";
    ssize_t n = recv(fd, said, sizeof(said) - 1, 0);
    assert_true(n > 0);
    assert_string_equal(said, wanted);
}

static void test_a_state_is_told_on_both_kinds_of_socket(void **state)
{
    (void)state;
    char name[64], variable[80];
    snprintf(name, sizeof(name), "sangkien-test-%d", (int)getpid());
    snprintf(variable, sizeof(variable), "@%s", name);
    int fd = hear_at(name, true);
    setenv("NOTIFY_SOCKET", variable, 1);
    service_notify("READY=1");
    assert_heard(fd, "READY=1");
    close(fd);
    snprintf(variable, sizeof(variable), "/tmp/%s", name);
    fd = hear_at(variable, false);
    setenv("NOTIFY_SOCKET", variable, 1);
    service_notify("STOPPING=1");
    assert_heard(fd, "STOPPING=1");
    unlink(variable);
    close(fd);
}

static void test_a_reload_is_told_with_its_time(void **state)
{
    (void)state;
    char name[64], variable[80], said[128] = "";
    snprintf(name, sizeof(name), "sangkien-reload-%d", (int)getpid());
    snprintf(variable, sizeof(variable), "@%s", name);
    int fd = hear_at(name, true);
    setenv("NOTIFY_SOCKET", variable, 1);
    service_notify_reloading();
    assert_true(recv(fd, said, sizeof(said) - 1, 0) > 0);
    assert_memory_equal(said, "RELOADING=1\nMONOTONIC_USEC=", 27);
    assert_true(strtoll(said + 27, NULL, 10) > 0);
    close(fd);
}

static void test_without_systemd_or_with_nobody_there_nothing_happens(void **state)
{
    (void)state;
    static const char *const nowhere[] = {"", "@", "relative/path", "/nowhere/at/all", "@nobody-listens-here"};
    service_notify("READY=1");
    for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
        setenv("NOTIFY_SOCKET", nowhere[i], 1);
        service_notify("READY=1");
    }
    char longer[256];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    setenv("NOTIFY_SOCKET", longer, 1);
    service_notify("READY=1");
}

static void test_the_watchdog_is_fed_twice_in_its_time_and_only_by_whom_it_is_for(void **state)
{
    (void)state;
    assert_int_equal(service_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(service_watchdog_ms(), 15000);
    set_number("WATCHDOG_PID", getpid());
    assert_int_equal(service_watchdog_ms(), 15000);
    set_number("WATCHDOG_PID", getppid());
    assert_int_equal(service_watchdog_ms(), 0);
    unsetenv("WATCHDOG_PID");
    setenv("WATCHDOG_USEC", "soon", 1);
    assert_int_equal(service_watchdog_ms(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sockets_are_found_by_their_names, passed, put_back),
        cmocka_unit_test_setup_teardown(test_a_first_socket_without_a_name_of_ours_is_the_webhooks, passed, put_back),
        cmocka_unit_test_setup_teardown(test_a_passed_socket_does_not_block_and_is_not_inherited, passed, put_back),
        cmocka_unit_test_setup_teardown(test_sockets_meant_for_another_process_are_left_alone, passed, put_back),
        cmocka_unit_test_setup_teardown(test_nonsense_in_the_variables_passes_no_socket, passed, put_back),
        cmocka_unit_test_setup_teardown(test_a_state_is_told_on_both_kinds_of_socket, passed, put_back),
        cmocka_unit_test_setup_teardown(test_a_reload_is_told_with_its_time, passed, put_back),
        cmocka_unit_test_setup_teardown(test_without_systemd_or_with_nobody_there_nothing_happens, passed, put_back),
        cmocka_unit_test_setup_teardown(test_the_watchdog_is_fed_twice_in_its_time_and_only_by_whom_it_is_for, passed, put_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
