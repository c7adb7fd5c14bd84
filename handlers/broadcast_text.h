/* The text of a broadcast: its placeholders and buttons are checked when it is written, and filled for each recipient. */
#ifndef SANGKIEN_HANDLERS_BROADCAST_TEXT_H
#define SANGKIEN_HANDLERS_BROADCAST_TEXT_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "rows.h"
#include "str.h"

/* What is known of a recipient; NULL: not told. */
struct broadcast_person {
    const char *full_name, *unit_name;
    const char *title;   /* of the draft, or of the initiative that was sent back */
    int64_t initiatives; /* sent so far */
};

/**
 * Knows {xung_ho}, {ten} (given name), {ho_ten}, {unit}, {title}, {n} (initiatives sent).
 * @return false with ERR_INVALID: empty, too long (with room for what fills it), a brace that closes nothing, an unknown placeholder.
 */
bool broadcast_text_check(struct str text, struct err *e);

/** True when it reads the same for everybody. */
bool broadcast_text_is_plain(const char *text);

/** The text for one person, owned by ctx.  What is not known becomes a neutral word. */
char *broadcast_text_render(TALLOC_CTX *ctx, const char *text, const struct broadcast_person *who);

/**
 * Only what fills the placeholders of that text, in their order: with the text it says the same in a fifth of the bytes.
 * @return owned by ctx; NULL: something is not known, so the rendered text is more than the text with words put in.
 */
char *broadcast_text_words(TALLOC_CTX *ctx, const char *text, const struct broadcast_person *who);

/** The text as broadcast_text_render() gave it, from those words.  broadcast_said() does the same in the database. */
char *broadcast_text_fill(TALLOC_CTX *ctx, const char *text, const char *words);

/** A template's data: a JSON object of texts like the above. @return false with ERR_INVALID. */
bool broadcast_data_check(struct str json, struct err *e);

/** That object for one person; `json` has been checked. */
char *broadcast_data_render(TALLOC_CTX *ctx, const char *json, const struct broadcast_person *who);

/**
 * What one person will get, as a rehearsal shows it: the text, or for those whom only the template reaches its id and below it the
 * words that fill it, "name = text".
 * @param template_id, template_data  NULL: the text.
 */
char *broadcast_sample(TALLOC_CTX *ctx, const char *text, const char *template_id, const char *template_data, const struct broadcast_person *who);

/** A template's id: letters, digits, "-" and "_". @return false with ERR_INVALID. */
bool broadcast_template_check(struct str id, struct err *e);

/**
 * A template as typed in a chat: its id, and on lines of their own what fills it, "name = text"; or its data as a JSON object.
 * @param[out] ret_id, ret_data  owned by ctx; the data are checked.  @return false with ERR_INVALID.
 */
bool broadcast_template_read(TALLOC_CTX *ctx, struct str text, const char **ret_id, const char **ret_data, struct err *e);

/** Names of buttons, blanks between.  @return false with ERR_INVALID: unknown, or more than four: the last one ends reminders. */
bool broadcast_buttons_check(struct str names, struct err *e);

/** Puts those buttons under the reply, and behind them the one that ends reminders. */
void broadcast_buttons_add(TALLOC_CTX *ctx, const char *names, struct reply *reply);

#endif
