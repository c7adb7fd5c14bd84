-- Automatic reminders: who is to be reminded of what, once, and what became of it.

-- name: nudge_sweep
-- background: $1 people looked at, $2 at most so many reminded, $3 id of their mail, $4 reminders a week, $5 hours after which a draft
-- is cold, $6 hours after which one that was returned is, $7 days before a wave's end (each 0: never), $8 1: also those whose free 48
-- hours are over, $9 ms until the next look, $10 may be said until (epoch ms).  The kind of each that was posted.
WITH mine AS MATERIALIZED (
    SELECT s.from_id FROM nudge_sweep s WHERE s.due_at <= now() LIMIT 1 FOR UPDATE SKIP LOCKED -- there is one row
), due AS MATERIALIZED (
    SELECT DISTINCT ON (c.user_id) c.user_id, c.kind, c.about
    FROM mine m CROSS JOIN LATERAL nudge_candidates(m.from_id, $1::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint, $8::bigint) c
    WHERE c.blocked IS NULL
    ORDER BY c.user_id, c.place, c.about LIMIT $2::bigint
), moved AS (
    UPDATE nudge_sweep s SET due_at = now() + make_interval(secs => $9::bigint / 1000.0),
           from_id = CASE WHEN (SELECT count(d.user_id) FROM due d) = $2::bigint THEN (SELECT max(d.user_id) FROM due d)
                          ELSE coalesce((SELECT p.user_id FROM person p WHERE p.user_id > mine.from_id ORDER BY p.user_id OFFSET $1::bigint - 1 LIMIT 1), '') END
    FROM mine
), noted AS (
    INSERT INTO nudge (user_id, id, kind, about) SELECT d.user_id, $3::bigint, d.kind, d.about FROM due d
    ON CONFLICT DO NOTHING RETURNING user_id, id, kind, about
)
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT n.user_id, n.id, 'nudge',
       jsonb_build_object('id', n.id::text, 'kind', n.kind, 'about', n.about::text, 'until', $10::bigint::text, 'wave', w.name,
                          'days', ceil(extract(epoch FROM w.closes_at - now()) / 86400)::bigint::text)
FROM noted n LEFT JOIN wave w ON n.kind = 'wave' AND w.id = n.about
RETURNING payload ->> 'kind';

-- name: nudge_reminders
-- $1 user ids.  What each has heard of us unasked this week or is about to, the reminder in hand among it.
SELECT v.user_id, r.reminders FROM unnest($1::text[]) AS v (user_id) CROSS JOIN LATERAL reminders_in_sight(v.user_id) r;

-- name: nudge_end
-- $1 user ids, $2 ids, $3 ids of the replies that say it (null: nothing is said, and $4 why).
UPDATE nudge n SET state = CASE WHEN v.reply_id IS NULL THEN 'dropped' ELSE 'said' END, reply_id = v.reply_id, reason = v.reason
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS v (user_id, id, reply_id, reason)
WHERE n.user_id = v.user_id AND n.id = v.id AND n.state = 'queued';

-- name: nudge_stop
-- $1 user ids.  Who wants no more reminders does not get the one that has not gone out either.
DELETE FROM outbox o USING nudge n
WHERE n.user_id = ANY ($1::text[]) AND n.state = 'said' AND o.user_id = n.user_id AND o.id = n.reply_id AND o.owner IS NULL;

-- name: nudge_settle
-- background: what became of those that were said, from the transcript; one whose mail or reply is no more came to nothing.  A row that
-- has moved on meanwhile is left alone: it and what is looked up for it would be of different moments.
WITH ended AS MATERIALIZED (
    SELECT n.user_id, n.id, n.state, m.user_id IS NOT NULL AS told, m.failure FROM nudge n
    LEFT JOIN message m ON m.user_id = n.user_id AND m.id = n.reply_id
    WHERE n.state IN ('queued', 'said')
      AND NOT EXISTS (SELECT FROM outbox b WHERE b.user_id = n.user_id AND b.id = n.reply_id)
      AND NOT EXISTS (SELECT FROM mailbox x WHERE n.state = 'queued' AND x.user_id = n.user_id AND x.kind = 'nudge' AND x.payload ->> 'id' = n.id::text)
    ORDER BY n.user_id, n.id)
