"""What is looked for while an erasure runs, and the ledger's lines. Plain data and pure decisions."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, TypeAlias
from urllib.parse import quote
from uuid import UUID

import msgspec

from inbox.contacts.erased import RevokedPurpose
from inbox.kit.callers import Actor

MIN_DIGITS = 7
"""Fewer digits than these say nothing of a person, and stand in far too many requests."""

Step: TypeAlias = Literal[
    "vanish", "entries", "elsewhere", "journal", "feed", "deliveries", "answers", "words", "exports", "finish"
]
STEPS: tuple[Step, ...] = (
    "vanish", "entries", "elsewhere", "journal", "feed", "deliveries", "answers", "words", "exports", "finish",
)  # fmt: skip


class Traces(msgspec.Struct, kw_only=True):
    """By what the person's words are found where no key leads to them."""

    identity_ids: set[UUID] = set()
    conversation_ids: set[UUID] = set()
    file_ids: set[str] = set()
    addresses: set[str] = set()


class Erasure(msgspec.Struct, kw_only=True, frozen=True):
    """An erasure as stored; `contact_ids` are the contact and all that were merged into it."""

    id: UUID
    contact_ids: list[UUID]
    state: Literal["running", "done"]
    reason: str | None
    actor: Actor
    step: Step
    place: Any
    counts: dict[str, int]
    traces: bytes | None
    requested_at: datetime
    erased_at: datetime | None
    finished_at: datetime | None


class LedgerAddress(msgspec.Struct, kw_only=True, frozen=True):
    """One address that was erased: its keyed hash in hex, and what it had opted out of."""

    kind: str
    hash: str
    revoked: list[RevokedPurpose] = []


class LedgerLine(msgspec.Struct, kw_only=True, frozen=True):
    """One erasure as the ledger's file keeps it: enough to let it happen again, and nobody's name or address."""

    id: UUID
    erased_at: datetime
    contact_ids: list[UUID]
    addresses: list[LedgerAddress]


def next_step(step: Step) -> Step:
    """The step after this one; the last has none, and stays."""
    at = STEPS.index(step)
    return STEPS[min(at + 1, len(STEPS) - 1)]


def spell_needles(addresses: Iterable[str]) -> list[str]:
    """The spellings in which providers' requests may hold an address: plain, in lower case, quoted, digits alone.

    Addresses too short to be told from other numbers are left out.
    """
    needles: set[str] = set()
    for address in addresses:
        digits = "".join(char for char in address if char.isdigit())
        if address.startswith("+") and len(digits) >= MIN_DIGITS:
            needles.add(digits)
        elif len(address) >= MIN_DIGITS:
            needles |= {address, address.lower(), quote(address, safe=""), quote(address.lower(), safe="")}
    return sorted(needles)
