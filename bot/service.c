/* systemd's protocol: see service.h. */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "str.h"

enum { LISTEN_FDS_START = 3, SOCKETS_MAX = 8 };

/* A variable that is a whole number; -1: it is not there, or is none. */
static int64_t number_of(const char *variable)
{
    const char *s = getenv(variable);
    if (!s || !*s || strlen(s) > 18 || strspn(s, "0123456789") != strlen(s))
        return -1;
    return strtoll(s, NULL, 10);
}

/* The names stand in the order of the sockets, apart by colons.  @return the n-th, "" when there are fewer. */
static struct str name_at(const char *names, int64_t n)
{
    while (n-- > 0) {
        const char *colon = strchr(names, ':');
        if (!colon)
            return STR("");
        names = colon + 1;
    }
    return (struct str){names, strcspn(names, ":")};
}

int service_socket(const char *name)
{
    int64_t count = number_of("LISTEN_FDS");
    if (number_of("LISTEN_PID") != getpid() || count < 1 || count > SOCKETS_MAX)
        return -1;
    const char *names = getenv("LISTEN_FDNAMES");
    for (int64_t i = 0; i < count; i++) {
        struct str is = name_at(names ? names : "", i);
        bool unnamed = i == 0 && !str_eq(is, STR("admin"));
        if (!str_eq(is, str_of(name)) && !(unnamed && strcmp(name, "webhook") == 0))
            continue;
        int fd = (int)(LISTEN_FDS_START + i);
        int flags = fcntl(fd, F_GETFL);
        if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 || fcntl(fd, F_SETFD, FD_CLOEXEC) < 0) {
            log_error("the socket %s that systemd passed cannot be used: %s", name, strerror(errno));
            return -1;
        }
        return fd;
    }
    return -1;
}

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    if (n < 2 || n >= sizeof(to.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(to.sun_path, path, n);
    if (path[0] == '@')
        to.sun_path[0] = '\0'; /* an abstract socket */
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (struct sockaddr *)&to, size) < 0)
        log_warn("systemd could not be told %s: %s, ignoring", state, strerror(errno));
    if (fd >= 0)
        close(fd);
}

void service_notify_reloading(void)
{
    char state[64];
    snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)clock_monotonic_ms() * 1000);
    service_notify(state);
}

int64_t service_watchdog_ms(void)
{
    int64_t us = number_of("WATCHDOG_USEC"), pid = number_of("WATCHDOG_PID");
    return us > 0 && (pid < 0 || pid == getpid()) ? us / 2000 : 0;
}
