/* Files: what the OA uploads to attach, and what people send; all are served under /cdn/. */
#include "assets.h"
#include "people.h"
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct assets {
    struct map     by_id;
    struct asset **all;
    size_t         count;
};

static const struct {
    const char *ending, *type;
} types[] = {
    {".jpg", "image/jpeg"}, {".jpeg", "image/jpeg"}, {".png", "image/png"}, {".gif", "image/gif"}, {".webp", "image/webp"},
    {".amr", "audio/amr"},  {".webm", "audio/webm"}, {".ogg", "audio/ogg"}, {".m4a", "audio/mp4"}, {".mp3", "audio/mpeg"},
    {".wav", "audio/wav"},  {".aac", "audio/aac"},   {".mp4", "video/mp4"}, {".pdf", "application/pdf"},
};

static const char *type_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot && i < COUNT_OF(types); i++)
        if (strcasecmp(dot, types[i].ending) == 0)
            return types[i].type;
    return "application/octet-stream";
}

struct assets *assets_new(void)
{
    return must_alloc(sizeof(struct assets));
}

void assets_free(struct assets *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++) {
        free(a->all[i]->id);
        free(a->all[i]->name);
        free(a->all[i]->type);
        free(a->all[i]->p);
        free(a->all[i]);
    }
    free(a->all);
    map_done(&a->by_id);
    free(a);
}

static struct asset *keep(struct standin *s, const char *id, enum asset_use use, const char *name, char *p, size_t n)
{
    struct assets *all = s->assets;
    struct asset  *a = must_alloc(sizeof(*a));
    *a = (struct asset){.id = must_dup(id), .name = must_dup(name), .type = must_dup(type_of(name)), .p = p, .n = n,
                        .uploaded_ms = standin_now(s), .use = use};
    all->all = realloc(all->all, (all->count + 1) * sizeof(struct asset *));
    if (!all->all)
        exit(71);
    all->all[all->count++] = a;
    map_set(&all->by_id, id, a);
    return a;
}

static char *media_file(const struct standin *s, const char *id)
{
    const char *dir = state_media_dir(s);
    return dir ? must_format("%s/%s", dir, id) : NULL;
}

struct asset *assets_add(struct standin *s, enum asset_use use, const char *name, const void *p, size_t n)
{
    char id[33];
    random_hex(id, 32);
    struct asset *a = keep(s, id, use, name, must_dup_n(p, n), n);
    char         *file = media_file(s, id);
    FILE         *f = file ? fopen(file, "wb") : NULL;
    if (f && (fwrite(p, 1, n, f) != n || fclose(f) != 0))
        standin_say(s, "could not keep \"%s\" for the next start, ignoring", file);
    free(file);
    state_touch(s);
    return a;
}

struct asset *assets_find(const struct standin *s, const char *id)
{
    return map_get(&s->assets->by_id, id);
}

char *asset_path(const struct asset *a)
{
    char *name = evhttp_uriencode(a->name, -1, 0);
    char *path = must_format("/cdn/%s/%s", a->id, name);
    free(name);
    return path;
}

struct asset *assets_sample(struct standin *s, const char *kind)
{
    /* one blue pixel; the AMR magic and one silent frame; the smallest document readers accept */
    static const unsigned char png[] = {
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00, 0x00,
        0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53, 0xde, 0x00, 0x00, 0x00,
        0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0xda, 0x63, 0x60, 0xc8, 0xf8, 0x0f, 0x00, 0x01, 0xd3, 0x01, 0x68, 0x81,
        0x3c, 0x31, 0x23, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82};
    static const char gif[] = "GIF89a\1\0\1\0\x80\0\0\0\x68\xff\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;";
    static const char amr[] = "#!AMR\n\x3c\x48\xf5\x1f\x96\x66\x78\0\0\1\xe7\x8a\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    static const char pdf[] = "%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
                              "trailer<</Root 1 0 R>>\n%%EOF\n";
    static const struct {
        const char *kind, *name;
        const void *p;
        size_t      n;
    } samples[] = {
        {"image", "anh.png", png, sizeof(png)},         {"gif", "hinh-dong.gif", gif, sizeof(gif) - 1},
        {"audio", "tin-thoai.amr", amr, sizeof(amr) - 1},   {"file", "tai-lieu.pdf", pdf, sizeof(pdf) - 1},
        {"video", "doan-phim.mp4", "\0\0\0\x18""ftypmp42", 12}, {"sticker", "nhan-dan.png", png, sizeof(png)},
    };
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        if (strcmp(samples[i].kind, kind) != 0)
            continue;
        char         *id = must_format("mau-%s", kind);
        struct asset *a = assets_find(s, id);
        if (!a)
            a = keep(s, id, ASSET_MEDIA, samples[i].name, must_dup_n(samples[i].p, samples[i].n), samples[i].n);
        free(id);
        return a;
    }
    return NULL;
}

