-- The index of what initiatives say, and the search in it.

-- name: similar_waiting
-- $1 how many at most: initiatives whose index is missing or older than they are, oldest first; background.
-- The stamp is updated_at in microseconds; the last column: for how long the row has been waiting, in ms.
SELECT user_id, id, title, description, (extract(epoch FROM updated_at) * 1000000)::bigint,
       (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint
FROM initiative WHERE similar_at IS NULL OR similar_at < updated_at ORDER BY updated_at LIMIT $1::bigint;

-- name: similar_write
-- $1 user ids, $2 ids, $3 stamps as read, $4 terms of each as an array literal (null: nothing to index), $5 is it counted?
-- An initiative that changed meanwhile, or that another process was faster with, is left alone.
WITH seen AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::boolean[]) AS s (user_id, id, stamp, terms, counted)
), marked AS (
    UPDATE initiative i SET similar_at = i.updated_at FROM seen s
    WHERE i.user_id = s.user_id AND i.id = s.id AND (extract(epoch FROM i.updated_at) * 1000000)::bigint = s.stamp
      AND (i.similar_at IS NULL OR i.similar_at < i.updated_at)
    RETURNING s.user_id, s.id, s.terms, s.counted
), gone AS (
    DELETE FROM initiative_index x USING marked m WHERE m.terms IS NULL AND x.user_id = m.user_id AND x.id = m.id
), written AS (
    INSERT INTO initiative_index (user_id, id, terms) SELECT user_id, id, terms::integer[] FROM marked WHERE terms IS NOT NULL
    ON CONFLICT (user_id, id) DO UPDATE SET terms = excluded.terms
)
INSERT INTO similar_term (term, n)
SELECT t.term, count(*) * 8 FROM marked m CROSS JOIN LATERAL unnest(m.terms::integer[]) AS t (term)
WHERE m.counted AND m.terms IS NOT NULL GROUP BY t.term ORDER BY t.term
ON CONFLICT (term) DO UPDATE SET n = similar_term.n + excluded.n;

-- name: similar_plan
-- Sent with a look-up in one round trip, which is one transaction: by the index or not at all, neither planned nor compiled anew.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true),
       set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true), set_config('statement_timeout', '1000', true);

-- name: similar_find
-- $1 terms of the question, $2 how many index entries to read whole, $3 how many to compare, $4 how many candidates,
-- $5 which word each term ends with.
-- Rare terms are followed one by one until $2 is spent, a few in any case.  Terms that stand in many initiatives tell
-- something two by two, if they are not of one phrase: the index intersects their lists without reading an initiative,
-- until $3 is spent (less of it from 350,000 initiatives on, where every list is longer and time is what has to be kept).
WITH asked AS MATERIALIZED (
    SELECT term, at, n, 20 - ln(n + 1) AS weight, row_number() OVER (ORDER BY n, term) AS place, sum(n + 4) OVER (ORDER BY n, term) AS entries
    FROM (SELECT q.term, q.at, coalesce(t.n, 0) AS n FROM unnest($1::bigint[]::integer[], $5::bigint[]) AS q (term, at)
          LEFT JOIN similar_term t ON t.term = q.term) k
), alone AS MATERIALIZED (
    SELECT term, weight, place FROM asked WHERE entries <= $2::bigint OR place <= 2
), couple AS MATERIALIZED (
    SELECT pair, weight FROM (
        SELECT ARRAY[a.term, b.term] AS pair, (a.weight + b.weight) / 2 AS weight,
               sum(a.n + b.n + 500) OVER (ORDER BY a.n + b.n, a.term, b.term) AS entries
        FROM asked a JOIN asked b ON b.place > a.place
        WHERE a.place > (SELECT max(place) FROM alone) AND abs(a.at - b.at) > 1) c
    WHERE entries <= $3::bigint * least(1, 350000 / greatest((SELECT reltuples FROM pg_class WHERE oid = 'initiative_index'::regclass), 1))
), hit AS MATERIALIZED (
    SELECT x.user_id, x.id, sum(x.weight) AS weight FROM (
        SELECT f.user_id, f.id, c.weight FROM alone c
        CROSS JOIN LATERAL (SELECT user_id, id FROM initiative_index WHERE terms @> ARRAY[c.term] LIMIT 150) f
        UNION ALL
        SELECT f.user_id, f.id, c.weight FROM couple c
        CROSS JOIN LATERAL (SELECT user_id, id FROM initiative_index WHERE terms @> c.pair LIMIT 40) f) x
    GROUP BY x.user_id, x.id ORDER BY weight DESC, x.id LIMIT $4::bigint
)
SELECT i.user_id, i.id, i.code, i.title, i.description, i.unit_id, i.status
FROM hit h JOIN initiative i ON i.user_id = h.user_id AND i.id = h.id
WHERE i.title IS NOT NULL AND i.status <> 'withdrawn';

-- name: receipt_blocks
-- $1 how many numbers of the sequence.
SELECT nextval('receipt_block') FROM generate_series(1, $1::bigint);

-- name: import_known
-- $1 user ids: those that an earlier import has made initiatives for.
SELECT DISTINCT user_id FROM initiative WHERE user_id = ANY ($1::text[]);

-- name: import_initiatives
-- $1 user ids, $2 ids, $3 codes, $4 titles, $5 descriptions, $6 benefits (null unless money), $7 benefit kinds,
-- $8 benefits as written, $9 units as written, $10 sectors, $11 submitted at (and changed last).
INSERT INTO initiative (user_id, id, code, title, description, annual_benefit_vnd, benefit_kind, benefit_text, unit_text, sector, submitted_at,
                        updated_at)
SELECT user_id, id, code, title, description, benefit, kind, benefit_text, unit_text, sector, submitted_at, submitted_at
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::text[], $10::text[],
            $11::timestamptz[])
     AS r (user_id, id, code, title, description, benefit, kind, benefit_text, unit_text, sector, submitted_at);
