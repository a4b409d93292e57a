"""Whether an agent takes on work, over HTTP: each says it of themselves."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

import msgspec
from litestar import Controller, get, put
from litestar.di import NamedDependency
from litestar.params import JSONBody

from inbox.kit.callers import Caller
from inbox.kit.clock import show_time, utc_now
from inbox.kit.errors import Problem
from inbox.kit.ids import AGENT, read_id, show_id
from inbox.staff.availability.actions import change_availability
from inbox.staff.availability.queries import Availability, AvailabilityState, find_availability

OWN = {"scope": "agents:read", "problems": ["not_found"]}


class AvailabilityObject(msgspec.Struct, kw_only=True, frozen=True):
    """What an agent said last; `changed_at` is null where they never said anything, and so are available."""

    object: Literal["agent_availability"] = "agent_availability"
    id: Annotated[str, msgspec.Meta(description="The agent's id.", examples=["agt_019aa5c1d2e37f4f8a6b9c0d1e2f3a4b"])]
    state: AvailabilityState
    changed_at: str | None


class NewAvailability(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """What the agent says now."""

    state: AvailabilityState


class AvailabilityController(Controller):
    """Whether an agent takes on work. It stays until they say otherwise; whether they are there is their presence."""

    path = "/agents/me/availability"
    tags = ("Agents",)

    @get("/", opt=OWN, operation_id="getMyAvailability", summary="Get whether you are available")
    async def get_my_availability(self, caller: NamedDependency[Caller]) -> AvailabilityObject:
        """Of the agent whose session or key it is; 404 where the key is not bound to one."""
        agent_id = _own_agent(caller)
        return _show(agent_id, (await find_availability([agent_id])).get(agent_id, Availability()))

    @put("/", opt=OWN, operation_id="setMyAvailability", summary="Say whether you are available")
    async def set_my_availability(
        self, caller: NamedDependency[Caller], data: JSONBody[NewAvailability]
    ) -> AvailabilityObject:
        """Told as `agent.availability_changed` where it is new."""
        agent_id = _own_agent(caller)
        changed = await change_availability(agent_id, data.state, actor=caller.actor, now=utc_now())
        return _show(agent_id, changed)


def _own_agent(caller: Caller) -> UUID:
    if caller.actor.type != "agent" or caller.actor.id is None:
        raise Problem("not_found", "This API key is not bound to an agent")
    return read_id(AGENT, caller.actor.id)


def _show(agent_id: UUID, said: Availability) -> AvailabilityObject:
    changed_at = show_time(said.changed_at) if said.changed_at else None
    return AvailabilityObject(id=show_id(AGENT, agent_id), state=said.state, changed_at=changed_at)
