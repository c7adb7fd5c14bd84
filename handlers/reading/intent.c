/* Tells commands from content: rules I1 to I8, in this order, over the phrases of lexicon.tsv. */
#include "intent.h"

#include "letters.h"
#include "lexicon.h"

static const char *const intent_names[] = {
    [INTENT_CONTENT] = "content",
    [INTENT_REGISTER] = "register",
    [INTENT_LIST_MINE] = "list_mine",
    [INTENT_EDIT] = "edit",
    [INTENT_DELETE_DRAFT] = "delete_draft",
    [INTENT_CANCEL] = "cancel",
    [INTENT_HELP] = "help",
    [INTENT_HUMAN] = "human",
    [INTENT_OPTOUT] = "optout",
    [INTENT_OPTIN] = "optin",
    [INTENT_YES] = "yes",
    [INTENT_NO] = "no",
    [INTENT_SKIP] = "skip",
    [INTENT_BACK] = "back",
    [INTENT_MENU] = "menu",
    [INTENT_DONE] = "done",
    [INTENT_UNKNOWN] = "unknown",
    [INTENT_NONMONETARY] = "nonmonetary",
    [INTENT_RESUME] = "resume",
    [INTENT_MY_DATA] = "my_data",
    [INTENT_ERASE_ME] = "erase_me",
    [INTENT_WITHDRAW] = "withdraw",
    [INTENT_STANDING] = "standing",
    [INTENT_PRIVACY] = "privacy",
    [INTENT_THANKS] = "thanks",
    [INTENT_DIFFERENT] = "different",
    [INTENT_SAME] = "same",
    [INTENT_TOGETHER] = "together",
    [INTENT_AGAIN] = "again",
    [INTENT_HELP_WHAT] = "help_what",
};
_Static_assert(ARRAY_LEN(intent_names) == INTENT_COUNT, "every intent has a name");

static const char *const scene_names[] = {
    [SCENE_MENU] = "menu",       [SCENE_TITLE] = "title",     [SCENE_DESCRIPTION] = "description",
    [SCENE_BENEFIT] = "benefit", [SCENE_CONFIRM] = "confirm", [SCENE_NAME] = "name",
    [SCENE_SIMILAR] = "similar",
};
_Static_assert(ARRAY_LEN(scene_names) == SCENE_COUNT, "every scene has a name");

const char *intent_name(enum intent intent)
{
    return (unsigned)intent < INTENT_COUNT ? intent_names[intent] : intent_names[INTENT_CONTENT];
}

enum intent intent_named(struct str name)
{
    for (size_t i = 0; i < INTENT_COUNT; i++)
        if (str_eq(str_of(intent_names[i]), name))
            return (enum intent)i;
    return INTENT_CONTENT;
}

bool intent_scene_named(struct str name, enum intent_scene *ret)
{
    for (size_t i = 0; i < SCENE_COUNT; i++)
        if (str_eq(str_of(scene_names[i]), name)) {
            *ret = (enum intent_scene)i;
            return true;
        }
    return false;
}

static const struct intent_reading content = {INTENT_CONTENT, EDIT_ANY};

/* What the rules need to know of the question asked. */
struct scene {
    enum intent_scene at;
    bool extended;
};

static struct intent_reading reading_of(const struct phrase *phrase)
{
    return (struct intent_reading){phrase->intent, phrase->field};
}

static bool is_yes_or_no(enum intent intent)
{
    return intent == INTENT_YES || intent == INTENT_NO;
}

static bool phrase_counts(const struct phrase *phrase, const struct scene *scene)
{
    return (phrase->scenes & 1 << scene->at) && (!phrase->extended || scene->extended);
}

/* ---- 4.4: reaction emoji -------------------------------------------------------------------------------------- */

static bool is_skin_tone(int32_t cp)
{
    return cp >= 0x1F3FB && cp <= 0x1F3FF;
}

