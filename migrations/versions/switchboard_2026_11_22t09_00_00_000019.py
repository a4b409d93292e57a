"""Mailboxes that are asked: how far each is read, who reads it, and how it is."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000019"
VERSION = "1.38.0"
DESCRIPTION = "Mailboxes that are asked: how far each is read, who reads it, and how it is."

UP = """
-- One row a polled channel. cursor moves in the transaction that journals the mail; holder is the process that reads,
-- until held_until. The rest is health: since when it fails, why, what helps, and when it is tried again.
CREATE TABLE IF NOT EXISTS poll (
    channel_id    uuid PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    cursor        text,
    holder        uuid,
    held_until    timestamptz,
    succeeded_at  timestamptz,
    lag_seconds   double precision,
    failures      integer NOT NULL DEFAULT 0,
    failing_since timestamptz,
    failed_at     timestamptz,
    retry_at      timestamptz,
    code          text,
    reason        text,
    fix           text
) WITH (fillfactor = 50);
"""

DOWN = """
DROP TABLE IF EXISTS poll;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
