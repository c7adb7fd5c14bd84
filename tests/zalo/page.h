/* The chat page's files, built in or read from a directory while somebody works on them. */
#ifndef STANDIN_PAGE_H
#define STANDIN_PAGE_H

#include "call.h"

void page_serve(struct call *c);

#endif
