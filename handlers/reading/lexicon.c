/* Parses lexicon.tsv once, at first use; it is part of the binary, so a fault in it is a fault of the build. */
#include "lexicon.h"

#include <pthread.h>
#include <stdlib.h>

#include "lexicon_tsv.h"

enum { PHRASES_MAX = 768, BUCKETS = 1024, FILLERS_MAX = 96, TEENCODE_MAX = 160, ARENA_BYTES = 32768, COLUMNS = 4 };

struct shorthand {
    struct word word;
    struct str expansion;
};

static struct {
    char arena[ARENA_BYTES]; /* every key, end to end */
    size_t arena_used;
    struct phrase phrases[PHRASES_MAX];
    size_t phrase_count;
    const struct phrase *buckets[BUCKETS];
    struct str fillers[FILLERS_MAX];
    size_t filler_count;
    struct shorthand teencode[TEENCODE_MAX];
    size_t teencode_count;
} lexicon;

static pthread_once_t lexicon_once = PTHREAD_ONCE_INIT;

/* ---- Reading the table ---------------------------------------------------------------------------------------- */

static void require(bool ok)
{
    if (!ok) /* not an assert: the table must also hold in a build with NDEBUG */
        abort();
}

static bool key_read(struct str text, bool expand_teencode, struct message_key *ret);

static struct str keep(struct str s)
{
    require(s.n <= ARENA_BYTES - lexicon.arena_used);
    char *p = lexicon.arena + lexicon.arena_used;
    memcpy(p, s.p, s.n);
    lexicon.arena_used += s.n;
    return (struct str){p, s.n};
}

/* Takes what stands before `stop` off the front of *rest. */
static struct str take_until(struct str *rest, char stop)
{
    const char *end = rest->n ? memchr(rest->p, stop, rest->n) : NULL;
    size_t n = end ? (size_t)(end - rest->p) : rest->n;
    struct str ret = {rest->p, n};
    *rest = str_skip(*rest, end ? n + 1 : n);
    return ret;
}

static enum edit_field field_named(struct str name)
{
    static const struct { struct str name; enum edit_field field; } fields[] = {
        {STR(""), EDIT_ANY},         {STR("title"), EDIT_TITLE}, {STR("description"), EDIT_DESCRIPTION},
        {STR("benefit"), EDIT_BENEFIT}, {STR("unit"), EDIT_UNIT},   {STR("name"), EDIT_NAME},
    };
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (str_eq(fields[i].name, name))
            return fields[i].field;
    abort();
}

/* "extended title,description": the word and the list are both optional; no list means every scene. */
static void read_scenes(struct str column, struct phrase *phrase)
{
    phrase->scenes = (1 << SCENE_COUNT) - 1;
    if (str_starts(column, STR("extended"))) {
        phrase->extended = true;
        column = str_skip(column, sizeof("extended") - 1);
        if (column.n)
            column = str_skip(column, 1);
    }
    if (column.n == 0)
        return;
    phrase->scenes = 0;
    while (column.n) {
        enum intent_scene scene;
        require(intent_scene_named(take_until(&column, ','), &scene));
        phrase->scenes |= (uint8_t)(1 << scene);
    }
}

static void add_phrase(const struct str *column)
{
    struct message_key key, as_written;
    require(lexicon.phrase_count < PHRASES_MAX);
    require(key_read(column[1], true, &key) && key_read(column[1], false, &as_written));
    struct phrase *phrase = &lexicon.phrases[lexicon.phrase_count++];
    *phrase = (struct phrase){
        .key = keep(message_key_range(&key, 0, key.words)),
        .squeezed = keep(message_key_squeezed(&key, 0, key.words)),
        .written = column[1],
        .command = keep(message_key_squeezed(&as_written, 0, as_written.words)),
        .intent = intent_named(column[0]),
        .field = field_named(column[2]),
        .words = key.words,
    };
    require(phrase->intent != INTENT_CONTENT);
    read_scenes(column[3], phrase);
    for (size_t i = 0; i < phrase->squeezed.n; i++)
        if (phrase->squeezed.p[i] >= 'a' && phrase->squeezed.p[i] <= 'z')
            phrase->letters |= 1u << (phrase->squeezed.p[i] - 'a');
}

