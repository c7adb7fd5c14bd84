-- Canned answers: kept per installation, found by their words, offered for questions like those they answered before.

-- name: canned_find
-- $1 user ids, $2 folded words ("": any): up to ten answers for each, the best first.
SELECT q.user_id, c.id, c.name, c.text, c.created_by
FROM unnest($1::text[], $2::text[]) AS q (user_id, key)
CROSS JOIN LATERAL (
    SELECT a.id, a.name, a.text, a.created_by,
           greatest((a.name_key = q.key)::int * 2, (strpos(a.name_key, q.key) > 0)::int, word_similarity(q.key, a.name_key),
                    0.8 * word_similarity(q.key, a.text_key)) AS score
    FROM canned_answer a WHERE q.key = '' OR strpos(a.name_key, q.key) > 0 OR q.key <% a.name_key OR q.key <% a.text_key
    ORDER BY score DESC, a.name_key LIMIT 10) c
ORDER BY q.user_id, c.score DESC, c.name;

-- name: canned_get
-- $1 user ids, $2 ids.
SELECT q.user_id, a.id, a.name, a.text, a.created_by
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, id) JOIN canned_answer a ON a.id = q.id;

-- name: canned_offer
-- $1 user ids, $2 questions as question_key() gives them: the answer that was given to the question most like each, when no other answer
-- was given to one nearly as much like it.
SELECT q.user_id, o.id, o.name, o.text, o.created_by
FROM unnest($1::text[], $2::text[]) AS q (user_id, key)
CROSS JOIN LATERAL (
    SELECT a.id, a.name, a.text, a.created_by
    FROM (SELECT m.answer_id, m.score, coalesce(lead(m.score) OVER (ORDER BY m.score DESC, m.answer_id), 0) AS next_score
          FROM (SELECT c.answer_id, max(similarity(c.question_key, q.key)) AS score
                FROM canned_question c WHERE c.question_key % q.key GROUP BY c.answer_id) m
          ORDER BY m.score DESC, m.answer_id LIMIT 1) best
    JOIN canned_answer a ON a.id = best.answer_id
    WHERE best.score >= 0.44 AND best.score - best.next_score >= 0.05) o;

-- name: canned_put
-- $1 ids, $2 names, $3 folded names, $4 texts, $5 folded texts, $6 by whom.  A name that is there gets the new text.
INSERT INTO canned_answer (id, name, name_key, text, text_key, created_by)
SELECT DISTINCT ON (v.name_key) v.id, v.name, v.name_key, v.text, v.text_key, v.created_by
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) AS v (id, name, name_key, text, text_key, created_by)
ORDER BY v.name_key, v.id
ON CONFLICT (name_key) DO UPDATE SET name = excluded.name, text = excluded.text, text_key = excluded.text_key, created_by = excluded.created_by,
    updated_at = now();

-- name: canned_drop
-- $1 ids.
DELETE FROM canned_answer WHERE id = ANY ($1::bigint[]);

-- name: canned_learn
-- $1 who asked, $2 their tickets, $3 the answers, $4 folded questions.
INSERT INTO canned_question (user_id, ticket_id, answer_id, question_key)
SELECT v.user_id, v.ticket_id, v.answer_id, v.question_key
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS v (user_id, ticket_id, answer_id, question_key)
JOIN canned_answer a ON a.id = v.answer_id
ON CONFLICT DO NOTHING;

-- ---- an erasure ----

-- name: erase_canned_questions
-- $1 user ids.
DELETE FROM canned_question WHERE user_id = ANY ($1::text[]);

-- name: erase_canned_authors
-- $1 user ids, $2 the key that stands for each: the answer is the installation's and stays.
UPDATE canned_answer a SET created_by = 'erased-' || v.key FROM unnest($1::text[], $2::text[]) AS v (user_id, key) WHERE a.created_by = v.user_id;

-- name: erase_entered
-- $1 user ids, $2 the key that stands for each: what was entered for others stays theirs.
UPDATE initiative i SET created_by = 'erased-' || v.key
FROM unnest($1::text[], $2::text[]) AS v (user_id, key) WHERE i.created_by = v.user_id AND i.user_id <> v.user_id;
