"""Mails are kept as they came: packing them costs more than their place."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000022"
VERSION = "1.38.0"
DESCRIPTION = "Mails are kept as they came: packing them costs more than their place."

UP = """
-- Most of a mail's bytes are packed or written in base64 already, and it is kept for weeks, not for ever.
ALTER TABLE raw_event ALTER COLUMN body SET STORAGE EXTERNAL;
"""

DOWN = """
ALTER TABLE raw_event ALTER COLUMN body SET STORAGE EXTENDED;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
