/* What the files of the amount reader share: tokens and their classes, numbers, items.  Not for use outside of them.
 *
 *   text -> tokens (amount_token.c, amount_lexicon.c)
 *        -> items: sums, quantities, periods (amount_number.c, amount_span.c)
 *        -> ranges joined, bounds attached (amount_join.c), periods attached (amount_period.c)
 *        -> struct amount by the precedence of 3.12 (amount.c) */
#ifndef SANGKIEN_HANDLERS_READING_AMOUNT_PARTS_H
#define SANGKIEN_HANDLERS_READING_AMOUNT_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "amount.h"
#include "letters.h"
#include "str.h"

/* ---- Tokens --------------------------------------------------------------------------------------------------- */

/* What a word can mean.  One word can mean several things until its neighbours decide (the fold collisions). */
enum word_class {
    W_DIGIT,     /* một ... chín, không; value in token.digit */
    W_ONES,      /* mốt, tư, lăm, nhăm: forms that stand behind tens only (N4) */
    W_TEN,       /* mười */
    W_TENS,      /* mươi */
    W_CHUC,      /* chục */
    W_HUNDRED,   /* trăm */
    W_ODD,       /* linh, lẻ */
    W_HAM,       /* hăm: twenty */
    W_HALF,      /* rưỡi, behind */
    W_HALF_OF,   /* nửa, before */
    W_THOUSAND,
    W_MYRIAD,    /* vạn */
    W_MILLION,
    W_BILLION,
    W_DONG,
    W_FOREIGN,   /* F1 */
    W_NOT_UNIT,  /* U6 */
    W_QUANTITY,  /* U7 */
    W_WORK,      /* U7 nouns that are also what money is spent on: "10 triệu công" stays money */
    W_LITRE,     /* U6 as the last word, else U7 */
    W_PERCENT,
    W_HEDGE,     /* R1 */
    W_VERB,      /* saves, earns, is worth: may stand around a bare number (B3) */
    W_LESS,      /* giảm, rút ngắn: a time behind it is a quantity, not a period */
    W_FILLER,
    W_OVER,      /* R3, directly before */
    W_AT_LEAST,  /* R3, anywhere around */
    W_UNDER,     /* R4, directly before */
    W_AT_MOST,   /* R4, anywhere around */
    W_UPWARDS,   /* R3, behind */
    W_DOWNWARDS, /* R4, behind */
    W_TO,        /* đến, tới */
    W_OR,
    W_FROM,
    W_BETWEEN,
    W_AND,
    W_PLUS,
    W_MINUS,
    W_CHANGE,    /* xuống, còn, lên (M4) */
    W_TIMES,
    W_VAGUE,     /* vài, mấy, dăm, nhiều: before a multiplier (V1) */
    W_ROUNDLY,   /* hàng, cả: before trăm, chục, triệu, tỷ (V1) */
    W_VAGUE_SUM, /* tiền tỷ */
    W_YEAR,
    W_MONTH,
    W_QUARTER,
    W_DAY,
    W_SHIFT,
    W_WEEK,
    W_HOUR,
    W_EVERY,     /* mỗi, từng */
    W_EACH,      /* hàng, hằng: before a period only */
    W_WHOLE,     /* cả */
    W_WITHIN,    /* trong */
    W_ALWAYS,    /* nào cũng */
    W_THIS,      /* này, nay, ngoái, trước, qua */
    W_POINT,     /* đầu, cuối, giữa: "đầu năm" is a date */
    W_TOTAL,     /* M2 */
    W_LOSS,      /* lỗ */
    W_NOT,       /* X1 */
    W_AS_MONEY,  /* bằng tiền, ra tiền, thành tiền */
    W_BENEFIT,   /* X2 */
    W_MONEY,     /* X3: what a percentage can be of */
    W_NOT_SPAN,  /* ra, trình, vị: "quy ra", "quy trình" are no quarter */
    W_COUNT
};
_Static_assert(W_COUNT <= 64, "a set of classes fits in 64 bits");
#define W(name) ((uint64_t)1 << W_##name)
#define W_SCALE (W(THOUSAND) | W(MYRIAD) | W(MILLION) | W(BILLION))

enum token_kind { TOKEN_END, TOKEN_BREAK, TOKEN_SIGN, TOKEN_DIGITS, TOKEN_WORD };

