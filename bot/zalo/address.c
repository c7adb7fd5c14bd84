/* Which hosts and addresses a download may use: see address.h. */
#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "str.h"

static bool ipv4_is_public(uint32_t a)
{
    static const struct {
        uint32_t net;
        int bits;
    } special[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* shared, carrier-grade NAT */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local, cloud metadata */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocol assignments */
        {0xc0000200, 24}, /* documentation */
        {0xc0586300, 24}, /* 6to4 relays */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 4},  /* multicast */
        {0xf0000000, 4},  /* reserved, broadcast */
    };
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if ((a ^ special[i].net) >> (32 - special[i].bits) == 0)
            return false;
    return true;
}

static bool has_prefix(const unsigned char a[static 16], const unsigned char *prefix, unsigned bits)
{
    size_t whole = bits / 8;
    unsigned rest = bits % 8;
    return memcmp(a, prefix, whole) == 0 && (rest == 0 || ((a[whole] ^ prefix[whole]) >> (8 - rest)) == 0);
}

static bool ipv6_is_public(const unsigned char a[static 16])
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b};
    static const struct {
        unsigned char net[4];
        unsigned bits;
    } special[] = {
        {{0x20, 0x01, 0x00, 0x00}, 23}, /* protocol assignments: Teredo, benchmarks, ORCHID */
        {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
        {{0x20, 0x02, 0x00, 0x00}, 16}, /* 6to4: may carry any IPv4 address */
        {{0x3f, 0xff, 0x00, 0x00}, 20}, /* documentation */
    };
    uint32_t tail = (uint32_t)a[12] << 24 | (uint32_t)a[13] << 16 | (uint32_t)a[14] << 8 | a[15];
    if (has_prefix(a, mapped, 96) || has_prefix(a, nat64, 96))
        return ipv4_is_public(tail);
    if (a[0] >> 5 != 1) /* 2000::/3 is all that is global unicast */
        return false;
    for (size_t i = 0; i < ARRAY_LEN(special); i++)
        if (has_prefix(a, special[i].net, special[i].bits))
            return false;
    return true;
}

bool address_is_public(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        return ipv4_is_public(ntohl(v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        return ipv6_is_public(v6.sin6_addr.s6_addr);
    }
    return false;
}

bool host_is_loopback(const char *host)
{
    struct in_addr v4;
    if (strcasecmp(host, "localhost") == 0 || strcmp(host, "::1") == 0 || strcmp(host, "[::1]") == 0)
        return true;
    return inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127;
}

bool host_in_list(const char *host, unsigned port, const char *const *list, size_t count)
{
    char with_port[300];
    int n = snprintf(with_port, sizeof(with_port), "%s:%u", host, port);
    if (n < 0 || (size_t)n >= sizeof(with_port))
        return false;
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(list[i], with_port) == 0 || ((port == 443 || port == 80) && strcasecmp(list[i], host) == 0))
            return true;
    return false;
}
