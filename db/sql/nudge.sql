-- Automatic reminders: who is to be reminded of what, once.

-- name: nudge_sweep
-- background: $1 people looked at, $2 at most so many reminded, $3 id of their mail, $4 reminders a week, $5 hours after which a draft
-- is cold, $6 hours after which one that was returned is, $7 days before a wave's end (each 0: never), $8 1: also those whose free 48
-- hours are over, $9 ms until the next look.  The kind of each that was posted.
-- Who wrote within the last three hours is at it and needs no reminder.
WITH mine AS MATERIALIZED (
    SELECT s.from_id FROM nudge_sweep s WHERE s.due_at <= now() FOR UPDATE SKIP LOCKED
), closing AS MATERIALIZED (
    SELECT w.id, w.name, w.opens_at, ceil(extract(epoch FROM w.closes_at - now()) / 86400)::bigint AS days FROM wave w
    WHERE w.opens_at <= now() AND w.closes_at > now() AND w.closes_at <= now() + make_interval(days => $7::bigint::int)
), slice AS MATERIALIZED (
    SELECT c.user_id, c.draft, c.owner, c.owner_until FROM mine m CROSS JOIN LATERAL (
        SELECT k.user_id, k.draft, k.owner, k.owner_until FROM conversation k WHERE k.user_id > m.from_id ORDER BY k.user_id LIMIT $1::bigint) c
), reachable AS MATERIALIZED (
    SELECT p.user_id, p.last_inbound_at, s.draft, u.path,
           p.full_name IS NOT NULL AND (p.unit_id IS NOT NULL OR p.unit_text IS NOT NULL) AS registered
    FROM slice s JOIN person p ON p.user_id = s.user_id LEFT JOIN union_unit u ON u.id = p.unit_id
    WHERE p.consent_at IS NOT NULL AND p.opted_out_at IS NULL
      AND (s.owner = 'bot' OR s.owner_until <= now())
      AND p.last_inbound_at < now() - interval '3 hours'
      AND p.last_inbound_at > now() - CASE WHEN $8::bigint = 1 THEN interval '167 hours' ELSE interval '47 hours' END
      AND (SELECT w.reminders FROM reminders_this_week(p.user_id) w) < $4::bigint
), due AS MATERIALIZED (
    SELECT DISTINCT ON (r.user_id) r.user_id, n.kind, n.about
    FROM reachable r CROSS JOIN LATERAL (
        SELECT 'returned' AS kind, i.id AS about, 0 AS place FROM initiative i
        WHERE $6::bigint > 0 AND i.user_id = r.user_id AND i.status = 'returned' AND i.updated_at < now() - make_interval(hours => $6::bigint::int)
        UNION ALL
        SELECT 'draft', (r.draft #>> '{draft,id}')::bigint, 1
        WHERE $5::bigint > 0 AND r.draft #>> '{draft,title}' IS NOT NULL AND r.draft #>> '{draft,for_user}' IS NULL
          AND r.last_inbound_at < now() - make_interval(hours => $5::bigint::int)
        UNION ALL
        SELECT 'wave', c.id, 2 FROM closing c
        WHERE r.registered AND behind_target(r.path, c.id) IS NOT FALSE AND NOT EXISTS (
            SELECT FROM initiative i WHERE i.user_id = r.user_id AND i.status <> 'withdrawn' AND i.submitted_at >= c.opens_at)
    ) n
    WHERE NOT EXISTS (SELECT FROM nudge o WHERE o.user_id = r.user_id AND o.kind = n.kind AND o.about = n.about)
    ORDER BY r.user_id, n.place, n.about LIMIT $2::bigint
), moved AS (
    UPDATE nudge_sweep s SET due_at = now() + make_interval(secs => $9::bigint / 1000.0),
           from_id = CASE WHEN (SELECT count(d.user_id) FROM due d) = $2::bigint THEN (SELECT max(d.user_id) FROM due d)
                          WHEN (SELECT count(l.user_id) FROM slice l) < $1::bigint THEN ''
                          ELSE (SELECT max(l.user_id) FROM slice l) END
    FROM mine
), noted AS (
    INSERT INTO nudge (user_id, id, kind, about) SELECT d.user_id, $3::bigint, d.kind, d.about FROM due d
    ON CONFLICT DO NOTHING RETURNING user_id, kind, about
)
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT n.user_id, $3::bigint, 'nudge',
       jsonb_build_object('kind', n.kind, 'about', n.about::text, 'wave', c.name, 'days', c.days::text)
FROM noted n LEFT JOIN closing c ON n.kind = 'wave' AND c.id = n.about
RETURNING payload ->> 'kind';
