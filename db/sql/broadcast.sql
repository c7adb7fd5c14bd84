-- Broadcasts: whom they reach, how they are frozen in chunks, sent and settled.  broadcast_audience stands in 0007_broadcast.sql;
-- its parameters are the same in each statement here: kinds, conditions' arguments, truth, scope, parent, cap.

-- name: broadcast_add
-- $1 segment, $2 scope unit, $3 parent (0: none), $4 body, $5 buttons, $6 template id, $7 template data, $8 free only (0, 1),
-- $9 by whom, $10 the wish it comes from (0: none).  The one that wish has made before, when there is one.
INSERT INTO broadcast (segment, scope_unit, parent_id, body, buttons, template_id, template_data, free_only, created_by, wish_id)
VALUES ($1, $2::bigint, nullif($3::bigint, 0), $4, $5, $6, $7, $8::bigint = 1, $9, nullif($10::bigint, 0))
ON CONFLICT (wish_id) DO UPDATE SET wish_id = excluded.wish_id
RETURNING id;

-- name: broadcast_get
-- $1 id.
SELECT id, segment, scope_unit, parent_id, body, buttons, template_id, template_data, free_only, state, start_at, paused_at,
       pause_reason, created_by, created_at, started_by, confirmed_by, sending_at, ended_at,
       state = 'waiting' AND hold_until > now() AND confirmed_by IS NULL
FROM broadcast WHERE id = $1::bigint;

-- name: broadcast_of
-- $1 id (0: the newest that was started), $2 who asks.  No row: there is none, or it is none of that person's business.
SELECT b.id, b.segment, b.scope_unit, b.parent_id, b.body, b.buttons, b.template_id, b.template_data, b.free_only, b.state, b.start_at,
       b.paused_at, b.pause_reason, b.created_by, b.created_at, b.started_by, b.confirmed_by, b.sending_at, b.ended_at,
       b.state = 'waiting' AND b.hold_until > now() AND b.confirmed_by IS NULL
FROM broadcast b
WHERE b.id = CASE WHEN $1::bigint > 0 THEN $1::bigint
                  ELSE (SELECT max(n.id) FROM broadcast n WHERE n.state <> 'draft' AND broadcast_reaches($2, n.scope_unit)) END
  AND broadcast_reaches($2, b.scope_unit);

-- name: broadcast_list
-- The newest first.
SELECT id, segment, scope_unit, parent_id, body, buttons, template_id, template_data, free_only, state, start_at, paused_at,
       pause_reason, created_by, created_at, started_by, confirmed_by, sending_at, ended_at,
       state = 'waiting' AND hold_until > now() AND confirmed_by IS NULL
FROM broadcast ORDER BY id DESC LIMIT 100;

-- name: broadcast_unknown_codes
-- $1 codes of units, $2 of waves.  Those that name none.
SELECT c FROM unnest($1::text[]) c WHERE NOT EXISTS (SELECT FROM union_unit u WHERE u.code = c)
UNION ALL SELECT c FROM unnest($2::text[]) c WHERE NOT EXISTS (SELECT FROM wave w WHERE w.code = c);

-- name: broadcast_unit_named
-- $1 key of a name, $2 scope, $3 the same words as a code.  Codes of the units called so, five at most.
SELECT u.code FROM union_unit u
WHERE (u.name_key = $1 OR lower(u.code) = lower($3) OR u.id IN (SELECT a.unit_id FROM unit_alias a WHERE a.alias_key = $1))
  AND u.code IS NOT NULL AND ($2::bigint = 0 OR u.path @> ARRAY[$2::bigint])
  AND (u.valid_from IS NULL OR u.valid_from <= current_date) AND (u.valid_to IS NULL OR u.valid_to > current_date)
ORDER BY u.code LIMIT 5;

-- name: broadcast_count
-- $1 kinds, $2 arguments, $3 truth, $4 scope, $5 parent, $6 cap.  People by reach.
SELECT a.reach, count(a.user_id)
FROM broadcast_audience($1::text[], $2::text[], $3::bigint, $4::bigint, $5::bigint, $6::bigint, '', (SELECT max(p.user_id) FROM person p)) a
GROUP BY a.reach ORDER BY a.reach;

