/* Questions to the support by their matter: see question.h. */
#include "question.h"

#include <string.h>

#include "str.h"
#include "text.h"

enum { PHRASES_MAX = 11 };

/* In this order: what is said in several words before the words it is made of. */
static const struct {
    const char *stands_for;
    const char *phrase[PHRASES_MAX];
} matters[] = {
    {"qwhen", {"khi nao", "bao gio", "luc nao", "ngay nao", "hom nao", "bao lau", "may gio", "ngay may", "hom may", "chung nao"}},
    {"qhow", {"bang cach nao", "the nao", "lam sao", "ra sao", "kieu gi", "cach nao", "nhu nao", "sao duoc"}},
    {"qmuch", {"bao nhieu", "may bai", "toi da", "muc"}},
    {"qwhere", {"o dau", "vao dau", "cho nao"}},
    {"anh", {"hinh anh", "anh chup", "hinh chup", "hinh", "minh chung"}},
    {"bai", {"cai tien", "sang kien"}},
    {"gui", {"dang ky", "nop", "khai"}},
    {"sua", {"sua lai", "doi", "chinh", "nham", "sai", "lo"}},
    {"ketqua", {"xet duyet", "ket qua", "duyet"}},
    {"trave", {"tra lai", "tra ve"}},
    {"donvi", {"cong ty", "don vi", "xuong", "cong tac"}},
    {"chung", {"lam chung", "cung lam", "dong tac gia", "hai nguoi", "dong nghiep"}},
    {"rut", {"rut lai", "huy"}},
    {"them", {"bo sung", "ve sau"}},
    {"loi", {"so tien", "tien lam loi", "gia tri lam loi", "lam loi"}},
    {"han", {"han cuoi", "het han"}},
};

static const char *const tells_nothing[] = {"em",   "chi", "a",    "co",  "cho", "hoi", "minh", "thi", "la",  "duoc", "khong", "cua",
                                            "gio",  "roi",    "muon", "va",  "nay", "di",  "xong", "gi",  "ai",  "mot"};

/* Blanks between, before and behind the words, so that each is found whole. */
static char *words_apart(TALLOC_CTX *ctx, const char *key)
{
    char *out = talloc_strdup(ctx, " ");
    for (const char *p = key; out && *p;) {
        size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyz0123456789");
        if (n)
            out = talloc_asprintf_append_buffer(out, "%.*s ", (int)n, p);
        p += n ? n : 1;
    }
    return out;
}

/* Every " phrase " becomes " word "; an empty word takes it out. */
static char *replace(TALLOC_CTX *ctx, char *text, const char *phrase, const char *word)
{
    char *wanted = talloc_asprintf(ctx, " %s ", phrase);
    for (char *at; wanted && text && (at = strstr(text, wanted));) {
        char *next = talloc_asprintf(ctx, "%.*s %s%s%s", (int)(at - text), text, word, *word ? " " : "", at + strlen(wanted));
        talloc_free(text);
        text = next;
    }
    talloc_free(wanted);
    return text;
}

char *question_key(TALLOC_CTX *ctx, const char *question)
{
    char *folded = text_key(ctx, str_of(question));
    char *all = folded ? words_apart(ctx, folded) : NULL;
    for (size_t i = 0; all && i < ARRAY_LEN(matters); i++)
        for (size_t k = 0; all && k < PHRASES_MAX && matters[i].phrase[k]; k++)
            all = replace(ctx, all, matters[i].phrase[k], matters[i].stands_for);
    char *telling = all ? talloc_strdup(ctx, all) : NULL;
    for (size_t i = 0; telling && i < ARRAY_LEN(tells_nothing); i++)
        telling = replace(ctx, telling, tells_nothing[i], "");
    if (!telling)
        return NULL;
    const char *rest = telling[strspn(telling, " ")] ? telling : all;
    size_t n = strlen(rest);
    return n >= 2 ? talloc_strndup(ctx, rest + 1, n - 2) : folded; /* signs only: as they are */
}
