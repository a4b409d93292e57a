"""Addresses that bounce, and to whom an automatic acknowledgement went."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000021"
VERSION = "1.38.0"
DESCRIPTION = "Addresses that bounce, and to whom an automatic acknowledgement went."

UP = """
-- A table of its own, so that a report does not wait for who holds the identity.
CREATE TABLE IF NOT EXISTS undeliverable_address (
    identity_id  uuid PRIMARY KEY REFERENCES identity (id) ON DELETE CASCADE,
    reason       text NOT NULL,
    since        timestamptz NOT NULL DEFAULT now()
);

-- When each address last got one. What is counted is never more than the addresses we know.
CREATE TABLE IF NOT EXISTS acknowledgement (
    identity_id  uuid PRIMARY KEY REFERENCES identity (id) ON DELETE CASCADE,
    sent_at      timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS acknowledgement_recent ON acknowledgement (sent_at);
"""

DOWN = """
DROP TABLE IF EXISTS acknowledgement, undeliverable_address;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
