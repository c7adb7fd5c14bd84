-- Automatic reminders: what became of each, and a look for people that costs little.

-- queued: mail to the person; said: a reply on its way; sent, or failed: given up by the outbox; dropped: nothing was said, `reason`
-- tells why.  A failed or dropped one does not count, and its cause may be reminded of again.
ALTER TABLE nudge ADD COLUMN state text NOT NULL DEFAULT 'sent' CHECK (state IN ('queued', 'said', 'sent', 'failed', 'dropped')),
                  ADD COLUMN reason text,
                  ADD COLUMN reply_id bigint; -- of outbox, later message
ALTER TABLE nudge ALTER COLUMN state SET DEFAULT 'queued';
DROP INDEX nudge_once;
CREATE UNIQUE INDEX nudge_once ON nudge (user_id, kind, about) WHERE state IN ('queued', 'said', 'sent');
CREATE INDEX nudge_open ON nudge (user_id, id) WHERE state IN ('queued', 'said'); -- few: minutes of life

-- As before, without reminders that came to nothing, and with what is on the wire this very moment: of two broadcasts that come to
-- somebody at once, the second sees the first.
CREATE OR REPLACE FUNCTION reminders_this_week(who text) RETURNS TABLE (reminders bigint) LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM delivery d WHERE d.user_id = who AND d.state IN ('sent', 'received', 'seen', 'unknown')
                                              AND d.at > now() - interval '7 days')
         + (SELECT count(*) FROM delivery d JOIN broadcast_chunk k ON k.broadcast_id = d.broadcast_id AND k.chunk = d.chunk
            WHERE d.user_id = who AND d.state = 'waiting' AND d.user_id <= k.marked_id)
         + (SELECT count(*) FROM nudge n WHERE n.user_id = who AND n.state IN ('queued', 'said', 'sent') AND n.at > now() - interval '7 days')
$$;

-- The same with every message of a running broadcast that still waits for its turn: a reminder gives way to it.
CREATE FUNCTION reminders_in_sight(who text) RETURNS TABLE (reminders bigint) LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM delivery d WHERE d.user_id = who AND (
                (d.state IN ('sent', 'received', 'seen', 'unknown') AND d.at > now() - interval '7 days')
                OR (d.state = 'waiting' AND (SELECT b.state FROM broadcast b WHERE b.id = d.broadcast_id) IN ('freezing', 'sending'))))
         + (SELECT count(*) FROM nudge n WHERE n.user_id = who AND n.state IN ('queued', 'said', 'sent') AND n.at > now() - interval '7 days')
$$;

-- behind_target() as a table, which the planner puts into the query around it: a call for each person of a look costs three times that.
CREATE FUNCTION unit_behind(path bigint[], wave bigint) RETURNS TABLE (behind boolean) LANGUAGE sql STABLE AS $$
    SELECT coalesce(s.counted, 0) < t.initiatives
    FROM unnest(path) WITH ORDINALITY AS a (unit_id, n)
    JOIN target t ON t.wave_id = wave AND t.unit_id = a.unit_id
    LEFT JOIN standing s ON s.wave_id = t.wave_id AND s.unit_id = t.unit_id
    ORDER BY a.n DESC LIMIT 1
$$;
CREATE OR REPLACE FUNCTION behind_target(path bigint[], wave bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT b.behind FROM unit_behind(path, wave) b
$$;

-- What each of a range of people might be reminded of, best first, and why that is not done now: the one query behind the look and its
-- preview.  People behind from_id, at most `most` of them.  blocked: null, or opted_out, with_support, writing (within three
-- hours), out_of_reach (beyond the free 48 hours, or 7 days when `charged`, less the hour in which the words are said), reminded (of
-- this; also when that came to nothing within six hours), lately (of something else, within 20 hours), capped.
CREATE FUNCTION nudge_candidates(from_id text, most bigint, cap bigint, draft_hours bigint, returned_hours bigint, wave_days bigint, charged bigint)
RETURNS TABLE (user_id text, place integer, kind text, about bigint, blocked text) LANGUAGE sql STABLE
    SET jit = off SET enable_seqscan = off AS $$
    WITH closing AS MATERIALIZED (
        SELECT w.id, w.opens_at FROM wave w
        WHERE w.opens_at <= now() AND w.closes_at > now() AND w.closes_at <= now() + make_interval(days => wave_days::int)
    )
    SELECT p.user_id, n.place, n.kind, n.about,
           CASE WHEN p.opted_out_at IS NOT NULL THEN 'opted_out'
                WHEN c.owner <> 'bot' AND (c.owner_until IS NULL OR c.owner_until > now()) THEN 'with_support'
                WHEN EXISTS (SELECT FROM nudge o WHERE o.user_id = p.user_id AND o.kind = n.kind AND o.about = n.about
                             AND (o.state IN ('queued', 'said', 'sent') OR o.at > now() - interval '6 hours')) THEN 'reminded'
                WHEN p.last_inbound_at > now() - interval '3 hours' THEN 'writing'
                WHEN p.last_inbound_at IS NULL
                     OR p.last_inbound_at <= now() - CASE WHEN charged = 1 THEN interval '167 hours' ELSE interval '47 hours' END THEN 'out_of_reach'
                WHEN EXISTS (SELECT FROM nudge o WHERE o.user_id = p.user_id AND o.state IN ('queued', 'said', 'sent')
                             AND o.at > now() - interval '20 hours') THEN 'lately'
                WHEN (SELECT r.reminders FROM reminders_in_sight(p.user_id) r) >= cap THEN 'capped' END
    FROM (SELECT q.* FROM person q WHERE q.user_id > from_id ORDER BY q.user_id LIMIT most) p
    CROSS JOIN LATERAL (SELECT k.* FROM conversation k WHERE k.user_id = p.user_id OFFSET 0) c -- by the key, or all of it would be read
    LEFT JOIN union_unit u ON u.id = p.unit_id
    CROSS JOIN LATERAL (
        SELECT 0 AS place, 'returned' AS kind, i.id AS about FROM initiative i
        WHERE returned_hours > 0 AND i.user_id = p.user_id AND i.status = 'returned' AND i.updated_at < now() - make_interval(hours => returned_hours::int)
        UNION ALL
        SELECT 1, 'draft', (c.draft #>> '{draft,id}')::bigint
        WHERE draft_hours > 0 AND c.draft #>> '{draft,title}' IS NOT NULL AND c.draft #>> '{draft,for_user}' IS NULL
          AND p.last_inbound_at < now() - make_interval(hours => draft_hours::int)
        UNION ALL
        SELECT 2, 'wave', w.id FROM closing w
        WHERE p.full_name IS NOT NULL AND (p.unit_id IS NOT NULL OR p.unit_text IS NOT NULL)
          AND NOT EXISTS (SELECT FROM initiative i WHERE i.user_id = p.user_id AND i.status <> 'withdrawn' AND i.submitted_at >= w.opens_at)
          AND (SELECT b.behind FROM unit_behind(u.path, w.id) b) IS NOT FALSE
    ) n
    WHERE p.consent_at IS NOT NULL AND n.about IS NOT NULL
$$;
