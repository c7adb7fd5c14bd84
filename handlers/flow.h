/* The conversation as a table: states, answers, commands, and what the files of one conversation each share.
 *
 * flow.c holds the tables, dialogue.c runs them; register.c, benefit.c, profile.c, ... hold the readers and effects the
 * tables name.  A reader turns a text into a field of the dialog plus an answer; an effect is what happens on the way
 * to the next state; an asker puts the question of a state where a plain prompt will not do. */
#ifndef SANGKIEN_HANDLERS_FLOW_H
#define SANGKIEN_HANDLERS_FLOW_H

#include "draft.h"
#include "reading/intent.h"
#include "messages.h"
#include "turn.h"

struct cJSON;

/* What is true in a state stands beside its row in flow.c.  Stored by name, so the order may change. */
enum state {
    ST_NONE = 0,
    ST_MENU,
    ST_CONSENT,
    ST_NAME,
    ST_UNIT,
    ST_UNIT_PICK,
    ST_UNIT_UNKNOWN,
    ST_OFFER_TITLE,
    ST_DRAFT_CHOICE,
    ST_DRAFTS,
    ST_TITLE,
    ST_DESCRIPTION,
    ST_BENEFIT,
    ST_BENEFIT_CHOICE,
    ST_BENEFIT_COUNT,
    ST_BENEFIT_RANGE,
    ST_BENEFIT_ZERO,
    ST_BENEFIT_GAIN,
    ST_BENEFIT_WORDS,
    ST_BENEFIT_LATER,
    ST_BENEFIT_STUCK,
    ST_BENEFIT_ECHO,
    ST_BENEFIT_SURE,
    ST_SIMILAR,
    ST_SIMILAR_WHICH,
    ST_SIMILAR_SAME,
    ST_SIMILAR_TOGETHER,
    ST_CONFIRM,
    ST_EDIT_MENU,
    ST_DELETE_DRAFT,
    ST_SUBMITTED,
    ST_KIND,
    ST_APPLIED_ON,
    ST_COAUTHORS,
    ST_COAUTHORS_CHECK,
    ST_CONFIDENTIAL,
    ST_LIST,
    ST_DETAIL,
    ST_WITHDRAW,
    ST_HUMAN_NOTE,
    ST_ERASE,
    ST_APPEAL,
    ST_REVIEW,
    ST_REVIEW_OTHER,
    ST_REVIEW_FIELD,
    ST_REVIEW_REASON,
    ST_REVIEW_DUPLICATE,
    ST_REVIEW_BENEFIT,
    ST_REVIEW_LEVEL,
    ST_REVIEW_DATE,
    ST_ANSWERING,
    ST_WHOM,
    ST_CANNED_NAME,
    ST_BROADCAST_WHOM,
    ST_BROADCAST_TEXT,
    ST_BROADCAST_WHEN,
    ST_BROADCAST_TEMPLATE,
    ST_TARGET_UNIT,
    ST_TARGET_NUMBER,
    ST_PLAN_WAVE,
    ST_WAVE_NAME,
    ST_WAVE_DAYS,
    ST_PLAN_CARD,
    ST_CAMPAIGN_NAME,
    ST_COUNT,
    /* Destinations that are worked out when they are reached. */
    ST_STAY,   /* the effect has said all there is to say */
    ST_ASK,    /* same state, its question again */
    ST_ONWARD, /* the first thing the registration still lacks */
    ST_RETURN, /* the question that was interrupted, or the menu */
};