static void add_filler(const struct str *column)
{
    struct message_key key;
    require(lexicon.filler_count < FILLERS_MAX);
    require(key_read(column[1], false, &key));
    lexicon.fillers[lexicon.filler_count++] = keep(message_key_range(&key, 0, key.words));
}

static void add_teencode(const struct str *column)
{
    struct message_key expansion;
    require(lexicon.teencode_count < TEENCODE_MAX);
    require(key_read(column[2], false, &expansion));
    struct shorthand *shorthand = &lexicon.teencode[lexicon.teencode_count++];
    struct letter_reader reader = {.rest = column[1]};
    struct letter letter;
    while (letter_next(&reader, &letter))
        word_add(&shorthand->word, &letter);
    shorthand->expansion = keep(message_key_range(&expansion, 0, expansion.words));
}

static void read_rows(bool teencode)
{
    struct str rest = {(const char *)lexicon_tsv, lexicon_tsv_len};
    while (rest.n) {
        struct str line = take_until(&rest, '\n');
        if (line.n == 0 || line.p[0] == '#')
            continue;
        struct str column[COLUMNS];
        for (size_t i = 0; i < COLUMNS; i++)
            column[i] = take_until(&line, '\t');
        if (str_eq(column[0], STR("teencode")) != teencode)
            continue;
        if (teencode)
            add_teencode(column);
        else if (str_eq(column[0], STR("filler")))
            add_filler(column);
        else
            add_phrase(column);
    }
}

static int by_length(const void *a, const void *b)
{
    const struct phrase *x = a, *y = b;
    if (x->squeezed.n != y->squeezed.n)
        return x->squeezed.n < y->squeezed.n ? -1 : 1;
    return x->key.p < y->key.p ? -1 : x->key.p > y->key.p;
}

static void lexicon_read(void)
{
    read_rows(true); /* first: the phrases below are written in teencode here and there */
    read_rows(false);
    qsort(lexicon.phrases, lexicon.phrase_count, sizeof(lexicon.phrases[0]), by_length);
    for (size_t i = lexicon.phrase_count; i-- > 0;) {
        struct phrase *phrase = &lexicon.phrases[i];
        const struct phrase **bucket = &lexicon.buckets[fold_hash(phrase->key.p, phrase->key.n) % BUCKETS];
        phrase->next = *bucket;
        *bucket = phrase;
    }
}

/* ---- Looking up ----------------------------------------------------------------------------------------------- */

size_t lexicon_phrases(const struct phrase **ret)
{
    pthread_once(&lexicon_once, lexicon_read);
    *ret = lexicon.phrases;
    return lexicon.phrase_count;
}

const struct phrase *lexicon_find(struct str key, const struct phrase *after)
{
    pthread_once(&lexicon_once, lexicon_read);
    const struct phrase *phrase = after ? after->next : lexicon.buckets[fold_hash(key.p, key.n) % BUCKETS];
    while (phrase && !str_eq(phrase->key, key))
        phrase = phrase->next;
    return phrase;
}

/* The two below without pthread_once: phrases are expanded while the table is still being read. */
static bool is_filler(struct str key)
{
    for (size_t i = 0; i < lexicon.filler_count; i++)
        if (str_eq(lexicon.fillers[i], key))
            return true;
    return false;
}

static bool expand(const struct word *word, struct str *ret)
{
    for (size_t i = 0; i < lexicon.teencode_count; i++)
        if (word_may_be(word, &lexicon.teencode[i].word)) {
            *ret = lexicon.teencode[i].expansion;
            return true;
        }
    return false;
}

