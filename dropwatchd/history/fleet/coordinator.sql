-- Several servers, each with the hosts of a part of the keys (a shard), behind one that reports ask: it has the tables of
-- schema.sql, whose rows are theirs. Hosts send to their own shard; dropwatch.shard_of('machine id') says which that is.

CREATE EXTENSION IF NOT EXISTS postgres_fdw;

-- What belongs to hosts is parted by them; what all hosts share is a view of what each shard has, none as yet.
DO $$
DECLARE
    shared text; owned boolean; columns text;
BEGIN
    FOR shared, owned, columns IN
        SELECT c.relname, bool_or(a.attname = 'host'),
               string_agg(format('NULL::%s AS %I', format_type(a.atttypid, a.atttypmod), a.attname), ', ' ORDER BY attnum)
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
        WHERE c.relnamespace = 'dropwatch'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND c.relname <> 'revision'
        GROUP BY c.relname
    LOOP
        IF owned THEN
            EXECUTE format('CREATE TABLE dropwatch.parted (LIKE dropwatch.%I) PARTITION BY RANGE (host)', shared);
            EXECUTE format('DROP TABLE dropwatch.%I', shared);
            EXECUTE format('ALTER TABLE dropwatch.parted RENAME TO %I', shared);
        ELSE
            EXECUTE format('DROP TABLE dropwatch.%I', shared);
            EXECUTE format('CREATE VIEW dropwatch.%I WITH (security_invoker = true) AS SELECT %s WHERE false',
                           shared, columns);
        END IF;
    END LOOP;
    EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_join = on', current_database());
    EXECUTE format('ALTER DATABASE %I SET enable_partitionwise_aggregate = on', current_database());
END $$;

-- The hosts of a shard have keys from `first` to `last`; its tables are foreign ones in a schema of its name.
CREATE TABLE dropwatch.shards (
    shard text PRIMARY KEY,
    first bigint NOT NULL UNIQUE,
    last bigint NOT NULL,
    CHECK (shard ~ '^[a-z][a-z0-9_]*$' AND first <= last)
);

-- What was known of hosts when their shard last answered: of those that are missing when it does not.
CREATE TABLE dropwatch.known_hosts (
    host bigint PRIMARY KEY,
    machine_id text NOT NULL,
    hostname text NOT NULL,
    sent_ns bigint NOT NULL
);

CREATE FUNCTION dropwatch.shard_of(machine_id text) RETURNS text STABLE LANGUAGE sql AS $$
    SELECT shard FROM dropwatch.shards WHERE dropwatch.key(machine_id) BETWEEN first AND last
$$;

-- Of so many equal parts of all keys, the first and the last key of one (1 is the lowest).
CREATE FUNCTION dropwatch.part_of_keys(part integer, parts integer, OUT first bigint, OUT last bigint)
IMMUTABLE LANGUAGE sql AS $$
    SELECT (-9223372036854775808 + div(18446744073709551616 * (part - 1), parts))::bigint,
           (-9223372036854775808 + div(18446744073709551616 * part, parts) - 1)::bigint
$$;

