-- Units as a tree that can be asked for a subtree; work that is too slow for a turn.

-- From the root to the unit itself: "in the subtree of U" is path @> ARRAY[U].  Kept here, not by whoever writes.
ALTER TABLE union_unit ADD COLUMN path bigint[] NOT NULL DEFAULT '{}';
CREATE INDEX union_unit_parent ON union_unit (parent_id);
CREATE INDEX union_unit_path ON union_unit USING gin (path);

CREATE FUNCTION union_unit_own_path() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.path := coalesce((SELECT p.path FROM union_unit p WHERE p.id = NEW.parent_id), '{}') || NEW.id;
    IF array_position(NEW.path, NEW.id) < cardinality(NEW.path) THEN
        RAISE EXCEPTION 'unit % would be below itself', coalesce(NEW.code, NEW.id::text) USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER own_path BEFORE INSERT OR UPDATE OF id, parent_id, path ON union_unit FOR EACH ROW EXECUTE FUNCTION union_unit_own_path();

-- What hangs below moves along (also what was inserted before its parent); each level calls the next.
CREATE FUNCTION union_unit_paths_below() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE union_unit SET path = NEW.path || id WHERE parent_id = NEW.id AND path <> NEW.path || id;
    RETURN NULL;
END $$;
CREATE TRIGGER paths_below AFTER INSERT OR UPDATE ON union_unit FOR EACH ROW EXECUTE FUNCTION union_unit_paths_below();

-- Units that are there already: from the root down, a level at a time.
UPDATE union_unit SET path = '{}' WHERE parent_id IS NULL;

