-- What a turn costs the database, second part.

-- Where a unit's name leads today: to itself, or once it is no more to the unit of its level that took it in, if there is one.
CREATE VIEW unit_now AS
SELECT n.id, u.id AS now_id
FROM union_unit n
JOIN union_unit u ON u.id = ANY (n.path) AND u.level >= n.level AND (u.id = n.id OR n.valid_to <= current_date)
WHERE (u.valid_from IS NULL OR u.valid_from <= current_date) AND (u.valid_to IS NULL OR u.valid_to > current_date);

-- ---- what follows from filing an initiative: written once for all of a batch, not row by row; what is stored stays the same ----
-- Domain.md section 9, the figure: above 10 tỷ; above 1 tỷ from one person without a figure in the description; the same figure
-- for the fifth time in one unit.  A plain expression, so that the planner puts it in place of the call.
CREATE FUNCTION review_rank_benefit(vnd bigint, description text, together boolean, same_in_unit bigint) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN vnd > 10000000000 OR (vnd > 1000000000 AND coalesce(description, '') !~ '[0-9]' AND NOT together) OR same_in_unit >= 5
           THEN 1::smallint ELSE 2::smallint END
$$;

CREATE OR REPLACE FUNCTION review_rank(i initiative) RETURNS smallint LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM initiative_similar s WHERE s.user_id = i.user_id AND s.initiative_id = i.id)
        OR EXISTS (SELECT FROM review r WHERE r.user_id = i.user_id AND r.initiative_id = i.id AND r.verdict = 'appeal') THEN
        RETURN 0;
    END IF;
    RETURN review_rank_benefit(i.annual_benefit_vnd, i.description,
        EXISTS (SELECT FROM initiative_author a WHERE a.user_id = i.user_id AND a.initiative_id = i.id),
        (SELECT count(*) FROM (SELECT FROM initiative o WHERE o.unit_id = i.unit_id AND o.annual_benefit_vnd = i.annual_benefit_vnd LIMIT 5) same));
END $$;

-- To a row that is new nothing refers yet (foreign keys): no likeness, no appeal, no co-author.  OFFSET 0: looked for by key, row by
-- row, whatever the size of the statement for which a session made this plan.
CREATE FUNCTION review_queue_filed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO review_queue (user_id, id, unit_id, rank, free_until)
    SELECT i.user_id, i.id, coalesce(i.unit_id, 0),
           review_rank_benefit(i.annual_benefit_vnd, i.description, false,
               (SELECT count(*) FROM (SELECT FROM initiative o WHERE o.unit_id = i.unit_id AND o.annual_benefit_vnd = i.annual_benefit_vnd
                                      LIMIT 5) same)),
           greatest(i.submitted_at, i.updated_at) + interval '48 hours'
    FROM filed i
    WHERE i.status = 'submitted' AND i.title IS NOT NULL
      AND EXISTS (SELECT FROM person p WHERE p.user_id = i.user_id OFFSET 0);
    RETURN NULL;
END $$;
DROP TRIGGER review_queue_add ON initiative;
CREATE TRIGGER review_queue_add AFTER INSERT ON initiative REFERENCING NEW TABLE AS filed
    FOR EACH STATEMENT EXECUTE FUNCTION review_queue_filed();

CREATE FUNCTION standing_note_filed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO standing_dirty
    SELECT coalesce(unit_id, 0) FROM filed
    UNION SELECT coalesce((SELECT p.unit_id FROM person p WHERE p.user_id = f.user_id), 0) FROM filed f
    WHERE EXISTS (SELECT FROM person p WHERE p.user_id = f.user_id OFFSET 0);
    RETURN NULL;
END $$;
DROP TRIGGER standing_note ON initiative;
CREATE TRIGGER standing_note AFTER DELETE ON initiative FOR EACH ROW EXECUTE FUNCTION standing_note_initiative();
CREATE TRIGGER standing_note_filed AFTER INSERT ON initiative REFERENCING NEW TABLE AS filed
    FOR EACH STATEMENT EXECUTE FUNCTION standing_note_filed();

-- ---- the one spelling of a unit's name (handlers/reading/unit_name.h): the service writes it at its next start ----
UPDATE union_unit SET name_key = '' WHERE name_key <> '';
UPDATE unit_alias SET alias_key = '' WHERE alias_key <> '';

-- Room in its page for the next version of a person: a unit or a name is new once, the time of the last message every quarter.
ALTER TABLE person SET (fillfactor = 80);
