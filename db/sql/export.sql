-- Tables for people, a page of rows at a time in the order of the key: no transaction stays open however long an export takes,
-- and each row comes exactly once.

-- name: export_initiatives
-- $1 at most so many, $2 $3 after this user id and id, $4 statuses (an empty array: all), $5 units with all below them (an empty array: all),
-- $6 $7 submitted from and before (null: whenever), $8 only those marked for their social meaning?
WITH below AS MATERIALIZED (
    SELECT u.id FROM union_unit u WHERE u.path && $5::bigint[]
), page AS MATERIALIZED (
    SELECT i.* FROM initiative i
    WHERE (i.user_id, i.id) > ($2::text, $3::bigint) AND i.title IS NOT NULL
      AND (cardinality($4::text[]) = 0 OR i.status = ANY ($4::text[]))
      AND (cardinality($5::bigint[]) = 0 OR i.unit_id IN (SELECT b.id FROM below b))
      AND ($6::timestamptz IS NULL OR i.submitted_at >= $6::timestamptz) AND ($7::timestamptz IS NULL OR i.submitted_at < $7::timestamptz)
      AND (NOT $8::boolean OR i.social)
    ORDER BY i.user_id, i.id LIMIT $1::bigint
)
SELECT i.user_id, i.id, i.code, i.title, i.description, i.solution_kind, i.sector, i.applied_on::text, i.benefit_kind, i.annual_benefit_vnd,
       i.benefit_text, i.checked_benefit_vnd, i.recognised_benefit_vnd, i.status, i.review_note, i.duplicate_of, i.recognised_by,
       i.recognised_on::text, i.social, i.confidential, coalesce(u.name, i.unit_text), up.name, p.full_name,
       (SELECT 100 - least(100, coalesce(sum(a.share_pct), 0)) FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id)::bigint,
       (SELECT string_agg(a.name || ' ' || a.share_pct || '%', ', ' ORDER BY a.id) FROM initiative_author a
        WHERE a.user_id = i.user_id AND a.initiative_id = i.id AND a.name IS NOT NULL),
       (SELECT count(*) FROM evidence e WHERE e.user_id = i.user_id AND e.initiative_id = i.id), i.submitted_at
FROM page i
LEFT JOIN union_unit u ON u.id = i.unit_id
LEFT JOIN union_unit up ON up.id = u.parent_id
LEFT JOIN person p ON p.user_id = i.user_id
ORDER BY i.user_id, i.id;

-- name: export_top
-- $1 so many, $2 units with all below them (an empty array: all), $3 $4 submitted from and before (null: whenever), $5 only those marked
-- for their social meaning?  The largest checked benefits of what is valid or recognised, then, of those marked, the ones without a
-- checked figure; columns as of export_initiatives.
WITH below AS MATERIALIZED (
    SELECT u.id FROM union_unit u WHERE u.path && $2::bigint[]
), page AS MATERIALIZED (
    (SELECT i.* FROM initiative i
     WHERE i.checked_benefit_vnd IS NOT NULL AND i.title IS NOT NULL AND i.status IN ('valid', 'recognised')
       AND (cardinality($2::bigint[]) = 0 OR i.unit_id IN (SELECT b.id FROM below b))
       AND ($3::timestamptz IS NULL OR i.submitted_at >= $3::timestamptz) AND ($4::timestamptz IS NULL OR i.submitted_at < $4::timestamptz)
       AND (NOT $5::boolean OR i.social)
     ORDER BY i.checked_benefit_vnd DESC, i.user_id, i.id LIMIT $1::bigint)
    UNION ALL
    (SELECT i.* FROM initiative i
     WHERE $5::boolean AND i.social AND i.checked_benefit_vnd IS NULL AND i.title IS NOT NULL AND i.status IN ('valid', 'recognised')
       AND (cardinality($2::bigint[]) = 0 OR i.unit_id IN (SELECT b.id FROM below b))
       AND ($3::timestamptz IS NULL OR i.submitted_at >= $3::timestamptz) AND ($4::timestamptz IS NULL OR i.submitted_at < $4::timestamptz)
     ORDER BY i.user_id, i.id LIMIT $1::bigint)
)
SELECT i.user_id, i.id, i.code, i.title, i.description, i.solution_kind, i.sector, i.applied_on::text, i.benefit_kind, i.annual_benefit_vnd,
       i.benefit_text, i.checked_benefit_vnd, i.recognised_benefit_vnd, i.status, i.review_note, i.duplicate_of, i.recognised_by,
       i.recognised_on::text, i.social, i.confidential, coalesce(u.name, i.unit_text), up.name, p.full_name,
       (SELECT 100 - least(100, coalesce(sum(a.share_pct), 0)) FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id)::bigint,
       (SELECT string_agg(a.name || ' ' || a.share_pct || '%', ', ' ORDER BY a.id) FROM initiative_author a
        WHERE a.user_id = i.user_id AND a.initiative_id = i.id AND a.name IS NOT NULL),
       (SELECT count(*) FROM evidence e WHERE e.user_id = i.user_id AND e.initiative_id = i.id), i.submitted_at
FROM page i
LEFT JOIN union_unit u ON u.id = i.unit_id
LEFT JOIN union_unit up ON up.id = u.parent_id
LEFT JOIN person p ON p.user_id = i.user_id
ORDER BY i.checked_benefit_vnd DESC NULLS LAST, i.user_id, i.id LIMIT $1::bigint;

-- name: export_units
-- $1 so many, $2 units with all below them (an empty array: all), $3 $4 submitted from and before (null: whenever): the units with most initiatives
-- that are valid or recognised, and what these bring.  Authors are counted once a unit, duplicates bring nothing.
WITH below AS MATERIALIZED (
    SELECT u.id FROM union_unit u WHERE u.path && $2::bigint[]
), counted AS (
    SELECT i.unit_id, count(*) AS valid, count(*) FILTER (WHERE i.status = 'recognised') AS recognised, count(DISTINCT i.user_id) AS authors,
           count(*) FILTER (WHERE i.social) AS social, coalesce(sum(i.checked_benefit_vnd), 0)::bigint AS checked
    FROM initiative i
    WHERE i.status IN ('valid', 'recognised') AND i.unit_id IS NOT NULL
      AND (cardinality($2::bigint[]) = 0 OR i.unit_id IN (SELECT b.id FROM below b))
      AND ($3::timestamptz IS NULL OR i.submitted_at >= $3::timestamptz) AND ($4::timestamptz IS NULL OR i.submitted_at < $4::timestamptz)
    GROUP BY i.unit_id
)
SELECT rank() OVER (ORDER BY c.valid DESC), u.name, up.name, c.valid, c.recognised, c.authors, c.social, c.checked
FROM counted c JOIN union_unit u ON u.id = c.unit_id LEFT JOIN union_unit up ON up.id = u.parent_id
ORDER BY c.valid DESC, c.checked DESC, u.name, u.id LIMIT $1::bigint;

-- name: wave_span
-- $1 the code of a wave: from and before when what is submitted counts for it.
SELECT opens_at, closes_at FROM wave WHERE code = $1::text;

-- name: unit_by_code
-- $1 the code of a unit: its id.
SELECT id FROM union_unit WHERE code = $1::text;
