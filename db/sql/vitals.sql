-- What the operator's numbers need of the database as a whole.

-- name: vitals_count
-- Bounded looks: beyond 20,000 replies the numbers only say that there are many.
-- Columns: the clock in ms; replies of class 0 to 3; ages in s of their oldest (an id begins with the ms since 2020); expired
-- leases; how long mail has been due; dead events; evidence to fetch; the oldest transaction; dead rows in per cent; broadcasts under
-- way, paused ones among them, their chunks that are not done, deliveries whose outcome is unknown.
WITH o AS (SELECT class, id, owner, due_at FROM outbox LIMIT 20000),
     c AS (SELECT class, count(*) AS n, greatest(0, (extract(epoch FROM now()) * 1000)::bigint - ((min(id) >> 22) + 1577836800000)) / 1000 AS age
           FROM o GROUP BY class)
SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint,
       coalesce((SELECT n FROM c WHERE class = 0), 0), coalesce((SELECT n FROM c WHERE class = 1), 0), coalesce((SELECT n FROM c WHERE class = 2), 0),
       coalesce((SELECT n FROM c WHERE class = 3), 0),
       coalesce((SELECT age FROM c WHERE class = 0), 0), coalesce((SELECT age FROM c WHERE class = 1), 0),
       coalesce((SELECT age FROM c WHERE class = 2), 0), coalesce((SELECT age FROM c WHERE class = 3), 0),
       (SELECT count(*) FROM o WHERE owner IS NOT NULL AND due_at < now()),
       coalesce((SELECT greatest(0, extract(epoch FROM now() - min(not_before)))::bigint FROM mailbox), 0),
       (SELECT count(*) FROM (SELECT 1 FROM dead_event LIMIT 10000) d),
       (SELECT count(*) FROM (SELECT 1 FROM evidence WHERE due_at IS NOT NULL LIMIT 10000) e),
       coalesce((SELECT max(extract(epoch FROM now() - xact_start))::bigint FROM pg_stat_activity WHERE datname = current_database()), 0),
       coalesce((SELECT (100 * sum(n_dead_tup) / nullif(sum(n_live_tup + n_dead_tup), 0))::bigint FROM pg_stat_user_tables
                 WHERE relname IN ('outbox', 'mailbox', 'conversation')), 0),
       (SELECT count(*) FROM broadcast b WHERE b.state IN ('waiting', 'freezing', 'sending')),
       (SELECT count(*) FROM broadcast b WHERE b.state IN ('waiting', 'freezing', 'sending') AND b.paused_at IS NOT NULL),
       (SELECT count(*) FROM broadcast b JOIN broadcast_chunk k ON k.broadcast_id = b.id
        WHERE b.state IN ('freezing', 'sending') AND k.state <> 'done'),
       (SELECT count(*) FROM (SELECT 1 FROM delivery_doubt LIMIT 10000) q);
