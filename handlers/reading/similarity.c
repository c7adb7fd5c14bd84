/* Likeness of initiatives: see similarity.h. */
#include "similarity.h"

#include <stdlib.h>

#include "lexicon.h"
#include "similarity_doc.h"
#include "similarity_words.h"

/* ---- words -------------------------------------------------------------------------------------------------------- */

static bool is_word_letter(int32_t base)
{
    return (base >= 'a' && base <= 'z') || (base >= '0' && base <= '9') || base >= 0x80;
}

/* T9 for matching only: ky thuat and ki thuat, ty le and ti le. */
static struct str one_spelling(struct str fold, char buffer[static WORD_MAX])
{
    static const char vowels[] = {'a', 'e', 'o', 'u', 'y'};
    if (fold.n < 2 || fold.n > WORD_MAX || fold.p[fold.n - 1] != 'y' || memchr(vowels, fold.p[fold.n - 2], sizeof(vowels)))
        return fold;
    memcpy(buffer, fold.p, fold.n);
    buffer[fold.n - 1] = 'i';
    return (struct str){buffer, fold.n};
}

static uint32_t full_hash_of(uint32_t fold, const struct word *word)
{
    uint32_t h = (fold ^ fold_hash((const char *)word->shape, word->n)) * 16777619U;
    h = (h ^ word->tone) * 16777619U;
    return h ? h : 1;
}

struct entry similar_entry_of(const struct word *word)
{
    char buffer[WORD_MAX];
    if (word->n == 0 || word->too_long || (word->fold[0] >= '0' && word->fold[0] <= '9'))
        return (struct entry){0};
    struct str same = one_spelling((struct str){word->fold, word->n}, buffer);
    uint32_t fold = fold_hash(same.p, same.n);
    return (struct entry){.fold = fold, .full = word->marked ? full_hash_of(fold, word) : 0, .weight = similarity_word_weight(same)};
}

static void add_token(struct similar_doc *doc, const struct word *word, struct str fold, bool expanded, const struct token *like)
{
    if (doc->tokens == SIMILAR_WORDS_MAX)
        return;
    struct token *t = &doc->token[doc->tokens++];
    *t = *like;
    t->word = *word;
    if (expanded) {
        t->word = (struct word){.n = (uint8_t)fold.n};
        memcpy(t->word.fold, fold.p, fold.n);
    }
    char buffer[WORD_MAX];
    struct str same = one_spelling(fold, buffer);
    t->fold = fold_hash(same.p, same.n);
    t->full = expanded ? 0 : full_hash_of(t->fold, word);
    t->weight = similarity_word_weight(same);
}

static void end_word(struct similar_doc *doc, const struct word *word, struct token *like)
{
    struct str as = {word->fold, word->n};
    if (word->n == 0 || word->too_long)
        return;
    if (word->fold[0] >= '0' && word->fold[0] <= '9')
        return; /* T11 leaves out words of digits only; 6V and 1W are figures just the same */
    bool expanded = lexicon_expand(word, &as);
    while (expanded && as.n > 0) {
        const char *blank = memchr(as.p, ' ', as.n);
        size_t n = blank ? (size_t)(blank - as.p) : as.n;
        if (n > 0 && n <= WORD_MAX)
            add_token(doc, word, (struct str){as.p, n}, true, like);
        as = str_skip(as, blank ? n + 1 : n);
        like->before = BREAK_NONE;
    }
    if (!expanded)
        add_token(doc, word, as, false, like);
    *like = (struct token){.part = like->part};
}

static void note_mark(struct token *like, int32_t base)
{
    int kind = BREAK_NONE;
    if (base == '.' || base == '!' || base == '?' || base == '\n')
        kind = BREAK_SENTENCE;
    else if (base == ',' || base == ';' || base == ':' || base == '(')
        kind = BREAK_CLAUSE;
    else if (base == '-')
        kind = BREAK_SOFT;
    if (kind > like->before)
        like->before = (uint8_t)kind;
    like->opens |= base == '(';
    like->closes |= base == ')';
}

static bool is_digit(int32_t base)
{
    return base >= '0' && base <= '9';
}