-- name: broadcast_preview
-- $1 to $6 as above, $7 free only, $8 with a template (0, 1), $9 so many.  The first of those it will reach, with a template one fewer,
-- and of those whom only the template reaches.  Reads everybody, as the count does (20 us a person).
(SELECT a.user_id, a.reach, a.full_name, a.unit_name, a.title, a.initiatives
 FROM broadcast_audience($1::text[], $2::text[], $3::bigint, $4::bigint, $5::bigint, $6::bigint, '', (SELECT max(p.user_id) FROM person p)) a
 WHERE a.reach = 'free' OR (a.reach = 'charged' AND $7::bigint = 0)
 ORDER BY a.user_id LIMIT $9::bigint - $8::bigint)
UNION ALL
(SELECT a.user_id, a.reach, a.full_name, a.unit_name, a.title, a.initiatives
 FROM broadcast_audience($1::text[], $2::text[], $3::bigint, $4::bigint, $5::bigint, $6::bigint, '', (SELECT max(p.user_id) FROM person p)) a
 WHERE a.reach = 'silent' AND $8::bigint = 1
 ORDER BY a.user_id LIMIT $9::bigint)
LIMIT $9::bigint;

-- name: broadcast_freeze
-- $1 to $8 as above, $9 first id, $10 last id.  The recipients of one chunk.
SELECT a.user_id, a.reach, a.full_name, a.unit_name, a.title, a.initiatives
FROM broadcast_audience($1::text[], $2::text[], $3::bigint, $4::bigint, $5::bigint, $6::bigint, $9, $10) a
WHERE a.reach = 'free' OR (a.reach = 'charged' AND $7::bigint = 0) OR (a.reach = 'silent' AND $8::bigint = 1);

-- name: broadcast_try
-- $1 user id, $2 reply id, $3 text, $4 buttons.  To one person, as a reply: whoever serves sends it.
INSERT INTO outbox (user_id, id, text, buttons, class, due_at, expires_at)
SELECT c.user_id, $2::bigint, $3, $4::json, 1, now(), now() + interval '1 hour' FROM conversation c WHERE c.user_id = $1
ON CONFLICT DO NOTHING RETURNING user_id;

-- ---- by people ----

-- name: broadcast_start
-- $1 id, $2 by whom, $3 not before (null: now), $4 ms that it is held for a second person, $5 id of the mail and $6 its payload, for every
-- other organizer who may say yes (null: nobody is asked).  No row: it was started before.  Else how many are asked: in the same
-- statement, or a crash between would leave a broadcast of which no second person hears.
WITH started AS (
    UPDATE broadcast SET state = 'waiting', started_by = $2, start_at = coalesce($3::timestamptz, now()),
           hold_until = now() + make_interval(secs => $4::bigint / 1000.0)
    WHERE id = $1::bigint AND state = 'draft' RETURNING id, scope_unit
), asked AS (
    INSERT INTO mailbox (user_id, id, kind, payload)
    SELECT DISTINCT g.user_id, $5::bigint, 'broadcast_asked', $6::text::jsonb
    FROM started b CROSS JOIN role_grant g JOIN conversation c ON c.user_id = g.user_id
    WHERE $6::text IS NOT NULL AND g.role = 'organizer' AND g.revoked_at IS NULL AND g.user_id <> $2 AND broadcast_reaches(g.user_id, b.scope_unit)
    ON CONFLICT DO NOTHING RETURNING user_id)
SELECT b.id, (SELECT count(*) FROM asked) FROM started b;

-- name: broadcast_change
-- $1 id, $2 text (null: it stays), $3 change the template (0, 1) to $4 and its data $5 (null: none).  Until its freezing begins.  One that
-- waits is a draft again, with its hour: whoever said yes to it said yes to another text.
UPDATE broadcast SET body = coalesce($2::text, body),
       template_id = CASE WHEN $3::bigint = 1 THEN $4::text ELSE template_id END,
       template_data = CASE WHEN $3::bigint = 1 THEN $5::text ELSE template_data END,
       state = 'draft', started_by = NULL, confirmed_by = NULL, hold_until = NULL
WHERE id = $1::bigint AND state IN ('draft', 'waiting') RETURNING id;

