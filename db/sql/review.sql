-- The reviewers' queue, what they are shown, and verdicts.

-- name: review_next
-- $1 reviewers: the next card of each, taken with the turn's commit.
SELECT w.reviewer, c.user_id, c.id, c.code, c.title, c.description, c.annual_benefit_vnd, c.benefit_kind, c.benefit_text, c.unit_name,
       c.status, c.review_note, c.submitted_at, c.checked_benefit_vnd, c.recognised_benefit_vnd, c.social, c.duplicate_of, c.author_name,
       c.stamp, c.evidence_count, c.coauthor_count, c.same_figure, c.appeal, c.alike, false
FROM review_take($1::text[]) AS w CROSS JOIN LATERAL review_card(w.user_id, w.id) c;

-- name: review_of_code
-- $1 reviewers, $2 receipt codes: that initiative, when it lies within the reviewer's grants and is not his own.  The last column:
-- somebody else is looking at it, or the verdict is on its way.
SELECT q.user_id, c.user_id, c.id, c.code, c.title, c.description, c.annual_benefit_vnd, c.benefit_kind, c.benefit_text, c.unit_name,
       c.status, c.review_note, c.submitted_at, c.checked_benefit_vnd, c.recognised_benefit_vnd, c.social, c.duplicate_of, c.author_name,
       c.stamp, c.evidence_count, c.coauthor_count, c.same_figure, c.appeal, c.alike,
       coalesce(w.until > now() AND w.reviewer IS DISTINCT FROM q.user_id, false)
FROM unnest($1::text[], $2::text[]) AS q (user_id, code)
JOIN initiative i ON i.code = upper(q.code) AND i.user_id <> q.user_id
CROSS JOIN LATERAL review_card(i.user_id, i.id) c
LEFT JOIN review_queue w ON w.user_id = c.user_id AND w.id = c.id
WHERE review_reaches(q.user_id, c.unit_id);

-- name: review_other
-- $1 reviewers, $2 receipt codes: whether there is such an initiative.
SELECT q.user_id, i.code FROM unnest($1::text[], $2::text[]) AS q (user_id, code) JOIN initiative i ON i.code = upper(q.code)
WHERE i.title IS NOT NULL;

-- name: review_away
-- $1 authors, $2 initiatives, $3 for so many seconds nobody gets it: put off, or its verdict is on the way.  0: it is free at once.
UPDATE review_queue q SET reviewer = NULL, until = now() + make_interval(secs => v.seconds)
FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS v (user_id, id, seconds) WHERE q.user_id = v.user_id AND q.id = v.id;

-- name: review_apply
-- $1 authors, $2 ids, $3 initiatives, $4 verdicts, $5 reviewers, $6 reasons, $7 fields, $8 notes, $9 duplicate of, $10 checked benefits
-- (null: as before), $11 recognised benefits, $12 recognised by, $13 recognised on, $14 social ('true', 'false', null: as before).
WITH v AS (
    SELECT v.* FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
                           $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[])
        AS v (user_id, id, initiative_id, verdict, reviewer, reason, field, note, duplicate_of, checked, recognised, recognised_by,
              recognised_on, social)
), kept AS (
    INSERT INTO review (user_id, id, initiative_id, verdict, reviewer, reason, field, note, duplicate_of, checked_benefit_vnd,
                        recognised_benefit_vnd, recognised_by, recognised_on, social)
    SELECT user_id, id, initiative_id, verdict, reviewer, reason, field, note, duplicate_of, checked, recognised, recognised_by,
           recognised_on::date, social::boolean
    FROM v
)
UPDATE initiative i SET
    status = CASE v.verdict WHEN 'reopened' THEN 'submitted' WHEN 'appeal' THEN 'submitted' WHEN 'marked' THEN i.status ELSE v.verdict END,
    review_note = CASE WHEN v.verdict IN ('marked', 'appeal') THEN i.review_note ELSE v.note END,
    duplicate_of = CASE WHEN v.verdict = 'marked' THEN i.duplicate_of WHEN v.verdict = 'duplicate' THEN v.duplicate_of END,
    checked_benefit_vnd = coalesce(v.checked, i.checked_benefit_vnd),
    recognised_benefit_vnd = CASE WHEN v.verdict = 'reopened' THEN NULL ELSE coalesce(v.recognised, i.recognised_benefit_vnd) END,
    recognised_by = CASE WHEN v.verdict = 'reopened' THEN NULL ELSE coalesce(v.recognised_by, i.recognised_by) END,
    recognised_on = CASE WHEN v.verdict = 'reopened' THEN NULL ELSE coalesce(v.recognised_on::date, i.recognised_on) END,
    social = coalesce(v.social::boolean, i.social)
FROM v WHERE i.user_id = v.user_id AND i.id = v.initiative_id;

-- ---- sangkien review: verdicts in a spreadsheet ----

-- name: review_export
-- $1 at most so many, $2 $3 after this user id and id, $4 statuses, $5 a unit with all below it (0: all).
WITH below AS MATERIALIZED (
    SELECT u.id FROM union_unit u WHERE u.path @> ARRAY[$5::bigint]
), page AS MATERIALIZED (
    SELECT i.user_id, i.id FROM initiative i
    WHERE (i.user_id, i.id) > ($2::text, $3::bigint) AND i.title IS NOT NULL AND i.status = ANY ($4::text[])
      AND ($5::bigint = 0 OR i.unit_id IN (SELECT b.id FROM below b))
      AND EXISTS (SELECT FROM person p WHERE p.user_id = i.user_id)
    ORDER BY i.user_id, i.id LIMIT $1::bigint
)
SELECT c.user_id, c.id, c.code, c.title, c.description, c.benefit_kind, c.annual_benefit_vnd, c.benefit_text, c.unit_name, c.author_name,
       c.status, c.review_note, c.submitted_at, c.checked_benefit_vnd, c.recognised_benefit_vnd, c.social, c.duplicate_of, c.stamp,
       c.same_figure, c.appeal, c.alike, w.rank
FROM page p CROSS JOIN LATERAL review_card(p.user_id, p.id) c
LEFT JOIN review_queue w ON w.user_id = c.user_id AND w.id = c.id
ORDER BY c.user_id, c.id;

-- name: review_known
-- $1 receipt codes: what stands there now.
SELECT i.code, i.user_id, i.id, i.title, i.status, (extract(epoch FROM i.updated_at) * 1000000)::bigint, i.checked_benefit_vnd,
       i.recognised_benefit_vnd, i.recognised_by, i.recognised_on::text, i.social, i.duplicate_of
FROM unnest($1::text[]) AS q (code) JOIN initiative i ON i.code = q.code WHERE i.title IS NOT NULL;

-- name: review_hold
-- $1 authors, $2 initiatives, $3 stamps, $4 statuses, each as read: how many are still so; they stay so until the commit.
WITH held AS (
    SELECT i.user_id FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS v (user_id, id, stamp, status)
    JOIN initiative i ON i.user_id = v.user_id AND i.id = v.id
    WHERE (extract(epoch FROM i.updated_at) * 1000000)::bigint = v.stamp AND i.status = v.status
    ORDER BY i.user_id, i.id FOR NO KEY UPDATE OF i
)
SELECT count(*) FROM held;
