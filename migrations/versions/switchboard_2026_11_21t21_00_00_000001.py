"""Channels, agents, API keys and remembered requests."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-21T21:00:00:000001"
VERSION = "1.38.0"
DESCRIPTION = "Channels, agents, API keys and remembered requests."

UP = """
CREATE TABLE IF NOT EXISTS channel (
    id          uuid PRIMARY KEY,
    adapter     text NOT NULL,
    medium      text NOT NULL,
    provider    text NOT NULL,
    name        text NOT NULL,
    realm       text NOT NULL DEFAULT '',
    addresses   text[] NOT NULL DEFAULT '{}',
    settings    bytea NOT NULL,
    status      text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'paused')),
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);

CREATE TABLE IF NOT EXISTS agent (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    email       text NOT NULL,
    version     integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS agent_email ON agent (lower(email)) WHERE deleted_at IS NULL;

CREATE TABLE IF NOT EXISTS api_key (
    id            uuid PRIMARY KEY,
    name          text NOT NULL,
    prefix        text NOT NULL,
    hash          bytea NOT NULL UNIQUE,
    scopes        text[] NOT NULL,
    agent_id      uuid REFERENCES agent (id),
    expires_at    timestamptz,
    revoked_at    timestamptz,
    last_used_at  timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS remembered_request (
    api_key_id   uuid NOT NULL,
    key          text NOT NULL,
    fingerprint  bytea NOT NULL,
    status       smallint NOT NULL,
    media_type   text NOT NULL,
    body         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (api_key_id, key)
);
CREATE INDEX IF NOT EXISTS remembered_request_age ON remembered_request (created_at);
"""

DOWN = """
DROP TABLE IF EXISTS remembered_request, api_key, agent, channel;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
