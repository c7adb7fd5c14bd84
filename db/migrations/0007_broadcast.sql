-- Sending together: one pace for all nodes, and broadcasts.
--
-- send_pace is a time line: each call to Zalo has a moment of its own on it, a fixed step behind the one before.  A process
-- leases the next so many moments by moving next_at; first_at and calls are what the newest lease got.  One row per app, written
-- a few times a second and not per call.  A reference table, like send_process (who sends at all, for the share without a database).

CREATE TABLE send_pace (
    app_id   text PRIMARY KEY,
    next_at  timestamptz NOT NULL DEFAULT now(),
    first_at timestamptz NOT NULL DEFAULT now(),
    calls    bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
CREATE TABLE send_process (
    process text PRIMARY KEY,
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- A message to many.  draft -> (waiting) -> freezing -> sending -> done, or cancelled from any of them; paused_at halts it in
-- any state.  waiting: for a second person or for start_at.  Recipients are fixed when freezing ends.
CREATE SEQUENCE broadcast_number;
CREATE TABLE broadcast (
    id            bigint PRIMARY KEY DEFAULT nextval('broadcast_number'),
    segment       text NOT NULL,                    -- whom, as written (handlers/segment.h)
    scope_unit    bigint NOT NULL DEFAULT 0,        -- only this subtree, whatever the segment says; 0: everybody
    parent_id     bigint REFERENCES broadcast (id), -- whose failed deliveries this one repeats, instead of a segment
    body          text NOT NULL,                    -- with placeholders (handlers/broadcast_text.h)
    buttons       text NOT NULL DEFAULT '',         -- actions, blanks between
    template_id   text,                             -- reaches those who were silent longer than a week
    template_data text,
    free_only     boolean NOT NULL DEFAULT false,
    state         text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'waiting', 'freezing', 'sending', 'done', 'cancelled')),
    start_at      timestamptz,                      -- not before
    hold_until    timestamptz,                      -- nor before this, unless a second person confirms
    paused_at     timestamptz,
    pause_reason  text,
    created_by    text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now(),
    started_by    text,
    confirmed_by  text,
    sending_at    timestamptz,
    ended_at      timestamptz,
    CHECK (confirmed_by <> started_by)
);

-- A range of user ids, from_id to last_id: frozen, then sent, under a lease.  due_at: may be taken from then on; taken, it is the
-- end of the lease, and fence grows.  Rows of the range up to marked_id are on the wire or settled; those behind are untouched.
-- Ranges and not hashes of ids: freezing reads people by the primary key, a range at a time.
CREATE TABLE broadcast_chunk (
    broadcast_id bigint NOT NULL REFERENCES broadcast (id),
    chunk        integer NOT NULL,
    from_id      text NOT NULL,
    last_id      text NOT NULL,
    state        text NOT NULL DEFAULT 'freeze' CHECK (state IN ('freeze', 'send', 'done')),
    due_at       timestamptz NOT NULL DEFAULT now(),
    owner        text,
    fence        bigint NOT NULL DEFAULT 0,
    marked_id    text NOT NULL DEFAULT '',
    PRIMARY KEY (broadcast_id, chunk)
) WITH (fillfactor = 50);

-- The ledger: a row for each recipient, from the freeze to the end.  What changes stands side by side and is not indexed, so an
-- update stays in its page and writes only that.  waiting and not above its chunk's marked_id: on the wire.
CREATE TABLE delivery (
    user_id      text NOT NULL,
    broadcast_id bigint NOT NULL,
    chunk        integer NOT NULL,
    by_template  boolean NOT NULL DEFAULT false,    -- text is the data of the broadcast's template then
    text         text,                              -- rendered; null: the broadcast's body, which has no placeholders
    state        text NOT NULL DEFAULT 'waiting' CHECK (state IN
                   ('waiting', 'sent', 'received', 'seen', 'failed', 'skipped', 'cancelled', 'unknown')),
    at           timestamptz,                       -- of leaving "waiting"
    charged      boolean,
    message_id   text,
    reason       text,                              -- of failed and skipped
    PRIMARY KEY (user_id, broadcast_id)
) WITH (fillfactor = 60);
CREATE INDEX delivery_chunk ON delivery (broadcast_id, chunk, user_id);
CREATE INDEX delivery_unknown ON delivery (at) WHERE state = 'unknown'; -- few: what a crash leaves

-- Automatic reminders said in the talk itself; they count like a broadcast's.
CREATE TABLE nudge (
    user_id text NOT NULL,
    id      bigint NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('draft', 'returned', 'wave')),
    about   bigint NOT NULL DEFAULT 0,
    at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, id)
);

