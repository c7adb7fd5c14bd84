-- People, conversations, initiatives, the outbox and the token: everything one registration touches.
--
-- Every table that grows with people has user_id first in its primary key and in each unique index, so the schema can be
-- distributed by user_id.  Ids are made by the application (time, node, counter) and carry no order that matters.
-- Times are timestamptz; ids from Zalo are text.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TABLE union_unit (
    id          bigint PRIMARY KEY,
    code        text UNIQUE,
    name        text NOT NULL,
    name_key    text NOT NULL DEFAULT '',           -- folded by the application, for matching what people type
    parent_id   bigint REFERENCES union_unit (id),
    level       smallint NOT NULL CHECK (level BETWEEN 0 AND 9),
    kind        text NOT NULL DEFAULT 'grassroots_unit',
    cluster     text,
    members     integer,
    valid_from  date,
    valid_to    date,
    CHECK (valid_to IS NULL OR valid_from IS NULL OR valid_to > valid_from)
);
CREATE TABLE unit_alias (
    unit_id   bigint NOT NULL REFERENCES union_unit (id) ON DELETE CASCADE,
    alias     text NOT NULL,
    alias_key text NOT NULL DEFAULT '',
    PRIMARY KEY (unit_id, alias)
);
CREATE INDEX union_unit_key ON union_unit USING gin (name_key gin_trgm_ops);
CREATE INDEX unit_alias_key ON unit_alias USING gin (alias_key gin_trgm_ops);

CREATE TABLE person (
    user_id          text PRIMARY KEY CHECK (length(user_id) BETWEEN 1 AND 128),
    full_name        text,
    name_key         text,                          -- folded full name: finds a named co-author in the same unit
    phone            text,
    unit_id          bigint REFERENCES union_unit (id),
    unit_text        text,
    follows          boolean NOT NULL DEFAULT false,
    opted_out_at     timestamptz,
    consent_at       timestamptz,
    consent_version  text,
    last_inbound_at  timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX person_unit_name ON person (unit_id, name_key) WHERE name_key IS NOT NULL;

CREATE TABLE role_grant (
    user_id    text NOT NULL,
    role       text NOT NULL CHECK (role IN ('support', 'reviewer', 'unit_admin', 'organizer')),
    unit_id    bigint NOT NULL DEFAULT 0,           -- 0: everywhere
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT now(),
    revoked_at timestamptz,
    PRIMARY KEY (user_id, role, unit_id)
);

-- fillfactor leaves room for updates in place: every turn rewrites its row.
CREATE TABLE conversation (
    user_id       text PRIMARY KEY,
    state         text NOT NULL DEFAULT 'menu',
    draft         jsonb NOT NULL DEFAULT '{}',
    owner         text NOT NULL DEFAULT 'bot',
    owner_until   timestamptz,
    last_event_at timestamptz,
    version       bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 60);

CREATE TABLE draft (
    user_id    text NOT NULL,
    id         bigint NOT NULL,
    body       jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);

CREATE TABLE event (
    user_id   text NOT NULL,
    event_key bytea NOT NULL CHECK (length(event_key) = 16),
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, event_key)
);

-- For housekeeping, like message_at and echo_at.  BRIN: rows come in order of time, and it costs a turn nothing.
CREATE INDEX event_at ON event USING brin (at) WITH (pages_per_range = 16);

CREATE TABLE dead_event (
    user_id   text NOT NULL,
    event_key bytea NOT NULL,
    body      bytea NOT NULL,
    error     text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, event_key)
);

CREATE TABLE mailbox (
    user_id    text NOT NULL,
    id         bigint NOT NULL,
    kind       text NOT NULL,
    payload    jsonb NOT NULL DEFAULT '{}',
    not_before timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);
CREATE INDEX mailbox_due ON mailbox (not_before);