static enum intent reaction_intent(int32_t cp)
{
    switch (cp) {
    case 0x1F44D: case 0x1F44C: case 0x2705: case 0x1F197: case 0x2764: /* 👍 👌 ✅ 🆗 ❤ */
        return INTENT_YES;
    case 0x1F44E: case 0x274C: case 0x1F6AB: /* 👎 ❌ 🚫 */
        return INTENT_NO;
    default:
        return INTENT_CONTENT;
    }
}

/* The whole message is one reaction emoji; the skin tone and the emoji selector do not make it another one. */
static bool read_reaction(struct str text, enum intent *ret)
{
    enum intent found = INTENT_CONTENT;
    size_t pictures = 0;
    int32_t cp;
    while ((cp = utf8_take(&text)) >= 0) {
        if (codepoint_is_blank(cp) || codepoint_is_invisible(cp) || (is_skin_tone(cp) && pictures == 1))
            continue;
        if (!codepoint_is_pictograph(cp) || ++pictures > 1)
            return false;
        found = reaction_intent(cp);
    }
    *ret = found;
    return found != INTENT_CONTENT;
}

/* ---- I4: digits ----------------------------------------------------------------------------------------------- */

static enum intent digit_intent(char digit, enum intent_scene scene)
{
    static const enum intent in_menu[] = {INTENT_REGISTER, INTENT_LIST_MINE, INTENT_HELP, INTENT_HUMAN};
    static const enum intent in_confirm[] = {INTENT_YES, INTENT_EDIT, INTENT_CANCEL};
    size_t i = (size_t)(digit - '1');
    if (scene == SCENE_MENU && i < ARRAY_LEN(in_menu))
        return in_menu[i];
    if (scene == SCENE_CONFIRM && i < ARRAY_LEN(in_confirm))
        return in_confirm[i];
    return INTENT_CONTENT;
}

/* ---- I5, I6: the whole message, fillers stripped -------------------------------------------------------------- */

/* The part of the key under comparison: words [from, to). */
struct range {
    size_t from, to;
};

/* Takes one filler off the end, or off the front; one that would leave nothing stays.  @return false: none there. */
static bool strip_end(const struct message_key *key, struct range *r)
{
    for (size_t n = 2; n > 0; n--)
        if (r->to - r->from > n && lexicon_is_filler(message_key_range(key, r->to - n, r->to))) {
            r->to -= n;
            return true;
        }
    return false;
}

static bool strip_front(const struct message_key *key, struct range *r)
{
    for (size_t n = 2; n > 0; n--)
        if (r->to - r->from > n && lexicon_is_filler(message_key_range(key, r->from, r->from + n))) {
            r->from += n;
            return true;
        }
    return false;
}

typedef bool compare_fn(const struct message_key *key, struct range r, const struct scene *scene,
                        struct intent_reading *ret);

/* Compares, strips one filler from the end and compares again, then the same from the front.  Where a phrase ends in a
 * filler itself ("em muốn quay lại", "dạ giúp em") the front is stripped with that filler in place first: what leaves
 * more of the message counts.  A comparison that returns true has decided, also for content. */
static bool compare_stripping(const struct message_key *key, const struct scene *scene, compare_fn *compare,
                              struct intent_reading *ret)
{
    struct range end = {0, key->words};
    do {
        struct range r = end;
        do {
            if (compare(key, r, scene, ret))
                return true;
        } while (strip_front(key, &r));
    } while (strip_end(key, &end));
    return false;
}

/* "đúng" and "dừng" fold to one key (the collisions of section 1): the accents are looked at first; without any, a
 * question on show makes it the answer.  @return NULL when no phrase with this key is meant. */
static const struct phrase *chosen(const struct message_key *key, struct range r, const struct scene *scene)
{
    const struct phrase *first = NULL, *agreeing = NULL, *answer = NULL, *phrase = NULL;
    bool collision = false;
    while ((phrase = lexicon_find(message_key_range(key, r.from, r.to), phrase))) {
        if (!phrase_counts(phrase, scene))
            continue;
        if (!first)
            first = phrase;
        collision |= phrase->intent != first->intent;
        if (!lexicon_accents_agree(key, r.from, r.to, phrase))
            continue;
        if (is_yes_or_no(phrase->intent))
            answer = phrase;
        else
            agreeing = phrase;
    }
    if (!collision)
        return first;
    bool asked = scene->at == SCENE_CONFIRM || scene->at == SCENE_BENEFIT;
    return answer && (asked || !agreeing) ? answer : agreeing;
}

