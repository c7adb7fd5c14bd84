/* What an operator pastes into `sangkien token set`: a pair of tokens, Zalo's JSON, or an authorization code. */
#ifndef SANGKIEN_BOT_TOKEN_INPUT_H
#define SANGKIEN_BOT_TOKEN_INPUT_H

#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "str.h"

struct token_input {
    const char *access, *refresh;     /* both or none */
    int64_t expires_in_s;             /* 0: not said */
    const char *code, *code_verifier; /* verifier NULL: none */
    const char *oa_id, *state;        /* of a pasted callback address; NULL: not there */
};

/** Reads stdin's text. @param[out] ret  either a pair or a code; secrets owned by ctx. @return false with ERR_INVALID. */
bool token_input_read(TALLOC_CTX *ctx, struct str text, struct token_input *ret, struct err *e);

/** Reads one pasted line: a callback address with ?code=, "code=...", or the bare code. */
bool token_input_read_code(TALLOC_CTX *ctx, struct str line, struct token_input *ret, struct err *e);

#endif