-- Asked for in a turn, done behind it (bot/jobs.h), answered by mail.  due_at: may be taken from then on; taken, it is the
-- end of the lease.  attempts grows with every taking, and only who took it last may end it.
CREATE TABLE job (
    user_id    text NOT NULL,                       -- who asked and gets the answer
    id         bigint NOT NULL,
    kind       text NOT NULL,
    args       jsonb NOT NULL DEFAULT '{}',
    asked_at   timestamptz NOT NULL DEFAULT now(),
    due_at     timestamptz NOT NULL DEFAULT now(),
    owner      text,                                -- the process that has it; null: nobody
    attempts   integer NOT NULL DEFAULT 0,
    last_error text,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX job_due ON job (due_at);

-- Campaigns in waves, with what each unit is to reach.  A wave has its first and last day entirely, in Vietnam.
CREATE TABLE campaign (
    id   bigint PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL
);
CREATE TABLE wave (
    id          bigint PRIMARY KEY CHECK (id > 0),
    campaign_id bigint NOT NULL REFERENCES campaign (id),
    code        text NOT NULL UNIQUE,
    name        text NOT NULL,
    starts_on   date NOT NULL,
    ends_on     date NOT NULL CHECK (ends_on >= starts_on),
    opens_at    timestamptz NOT NULL GENERATED ALWAYS AS (starts_on::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh') STORED,
    closes_at   timestamptz NOT NULL GENERATED ALWAYS AS ((ends_on + 1)::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh') STORED,
    frozen_at   timestamptz
);
CREATE TABLE target (
    wave_id     bigint NOT NULL REFERENCES wave (id),
    unit_id     bigint NOT NULL REFERENCES union_unit (id),
    initiatives bigint NOT NULL CHECK (initiatives >= 0),
    PRIMARY KEY (wave_id, unit_id)
);

-- ---- standing: counted per unit from the rows themselves, folded up the tree ----
--
-- What changes leaves a note here which unit to count again.  No key: it is written in turns and emptied by the fold.
-- A change committed while the fold runs leaves its note for the next one.
CREATE TABLE standing_dirty (
    unit_id bigint NOT NULL                         -- 0: without a known unit
);
CREATE TABLE standing_state (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    folded_at timestamptz NOT NULL DEFAULT 'epoch',  -- what was committed then is in it; epoch: never
    day       date NOT NULL DEFAULT 'epoch',        -- which day `before` is the evening before of
    before_at timestamptz,                          -- when that was folded
    all_own   boolean NOT NULL DEFAULT true,        -- every unit is to be counted again: the waves have changed
    all_up    boolean NOT NULL DEFAULT true         -- every sum is to be made again: the tree has changed
);
INSERT INTO standing_state DEFAULT VALUES;

-- Of the unit itself, without what is below it.  wave_id 0: ever.  amounts: those of counted initiatives, largest first.
CREATE TABLE standing_own (
    unit_id     bigint NOT NULL,
    wave_id     bigint NOT NULL,
    people      bigint NOT NULL,
    sent        bigint NOT NULL,
    counted     bigint NOT NULL,
    valid       bigint NOT NULL,
    pending     bigint NOT NULL,
    suspect     bigint NOT NULL,
    duplicate   bigint NOT NULL,
    refused     bigint NOT NULL,
    nonmonetary bigint NOT NULL,
    unknown     bigint NOT NULL,
    amounts     bigint[] NOT NULL,
    PRIMARY KEY (unit_id, wave_id)
);
-- With what is below it.  before_*: as yesterday ended; null: was not there.
CREATE TABLE standing (
    wave_id      bigint NOT NULL,
    unit_id      bigint NOT NULL,
    people       bigint NOT NULL DEFAULT 0,
    sent         bigint NOT NULL DEFAULT 0,
    counted      bigint NOT NULL DEFAULT 0,
    valid        bigint NOT NULL DEFAULT 0,
    pending      bigint NOT NULL DEFAULT 0,
    suspect      bigint NOT NULL DEFAULT 0,
    duplicate    bigint NOT NULL DEFAULT 0,
    refused      bigint NOT NULL DEFAULT 0,
    nonmonetary  bigint NOT NULL DEFAULT 0,
    unknown      bigint NOT NULL DEFAULT 0,
    benefit_vnd  numeric NOT NULL DEFAULT 0,
    median_vnd   bigint,
    largest_vnd  numeric NOT NULL DEFAULT 0,        -- the five largest together
    peers        bigint,                            -- units ranked together; null: not ranked
    rank         bigint,                            -- by initiatives
    rank_people  bigint,
    before_people bigint,
    before_counted bigint,
    before_rank  bigint,
    before_rank_people bigint,
    PRIMARY KEY (wave_id, unit_id)
) WITH (fillfactor = 80);

-- How often each amount stands in it and below: what the median and the largest are read off, a level from the one below.
CREATE TABLE standing_amount (
    wave_id bigint NOT NULL,
    unit_id bigint NOT NULL,
    vnd     bigint[] NOT NULL,                      -- ascending
    n       bigint[] NOT NULL,
    PRIMARY KEY (wave_id, unit_id)
);

CREATE FUNCTION standing_note_initiative() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    r initiative := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    INSERT INTO standing_dirty
    SELECT coalesce(r.unit_id, 0) UNION SELECT coalesce(OLD.unit_id, 0) WHERE TG_OP = 'UPDATE'
    UNION SELECT coalesce(p.unit_id, 0) FROM person p WHERE p.user_id = r.user_id
    UNION SELECT coalesce(p.unit_id, 0) FROM initiative_author a JOIN person p ON p.user_id = a.author_user_id
    WHERE TG_OP <> 'INSERT' AND a.user_id = r.user_id AND a.initiative_id = r.id;
    RETURN NULL;
END $$;
CREATE TRIGGER standing_note AFTER INSERT OR DELETE ON initiative FOR EACH ROW EXECUTE FUNCTION standing_note_initiative();
CREATE TRIGGER standing_note_change AFTER UPDATE ON initiative FOR EACH ROW
    WHEN ((OLD.user_id, OLD.unit_id, OLD.status, OLD.benefit_kind, OLD.annual_benefit_vnd, OLD.submitted_at) IS DISTINCT FROM
          (NEW.user_id, NEW.unit_id, NEW.status, NEW.benefit_kind, NEW.annual_benefit_vnd, NEW.submitted_at))
    EXECUTE FUNCTION standing_note_initiative();

-- Without a known unit a person counts, in a wave, where the initiatives are.
CREATE FUNCTION standing_note_person() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO standing_dirty SELECT coalesce(NEW.unit_id, 0) UNION SELECT coalesce(OLD.unit_id, 0) WHERE TG_OP = 'UPDATE'
    UNION SELECT coalesce(i.unit_id, 0) FROM initiative i WHERE i.user_id = NEW.user_id;
    RETURN NULL;
END $$;
CREATE TRIGGER standing_note AFTER INSERT ON person FOR EACH ROW WHEN (NEW.full_name IS NOT NULL) EXECUTE FUNCTION standing_note_person();
CREATE TRIGGER standing_note_change AFTER UPDATE ON person FOR EACH ROW
    WHEN ((OLD.unit_id, OLD.full_name, OLD.unit_text IS NULL) IS DISTINCT FROM (NEW.unit_id, NEW.full_name, NEW.unit_text IS NULL))
    EXECUTE FUNCTION standing_note_person();

-- A co-author or a likeness that comes or changes: the initiative's unit, and the co-author's own.
CREATE FUNCTION standing_note_beside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO standing_dirty SELECT coalesce(i.unit_id, 0) FROM initiative i WHERE i.user_id = NEW.user_id AND i.id = NEW.initiative_id;
    RETURN NULL;
END $$;
CREATE FUNCTION standing_note_author() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO standing_dirty SELECT coalesce(i.unit_id, 0) FROM initiative i WHERE i.user_id = NEW.user_id AND i.id = NEW.initiative_id
    UNION SELECT coalesce(p.unit_id, 0) FROM person p WHERE p.user_id IN (NEW.author_user_id, OLD.author_user_id);
    RETURN NULL;
END $$;
CREATE TRIGGER standing_note AFTER INSERT OR UPDATE ON initiative_author FOR EACH ROW EXECUTE FUNCTION standing_note_author();
CREATE TRIGGER standing_note AFTER INSERT ON initiative_similar FOR EACH ROW EXECUTE FUNCTION standing_note_beside();

CREATE FUNCTION standing_note_tree() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE standing_state SET all_up = true WHERE NOT all_up;
    RETURN NULL;
END $$;
CREATE TRIGGER standing_note AFTER INSERT OR UPDATE OR DELETE ON union_unit FOR EACH STATEMENT EXECUTE FUNCTION standing_note_tree();
CREATE FUNCTION standing_note_waves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE standing_state SET all_own = true, all_up = true WHERE NOT all_own;
    RETURN NULL;
END $$;
CREATE TRIGGER standing_note AFTER INSERT OR DELETE OR UPDATE OF starts_on, ends_on ON wave FOR EACH STATEMENT EXECUTE FUNCTION standing_note_waves();

-- Counts these units again, for ever (wave 0) and each of these waves.
-- People, ever: with a finished profile, and co-authors known by name only.  In a wave: authors of what was counted in it, each once,
-- where their profile says (without one: where the initiative is).
CREATE FUNCTION standing_count(units bigint[], waves bigint[]) RETURNS void LANGUAGE plpgsql
    SET work_mem = '64MB' SET plan_cache_mode = 'force_custom_plan' SET jit = 'off' AS $$
BEGIN
    DELETE FROM standing_own o WHERE o.unit_id = ANY (units) AND (o.wave_id = 0 AND 0 = ANY (waves) OR o.wave_id = ANY (waves));
    WITH place AS MATERIALIZED (
        SELECT i.user_id, i.id, coalesce(i.unit_id, 0) AS unit_id, i.status, i.benefit_kind, i.annual_benefit_vnd, i.submitted_at,
               i.status IN ('submitted', 'returned', 'valid', 'recognised') AS counts
        FROM initiative i WHERE i.unit_id = ANY (units) AND i.status <> 'withdrawn'
        UNION ALL
        SELECT i.user_id, i.id, 0, i.status, i.benefit_kind, i.annual_benefit_vnd, i.submitted_at,
               i.status IN ('submitted', 'returned', 'valid', 'recognised')
        FROM initiative i WHERE 0 = ANY (units) AND i.unit_id IS NULL AND i.status <> 'withdrawn'
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
        UNION ALL
        SELECT p.unit_id, p.user_id, i.submitted_at
        FROM person p JOIN initiative_author a ON a.author_user_id = p.user_id AND a.consent <> 'no'
        JOIN initiative i ON i.user_id = a.user_id AND i.id = a.initiative_id
        WHERE p.unit_id = ANY (units) AND i.status IN ('submitted', 'returned', 'valid', 'recognised')
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

-- Sums these units from their own and from those directly below them, the deepest first; those below that are not named are as they
-- were.  All in whole numbers: the median of two middle ones is rounded half up.
CREATE FUNCTION standing_sum(units bigint[], waves bigint[]) RETURNS void LANGUAGE plpgsql
    SET work_mem = '64MB' SET plan_cache_mode = 'force_custom_plan' SET jit = 'off' AS $$
DECLARE
    deep integer;
    row_of bigint[];
BEGIN
    FOR deep, row_of IN
        SELECT cardinality(u.path), array_agg(u.id) FROM union_unit u WHERE u.id = ANY (units) GROUP BY 1 ORDER BY 1 DESC
    LOOP
        WITH piece AS (
            SELECT o.unit_id, o.wave_id, v.vnd, 1::bigint AS n FROM standing_own o CROSS JOIN LATERAL unnest(o.amounts) AS v (vnd)
            WHERE o.unit_id = ANY (row_of) AND o.wave_id = ANY (waves)
            UNION ALL
            SELECT u.parent_id, t.wave_id, v.vnd, v.n FROM union_unit u JOIN standing_amount t ON t.unit_id = u.id AND t.wave_id = ANY (waves)
            CROSS JOIN LATERAL unnest(t.vnd, t.n) AS v (vnd, n)
            WHERE u.parent_id = ANY (row_of)
        ), tally AS (
            SELECT p.unit_id, p.wave_id, p.vnd, sum(p.n)::bigint AS n FROM piece p GROUP BY 1, 2, 3
        ), running AS (
            SELECT t.*, (sum(t.n) OVER (w ORDER BY t.vnd))::bigint AS upto, (sum(t.n) OVER w)::bigint AS total
            FROM tally t WINDOW w AS (PARTITION BY t.unit_id, t.wave_id)
        ), amount AS (
            SELECT r.unit_id, r.wave_id, array_agg(r.vnd ORDER BY r.vnd) AS vnd, array_agg(r.n ORDER BY r.vnd) AS n, sum(r.vnd::numeric * r.n) AS total,
                   (min(r.vnd) FILTER (WHERE r.upto >= (r.total + 1) / 2) + min(r.vnd) FILTER (WHERE r.upto >= r.total / 2 + 1) + 1) / 2 AS median,
                   sum(r.vnd::numeric * greatest(0, least(r.n, 5 - r.total + r.upto))) AS largest
            FROM running r GROUP BY 1, 2
        ), kept AS (
            INSERT INTO standing_amount AS k (wave_id, unit_id, vnd, n)
            SELECT q.wave_id, q.unit_id, coalesce(m.vnd, '{}'), coalesce(m.n, '{}')
            FROM (SELECT w.wave_id, u.unit_id FROM unnest(waves) AS w (wave_id) CROSS JOIN unnest(row_of) AS u (unit_id)) q
            LEFT JOIN amount m USING (unit_id, wave_id)
            ON CONFLICT (wave_id, unit_id) DO UPDATE SET vnd = excluded.vnd, n = excluded.n WHERE (k.vnd, k.n) IS DISTINCT FROM (excluded.vnd, excluded.n)
        ), counts AS (
            SELECT c.unit_id, c.wave_id, sum(c.people) AS people, sum(c.sent) AS sent, sum(c.counted) AS counted, sum(c.valid) AS valid,
                   sum(c.pending) AS pending, sum(c.suspect) AS suspect, sum(c.duplicate) AS duplicate, sum(c.refused) AS refused,
                   sum(c.nonmonetary) AS nonmonetary, sum(c.unknown) AS unknown
            FROM (SELECT o.unit_id, o.wave_id, o.people, o.sent, o.counted, o.valid, o.pending, o.suspect, o.duplicate, o.refused, o.nonmonetary, o.unknown
                  FROM standing_own o WHERE o.unit_id = ANY (row_of) AND o.wave_id = ANY (waves)
                  UNION ALL
                  SELECT u.parent_id, t.wave_id, t.people, t.sent, t.counted, t.valid, t.pending, t.suspect, t.duplicate, t.refused, t.nonmonetary,
                         t.unknown
                  FROM union_unit u JOIN standing t ON t.unit_id = u.id AND t.wave_id = ANY (waves) WHERE u.parent_id = ANY (row_of)) c
            GROUP BY 1, 2
        )
        INSERT INTO standing AS s (wave_id, unit_id, people, sent, counted, valid, pending, suspect, duplicate, refused, nonmonetary, unknown,
                                   benefit_vnd, median_vnd, largest_vnd)
        SELECT q.wave_id, q.unit_id, coalesce(c.people, 0), coalesce(c.sent, 0), coalesce(c.counted, 0), coalesce(c.valid, 0), coalesce(c.pending, 0),
               coalesce(c.suspect, 0), coalesce(c.duplicate, 0), coalesce(c.refused, 0), coalesce(c.nonmonetary, 0), coalesce(c.unknown, 0),
               coalesce(m.total, 0), m.median, coalesce(m.largest, 0)
        FROM (SELECT w.wave_id, u.unit_id FROM unnest(waves) AS w (wave_id) CROSS JOIN unnest(row_of) AS u (unit_id)) q
        LEFT JOIN counts c USING (unit_id, wave_id) LEFT JOIN amount m USING (unit_id, wave_id)
        ON CONFLICT (wave_id, unit_id) DO UPDATE SET people = excluded.people, sent = excluded.sent, counted = excluded.counted,
            valid = excluded.valid, pending = excluded.pending, suspect = excluded.suspect, duplicate = excluded.duplicate,
            refused = excluded.refused, nonmonetary = excluded.nonmonetary, unknown = excluded.unknown, benefit_vnd = excluded.benefit_vnd,
            median_vnd = excluded.median_vnd, largest_vnd = excluded.largest_vnd
        WHERE (s.people, s.sent, s.counted, s.valid, s.pending, s.suspect, s.duplicate, s.refused, s.nonmonetary, s.unknown, s.benefit_vnd,
               s.median_vnd, s.largest_vnd) IS DISTINCT FROM
              (excluded.people, excluded.sent, excluded.counted, excluded.valid, excluded.pending, excluded.suspect, excluded.duplicate,
               excluded.refused, excluded.nonmonetary, excluded.unknown, excluded.benefit_vnd, excluded.median_vnd, excluded.largest_vnd);
    END LOOP;
END $$;

-- Ranks like with like: units of one level and cluster that are there on that day.  Equals share a rank, the next ones are skipped.
CREATE FUNCTION standing_rank(waves bigint[], on_day date) RETURNS void LANGUAGE sql AS $$
    UPDATE standing s SET peers = r.peers, rank = r.rank, rank_people = r.rank_people
    FROM (SELECT t.wave_id, t.unit_id, k.peers, k.rank, k.rank_people
          FROM standing t LEFT JOIN (
              SELECT x.wave_id, x.unit_id, count(*) OVER w AS peers, rank() OVER (w ORDER BY x.counted DESC) AS rank,
                     rank() OVER (w ORDER BY x.people DESC) AS rank_people
              FROM standing x JOIN union_unit u ON u.id = x.unit_id
              WHERE x.wave_id = ANY (waves) AND (u.valid_from IS NULL OR u.valid_from <= on_day) AND (u.valid_to IS NULL OR u.valid_to > on_day)
              WINDOW w AS (PARTITION BY x.wave_id, u.level, u.cluster)) k USING (wave_id, unit_id)
          WHERE t.wave_id = ANY (waves)) r
    WHERE s.wave_id = r.wave_id AND s.unit_id = r.unit_id
      AND (s.peers, s.rank, s.rank_people) IS DISTINCT FROM (r.peers, r.rank, r.rank_people);
$$;

-- Brings the standing up to date unless it is younger than that, or somebody else is at it.  @return when it was folded, null: it was not.
CREATE FUNCTION standing_fold(age_ms bigint) RETURNS timestamptz LANGUAGE plpgsql AS $$
DECLARE
    s standing_state;
    today date := (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date;
    live bigint[];
    noted bigint[];
    above bigint[];
BEGIN
    SELECT * INTO s FROM standing_state WHERE folded_at <= now() - make_interval(secs => age_ms / 1000.0) FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    IF s.day < today THEN -- before anything of today is added to it
        UPDATE standing SET before_people = people, before_counted = counted, before_rank = rank, before_rank_people = rank_people;
    END IF;
    SELECT array_agg(id) INTO live FROM (SELECT 0::bigint AS id UNION ALL SELECT w.id FROM wave w WHERE w.frozen_at IS NULL) w;
    WITH taken AS (DELETE FROM standing_dirty RETURNING unit_id) SELECT coalesce(array_agg(DISTINCT unit_id), '{}') INTO noted FROM taken;
    IF s.all_own THEN
        DELETE FROM standing t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
        DELETE FROM standing_own t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
        DELETE FROM standing_amount t WHERE t.wave_id > 0 AND NOT EXISTS (SELECT FROM wave w WHERE w.id = t.wave_id);
        SELECT array_agg(id) INTO noted FROM (SELECT 0::bigint AS id UNION ALL SELECT u.id FROM union_unit u) u;
    END IF;
    PERFORM standing_count(noted, live) WHERE noted <> '{}';
    IF s.all_up OR s.all_own THEN
        SELECT coalesce(array_agg(u.id), '{}') INTO above FROM union_unit u;
        DELETE FROM standing t WHERE NOT EXISTS (SELECT FROM union_unit u WHERE u.id = t.unit_id);
        DELETE FROM standing_amount t WHERE NOT EXISTS (SELECT FROM union_unit u WHERE u.id = t.unit_id);
    ELSE
        SELECT coalesce(array_agg(DISTINCT a.id), '{}') INTO above FROM union_unit u CROSS JOIN LATERAL unnest(u.path) AS a (id) WHERE u.id = ANY (noted);
    END IF;
    IF above <> '{}' THEN
        PERFORM standing_sum(above, live);
    END IF;
    IF above <> '{}' OR s.day < today THEN -- a unit may begin or end with the day
        PERFORM standing_rank(live, today);
    END IF;
    UPDATE standing_state SET folded_at = now(), all_own = false, all_up = false, day = today,
        before_at = CASE WHEN s.day = today THEN before_at WHEN s.folded_at = 'epoch' THEN NULL ELSE s.folded_at END;
    RETURN now();
END $$;

-- A wave's end, kept for good.  sha256: of the lines of its rows in the order of their places, each as snapshot_line() writes it and
-- ended by a line feed; `sangkien standing --wave W --rows | sha256sum` gives the same.
CREATE TABLE snapshot (
    wave_id   bigint PRIMARY KEY REFERENCES wave (id),
    frozen_at timestamptz NOT NULL,
    rows      bigint NOT NULL,
    sha256    bytea NOT NULL
);
CREATE TABLE snapshot_row (
    wave_id     bigint NOT NULL REFERENCES wave (id),
    place       bigint NOT NULL,
    unit_id     bigint NOT NULL,                    -- 0: without a known unit
    code        text NOT NULL,
    name        text NOT NULL,
    parent      text,                               -- code
    level       bigint,
    cluster     text,
    target      bigint,
    people      bigint NOT NULL,
    sent        bigint NOT NULL,
    counted     bigint NOT NULL,
    valid       bigint NOT NULL,
    pending     bigint NOT NULL,
    duplicate   bigint NOT NULL,
    refused     bigint NOT NULL,
    nonmonetary bigint NOT NULL,
    unknown     bigint NOT NULL,
    benefit_vnd numeric NOT NULL,
    median_vnd  bigint,
    largest_vnd numeric NOT NULL,
    peers       bigint,
    rank        bigint,
    rank_people bigint,
    PRIMARY KEY (wave_id, place)
);

CREATE FUNCTION snapshot_line(r snapshot_row) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT array_to_string(ARRAY[r.code, r.name, r.parent, r.level::text, r.cluster, r.target::text, r.people::text, r.sent::text,
        r.counted::text, r.valid::text, r.pending::text, r.duplicate::text, r.refused::text, r.nonmonetary::text, r.unknown::text,
        r.benefit_vnd::text, r.median_vnd::text, r.largest_vnd::text, r.peers::text, r.rank::text, r.rank_people::text], E'\t', '') || E'\n';
$$;
CREATE FUNCTION snapshot_hash(of_wave bigint) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256(convert_to(string_agg(snapshot_line(r), '' ORDER BY r.place), 'UTF8')) FROM snapshot_row r WHERE r.wave_id = of_wave;
$$;

-- Counts a wave anew from every row and keeps it.  What was signed in time arrives within a day or counts as later, so a day
-- after its end nothing more can belong to it.
CREATE FUNCTION standing_freeze(of_wave bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    w wave;
    units bigint[];
BEGIN
    SELECT * INTO w FROM wave WHERE id = of_wave FOR UPDATE;
    IF w.frozen_at IS NOT NULL THEN
        RETURN;
    END IF;
    IF now() < w.closes_at + interval '1 day' THEN
        RAISE EXCEPTION 'wave % ends on %; what was sent in time may arrive until % (Vietnam)', w.code, w.ends_on,
            to_char((w.closes_at + interval '1 day') AT TIME ZONE 'Asia/Ho_Chi_Minh', 'YYYY-MM-DD HH24:MI') USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    PERFORM FROM standing_state FOR UPDATE; -- no fold meanwhile
    SELECT coalesce(array_agg(u.id), '{}') INTO units FROM union_unit u;
    PERFORM standing_count(units || 0::bigint, ARRAY[of_wave]);
    PERFORM standing_sum(units, ARRAY[of_wave]);
    PERFORM standing_rank(ARRAY[of_wave], w.ends_on);
    INSERT INTO snapshot_row
    SELECT of_wave, row_number() OVER (ORDER BY f.level NULLS LAST, f.cluster NULLS FIRST, f.rank NULLS LAST, f.code COLLATE "C"), f.*
    FROM (SELECT s.unit_id, coalesce(u.code, u.id::text) AS code, u.name, p.code AS parent, u.level::bigint, u.cluster, g.initiatives AS target,
                 s.people, s.sent, s.counted, s.valid, s.pending, s.duplicate, s.refused, s.nonmonetary, s.unknown, s.benefit_vnd, s.median_vnd,
                 s.largest_vnd, s.peers, s.rank, s.rank_people
          FROM standing s JOIN union_unit u ON u.id = s.unit_id LEFT JOIN union_unit p ON p.id = u.parent_id
          LEFT JOIN target g ON g.wave_id = s.wave_id AND g.unit_id = s.unit_id
          WHERE s.wave_id = of_wave
          UNION ALL
          SELECT 0, '-', '-', NULL, NULL, NULL, NULL, o.people, o.sent, o.counted, o.valid, o.pending, o.duplicate, o.refused, o.nonmonetary,
                 o.unknown, (SELECT coalesce(sum(v), 0) FROM unnest(o.amounts) v),
                 (SELECT floor(percentile_cont(0.5) WITHIN GROUP (ORDER BY v) + 0.5)::bigint FROM unnest(o.amounts) v),
                 (SELECT coalesce(sum(v), 0) FROM unnest(o.amounts[1:5]) v), NULL, NULL, NULL
          FROM standing_own o WHERE o.wave_id = of_wave AND o.unit_id = 0) f;
    INSERT INTO snapshot (wave_id, frozen_at, rows, sha256)
    SELECT of_wave, now(), count(*), coalesce(snapshot_hash(of_wave), sha256('')) FROM snapshot_row r WHERE r.wave_id = of_wave;
    UPDATE wave SET frozen_at = now() WHERE id = of_wave;
    DELETE FROM standing_own WHERE wave_id = of_wave;
    DELETE FROM standing_amount WHERE wave_id = of_wave;
END $$;
