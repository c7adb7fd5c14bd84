-- Roles: one-time codes that give them, and the record of every privileged act.
--
-- Who holds a role is read from role_grant (0001) in the transaction of the act itself, so a revoked role ends at once.

-- A code is kept as its SHA-256 only.  Whoever uses it takes the row away with the same commit that grants the role.
CREATE TABLE invite (
    code_hash  bytea PRIMARY KEY CHECK (length(code_hash) = 32),
    role       text NOT NULL CHECK (role IN ('support', 'reviewer', 'unit_admin', 'organizer')),
    unit_id    bigint NOT NULL DEFAULT 0,           -- 0: everywhere
    invited_by text NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK (role <> 'unit_admin' OR unit_id <> 0)
);

-- user_id is who acted: a person, or "cli:LOGIN" at the command line.
CREATE TABLE audit (
    user_id text NOT NULL,
    id      bigint NOT NULL,
    at      timestamptz NOT NULL DEFAULT now(),
    action  text NOT NULL,
    about   text,                                   -- the person the act concerned
    detail  jsonb NOT NULL DEFAULT '{}',            -- ids and words of the program, nobody's text
    PRIMARY KEY (user_id, id)
);
CREATE INDEX audit_at ON audit (at);
CREATE INDEX audit_about ON audit (about) WHERE about IS NOT NULL; -- for an erasure