-- name: broadcast_confirm
-- $1 id, $2 by whom, who is not the one who started it.
UPDATE broadcast SET confirmed_by = $2
WHERE id = $1::bigint AND state = 'waiting' AND confirmed_by IS NULL AND started_by <> $2 RETURNING id;

-- name: broadcast_pause
-- $1 id, $2 why.
UPDATE broadcast SET paused_at = now(), pause_reason = $2
WHERE id = $1::bigint AND state IN ('waiting', 'freezing', 'sending') AND paused_at IS NULL RETURNING id;

-- name: broadcast_resume
-- $1 id.
UPDATE broadcast SET paused_at = NULL, pause_reason = NULL WHERE id = $1::bigint AND paused_at IS NOT NULL RETURNING id;

-- name: broadcast_cancel
-- $1 id, $2 by whom.  What was not sent is written off by the sender (broadcast_write_off).  Who started it from the chat hears that
-- somebody else has stopped it; its mail has the number of the one at its end (broadcast_finish), which does not come any more.
WITH over AS (
    UPDATE broadcast SET state = 'cancelled', ended_at = now()
    WHERE id = $1::bigint AND state IN ('draft', 'waiting', 'freezing', 'sending') RETURNING id, started_by
), told AS (
    INSERT INTO mailbox (user_id, id, kind, payload)
    SELECT c.user_id, o.id, 'broadcast_over', jsonb_build_object('id', o.id::text)
    FROM over o JOIN conversation c ON c.user_id = o.started_by AND o.started_by <> $2
    ON CONFLICT DO NOTHING)
SELECT id FROM over;

-- name: broadcast_sums
-- $1 id.  The ledger added up: state, reason, how many, how many of them charged.  A waiting row at or below its chunk's mark is
-- on the wire.
SELECT CASE WHEN d.state = 'waiting' AND d.user_id <= k.marked_id THEN 'sending' ELSE d.state END, d.reason, count(d.user_id),
       count(d.user_id) FILTER (WHERE d.charged)
FROM delivery d JOIN broadcast_chunk k ON k.broadcast_id = d.broadcast_id AND k.chunk = d.chunk
WHERE d.broadcast_id = $1::bigint GROUP BY 1, 2 ORDER BY 1, 2;

-- name: broadcast_rows
-- $1 id, $2 behind this user id, $3 so many.  The ledger for a report.
SELECT d.user_id, d.state, d.reason, d.at, d.message_id, d.charged, p.full_name, coalesce(u.name, p.unit_text)
FROM delivery d
LEFT JOIN person p ON p.user_id = d.user_id
LEFT JOIN union_unit u ON u.id = p.unit_id
WHERE d.broadcast_id = $1::bigint AND d.user_id > $2 ORDER BY d.user_id LIMIT $3::bigint;

-- ---- by the service ----

-- name: broadcast_active
-- What there is to do.  The last columns: chunks to freeze, chunks to send, chunks of a cancelled one that are not closed.
SELECT b.id, b.segment, b.scope_unit, b.parent_id, b.body, b.buttons, b.template_id, b.template_data, b.free_only, b.state,
       b.paused_at IS NOT NULL, b.start_at <= now() AND (b.hold_until <= now() OR b.confirmed_by IS NOT NULL),
       (SELECT count(*) FROM broadcast_chunk k WHERE k.broadcast_id = b.id AND k.state = 'freeze'),
       (SELECT count(*) FROM broadcast_chunk k WHERE k.broadcast_id = b.id AND k.state = 'ready')
FROM broadcast b
WHERE b.state IN ('waiting', 'freezing', 'sending')
   OR (b.state = 'cancelled' AND EXISTS (SELECT FROM broadcast_chunk k WHERE k.broadcast_id = b.id AND k.state <> 'done'))
ORDER BY b.id;

-- name: broadcast_cut
-- $1 id, $2 people in a chunk.  Begins: from here on it is not for whoever comes later.
WITH mine AS (
    UPDATE broadcast SET state = 'freezing'
    WHERE id = $1::bigint AND state = 'waiting' AND paused_at IS NULL AND start_at <= now() AND (hold_until <= now() OR confirmed_by IS NOT NULL)
    RETURNING id
), numbered AS (
    SELECT p.user_id, (row_number() OVER (ORDER BY p.user_id) - 1) / $2::bigint AS chunk FROM person p)
