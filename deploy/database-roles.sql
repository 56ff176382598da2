-- Roles and logins of the gateway in a PostgreSQL cluster; repeatable. As a superuser:
--   psql -v ON_ERROR_STOP=1 -v database=ami -f deploy/database-roles.sql
-- What they may do: docs/database-roles.md. Logins get no password here: peer authentication, or \password.
SELECT format('CREATE ROLE %I NOLOGIN', name)
FROM unnest(ARRAY['ami_migrator', 'ami_ingest', 'ami_reader', 'ami_switch', 'ami_audit']) AS name
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE ROLE %I LOGIN %s', name, options)
FROM (VALUES ('ami_gateway_owner', 'IN ROLE ami_migrator'), ('ami_gateway', 'BYPASSRLS IN ROLE ami_ingest'),
             ('ami_gateway_reader', 'IN ROLE ami_reader'), ('ami_gateway_switch', 'IN ROLE ami_switch'),
             ('ami_auditor', 'IN ROLE ami_audit')) AS wanted (name, options)
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
-- What it makes belongs to the group, so that any member can go on with it.
ALTER ROLE ami_gateway_owner SET role = 'ami_migrator';
ALTER DATABASE :"database" OWNER TO ami_migrator;
REVOKE CONNECT, TEMPORARY ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO ami_migrator, ami_ingest, ami_reader, ami_switch, ami_audit;
GRANT TEMPORARY ON DATABASE :"database" TO ami_ingest;
