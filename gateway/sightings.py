"""From where API keys are used, for the audit log: one line a key, day and address, however many requests."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from inbox.audit.actions import record_audit
from inbox.kit.callers import Caller
from inbox.kit.db import TRANSIENT
from inbox.kit.ids import API_KEY, show_id

ADDRESSES_A_DAY = 20
"""The most addresses of one key written down in a day: a key used all over the world is told apart by then."""


class Sighting(msgspec.Struct, frozen=True):
    """A key was used from somewhere on a day (UTC) for the first time."""

    caller: Caller
    address: str
    day: str

    @property
    def once(self) -> str:
        """What other processes that see the same call it."""
        return f"{self.caller.key_id} {self.day} {self.address}"


class Sightings:
    """What this process has seen today, and what of it is still to be written down."""

    def __init__(self) -> None:
        self._day = ""
        self._seen: dict[UUID, set[str]] = {}
        self._unwritten: list[Sighting] = []

    def note(self, caller: Caller, address: str, *, now: datetime) -> None:
        """A request with this key came from there."""
        day = now.date().isoformat()
        if day != self._day:
            self._day, self._seen = day, {}
        known = self._seen.setdefault(caller.key_id, set())
        if address not in known and len(known) < ADDRESSES_A_DAY:
            known.add(address)
            self._unwritten.append(Sighting(caller, address, day))

    async def write(self) -> None:
        """Write down what is new; what cannot be written now is tried again the next time."""
        while self._unwritten:
            sighting = self._unwritten[0]
            target, facts = show_id(API_KEY, sighting.caller.key_id), {"address": sighting.address}
            try:
                await record_audit(
                    sighting.caller.actor, "api_key.used", target=target, facts=facts, once=sighting.once
                )
            except TRANSIENT:
                return
            self._unwritten.pop(0)
