-- Automatic reminders, and people whose unit is behind its target.

-- Each thing is reminded of once, however many processes look at the same moment.
CREATE UNIQUE INDEX nudge_once ON nudge (user_id, kind, about);

-- How far the look for people to remind has come: people are gone through by their key, some thousand a minute, over all nodes.
CREATE TABLE nudge_sweep (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    from_id text COLLATE "C" NOT NULL DEFAULT '',
    due_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO nudge_sweep DEFAULT VALUES;

-- Whether the unit at the end of that path, or else the nearest above it that has a target in the wave, is still below it; null: none
-- of them has one.  By the folded figures: at most a minute old.
CREATE FUNCTION behind_target(path bigint[], wave bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(s.counted, 0) < t.initiatives
    FROM unnest(path) WITH ORDINALITY AS a (unit_id, n)
    JOIN target t ON t.wave_id = wave AND t.unit_id = a.unit_id
    LEFT JOIN standing s ON s.wave_id = t.wave_id AND s.unit_id = t.unit_id
    ORDER BY a.n DESC LIMIT 1
$$;
