/* What a worker types, event after event: a registration from the first word to the receipt, then the next one, for ever. */
#ifndef SANGKIEN_TESTS_BENCH_WORKER_H
#define SANGKIEN_TESTS_BENCH_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WORKER_ID_BYTES = 24, WORKER_TEXT_BYTES = 512 };

/** "700000000000000042": the id of a person by number, as long as Zalo's. */
void worker_id(uint32_t person, char ret[WORKER_ID_BYTES]);

/** The text of that person's event, counted from 0; it always says the same.  Needs no escapes in JSON. */
void worker_text(uint32_t person, uint32_t event, char ret[WORKER_TEXT_BYTES]);

/** True for the event that files an initiative. */
bool worker_files(uint32_t event);

#endif