/* Answers, also as actions of buttons in messages.vi.yaml. */
/* Those without a word come from readers only: no button, genuine or forged, can give them. */
#define ANSWERS(X)                                                                                                      \
    X(UNCLEAR, "") /* not understood: the state is kept, the ladder of miss() answers */                                \
    X(HANDLED, "") /* the reader has answered already */                                                                \
    X(OK, "")                                                                                                           \
    X(AMOUNT, "")    /* an amount to read back */                                                                       \
    X(WHICH, "")     /* an amount with several readings */                                                              \
    X(HOW_MANY, "")  /* an amount per day or shift */                                                                   \
    X(RANGE, "")     /* a lower bound to propose */                                                                     \
    X(ZERO, "")                                                                                                         \
    X(IN_WORDS, "")  /* a benefit that is not money */                                                                  \
    X(SAY_AGAIN, "") /* a figure is needed; t->next_question asks for it */                                             \
    X(STUCK, "")     /* asked often enough */                                                                           \
    X(LIST, "")      /* several to choose from */                                                                       \
    X(NONE_FOUND, "")                                                                                                   \
    X(YES, "yes")                                                                                                       \
    X(NO, "no")                                                                                                         \
    X(EDIT, "edit")                                                                                                     \
    X(CANCEL, "cancel")                                                                                                 \
    X(BACK, "back")                                                                                                     \
    X(SKIP, "skip")                                                                                                     \
    X(KEEP, "keep")                                                                                                     \
    X(DONE, "done")                                                                                                     \
    X(RESET, "reset")                                                                                                   \
    X(RETRY, "retry")                                                                                                   \
    X(OTHER, "other")                                                                                                   \
    X(MORE, "more")                                                                                                     \
    X(UNKNOWN, "unknown")                                                                                               \
    X(NONMONETARY, "nonmonetary")                                                                                       \
    X(DELETE_DRAFT, "delete_draft")                                                                                     \
    X(RESUME, "resume")                                                                                                 \
    X(WITHDRAW, "withdraw")                                                                                             \
    X(V1, "v1")                                                                                                         \
    X(V2, "v2")                                                                                                         \
    X(V3, "v3")                                                                                                         \
    X(D300, "d300")                                                                                                     \
    X(D264, "d264")                                                                                                     \
    X(DIFFERENT, "different")                                                                                           \
    X(SAME, "same")                                                                                                     \
    X(TOGETHER, "together")                                                                                             \
    X(AGAIN, "again")                                                                                                   \
    X(EDIT_TITLE, "edit_title")                                                                                         \
    X(EDIT_DESCRIPTION, "edit_desc")                                                                                    \
    X(EDIT_BENEFIT, "edit_benefit")                                                                                     \
    X(EDIT_UNIT, "edit_unit")                                                                                           \
    X(TECHNICAL, "technical")                                                                                           \
    X(MANAGEMENT, "management")                                                                                         \
    X(OPERATIONAL, "operational")                                                                                       \
    X(TECH_APPLICATION, "tech_application")                                                                             \
    X(VALID, "valid")                                                                                                   \
    X(RETURNED, "returned")                                                                                             \
    X(DUPLICATE, "duplicate")                                                                                           \
    X(REFUSED, "refused")                                                                                               \
    X(RECOGNISE, "recognise")                                                                                           \
    X(REOPEN, "reopen")                                                                                                 \
    X(SOCIAL, "social")                                                                                                 \
    X(FULL, "full")                                                                                                     \
    X(TODAY, "today")                                                                                                  \
    X(NOT_YET, "not_yet")                                                                                              \
    X(DRAFTING, "drafting")                                                                                            \
    X(SENT_BACK, "sent_back")                                                                                          \
    X(QUIET, "quiet")                                                                                                  \
    X(EVERYBODY, "everybody")

enum answer {
#define ANSWER_ENUM(name, word) ANS_##name,
    ANSWERS(ANSWER_ENUM)
#undef ANSWER_ENUM
        ANS_COUNT
};

