/* Small readings of free text: is it a question, where does the name begin, which words join two names. */
#ifndef SANGKIEN_HANDLERS_READING_PHRASE_H
#define SANGKIEN_HANDLERS_READING_PHRASE_H

#include <stdbool.h>
#include <talloc.h>

/** True for a question, also without its sign, as most people type it: "bao giờ có kết quả", "có được thưởng ko".  Where marks
 *  were typed they count: "chống gỉ" and "tủ chứa" end no question.  ctx is for scratch. */
bool phrase_is_question(TALLOC_CTX *ctx, const char *text);

/** "tôi là Nguyễn Văn Hùng" -> "Nguyễn Văn Hùng": what stands behind the words that introduce a name, a view into `text`; all
 *  of it when there are none.  La is a surname, so where marks were typed it must be "là". */
const char *phrase_without_preface(TALLOC_CTX *ctx, const char *text);

/** "à nhầm, giá treo kìm và tua vít" -> "giá treo ...": what stands behind the words that take back what was said before, a view
 *  into `text`; NULL when there are none or nothing stands behind them. */
const char *phrase_behind_correction(TALLOC_CTX *ctx, const char *text);

/** "đổi tên thành Tấm chắn bụi", "tên phải là Tấm chắn bụi" -> "Tấm chắn bụi", a view into `text`; NULL when no new title is told. */
const char *phrase_new_title(TALLOC_CTX *ctx, const char *text);

/** "anh Tuấn vs chị Lan" -> "anh Tuấn; chị Lan": the words that join two names become a break.  Owned by ctx; NULL: no memory. */
char *phrase_break_names(TALLOC_CTX *ctx, const char *text);

#endif
