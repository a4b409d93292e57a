"""What there is to hear of: each type of event with a sample of its envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, get
from litestar.di import NamedDependency

from inbox.webhooks.catalogue import EVENT_KINDS, EVENT_TYPES

ENVELOPE_SCHEMA = "/openapi.json#/components/schemas/Envelope"


class EventTypeObject(msgspec.Struct, kw_only=True, frozen=True):
    """A type of event: what it says, the schema of its envelope, and one as an example."""

    object: Literal["event_type"] = "event_type"
    id: Annotated[str, msgspec.Meta(examples=["message.created"])]
    description: Annotated[str, msgspec.Meta(examples=["A message came in, or was written to go out."])]
    schema: Annotated[str, msgspec.Meta(examples=[ENVELOPE_SCHEMA])]
    sample: Annotated[dict[str, Any], msgspec.Meta(description="As the schema says.")]


class EventTypeList(msgspec.Struct, kw_only=True, frozen=True):
    """All of them."""

    data: list[EventTypeObject]


class EventTypeController(Controller):
    """Types of events, as the feed, the stream and webhooks know them."""

    path = "/event-types"
    tags = ("Events",)

    @get("/", opt={"scope": "events:read"}, operation_id="listEventTypes", summary="List event types")
    async def list_event_types(self, event_sample: NamedDependency[Callable[[str], dict[str, Any]]]) -> EventTypeList:
        """Each type there is, in words and as an example."""
        return EventTypeList(
            data=[
                EventTypeObject(
                    id=name,
                    description=EVENT_KINDS[name].description,
                    schema=ENVELOPE_SCHEMA,
                    sample=event_sample(name),
                )
                for name in EVENT_TYPES
            ]
        )
