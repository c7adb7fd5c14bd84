/* Small readings: see phrase.h. */
#include "phrase.h"

#include <assert.h>
#include <string.h>

#include "str.h"
#include "text.h"

static bool str_ends(struct str s, const char *end)
{
    size_t n = strlen(end);
    return s.n > n && memcmp(s.p + s.n - n, end, n) == 0;
}

bool phrase_is_question(TALLOC_CTX *ctx, const char *text)
{
    static const char *const begins[] = {"bao gio co", "bao gio duoc", "bao gio moi", "bao h ", "bao lau", "khi nao", "tai sao",
                                         "vi sao", "the nao", "lam sao", "cho hoi"};
    static const char *const ends_plain[] = {" khong", " ko", " chua", " gi", " nao", " nhi", " bao gio", " bao lau", " bao nhieu"};
    static const char *const ends_marked[] = {" không", " ko", " chưa", " gì", " nào", " nhỉ", " bao giờ", " bao lâu", " bao nhiêu"};
    static_assert(ARRAY_LEN(ends_plain) == ARRAY_LEN(ends_marked), "the same words, without and with marks");
    if (strchr(text, '?'))
        return true;
    struct str key = str_of(text_key(ctx, str_of(text))), typed = str_of(text);
    const char *const *ends = key.n == typed.n ? ends_plain : ends_marked; /* marks take more bytes */
    bool asks = false;
    for (size_t i = 0; i < ARRAY_LEN(begins) && !asks; i++)
        asks = str_starts(key, str_of(begins[i]));
    for (size_t i = 0; i < ARRAY_LEN(ends_plain) && !asks; i++)
        asks = str_ends(typed, ends[i]);
    return asks;
}

const char *phrase_without_preface(TALLOC_CTX *ctx, const char *text)
{
    static const char *const prefaces[] = {"toi ten la ", "em ten la ", "minh ten la ", "ten toi la ", "ten em la ",
                                           "ten minh la ", "ho va ten la ", "ho ten la ", "toi la ",    "em la ",
                                           "minh la ",     "ten la ",    "toi ten ",     "em ten "};
    static const char marked_la[] = "là ";
    struct str key = str_of(text_key(ctx, str_of(text)));
    bool marked = key.n != strlen(text);
    for (size_t i = 0; i < ARRAY_LEN(prefaces); i++) {
        if (!str_starts(key, str_of(prefaces[i])))
            continue;
        const char *name = text;
        for (const char *p = prefaces[i]; *p && name; p++)
            if (*p == ' ')
                name = (name = strchr(name, ' ')) ? name + 1 : NULL;
        bool la = str_ends(str_of(prefaces[i]), "la ");
        if (!name || !strchr(name, ' '))
            return text;
        if (la && marked && !str_ends((struct str){text, (size_t)(name - text)}, marked_la))
            return text;
        return name;
    }
    return text;
}

char *phrase_break_names(TALLOC_CTX *ctx, const char *text)
{
    static const char *const joins[] = {" và ", " với ", " vs ", " voi ", " cùng ", " & ", " + "};
    char *list = talloc_strdup(ctx, text);
    for (size_t i = 0; i < ARRAY_LEN(joins) && list; i++)
        for (char *p = strstr(list, joins[i]); p; p = strstr(p, joins[i])) {
            memset(p, ' ', strlen(joins[i]));
            *p = ';';
        }
    return list;
}
