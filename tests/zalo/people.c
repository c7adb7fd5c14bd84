/* Who the OA talks with and what was said: persons, their messages, the interaction window. */
#include "people.h"
#include "feed.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct people {
    struct map      by_id, messages;
    struct person **all;
    size_t          count, capacity;
    uint64_t        last_seq;
};

struct people *people_new(void)
{
    return must_alloc(sizeof(struct people));
}

static void message_free(struct message *m)
{
    free(m->id);
    free(m->text);
    free(m->quote_id);
    free(m->attachment);
    free(m->media_url);
    free(m->media_name);
    free(m->reaction);
    free(m->oa_reaction);
    free(m);
}

static void person_free(struct person *person)
{
    struct message *m;
    while ((m = TAILQ_FIRST(&person->messages))) {
        TAILQ_REMOVE(&person->messages, m, next);
        message_free(m);
    }
    free(person->id);
    free(person->id_by_app);
    free(person->name);
    free(person->conversation_id);
    cJSON_Delete(person->shared_info);
    cJSON_Delete(person->tags);
    free(person);
}

void people_free(struct people *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        person_free(p->all[i]);
    free(p->all);
    map_done(&p->by_id);
    map_done(&p->messages);
    free(p);
}

struct person *people_find(const struct people *p, const char *id)
{
    return map_get(&p->by_id, id);
}

struct person *people_get(struct people *p, const char *id)
{
    struct person *person = people_find(p, id);
    if (person)
        return person;
    person = must_alloc(sizeof(*person));
    person->id = must_dup(id);
    /* Another number for the same human, stable without being stored. */
    person->id_by_app = must_format("%llu", (unsigned long long)(100000000000000000U + hash_bytes(7, id, strlen(id)) % 900000000000000000U));
    TAILQ_INIT(&person->messages);
    if (p->count == p->capacity) {
        p->capacity = p->capacity ? p->capacity * 2 : 64;
        p->all = realloc(p->all, p->capacity * sizeof(struct person *));
        if (!p->all)
            exit(71);
    }
    p->all[p->count++] = person;
    map_set(&p->by_id, id, person);
    return person;
}

size_t people_count(const struct people *p)
{
    return p->count;
}

struct person *people_at(const struct people *p, size_t i)
{
    return p->all[i];
}

const char *person_name(const struct person *person)
{
    return person->name ? person->name : person->id;
}

void person_interacted(struct standin *s, struct person *person)
{
    person->last_interaction_ms = standin_now(s);
    state_touch(s);
}

struct message *message_new(struct standin *s, struct person *person, enum origin from, const char *kind, const char *id)
{
    struct message *m = must_alloc(sizeof(*m));
    char            fresh[21];
    if (!id) {
        random_hex(fresh, 20);
        id = fresh;
    }
    m->person = person;
    m->from = from;
    m->kind = kind;
    m->id = must_dup(id);
    m->at_ms = standin_now(s);
    return m;
}

static void insert(struct people *p, struct message *m)
{
    TAILQ_INSERT_TAIL(&m->person->messages, m, next);
    m->person->message_count++;
    map_set(&p->messages, m->id, m);
}

static void trim(struct people *p, struct person *person, int64_t keep)
{
    while (person->message_count > (keep > 1 ? keep : 1)) {
        struct message *m = TAILQ_FIRST(&person->messages);
        TAILQ_REMOVE(&person->messages, m, next);
        person->message_count--;
        if (map_get(&p->messages, m->id) == m) /* a test may have used one id twice */
            map_remove(&p->messages, m->id);
        message_free(m);
    }
}

void message_publish(struct standin *s, struct message *m)
{
    m->seq = ++s->people->last_seq;
    insert(s->people, m);
    trim(s->people, m->person, s->set.history_per_person);
    feed_message(s, m, true);
    state_touch(s);
}

void message_changed(struct standin *s, struct message *m)
{
    feed_message(s, m, false);
    state_touch(s);
}

void message_tick(struct standin *s, const char *id, enum tick tick)
{
    struct message *m = message_find(s->people, id);
    if (!m || m->tick == tick)
        return;
    m->tick = tick;
    message_changed(s, m);
}

struct message *message_find(const struct people *p, const char *id)
{
    return map_get(&p->messages, id);
}

uint64_t people_last_seq(const struct people *p)
{
    return p->last_seq;
}

static const char *const origin_words[] = {[FROM_USER] = "user", [FROM_OA] = "oa", [FROM_STAFF] = "staff"};
static const char *const tick_words[] = {[TICK_PENDING] = "pending", [TICK_DELIVERED] = "delivered", [TICK_FAILED] = "failed"};

static void add_if(cJSON *o, const char *name, const char *value)
{
    if (value)
        cJSON_AddStringToObject(o, name, value);
}

/* What the OA attached, with the parts that tests and the page ask for lifted out of it. */
static void add_attachment(cJSON *o, const struct message *m)
{
    if (!m->attachment)
        return;
    cJSON       *sent = cJSON_Parse(m->attachment);
    const cJSON *payload = json_member(sent, "payload");
    for (size_t i = 0; i < 2; i++) {
        const char  *name = i == 0 ? "buttons" : "elements";
        const cJSON *part = json_member(payload, name);
        if (cJSON_IsArray(part))
            cJSON_AddItemToObject(o, name, cJSON_Duplicate(part, true));
    }
    cJSON_AddItemToObject(o, "attachment", sent);
}

static void add_quote(cJSON *o, const struct standin *s, const struct message *m)
{
    if (!m->quote_id)
        return;
    const struct message *of = message_find(s->people, m->quote_id);
    cJSON                *quote = cJSON_AddObjectToObject(o, "quote");
    cJSON_AddStringToObject(quote, "id", m->quote_id);
    if (of) {
        cJSON_AddStringToObject(quote, "from", origin_words[of->from]);
        cJSON_AddStringToObject(quote, "kind", of->kind);
        add_if(quote, "text", of->text);
    }
}

