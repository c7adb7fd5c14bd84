-- name: person_save
-- $1 user ids, $2 full names, $3 folded names, $4 phones, $5 unit ids, $6 unit texts, $7 follows, $8 opted out,
-- $9 consent, $10 consent versions, $11 last inbound.
UPDATE person p
SET full_name = v.full_name, name_key = v.name_key, phone = v.phone, unit_id = v.unit_id, unit_text = v.unit_text,
    follows = v.follows, opted_out_at = v.opted_out_at, consent_at = v.consent_at, consent_version = v.consent_version,
    last_inbound_at = v.last_inbound_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::boolean[], $8::timestamptz[],
            $9::timestamptz[], $10::text[], $11::timestamptz[])
     AS v (user_id, full_name, name_key, phone, unit_id, unit_text, follows, opted_out_at, consent_at, consent_version, last_inbound_at)
WHERE p.user_id = v.user_id;

-- name: person_colleague
-- $1 askers, $2 folded names: the one other person of that name in the asker's unit; no row when there are none or several.
SELECT q.user_id, min(c.user_id)
FROM unnest($1::text[], $2::text[]) AS q (user_id, name_key)
JOIN person p ON p.user_id = q.user_id
JOIN person c ON c.unit_id = p.unit_id AND c.name_key = q.name_key AND c.user_id <> p.user_id
GROUP BY q.user_id HAVING count(*) = 1;

-- name: person_data
-- $1 user ids.  What is kept about a person, counted.  What a broadcast said stands in its ledger only, and is a message as well.
SELECT q.user_id,
       (SELECT count(*) FROM message m WHERE m.user_id = q.user_id)
       + (SELECT count(*) FROM delivery d WHERE d.user_id = q.user_id AND d.state IN ('sent', 'received', 'seen')),
       (SELECT count(*) FROM initiative i WHERE i.user_id = q.user_id),
       (SELECT count(*) FROM draft d WHERE d.user_id = q.user_id),
       (SELECT count(*) FROM evidence e WHERE e.user_id = q.user_id),
       (SELECT count(*) FROM ticket t WHERE t.user_id = q.user_id),
       (SELECT min(m.at) FROM message m WHERE m.user_id = q.user_id)
FROM unnest($1::text[]) AS q (user_id);

-- An erasure runs as the statements erase_1 .. erase_n of one transaction, in this order; $1 user ids.
-- Initiatives stay for the counts, without words, under a random key; everything else of the person goes.

-- name: erase_files
INSERT INTO file_removal (path) SELECT path FROM evidence WHERE user_id = ANY ($1::text[]) AND path IS NOT NULL
ON CONFLICT DO NOTHING;

-- name: erase_evidence
DELETE FROM evidence WHERE user_id = ANY ($1::text[]);

-- name: erase_revisions
DELETE FROM initiative_revision WHERE user_id = ANY ($1::text[]);

-- name: erase_reviews
-- Notes and appeals are words about, and of, the person.
DELETE FROM review WHERE user_id = ANY ($1::text[]);

-- name: erase_reviewer
-- $1 user ids: who gave verdicts; those stay.
UPDATE review r SET reviewer = 'erased' FROM unnest($1::text[]) AS v (user_id) WHERE r.reviewer = v.user_id;

-- name: erase_authors
DELETE FROM initiative_author WHERE user_id = ANY ($1::text[]);

-- name: erase_authorships
-- Named by somebody else as a co-author: the share stays, the name goes.
UPDATE initiative_author SET name = NULL, author_user_id = NULL WHERE author_user_id = ANY ($1::text[]);

-- name: erase_initiatives
-- $1 user ids, $2 a random key each, in place of the person.
UPDATE initiative i SET user_id = 'erased-' || v.key, title = NULL, description = NULL, benefit_text = NULL, unit_text = NULL,
       review_note = NULL, updated_at = now()
FROM unnest($1::text[], $2::text[]) AS v (user_id, key)
WHERE i.user_id = v.user_id;

