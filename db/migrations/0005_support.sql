-- Questions as tickets: who answers them, when, and which message of whose chat belongs to which.
--
-- A ticket and what was said in it belong to the worker who asked and are written in that worker's own turns only, so two contacts
-- cannot race (design 4).  What a contact does reaches them as mail.

ALTER TABLE ticket DROP CONSTRAINT ticket_state_check;
ALTER TABLE ticket ADD CONSTRAINT ticket_state_check
    CHECK (state IN ('new', 'assigned', 'waiting', 'snoozed', 'reopened', 'closed'));
ALTER TABLE ticket
    ADD COLUMN unit_id       bigint NOT NULL DEFAULT 0, -- the worker's when it was opened; 0: none that is known
    ADD COLUMN previous_id   bigint,                    -- the closed one it goes on with
    ADD COLUMN assignee_name text,
    ADD COLUMN passed        text NOT NULL DEFAULT '',  -- contacts who do not get it again: ids between blanks
    ADD COLUMN asked_at      timestamptz,               -- the oldest thing the worker said that nobody has answered; null: nothing waits
    ADD COLUMN first_answer_at timestamptz,
    ADD COLUMN first_answer_min integer,                -- in staff hours
    ADD COLUMN slowest_answer_min integer,              -- the longest wait for a further answer, in staff hours
    ADD COLUMN answered_at   timestamptz,
    ADD COLUMN contact_at    timestamptz,               -- the contact did something
    ADD COLUMN snoozed_until timestamptz,
    ADD COLUMN told_at       timestamptz,               -- organizers know that nobody is there for it
    ADD COLUMN overdue_at    timestamptz,               -- escalated, once for each wait
    ADD COLUMN warned_at     timestamptz,               -- the contact knows that the conversation goes back
    ADD COLUMN tick_at       timestamptz;               -- the mail that looks after it next
UPDATE ticket SET asked_at = opened_at WHERE state <> 'closed';
CREATE INDEX ticket_by_number ON ticket (number);
CREATE INDEX ticket_by_assignee ON ticket (assignee) WHERE state <> 'closed';
CREATE INDEX ticket_by_answer ON ticket (first_answer_at) WHERE first_answer_at IS NOT NULL;

ALTER TABLE ticket_message DROP CONSTRAINT ticket_message_direction_check;
ALTER TABLE ticket_message ADD CONSTRAINT ticket_message_direction_check CHECK (direction IN ('in', 'out', 'note'));
ALTER TABLE ticket_message
    ADD COLUMN author  text,                            -- the contact's id or "admin:ID"; null: the worker
    ADD COLUMN kind    text NOT NULL DEFAULT 'text',
    ADD COLUMN url     text,
    ADD COLUMN failure text;                            -- it was said and did not arrive

-- A reply (outbox, then message: same key) that carries one person's words to another.
CREATE TABLE ticket_relay (
    user_id   text NOT NULL,                            -- to whom
    id        bigint NOT NULL,
    worker_id text NOT NULL,                            -- whose ticket
    ticket_id bigint NOT NULL,
    contact   text NOT NULL,
    at        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);
CREATE INDEX ticket_relay_worker ON ticket_relay (worker_id); -- for an erasure
CREATE INDEX mailbox_worker ON mailbox ((payload->>'worker')) WHERE payload->>'worker' IS NOT NULL; -- likewise

-- Contacts who answer now.
CREATE TABLE duty (
    user_id text PRIMARY KEY,
    since   timestamptz NOT NULL DEFAULT now()
);

-- A picture that a reply shows: sent by its address.
ALTER TABLE outbox ADD COLUMN image_url text;
