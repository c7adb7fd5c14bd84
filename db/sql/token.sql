-- One row per OA; tokens are sealed.  Every change grows the generation.

-- name: token_get
-- $1 OA id.  The last column: seconds on the database's clock, so that nodes with a wrong clock agree.
SELECT access_token, refresh_token, expires_at, refresh_at, generation, lease_owner, lease_until > now(), needs_consent,
       (extract(epoch FROM expires_at - now()) * 1000)::bigint, (extract(epoch FROM refresh_at - now()) * 1000)::bigint,
       held_at IS NOT NULL
FROM oa_token WHERE oa_id = $1;

-- name: token_first
-- $1 OA id, $2 access token, $3 refresh token, $4 lifetime in ms.  Only when there is no row yet.
INSERT INTO oa_token (oa_id, access_token, refresh_token, expires_at, refresh_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4::bigint / 1000.0), now() + make_interval(secs => $4::bigint / 2000.0))
ON CONFLICT DO NOTHING;

-- name: token_set
-- The operator's own pair: $1 OA id, $2 access token, $3 refresh token, $4 lifetime in ms.
INSERT INTO oa_token (oa_id, access_token, refresh_token, expires_at, refresh_at)
VALUES ($1, $2, $3, now() + make_interval(secs => $4::bigint / 1000.0), now() + make_interval(secs => $4::bigint / 2000.0))
ON CONFLICT (oa_id) DO UPDATE SET access_token = excluded.access_token, refresh_token = excluded.refresh_token,
    expires_at = excluded.expires_at, refresh_at = excluded.refresh_at, generation = oa_token.generation + 1,
    lease_owner = NULL, lease_until = NULL, needs_consent = false, updated_at = now();

-- name: token_lease
-- $1 OA id, $2 generation, $3 this process, $4 lease in ms.  One row back: the refresh is ours to do.
UPDATE oa_token SET lease_owner = $3, lease_until = now() + make_interval(secs => $4::bigint / 1000.0)
WHERE oa_id = $1 AND generation = $2 AND (lease_until IS NULL OR lease_until < now() OR lease_owner = $3)
RETURNING generation;

-- name: token_renewed
-- $1 OA id, $2 the generation refreshed, $3 access token, $4 refresh token, $5 lifetime in ms, $6 1: the row was older than it can
-- be, the database was restored: from here on nothing is sent.  One row back: written.
UPDATE oa_token SET access_token = $3, refresh_token = $4, expires_at = now() + make_interval(secs => $5::bigint / 1000.0),
    refresh_at = now() + make_interval(secs => $5::bigint / 2000.0), generation = generation + 1, lease_owner = NULL, lease_until = NULL,
    needs_consent = false, updated_at = now(), held_at = CASE WHEN $6::bigint <> 0 THEN now() ELSE held_at END
WHERE oa_id = $1 AND generation = $2
RETURNING generation;

-- name: token_refresh_failed
-- $1 OA id, $2 generation, $3 next try in ms, $4 does it need a new consent?
UPDATE oa_token SET refresh_at = now() + make_interval(secs => $3::bigint / 1000.0), lease_owner = NULL, lease_until = NULL,
    needs_consent = $4::bigint <> 0
WHERE oa_id = $1 AND generation = $2;

-- name: token_abandoned
-- $1 OA id, $2 a process that is gone: its lease ends now.  The owner stays, so that whoever is next can say whose refresh it was.
UPDATE oa_token SET lease_until = now() WHERE oa_id = $1 AND lease_owner = $2 AND lease_until > now();

-- name: token_release
-- $1 OA id.  A row back: it was held.
UPDATE oa_token SET held_at = NULL WHERE oa_id = $1 AND held_at IS NOT NULL RETURNING oa_id;
