-- Where the units stand: folded behind the turns (migration 0006 says how), read at once.

-- name: standing_fold
-- $1 how old it may be, in ms.  Null: it is not older, or another process folds.
SELECT standing_fold($1::bigint);

-- name: standing_freeze_due
-- $1 at most so many: waves that ended more than a day ago and are not kept yet.
SELECT w.code, standing_freeze(w.id) IS NULL FROM wave w
WHERE w.id IN (SELECT d.id FROM wave d WHERE d.frozen_at IS NULL AND now() >= d.closes_at + interval '1 day' ORDER BY d.closes_at LIMIT $1::bigint);

-- name: standing_freeze
-- $1 wave id.
SELECT standing_freeze($1::bigint) IS NULL;

-- name: standing_wave
-- $1 code of a wave; null: the one that runs today, else the one that ended last.  With when the fold was, and what day it is in Vietnam.
SELECT w.id, w.code, w.name, c.name, to_char(w.starts_on, 'DD/MM/YYYY'), to_char(w.ends_on, 'DD/MM/YYYY'), w.frozen_at, s.folded_at, s.before_at,
       to_char(d.today, 'DD/MM/YYYY'), greatest(0, w.ends_on - greatest(d.today, w.starts_on) + 1), d.today > w.ends_on,
       (extract(epoch FROM now() - s.folded_at) * 1000)::bigint