struct token {
    enum token_kind kind;
    bool glued;     /* no blank before it */
    bool broken;    /* digits with a letter O among them (S6) */
    int8_t digit;   /* value of W_DIGIT */
    int32_t sign;   /* TOKEN_SIGN: the character */
    uint64_t can;   /* classes the word may have by T8a; 0 for an unknown word */
    struct word word; /* letters, or the digits with their separators */
};

enum { TOKENS_MAX = 400, LETTERS_MAX = 2400, ITEMS_MAX = 64 };

struct scan {
    int n;
    struct token token[TOKENS_MAX + 1]; /* token[n] is TOKEN_END */
};

/** @return false when the text has more letters or words than an answer can have. */
bool amount_tokens(struct str text, struct scan *ret);

/** Classes of the words beginning at token `i`. @return how many tokens they take up, 0 when unknown. */
int amount_classify(const struct scan *s, int i, uint64_t *ret_can, int8_t *ret_digit);

static inline bool can(const struct scan *s, int i, uint64_t classes)
{
    return i >= 0 && i < s->n && (s->token[i].can & classes);
}

static inline bool is_sign(const struct scan *s, int i, int32_t sign)
{
    return i >= 0 && i < s->n && s->token[i].kind == TOKEN_SIGN && s->token[i].sign == sign;
}

static inline bool is_word(const struct scan *s, int i)
{
    return i >= 0 && i < s->n && s->token[i].kind == TOKEN_WORD;
}

static inline bool is_digits(const struct scan *s, int i)
{
    return i >= 0 && i < s->n && s->token[i].kind == TOKEN_DIGITS;
}

/** True where a sentence or the message ends: nothing, a line break, closing punctuation. */
bool at_end(const struct scan *s, int i);

/** The same, with "ạ" or another word of politeness before the end. */
bool ends_politely(const struct scan *s, int i);

/** The folded letters of token `i` are exactly `fold`. */
bool is_fold(const struct scan *s, int i, const char *fold);

/* ---- Numbers -------------------------------------------------------------------------------------------------- */

enum number_form {
    NUMBER_PLAIN,
    NUMBER_DECIMAL,
    NUMBER_THREE,   /* one separator and three digits (S3); n is the grouped reading, n / 1000 the decimal one */
    NUMBER_GROUPED,
    NUMBER_CENTS,   /* grouped, with a decimal part: only a đồng amount (S4) */
    NUMBER_BROKEN,  /* S6, or too long */
    NUMBER_VAGUE,   /* hai mươi mấy (V1) */
    NUMBER_TWO_WAYS /* ba sáu triệu: 36 or 3 to 6 */
};

struct number {
    int64_t n, den;   /* the value is n / den */
    int64_t hi;       /* N7: a range n to hi; else 0 */
    enum number_form form;
    char separator;   /* of NUMBER_THREE */
    bool words;       /* written in words, at least the last part */
    int tens;         /* 10 or 100 when the last word is chục or trăm: "3-4 chục triệu" */
    int digits;       /* as a tail (C2): 1, 2 or 3 digits said or written */
};

enum bound { BOUND_NONE, BOUND_LOWER, BOUND_UPPER };

enum span { SPAN_NONE, SPAN_YEAR, SPAN_MONTH, SPAN_QUARTER, SPAN_DAY, SPAN_SHIFT, SPAN_OTHER /* P3 */, SPAN_NAMED /* P3 */,
            SPAN_PIECE /* P4 */, SPAN_CLASH /* two that contradict */ };

enum item_kind {
    ITEM_NOTHING,  /* a date, a phone number */
    ITEM_MONEY,
    ITEM_BARE,     /* a number with neither unit nor currency (B2) */
    ITEM_FOREIGN,
    ITEM_QUANTITY, /* U7 */
    ITEM_PERCENT,
    ITEM_NOT_UNIT, /* U6 */
    ITEM_PERIOD,
    ITEM_TIMES_SPAN, /* a number of days, shifts, months ... */
};

