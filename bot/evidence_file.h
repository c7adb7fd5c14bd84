/* Where fetched pictures and files lie: evidence.path/<ab>/<sha256>-<id>, mode 0600, synced before the database names them.
 *
 * The id is part of the name, so the same picture sent by two people is two files, and erasing one person's leaves the
 * other's.  Several nodes share the folder.  A file under way is called tmp-<random>. */
#ifndef SANGKIEN_BOT_EVIDENCE_FILE_H
#define SANGKIEN_BOT_EVIDENCE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <talloc.h>

#include "err.h"
#include "settings.h"

struct event_base;

enum { EVIDENCE_PATH_SIZE = 96, EVIDENCE_TEMPORARY_SIZE = 32 };

/** Opens the folder, making it (0700) when its last part is missing, and removes what a crash left under way.
 *  @return a descriptor, -1 with ERR_SYSTEM. */
int evidence_folder_open(const char *path, struct err *e);

/** Bytes that may still be written there, 0 when that cannot be told. */
int64_t evidence_folder_free(int folder);

/** A new file to write into. @param[out] ret_name  its name in the folder. @return a descriptor, -1 with ERR_SYSTEM. */
int evidence_temporary(int folder, char ret_name[static EVIDENCE_TEMPORARY_SIZE], struct err *e);

/** The name a piece gets, as the database keeps it. */
void evidence_path(const unsigned char sha256[static 32], int64_t id, char ret[static EVIDENCE_PATH_SIZE]);

/** True for what evidence_path() makes; anything else from the database is refused. */
bool evidence_path_is_ours(const char *path);

/** Removes a piece; one that is not there is fine. @return false with ERR_INVALID (not our kind of path) or ERR_SYSTEM. */
bool evidence_remove(int folder, const char *path, struct err *e);

/* Syncing 25 MB to a slow disk takes longer than Zalo waits for a webhook's answer, so a thread does it. */
struct evidence_publication;
typedef void evidence_published_fn(const struct err *e, void *ctx); /* e NULL: in place and synced */

/**
 * Syncs `fd`, moves the temporary file to its path and syncs the folders; then calls back from the loop.
 * Freed by itself before the callback; talloc_free() earlier waits for the disk and calls nobody.
 * @param fd  borrowed until the callback.
 */
struct evidence_publication *evidence_publish(TALLOC_CTX *ctx, struct event_base *base, int folder, int fd, const char *temporary,
                                              const char *path, evidence_published_fn *on_published, void *published_ctx);

/** May this URL be fetched?  https, or an exact host of the list; the host stands in the list (settings.h: allow_hosts). */
bool evidence_url_allowed(const char *url, const struct string_list *hosts, struct err *e);

#endif
