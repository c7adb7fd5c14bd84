/* Commands in parts of a message: see parts.h. */
#include "parts.h"

#include <string.h>

static const struct intent_reading content = {INTENT_CONTENT, EDIT_ANY};

/* ---- Telex as it was typed ------------------------------------------------------------------------------------ */

enum { TELEX_WORD_MAX = 12 }; /* "nghieengs": longer ones are no syllable */

static bool is_vowel(char c)
{
    return c && strchr("aeiouy", c);
}

/* The mark that a key of Telex puts on the vowel before it; NULL when it puts none. */
static const char *tone_of(char key)
{
    switch (key) {
    case 's': return "\u0301";
    case 'f': return "\u0300";
    case 'r': return "\u0309";
    case 'x': return "\u0303";
    case 'j': return "\u0323";
    default: return NULL;
    }
}

/* One word of plain letters as Telex means it, marks as combining characters: intent_read() composes them.  "w" marks the last a, o
 * or u before it; where a tone sits does not count. */
static char *word_of_telex(char *out, const char *word, size_t n)
{
    bool syllable = false;
    for (size_t i = 0; i < n; i++)
        syllable |= is_vowel(word[i]);
    if (!syllable) /* "SK", "WWW": no Telex */
        return talloc_strndup_append_buffer(out, word, n);
    char letters[TELEX_WORD_MAX];
    const char *shape[TELEX_WORD_MAX] = {0}, *tone = NULL;
    size_t used = 0;
    bool vowel = false;
    for (size_t i = 0; i < n; i++) {
        char c = word[i];
        bool twice = used > 0 && letters[used - 1] == c && !shape[used - 1];
        if (c == 'w') {
            size_t at = used;
            while (at > 0 && !strchr("aou", letters[at - 1]))
                at--;
            if (at > 0)
                shape[at - 1] = letters[at - 1] == 'a' ? "\u0306" : "\u031B";
        } else if (twice && strchr("aeo", c)) {
            shape[used - 1] = "\u0302";
        } else if (twice && c == 'd') {
            shape[used - 1] = ""; /* đ: which never decides (T8a) */
        } else if (vowel && tone_of(c)) {
            tone = tone_of(c);
        } else {
            letters[used++] = c;
            vowel |= is_vowel(c);
        }
    }
    size_t last = used; /* the tone goes behind the last vowel */
    while (last > 0 && !is_vowel(letters[last - 1]))
        last--;
    for (size_t i = 0; i < used; i++)
        out = talloc_asprintf_append_buffer(out, "%c%s%s", letters[i], shape[i] ? shape[i] : "", tone && i + 1 == last ? tone : "");
    return out;
}

static char *text_of_telex(TALLOC_CTX *ctx, struct str text)
{
    char *out = talloc_strdup(ctx, "");
    for (size_t i = 0; out && i < text.n;) {
        size_t n = 0;
        char word[TELEX_WORD_MAX];
        while (i + n < text.n && n < TELEX_WORD_MAX && ((text.p[i + n] | 0x20) >= 'a' && (text.p[i + n] | 0x20) <= 'z')) {
            word[n] = (char)(text.p[i + n] | 0x20);
            n++;
        }
        out = n ? word_of_telex(out, word, n) : talloc_asprintf_append_buffer(out, "%c", text.p[i]);
        i += n ? n : 1;
    }
    return out;
}

static bool is_plain(struct str text)
{
    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] >= 0x80)
            return false;
    return true;
}

/* ---- Clauses -------------------------------------------------------------------------------------------------- */

static bool is_polite(enum intent intent)
{
    return intent == INTENT_THANKS || intent == INTENT_MENU; /* "chào em", "cảm ơn" */
}

