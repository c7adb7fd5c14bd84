-- name: unit_match
-- $1 user ids, $2 folded names: up to five units each, best first.
SELECT q.user_id, m.id, m.name, m.parent_name, m.level, m.score
FROM unnest($1::text[], $2::text[]) AS q (user_id, key)
CROSS JOIN LATERAL (
    SELECT u.id, u.name, p.name AS parent_name, u.level, max(s.score) AS score
    FROM (SELECT n.id, n.name_key AS key FROM union_unit n WHERE n.name_key = q.key OR n.name_key % q.key OR q.key <% n.name_key
          UNION ALL
          SELECT a.unit_id, a.alias_key FROM unit_alias a WHERE a.alias_key = q.key OR a.alias_key % q.key OR q.key <% a.alias_key) c
    JOIN union_unit u ON u.id = c.id
    LEFT JOIN union_unit p ON p.id = u.parent_id
    CROSS JOIN LATERAL (SELECT CASE WHEN c.key = q.key THEN 100 ELSE
        least(99, round(100 * greatest(similarity(c.key, q.key), 0.9 * word_similarity(q.key, c.key))))::int END AS score) s
    WHERE (u.valid_from IS NULL OR u.valid_from <= current_date) AND (u.valid_to IS NULL OR u.valid_to > current_date)
    GROUP BY u.id, u.name, p.name, u.level
    ORDER BY score DESC, u.level DESC, u.id LIMIT 5) m
ORDER BY q.user_id, m.score DESC, m.level DESC, m.id;

-- name: unit_unkeyed
-- Units and aliases whose folded name is not written yet (imported by SQL).
SELECT id, name, false AS alias FROM union_unit WHERE name_key = '' UNION ALL SELECT unit_id, alias, true FROM unit_alias WHERE alias_key = ''
LIMIT 1000;

-- name: unit_key
-- $1 ids, $2 names, $3 folded names.
UPDATE union_unit u SET name_key = v.key FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v (id, name, key)
WHERE u.id = v.id AND u.name = v.name;

-- name: unit_alias_key
-- $1 ids, $2 aliases, $3 folded aliases.
UPDATE unit_alias u SET alias_key = v.key FROM unnest($1::bigint[], $2::text[], $3::text[]) AS v (id, name, key)
WHERE u.unit_id = v.id AND u.alias = v.name;
