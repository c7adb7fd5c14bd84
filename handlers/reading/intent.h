/* What a message asks for: the commands of the bot, told apart from content by rules I1 to I8.
 *
 * The phrases are data: handlers/reading/lexicon.tsv, embedded at build time. */
#ifndef SANGKIEN_HANDLERS_READING_INTENT_H
#define SANGKIEN_HANDLERS_READING_INTENT_H

#include <stdbool.h>

#include "str.h"

enum intent {
    INTENT_CONTENT = 0, /* no command: what was typed is meant for the question asked */
    INTENT_REGISTER,
    INTENT_LIST_MINE,
    INTENT_EDIT,
    INTENT_DELETE_DRAFT,
    INTENT_CANCEL,
    INTENT_HELP,
    INTENT_HUMAN,
    INTENT_OPTOUT,
    INTENT_OPTIN,
    INTENT_YES,
    INTENT_NO,
    INTENT_SKIP,
    INTENT_BACK,
    INTENT_MENU,
    /* Beyond the labelled file: understood where they mean something, see intent_read(). */
    INTENT_DONE,
    INTENT_UNKNOWN,
    INTENT_NONMONETARY,
    INTENT_RESUME,
    INTENT_MY_DATA,
    INTENT_ERASE_ME,
    INTENT_WITHDRAW,
    INTENT_STANDING,
    INTENT_PRIVACY,
    INTENT_THANKS,
    INTENT_DIFFERENT,
    INTENT_SAME,
    INTENT_TOGETHER,
    INTENT_AGAIN,
    INTENT_HELP_WHAT,
    INTENT_COUNT
};

/** Where the person is, as far as the rules care. */
enum intent_scene {
    SCENE_MENU,        /* no draft step open */
    SCENE_TITLE,
    SCENE_DESCRIPTION,
    SCENE_BENEFIT,
    SCENE_CONFIRM,     /* a summary or a yes/no question is on show */
    SCENE_NAME,        /* name and unit: words are content, only / and # commands count (Huy is a name) */
    SCENE_SIMILAR,     /* initiatives like the draft are on show: what is it to them? */
    SCENE_COUNT
};

/** The field an edit phrase names ("sửa mô tả"); EDIT_ANY when it names none ("sửa"). */
enum edit_field { EDIT_ANY = 0, EDIT_TITLE, EDIT_DESCRIPTION, EDIT_BENEFIT, EDIT_UNIT, EDIT_NAME };

struct intent_reading {
    enum intent intent;
    enum edit_field field; /* meaningful with INTENT_EDIT only */
};

/**
 * Reads one message.  `text` is any text (cleaned or not); no allocation outlives the call.
 * @param extended also yield the intents behind INTENT_MENU where they make sense in that scene: DONE in title and
 *        description, UNKNOWN and NONMONETARY in benefit, RESUME, MY_DATA, ERASE_ME, WITHDRAW, STANDING, PRIVACY, THANKS and HELP_WHAT in
 *        every scene but NAME, DIFFERENT, SAME, TOGETHER and AGAIN in similar (whole message only).  Without it the answer is exactly what vi-intents labels.
 */
struct intent_reading intent_read(struct str text, enum intent_scene scene, bool extended);

/** "register", "list_mine", ... and "content"; never NULL. */
const char *intent_name(enum intent intent);

/** The intent of that name (also the payload of a command button); INTENT_CONTENT when there is none. */
enum intent intent_named(struct str name);

/** The scene called "menu", "title", "description", "benefit", "confirm", "name", "similar". @return false when unknown. */
bool intent_scene_named(struct str name, enum intent_scene *ret);

#endif
