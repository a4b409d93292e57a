"""Tickets that open a live connection once, and whether agents are available."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000025"
VERSION = "1.38.0"
DESCRIPTION = "Tickets that open a live connection once, and whether agents are available."

UP = """
-- A ticket lives for a minute: it is not worth what a write-ahead log costs, and none need survive a crash.
CREATE UNLOGGED TABLE IF NOT EXISTS stream_ticket (
    hash        bytea PRIMARY KEY,
    caller      text NOT NULL,
    expires_at  timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS agent_availability (
    agent_id    uuid PRIMARY KEY REFERENCES agent ON DELETE CASCADE,
    state       text NOT NULL,
    changed_at  timestamptz NOT NULL
);
"""

DOWN = """
DROP TABLE IF EXISTS agent_availability;
DROP TABLE IF EXISTS stream_ticket;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
