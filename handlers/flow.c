/* The tables of the conversation: what the bot asks, who reads the answer, where each answer leads.
 *
 *   menu ─ register ─▶ consent ─▶ name ─▶ unit ─▶ title ─▶ description ─▶ benefit ... ─▶ confirm ─ yes ─▶ submitted
 *                                          └ unit_pick, unit_unknown            ▲  └ edit_menu ─ back to one field ┘
 *
 * ST_ONWARD leads to the first thing that is still missing, so one field corrected from the summary comes back to the
 * summary, and a draft taken up after days goes on where it stopped. */
#include "flow.h"

#include <assert.h>

#include "broadcast.h"
#include "campaign.h"
#include "review.h"
#include "say.h"
#include "staff.h"

/* Every state in which the benefit is discussed takes any amount typed, whatever was asked. */
static const struct move benefit_moves[] = {
    {ANS_AMOUNT, ST_BENEFIT_ECHO, NULL},
    {ANS_WHICH, ST_BENEFIT_CHOICE, NULL},
    {ANS_HOW_MANY, ST_BENEFIT_COUNT, NULL},
    {ANS_RANGE, ST_BENEFIT_RANGE, NULL},
    {ANS_ZERO, ST_BENEFIT_ZERO, NULL},
    {ANS_IN_WORDS, ST_BENEFIT_WORDS, NULL},
    {ANS_SAY_AGAIN, ST_BENEFIT, NULL},
    {ANS_STUCK, ST_BENEFIT_STUCK, NULL},
    {ANS_NONMONETARY, ST_BENEFIT_GAIN, NULL},
    {ANS_UNKNOWN, ST_BENEFIT_LATER, NULL},
    {ANS_SKIP, ST_ONWARD, benefit_unknown},
    {ANS_KEEP, ST_ONWARD, field_kept},
    {ANS_EDIT_BENEFIT, ST_BENEFIT, benefit_again},
    {ANS_UNCLEAR, ST_NONE, NULL},
};

/* More of a card than its row has room for. */
static const struct move review_moves[] = {
    {ANS_SKIP, ST_REVIEW, review_put_off},
    {ANS_DONE, ST_RETURN, review_ended},
    {ANS_FULL, ST_REVIEW, review_read_on},
    {ANS_UNCLEAR, ST_NONE, NULL},
};

