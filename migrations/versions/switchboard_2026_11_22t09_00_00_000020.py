"""What mail says of itself, by which ids mails find each other, and who takes part in a conversation."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000020"
VERSION = "1.38.0"
DESCRIPTION = "What mail says of itself, by which ids mails find each other, and who takes part in a conversation."

UP = """
ALTER TABLE entry ADD COLUMN IF NOT EXISTS letter jsonb;

-- What a message that is still to be sent says where it goes as mail: subject, further recipients, quotation.
ALTER TABLE draft ADD COLUMN IF NOT EXISTS mail jsonb;
ALTER TABLE draft_version ADD COLUMN IF NOT EXISTS mail jsonb;
ALTER TABLE scheduled_message ADD COLUMN IF NOT EXISTS mail jsonb;

-- The Message-IDs of what came in: its own, and those it refers to, be they known or not. It hangs on the entry, and
-- goes with it wherever that is moved. What we send is found by the id of its delivery, which its Message-ID holds.
CREATE TABLE IF NOT EXISTS mail_id (
    message_id  text NOT NULL,
    entry_id    uuid NOT NULL REFERENCES entry (id) ON DELETE CASCADE,
    channel_id  uuid NOT NULL REFERENCES channel (id),
    own         boolean NOT NULL,
    PRIMARY KEY (message_id, entry_id, own)
);
CREATE INDEX IF NOT EXISTS mail_id_entry ON mail_id (entry_id);

-- Who takes part besides the contact. move_id is the merge or split that brought a line here, and whose undo takes it.
CREATE TABLE IF NOT EXISTS participant (
    id               uuid PRIMARY KEY,
    conversation_id  uuid NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    kind             text NOT NULL,
    address          text NOT NULL,
    match_key        text NOT NULL,
    name             text,
    role             text NOT NULL CHECK (role IN ('from', 'to', 'cc', 'bcc')),
    verified         boolean NOT NULL,
    added_by         jsonb NOT NULL,
    move_id          uuid REFERENCES conversation_move (id) ON DELETE SET NULL,
    created_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (conversation_id, kind, match_key)
);
CREATE INDEX IF NOT EXISTS participant_address ON participant (kind, match_key);
CREATE INDEX IF NOT EXISTS participant_move ON participant (move_id) WHERE move_id IS NOT NULL;
"""

DOWN = """
DROP TABLE IF EXISTS participant, mail_id;
ALTER TABLE scheduled_message DROP COLUMN IF EXISTS mail;
ALTER TABLE draft_version DROP COLUMN IF EXISTS mail;
ALTER TABLE draft DROP COLUMN IF EXISTS mail;
ALTER TABLE entry DROP COLUMN IF EXISTS letter;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
