"""Addresses and whose they are: one address is one identity of one person, however many ask at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

import asyncpg
import msgspec

from channels.events import Address, AddressKind
from inbox.contacts.contact import MAX_NAME_CHARS, KnownIdentity, Proof
from inbox.contacts.erased import NewAddress, keep_opted_out
from inbox.contacts.holds import refuse_held
from inbox.contacts.matching import keep_address, match_key
from inbox.kit.db import execute, fetch, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import new_id, show_id

AddressKey: TypeAlias = tuple[AddressKind, str]
"""Kind and match key: what equal addresses share."""

PROOFS: Mapping[AddressKind, Proof] = {"phone": "provider", "whatsapp": "provider", "email": "none", "visitor": "none"}
"""What an inbound message proves of its sender's address: a carrier vouches for numbers, nobody for a From line."""

FIND = """
SELECT kind, match_key, id, contact_id
FROM unnest($1::text[], $2::text[]) AS wanted(kind, match_key) JOIN identity USING (kind, match_key)
"""

# The identity goes first: whoever inserts it first makes the contact, and who comes second waits for that commit and
# makes nothing. In the order of the keys, so that two batches with the same strangers never wait in a circle.
MEET = """
WITH stranger AS (
    SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
        AS given(identity_id, contact_id, kind, match_key, address, proof, name)
), met AS (
    INSERT INTO identity (id, contact_id, kind, match_key, address, proof)
    SELECT identity_id, contact_id, kind, match_key, address, proof FROM stranger ORDER BY kind, match_key
    ON CONFLICT (kind, match_key) DO NOTHING
    RETURNING id, contact_id, kind, match_key
), made AS (
    INSERT INTO contact (id, name)
    SELECT met.contact_id, stranger.name FROM met JOIN stranger ON stranger.identity_id = met.id
)
SELECT kind, match_key, id, contact_id FROM met
"""

CLAIM = """
INSERT INTO identity (id, contact_id, kind, match_key, address)
SELECT id, $2, kind, match_key, address
FROM unnest($1::uuid[], $3::text[], $4::text[], $5::text[]) AS given(id, kind, match_key, address)
ORDER BY kind, match_key
ON CONFLICT (kind, match_key) DO NOTHING
"""

WRITTEN_TO = """
SELECT number FROM conversation WHERE contact_id = $1 AND reply_identity_id = $2 AND status <> 'closed' LIMIT 1
"""
OPTED_OUT = """
SELECT true FROM (
    SELECT DISTINCT ON (purpose, channel_id) state FROM consent WHERE identity_id = $1
    ORDER BY purpose, channel_id, id DESC
) newest WHERE state = 'revoked' LIMIT 1
"""
REMOVE = "DELETE FROM identity WHERE id = $1"
FIND_ONE = "SELECT kind, address FROM identity WHERE id = $1 AND contact_id = $2"


class Spelled(msgspec.Struct, frozen=True):
    """An address as it is stored, with its key, the name it came with, and where the request named it."""

    key: AddressKey
    address: str
    name: str | None = None
    pointer: str = ""
    verified: bool = False


async def find_or_create_identities(
    addresses: Sequence[Address], *, default_country: str | None = None
) -> dict[AddressKey, KnownIdentity]:
    """Whose these inbound addresses are, strangers becoming contacts; `spell_address` tells which key is which.

    One statement when all are known, three when there are strangers, however many: processes that meet the same
    stranger at once make one contact and one identity, and all get that one. Needs the open transaction.
    """
    wanted = {spelled.key: spelled for spelled in (spell_address(each, default_country) for each in addresses)}
    known = await find_identities(wanted)
    if len(known) < len(wanted):
        known |= await _meet_strangers([spelled for key, spelled in wanted.items() if key not in known])
        known |= await find_identities(wanted.keys() - known.keys())
    if len(known) < len(wanted):
        raise asyncpg.SerializationError("an address was removed while it was being looked up")
    return known


async def confirm_owners(people: Mapping[AddressKey, KnownIdentity]) -> None:
    """Make sure, once their contacts are held, that the addresses are still theirs.

    A merge, or its undo, may have moved them while we waited. Then the whole transaction is to be tried again: whoever
    goes on locks the contacts it needs in their order.
    """
    known = {key: one for key, one in people.items() if not one.created}
    owners = await find_identities(known)
    if any(key not in owners or owners[key].contact_id != one.contact_id for key, one in known.items()):
        raise asyncpg.SerializationError("a contact was merged or parted while it was being looked up")