static void read_tokens(struct similar_doc *doc, struct str text, enum similar_part part)
{
    int32_t last = 0, held = 0; /* a comma or dot behind a digit, which may belong to the number */
    struct letter_reader reader = {.rest = text};
    struct letter letter;
    struct word word = {0};
    struct token like = {.part = (uint8_t)part, .before = BREAK_SENTENCE};
    bool inside = false;
    while (letter_next(&reader, &letter) && doc->tokens < SIMILAR_WORDS_MAX) {
        if (held && !is_digit(letter.base))
            note_mark(&like, held);
        held = (letter.base == ',' || letter.base == '.') && is_digit(last) ? letter.base : 0;
        last = letter.base;
        if (is_word_letter(letter.base)) {
            word_add(&word, &letter);
            inside = true;
            continue;
        }
        if (inside)
            end_word(doc, &word, &like);
        word = (struct word){0};
        inside = false;
        if (!held)
            note_mark(&like, letter.base);
    }
    if (inside)
        end_word(doc, &word, &like);
}

/* ---- parts -------------------------------------------------------------------------------------------------------- */

struct cue {
    const char *words;
    enum similar_part part;
};

/* Openings of a clause that say what follows; the longer of two alike first. */
static const struct cue cues[] = {
    {"thuc trang", SIMILAR_PROBLEM}, {"hien trang", SIMILAR_PROBLEM}, {"truoc day", SIMILAR_PROBLEM}, {"truoc kia", SIMILAR_PROBLEM},
    {"ly do", SIMILAR_PROBLEM}, {"nguyen nhan", SIMILAR_PROBLEM}, {"kho khan", SIMILAR_PROBLEM}, {"van de", SIMILAR_PROBLEM},
    {"thay cho cach lam cu", SIMILAR_PROBLEM}, {"thay vi", SIMILAR_PROBLEM},
    {"tu do toi", SIMILAR_SOLUTION}, {"tu do em", SIMILAR_SOLUTION}, {"tu do chung toi", SIMILAR_SOLUTION}, {"tu do chung em", SIMILAR_SOLUTION},
    {"em da", SIMILAR_SOLUTION}, {"toi da", SIMILAR_SOLUTION}, {"chung toi da", SIMILAR_SOLUTION}, {"chung em da", SIMILAR_SOLUTION},
    {"nay", SIMILAR_SOLUTION}, {"bay gio", SIMILAR_SOLUTION}, {"gio day", SIMILAR_SOLUTION}, {"nen em", SIMILAR_SOLUTION},
    {"nen toi", SIMILAR_SOLUTION}, {"vi vay em", SIMILAR_SOLUTION}, {"vi vay toi", SIMILAR_SOLUTION}, {"vi the em", SIMILAR_SOLUTION},
    {"vi the toi", SIMILAR_SOLUTION}, {"do do em", SIMILAR_SOLUTION}, {"do do toi", SIMILAR_SOLUTION},
    {"giai phap cua em", SIMILAR_SOLUTION}, {"giai phap cua toi", SIMILAR_SOLUTION}, {"giai phap", SIMILAR_SOLUTION},
    {"bien phap", SIMILAR_SOLUTION}, {"cach khac phuc", SIMILAR_SOLUTION}, {"cach lam", SIMILAR_SOLUTION},
    {"vi vay chung toi de xuat", SIMILAR_SOLUTION}, {"chung toi de xuat", SIMILAR_SOLUTION}, {"em de xuat", SIMILAR_SOLUTION},
    {"toi de xuat", SIMILAR_SOLUTION}, {"nhom chung em", SIMILAR_SOLUTION}, {"nhom chung toi", SIMILAR_SOLUTION},
    {"nho vay", SIMILAR_BENEFIT}, {"nho do", SIMILAR_BENEFIT}, {"ket qua", SIMILAR_BENEFIT}, {"hieu qua", SIMILAR_BENEFIT},
    {"loi ich", SIMILAR_BENEFIT}, {"hien nay", SIMILAR_BENEFIT}, {"sau khi ap dung", SIMILAR_BENEFIT}, {"ap dung tu thang", SIMILAR_BENEFIT},
};

