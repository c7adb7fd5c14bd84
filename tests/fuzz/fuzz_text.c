/* libFuzzer target: cleaning gives valid NFC once and for all, cutting loses nothing and respects its limits. */
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
    if (size < 1)
        return 0;
    size_t limit = data[0];
    struct str text = {(const char *)data + 1, size - 1};
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

    struct str views[] = {text, c};
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        struct str cut = text_cut(views[i], limit);
        require(cut.n <= views[i].n && text_chars(cut) <= limit);
        require(text_utf16_units(cut) >= text_chars(cut));
        struct str rest = views[i];
        for (size_t parts = 0; rest.n; parts++) {
            struct str before = rest, part = text_split(rest, limit, &rest);
            require(text_utf16_units(part) <= (limit < 2 ? 2 : limit));
            require(rest.n < before.n);
        }
        char *shorter = text_short(ctx, views[i], limit);
        require(shorter && text_chars(str_of(shorter)) <= limit);
        text_is_emoji(views[i]);
    }
    talloc_free(ctx);
    return 0;
}
