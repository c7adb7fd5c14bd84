-- name: unit_match
-- $1 user ids, $2 folded names: up to five units each, best first.  The name of a unit that is no more leads to the one of its
-- level that took it in, when there is one.  What only looks like the name is not looked for by who typed the name of a unit there
-- is; of that the thirty nearest are weighed, as a whole and as words in a longer name.
SELECT q.user_id, m.id, m.name, m.parent_name, m.level, m.score
FROM (SELECT t.user_id, t.key, EXISTS (SELECT FROM union_unit e WHERE e.name_key = t.key
             AND (e.valid_from IS NULL OR e.valid_from <= current_date) AND (e.valid_to IS NULL OR e.valid_to > current_date) OFFSET 0) AS known
      FROM unnest($1::text[], $2::text[]) AS t (user_id, key) OFFSET 0) AS q
CROSS JOIN LATERAL (
    SELECT u.id, u.name, p.name AS parent_name, u.level, max(s.score) AS score
    FROM (SELECT e.id, e.level, e.path, e.valid_to, e.name_key AS key FROM union_unit e WHERE e.name_key = q.key
          UNION ALL
          SELECT n.id, n.level, n.path, n.valid_to, a.alias_key FROM unit_alias a JOIN union_unit n ON n.id = a.unit_id WHERE a.alias_key = q.key
          UNION ALL
          SELECT n.id, n.level, n.path, n.valid_to, near.key FROM (
              (SELECT x.id, x.name_key AS key FROM union_unit x WHERE NOT q.known ORDER BY x.name_key <-> q.key LIMIT 30)
              UNION (SELECT x.id, x.name_key FROM union_unit x WHERE NOT q.known ORDER BY q.key <<-> x.name_key LIMIT 30)
              UNION (SELECT x.unit_id, x.alias_key FROM unit_alias x WHERE NOT q.known ORDER BY x.alias_key <-> q.key LIMIT 30)
              UNION (SELECT x.unit_id, x.alias_key FROM unit_alias x WHERE NOT q.known ORDER BY q.key <<-> x.alias_key LIMIT 30)) near
          JOIN union_unit n ON n.id = near.id
          WHERE near.key <> q.key AND (near.key % q.key OR q.key <% near.key)) c
    JOIN union_unit u ON u.id = ANY (c.path) AND u.level >= c.level AND (u.id = c.id OR c.valid_to <= current_date)
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

-- ---- the tree, from the command line ----

-- name: unit_all
SELECT u.id, u.code, u.name, p.code, u.level, u.kind, u.cluster, u.members, u.valid_from::text, u.valid_to::text
FROM union_unit u LEFT JOIN union_unit p ON p.id = u.parent_id WHERE u.code IS NOT NULL ORDER BY u.code COLLATE "C";

-- name: unit_keep_names
-- $1 codes, $2 new names: the old name goes on leading there.
INSERT INTO unit_alias (unit_id, alias, alias_key)
SELECT u.id, u.name, u.name_key FROM unnest($1::text[], $2::text[]) AS v (code, name) JOIN union_unit u ON u.code = v.code AND u.name <> v.name
ON CONFLICT DO NOTHING;

-- name: unit_put
-- $1 ids, $2 codes, $3 names, $4 folded names, $5 parents' codes, $6 levels, $7 kinds, $8 clusters, $9 members, $10 $11 valid from and to.
-- Units of one depth; those above are there.  A row for each that is new (true) or changed (false).
INSERT INTO union_unit (id, code, name, name_key, parent_id, level, kind, cluster, members, valid_from, valid_to)
SELECT v.id, v.code, v.name, v.key, p.id, v.level, v.kind, v.cluster, v.members, v.valid_from::date, v.valid_to::date
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::text[], $11::text[])
     AS v (id, code, name, key, parent, level, kind, cluster, members, valid_from, valid_to)
LEFT JOIN union_unit p ON p.code = v.parent
ON CONFLICT (code) DO UPDATE SET name = excluded.name, name_key = excluded.name_key, parent_id = excluded.parent_id, level = excluded.level,
    kind = excluded.kind, cluster = excluded.cluster, members = excluded.members, valid_from = excluded.valid_from, valid_to = excluded.valid_to
WHERE (union_unit.name, union_unit.parent_id, union_unit.level, union_unit.kind, union_unit.cluster, union_unit.members, union_unit.valid_from,
       union_unit.valid_to) IS DISTINCT FROM (excluded.name, excluded.parent_id, excluded.level, excluded.kind, excluded.cluster, excluded.members,
       excluded.valid_from, excluded.valid_to)
RETURNING xmax = 0;

-- name: unit_typed_waiting
-- Names people typed that lead to no unit: how many people, how many initiatives.
SELECT t.unit_text, sum(t.people)::bigint, sum(t.initiatives)::bigint FROM (
    SELECT p.unit_text, count(*) AS people, 0 AS initiatives FROM person p WHERE p.unit_id IS NULL AND p.unit_text IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT i.unit_text, 0, count(*) FROM initiative i WHERE i.unit_id IS NULL AND i.unit_text IS NOT NULL AND i.status <> 'withdrawn' GROUP BY 1) t
GROUP BY 1;

-- name: unit_typed_hold
-- $1 names as typed: no turn of those people is under way until the commit.
SELECT c.user_id FROM conversation c
WHERE c.user_id IN (SELECT p.user_id FROM person p WHERE p.unit_id IS NULL AND p.unit_text = ANY ($1::text[]))
ORDER BY c.user_id COLLATE "C" FOR NO KEY UPDATE;

-- name: unit_give_people
-- $1 names as typed, $2 unit id.
UPDATE person SET unit_id = $2::bigint, unit_text = NULL WHERE unit_id IS NULL AND unit_text = ANY ($1::text[]) RETURNING user_id;

-- name: unit_give_initiatives
-- $1 names as typed, $2 unit id; the words stay as they were typed.
UPDATE initiative SET unit_id = $2::bigint, updated_at = now() WHERE unit_id IS NULL AND unit_text = ANY ($1::text[]) RETURNING user_id;

-- name: unit_alias_add
-- $1 unit id, $2 the name, $3 folded.
INSERT INTO unit_alias (unit_id, alias, alias_key) VALUES ($1::bigint, $2::text, $3::text) ON CONFLICT DO NOTHING;
