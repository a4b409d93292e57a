"""Who may connect: so many in all, and so many of one address. Pure."""

from __future__ import annotations

from collections import Counter

from gateway.addresses import UNKNOWN, counted_as, is_loopback


class Crowd:
    """The connections of one listener. Those of this machine itself, an MTA's, are counted in all alone."""

    def __init__(self, *, limit: int, per_address: int) -> None:
        self._limit = limit
        self._per_address = per_address
        self._here: Counter[str] = Counter()

    def admit(self, peer: str | None) -> bool:
        """Whether one more is let in; it is counted then, until it leaves."""
        address = counted_as(peer) if peer else UNKNOWN
        full = self._here.total() >= self._limit
        loud = not (peer is None or is_loopback(peer)) and self._here[address] >= self._per_address
        if full or loud:
            return False
        self._here[address] += 1
        return True

    def leave(self, peer: str | None) -> None:
        """One that was let in has gone."""
        address = counted_as(peer) if peer else UNKNOWN
        self._here[address] -= 1
        if self._here[address] <= 0:
            del self._here[address]

    @property
    def size(self) -> int:
        """How many are here."""
        return self._here.total()
