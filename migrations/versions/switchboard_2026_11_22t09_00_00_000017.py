"""Lanes that rest because their provider asked for it."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000017"
VERSION = "1.38.0"
DESCRIPTION = "Lanes that rest because their provider asked for it."

UP = """
-- One row a lane that was ever told to wait (Retry-After): until then no worker of any process claims from it.
CREATE TABLE IF NOT EXISTS resting_lane (
    lane   text PRIMARY KEY,
    until  timestamptz NOT NULL
);
"""

DOWN = """
DROP TABLE IF EXISTS resting_lane;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
