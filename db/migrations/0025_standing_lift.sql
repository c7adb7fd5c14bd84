-- The standing costs what changed, not what there is.
--
-- 0006 summed a unit anew from everything directly below it, so that a change anywhere in a province read all its amounts again:
-- 3 s for a hundred changes among two million initiatives.  Now what a unit's own count has gained or lost is added to it and to
-- those above it.  All in whole numbers, so adding for months gives what counting anew gives (tests/bot/standing/ compares them).

-- Which days of a wave the figures were counted for.  Other days now, or none: that wave is counted for every unit, and only that one.
CREATE TABLE standing_wave (
    wave_id   bigint PRIMARY KEY,
    opens_at  timestamptz NOT NULL,
    closes_at timestamptz NOT NULL
);
INSERT INTO standing_wave SELECT w.id, w.opens_at, w.closes_at FROM wave w, standing_state s WHERE w.frozen_at IS NULL AND NOT s.all_own;
DELETE FROM standing t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
DELETE FROM standing_own t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
DELETE FROM standing_amount t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
DROP TRIGGER standing_note ON wave;
DROP FUNCTION standing_note_waves();

-- The sums hang on who is above whom; the ranks on what is ranked together.  A table of units that is imported again, or another
-- name, changes neither, and a unit that is new begins with nothing.
ALTER TABLE standing_state ADD COLUMN all_ranks boolean NOT NULL DEFAULT false;
CREATE FUNCTION standing_note_ranks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE standing_state SET all_ranks = true WHERE NOT all_ranks;
    RETURN NULL;
END $$;
DROP TRIGGER standing_note ON union_unit;
CREATE TRIGGER standing_note AFTER INSERT ON union_unit FOR EACH STATEMENT EXECUTE FUNCTION standing_note_ranks();
CREATE TRIGGER standing_note_ranks AFTER UPDATE ON union_unit FOR EACH ROW
    WHEN ((OLD.level, OLD.cluster, OLD.valid_from, OLD.valid_to) IS DISTINCT FROM (NEW.level, NEW.cluster, NEW.valid_from, NEW.valid_to))
    EXECUTE FUNCTION standing_note_ranks();
CREATE TRIGGER standing_note_moved AFTER UPDATE ON union_unit FOR EACH ROW WHEN (OLD.path IS DISTINCT FROM NEW.path)
    EXECUTE FUNCTION standing_note_tree();
CREATE TRIGGER standing_note_gone AFTER DELETE ON union_unit FOR EACH STATEMENT EXECUTE FUNCTION standing_note_tree();

-- As in 0006; for waves alone it reads what was sent in their days, not everything there is.
CREATE OR REPLACE FUNCTION standing_count(units bigint[], waves bigint[]) RETURNS void LANGUAGE plpgsql
    SET work_mem = '64MB' SET plan_cache_mode = 'force_custom_plan' SET jit = 'off' AS $$
DECLARE
    lo timestamptz := '-infinity';
    hi timestamptz := 'infinity';
