-- turn.sql with its statements sent together: one round trip for each transaction.
\set person random(1, :people)
\startpipeline
BEGIN;
INSERT INTO event (user_id, event_key) VALUES ('7' || lpad(:person::text, 17, '0'), uuid_send(gen_random_uuid()));
UPDATE conversation SET state = 'description', draft = :draft, last_event_at = now(), version = version + 1 WHERE user_id = '7' || lpad(:person::text, 17, '0');
INSERT INTO message (user_id, id, origin, kind, text, zalo_msg_id) VALUES ('7' || lpad(:person::text, 17, '0'), nextval('bench_id'), 'person', 'text', :said, 'a1b2c3d4e5f60718');
INSERT INTO outbox (user_id, id, text, buttons, due_at, owner, expires_at) VALUES ('7' || lpad(:person::text, 17, '0'), nextval('bench_id'), :reply, :buttons, now() + interval '30 s', 'bench:1:0', now() + interval '10 min');
COMMIT;
\endpipeline
