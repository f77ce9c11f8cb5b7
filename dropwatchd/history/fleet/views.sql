-- Revision 0002: views as a host's own history has them, and which programs an older or newer schema can be used with.

ALTER TABLE dropwatch.revision ADD COLUMN usable_from text NOT NULL DEFAULT '0001';

CREATE FUNCTION dropwatch.utc(time_ns bigint) RETURNS text IMMUTABLE LANGUAGE sql AS $$
    SELECT to_char(to_timestamp(time_ns / 1000000000) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
           || '.' || lpad((time_ns / 1000000 % 1000)::text, 3, '0') || 'Z'
$$;

-- Of an hour that a host had folded before it was sent, what is in none of its minutes.
CREATE VIEW dropwatch.v_drops WITH (security_invoker = true) AS
    WITH d AS (
        SELECT host, run, location, kind, interface, window_start_ns, window_width_ns, count, bytes, first_ns, last_ns
        FROM dropwatch.drops WHERE window_width_ns = 60000000000
        UNION ALL
        SELECT d.host, d.run, d.location, d.kind, d.interface, d.window_start_ns, d.window_width_ns,
               d.count - coalesce(m.count, 0), CASE WHEN m.rows = m.known THEN greatest(d.bytes - coalesce(m.bytes, 0), 0) END,
               d.first_ns, d.last_ns
        FROM dropwatch.drops d CROSS JOIN LATERAL (
            SELECT sum(m.count)::bigint AS count, sum(m.bytes)::bigint AS bytes, count(*) AS rows, count(m.bytes) AS known
            FROM dropwatch.drops m
            WHERE m.host = d.host AND m.run = d.run AND m.location = d.location AND m.kind = d.kind
                  AND m.interface = d.interface AND m.window_width_ns = 60000000000
                  AND m.window_start_ns >= d.window_start_ns AND m.window_start_ns < d.window_start_ns + 3600000000000) m
        WHERE d.window_width_ns = 3600000000000 AND d.count > coalesce(m.count, 0))
    SELECT dropwatch.utc(d.window_start_ns) AS window_start, d.window_width_ns / 1e9 AS window_seconds, d.count, d.bytes,
           k.reason,
           coalesce(l.symbol || CASE WHEN l."offset" IS NULL THEN '' ELSE '+0x' || to_hex(l."offset") END,
                    l.address) AS location,
           l.module, i.name AS interface, i.ifindex, i.kind AS interface_kind,
           coalesce(n.name, 'net:[' || n.inode || ']') AS netns,
           '0x' || lpad(to_hex(k.protocol), 4, '0') AS protocol, k.origin, k.trap, k.trap_group,
           dropwatch.utc(d.first_ns) AS first, dropwatch.utc(d.last_ns) AS last, r.hostname, d.run AS run_id,
           d.window_start_ns, d.first_ns, d.last_ns
    FROM d JOIN dropwatch.locations l USING (location) JOIN dropwatch.kinds k ON k.kind = d.kind
         JOIN dropwatch.interfaces i ON i.host = d.host AND i.interface = d.interface
         LEFT JOIN dropwatch.namespaces n ON n.host = d.host AND n.namespace = i.namespace
         JOIN dropwatch.runs r ON r.host = d.host AND r.run = d.run;

CREATE VIEW dropwatch.v_counters WITH (security_invoker = true) AS
    SELECT dropwatch.utc(d.since_ns) AS since, dropwatch.utc(d.until_ns) AS until, c.collector, c.name, d.delta,
           c.interface, c.ifindex, coalesce(n.name, 'net:[' || n.inode || ']') AS netns, c.labels, c.gauge, r.hostname,
           d.run AS run_id, d.since_ns, d.until_ns
    FROM dropwatch.counter_changes d JOIN dropwatch.counters c ON c.host = d.host AND c.counter = d.counter
         LEFT JOIN dropwatch.namespaces n ON n.host = d.host AND n.namespace = c.namespace
         JOIN dropwatch.runs r ON r.host = d.host AND r.run = d.run;

CREATE VIEW dropwatch.v_gaps WITH (security_invoker = true) AS
    SELECT dropwatch.utc(g.since_ns) AS since, dropwatch.utc(g.until_ns) AS until,
           (g.until_ns - g.since_ns) / 1e9 AS seconds, g.cause, g.effect, g.scope, g.lost, g.detail, r.hostname,
           g.run AS run_id, g.since_ns, g.until_ns
    FROM dropwatch.gaps g JOIN dropwatch.runs r USING (host, run);

CREATE VIEW dropwatch.v_events WITH (security_invoker = true) AS
    SELECT dropwatch.utc(e.time_ns) AS time, e.kind, e.subject, e.detail,
           coalesce(n.name, 'net:[' || n.inode || ']') AS netns, e.ifindex, r.hostname, e.run AS run_id, e.time_ns
    FROM dropwatch.events e LEFT JOIN dropwatch.namespaces n USING (host, namespace)
         JOIN dropwatch.runs r ON r.host = e.host AND r.run = e.run;

CREATE VIEW dropwatch.v_watches WITH (security_invoker = true) AS
    SELECT dropwatch.utc(w.since_ns) AS since, dropwatch.utc(w.until_ns) AS until,
           (w.until_ns - w.since_ns) / 1e9 AS seconds, w.what, w.name,
           coalesce(n.name, 'net:[' || n.inode || ']') AS netns, w.limits, w.ending, r.hostname, w.run AS run_id,
           w.since_ns, w.until_ns
    FROM dropwatch.watches w LEFT JOIN dropwatch.namespaces n USING (host, namespace)
         JOIN dropwatch.runs r ON r.host = w.host AND r.run = w.run;

GRANT SELECT ON dropwatch.v_drops, dropwatch.v_counters, dropwatch.v_gaps, dropwatch.v_events, dropwatch.v_watches
    TO dropwatch_read;
