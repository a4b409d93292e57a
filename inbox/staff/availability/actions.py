"""Changing whether an agent is available."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import fetch_value
from inbox.kit.ids import AGENT, show_id
from inbox.staff.availability.queries import Availability, AvailabilityState, find_availability

# Said again, nothing changes and nothing is told.
SAY = """
INSERT INTO agent_availability (agent_id, state, changed_at) VALUES ($1, $2, $3)
ON CONFLICT (agent_id) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at
WHERE agent_availability.state <> excluded.state
RETURNING true
"""


async def change_availability(agent_id: UUID, state: AvailabilityState, *, actor: Actor, now: datetime) -> Availability:
    """Note what an agent says, and tell it if it is new."""
    before = (await find_availability([agent_id])).get(agent_id, Availability())
    if await fetch_value(SAY, agent_id, state, now) is None or before.state == state:
        return (await find_availability([agent_id]))[agent_id]
    facts = {"agent_id": show_id(AGENT, agent_id), "from": before.state, "to": state}
    await append_event("agent.availability_changed", actor=actor, facts=facts, changed=["availability"])
    return Availability(state, now)
