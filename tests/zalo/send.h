/* The send calls of the OA API: what is refused and with which code, the answer, the echo. */
#ifndef STANDIN_SEND_H
#define STANDIN_SEND_H

#include "call.h"

void send_consultation(struct call *c); /* POST /v3.0/oa/message/cs */
void send_template(struct call *c);     /* POST /v3.0/oa/message/template */
void send_v2(struct call *c);           /* POST /v2.0/oa/message: anonymous visitors and reactions */

#endif
