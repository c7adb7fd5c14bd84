/* libFuzzer target: no answer may crash the amount reader, and what it says must hold together. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "amount.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
    if (!ok)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct amount a = amount_read(text);
    bool counted = a.kind == AMOUNT_PER_DAY || a.kind == AMOUNT_PER_SHIFT || a.kind == AMOUNT_RANGE;
    bool sure = a.kind == AMOUNT_EXACT || a.kind == AMOUNT_PER_MONTH || a.kind == AMOUNT_PER_QUARTER;
    require(!sure || a.has_annual);
    require(!a.has_annual || sure || counted);
    require(!a.has_annual || (a.annual_vnd >= 1000 && a.annual_vnd <= INT64_C(1000000000000)));
    require(a.kind != AMOUNT_AMBIGUOUS || a.ask != ASK_NOTHING);
    require(a.lo_vnd >= 0 && a.hi_vnd >= 0 && a.unit_vnd >= 0);
    require(a.kind != AMOUNT_RANGE || a.hi_vnd == 0 || a.lo_vnd < a.hi_vnd);
    for (size_t i = 0; i < AMOUNT_CHOICES_MAX; i++)
        require(a.choice[i] == 0 || (a.choice[i] >= 1000 && a.choice[i] <= INT64_C(1000000000000)));
    int count = 0;
    if (amount_read_count(text, &count))
        require(count >= 1 && count <= 5000);

    if (size >= sizeof(int64_t)) {
        int64_t vnd;
        memcpy(&vnd, data, sizeof(vnd));
        void *ctx = talloc_new(NULL);
        require(amount_digits(ctx, vnd) && amount_short(ctx, vnd) && amount_words(ctx, vnd));
        talloc_free(ctx);
    }
    return 0;
}
