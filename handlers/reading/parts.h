/* Commands that intent_read() does not find in the message as a whole: said beside something else, or in unfinished Telex. */
#ifndef SANGKIEN_HANDLERS_READING_PARTS_H
#define SANGKIEN_HANDLERS_READING_PARTS_H

#include <talloc.h>

#include "intent.h"

/**
 * To be asked when intent_read() has found content in a short message.  Four ways, none of which guesses a yes:
 * - "guiwr ddi", "suwar teen": the keyboard did not turn Telex into letters; read again as the letters meant;
 * - "tên sai rồi, sửa tên" (menu and confirm): one clause is a command, no other clause is a different one; a yes only when every
 *   clause is one;
 * - "xong rồi đó nghen": the small words of the south and the middle left out;
 * - "ok chốt" (confirm and benefit): yes said twice.
 * Content when none applies.  ctx is for scratch.
 */
struct intent_reading intent_read_parts(TALLOC_CTX *ctx, struct str text, enum intent_scene scene);

#endif
