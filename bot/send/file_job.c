/* A document on its way between a worker and a contact: see file_job.h. */
#include "file_job.h"

#include <cjson/cJSON.h>
#include <sys/mman.h>
#include <unistd.h>

#include "evidence_file.h"
#include "jobs.h"
#include "limiter.h"
#include "log.h"
#include "pending.h"
#include "settings.h"
#include "token/token.h"
#include "zalo/client.h"
#include "zalo/encode.h"

enum { FILE_BYTES_MAX = 5 * 1024 * 1024, DOWNLOAD_MS = 30000 };

struct file {
    struct job *job;
    const struct file_desk *desk;
    const char *url, *name;
    int64_t token_generation;
    struct pending *step;
};

/* The memory that a download writes to lives as long as the call, whoever goes first. */
struct memory {
    int fd;
};

static int memory_close(struct memory *m)
{
    close(m->fd);
    return 0;
}

static int file_end(struct file *f)
{
    pending_forget(&f->step);
    return 0;
}

/* @param why  NULL: all went well. */
static void finish(struct file *f, const char *token, const char *why)
{
    if (why)
        log_info("a document goes as an address: %s", why);
    cJSON *result = cJSON_Duplicate(job_args(f->job), true);
    if (result && token)
        cJSON_AddStringToObject(result, "token", token);
    job_done(f->job, result);
}

static void on_uploaded(const struct zalo_answer *answer, struct str body, void *arg)
{
    struct file *f = pending_end(arg);
    if (!f)
        return;
    if (answer->class == ZALO_TOKEN) {
        struct err e;
        tokens_rejected(f->desk->tokens, f->token_generation);
        err_set(&e, ERR_UNAVAILABLE, "an upload was answered %d %s", answer->code, answer->meaning);
        job_failed(f->job, &e);
        return;
    }
    const char *token = answer->class == ZALO_OK ? zalo_read_upload(f, body) : NULL;
    finish(f, token, token ? NULL : answer->meaning);
}

static void upload(struct file *f, int fd, size_t n)
{
    struct err e;
    const struct token *token = tokens_current(f->desk->tokens);
    if (!token) {
        err_set(&e, ERR_UNAVAILABLE, "there is no token to upload with");
        job_failed(f->job, &e);
        return;
    }
    void *bytes = n ? mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
    if (bytes == MAP_FAILED) {
        finish(f, NULL, "it is empty or cannot be read");
        return;
    }
    f->token_generation = token->generation;
    limiter_spend(f->desk->limiter);
    struct pending *step = pending_new(f->desk->client, f, &f->step);
    bool ok = zalo_client_upload(f->desk->client, token->access, ZALO_PATH_UPLOAD_FILE, f->name, (struct str){bytes, n}, on_uploaded, step, &e);
    munmap(bytes, n);
    if (ok)
        return;
    pending_end(step);
    finish(f, NULL, e.msg);
}

static void on_downloaded(const struct zalo_download *d, void *arg)
{
    struct memory *m = talloc_find_parent_bytype(arg, struct memory);
    struct file *f = pending_end(arg);
    if (f && d->ok)
        upload(f, m->fd, (size_t)d->bytes);
    else if (f)
        finish(f, NULL, d->err.msg);
    talloc_free(m);
}

static const char *word(const struct file *f, const char *name)
{
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(job_args(f->job), name));
}

void file_job(struct job *job, void *ctx)
{
    struct err e;
    const struct file_desk *desk = ctx;
    const struct string_list *hosts = &desk->settings->evidence.allow_hosts;
    struct file *f = talloc_zero(job, struct file);
    *f = (struct file){.job = job, .desk = desk};
    talloc_set_destructor(f, file_end);
    f->url = word(f, "url");
    f->name = word(f, "name");
    if (!f->url || !f->name || !evidence_url_allowed(f->url, hosts, &e)) {
        finish(f, NULL, f->url && f->name ? e.msg : "it came without a name or an address");
        return;
    }
    const char **exact = talloc_zero_array(f, const char *, (unsigned)hosts->count + 1);
    struct zalo_download_options options = {.max_bytes = FILE_BYTES_MAX, .allow_hosts = exact, .total_ms = DOWNLOAD_MS};
    for (size_t i = 0; i < hosts->count; i++) /* a host named exactly may be private: evidence.c */
        if (hosts->item[i][0] != '.')
            exact[options.allow_count++] = hosts->item[i];
    struct memory *m = talloc(desk->client, struct memory);
    m->fd = memfd_create("document", MFD_CLOEXEC);
    talloc_set_destructor(m, memory_close);
    struct pending *step = pending_new(m, f, &f->step);
    if (m->fd >= 0 && zalo_client_download(desk->client, f->url, &options, m->fd, on_downloaded, step, &e))
        return;
    pending_end(step);
    if (m->fd < 0)
        err_set(&e, ERR_SYSTEM, "no memory to put a document into");
    talloc_free(m);
    finish(f, NULL, e.msg);
}
