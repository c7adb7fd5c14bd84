/* The OA API (openapi.zalo.me): admission by rate, token and proof, then the call. */
#ifndef STANDIN_OPENAPI_H
#define STANDIN_OPENAPI_H

#include "call.h"

/** /v2.0/... and /v3.0/... */
void openapi_route(struct call *c);

#endif
