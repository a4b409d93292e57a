"""Making and changing contacts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from inbox.contacts.actions.identities import Spelled, claim_identities, drop_identity, settle_identities
from inbox.contacts.contact import ContactChange
from inbox.contacts.patching import check_free_json, merge_patch
from inbox.feed.actions import append_event
from inbox.kit.callers import Actor
from inbox.kit.db import Row, execute, fetch, fetch_one
from inbox.kit.errors import Problem
from inbox.kit.ids import new_id, show_id

FREE = ("attributes", "external")
EMPTY: dict[str, Any] = {"name": None, "language": None, "attributes": {}, "external": {}}

INSERT = "INSERT INTO contact (id, name, language, attributes, external) VALUES ($1, $2, $3, $4::jsonb, $5::jsonb)"
LOCK = "SELECT name, language, attributes, external FROM contact WHERE id = $1 FOR NO KEY UPDATE"
UPDATE = """
UPDATE contact SET name = $2, language = $3, attributes = $4::jsonb, external = $5::jsonb,
    version = version + 1, updated_at = now()
WHERE id = $1
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
    before = {"name": row["name"], "language": row["language"], **free}
    after = _patched(before, change)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        await execute(UPDATE, contact_id, *_columns(after))
        await append_event("contact.updated", actor=actor, contact_id=contact_id, changed=changed)


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
    contact_id = found.pop()
    await update_contact(contact_id, change, actor=actor)
    if fresh_id in owners:
        await execute(HAND_OVER, fresh_id, contact_id)
        await _tell_identities(contact_id, actor)
    return contact_id, False


async def add_identities(contact_id: UUID, identities: Sequence[Spelled], *, actor: Actor) -> None:
    """Give a contact more addresses; `state_conflict` names whoever has one of them."""
    if not identities:
        return
    await lock_contact(contact_id)
    await claim_identities(contact_id, identities)
    await _tell_identities(contact_id, actor)


async def remove_identity(contact_id: UUID, identity_id: UUID, *, actor: Actor) -> None:
    """Take an address from a contact, unless it is still needed."""
    await lock_contact(contact_id)
    await drop_identity(contact_id, identity_id)
    await _tell_identities(contact_id, actor)


async def lock_contact(contact_id: UUID) -> Row:
    """The contact's own columns, locked until the end of the transaction; else the `not_found` problem."""
    row = await fetch_one(LOCK, contact_id)
    if row is None:
        raise Problem("not_found", f"There is no contact {show_id('ctc', contact_id)}")
    return row


async def _insert_contact(contact_id: UUID, change: ContactChange, actor: Actor) -> None:
    await execute(INSERT, contact_id, *_columns(_patched(EMPTY, change)))
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


def _patched(before: dict[str, Any], change: ContactChange) -> dict[str, Any]:
    """The columns as the patch wants them; a null empties one, and takes a member out of the free-form ones."""
    check_free_json(change.attributes or None, pointer="/attributes")
    after: dict[str, Any] = EMPTY | merge_patch(before, msgspec.to_builtins(change))
    for name in FREE:
        check_free_json(after[name], pointer=f"/{name}")
    return after


def _columns(values: dict[str, Any]) -> list[str | None]:
    free = [msgspec.json.encode(values[name]).decode() for name in FREE]
    return [values["name"], values["language"], *free]
