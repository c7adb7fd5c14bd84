-- name: ticket_put
-- A ticket as its worker's turn leaves it, new or changed: $1 user ids, $2 ids, $3 numbers, $4 states, $5 topics, $6 questions, $7 steps,
-- $8 initiative ids, $9 unit ids, $10 previous ids, $11 assignees, $12 their names, $13 passed, $14 opened, $15 closed, $16 asked,
-- $17 first answer, $18 its minutes, $19 slowest further one, $20 answered, $21 contact's last act, $22 snoozed until, $23 told,
-- $24 overdue, $25 warned, $26 next tick.
INSERT INTO ticket (user_id, id, number, state, topic, question, step, initiative_id, unit_id, previous_id, assignee, assignee_name, passed,
                    opened_at, closed_at, asked_at, first_answer_at, first_answer_min, slowest_answer_min, answered_at, contact_at,
                    snoozed_until, told_at, overdue_at, warned_at, tick_at)
SELECT user_id, id, number, state, topic, question, step, initiative_id, unit_id, previous_id, assignee, assignee_name, passed,
       opened_at, closed_at, asked_at, first_answer_at, first_answer_min, slowest_answer_min, answered_at, contact_at,
       snoozed_until, told_at, overdue_at, warned_at, tick_at
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
            $10::bigint[], $11::text[], $12::text[], $13::text[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
            $17::timestamptz[], $18::bigint[], $19::bigint[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[],
            $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::timestamptz[])
     AS v (user_id, id, number, state, topic, question, step, initiative_id, unit_id, previous_id, assignee, assignee_name, passed,
           opened_at, closed_at, asked_at, first_answer_at, first_answer_min, slowest_answer_min, answered_at, contact_at,
           snoozed_until, told_at, overdue_at, warned_at, tick_at)
ON CONFLICT (user_id, id) DO UPDATE
SET state = excluded.state, question = excluded.question, assignee = excluded.assignee, assignee_name = excluded.assignee_name,
    passed = excluded.passed, closed_at = excluded.closed_at, asked_at = excluded.asked_at, first_answer_at = excluded.first_answer_at,
    first_answer_min = excluded.first_answer_min, slowest_answer_min = excluded.slowest_answer_min, answered_at = excluded.answered_at,
    contact_at = excluded.contact_at, snoozed_until = excluded.snoozed_until, told_at = excluded.told_at, overdue_at = excluded.overdue_at,
    warned_at = excluded.warned_at, tick_at = excluded.tick_at;

-- name: ticket_message_add
-- $1 user ids, $2 ids, $3 ticket ids, $4 directions, $5 texts, $6 message ids, $7 authors, $8 kinds, $9 links.
INSERT INTO ticket_message (user_id, id, ticket_id, direction, text, msg_id, author, kind, url)
SELECT user_id, id, ticket_id, direction, text, msg_id, author, coalesce(kind, 'text'), url
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
     AS v (user_id, id, ticket_id, direction, text, msg_id, author, kind, url);

-- name: ticket_message_failed
-- $1 user ids, $2 ids, $3 failures.
UPDATE ticket_message m SET failure = v.failure
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS v (user_id, id, failure) WHERE m.user_id = v.user_id AND m.id = v.id;

-- name: ticket_relay_add
-- $1 to whom, $2 ids, $3 whose tickets, $4 tickets, $5 contacts.
INSERT INTO ticket_relay (user_id, id, worker_id, ticket_id, contact)
SELECT user_id, id, worker_id, ticket_id, contact FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[])
     AS v (user_id, id, worker_id, ticket_id, contact);

-- name: ticket_relay_failed
-- $1 user ids, $2 ids of replies that were given up just now: what carried somebody's words is told to the worker's own turn.
INSERT INTO mailbox (user_id, id, kind, payload)
SELECT r.worker_id, r.id, 'ticket_lost', jsonb_build_object('ticket', r.ticket_id::text, 'relay', r.id::text, 'contact', r.contact,
                                                            'answer', r.user_id = r.worker_id, 'why', m.failure)
