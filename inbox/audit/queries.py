"""Reading the audit log."""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.db import Row, fetch

After: TypeAlias = tuple[datetime, UUID]
"""The sort key of the list: the newest first, ids deciding between equals."""

EVENTS = """
SELECT id, at, actor, action, target, facts, request_id FROM audit_event
WHERE ($1::text IS NULL OR actor_id = $1) AND ($2::text IS NULL OR action = $2)
  AND ($3::text IS NULL OR target = $3) AND ($4::timestamptz IS NULL OR at >= $4)
  AND ($5::timestamptz IS NULL OR at < $5)
  AND ($6::timestamptz IS NULL OR (at, id) < ($6, $7::uuid))
ORDER BY at DESC, id DESC LIMIT $8
"""


class AuditFilter(msgspec.Struct, kw_only=True, frozen=True):
    """What the log is narrowed to; None means no narrowing. `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def list_audit_events(narrowed: AuditFilter, *, after: After | None, limit: int) -> list[Row]:
    """One page of the log, the newest first."""
    at, last = after or (None, None)
    asked = (narrowed.actor, narrowed.action, narrowed.target, narrowed.since, narrowed.until)
    return await fetch(EVENTS, *asked, at, last, limit)
