"""Room on the pages of what every send rewrites, and one count fewer."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000018"
VERSION = "1.38.0"
DESCRIPTION = "Room on the pages of what every send rewrites, and one count fewer."

UP = """
-- A row that is rewritten on its own page leaves the indexes alone (a heap-only update): an entry's are its words'.
ALTER TABLE entry SET (fillfactor = 70);
ALTER TABLE delivery_attempt SET (fillfactor = 60);

-- The attempts are rows of their own, and who wants their number counts them.
ALTER TABLE delivery DROP COLUMN IF EXISTS attempts;
"""

DOWN = """
ALTER TABLE delivery ADD COLUMN IF NOT EXISTS attempts integer NOT NULL DEFAULT 0;
ALTER TABLE delivery_attempt RESET (fillfactor);
ALTER TABLE entry RESET (fillfactor);
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