BEGIN
    IF NOT 0 = ANY (waves) THEN -- only what was sent in them is read
        SELECT min(w.opens_at), max(w.closes_at) INTO lo, hi FROM wave w WHERE w.id = ANY (waves);
    END IF;
    DELETE FROM standing_own o WHERE o.unit_id = ANY (units) AND (o.wave_id = 0 AND 0 = ANY (waves) OR o.wave_id = ANY (waves));
    WITH place AS MATERIALIZED (
        SELECT i.user_id, i.id, coalesce(i.unit_id, 0) AS unit_id, i.status, i.benefit_kind, i.annual_benefit_vnd, i.submitted_at,
               i.status IN ('submitted', 'returned', 'valid', 'recognised') AS counts
        FROM initiative i WHERE i.unit_id = ANY (units) AND i.status <> 'withdrawn' AND i.submitted_at >= lo AND i.submitted_at < hi
        UNION ALL
        SELECT i.user_id, i.id, 0, i.status, i.benefit_kind, i.annual_benefit_vnd, i.submitted_at,
               i.status IN ('submitted', 'returned', 'valid', 'recognised')
        FROM initiative i WHERE 0 = ANY (units) AND i.unit_id IS NULL AND i.status <> 'withdrawn' AND i.submitted_at >= lo AND i.submitted_at < hi
    ), period AS (
        SELECT 0::bigint AS wave_id, '-infinity'::timestamptz AS opens_at, 'infinity'::timestamptz AS closes_at WHERE 0 = ANY (waves)
        UNION ALL SELECT w.id, w.opens_at, w.closes_at FROM wave w WHERE w.id = ANY (waves)
    ), initiatives AS (
        SELECT l.unit_id, d.wave_id, count(*) AS sent, count(*) FILTER (WHERE l.counts) AS counted,
               count(*) FILTER (WHERE l.status IN ('valid', 'recognised')) AS valid,
               count(*) FILTER (WHERE l.status IN ('submitted', 'returned')) AS pending,
               count(*) FILTER (WHERE l.status = 'submitted' AND EXISTS (
                   SELECT FROM initiative_similar s WHERE s.user_id = l.user_id AND s.initiative_id = l.id)) AS suspect,
               count(*) FILTER (WHERE l.status = 'duplicate') AS duplicate, count(*) FILTER (WHERE l.status = 'refused') AS refused,
               count(*) FILTER (WHERE l.counts AND l.benefit_kind = 'nonmonetary') AS nonmonetary,
               count(*) FILTER (WHERE l.counts AND l.benefit_kind = 'unknown') AS unknown,
               coalesce(array_agg(l.annual_benefit_vnd ORDER BY l.annual_benefit_vnd DESC) FILTER (WHERE l.counts AND l.benefit_kind = 'money'), '{}')
                   AS amounts
        FROM place l JOIN period d ON l.submitted_at >= d.opens_at AND l.submitted_at < d.closes_at
        GROUP BY l.unit_id, d.wave_id
    ), named AS ( -- co-authors without an account here
        SELECT l.unit_id, lower(a.name) AS name, l.submitted_at
        FROM place l JOIN initiative_author a ON a.user_id = l.user_id AND a.initiative_id = l.id
        WHERE l.counts AND a.author_user_id IS NULL AND a.name IS NOT NULL AND a.consent <> 'no' AND NOT EXISTS (
            SELECT FROM person p WHERE p.unit_id = l.unit_id AND lower(p.full_name) = lower(a.name))
    ), author AS MATERIALIZED (
        SELECT p.unit_id, i.user_id AS who, i.submitted_at
        FROM person p JOIN initiative i ON i.user_id = p.user_id
        WHERE p.unit_id = ANY (units) AND i.status IN ('submitted', 'returned', 'valid', 'recognised')
          AND i.submitted_at >= lo AND i.submitted_at < hi
        UNION ALL
        SELECT p.unit_id, p.user_id, i.submitted_at
        FROM person p JOIN initiative_author a ON a.author_user_id = p.user_id AND a.consent <> 'no'
        JOIN initiative i ON i.user_id = a.user_id AND i.id = a.initiative_id
        WHERE p.unit_id = ANY (units) AND i.status IN ('submitted', 'returned', 'valid', 'recognised')
          AND i.submitted_at >= lo AND i.submitted_at < hi
        UNION ALL
        SELECT l.unit_id, l.user_id, l.submitted_at FROM place l LEFT JOIN person p ON p.user_id = l.user_id WHERE l.counts AND p.unit_id IS NULL
        UNION ALL
        SELECT n.unit_id, 'name:' || n.name, n.submitted_at FROM named n
    ), head AS (
        SELECT h.unit_id, h.wave_id, sum(h.n)::bigint AS people FROM (
            SELECT p.unit_id, 0::bigint AS wave_id, count(*) AS n FROM person p
            WHERE 0 = ANY (waves) AND p.unit_id = ANY (units) AND p.name_key IS NOT NULL GROUP BY p.unit_id
            UNION ALL
            SELECT 0, 0, count(*) FROM person p
            WHERE 0 = ANY (waves) AND 0 = ANY (units) AND p.unit_id IS NULL AND p.unit_text IS NOT NULL AND p.name_key IS NOT NULL
            UNION ALL
            SELECT n.unit_id, 0, count(DISTINCT n.name) FROM named n WHERE 0 = ANY (waves) GROUP BY n.unit_id
            UNION ALL
            SELECT a.unit_id, d.wave_id, count(DISTINCT a.who)
            FROM author a JOIN period d ON d.wave_id > 0 AND a.submitted_at >= d.opens_at AND a.submitted_at < d.closes_at
            GROUP BY a.unit_id, d.wave_id) h
        GROUP BY h.unit_id, h.wave_id
    )
    INSERT INTO standing_own
    SELECT unit_id, wave_id, coalesce(h.people, 0), coalesce(i.sent, 0), coalesce(i.counted, 0), coalesce(i.valid, 0), coalesce(i.pending, 0),
           coalesce(i.suspect, 0), coalesce(i.duplicate, 0), coalesce(i.refused, 0), coalesce(i.nonmonetary, 0), coalesce(i.unknown, 0),
           coalesce(i.amounts, '{}')
    FROM initiatives i FULL JOIN head h USING (unit_id, wave_id)
    WHERE coalesce(i.sent, 0) + coalesce(h.people, 0) > 0;