/* Sentences that go with any initiative. */
static const char *const stock_phrases[] = {
    "de lam chi phi thap", "toi da huong dan lai cho ca sau", "cach nay ai cung lam duoc", "da ap dung tai don vi tu dau nam",
    "lanh dao don vi da dong y cho lam tiep", "cac to khac dang hoc theo", "chi phi ban dau rat it", "vat lieu deu co san trong xuong",
};

/* Where no cue tells, a clause that begins so speaks of the benefit. */
static const char *const gains[] = {
    "giam", "tang", "bot", "do", "tiet kiem", "khong con", "khong phai", "khoi", "nhanh", "gap", "het", "dat", "them duoc", "thu", "xong",
    "chi con", "thoi gian", "nang suat", "nam nay", "moi thang", "moi ngay", "moi vu", "moi tuan", "chi phi", "hau nhu",
};

/* How many tokens from `at` are exactly these words; 0: they are not. */
static size_t tokens_match(const struct similar_doc *doc, size_t at, const char *words)
{
    size_t n = 0;
    while (*words) {
        size_t letters = strcspn(words, " ");
        if (at + n >= doc->tokens)
            return 0;
        const struct word *w = &doc->token[at + n].word;
        if (w->n != letters || memcmp(w->fold, words, letters) != 0)
            return 0;
        words += letters + (words[letters] == ' ');
        n++;
    }
    return n;
}

static void skip_stock_phrases(struct similar_doc *doc)
{
    for (size_t i = doc->title_tokens; i < doc->tokens; i++) {
        if (doc->token[i].before < BREAK_SENTENCE)
            continue;
        for (size_t p = 0; p < ARRAY_LEN(stock_phrases); p++)
            for (size_t n = tokens_match(doc, i, stock_phrases[p]); n > 0; n--)
                doc->token[i + n - 1].skip = true;
    }
}

/* "Em hàn giá bốn tầng": a sentence about its author says what was done, unless it says what the author met with. */
static size_t author_acts(const struct similar_doc *doc, size_t at)
{
    static const char *const authors[] = {"chung em", "chung toi", "to em", "to toi", "to chung toi", "nhom em", "nhom toi", "anh em", "em", "toi"};
    static const char *const meets[] = {"thay", "nhan thay", "gap", "phai", "hay", "thuong", "luon", "rat", "bi", "khong"};
    if (doc->token[at].before < BREAK_SENTENCE)
        return 0;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(authors) && n == 0; i++)
        n = tokens_match(doc, at, authors[i]);
    for (size_t i = 0; n > 0 && i < ARRAY_LEN(meets); i++)
        if (tokens_match(doc, at + n, meets[i]))
            return 0;
    return n;
}

static const struct cue *cue_at(const struct similar_doc *doc, size_t at, size_t *ret_tokens)
{
    static const struct cue acts = {"", SIMILAR_SOLUTION};
    if (doc->token[at].before == BREAK_NONE || doc->token[at].skip)
        return NULL;
    for (size_t c = 0; c < ARRAY_LEN(cues); c++)
        if ((*ret_tokens = tokens_match(doc, at, cues[c].words)) > 0)
            return &cues[c];
    return (*ret_tokens = author_acts(doc, at)) > 0 ? &acts : NULL;
}

/* Without any cue: the first clause is what was done, or why; a later one that begins with a gain is the benefit. */
static void split_by_clauses(struct similar_doc *doc, size_t from, size_t to)
{
    enum similar_part part = SIMILAR_UNCLEAR;
    for (size_t i = from; i < to; i++) {
        struct token *t = &doc->token[i];
        if (i == from || t->before >= BREAK_CLAUSE || tokens_match(doc, i, "nen") || tokens_match(doc, i, "giup")) {
            part = SIMILAR_UNCLEAR;
            for (size_t g = 0; i > from && g < ARRAY_LEN(gains); g++)
                if (tokens_match(doc, i, gains[g]) || tokens_match(doc, i + 1, gains[g]))
                    part = SIMILAR_BENEFIT;
            if (tokens_match(doc, i, "truoc"))
                part = SIMILAR_PROBLEM;
        }
        t->part = (uint8_t)part;
    }
}

