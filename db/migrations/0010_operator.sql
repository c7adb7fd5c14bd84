-- What the operator is told: when something was last noticed, so that of all processes one tells, and not each minute again.
--
-- name: "heard" for the last signed webhook; else the kind of a notice and when it was told.  A handful of rows, no people.
CREATE TABLE operator_mark (
    name text PRIMARY KEY,
    at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 10);
