-- Work behind a turn: asked for there, taken by one process at a time, answered by mail.

-- name: job_add
-- $1 user ids, $2 ids, $3 kinds, $4 arguments.  Asked for again while the same still waits, one answer is enough.
INSERT INTO job (user_id, id, kind, args)
SELECT v.user_id, v.id, v.kind, v.args::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS v (user_id, id, kind, args)
WHERE NOT EXISTS (SELECT FROM job j WHERE j.user_id = v.user_id AND j.kind = v.kind AND j.args = v.args::jsonb AND j.owner IS NULL);

-- name: job_take
-- $1 this process, $2 the kinds it knows, $3 lease in ms: the job that has been due longest, and for how long it was, in ms.
WITH next AS MATERIALIZED (
    SELECT user_id, id, due_at FROM job WHERE due_at <= now() AND kind = ANY ($2::text[]) ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE job j SET owner = $1, attempts = j.attempts + 1, due_at = now() + make_interval(secs => $3::bigint / 1000.0)
FROM next n WHERE j.user_id = n.user_id AND j.id = n.id
RETURNING j.user_id, j.id, j.kind, j.args::text, j.attempts, (extract(epoch FROM now() - n.due_at) * 1000)::bigint;

-- name: job_extend
-- $1 user id, $2 id, $3 which attempt, $4 lease in ms: it is still being worked on.
UPDATE job SET due_at = now() + make_interval(secs => $4::bigint / 1000.0) WHERE user_id = $1::text AND id = $2::bigint AND attempts = $3::bigint;

-- name: job_again
-- $1 user id, $2 id, $3 which attempt, $4 why it failed, $5 pause in ms.
UPDATE job SET owner = NULL, last_error = $4, due_at = now() + make_interval(secs => $5::bigint / 1000.0)
WHERE user_id = $1::text AND id = $2::bigint AND attempts = $3::bigint;

-- name: job_end
-- $1 user id, $2 id, $3 which attempt, $4 id of the mail, $5 its payload.  Both or neither: who was overtaken says nothing.
WITH gone AS (
    DELETE FROM job WHERE user_id = $1::text AND id = $2::bigint AND attempts = $3::bigint RETURNING user_id
)
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT g.user_id, $4::bigint, 'job_done', $5::text::jsonb FROM gone g JOIN conversation c ON c.user_id = g.user_id;