/* One turn at work: children of ctx, thrown away with it. */
struct talk {
    TALLOC_CTX *ctx;
    const struct turn_input *in;
    struct turn_output *out;
    struct dialog *d;
    enum state state;
    struct person person; /* working copy; person_changed() makes it count */
    enum answer answer;   /* the one being acted on, for effects that serve several */
    const char *lead;     /* goes in front of the next question, in the same message */
    enum msg lead_msg;
    const struct message_arg *lead_args;
    size_t lead_arg_count;
    bool collected;       /* the next reply waits for a quiet moment and may be replaced */
    bool spoke;
    bool tapped;          /* a button was pressed, just now */
    const struct initiative *receipt; /* what this turn filed */
    enum msg next_question; /* the state entered next asks this instead of its own prompt */
    struct reply **reply_tail;
    const char *action;     /* name of the command that runs */
    const char *typed_rest; /* what stands behind the words of a typed staff command, as written; NULL: nothing, or a button */
    char *note;
};

enum {
    F_NUMBERS = 1 << 0,   /* a digit chooses a button of the question */
    F_COLLECTS = 1 << 1,  /* several messages make one answer */
    F_SKIPPABLE = 1 << 2, /* "bỏ qua" is fine; the row says where it leads */
    F_DRAFT = 1 << 3,     /* a step of the registration */
    F_FIELD = 1 << 4,     /* asks for a field of the draft or of the initiative being edited */
    F_EXCURSION = 1 << 5, /* entered from a question that is asked again afterwards */
    F_AMOUNTS = 1 << 6,   /* a readable amount is an answer, whatever other words stand around it */
    F_IDLE = 1 << 7,      /* nothing is being asked: nothing to restate */
    F_PUBLIC = 1 << 8,    /* may be entered before consent */
    F_SUDDEN = 1 << 10,   /* may come up by itself: a number typed before it was on show meant another list */
    F_RELAYS = 1 << 9,    /* whatever is sent is for somebody else; only buttons, "/" and "#" are for the bot */
};

enum { MOVES_MAX = 8 };

struct move {
    enum answer on;
    enum state to;
    enum state (*does)(struct talk *t); /* may be NULL; anything but ST_NONE replaces `to` */
};

struct step {
    const char *name; /* as stored in conversation.state */
    enum msg prompt;  /* what the bot asks; with `ask` it is the usual one of several */
    void (*ask)(struct talk *t);
    enum intent_scene scene;
    unsigned flags;
    enum answer (*read)(struct talk *t, const char *text);
    enum msg unclear; /* first miss: what is expected, with an example */
    enum msg help;    /* "hướng dẫn" in this state */
    enum state back;  /* "quay lại"; ST_NONE: nothing lies before */
    struct move then[MOVES_MAX];
    const struct move *also; /* moves shared by several states, ended by an empty one */
    unsigned roles;          /* ROLE_*: who holds none of them any more is back in the menu; 0: for everybody */
};

extern const struct step flow[ST_COUNT];

const char *state_name(enum state s);
enum state state_named(const char *name);   /* ST_NONE when unknown or NULL */
enum answer answer_named(const char *name); /* ANS_UNCLEAR when unknown */

/* Commands are understood in every state.  `arg` is the number behind the command in a payload
 * ("view.123"), 0 when there is none: untrusted, whatever it names is checked to be the person's own. */
struct command {
    const char *action;
    bool always; /* its button works for ever, in whatever state: payload #b1:*:action */
    void (*does)(struct talk *t, int64_t arg, enum edit_field field);
    unsigned roles; /* ROLE_*: who holds none of them finds no such command; 0: for everybody */
};

extern const struct command commands[];
extern const size_t command_count;
/** The row of that name here or among the staff's (staff.h), whoever asks. */
const struct command *command_named(struct str action);

/* ---- dialogue.c: moving about ---- */

