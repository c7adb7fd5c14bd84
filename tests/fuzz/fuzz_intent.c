/* libFuzzer target: any message in any scene is read as one of the intents, and as the same one when cleaned. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "intent.h"
#include "lexicon.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    void *ctx = talloc_new(NULL);
    char *clean = text_clean(ctx, text);
    for (int scene = 0; scene < SCENE_COUNT; scene++)
        for (int extended = 0; extended < 2; extended++) {
            struct intent_reading a = intent_read(text, (enum intent_scene)scene, extended);
            struct intent_reading b = intent_read(str_of(clean), (enum intent_scene)scene, extended);
            if ((unsigned)a.intent >= INTENT_COUNT || a.intent != b.intent || a.field != b.field)
                abort();
        }
    if (!lexicon_search_key(ctx, text))
        abort();
    talloc_free(ctx);
    return 0;
}
