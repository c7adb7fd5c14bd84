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