const struct step flow[ST_COUNT] = {
    [ST_NONE] = {.name = ""},

    /* ---- nothing under way ---- */
    [ST_MENU] = {"menu", MSG_WELCOME, ask_menu, SCENE_MENU, F_IDLE | F_NUMBERS | F_PUBLIC, read_menu, MSG_MENU_UNCLEAR,
                 MSG_HELP_MAIN, ST_NONE,
                 {{ANS_OK, ST_OFFER_TITLE, NULL}}, NULL},
    /* A text that looks like a title came without a command; consent is there. */
    [ST_OFFER_TITLE] = {"offer_title", MSG_FALLBACK_MENU, ask_offer_title, SCENE_CONFIRM, F_NUMBERS, read_offer_title,
                        MSG_YES_OR_NO, MSG_HELP_MAIN, ST_MENU,
                        {{ANS_YES, ST_ONWARD, offered_title_taken}, {ANS_NO, ST_MENU, offered_title_refused},
                         {ANS_OK, ST_OFFER_TITLE, NULL}}, NULL},

    /* ---- profile: before anything personal is kept, consent ---- */
    [ST_CONSENT] = {"consent", MSG_CONSENT, NULL, SCENE_CONFIRM, F_NUMBERS | F_PUBLIC, NULL, MSG_CONSENT_UNCLEAR,
                    MSG_HELP_CONSENT, ST_MENU,
                    {{ANS_YES, ST_ONWARD, consent_given}, {ANS_NO, ST_MENU, consent_refused}}, NULL},
    [ST_NAME] = {"name", MSG_ASK_NAME, ask_name, SCENE_NAME, 0, read_name, MSG_NAME_UNCLEAR, MSG_HELP_NAME, ST_MENU,
                 {{ANS_OK, ST_ONWARD, field_taken}, {ANS_KEEP, ST_ONWARD, field_kept}}, NULL},
    [ST_UNIT] = {"unit", MSG_ASK_UNIT, ask_unit, SCENE_NAME, 0, read_unit, MSG_UNIT_UNCLEAR, MSG_HELP_UNIT, ST_NAME,
                 {{ANS_OK, ST_ONWARD, field_taken}, {ANS_LIST, ST_UNIT_PICK, NULL},
                  {ANS_NONE_FOUND, ST_UNIT_UNKNOWN, NULL}, {ANS_KEEP, ST_ONWARD, field_kept}}, NULL},
    /* d->choice holds the candidates, d->unit_typed what was typed. */
    [ST_UNIT_PICK] = {"unit_pick", MSG_UNIT_CANDIDATES, ask_unit_pick, SCENE_NAME, 0, read_unit_pick,
                      MSG_UNIT_PICK_UNCLEAR, MSG_HELP_UNIT, ST_UNIT,
                      {{ANS_OK, ST_ONWARD, field_taken}, {ANS_OTHER, ST_ONWARD, unit_as_typed}, {ANS_RETRY, ST_UNIT, NULL},
                       {ANS_LIST, ST_UNIT_PICK, NULL}, {ANS_NONE_FOUND, ST_UNIT_UNKNOWN, NULL}}, NULL},
    [ST_UNIT_UNKNOWN] = {"unit_unknown", MSG_UNIT_NOT_FOUND, ask_unit_unknown, SCENE_NAME, F_NUMBERS, read_unit,
                         MSG_UNIT_UNCLEAR, MSG_HELP_UNIT, ST_UNIT,
                         {{ANS_YES, ST_ONWARD, unit_as_typed}, {ANS_RETRY, ST_UNIT, NULL}, {ANS_OK, ST_ONWARD, field_taken},
                          {ANS_LIST, ST_UNIT_PICK, NULL}, {ANS_NONE_FOUND, ST_UNIT_UNKNOWN, NULL}}, NULL},

    /* ---- the draft: d->draft.id is set ---- */
    [ST_DRAFT_CHOICE] = {"draft_choice", MSG_WELCOME_BACK_DRAFT, ask_draft_choice, SCENE_MENU, F_NUMBERS, NULL,
                         MSG_DRAFT_CHOICE_UNCLEAR, MSG_HELP_MAIN, ST_MENU,
                         {{ANS_RESUME, ST_ONWARD, NULL}, {ANS_YES, ST_ONWARD, NULL}, {ANS_SKIP, ST_ONWARD, NULL},
                          {ANS_NO, ST_MENU, draft_kept}}, NULL},
    [ST_DRAFTS] = {"drafts", MSG_DRAFTS, ask_drafts, SCENE_MENU, F_EXCURSION, read_drafts, MSG_DRAFTS_UNCLEAR,
                   MSG_HELP_MAIN, ST_RETURN,
                   {{ANS_OK, ST_ONWARD, NULL}}, NULL},
    [ST_TITLE] = {"title", MSG_ASK_TITLE, ask_title, SCENE_TITLE, F_DRAFT | F_FIELD, read_title, MSG_TITLE_TOO_SHORT,
                  MSG_HELP_TITLE, ST_MENU,
                  {{ANS_OK, ST_ONWARD, field_taken}, {ANS_KEEP, ST_ONWARD, field_kept}}, NULL},
    [ST_DESCRIPTION] = {"description", MSG_ASK_DESCRIPTION, ask_description, SCENE_DESCRIPTION,
                        F_DRAFT | F_FIELD | F_COLLECTS, read_description, MSG_DESCRIPTION_TOO_SHORT, MSG_HELP_DESCRIPTION,
                        ST_TITLE,
                        {{ANS_DONE, ST_ONWARD, description_done}, {ANS_RESET, ST_ASK, description_reset},
                         {ANS_KEEP, ST_ONWARD, field_kept}, {ANS_BACK, ST_TITLE, description_back}}, NULL},

    /* ---- the benefit: d->reading holds what was read and not yet confirmed ---- */
    [ST_BENEFIT] = {"benefit", MSG_ASK_BENEFIT, ask_benefit, SCENE_BENEFIT, F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE,
                    read_benefit, MSG_CLAR_AGAIN, MSG_HELP_AMOUNT, ST_DESCRIPTION, {{ANS_UNCLEAR, ST_NONE, NULL}},
                    benefit_moves},
    [ST_BENEFIT_CHOICE] = {"benefit_choice", MSG_CLAR_TWO_WAYS, ask_benefit_choice, SCENE_BENEFIT,
                           F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_CHOICE_UNCLEAR,
                           MSG_HELP_AMOUNT, ST_BENEFIT,
                           {{ANS_V1, ST_BENEFIT_ECHO, benefit_choice_taken}, {ANS_V2, ST_BENEFIT_ECHO, benefit_choice_taken},
                            {ANS_V3, ST_BENEFIT_ECHO, benefit_choice_taken}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                            {ANS_NO, ST_BENEFIT, benefit_again},
                            {ANS_EDIT, ST_BENEFIT, benefit_again}},
                           benefit_moves},
    [ST_BENEFIT_COUNT] = {"benefit_count", MSG_CLAR_DAYS, ask_benefit_count, SCENE_BENEFIT,
                          F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE, read_benefit_count, MSG_COUNT_UNCLEAR,
                          MSG_HELP_AMOUNT, ST_BENEFIT,
                          {{ANS_OK, ST_BENEFIT_ECHO, NULL}, {ANS_D300, ST_BENEFIT_ECHO, benefit_count_taken},
                           {ANS_D264, ST_BENEFIT_ECHO, benefit_count_taken}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                           {ANS_EDIT, ST_BENEFIT, benefit_again}},
                          benefit_moves},
    [ST_BENEFIT_RANGE] = {"benefit_range", MSG_CLAR_RANGE, ask_benefit_range, SCENE_BENEFIT,
                          F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                          MSG_HELP_AMOUNT, ST_BENEFIT,
                          {{ANS_YES, ST_ONWARD, benefit_range_taken}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                           {ANS_NO, ST_BENEFIT, benefit_again},
                            {ANS_EDIT, ST_BENEFIT, benefit_again}},
                          benefit_moves},
    [ST_BENEFIT_ZERO] = {"benefit_zero", MSG_CLAR_ZERO, NULL, SCENE_BENEFIT,
                         F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                         MSG_HELP_AMOUNT, ST_BENEFIT,
                         {{ANS_YES, ST_BENEFIT_GAIN, NULL}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                          {ANS_NO, ST_BENEFIT, benefit_again},
                            {ANS_EDIT, ST_BENEFIT, benefit_again}},
                         benefit_moves},
    [ST_BENEFIT_GAIN] = {"benefit_gain", MSG_ASK_GAIN, NULL, SCENE_BENEFIT, F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE,
                         read_benefit_gain, MSG_GAIN_UNCLEAR, MSG_HELP_AMOUNT, ST_BENEFIT,
                         {{ANS_OK, ST_ONWARD, benefit_taken}, {ANS_SKIP, ST_ONWARD, benefit_no_text},
                          {ANS_RETRY, ST_BENEFIT, benefit_again}},
                         benefit_moves},
    [ST_BENEFIT_WORDS] = {"benefit_words", MSG_CLAR_NONMONETARY, ask_benefit_words, SCENE_BENEFIT,
                          F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                          MSG_HELP_AMOUNT, ST_BENEFIT,
                          {{ANS_YES, ST_ONWARD, benefit_nonmonetary}, {ANS_SKIP, ST_ONWARD, benefit_nonmonetary},
                           {ANS_NONMONETARY, ST_ONWARD, benefit_nonmonetary}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                           {ANS_NO, ST_BENEFIT, benefit_again},
                            {ANS_EDIT, ST_BENEFIT, benefit_again}},
                          benefit_moves},
    [ST_BENEFIT_LATER] = {"benefit_later", MSG_CLAR_UNKNOWN, NULL, SCENE_BENEFIT,
                          F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                          MSG_HELP_AMOUNT, ST_BENEFIT,
                          {{ANS_YES, ST_ONWARD, benefit_unknown}, {ANS_UNKNOWN, ST_ONWARD, benefit_unknown},
                           {ANS_RETRY, ST_BENEFIT, benefit_again}, {ANS_NO, ST_BENEFIT, benefit_again},
                            {ANS_EDIT, ST_BENEFIT, benefit_again}},
                          benefit_moves},
    [ST_BENEFIT_STUCK] = {"benefit_stuck", MSG_CLAR_GIVE_UP, NULL, SCENE_BENEFIT,
                          F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_STUCK_UNCLEAR,
                          MSG_HELP_AMOUNT, ST_BENEFIT,
                          {{ANS_YES, ST_ONWARD, benefit_unknown}, {ANS_UNKNOWN, ST_ONWARD, benefit_unknown}},
                          benefit_moves},
    [ST_BENEFIT_ECHO] = {"benefit_echo", MSG_BENEFIT_ECHO, ask_benefit_echo, SCENE_BENEFIT,
                         F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                         MSG_HELP_AMOUNT, ST_BENEFIT,
                         {{ANS_YES, ST_ONWARD, benefit_echo_taken}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                          {ANS_NO, ST_BENEFIT, benefit_again}, {ANS_EDIT, ST_BENEFIT, benefit_again}},
                         benefit_moves},
    [ST_BENEFIT_SURE] = {"benefit_sure", MSG_BENEFIT_DOUBLE_CHECK, ask_benefit_sure, SCENE_BENEFIT,
                         F_DRAFT | F_FIELD | F_AMOUNTS | F_SKIPPABLE | F_NUMBERS, read_benefit, MSG_BENEFIT_ECHO_UNCLEAR,
                         MSG_HELP_AMOUNT, ST_BENEFIT,
                         {{ANS_YES, ST_ONWARD, benefit_taken}, {ANS_RETRY, ST_BENEFIT, benefit_again},
                          {ANS_NO, ST_BENEFIT, benefit_again}, {ANS_EDIT, ST_BENEFIT, benefit_again}},
                         benefit_moves},

    /* ---- initiatives like this one were found: draft.similar holds them ---- */
    [ST_SIMILAR] = {"similar", MSG_SIMILAR, ask_similar, SCENE_SIMILAR, F_DRAFT | F_SKIPPABLE | F_NUMBERS | F_SUDDEN, NULL, MSG_SIMILAR_UNCLEAR,
                    MSG_HELP_SIMILAR, ST_BENEFIT,
                    {{ANS_DIFFERENT, ST_ONWARD, similar_different}, {ANS_SAME, ST_STAY, similar_chosen},
                     {ANS_TOGETHER, ST_STAY, similar_chosen}, {ANS_AGAIN, ST_STAY, similar_chosen},
                     {ANS_NO, ST_ONWARD, similar_different}, {ANS_SKIP, ST_ONWARD, similar_unsaid}}, NULL},
    /* Several could be meant: d->similar_said is what was said, d->choice the list. */
    [ST_SIMILAR_WHICH] = {"similar_which", MSG_SIMILAR_WHICH, ask_similar_which, SCENE_SIMILAR, F_DRAFT | F_SKIPPABLE,
                          read_similar_which, MSG_SIMILAR_WHICH_UNCLEAR, MSG_HELP_SIMILAR, ST_SIMILAR,
                          {{ANS_SKIP, ST_ONWARD, similar_unsaid}, {ANS_NO, ST_ONWARD, similar_different},
                           {ANS_DIFFERENT, ST_ONWARD, similar_different}}, NULL},
    /* One of them is the author's own (choice same). */
    [ST_SIMILAR_SAME] = {"similar_same", MSG_SIMILAR_SAME, ask_similar_same, SCENE_CONFIRM, F_DRAFT | F_NUMBERS, NULL,
                         MSG_SIMILAR_SAME_UNCLEAR, MSG_HELP_SIMILAR, ST_SIMILAR,
                         {{ANS_EDIT, ST_STAY, similar_old_edited}, {ANS_YES, ST_ONWARD, NULL}}, NULL},
    /* Its author has been asked (choice together). */
    [ST_SIMILAR_TOGETHER] = {"similar_together", MSG_SIMILAR_TOGETHER, NULL, SCENE_CONFIRM, F_DRAFT | F_NUMBERS, NULL,
                             MSG_SIMILAR_TOGETHER_UNCLEAR, MSG_HELP_SIMILAR, ST_SIMILAR,
                             {{ANS_KEEP, ST_MENU, draft_kept}, {ANS_NO, ST_MENU, draft_kept}, {ANS_YES, ST_ONWARD, NULL}}, NULL},

    /* ---- summary: title, description and benefit are there ---- */
    [ST_CONFIRM] = {"confirm", MSG_CONFIRM_SUMMARY, ask_confirm, SCENE_CONFIRM, F_DRAFT | F_NUMBERS, read_confirm,
                    MSG_CONFIRM_UNCLEAR, MSG_HELP_CONFIRM, ST_BENEFIT,
                    {{ANS_YES, ST_SUBMITTED, submit}, {ANS_EDIT, ST_EDIT_MENU, NULL}, {ANS_NO, ST_EDIT_MENU, NULL},
                     {ANS_AMOUNT, ST_BENEFIT_ECHO, NULL}}, NULL},
    [ST_EDIT_MENU] = {"edit_menu", MSG_EDIT_MENU, NULL, SCENE_CONFIRM, F_DRAFT | F_FIELD | F_NUMBERS, read_edit_menu,
                      MSG_EDIT_MENU_UNCLEAR, MSG_HELP_EDIT, ST_ONWARD,
                      {{ANS_EDIT_TITLE, ST_TITLE, edit_field_of}, {ANS_EDIT_DESCRIPTION, ST_DESCRIPTION, edit_field_of},
                       {ANS_EDIT_BENEFIT, ST_BENEFIT, edit_field_of}, {ANS_EDIT_UNIT, ST_UNIT, edit_field_of},
                       {ANS_KEEP, ST_ONWARD, field_kept}, {ANS_NO, ST_ONWARD, field_kept},
                       {ANS_AMOUNT, ST_BENEFIT_ECHO, NULL}}, NULL},
    [ST_DELETE_DRAFT] = {"delete_draft", MSG_DELETE_DRAFT_ASK, ask_delete_draft, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS,
                         NULL, MSG_YES_OR_NO, MSG_HELP_MAIN, ST_RETURN,
                         {{ANS_YES, ST_MENU, draft_deleted}, {ANS_DELETE_DRAFT, ST_MENU, draft_deleted},
                          {ANS_NO, ST_RETURN, draft_kept}}, NULL},
    [ST_SUBMITTED] = {"submitted", MSG_SUBMITTED, ask_submitted, SCENE_MENU, F_IDLE | F_NUMBERS, read_menu,
                      MSG_MENU_UNCLEAR, MSG_HELP_MAIN, ST_MENU,
                      {{ANS_OK, ST_OFFER_TITLE, NULL}}, NULL},

    /* ---- after the receipt, each skippable: d->extras_id is set ---- */
    [ST_KIND] = {"kind", MSG_ASK_KIND, NULL, SCENE_CONFIRM, F_SKIPPABLE | F_NUMBERS, NULL, MSG_KIND_UNCLEAR, MSG_HELP_KIND,
                 ST_MENU,
                 {{ANS_TECHNICAL, ST_APPLIED_ON, kind_taken}, {ANS_MANAGEMENT, ST_APPLIED_ON, kind_taken},
                  {ANS_OPERATIONAL, ST_APPLIED_ON, kind_taken}, {ANS_TECH_APPLICATION, ST_APPLIED_ON, kind_taken},
                  {ANS_SKIP, ST_APPLIED_ON, NULL}, {ANS_NO, ST_APPLIED_ON, NULL}}, NULL},
    [ST_APPLIED_ON] = {"applied_on", MSG_ASK_APPLIED_ON, NULL, SCENE_BENEFIT, F_SKIPPABLE, read_applied_on,
                       MSG_APPLIED_ON_UNCLEAR, MSG_HELP_APPLIED_ON, ST_KIND,
                       {{ANS_OK, ST_COAUTHORS, NULL}, {ANS_SKIP, ST_COAUTHORS, NULL}, {ANS_NO, ST_COAUTHORS, NULL},
                        {ANS_UNKNOWN, ST_COAUTHORS, NULL}}, NULL},
    [ST_COAUTHORS] = {"coauthors", MSG_ASK_COAUTHORS, NULL, SCENE_BENEFIT, F_SKIPPABLE, read_coauthors,
                      MSG_COAUTHORS_UNCLEAR, MSG_HELP_COAUTHORS, ST_APPLIED_ON,
                      {{ANS_OK, ST_COAUTHORS_CHECK, NULL}, {ANS_SKIP, ST_CONFIDENTIAL, NULL},
                       {ANS_NO, ST_CONFIDENTIAL, NULL}}, NULL},
    [ST_COAUTHORS_CHECK] = {"coauthors_check", MSG_COAUTHORS_CHECK, ask_coauthors_check, SCENE_BENEFIT,
                            F_SKIPPABLE | F_NUMBERS, read_coauthors, MSG_COAUTHORS_UNCLEAR, MSG_HELP_COAUTHORS,
                            ST_COAUTHORS,
                            {{ANS_YES, ST_CONFIDENTIAL, coauthors_taken}, {ANS_RETRY, ST_COAUTHORS, NULL},
                             {ANS_NO, ST_COAUTHORS, NULL}, {ANS_SKIP, ST_CONFIDENTIAL, NULL},
                             {ANS_OK, ST_COAUTHORS_CHECK, NULL}}, NULL},
    [ST_CONFIDENTIAL] = {"confidential", MSG_ASK_CONFIDENTIAL, NULL, SCENE_CONFIRM, F_SKIPPABLE | F_NUMBERS, NULL,
                         MSG_YES_OR_NO, MSG_HELP_CONFIDENTIAL, ST_COAUTHORS,
                         {{ANS_YES, ST_MENU, confidential_taken}, {ANS_NO, ST_MENU, extras_done},
                          {ANS_SKIP, ST_MENU, extras_done}}, NULL},

    /* ---- what has been sent ---- */
    [ST_LIST] = {"list", MSG_LIST_MINE, ask_list, SCENE_MENU, F_EXCURSION, read_list, MSG_LIST_UNCLEAR, MSG_HELP_LIST,
                 ST_RETURN,
                 {{ANS_OK, ST_DETAIL, NULL}, {ANS_MORE, ST_ASK, list_more}, {ANS_SKIP, ST_RETURN, NULL}}, NULL},
    /* d->view_id is set in these two. */
    [ST_DETAIL] = {"detail", MSG_DETAIL, ask_detail, SCENE_MENU, F_EXCURSION | F_NUMBERS, NULL, MSG_DETAIL_UNCLEAR, MSG_HELP_LIST,
                   ST_LIST,
                   {{ANS_EDIT, ST_EDIT_MENU, detail_edit}, {ANS_WITHDRAW, ST_WITHDRAW, NULL}}, NULL},
    [ST_WITHDRAW] = {"withdraw", MSG_WITHDRAW_ASK, ask_withdraw, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS, NULL,
                     MSG_YES_OR_NO, MSG_HELP_LIST, ST_DETAIL,
                     {{ANS_YES, ST_RETURN, withdraw_wished}, {ANS_NO, ST_RETURN, edit_kept}}, NULL},

    /* ---- a person, and what is kept ---- */
    /* A ticket is open (d->ticket_id); one sentence more is welcome. */
    [ST_HUMAN_NOTE] = {"human_note", MSG_HANDOFF_ASK, NULL, SCENE_DESCRIPTION, F_EXCURSION | F_SKIPPABLE,
                       read_human_note,
                       MSG_HANDOFF_NOTE_UNCLEAR, MSG_HELP_HUMAN, ST_RETURN,
                       {{ANS_OK, ST_RETURN, NULL}, {ANS_SKIP, ST_RETURN, NULL}, {ANS_NO, ST_RETURN, NULL}}, NULL},
    /* A verdict on the initiative d->view_id that its author may answer once. */
    [ST_APPEAL] = {"appeal", MSG_APPEAL_ASK, NULL, SCENE_DESCRIPTION, F_EXCURSION | F_SKIPPABLE, read_appeal, MSG_APPEAL_UNCLEAR,
                   MSG_HELP_HUMAN, ST_RETURN,
                   {{ANS_OK, ST_RETURN, NULL}, {ANS_SKIP, ST_RETURN, NULL}, {ANS_NO, ST_RETURN, NULL}}, NULL},

    /* ---- reviewers: d->review.code names the card, and from review_field on d->review.verdict is set ---- */
    [ST_REVIEW] = {"review", MSG_REVIEW_CARD, ask_review, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, NULL, MSG_REVIEW_UNCLEAR, MSG_HELP_REVIEW,
                   ST_RETURN,
                   {{ANS_VALID, ST_REVIEW_BENEFIT, review_chosen}, {ANS_RETURNED, ST_REVIEW_FIELD, review_chosen},
                    {ANS_DUPLICATE, ST_REVIEW_DUPLICATE, review_chosen}, {ANS_REFUSED, ST_REVIEW_REASON, review_chosen},
                    {ANS_RECOGNISE, ST_REVIEW_LEVEL, review_chosen}, {ANS_REOPEN, ST_REVIEW, review_chosen},
                    {ANS_SOCIAL, ST_REVIEW, review_marked}, {ANS_MORE, ST_REVIEW_OTHER, NULL}}, review_moves, ROLE_REVIEWER},
    [ST_REVIEW_OTHER] = {"review_other", MSG_REVIEW_OTHER, NULL, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, NULL, MSG_REVIEW_UNCLEAR,
                         MSG_HELP_REVIEW, ST_REVIEW,
                         {{ANS_RECOGNISE, ST_REVIEW_LEVEL, review_chosen}, {ANS_SOCIAL, ST_REVIEW, review_marked},
                          {ANS_FULL, ST_REVIEW, review_read_on}, {ANS_SKIP, ST_REVIEW, review_put_off},
                          {ANS_DONE, ST_RETURN, review_ended}}, NULL, ROLE_REVIEWER},
    [ST_REVIEW_FIELD] = {"review_field", MSG_REVIEW_FIELD, NULL, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, NULL, MSG_REVIEW_UNCLEAR,
                         MSG_HELP_REVIEW, ST_REVIEW,
                         {{ANS_EDIT_TITLE, ST_REVIEW_REASON, review_field_chosen}, {ANS_EDIT_DESCRIPTION, ST_REVIEW_REASON, review_field_chosen},
                          {ANS_EDIT_BENEFIT, ST_REVIEW_REASON, review_field_chosen}, {ANS_EDIT_UNIT, ST_REVIEW_REASON, review_field_chosen}},
                         NULL, ROLE_REVIEWER},
    [ST_REVIEW_REASON] = {"review_reason", MSG_REVIEW_REASON, ask_review_reason, SCENE_DESCRIPTION, F_EXCURSION | F_PUBLIC, read_review_reason,
                          MSG_REVIEW_REASON_UNCLEAR, MSG_HELP_REVIEW, ST_REVIEW, {{ANS_UNCLEAR, ST_NONE, NULL}}, NULL, ROLE_REVIEWER},
    [ST_REVIEW_DUPLICATE] = {"review_duplicate", MSG_REVIEW_DUPLICATE, ask_review_duplicate, SCENE_CONFIRM, F_EXCURSION | F_PUBLIC, read_review_duplicate,
                             MSG_REVIEW_CODE_UNCLEAR, MSG_HELP_REVIEW, ST_REVIEW, {{ANS_UNCLEAR, ST_NONE, NULL}}, NULL, ROLE_REVIEWER},
    [ST_REVIEW_BENEFIT] = {"review_benefit", MSG_REVIEW_BENEFIT, ask_review_benefit, SCENE_BENEFIT, F_EXCURSION | F_AMOUNTS | F_SKIPPABLE | F_PUBLIC,
                           read_review_benefit, MSG_REVIEW_BENEFIT_UNCLEAR, MSG_HELP_REVIEW, ST_REVIEW,
                           {{ANS_KEEP, ST_REVIEW, review_benefit_kept}, {ANS_SKIP, ST_REVIEW, review_benefit_kept}}, NULL, ROLE_REVIEWER},
    [ST_REVIEW_LEVEL] = {"review_level", MSG_REVIEW_LEVEL, NULL, SCENE_DESCRIPTION, F_EXCURSION | F_PUBLIC, read_review_level, MSG_REVIEW_LEVEL_UNCLEAR,
                         MSG_HELP_REVIEW, ST_REVIEW,
                         {{ANS_OK, ST_REVIEW_DATE, NULL}, {ANS_V1, ST_REVIEW_DATE, review_level_taken},
                          {ANS_V2, ST_REVIEW_DATE, review_level_taken}}, NULL, ROLE_REVIEWER},
    [ST_REVIEW_DATE] = {"review_date", MSG_REVIEW_DATE, NULL, SCENE_BENEFIT, F_EXCURSION | F_PUBLIC, read_review_day, MSG_APPLIED_ON_UNCLEAR,
                        MSG_HELP_REVIEW, ST_REVIEW, {{ANS_TODAY, ST_REVIEW, review_today}}, NULL, ROLE_REVIEWER},
    [ST_ERASE] = {"erase", MSG_ERASE_ASK, NULL, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, NULL, MSG_YES_OR_NO,
                  MSG_HELP_ERASE, ST_RETURN,
                  {{ANS_YES, ST_STAY, erased}, {ANS_NO, ST_RETURN, erase_refused}}, NULL},

    /* ---- a supporter ---- */
    /* Everything goes to d->answer_worker, once d->answer_open says that the conversation is his. */
    [ST_ANSWERING] = {"answering", MSG_STAFF_ANSWERING, ask_answering, SCENE_NAME, F_EXCURSION | F_IDLE | F_PUBLIC | F_RELAYS, read_answering,
                      MSG_STAFF_ANSWERING_UNCLEAR, MSG_STAFF_HELP_ANSWERING, ST_RETURN,
                      {{ANS_DONE, ST_RETURN, answering_done}}, NULL, ROLE_SUPPORT},
    /* d->unsent is the text, d->choice the tickets it may be for. */
    [ST_WHOM] = {"whom", MSG_STAFF_TO_WHOM, ask_whom, SCENE_MENU, F_EXCURSION | F_PUBLIC, read_whom, MSG_STAFF_TO_WHOM_UNCLEAR,
                 MSG_STAFF_HELP_ANSWERING, ST_RETURN,
                 {{ANS_OK, ST_STAY, answering_goes_on}, {ANS_NO, ST_STAY, not_sent}}, NULL, ROLE_SUPPORT},
    /* d->last_answer is what gets a name. */
    [ST_CANNED_NAME] = {"canned_name", MSG_STAFF_CANNED_ASK_NAME, NULL, SCENE_NAME, F_EXCURSION | F_PUBLIC | F_SKIPPABLE, read_canned_name,
                        MSG_STAFF_CANNED_NAME_UNCLEAR, MSG_STAFF_HELP_ANSWERING, ST_RETURN,
                        {{ANS_OK, ST_STAY, canned_named}, {ANS_SKIP, ST_STAY, canned_named}, {ANS_NO, ST_STAY, canned_named}}, NULL, ROLE_SUPPORT},

    /* ---- an organizer ---- */
    [ST_BROADCAST_WHOM] = {"broadcast_whom", MSG_BROADCAST_WHOM, NULL, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, read_broadcast_whom,
                           MSG_BROADCAST_WHOM_UNCLEAR, MSG_HELP_BROADCAST, ST_RETURN,
                           {{ANS_OK, ST_BROADCAST_TEXT, NULL}, {ANS_NOT_YET, ST_BROADCAST_TEXT, broadcast_whom_taken},
                            {ANS_DRAFTING, ST_BROADCAST_TEXT, broadcast_whom_taken}, {ANS_SENT_BACK, ST_BROADCAST_TEXT, broadcast_whom_taken},
                            {ANS_QUIET, ST_BROADCAST_TEXT, broadcast_whom_taken}, {ANS_EVERYBODY, ST_BROADCAST_TEXT, broadcast_whom_taken}},
                           NULL, BROADCAST_ROLES},
    /* d->broadcast_to is whom it is for; or d->broadcast_id is one that is there, whose text is to be another. */
    [ST_BROADCAST_TEXT] = {"broadcast_text", MSG_BROADCAST_ASK_TEXT, ask_broadcast_text, SCENE_DESCRIPTION, F_EXCURSION | F_PUBLIC, read_broadcast_text,
                           MSG_BROADCAST_TEXT_UNCLEAR, MSG_HELP_BROADCAST, ST_BROADCAST_WHOM,
                           {{ANS_OK, ST_NONE, broadcast_text_taken}}, NULL, BROADCAST_ROLES},
    [ST_BROADCAST_TEMPLATE] = {"broadcast_template", MSG_BROADCAST_ASK_TEMPLATE, ask_broadcast_template, SCENE_DESCRIPTION, F_EXCURSION | F_PUBLIC,
                               read_broadcast_template, MSG_BROADCAST_TEMPLATE_UNCLEAR, MSG_HELP_BROADCAST, ST_RETURN,
                               {{ANS_OK, ST_NONE, broadcast_template_taken}, {ANS_NO, ST_NONE, broadcast_template_taken}}, NULL, BROADCAST_ROLES},
    /* d->broadcast_id is the one that is to wait. */
    [ST_BROADCAST_WHEN] = {"broadcast_when", MSG_BROADCAST_ASK_WHEN, NULL, SCENE_NAME, F_EXCURSION | F_PUBLIC, read_broadcast_when,
                           MSG_BROADCAST_WHEN_UNCLEAR, MSG_HELP_BROADCAST, ST_RETURN,
                           {{ANS_OK, ST_NONE, broadcast_when_taken}, {ANS_NO, ST_RETURN, NULL}}, NULL, BROADCAST_ROLES},

    /* ---- targets and waves: d->plan is what is being set, d->choice what there is to choose from ---- */
    [ST_TARGET_UNIT] = {"target_unit", MSG_TARGET_ASK_UNIT, ask_target_unit, SCENE_NAME, F_EXCURSION | F_PUBLIC, read_target_unit,
                        MSG_TARGET_UNIT_UNCLEAR, MSG_HELP_CAMPAIGN, ST_RETURN,
                        {{ANS_OK, ST_PLAN_WAVE, plan_wave_wanted}, {ANS_LIST, ST_ASK, NULL}}, NULL, CAMPAIGN_ROLES},
    [ST_PLAN_WAVE] = {"plan_wave", MSG_PLAN_WHICH_WAVE, ask_plan_wave, SCENE_CONFIRM, F_EXCURSION | F_PUBLIC, read_plan_wave,
                      MSG_PLAN_WAVE_UNCLEAR, MSG_HELP_CAMPAIGN, ST_RETURN,
                      {{ANS_OK, ST_TARGET_NUMBER, plan_wave_taken}}, NULL, CAMPAIGN_ROLES},
    /* d->plan has the unit and the wave. */
    [ST_TARGET_NUMBER] = {"target_number", MSG_TARGET_ASK_NUMBER, ask_target_number, SCENE_BENEFIT, F_EXCURSION | F_PUBLIC, read_target_number,
                          MSG_TARGET_NUMBER_UNCLEAR, MSG_HELP_CAMPAIGN, ST_TARGET_UNIT,
                          {{ANS_OK, ST_PLAN_CARD, NULL}}, NULL, CAMPAIGN_ROLES},
    [ST_WAVE_NAME] = {"wave_name", MSG_WAVE_ASK_NAME, NULL, SCENE_NAME, F_EXCURSION | F_PUBLIC, read_wave_name, MSG_WAVE_NAME_UNCLEAR,
                      MSG_HELP_CAMPAIGN, ST_RETURN,
                      {{ANS_OK, ST_WAVE_DAYS, NULL}}, NULL, ROLE_ORGANIZER},
    [ST_WAVE_DAYS] = {"wave_days", MSG_WAVE_ASK_DAYS, ask_wave_days, SCENE_BENEFIT, F_EXCURSION | F_PUBLIC, read_wave_days, MSG_WAVE_DAYS_UNCLEAR,
                      MSG_HELP_CAMPAIGN, ST_RETURN,
                      {{ANS_OK, ST_PLAN_CARD, NULL}}, NULL, ROLE_ORGANIZER},
    [ST_PLAN_CARD] = {"plan_card", MSG_TARGET_CARD, ask_plan_card, SCENE_CONFIRM, F_EXCURSION | F_NUMBERS | F_PUBLIC, NULL, MSG_YES_OR_NO,
                      MSG_HELP_CAMPAIGN, ST_RETURN,
                      {{ANS_YES, ST_NONE, plan_agreed}, {ANS_EDIT, ST_NONE, plan_again}, {ANS_NO, ST_NONE, plan_dropped}}, NULL, CAMPAIGN_ROLES},
    [ST_CAMPAIGN_NAME] = {"campaign_name", MSG_CAMPAIGN_ASK_NAME, NULL, SCENE_NAME, F_EXCURSION | F_PUBLIC, read_campaign_name,
                          MSG_CAMPAIGN_NAME_UNCLEAR, MSG_HELP_CAMPAIGN, ST_RETURN,
                          {{ANS_OK, ST_WAVE_NAME, NULL}}, NULL, ROLE_ORGANIZER},
};

