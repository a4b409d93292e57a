"""Conversations merged and split with a way back, and words taken out for good."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000015"
VERSION = "1.38.0"
DESCRIPTION = "Conversations merged and split with a way back, and words taken out for good."

# Columns that may be null are added without touching a row.
UP = """
ALTER TABLE conversation ADD COLUMN IF NOT EXISTS merged_into uuid;
ALTER TABLE entry ADD COLUMN IF NOT EXISTS moved_from jsonb;
ALTER TABLE attachment ADD COLUMN IF NOT EXISTS redacted_at timestamptz;
ALTER TABLE raw_event ADD COLUMN IF NOT EXISTS redacted_at timestamptz, ADD COLUMN IF NOT EXISTS body_sha256 bytea;

CREATE TABLE IF NOT EXISTS conversation_move (
    id          uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('merge', 'split')),
    source_id   uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    target_id   uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    actor       jsonb NOT NULL,
    reason      text,
    entries     integer NOT NULL,
    before      jsonb NOT NULL,
    created_at  timestamptz NOT NULL,
    undone_at   timestamptz,
    undone_by   jsonb
);
CREATE INDEX IF NOT EXISTS conversation_move_source ON conversation_move (source_id, id);
CREATE INDEX IF NOT EXISTS conversation_move_target ON conversation_move (target_id, id);

-- Which entry went from where to where; in its old place a stub of its own id keeps the seq.
CREATE TABLE IF NOT EXISTS entry_move (
    move_id            uuid NOT NULL REFERENCES conversation_move (id) ON DELETE CASCADE,
    entry_id           uuid NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    stub_id            uuid NOT NULL,
    from_seq           integer NOT NULL,
    to_seq             integer NOT NULL,
    client_message_id  text,
    moved_from         jsonb,
    PRIMARY KEY (move_id, entry_id)
);
CREATE INDEX IF NOT EXISTS entry_move_entry ON entry_move (entry_id, move_id);
"""

DOWN = """
DROP TABLE IF EXISTS entry_move, conversation_move;
ALTER TABLE raw_event DROP COLUMN IF EXISTS redacted_at, DROP COLUMN IF EXISTS body_sha256;
ALTER TABLE attachment DROP COLUMN IF EXISTS redacted_at;
ALTER TABLE entry DROP COLUMN IF EXISTS moved_from;
ALTER TABLE conversation DROP COLUMN IF EXISTS merged_into;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
