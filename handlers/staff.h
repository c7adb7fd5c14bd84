/* Staff: who may do what, how their commands are typed, and how somebody becomes one of them.
 *
 * A right is read from the database in the turn that uses it.  For whoever does not hold it the command does not exist: a typed
 * one is text like any other, a tap on its button is an old tap, so nobody can tell by trying what commands there are. */
#ifndef SANGKIEN_HANDLERS_STAFF_H
#define SANGKIEN_HANDLERS_STAFF_H

#include "flow.h"

enum {
    STAFF_BARE = 1 << 0, /* understood without the "/" as well, where no text is asked for */
    STAFF_TEXT = 1 << 1, /* something may stand behind the words: t->typed_rest */
};

/* Adding a command is adding a row, and its line of the menu to messages.vi.yaml. */
struct staff_command {
    const char *words[3]; /* folded, as typed behind a "/"; "#": a number behind that sign, which becomes arg; none: a button only */
    unsigned flags;       /* STAFF_* */
    struct command command;
    enum msg menu;        /* its line in the menu, MSG_NONE: not there */
};

extern const struct staff_command staff_commands[];
extern const size_t staff_command_count;

/** The row of that name, whoever asks; NULL when there is none. */
const struct command *staff_command_named(struct str action);

/** Whether the person holds one of these roles (ROLE_* bits) in any unit.  False also when that has to be loaded first: whoever
 *  acts on the answer returns when t->out->needs is set. */
bool has_role(struct talk *t, unsigned roles);

/** The units in whose subtrees the person holds one of these roles, a list of ids as strings for a job to look below; "0" among them:
 *  everywhere; none: nowhere.  NEED_GRANTS is loaded, as in every command with roles. */
struct cJSON *staff_scope(struct talk *t, unsigned roles);

/** Runs a command if it exists for this person, and records it when it is privileged. @return false when it does not exist;
 *  true with t->out->needs set when that has to be loaded first. */
bool command_run(struct talk *t, const struct command *c, int64_t arg, enum edit_field field);

/** A typed text that is "/join CODE" or a staff command of this person. @return false when it is neither. */
bool staff_text(struct talk *t, const char *text);

/* ---- the record of privileged acts (table audit) ---- */

/** Says more about the command that runs: whom it concerns, a JSON object of ids and our own words.  NULL: nothing to say. */
void audit_more(struct talk *t, const char *about, const char *detail);
/** The command that runs looked at nothing of anybody and changed nothing. */
void audit_none(struct talk *t);
/** A privileged act that is no command: the answer to a question put to staff. */
void audit_add(struct talk *t, const char *action, const char *about, const char *detail);

/* ---- effects ---- */

void cmd_staff_menu(struct talk *t, int64_t arg, enum edit_field field);

#endif
