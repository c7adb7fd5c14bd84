/* A webhook body becomes a struct inbound; the only place that knows the members of Zalo's events.
 *
 * The body has been verified (signature.h), so what is refused here is answered 200 and counted: a repeat would not help.
 * Policy (reliability.md J1 to J3; grammar, UTF-8, depth and NUL as in json.h):
 *  - Refused: not JSON, deeper than 32, more than 4,096 keys and values, a key we read standing twice, an id that is longer
 *    than 128 bytes or holds control characters, \u0000 or a lone surrogate, a timestamp that is not 10 to 16 digits.
 *  - Replaced: \u0000 and lone surrogates in texts and names read as U+FFFD, then text_clean() does the rest.
 *  - Ids are opaque text; one that comes as a JSON number keeps its digits (never through a double).  An empty id, or one of
 *    another type, is absent.  Members of other types than expected and unknown members are passed over.
 *  - Event names and members compare byte for byte, case matters.
 * Source: zalo-oa-api.md 1.5 to 1.8. */
#ifndef SANGKIEN_BOT_ZALO_DECODE_H
#define SANGKIEN_BOT_ZALO_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <talloc.h>

#include "err.h"
#include "inbound.h"
#include "str.h"

/* Whose events are ours.  Borrowed. */
struct zalo_identity {
    const char *app_id;
    const char *const *oa_ids;
    size_t oa_count;
};

/* user_id of events that concern nobody in particular; no person can have it. */
#define ZALO_NOBODY "-"

enum { ZALO_EVENT_KEY_BYTES = 16 };

/**
 * Decodes one event.
 *
 * The OA is whichever of oa_id, oaId, recipient.id, sender.id is one of ours, the other party is the person (1.6); when
 * both parties are somebody else, the direction the event's name implies decides.  IN_IGNORED is what is signed but not for
 * us, with zalo_ignored_reason().  What a kind promises:
 *  - every kind: event_name, app_id, user_id (ZALO_NOBODY when there is no person), sent_at_ms = the signed number as it
 *    stands (not compared with any clock);
 *  - all but IN_IGNORED and IN_REVOKED: oa_id and a real user_id;
 *  - IN_TEXT: text is not NULL, but "" when nothing readable was left;
 *  - IN_CARD: info_phone is the phone on the card where it could be read; IN_SUBMIT_INFO: info_name and info_phone likewise;
 *  - IN_SEEN: seen_ids has at most INBOUND_ATTACHMENTS_MAX of the ids, in order;
 *  - IN_ECHO: conversation_id is set when it went to an anonymous visitor.
 * Texts, names and descriptions have been through text_clean(); addresses are as sent, those with blanks or control
 * characters or over 2,048 bytes are absent.
 *
 * @param[out] ret  owned by ctx, one piece with all its strings; untouched on failure.
 * @return false with ERR_INVALID (refused, see above) or ERR_NOMEM.
 */
bool zalo_decode(TALLOC_CTX *ctx, struct str body, const struct zalo_identity *identity, struct inbound **ret,
                 struct err *e);

/** Why an event that zalo_decode() gave as IN_IGNORED is: console_probe, foreign_app, foreign_oa, group, no_person,
 *  other_event (known, not used), phone_template, unknown_event.  The name of a counter; NULL for other kinds. */
const char *zalo_ignored_reason(const struct inbound *in);

/**
 * The key that makes a redelivery recognisable: the first bytes of SHA-256 over event name, a NUL and msg_id; over the whole
 * body for reactions (they share the msg_id of what they react to) and events without msg_id.  Unique per user_id.
 * Redeliveries have identical bytes (1.5).  @return false when OpenSSL failed.
 */
bool zalo_event_key(const struct inbound *in, struct str body, unsigned char key[static ZALO_EVENT_KEY_BYTES]);

#endif
