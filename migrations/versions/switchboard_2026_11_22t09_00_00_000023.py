"""Who parses a channel's mails at the moment, so that no second process does the same work in vain."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000023"
VERSION = "1.38.0"
DESCRIPTION = "Who parses a channel's mails at the moment, so that no second process does the same work in vain."

UP = """
-- A hint and no lock: two at once harm nothing. Beside the lane, whose row is held while a batch is stored.
CREATE TABLE IF NOT EXISTS parse_turn (
    channel_id  uuid PRIMARY KEY REFERENCES channel ON DELETE CASCADE,
    holder      uuid NOT NULL,
    until       timestamptz NOT NULL
);
"""

DOWN = """
DROP TABLE IF EXISTS parse_turn;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
