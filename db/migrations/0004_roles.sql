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

-- Written for the person by somebody of the support; null: by the person.  Counts only since the person has sent it.
ALTER TABLE initiative ADD COLUMN created_by text;
CREATE INDEX initiative_created_by ON initiative (created_by) WHERE created_by IS NOT NULL; -- for an erasure

-- Answers that are given again and again, of this installation, not of one contact.
CREATE TABLE canned_answer (
    id         bigint PRIMARY KEY,
    name       text NOT NULL,
    name_key   text NOT NULL UNIQUE,                -- folded by the application
    text       text NOT NULL,                       -- with {ten}, {don_vi} ... for what the answer is about
    text_key   text NOT NULL,
    created_by text NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Which question was answered with which: a similar one is offered the same.  Folded words of a person, erased with him.
CREATE TABLE canned_question (
    user_id      text NOT NULL,
    ticket_id    bigint NOT NULL,
    answer_id    bigint NOT NULL REFERENCES canned_answer (id) ON DELETE CASCADE,
    question_key text NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, ticket_id, answer_id)
);
CREATE INDEX canned_question_key ON canned_question USING gin (question_key gin_trgm_ops);
CREATE INDEX canned_question_answer ON canned_question (answer_id);
