/* The state file: what the stand-in remembers from one start to the next. */
#ifndef STANDIN_STATE_H
#define STANDIN_STATE_H

#include "standin.h"

/** Reads FILE when it exists. @return NULL, or an owned sentence saying why it cannot be used. */
char *state_open(struct standin *s, const char *file);
/** Something has changed: written within a second.  Does nothing without a state file. */
void  state_touch(struct standin *s);
/** Written now, fsynced and renamed: for tokens, whose loss would lock the bot out. */
void  state_save(struct standin *s);
void  state_close(struct standin *s);
/** The directory for uploaded files, beside the state file; NULL without one. */
const char *state_media_dir(const struct standin *s);

#endif
