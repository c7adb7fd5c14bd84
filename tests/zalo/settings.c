/* The settings tests may change at run time: one table with name, kind, place, default and meaning. */
#include "standin.h"

#include <stdlib.h>
#include <string.h>

enum kind { INTEGER, FLAG, FACTOR, WORD };

static const struct row {
    const char *name;
    enum kind   kind;
    size_t      place;
    int64_t     number; /* default of INTEGER and FLAG; of FACTOR in thousandths */
    const char *word;   /* default of WORD */
    const char *words;  /* what a WORD may be, separated by blanks; NULL: any text */
} rows[] = {
#define AT(member) offsetof(struct settings, member)
    /* requests per clock minute before -32; 0: no limit */
    {"rate_limit_per_minute", INTEGER, AT(rate_limit_per_minute), 4000, NULL, NULL},
    /* moves the clock of windows, tokens, events and clock minutes */
    {"clock_offset_ms", INTEGER, AT(clock_offset_ms), 0, NULL, NULL},
    /* how long the webhook may take */
    {"deadline_ms", INTEGER, AT(deadline_ms), 2000, NULL, NULL},
    /* redeliveries at all (the console's switch), what triggers one, and the scale of the ladder 30 s ... 1 h */
    {"retry", FLAG, AT(retry), true, NULL, NULL},
    {"retry_on", WORD, AT(retry_on), 0, "non200", "non200 refused"},
    {"ladder_factor", FACTOR, AT(ladder_factor), 1000, NULL, NULL},
    /* whether the webhook is switched off once a ladder is used up, as Zalo does */
    {"switch_off", FLAG, AT(switch_off), false, NULL, NULL},
    /* when oa_send_* goes out: after the answer of the send call, before it (and answered before it), or never */
    {"echo", WORD, AT(echo), 0, "after", "after before off"},
    {"echo_delay_ms", INTEGER, AT(echo_delay_ms), 0, NULL, NULL},
    /* receipts without a chat page: none, or user_received_message after each send, or user_seen_message too */
    {"receipts", WORD, AT(receipts), 0, "off", "off received seen"},
    /* added to every answer of the API */
    {"api_delay_ms", INTEGER, AT(api_delay_ms), 0, NULL, NULL},
    {"access_lifetime_s", INTEGER, AT(access_lifetime_s), 90000, NULL, NULL},
    /* what a token that was good once gets; a token never issued always gets -216 */
    {"dead_token_error", INTEGER, AT(dead_token_error), -220, NULL, NULL},
    /* false: a refresh answers without a new refresh token and the old one stays good */
    {"rotate_refresh", FLAG, AT(rotate_refresh), true, NULL, NULL},
    {"redirect_uri", WORD, AT(redirect_uri), 0, "", NULL},
    {"require_proof", FLAG, AT(require_proof), false, NULL, NULL},
    {"webhook_connections", INTEGER, AT(webhook_connections), 64, NULL, NULL},
    {"history_per_person", INTEGER, AT(history_per_person), 1000, NULL, NULL},
    {"duplicate_window_ms", INTEGER, AT(duplicate_window_ms), 600000, NULL, NULL},
    /* charged messages the package pays for before they cost money */
    {"sub_quota", INTEGER, AT(sub_quota), 0, NULL, NULL},
    {"log_entries", INTEGER, AT(log_entries), 2000, NULL, NULL},
    /* what getoa says */
    {"verified", FLAG, AT(verified), true, NULL, NULL},
    {"package_valid_through", WORD, AT(package_valid_through), 0, "31/12/2099", NULL},
    /* false: a list gets -233, as one reading of the documentation says */
    {"list_messages", FLAG, AT(list_messages), true, NULL, NULL},
    /* a send to an id never seen: -201, or the person comes into being with an open window (benchmarks) */
    {"unknown_users", WORD, AT(unknown_users), 0, "reject", "reject accept"},
    /* remain and total of a reply's quota; "none" leaves out the quota itself */
    {"quota_members", WORD, AT(quota_members), 0, "absent", "absent string number none"},
    /* only texts that begin with # are delivered (the console's syntax filter) */
    {"syntax_filter", FLAG, AT(syntax_filter), false, NULL, NULL},
    /* events carry timestamp as a JSON number */
    {"timestamp_number", FLAG, AT(timestamp_number), false, NULL, NULL},
#undef AT
};

static void *place_of(struct settings *set, const struct row *r)
{
    return (char *)set + r->place;
}

static const void *value_of(const struct settings *set, const struct row *r)
{
    return (const char *)set + r->place;
}

void settings_init(struct settings *set)
{
    memset(set, 0, sizeof(*set));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        void *place = place_of(set, &rows[i]);
        switch (rows[i].kind) {
        case INTEGER: *(int64_t *)place = rows[i].number; break;
        case FLAG: *(bool *)place = rows[i].number != 0; break;
        case FACTOR: *(double *)place = (double)rows[i].number / 1000; break;
        case WORD: set_string(place, rows[i].word); break;
        }
    }
}

void settings_done(struct settings *set)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (rows[i].kind == WORD)
            free(*(char **)place_of(set, &rows[i]));
}

static const struct row *row_of(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static bool one_of(const char *word, const char *words)
{
    size_t n = strlen(word);
    for (const char *w = words; w; w = strchr(w, ' ')) {
        w += *w == ' ';
        if (strncmp(w, word, n) == 0 && (w[n] == ' ' || w[n] == '\0'))
            return n > 0;
    }
    return words == NULL;
}

static char *fault_of(const struct row *r, const cJSON *v)
{
    if (!r)
        return must_format("no setting is called %s", v->string);
    if ((r->kind == INTEGER || r->kind == FACTOR) && !cJSON_IsNumber(v))
        return must_format("%s wants a number", r->name);
    if (r->kind == FLAG && !cJSON_IsBool(v))
        return must_format("%s wants true or false", r->name);
    if (r->kind == WORD && (!cJSON_IsString(v) || !one_of(v->valuestring, r->words)))
        return must_format("%s wants %s", r->name, r->words ? r->words : "a text");
    return NULL;
}

char *settings_apply(struct settings *set, const cJSON *wanted)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, wanted)
    {
        char *why = fault_of(row_of(v->string), v);
        if (why)
            return why;
    }
    cJSON_ArrayForEach(v, wanted)
    {
        const struct row *r = row_of(v->string);
        void             *place = place_of(set, r);
        switch (r->kind) {
        case INTEGER: *(int64_t *)place = (int64_t)v->valuedouble; break;
        case FLAG: *(bool *)place = cJSON_IsTrue(v); break;
        case FACTOR: *(double *)place = v->valuedouble; break;
        case WORD: set_string(place, v->valuestring); break;
        }
    }
    return NULL;
}

cJSON *settings_json(const struct settings *set)
{
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const void *place = value_of(set, &rows[i]);
        switch (rows[i].kind) {
        case INTEGER: cJSON_AddNumberToObject(o, rows[i].name, (double)*(const int64_t *)place); break;
        case FLAG: cJSON_AddBoolToObject(o, rows[i].name, *(const bool *)place); break;
        case FACTOR: cJSON_AddNumberToObject(o, rows[i].name, *(const double *)place); break;
        case WORD: cJSON_AddStringToObject(o, rows[i].name, *(char *const *)place); break;
        }
    }
    return o;
}
