/* Signs webhook bodies as Zalo does, by its page on webhooks; shares no code with bot/zalo. */
#ifndef SANGKIEN_TESTS_BENCH_SIGN_H
#define SANGKIEN_TESTS_BENCH_SIGN_H

#include <stddef.h>

enum { SIGN_HEX_BYTES = 65 };

/** Lower-case hex of SHA-256 over app id, body, timestamp and secret.  Ends the process when OpenSSL cannot. */
void sign_webhook(const char *app_id, const char *body, size_t body_n, const char *timestamp, const char *secret, char ret[SIGN_HEX_BYTES]);

#endif
