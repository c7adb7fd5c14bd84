/* Review on both sides: the reviewer's cards (review.c), and what a verdict does in its author's turn (verdict.c). */
#ifndef SANGKIEN_HANDLERS_REVIEW_H
#define SANGKIEN_HANDLERS_REVIEW_H

#include "flow.h"

/* ---- the reviewer ---- */
void cmd_review_card(struct talk *t, int64_t arg, enum edit_field field);
void ask_review(struct talk *t);
void ask_review_reason(struct talk *t);
void ask_review_duplicate(struct talk *t);
void ask_review_benefit(struct talk *t);
enum answer read_review_reason(struct talk *t, const char *text);
enum answer read_review_duplicate(struct talk *t, const char *text);
enum answer read_review_benefit(struct talk *t, const char *text);
enum answer read_review_level(struct talk *t, const char *text);
enum answer read_review_day(struct talk *t, const char *text);
enum state review_chosen(struct talk *t);
enum state review_field_chosen(struct talk *t);
enum state review_marked(struct talk *t);
enum state review_put_off(struct talk *t);
enum state review_ended(struct talk *t);
enum state review_read_on(struct talk *t);
enum state review_benefit_kept(struct talk *t);
enum state review_level_taken(struct talk *t);
enum state review_today(struct talk *t);
/** Mail "review_stale": the initiative had changed, or been decided, before the verdict came to it. */
void review_stale(struct talk *t, const struct cJSON *root);

/* ---- the author ---- */
/** Mail "verdict": applied at once, told unless the author is telling something just now; then a minute later. */
void verdict_mail(struct talk *t, const struct cJSON *root, bool telling);

/** What a co-author who agreed hears when it was found valid or recognised: one line, together with the first author. */
void coauthor_verdict(struct talk *t, const struct cJSON *root);
/** "Giải thích thêm": one sentence against a verdict, once. */
void cmd_appeal(struct talk *t, int64_t arg, enum edit_field field);
enum answer read_appeal(struct talk *t, const char *text);
/** Where a returned initiative is to be better; EDIT_ANY when that is not said. */
enum edit_field returned_field(const struct initiative *i);

#endif
