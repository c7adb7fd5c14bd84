/* libFuzzer target: any two initiatives have a score within its limits, the same both ways, and terms in order. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "similarity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What stands in front of the next NUL; *rest gets what follows it. */
static struct str next_text(struct str *rest)
{
    const char *end = rest->n ? memchr(rest->p, '\0', rest->n) : NULL;
    struct str text = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = str_skip(*rest, text.n + 1);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = {(const char *)data, size};
    struct str title = next_text(&rest), description = next_text(&rest), other_title = next_text(&rest);
    void *ctx = talloc_new(NULL);
    int32_t terms[SIMILAR_TERMS_MAX];
    struct similar_doc *a = similar_read(ctx, title, description), *b = similar_read(ctx, other_title, rest);
    int score = similar_score(a, b);
    if (score < 0 || score > SIMILAR_SCORE_MAX || score != similar_score(b, a) || similar_score(a, a) < 0)
        abort();
    size_t n = similar_terms(a, terms);
    if (n > SIMILAR_TERMS_MAX)
        abort();
    for (size_t i = 1; i < n; i++)
        if (terms[i - 1] >= terms[i])
            abort();
    talloc_free(ctx);
    return 0;
}
