/* Files: what the OA uploads to attach, and what people send; all are served under /cdn/. */
#ifndef STANDIN_ASSETS_H
#define STANDIN_ASSETS_H

#include "call.h"
#include "standin.h"

struct asset {
    char   *id, *name, *type; /* type: media type, from the name */
    char   *p;
    size_t  n;
    int64_t uploaded_ms;
    enum asset_use { ASSET_MEDIA, ASSET_IMAGE, ASSET_GIF, ASSET_FILE } use; /* MEDIA: sent by a person */
};

struct assets *assets_new(void);
void           assets_free(struct assets *a);
/** Keeps a copy of the bytes. @return the asset, owned by `s`. */
struct asset  *assets_add(struct standin *s, enum asset_use use, const char *name, const void *p, size_t n);
struct asset  *assets_find(const struct standin *s, const char *id);
/** "/cdn/<id>/<name>", owned by the caller. */
char          *asset_path(const struct asset *a);
/** A small picture, voice note or document for tests that bring none; `kind` as in /_admin/event. */
struct asset  *assets_sample(struct standin *s, const char *kind);

void   assets_serve(struct call *c);  /* GET /cdn/... */
void   assets_upload(struct call *c); /* POST /v2.0/oa/upload/image|gif|file */
cJSON *assets_save(const struct standin *s);
void   assets_load(struct standin *s, const cJSON *saved);

#endif
