-- Revision 0004: what one login writes, or one host sends, changes nothing for another; what tidy() has removed is not
-- sent again.

-- Names in these are bound now, not by the search path of who comes later: a table pg_roles or a function substr of his
-- own would give him another's rights.
CREATE OR REPLACE FUNCTION dropwatch.key(VARIADIC parts text[]) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN (
    SELECT ('x' || encode(substr(sha256(convert_to(
        string_agg(coalesce(length(part) || ':' || part, '-'), ',' ORDER BY place), 'UTF8')), 1, 8), 'hex'))
        ::bit(64)::bigint
    FROM unnest(parts) WITH ORDINALITY AS p(part, place));

CREATE OR REPLACE FUNCTION dropwatch.own_host() RETURNS bigint STABLE LANGUAGE sql RETURN
    CASE WHEN session_user ~ '^host_[0-9a-f]{32}$' THEN
        ('x' || encode(substr(sha256(convert_to('32:' || substr(session_user::text, 6), 'UTF8')), 1, 8), 'hex'))
        ::bit(64)::bigint END;

DO $$
BEGIN
    IF to_regprocedure('dropwatch.is_mine(text)') IS NOT NULL THEN
        CREATE OR REPLACE FUNCTION dropwatch.is_mine(tenant text) RETURNS boolean STABLE LANGUAGE sql RETURN
            EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenant_' || tenant
                                               AND pg_has_role(session_user, oid, 'member'));
    END IF;
END $$;

-- For whom a host works, who may read of it, is the administrator's to say.
REVOKE INSERT, UPDATE ON dropwatch.hosts FROM dropwatch_write, dropwatch_relay;
GRANT INSERT (host, machine_id, hostname, sendings, sent_at, ahead_ns), UPDATE (hostname, sendings, sent_at, ahead_ns)
    ON dropwatch.hosts TO dropwatch_write, dropwatch_relay;
GRANT SELECT ON dropwatch.expired TO dropwatch_write, dropwatch_relay;

-- Numbers and texts by which one host would stop the reports of all: no host counts, or lives, so long.
ALTER TABLE dropwatch.drops ADD CONSTRAINT are_counts
    CHECK (count BETWEEN 0 AND 281474976710656 AND bytes BETWEEN 0 AND 72057594037927936) NOT VALID;
ALTER TABLE dropwatch.runs ADD CONSTRAINT is_a_time
    CHECK (started_ns BETWEEN -9000000000000000000 AND 9000000000000000000) NOT VALID;
ALTER TABLE dropwatch.watches ADD CONSTRAINT are_times
    CHECK (since_ns >= -9000000000000000000 AND until_ns <= 9000000000000000000) NOT VALID;
CREATE FUNCTION dropwatch.has_texts(sort text, json json) RETURNS boolean IMMUTABLE LANGUAGE sql RETURN
    json_typeof(json) = sort AND NOT CASE sort
        WHEN 'array' THEN EXISTS (SELECT FROM json_array_elements(json) AS e (item) WHERE json_typeof(item) <> 'string')
        ELSE EXISTS (SELECT FROM json_each(json) AS e (name, item) WHERE json_typeof(item) <> 'string') END;
ALTER TABLE dropwatch.watches ADD CONSTRAINT is_a_list
    CHECK (limits = '[]' OR dropwatch.has_texts('array', limits::json)) NOT VALID;
ALTER TABLE dropwatch.counters ADD CONSTRAINT are_labels
    CHECK (labels = '{}' OR dropwatch.has_texts('object', labels::json)) NOT VALID;
ALTER TABLE dropwatch.packets ADD CONSTRAINT are_details
    CHECK (details IS NULL OR dropwatch.has_texts('object', details::json)) NOT VALID;
ALTER TABLE dropwatch.locations ADD CONSTRAINT is_an_address CHECK (address ~ '^(0x)?[0-9a-f]{1,16}$') NOT VALID;

-- Modulo 2^64, as a history adds up: numbers of PostgreSQL have no end.
CREATE FUNCTION dropwatch.wrapped(value numeric) RETURNS bigint IMMUTABLE LANGUAGE sql RETURN (
    mod(mod(value + 9223372036854775808, 18446744073709551616) + 18446744073709551616, 18446744073709551616)
    - 9223372036854775808)::bigint;
