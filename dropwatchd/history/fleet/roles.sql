-- Who may do what. A host has a login of its own, host_<machine id>, in the role dropwatch_write, and can write as
-- itself alone; a login in dropwatch_relay may write for any host. dropwatch_read is for reports.

-- The host that a login stands for, NULL where it is that of none.
CREATE FUNCTION dropwatch.own_host() RETURNS bigint STABLE LANGUAGE sql AS $$
    SELECT CASE WHEN session_user ~ '^host_[0-9a-f]{32}$' THEN dropwatch.key(substr(session_user::text, 6)) END
$$;

GRANT SELECT ON ALL TABLES IN SCHEMA dropwatch TO dropwatch_read;
GRANT SELECT ON dropwatch.revision TO dropwatch_write, dropwatch_relay;
GRANT SELECT, INSERT ON dropwatch.locations, dropwatch.kinds TO dropwatch_write, dropwatch_relay;

DO $$
DECLARE
    owned text;
BEGIN
    FOREACH owned IN ARRAY ARRAY['hosts', 'runs', 'namespaces', 'interfaces', 'counters', 'counter_starts', 'drops',
                                 'counter_changes', 'packets', 'watches', 'gaps', 'events'] LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON dropwatch.%I TO dropwatch_write, dropwatch_relay', owned);
        EXECUTE format('ALTER TABLE dropwatch.%I ENABLE ROW LEVEL SECURITY', owned);
        EXECUTE format('CREATE POLICY own ON dropwatch.%I TO dropwatch_write '
                       'USING (host = (SELECT dropwatch.own_host())) WITH CHECK (host = (SELECT dropwatch.own_host()))',
                       owned);
        EXECUTE format('CREATE POLICY relayed ON dropwatch.%I TO dropwatch_relay USING (true) WITH CHECK (true)', owned);
        EXECUTE format('CREATE POLICY every ON dropwatch.%I FOR SELECT TO dropwatch_read USING (true)', owned);
    END LOOP;
END $$;
