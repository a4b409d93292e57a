"""How agents sign in: roles, passwords, browser sessions, one-time links, and who they are at identity providers."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000024"
VERSION = "1.38.0"
DESCRIPTION = (
    "How agents sign in: roles, passwords, browser sessions, one-time links, and who they are at identity providers."
)

UP = """
-- A constant default is kept in the catalogue: no row is rewritten.
ALTER TABLE agent ADD COLUMN IF NOT EXISTS role text NOT NULL DEFAULT 'agent';

-- Apart from the agents, so that nothing that reads those ever holds a hash.
CREATE TABLE IF NOT EXISTS agent_password (
    agent_id    uuid PRIMARY KEY REFERENCES agent ON DELETE CASCADE,
    hash        text NOT NULL,
    changed_at  timestamptz NOT NULL
);

CREATE TABLE IF NOT EXISTS agent_session (
    id            uuid PRIMARY KEY,
    agent_id      uuid NOT NULL REFERENCES agent ON DELETE CASCADE,
    token_hash    bytea NOT NULL,
    method        text NOT NULL,
    address       text NOT NULL,
    user_agent    text NOT NULL,
    idle_seconds  integer NOT NULL,
    created_at    timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz
);
CREATE UNIQUE INDEX IF NOT EXISTS agent_session_token ON agent_session (token_hash);
CREATE INDEX IF NOT EXISTS agent_session_agent ON agent_session (agent_id, created_at, id) WHERE revoked_at IS NULL;

-- Invitations and password resets: whoever holds the token sets the password, once.
CREATE TABLE IF NOT EXISTS agent_link (
    id          uuid PRIMARY KEY,
    agent_id    uuid NOT NULL REFERENCES agent ON DELETE CASCADE,
    purpose     text NOT NULL,
    token_hash  bytea NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL
);
CREATE UNIQUE INDEX IF NOT EXISTS agent_link_token ON agent_link (token_hash);
CREATE INDEX IF NOT EXISTS agent_link_agent ON agent_link (agent_id);

-- Who an agent is at an identity provider (OpenID Connect: iss and sub).
CREATE TABLE IF NOT EXISTS agent_subject (
    issuer      text NOT NULL,
    subject     text NOT NULL,
    agent_id    uuid NOT NULL REFERENCES agent ON DELETE CASCADE,
    bound_at    timestamptz NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE UNIQUE INDEX IF NOT EXISTS agent_subject_agent ON agent_subject (agent_id, issuer);

-- Signing in by a provider that came back: each attempt comes back once.
CREATE TABLE IF NOT EXISTS used_signin_state (
    hash        bytea PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
"""

DOWN = """
DROP TABLE IF EXISTS used_signin_state;
DROP TABLE IF EXISTS agent_subject;
DROP TABLE IF EXISTS agent_link;
DROP TABLE IF EXISTS agent_session;
DROP TABLE IF EXISTS agent_password;
ALTER TABLE agent DROP COLUMN IF EXISTS role;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