/* @return false when the clause contradicts what was found before. */
static bool add_clause(struct str clause, enum intent_scene scene, struct intent_reading *found, bool *ret_other)
{
    struct intent_reading r = intent_read(clause, scene, true);
    if (is_polite(r.intent))
        return true;
    if (r.intent == INTENT_CONTENT || r.intent == INTENT_NO) { /* "không phải, sửa tên": the no is explained */
        *ret_other = true;
        return true;
    }
    if (found->intent != INTENT_CONTENT && (found->intent != r.intent || found->field != r.field))
        return false;
    *found = r;
    return true;
}

static struct intent_reading read_clauses(struct str text, enum intent_scene scene)
{
    struct intent_reading found = content;
    bool other = false;
    int clauses = 0;
    while (text.n) {
        size_t n = 0;
        while (n < text.n && !strchr(",.;!\n", text.p[n]))
            n++;
        struct str clause = {text.p, n};
        text = str_skip(text, n < text.n ? n + 1 : n);
        bool blank = true;
        for (size_t i = 0; i < clause.n && blank; i++)
            blank = clause.p[i] == ' ';
        if (blank)
            continue;
        clauses++;
        if (!add_clause(clause, scene, &found, &other))
            return content;
    }
    return clauses < 2 || (found.intent == INTENT_YES && other) ? content : found;
}

/* "ok chốt", "vâng gửi đi em": both parts of some cut are a yes. */
static bool says_yes_twice(struct str text)
{
    for (size_t i = 1; i + 1 < text.n; i++)
        if (text.p[i] == ' ' && !str_eq((struct str){text.p, i}, STR("dung")) && /* "dung nop luon" is đừng */
            intent_read((struct str){text.p, i}, SCENE_CONFIRM, true).intent == INTENT_YES &&
            intent_read(str_skip(text, i + 1), SCENE_CONFIRM, true).intent == INTENT_YES)
            return true;
    return false;
}

/* What southern and central speakers put around a command; no fillers of the rules, so they count only here. */
static bool is_local_filler(struct str word)
{
    static const char *const words[] = {"nghen", "hen", "nghe", "nha", "á", "hè", "hỉ", "nờ", "nớ", "đó", "đấy", "tui", "cái", "vậy", "dậy", "nè", "mà", "à"};
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (str_eq(word, str_of(words[i])))
            return true;
    return false;
}

static struct intent_reading read_without_local_fillers(TALLOC_CTX *ctx, struct str text, enum intent_scene scene)
{
    char *kept = talloc_strdup(ctx, "");
    bool dropped = false;
    while (kept && text.n) {
        size_t n = 0;
        while (n < text.n && text.p[n] != ' ')
            n++;
        if (is_local_filler((struct str){text.p, n}))
            dropped = true;
        else
            kept = talloc_asprintf_append_buffer(kept, "%s%.*s", *kept ? " " : "", (int)n, text.p);
        text = str_skip(text, n < text.n ? n + 1 : n);
    }
    struct intent_reading r = kept && *kept && dropped ? intent_read(str_of(kept), scene, true) : content;
    bool wants_words = scene == SCENE_TITLE || scene == SCENE_DESCRIPTION; /* "xóa cái đó" may be told there */
    return wants_words && r.intent != INTENT_DONE ? content : r;
}

struct intent_reading intent_read_parts(TALLOC_CTX *ctx, struct str text, enum intent_scene scene)
{
    struct intent_reading r = content;
    if (is_plain(text) && text.n && text.p[0] != '/' && text.p[0] != '#') {
        char *meant = text_of_telex(ctx, text);
        r = meant ? intent_read(str_of(meant), scene, true) : content;
    }
    if (r.intent == INTENT_CONTENT)
        r = read_without_local_fillers(ctx, text, scene);
    bool asked = scene == SCENE_CONFIRM || scene == SCENE_MENU;
    if (r.intent == INTENT_CONTENT && asked)
        r = read_clauses(text, scene);
    if (r.intent == INTENT_CONTENT && (scene == SCENE_CONFIRM || scene == SCENE_BENEFIT) && says_yes_twice(text))
        r.intent = INTENT_YES;
    return r;
}
