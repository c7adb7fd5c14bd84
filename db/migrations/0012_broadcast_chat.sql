-- Broadcasts from the chat: who may do something with which.

-- An organizer or unit admin has to do with the broadcasts that go to his own subtree, and to no one outside it; an organizer of
-- all units with every one.
CREATE FUNCTION broadcast_reaches(who text, scope bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT FROM role_grant g
                   WHERE g.user_id = who AND g.role IN ('organizer', 'unit_admin') AND g.revoked_at IS NULL
                     AND (g.unit_id = 0 OR g.unit_id = ANY (SELECT unnest(u.path) FROM union_unit u WHERE u.id = scope)))
$$;
