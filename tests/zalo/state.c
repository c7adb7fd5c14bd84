/* The state file: what the stand-in remembers from one start to the next.  One JSON document, replaced as a whole (write,
 * fsync, rename), so a kill at any moment leaves the old or the new one; uploaded files lie in FILE.media/. */
#include "state.h"
#include "assets.h"
#include "people.h"
#include "tokens.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct state_file {
    char         *path, *media;
    struct event *due;
};

static void on_due(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    state_save(arg);
}

const char *state_media_dir(const struct standin *s)
{
    return s->state ? s->state->media : NULL;
}

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    size_t room = 1 << 16;
    char  *p = must_alloc(room);
    *n = 0;
    for (size_t got; (got = fread(p + *n, 1, room - *n, f)) > 0;) {
        *n += got;
        if (*n == room && !(p = realloc(p, room *= 2)))
            exit(71);
    }
    fclose(f);
    return p;
}

char *state_open(struct standin *s, const char *file)
{
    struct state_file *st = must_alloc(sizeof(*st));
    st->path = must_dup(file);
    st->media = must_format("%s.media", file);
    st->due = evtimer_new(s->base, on_due, s);
    if (!st->due)
        exit(71);
    s->state = st;
    if (mkdir(st->media, 0700) < 0 && errno != EEXIST)
        return must_format("cannot make directory \"%s\": %s", st->media, strerror(errno));
    size_t n = 0;
    char  *text = read_all(file, &n);
    if (!text)
        return errno == ENOENT ? NULL : must_format("cannot read \"%s\": %s", file, strerror(errno));
    cJSON *root = cJSON_ParseWithLength(text, n);
    free(text);
    if (!root)
        return must_format("\"%s\" is no state file of the stand-in; remove it to start afresh", file);
    tokens_load(s, json_member(root, "tokens"));
    assets_load(s, json_member(root, "assets"));
    people_load(s, json_member(root, "people"));
    if (cJSON_IsArray(json_member(root, "phones"))) {
        cJSON_Delete(s->phones);
        s->phones = cJSON_Duplicate(json_member(root, "phones"), true);
    }
    cJSON_Delete(root);
    return NULL;
}

void state_touch(struct standin *s)
{
    struct timeval soon = {1, 0};
    if (s->state && !evtimer_pending(s->state->due, NULL))
        evtimer_add(s->state->due, &soon);
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n > 0) {
        ssize_t w = write(fd, p, n);
        if (w < 0)
            return false;
        p += w;
        n -= (size_t)w;
    }
    return true;
}

void state_save(struct standin *s)
{
    if (!s->state)
        return;
    evtimer_del(s->state->due);
    cJSON *root = cJSON_CreateObject();
    cJSON_AddItemToObject(root, "tokens", tokens_json(s));
    cJSON_AddItemToObject(root, "phones", cJSON_Duplicate(s->phones, true));
    cJSON_AddItemToObject(root, "assets", assets_save(s));
    cJSON_AddItemToObject(root, "people", people_save(s));
    char *text = cJSON_PrintUnformatted(root), *fresh = must_format("%s.new", s->state->path);
    cJSON_Delete(root);
    int  fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, text, strlen(text)) && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    if (!ok || rename(fresh, s->state->path) < 0)
        fprintf(stderr, "zalo-standin: could not save \"%s\": %s, ignoring\n", s->state->path, strerror(errno));
    cJSON_free(text);
    free(fresh);
}

void state_close(struct standin *s)
{
    if (!s->state)
        return;
    state_save(s);
    event_free(s->state->due);
    free(s->state->path);
    free(s->state->media);
    free(s->state);
    s->state = NULL;
}
