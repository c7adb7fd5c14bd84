/* What systemd and this program tell each other: sockets it opened for us, that we are ready, that we are alive.
 *
 * The protocol of sd_notify(3) and sd_listen_fds(3) is a datagram and three variables, which those pages promise to keep; the
 * library that wraps it would be a tenth of this program's memory.  Started by hand, everything here does nothing. */
#ifndef SANGKIEN_BOT_SERVICE_H
#define SANGKIEN_BOT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

/** The socket systemd passed under that name (FileDescriptorName=), non-blocking and close-on-exec; -1: none.  The first
 *  socket without a name of ours counts as "webhook". */
int service_socket(const char *name);

/** Tells the state, e.g. "READY=1"; silently does nothing without systemd. */
void service_notify(const char *state);

/** Tells that a reload begins, with the time systemd wants of it; service_notify("READY=1") ends it. */
void service_notify_reloading(void);

/** How often systemd wants to hear WATCHDOG=1, in ms (half of what it allows); 0: it does not. */
int64_t service_watchdog_ms(void);

#endif
