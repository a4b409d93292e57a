"""Reading who is available."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from inbox.kit.db import fetch

AvailabilityState: TypeAlias = Literal["available", "busy", "away"]


class Availability(msgspec.Struct, frozen=True):
    """What an agent said last, and when; available, where they never said anything."""

    state: AvailabilityState = "available"
    changed_at: datetime | None = None


async def find_availability(agent_ids: Collection[UUID]) -> dict[UUID, Availability]:
    """Of these agents those who have said anything."""
    rows = await fetch(
        "SELECT agent_id, state, changed_at FROM agent_availability WHERE agent_id = ANY($1::uuid[])", list(agent_ids)
    )
    return {row["agent_id"]: Availability(row["state"], row["changed_at"]) for row in rows}
