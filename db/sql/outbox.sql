-- Replies on their way.  due_at: the moment from which somebody may take the row (see the table's comment).

-- name: outbox_add
-- $1 user ids, $2 ids, $3 texts, $4 buttons, $5 classes, $6 collapse keys, $7 quoted ids, $8 anonymous conversations,
-- $9 due in ms, $10 owners (null: unclaimed), $11 expiry in ms, $12 pictures, $13 files, $14 answers.  Leases run on the database's clock.
INSERT INTO outbox (user_id, id, text, buttons, class, collapse_key, quote_msg_id, anonymous_conversation_id, due_at, owner, expires_at,
                    image_url, file_token, answers)
SELECT user_id, id, text, buttons::json, class, collapse_key, quote_msg_id, anonymous_conversation_id,
       now() + make_interval(secs => due_ms / 1000.0), owner, now() + make_interval(secs => expires_ms / 1000.0), image_url, file_token, answers
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[],
            $9::bigint[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::boolean[])
     AS v (user_id, id, text, buttons, class, collapse_key, quote_msg_id, anonymous_conversation_id, due_ms, owner, expires_ms, image_url, file_token, answers);

-- name: outbox_drop_collected
-- $1 user ids.  An answer at once replaces the collected ones nobody has claimed.
DELETE FROM outbox WHERE user_id = ANY ($1::text[]) AND collapse_key IS NOT NULL AND owner IS NULL;

-- name: outbox_merge
-- $1 user ids.  Replies exceed the pace: the answer that is about to be added says where the talk is, so those before it are not sent
-- unless somebody has begun to.  The transcript says so.  Courtesies go with them.
WITH gone AS (
    DELETE FROM outbox
    WHERE user_id = ANY ($1::text[]) AND owner IS NULL AND attempts = 0 AND collapse_key IS NULL AND (answers OR class = 2)
    RETURNING user_id, id, text, quote_msg_id)
INSERT INTO message (user_id, id, origin, kind, text, quote_msg_id, failure)
SELECT user_id, id, 'bot', 'text', text, quote_msg_id, 'a newer answer took its place' FROM gone
ON CONFLICT DO NOTHING;

-- name: outbox_drop_unclaimed
-- $1 user ids.  A person takes the conversation: what the bot has not begun to send is not sent.  Receipts and verdicts are, and
-- what people said.
DELETE FROM outbox WHERE user_id = ANY ($1::text[]) AND owner IS NULL AND class IN (0, 2);

-- name: outbox_claim_due
-- $1 this process, $2 lease in ms, $3 of at most so many people.  Delayed, retried and abandoned rows, unless an older reply
-- of that person is still on its way.  Who gets a person's oldest row gets all that are due: two processes that look at
-- the same moment never share a person, so order holds over all of them.  The last column: an echo says that Zalo has
-- sent it already (a try whose answer was lost, a process that died before it wrote the result).  Not for a collected reply
-- that nobody has taken yet, nor by the echo of another reply; an id begins with the milliseconds since 2020 when the reply
-- was made, and clocks may differ by some seconds.  The column before it: somebody may have sent it without writing that down.
-- Behind it: a person has the conversation, so the bot's prompts are not for now, or what a contact said is not his to say any more:
-- since then the worker has left him, or somebody else has taken over; or the bot's own word about who answers is true no more.  Of one
-- person's turns the later has the later now().  outbox_silenced asks the same of what is in hand.
-- The picture; why it was given back last; the file.
-- (OFFSET 0: by the person's key.  Joined instead, by a plan that was made while the table was empty, each row of a crowd is compared
-- with all of them: half a second instead of three milliseconds.)
WITH head AS (
    SELECT d.user_id, d.id FROM outbox d
    WHERE d.due_at <= now()
      AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.user_id = d.user_id AND b.id < d.id
                      AND (b.due_at <= now() OR b.owner IS NOT NULL OR b.collapse_key IS NULL) OFFSET 0)
    ORDER BY d.due_at LIMIT $3::bigint FOR UPDATE SKIP LOCKED)
UPDATE outbox o
SET owner = $1, fence = o.fence + 1, due_at = now() + make_interval(secs => $2::bigint / 1000.0)
WHERE o.ctid = ANY (ARRAY( -- person by person, not by way of all that is due: on a bad day that is much
    SELECT due.ctid FROM head h
    CROSS JOIN LATERAL (
        SELECT f.ctid FROM outbox f
        WHERE f.user_id = h.user_id AND f.id >= h.id AND f.due_at <= now()
          AND NOT EXISTS (SELECT 1 FROM outbox b WHERE b.user_id = f.user_id AND b.id < f.id AND b.due_at > now()
                          AND (b.owner IS NOT NULL OR b.collapse_key IS NULL) OFFSET 0)
        OFFSET 0) due))