/* What stands before the first cue, told by that cue. */
static enum similar_part part_before(const struct similar_doc *doc, size_t cue_index, const struct cue *cue, bool solution_follows)
{
    if (cue->part == SIMILAR_SOLUTION) /* "Effect. Cach lam: ... Ly do: ..." */
        return tokens_match(doc, cue_index, "cach lam") ? SIMILAR_BENEFIT : SIMILAR_PROBLEM;
    if (cue->part == SIMILAR_PROBLEM)
        return tokens_match(doc, cue_index, "thay") ? SIMILAR_SOLUTION : SIMILAR_BENEFIT;
    return solution_follows ? SIMILAR_PROBLEM : SIMILAR_SOLUTION;
}

static void split_description(struct similar_doc *doc)
{
    const struct cue *first = NULL;
    size_t first_at = doc->tokens;
    enum similar_part part = SIMILAR_UNCLEAR;
    bool solution_follows = false, aside = false;
    for (size_t i = doc->title_tokens; i < doc->tokens;) {
        size_t n;
        if (aside && doc->token[i].closes) {
            aside = false;
            part = SIMILAR_BENEFIT;
        }
        const struct cue *cue = cue_at(doc, i, &n);
        if (!cue) {
            doc->token[i++].part = (uint8_t)part;
            continue;
        }
        if (!first) {
            first = cue;
            first_at = i;
        }
        part = cue->part;
        solution_follows |= part == SIMILAR_SOLUTION;
        while (n-- > 0)
            doc->token[i++].skip = true;
        aside = i < doc->tokens && doc->token[i].opens;
    }
    if (!first) {
        split_by_clauses(doc, doc->title_tokens, doc->tokens);
        return;
    }
    part = part_before(doc, first_at, first, solution_follows);
    for (size_t i = doc->title_tokens; i < first_at; i++)
        doc->token[i].part = (uint8_t)part;
    for (size_t i = doc->title_tokens; i < doc->tokens; i++)
        if (doc->token[i].part == SIMILAR_SOLUTION && !doc->token[i].skip)
            return;
    for (size_t i = doc->title_tokens; i < doc->tokens; i++)
        if (doc->token[i].part == SIMILAR_PROBLEM) /* no solution was told apart: it is somewhere in here */
            doc->token[i].part = SIMILAR_UNCLEAR;
}

/* ---- the document ------------------------------------------------------------------------------------------------- */

static int by_fold(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->fold != y->fold)
        return x->fold < y->fold ? -1 : 1;
    return (x->full > y->full) - (x->full < y->full);
}

static void make_entries(struct similar_doc *doc)
{
    size_t marked = 0, n = 0;
    for (size_t i = 0; i < doc->tokens; i++)
        marked += doc->token[i].word.marked;
    bool accented = marked * 4 >= doc->tokens; /* else a word without marks may be any of its readings */
    doc->entry = talloc_array(doc, struct entry, (unsigned)doc->tokens + 1);
    for (size_t i = 0; i < doc->tokens; i++) {
        const struct token *t = &doc->token[i];
        if (!t->skip && t->weight > 0)
            doc->entry[n++] = (struct entry){.fold = t->fold, .full = accented ? t->full : 0, .weight = t->weight, .parts = (uint8_t)(1U << t->part)};
    }
    qsort(doc->entry, n, sizeof(doc->entry[0]), by_fold);
    for (size_t i = 0; i < n; i++) {
        struct entry *last = doc->entries ? &doc->entry[doc->entries - 1] : NULL;
        if (last && by_fold(last, &doc->entry[i]) == 0)
            last->parts |= doc->entry[i].parts;
        else
            doc->entry[doc->entries++] = doc->entry[i];
    }
}

struct similar_doc *similar_read(TALLOC_CTX *ctx, struct str title, struct str description)
{
    struct similar_doc *doc = talloc_zero(ctx, struct similar_doc);
    doc->token = talloc_array(doc, struct token, SIMILAR_WORDS_MAX);
    read_tokens(doc, title, SIMILAR_TITLE);
    doc->title_tokens = doc->tokens;
    read_tokens(doc, description, SIMILAR_UNCLEAR);
    skip_stock_phrases(doc);
    split_description(doc);
    make_entries(doc);
    return doc;
}

