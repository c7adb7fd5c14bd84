/* Wiped memory: see secret.h. */
#include "secret.h"

#include <openssl/crypto.h>

static int wipe(char *room)
{
    OPENSSL_cleanse(room, talloc_get_size(room));
    return 0;
}

char *secret_room(TALLOC_CTX *ctx, size_t n)
{
    char *room = n < 16 * 1024 * 1024 ? talloc_zero_array(ctx, char, (unsigned)n + 1) : NULL;
    if (room)
        talloc_set_destructor(room, wipe);
    return room;
}

char *secret_copy(TALLOC_CTX *ctx, struct str s)
{
    char *copy = secret_room(ctx, s.n);
    if (copy && s.n)
        memcpy(copy, s.p, s.n);
    return copy;
}
