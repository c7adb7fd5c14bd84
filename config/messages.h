/* The bot's Vietnamese copy: every text by name, with named placeholders, from messages.vi.yaml.
 *
 * The catalogue is embedded at build time; an operator may put a changed copy beside the settings (texts.file).  Both are
 * checked when they are read: every name present, no unknown placeholder, labels of at most 25 characters, at most five
 * buttons, no text over 2000 characters.  Adding a text is one step: write it into messages.vi.yaml. */
#ifndef SANGKIEN_CONFIG_MESSAGES_H
#define SANGKIEN_CONFIG_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "message_ids.h" /* generated: enum msg { MSG_NONE, MSG_WELCOME, ... , MSG_COUNT } */
#include "str.h"

enum { MESSAGE_BUTTONS_MAX = 5, MESSAGE_LABEL_CHARS = 25, MESSAGE_TEXT_UNITS = 2000 };

struct message_button {
    const char *label;  /* may hold placeholders */
    const char *action; /* what it does: "register", "yes", "edit_title" ... */
};

struct message {
    const char *name;
    const char *text; /* may hold placeholders */
    struct message_button button[MESSAGE_BUTTONS_MAX];
    size_t button_count;
    const char *const *variants; /* further wordings of the same text, NULL-terminated, may be NULL */
};

/** A named value for a placeholder: {"title", draft->title}. */
struct message_arg {
    const char *name;
    const char *value; /* NULL reads as "" */
};

/** Reads the embedded catalogue, or `path` when it is not NULL, and makes it current.  On failure the old one stays. */
bool messages_load(const char *path, struct err *e);

/** The text of that id in the current catalogue; never NULL for ids below MSG_COUNT. */
const struct message *message_get(enum msg id);

/** The id of that name, MSG_NONE when there is none. */
enum msg message_named(struct str name);

/**
 * Fills the placeholders of `text` (from message_get()).  Values are data: braces in them are not expanded again.
 * A placeholder without a value becomes empty; blanks left doubled or before punctuation by that are closed up.
 * @return owned by ctx.
 */
char *message_render(TALLOC_CTX *ctx, const char *text, const struct message_arg *args, size_t arg_count);

#endif