FROM unnest($1::text[], $2::bigint[]) AS v (user_id, id)
JOIN message m ON m.user_id = v.user_id AND m.id = v.id AND m.failure IS NOT NULL
JOIN ticket_relay r ON r.user_id = v.user_id AND r.id = v.id
ON CONFLICT DO NOTHING;

-- name: ticket_list
-- $1 user ids: what is open and their last ones, thirty at most, newest first.
SELECT t.user_id, t.id, t.number, t.state, t.topic, t.question, t.step, t.initiative_id, t.unit_id, t.previous_id, t.assignee, t.assignee_name,
       t.passed, t.opened_at, t.closed_at, t.asked_at, t.first_answer_at, t.first_answer_min, t.slowest_answer_min, t.answered_at,
       t.contact_at, t.snoozed_until, t.told_at, t.overdue_at, t.warned_at, t.tick_at
FROM unnest($1::text[]) AS q (user_id)
CROSS JOIN LATERAL (SELECT n.* FROM ticket n WHERE n.user_id = q.user_id ORDER BY n.state = 'closed', n.id DESC LIMIT 30) t
ORDER BY t.user_id, t.id DESC;

-- name: ticket_start
-- $1 user ids: a number for each, and how many minutes of staff hours a first answer takes (median of the last hundred; null below ten).
SELECT q.user_id, nextval('ticket_number'), m.median
FROM unnest($1::text[]) AS q (user_id)
CROSS JOIN (SELECT CASE WHEN count(*) >= 10 THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY a.first_answer_min) END AS median
            FROM (SELECT t.first_answer_min FROM ticket t WHERE t.first_answer_at IS NOT NULL ORDER BY t.first_answer_at DESC LIMIT 100) a) m;

-- name: ticket_contacts
-- $1 user ids, $2 units: who is on duty for that unit, best first: the nearest unit up the tree, then who has least to do.
-- Never sideways: a contact of another subtree is none.
SELECT a.user_id, g.user_id, p.full_name, p.last_inbound_at
FROM (SELECT q.user_id, r.user_id AS contact, max(coalesce(array_position(u.path, r.unit_id), 0)) AS depth
      FROM unnest($1::text[], $2::bigint[]) AS q (user_id, unit_id)
      LEFT JOIN union_unit u ON u.id = q.unit_id
      JOIN role_grant r ON r.role = 'support' AND r.revoked_at IS NULL AND r.user_id <> q.user_id AND (r.unit_id = 0 OR r.unit_id = ANY (u.path))
      GROUP BY q.user_id, r.user_id) a
JOIN duty g ON g.user_id = a.contact
LEFT JOIN person p ON p.user_id = g.user_id
ORDER BY a.user_id, a.depth DESC,
         (SELECT count(*) FROM ticket t WHERE t.assignee = g.user_id AND t.state <> 'closed'), g.since, g.user_id;

-- name: ticket_chiefs
-- $1 user ids, $2 units: organizers and unit admins above that unit.
SELECT DISTINCT q.user_id, r.user_id, p.full_name, p.last_inbound_at
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, unit_id)
LEFT JOIN union_unit u ON u.id = q.unit_id
JOIN role_grant r ON r.role IN ('organizer', 'unit_admin') AND r.revoked_at IS NULL AND (r.unit_id = 0 OR r.unit_id = ANY (u.path))
LEFT JOIN person p ON p.user_id = r.user_id;

-- name: ticket_case
-- $1 contacts, $2 numbers: that ticket, if the contact's units are above it, with who asks and how far he is.
SELECT q.user_id, t.user_id, t.id, t.number, t.state, t.topic, t.question, t.assignee, t.assignee_name, t.opened_at, t.asked_at,
       p.full_name, coalesce(w.name, p.unit_text), p.last_inbound_at, c.owner, c.owner_until, c.draft::text,
       (SELECT jsonb_agg(jsonb_build_object('in', l.direction = 'in', 'text', l.text, 'kind', l.kind) ORDER BY l.id)::text
        FROM (SELECT m.id, m.direction, m.text, m.kind FROM ticket_message m
              WHERE m.user_id = t.user_id AND m.ticket_id = t.id AND m.direction <> 'note' ORDER BY m.id DESC LIMIT 5) l)
