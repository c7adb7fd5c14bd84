-- Tables for people, a page of rows at a time in the order of the key: no transaction stays open however long an export takes,
-- and each row comes exactly once.

-- name: export_initiatives
-- $1 at most so many, $2 $3 after this user id and id, $4 statuses (an empty array: all), $5 a unit with all below it (0: all),
-- $6 $7 submitted from and before (null: whenever).
WITH below AS MATERIALIZED (
    SELECT u.id FROM union_unit u WHERE u.path @> ARRAY[$5::bigint]
), page AS MATERIALIZED (
    SELECT i.* FROM initiative i
    WHERE (i.user_id, i.id) > ($2::text, $3::bigint) AND i.title IS NOT NULL
      AND (cardinality($4::text[]) = 0 OR i.status = ANY ($4::text[]))
      AND ($5::bigint = 0 OR i.unit_id IN (SELECT b.id FROM below b))
      AND ($6::timestamptz IS NULL OR i.submitted_at >= $6::timestamptz) AND ($7::timestamptz IS NULL OR i.submitted_at < $7::timestamptz)
    ORDER BY i.user_id, i.id LIMIT $1::bigint
)
SELECT i.user_id, i.id, i.code, i.title, i.description, i.solution_kind, i.sector, i.applied_on::text, i.benefit_kind, i.annual_benefit_vnd,
       i.benefit_text, i.checked_benefit_vnd, i.recognised_benefit_vnd, i.status, i.review_note, i.duplicate_of, i.recognised_by,
       i.recognised_on::text, i.social, i.confidential, coalesce(u.name, i.unit_text), up.name, p.full_name,
       (SELECT 100 - least(100, sum(a.share_pct)) FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id)::bigint,
       (SELECT string_agg(a.name || ' ' || a.share_pct || '%', ', ' ORDER BY a.id) FROM initiative_author a
        WHERE a.user_id = i.user_id AND a.initiative_id = i.id AND a.name IS NOT NULL),
       (SELECT count(*) FROM evidence e WHERE e.user_id = i.user_id AND e.initiative_id = i.id), i.submitted_at
FROM page i
LEFT JOIN union_unit u ON u.id = i.unit_id
LEFT JOIN union_unit up ON up.id = u.parent_id
LEFT JOIN person p ON p.user_id = i.user_id
ORDER BY i.user_id, i.id;

-- name: unit_by_code
-- $1 the code of a unit: its id.
SELECT id FROM union_unit WHERE code = $1::text;