-- Fail where the schema of a shard is none that can be used as ours can.
CREATE FUNCTION dropwatch.check_schema(shard text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    theirs text; own text;
BEGIN
    SELECT revision INTO own FROM dropwatch.revision;
    EXECUTE format('SELECT revision FROM %I.revision WHERE %L NOT BETWEEN usable_from AND revision', shard, own)
        INTO theirs;
    IF theirs IS NOT NULL THEN
        RAISE 'its schema is %, that of this database %', theirs, own;
    END IF;
END $$;

-- Add a server: `options` are those of CREATE SERVER ("host 'db-1', dbname 'dropwatch'"), `login` those of its user
-- mapping ("user 'reports', password '...'"), a login there in dropwatch_read.
CREATE FUNCTION dropwatch.add_shard(name text, first bigint, last bigint, options text, login text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    parted text; shared text;
BEGIN
    IF EXISTS (SELECT FROM dropwatch.shards s WHERE s.first <= add_shard.last AND s.last >= add_shard.first) THEN
        RAISE 'another shard has some of these keys';
    END IF;
    INSERT INTO dropwatch.shards VALUES (name, first, last);
    EXECUTE format('CREATE SERVER %I FOREIGN DATA WRAPPER postgres_fdw OPTIONS (async_capable ''true'', '
                   'connect_timeout ''5'', keepalives_idle ''10'', tcp_user_timeout ''30000'', fetch_size ''10000'', '
                   'extensions ''postgres_fdw'', %s)', name, options);
    EXECUTE format('CREATE USER MAPPING FOR PUBLIC SERVER %I OPTIONS (%s)', name, login);
    EXECUTE format('CREATE SCHEMA %I', name);
    EXECUTE format('IMPORT FOREIGN SCHEMA dropwatch FROM SERVER %I INTO %I OPTIONS (import_default ''false'')',
                   name, name);
    PERFORM dropwatch.check_schema(name);
    FOR parted IN SELECT relname FROM pg_class WHERE relnamespace = 'dropwatch'::regnamespace AND relkind = 'p' LOOP
        EXECUTE format('ALTER TABLE dropwatch.%I ATTACH PARTITION %I.%I FOR VALUES FROM (%s) TO (%s)', parted, name,
                       parted, first, CASE WHEN last = 9223372036854775807 THEN 'MAXVALUE'
                                           ELSE (last + 1)::text END);
    END LOOP;
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO dropwatch_read', name);
    FOREACH shared IN ARRAY ARRAY['locations', 'kinds', 'expired'] LOOP
        EXECUTE format('GRANT SELECT ON %I.%I TO dropwatch_read', name, shared);
        EXECUTE format('CREATE OR REPLACE VIEW dropwatch.%I WITH (security_invoker = true) AS %s', shared,
                       (SELECT string_agg(format('SELECT * FROM %I.%I', s.shard, shared), ' UNION ')
                        FROM dropwatch.shards s));
    END LOOP;
END $$;

-- Ask each shard: those that answer tell which hosts they have, which is remembered; what is wrong with the others.
CREATE FUNCTION dropwatch.ask_shards() RETURNS TABLE (shard text, first bigint, last bigint, fault text)
SECURITY DEFINER SET search_path = pg_catalog, pg_temp LANGUAGE plpgsql AS $$
DECLARE
    theirs text; many bigint;
BEGIN
    FOR shard, first, last IN SELECT s.shard, s.first, s.last FROM dropwatch.shards s ORDER BY s.first LOOP
        fault := NULL;
        BEGIN
            PERFORM dropwatch.check_schema(shard);
            EXECUTE format('SELECT min(hostname) FROM %I.hosts WHERE host NOT BETWEEN %s AND %s', shard, first, last)
                INTO theirs;
            IF theirs IS NOT NULL THEN
                RAISE '% belongs to another shard', theirs;
            END IF;
            EXECUTE format($sql$
                INSERT INTO dropwatch.known_hosts AS k
                SELECT host, machine_id, hostname, (extract(epoch FROM sent_at) * 1e9)::bigint FROM %I.hosts
                ON CONFLICT (host) DO UPDATE SET hostname = excluded.hostname, sent_ns = excluded.sent_ns
                WHERE (k.hostname, k.sent_ns) IS DISTINCT FROM (excluded.hostname, excluded.sent_ns)$sql$, shard);
            EXECUTE format('SELECT count(*) FROM %I.hosts', shard) INTO many;
            IF many < (SELECT count(*) FROM dropwatch.known_hosts k
                       WHERE k.host BETWEEN ask_shards.first AND ask_shards.last) THEN  -- some were removed there
                EXECUTE format('DELETE FROM dropwatch.known_hosts k WHERE host BETWEEN %s AND %s'
                               ' AND NOT EXISTS (SELECT FROM %I.hosts h WHERE h.host = k.host)', first, last, shard);
            END IF;
        EXCEPTION WHEN OTHERS THEN
            fault := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;

GRANT SELECT ON ALL TABLES IN SCHEMA dropwatch TO dropwatch_read;
REVOKE EXECUTE ON FUNCTION dropwatch.ask_shards() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION dropwatch.ask_shards() TO dropwatch_read;
