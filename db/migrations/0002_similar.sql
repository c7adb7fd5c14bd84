-- Finding initiatives that are alike: an inverted index beside the initiatives, written in the background.
--
-- initiative.similar_at says which state of the row is indexed: older than updated_at, or null, means that the writer owes
-- work.  The partial index lists exactly those rows, oldest first, so an edit or an erasure needs no step of its own.

ALTER TABLE initiative ADD COLUMN similar_at timestamptz;
CREATE INDEX initiative_unindexed ON initiative (updated_at) WHERE similar_at IS NULL OR similar_at < updated_at;

-- terms: hashes of word pairs and telling words (handlers/reading/similarity.h), at most 64.
CREATE TABLE initiative_index (
    user_id text NOT NULL,
    id      bigint NOT NULL,
    terms   integer[] NOT NULL,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
-- Without a pending list: a look-up never has to read through what was inserted since the last clean-up.
CREATE INDEX initiative_index_terms ON initiative_index USING gin (terms) WITH (fastupdate = off);

-- In about how many initiatives a term stands, estimated from every eighth of them.
CREATE TABLE similar_term (
    term integer PRIMARY KEY,
    n    bigint NOT NULL
) WITH (fillfactor = 70);