static bool compare_exact(const struct message_key *key, struct range r, const struct scene *scene,
                          struct intent_reading *ret)
{
    const struct phrase *phrase = chosen(key, r, scene);
    if (!phrase)
        return false;
    bool wants_words = scene->at == SCENE_TITLE || scene->at == SCENE_DESCRIPTION;
    *ret = is_yes_or_no(phrase->intent) && wants_words ? content : reading_of(phrase);
    return true;
}

enum { TYPOS_FROM = 5, TWO_TYPOS_FROM = 9, SQUEEZED_MAX = 128 };

/* Optimal string alignment distance (insert, delete, replace, swap of neighbours), or limit + 1 when it is more. */
static size_t edit_distance(struct str a, struct str b, size_t limit)
{
    uint8_t rows[3][SQUEEZED_MAX + 1];
    uint8_t *before = rows[0], *last = rows[1], *now = rows[2];
    if (a.n > SQUEEZED_MAX || b.n > SQUEEZED_MAX || (a.n > b.n ? a.n - b.n : b.n - a.n) > limit)
        return limit + 1;
    for (size_t j = 0; j <= b.n; j++)
        last[j] = (uint8_t)j;
    for (size_t i = 1; i <= a.n; i++) {
        now[0] = (uint8_t)i;
        uint8_t best = now[0];
        for (size_t j = 1; j <= b.n; j++) {
            uint8_t d = (uint8_t)(last[j - 1] + (a.p[i - 1] != b.p[j - 1]));
            if (last[j] + 1 < d)
                d = (uint8_t)(last[j] + 1);
            if (now[j - 1] + 1 < d)
                d = (uint8_t)(now[j - 1] + 1);
            if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1] && before[j - 2] + 1 < d)
                d = (uint8_t)(before[j - 2] + 1);
            now[j] = d;
            if (d < best)
                best = d;
        }
        if (best > limit)
            return limit + 1;
        uint8_t *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[b.n];
}

static uint32_t letters_of(struct str s)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] >= 'a' && s.p[i] <= 'z')
            letters |= 1u << (s.p[i] - 'a');
    return letters;
}

static bool compare_typos(const struct message_key *key, struct range r, const struct scene *scene,
                          struct intent_reading *ret)
{
    struct str typed = message_key_squeezed(key, r.from, r.to);
    uint32_t letters = letters_of(typed);
    const struct phrase *phrases;
    size_t n = lexicon_phrases(&phrases);
    size_t best = SIZE_MAX;
    bool tie = false;
    for (size_t i = 0; i < n && phrases[i].squeezed.n <= typed.n + 2; i++) {
        const struct phrase *phrase = &phrases[i];
        size_t limit = phrase->squeezed.n >= TWO_TYPOS_FROM ? 2 : phrase->squeezed.n >= TYPOS_FROM ? 1 : 0;
        if (limit == 0 || phrase->squeezed.n + limit < typed.n || !phrase_counts(phrase, scene) ||
            is_yes_or_no(phrase->intent))
            continue;
        /* Each edit can bring in or take out one kind of letter, a replacement both. */
        if ((size_t)__builtin_popcount(letters ^ phrase->letters) > 2 * limit)
            continue;
        size_t distance = edit_distance(typed, phrase->squeezed, limit);
        if (distance > limit || distance > best)
            continue;
        if (distance < best) {
            best = distance;
            *ret = reading_of(phrase);
            tie = false;
        } else if (phrase->intent != ret->intent) {
            tie = true;
        } else if (phrase->field != ret->field) {
            ret->field = EDIT_ANY;
        }
    }
    if (tie)
        *ret = content;
    return best != SIZE_MAX;
}

/* ---- I7: the phrase inside the message ------------------------------------------------------------------------ */

static bool is_wish(struct str word)
{
    return str_eq(word, STR("can")) || str_eq(word, STR("muon"));
}

