/* Letters taken apart: decoding, the character rules T1, T3 and T5 to T8, and matching by T8a. */
#include "letters.h"

#include <utf8proc.h>

int32_t utf8_take(struct str *rest)
{
    if (rest->n == 0)
        return -1;
    const unsigned char *p = (const unsigned char *)rest->p;
    unsigned char lead = p[0];
    if (lead < 0x80) {
        *rest = str_skip(*rest, 1);
        return lead;
    }
    /* Table 3-7 of the Unicode standard: the second byte carries the limits, the others are 80..BF. */
    size_t more = 0;
    unsigned char lo = 0x80, hi = 0xBF;
    int32_t cp = 0;
    if (lead >= 0xC2 && lead <= 0xDF) {
        more = 1;
        cp = lead & 0x1F;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        more = 2;
        cp = lead & 0x0F;
        lo = lead == 0xE0 ? 0xA0 : 0x80;
        hi = lead == 0xED ? 0x9F : 0xBF;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        more = 3;
        cp = lead & 0x07;
        lo = lead == 0xF0 ? 0x90 : 0x80;
        hi = lead == 0xF4 ? 0x8F : 0xBF;
    }
    size_t used = 1;
    while (used <= more && used < rest->n && p[used] >= lo && p[used] <= hi) {
        cp = cp << 6 | (p[used] & 0x3F);
        used++;
        lo = 0x80;
        hi = 0xBF;
    }
    *rest = str_skip(*rest, used);
    return more > 0 && used == more + 1 ? cp : 0xFFFD;
}

bool codepoint_is_pictograph(int32_t cp)
{
    if (cp < 0xA9)
        return false;
    if (cp >= 0x1F3FB && cp <= 0x1F3FF) /* skin tones are Extend to the break rules, yet pictures when alone */
        return true;
    int bound = utf8proc_get_property(cp)->boundclass;
    return bound == UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC || bound == UTF8PROC_BOUNDCLASS_REGIONAL_INDICATOR;
}

bool codepoint_is_mark(int32_t cp)
{
    if (cp < 0x300)
        return false;
    utf8proc_category_t category = utf8proc_category(cp);
    return category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME;
}

bool codepoint_is_invisible(int32_t cp)
{
    if (cp < 0x20)
        return cp != '\t' && cp != '\n' && cp != '\r' && cp != '\v' && cp != '\f';
    if (cp < 0x7F)
        return false;
    if (cp < 0xA0)
        return cp != 0x85;
    return cp == 0xAD || cp == 0x20E3 || (cp >= 0xFE00 && cp <= 0xFE0F) || (cp >= 0xE0100 && cp <= 0xE01EF) ||
           utf8proc_category(cp) == UTF8PROC_CATEGORY_CF;
}

