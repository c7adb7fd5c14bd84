/* What organizers ask of broadcasts from the chat, as a job (jobs.h): count, start, try, pause, cancel, look. */
#ifndef SANGKIEN_BOT_BROADCAST_JOB_H
#define SANGKIEN_BOT_BROADCAST_JOB_H

struct broadcaster;
struct job;
struct settings;

struct broadcast_desk {
    const struct settings *settings;
    struct broadcaster *broadcaster; /* told when there is something to begin or to stop */
};

/**
 * Arguments, all of them texts: "op", "id" (of the broadcast), "new_id" (of the one row that may be added), and of "create"
 * "segment" (or "unit", a folded name), "text", "scope" (a unit id, "0": everywhere), of "go" "at_ms" (not before, "0": now) and "name" (whose wish it is).
 *
 *   create   adds one; rehearsed           look     where it stands; id "0": the newest that was started
 *   go       starts it                     confirm  the second person's yes
 *   try      to the asker alone            pause, resume, drop (cancels)
 *   retry    a new one for its failures; rehearsed
 *
 * Result: "op", "id" ("0": there is none that is the asker's business), "done", and figures as texts: rehearsed and "go": people,
 * free, charged, cost_vnd, ends_at_ms, silent, opted_out, capped, with_support, sample to sample3, hold_min, asked, begins_at_ms; else state,
 * frozen, arrived, sent, waiting, failed, skipped, cancelled, unknown.  "unknown_code": the segment names a unit or wave that is none; "codes": more units than one have that name.
 * @param ctx  a struct broadcast_desk.
 */
void broadcast_job(struct job *job, void *ctx);

#endif
