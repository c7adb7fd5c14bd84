/* Who the OA talks with and what was said: persons, their messages, the interaction window. */
#ifndef STANDIN_PEOPLE_H
#define STANDIN_PEOPLE_H

#include "standin.h"
#include "webhook.h"

#include <sys/queue.h>

enum origin { FROM_USER, FROM_OA, FROM_STAFF }; /* STAFF: typed by a human in OA Manager */
enum tick { TICK_PENDING, TICK_DELIVERED, TICK_FAILED };

/* One message of a conversation, in either direction.  Strings are owned; NULL where there is nothing. */
struct message {
    TAILQ_ENTRY(message) next;
    struct person *person;
    uint64_t       seq; /* over all people, from 1; what ?after= counts */
    int64_t        at_ms;
    enum origin    from;
    const char    *kind; /* text, image, gif, link, audio, video, file, sticker, location, business_card, list,
                            request_user_info, template; static */
    char          *id, *text, *quote_id;
    char          *attachment;               /* JSON as the OA sent it, or the user's message.attachments */
    char          *media_url, *media_name;   /* what the chat page shows or links */
    char          *reaction, *oa_reaction;   /* icons, as Zalo writes them */
    bool           hidden;                   /* the payload of a tapped oa.query.hide */
    bool           received, seen;           /* by the person */
    enum tick      tick;                     /* of a user's message: has the webhook taken it? */
    uint64_t       content_hash;             /* of what the OA sent, to find duplicates */
};
TAILQ_HEAD(messages, message);

enum { LANE_USER, LANE_OA, LANE_COUNT }; /* events a person causes; echoes and receipts */

struct person {
    char           *id, *id_by_app, *name, *conversation_id; /* conversation_id: anonymous visitors only */
    cJSON          *shared_info, *tags;                       /* NULL until there is one */
    bool            follows, chatted;
    int64_t         last_interaction_ms; /* 0: never */
    int64_t         welcome_used;
    int             send_error; /* not 0: every send to this person gets this code */
    struct messages messages;
    int64_t         message_count;
    struct lane     lanes[LANE_COUNT];
};

struct people *people_new(void);
void           people_free(struct people *p);
struct person *people_find(const struct people *p, const char *id);
/** The person `id`, made when new; a new person follows nobody and has never interacted. */
struct person *people_get(struct people *p, const char *id);
size_t         people_count(const struct people *p);
struct person *people_at(const struct people *p, size_t i);
const char    *person_name(const struct person *person);
/** Opens the messaging window: the person did something with the OA now. */
void           person_interacted(struct standin *s, struct person *person);

/** An unpublished message; `id` NULL makes a new one of 20 hex digits. `kind` must be static. */
struct message *message_new(struct standin *s, struct person *person, enum origin from, const char *kind, const char *id);
/** Puts it into the conversation, tells the chat page and whoever waits in /_admin/sent. */
void            message_publish(struct standin *s, struct message *m);
/** Tells the chat page that a published message has changed. */
void            message_changed(struct standin *s, struct message *m);
/** Whether the webhook has taken a user's message; an id that is gone is fine. */
void            message_tick(struct standin *s, const char *id, enum tick tick);
struct message *message_find(const struct people *p, const char *id);
uint64_t        people_last_seq(const struct people *p);
/** As /_admin/sent and the chat page get it. Owned by the caller. */
cJSON          *message_json(const struct standin *s, const struct message *m);

/** For the state file: everything about everybody. */
cJSON          *people_save(const struct standin *s);
void            people_load(struct standin *s, const cJSON *saved);

#endif
