"""Making and changing contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from inbox.audit.actions import record_audit
from inbox.contacts.actions.identities import (
    Spelled,
    claim_identities,
    drop_identity,
    find_identities,
    settle_identities,
)
from inbox.contacts.attributes.actions import hold_attributes
from inbox.contacts.contact import ContactChange
from inbox.contacts.patching import check_free_json, merge_patch
from inbox.contacts.queries import find_survivor
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch, fetch_one
from inbox.kit.errors import FieldError, Problem
from inbox.kit.ids import UnknownId, new_id, read_id, show_id
from inbox.kit.versions import check_version

PLAIN = ("name", "language", "company_id")
FREE = ("attributes", "external")
EMPTY: dict[str, Any] = {"name": None, "language": None, "company_id": None, "attributes": {}, "external": {}}

INSERT = """
INSERT INTO contact (id, name, language, company_id, attributes, external) VALUES ($1, $2, $3, $4, $5::jsonb, $6::jsonb)
"""
LOCK = """
SELECT id, name, language, company_id, attributes, external, blocked_at, version FROM contact
WHERE id = $1 FOR NO KEY UPDATE
"""
UPDATE = """
UPDATE contact SET name = $2, language = $3, company_id = $4, attributes = $5::jsonb, external = $6::jsonb,
    version = version + 1, updated_at = now()
WHERE id = $1
"""
BLOCK = """
UPDATE contact SET blocked_at = CASE WHEN $2 THEN now() END, version = version + 1, updated_at = now() WHERE id = $1
"""
HAND_OVER = "UPDATE identity SET contact_id = $2 WHERE contact_id = $1"
TOUCH = "UPDATE contact SET version = version + 1, updated_at = now() WHERE id = $1"

# Ids of other systems have no unique index, so those who look for the same one pass here one by one.
LOCK_EXTERNAL = """
SELECT pg_advisory_xact_lock(hashtextextended('external ' || pair, 0)) FROM unnest($1::text[]) AS pair ORDER BY pair
"""
BY_EXTERNAL = """
SELECT DISTINCT c.id FROM contact c
JOIN unnest($1::text[], $2::text[]) AS pair(system, value)
    ON c.external @> jsonb_build_object(pair.system, pair.value)