END $$;

-- Adds what these units' own counts have become since they were `old` to the units themselves and all above them.
CREATE FUNCTION standing_lift(units bigint[], old standing_own[], waves bigint[]) RETURNS void LANGUAGE plpgsql
    SET work_mem = '64MB' SET plan_cache_mode = 'force_custom_plan' SET jit = 'off' AS $$
BEGIN
    WITH change AS (
        SELECT 1 AS sign, o.* FROM standing_own o WHERE o.unit_id = ANY (units) AND o.wave_id = ANY (waves)
        UNION ALL SELECT -1, o.* FROM unnest(old) o
    ), own AS (
        SELECT b.unit_id, b.wave_id, sum(b.sign * b.people) AS people, sum(b.sign * b.sent) AS sent, sum(b.sign * b.counted) AS counted,
               sum(b.sign * b.valid) AS valid, sum(b.sign * b.pending) AS pending, sum(b.sign * b.suspect) AS suspect,
               sum(b.sign * b.duplicate) AS duplicate, sum(b.sign * b.refused) AS refused, sum(b.sign * b.nonmonetary) AS nonmonetary,
               sum(b.sign * b.unknown) AS unknown
        FROM change b GROUP BY 1, 2
    )
    INSERT INTO standing AS s (wave_id, unit_id, people, sent, counted, valid, pending, suspect, duplicate, refused, nonmonetary, unknown)
    SELECT o.wave_id, a.id, sum(o.people), sum(o.sent), sum(o.counted), sum(o.valid), sum(o.pending), sum(o.suspect), sum(o.duplicate), sum(o.refused),
           sum(o.nonmonetary), sum(o.unknown)
    FROM own o JOIN union_unit u ON u.id = o.unit_id CROSS JOIN LATERAL unnest(u.path) AS a (id)
    WHERE (o.people, o.sent, o.counted, o.valid, o.pending, o.suspect, o.duplicate, o.refused, o.nonmonetary, o.unknown)
          <> (0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    GROUP BY 1, 2
    ON CONFLICT (wave_id, unit_id) DO UPDATE SET people = s.people + excluded.people, sent = s.sent + excluded.sent,
        counted = s.counted + excluded.counted, valid = s.valid + excluded.valid, pending = s.pending + excluded.pending,
        suspect = s.suspect + excluded.suspect, duplicate = s.duplicate + excluded.duplicate, refused = s.refused + excluded.refused,
        nonmonetary = s.nonmonetary + excluded.nonmonetary, unknown = s.unknown + excluded.unknown;

    WITH change AS (
        SELECT 1 AS sign, o.unit_id, o.wave_id, o.amounts FROM standing_own o WHERE o.unit_id = ANY (units) AND o.wave_id = ANY (waves)
        UNION ALL SELECT -1, o.unit_id, o.wave_id, o.amounts FROM unnest(old) o
    ), own AS (
        SELECT b.unit_id, b.wave_id, v.vnd, sum(b.sign) AS n FROM change b CROSS JOIN LATERAL unnest(b.amounts) AS v (vnd)
        GROUP BY 1, 2, 3 HAVING sum(b.sign) <> 0
    ), lifted AS MATERIALIZED (
        SELECT o.wave_id, a.id AS unit_id, o.vnd, sum(o.n)::bigint AS n
        FROM own o JOIN union_unit u ON u.id = o.unit_id CROSS JOIN LATERAL unnest(u.path) AS a (id) GROUP BY 1, 2, 3
    ), touched AS MATERIALIZED (
        SELECT DISTINCT l.wave_id, l.unit_id FROM lifted l
    ), tally AS (
        SELECT p.wave_id, p.unit_id, p.vnd, sum(p.n)::bigint AS n
        FROM (SELECT l.wave_id, l.unit_id, l.vnd, l.n FROM lifted l
              UNION ALL
              SELECT t.wave_id, t.unit_id, v.vnd, v.n FROM touched t JOIN standing_amount k ON k.wave_id = t.wave_id AND k.unit_id = t.unit_id
              CROSS JOIN LATERAL unnest(k.vnd, k.n) AS v (vnd, n)) p
        GROUP BY 1, 2, 3 HAVING sum(p.n) <> 0
    ), running AS (
        SELECT t.*, (sum(t.n) OVER (w ORDER BY t.vnd))::bigint AS upto, (sum(t.n) OVER w)::bigint AS total
        FROM tally t WINDOW w AS (PARTITION BY t.wave_id, t.unit_id)
    ), amount AS (
        SELECT r.wave_id, r.unit_id, array_agg(r.vnd ORDER BY r.vnd) AS vnd, array_agg(r.n ORDER BY r.vnd) AS n, sum(r.vnd::numeric * r.n) AS total,
               (min(r.vnd) FILTER (WHERE r.upto >= (r.total + 1) / 2) + min(r.vnd) FILTER (WHERE r.upto >= r.total / 2 + 1) + 1) / 2 AS median,
               sum(r.vnd::numeric * greatest(0, least(r.n, 5 - r.total + r.upto))) AS largest
        FROM running r GROUP BY 1, 2
    ), kept AS (
        INSERT INTO standing_amount AS k (wave_id, unit_id, vnd, n)
        SELECT t.wave_id, t.unit_id, coalesce(m.vnd, '{}'), coalesce(m.n, '{}') FROM touched t LEFT JOIN amount m USING (wave_id, unit_id)
        ON CONFLICT (wave_id, unit_id) DO UPDATE SET vnd = excluded.vnd, n = excluded.n
    )
    UPDATE standing s SET benefit_vnd = coalesce(m.total, 0), median_vnd = m.median, largest_vnd = coalesce(m.largest, 0)
    FROM touched t LEFT JOIN amount m USING (wave_id, unit_id)
    WHERE s.wave_id = t.wave_id AND s.unit_id = t.unit_id;
END $$;

-- As in 0006: units of one level and cluster that are there on that day; with room to sort them in.
CREATE OR REPLACE FUNCTION standing_rank(waves bigint[], on_day date) RETURNS void LANGUAGE sql SET work_mem = '64MB' SET jit = 'off' AS $$
    UPDATE standing s SET peers = r.peers, rank = r.rank, rank_people = r.rank_people
    FROM (SELECT x.wave_id, x.unit_id, CASE WHEN d.there THEN count(*) OVER w END AS peers,
                 CASE WHEN d.there THEN rank() OVER (w ORDER BY x.counted DESC) END AS rank,
                 CASE WHEN d.there THEN rank() OVER (w ORDER BY x.people DESC) END AS rank_people
          FROM standing x JOIN union_unit u ON u.id = x.unit_id
          CROSS JOIN LATERAL (SELECT (u.valid_from IS NULL OR u.valid_from <= on_day) AND (u.valid_to IS NULL OR u.valid_to > on_day) AS there) d
          WHERE x.wave_id = ANY (waves)
          WINDOW w AS (PARTITION BY x.wave_id, u.level, u.cluster, d.there)) r
    WHERE s.wave_id = r.wave_id AND s.unit_id = r.unit_id
      AND (s.peers, s.rank, s.rank_people) IS DISTINCT FROM (r.peers, r.rank, r.rank_people);
$$;

-- Whom a unit's people are is asked for those without a finished profile as well: without this, of all people at each fold.
CREATE INDEX person_unit ON person (unit_id, name_key) WHERE name_key IS NOT NULL OR unit_id IS NOT NULL;
DROP INDEX person_unit_name;

-- As in 0006, with what changed lifted; the units of a wave that is new or has other days, and the tree when it changed, are summed anew.
CREATE OR REPLACE FUNCTION standing_fold(age_ms bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    s standing_state;
    today date := (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    everything bigint[];
    live bigint[];                                  -- 0 and the waves that are not kept
    fresh bigint[];                                 -- of these: counted for all units
    same bigint[];                                  -- and the others
    noted bigint[];
    gone bigint[];
    old standing_own[];
BEGIN
    SELECT * INTO s FROM standing_state WHERE folded_at <= now() - make_interval(secs => age_ms / 1000.0) FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF s.day < today THEN -- before anything of today is added to it
        UPDATE standing SET before_people = people, before_counted = counted, before_rank = rank, before_rank_people = rank_people;
    END IF;
    SELECT array_agg(id) INTO live FROM (SELECT 0::bigint AS id UNION ALL SELECT w.id FROM wave w WHERE w.frozen_at IS NULL) w;
    SELECT coalesce(array_agg(id), '{}') INTO fresh FROM (
        SELECT 0::bigint AS id WHERE s.all_own
        UNION ALL
        SELECT w.id FROM wave w WHERE w.frozen_at IS NULL
        AND (s.all_own OR NOT EXISTS (SELECT FROM standing_wave k WHERE (k.wave_id, k.opens_at, k.closes_at) = (w.id, w.opens_at, w.closes_at)))) w;
    same := ARRAY(SELECT unnest(live) EXCEPT SELECT unnest(fresh));
    SELECT array_agg(k.wave_id) INTO gone FROM standing_wave k WHERE NOT EXISTS (SELECT FROM wave w WHERE w.id = k.wave_id);
    WITH taken AS (DELETE FROM standing_dirty RETURNING unit_id) SELECT coalesce(array_agg(DISTINCT unit_id), '{}') INTO noted FROM taken;
    IF fresh <> '{}' OR s.all_up THEN
        SELECT coalesce(array_agg(u.id), '{}') INTO everything FROM union_unit u;
    END IF;
    IF gone IS NOT NULL THEN
        DELETE FROM standing WHERE wave_id = ANY (gone);
        DELETE FROM standing_own WHERE wave_id = ANY (gone);
        DELETE FROM standing_amount WHERE wave_id = ANY (gone);
        DELETE FROM standing_wave WHERE wave_id = ANY (gone);
    END IF;
    IF fresh <> '{}' THEN
        -- The days of now, before the count reads them: should they change in between, they differ from the wave's at the next fold.
        INSERT INTO standing_wave AS k SELECT w.id, w.opens_at, w.closes_at FROM wave w WHERE w.id = ANY (fresh)
        ON CONFLICT (wave_id) DO UPDATE SET opens_at = excluded.opens_at, closes_at = excluded.closes_at;
        PERFORM standing_count(everything || 0::bigint, fresh);
    END IF;
    IF s.all_up THEN
        DELETE FROM standing t WHERE NOT EXISTS (SELECT FROM union_unit u WHERE u.id = t.unit_id);
        DELETE FROM standing_amount t WHERE NOT EXISTS (SELECT FROM union_unit u WHERE u.id = t.unit_id);
    END IF;
    INSERT INTO standing (wave_id, unit_id) SELECT v.id, u.id FROM unnest(live) AS v (id) CROSS JOIN union_unit u WHERE s.all_ranks AND NOT s.all_up
    ON CONFLICT DO NOTHING; -- units that are new
    IF noted <> '{}' AND same <> '{}' THEN
        SELECT coalesce(array_agg(o), '{}') INTO old FROM standing_own o WHERE o.unit_id = ANY (noted) AND o.wave_id = ANY (same) AND NOT s.all_up;
        PERFORM standing_count(noted, same);
    END IF;
    IF s.all_up THEN
        PERFORM standing_sum(everything, live);
    ELSIF fresh <> '{}' THEN
        PERFORM standing_sum(everything, fresh);
    END IF;
    IF noted <> '{}' AND same <> '{}' AND NOT s.all_up THEN
        PERFORM standing_lift(noted, old, same);
    END IF;
    IF noted <> '{}' OR fresh <> '{}' OR s.all_up OR s.all_ranks OR s.day < today THEN -- a unit may begin or end with the day
        PERFORM standing_rank(live, today);
    END IF;
    UPDATE standing_state SET folded_at = now(), all_own = false, all_up = false, all_ranks = false, day = today,
        before_at = CASE WHEN s.day = today THEN before_at WHEN s.folded_at = 'epoch' THEN NULL ELSE s.folded_at END;
    RETURN now();
END $$;
