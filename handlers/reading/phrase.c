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

/* Behind as many words of the text as `phrase` has, and the signs and blanks that follow; NULL when nothing is left. */
static const char *behind_words(const char *text, const char *phrase)
{
    const char *rest = text;
    for (const char *p = phrase; rest && *p; p++)
        if (*p == ' ')
            rest = (rest = strchr(rest, ' ')) ? rest + 1 : NULL;
    rest = rest ? rest + strcspn(rest, " ,.:;-") : NULL;
    rest = rest ? rest + strspn(rest, " ,.:;-") : NULL;
    return rest && *rest ? rest : NULL;
}

/* `stops`: the signs one of which has to follow the phrase. */
static const char *behind_any(TALLOC_CTX *ctx, const char *text, const char *const *phrases, size_t n, const char *stops)
{
    const char *key = text_key(ctx, str_of(text));
    for (size_t i = 0; key && i < n; i++) {
        size_t length = strlen(phrases[i]);
        if (strncmp(key, phrases[i], length) == 0 && key[length] && strchr(stops, key[length]))
            return behind_words(text, phrases[i]);
    }
    return NULL;
}

const char *phrase_new_title(TALLOC_CTX *ctx, const char *text)
{
    static const char *const changes[] = {"sua ten sang kien thanh", "doi ten sang kien thanh", "sua ten thanh", "doi ten thanh",
                                          "sua lai ten thanh",       "doi lai ten thanh",       "sua ten la",    "sua lai ten la",
                                          "doi ten la",              "ten dung la",             "ten phai la",   "ten sang kien la",
                                          "ten sang kien phai la",   "chinh ten thanh",         "ten la"};
    return behind_any(ctx, text, changes, ARRAY_LEN(changes), " ,.:;-");
}

const char *phrase_behind_correction(TALLOC_CTX *ctx, const char *text)
{
    static const char *const takes_back[] = {"a nham roi", "a nham", "y em la", "y toi la", "a khong phai", "xin loi em nham"};
    static const char *const with_a_stop[] = {"nham roi", "nham", "em nham", "toi nham", "ghi nham", "sai roi", "a khong"}; /* not "nhầm lẫn ..." */
    const char *rest = behind_any(ctx, text, takes_back, ARRAY_LEN(takes_back), " ,.:;-");
    return rest ? rest : behind_any(ctx, text, with_a_stop, ARRAY_LEN(with_a_stop), ",.:;");
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
