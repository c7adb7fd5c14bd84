-- What is alike, for the reviewer, and the checks that find it after an initiative was filed or edited.

-- name: signal_add
-- $1 user ids, $2 initiative ids, $3 the others' user ids, $4 the others' ids, $5 scores, $6 same unit?, $7 choices.
-- A draft may have lain for weeks: of somebody erased since nothing is kept.  The lock makes an erasure that is under way wait,
-- and only an erasure; it looks for signals after it has renamed the initiatives (save.c), so it finds this one.
WITH there AS MATERIALIZED (
    SELECT v.* FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::boolean[], $7::text[])
                    AS v (user_id, initiative_id, other_user_id, other_id, score, same_unit, choice)
    JOIN initiative o ON o.user_id = v.other_user_id AND o.id = v.other_id FOR KEY SHARE OF o
)
INSERT INTO initiative_similar (user_id, initiative_id, other_user_id, other_id, score, same_unit, choice)
SELECT user_id, initiative_id, other_user_id, other_id, score, same_unit, choice FROM there
ON CONFLICT (user_id, initiative_id, other_user_id, other_id) DO UPDATE SET score = excluded.score, choice = excluded.choice;

-- name: similar_check_add
-- $1 user ids, $2 ids.  Edited again before the check: the check is put off, and one that runs already will not remove it.
INSERT INTO similar_check (user_id, id, due_at)
SELECT DISTINCT user_id, id, now() + interval '3 seconds' FROM unnest($1::text[], $2::bigint[]) AS v (user_id, id)
ON CONFLICT (user_id, id) DO UPDATE SET due_at = greatest(excluded.due_at, similar_check.due_at + interval '1 microsecond');

-- name: similar_check_next
-- background: the check that has been due longest, with what it is about; the last column: for how long, in ms.
SELECT c.user_id, c.id, i.title, i.description, (extract(epoch FROM c.due_at) * 1000000)::bigint,
       (extract(epoch FROM clock_timestamp() - c.due_at) * 1000)::bigint
FROM similar_check c JOIN initiative i ON i.user_id = c.user_id AND i.id = c.id
WHERE c.due_at <= now() ORDER BY c.due_at LIMIT 1;

-- name: similar_check_put_off
-- $1 user id, $2 id: it failed; those behind it come first.
UPDATE similar_check SET due_at = now() + interval '1 minute' WHERE user_id = $1::text AND id = $2::bigint;

-- name: similar_check_done
-- $1 user id, $2 id, $3 due_at in microseconds as read, $4 the others' user ids, $5 the others' ids, $6 scores.
-- What the author said stays; what nobody said anything about and is no longer alike goes.
-- As above, nothing is kept of somebody who is being erased.
WITH found AS MATERIALIZED (
    SELECT f.*, o.unit_id, o.unit_text FROM unnest($4::text[], $5::bigint[], $6::bigint[]) AS f (user_id, id, score)
    JOIN initiative o ON o.user_id = f.user_id AND o.id = f.id FOR KEY SHARE OF o
), checked AS (
    DELETE FROM similar_check WHERE user_id = $1::text AND id = $2::bigint AND (extract(epoch FROM due_at) * 1000000)::bigint = $3::bigint
), gone AS (
    DELETE FROM initiative_similar s WHERE s.user_id = $1::text AND s.initiative_id = $2::bigint AND s.choice = 'unsaid'
       AND NOT EXISTS (SELECT FROM found f WHERE f.user_id = s.other_user_id AND f.id = s.other_id)
)
INSERT INTO initiative_similar (user_id, initiative_id, other_user_id, other_id, score, same_unit, choice)
SELECT i.user_id, i.id, f.user_id, f.id, f.score,
       coalesce(i.unit_id = f.unit_id, lower(i.unit_text) = lower(f.unit_text), false), 'unsaid'
FROM found f
JOIN initiative i ON i.user_id = $1::text AND i.id = $2::bigint
ON CONFLICT (user_id, initiative_id, other_user_id, other_id) DO UPDATE SET score = excluded.score;

-- name: similar_about
-- $1 user ids, $2 ids: their descriptions, and whether their authors talk to the bot; in the order asked for.
SELECT q.place - 1, i.description, p.consent_at IS NOT NULL
FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS q (user_id, id, place)
JOIN initiative i ON i.user_id = q.user_id AND i.id = q.id
LEFT JOIN person p ON p.user_id = i.user_id
WHERE i.title IS NOT NULL
ORDER BY q.place;

-- name: erase_signals
-- $1 user ids, $2 the key that stands for each.
UPDATE initiative_similar s SET other_user_id = 'erased-' || v.key
FROM unnest($1::text[], $2::text[]) AS v (user_id, key) WHERE s.other_user_id = v.user_id;
