/* Where a download may go: the addresses of pictures and files come from messages, so they may point at anything.
 *
 * Without this check a forged link could make the bot read from inside the network it runs in (zalo-oa-api.md 1.8). */
#ifndef SANGKIEN_BOT_ZALO_ADDRESS_H
#define SANGKIEN_BOT_ZALO_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/**
 * True for an address of the public Internet; false for loopback, private, link-local, shared (CGNAT), multicast,
 * documentation, benchmark, reserved and unspecified ones, for IPv6 forms that carry such an IPv4 address (mapped, NAT64),
 * for tunnels that hide one (6to4, Teredo), and for other families.
 * Source: IANA special-purpose address registries (RFC 6890 and its updates).
 */
bool address_is_public(const struct sockaddr *address);

/** True for "localhost", 127.0.0.0/8 and ::1 as written in a URL (with or without brackets). */
bool host_is_loopback(const char *host);

/** True when `host` and `port` stand in the list: "host" allows the port 443 or 80, "host:port" that one.  Case does not
 *  matter; an IPv6 host stands in brackets. */
bool host_in_list(const char *host, unsigned port, const char *const *list, size_t count);

#endif
