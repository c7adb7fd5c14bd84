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
