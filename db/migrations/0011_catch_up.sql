-- Reading back from Zalo what a long outage missed: since when, who does it, what came of it.  One row per OA.

CREATE TABLE catch_up (
    oa_id        text PRIMARY KEY,
    alive_at     timestamptz NOT NULL DEFAULT now(), -- when a process that takes events was last seen
    wanted_since timestamptz,                        -- null: nothing to read back
    owner        text,
    lease_until  timestamptz,
    done_at      timestamptz,                        -- of the last time, with its figures
    people       bigint NOT NULL DEFAULT 0,
    messages     bigint NOT NULL DEFAULT 0,
    missing      bigint NOT NULL DEFAULT 0,
    unreadable   bigint NOT NULL DEFAULT 0,
    cut_off      boolean NOT NULL DEFAULT false
);

-- Since when nothing is sent: the database was restored from a backup (a node knew newer tokens); until `sangkien token release`.
ALTER TABLE oa_token ADD COLUMN held_at timestamptz;
