-- The pace of all calls to Zalo, over all nodes (bot/send/limiter.h).

-- name: pace_enter
-- $1 app, $2 this process.  The time line exists, and this process is one of those that share it.
WITH line AS (
    INSERT INTO send_pace (app_id) VALUES ($1) ON CONFLICT DO NOTHING
), gone AS (
    DELETE FROM send_process WHERE seen_at < now() - interval '1 hour')
INSERT INTO send_process (process) VALUES ($2) ON CONFLICT (process) DO UPDATE SET seen_at = now();

-- name: pace_plan
-- What a crash of the database forgets of the time line is shorter than its recovery, so nobody waits for the disk.
SELECT set_config('synchronous_commit', 'off', true);

-- name: pace_lease
-- $1 app, $2 calls wanted, $3 the step from one call to the next in ns, $4 how far ahead of now a call may be leased in ms,
-- $5 how far behind in ms.  The first call's distance from now in microseconds, the calls leased, and the processes that send;
-- no row when all up to $4 is leased.  All expressions see the row as it was.
UPDATE send_pace
SET first_at = greatest(next_at, now() - make_interval(secs => $5::bigint / 1000.0)),
    calls = least($2::bigint, 1 + floor(extract(epoch FROM now() + make_interval(secs => $4::bigint / 1000.0)
            - greatest(next_at, now() - make_interval(secs => $5::bigint / 1000.0))) * 1000000000 / $3::bigint)::bigint),
    next_at = greatest(next_at, now() - make_interval(secs => $5::bigint / 1000.0))
            + make_interval(secs => $3::bigint / 1000000000.0 * least($2::bigint, 1 + floor(extract(epoch FROM
              now() + make_interval(secs => $4::bigint / 1000.0)
            - greatest(next_at, now() - make_interval(secs => $5::bigint / 1000.0))) * 1000000000 / $3::bigint)::bigint))
WHERE app_id = $1 AND next_at <= now() + make_interval(secs => $4::bigint / 1000.0)
RETURNING (extract(epoch FROM first_at - now()) * 1000000)::bigint, calls,
          (SELECT count(*) FROM send_process WHERE seen_at > now() - interval '1 minute');

-- name: pace_hold
-- $1 app, $2 ms.  Zalo said it was too much: nobody leases a call before then.
UPDATE send_pace SET next_at = greatest(next_at, now() + make_interval(secs => $2::bigint / 1000.0)) WHERE app_id = $1;
