/* Reads what a worker typed for the benefit of one year, by the rules N, U, S, C, B, R, V, P, F, M, X, Z, L.
 *
 * Integer arithmetic only, no allocation.  The rule ids stand beside the code in amount*.c and in the tests. */
#ifndef SANGKIEN_HANDLERS_READING_AMOUNT_H
#define SANGKIEN_HANDLERS_READING_AMOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <talloc.h>

#include "str.h"

enum amount_kind {
    AMOUNT_EXACT,
    AMOUNT_PER_MONTH,
    AMOUNT_PER_QUARTER,
    AMOUNT_PER_DAY,
    AMOUNT_PER_SHIFT,
    AMOUNT_RANGE,
    AMOUNT_FOREIGN,
    AMOUNT_NONMONETARY,
    AMOUNT_AMBIGUOUS,
    AMOUNT_NONE,
};

/** Why a question has to be asked: picks the sentence (vi-text 3.13). */
enum amount_ask {
    ASK_NOTHING = 0,
    ASK_UNIT,        /* B2, U6: nghìn, triệu or tỷ?  choice[] = the number in each unit */
    ASK_TWO_WAYS,    /* S3, C2, S6: choice[0], choice[1] */
    ASK_YEAR_OR_HALF,/* N8: choice[0] = amount of one year, choice[1] = with the half read as a tail */
    ASK_LOWER_BOUND, /* R2, R3: lo_vnd is proposed */
    ASK_UPPER_BOUND, /* R4: hi_vnd; a figure below it is wanted */
    ASK_VAGUE,       /* V1 */
    ASK_WHOLE_YEAR,  /* P3, P4, X3 */
    ASK_TOTAL,       /* M4 */
    ASK_DAYS,        /* per_day without a count; unit_vnd = per day */
    ASK_SHIFTS,      /* per_shift without a count; unit_vnd = per shift */
    ASK_FOREIGN,
    ASK_ZERO,        /* L1: zero or negative */
    ASK_ODD_SIZE,    /* L2: below 1,000 or above 10^12: ask for the figure again */
    ASK_AGAIN,       /* none, or unreadable: ask again with an example, offer to skip */
};

enum { AMOUNT_CHOICES_MAX = 3 };

struct amount {
    enum amount_kind kind;
    bool has_annual;
    int64_t annual_vnd;   /* đồng for one year, when has_annual */
    int64_t unit_vnd;     /* đồng per month, quarter, day or shift as typed; 0 otherwise */
    int64_t lo_vnd;       /* range: lower bound as typed (not annualised); 0 = none */
    int64_t hi_vnd;       /* range: upper bound as typed, of one year when it is the only bound; 0 = none */
    enum amount_ask ask;
    int64_t choice[AMOUNT_CHOICES_MAX]; /* đồng a year each, for the buttons; 0 = unused */
    bool double_check;    /* L3: the read-back asks a second time, with the amount in words */
};

/** Reads one message of the benefit step.  Never fails: what cannot be read is AMOUNT_NONE or AMOUNT_AMBIGUOUS. */
struct amount amount_read(struct str text);

/** "exact", "per_month", ... as in vi-amounts.tsv. */
const char *amount_kind_name(enum amount_kind kind);

/** 54746 -> "54.746" (dots for thousands, a minus for negatives), without a unit.  Owned by ctx. */
char *amount_digits(TALLOC_CTX *ctx, int64_t vnd);

/** 2350000000 -> "2 tỷ 350 triệu đồng": units that are zero are left out; 0 -> "0 đồng".  Digits only where that would
 *  be read as another sum (C2): 1000000001 -> "1.000.000.001 đồng".  Owned by ctx. */
char *amount_short(TALLOC_CTX *ctx, int64_t vnd);

/** 2350000000 -> "hai tỷ ba trăm năm mươi triệu đồng" (lẻ/linh, mốt, lăm, tư by the usual rules).  Owned by ctx. */
char *amount_words(TALLOC_CTX *ctx, int64_t vnd);

/** Reads the number of days or shifts asked for by ASK_DAYS/ASK_SHIFTS ("300", "22 ngày/tháng" -> 264).
 *  @return false when there is no plain count between 1 and 5000. */
bool amount_read_count(struct str text, int *ret_per_year);

#endif
