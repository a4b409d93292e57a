"""How the mailboxes are."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.db import fetch_one

HealthState: TypeAlias = Literal["ok", "waiting", "failing", "unattended"]

HEALTH = """
SELECT p.succeeded_at, p.lag_seconds, coalesce(p.failures, 0) AS failures, p.failing_since, p.failed_at, p.retry_at,
       p.code, p.reason, p.fix,
       CASE WHEN p.channel_id IS NOT NULL THEN coalesce(p.held_until > now(), false) END AS held,
       (SELECT r.received_at FROM raw_event r WHERE r.channel_id = c.id ORDER BY r.id DESC LIMIT 1) AS received_at,
       (SELECT count(*) FROM quarantine q WHERE q.channel_id = c.id AND q.resolved_at IS NULL) AS quarantined
FROM channel c LEFT JOIN poll p ON p.channel_id = c.id
WHERE c.id = $1
"""


class ChannelHealth(msgspec.Struct, kw_only=True, frozen=True):
    """How a channel's receiving is. What is about asking stays empty where the provider calls us."""

    received_at: datetime | None
    quarantined: int
    held: bool | None
    succeeded_at: datetime | None
    lag_seconds: float | None
    failures: int
    failing_since: datetime | None
    failed_at: datetime | None
    retry_at: datetime | None
    code: str | None
    reason: str | None
    fix: str | None

    @property
    def state(self) -> HealthState:
        """Failing until it went well again, unattended while no process reads it; waiting until anything was heard."""
        if self.failures:
            return "failing"
        if self.held is False:
            return "unattended"
        return "ok" if self.succeeded_at or self.received_at else "waiting"


async def find_channel_health(channel_id: UUID) -> ChannelHealth:
    """The health of a channel that there is."""
    return msgspec.convert(dict(await fetch_one(HEALTH, channel_id) or {}), ChannelHealth)
