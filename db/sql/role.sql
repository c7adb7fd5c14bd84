-- Who may do what: invitations, grants, and the record of what was done with them.

-- name: grant_list
-- $1 user ids: the roles they hold now.
SELECT g.user_id, g.role, g.unit_id, u.name
FROM role_grant g LEFT JOIN union_unit u ON u.id = g.unit_id
WHERE g.user_id = ANY ($1::text[]) AND g.revoked_at IS NULL
ORDER BY g.user_id, g.granted_at, g.role, g.unit_id;

-- name: invite_take
-- $1 user ids, $2 hashes of codes.  Taken with the turn's commit or not at all; one that somebody else is using is gone.
WITH asked AS (
    SELECT DISTINCT ON (code_hash) code_hash, user_id FROM unnest($1::text[], $2::bytea[]) AS q (user_id, code_hash)
    ORDER BY code_hash, user_id COLLATE "C"
), free AS MATERIALIZED (
    SELECT i.code_hash FROM invite i JOIN asked a ON a.code_hash = i.code_hash
    WHERE i.expires_at > now() ORDER BY i.code_hash FOR UPDATE OF i SKIP LOCKED
)
DELETE FROM invite i USING asked a, free f
WHERE i.code_hash = f.code_hash AND a.code_hash = f.code_hash
RETURNING a.user_id, i.role, i.unit_id, (SELECT u.name FROM union_unit u WHERE u.id = i.unit_id), i.invited_by;

-- name: grant_add
-- $1 user ids, $2 roles, $3 unit ids, $4 by whom.
INSERT INTO role_grant (user_id, role, unit_id, granted_by)
SELECT v.user_id, v.role, v.unit_id, v.granted_by
FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[]) AS v (user_id, role, unit_id, granted_by)
ON CONFLICT (user_id, role, unit_id) DO UPDATE SET granted_by = excluded.granted_by, granted_at = now(), revoked_at = NULL;

-- name: audit_add
-- $1 who acted, $2 ids, $3 acts, $4 whom they concerned, $5 details (null: none).
INSERT INTO audit (user_id, id, action, about, detail)
SELECT v.user_id, v.id, v.action, v.about, coalesce(v.detail::jsonb, '{}')
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[]) AS v (user_id, id, action, about, detail);

-- name: invite_forget_old
-- $1 at most so many.
DELETE FROM invite WHERE ctid = ANY (ARRAY(SELECT ctid FROM invite WHERE expires_at < now() LIMIT $1::bigint));

-- ---- the command line ----

-- name: invite_add
-- $1 hash of the code, $2 role, $3 unit code (null: everywhere), $4 by whom, $5 id for the record, $6 hours.
-- No row: there is no such unit.
WITH place AS (
    SELECT id, name FROM union_unit WHERE code = $3::text UNION ALL SELECT 0, NULL WHERE $3::text IS NULL
), made AS (
    INSERT INTO invite (code_hash, role, unit_id, invited_by, expires_at)
    SELECT $1::bytea, $2::text, p.id, $4::text, now() + make_interval(hours => $6::bigint::int) FROM place p
    RETURNING role, unit_id, expires_at
), noted AS (
    INSERT INTO audit (user_id, id, action, detail)
    SELECT $4::text, $5::bigint, 'invite', jsonb_build_object('role', m.role, 'unit_id', m.unit_id::text) FROM made m
)
SELECT m.expires_at, p.name FROM made m JOIN place p ON p.id = m.unit_id;

-- name: role_list
-- $1 at most so many, behind $2 user id, $3 role and $4 unit id: the roles held now, with name and unit of who holds them.
SELECT g.user_id, g.role, g.unit_id, u.code, p.full_name, g.granted_at, g.granted_by
FROM role_grant g
LEFT JOIN person p ON p.user_id = g.user_id
LEFT JOIN union_unit u ON u.id = g.unit_id
WHERE g.revoked_at IS NULL AND (g.user_id, g.role, g.unit_id) > ($2::text, $3::text, $4::bigint)
ORDER BY g.user_id, g.role, g.unit_id LIMIT $1::bigint;

