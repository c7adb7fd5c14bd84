-- name: evidence_add
-- $1 user ids, $2 ids, $3 initiative ids, $4 kinds, $5 urls, $6 names, $7 sizes (null: not said), $8 message ids.
INSERT INTO evidence (user_id, id, initiative_id, kind, url, name, size_bytes, msg_id, due_at, state)
SELECT user_id, id, initiative_id, kind, url, name, size_bytes, msg_id,
       CASE WHEN url IS NOT NULL THEN now() END, CASE WHEN url IS NOT NULL THEN 'waiting' ELSE 'failed' END
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[])
     AS v (user_id, id, initiative_id, kind, url, name, size_bytes, msg_id);

-- name: evidence_count
-- $1 user ids, $2 initiative ids.
SELECT q.user_id, (SELECT count(*) FROM evidence e WHERE e.user_id = q.user_id AND e.initiative_id = q.id)
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, id);

-- name: evidence_drop_files
-- $1 user ids, $2 initiative ids.
INSERT INTO file_removal (path)
SELECT e.path FROM evidence e JOIN unnest($1::text[], $2::bigint[]) AS v (user_id, id) ON e.user_id = v.user_id AND e.initiative_id = v.id
WHERE e.path IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: evidence_drop
-- $1 user ids, $2 initiative ids.
DELETE FROM evidence e USING unnest($1::text[], $2::bigint[]) AS v (user_id, id)
WHERE e.user_id = v.user_id AND e.initiative_id = v.id;

-- name: evidence_claim
-- $1 at most so many, $2 lease in ms.  due_at moves past the lease: nobody else takes it meanwhile.
UPDATE evidence e SET due_at = now() + make_interval(secs => $2::bigint / 1000.0), attempts = e.attempts + 1
FROM (SELECT user_id, id FROM evidence WHERE due_at <= now() ORDER BY due_at LIMIT $1::bigint FOR UPDATE SKIP LOCKED) d
WHERE e.user_id = d.user_id AND e.id = d.id
RETURNING e.user_id, e.id, e.url, e.attempts, e.name, e.kind;

-- name: evidence_stored
-- $1 user id, $2 id, $3 sha256, $4 path, $5 size.  No row back: the piece was erased meanwhile and the file has to go.
UPDATE evidence SET state = 'stored', due_at = NULL, sha256 = $3, path = $4, size_bytes = $5, error = NULL
WHERE user_id = $1 AND id = $2 RETURNING id;

-- name: evidence_failed
-- $1 user id, $2 id, $3 next try (null: given up), $4 error.
UPDATE evidence SET due_at = $3, error = $4, state = CASE WHEN $3::timestamptz IS NULL THEN 'failed' ELSE 'waiting' END
WHERE user_id = $1 AND id = $2;
