/* Cuts an answer into words, numerals and signs, and names what each can be. */
#include <utf8proc.h>

#include "amount_parts.h"

static bool is_letter(int32_t base)
{
    if (base < 0x80)
        return base >= 'a' && base <= 'z';
    utf8proc_category_t category = utf8proc_category(base);
    return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

static bool is_digit(int32_t base)
{
    return base >= '0' && base <= '9';
}

static uint64_t sign_classes(int32_t sign)
{
    switch (sign) {
    case '%': return W(PERCENT);
    case '$': case 0xA3: case 0xA5: case 0x20AC: case 0x20A9: return W(FOREIGN); /* $ £ ¥ € ₩ */
    case 0x20AB: return W(DONG);                                                 /* ₫ */
    case '*': case 0xD7: return W(TIMES);                                        /* × */
    case 0x2248: return W(HEDGE);                                                /* ≈ */
    case '&': return W(AND);
    default: return 0;
    }
}

/* A numeral with the separators inside it: a dot or comma counts when a digit follows. @return letters used. */
static int take_digits(const struct letter *letters, int n, struct word *word)
{
    int i = 0;
    while (i < n && (is_digit(letters[i].base) ||
                     ((letters[i].base == '.' || letters[i].base == ',') && i + 1 < n && is_digit(letters[i + 1].base))))
        word_add(word, &letters[i++]);
    return i;
}

static int take_token(const struct letter *letters, int n, struct token *token)
{
    int32_t base = letters[0].base;
    if (is_digit(base)) {
        token->kind = TOKEN_DIGITS;
        return take_digits(letters, n, &token->word);
    }
    if (is_letter(base)) {
        token->kind = TOKEN_WORD;
        int i = 0;
        while (i < n && is_letter(letters[i].base))
            word_add(&token->word, &letters[i++]);
        return i;
    }
    token->kind = base == '\n' ? TOKEN_BREAK : TOKEN_SIGN;
    token->sign = base;
    token->can = sign_classes(base);
    return 1;
}

static bool is_all_o(const struct token *token)
{
    if (token->kind != TOKEN_WORD || token->word.marked || token->word.n == 0)
        return false;
    for (size_t i = 0; i < token->word.n; i++)
        if (token->word.fold[i] != 'o')
            return false;
    return true;
}

/* S6: a letter O typed for a zero makes one broken numeral of "5O", "1O0.000" and "O,5". */
static bool joins_letter_o(const struct token *last, const struct token *token)
{
    if (!token->glued)
        return false;
    if (last->kind == TOKEN_DIGITS)
        return is_all_o(token) || (last->broken && token->kind == TOKEN_DIGITS);
    return is_all_o(last) && token->kind == TOKEN_DIGITS;
}

/* m2, cm3: a length with a small digit is one unit.  "2m5" stays apart. */
static bool joins_power(const struct token *last, const struct token *token)
{
    return token->glued && token->kind == TOKEN_DIGITS && token->word.n == 1 &&
           (token->word.fold[0] == '2' || token->word.fold[0] == '3') && last->kind == TOKEN_WORD && !last->word.marked &&
           last->word.n > 0 && last->word.n <= 2 && last->word.fold[last->word.n - 1] == 'm';
}

static bool is_separator(const struct token *token)
{
    return token->kind == TOKEN_SIGN && (token->sign == ',' || token->sign == '.') && token->glued;
}

static void add_token(struct scan *s, const struct token *token)
{
    struct token *last = s->n > 0 ? &s->token[s->n - 1] : NULL;
    if (s->n > 1 && is_separator(last) && token->kind == TOKEN_DIGITS && token->glued && is_all_o(last - 1)) {
        s->n--;
        last--;
    }
    if (s->n == 1 && last->kind == TOKEN_SIGN && (last->sign == ',' || last->sign == '.') &&
        token->kind == TOKEN_DIGITS && token->glued) { /* S6: ",5 tỷ" is no 5 tỷ */
        *last = *token;
        last->broken = true;
        return;
    }
    if (last && joins_letter_o(last, token)) {
        last->kind = TOKEN_DIGITS;
        last->broken = true;
        return;
    }
    if (last && joins_power(last, token)) {
        last->word = (struct word){.n = 2, .fold = "m2"};
        return;
    }
    s->token[s->n++] = *token;
}

/* Names the words; what several words say together becomes one token. */
static void classify(struct scan *s)
{
    int out = 0;
    for (int i = 0; i < s->n;) {
        int used = 1;
        if (s->token[i].kind == TOKEN_WORD) {
            uint64_t classes = 0;
            int8_t digit = -1;
            int words = amount_classify(s, i, &classes, &digit);
            s->token[i].can = classes;
            s->token[i].digit = digit;
            if (words > 1)
                used = words;
        }
        if (out != i)
            s->token[out] = s->token[i];
        out++;
        i += used;
    }
    s->n = out;
}

bool amount_tokens(struct str text, struct scan *ret)
{
    struct letter letters[LETTERS_MAX];
    struct letter_reader reader = {.rest = text};
    int n = 0;
    while (n < LETTERS_MAX && letter_next(&reader, &letters[n]))
        n++;
    if (n == LETTERS_MAX)
        return false;
    ret->n = 0;
    bool blank = true;
    for (int i = 0; i < n;) {
        if (letters[i].base == ' ') {
            blank = true;
            i++;
            continue;
        }
        if (ret->n == TOKENS_MAX)
            return false;
        struct token token = {.glued = !blank, .digit = -1};
        i += take_token(&letters[i], n - i, &token);
        add_token(ret, &token);
        blank = token.kind == TOKEN_BREAK;
    }
    classify(ret);
    ret->token[ret->n] = (struct token){.kind = TOKEN_END};
    return true;
}

bool at_end(const struct scan *s, int i)
{
    if (i >= s->n || s->token[i].kind == TOKEN_BREAK)
        return true;
    if (s->token[i].kind != TOKEN_SIGN)
        return false;
    switch (s->token[i].sign) {
    case '.': case ',': case ';': case ':': case '!': case '?': case ')': case ']': case '"': case '\'':
    case 0x201C: case 0x201D: case 0x2018: case 0x2019: case 0x2026: /* curly quotes, … */
        return true;
    default:
        return false;
    }
}

bool ends_politely(const struct scan *s, int i)
{
    while (can(s, i, W(FILLER)) && !at_end(s, i))
        i++;
    return at_end(s, i);
}

bool is_fold(const struct scan *s, int i, const char *fold)
{
    size_t n = strlen(fold);
    return is_word(s, i) && s->token[i].word.n == n && memcmp(s->token[i].word.fold, fold, n) == 0;
}