FROM unnest($1::text[], $2::bigint[]) AS q (user_id, number)
JOIN ticket t ON t.number = q.number
JOIN conversation c ON c.user_id = t.user_id
JOIN person p ON p.user_id = t.user_id
LEFT JOIN union_unit w ON w.id = p.unit_id
LEFT JOIN union_unit u ON u.id = t.unit_id
WHERE EXISTS (SELECT 1 FROM role_grant r WHERE r.user_id = q.user_id AND r.role = 'support' AND r.revoked_at IS NULL
              AND (r.unit_id = 0 OR r.unit_id = ANY (u.path)));

-- name: ticket_queue
-- $1 contacts: their open tickets and those that wait for somebody and that they may answer, oldest first, at most 50.
SELECT q.user_id, t.user_id, t.id, t.number, t.state, t.question, t.assignee, p.full_name, t.asked_at, c.owner, c.owner_until
FROM unnest($1::text[]) AS q (user_id)
CROSS JOIN LATERAL (
    SELECT o.* FROM ticket o LEFT JOIN union_unit u ON u.id = o.unit_id
    WHERE o.state <> 'closed' AND (o.assignee IS NULL OR o.assignee = q.user_id)
      AND EXISTS (SELECT 1 FROM role_grant r WHERE r.user_id = q.user_id AND r.role = 'support' AND r.revoked_at IS NULL
                  AND (r.unit_id = 0 OR r.unit_id = ANY (u.path)))
    ORDER BY o.opened_at LIMIT 50) t
JOIN conversation c ON c.user_id = t.user_id
JOIN person p ON p.user_id = t.user_id
ORDER BY q.user_id, t.opened_at;

-- name: ticket_quoted
-- $1 user ids, $2 quoted message ids: the ticket that message belongs to.
SELECT q.user_id, r.worker_id, r.ticket_id, t.number
FROM unnest($1::text[], $2::text[]) AS q (user_id, msg_id)
JOIN ticket_relay r ON r.user_id = q.user_id
JOIN message m ON m.user_id = r.user_id AND m.id = r.id AND m.zalo_msg_id = q.msg_id
JOIN ticket t ON t.user_id = r.worker_id AND t.id = r.ticket_id
WHERE r.at > now() - interval '60 days';

-- name: duty_on
-- $1 user ids.
INSERT INTO duty (user_id) SELECT u FROM unnest($1::text[]) AS u ON CONFLICT DO NOTHING;

-- name: duty_off
-- $1 user ids.
DELETE FROM duty WHERE user_id = ANY ($1::text[]);

-- name: ticket_export
-- $1 at most so many, $2 $3 after this user id and id: pages in key order.  The talk: a line a message, with when, who and, where it
-- was no text, what; what happened to the ticket is in it too.
SELECT t.number, t.user_id, t.id, t.state, t.topic, t.question, t.step, t.opened_at, t.closed_at, coalesce(t.assignee_name, t.assignee),
       p.full_name, coalesce(u.name, p.unit_text), p.phone, i.code,
       (SELECT string_agg(to_char(m.at AT TIME ZONE 'Asia/Ho_Chi_Minh', 'DD/MM HH24:MI')
                          || CASE m.direction WHEN 'in' THEN ' < ' WHEN 'out' THEN ' > ' ELSE ' * ' END
                          || concat_ws(' ', m.text, CASE WHEN m.kind <> 'text' THEN '[' || m.kind || ']' END, '(' || m.failure || ')'),
                          E'\n' ORDER BY m.id)
        FROM ticket_message m WHERE m.user_id = t.user_id AND m.ticket_id = t.id),
       t.first_answer_min::text, t.slowest_answer_min::text
FROM ticket t
LEFT JOIN person p ON p.user_id = t.user_id
LEFT JOIN union_unit u ON u.id = p.unit_id
LEFT JOIN initiative i ON i.user_id = t.user_id AND i.id = t.initiative_id
WHERE (t.user_id, t.id) > ($2::text, $3::bigint)
ORDER BY t.user_id, t.id LIMIT $1::bigint;