/* ---- serving ---- */

/* /cdn/avatar/<user>: a coloured disc with the initial, as a phone without a photograph shows. */
static void serve_avatar(struct call *c, const char *user)
{
    static const char *const colors[] = {"0068ff", "00a884", "e8590c", "9c36b5", "c2255c", "2b8a3e"};
    const struct person     *person = people_find(c->s->people, user);
    const char              *name = person ? person_name(person) : "?", *last = strrchr(name, ' ');
    const char              *initial = last && last[1] ? last + 1 : name;
    size_t                   n = 1;
    while (((unsigned char)initial[n] & 0xC0) == 0x80)
        n++;
    char *letter = must_dup_n(initial, n), *safe = evhttp_htmlescape(letter);
    char *svg = must_format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 48 48\"><circle cx=\"24\" cy=\"24\" r=\"24\" "
                            "fill=\"#%s\"/><text x=\"24\" y=\"32\" font-family=\"sans-serif\" font-size=\"22\" fill=\"#fff\" "
                            "text-anchor=\"middle\">%s</text></svg>",
                            colors[hash_bytes(3, user, strlen(user)) % COUNT_OF(colors)], safe);
    call_text(c, 200, "image/svg+xml", svg, strlen(svg));
    free(svg);
    free(safe);
    free(letter);
}

void assets_serve(struct call *c)
{
    if (strncmp(c->path, "/cdn/avatar/", 12) == 0) {
        serve_avatar(c, c->path + 12);
        return;
    }
    const char   *at = c->path + strlen("/cdn/"), *slash = strchr(at, '/');
    char         *id = must_dup_n(at, slash ? (size_t)(slash - at) : strlen(at));
    struct asset *a = assets_find(c->s, id);
    free(id);
    if (!a) {
        call_text(c, 404, "text/plain", "no such file\n", 13);
        return;
    }
    /* What a person uploaded must not run as a page of this server. */
    call_add_header(c, "X-Content-Type-Options", "nosniff");
    call_add_header(c, "Content-Security-Policy", "default-src 'none'; sandbox");
    if (strncmp(a->type, "image/", 6) != 0 && strncmp(a->type, "audio/", 6) != 0 && strncmp(a->type, "video/", 6) != 0)
        call_add_header(c, "Content-Disposition", "attachment");
    call_text(c, 200, a->type, a->p, a->n);
}

/* ---- uploads of the OA ---- */