UPDATE nudge n SET state = CASE WHEN NOT e.told THEN 'dropped' WHEN e.failure IS NULL THEN 'sent' ELSE 'failed' END,
       reason = CASE WHEN NOT e.told THEN 'overtaken' ELSE e.failure END
FROM ended e WHERE n.user_id = e.user_id AND n.id = e.id AND n.state = e.state;

-- name: nudge_preview
-- $1 behind this user id, $2 so many people, $3 reminders a week, $4 hours of a cold draft, $5 of one that was returned, $6 days before a
-- wave's end, $7 1: also beyond the free 48 hours, $8 unit whose subtree it is (0: everybody).  Best first for each.
SELECT c.user_id, c.kind, c.blocked, p.full_name, coalesce(u.name, p.unit_text), u.code
FROM nudge_candidates($1, $2::bigint, $3::bigint, $4::bigint, $5::bigint, $6::bigint, $7::bigint) c
JOIN person p ON p.user_id = c.user_id
LEFT JOIN union_unit u ON u.id = p.unit_id
WHERE $8::bigint = 0 OR u.path @> ARRAY[$8::bigint]
ORDER BY c.user_id, c.place, c.about;

-- name: nudge_preview_end
-- $1 behind this user id, $2 so many people: the last of them; no row when there are not so many.
SELECT p.user_id FROM person p WHERE p.user_id > $1 ORDER BY p.user_id OFFSET $2::bigint - 1 LIMIT 1;

-- name: nudge_list
-- $1 rows, behind $2 user id and $3 id, $4 days back, $5 kind (null: all), $6 unit whose subtree it is (0: everybody).  What was reminded
-- of, what became of the message and of the matter, and whether the person wrote within two days.
SELECT n.user_id, n.id, n.at, n.kind, n.state, n.reason, p.full_name, coalesce(u.name, p.unit_text), u.code,
       CASE n.kind WHEN 'wave' THEN w.code WHEN 'returned' THEN i.code ELSE coalesce(i.code, d.title) END,
       CASE WHEN n.kind = 'wave' THEN CASE WHEN EXISTS (
                SELECT FROM initiative f WHERE f.user_id = n.user_id AND f.status <> 'withdrawn' AND f.submitted_at >= n.at AND f.submitted_at < w.closes_at)
                THEN 'submitted' ELSE 'open' END
            WHEN i.id IS NULL THEN CASE WHEN d.title IS NULL THEN 'discarded' ELSE 'open' END
            WHEN n.kind = 'returned' THEN CASE i.status WHEN 'returned' THEN 'open' ELSE i.status END
            ELSE 'submitted' END,
       EXISTS (SELECT FROM message m WHERE m.user_id = n.user_id AND m.origin = 'person' AND m.at > n.at AND m.at < n.at + interval '48 hours')
FROM nudge n
LEFT JOIN person p ON p.user_id = n.user_id
LEFT JOIN union_unit u ON u.id = p.unit_id
LEFT JOIN wave w ON n.kind = 'wave' AND w.id = n.about
LEFT JOIN initiative i ON n.kind <> 'wave' AND i.user_id = n.user_id AND i.id = n.about
LEFT JOIN LATERAL (
    SELECT c.draft #>> '{draft,title}' AS title FROM conversation c
    WHERE n.kind = 'draft' AND c.user_id = n.user_id AND c.draft #>> '{draft,id}' = n.about::text
    UNION ALL SELECT k.body ->> 'title' FROM draft k WHERE n.kind = 'draft' AND k.user_id = n.user_id AND k.id = n.about
    LIMIT 1) d ON true
WHERE (n.user_id, n.id) > ($2, $3::bigint) AND n.at > now() - make_interval(days => $4::bigint::int)
  AND ($5::text IS NULL OR n.kind = $5) AND ($6::bigint = 0 OR u.path @> ARRAY[$6::bigint])
ORDER BY n.user_id, n.id LIMIT $1::bigint;