static_assert(ARRAY_LEN(flow) == ST_COUNT, "every state has a row");

const struct command commands[] = {
    /* word          button for ever   what it does */
    {"register", true, cmd_register},
    {"register_new", true, cmd_register_new},
    {"resume", true, cmd_resume},
    {"drafts", true, cmd_drafts},
    {"list_mine", true, cmd_list_mine},
    {"view", true, cmd_view},
    {"edit_of", true, cmd_edit_of},
    {"help", true, cmd_help},
    {"help_what", true, cmd_help_what},
    {"help_amount", true, cmd_help_amount},
    {"human", true, cmd_human},
    {"human_voice", true, cmd_human_voice},
    {"handoff_close", true, cmd_handoff_close},
    {"appeal", true, cmd_appeal},
    {"optout", true, cmd_optout},
    {"optin", true, cmd_optin},
    {"menu", true, cmd_menu},
    {"privacy", true, cmd_privacy},
    {"my_data", true, cmd_my_data},
    {"erase_me", true, cmd_erase_me},
    {"extras", true, cmd_extras},
    {"coauthor_yes", true, cmd_coauthor_yes},
    {"coauthor_no", true, cmd_coauthor_no},
    {"standing", true, cmd_list_mine},
    {"review_own", true, cmd_review_own},
    {"deny", true, cmd_deny},
    {"proposal_yes", true, cmd_proposal_yes},
    {"proposal_no", true, cmd_proposal_no},
    {"thanks", false, cmd_thanks},
    {"edit", false, cmd_edit},
    {"delete_draft", false, cmd_delete_draft},
    {"withdraw", false, cmd_withdraw},
    {"cancel", false, cmd_cancel},
    {"back", false, cmd_back},
    {"skip", false, cmd_skip},
};
const size_t command_count = ARRAY_LEN(commands);

const struct command *command_named(struct str action)
{
    for (size_t i = 0; i < command_count; i++)
        if (str_eq(str_of(commands[i].action), action))
            return &commands[i];
    return staff_command_named(action);
}

const char *state_name(enum state s)
{
    return s > ST_NONE && s < ST_COUNT ? flow[s].name : "";
}

enum state state_named(const char *name)
{
    for (enum state s = ST_NONE + 1; name && s < ST_COUNT; s++)
        if (strcmp(flow[s].name, name) == 0)
            return s;
    return ST_NONE;
}

enum answer answer_named(const char *name)
{
    static const char *const word[ANS_COUNT] = {
#define ANSWER_WORD(id, w) [ANS_##id] = (w),
        ANSWERS(ANSWER_WORD)
#undef ANSWER_WORD
    };
    for (enum answer a = ANS_UNCLEAR; *name && a < ANS_COUNT; a++)
        if (strcmp(word[a], name) == 0)
            return a;
    return ANS_UNCLEAR;
}