def spell_address(address: Address, default_country: str | None = None) -> Spelled:
    """An inbound address in its stored form; none is refused."""
    kept = keep_address(address, default_country=default_country)
    key = (address.kind, match_key(address.kind, kept))
    return Spelled(key, kept, _readable_name(address.name), verified=address.verified)


async def find_identities(keys: Iterable[AddressKey]) -> dict[AddressKey, KnownIdentity]:
    """The identities we hold for these keys."""
    wanted = list(keys)
    if not wanted:
        return {}
    kinds, match_keys = zip(*wanted, strict=True)
    rows = await fetch(FIND, kinds, match_keys)
    return {(row["kind"], row["match_key"]): KnownIdentity(row["id"], row["contact_id"]) for row in rows}


async def claim_identities(contact_id: UUID, wanted: Sequence[Spelled]) -> None:
    """Give these addresses to a contact; the `state_conflict` problem names whoever has one of them already."""
    owners = await settle_identities(contact_id, wanted)
    taken = [(spelled, owners[spelled.key]) for spelled in wanted if owners[spelled.key] != contact_id]
    if taken:
        raise _taken(taken)


async def settle_identities(contact_id: UUID, wanted: Sequence[Spelled]) -> dict[AddressKey, UUID]:
    """Give a contact those of the addresses that nobody has; returns whose each of them is now."""
    if not wanted:
        return {}
    ids = [new_id() for _ in wanted]
    kinds = [spelled.key[0] for spelled in wanted]
    keys = [spelled.key[1] for spelled in wanted]
    await execute(CLAIM, ids, contact_id, kinds, keys, [spelled.address for spelled in wanted])
    owners = await find_identities({spelled.key for spelled in wanted})
    await keep_opted_out([NewAddress(one.identity_id, *key) for key, one in owners.items() if one.identity_id in ids])
    return {key: owner.contact_id for key, owner in owners.items()}


async def drop_identity(contact_id: UUID, identity_id: UUID) -> None:
    """Delete an address, unless an open conversation would be answered there or it keeps an opt-out alive.

    Reads `conversation` by name, as a foreign key would: the row that points here has the last word.
    """
    identity = await fetch_one(FIND_ONE, identity_id, contact_id)
    if identity is None:
        raise Problem("not_found", f"The contact has no identity {show_id('idn', identity_id)}")
    answered = await fetch_one(WRITTEN_TO, contact_id, identity_id)
    if answered is not None:
        raise Problem(
            "state_conflict",
            f"Conversation {answered['number']} is open and answered at this address",
            hint="Close the conversation, or let the contact write from another address first",
        )
    if await fetch_one(OPTED_OUT, identity_id):
        raise Problem(
            "state_conflict",
            "This address has opted out, and its opt-out would be lost with it",
            hint="Keep the address: nothing is sent to it",
        )
    await refuse_held(contact_ids=[contact_id])
    await execute(REMOVE, identity_id)


async def _meet_strangers(strangers: Sequence[Spelled]) -> dict[AddressKey, KnownIdentity]:
    rows = await fetch(
        MEET,
        [new_id() for _ in strangers],
        [new_id() for _ in strangers],
        [spelled.key[0] for spelled in strangers],
        [spelled.key[1] for spelled in strangers],
        [spelled.address for spelled in strangers],
        [_proof_of(spelled) for spelled in strangers],
        [spelled.name for spelled in strangers],
    )
    await keep_opted_out([NewAddress(row["id"], row["kind"], row["match_key"]) for row in rows])
    return {(row["kind"], row["match_key"]): KnownIdentity(row["id"], row["contact_id"], created=True) for row in rows}


def _proof_of(spelled: Spelled) -> Proof:
    """A visitor of a web chat proves who they are by what the site's own server has signed."""
    kind = spelled.key[0]
    return "provider" if kind == "visitor" and spelled.verified else PROOFS[kind]


def _taken(taken: Sequence[tuple[Spelled, UUID]]) -> Problem:
    errors = [
        FieldError(
            pointer=spelled.pointer,
            code="taken",
            detail=f"{spelled.address} belongs to the contact {show_id('ctc', owner)}",
        )
        for spelled, owner in taken
    ]
    return Problem(
        "state_conflict", errors[0].detail, errors=errors, hint="Remove it there first, if it is this person's"
    )


def _readable_name(name: str | None) -> str | None:
    """A display name without what cannot be seen; None where nothing is left."""
    if not name:
        return None
    visible = name if name.isprintable() else "".join(char for char in name if char.isprintable())
    return visible.strip()[:MAX_NAME_CHARS] or None