INSERT INTO broadcast_chunk (broadcast_id, chunk, from_id, last_id)
SELECT m.id, n.chunk, min(n.user_id), max(n.user_id) FROM numbered n CROSS JOIN mine m GROUP BY m.id, n.chunk;

-- name: broadcast_take
-- $1 broadcast, $2 state of the chunk (freeze, ready), $3 this process, $4 lease in ms.  A chunk nobody has, or whose holder is gone.
UPDATE broadcast_chunk k SET owner = $3, fence = k.fence + 1, due_at = now() + make_interval(secs => $4::bigint / 1000.0)
WHERE (k.broadcast_id, k.chunk) = (
    SELECT c.broadcast_id, c.chunk FROM broadcast_chunk c
    WHERE c.broadcast_id = $1::bigint AND c.state = $2 AND c.due_at <= now() ORDER BY c.chunk LIMIT 1 FOR UPDATE SKIP LOCKED)
RETURNING k.chunk, k.fence, k.from_id, k.last_id, k.marked_id;

-- name: broadcast_frozen
-- $1 broadcast, $2 chunk, $3 fence, $4 user ids, $5 texts, $6 what fills the body instead (both null: the body), $7 by template.  The
-- chunk's rows, once, if it is still ours and wanted: its state sees to that.  ON CONFLICT would put a third record for each into the log.
WITH mine AS (
    UPDATE broadcast_chunk k SET state = 'ready', owner = NULL, due_at = now()
    FROM broadcast b
    WHERE k.broadcast_id = $1::bigint AND k.chunk = $2::bigint AND k.fence = $3::bigint AND k.state = 'freeze'
      AND b.id = k.broadcast_id AND b.state = 'freezing'
    RETURNING k.broadcast_id, k.chunk)
INSERT INTO delivery (user_id, broadcast_id, chunk, text, words, by_template)
SELECT v.user_id, m.broadcast_id, m.chunk, v.text, v.words, v.by_template
FROM unnest($4::text[], $5::text[], $6::text[], $7::boolean[]) AS v (user_id, text, words, by_template) CROSS JOIN mine m;

-- name: broadcast_all_frozen
-- $1 id.  The last chunk is frozen: sending may begin.
UPDATE broadcast b SET state = 'sending', sending_at = now()
WHERE b.id = $1::bigint AND b.state = 'freezing' AND NOT EXISTS (
    SELECT FROM broadcast_chunk k WHERE k.broadcast_id = b.id AND k.state = 'freeze');

-- name: broadcast_lost
-- $1 broadcast, $2 chunk, $3 fence, $4 marked up to.  Right after a chunk was taken: what its last holder had on the wire.
WITH lost AS (
    UPDATE delivery d SET state = 'unknown', at = now()
    FROM broadcast_chunk k
    WHERE k.broadcast_id = $1::bigint AND k.chunk = $2::bigint AND k.fence = $3::bigint
      AND d.broadcast_id = k.broadcast_id AND d.user_id BETWEEN k.from_id AND $4 AND d.state = 'waiting'
    RETURNING d.user_id, d.broadcast_id)
INSERT INTO delivery_doubt (user_id, broadcast_id) SELECT l.user_id, l.broadcast_id FROM lost l ON CONFLICT DO NOTHING;

-- name: broadcast_mark
-- $1 broadcast, $2 chunk, $3 fence, $4 marked so far, $5 so many more, $6 lease in ms.  Marked before they are sent: after a crash
-- nobody sends them again.  The person as at this moment; no row when the chunk is somebody else's or at its end.
WITH next AS MATERIALIZED (
    SELECT d.user_id, d.text, d.words, d.by_template FROM delivery d
    WHERE d.broadcast_id = $1::bigint AND d.user_id > $4 AND d.state = 'waiting'
      AND d.user_id BETWEEN (SELECT f.from_id FROM broadcast_chunk f WHERE f.broadcast_id = $1::bigint AND f.chunk = $2::bigint)
                        AND (SELECT l.last_id FROM broadcast_chunk l WHERE l.broadcast_id = $1::bigint AND l.chunk = $2::bigint)
    ORDER BY d.user_id LIMIT $5::bigint
), mine AS (
    UPDATE broadcast_chunk k
    SET marked_id = coalesce((SELECT max(n.user_id) FROM next n), k.marked_id), due_at = now() + make_interval(secs => $6::bigint / 1000.0)
    WHERE k.broadcast_id = $1::bigint AND k.chunk = $2::bigint AND k.fence = $3::bigint AND k.state = 'ready'
    RETURNING k.chunk)
