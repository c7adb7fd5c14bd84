-- The ledger of broadcasts, cheaper to move.
--
-- An update that changes a column which an index holds, or the condition of a partial one, is written as a new row with entries in
-- every index.  Two indexes made that of every message sent: delivery_unknown (its condition is the state) is a table of its own
-- now, with a row only for what a crash left; delivery_chunk, a third of what freezing wrote, is not needed: a chunk is a range of
-- user ids, which the key has in order.  What counts a whole broadcast finds it by blocks, since it was written in one go.
DROP INDEX delivery_unknown;
DROP INDEX delivery_chunk;
CREATE INDEX delivery_broadcast ON delivery USING brin (broadcast_id) WITH (pages_per_range = 16);
ALTER TABLE delivery SET (fillfactor = 45); -- room in its page for the second version of every row

-- Deliveries of which nobody knows whether they were sent; gone once that is settled.  asked_at: Zalo is being asked.
CREATE TABLE delivery_doubt (
    user_id      text COLLATE "C" NOT NULL,
    broadcast_id bigint NOT NULL,
    since        timestamptz NOT NULL DEFAULT now(),
    asked_at     timestamptz,
    PRIMARY KEY (user_id, broadcast_id)
);
INSERT INTO delivery_doubt (user_id, broadcast_id, since) SELECT user_id, broadcast_id, coalesce(at, now()) FROM delivery WHERE state = 'unknown';
