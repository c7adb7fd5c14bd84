/* A document that a contact or a worker sends, as a job: fetched from Zalo's address and uploaded, so that the other gets the file itself.
 *
 *   run -> downloaded into memory -> uploaded -> job_done()
 *
 * The result has the members of the arguments and, when all went well, "token".  Without one the document's address has to do: the
 * one has sent it and the other is to get it.  Only a token of Zalo's that is no good is waited for.  Source: zalo-oa-api.md 2.3, 2.7. */
#ifndef SANGKIEN_BOT_FILE_JOB_H
#define SANGKIEN_BOT_FILE_JOB_H

struct job;
struct limiter;
struct settings;
struct tokens;
struct zalo_client;

struct file_desk {
    const struct settings *settings; /* evidence.allow_hosts */
    struct zalo_client *client;
    struct tokens *tokens;
    struct limiter *limiter;
};

/** Does jobs of the kinds "contact_file" and "worker_file": "url", "name" and whatever is to come back. @param ctx  a struct file_desk. */
void file_job(struct job *job, void *ctx);

#endif
