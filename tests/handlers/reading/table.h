/* Reads the tables of tests/data line by line, so that a test can say which line fails. */
#ifndef SANGKIEN_TESTS_HANDLERS_READING_TABLE_H
#define SANGKIEN_TESTS_HANDLERS_READING_TABLE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "str.h"

enum { TABLE_COLUMNS = 4 };

struct table {
    FILE *file;
    char *line;
    size_t room;
    int number; /* of the line read last */
    struct str column[TABLE_COLUMNS];
};

static inline void table_open(struct table *t, const char *path)
{
    *t = (struct table){.file = fopen(path, "r")};
    if (!t->file) {
        fprintf(stderr, "cannot open %s\n", path);
        abort();
    }
}

/** The next line that is neither empty nor, with `comments`, begins with "# ". @return false at the end. */
static inline bool table_next(struct table *t, bool comments)
{
    ssize_t n;
    do {
        n = getline(&t->line, &t->room, t->file);
        if (n < 0)
            return false;
        t->number++;
        if (n > 0 && t->line[n - 1] == '\n')
            t->line[--n] = '\0';
    } while (n == 0 || (comments && strncmp(t->line, "# ", 2) == 0));
    char *at = t->line;
    for (int i = 0; i < TABLE_COLUMNS; i++) {
        char *tab = at ? strchr(at, '\t') : NULL;
        t->column[i] = at ? (struct str){at, tab ? (size_t)(tab - at) : strlen(at)} : STR("");
        at = tab ? tab + 1 : NULL;
    }
    return true;
}

static inline void table_close(struct table *t)
{
    free(t->line);
    fclose(t->file);
}

#endif
