-- name: unit_match
-- $1 user ids, $2 folded names: up to five units each, best first.  The name of a unit that is no more leads to the one of its
-- level that took it in, when there is one.  What only looks like the name is not looked for by who typed a name or an alias that
-- leads to a unit; of that the nearest ten are weighed, as a whole and as words in a longer name: the best five of both together
-- are among them.  Each is weighed once, for that is what it costs: 0.3 and 0.6 are pg_trgm's own bounds of "similar".
SELECT t.user_id, m.id, m.name, m.parent_name, m.level, m.score
FROM unnest($1::text[], $2::text[]) AS t (user_id, key)
CROSS JOIN LATERAL (
    WITH called AS MATERIALIZED (
        SELECT e.id, 100 AS score FROM union_unit e WHERE e.name_key = t.key
        UNION SELECT a.unit_id, 100 FROM unit_alias a WHERE a.alias_key = t.key
    ), known AS MATERIALIZED (
        SELECT FROM called c JOIN unit_now n ON n.id = c.id LIMIT 1
    ), alike AS (
        SELECT near.id, max(least(99, round(100 * greatest(w.whole, 0.9 * w.words))))::int AS score
        FROM ((SELECT x.id, x.name_key AS key FROM union_unit x WHERE NOT EXISTS (SELECT FROM known) ORDER BY x.name_key <-> t.key LIMIT 10)
              UNION (SELECT x.id, x.name_key FROM union_unit x WHERE NOT EXISTS (SELECT FROM known) ORDER BY t.key <<-> x.name_key LIMIT 10)
              UNION (SELECT x.unit_id, x.alias_key FROM unit_alias x WHERE NOT EXISTS (SELECT FROM known) ORDER BY x.alias_key <-> t.key LIMIT 10)
              UNION (SELECT x.unit_id, x.alias_key FROM unit_alias x WHERE NOT EXISTS (SELECT FROM known) ORDER BY t.key <<-> x.alias_key LIMIT 10)
             ) near
        CROSS JOIN LATERAL (SELECT similarity(near.key, t.key) AS whole, word_similarity(t.key, near.key) AS words OFFSET 0) w
        WHERE w.whole >= 0.3 OR w.words >= 0.6
        GROUP BY near.id
    )
    SELECT u.id, u.name, p.name AS parent_name, u.level, max(c.score) AS score
    FROM (SELECT * FROM called UNION ALL SELECT * FROM alike) c
    JOIN unit_now n ON n.id = c.id JOIN union_unit u ON u.id = n.now_id LEFT JOIN union_unit p ON p.id = u.parent_id
    GROUP BY u.id, u.name, p.name, u.level
    ORDER BY score DESC, u.level DESC, u.id LIMIT 5) m
ORDER BY t.user_id, m.score DESC, m.level DESC, m.id;

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