struct item {
    enum item_kind kind;
    int from, to;          /* tokens [from, to); a period right behind a sum belongs to it once attached */
    int sum_to;            /* ITEM_MONEY: the end without that period */
    struct number number;  /* the first one */
    int64_t unit;          /* ITEM_MONEY: đồng that `number` counts */
    int64_t lo, hi;        /* ITEM_MONEY: đồng; hi 0: a single amount.  ITEM_BARE: hi 1: two bounds */
    enum amount_ask ask;   /* more than one reading, or none: the whole message is ambiguous */
    int64_t choice[AMOUNT_CHOICES_MAX];
    enum bound bound;
    bool total;            /* M2 */
    bool bare_million;     /* B1 */
    enum span span;        /* ITEM_PERIOD, ITEM_TIMES_SPAN; of ITEM_MONEY once attached */
    bool slash;            /* ITEM_PERIOD: "/tháng" */
    bool calendar;         /* ITEM_PERIOD: năm 2022, cả năm, trong năm: the frame, seldom the rate */
    bool alone;            /* ITEM_PERIOD: the word without mỗi, một, / ... */
    enum span lead, trail; /* ITEM_MONEY: periods before and behind it.  ITEM_TIMES_SPAN: lead is its period (P5) */
    bool lead_weak;        /* a quantity stands between the leading period and the sum */
};

/** Reads the number at token `i`, without its unit. @return the token behind it, -1 when there is none. */
int number_read(const struct scan *s, int i, struct number *ret);

/** U1 to U3. @return the multiplier of the word at `i`, 0 when it is none. */
int64_t scale_at(const struct scan *s, int i);

/** "mỗi ca", "1 ca": the ca at `i` is a shift, and not the cả of "cả năm" without its accent. */
bool is_one_shift(const struct scan *s, int i);

/** True when năm at `i` is the digit five, false when it is the year (N8). */
bool is_five(const struct scan *s, int i);

/** N8: năm behind a sum with nothing else to come: the year, or the half of "hai triệu năm". */
bool is_year_at_end(const struct scan *s, int i);

/** "năm ba", "năm bảy" before a multiplier: several (V1); "năm năm": five a year, or fifty-five. */
bool is_several(const struct scan *s, int i);

/** The digit word at `i` where a number goes on, or -1. */
int digit_inside(const struct scan *s, int i);

/** `number` of `unit` đồng, halves rounded up (S4). @return false with an overflow. */
bool number_in(const struct number *number, int64_t unit, int64_t *ret);

/** S3: whether `number` has two readings before this unit. */
bool number_is_split(const struct number *number, int64_t unit);

/** Reads a sum, a bare number, a quantity ... at token `i`. @return the token behind it, -1 when there is none. */
int sum_read(const struct scan *s, int i, struct item *ret);

/** Reads a period, a number of periods or a date at token `i`. @return the token behind it, -1 when there is none. */
int span_read(const struct scan *s, int i, struct item *ret);

/** The period named by the word at `i`; SPAN_NONE when it is none. */
enum span span_at(const struct scan *s, int i);

/** B4: a phone number or a date at token `i`. @return the token behind it, -1 when there is none. */
int date_or_phone_read(const struct scan *s, int i);

/** Notes that the item has more than one reading; a first fault is not replaced by a later one. */
void item_ask(struct item *it, enum amount_ask why, int64_t a, int64_t b);

/** Puts choice[] in order: those a person can mean, 1,000 to 10^12 đồng, first. */
void choices_tidy(int64_t choice[AMOUNT_CHOICES_MAX]);

enum { AMOUNT_MIN_VND = 1000 };             /* L2 */
#define AMOUNT_MAX_VND INT64_C(1000000000000) /* L2 */

/* ---- Joining -------------------------------------------------------------------------------------------------- */

/** The items of a message, in order. */
struct items {
    int n;
    struct item item[ITEMS_MAX];
};

static inline bool is_value(const struct item *it)
{
    return it->kind == ITEM_MONEY || it->kind == ITEM_BARE;
}

enum gap { GAP_NONE, GAP_WORDS, GAP_CLAUSE };

/** What lies between two tokens: at most hedges and politeness, other words, or the end of a clause. */
enum gap gap_between(const struct scan *s, int from, int to);

/** R2, N7: two bounds become one item; numbers that belong to a quantity go away. */
void ranges_join(const struct scan *s, struct items *items);

/** P1 to P4: gives each sum its period. */
void spans_attach(const struct scan *s, struct items *items);

/** R3, R4, L1, M2: what stands before and behind each sum. */
void bounds_attach(const struct scan *s, struct items *items);

#endif