-- name: role_revoke
-- $1 user id, $2 role (null: all), $3 unit code (null: all units), $4 by whom, $5 id for the record.  The roles that ended.
-- Open tickets that this person may not see any more are told to the turns of those whose they are; organizers hear how many.
WITH ended AS (
    UPDATE role_grant g SET revoked_at = now()
    WHERE g.user_id = $1::text AND g.revoked_at IS NULL AND ($2::text IS NULL OR g.role = $2::text)
      AND ($3::text IS NULL OR g.unit_id = (SELECT id FROM union_unit WHERE code = $3::text))
    RETURNING g.role, g.unit_id
), noted AS (
    INSERT INTO audit (user_id, id, action, about, detail)
    SELECT $4::text, $5::bigint, 'revoke', $1::text,
           jsonb_build_object('roles', jsonb_agg(jsonb_build_object('role', e.role, 'unit_id', e.unit_id::text)))
    FROM ended e HAVING count(*) > 0
), left_alone AS (
    SELECT t.user_id, t.id, row_number() OVER (ORDER BY t.user_id, t.id) AS n FROM ticket t LEFT JOIN union_unit u ON u.id = t.unit_id
    WHERE t.assignee = $1::text AND t.state <> 'closed' AND EXISTS (SELECT FROM ended e WHERE e.role = 'support')
      AND NOT EXISTS (SELECT FROM role_grant g WHERE g.user_id = $1::text AND g.role = 'support' AND g.revoked_at IS NULL
                      AND (g.unit_id = 0 OR g.unit_id = ANY (u.path)) AND (g.role, g.unit_id) NOT IN (SELECT e.role, e.unit_id FROM ended e))
), told AS (
    INSERT INTO mailbox (user_id, id, kind, payload)
    SELECT l.user_id, $5::bigint + l.n, 'ticket_gone', jsonb_build_object('ticket', l.id::text, 'contact', $1::text, 'told', 'yes') FROM left_alone l
), chiefs AS (
    INSERT INTO mailbox (user_id, id, kind, payload)
    SELECT DISTINCT r.user_id, $5::bigint, 'ticket_news', jsonb_build_object('what', 'chief_gone', 'by', p.full_name, 'n', k.n::text)
    FROM (SELECT count(*) AS n FROM left_alone) k
    JOIN role_grant r ON r.role = 'organizer' AND r.revoked_at IS NULL AND r.unit_id = 0 AND r.user_id <> $1::text
    LEFT JOIN person p ON p.user_id = $1::text
    WHERE k.n > 0
)
SELECT e.role, e.unit_id FROM ended e ORDER BY e.role, e.unit_id;

-- name: audit_list
-- $1 the newest so many, $2 by or about this user id (null: everybody).
SELECT a.at, a.user_id, a.action, a.about, a.detail::text FROM audit a
WHERE $2::text IS NULL OR a.user_id = $2::text OR a.about = $2::text
ORDER BY a.at DESC, a.id DESC LIMIT $1::bigint;

-- ---- an erasure ----

-- name: erase_grants
-- $1 user ids.
DELETE FROM role_grant WHERE user_id = ANY ($1::text[]);

-- name: erase_audit
-- $1 user ids, $2 the key that stands for each: that it was done stays, by whom goes.
WITH v AS (SELECT v.user_id, 'erased-' || v.key AS key FROM unnest($1::text[], $2::text[]) AS v (user_id, key))
UPDATE audit a SET user_id = coalesce((SELECT v.key FROM v WHERE v.user_id = a.user_id), a.user_id),
       about = coalesce((SELECT v.key FROM v WHERE v.user_id = a.about), a.about)
WHERE a.user_id = ANY ($1::text[]) OR a.about = ANY ($1::text[]);
