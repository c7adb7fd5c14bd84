-- Events that could not be processed: looked at, tried again, dropped by the operator (sangkien dead).

-- name: dead_list
-- $1 at most so many, behind $2 user id and $3 event key.  Without the body: it holds people's words.
SELECT user_id, event_key, at, octet_length(body)::bigint, error FROM dead_event
WHERE (user_id, event_key) > ($2::text, $3::bytea) ORDER BY user_id, event_key LIMIT $1::bigint;

-- name: dead_count
SELECT count(*) FROM dead_event;

-- name: dead_retry
-- $1 user id, $2 event key, $3 id for the mailbox.  From there it comes back in a turn of that person; mail (its key begins with
-- eight zero bytes, see dead_mail_add) as it was, a webhook event with its key and body in hex.
WITH gone AS (
    DELETE FROM dead_event WHERE user_id = $1 AND event_key = $2 RETURNING user_id, event_key, body
), told AS (
    SELECT user_id, event_key, body, CASE WHEN substring(event_key FROM 1 FOR 8) = '\x0000000000000000' THEN convert_from(body, 'UTF8')::jsonb END AS mail
    FROM gone)
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT user_id, $3, coalesce(mail ->> 'mail', 'dead_event'),
       coalesce(mail -> 'payload', jsonb_build_object('key', encode(event_key, 'hex'), 'body', encode(body, 'hex')))
FROM told;

-- name: dead_drop
-- $1 user id, $2 event key.
DELETE FROM dead_event WHERE user_id = $1 AND event_key = $2;