"""


async def create_contact(change: ContactChange, identities: Sequence[Spelled], *, actor: Actor) -> UUID:
    """A new contact with these addresses; `state_conflict` if somebody has one of them."""
    contact_id = new_id()
    await claim_identities(contact_id, identities)
    await _insert_contact(contact_id, change, actor)
    return contact_id


async def update_contact(contact_id: UUID, change: ContactChange, *, actor: Actor) -> None:
    """Change what the patch names, and tell it; nothing happens where nothing changes."""
    row = await lock_contact(contact_id)
    free = {name: msgspec.json.decode(row[name]) for name in FREE}
    before = {**{name: row[name] for name in PLAIN}, **free}
    after = await _patched(before, change, new=False)
    changed = [name.removesuffix("_id") for name in after if after[name] != before[name]]
    if changed:
        await _store(UPDATE, row["id"], after)
        await append_event("contact.updated", actor=actor, contact_id=row["id"], changed=changed)


async def upsert_contact(change: ContactChange, identities: Sequence[Spelled], *, actor: Actor) -> tuple[UUID, bool]:
    """The contact that has one of these addresses or ids in other systems, changed, or a new one; True if it is new.

    `state_conflict` where they belong to several contacts. Who asks for the same at the same time gets the same.
    """
    fresh_id = new_id()
    owners = set((await settle_identities(fresh_id, identities)).values())
    found = (owners | await _lock_and_find_external(change)) - {fresh_id}
    if len(found) > 1:
        names = ", ".join(show_id("ctc", contact_id) for contact_id in sorted(found))
        raise Problem("state_conflict", f"These belong to several contacts: {names}", hint="Change one by its id")
    if not found:
        await _insert_contact(fresh_id, change, actor)
        return fresh_id, True
    contact_id = (await lock_contact(found.pop()))["id"]
    await _confirm_owner(identities, {contact_id, fresh_id})
    await update_contact(contact_id, change, actor=actor)
    if fresh_id in owners:
        await execute(HAND_OVER, fresh_id, contact_id)
        await _tell_identities(contact_id, actor)
    return contact_id, False


async def add_identities(contact_id: UUID, identities: Sequence[Spelled], *, actor: Actor) -> None:
    """Give a contact more addresses; `state_conflict` names whoever has one of them."""
    if not identities:
        return
    owner = (await lock_contact(contact_id))["id"]
    await claim_identities(owner, identities)
    await _tell_identities(owner, actor)


async def remove_identity(contact_id: UUID, identity_id: UUID, *, actor: Actor) -> None:
    """Take an address from a contact, unless it is still needed."""
    owner = (await lock_contact(contact_id))["id"]
    await drop_identity(owner, identity_id)
    await _tell_identities(owner, actor)
    facts = {"identity_id": show_id("idn", identity_id)}
    await record_audit(actor, "contact.identity_removed", target=show_id("ctc", owner), facts=facts)


async def block_contact(contact_id: UUID, *, blocked: bool, actor: Actor) -> None:
    """Nothing is written to a blocked contact, and what they write disturbs nobody; nothing happens if it is so."""
    row = await lock_contact(contact_id)
    if (row["blocked_at"] is not None) is blocked:
        return
    await execute(BLOCK, row["id"], blocked)
    await append_event("contact.updated", actor=actor, contact_id=row["id"], changed=["blocked"])
    await record_audit(actor, f"contact.{'blocked' if blocked else 'unblocked'}", target=show_id("ctc", row["id"]))


async def lock_contact(contact_id: UUID) -> Row:
    """The contact's own columns, locked until the end of the transaction; else the `not_found` problem.

    One that was merged away, even while we waited, is the contact it lives on in: see the row's `id`.
    """
    wanted: UUID | None = contact_id
    while wanted is not None:
        row = await fetch_one(LOCK, wanted)
        if row is not None:
            check_version(contact_id, row["version"])
            return row
        wanted = await find_survivor(wanted)
    raise Problem("not_found", f"There is no contact {show_id('ctc', contact_id)}")


async def _confirm_owner(identities: Sequence[Spelled], owners: set[UUID]) -> None:
    """A merge or its undo may have moved an address while we waited for its contact: then it is to be tried again."""
    known = await find_identities({spelled.key for spelled in identities})
    if any(one.contact_id not in owners for one in known.values()):
        raise asyncpg.SerializationError("an address changed hands while its contact was being looked up")


async def _insert_contact(contact_id: UUID, change: ContactChange, actor: Actor) -> None:
    await _store(INSERT, contact_id, await _patched(EMPTY, change, new=True))
    await append_event("contact.created", actor=actor, contact_id=contact_id)


async def _lock_and_find_external(change: ContactChange) -> set[UUID]:
    pairs = {system: value for system, value in (change.external or {}).items() if value is not None}
    if not pairs:
        return set()
    await execute(LOCK_EXTERNAL, [f"{system}={value}" for system, value in pairs.items()])
    rows = await fetch(BY_EXTERNAL, list(pairs), list(pairs.values()))
    return {row["id"] for row in rows}


async def _tell_identities(contact_id: UUID, actor: Actor) -> None:
    await execute(TOUCH, contact_id)
    await append_event("contact.updated", actor=actor, contact_id=contact_id, changed=["identities"])


async def _patched(before: dict[str, Any], change: ContactChange, *, new: bool) -> dict[str, Any]:
    """The columns as the patch wants them; a null empties one, and takes a member out of the free-form ones."""
    check_free_json(change.attributes or None, pointer="/attributes")
    patch: dict[str, Any] = msgspec.to_builtins(change)
    after: dict[str, Any] = EMPTY | merge_patch(before, patch)
    for name in FREE:
        check_free_json(after[name], pointer=f"/{name}")
    if change.company_id:
        after["company_id"] = _read_company(change.company_id)
    if new or "attributes" in patch:
        after["attributes"] = await hold_attributes(
            "contact", patch.get("attributes", {}), before=before["attributes"], after=after["attributes"], new=new
        )
    return after


async def _store(sql: str, contact_id: UUID, values: dict[str, Any]) -> None:
    free = [msgspec.json.encode(values[name]).decode() for name in FREE]
    try:
        await execute(sql, contact_id, *(values[name] for name in PLAIN), *free)
    except asyncpg.ForeignKeyViolationError:
        raise _no_company() from None


def _read_company(company_id: str) -> UUID:
    try:
        return read_id("cmp", company_id)
    except UnknownId:
        raise _no_company() from None


def _no_company() -> Problem:
    error = FieldError(pointer="/company_id", code="unknown", detail="There is no such company")
    return Problem("validation_failed", "The company does not exist", errors=[error])
