/* The part of the pipeline in memory (transcript.c) that knows tickets: who may see which, what a turn makes of them. */
#ifndef TESTS_HANDLERS_TRANSCRIPT_TICKETS_H
#define TESTS_HANDLERS_TRANSCRIPT_TICKETS_H

#include "transcript.h"

void transcript_load_tickets(TALLOC_CTX *ctx, struct human *h, const struct turn_output *out, struct turn_input *in);
void transcript_apply_tickets(struct human *h, const struct turn_output *out);

#endif
