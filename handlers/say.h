/* Saying things: a message of the catalogue becomes a reply with buttons. */
#ifndef SANGKIEN_HANDLERS_SAY_H
#define SANGKIEN_HANDLERS_SAY_H

#include "flow.h"

#define ARGS(...)                                                                                                       \
    (const struct message_arg[]){__VA_ARGS__}, ARRAY_LEN(((const struct message_arg[]){__VA_ARGS__}))
#define NO_ARGS NULL, 0

/* What {xung_ho}, {ten}, {title} and {max} stand for is filled in everywhere; `args` go first. */

/** An aside: something said beside the question of the state.  Its buttons may only be commands. */
void say(struct talk *t, enum msg id, const struct message_arg *args, size_t n);

/** The question of the present state.  Its buttons carry the state and d->seq. */
void ask(struct talk *t, enum msg id, const struct message_arg *args, size_t n);

/** Puts a short text in front of the next question, in the same message. */
void lead(struct talk *t, enum msg id, const struct message_arg *args, size_t n);

/** Says it as it stands, also when the same was said just before: people's words are not the bot's.  @return the first reply of
 *  as many as it takes, NULL while something has to be loaded. */
struct reply *say_exactly(struct talk *t, enum msg id, const struct message_arg *args, size_t n);

/** Says the lead by itself when no question took it along. */
void lead_flush(struct talk *t);

/** A catalogue text with its placeholders filled, to be used as a value. */
char *words(struct talk *t, enum msg id, const struct message_arg *args, size_t n);

/** printf into the turn's memory. */
char *fmt(struct talk *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Ends the process when there is no memory: the turn is not committed, the event comes again, nothing is lost. */
void *must(void *p);

/** "26/07/2023" in Vietnam (UTC+7, no daylight saving time). */
char *date_of(struct talk *t, int64_t ms);

/** "60.000.000 đồng/năm", "không tính bằng tiền: ...", as the summary and the list show it. */
char *benefit_line(struct talk *t, const struct benefit *b);

/** A status word of rows.h for people. */
const char *status_label(struct talk *t, const char *status);

/** True when the two texts are the same to somebody typing: case, accents, blanks and outer punctuation aside. */
bool same_words(struct talk *t, const char *a, const char *b);

/** The last word of a full name; "" when there is none. */
const char *given_name(struct talk *t, const char *full_name);

#endif
