/* Stored bodies become events: see revive.h. */
#include "revive.h"

#include <cjson/cJSON.h>

#include "scoped.h"
#include "settings.h"
#include "zalo/decode.h"

SCOPED_DEFINE(json, cJSON *, cJSON_Delete)

void revive_decode(struct turn_event *event, const char *user_id, const struct settings *s)
{
    struct zalo_identity identity = {.app_id = s->zalo.app_id, .oa_ids = &s->zalo.oa_id, .oa_count = 1};
    struct err e;
    if (zalo_decode(event, event->body, &identity, &event->in, &e) && strcmp(event->in->user_id, user_id) == 0)
        return;
    event->in = talloc_zero(event, struct inbound);
    event->in->kind = IN_IGNORED;
    event->in->user_id = talloc_strdup(event->in, user_id);
    event->doom = "it cannot be read any more: have zalo.app_id or zalo.oa_id changed?";
}

static int digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* @return the bytes of a string of hex digits, owned by ctx; of another thing none. */
static struct str unhex(TALLOC_CTX *ctx, const cJSON *value)
{
    const char *hex = cJSON_IsString(value) ? value->valuestring : "";
    size_t n = strlen(hex) / 2;
    char *bytes = talloc_size(ctx, n + 1);
    for (size_t i = 0; i < n; i++) {
        int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return (struct str){NULL, 0};
        bytes[i] = (char)(high << 4 | low);
    }
    return (struct str){bytes, n};
}

void revive_event(struct turn_event *event, const struct mail *mail, const struct settings *s)
{
    SCOPED(json) cJSON *row = cJSON_Parse(mail->payload);
    struct str key = unhex(event, cJSON_GetObjectItemCaseSensitive(row, "key"));
    event->body = unhex(event, cJSON_GetObjectItemCaseSensitive(row, "body"));
    if (key.n == sizeof(event->key))
        memcpy(event->key, key.p, key.n);
    revive_decode(event, mail->user_id, s);
    event->in->mail_id = mail->id;
}
