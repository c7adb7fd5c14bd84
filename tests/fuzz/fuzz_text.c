/* libFuzzer target: cleaning gives valid NFC once and for all, and the key of a message is that of its clean form. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <utf8proc.h>

#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    void *ctx = talloc_new(NULL);
    char *clean = text_clean(ctx, text);
    struct str c = str_of(clean);
    utf8proc_uint8_t *nfc = utf8proc_NFC((const utf8proc_uint8_t *)clean);
    require(nfc && strcmp((const char *)nfc, clean) == 0);
    free(nfc);
    require(strcmp(text_clean(ctx, c), clean) == 0);
    char *key = text_key(ctx, text);
    require(strcmp(text_key(ctx, str_of(key)), key) == 0);
    require(strcmp(text_key(ctx, c), key) == 0);
    text_is_emoji(text);
    talloc_free(ctx);
    return 0;
}
