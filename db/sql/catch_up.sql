-- Reading back what was missed.  Times are the database's.

-- name: catch_up_beat
-- $1 OA id, $2 an outage that long (ms) is longer than Zalo sends again, $3 this process, idle.  Tells whether there is something to do
-- and nobody else does it.
INSERT INTO catch_up (oa_id) VALUES ($1)
ON CONFLICT (oa_id) DO UPDATE SET alive_at = now(),
    wanted_since = CASE WHEN now() - catch_up.alive_at > make_interval(secs => $2::bigint / 1000.0)
                        THEN least(coalesce(catch_up.wanted_since, catch_up.alive_at), catch_up.alive_at) ELSE catch_up.wanted_since END
RETURNING wanted_since IS NOT NULL AND coalesce(lease_until < now() OR owner = $3::text, true);

-- name: catch_up_want
-- $1 OA id, $2 since when (ms before now).
INSERT INTO catch_up (oa_id, wanted_since) VALUES ($1, now() - make_interval(secs => $2::bigint / 1000.0))
ON CONFLICT (oa_id) DO UPDATE SET wanted_since = least(coalesce(catch_up.wanted_since, excluded.wanted_since), excluded.wanted_since);

-- name: catch_up_claim
-- $1 OA id, $2 this process, $3 lease in ms.  One row back: it is ours to do, since that time.
UPDATE catch_up SET owner = $2, lease_until = now() + make_interval(secs => $3::bigint / 1000.0),
    people = 0, messages = 0, missing = 0, unreadable = 0, cut_off = false
WHERE oa_id = $1 AND wanted_since IS NOT NULL AND coalesce(lease_until < now() OR owner = $2, true) -- ours: the answer was lost
RETURNING wanted_since;

-- name: catch_up_progress
-- $1 OA id, $2 this process, $3 lease in ms, $4 people, $5 messages, $6 missing, $7 unreadable.  No row back: somebody else does it now.
UPDATE catch_up SET lease_until = now() + make_interval(secs => $3::bigint / 1000.0), people = $4, messages = $5, missing = $6, unreadable = $7
WHERE oa_id = $1 AND owner = $2
RETURNING oa_id;

-- name: catch_up_end
-- $1 OA id, $2 this process, $3 since when it was done, $4 people, $5 messages, $6 missing, $7 unreadable, $8 were there more than
-- may be read.  An earlier time that was wanted meanwhile stays wanted.
UPDATE catch_up SET owner = NULL, lease_until = NULL, done_at = now(), people = $4, messages = $5, missing = $6, unreadable = $7,
    cut_off = $8::bigint <> 0, wanted_since = CASE WHEN wanted_since < $3::timestamptz THEN wanted_since END
WHERE oa_id = $1 AND owner = $2;

-- name: catch_up_abandoned
-- $1 OA id, $2 a process that is gone.
UPDATE catch_up SET lease_until = NULL WHERE oa_id = $1 AND owner = $2;

-- name: catch_up_get
-- $1 OA id.
SELECT wanted_since IS NOT NULL, owner, people, messages, missing, unreadable, cut_off FROM catch_up WHERE oa_id = $1;

-- name: event_known
-- $1 user id, $2 event keys: which of them have taken effect.
SELECT event_key FROM event WHERE user_id = $1 AND event_key = ANY ($2::bytea[]);