-- How often somebody heard of us unasked within a week.
CREATE FUNCTION reminders_this_week(who text) RETURNS TABLE (reminders bigint) LANGUAGE sql STABLE AS $$
    SELECT (SELECT count(*) FROM delivery d WHERE d.user_id = who AND d.state IN ('sent', 'received', 'seen', 'unknown')
                                              AND d.at > now() - interval '7 days')
         + (SELECT count(*) FROM nudge n WHERE n.user_id = who AND n.at > now() - interval '7 days')
$$;

-- Whom a broadcast is for and whether it can reach them: the one query behind its count, its preview and its freeze.
--   kinds, args  the conditions of the segment, at most six; truth: bit n tells whether the segment holds when those of the
--                conditions hold whose bits are set in n (handlers/segment.h)
--   parent       not 0: those to whom that broadcast failed, whatever the segment says
--   cap          reminders a week at most
-- reach: free (wrote within 48 hours), charged (within 7 days), silent (longer ago) or never; opted_out, with_support or capped
-- before any of these.
CREATE FUNCTION broadcast_audience(kinds text[], args text[], truth bigint, scope bigint, parent bigint, cap bigint, from_id text, last_id text)
RETURNS TABLE (user_id text, reach text, full_name text, unit_name text, title text, initiatives bigint) LANGUAGE sql STABLE AS $$
    SELECT p.user_id,
           CASE WHEN p.opted_out_at IS NOT NULL THEN 'opted_out'
                WHEN c.owner <> 'bot' AND (c.owner_until IS NULL OR c.owner_until > now()) THEN 'with_support'
                WHEN (SELECT w.reminders FROM reminders_this_week(p.user_id) w) >= cap THEN 'capped'
                WHEN p.last_inbound_at > now() - interval '48 hours' THEN 'free'
                WHEN p.last_inbound_at > now() - interval '7 days' THEN 'charged'
                WHEN p.last_inbound_at IS NULL THEN 'never'
                ELSE 'silent' END,
           p.full_name, coalesce(u.name, p.unit_text),
           coalesce(c.draft #>> '{draft,title}',
                    (SELECT i.title FROM initiative i WHERE i.user_id = p.user_id AND i.status = 'returned' ORDER BY i.id DESC LIMIT 1)),
           (SELECT count(*) FROM initiative i WHERE i.user_id = p.user_id AND i.status <> 'withdrawn')
    FROM person p
    JOIN conversation c ON c.user_id = p.user_id
    LEFT JOIN union_unit u ON u.id = p.unit_id
    WHERE p.user_id BETWEEN from_id AND last_id
      AND (scope = 0 OR u.path @> ARRAY[scope])
      AND (parent = 0 OR EXISTS (SELECT FROM delivery d WHERE d.user_id = p.user_id AND d.broadcast_id = parent AND d.state = 'failed'))
      AND (truth >> coalesce((
              SELECT sum(1 << (a.n - 1)::int)::int FROM unnest(kinds, args) WITH ORDINALITY AS a (kind, arg, n)
              WHERE CASE a.kind
                    WHEN 'everybody' THEN true
                    WHEN 'registered' THEN p.consent_at IS NOT NULL AND p.full_name IS NOT NULL AND (p.unit_id IS NOT NULL OR p.unit_text IS NOT NULL)
                    WHEN 'initiative' THEN EXISTS (SELECT FROM initiative i WHERE i.user_id = p.user_id AND i.status <> 'withdrawn')
                    WHEN 'draft' THEN c.draft #>> '{draft,title}' IS NOT NULL OR EXISTS (SELECT FROM draft d WHERE d.user_id = p.user_id)
                    WHEN 'returned' THEN EXISTS (SELECT FROM initiative i WHERE i.user_id = p.user_id AND i.status = 'returned')
                    WHEN 'silent' THEN p.last_inbound_at IS NULL OR p.last_inbound_at < now() - make_interval(days => a.arg::int)
                    WHEN 'unit' THEN u.path @> ARRAY(SELECT t.id FROM union_unit t WHERE t.code = a.arg) AND EXISTS (
                        SELECT FROM union_unit t WHERE t.code = a.arg)
                    WHEN 'role' THEN EXISTS (SELECT FROM role_grant g WHERE g.user_id = p.user_id AND g.role = a.arg AND g.revoked_at IS NULL)
                    END), 0)) & 1 = 1
$$;