/** Enters a state and asks its question.  The one place where the state changes. */
void go(struct talk *t, enum state to);
/** Puts the question of the present state (again). */
void ask_state(struct talk *t);
/** As go(), or with ST_ASK restate(), but while a person has the conversation nothing is asked. */
void go_on(struct talk *t, enum state to);
/** After an aside: asks again what was pending; says nothing where nothing is. */
void restate(struct talk *t);
/** Whether the question on show waits for an answer. */
bool pending(const struct talk *t);
/** An answer that was not understood: expectation, then choices, then a person. */
void miss(struct talk *t);
void old_tap(struct talk *t);
/** "#b", a version, ":": what a button sends, of this version or another. */
bool is_payload(const char *text);
/** What a text names in the numbered list on show (d->choice), by its number or its words: the id, 0 when nothing. */
int64_t choice_named(struct talk *t, const char *text);
bool consented(const struct talk *t);
bool need(struct talk *t, unsigned what); /* turn_need() for this turn */
void person_changed(struct talk *t);

/* ---- the conversations ---- */

/* profile.c: consent, name, unit */
void ask_consent(struct talk *t);
void ask_name(struct talk *t);
void ask_unit(struct talk *t);
void ask_unit_pick(struct talk *t);
void ask_unit_unknown(struct talk *t);
enum answer read_name(struct talk *t, const char *text);
/** A unit's name as typed: ANS_OK with the one it is in *ret, ANS_LIST with those like it as the choices, ANS_NONE_FOUND. */
enum answer read_unit_name(struct talk *t, const char *text, const struct unit_match **ret);
enum answer read_unit(struct talk *t, const char *text);
enum answer read_unit_pick(struct talk *t, const char *text);
enum state consent_given(struct talk *t);
enum state consent_refused(struct talk *t);
enum state unit_as_typed(struct talk *t);
/** Consent first: remembers the command's name, asks.  @return true when consent is there already. */
bool consent_first(struct talk *t, const char *wanted);

/* register.c: title, description, summary, submission, parked drafts */
void start_draft(struct talk *t);
void ask_title(struct talk *t);
void ask_description(struct talk *t);
void ask_confirm(struct talk *t);
void ask_draft_choice(struct talk *t);
void ask_delete_draft(struct talk *t);
void ask_offer_title(struct talk *t);
void ask_submitted(struct talk *t);
enum answer read_title(struct talk *t, const char *text);
enum answer read_description(struct talk *t, const char *text);
enum answer read_confirm(struct talk *t, const char *text);
enum answer read_offer_title(struct talk *t, const char *text);
enum state field_taken(struct talk *t);
enum state field_kept(struct talk *t);
enum state description_done(struct talk *t);
enum state description_reset(struct talk *t);
enum state description_back(struct talk *t);
enum state submit(struct talk *t);
enum state edit_field_of(struct talk *t);
enum state draft_deleted(struct talk *t);
enum state draft_kept(struct talk *t);
enum state offered_title_taken(struct talk *t);
enum state offered_title_refused(struct talk *t);
/** True when the message belongs to the title given a moment ago (typed before the next question arrived). */
bool title_continues(const struct talk *t);
void leave_edit(struct talk *t);
void cmd_register(struct talk *t, int64_t arg, enum edit_field field);
void cmd_edit(struct talk *t, int64_t arg, enum edit_field field);
void cmd_cancel(struct talk *t, int64_t arg, enum edit_field field);
void cmd_delete_draft(struct talk *t, int64_t arg, enum edit_field field);
void go_edit(struct talk *t, enum edit_field field);

/* parked.c: more than one draft */
bool park_active(struct talk *t); /* false: not yet loaded, or five are parked and the list is on show */
/** Swaps the active draft for a parked one; NEED_DRAFTS is loaded. @return false when there is none of that id. */
bool draft_take_up(struct talk *t, int64_t id);
void cmd_drafts(struct talk *t, int64_t arg, enum edit_field field);
void ask_drafts(struct talk *t);
enum answer read_drafts(struct talk *t, const char *text);
void cmd_register_new(struct talk *t, int64_t arg, enum edit_field field);
void cmd_resume(struct talk *t, int64_t arg, enum edit_field field);

