/* A scratch folder for one test, and settings that name it. */
#ifndef SANGKIEN_TESTS_BOT_FOLDER_H
#define SANGKIEN_TESTS_BOT_FOLDER_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "settings.h"
#include "str.h"

struct folder {
    char path[64];
    struct settings settings; /* spool.path and evidence.path are the folder */
};

static inline void folder_make(struct folder *f)
{
    snprintf(f->path, sizeof(f->path), "/tmp/sangkien-test-XXXXXX");
    if (!mkdtemp(f->path) ||
        !settings_load_text("test", STR("zalo:\n  app_id: \"42\"\n  app_secret: app-secret\n  oa_id: \"4711\"\n"), false, &f->settings, NULL))
        abort();
    f->settings.spool.path = f->path;
    f->settings.evidence.path = f->path;
}

static inline int folder_remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static inline void folder_remove(struct folder *f)
{
    nftw(f->path, folder_remove_one, 8, FTW_DEPTH | FTW_PHYS);
    settings_free(&f->settings);
}

#endif
