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

static const char serve_usage[] =
    "usage: sangkien serve [--hold]\n\n"
    "Receives events and answers them until SIGTERM; SIGHUP reads the settings marked * and the texts again.\n"
    "  --hold  sends nothing: for a restored backup, until `sangkien token release`\n";
static const char migrate_usage[] =
    "usage: sangkien migrate\n\n"
    "Brings the database to this program's schema; what is there already stays as it is.\n";
static const char check_usage[] =
    "usage: sangkien check\n\n"
    "A line for each thing looked at: ok, warn or FAIL, what, why, and what to do.  Changes nothing.  Ends with 0 when nothing FAILs.\n";

/* In the order in which an installation needs them.  Commands with settings are given them loaded. */
static const struct {
    const char *name;
    int (*run)(struct settings *settings, int argc, char **argv);
    bool needs_settings;
    const char *usage;
    const char *help;
} commands[] = {
    {"serve", cmd_serve, true, serve_usage, "receive events and answer them"},
    {"migrate", cmd_migrate, true, migrate_usage, "bring the database to this program's schema"},
    {"check", cmd_check, true, check_usage, "what is wrong with settings, database, token, folders, and how to mend it"},
    {"token", cmd_token, true, token_usage, "Zalo's tokens: store a pair, see when they expire, send again after a restored backup"},
    {"catch-up", cmd_catch_up, true, catch_up_usage, "read conversations back from Zalo after an outage it did not make up for"},
    {"dead", cmd_dead, true, dead_usage, "events that could not be processed: list, retry, drop"},
    {"invite", cmd_invite, true, invite_usage, "a one-time code for a support contact, reviewer, unit admin or organizer"},
    {"role", cmd_role, true, role_usage, "who may do what, ending that, and who did what"},
    {"import", cmd_import, true, import_usage, "a spreadsheet's CSV: the tree of units, waves and targets, initiatives of earlier years"},
    {"units", cmd_units, true, units_usage, "unit names people typed that are not known, and which unit is meant"},
    {"standing", cmd_standing, true, standing_usage, "where the units stand, and why a rank changed"},
    {"broadcast", cmd_broadcast, true, broadcast_usage, "messages to many: create, rehearse, start, watch, ..."},
    {"nudge", cmd_nudge, true, nudge_usage, "automatic reminders: whom they have reached, whom they would reach now"},
    {"review", cmd_review, true, review_usage, "what waits for a verdict as a table, and the table with verdicts back"},
    {"export", cmd_export, true, export_usage, "initiatives, units or tickets as a table"},
    {"similar", cmd_similar, true, similar_usage, "the stored initiatives most like those on stdin"},
    {"read", cmd_read, false, read_usage, "what is understood of the lines on stdin"},
};

static void print_help(FILE *out)
{
    fputs("sangkien registers work-improvement initiatives over a Zalo Official Account.\n\n"
          "usage: sangkien [-c FILE] COMMAND [ARGUMENTS]\n"
          "       sangkien COMMAND --help\n\n", out);
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
    fputs("\n  -c FILE    settings (default " SETTINGS_DEFAULT_PATH " when it is there)\n"
          "  --help     this, and every setting\n"
          "  --version  the version\n", out);
}

static int print_version(void)
{
    puts("sangkien " SANGKIEN_VERSION);
    return EX_OK;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
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
    size_t i = 0;
    while (i < ARRAY_LEN(commands) && strcmp(commands[i].name, name) != 0)
        i++;
    if (i == ARRAY_LEN(commands)) {
        fprintf(stderr, "sangkien: there is no command %s; sangkien --help lists them\n", name);
        return EX_USAGE;
    }
    for (int a = 1; a < argc; a++) {
        if (is_help(argv[a])) {
            fputs(commands[i].usage, stdout);
            return EX_OK;
        }
        if (strcmp(argv[a], "--version") == 0)
            return print_version();
    }
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
            putchar('\n');
            settings_print_help(stdout);
            return EX_OK;
        case 'V':
            return print_version();
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
    if (strcmp(argv[first], "help") == 0) {
        static char help[] = "--help";
        if (first + 1 < argc)
            return run_command(argv[first + 1], 2, (char *[]){argv[first + 1], help, NULL});
        print_help(stdout);
        return EX_OK;
    }
    return run_command(argv[first], argc - first, argv + first);
}
