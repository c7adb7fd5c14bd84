-- Sending together: one pace for all nodes, and broadcasts.
--
-- send_pace is a time line: each call to Zalo has a moment of its own on it, a fixed step behind the one before.  A process
-- leases the next so many moments by moving next_at; first_at and calls are what the newest lease got.  One row per app, written
-- a few times a second and not per call.  A reference table, like send_process (who sends at all, for the share without a database).

CREATE TABLE send_pace (
    app_id   text PRIMARY KEY,
    next_at  timestamptz NOT NULL DEFAULT now(),
    first_at timestamptz NOT NULL DEFAULT now(),
    calls    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
CREATE TABLE send_process (
    process text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);