bool lexicon_is_filler(struct str key)
{
    pthread_once(&lexicon_once, lexicon_read);
    return is_filler(key);
}

bool lexicon_expand(const struct word *word, struct str *ret)
{
    pthread_once(&lexicon_once, lexicon_read);
    return expand(word, ret);
}

/* ---- The key of a message (I2, I3) ---------------------------------------------------------------------------- */

static bool is_word_letter(int32_t base)
{
    return (base >= 'a' && base <= 'z') || (base >= '0' && base <= '9') || base >= 0x80;
}

static bool word_is_fold(const struct word *word, const char *fold)
{
    size_t n = strlen(fold);
    return word->n == n && memcmp(word->fold, fold, n) == 0;
}

static bool word_is_negation(const struct word *word)
{
    static const struct word no[] = {
        {.n = 4, .tone = TONE_GRAVE, .fold = "dung", .shape = {0, SHAPE_HORN}},
        {.n = 5, .fold = "khong", .shape = {0, 0, SHAPE_CIRCUMFLEX}},
        {.n = 4, .fold = "chua", .shape = {0, 0, SHAPE_HORN}},
        {.n = 4, .tone = TONE_HOOK, .fold = "khoi"},
    };
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        if (word_may_be(word, &no[i]))
            return true;
    return false;
}

static bool key_add(struct message_key *key, struct str words, bool negates)
{
    while (words.n) {
        struct str word = take_until(&words, ' ');
        size_t at = key->at[key->words];
        size_t squeezed_at = key->squeezed_at[key->words];
        if (key->words == KEY_WORDS || at + word.n + 1 > KEY_BYTES)
            return false;
        memcpy(key->text + at, word.p, word.n);
        key->text[at + word.n] = ' ';
        memcpy(key->squeezed + squeezed_at, word.p, word.n);
        if (negates)
            key->negates |= (uint64_t)1 << key->words;
        key->words++;
        key->at[key->words] = (uint16_t)(at + word.n + 1);
        key->squeezed_at[key->words] = (uint16_t)(squeezed_at + word.n);
    }
    return true;
}

/* "vui lòng", "bây giờ". */
static bool is_filler_pair(const struct word *a, const struct word *b)
{
    char pair[2 * WORD_MAX + 1];
    memcpy(pair, a->fold, a->n);
    pair[a->n] = ' ';
    memcpy(pair + a->n + 1, b->fold, b->n);
    return is_filler((struct str){pair, (size_t)a->n + 1u + b->n});
}

/* dk is "đăng ký" when it stands alone or before sáng kiến, else "được" (section 2).  Fillers do not count. */
static struct str expand_dk(const struct word *words, size_t n, size_t at)
{
    static const struct str registers = STR("dang ky");
    if (at + 1 < n && (word_is_fold(&words[at + 1], "sk") || word_is_fold(&words[at + 1], "sang")))
        return registers;
    for (size_t i = 0; i < n; i++) {
        bool pair = i + 1 < n && i + 1 != at && is_filler_pair(&words[i], &words[i + 1]);
        if (i == at || word_is_fold(&words[i], "dc") || is_filler((struct str){words[i].fold, words[i].n}))
            continue;
        if (!pair)
            return STR("duoc");
        i++;
    }
    return registers;
}

