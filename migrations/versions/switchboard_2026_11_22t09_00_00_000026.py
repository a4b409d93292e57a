"""Visitors of web chats and the sessions they hold; what they wrote is found by their identities."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000026"
VERSION = "1.38.0"
DESCRIPTION = "Visitors of web chats and the sessions they hold; what they wrote is found by their identities."

UP = """
-- Whoever opens a web chat. They become a contact with their first message: `address` is the identity they write from,
-- their own id or, proven, that of the user they are. What they say of themselves is in the other columns; what was
-- signed of it, in `user_id` where they are `verified`, and in `proven_email`. `wrote_at` is when they first wrote.
CREATE TABLE IF NOT EXISTS visitor (
    id            uuid PRIMARY KEY,
    channel_id    uuid NOT NULL REFERENCES channel (id),
    address       text NOT NULL,
    verified      boolean NOT NULL DEFAULT false,
    user_id       text,
    name          text,
    email         text,
    proven_email  text,
    phone         text,
    attributes    jsonb NOT NULL DEFAULT '{}',
    locale        text,
    user_agent    text,
    address_hash  text,
    page          jsonb,
    wrote_at      timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    last_seen_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (channel_id, address)
);
CREATE INDEX IF NOT EXISTS visitor_address ON visitor (address);
CREATE INDEX IF NOT EXISTS visitor_seen ON visitor (last_seen_at);

-- A browser that may speak as a visitor; of its token only the SHA-256 is kept.
CREATE TABLE IF NOT EXISTS visitor_session (
    id          uuid PRIMARY KEY,
    visitor_id  uuid NOT NULL REFERENCES visitor (id) ON DELETE CASCADE,
    token_hash  bytea NOT NULL UNIQUE,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz
);
CREATE INDEX IF NOT EXISTS visitor_session_visitor ON visitor_session (visitor_id);
CREATE INDEX IF NOT EXISTS visitor_session_expiry ON visitor_session (expires_at);
"""

# What a visitor wrote and was written, wherever it has been moved to.
INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS entry_visitor ON entry (identity_id, conversation_id) "
    "WHERE medium = 'webchat'",
)

DOWN = """
DROP INDEX IF EXISTS entry_visitor;
DROP TABLE IF EXISTS visitor_session, visitor;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN, indexes=INDEXES)
