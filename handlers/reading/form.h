/* An initiative told in one message under headings, as people copy it from a form: "Tên sáng kiến: ...", "Nội dung: ...". */
#ifndef SANGKIEN_HANDLERS_READING_FORM_H
#define SANGKIEN_HANDLERS_READING_FORM_H

#include <stdbool.h>
#include <talloc.h>

/** What stands under each heading, owned by ctx; NULL where there is none. */
struct form {
    const char *title;       /* one line */
    const char *description; /* its headings but "nội dung" and the like stay in it */
    const char *benefit;     /* as typed */
};

/** @return false, *ret untouched, when the text has not at least a title and one more heading, each at the beginning of a line. */
bool form_read(TALLOC_CTX *ctx, const char *text, struct form *ret);

#endif
