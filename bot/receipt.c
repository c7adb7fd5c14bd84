/* Receipt codes: see receipt.h. */
#include "receipt.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum { HALF_BITS = 15, HALF_MASK = (1 << HALF_BITS) - 1, ROUNDS = 6 };

/* No 0 and O, no 1, I and L, no U and V side by side: what is read aloud or copied from paper stays itself. */
static const char alphabet[] = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
enum { LETTERS = sizeof(alphabet) - 1, CODES = LETTERS * LETTERS * LETTERS * LETTERS * LETTERS * LETTERS };
_Static_assert((int)CODES == (int)RECEIPT_CODES, "six characters");

/* The round function of a Feistel network: 15 bits of SHA-256 over key, round and half. */
static uint32_t mix(const unsigned char *key, unsigned char round, uint32_t half)
{
    unsigned char in[RECEIPT_KEY_BYTES + 3], md[EVP_MAX_MD_SIZE];
    memcpy(in, key, RECEIPT_KEY_BYTES);
    in[RECEIPT_KEY_BYTES] = round;
    in[RECEIPT_KEY_BYTES + 1] = (unsigned char)(half >> 8);
    in[RECEIPT_KEY_BYTES + 2] = (unsigned char)half;
    if (EVP_Digest(in, sizeof(in), md, NULL, EVP_sha256(), NULL) != 1)
        abort(); /* a wrong code would be handed out */
    return ((uint32_t)md[0] << 8 | md[1]) & HALF_MASK;
}

static uint32_t permute(const unsigned char *key, uint32_t n)
{
    uint32_t left = n >> HALF_BITS & HALF_MASK, right = n & HALF_MASK;
    for (int round = 0; round < ROUNDS; round++) {
        uint32_t next = left ^ mix(key, (unsigned char)round, right);
        left = right;
        right = next;
    }
    return left << HALF_BITS | right;
}

void receipt_code(const unsigned char key[RECEIPT_KEY_BYTES], uint32_t n, char out[RECEIPT_CODE_BYTES])
{
    uint32_t v = n % CODES;
    do /* walk the cycle until it is back among the codes: still a permutation of them */
        v = permute(key, v);
    while (v >= CODES);
    memcpy(out, "SK-", 3);
    for (int i = 8; i >= 3; i--, v /= LETTERS)
        out[i] = alphabet[v % LETTERS];
    out[9] = '\0';
}

unsigned receipt_stock_left(const struct receipt_stock *s)
{
    return s->key_known ? (unsigned)(s->end - s->next) + s->block_count * RECEIPT_BLOCK : 0;
}

static uint64_t next_number(const struct receipt_stock *s)
{
    return s->next < s->end ? s->next : s->block[0] * RECEIPT_BLOCK;
}

void receipt_stock_peek(struct receipt_stock *s, char out[RECEIPT_CODE_BYTES])
{
    uint64_t n = next_number(s);
    if (!s->shown[0] || s->shown_number != n) {
        receipt_code(s->key, (uint32_t)(n % CODES), s->shown);
        s->shown_number = n;
    }
    memcpy(out, s->shown, RECEIPT_CODE_BYTES);
}

void receipt_stock_spend(struct receipt_stock *s)
{
    if (s->next == s->end) {
        s->next = s->block[0] * RECEIPT_BLOCK;
        s->end = s->next + RECEIPT_BLOCK;
        memmove(s->block, s->block + 1, sizeof(s->block[0]) * --s->block_count);
    }
    s->next++;
}

bool receipt_stock_add(struct receipt_stock *s, int64_t block)
{
    if (s->block_count == RECEIPT_BLOCKS)
        return false;
    s->block[s->block_count++] = (uint64_t)block;
    return true;
}
