/* Callbacks that outlive their owner: see pending.h. */
#include "pending.h"

#include <stdlib.h>

struct pending {
    void *owner; /* NULL: gone */
    struct pending **slot;
};

static int pending_leaves(struct pending *p)
{
    if (p->owner)
        *p->slot = NULL;
    return 0;
}

struct pending *pending_new(TALLOC_CTX *answerer, void *owner, struct pending **slot)
{
    struct pending *p = talloc(answerer, struct pending);
    if (!p)
        abort(); /* the supervisor restarts; nothing is half done yet */
    *p = (struct pending){.owner = owner, .slot = slot};
    *slot = p;
    talloc_set_destructor(p, pending_leaves);
    return p;
}

void *pending_owner(const struct pending *p)
{
    return p->owner;
}

void *pending_end(struct pending *p)
{
    void *owner = p->owner;
    talloc_free(p);
    return owner;
}

void pending_forget(struct pending **slot)
{
    if (*slot)
        (*slot)->owner = NULL;
    *slot = NULL;
}
