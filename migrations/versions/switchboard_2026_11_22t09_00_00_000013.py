"""Repairs, the hold on the outbox, evidence beside delivery attempts, and the age of event keys."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000013"
VERSION = "1.38.0"
DESCRIPTION = "Repairs, the hold on the outbox, evidence beside delivery attempts, and the age of event keys."

UP = """
-- A row here means that nothing is sent; a restored copy begins with one.
CREATE TABLE IF NOT EXISTS outbox_hold (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    reason   text NOT NULL,
    actor    jsonb NOT NULL,
    held_at  timestamptz NOT NULL DEFAULT now()
);

-- What an operator or the clock asked to have put right, how far it is, and what it found.
CREATE TABLE IF NOT EXISTS repair (
    id           uuid PRIMARY KEY,
    kind         text NOT NULL CHECK (kind IN ('reconcile', 'replay')),
    state        text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'failed')),
    channel_id   uuid REFERENCES channel (id),
    since        timestamptz,
    until        timestamptz,
    selection    jsonb NOT NULL DEFAULT '{}',
    place        jsonb NOT NULL DEFAULT '{}',
    counts       jsonb NOT NULL DEFAULT '{}',
    dry_run      boolean NOT NULL DEFAULT false,
    automatic    boolean NOT NULL DEFAULT false,
    error        text,
    actor        jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS repair_one_a_channel ON repair (channel_id)
    WHERE kind = 'reconcile' AND state = 'running';
CREATE INDEX IF NOT EXISTS repair_reached ON repair (channel_id, until)
    WHERE kind = 'reconcile' AND state = 'done' AND NOT dry_run;

ALTER TABLE delivery_attempt ADD COLUMN IF NOT EXISTS evidence jsonb;
ALTER TABLE delivery_attempt DROP CONSTRAINT IF EXISTS delivery_attempt_kind_check;
ALTER TABLE delivery_attempt ADD CONSTRAINT delivery_attempt_kind_check
    CHECK (kind IN ('send', 'report', 'reconcile')) NOT VALID;

-- Old rows count from now on; the index grows at its end only.
ALTER TABLE event_key ADD COLUMN IF NOT EXISTS created_at timestamptz NOT NULL DEFAULT now();
"""

INDEXES = (
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS delivery_unknown ON delivery (channel_id, id) WHERE state = 'unknown'",
    "CREATE INDEX CONCURRENTLY IF NOT EXISTS event_key_age ON event_key (created_at)",
)

DOWN = """
DROP INDEX IF EXISTS event_key_age;
ALTER TABLE IF EXISTS event_key DROP COLUMN IF EXISTS created_at;
DROP INDEX IF EXISTS delivery_unknown;
DELETE FROM delivery_attempt WHERE kind = 'reconcile';
ALTER TABLE delivery_attempt DROP CONSTRAINT IF EXISTS delivery_attempt_kind_check;
ALTER TABLE delivery_attempt ADD CONSTRAINT delivery_attempt_kind_check CHECK (kind IN ('send', 'report')) NOT VALID;
ALTER TABLE delivery_attempt DROP COLUMN IF EXISTS evidence;
DROP TABLE IF EXISTS repair, outbox_hold;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN, indexes=INDEXES)
