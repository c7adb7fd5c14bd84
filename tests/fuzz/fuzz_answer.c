/* Fuzzes what Zalo's hosts answer: the first two bytes choose the reader and the HTTP status, the rest is the body. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok, const char *promise)
{
    if (!ok) {
        fprintf(stderr, "broken: %s\n", promise);
        abort();
    }
}

static void check_text(const char *s)
{
    for (size_t n = s ? strlen(s) : 0; n > 0;) {
        size_t step = utf8_sequence(s, n);
        must(step > 0, "every text is valid UTF-8");
        s += step;
        n -= step;
    }
}

static void check_answer(const struct zalo_answer *a, int status)
{
    must((unsigned)a->class < ZALO_CLASS_COUNT && zalo_class_name(a->class), "the class is one of ours");
    must(a->class != ZALO_OK || (a->code == 0 && status >= 200 && status < 300), "success is 0 with a good status");
    must(a->message && strlen(a->message) <= 200 && a->meaning && a->meaning[0], "texts are there and bounded");
    must(a->quota_remain >= -999999999999999999 && a->rate_remain == -1 && a->http_status == status, "numbers are kept");
    check_text(a->message);
    check_text(a->message_id);
    check_text(a->quota_type);
}

static void check_token(const char *s)
{
    for (; s && *s; s++)
        must(*s > ' ' && *s <= '~', "tokens are fit for a header");
}

static void read_tokens(TALLOC_CTX *ctx, int status, struct str body)
{
    struct zalo_tokens t = {0};
    struct zalo_answer a;
    zalo_oauth_read(ctx, status, body, &t, &a);
    check_answer(&a, status);
    must((a.class == ZALO_OK) == (t.access_token && t.access_token[0]), "success brings a token");
    must(a.class != ZALO_OK || t.expires_in_s > 0, "a token lives for a while");
    check_token(t.access_token);
    check_token(t.refresh_token);
}

static void read_conversation(TALLOC_CTX *ctx, struct str body)
{
    struct zalo_spoken said[ZALO_CONVERSATION_MAX];
    size_t n = 0;
    if (!zalo_read_conversation(ctx, body, said, &n))
        return;
    must(n <= ZALO_CONVERSATION_MAX, "the list is bounded");
    for (size_t i = 0; i < n; i++) {
        must(said[i].text != NULL, "text is there");
        check_text(said[i].text);
        check_text(said[i].message_id);
        check_text(said[i].from_id);
        check_text(said[i].to_id);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int statuses[] = {200, 200, 200, 204, 301, 400, 401, 404, 429, 500, 503};
    if (size < 2)
        return 0;
    const int status = statuses[data[1] % ARRAY_LEN(statuses)];
    const struct str body = {(const char *)data + 2, size - 2};
    TALLOC_CTX *ctx = talloc_new(NULL);
    struct zalo_answer a;
    struct zalo_oa oa;
    struct zalo_user user;
    switch (data[0] % 5) {
    case 0:
        zalo_answer_read(ctx, status, body, &a);
        check_answer(&a, status);
        break;
    case 1:
        read_tokens(ctx, status, body);
        break;
    case 2:
        read_conversation(ctx, body);
        break;
    case 3:
        if (zalo_read_oa(ctx, body, &oa)) {
            check_text(oa.oa_id);
            check_text(oa.name);
        }
        break;
    default:
        if (zalo_read_user(ctx, body, &user)) {
            check_text(user.display_name);
            check_text(user.shared_phone);
        }
        break;
    }
    talloc_free(ctx);
    return 0;
}
