/* `sangkien serve`: the parts of a process, wired together; one process, or several workers under supervisor.h. */
#ifndef SANGKIEN_BOT_APP_H
#define SANGKIEN_BOT_APP_H

#include <stdbool.h>

#include "settings.h"

/**
 * Serves until SIGTERM or SIGINT, then finishes what is in hand.
 * @param settings_path for SIGHUP; NULL: none was given.
 * @param hold receive and store, but send nothing (after a restored backup).
 * @return an exit code of sysexits.h.
 */
int app_serve(struct settings *settings, const char *settings_path, bool hold);

#endif
