/* `sangkien read amount|intent`: what the bot would understand, a line at a time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <talloc.h>

#include "commands.h"
#include "reading/amount.h"
#include "reading/intent.h"

const char read_usage[] =
    "usage: sangkien read amount < LINES     what is an amount: kind, dong a year (nothing when it must be asked for), as it is said\n"
    "       sangkien read intent < LINES     text, a tab, the question on show (menu, title, description, benefit, confirm, name, similar);\n"
    "                                        the command it is, or content\n";

static void print_amount(TALLOC_CTX *ctx, struct str line)
{
    struct amount a = amount_read(line);
    char annual[24] = "";
    if (a.has_annual)
        snprintf(annual, sizeof(annual), "%lld", (long long)a.annual_vnd);
    printf("%s\t%s\t%s\n", amount_kind_name(a.kind), annual, a.has_annual ? amount_short(ctx, a.annual_vnd) : "");
}

static bool print_intent(struct str line, long number)
{
    const char *tab = line.n ? memrchr(line.p, '\t', line.n) : NULL;
    enum intent_scene scene;
    if (!tab || !intent_scene_named(str_skip(line, (size_t)(tab + 1 - line.p)), &scene)) {
        fprintf(stderr, "sangkien read intent: line %ld: want text<TAB>state, the state one of menu, title, description, benefit, confirm, name, similar\n", number);
        return false;
    }
    puts(intent_name(intent_read((struct str){line.p, (size_t)(tab - line.p)}, scene, false).intent));
    return true;
}

int cmd_read(struct settings *settings, int argc, char **argv)
{
    (void)settings;
    bool amount = argc == 2 && strcmp(argv[1], "amount") == 0, intent = argc == 2 && strcmp(argv[1], "intent") == 0;
    if (!amount && !intent) {
        fputs(read_usage, stderr);
        return EX_USAGE;
    }
    char *buf = NULL;
    size_t room = 0;
    ssize_t n;
    int code = EX_OK;
    for (long number = 1; (n = getline(&buf, &room, stdin)) >= 0; number++) {
        struct str line = {buf, (size_t)n};
        if (line.n && line.p[line.n - 1] == '\n')
            line.n--;
        TALLOC_CTX *ctx = talloc_new(NULL);
        if (amount)
            print_amount(ctx, line);
        else if (!print_intent(line, number))
            code = EX_DATAERR;
        talloc_free(ctx);
    }
    free(buf);
    if (ferror(stdin) || fflush(stdout) != 0) {
        fputs("sangkien read: input or output failed\n", stderr);
        return EX_IOERR;
    }
    return code;
}
