/* Names of what may happen to a person: see inbound.h. */
#include "inbound.h"

static const char *const names[] = {
    [IN_IGNORED] = "ignored", [IN_TEXT] = "text", [IN_IMAGE] = "image", [IN_GIF] = "gif", [IN_LINK] = "link", [IN_AUDIO] = "audio",
    [IN_VIDEO] = "video", [IN_FILE] = "file", [IN_STICKER] = "sticker", [IN_LOCATION] = "location", [IN_CARD] = "card",
    [IN_FOLLOW] = "follow", [IN_UNFOLLOW] = "unfollow", [IN_CHATNOW] = "chatnow", [IN_REACTION] = "reaction",
    [IN_SUBMIT_INFO] = "submit_info", [IN_WITHDRAW] = "withdraw", [IN_ANONYMOUS] = "anonymous", [IN_MAIL] = "mail",
    [IN_ECHO] = "echo", [IN_RECEIVED] = "received", [IN_SEEN] = "seen", [IN_REVOKED] = "revoked",
};
_Static_assert(sizeof(names) / sizeof(names[0]) == IN_KIND_COUNT, "every kind has a name");

const char *inbound_kind_name(enum inbound_kind kind)
{
    return names[kind];
}