char *similar_part_text(TALLOC_CTX *ctx, const struct similar_doc *doc, enum similar_part part)
{
    char *text = talloc_strdup(ctx, "");
    for (size_t i = 0; i < doc->tokens; i++)
        if (doc->token[i].part == part && !doc->token[i].skip)
            text = talloc_asprintf_append_buffer(text, "%s%.*s", *text ? " " : "", doc->token[i].word.n, doc->token[i].word.fold);
    return text;
}

/* ---- the score ---------------------------------------------------------------------------------------------------- */

enum {
    SCALE = 10,
    TOPIC_PER_CENT = 40, /* a word of the solution that is also the problem's or the benefit's names the topic */
    TITLE_LEAST = 350,   /* per mille, see in_topic() */
    WHOLE_LEAST = 400,
    TITLES_LEAST = 150,
    DOUBT = 112,         /* added to what could be found, so that two or three words prove little: 0.7 of a rare word */
};

bool similar_has(const struct similar_doc *doc, const struct entry *e, unsigned parts)
{
    size_t low = 0, high = doc->entries;
    while (low < high) {
        size_t mid = (low + high) / 2;
        if (doc->entry[mid].fold < e->fold)
            low = mid + 1;
        else
            high = mid;
    }
    for (; low < doc->entries && doc->entry[low].fold == e->fold; low++) {
        uint32_t full = doc->entry[low].full;
        if ((doc->entry[low].parts & parts) && (full == 0 || e->full == 0 || full == e->full))
            return true;
    }
    return false;
}

/* How much of these parts of `a`, by weight, is found in those parts of `b`: 0 to 1000. */
static int coverage(const struct similar_doc *a, unsigned of, const struct similar_doc *b, unsigned in, int topic_per_cent)
{
    int found = 0, all = 0;
    for (size_t i = 0; i < a->entries; i++) {
        const struct entry *e = &a->entry[i];
        if (!(e->parts & of))
            continue;
        int weight = e->weight * SCALE;
        if (e->parts & (PART(PROBLEM) | PART(BENEFIT)))
            weight = weight * topic_per_cent / 100;
        all += weight;
        if (similar_has(b, e, in))
            found += weight;
    }
    return all ? found * 1000 / (all + DOUBT) : 0;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* A few words in common by chance must not carry the score alone.  Copies share their topic: two fifths of either initiative are
 * found in the other one, a third of one title as well, and mostly the titles have a word in common. */
static int in_topic(int score, int share, int least_share, int floor_per_cent)
{
    return share < least_share ? score * (floor_per_cent * least_share + (100 - floor_per_cent) * share) / (100 * least_share) : score;
}

int similar_score(const struct similar_doc *a, const struct similar_doc *b)
{
    const unsigned answers = SOLVING | PART(TITLE) | PART(BENEFIT);
    int solution = coverage(a, SOLVING, b, answers, TOPIC_PER_CENT) + coverage(b, SOLVING, a, answers, TOPIC_PER_CENT);
    int whole_a = coverage(a, ANYWHERE, b, ANYWHERE, 100), whole_b = coverage(b, ANYWHERE, a, ANYWHERE, 100);
    int title_a = coverage(a, PART(TITLE), b, ANYWHERE, 100), title_b = coverage(b, PART(TITLE), a, ANYWHERE, 100);
    int titles = least(coverage(a, PART(TITLE), b, PART(TITLE), 100), coverage(b, PART(TITLE), a, PART(TITLE), 100));
    int score = (solution * 10 + (whole_a + whole_b) * 3 + least(title_a, title_b) * 3) / 29;
    score = in_topic(score, title_a > title_b ? title_a : title_b, TITLE_LEAST, 0);
    score = in_topic(score, least(whole_a, whole_b), WHOLE_LEAST, 0);
    score = in_topic(score, titles, TITLES_LEAST, 70);
    return least(score, SIMILAR_SCORE_MAX);
}
