"""Imports and exports, erasures with the ledger that outlives them, retention and legal holds."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000014"
VERSION = "1.38.0"
DESCRIPTION = "Imports and exports, erasures with the ledger that outlives them, retention and legal holds."

UP = """
-- An import or export: what was asked for, how far it is (part and place move in the transaction of each chunk).
CREATE TABLE IF NOT EXISTS transfer (
    id           uuid PRIMARY KEY,
    direction    text NOT NULL CHECK (direction IN ('import', 'export')),
    kind         text NOT NULL,
    format       text NOT NULL CHECK (format IN ('csv', 'jsonl', 'zip')),
    state        text NOT NULL DEFAULT 'running'
                 CHECK (state IN ('running', 'done', 'failed', 'canceled', 'expired')),
    plan         jsonb NOT NULL,
    part         integer NOT NULL DEFAULT 0,
    parts        integer,
    place        jsonb,
    total        bigint,
    done         bigint NOT NULL DEFAULT 0,
    bytes        bigint NOT NULL DEFAULT 0,
    counts       jsonb NOT NULL DEFAULT '{}',
    source_key   text,
    error        text,
    actor        jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    updated_at   timestamptz NOT NULL DEFAULT now(),
    started_at   timestamptz,
    finished_at  timestamptz,
    expires_at   timestamptz
);
CREATE INDEX IF NOT EXISTS transfer_list ON transfer (direction, id);
CREATE INDEX IF NOT EXISTS transfer_running ON transfer (updated_at) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS transfer_expiry ON transfer (expires_at) WHERE expires_at IS NOT NULL;

-- A row of an import that was refused: where it stood and why, never what was in it.
CREATE TABLE IF NOT EXISTS transfer_error (
    transfer_id  uuid NOT NULL REFERENCES transfer (id) ON DELETE CASCADE,
    line         bigint NOT NULL,
    code         text NOT NULL,
    pointer      text,
    detail       text NOT NULL,
    PRIMARY KEY (transfer_id, line)
);

-- traces says, sealed, what is looked for while an erasure runs; nothing is left of it afterwards.
CREATE TABLE IF NOT EXISTS erasure (
    id            uuid PRIMARY KEY,
    contact_ids   uuid[] NOT NULL,
    state         text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    reason        text,
    actor         jsonb NOT NULL,
    step          text NOT NULL DEFAULT 'vanish',
    place         jsonb,
    counts        jsonb NOT NULL DEFAULT '{}',
    traces        bytea,
    requested_at  timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    erased_at     timestamptz,
    finished_at   timestamptz
);
CREATE INDEX IF NOT EXISTS erasure_running ON erasure (id) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS erasure_contacts ON erasure USING gin (contact_ids);

-- The ledger: keyed hashes of the addresses that were erased, and what each had opted out of.
CREATE TABLE IF NOT EXISTS erased_identity (
    kind        text NOT NULL,
    hash        bytea NOT NULL,
    erasure_id  uuid NOT NULL REFERENCES erasure (id),
    revoked     jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (hash, kind, erasure_id)
);
-- Its key, sealed: the hashes outlive every change of the secret key.
CREATE TABLE IF NOT EXISTS ledger_key (
    id      uuid PRIMARY KEY CHECK (id = '00000000-0000-0000-0000-000000000001'),
    sealed  bytea NOT NULL
);

CREATE TABLE IF NOT EXISTS legal_hold (
    subject_id  uuid PRIMARY KEY,
    subject     text NOT NULL CHECK (subject IN ('contact', 'conversation')),
    reason      text NOT NULL,
    actor       jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- Null: the deployment's setting; 0: for ever.
CREATE TABLE IF NOT EXISTS channel_retention (
    channel_id       uuid PRIMARY KEY REFERENCES channel (id) ON DELETE CASCADE,
    message_days     integer CHECK (message_days >= 0),
    attachment_days  integer CHECK (attachment_days >= 0),
    raw_event_days   integer CHECK (raw_event_days >= 0)
);
-- Up to which entry everything old enough is blank; the zero id stands for what belongs to no channel.
CREATE TABLE IF NOT EXISTS retention_place (
    channel_id  uuid NOT NULL,
    what        text NOT NULL CHECK (what IN ('messages', 'attachments')),
    reached     uuid NOT NULL,
    PRIMARY KEY (channel_id, what)
);
"""

DOWN = """
DROP TABLE IF EXISTS retention_place, channel_retention, legal_hold, ledger_key, erased_identity, erasure,
    transfer_error, transfer;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
