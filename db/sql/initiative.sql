-- name: initiative_add
-- $1 user ids, $2 ids, $3 codes, $4 titles, $5 descriptions, $6 benefits (null unless money), $7 benefit kinds,
-- $8 benefits as typed, $9 unit ids, $10 unit texts, $11 submitted at, $12 who entered it (null: the author).
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, benefit_text, unit_id, unit_text, submitted_at, created_by)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[],
                     $9::bigint[], $10::text[], $11::timestamptz[], $12::text[]);

-- name: initiative_patch
-- $1 user ids, $2 revision ids, $3 initiative ids, $4 fields, $5 values, $6 numbers, $7 benefit kinds.
-- One changed field each; only while submitted or returned.  The revision keeps the old value.  What was returned is submitted
-- again by what its author changes.
WITH v AS (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[])
        AS v (user_id, revision_id, initiative_id, field, value, number, benefit_kind)
), old AS (
    SELECT v.*, CASE v.field
               WHEN 'title' THEN i.title WHEN 'description' THEN i.description
               WHEN 'benefit' THEN concat_ws(' ', i.benefit_kind, i.annual_benefit_vnd, i.benefit_text)
               WHEN 'unit' THEN coalesce(i.unit_id::text, i.unit_text) WHEN 'solution_kind' THEN i.solution_kind
               WHEN 'applied_on' THEN i.applied_on::text WHEN 'confidential' THEN i.confidential::text END AS old_value
    FROM v JOIN initiative i ON i.user_id = v.user_id AND i.id = v.initiative_id
    WHERE i.status IN ('submitted', 'returned')
), kept AS (
    INSERT INTO initiative_revision (user_id, id, initiative_id, field, old_value, new_value)
    SELECT user_id, revision_id, initiative_id, field, old_value,
           CASE field WHEN 'benefit' THEN concat_ws(' ', benefit_kind, CASE WHEN benefit_kind = 'money' THEN number END, value)
                      WHEN 'unit' THEN coalesce(nullif(number, 0)::text, value) ELSE value END
    FROM old
)
UPDATE initiative i SET
    title = CASE o.field WHEN 'title' THEN o.value ELSE i.title END,
    description = CASE o.field WHEN 'description' THEN o.value ELSE i.description END,
    benefit_kind = CASE o.field WHEN 'benefit' THEN o.benefit_kind ELSE i.benefit_kind END,
    benefit_text = CASE o.field WHEN 'benefit' THEN o.value ELSE i.benefit_text END,
    annual_benefit_vnd = CASE WHEN o.field <> 'benefit' THEN i.annual_benefit_vnd WHEN o.benefit_kind = 'money' THEN o.number END,
    unit_id = CASE o.field WHEN 'unit' THEN nullif(o.number, 0) ELSE i.unit_id END,
    unit_text = CASE WHEN o.field <> 'unit' THEN i.unit_text WHEN o.number = 0 THEN o.value END,
    solution_kind = CASE o.field WHEN 'solution_kind' THEN o.value ELSE i.solution_kind END,
    applied_on = CASE o.field WHEN 'applied_on' THEN o.value::date ELSE i.applied_on END,
    confidential = CASE o.field WHEN 'confidential' THEN o.value = 'true' ELSE i.confidential END,
    status = CASE WHEN o.field IN ('title', 'description', 'benefit', 'unit') THEN 'submitted' ELSE i.status END,
    updated_at = now()
FROM old o
WHERE i.user_id = o.user_id AND i.id = o.initiative_id;

-- name: initiative_list
-- $1 user ids: the newest 100 of each.
SELECT i.user_id, i.id, i.code, i.title, i.annual_benefit_vnd, i.benefit_kind, i.benefit_text, i.status, i.submitted_at, i.total
FROM unnest($1::text[]) AS q (user_id)
CROSS JOIN LATERAL (
    SELECT *, count(*) OVER () AS total FROM initiative n
    WHERE n.user_id = q.user_id ORDER BY n.submitted_at DESC, n.id DESC LIMIT 100) i;

-- name: initiative_get
-- $1 user ids, $2 ids.  Only the person's own.
SELECT i.user_id, i.id, i.code, i.title, i.description, i.annual_benefit_vnd, i.benefit_kind, i.benefit_text, i.unit_id, i.unit_text,
       coalesce(u.name, i.unit_text), i.solution_kind, i.applied_on::text, i.confidential, i.status, i.review_note, i.submitted_at,
       (SELECT count(*) FROM evidence e WHERE e.user_id = i.user_id AND e.initiative_id = i.id),
       (extract(epoch FROM i.updated_at) * 1000000)::bigint, CASE WHEN i.status = 'returned' THEN
           (SELECT r.field FROM review r WHERE r.user_id = i.user_id AND r.initiative_id = i.id ORDER BY r.id DESC LIMIT 1) END,
       EXISTS (SELECT FROM review r WHERE r.user_id = i.user_id AND r.initiative_id = i.id AND r.verdict = 'appeal')
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, id)
JOIN initiative i ON i.user_id = q.user_id AND i.id = q.id
LEFT JOIN union_unit u ON u.id = i.unit_id;

-- name: initiative_author_add
-- $1 user ids, $2 initiative ids, $3 ids, $4 names, $5 authors' user ids, $6 shares, $7 consents.
INSERT INTO initiative_author (user_id, initiative_id, id, name, author_user_id, share_pct, consent)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::text[])
ON CONFLICT DO NOTHING;

-- name: initiative_author_consent
-- $1 first authors, $2 initiative ids, $3 ids, $4 consents, $5 authors' user ids (null: unchanged).
UPDATE initiative_author a SET consent = v.consent, author_user_id = coalesce(v.author_user_id, a.author_user_id)
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS v (user_id, initiative_id, id, consent, author_user_id)
WHERE a.user_id = v.user_id AND a.initiative_id = v.initiative_id AND a.id = v.id;

-- name: initiative_author_list
-- $1 user ids, $2 initiative ids.
SELECT a.user_id, a.initiative_id, a.id, a.name, a.author_user_id, a.share_pct, a.consent
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, id)
JOIN initiative_author a ON a.user_id = q.user_id AND a.initiative_id = q.id
ORDER BY a.id;

-- name: draft_put
-- $1 user ids, $2 ids, $3 bodies.
INSERT INTO draft (user_id, id, body)
SELECT user_id, id, body::jsonb FROM unnest($1::text[], $2::bigint[], $3::text[]) AS v (user_id, id, body)
ON CONFLICT (user_id, id) DO UPDATE SET body = excluded.body, updated_at = now();

-- name: draft_drop
-- $1 user ids, $2 ids.
DELETE FROM draft d USING unnest($1::text[], $2::bigint[]) AS v (user_id, id) WHERE d.user_id = v.user_id AND d.id = v.id;

-- name: draft_list
-- $1 user ids.
SELECT d.user_id, d.id, d.body::text, d.updated_at FROM draft d WHERE d.user_id = ANY ($1::text[]) ORDER BY d.updated_at DESC;

-- name: receipt_block
SELECT nextval('receipt_block');

-- name: receipt_key
-- $1 a fresh random key, kept only when there is none yet.
WITH made AS (
    INSERT INTO installation (name, value) VALUES ('receipt_key', $1) ON CONFLICT DO NOTHING RETURNING value)
SELECT value FROM made UNION ALL SELECT value FROM installation WHERE name = 'receipt_key' LIMIT 1;
