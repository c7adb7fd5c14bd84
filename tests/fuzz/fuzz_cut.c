/* libFuzzer target: cutting, splitting and shortening respect their limits, break no grapheme and lose nothing.  The first
 * byte of the input is the limit. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <utf8proc.h>

#include "letters.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

/* A cut may stand where the last code point taken and the next one are apart (UAX 29); broken bytes are on their own. */
static bool is_boundary(struct str text, size_t at)
{
    if (at == 0 || at == text.n)
        return true;
    utf8proc_int32_t cp, before = -1, state = 0;
    bool apart = true;
    for (struct str rest = text; rest.n && (size_t)(rest.p - text.p) <= at;) {
        size_t offset = (size_t)(rest.p - text.p);
        cp = utf8_take(&rest);
        apart = before < 0 || utf8proc_grapheme_break_stateful(before, cp, &state);
        before = cp;
        if (offset == at)
            return apart;
    }
    return false; /* inside a code point */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t limit = data[0];
    struct str text = {(const char *)data + 1, size - 1};
    void *ctx = talloc_new(NULL);
    struct str views[] = {text, str_of(text_clean(ctx, text))};
    for (size_t i = 0; i < ARRAY_LEN(views); i++) {
        struct str cut = text_cut(views[i], limit);
        require(cut.n <= views[i].n && text_chars(cut) <= limit);
        require(text_utf16_units(cut) >= text_chars(cut));
        require(is_boundary(views[i], cut.n));
        require(cut.n == views[i].n || text_chars(views[i]) > limit);
        struct str rest = views[i];
        while (rest.n) {
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
