/* Receipt codes: SK- and six characters without look-alikes, unique by construction, not guessable in order.
 *
 * A number from a sequence block goes through a keyed permutation of 30 bits, so every number gives another code and the
 * next one cannot be told without the key (kept in table installation). */
#ifndef SANGKIEN_BOT_RECEIPT_H
#define SANGKIEN_BOT_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECEIPT_KEY_BYTES = 32, RECEIPT_CODE_BYTES = 10 /* with the NUL */, RECEIPT_BLOCK = 64, RECEIPT_BLOCKS = 16, RECEIPT_CODES = 729000000 };

/** The code of receipt number n (taken modulo RECEIPT_CODES). */
void receipt_code(const unsigned char key[RECEIPT_KEY_BYTES], uint32_t n, char out[RECEIPT_CODE_BYTES]);

/* Codes at hand in this process: numbers of the blocks it drew. */
struct receipt_stock {
    unsigned char key[RECEIPT_KEY_BYTES];
    bool key_known;
    uint64_t next, end;             /* of the block in use */
    uint64_t block[RECEIPT_BLOCKS]; /* drawn, not begun */
    unsigned block_count;
    uint64_t shown_number; /* whose code receipt_stock_peek() has at hand: nearly every turn looks, few spend */
    char shown[RECEIPT_CODE_BYTES];
};

/** How many codes can be given out without drawing; 0 while the key is not known. */
unsigned receipt_stock_left(const struct receipt_stock *s);

/** The next code, not yet spent.  There must be one left. */
void receipt_stock_peek(struct receipt_stock *s, char out[RECEIPT_CODE_BYTES]);

/** Spends the code that receipt_stock_peek() showed. */
void receipt_stock_spend(struct receipt_stock *s);

/** Adds a block drawn from sequence receipt_block. @return false when there is no room. */
bool receipt_stock_add(struct receipt_stock *s, int64_t block);

#endif
