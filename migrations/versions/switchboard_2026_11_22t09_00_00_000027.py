"""Ratings by visitors, and how far the feed has been followed for what visitors are to be told."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000027"
VERSION = "1.38.0"
DESCRIPTION = "Ratings by visitors, and how far the feed has been followed for what visitors are to be told."

UP = """
-- One row a request, which is an entry: it goes where its entry goes, and when it goes.
CREATE TABLE IF NOT EXISTS csat_rating (
    entry_id           uuid PRIMARY KEY REFERENCES entry (id) ON DELETE CASCADE,
    identity_id        uuid,
    channel_id         uuid,
    agent_id           uuid REFERENCES agent (id) ON DELETE SET NULL,
    requested_at       timestamptz NOT NULL DEFAULT now(),
    rating             smallint CHECK (rating BETWEEN 1 AND 5),
    comment            text,
    rated_at           timestamptz,
    changed_at         timestamptz,
    received_entry_id  uuid
);
CREATE INDEX IF NOT EXISTS csat_rating_requested ON csat_rating (requested_at, entry_id);
CREATE INDEX IF NOT EXISTS csat_rating_agent ON csat_rating (agent_id, requested_at) WHERE agent_id IS NOT NULL;

-- The newest request and what was answered, beside the conversation, so that no list looks for it.
ALTER TABLE conversation ADD COLUMN IF NOT EXISTS csat jsonb;

CREATE TABLE IF NOT EXISTS visitor_follow (
    id      boolean PRIMARY KEY DEFAULT true CHECK (id),
    cursor  bigint NOT NULL
);
INSERT INTO visitor_follow (cursor) SELECT coalesce(max(cursor), 0) FROM feed_head ON CONFLICT DO NOTHING;
"""

DOWN = """
DROP TABLE IF EXISTS visitor_follow;
ALTER TABLE conversation DROP COLUMN IF EXISTS csat;
DROP TABLE IF EXISTS csat_rating;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
