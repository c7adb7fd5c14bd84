-- A chunk of a broadcast reads its own people only.  The bounds said of person alone left the planner free to read all of
-- conversation for every thousand people: among 200,000 a chunk took 32 ms, now 16.  As in 0007 but for that, and
-- for one more condition: "behind CODE".
CREATE OR REPLACE FUNCTION broadcast_audience(kinds text[], args text[], truth bigint, scope bigint, parent bigint, cap bigint, from_id text, last_id text)
RETURNS TABLE (user_id text, reach text, full_name text, unit_name text, title text, initiatives bigint) LANGUAGE sql STABLE AS $$
    SELECT p.user_id,
           CASE WHEN p.opted_out_at IS NOT NULL THEN 'opted_out'
                WHEN c.owner <> 'bot' AND (c.owner_until IS NULL OR c.owner_until > now()) THEN 'with_support'
                WHEN (SELECT w.reminders FROM reminders_this_week(p.user_id) w) >= cap THEN 'capped'
                WHEN p.last_inbound_at > now() - interval '48 hours' THEN 'free'
                WHEN p.last_inbound_at > now() - interval '7 days' THEN 'charged'
                WHEN p.last_inbound_at IS NULL THEN 'never'
                ELSE 'silent' END,
           p.full_name, coalesce(u.name, p.unit_text),
           coalesce(c.draft #>> '{draft,title}',
                    (SELECT i.title FROM initiative i WHERE i.user_id = p.user_id AND i.status = 'returned' ORDER BY i.id DESC LIMIT 1)),
           (SELECT count(*) FROM initiative i WHERE i.user_id = p.user_id AND i.status <> 'withdrawn')
    FROM person p
    JOIN conversation c ON c.user_id = p.user_id
    LEFT JOIN union_unit u ON u.id = p.unit_id
    WHERE p.user_id BETWEEN from_id AND last_id AND c.user_id BETWEEN from_id AND last_id
      AND (scope = 0 OR u.path @> ARRAY[scope])
      AND (parent = 0 OR EXISTS (SELECT FROM delivery d WHERE d.user_id = p.user_id AND d.broadcast_id = parent AND d.state = 'failed'))
      AND (truth >> coalesce((
              SELECT sum(1 << (a.n - 1)::int)::int FROM unnest(kinds, args) WITH ORDINALITY AS a (kind, arg, n)
              WHERE CASE a.kind
                    WHEN 'everybody' THEN true
                    WHEN 'registered' THEN p.consent_at IS NOT NULL AND p.full_name IS NOT NULL AND (p.unit_id IS NOT NULL OR p.unit_text IS NOT NULL)
                    WHEN 'initiative' THEN EXISTS (SELECT FROM initiative i WHERE i.user_id = p.user_id AND i.status <> 'withdrawn')
                    WHEN 'draft' THEN c.draft #>> '{draft,title}' IS NOT NULL OR EXISTS (SELECT FROM draft d WHERE d.user_id = p.user_id)
                    WHEN 'returned' THEN EXISTS (SELECT FROM initiative i WHERE i.user_id = p.user_id AND i.status = 'returned')
                    WHEN 'silent' THEN p.last_inbound_at IS NULL OR p.last_inbound_at < now() - make_interval(days => a.arg::int)
                    WHEN 'unit' THEN u.path @> ARRAY(SELECT t.id FROM union_unit t WHERE t.code = a.arg) AND EXISTS (
                        SELECT FROM union_unit t WHERE t.code = a.arg)
                    WHEN 'behind' THEN behind_target(u.path, (SELECT w.id FROM wave w WHERE w.code = a.arg)) IS TRUE
                    WHEN 'role' THEN EXISTS (SELECT FROM role_grant g WHERE g.user_id = p.user_id AND g.role = a.arg AND g.revoked_at IS NULL)
                    END), 0)) & 1 = 1
$$;
