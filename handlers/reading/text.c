/* Vietnamese text made clean, folded and cut: rules T1 to T10. */
#include "text.h"

#include <utf8proc.h>

#include "letters.h"

/* ---- The stored form (T1, T2, T4, T10) ------------------------------------------------------------------------ */

/* Takes one code point as it may be stored: blanks are ' ', line ends are '\n', what must go is skipped.
 * @return -1 at the end. */
static int32_t take_storable(struct str *rest)
{
    for (;;) {
        int32_t cp = utf8_take(rest);
        if (cp < 0)
            return -1;
        if (cp == '\r') {
            if (rest->n > 0 && rest->p[0] == '\n')
                *rest = str_skip(*rest, 1);
            return '\n';
        }
        if (cp == '\n' || cp == 0x85 || cp == 0x2028 || cp == 0x2029)
            return '\n';
        if (cp == '\t' || cp == '\v' || cp == '\f')
            return ' ';
        if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0))
            continue;
        if (cp < 0x7F)
            return cp;
        switch (cp) {
        case 0x200B: case 0x200C: case 0xFEFF:             /* T3 */
        case 0x61C: case 0x200E: case 0x200F:              /* bidi marks, */
        case 0x202A: case 0x202B: case 0x202C: case 0x202D: case 0x202E: /* embeddings and overrides, */
        case 0x2066: case 0x2067: case 0x2068: case 0x2069:              /* isolates */
            continue;
        default:
            return utf8proc_category(cp) == UTF8PROC_CATEGORY_ZS ? ' ' : cp;
        }
    }
}

struct runes {
    int32_t *at;
    size_t n;
};

/* talloc_array() counts in unsigned int; a text that long is refused by talloc_size() instead. */
static int32_t *runes_room(TALLOC_CTX *ctx, size_t n)
{
    return talloc_size(ctx, n * sizeof(int32_t));
}

/* Blanks collapse, none stands beside a line break, at most two breaks in a row, none at either end. */
static void runes_add_tidy(struct runes *out, int32_t cp)
{
    if (cp == ' ') {
        if (out->n == 0 || out->at[out->n - 1] == ' ' || out->at[out->n - 1] == '\n')
            return;
    } else if (cp == '\n') {
        while (out->n > 0 && out->at[out->n - 1] == ' ')
            out->n--;
        if (out->n == 0 || (out->n > 1 && out->at[out->n - 1] == '\n' && out->at[out->n - 2] == '\n'))
            return;
    }
    out->at[out->n++] = cp;
}

static void runes_trim_end(struct runes *out)
{
    while (out->n > 0 && (out->at[out->n - 1] == ' ' || out->at[out->n - 1] == '\n'))
        out->n--;
}

/* Everything below U+0300 and the Vietnamese block is NFC already when no mark follows it. */
static bool is_surely_nfc(const struct runes *text)
{
    for (size_t i = 0; i < text->n; i++)
        if (text->at[i] >= 0x300 && !(text->at[i] >= 0x1EA0 && text->at[i] <= 0x1EF9))
            return false;
    return true;
}

static bool is_tone_above(int32_t cp)
{
    return cp == 0x300 || cp == 0x301 || cp == 0x303 || cp == 0x309;
}

static bool shape_fits(int32_t base, int32_t mark)
{
    switch (base) {
    case 'a': case 'A': return mark == 0x302 || mark == 0x306;
    case 'e': case 'E': return mark == 0x302;
    case 'o': case 'O': return mark == 0x302 || mark == 0x31B;
    case 'u': case 'U': return mark == 0x31B;
    default: return false;
    }
}

/* Canonical order of the marks behind one letter, stable.  Counting, because a hostile run of marks can be as long
 * as the message. */
static void sort_marks(int32_t *marks, size_t n, int32_t *scratch)
{
    size_t start[256] = {0};
    size_t at = 0;
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        start[(uint8_t)utf8proc_get_property(marks[i])->combining_class]++;
        if (i > 0 && utf8proc_get_property(marks[i - 1])->combining_class > utf8proc_get_property(marks[i])->combining_class)
            sorted = false;
    }
    if (sorted)
        return;
    for (size_t c = 0; c < ARRAY_LEN(start); c++) {
        size_t count = start[c];
        start[c] = at;
        at += count;
    }
    for (size_t i = 0; i < n; i++)
        scratch[start[(uint8_t)utf8proc_get_property(marks[i])->combining_class]++] = marks[i];
    memcpy(marks, scratch, n * sizeof(*marks));
}

