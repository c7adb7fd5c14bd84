/* The command line: one program, a subcommand each. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "app.h"
#include "command/commands.h"
#include "err.h"
#include "log.h"
#include "migrate.h"
#include "settings.h"
#include "version.h"

static int cmd_serve(struct settings *settings, int argc, char **argv);
static int cmd_migrate(struct settings *settings, int argc, char **argv);

static const char *settings_path;

/* Commands with settings are given them loaded; `check` reports on them itself. */
static const struct {
    const char *name;
    int (*run)(struct settings *settings, int argc, char **argv);
    bool needs_settings;
    const char *help;
} commands[] = {
    {"serve", cmd_serve, true, "[--hold]  receive events and answer them (--hold: send nothing)"},
    {"migrate", cmd_migrate, true, "bring the database to this program's schema"},
    {"check", cmd_check, true, "settings, database, token, folders: what is wrong and how to mend it"},
    {"dead", cmd_dead, true, "list | retry KEY|--all | drop KEY|--all  events that could not be processed"},
    {"invite", cmd_invite, true, "support|reviewer|unit_admin|organizer [--unit CODE]  a one-time code for who sends /join CODE"},
    {"role", cmd_role, true, "list | revoke USER [ROLE] [--unit CODE] | log [USER]  who may do what, and who did"},
    {"catch-up", cmd_catch_up, true, "[--hours N]  read conversations back from Zalo after an outage it did not make up for"},
    {"broadcast", cmd_broadcast, true, "create | rehearse | test | start | watch | show | report ...  messages to many; broadcast --help"},
    {"read", cmd_read, false, "amount|intent  read lines on stdin, print what was understood"},
    {"token", cmd_token, true, "set|show|release  store a pair or an authorization code; when it expires; send again after a restored backup"},
    {"similar", cmd_similar, true, "for initiatives on stdin, a JSON object a line: the stored ones most like each"},
    {"import", cmd_import, true, "initiatives|units|campaign FILE  from a spreadsheet's CSV: initiatives of earlier years, the tree of units, waves and targets"},
    {"units", cmd_units, true, "unmatched | match TEXT CODE  unit names people typed that are not known"},
    {"standing", cmd_standing, true, "[--unit CODE] [--wave CODE] [--format text|csv|xlsx|json] [--why | --freeze | --verify]  where the units stand"},
    {"review", cmd_review, true, "export | import FILE  what waits for a verdict as a table, and the table with verdicts back"},
    {"export", cmd_export, true, "initiatives|units|tickets [--format csv|xlsx] [--unit CODE] [--wave CODE] [--top N] ...  a table, to stdout"},
};

static void print_help(FILE *out)
{
    fputs("sangkien registers work-improvement initiatives over a Zalo Official Account.\n\n"
          "usage: sangkien [-c FILE] COMMAND [ARGUMENTS]\n\n", out);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        fprintf(out, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\n  -c FILE     settings (default " SETTINGS_DEFAULT_PATH " when it is there)\n"
          "  --help      this, and every setting\n"
          "  --version   the version\n\nSettings, in the file or as SANGKIEN_SECTION_KEY:\n\n", out);
    settings_print_help(out);
}

static int cmd_serve(struct settings *settings, int argc, char **argv)
{
    bool hold = argc == 2 && strcmp(argv[1], "--hold") == 0;
    if (argc > 1 && !hold) {
        fprintf(stderr, "sangkien serve: unknown argument %s; it knows --hold\n", argv[1]);
        return EX_USAGE;
    }
    return app_serve(settings, settings_path, hold);
}

static int cmd_migrate(struct settings *settings, int argc, char **argv)
{
    struct err e;
    int applied = 0;
    if (argc > 1) {
        fprintf(stderr, "sangkien migrate: unknown argument %s; it takes none\n", argv[1]);
        return EX_USAGE;
    }
    if (!migrate_run(settings->database.url, &applied, &e)) {
        fprintf(stderr, "sangkien migrate: %s\n", e.msg);
        return EX_UNAVAILABLE;
    }
    printf("%d migrations applied\n", applied);
    return EX_OK;
}

static int run_command(const char *name, int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strcmp(commands[i].name, name) != 0)
            continue;
        struct settings settings = {0};
        struct err e;
        if (commands[i].needs_settings) {
            if (!settings_load(settings_path, &settings, &e)) {
                fprintf(stderr, "sangkien %s: %s\n", name, e.msg);
                return EX_CONFIG;
            }
            log_setup((enum log_level)settings.log.level, settings.log.json);
        }
        int code = commands[i].run(&settings, argc, argv);
        settings_free(&settings);
        return code;
    }
    fprintf(stderr, "sangkien: there is no command %s; sangkien --help lists them\n", name);
    return EX_USAGE;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1;) {
        switch (c) {
        case 'c':
            settings_path = optarg;
            break;
        case 'h':
            print_help(stdout);
            return EX_OK;
        case 'V':
            puts("sangkien " SANGKIEN_VERSION);
            return EX_OK;
        default:
            return EX_USAGE;
        }
    }
    if (optind == argc) {
        print_help(stderr);
        return EX_USAGE;
    }
    int first = optind;
    optind = 1; /* for the command's own options */
    return run_command(argv[first], argc - first, argv + first);
}
