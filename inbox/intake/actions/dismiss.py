"""Closing what lies in quarantine and will never be projected."""

from __future__ import annotations

from inbox.audit.actions import record_audit
from inbox.intake.queries import EventSelection, list_raw_events
from inbox.kit.callers import Actor
from inbox.kit.db import execute

MAX_DISMISSED = 1000
"""The most that one call closes."""

DISMISS = """
UPDATE quarantine q SET resolved_at = now() FROM unnest($1::uuid[], $2::bigint[]) AS d(channel_id, id)
WHERE q.channel_id = d.channel_id AND q.raw_event_id = d.id AND q.resolved_at IS NULL
"""


async def dismiss_events(selection: EventSelection, *, actor: Actor) -> int:
    """Close the newest of a selection's requests in quarantine, in the open transaction; how many."""
    rows = await list_raw_events(selection, limit=MAX_DISMISSED)
    if rows:
        await execute(DISMISS, [row["channel_id"] for row in rows], [row["id"] for row in rows])
        await record_audit(actor, "intake.dismissed", facts={"count": len(rows), "code": selection.code})
    return len(rows)
