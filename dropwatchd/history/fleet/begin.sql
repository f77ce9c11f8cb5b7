-- What a database of the fleet begins with, be it one that hosts send to or one that asks others: keys and roles.

CREATE SCHEMA dropwatch;
CREATE TABLE dropwatch.revision (revision text NOT NULL);
INSERT INTO dropwatch.revision VALUES ('0001');

-- Parts as LENGTH:TEXT, or "-" for NULL, with commas between; the first eight bytes of their SHA-256, as in keys.py.
CREATE FUNCTION dropwatch.key(VARIADIC parts text[]) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
    SELECT ('x' || encode(substr(sha256(convert_to(
        string_agg(coalesce(length(part) || ':' || part, '-'), ',' ORDER BY place), 'UTF8')), 1, 8), 'hex'))
        ::bit(64)::bigint
    FROM unnest(parts) WITH ORDINALITY AS p(part, place)
$$;

DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['dropwatch_write', 'dropwatch_relay', 'dropwatch_read'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;
END $$;

GRANT USAGE ON SCHEMA dropwatch TO dropwatch_write, dropwatch_relay, dropwatch_read;
