/* One thing that happened to a person: a message, a tap, a follow, or a note from the mailbox.
 *
 * Filled by bot/zalo (webhook events) and by the turn pipeline (mailbox rows); read by the dialogue. */
#ifndef SANGKIEN_HANDLERS_INBOUND_H
#define SANGKIEN_HANDLERS_INBOUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum inbound_kind {
    IN_IGNORED = 0, /* signed, but nothing for us: console probe, groups, tags, calls, templates, unknown names */
    IN_TEXT,        /* also a tapped button: its payload arrives as text */
    IN_IMAGE,
    IN_GIF,
    IN_LINK,
    IN_AUDIO,
    IN_VIDEO,
    IN_FILE,
    IN_STICKER,
    IN_LOCATION,
    IN_CARD, /* a contact card */
    IN_FOLLOW,
    IN_UNFOLLOW,
    IN_CHATNOW,
    IN_REACTION,
    IN_SUBMIT_INFO,
    IN_WITHDRAW,  /* user_withdraw: the person asks for erasure through Zalo */
    IN_ANONYMOUS, /* a web visitor without a Zalo identity */
    IN_MAIL,      /* a row of the mailbox; mail_kind and mail_payload are set */
    /* Never reach the dialogue: */
    IN_ECHO,      /* oa_send_*: what the OA itself sent (admin_id set: typed by a human in OA Manager) */
    IN_RECEIVED,  /* delivery receipt */
    IN_SEEN,      /* read receipt */
    IN_REVOKED,   /* permission_revoked: the grant is gone */
    IN_KIND_COUNT
};

enum { INBOUND_ATTACHMENTS_MAX = 10, INBOUND_ID_MAX = 128 };

struct attachment {
    const char *type; /* image, gif, link, audio, video, file, sticker, location */
    const char *url;  /* NULL when absent */
    const char *name; /* file name */
    int64_t size_bytes; /* -1: not said */
    const char *description;
    const char *latitude, *longitude; /* decimal text, as sent */
};

/* Strings are NUL-terminated, valid NFC UTF-8, and live as long as the turn; absent ones are NULL. */
struct inbound {
    enum inbound_kind kind;
    const char *event_name;
    const char *app_id, *oa_id;
    const char *user_id; /* the person: sender, recipient or follower, whichever is not the OA */
    const char *msg_id;
    const char *quote_msg_id;
    const char *text; /* cleaned (text_clean) */
    struct attachment attachment[INBOUND_ATTACHMENTS_MAX];
    size_t attachment_count;
    int64_t sent_at_ms;          /* the signed timestamp, epoch milliseconds */
    int64_t arrived_at_ms;       /* when it came, if it waited in the spool since; 0: just now */
    const char *admin_id;        /* echo: the human in OA Manager */
    const char *conversation_id; /* anonymous visitors */
    const char *reaction;        /* "/-heart" */
    const char *info_name, *info_phone; /* user_submit_info */
    const char *seen_ids[INBOUND_ATTACHMENTS_MAX]; /* read receipt: the messages */
    size_t seen_count;
    int64_t mail_id; /* IN_MAIL, and a dead event that is tried again: its row in the mailbox; 0 otherwise */
    const char *mail_kind, *mail_payload; /* IN_MAIL: kind and JSON object */
};

/** "text", "image", ...: as the transcript and the metrics say it. */
const char *inbound_kind_name(enum inbound_kind kind);

#endif