RETURNING o.user_id, o.id, o.text, o.buttons, o.class, o.quote_msg_id, o.anonymous_conversation_id, o.fence, o.attempts,
          o.expires_at <= now(),
          o.attempts > 0 OR (SELECT w.owner IS NOT NULL FROM outbox w WHERE w.user_id = o.user_id AND w.id = o.id), -- as it was before
          CASE WHEN o.file_token IS NULL AND (o.collapse_key IS NULL OR o.fence > 1 OR o.attempts > 0) THEN ( -- a file comes behind its text
              SELECT e.msg_id FROM echo e
              WHERE e.user_id = o.user_id AND e.admin_id IS NULL AND e.text = o.text
                AND e.at > to_timestamp(((o.id >> 22) + 1577836800000 - 5000) / 1000.0)
                AND NOT EXISTS (SELECT 1 FROM message m WHERE m.user_id = e.user_id AND m.zalo_msg_id = e.msg_id)
              ORDER BY e.at LIMIT 1) END,
          CASE WHEN o.class IN (0, 2) THEN EXISTS (SELECT FROM conversation c WHERE c.user_id = o.user_id AND c.owner <> 'bot' AND c.owner_until > now())
               ELSE EXISTS (
                   SELECT FROM ticket_relay r JOIN ticket_message n ON n.user_id = r.user_id AND n.ticket_id = r.ticket_id AND n.at > r.at
                   WHERE r.user_id = o.user_id AND r.id = o.id AND r.worker_id = o.user_id AND n.user_id = o.user_id AND n.direction = 'note'
                     AND (r.contact IS NULL OR n.text = 'left' OR n.text IN ('taken', 'taken_over') AND n.author <> r.contact))
               END,
          o.image_url, o.last_error, o.file_token;

-- name: outbox_silenced
-- $1 user ids, $2 ids.  Of replies in a process's hands those that are not to be sent any more, as in outbox_claim_due.
SELECT o.user_id, o.id, o.class
FROM unnest($1::text[], $2::bigint[]) AS held (user_id, id) JOIN outbox o ON o.user_id = held.user_id AND o.id = held.id
WHERE CASE WHEN o.class IN (0, 2) THEN EXISTS (SELECT FROM conversation c WHERE c.user_id = o.user_id AND c.owner <> 'bot' AND c.owner_until > now())
           ELSE EXISTS (
               SELECT FROM ticket_relay r JOIN ticket_message n ON n.user_id = r.user_id AND n.ticket_id = r.ticket_id AND n.at > r.at
               WHERE r.user_id = o.user_id AND r.id = o.id AND r.worker_id = o.user_id AND n.user_id = o.user_id AND n.direction = 'note'
                 AND (r.contact IS NULL OR n.text = 'left' OR n.text IN ('taken', 'taken_over') AND n.author <> r.contact))
           END;

-- name: outbox_sent
-- $1 user ids, $2 ids, $3 fences, $4 Zalo's message ids (null: given up), $5 failures (null: sent).
-- Rows leave the outbox and enter the transcript; a row that another process has claimed since is left alone.
WITH gone AS (
    DELETE FROM outbox o
    USING unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[]) AS v (user_id, id, fence, msg_id, failure)
    WHERE o.user_id = v.user_id AND o.id = v.id AND o.fence = v.fence
    RETURNING o.user_id, o.id, o.class, o.text, o.quote_msg_id, v.msg_id, v.failure)
INSERT INTO message (user_id, id, origin, kind, text, zalo_msg_id, quote_msg_id, failure)
SELECT user_id, id, CASE class WHEN 3 THEN 'staff' ELSE 'bot' END, 'text', text, msg_id, quote_msg_id, failure FROM gone
ON CONFLICT DO NOTHING;

-- name: outbox_retry
-- $1 user ids, $2 ids, $3 fences, $4 next tries in ms, $5 1 when it was tried (0: only its turn had not come), $6 errors.
UPDATE outbox o SET owner = NULL, due_at = now() + make_interval(secs => v.due_ms / 1000.0), attempts = o.attempts + v.tried, last_error = v.error
FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[]) AS v (user_id, id, fence, due_ms, tried, error)
WHERE o.user_id = v.user_id AND o.id = v.id AND o.fence = v.fence;

-- name: outbox_release
-- $1 this process.  At a graceful stop: what it holds may be taken at once.  What it has itself taken over stays marked as such.
UPDATE outbox SET owner = CASE WHEN fence > 0 THEN owner END, due_at = now() WHERE owner = $1;

-- name: outbox_abandoned
-- $1 a process that is gone: its leases end now.  The owner stays, so the one who claims them asks the echoes first.
UPDATE outbox SET due_at = now() WHERE owner = $1 AND due_at > now();

-- name: outbox_lost_claims
-- $1 this process, $2 user ids, $3 ids of what it knows to hold.  The answer to a claim was lost: what it took lies under our lease, and
-- nobody sends it.  (A turn's own lease has fence 0: its turn sees to that.)
UPDATE outbox o SET due_at = now()
WHERE o.owner = $1 AND o.fence > 0 AND o.due_at > now()
  AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::bigint[]) AS held (user_id, id) WHERE held.user_id = o.user_id AND held.id = o.id);

-- name: outbox_depth
SELECT count(*), coalesce(extract(epoch FROM now() - min(due_at))::bigint, 0) FROM outbox;

-- name: outbox_drop_release
-- $1 OA id.  What was to be sent before the database was restored is given up: whoever claims it finds it expired.
UPDATE outbox SET expires_at = now()
WHERE to_timestamp(((id >> 22) + 1577836800000) / 1000.0) < (SELECT held_at FROM oa_token WHERE oa_id = $1);
