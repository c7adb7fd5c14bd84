-- Finding initiatives that are alike: an inverted index beside the initiatives, written in the background.
--
-- initiative.similar_at says which state of the row is indexed: older than updated_at, or null, means that the writer owes
-- work.  The partial index lists exactly those rows, oldest first, so an edit or an erasure needs no step of its own.

ALTER TABLE initiative ADD COLUMN similar_at timestamptz;
CREATE INDEX initiative_unindexed ON initiative (updated_at) WHERE similar_at IS NULL OR similar_at < updated_at;

-- The number an initiative has in the lists below.  An edit gives it a new one; a number without a row stands for nothing.
-- A number takes 25 bits there, which is room for 33 million initiatives and edits.
CREATE SEQUENCE similar_doc AS integer MAXVALUE 33554431 CACHE 32;
CREATE TABLE initiative_index (
    user_id text NOT NULL,
    id      bigint NOT NULL,
    doc     integer NOT NULL,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, id) REFERENCES initiative (user_id, id) ON UPDATE CASCADE ON DELETE CASCADE
);
CREATE INDEX initiative_index_doc ON initiative_index (doc);

-- Which initiatives a term stands in (handlers/reading/similarity.h): four bytes each, the number and six bits about
-- the length of the text, in parts of about 2 kB that stay inside the page.  Reading a list costs two nanoseconds an entry
-- this way, a row an entry would cost a microsecond.  The key is the term and not a person: a list is of all people, as a
-- reference table it could be on every node, and nothing in it leads to a person but through initiative_index.
-- before: entries in the parts before this one, so that the last part alone tells how long the list is.
CREATE TABLE similar_posting (
    term   integer NOT NULL,
    part   integer NOT NULL,
    before integer NOT NULL,
    docs   bytea NOT NULL,
    PRIMARY KEY (term, part)
) WITH (fillfactor = 85, toast_tuple_target = 8160);
ALTER TABLE similar_posting ALTER COLUMN docs SET STORAGE EXTERNAL;
