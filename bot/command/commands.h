/* The subcommands: each takes its own arguments (argv[0] is its name) and gives an exit code of sysexits.h.
 *
 * Results go to stdout, what went wrong to stderr: what, why, what to do. */
#ifndef SANGKIEN_BOT_COMMANDS_H
#define SANGKIEN_BOT_COMMANDS_H

struct settings;

/* How each is called, for --help and for who called it wrongly. */
extern const char broadcast_usage[], catch_up_usage[], dead_usage[], export_usage[], import_usage[], invite_usage[], nudge_usage[], read_usage[], review_usage[],
    role_usage[], similar_usage[], standing_usage[], token_usage[], units_usage[];

/** One line per thing looked at: `ok|warn|FAIL  what: why; what to do`.  Changes nothing. The first FAIL gives the exit code. */
int cmd_check(struct settings *s, int argc, char **argv);

/** `token set`: a pair or an authorization code from stdin, or by way of the consent page; `token show`: never the tokens. */
int cmd_token(struct settings *s, int argc, char **argv);

/** `nudge list|preview`: whom the automatic reminders have reached, and whom they would reach now. */
int cmd_nudge(struct settings *s, int argc, char **argv);

/** `export initiatives|units|tickets [--format csv|xlsx] [filters]` to stdout, in constant memory. */
int cmd_export(struct settings *s, int argc, char **argv);

/** `review export|import`: verdicts by spreadsheet, all or nothing. */
int cmd_review(struct settings *s, int argc, char **argv);

/** `dead list|retry|drop`: events that could not be processed; shows ids, times and errors, nobody's words. */
int cmd_dead(struct settings *s, int argc, char **argv);

/** `catch-up [--hours N]`: has a running server read back what Zalo did not send again, and waits for its figures. */
int cmd_catch_up(struct settings *s, int argc, char **argv);

/** `read amount|intent`: lines of stdin to tab-separated values. Needs no settings. */
int cmd_read(struct settings *s, int argc, char **argv);

/** `similar`: JSON objects on stdin, for each the stored initiatives most like it as `code<TAB>score<TAB>title`. */
int cmd_similar(struct settings *s, int argc, char **argv);

/** `import initiatives|units|campaign FILE`: all or nothing; what is refused is listed by line. */
int cmd_import(struct settings *s, int argc, char **argv);

/** `units unmatched | match TEXT CODE`: names people typed that lead to no unit. */
int cmd_units(struct settings *s, int argc, char **argv);

/** `standing [--unit CODE] [--wave CODE] [--format ...]`: where the units stand; `--freeze`, `--verify`, `--rows` of a wave that ended. */
int cmd_standing(struct settings *s, int argc, char **argv);

/** `invite ROLE [--unit CODE]`: prints a one-time code; who sends "/join CODE" to the OA gets the role. */
int cmd_invite(struct settings *s, int argc, char **argv);

/** `role list|revoke|log`: who holds which role, ending one, the record of privileged acts. */
int cmd_role(struct settings *s, int argc, char **argv);

/** `broadcast create|rehearse|test|start|confirm|pause|resume|cancel|retry-failed|list|show|watch|report`: messages to many. */
int cmd_broadcast(struct settings *s, int argc, char **argv);

#endif
