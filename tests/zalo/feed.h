/* Who waits for messages: the chat page's event stream and the long poll of /_admin/sent. */
#ifndef STANDIN_FEED_H
#define STANDIN_FEED_H

#include "people.h"
#include "standin.h"

struct call;

struct feed *feed_new(struct standin *s);
void         feed_free(struct feed *f);
/** A message was published (`fresh`) or has changed. */
void         feed_message(struct standin *s, struct message *m, bool fresh);
/** Something else the chat page shows has changed: {"type":"person"|"phones", ...}; `o` is borrowed. */
void         feed_note(struct standin *s, const cJSON *o);
/** GET /_admin/feed: server-sent events. */
void         feed_stream(struct call *c);
/** GET /_admin/sent?user=&after=&wait_ms=&count=: what the OA sent, as soon as `count` are there. */
void         feed_sent(struct call *c);

#endif
