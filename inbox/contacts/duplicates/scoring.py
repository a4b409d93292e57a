"""How much speaks for two contacts being one person, and what. Pure.

A score is a hint for people, 0 to 100; nothing is ever merged because of it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from channels.events import AddressKind
from inbox.contacts.contact import Contact
from inbox.contacts.matching import match_key, normalise_address

SAME_EXTERNAL, OTHER_EXTERNAL = 60, -40
ADDRESS_OF_OTHER_KIND = 50
ADDRESS_WRITTEN_DOWN = 45
SAME_WRITTEN_DOWN = 40
SAME_FULL_NAME, SAME_SHORT_NAME = 25, 10
SAME_COMPANY = 15
MAX_SCORE = 100


class Likeness(msgspec.Struct, kw_only=True, frozen=True):
    """How alike two contacts are, and why we think so."""

    score: int
    because: list[str]


def compare_contacts(contact: Contact, other: Contact) -> Likeness:
    """What speaks for and against the two being one person; a score of 0 is nothing at all."""
    found = [*_by_external(contact, other), *_by_addresses(contact, other), *_by_name(contact, other)]
    score = sum(points for points, _ in found)
    return Likeness(score=min(max(score, 0), MAX_SCORE), because=[because for _, because in found])


def written_addresses(contact: Contact) -> set[tuple[AddressKind, str]]:
    """Mail addresses and telephone numbers among a contact's attributes, by the keys that equal addresses share."""
    found: set[tuple[AddressKind, str]] = set()
    for value in contact.attributes.values():
        if isinstance(value, str) and (key := _read_address(value)):
            found.add(key)
    return found


def bare_address(key: str) -> str:
    """What a telephone number and the id a provider makes of it share: the digits."""
    return key.removeprefix("+")


def _by_external(contact: Contact, other: Contact) -> Iterator[tuple[int, str]]:
    for system in contact.external.keys() & other.external.keys():
        if contact.external[system] == other.external[system]:
            yield SAME_EXTERNAL, f"both are {contact.external[system]} in {system}"
        else:
            yield OTHER_EXTERNAL, f"they are two in {system}: {contact.external[system]} and {other.external[system]}"


def _by_addresses(contact: Contact, other: Contact) -> Iterator[tuple[int, str]]:
    own, theirs = _addresses(contact), _addresses(other)
    for bare in sorted(own.keys() & theirs.keys()):
        kinds = " and ".join(sorted({own[bare], theirs[bare]}))
        yield ADDRESS_OF_OTHER_KIND, f"{bare} is an address of both, as {kinds}"
    own_notes, their_notes = written_addresses(contact), written_addresses(other)
    for _, key in sorted(own_notes & their_notes):
        yield SAME_WRITTEN_DOWN, f"{key} stands in the attributes of both"
    noted = {bare_address(key) for _, key in own_notes ^ their_notes}
    for bare in sorted(noted & (own.keys() ^ theirs.keys())):
        yield ADDRESS_WRITTEN_DOWN, f"{bare} is an address of one and stands in the attributes of the other"


def _by_name(contact: Contact, other: Contact) -> Iterator[tuple[int, str]]:
    name = contact.name.strip().lower() if contact.name else ""
    if not name or other.name is None or other.name.strip().lower() != name:
        return
    yield SAME_FULL_NAME if " " in name else SAME_SHORT_NAME, f"both are called {contact.name}"
    if contact.company and other.company and contact.company.id == other.company.id:
        yield SAME_COMPANY, f"both belong to {contact.company.name}"


def _addresses(contact: Contact) -> dict[str, AddressKind]:
    return {bare_address(match_key(one.kind, one.address)): one.kind for one in contact.identities}


def _read_address(text: str) -> tuple[AddressKind, str] | None:
    kind: AddressKind = "email" if "@" in text else "phone"
    if kind == "phone" and not text.strip().startswith("+"):
        return None  # any number could be meant
    try:
        return kind, match_key(kind, normalise_address(kind, text, default_country=None))
    except ValueError:
        return None