/* T2: a tone typed before the shape mark leaves NFC with two code points; the shape goes in front. */
static void move_shape_before_tone(int32_t base, int32_t *marks, size_t n)
{
    size_t tone = n;
    for (size_t i = 0; i < n; i++) {
        bool shape = (marks[i] == 0x302 || marks[i] == 0x306) && shape_fits(base, marks[i]);
        if (tone == n && shape)
            return; /* in order already */
        if (tone == n && is_tone_above(marks[i])) {
            tone = i;
        } else if (shape) {
            int32_t mark = marks[i];
            memmove(&marks[tone + 1], &marks[tone], (i - tone) * sizeof(*marks));
            marks[tone] = mark;
            return;
        }
    }
}

/* Canonical decomposition, Vietnamese marks in order, canonical composition.  `text` is replaced. */
static bool runes_compose(TALLOC_CTX *ctx, struct runes *text)
{
    size_t room = text->n * 4 + 16; /* no canonical decomposition of one code point is longer than four */
    int32_t *apart = runes_room(ctx, room);
    int32_t *scratch = runes_room(ctx, room);
    if (!apart || !scratch)
        return false;
    size_t n = 0;
    int boundary = 0;
    for (size_t i = 0; i < text->n; i++) {
        utf8proc_ssize_t got = utf8proc_decompose_char(text->at[i], &apart[n], (utf8proc_ssize_t)(room - n),
                                                       UTF8PROC_DECOMPOSE, &boundary);
        if (got < 0 || (size_t)got > room - n)
            return false;
        n += (size_t)got;
    }
    for (size_t i = 0; i < n;) {
        size_t from = i + (utf8proc_get_property(apart[i])->combining_class == 0 ? 1 : 0);
        size_t to = from;
        while (to < n && utf8proc_get_property(apart[to])->combining_class != 0)
            to++;
        if (to - from > 1) {
            sort_marks(&apart[from], to - from, scratch);
            if (from > i)
                move_shape_before_tone(apart[i], &apart[from], to - from);
        }
        i = to > i ? to : i + 1;
    }
    utf8proc_ssize_t composed = utf8proc_normalize_utf32(apart, (utf8proc_ssize_t)n, UTF8PROC_COMPOSE | UTF8PROC_STABLE);
    if (composed < 0)
        return false;
    text->at = apart;
    text->n = (size_t)composed;
    return true;
}

static char *runes_encode(TALLOC_CTX *ctx, const struct runes *text)
{
    char *out = talloc_size(ctx, text->n * 4 + 1);
    if (!out)
        return NULL;
    size_t n = 0;
    for (size_t i = 0; i < text->n; i++)
        n += (size_t)utf8proc_encode_char(text->at[i], (utf8proc_uint8_t *)&out[n]);
    out[n] = '\0';
    char *fit = talloc_realloc_size(ctx, out, n + 1);
    return fit ? fit : out;
}

/* True for what nothing has to be done to: visible ASCII, single blanks inside, and the precomposed letters of Vietnamese
 * (U+00C0 to U+01BF, U+1EA0 to U+1EF9).  Most texts, and nearly all that were cleaned before. */
static bool is_surely_clean(struct str raw)
{
    const unsigned char *p = (const unsigned char *)raw.p;
    bool blank = true;
    for (size_t i = 0; i < raw.n; i++) {
        unsigned char c = p[i];
        if (c == ' ') {
            if (blank)
                return false;
            blank = true;
            continue;
        }
        blank = false;
        if (c > ' ' && c < 0x7F)
            continue;
        if (c >= 0xC3 && c <= 0xC6 && i + 1 < raw.n && (p[i + 1] & 0xC0) == 0x80) {
            i++;
            continue;
        }
        if (c != 0xE1 || i + 2 >= raw.n ||
            !((p[i + 1] == 0xBA && p[i + 2] >= 0xA0 && p[i + 2] <= 0xBF) || (p[i + 1] == 0xBB && p[i + 2] >= 0x80 && p[i + 2] <= 0xB9)))
            return false;
        i += 2;
    }
    return raw.n == 0 || !blank;
}

char *text_clean(TALLOC_CTX *ctx, struct str raw)
{
    if (is_surely_clean(raw))
        return talloc_strndup(ctx, raw.n ? raw.p : "", raw.n);
    TALLOC_CTX *tmp = talloc_new(ctx);
    if (!tmp)
        return NULL;
    char *ret = NULL;
    struct runes text = {runes_room(tmp, raw.n + 1), 0};
    if (text.at) {
        int32_t cp;
        while ((cp = take_storable(&raw)) >= 0)
            runes_add_tidy(&text, cp);
        runes_trim_end(&text);
        if (is_surely_nfc(&text) || runes_compose(tmp, &text))
            ret = runes_encode(ctx, &text);
    }
    talloc_free(tmp);
    return ret;
}

/* ---- The key (T3, T5 to T8) ----------------------------------------------------------------------------------- */

