/* Headings and what stands under them: see form.h. */
#include "form.h"

#include <string.h>

#include "str.h"
#include "text.h"

enum field { NO_FIELD, TITLE, DESCRIPTION, PART_OF_DESCRIPTION, BENEFIT, LEFT_OUT };

enum { HEADING_BYTES = 80, HEADINGS_MAX = 12 };

/* The whole heading, folded; "*" at the end: whatever follows. */
static const struct {
    enum field field;
    const char *heading[HEADINGS_MAX];
} headings[] = {
    {TITLE, {"ten", "ten sang kien", "sang kien", "ten giai phap", "ten de tai", "tieu de", "ten cai tien"}},
    {DESCRIPTION, {"noi dung", "noi dung sang kien", "mo ta", "mo ta sang kien", "noi dung chinh", "mo ta giai phap"}},
    {PART_OF_DESCRIPTION, {"truoc day", "thuc trang", "hien trang", "cach lam", "giai phap", "ket qua", "hieu qua", "ly do", "truoc khi *",
                           "sau khi *"}},
    {BENEFIT, {"gia tri lam loi*", "gia tri", "lam loi*", "so tien*", "tiet kiem", "uoc tinh*", "hieu qua kinh te"}},
    {LEFT_OUT, {"ho ten", "ho va ten", "ten tac gia", "tac gia", "don vi", "don vi cong tac", "chuc vu", "ngay sinh", "so dien thoai", "sdt"}},
};

static bool is_heading(const char *key, const char *heading)
{
    size_t n = strlen(heading);
    return heading[n - 1] == '*' ? strncmp(key, heading, n - 1) == 0 : strcmp(key, heading) == 0;
}

/* "1. Tên sáng kiến: ..." @return the field, with what stands behind the colon in *ret_rest. */
static enum field field_of(TALLOC_CTX *ctx, const char *line, const char **ret_rest)
{
    const char *colon = strchr(line, ':');
    if (!colon || colon == line || colon - line > HEADING_BYTES)
        return NO_FIELD;
    const char *key = text_key(ctx, (struct str){line, (size_t)(colon - line)});
    if (!key)
        return NO_FIELD;
    key += strspn(key, "0123456789.)-+*/ ");
    for (size_t i = 0; i < ARRAY_LEN(headings); i++)
        for (size_t k = 0; k < HEADINGS_MAX && headings[i].heading[k]; k++)
            if (is_heading(key, headings[i].heading[k])) {
                *ret_rest = colon + 1 + strspn(colon + 1, " ");
                return headings[i].field;
            }
    return NO_FIELD;
}

static const char *joined(TALLOC_CTX *ctx, const char *so_far, char by, const char *more)
{
    return !*more ? so_far : so_far && *so_far ? talloc_asprintf(ctx, "%s%c%s", so_far, by, more) : more;
}

bool form_read(TALLOC_CTX *ctx, const char *text, struct form *ret)
{
    struct form form = {0};
    enum field at = NO_FIELD;
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        const char *line = talloc_strndup(ctx, p, n), *rest = line;
        p += p[n] ? n + 1 : n;
        enum field field = line ? field_of(ctx, line, &rest) : NO_FIELD;
        if (field == PART_OF_DESCRIPTION)
            rest = line;
        if (field != NO_FIELD)
            at = field == PART_OF_DESCRIPTION ? DESCRIPTION : field;
        if (at == TITLE)
            form.title = joined(ctx, form.title, ' ', rest);
        else if (at == DESCRIPTION)
            form.description = joined(ctx, form.description, '\n', rest);
        else if (at == BENEFIT)
            form.benefit = joined(ctx, form.benefit, ' ', rest);
    }
    if (!form.title || (!form.description && !form.benefit))
        return false;
    *ret = form;
    return true;
}
