"""The trace that a request, a job or an event belongs to."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000016"
VERSION = "1.38.0"
DESCRIPTION = "The trace that a request, a job or an event belongs to."

UP = """
-- A W3C traceparent (Trace Context 3.2): what is done later, by another process, goes on with the trace of its cause.
ALTER TABLE raw_event ADD COLUMN IF NOT EXISTS traceparent text;
ALTER TABLE job ADD COLUMN IF NOT EXISTS traceparent text;
ALTER TABLE feed_event ADD COLUMN IF NOT EXISTS traceparent text;
"""

DOWN = """
ALTER TABLE feed_event DROP COLUMN IF EXISTS traceparent;
ALTER TABLE job DROP COLUMN IF EXISTS traceparent;
ALTER TABLE raw_event DROP COLUMN IF EXISTS traceparent;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
