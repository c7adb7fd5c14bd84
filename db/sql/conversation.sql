-- The load and save of a batch of turns.  Arrays run in parallel: one element per person of the batch.

-- name: load_plan
-- First in a turn's transaction: tables are read by their keys, with plans made once.  Chosen by size, a plan made while a table
-- is empty, as the outbox nearly always is, would read it from end to end on the day when it is full.
SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true);

-- name: save_plan
-- Before rows are changed by their keys: row by row, or an index would be read from end to end for the same reason.
SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: keyed_plan
-- Before rows are changed by their keys in a table that is empty at times: statistics taken then say for ever "no rows", and an index read
-- from end to end for each statement seems as good as a look at one key.  A bitmap scan cannot be that: it needs a key.
SELECT set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('enable_indexscan', 'off', true), set_config('enable_indexonlyscan', 'off', true);

-- name: conversation_introduce
-- $1 user ids.  People met for the first time get their rows, in id order so that two nodes cannot deadlock.
WITH introduced AS (
    INSERT INTO conversation (user_id)
    SELECT u.user_id FROM unnest($1::text[]) AS u (user_id)
    ORDER BY u.user_id COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING user_id)
INSERT INTO person (user_id) SELECT user_id FROM introduced ON CONFLICT DO NOTHING;

-- name: conversation_claim
-- $1 user ids, $2 event keys.  Locks what nobody else holds.
-- A row per locked person with the conversation as it is under the lock, and one more, marked, when the event has not taken
-- effect before.
WITH mine AS MATERIALIZED (
    SELECT user_id, state, draft, owner, owner_until, last_event_at, version FROM conversation WHERE user_id = ANY ($1::text[])
    ORDER BY user_id FOR NO KEY UPDATE SKIP LOCKED
), fresh AS (
    INSERT INTO event (user_id, event_key)
    SELECT b.user_id, b.event_key FROM unnest($1::text[], $2::bytea[]) AS b (user_id, event_key) JOIN mine USING (user_id)
    ON CONFLICT DO NOTHING RETURNING user_id
)
SELECT user_id, false, state, draft, owner, owner_until, last_event_at, version FROM mine
UNION ALL SELECT user_id, true, NULL, NULL, NULL, NULL, NULL, NULL FROM fresh;

-- name: conversation_claim_mail
-- The same for a batch with mail in it: $2 is null there, $3 the mailbox ids (null for webhook events).
WITH mine AS MATERIALIZED (
    SELECT user_id, state, draft, owner, owner_until, last_event_at, version FROM conversation WHERE user_id = ANY ($1::text[])
    ORDER BY user_id FOR NO KEY UPDATE SKIP LOCKED
), batch AS (
    SELECT b.* FROM unnest($1::text[], $2::bytea[], $3::bigint[]) AS b (user_id, event_key, mail_id) JOIN mine USING (user_id)
), fresh AS (
    INSERT INTO event (user_id, event_key)
    SELECT user_id, event_key FROM batch WHERE event_key IS NOT NULL
    ON CONFLICT DO NOTHING RETURNING user_id
), taken AS (
    DELETE FROM mailbox m USING batch b WHERE m.user_id = b.user_id AND m.id = b.mail_id RETURNING m.user_id
)
SELECT user_id, false, state, draft, owner, owner_until, last_event_at, version FROM mine
UNION ALL SELECT user_id, true, NULL, NULL, NULL, NULL, NULL, NULL FROM fresh
UNION ALL SELECT user_id, true, NULL, NULL, NULL, NULL, NULL, NULL FROM taken;

-- name: person_load
-- $1 user ids, $2 this process.  A statement of its own: a read joined to the locking one could return stale rows.
-- The last two columns: a reply is waiting that another process holds or that is due again; a collected one is unclaimed.
-- (OFFSET 0: looked for by the person's key, and never answered from a list of all that wait.)
SELECT p.user_id, p.full_name, p.phone, p.unit_id, p.unit_text, coalesce(u.name, p.unit_text), p.follows, p.opted_out_at,
       p.consent_at, p.consent_version, p.last_inbound_at, p.created_at,
       coalesce(w.waiting, false), coalesce(w.collected, false)
FROM person p
LEFT JOIN union_unit u ON u.id = p.unit_id
CROSS JOIN LATERAL (
    SELECT bool_or(o.owner IS DISTINCT FROM $2 AND (o.owner IS NOT NULL OR o.collapse_key IS NULL)) AS waiting,
           bool_or(o.owner IS NULL AND o.collapse_key IS NOT NULL) AS collected
    FROM outbox o WHERE o.user_id = p.user_id OFFSET 0) w
WHERE p.user_id = ANY ($1::text[]);

-- name: conversation_save
-- $1 user ids, $2 states, $3 drafts (null: unchanged), $4 newest event times, $5 owners, $6 owned until.
UPDATE conversation c
SET state = v.state, draft = coalesce(v.draft::json, c.draft), last_event_at = v.last_event_at,
    owner = v.owner, owner_until = v.owner_until, version = c.version + 1
FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::text[], $6::timestamptz[])
     AS v (user_id, state, draft, last_event_at, owner, owner_until)
WHERE c.user_id = v.user_id;

-- name: message_add
-- $1 user ids, $2 ids, $3 times, $4 origins, $5 kinds, $6 texts, $7 Zalo's message ids, $8 quoted ids.
INSERT INTO message (user_id, id, at, origin, kind, text, zalo_msg_id, quote_msg_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]);

-- name: dead_event_add
-- $1 user id, $2 event key, $3 body, $4 error, $5 mailbox id when it was tried again (0: no).  The key is marked as seen in
-- the same transaction.
WITH seen AS (
    INSERT INTO event (user_id, event_key) VALUES ($1, $2) ON CONFLICT DO NOTHING
), retried AS (
    DELETE FROM mailbox WHERE user_id = $1 AND id = $5::bigint)
INSERT INTO dead_event (user_id, event_key, body, error) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: dead_mail_add
-- $1 user id, $2 mailbox id, $3 error.  Out of the mailbox, or it would be looked at again and again; its id is the key.
WITH gone AS (
    DELETE FROM mailbox WHERE user_id = $1 AND id = $2 RETURNING user_id, id, kind, payload)
INSERT INTO dead_event (user_id, event_key, body, error)
SELECT user_id, decode(lpad(to_hex(id), 32, '0'), 'hex'), convert_to(jsonb_build_object('mail', kind, 'payload', payload)::text, 'UTF8'), $3
FROM gone ON CONFLICT DO NOTHING;

-- name: message_known
-- $1 user id, $2 Zalo's message ids: which of them are in the transcript.
SELECT zalo_msg_id FROM message WHERE user_id = $1 AND zalo_msg_id = ANY ($2::text[]);

-- name: event_forget_old
-- $1 days, $2 at most so many.  Housekeeping, in batches.
DELETE FROM event WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM event WHERE at < now() - make_interval(days => $1::bigint::int) LIMIT $2::bigint));

-- name: message_forget_old
-- $1 days, $2 at most so many.
DELETE FROM message WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM message WHERE at < now() - make_interval(days => $1::bigint::int) LIMIT $2::bigint));

-- name: echo_forget_old
-- $1 at most so many.
DELETE FROM echo WHERE ctid = ANY (ARRAY(SELECT ctid FROM echo WHERE at < now() - interval '1 day' LIMIT $1::bigint));

-- name: echo_add
-- $1 user ids, $2 message ids, $3 times, $4 admins (null: sent through the API), $5 texts.
INSERT INTO echo (user_id, msg_id, at, admin_id, text)
SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[])
ON CONFLICT DO NOTHING;