static bool read_words(struct str text, struct word words[MESSAGE_WORDS_MAX], size_t *ret)
{
    struct letter_reader reader = {.rest = text};
    struct letter letter;
    struct word word = {0};
    size_t n = 0, chars = 0, tokens = 0, blanks = 0, kept = 0;
    bool broken_line = false, more = true, inside = false;
    while (more) {
        more = letter_next(&reader, &letter);
        if (!more || letter.base == ' ' || letter.base == '\n') {
            if (more && letter.base == '\n')
                broken_line = true;
            blanks++;
            if (!inside)
                continue;
            if (++tokens > MESSAGE_WORDS_MAX)
                return false;
            word.n = (uint8_t)(word.too_long ? 0 : kept);
            if (word.n > 0 || word.too_long)
                words[n++] = word;
            inside = false;
            continue;
        }
        if (!inside) {
            if (broken_line && tokens > 0)
                return false;
            broken_line = false;
            chars += tokens > 0 && blanks > 0;
            blanks = 0;
            inside = true;
            word = (struct word){0};
            kept = 0;
        }
        if (++chars > MESSAGE_CHARS_MAX)
            return false;
        bool counts = is_word_letter(letter.base);
        if (word.n == 0 && !counts && !word.too_long)
            continue; /* punctuation before the word */
        word_add(&word, &letter);
        if (counts)
            kept = word.n;
    }
    *ret = n;
    return n > 0;
}

static bool key_read(struct str text, bool expand_teencode, struct message_key *ret)
{
    struct word *words = ret->typed;
    size_t n = 0;
    ret->words = 0;
    ret->negates = 0;
    ret->at[0] = ret->squeezed_at[0] = 0;
    if (!read_words(text, words, &n))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct str as = {words[i].fold, words[i].n};
        bool negates = word_is_negation(&words[i]);
        if (words[i].too_long)
            as = STR("\x7f");
        if (expand_teencode && word_is_fold(&words[i], "dk"))
            as = expand_dk(words, n, i);
        else if (expand_teencode && expand(&words[i], &as))
            negates = str_eq(as, STR("khong"));
        size_t first = ret->words;
        if (!key_add(ret, as, negates))
            return false;
        memset(ret->typed_at + first, as.p == words[i].fold ? (int)i : KEY_EXPANDED, ret->words - first);
    }
    return true;
}

bool message_key_read(struct str text, struct message_key *ret)
{
    pthread_once(&lexicon_once, lexicon_read);
    return key_read(text, true, ret);
}

struct str message_key_range(const struct message_key *key, size_t from, size_t to)
{
    return (struct str){key->text + key->at[from], from < to ? (size_t)(key->at[to] - key->at[from] - 1) : 0};
}

struct str message_key_squeezed(const struct message_key *key, size_t from, size_t to)
{
    return (struct str){key->squeezed + key->squeezed_at[from], (size_t)(key->squeezed_at[to] - key->squeezed_at[from])};
}

bool lexicon_accents_agree(const struct message_key *key, size_t from, size_t to, const struct phrase *phrase)
{
    struct word known[MESSAGE_WORDS_MAX];
    size_t n = 0;
    if (!read_words(phrase->written, known, &n) || n != to - from)
        return true;
    for (size_t i = 0; i < n; i++)
        if (key->typed_at[from + i] != KEY_EXPANDED && !word_may_be(&key->typed[key->typed_at[from + i]], &known[i]))
            return false;
    return true;
}

/* ---- The key for searching (T11) ------------------------------------------------------------------------------ */

static bool is_all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static void search_key_add(char **key, const struct word *word)
{
    struct str as = {word->fold, word->n};
    if (!*key || is_all_digits(as))
        return;
    lexicon_expand(word, &as);
    *key = talloc_asprintf_append_buffer(*key, "%s%.*s", **key ? " " : "", STR_ARG(as));
}

char *lexicon_search_key(TALLOC_CTX *ctx, struct str text)
{
    char *key = talloc_strdup(ctx, "");
    struct letter_reader reader = {.rest = text};
    struct letter letter;
    struct word word = {0};
    while (letter_next(&reader, &letter)) {
        bool counts = is_word_letter(letter.base);
        if (counts && !word.too_long && word.n < WORD_MAX) {
            word_add(&word, &letter);
        } else {
            search_key_add(&key, &word);
            word = (struct word){0};
            if (counts)
                word_add(&word, &letter);
        }
    }
    search_key_add(&key, &word);
    return key;
}
