"""Outgoing webhooks: endpoints, how far the feed was fanned out to them, and the deliveries with their log."""

from __future__ import annotations

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from migrations.statements import sql_migration

ID = "2026-11-22T09:00:00:000011"
VERSION = "1.38.0"
DESCRIPTION = (
    "Outgoing webhooks: endpoints, how far the feed was fanned out to them, and the deliveries with their log."
)

UP = """
-- sealed holds the signing secrets and the headers of the endpoint, bound to its id.
CREATE TABLE IF NOT EXISTS webhook (
    id               uuid PRIMARY KEY,
    url              text NOT NULL,
    description      text,
    types            text[] NOT NULL,
    query            text,
    payload          text NOT NULL DEFAULT 'full' CHECK (payload IN ('full', 'thin')),
    ordering         text NOT NULL DEFAULT 'none' CHECK (ordering IN ('none', 'conversation')),
    header_names     text[] NOT NULL DEFAULT '{}',
    sealed           bytea NOT NULL,
    enabled          boolean NOT NULL DEFAULT true,
    enabled_at       timestamptz NOT NULL DEFAULT now(),
    disabled_reason  text CHECK (disabled_reason IN ('by_request', 'gone', 'failing')),
    disabled_at      timestamptz,
    failing_since    timestamptz,
    warned_at        timestamptz,
    throttled_until  timestamptz,
    succeeded_at     timestamptz,
    failed_at        timestamptz,
    version          integer NOT NULL DEFAULT 1,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz
);

-- How far the feed was fanned out: moved in the transaction that writes the deliveries.
CREATE TABLE IF NOT EXISTS webhook_head (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    cursor   bigint NOT NULL DEFAULT 0
);
INSERT INTO webhook_head (cursor) SELECT coalesce(max(cursor), 0) FROM feed_head ON CONFLICT DO NOTHING;

-- One row an event and endpoint, however often it is tried. event is the feed's row, so that a delivery outlives it.
-- state: 0 pending, 1 sending, 2 waiting for an earlier one of its order_key, 3 delivered, 4 failed.
CREATE TABLE IF NOT EXISTS webhook_delivery (
    id               uuid PRIMARY KEY,
    webhook_id       uuid NOT NULL,
    event_id         uuid NOT NULL,
    cursor           bigint NOT NULL,
    type             text NOT NULL,
    conversation_id  uuid,
    order_key        uuid,
    event            jsonb NOT NULL,
    state            smallint NOT NULL DEFAULT 0,
    tries            integer NOT NULL DEFAULT 0,
    attempts         jsonb NOT NULL DEFAULT '[]',
    available_at     timestamptz NOT NULL DEFAULT now(),
    lease_id         uuid,
    lease_until      timestamptz,
    finished_at      timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    UNIQUE (webhook_id, event_id)
);
CREATE INDEX IF NOT EXISTS webhook_delivery_due ON webhook_delivery (webhook_id, available_at, cursor) WHERE state = 0;
CREATE INDEX IF NOT EXISTS webhook_delivery_lease ON webhook_delivery (lease_until) WHERE state = 1;
CREATE INDEX IF NOT EXISTS webhook_delivery_order ON webhook_delivery (webhook_id, order_key, state, cursor)
    WHERE order_key IS NOT NULL AND state < 3;
CREATE INDEX IF NOT EXISTS webhook_delivery_failed ON webhook_delivery (webhook_id, event_id) WHERE state = 4;
"""

DOWN = """
DROP TABLE IF EXISTS webhook_delivery, webhook_head, webhook;
"""


async def forwards() -> MigrationManager:
    return sql_migration(migration_id=ID, description=DESCRIPTION, up=UP, down=DOWN)
