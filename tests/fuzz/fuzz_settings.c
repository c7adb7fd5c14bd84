/* libFuzzer: settings from any bytes, and hours from any text, end in a value or a sentence. */
#include <assert.h>
#include <stdlib.h>

#include "settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings s = {.memory = NULL};
    struct err e = {.kind = ERR_NONE};
    struct str text = {(const char *)data, size};
    if (settings_load_text("fuzz.yaml", text, false, &s, &e)) {
        assert(s.server.node && s.zalo.api_url && s.server.workers >= 1);
        settings_free(&s);
    } else {
        assert(e.kind != ERR_NONE && e.msg[0]);
    }

    struct hours h;
    struct holidays off = {.count = 0};
    (void)holidays_add(&off, text, &e);
    if (hours_parse(text, &h, &e)) {
        const int64_t from = 1798995600000;
        int64_t open = hours_next_open(&h, &off, from);
        assert(open == -1 || (open >= from && hours_open(&h, &off, open)));
    }
    return 0;
}
