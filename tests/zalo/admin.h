/* The admin side: everything under /_admin/, for tests and for the chat page. */
#ifndef STANDIN_ADMIN_H
#define STANDIN_ADMIN_H

#include "call.h"

void admin_route(struct call *c);
void admin_event(struct call *c); /* POST /_admin/event, in admin_event.c */

#endif
