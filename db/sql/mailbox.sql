-- name: mailbox_add
-- $1 user ids, $2 ids, $3 kinds, $4 payloads, $5 not before.  Somebody nobody has met yet gets no mail.
INSERT INTO mailbox (user_id, id, kind, payload, not_before)
SELECT v.user_id, v.id, v.kind, v.payload::jsonb, coalesce(v.not_before, now())
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[]) AS v (user_id, id, kind, payload, not_before)
JOIN conversation c ON c.user_id = v.user_id;

-- name: mailbox_due
-- $1 at most so many.  A look, not a claim: the claim is the deletion in the person's own turn.
SELECT user_id, id, kind, payload::text, not_before FROM mailbox WHERE not_before <= now() ORDER BY not_before, id LIMIT $1::bigint;

-- name: mailbox_evidence_failed
-- $1 user id, $2 id, $3 file name.
INSERT INTO mailbox (user_id, id, kind, payload) VALUES ($1, $2, 'evidence_failed', jsonb_build_object('name', $3::text));