/* benefit.c: the amount, its questions, the read-back */
void ask_benefit(struct talk *t);
void ask_benefit_choice(struct talk *t);
void ask_benefit_count(struct talk *t);
void ask_benefit_range(struct talk *t);
void ask_benefit_words(struct talk *t);
void ask_benefit_echo(struct talk *t);
void ask_benefit_sure(struct talk *t);
enum answer read_benefit(struct talk *t, const char *text);
enum answer read_benefit_count(struct talk *t, const char *text);
/** An amount where none was asked for: the benefit is being corrected.  ANS_AMOUNT, or ANS_UNCLEAR. */
enum answer read_edit_menu(struct talk *t, const char *text);
enum answer read_benefit_gain(struct talk *t, const char *text);
enum state benefit_choice_taken(struct talk *t);
enum state benefit_count_taken(struct talk *t);
enum state benefit_range_taken(struct talk *t);
enum state benefit_echo_taken(struct talk *t);
enum state benefit_taken(struct talk *t);
enum state benefit_again(struct talk *t);
enum state benefit_nonmonetary(struct talk *t);
enum state benefit_no_text(struct talk *t);
enum state benefit_unknown(struct talk *t);

/* similar.c: initiatives like the draft */
void ask_similar(struct talk *t);
void ask_similar_which(struct talk *t);
void ask_similar_same(struct talk *t);
enum answer read_similar_which(struct talk *t, const char *text);
enum state similar_different(struct talk *t);
enum state similar_chosen(struct talk *t);
enum state similar_unsaid(struct talk *t);
enum state similar_old_edited(struct talk *t);
/** At the end of a turn: wishes for a search when title and description are there in a wording not yet searched for. */
void similar_wish(struct talk *t);
/** Mail "similar_found": keeps what was found for this wording; asks at once where the summary or what was found before is on
 *  show. */
void similar_found(struct talk *t, const struct cJSON *root);
/** Whether something was found that the author has not been asked about. */
bool similar_open(const struct draft *draft);
bool similar_chosen_as(const struct draft *draft, const char *choice);
/** Its author has answered whether it was done together; he is not asked again. @return whether this draft waits for that. */
bool similar_answered(struct draft *draft, const char *user_id, int64_t id);
/** What is kept for the reviewer with the initiative that the draft becomes. */
struct similar_signal *similar_signals(struct talk *t, const struct draft *draft);

/* initiatives.c: list, one in full, editing what is submitted, the wish to withdraw */
void ask_list(struct talk *t);
void ask_detail(struct talk *t);
void ask_withdraw(struct talk *t);
enum answer read_list(struct talk *t, const char *text);
enum state list_more(struct talk *t);
enum state detail_edit(struct talk *t);
enum state withdraw_wished(struct talk *t);
enum state edit_kept(struct talk *t);
void cmd_list_mine(struct talk *t, int64_t arg, enum edit_field field);
void cmd_view(struct talk *t, int64_t arg, enum edit_field field);
void cmd_edit_of(struct talk *t, int64_t arg, enum edit_field field);
void cmd_withdraw(struct talk *t, int64_t arg, enum edit_field field);
/** The initiative of that id when it is this person's; NULL when not, or when out->needs was set. */
const struct initiative *initiative_of(struct talk *t, int64_t id);
/** One changed field of a submitted initiative; @return false (and says so) when it may not be edited any more. */
bool patch_add(struct talk *t, int64_t initiative_id, const char *field, const char *value, int64_t number,
               const char *benefit_kind);