bool codepoint_is_blank(int32_t cp)
{
    if (cp < 0x7F)
        return cp == ' ' || (cp >= '\t' && cp <= '\r');
    utf8proc_category_t category = utf8proc_category(cp);
    return cp == 0x85 || category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

static void queue_put(struct letter_reader *r, int32_t cp)
{
    if (r->queued < ARRAY_LEN(r->queue))
        r->queue[(r->first + r->queued++) % ARRAY_LEN(r->queue)] = cp;
}

/* T6 and its kin: other shapes of ASCII characters. */
static bool queue_put_ascii_form(struct letter_reader *r, int32_t cp)
{
    if (cp >= 0xFF01 && cp <= 0xFF5E) { /* full width */
        queue_put(r, cp - 0xFEE0);
        return true;
    }
    switch (cp) {
    case 0xBC: case 0xBD: case 0xBE: /* ¼ ½ ¾ */
        queue_put(r, cp == 0xBE ? '3' : '1');
        queue_put(r, '/');
        queue_put(r, cp == 0xBD ? '2' : '4');
        return true;
    case 0xB2: /* m² */
        queue_put(r, '2');
        return true;
    case 0xB3:
        queue_put(r, '3');
        return true;
    case 0x2010: case 0x2011: case 0x2012: case 0x2013: case 0x2014: case 0x2015: case 0x2212: case 0xFE58: case 0xFE63:
        queue_put(r, '-');
        return true;
    case 0x110: case 0x111: /* đ, and the eth that older keyboards type for it */
    case 0xD0: case 0xF0:
        queue_put(r, 'd');
        return true;
    default:
        return false;
    }
}

/* Puts the next visible code point, taken apart, into the queue. @return false at the end. */
static bool queue_fill(struct letter_reader *r)
{
    int32_t cp;
    do {
        cp = utf8_take(&r->rest);
        if (cp < 0)
            return false;
    } while (codepoint_is_invisible(cp));
    if (cp < 0x80) {
        if (cp == '\r') {
            if (r->rest.n > 0 && r->rest.p[0] == '\n')
                r->rest = str_skip(r->rest, 1);
            cp = '\n';
        } else if (cp == '\t' || cp == '\v' || cp == '\f') {
            cp = ' ';
        } else if (cp >= 'A' && cp <= 'Z') {
            cp += 'a' - 'A';
        }
        queue_put(r, cp);
        return true;
    }
    if (queue_put_ascii_form(r, cp)) {
        int32_t *last = &r->queue[(r->first + r->queued - 1) % ARRAY_LEN(r->queue)];
        *last = utf8proc_tolower(*last);
        return true;
    }
    if (cp == 0x85 || cp == 0x2028 || cp == 0x2029) {
        queue_put(r, '\n');
        return true;
    }
    if (codepoint_is_pictograph(cp)) {
        queue_put(r, cp);
        return true;
    }
    utf8proc_int32_t parts[8];
    int last_class = 0;
    /* Letters of mathematical alphabets are what fancy keyboards send for bold text. */
    utf8proc_option_t how = cp >= 0x1D400 && cp <= 0x1D7FF ? UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT : UTF8PROC_DECOMPOSE;
    utf8proc_ssize_t n = utf8proc_decompose_char(cp, parts, ARRAY_LEN(parts), how, &last_class);
    if (n < 1 || n > (utf8proc_ssize_t)ARRAY_LEN(parts)) {
        queue_put(r, cp);
        return true;
    }
    for (utf8proc_ssize_t i = 0; i < n; i++) {
        int32_t part = utf8proc_tolower(parts[i]);
        queue_put(r, part > 0x7F && utf8proc_category(part) == UTF8PROC_CATEGORY_ZS ? ' ' : part);
    }
    return true;
}

static bool queue_peek(struct letter_reader *r, int32_t *ret)
{
    if (r->queued == 0 && !queue_fill(r))
        return false;
    *ret = r->queue[r->first];
    return true;
}

static void queue_drop(struct letter_reader *r)
{
    r->first = (uint8_t)((r->first + 1) % ARRAY_LEN(r->queue));
    r->queued--;
}

static void letter_add_mark(struct letter *letter, int32_t mark)
{
    uint8_t tone = TONE_NONE, shape = SHAPE_NONE;
    switch (mark) {
    case 0x300: tone = TONE_GRAVE; break;
    case 0x301: tone = TONE_ACUTE; break;
    case 0x303: tone = TONE_TILDE; break;
    case 0x309: tone = TONE_HOOK; break;
    case 0x323: tone = TONE_DOT; break;
    case 0x302: shape = SHAPE_CIRCUMFLEX; break;
    case 0x306: shape = SHAPE_BREVE; break;
    case 0x31B: shape = SHAPE_HORN; break;
    default: shape = SHAPE_FOREIGN; break;
    }
    if (tone)
        letter->tone = letter->tone && letter->tone != tone ? TONE_CLASH : tone;
    if (shape)
        letter->shape = letter->shape && letter->shape != shape ? SHAPE_FOREIGN : shape;
}

static bool is_plain(char c)
{
    return c >= ' ' && c <= '~';
}

bool letter_next(struct letter_reader *reader, struct letter *ret)
{
    const struct str rest = reader->rest;
    if (reader->queued == 0 && rest.n > 1 && is_plain(rest.p[0]) && is_plain(rest.p[1])) { /* no mark can follow */
        char c = rest.p[0];
        *ret = (struct letter){.base = c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c};
        reader->rest = (struct str){rest.p + 1, rest.n - 1};
        return true;
    }
    int32_t cp;
    do { /* a mark with no letter before it is dropped with the other marks */
        if (!queue_peek(reader, &cp))
            return false;
        queue_drop(reader);
    } while (codepoint_is_mark(cp));
    *ret = (struct letter){.base = cp};
    if (codepoint_is_pictograph(cp)) {
        ret->base = ' ';
        ret->pictograph = true;
    }
    /* Marks come in any order (T2): the canonical one, tone before shape, or composed with more marks behind. */
    int32_t mark;
    while (queue_peek(reader, &mark) && codepoint_is_mark(mark)) {
        letter_add_mark(ret, mark);
        queue_drop(reader);
    }
    return true;
}

void word_add(struct word *word, const struct letter *letter)
{
    if (word->too_long || word->n == WORD_MAX) {
        word->too_long = true;
        word->n = 0;
        return;
    }
    word->fold[word->n] = letter->base < 0x80 ? (char)letter->base : '\x7f';
    word->shape[word->n] = letter->shape;
    word->n++;
    if (letter->tone)
        word->tone = word->tone && word->tone != letter->tone ? TONE_CLASH : letter->tone;
    if (letter->tone || letter->shape)
        word->marked = true;
}

static bool same_fold(const struct word *a, const struct word *b)
{
    return a->n > 0 && a->n == b->n && memcmp(a->fold, b->fold, a->n) == 0;
}

bool word_is(const struct word *typed, const struct word *known)
{
    return same_fold(typed, known) && typed->tone == known->tone && memcmp(typed->shape, known->shape, typed->n) == 0;
}

bool word_may_be(const struct word *typed, const struct word *known)
{
    if (!same_fold(typed, known))
        return false;
    if (!typed->marked)
        return true;
    if (typed->tone)
        return word_is(typed, known);
    for (size_t i = 0; i < typed->n; i++)
        if (typed->shape[i] && typed->shape[i] != known->shape[i])
            return false;
    return true;
}

uint32_t fold_hash(const char *fold, size_t n)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)fold[i]) * 16777619u;
    return h;
}
