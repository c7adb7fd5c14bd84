-- What organizers and the operator have to hear about the service itself.

-- name: operator_heard
-- A signed webhook came to this process since it last said so.
INSERT INTO operator_mark (name) VALUES ('heard') ON CONFLICT (name) DO UPDATE SET at = now();

-- name: operator_silence_count
-- For how many ms no process has heard a webhook; -1: none ever has, so nobody is missing it.
SELECT coalesce((SELECT (extract(epoch FROM now() - at) * 1000)::bigint FROM operator_mark WHERE name = 'heard'), -1);

-- name: operator_tell
-- $1 kind, $2 payload, $3 id for the mailbox, $4 not again within so many ms.  Who writes the mark tells every organizer whom the
-- OA knows.  One row back with their number, or none: it was told lately.
WITH mine AS (
    INSERT INTO operator_mark AS m (name) VALUES ($1)
    ON CONFLICT (name) DO UPDATE SET at = now() WHERE m.at < now() - make_interval(secs => $4::bigint / 1000.0)
    RETURNING name
), told AS (
    INSERT INTO mailbox (user_id, id, kind, payload)
    SELECT DISTINCT g.user_id, $3::bigint, 'operator_notice', $2::text::jsonb
    FROM role_grant g JOIN conversation c ON c.user_id = g.user_id
    WHERE g.role = 'organizer' AND g.revoked_at IS NULL AND EXISTS (SELECT FROM mine)
    RETURNING user_id)
SELECT (SELECT count(*) FROM told) FROM mine;