/* extras.c: after the receipt */
void ask_coauthors_check(struct talk *t);
enum answer read_applied_on(struct talk *t, const char *text);
/** A day up to today, as people write it. */
bool date_read(struct talk *t, const char *text, int *d, int *m, int *y);
enum answer read_coauthors(struct talk *t, const char *text);
enum state kind_taken(struct talk *t);
enum state coauthors_taken(struct talk *t);
enum state confidential_taken(struct talk *t);
enum state extras_done(struct talk *t);
void cmd_extras(struct talk *t, int64_t arg, enum edit_field field);
/** What is left for one co-author more, in per cent: half of it.  NEED_AUTHORS is loaded. */
int coauthor_share(const struct talk *t);
void cmd_coauthor_yes(struct talk *t, int64_t arg, enum edit_field field);
void cmd_coauthor_no(struct talk *t, int64_t arg, enum edit_field field);

/* support.c: a person is wanted */
void cmd_handoff_close(struct talk *t, int64_t arg, enum edit_field field);
enum answer read_human_note(struct talk *t, const char *text);
void cmd_human(struct talk *t, int64_t arg, enum edit_field field);
void cmd_human_voice(struct talk *t, int64_t arg, enum edit_field field);
/** Opens a ticket, or says one is open; @return its id, 0 when a need has to be loaded first. */
int64_t ticket_open(struct talk *t, const char *topic, const char *question, int64_t initiative_id, bool *ret_was_open);

/* onbehalf.c: a supporter enters a draft for a worker, who makes it his own */
/** From here on the questions of the registration are about the draft of whose ticket it is. */
void cmd_ticket_enter(struct talk *t, int64_t arg, enum edit_field field);
enum state on_behalf_sent(struct talk *t);
/** A picture or file that a supporter sends with such a draft becomes evidence of the worker's. @return how many pieces. */
int evidence_enter(struct talk *t);
/** The draft is given up: what was sent with it goes. */
void evidence_entered_drop(struct talk *t, const struct draft *draft);
void evidence_entered(struct talk *t, const struct cJSON *root); /* mail to the worker */
void draft_entered(struct talk *t, const struct cJSON *root);  /* mail to the worker */
void draft_answered(struct talk *t, const struct cJSON *root); /* mail to the supporter */
void entered_submitted(struct talk *t, const struct draft *draft, const char *code);
void cmd_review_own(struct talk *t, int64_t arg, enum edit_field field);
void cmd_deny(struct talk *t, int64_t arg, enum edit_field field);

