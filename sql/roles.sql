-- The roles that Farwatch works under. None may log in: the login of the DSN owns the schema, migrates it, and
-- takes one of them on for everything else.
--
--   farwatch_app     ingest, jobs, agents, the operator: sees every tenant
--   farwatch_tenant  everything done for one tenant: sees the rows of farwatch.tenant_id and nothing else
--   farwatch_manage  a member of farwatch_tenant, for manage keys: of those rows, sees what is farwatch.monitor_id's
--
-- Roles belong to the whole cluster while migrations belong to one database, so several databases may run this at the
-- same instant, and any number of times. A login that may not create roles is told so: then let an administrator
-- create them, grant them to the login, and grant farwatch_tenant to farwatch_manage.

DO $roles$
DECLARE
    wanted name;
    missing boolean;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['farwatch_app', 'farwatch_tenant', 'farwatch_manage']::name[] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN NOBYPASSRLS', wanted);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL;   -- another database of the cluster was first
            END;
        END IF;
        -- Since PostgreSQL 16 the creator of a role is its member without being allowed to take it on.
        IF current_setting('server_version_num')::integer >= 160000 THEN
            missing := NOT pg_has_role(current_user, wanted, 'SET');
        ELSE
            missing := NOT pg_has_role(current_user, wanted, 'MEMBER');
        END IF;
        IF missing THEN
            EXECUTE format('GRANT %I TO %I', wanted, current_user);
        END IF;
    END LOOP;
    IF NOT pg_has_role('farwatch_manage', 'farwatch_tenant', 'USAGE') THEN
        BEGIN
            GRANT farwatch_tenant TO farwatch_manage;
        EXCEPTION WHEN unique_violation THEN
            NULL;
        END;
    END IF;
END
$roles$;