FROM standing_state s CROSS JOIN (SELECT (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date AS today) d
LEFT JOIN LATERAL (
    SELECT x.id, x.code, x.name, x.campaign_id, x.starts_on, x.ends_on, x.frozen_at FROM wave x WHERE CASE WHEN $1::text IS NULL THEN x.starts_on <= d.today ELSE x.code = $1::text END
    ORDER BY (x.ends_on >= d.today) DESC, x.ends_on DESC, x.id DESC LIMIT 1) w ON true
LEFT JOIN campaign c ON c.id = w.campaign_id;

-- name: standing_list
-- $1 wave id (0: ever), $2 unit id (0: all), $3 only those units' lines whose path is at most so much longer than the unit's, $4 only
-- what is in the subtree of one of these (0 among them: of any).
-- Ended units and such that are not there yet come when something was counted for them.
SELECT s.unit_id, u.code, u.name, p.code, u.level, u.cluster, g.initiatives, s.people, s.sent, s.counted, s.valid, s.pending, s.duplicate,
       s.refused, s.nonmonetary, s.unknown, s.benefit_vnd::text, s.median_vnd, s.largest_vnd::text, s.peers, s.rank, s.rank_people,
       s.suspect, s.before_people, s.before_counted, s.before_rank, s.before_rank_people, cardinality(u.path)
FROM standing s JOIN union_unit u ON u.id = s.unit_id LEFT JOIN union_unit p ON p.id = u.parent_id
LEFT JOIN target g ON g.wave_id = s.wave_id AND g.unit_id = s.unit_id
WHERE s.wave_id = $1::bigint AND ($2::bigint = 0 OR u.path @> ARRAY[$2::bigint])
  AND cardinality(u.path) <= $3::bigint + coalesce((SELECT cardinality(top.path) FROM union_unit top WHERE top.id = $2::bigint), 1)
  AND (0 = ANY ($4::bigint[]) OR u.path && $4::bigint[])
  AND (s.peers IS NOT NULL OR s.sent > 0 OR s.people > 0)
ORDER BY cardinality(u.path), u.level, u.cluster COLLATE "C" NULLS FIRST, s.rank NULLS LAST, s.counted DESC, u.code COLLATE "C";

-- name: standing_room
-- For the transaction that lists them: twenty thousand units are sorted without the disk.
SELECT set_config('work_mem', '32MB', true);

-- name: snapshot_list
-- $1 wave id, $2 unit id (0: all), $3 $4 as above: the same columns of a wave that is kept, as it was then.
SELECT r.unit_id, r.code, r.name, r.parent, r.level, r.cluster, r.target, r.people, r.sent, r.counted, r.valid, r.pending, r.duplicate,
       r.refused, r.nonmonetary, r.unknown, r.benefit_vnd::text, r.median_vnd, r.largest_vnd::text, r.peers, r.rank, r.rank_people,
       NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, NULL::bigint, coalesce(cardinality(u.path), 0)
FROM snapshot_row r LEFT JOIN union_unit u ON u.id = r.unit_id
WHERE r.wave_id = $1::bigint AND r.unit_id > 0 AND ($2::bigint = 0 OR u.path @> ARRAY[$2::bigint])
  AND cardinality(u.path) <= $3::bigint + coalesce((SELECT cardinality(top.path) FROM union_unit top WHERE top.id = $2::bigint), 1)
  AND (0 = ANY ($4::bigint[]) OR u.path && $4::bigint[])
ORDER BY r.place;

-- name: standing_loose
-- $1 wave id: people and initiatives whose unit the tree does not know.
SELECT o.people, o.counted, o.sent FROM standing_own o WHERE o.wave_id = $1::bigint AND o.unit_id = 0
UNION ALL SELECT r.people, r.counted, r.sent FROM snapshot_row r WHERE r.wave_id = $1::bigint AND r.unit_id = 0;

-- name: snapshot_check
-- $1 wave id: what was kept, and the same computed anew from the rows.
SELECT encode(s.sha256, 'hex'), encode(coalesce(snapshot_hash(s.wave_id), sha256('')), 'hex'), s.rows,
       (SELECT count(*) FROM snapshot_row r WHERE r.wave_id = s.wave_id), s.frozen_at
FROM snapshot s WHERE s.wave_id = $1::bigint;

-- name: snapshot_lines
-- $1 wave id: what the hash is over.
SELECT snapshot_line(r) FROM snapshot_row r WHERE r.wave_id = $1::bigint ORDER BY r.place;

-- name: standing_moved
-- $1 wave id, $2 unit id: the units ranked with it that passed it, or that it passed, since the evening before.
SELECT u.code, u.name, o.before_rank, o.rank, o.before_counted, o.counted
FROM standing s JOIN union_unit me ON me.id = s.unit_id
JOIN union_unit u ON u.level = me.level AND u.cluster IS NOT DISTINCT FROM me.cluster AND u.id <> me.id
JOIN standing o ON o.wave_id = s.wave_id AND o.unit_id = u.id AND o.peers IS NOT NULL
WHERE s.wave_id = $1::bigint AND s.unit_id = $2::bigint
  AND sign(coalesce(o.before_counted, 0) - coalesce(s.before_counted, 0)) <> sign(o.counted - s.counted)
ORDER BY o.rank, u.code LIMIT 50;

-- name: standing_events
-- $1 wave id, $2 unit id: what came into the count of the unit since the evening before, and what left it, with when; user_id stays here.
WITH place AS (
    SELECT i.user_id, i.id, i.code, i.status, i.submitted_at, i.updated_at
    FROM union_unit u JOIN initiative i ON i.unit_id = u.id
    WHERE u.path @> ARRAY[$2::bigint]
      AND ($1::bigint = 0 OR EXISTS (SELECT FROM wave w WHERE w.id = $1::bigint AND i.submitted_at >= w.opens_at AND i.submitted_at < w.closes_at))
), since AS (
    SELECT coalesce(before_at, 'infinity') AS at FROM standing_state
)
SELECT p.code, p.status, CASE WHEN p.submitted_at >= s.at THEN p.submitted_at ELSE p.updated_at END
FROM place p CROSS JOIN since s
WHERE (p.submitted_at >= s.at AND p.status IN ('submitted', 'returned', 'valid', 'recognised'))
   OR (p.submitted_at < s.at AND p.updated_at >= s.at AND p.status IN ('duplicate', 'refused', 'withdrawn'))
ORDER BY 3, 1 LIMIT 200;

-- name: wave_now
-- The wave that ended last, in the last month, when none runs; no row otherwise.
SELECT w.name, to_char(w.ends_on, 'DD/MM/YYYY'), w.closes_at FROM wave w
WHERE w.closes_at <= now() AND w.closes_at > now() - interval '1 month' AND NOT EXISTS (SELECT FROM wave r WHERE r.opens_at <= now() AND r.closes_at > now())
ORDER BY w.closes_at DESC LIMIT 1;

-- ---- campaigns, from the command line and the chat ----

-- name: wave_all
-- $1 user ids: all waves for each, by their first day.
SELECT q.user_id, w.id, w.code, w.name, c.code, c.name, w.starts_on::text, w.ends_on::text, w.frozen_at IS NOT NULL
FROM unnest($1::text[]) AS q (user_id) CROSS JOIN wave w JOIN campaign c ON c.id = w.campaign_id ORDER BY q.user_id, w.starts_on, w.code;

-- name: campaign_put
-- $1 ids, $2 codes, $3 names.
INSERT INTO campaign (id, code, name) SELECT v.id, v.code, v.name FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v (id, code, name)
ON CONFLICT (code) DO UPDATE SET name = excluded.name WHERE campaign.name <> excluded.name;

-- name: wave_put
-- $1 ids, $2 codes, $3 campaigns' codes, $4 names, $5 first days, $6 last days.
INSERT INTO wave (id, code, campaign_id, name, starts_on, ends_on)
SELECT v.id, v.code, c.id, v.name, v.starts_on::date, v.ends_on::date
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS v (id, code, campaign, name, starts_on, ends_on)
JOIN campaign c ON c.code = v.campaign
ON CONFLICT (code) DO UPDATE SET campaign_id = excluded.campaign_id, name = excluded.name, starts_on = excluded.starts_on, ends_on = excluded.ends_on
WHERE wave.frozen_at IS NULL AND (wave.campaign_id, wave.name, wave.starts_on, wave.ends_on) IS DISTINCT FROM (excluded.campaign_id, excluded.name, excluded.starts_on, excluded.ends_on);

-- name: target_clear
-- $1 codes of waves.
DELETE FROM target t USING wave w WHERE w.id = t.wave_id AND w.code = ANY ($1::text[]);

-- name: target_put
-- $1 codes of waves, $2 codes of units, $3 how many initiatives.  A row for each that is written: not of a wave that is kept.
INSERT INTO target (wave_id, unit_id, initiatives)
SELECT w.id, u.id, v.initiatives FROM unnest($1::text[], $2::text[], $3::bigint[]) AS v (wave, unit, initiatives)
JOIN wave w ON w.code = v.wave AND w.frozen_at IS NULL JOIN union_unit u ON u.code = v.unit
ON CONFLICT (wave_id, unit_id) DO UPDATE SET initiatives = excluded.initiatives
RETURNING unit_id;

-- name: campaign_rights
-- $1 who asks, $2 a unit, $3 a wave: may he write waves (an organizer of everything), may he set that unit's target, its code and name,
-- and the target it has (null: none).  Always one row.
SELECT EXISTS (SELECT FROM role_grant g WHERE g.user_id = $1 AND g.role = 'organizer' AND g.unit_id = 0 AND g.revoked_at IS NULL),
       u.id IS NOT NULL AND broadcast_reaches($1, u.id), u.code, u.name,
       (SELECT t.initiatives FROM target t WHERE t.wave_id = $3::bigint AND t.unit_id = u.id)
FROM (SELECT 1) one LEFT JOIN union_unit u ON u.id = $2::bigint;
