"""Somebody who takes part besides the contact, and who makes whom a part of it. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from channels.events import AddressKind
from inbox.kit.callers import Actor

Role: TypeAlias = Literal["from", "to", "cc", "bcc"]
Key: TypeAlias = tuple[str, str]
"""Kind and match key of an address."""

PARTICIPANTS_MAX = 100
"""The most that take part in one conversation; whoever else a mail was sent to stands in its recipients alone."""


class NewParticipant(msgspec.Struct, kw_only=True, frozen=True):
    """Somebody to be noted down: how they came in, and whether the contact or we vouch for them."""

    conversation_id: UUID
    kind: AddressKind
    address: str
    match_key: str
    role: Role
    verified: bool
    added_by: Actor
    name: str | None = None

    @property
    def key(self) -> Key:
        """What equal addresses share."""
        return self.kind, self.match_key


def is_stranger(contact_id: UUID, sender: Key, *, owner_id: UUID, known: Mapping[Key, bool]) -> bool:
    """Whether somebody who writes into a conversation is neither its contact nor vouched for.

    `known` are those who take part, by address, each with whether they are verified.
    """
    return contact_id != owner_id and not known.get(sender, False)


def choose_new(wanted: Iterable[NewParticipant], known: Collection[Key]) -> list[NewParticipant]:
    """As many of these as there is room for, each once."""
    room = max(0, PARTICIPANTS_MAX - len(known))
    found = {one.key: one for one in reversed(list(wanted))}
    fresh = [one for one in found.values() if one.key not in known][::-1][:room]
    return [*fresh, *(one for one in found.values() if one.key in known)]
