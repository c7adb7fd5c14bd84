-- What is alike, for the reviewer: found by a search, and what the author said about it.  Nothing here changes an initiative.

CREATE TABLE initiative_similar (
    user_id       text NOT NULL,
    initiative_id bigint NOT NULL,
    other_user_id text NOT NULL,                    -- whose it is like; no foreign key across people (distribution by user_id)
    other_id      bigint NOT NULL,
    score         smallint NOT NULL CHECK (score BETWEEN 0 AND 1000), -- handlers/reading/similarity.h
    same_unit     boolean NOT NULL,
    choice        text NOT NULL CHECK (choice IN ('unsaid', 'different', 'same', 'together', 'again')),
    at            timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, initiative_id, other_user_id, other_id),
    FOREIGN KEY (user_id, initiative_id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX initiative_similar_other ON initiative_similar (other_user_id); -- for an erasure

-- Filed or edited and not yet searched for; the search an author sees while writing may be shed or lost, this one is not.
CREATE TABLE similar_check (
    user_id text NOT NULL,
    id      bigint NOT NULL,
    due_at  timestamptz NOT NULL,                   -- a little later, so that what was filed just before is in the index
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX similar_check_due ON similar_check (due_at);