/* proposal.c: a field worded by a supporter, taken by the worker */
void cmd_propose_title(struct talk *t, int64_t arg, enum edit_field field);
void cmd_propose_description(struct talk *t, int64_t arg, enum edit_field field);
void cmd_propose_benefit(struct talk *t, int64_t arg, enum edit_field field);
void field_proposed(struct talk *t, const struct cJSON *root);    /* mail to the worker */
void proposal_answered(struct talk *t, const struct cJSON *root); /* mail to the supporter */
void cmd_proposal_yes(struct talk *t, int64_t arg, enum edit_field field);
void cmd_proposal_no(struct talk *t, int64_t arg, enum edit_field field);
/* contact.c: a supporter answers */
void ask_answering(struct talk *t);
void ask_whom(struct talk *t);
enum answer read_answering(struct talk *t, const char *text);
enum answer read_whom(struct talk *t, const char *text);
enum state answering_done(struct talk *t);
/** Back from an aside to whom he was answering, and says to whom; ST_RETURN when that is nobody. */
enum state answering_goes_on(struct talk *t);
enum state not_sent(struct talk *t);
void cmd_ticket_reply(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_force(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_draft(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_pass(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_close(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_return(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_later(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_say(struct talk *t, int64_t arg, enum edit_field field);
void cmd_ticket_list(struct talk *t, int64_t arg, enum edit_field field);
void cmd_duty_on(struct talk *t, int64_t arg, enum edit_field field);
void cmd_duty_off(struct talk *t, int64_t arg, enum edit_field field);

/* canned.c: answers that are given again and again */
struct ticket_case;
void cmd_canned(struct talk *t, int64_t arg, enum edit_field field);
void cmd_canned_send(struct talk *t, int64_t arg, enum edit_field field);
void cmd_canned_take(struct talk *t, int64_t arg, enum edit_field field);
void cmd_canned_keep(struct talk *t, int64_t arg, enum edit_field field);
enum answer read_canned_name(struct talk *t, const char *text);
enum state canned_named(struct talk *t);
/** Behind a ticket's card: what a question like it was answered with. */
void canned_offer(struct talk *t, const struct ticket_case *c);

/* privacy.c: what is kept, erasure, reminders on and off */
enum state erased(struct talk *t);
enum state erase_refused(struct talk *t);
void erase_person(struct talk *t);
void cmd_privacy(struct talk *t, int64_t arg, enum edit_field field);
void cmd_my_data(struct talk *t, int64_t arg, enum edit_field field);
void cmd_erase_me(struct talk *t, int64_t arg, enum edit_field field);
void cmd_optout(struct talk *t, int64_t arg, enum edit_field field);
void cmd_optin(struct talk *t, int64_t arg, enum edit_field field);

/* help.c: help and the ways home */
void ask_menu(struct talk *t);
enum answer read_menu(struct talk *t, const char *text);
void cmd_help(struct talk *t, int64_t arg, enum edit_field field);
void cmd_help_what(struct talk *t, int64_t arg, enum edit_field field);
void cmd_help_amount(struct talk *t, int64_t arg, enum edit_field field);
void cmd_menu(struct talk *t, int64_t arg, enum edit_field field);
void cmd_back(struct talk *t, int64_t arg, enum edit_field field);
void cmd_skip(struct talk *t, int64_t arg, enum edit_field field);
void cmd_thanks(struct talk *t, int64_t arg, enum edit_field field);

/* flood.c: more messages than a person types */
enum flood {
    FLOOD_NONE,
    FLOOD_QUIET, /* takes effect, but is not answered at once */
    FLOOD_HELD,  /* only kept in the transcript */
};
enum flood flood_of(struct talk *t);
/** At the end of such a turn: takes back what it said, gives the one notice. @param before  the dialog at its start. */
void flood_hush(struct talk *t, enum flood flood, const struct dialog *before, enum state was);

/* standing.c: where the units stand, for organizers and unit admins */
void cmd_unit_standing(struct talk *t, int64_t arg, enum edit_field field);
void cmd_sub_units(struct talk *t, int64_t arg, enum edit_field field);
void cmd_campaign(struct talk *t, int64_t arg, enum edit_field field);
void standing_told(struct talk *t, const struct cJSON *result);

/* media.c: everything that is not text */
void media_turn(struct talk *t);
/** One row of evidence per attachment that can be fetched, for a draft, an initiative, or 0: a ticket.  @return how many. */
int evidence_keep(struct talk *t, int64_t target);
struct inbound;
const char *evidence_kind(const struct inbound *msg);

/* reminder.c: mail "nudge": "id", "kind" (draft, returned, wave), "about" (an id), "until" (when it may be said, epoch ms), of a wave its
 * name and how many days are left */
void nudge_mail(struct talk *t, const struct cJSON *root);

/* notes.c: mail from other people's turns and from jobs */
void mail_turn(struct talk *t);
void mail_add(struct talk *t, const char *to, const char *kind, const char *payload, int64_t not_before_ms);
/** A member of a mail's payload: cleaned and cut to so many characters, NULL when missing or empty. */
const char *mail_text(struct talk *t, const struct cJSON *root, const char *name, size_t chars);
int64_t mail_id(const struct cJSON *root, const char *name); /* 0 when it is no id */
/** Work behind the turn (bot/jobs.h). @param args  a JSON object, kept.  Its result is told by a row of job_results in notes.c. */
/** What the command that runs asks of its job: "look" of "broadcast_look".  Its name must have an underscore. */
const char *action_word(const struct talk *t);
void job_wish_add(struct talk *t, const char *kind, const char *args);

#endif
