/* The chat page's files, built in or read from a directory while somebody works on them. */
#include "page.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Generated at build time from page/. */
extern const unsigned char page_index_html[], page_chat_css[], page_chat_js[], page_message_js[], page_icon_svg[];
extern const size_t        page_index_html_len, page_chat_css_len, page_chat_js_len, page_message_js_len, page_icon_svg_len;

static const struct file {
    const char          *path, *name, *type;
    const unsigned char *p;
    const size_t        *n;
} files[] = {
    {"/", "index.html", "text/html; charset=utf-8", page_index_html, &page_index_html_len},
    {"/chat.css", "chat.css", "text/css; charset=utf-8", page_chat_css, &page_chat_css_len},
    {"/chat.js", "chat.js", "text/javascript; charset=utf-8", page_chat_js, &page_chat_js_len},
    {"/message.js", "message.js", "text/javascript; charset=utf-8", page_message_js, &page_message_js_len},
    {"/icon.svg", "icon.svg", "image/svg+xml", page_icon_svg, &page_icon_svg_len},
};

#define FILE_MAX (1 << 20)

/* A name of the list above only, so no path of a request opens a file. */
static void serve_from_directory(struct call *c, const struct file *f)
{
    char *path = must_format("%s/%s", c->s->page_dir, f->name);
    FILE *in = fopen(path, "rb");
    char *text = must_alloc(FILE_MAX);
    if (in) {
        size_t n = fread(text, 1, FILE_MAX, in);
        fclose(in);
        call_text(c, 200, f->type, text, n);
    } else {
        call_text(c, 404, "text/plain", "not in the page directory\n", 26);
    }
    free(text);
    free(path);
}

void page_serve(struct call *c)
{
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        if (strcmp(files[i].path, c->path) != 0)
            continue;
        call_add_header(c, "Cache-Control", "no-store");
        call_add_header(c, "Content-Security-Policy",
                        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                        "img-src 'self' data: blob: http: https:; media-src 'self' blob: http: https:; base-uri 'none'; "
                        "form-action 'none'; frame-ancestors 'none'");
        if (c->s->page_dir)
            serve_from_directory(c, &files[i]);
        else
            call_text(c, 200, files[i].type, (const char *)files[i].p, *files[i].n);
        return;
    }
    call_text(c, 404, "text/plain", "no such page\n", 13);
}
