"""The audit log: what was done to keys, settings and data, by whom; nobody edits it."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000007"
VERSION = "1.38.0"
DESCRIPTION = "The audit log: what was done to keys, settings and data, by whom; nobody edits it."

UP = """
CREATE TABLE IF NOT EXISTS audit_event (
    id          uuid PRIMARY KEY,
    at          timestamptz NOT NULL,
    actor       jsonb NOT NULL,
    actor_id    text,
    action      text NOT NULL,
    target      text,
    facts       jsonb NOT NULL DEFAULT '{}',
    request_id  text,
    once        text UNIQUE
);
CREATE INDEX IF NOT EXISTS audit_event_at ON audit_event (at, id);
CREATE INDEX IF NOT EXISTS audit_event_actor ON audit_event (actor_id, at, id);
CREATE INDEX IF NOT EXISTS audit_event_target ON audit_event (target, at, id);
CREATE INDEX IF NOT EXISTS audit_event_action ON audit_event (action, at, id);

-- Only prune_audit_events says until when rows may go, and only inside its own call.
CREATE OR REPLACE FUNCTION keep_audit_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.at < nullif(current_setting('switchboard.audit_pruned_before', true), '')::timestamptz
    THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE OR REPLACE TRIGGER audit_event_kept BEFORE UPDATE OR DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION keep_audit_events();
CREATE OR REPLACE TRIGGER audit_event_not_emptied BEFORE TRUNCATE ON audit_event
    FOR EACH STATEMENT EXECUTE FUNCTION keep_audit_events();

CREATE OR REPLACE FUNCTION prune_audit_events(older_than_days integer, at_most integer) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    pruned bigint;
BEGIN
    IF older_than_days < 30 THEN
        RAISE EXCEPTION 'audit events are kept for 30 days at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM set_config('switchboard.audit_pruned_before', (now() - make_interval(days => older_than_days))::text, true);
    DELETE FROM audit_event WHERE id IN (
        SELECT id FROM audit_event WHERE at < now() - make_interval(days => older_than_days) ORDER BY at LIMIT at_most
    );
    GET DIAGNOSTICS pruned = ROW_COUNT;
    PERFORM set_config('switchboard.audit_pruned_before', '', true);
    RETURN pruned;
END $$;
"""

DOWN = """
DROP FUNCTION IF EXISTS prune_audit_events(integer, integer);
DROP TABLE IF EXISTS audit_event;
DROP FUNCTION IF EXISTS keep_audit_events();
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