-- The transcript.  A reply that could not be delivered is a row with its failure.
CREATE TABLE message (
    user_id      text NOT NULL,
    id           bigint NOT NULL,
    at           timestamptz NOT NULL DEFAULT now(),
    origin       text NOT NULL CHECK (origin IN ('person', 'bot', 'staff', 'admin')),
    kind         text NOT NULL,
    text         text,
    zalo_msg_id  text,
    quote_msg_id text,
    failure      text,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX message_at ON message USING brin (at) WITH (pages_per_range = 16);

-- due_at is the moment from which somebody may take the row: a lease runs until then (owner set), a collected or
-- retried reply waits until then (owner null).  fence grows with every claim; a result is written only under its fence.
CREATE TABLE outbox (
    user_id      text NOT NULL,
    id           bigint NOT NULL,
    text         text NOT NULL,
    buttons      jsonb,
    class        smallint NOT NULL DEFAULT 0,
    collapse_key text,
    quote_msg_id text,
    anonymous_conversation_id text,
    due_at       timestamptz NOT NULL,
    owner        text,
    fence        bigint NOT NULL DEFAULT 0,
    attempts     integer NOT NULL DEFAULT 0,
    expires_at   timestamptz NOT NULL,
    last_error   text,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX outbox_due ON outbox (due_at);

-- What the OA was seen to send (oa_send_* events), kept a day: confirms sends, settles unknown outcomes.
CREATE TABLE echo (
    user_id  text NOT NULL,
    msg_id   text NOT NULL,
    at       timestamptz NOT NULL,
    admin_id text,
    text     text,
    PRIMARY KEY (user_id, msg_id)
);
CREATE INDEX echo_at ON echo USING brin (at) WITH (pages_per_range = 16);

CREATE TABLE initiative (
    user_id            text NOT NULL,
    id                 bigint NOT NULL,
    code               text NOT NULL,
    title              text,                        -- null after an erasure, like all words of the person
    description        text,
    annual_benefit_vnd bigint CHECK (annual_benefit_vnd >= 0),
    benefit_kind       text NOT NULL CHECK (benefit_kind IN ('money', 'nonmonetary', 'unknown')),
    benefit_text       text,
    checked_benefit_vnd    bigint CHECK (checked_benefit_vnd >= 0),
    recognised_benefit_vnd bigint CHECK (recognised_benefit_vnd >= 0),
    unit_id            bigint REFERENCES union_unit (id),
    unit_text          text,
    solution_kind      text CHECK (solution_kind IN ('technical', 'management', 'operational', 'tech_application')),
    sector             text,
    applied_on         date,
    confidential       boolean NOT NULL DEFAULT false,
    status             text NOT NULL DEFAULT 'submitted' CHECK (status IN
                         ('submitted', 'returned', 'valid', 'duplicate', 'refused', 'recognised', 'withdrawn')),
    review_note        text,
    submitted_at       timestamptz NOT NULL,
    updated_at         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id),
    CHECK ((benefit_kind = 'money') = (annual_benefit_vnd IS NOT NULL))
);
CREATE INDEX initiative_code ON initiative (code);
CREATE INDEX initiative_unit ON initiative (unit_id, submitted_at);

CREATE TABLE initiative_revision (
    user_id       text NOT NULL,
    id            bigint NOT NULL,
    initiative_id bigint NOT NULL,
    at            timestamptz NOT NULL DEFAULT now(),
    field         text NOT NULL,
    old_value     text,
    new_value     text,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, initiative_id) REFERENCES initiative (user_id, id)
);

CREATE TABLE initiative_author (
    user_id        text NOT NULL,
    initiative_id  bigint NOT NULL,
    id             bigint NOT NULL,
    name           text,
    author_user_id text,
    share_pct      smallint NOT NULL CHECK (share_pct BETWEEN 0 AND 100),
    consent        text NOT NULL DEFAULT 'unknown' CHECK (consent IN ('asked', 'yes', 'no', 'unknown')),
    PRIMARY KEY (user_id, initiative_id, id),
    FOREIGN KEY (user_id, initiative_id) REFERENCES initiative (user_id, id)
);
CREATE INDEX initiative_author_person ON initiative_author (author_user_id) WHERE author_user_id IS NOT NULL; -- for an erasure

-- initiative_id is the draft's id before the initiative exists, so no foreign key.
CREATE TABLE evidence (
    user_id       text NOT NULL,
    id            bigint NOT NULL,
    initiative_id bigint NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('image', 'file', 'audio', 'video', 'gif')),
    url           text,
    name          text,
    size_bytes    bigint,
    msg_id        text,
    at            timestamptz NOT NULL DEFAULT now(),
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'stored', 'failed')),
    due_at        timestamptz,                      -- next try; null when settled
    attempts      integer NOT NULL DEFAULT 0,
    sha256        bytea,
    path          text,                             -- below evidence.path
    error         text,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX evidence_due ON evidence (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX evidence_initiative ON evidence (user_id, initiative_id);

-- Files whose row is gone; removed from the evidence store by the next sweep.
CREATE TABLE file_removal (
    path text PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT now()
);

CREATE SEQUENCE ticket_number;
CREATE TABLE ticket (
    user_id       text NOT NULL,
    id            bigint NOT NULL,
    number        bigint NOT NULL DEFAULT nextval('ticket_number'),
    state         text NOT NULL DEFAULT 'new' CHECK (state IN ('new', 'assigned', 'waiting', 'snoozed', 'closed')),
    topic         text NOT NULL,
    question      text,
    step          text,
    initiative_id bigint,
    assignee      text,
    opened_at     timestamptz NOT NULL DEFAULT now(),
    closed_at     timestamptz,
    PRIMARY KEY (user_id, id)
);
CREATE TABLE ticket_message (
    user_id   text NOT NULL,
    id        bigint NOT NULL,
    ticket_id bigint NOT NULL,
    direction text NOT NULL CHECK (direction IN ('in', 'out')),
    at        timestamptz NOT NULL DEFAULT now(),
    text      text,
    msg_id    text,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, ticket_id) REFERENCES ticket (user_id, id)
);

-- One row per OA.  Tokens are sealed with zalo.token_key (AES-256-GCM, the OA id as additional data).
CREATE TABLE oa_token (
    oa_id         text PRIMARY KEY,
    access_token  bytea NOT NULL,
    refresh_token bytea NOT NULL,
    expires_at    timestamptz NOT NULL,
    refresh_at    timestamptz NOT NULL,
    generation    bigint NOT NULL DEFAULT 1,
    lease_owner   text,
    lease_until   timestamptz,
    needs_consent boolean NOT NULL DEFAULT false,
    updated_at    timestamptz NOT NULL DEFAULT now()
);

-- Values of this installation that must outlive it: the key of the receipt codes.
CREATE TABLE installation (
    name  text PRIMARY KEY,
    value bytea NOT NULL
);
CREATE SEQUENCE receipt_block;  -- each value stands for 64 receipt numbers, taken by one process

CREATE TABLE erasure (
    user_key bytea PRIMARY KEY,                     -- SHA-256 of the id: to erase again after a restored backup
    at       timestamptz NOT NULL DEFAULT now()
);
