-- What a turn costs the database, made less: nothing here changes what is stored.

-- Ids are compared by their bytes, not by the rules of a language: that is what every descent of an index does, in a database
-- with the usual locale several times as dear.  (A change of the system's locale cannot spoil these indexes either.)  Of all
-- tables so far; a later one says COLLATE "C" itself, a test looks.
DO $$
DECLARE
    ids record;
    again text;
BEGIN
    FOR ids IN
        SELECT a.attrelid::regclass AS relation, string_agg(format('ALTER COLUMN %I TYPE text COLLATE "C"', a.attname), ', ') AS changes
        FROM pg_attribute a
        JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
        WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'text'::regtype AND a.attname ~ '(^|_)user_id$'
        GROUP BY a.attrelid ORDER BY a.attrelid
    LOOP
        -- A column that a trigger names keeps its type while the trigger is there.
        SELECT string_agg(pg_get_triggerdef(oid), '; ') INTO again FROM pg_trigger WHERE tgrelid = ids.relation AND NOT tgisinternal;
        EXECUTE coalesce((SELECT string_agg(format('DROP TRIGGER %I ON %s', tgname, ids.relation), '; ')
                          FROM pg_trigger WHERE tgrelid = ids.relation AND NOT tgisinternal), '');
        EXECUTE format('ALTER TABLE %s %s', ids.relation, ids.changes);
        EXECUTE coalesce(again, '');
    END LOOP;
END $$;

-- Written and read as a whole by every turn: kept as it comes, instead of taken apart and put together again each time.
ALTER TABLE conversation ALTER COLUMN draft DROP DEFAULT, ALTER COLUMN draft TYPE json USING draft::text::json, ALTER COLUMN draft SET DEFAULT '{}';
ALTER TABLE outbox ALTER COLUMN buttons TYPE json USING buttons::text::json;

-- Most people type the name of their unit as it is.
CREATE INDEX union_unit_name ON union_unit (name_key);
CREATE INDEX unit_alias_name ON unit_alias (alias_key);
