/* What `sangkien import` takes: one function per kind of file, given it open and the database connected. */
#ifndef SANGKIEN_BOT_COMMANDS_IMPORT_H
#define SANGKIEN_BOT_COMMANDS_IMPORT_H

#include <stdio.h>

#include "command/command.h"

/* Each returns an exit code of sysexits.h, having said what it did or what is wrong, by line. */
int import_units(struct command *c, FILE *in, const char *name);
int import_campaign(struct command *c, FILE *in, const char *name);

#endif