-- name: erase_relayed_messages
-- What this person said stands in the transcripts of those it was passed on to.
DELETE FROM message m USING ticket_relay r WHERE r.worker_id = ANY ($1::text[]) AND m.user_id = r.user_id AND m.id = r.id;

-- name: erase_relayed_replies
DELETE FROM outbox o USING ticket_relay r WHERE r.worker_id = ANY ($1::text[]) AND o.user_id = r.user_id AND o.id = r.id;

-- name: erase_relayed_mail
DELETE FROM mailbox WHERE payload->>'worker' = ANY ($1::text[]) AND user_id IS NOT NULL;

-- name: erase_relays
DELETE FROM ticket_relay WHERE worker_id = ANY ($1::text[]) OR user_id = ANY ($1::text[]);

-- name: erase_duty
DELETE FROM duty WHERE user_id = ANY ($1::text[]);

-- name: erase_answers
-- A contact's name where he answered others; what he wrote to them is theirs as well and stays.
UPDATE ticket SET assignee_name = NULL WHERE assignee = ANY ($1::text[]) AND user_id IS NOT NULL;

-- name: erase_ticket_messages
DELETE FROM ticket_message WHERE user_id = ANY ($1::text[]);

-- name: erase_tickets
DELETE FROM ticket WHERE user_id = ANY ($1::text[]);

-- name: erase_drafts
DELETE FROM draft WHERE user_id = ANY ($1::text[]);

-- name: erase_messages
DELETE FROM message WHERE user_id = ANY ($1::text[]);

-- name: erase_echoes
DELETE FROM echo WHERE user_id = ANY ($1::text[]);

-- name: erase_outbox
DELETE FROM outbox WHERE user_id = ANY ($1::text[]);

-- name: erase_mail
DELETE FROM mailbox WHERE user_id = ANY ($1::text[]);

-- name: erase_jobs
DELETE FROM job WHERE user_id = ANY ($1::text[]);

-- name: erase_dead_events
DELETE FROM dead_event WHERE user_id = ANY ($1::text[]);

-- name: erase_deliveries
-- $1 user ids, $2 a random key each.  What a broadcast said to the person goes, that it was sent stays in its sums.
UPDATE delivery d SET user_id = 'erased-' || v.key, text = NULL, words = NULL, message_id = NULL,
       state = CASE WHEN d.state = 'waiting' THEN 'skipped' ELSE d.state END, reason = CASE WHEN d.state = 'waiting' THEN 'erased' ELSE d.reason END
FROM unnest($1::text[], $2::text[]) AS v (user_id, key)
WHERE d.user_id = v.user_id;

-- name: erase_doubts
DELETE FROM delivery_doubt WHERE user_id = ANY ($1::text[]);

-- name: erase_nudges
DELETE FROM nudge WHERE user_id = ANY ($1::text[]);

-- name: erase_broadcasts
-- Broadcasts the person wrote, started or let go.
UPDATE broadcast b SET created_by = CASE WHEN b.created_by = v.user_id THEN 'erased' ELSE b.created_by END,
       started_by = CASE WHEN b.started_by = v.user_id THEN 'erased' ELSE b.started_by END,
       confirmed_by = CASE WHEN b.confirmed_by = v.user_id THEN 'erased, another' ELSE b.confirmed_by END
FROM unnest($1::text[]) AS v (user_id)
WHERE v.user_id IN (b.created_by, b.started_by, b.confirmed_by);

-- name: erase_person
UPDATE person SET full_name = NULL, name_key = NULL, phone = NULL, unit_id = NULL, unit_text = NULL, consent_at = NULL,
       consent_version = NULL, opted_out_at = NULL, last_inbound_at = NULL
WHERE user_id = ANY ($1::text[]);

-- name: erase_journal
-- To erase again after a backup was restored; the hash does not tell the person.
INSERT INTO erasure (user_key) SELECT sha256(convert_to(u, 'UTF8')) FROM unnest($1::text[]) u ON CONFLICT DO NOTHING;

-- name: file_removal_due
SELECT path FROM file_removal ORDER BY at LIMIT 100;

-- name: file_removal_done
DELETE FROM file_removal WHERE path = ANY ($1::text[]);
