"""How long things are kept, and how much is older."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from inbox.kit.db import fetch, fetch_one

NO_CHANNEL = UUID(int=0)
"""Stands for notes, which belong to no channel."""

RULES = """
SELECT c.id AS channel_id, r.message_days, r.attachment_days, r.raw_event_days
FROM channel c LEFT JOIN channel_retention r ON r.channel_id = c.id
UNION ALL SELECT $1, NULL, NULL, NULL
"""
OF_CHANNEL = "SELECT message_days, attachment_days, raw_event_days FROM channel_retention WHERE channel_id = $1"
HELD = """
EXISTS (SELECT FROM legal_hold h JOIN conversation c ON c.id = e.conversation_id
        WHERE h.subject_id IN (c.id, c.contact_id))
"""
COUNT = f"""
SELECT count(*) FILTER (WHERE e.id < $2::uuid AND e.redacted_at IS NULL AND NOT held) AS messages,
       count(*) FILTER (WHERE held) AS held,
       (SELECT count(*) FROM attachment a JOIN entry f ON f.id = a.entry_id
        WHERE f.channel_id = $1 AND a.state = 'stored' AND f.id < $3::uuid) AS attachments,
       (SELECT count(*) FROM raw_event r WHERE r.channel_id = $1 AND r.received_at < $4::timestamptz) AS requests
FROM (SELECT e.id, e.redacted_at, {HELD} AS held FROM entry e
      WHERE e.channel_id = $1 AND e.type <> 'event' AND e.id < greatest($2::uuid, $3::uuid)) e
"""  # noqa: S608 (ours)


class Keeping(msgspec.Struct, kw_only=True, frozen=True):
    """How many days things are kept; None means as the deployment says, 0 for ever."""

    message_days: int | None = None
    attachment_days: int | None = None
    raw_event_days: int | None = None

    def settled(self, defaults: Keeping) -> Keeping:
        """What is in force where the deployment keeps things for so long."""
        pairs = {name: (getattr(self, name), getattr(defaults, name)) for name in self.__struct_fields__}
        return Keeping(**{name: default if own is None else own for name, (own, default) in pairs.items()})


class OldThings(msgspec.Struct, kw_only=True, frozen=True):
    """What the next round would take away, and what a legal hold keeps."""

    messages: int
    attachments: int
    requests: int
    held: int


async def find_keeping(channel_id: UUID) -> Keeping:
    """What a channel has of its own."""
    row = await fetch_one(OF_CHANNEL, channel_id)
    return msgspec.convert(dict(row), Keeping) if row else Keeping()


async def list_keepings() -> dict[UUID, Keeping]:
    """Every channel, also those that are deleted, and what belongs to none."""
    rows = await fetch(RULES, NO_CHANNEL)
    return {row["channel_id"]: msgspec.convert({**row}, Keeping) for row in rows}


async def count_old(channel_id: UUID, keeping: Keeping, *, now: datetime) -> OldThings:
    """How much of a channel is older than that."""
    messages, files = (oldest_kept(days, now=now) for days in (keeping.message_days, keeping.attachment_days))
    since = (
        now - timedelta(days=keeping.raw_event_days)
        if keeping.raw_event_days
        else datetime.min.replace(tzinfo=now.tzinfo, year=1970)
    )
    row = await fetch_one(COUNT, channel_id, messages, files, since)
    return msgspec.convert(dict(row or {}), OldThings)


def oldest_kept(days: int | None, *, now: datetime) -> UUID:
    """The least id of an entry that is kept: ids begin with the time of making (RFC 9562 5.7); 0 days keep all."""
    if not days:
        return UUID(int=0)
    milliseconds = int((now - timedelta(days=days)).timestamp() * 1000)
    return UUID(int=max(0, milliseconds) << 80)
