/* The one spelling of a unit's name: see unit_name.h. */
#include "unit_name.h"

#include <string.h>

#include "text.h"

enum { WORDS_MAX = 64, PHRASE_WORDS_MAX = 4 };

struct spelling {
    const char *typed; /* folded, up to PHRASE_WORDS_MAX words */
    const char *one;   /* what stands for it; "" drops it */
};

static const struct spelling spellings[] = {
    {"cty", "cong ty"}, {"cti", "cong ty"}, {"ct", "cong ty"}, {"c ty", "cong ty"}, {"congty", "cong ty"}, {"ctcp", "cong ty"},
    {"trach nhiem huu han", ""}, {"tnhh", ""}, {"mot thanh vien", ""}, {"1 thanh vien", ""}, {"mtv", ""}, {"1tv", ""},
    {"hai thanh vien", ""}, {"2 thanh vien", ""}, {"2tv", ""}, {"co phan", ""}, {"cp", ""},
    {"cdcs", ""}, {"cong doan co so", ""}, {"cd co so", ""}, {"cd", "cong doan"}, {"ldld", "lien doan lao dong"},
    {"kcn", "khu cong nghiep"}, {"bv", "benh vien"}, {"bvdk", "benh vien da khoa"}, {"ttyt", "trung tam y te"},
    {"htx", "hop tac xa"}, {"ubnd", "uy ban nhan dan"}, {"trung hoc pho thong", "thpt"}, {"trung hoc co so", "thcs"},
    {"mn", "mam non"}, {"tp", "thanh pho"}, {"px", "phan xuong"}, {"xn", "xi nghiep"}, {"nm", "nha may"}, {"vp", "van phong"},
};

/* Dropped in front, again and again, while something follows: "em làm ở", "công tác tại", "thuộc".  Who it is and a bare "ở" only
 * together: Minh Khai is a place. */
static const char *const whose[] = {"em", "minh", "toi"};
static const char *const works[] = {"lam o", "lam tai", "lam ben", "lam viec o", "lam viec tai", "cong tac o", "cong tac tai"};
static const char *const leading[] = {"thuoc", "don vi", "ten don vi", "cong doan"};

struct words {
    struct str word[WORDS_MAX];
    size_t count;
};

static bool is_word_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

/* Words beyond WORDS_MAX do not make a name another one. */
static void cut(struct words *w, struct str text)
{
    for (size_t i = 0; i < text.n && w->count < WORDS_MAX;) {
        size_t begin = i;
        while (i < text.n && is_word_byte(text.p[i]))
            i++;
        if (i > begin)
            w->word[w->count++] = (struct str){text.p + begin, i - begin};
        else
            i++;
    }
}

/* How many words from `at` on are `phrase`, 0: they are not. */
static size_t stands_at(const struct words *w, size_t at, const char *phrase)
{
    struct words p = {.count = 0};
    cut(&p, str_of(phrase));
    if (at + p.count > w->count)
        return 0;
    for (size_t i = 0; i < p.count; i++)
        if (!str_eq(w->word[at + i], p.word[i]))
            return 0;
    return p.count;
}

static const struct spelling *longest_at(const struct words *w, size_t at, size_t *taken)
{
    const struct spelling *best = NULL;
    *taken = 0;
    for (size_t i = 0; i < ARRAY_LEN(spellings); i++) {
        size_t n = stands_at(w, at, spellings[i].typed);
        if (n > *taken) {
            *taken = n;
            best = &spellings[i];
        }
    }
    return best;
}

static void respell(const struct words *typed, struct words *ret)
{
    for (size_t at = 0, taken; at < typed->count; at += taken) {
        const struct spelling *s = longest_at(typed, at, &taken);
        if (s) {
            cut(ret, str_of(s->one));
        } else {
            taken = 1;
            if (ret->count < WORDS_MAX)
                ret->word[ret->count++] = typed->word[at];
        }
    }
}

static size_t longest_of(const struct words *w, size_t at, const char *const *phrases, size_t n)
{
    size_t most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t words = stands_at(w, at, phrases[i]);
        most = words > most ? words : most;
    }
    return most;
}

/* @return where the name begins. */
static size_t behind_leading(const struct words *w)
{
    for (size_t from = 0;;) {
        size_t who = longest_of(w, from, whose, ARRAY_LEN(whose));
        size_t does = longest_of(w, from + who, works, ARRAY_LEN(works));
        if (who && !does)
            does = stands_at(w, from + who, "o");
        size_t taken = does ? who + does : longest_of(w, from, leading, ARRAY_LEN(leading));
        if (taken == 0 || from + taken >= w->count)
            return from;
        from += taken;
    }
}

char *unit_key(TALLOC_CTX *ctx, struct str name)
{
    char *key = text_key(ctx, name), *ret = key ? talloc_strdup(ctx, "") : NULL;
    struct words typed = {.count = 0}, one = {.count = 0};
    cut(&typed, str_of(key));
    respell(&typed, &one);
    const struct words *kept = one.count ? &one : &typed; /* of "CĐCS" alone that is what is left */
    for (size_t i = behind_leading(kept); ret && i < kept->count; i++)
        ret = talloc_asprintf_append_buffer(ret, "%s%.*s", *ret ? " " : "", STR_ARG(kept->word[i]));
    talloc_free(key);
    return ret;
}