static bool read_loose(const struct message_key *key, const struct scene *scene, struct intent_reading *ret)
{
    struct range left = {0, key->words};
    while (strip_end(key, &left))
        ;
    while (strip_front(key, &left))
        ;
    size_t words_left = left.to - left.from;
    const struct scene plain = {scene->at, false}; /* the extended phrases are whole messages only */
    const struct phrase *best = NULL;
    size_t best_from = 0;
    bool tie = false;
    for (size_t from = 0; from < key->words; from++)
        for (size_t to = from + 2; to <= key->words; to++) {
            if ((to - from) * 2 < words_left)
                continue;
            const struct phrase *phrase = chosen(key, (struct range){from, to}, &plain);
            if (!phrase)
                continue;
            int longer = !best ? 1 : (int)phrase->words - (int)best->words;
            if (longer == 0)
                longer = (int)phrase->squeezed.n - (int)best->squeezed.n;
            if (longer > 0) {
                best = phrase;
                best_from = from;
                tie = false;
            } else if (longer == 0 && phrase->intent != best->intent) {
                tie = true;
            }
        }
    if (!best || tie)
        return false;
    size_t before = best_from;
    if (before > 1 && is_wish(message_key_range(key, before - 1, before))) /* "không cần gặp cán bộ" */
        before--;
    bool negated = before > 0 && (key->negates >> (before - 1) & 1) && !(key->negates >> best_from & 1);
    *ret = negated ? content : reading_of(best);
    return true;
}

/* ---- I1 and all together -------------------------------------------------------------------------------------- */

/* "/huy", "#dangky", "/ Hủy đăng ký": the sign, then a phrase of 4.3 with or without its blanks. */
static bool read_slash(struct str text, const struct scene *scene, struct intent_reading *ret)
{
    struct message_key key;
    int32_t cp;
    do
        cp = utf8_take(&text);
    while (cp >= 0 && (codepoint_is_blank(cp) || codepoint_is_invisible(cp)));
    if ((cp != '/' && cp != '#' && cp != 0xFF0F && cp != 0xFF03) || !message_key_read(text, &key))
        return false;
    struct range r = {0, key.words};
    /* In name and unit the slash is the only way to a command. */
    const struct scene at = {scene->at == SCENE_NAME ? SCENE_MENU : scene->at, scene->extended};
    const struct phrase *phrases;
    size_t n = lexicon_phrases(&phrases);
    do {
        const struct phrase *phrase = chosen(&key, r, &at);
        struct str typed = message_key_squeezed(&key, r.from, r.to);
        for (size_t i = 0; i < n && !phrase; i++)
            if ((str_eq(phrases[i].squeezed, typed) || str_eq(phrases[i].command, typed)) && phrase_counts(&phrases[i], &at))
                phrase = &phrases[i];
        if (phrase) {
            *ret = reading_of(phrase);
            return true;
        }
    } while (strip_end(&key, &r));
    return false;
}

struct intent_reading intent_read(struct str text, enum intent_scene at, bool extended)
{
    struct scene scene = {at, extended};
    struct intent_reading ret = content;
    if (read_slash(text, &scene, &ret)) /* I1 */
        return ret;
    if (at == SCENE_NAME) /* a name can be anything, Huy is one */
        return content;
    if (read_reaction(text, &ret.intent)) /* 4.4 */
        return at == SCENE_TITLE || at == SCENE_DESCRIPTION ? content : ret;
    struct message_key key;
    if (!message_key_read(text, &key)) /* I2, I3 */
        return content;
    if (key.words == 1 && key.at[1] == 2 && key.text[0] >= '0' && key.text[0] <= '9') /* I4 */
        return (struct intent_reading){digit_intent(key.text[0], at), EDIT_ANY};
    if (compare_stripping(&key, &scene, compare_exact, &ret)) /* I5 */
        return ret;
    if (compare_stripping(&key, &scene, compare_typos, &ret)) /* I6 */
        return ret;
    if ((at == SCENE_MENU || at == SCENE_CONFIRM) && read_loose(&key, &scene, &ret)) /* I7 */
        return ret;
    return content; /* I8 */
}
