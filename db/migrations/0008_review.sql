-- Review: what was decided about an initiative, by whom and why; what waits for it, in the order in which it is looked at.

-- duplicate_of is a receipt code: it leads to the other initiative, also after an erasure, and to no person.
-- Declared, checked and recognised benefit have been three columns from the start.
ALTER TABLE initiative
    ADD COLUMN duplicate_of text,
    ADD COLUMN recognised_by text,
    ADD COLUMN recognised_on date,
    ADD COLUMN social boolean NOT NULL DEFAULT false; -- "ý nghĩa xã hội sâu sắc": a reviewer's mark for the award list
CREATE INDEX initiative_duplicate ON initiative (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX initiative_checked ON initiative (checked_benefit_vnd) WHERE checked_benefit_vnd IS NOT NULL;
CREATE INDEX initiative_social ON initiative (submitted_at) WHERE social;
-- The same figure many times in one unit is worth a second look.
CREATE INDEX initiative_unit_benefit ON initiative (unit_id, annual_benefit_vnd) WHERE annual_benefit_vnd IS NOT NULL;

-- Every verdict, in order; the initiative holds what follows from the last.  'reopened' undoes one, 'appeal' is the author's
-- one sentence against one (reviewer is null then), 'marked' changes a checked figure or the mark alone.
CREATE TABLE review (
    user_id       text NOT NULL,
    id            bigint NOT NULL,
    initiative_id bigint NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    verdict       text NOT NULL CHECK (verdict IN
                    ('valid', 'returned', 'duplicate', 'refused', 'recognised', 'reopened', 'appeal', 'marked')),
    reviewer      text,                             -- user id; of an import the word after --by
    reason        text,                             -- code, see config/messages.vi.yaml (reason_*)
    field         text CHECK (field IN ('title', 'description', 'benefit', 'unit')),
    note          text,                             -- as the author reads it
    duplicate_of  text,
    checked_benefit_vnd    bigint CHECK (checked_benefit_vnd >= 0),
    recognised_benefit_vnd bigint CHECK (recognised_benefit_vnd >= 0),
    recognised_by text,
    recognised_on date,
    social        boolean,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, initiative_id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX review_initiative ON review (user_id, initiative_id, id);
CREATE INDEX review_reviewer ON review (reviewer) WHERE reviewer IS NOT NULL; -- for an erasure

-- What waits for a reviewer: exactly the initiatives that are submitted and whose author talks to the bot (earlier years that
-- were imported wait for nobody).  rank: 0 possible duplicate or appeal, 1 implausible benefit, 2 the rest.  Inside a rank those
-- come first whose author can still be told for free, the soonest to end first.  until: so long nobody else gets it; reviewer:
-- who looks at it, null while the verdict is on its way to the author's own turn or it was put off.
CREATE TABLE review_queue (
    user_id    text NOT NULL,
    id         bigint NOT NULL,
    unit_id    bigint NOT NULL,                     -- 0: a unit the tree does not know
    rank       smallint NOT NULL CHECK (rank BETWEEN 0 AND 2),
    free_until timestamptz NOT NULL,
    reviewer   text,
    until      timestamptz,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX review_queue_rank ON review_queue (rank, free_until);
CREATE INDEX review_queue_unit ON review_queue (unit_id, rank, free_until);
CREATE INDEX review_queue_reviewer ON review_queue (reviewer) WHERE reviewer IS NOT NULL;

-- Domain.md section 9: above 10 tỷ; above 1 tỷ from one person without a figure in the description; the same figure for the
-- fifth time in one unit.  In PL/pgSQL, whose plans are kept: a turn that files an initiative runs this.
CREATE FUNCTION review_rank(i initiative) RETURNS smallint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM initiative_similar s WHERE s.user_id = i.user_id AND s.initiative_id = i.id)
        OR EXISTS (SELECT FROM review r WHERE r.user_id = i.user_id AND r.initiative_id = i.id AND r.verdict = 'appeal') THEN
        RETURN 0;
    ELSIF i.annual_benefit_vnd IS NULL THEN
        RETURN 2;
    ELSIF i.annual_benefit_vnd > 10000000000 THEN
        RETURN 1;
    ELSIF i.annual_benefit_vnd > 1000000000 AND coalesce(i.description, '') !~ '[0-9]'
        AND NOT EXISTS (SELECT FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id) THEN
        RETURN 1;
    ELSIF (SELECT count(*) FROM (SELECT FROM initiative o WHERE o.unit_id = i.unit_id AND o.annual_benefit_vnd = i.annual_benefit_vnd
                                 LIMIT 5) same) = 5 THEN
        RETURN 1;
    END IF;
    RETURN 2;
END $$;

-- The queue is kept by the database, so that whoever writes an initiative (a turn, an import, a person at psql) keeps it.
-- Only rows of the initiative's own person are touched: two people's turns never wait for each other here.
CREATE FUNCTION review_queue_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status = 'submitted' AND NEW.title IS NOT NULL THEN
        INSERT INTO review_queue (user_id, id, unit_id, rank, free_until)
        SELECT NEW.user_id, NEW.id, coalesce(NEW.unit_id, 0), review_rank(NEW), greatest(NEW.submitted_at, NEW.updated_at) + interval '48 hours'
        FROM person p WHERE p.user_id = NEW.user_id
        ON CONFLICT (user_id, id) DO UPDATE SET unit_id = excluded.unit_id, rank = excluded.rank, free_until = excluded.free_until;
    ELSE
        DELETE FROM review_queue q WHERE q.user_id = NEW.user_id AND q.id = NEW.id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER review_queue_add AFTER INSERT ON initiative FOR EACH ROW WHEN (NEW.status = 'submitted')
    EXECUTE FUNCTION review_queue_keep();
CREATE TRIGGER review_queue_change AFTER UPDATE OF user_id, status, title, description, annual_benefit_vnd, unit_id ON initiative
    FOR EACH ROW WHEN (OLD.status = 'submitted' OR NEW.status = 'submitted') EXECUTE FUNCTION review_queue_keep();

-- Likeness may be found after filing: it comes to the front then.
CREATE FUNCTION review_queue_alike() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE review_queue q SET rank = 0 WHERE q.user_id = NEW.user_id AND q.id = NEW.initiative_id AND q.rank > 0;
    RETURN NULL;
END $$;
CREATE TRIGGER review_queue_alike AFTER INSERT ON initiative_similar FOR EACH ROW EXECUTE FUNCTION review_queue_alike();

INSERT INTO review_queue (user_id, id, unit_id, rank, free_until)
SELECT i.user_id, i.id, coalesce(i.unit_id, 0), review_rank(i), greatest(i.submitted_at, i.updated_at) + interval '48 hours'
FROM initiative i JOIN person p ON p.user_id = i.user_id WHERE i.status = 'submitted' AND i.title IS NOT NULL;

-- ---- who may look at what ----

-- Whether that unit lies within one of the grants.
CREATE FUNCTION review_reaches(who text, unit bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM role_grant g WHERE g.user_id = who AND g.role = 'reviewer' AND g.revoked_at IS NULL
                   AND (g.unit_id = 0 OR g.unit_id = ANY (SELECT unnest(u.path) FROM union_unit u WHERE u.id = unit)))
$$;

-- Up to 16 that this person could look at next, best first: more than are being claimed at any one moment.  Who reviews a few
-- units gets the best of each; who reviews many (or all: a grant for unit 0) finds one among the first 500 of the whole queue,
-- and only when none of those is his, or he reviews a part that is through already, each of his units is looked at.
CREATE FUNCTION review_candidates(who text) RETURNS TABLE (user_id text, id bigint) LANGUAGE plpgsql STABLE ROWS 16 AS $$
#variable_conflict use_column
DECLARE
    held bigint[] := ARRAY(SELECT g.unit_id FROM role_grant g WHERE g.user_id = who AND g.role = 'reviewer' AND g.revoked_at IS NULL);
    everywhere boolean := 0 = ANY (held);
    units bigint[];
    few boolean;
    wanted smallint;
    free boolean;
    past timestamptz;
    upto timestamptz;
BEGIN
    IF NOT everywhere THEN
        units := ARRAY(SELECT u.id FROM union_unit u WHERE u.path && held LIMIT 201);
        few := cardinality(units) <= 200;
    END IF;
    FOREACH wanted IN ARRAY '{0,1,2}'::smallint[] LOOP
        FOREACH free IN ARRAY '{t,f}'::boolean[] LOOP
            past := CASE WHEN free THEN now() ELSE '-infinity' END;
            upto := CASE WHEN free THEN 'infinity' ELSE now() END;
            IF everywhere THEN
                RETURN QUERY SELECT q.user_id, q.id FROM review_queue q
                    WHERE q.rank = wanted AND q.free_until > past AND q.free_until <= upto
                      AND (q.until IS NULL OR q.until <= now()) AND q.user_id <> who
                    ORDER BY q.free_until LIMIT 16;
                IF FOUND THEN
                    RETURN;
                END IF;
                CONTINUE;
            END IF;
            IF NOT few THEN
                RETURN QUERY SELECT h.user_id, h.id FROM (
                        SELECT q.user_id, q.id, q.unit_id, q.until, q.free_until FROM review_queue q
                        WHERE q.rank = wanted AND q.free_until > past AND q.free_until <= upto ORDER BY q.free_until LIMIT 500) h
                    CROSS JOIN LATERAL (SELECT FROM union_unit u WHERE u.id = h.unit_id AND u.path && held OFFSET 0) mine
                    WHERE (h.until IS NULL OR h.until <= now()) AND h.user_id <> who
                    ORDER BY h.free_until LIMIT 16;
                IF FOUND THEN
                    RETURN;
                END IF;
                units := ARRAY(SELECT u.id FROM union_unit u WHERE u.path && held);
            END IF;
            RETURN QUERY SELECT c.user_id, c.id FROM unnest(units) AS u (id) CROSS JOIN LATERAL (
                    SELECT q.user_id, q.id, q.free_until FROM review_queue q
                    WHERE q.unit_id = u.id AND q.rank = wanted AND q.free_until > past AND q.free_until <= upto
                      AND (q.until IS NULL OR q.until <= now()) AND q.user_id <> who
                    ORDER BY q.free_until LIMIT 16) c
                ORDER BY c.free_until LIMIT 16;
            IF FOUND THEN
                RETURN;
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- Gives each of these people the next one, for half an hour, each a different one: one after the other, because two of one
-- statement would see the same queue.  What somebody else is taking is passed over.
CREATE FUNCTION review_take(reviewers text[]) RETURNS TABLE (reviewer text, user_id text, id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    who text;
    it record;
BEGIN
    FOREACH who IN ARRAY reviewers LOOP
        FOR it IN SELECT c.user_id, c.id FROM review_candidates(who) c LOOP
            PERFORM FROM review_queue q WHERE q.user_id = it.user_id AND q.id = it.id AND (q.until IS NULL OR q.until <= now())
                FOR UPDATE SKIP LOCKED;
            IF FOUND THEN
                UPDATE review_queue q SET reviewer = who, until = now() + interval '30 minutes' WHERE q.user_id = it.user_id AND q.id = it.id;
                RETURN QUERY SELECT who, it.user_id, it.id;
                EXIT;
            END IF;
        END LOOP;
    END LOOP;
END $$;

-- All that a reviewer is shown of an initiative.
CREATE FUNCTION review_card(author text, number bigint)
RETURNS TABLE (user_id text, id bigint, code text, title text, description text, annual_benefit_vnd bigint, benefit_kind text, benefit_text text,
               unit_id bigint, unit_name text, status text, review_note text, submitted_at timestamptz, checked_benefit_vnd bigint,
               recognised_benefit_vnd bigint, social boolean, duplicate_of text, author_name text, stamp bigint, evidence_count bigint,
               coauthor_count bigint, same_figure bigint, appeal text, alike text) ROWS 1 LANGUAGE sql STABLE AS $$
SELECT i.user_id, i.id, i.code, i.title, i.description, i.annual_benefit_vnd, i.benefit_kind, i.benefit_text, i.unit_id,
       coalesce(u.name, i.unit_text) AS unit_name, i.status, i.review_note, i.submitted_at, i.checked_benefit_vnd, i.recognised_benefit_vnd,
       i.social, i.duplicate_of, p.full_name AS author_name, (extract(epoch FROM i.updated_at) * 1000000)::bigint AS stamp,
       (SELECT count(*) FROM evidence e WHERE e.user_id = i.user_id AND e.initiative_id = i.id) AS evidence_count,
       (SELECT count(*) FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id) AS coauthor_count,
       (SELECT count(*) FROM (SELECT FROM initiative o WHERE o.unit_id = i.unit_id AND o.annual_benefit_vnd = i.annual_benefit_vnd LIMIT 100) same)
           AS same_figure,
       (SELECT r.note FROM review r WHERE r.user_id = i.user_id AND r.initiative_id = i.id AND r.verdict = 'appeal' ORDER BY r.id DESC LIMIT 1)
           AS appeal,
       (SELECT jsonb_agg(jsonb_build_object('code', x.code, 'title', x.title, 'words', x.words, 'unit', x.unit, 'same_unit', x.same_unit,
                                            'choice', x.choice, 'status', x.status))::text
        FROM (SELECT o.code, o.title, left(o.description, 240) AS words, coalesce(ou.name, o.unit_text) AS unit, s.same_unit, s.choice, o.status
              FROM initiative_similar s JOIN initiative o ON o.user_id = s.other_user_id AND o.id = s.other_id
              LEFT JOIN union_unit ou ON ou.id = o.unit_id
              WHERE s.user_id = i.user_id AND s.initiative_id = i.id AND o.title IS NOT NULL ORDER BY s.score DESC, o.code LIMIT 2) x) AS alike
FROM initiative i
LEFT JOIN union_unit u ON u.id = i.unit_id
LEFT JOIN person p ON p.user_id = i.user_id
WHERE i.user_id = author AND i.id = number AND i.title IS NOT NULL
$$;