char *text_key(TALLOC_CTX *ctx, struct str text)
{
    TALLOC_CTX *tmp = talloc_new(ctx);
    if (!tmp)
        return NULL;
    char *ret = NULL;
    /* ½ is two bytes and three letters; nothing else grows by more than decomposing does. */
    struct runes key = {runes_room(tmp, text.n * 4 + 16), 0};
    if (key.at) {
        struct letter_reader reader = {.rest = text};
        struct letter letter;
        while (letter_next(&reader, &letter))
            runes_add_tidy(&key, letter.base);
        runes_trim_end(&key);
        ret = runes_encode(ctx, &key);
    }
    talloc_free(tmp);
    return ret;
}

/* ---- Counting and cutting ------------------------------------------------------------------------------------- */

size_t text_chars(struct str text)
{
    size_t n = 0;
    while (utf8_take(&text) >= 0)
        n++;
    return n;
}

size_t text_utf16_units(struct str text)
{
    size_t n = 0;
    int32_t cp;
    while ((cp = utf8_take(&text)) >= 0)
        n += cp > 0xFFFF ? 2 : 1;
    return n;
}

/* The longest prefix of whole grapheme clusters (UAX 29) that costs at most `limit`; a character costs one, or with
 * `utf16` its code units. */
static size_t clusters_within(struct str text, size_t limit, bool utf16)
{
    struct str rest = text;
    size_t cost = 0, cut = 0;
    int32_t before = -1, cp;
    utf8proc_int32_t state = 0;
    for (;;) {
        size_t at = text.n - rest.n; /* not by pointer: str_skip() to the end keeps p */
        cp = utf8_take(&rest);
        if (cp < 0 || before < 0 || utf8proc_grapheme_break_stateful(before, cp, &state))
            cut = at;
        if (cp < 0)
            return cut;
        cost += utf16 && cp > 0xFFFF ? 2 : 1;
        if (cost > limit)
            return cut;
        before = cp;
    }
}

struct str text_cut(struct str text, size_t chars)
{
    return (struct str){text.p, text.n ? clusters_within(text, chars, false) : 0};
}

static struct str trim_end(struct str s)
{
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\n'))
        s.n--;
    return s;
}

static struct str trim_start(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\n'))
        s = str_skip(s, 1);
    return s;
}

char *text_short(TALLOC_CTX *ctx, struct str text, size_t chars)
{
    bool whole = text_chars(text) <= chars;
    if (!whole)
        text = chars == 0 ? (struct str){text.p, 0} : trim_end(text_cut(text, chars - 1));
    char *ret = talloc_asprintf(ctx, "%.*s%s", STR_ARG(text), whole || chars == 0 ? "" : "…");
    for (char *p = ret; p && *p; p++)
        if (*p == '\n' || *p == '\r')
            *p = ' ';
    return ret;
}

/* Where the last `needle` ends that begins inside the first `n` bytes; 0 when there is none or only at the front. */
static size_t last_boundary(struct str text, size_t n, const char *needle)
{
    size_t len = strlen(needle);
    for (size_t at = n; at > 0; at--)
        if (at + len <= text.n && memcmp(text.p + at, needle, len) == 0)
            return at;
    return 0;
}

struct str text_split(struct str text, size_t units, struct str *rest)
{
    if (units < 2) /* one character can need two units */
        units = 2;
    text = trim_start(trim_end(text));
    if (text_utf16_units(text) <= units) {
        *rest = (struct str){text.p + text.n, 0};
        return text;
    }
    size_t window = clusters_within(text, units, true);
    if (window == 0) { /* a single cluster longer than the limit: characters at least stay whole */
        struct str tail = text;
        size_t cost = 0;
        for (;;) {
            window = text.n - tail.n;
            cost += utf8_take(&tail) > 0xFFFF ? 2 : 1;
            if (cost > units)
                break;
        }
    }
    size_t cut = last_boundary(text, window, "\n\n");
    if (cut == 0)
        cut = last_boundary(text, window, "\n");
    if (cut == 0)
        cut = last_boundary(text, window, " ");
    if (cut == 0)
        cut = window;
    *rest = trim_start(str_skip(text, cut));
    return trim_end((struct str){text.p, cut});
}

bool text_is_emoji(struct str text)
{
    bool any = false;
    int32_t cp;
    while ((cp = utf8_take(&text)) >= 0) {
        if (codepoint_is_pictograph(cp))
            any = true;
        else if (cp != ' ' && cp != '\n' && cp != 0x200D && cp != 0xFE0F && !(cp >= 0xE0020 && cp <= 0xE007F))
            return false; /* keycaps are digits to us (T3), so they end here */
    }
    return any;
}