cJSON *message_json(const struct standin *s, const struct message *m)
{
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "seq", (double)m->seq);
    cJSON_AddStringToObject(o, "message_id", m->id);
    cJSON_AddStringToObject(o, "user", m->person->id);
    cJSON_AddStringToObject(o, "from", origin_words[m->from]);
    cJSON_AddStringToObject(o, "kind", m->kind);
    add_if(o, "text", m->text);
    cJSON_AddNumberToObject(o, "at", (double)m->at_ms);
    add_attachment(o, m);
    if (m->media_url) {
        cJSON *media = cJSON_AddObjectToObject(o, "media");
        cJSON_AddStringToObject(media, "url", m->media_url);
        add_if(media, "name", m->media_name);
    }
    add_quote(o, s, m);
    add_if(o, "reaction", m->reaction);
    add_if(o, "oa_reaction", m->oa_reaction);
    if (m->from == FROM_USER) {
        cJSON_AddStringToObject(o, "tick", tick_words[m->tick]);
        if (m->hidden)
            cJSON_AddTrueToObject(o, "hidden");
    } else {
        cJSON_AddBoolToObject(o, "received", m->received);
        cJSON_AddBoolToObject(o, "seen", m->seen);
    }
    return o;
}

/* ---- state file ---- */

static cJSON *message_save(const struct standin *s, const struct message *m)
{
    cJSON *o = message_json(s, m);
    cJSON_DeleteItemFromObjectCaseSensitive(o, "buttons");
    cJSON_DeleteItemFromObjectCaseSensitive(o, "elements");
    return o;
}

static size_t word_index(const char *const *words, size_t n, const char *word)
{
    for (size_t i = 0; word && i < n; i++)
        if (strcmp(words[i], word) == 0)
            return i;
    return 0;
}

/* kind is compared by pointer nowhere, but must outlive the parsed file. */
static const char *kind_word(const char *word)
{
    static const char *const kinds[] = {"text", "image", "gif", "link", "audio", "video", "file", "sticker", "location",
                                        "business_card", "list", "request_user_info", "template"};
    return kinds[word_index(kinds, COUNT_OF(kinds), word)];
}

static void message_load(struct standin *s, struct person *person, const cJSON *o)
{
    struct message *m = message_new(s, person, (enum origin)word_index(origin_words, 3, json_string(o, "from")),
                                    kind_word(json_string(o, "kind")), json_string(o, "message_id"));
    m->seq = (uint64_t)json_integer(o, "seq", 0);
    m->at_ms = json_integer(o, "at", 0);
    m->text = must_dup(json_string(o, "text"));
    m->quote_id = must_dup(json_string(json_member(o, "quote"), "id"));
    m->media_url = must_dup(json_string(json_member(o, "media"), "url"));
    m->media_name = must_dup(json_string(json_member(o, "media"), "name"));
    m->reaction = must_dup(json_string(o, "reaction"));
    m->oa_reaction = must_dup(json_string(o, "oa_reaction"));
    m->hidden = json_flag(o, "hidden", false);
    m->received = json_flag(o, "received", false);
    m->seen = json_flag(o, "seen", false);
    m->tick = (enum tick)word_index(tick_words, 3, json_string(o, "tick"));
    if (json_member(o, "attachment"))
        m->attachment = cJSON_PrintUnformatted(json_member(o, "attachment"));
    if (m->seq > s->people->last_seq)
        s->people->last_seq = m->seq;
    insert(s->people, m);
}

cJSON *people_save(const struct standin *s)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < s->people->count; i++) {
        const struct person *p = s->people->all[i];
        cJSON               *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "id", p->id);
        add_if(o, "name", p->name);
        add_if(o, "conversation_id", p->conversation_id);
        if (p->shared_info)
            cJSON_AddItemToObject(o, "shared_info", cJSON_Duplicate(p->shared_info, true));
        if (p->tags)
            cJSON_AddItemToObject(o, "tags", cJSON_Duplicate(p->tags, true));
        cJSON_AddBoolToObject(o, "follows", p->follows);
        cJSON_AddBoolToObject(o, "chatted", p->chatted);
        cJSON_AddNumberToObject(o, "last_interaction_ms", (double)p->last_interaction_ms);
        cJSON_AddNumberToObject(o, "welcome_used", (double)p->welcome_used);
        cJSON_AddNumberToObject(o, "send_error", p->send_error);
        cJSON                *messages = cJSON_AddArrayToObject(o, "messages");
        const struct message *m;
        TAILQ_FOREACH(m, &p->messages, next)
            cJSON_AddItemToArray(messages, message_save(s, m));
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

void people_load(struct standin *s, const cJSON *saved)
{
    const cJSON *o, *m;
    cJSON_ArrayForEach(o, saved)
    {
        if (!json_string(o, "id"))
            continue;
        struct person *p = people_get(s->people, json_string(o, "id"));
        set_string(&p->name, json_string(o, "name"));
        set_string(&p->conversation_id, json_string(o, "conversation_id"));
        p->shared_info = cJSON_Duplicate(json_member(o, "shared_info"), true);
        p->tags = cJSON_Duplicate(json_member(o, "tags"), true);
        p->follows = json_flag(o, "follows", false);
        p->chatted = json_flag(o, "chatted", false);
        p->last_interaction_ms = json_integer(o, "last_interaction_ms", 0);
        p->welcome_used = json_integer(o, "welcome_used", 0);
        p->send_error = (int)json_integer(o, "send_error", 0);
        cJSON_ArrayForEach(m, json_member(o, "messages"))
            message_load(s, p, m);
    }
}
