"""Writing: drafts and their versions, scheduled messages, canned replies, and messages held back for an undo."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000009"
VERSION = "1.38.0"
DESCRIPTION = (
    "Writing: drafts and their versions, scheduled messages, canned replies, and messages held back for an undo."
)

UP = """
-- Columns without a default, or with a constant one, rewrite nothing.
ALTER TABLE entry ADD COLUMN IF NOT EXISTS held_until timestamptz;
ALTER TABLE entry ADD COLUMN IF NOT EXISTS approved_by jsonb;
ALTER TABLE remembered_request ADD COLUMN IF NOT EXISTS headers jsonb NOT NULL DEFAULT '[]';

CREATE TABLE IF NOT EXISTS draft (
    id                    uuid PRIMARY KEY,
    conversation_id       uuid NOT NULL REFERENCES conversation (id),
    state                 text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'scheduled', 'sent')),
    version               integer NOT NULL DEFAULT 1,
    author                jsonb NOT NULL,
    medium                text,
    channel_id            uuid,
    in_reply_to           uuid,
    text                  text NOT NULL DEFAULT '',
    parts                 jsonb NOT NULL DEFAULT '[]',
    saved_by              jsonb NOT NULL,
    approved_by           jsonb,
    scheduled_message_id  uuid,
    entry_id              uuid,
    created_at            timestamptz NOT NULL DEFAULT now(),
    updated_at            timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS draft_conversation ON draft (conversation_id, id);

CREATE TABLE IF NOT EXISTS draft_version (
    draft_id     uuid NOT NULL REFERENCES draft (id) ON DELETE CASCADE,
    version      integer NOT NULL,
    medium       text,
    channel_id   uuid,
    in_reply_to  uuid,
    text         text NOT NULL,
    parts        jsonb NOT NULL,
    saved_by     jsonb NOT NULL,
    saved_at     timestamptz NOT NULL,
    PRIMARY KEY (draft_id, version)
);

CREATE TABLE IF NOT EXISTS scheduled_message (
    id                 uuid PRIMARY KEY,
    conversation_id    uuid NOT NULL REFERENCES conversation (id),
    state              text NOT NULL DEFAULT 'scheduled'
                       CHECK (state IN ('scheduled', 'sent', 'held', 'canceled', 'failed')),
    version            integer NOT NULL DEFAULT 1,
    send_at            timestamptz NOT NULL,
    author             jsonb NOT NULL,
    scheduled_by       jsonb NOT NULL,
    approved_by        jsonb,
    medium             text,
    channel_id         uuid,
    in_reply_to        uuid,
    client_message_id  text,
    text               text NOT NULL,
    parts              jsonb NOT NULL,
    cancel_on_reply    boolean NOT NULL DEFAULT false,
    only_if_open       boolean NOT NULL DEFAULT false,
    reason             jsonb,
    draft_id           uuid,
    entry_id           uuid,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS scheduled_message_time ON scheduled_message (state, send_at, id);
CREATE INDEX IF NOT EXISTS scheduled_message_conversation ON scheduled_message (conversation_id, send_at, id);
CREATE INDEX IF NOT EXISTS scheduled_message_replied ON scheduled_message (conversation_id)
    WHERE state = 'scheduled' AND cancel_on_reply;
CREATE UNIQUE INDEX IF NOT EXISTS scheduled_message_client ON scheduled_message (conversation_id, client_message_id)
    WHERE client_message_id IS NOT NULL;

CREATE TABLE IF NOT EXISTS canned_reply (
    id          uuid PRIMARY KEY,
    owner_id    uuid REFERENCES agent (id),
    shortcut    text NOT NULL,
    name        text NOT NULL,
    folder      text,
    tags        text[] NOT NULL DEFAULT '{}',
    variants    jsonb NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
-- One shortcut is one reply among the shared ones, and one among each agent's own.
CREATE UNIQUE INDEX IF NOT EXISTS canned_reply_shortcut
    ON canned_reply (shortcut, coalesce(owner_id, '00000000-0000-0000-0000-000000000000'));
"""

DOWN = """
DROP TABLE IF EXISTS canned_reply, scheduled_message, draft_version, draft;
ALTER TABLE remembered_request DROP COLUMN IF EXISTS headers;
ALTER TABLE entry DROP COLUMN IF EXISTS approved_by;
ALTER TABLE entry DROP COLUMN IF EXISTS held_until;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
