"""Contacts, their identities and what they consented to."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-21T21:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "Contacts, their identities and what they consented to."

UP = """
CREATE TABLE IF NOT EXISTS contact (
    id          uuid PRIMARY KEY,
    name        text,
    language    text,
    attributes  jsonb NOT NULL DEFAULT '{}',
    external    jsonb NOT NULL DEFAULT '{}',
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS contact_recent ON contact (created_at, id);
CREATE INDEX IF NOT EXISTS contact_external ON contact USING gin (external jsonb_path_ops);

-- One address is one identity of one person. match_key is the address in the form that equal addresses share.
CREATE TABLE IF NOT EXISTS identity (
    id          uuid PRIMARY KEY,
    contact_id  uuid NOT NULL REFERENCES contact (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    kind        text NOT NULL CHECK (kind IN ('phone', 'email', 'whatsapp', 'visitor')),
    address     text NOT NULL,
    match_key   text NOT NULL,
    proof       text NOT NULL DEFAULT 'none' CHECK (proof IN ('none', 'provider', 'confirmed')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (kind, match_key)
);
CREATE INDEX IF NOT EXISTS identity_contact ON identity (contact_id);

-- A ledger: rows are only added, the newest of an identity, purpose and channel counts.
CREATE TABLE IF NOT EXISTS consent (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    identity_id  uuid NOT NULL REFERENCES identity (id) ON DELETE CASCADE,
    purpose      text NOT NULL,
    channel_id   uuid REFERENCES channel (id),
    state        text NOT NULL CHECK (state IN ('granted', 'revoked')),
    source       text NOT NULL,
    proof        jsonb NOT NULL DEFAULT '{}',
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS consent_newest ON consent (identity_id, purpose, channel_id, id DESC);
"""

DOWN = """
DROP TABLE IF EXISTS consent, identity, contact;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
