-- name: ticket_add
-- $1 user ids, $2 ids, $3 topics, $4 questions, $5 steps, $6 initiative ids.
INSERT INTO ticket (user_id, id, topic, question, step, initiative_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[]);

-- name: ticket_message_add
-- $1 user ids, $2 ids, $3 ticket ids, $4 directions, $5 texts, $6 message ids.
INSERT INTO ticket_message (user_id, id, ticket_id, direction, text, msg_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[]);

-- name: ticket_open
-- $1 user ids: the newest that is not closed.
SELECT DISTINCT ON (t.user_id) t.user_id, t.id, t.state, t.topic, t.question, t.step, t.initiative_id, t.opened_at
FROM ticket t WHERE t.user_id = ANY ($1::text[]) AND t.state <> 'closed'
ORDER BY t.user_id, t.opened_at DESC;

-- name: ticket_export
-- $1 at most so many, $2 $3 after this user id and id: pages in key order.
SELECT t.number, t.user_id, t.id, t.state, t.topic, t.question, t.step, t.opened_at, t.closed_at, t.assignee,
       p.full_name, coalesce(u.name, p.unit_text), p.phone, i.code,
       (SELECT string_agg(m.text, E'\n' ORDER BY m.id) FROM ticket_message m WHERE m.user_id = t.user_id AND m.ticket_id = t.id)
FROM ticket t
LEFT JOIN person p ON p.user_id = t.user_id
LEFT JOIN union_unit u ON u.id = p.unit_id
LEFT JOIN initiative i ON i.user_id = t.user_id AND i.id = t.initiative_id
WHERE (t.user_id, t.id) > ($2::text, $3::bigint)
ORDER BY t.user_id, t.id LIMIT $1::bigint;
