"""What follows when a visitor proves to be a user: the contact they are, and where their thread so far goes.

It follows from proof alone: a name or a mail address that somebody types in matches nobody (docs/decisions/0031).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from channels.events import Address
from inbox.contacts.actions import create_contact, lock_contact, spell_address
from inbox.contacts.actions.identities import find_identities, settle_identities
from inbox.contacts.contact import ContactChange
from inbox.contacts.matching import match_key
from inbox.conversations.contact_merging.actions import merge_contacts
from inbox.conversations.contact_merging.merge import MergeOrder
from inbox.kit.callers import SYSTEM
from inbox.kit.db import execute, fetch, fetch_value
from inbox.visitors.visitor import Proof, Visitor

REASON = "the visitor has proven to be this user"

# Whoever proves to be the same user at the same time passes here one by one.
ALONE = "SELECT pg_advisory_xact_lock(hashtextextended('visitor ' || $1, 0))"
BY_EXTERNAL = """
SELECT id FROM contact WHERE external @> jsonb_build_object($1::text, $2::text) ORDER BY created_at, id LIMIT 1
"""
ADDRESSES = "SELECT kind, match_key FROM identity WHERE contact_id = $1"
VOUCH = "UPDATE identity SET proof = 'provider' WHERE kind = 'visitor' AND match_key = $1 AND proof = 'none'"


class OwnedAddress(msgspec.Struct, kw_only=True, frozen=True):
    """An address of a contact."""

    kind: str
    match_key: str


async def join_contact(before: Visitor, proof: Proof, *, now: datetime) -> None:
    """Let what a visitor wrote before they proved who they are be that user's, and know the user as who they are.

    Nobody becomes a contact by this alone. A contact who is more than the visitor, since somebody has merged others
    into it or given it addresses, is left as it is: whether the two are one is for a person to decide.
    """
    await execute(ALONE, proof.address)
    known = await _contact_of(proof.address) or await fetch_value(BY_EXTERNAL, proof.system, proof.user_id)
    if before.verified or before.address == proof.address:  # another user has used this browser: theirs is not ours
        await _claim(known, [proof.address])
    else:
        await _bring(before, known, proof, now=now)
    await execute(VOUCH, proof.address)


def is_nobody_else(addresses: Sequence[OwnedAddress], visitor: Visitor, proof: Proof) -> bool:
    """Whether a contact with these addresses is surely the visitor and no more: nothing of others goes with it.

    A mail address that they left, or that was signed for, is theirs to bring: it opens no mail to them.
    """
    return all(_is_theirs(one, visitor, proof) for one in addresses)


def _is_theirs(one: OwnedAddress, visitor: Visitor, proof: Proof) -> bool:
    if one.kind == "visitor":
        return one.match_key == visitor.address
    left = [match_key("email", email) for email in (proof.email, visitor.email) if email]
    return one.kind == "email" and one.match_key in left


async def _bring(before: Visitor, known: UUID | None, proof: Proof, *, now: datetime) -> None:
    """The thread of a visitor goes to the user; what is still on its way follows by its address."""
    former = await _contact_of(before.address)
    late = [before.address] if former is None and before.wrote_at is not None else []
    alone = former is not None and is_nobody_else(await _addresses(former), before, proof)
    if known is None and late:
        spelled = [spell_address(Address(kind="visitor", value=one)) for one in (proof.address, *late)]
        await create_contact(ContactChange(name=proof.name or before.name), spelled, actor=SYSTEM)
    elif known is None:
        await _claim(former if alone else None, [proof.address])
    else:
        if former is not None and former != known and alone:
            await merge_contacts(MergeOrder(from_id=former, into_id=known, reason=REASON), actor=SYSTEM, now=now)
        await _claim(known, [proof.address, *late])


async def _claim(contact_id: UUID | None, addresses: Sequence[str]) -> None:
    """Give a contact addresses of chats that nobody has."""
    if contact_id is not None:
        owner = (await lock_contact(contact_id))["id"]
        await settle_identities(owner, [spell_address(Address(kind="visitor", value=one)) for one in addresses])


async def _contact_of(address: str) -> UUID | None:
    found = await find_identities([("visitor", address)])
    return next((one.contact_id for one in found.values()), None)


async def _addresses(contact_id: UUID) -> list[OwnedAddress]:
    return [OwnedAddress(kind=row["kind"], match_key=row["match_key"]) for row in await fetch(ADDRESSES, contact_id)]