SELECT n.user_id, n.text, p.opted_out_at IS NOT NULL, c.owner <> 'bot' AND (c.owner_until IS NULL OR c.owner_until > now()),
       (SELECT w.reminders FROM reminders_this_week(n.user_id) w),
       coalesce(extract(epoch FROM now() - p.last_inbound_at)::bigint / 60, 1000000000), n.by_template, n.words
FROM next n CROSS JOIN mine
JOIN person p ON p.user_id = n.user_id
JOIN conversation c ON c.user_id = n.user_id
ORDER BY n.user_id;

-- name: broadcast_unmark
-- $1 broadcast, $2 chunk, $3 fence, $4 marked up to: rows behind were not sent and wait again.  Gives the chunk back.
UPDATE broadcast_chunk SET marked_id = $4, owner = NULL, due_at = now()
WHERE broadcast_id = $1::bigint AND chunk = $2::bigint AND fence = $3::bigint AND state = 'ready';

-- name: broadcast_results
-- $1 broadcast, $2 user ids, $3 states, $4 message ids, $5 reasons, $6 charged.  Also of rows that were taken for lost meanwhile.
-- (The broadcast comes with each person: by itself it would be a reason to read all that belongs to it.)
WITH v AS MATERIALIZED (
    SELECT v.*, $1::bigint AS broadcast_id
    FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[]) AS v (user_id, state, message_id, reason, charged)
), doubtful AS (
    INSERT INTO delivery_doubt (user_id, broadcast_id) SELECT v.user_id, v.broadcast_id FROM v WHERE v.state = 'unknown' ON CONFLICT DO NOTHING
), sure AS (
    DELETE FROM delivery_doubt q USING v WHERE q.user_id = v.user_id AND q.broadcast_id = v.broadcast_id AND v.state <> 'unknown')
UPDATE delivery d SET state = v.state, at = now(), message_id = v.message_id, reason = v.reason, charged = v.charged
FROM v WHERE d.user_id = v.user_id AND d.broadcast_id = v.broadcast_id AND d.state IN ('waiting', 'unknown');

-- name: broadcast_chunk_end
-- $1 broadcast, $2 chunk, $3 fence.  Everybody in it is settled.
UPDATE broadcast_chunk SET state = 'done', owner = NULL
WHERE broadcast_id = $1::bigint AND chunk = $2::bigint AND fence = $3::bigint AND state = 'ready';

-- name: broadcast_finish
-- $1 id.  No chunk is left: of those that end at the same moment none sees the other, so this is looked for, not counted down.
-- Who started it from the chat hears of it; no other mail has so small a number as that of a broadcast.
WITH over AS (
    UPDATE broadcast b SET state = 'done', ended_at = now()
    WHERE b.id = $1::bigint AND b.state = 'sending' AND NOT EXISTS (
        SELECT FROM broadcast_chunk k WHERE k.broadcast_id = b.id AND k.state <> 'done')
    RETURNING b.id, b.started_by)
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT c.user_id, o.id, 'broadcast_over', jsonb_build_object('id', o.id::text)
FROM over o JOIN conversation c ON c.user_id = o.started_by
ON CONFLICT DO NOTHING;

-- name: broadcast_write_off
-- $1 a cancelled broadcast, $2 chunk, $3 fence, $4 marked up to.  Whom it has not reached; the chunk is closed.
WITH closed AS (
    UPDATE broadcast_chunk SET state = 'done', owner = NULL
    WHERE broadcast_id = $1::bigint AND chunk = $2::bigint AND fence = $3::bigint RETURNING broadcast_id, from_id, last_id)
