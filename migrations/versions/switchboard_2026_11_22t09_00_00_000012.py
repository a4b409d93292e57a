"""The edge: a rate of its own for an API key, and the outbox by lane."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000012"
VERSION = "1.38.0"
DESCRIPTION = "The edge: a rate of its own for an API key, and the outbox by lane."

UP = """
-- Null: the rate of the settings.
ALTER TABLE api_key ADD COLUMN IF NOT EXISTS requests_per_minute integer;

"""

# Each lane's due jobs, the longest due first: a loud lane is not walked through to find a quiet one's job.
INDEXES = ("CREATE INDEX CONCURRENTLY IF NOT EXISTS job_lane ON job (lane, available_at, id) WHERE state = 0",)

DOWN = """
DROP INDEX IF EXISTS job_lane;
ALTER TABLE api_key DROP COLUMN IF EXISTS requests_per_minute;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN, indexes=INDEXES)
