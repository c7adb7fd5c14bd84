-- The index of what initiatives say, and the search in it.

-- name: similar_waiting
-- $1 how many at most: initiatives whose index is missing or older than they are, oldest first; background.
-- The stamp is updated_at in microseconds; the last column: for how long the row has been waiting, in ms.
SELECT user_id, id, title, description, (extract(epoch FROM updated_at) * 1000000)::bigint,
       (extract(epoch FROM clock_timestamp() - updated_at) * 1000)::bigint
FROM initiative WHERE similar_at IS NULL OR similar_at < updated_at ORDER BY updated_at LIMIT $1::bigint;

-- name: similar_write
-- $1 user ids, $2 ids, $3 stamps as read, $4 terms of each as an array literal (null: nothing to index).
-- An initiative that changed meanwhile, or that another process was faster with, is left alone, and so is one that a turn holds:
-- the writer waits for no turn and so cannot lock itself up with one.  A list that no look-up would read any more
-- (similar_read) does not grow.
WITH seen AS MATERIALIZED (
    SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[]) AS s (user_id, id, stamp, terms)
), held AS MATERIALIZED (
    SELECT s.user_id, s.id, s.terms FROM seen s JOIN initiative i ON i.user_id = s.user_id AND i.id = s.id
    WHERE (extract(epoch FROM i.updated_at) * 1000000)::bigint = s.stamp AND (i.similar_at IS NULL OR i.similar_at < i.updated_at)
    FOR NO KEY UPDATE OF i SKIP LOCKED
), marked AS (
    UPDATE initiative i SET similar_at = i.updated_at FROM held h WHERE i.user_id = h.user_id AND i.id = h.id
    RETURNING h.user_id, h.id, h.terms
), gone AS (
    DELETE FROM initiative_index x USING marked m WHERE m.terms IS NULL AND x.user_id = m.user_id AND x.id = m.id
), numbered AS MATERIALIZED (
    SELECT user_id, id, terms::integer[] AS terms, nextval('similar_doc')::integer AS doc FROM marked WHERE terms IS NOT NULL
), named AS (
    INSERT INTO initiative_index (user_id, id, doc) SELECT user_id, id, doc FROM numbered
    ON CONFLICT (user_id, id) DO UPDATE SET doc = excluded.doc
), listed AS MATERIALIZED (
    SELECT e.term, string_agg(e.entry, '') AS docs
    FROM (SELECT unnest(n.terms) AS term, int4send(n.doc * 64 + least(63, cardinality(n.terms) / 2)) AS entry
          FROM numbered n OFFSET 0) e -- sorted are terms with their entries, not each with all the terms of its text
    GROUP BY e.term ORDER BY e.term
)
INSERT INTO similar_posting (term, part, before, docs)
SELECT l.term, coalesce(p.part + p.full, 0), coalesce(p.before + p.full * p.length / 4, 0), l.docs
FROM listed l LEFT JOIN LATERAL (
    SELECT s.part, s.before, octet_length(s.docs) AS length, (octet_length(s.docs) >= 1500)::integer AS full
    FROM similar_posting s WHERE s.term = l.term ORDER BY s.part DESC LIMIT 1) p ON true
WHERE p.before IS NULL OR p.before < 200000
ON CONFLICT (term, part) DO UPDATE SET docs = similar_posting.docs || excluded.docs;

-- name: similar_plan
-- $1 for how many ms a statement may run.  Sent in front of a statement in one round trip, which is one transaction: by the
-- index or not at all, neither planned nor compiled anew.
SELECT set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
       set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
       set_config('plan_cache_mode', 'force_generic_plan', true), set_config('statement_timeout', $1::text, true);

-- name: similar_read
-- $1 terms, $2 how many entries to read at most: the lists of the rarest of these terms, rarest first, each with its length,
-- in parts, and how many numbers were given out.  The two rarest are read in any case, as far as $2 reaches.
WITH asked AS MATERIALIZED (
    SELECT term, n, row_number() OVER w AS place, sum(n) OVER w AS entries
    FROM (SELECT q.term, l.n FROM unnest($1::bigint[]::integer[]) AS q (term) CROSS JOIN LATERAL (
              SELECT p.before + octet_length(p.docs) / 4 AS n FROM similar_posting p WHERE p.term = q.term ORDER BY p.part DESC LIMIT 1) l) k
    WINDOW w AS (ORDER BY n, term)
)
SELECT a.n, p.docs, (SELECT last_value FROM similar_doc)
FROM asked a CROSS JOIN LATERAL (
    SELECT s.docs, s.before FROM similar_posting s WHERE s.term = a.term) p
WHERE a.entries <= $2::bigint OR (a.place <= 2 AND a.entries - a.n + p.before < $2::bigint);

-- name: similar_find
-- $1 numbers of initiatives, best first.
SELECT i.user_id, i.id, i.code, i.title, i.description, i.unit_id, i.status, coalesce(u.name, i.unit_text), i.submitted_at,
       i.confidential
FROM unnest($1::bigint[]::integer[]) WITH ORDINALITY AS q (doc, place)
JOIN initiative_index x ON x.doc = q.doc JOIN initiative i ON i.user_id = x.user_id AND i.id = x.id
LEFT JOIN union_unit u ON u.id = i.unit_id
WHERE i.title IS NOT NULL AND i.status <> 'withdrawn' ORDER BY q.place;

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