UPDATE delivery d SET state = 'cancelled', at = now()
FROM closed k WHERE d.broadcast_id = k.broadcast_id AND d.user_id BETWEEN k.from_id AND k.last_id AND d.state = 'waiting' AND d.user_id > $4;

-- name: broadcast_abandoned
-- $1 a process that is gone: its chunks may be taken at once.  $2 broadcast, $3 chunk, $4 fence (0: not known), $5 user id: under
-- that fence nobody behind was put on the wire, so whoever is marked there waits again.
UPDATE broadcast_chunk SET due_at = now(),
       marked_id = CASE WHEN broadcast_id = $2::bigint AND chunk = $3::bigint AND fence = $4::bigint AND $5 < marked_id THEN $5 ELSE marked_id END
WHERE owner = $1;

-- ---- unknown outcomes ----

-- name: broadcast_settle_by_echo
-- Zalo was seen to have sent it.
WITH seen AS (
    SELECT DISTINCT ON (q.user_id, q.broadcast_id) q.user_id, q.broadcast_id, e.msg_id
    FROM delivery_doubt q
    JOIN delivery d ON d.user_id = q.user_id AND d.broadcast_id = q.broadcast_id
    JOIN broadcast b ON b.id = q.broadcast_id
    JOIN echo e ON e.user_id = q.user_id AND e.admin_id IS NULL AND e.text = coalesce(d.text, broadcast_said(b.body, d.words)) AND e.at > b.sending_at - interval '10 s'
    ORDER BY q.user_id, q.broadcast_id, e.at
), settled AS (
    DELETE FROM delivery_doubt q USING seen s WHERE q.user_id = s.user_id AND q.broadcast_id = s.broadcast_id)
UPDATE delivery d SET state = 'sent', message_id = s.msg_id
FROM seen s WHERE d.user_id = s.user_id AND d.broadcast_id = s.broadcast_id AND d.state = 'unknown';

-- name: broadcast_unknown_due
-- $1 so many, $2 ms: in doubt for so long, and nobody has asked Zalo (or who did has not come back for a minute).
WITH due AS (
    UPDATE delivery_doubt q SET asked_at = now()
    WHERE (q.user_id, q.broadcast_id) IN (
        SELECT u.user_id, u.broadcast_id FROM delivery_doubt u
        WHERE u.since < now() - make_interval(secs => $2::bigint / 1000.0) AND (u.asked_at IS NULL OR u.asked_at < now() - interval '1 minute')
        ORDER BY u.since LIMIT $1::bigint FOR UPDATE SKIP LOCKED)
    RETURNING q.user_id, q.broadcast_id)
SELECT d.user_id, d.broadcast_id, coalesce(d.text, broadcast_said(b.body, d.words)), b.sending_at, d.by_template
FROM due q JOIN delivery d ON d.user_id = q.user_id AND d.broadcast_id = q.broadcast_id JOIN broadcast b ON b.id = q.broadcast_id;

-- name: broadcast_settle
-- $1 broadcasts, $2 user ids, $3 states (sent, failed, unknown: nobody can tell), $4 message ids, $5 reasons.  No longer in doubt: what
-- nobody can tell is for people to look at.
WITH v AS (
    SELECT v.* FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[]) AS v (broadcast_id, user_id, state, message_id, reason)
), settled AS (
    DELETE FROM delivery_doubt q USING v WHERE q.user_id = v.user_id AND q.broadcast_id = v.broadcast_id)
UPDATE delivery d SET state = v.state, message_id = v.message_id, reason = v.reason
FROM v WHERE d.user_id = v.user_id AND d.broadcast_id = v.broadcast_id AND d.state = 'unknown';

-- name: broadcast_receipts
-- $1 user ids, $2 message ids, $3 received or seen.  Seen stays seen.
UPDATE delivery d SET state = v.state
FROM (SELECT r.user_id, r.message_id, max(r.state) AS state
      FROM unnest($1::text[], $2::text[], $3::text[]) AS r (user_id, message_id, state) GROUP BY r.user_id, r.message_id) v
WHERE d.user_id = v.user_id AND d.message_id = v.message_id AND (d.state = 'sent' OR (d.state = 'received' AND v.state = 'seen'));
