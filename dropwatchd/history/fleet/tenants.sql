-- An option, to be run once by the owner: whoever reads sees the hosts of those tenants whose role he is in. Give hosts
-- a tenant (UPDATE dropwatch.hosts SET tenant = 'blue' WHERE ...), make a role tenant_blue, and grant it to readers.
-- Names of kernel functions and reasons are the same everywhere, and seen by all.

CREATE FUNCTION dropwatch.is_mine(tenant text) RETURNS boolean STABLE LANGUAGE sql RETURN
    EXISTS (SELECT FROM pg_roles WHERE rolname = 'tenant_' || tenant AND pg_has_role(session_user, oid, 'member'));

DO $$
DECLARE
    owned text;
BEGIN
    FOREACH owned IN ARRAY ARRAY['runs', 'namespaces', 'interfaces', 'counters', 'counter_starts', 'drops',
                                 'counter_changes', 'packets', 'watches', 'gaps', 'events'] LOOP
        EXECUTE format('DROP POLICY every ON dropwatch.%I', owned);
        EXECUTE format('CREATE POLICY every ON dropwatch.%I FOR SELECT TO dropwatch_read '
                       'USING (host IN (SELECT h.host FROM dropwatch.hosts h))', owned);
    END LOOP;
    DROP POLICY every ON dropwatch.hosts;
    CREATE POLICY every ON dropwatch.hosts FOR SELECT TO dropwatch_read USING (dropwatch.is_mine(tenant));
END $$;
