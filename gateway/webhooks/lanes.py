"""How many deliveries each endpoint may have under way in this process, so that a slow one costs the others nothing.

An endpoint has a lane. One that failed several times in a row gets a narrow lane, and all narrow lanes together at most
half of the places: however many endpoints hang, the healthy ones keep theirs. Pure bookkeeping.
"""

from __future__ import annotations

from collections import Counter
from uuid import UUID

import msgspec

NARROW = 4
NARROW_AFTER = 3
"""Failures in a row after which a lane is narrow; one success widens it."""
NARROW_SHARE = 0.5


class Room(msgspec.Struct, kw_only=True, frozen=True):
    """What may be claimed: by endpoint, for every other endpoint, and in all."""

    known: dict[UUID, int]
    elsewhere: int
    limit: int


class Lanes:
    """Counts what is under way. `places` in all, `width` for one endpoint."""

    def __init__(self, *, places: int, width: int) -> None:
        self.places = places
        self.width = min(width, places)
        self._under_way: Counter[UUID] = Counter()
        self._failures: Counter[UUID] = Counter()

    def room(self) -> Room:
        """What may be claimed now."""
        limit = self.places - self._under_way.total()
        narrow = {webhook for webhook, failures in self._failures.items() if failures >= NARROW_AFTER}
        left = int(self.places * NARROW_SHARE) - sum(self._under_way[webhook] for webhook in narrow)
        known = {
            webhook: max(0, min(self._width(webhook, narrow) - self._under_way[webhook], limit))
            for webhook in {*self._under_way, *narrow}
        }
        for webhook in sorted(narrow):
            known[webhook] = max(0, min(known[webhook], left))
            left -= known[webhook]
        return Room(known=known, elsewhere=min(self.width, limit), limit=limit)

    def begin(self, webhook_id: UUID) -> None:
        """A delivery is under way."""
        self._under_way[webhook_id] += 1

    def end(self, webhook_id: UUID, *, failed: bool) -> None:
        """It came to its end."""
        self.leave(webhook_id)
        if failed:
            self._failures[webhook_id] += 1
        else:
            self._failures.pop(webhook_id, None)

    def leave(self, webhook_id: UUID) -> None:
        """It broke off, which says nothing about the endpoint."""
        self._under_way[webhook_id] -= 1
        if not self._under_way[webhook_id]:
            del self._under_way[webhook_id]

    def _width(self, webhook_id: UUID, narrow: set[UUID]) -> int:
        return min(NARROW, self.width) if webhook_id in narrow else self.width