/* The first part named "file" of a multipart body (RFC 7578); false when there is none. */
static bool find_part(const struct call *c, struct piece *content, char **name)
{
    const char *type = call_header(c, "Content-Type"), *b = type ? strcasestr(type, "boundary=") : NULL;
    if (!b || strncasecmp(type, "multipart/form-data", 19) != 0)
        return false;
    b += strlen("boundary=");
    size_t      quoted = *b == '"', n = quoted ? strcspn(b + 1, "\"") : strcspn(b, "; ");
    char       *mark = must_format("--%.*s", (int)n, b + quoted);
    size_t      mark_n = strlen(mark);
    const char *end = c->body + c->body_n, *part = memmem(c->body, c->body_n, mark, mark_n);
    bool        found = false;
    while (part && !found) {
        part += mark_n;
        const char *head_end = memmem(part, (size_t)(end - part), "\r\n\r\n", 4);
        const char *next = memmem(part, (size_t)(end - part), mark, mark_n);
        if (!head_end || !next || next < head_end + 6)
            break;
        char *head = must_dup_n(part, (size_t)(head_end - part));
        char *file = strcasestr(head, "filename=\"");
        if (file && strcasestr(head, "name=\"file\"")) {
            file += strlen("filename=\"");
            *name = must_dup_n(file, strcspn(file, "\""));
            *content = (struct piece){head_end + 4, (size_t)(next - 2 - head_end - 4)}; /* CRLF before the mark */
            found = true;
        }
        free(head);
        part = next;
    }
    free(mark);
    return found;
}

static bool ends_in(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    for (; dot && *endings; endings++)
        if (strcasecmp(dot + 1, *endings) == 0)
            return true;
    return false;
}

void assets_upload(struct call *c)
{
    static const struct {
        const char    *path;
        enum asset_use use;
        size_t         max;
        const char    *endings[5];
        const char    *answer;
    } kinds[] = {
        {"/v2.0/oa/upload/image", ASSET_IMAGE, 1 << 20, {"jpg", "jpeg", "png"}, "attachment_id"},
        {"/v2.0/oa/upload/gif", ASSET_GIF, 5 << 20, {"gif"}, "attachment_id"},
        {"/v2.0/oa/upload/file", ASSET_FILE, 5 << 20, {"pdf", "doc", "docx", "csv"}, "token"},
    };
    size_t i = 0;
    while (i < COUNT_OF(kinds) && strcmp(kinds[i].path, c->path) != 0)
        i++;
    if (i == COUNT_OF(kinds)) {
        call_error(c, 404, NULL);
        return;
    }
    struct piece content;
    char        *name = NULL;
    if (!find_part(c, &content, &name)) {
        call_error(c, -201, "file is required");
    } else if (!ends_in(name, kinds[i].endings)) {
        call_error(c, -201, "file type is not supported");
    } else if (content.n > kinds[i].max) {
        call_error(c, -210, "file size is over the limit");
    } else {
        struct asset *a = assets_add(c->s, kinds[i].use, name, content.p, content.n);
        cJSON        *data = cJSON_CreateObject();
        cJSON_AddStringToObject(data, kinds[i].answer, a->id);
        call_success(c, data);
    }
    free(name);
}

/* ---- state file: the bytes lie beside it, one file each ---- */

cJSON *assets_save(const struct standin *s)
{
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < s->assets->count; i++) {
        const struct asset *a = s->assets->all[i];
        cJSON              *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "id", a->id);
        cJSON_AddStringToObject(o, "name", a->name);
        cJSON_AddNumberToObject(o, "use", a->use);
        cJSON_AddNumberToObject(o, "uploaded_ms", (double)a->uploaded_ms);
        cJSON_AddItemToArray(list, o);
    }
    return list;
}

void assets_load(struct standin *s, const cJSON *saved)
{
    const cJSON *o;
    cJSON_ArrayForEach(o, saved)
    {
        const char *id = json_string(o, "id"), *name = json_string(o, "name");
        char       *file = id && name && !strchr(id, '/') ? media_file(s, id) : NULL;
        FILE       *f = file ? fopen(file, "rb") : NULL;
        free(file);
        if (!f)
            continue;
        size_t n = 0, room = 1 << 16;
        char  *p = must_alloc(room);
        for (size_t got; (got = fread(p + n, 1, room - n, f)) > 0;) {
            n += got;
            if (n == room && !(p = realloc(p, room *= 2)))
                exit(71);
        }
        fclose(f);
        struct asset *a = keep(s, id, (enum asset_use)json_integer(o, "use", ASSET_MEDIA), name, p, n);
        a->uploaded_ms = json_integer(o, "uploaded_ms", 0);
    }
}
