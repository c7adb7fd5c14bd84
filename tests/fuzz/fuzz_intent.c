/* libFuzzer target: any message in any scene is read as one of the intents, and as the same one when cleaned.  The last
 * byte of the input chooses the scene, so that one run is one message. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "intent.h"
#include "lexicon.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct str text = {(const char *)data, size - 1};
    enum intent_scene scene = (enum intent_scene)(data[size - 1] / 2 % SCENE_COUNT);
    bool extended = data[size - 1] % 2;
    void *ctx = talloc_new(NULL);
    char *clean = text_clean(ctx, text);
    struct intent_reading a = intent_read(text, scene, extended);
    struct intent_reading b = intent_read(str_of(clean), scene, extended);
    if ((unsigned)a.intent >= INTENT_COUNT || a.intent != b.intent || a.field != b.field)
        abort();
    if (!lexicon_search_key(ctx, text))
        abort();
    talloc_free(ctx);
    return 0;
}
