"""What visitors are offered beside messages: files, links to other devices, notices, and answers by mail."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000028"
VERSION = "1.38.0"
DESCRIPTION = "What visitors are offered beside messages: files, links to other devices, notices, and answers by mail."

UP = """
-- Whose an upload is until a message carries it; after a day without one it goes.
CREATE TABLE IF NOT EXISTS visitor_upload (
    attachment_id  uuid PRIMARY KEY REFERENCES attachment (id) ON DELETE CASCADE,
    visitor_id     uuid NOT NULL REFERENCES visitor (id) ON DELETE CASCADE,
    created_at     timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS visitor_upload_visitor ON visitor_upload (visitor_id);
CREATE INDEX IF NOT EXISTS visitor_upload_age ON visitor_upload (created_at);

-- A link opens one visitor's chat on one other device, once; of its token only the SHA-256 is kept.
CREATE TABLE IF NOT EXISTS visitor_link (
    token_hash  bytea PRIMARY KEY,
    visitor_id  uuid NOT NULL REFERENCES visitor (id) ON DELETE CASCADE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz
);
CREATE INDEX IF NOT EXISTS visitor_link_visitor ON visitor_link (visitor_id);
CREATE INDEX IF NOT EXISTS visitor_link_expiry ON visitor_link (expires_at);

-- Where a browser is told of a message (RFC 8030). Without our own key, sealed below, the address is of no use.
CREATE TABLE IF NOT EXISTS visitor_push (
    id             uuid PRIMARY KEY,
    session_id     uuid NOT NULL REFERENCES visitor_session (id) ON DELETE CASCADE,
    visitor_id     uuid NOT NULL REFERENCES visitor (id) ON DELETE CASCADE,
    endpoint_hash  bytea NOT NULL UNIQUE,
    endpoint       text NOT NULL,
    p256dh         text NOT NULL,
    auth           text NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT now(),
    rests_until    timestamptz,
    told_entry_id  uuid
);
CREATE INDEX IF NOT EXISTS visitor_push_visitor ON visitor_push (visitor_id);
CREATE INDEX IF NOT EXISTS visitor_push_session ON visitor_push (session_id);
CREATE TABLE IF NOT EXISTS web_push_key (
    id      uuid PRIMARY KEY,
    sealed  bytea NOT NULL
);

-- Messages of a chat that went on by mail: each of them once.
CREATE TABLE IF NOT EXISTS mailed_entry (
    entry_id   uuid PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    by_entry   uuid REFERENCES entry (id) ON DELETE CASCADE,
    mailed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS mailed_entry_by ON mailed_entry (by_entry);
"""

DOWN = """
DROP TABLE IF EXISTS mailed_entry, web_push_key, visitor_push, visitor_link, visitor_upload;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
