"""Dead jobs by their numbers or by what they have in common: brought back, or let go for good."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import Actor
from inbox.kit.db import Row, fetch, fetch_value
from inbox.outbox.actions import retry_jobs
from inbox.repair.actions.hold import expire_messages

PAGE = 500
MAX_CHANGED = 10_000
"""The most jobs one call changes, since they change together."""

DEAD = """
FROM job WHERE state = 3 AND (cardinality($1::bigint[]) = 0 OR id = ANY($1)) AND ($2::text IS NULL OR type = $2)
  AND ($3::text IS NULL OR lane = $3) AND ($4::timestamptz IS NULL OR created_at >= $4)
  AND ($5::timestamptz IS NULL OR created_at < $5)
"""
DISCARD = "DELETE FROM job WHERE id = ANY($1::bigint[]) AND state = 3 RETURNING id"


class JobSelection(msgspec.Struct, kw_only=True, frozen=True):
    """Which dead jobs: all that is named has to hold. `since` and `until` are about when they were asked for."""

    ids: list[int] = []
    type: str | None = None
    channel_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None


async def count_dead_jobs(selection: JobSelection) -> int:
    """How many dead jobs a selection holds."""
    return int(await fetch_value(f"SELECT count(*) {DEAD}", *_args(selection)))


async def retry_dead_jobs(selection: JobSelection, *, actor: Actor) -> int:
    """Bring dead jobs back with all their tries, in the open transaction; how many."""
    return await _each_page(selection, _retry, action="job.retried", actor=actor)


async def discard_dead_jobs(selection: JobSelection, *, actor: Actor, now: datetime) -> int:
    """Let dead jobs go for good, in the open transaction; how many. Messages among them are said to have failed."""

    async def discard(rows: list[Row]) -> int:
        entries = [UUID(row["entry_id"]) for row in rows if row["type"] == "deliver_message"]
        await expire_messages(entries, state="failed", reason="its delivery was given up by an operator", now=now)
        return len(await fetch(DISCARD, [row["id"] for row in rows]))

    return await _each_page(selection, discard, action="job.discarded", actor=actor)


async def _each_page(
    selection: JobSelection, change: Callable[[list[Row]], Awaitable[int]], *, action: str, actor: Actor
) -> int:
    changed, last = 0, 0
    page = f"SELECT id, type, payload->>'entry_id' AS entry_id {DEAD} AND id > $6 ORDER BY id LIMIT {PAGE}"
    while changed < MAX_CHANGED and (rows := await fetch(page, *_args(selection), last)):
        last = rows[-1]["id"]
        changed += await change(rows)
    if changed:
        facts = {name: value for name, value in msgspec.to_builtins(selection).items() if value and name != "ids"}
        await record_audit(actor, action, facts={"count": changed, **facts})
    return changed


async def _retry(rows: list[Row]) -> int:
    return await retry_jobs([row["id"] for row in rows])


def _args(selection: JobSelection) -> list[object]:
    lane = str(selection.channel_id) if selection.channel_id else None
    return [selection.ids, selection.type, lane, selection.since, selection.until]
