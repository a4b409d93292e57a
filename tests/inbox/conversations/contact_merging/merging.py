"""People who write, and their merges, for the tests of merging."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from inbox.contacts.actions import update_contact
from inbox.contacts.contact import ContactChange
from inbox.conversations.contact_merging.actions import merge_contacts, unmerge_contacts
from inbox.conversations.contact_merging.merge import MergeOrder, UndoReport
from inbox.intake.batch import Lane
from inbox.kit.db import fetch, fetch_value
from tests.inbox.builders import AGENT, NOW, committed, receive, text_message


async def writer(lane: Lane, number: str, text: str = "hi", **fields: Any) -> tuple[UUID, UUID]:
    """Somebody who has written: contact and conversation; the contact has these fields."""
    conversation_id = await receive(lane, text_message(text, sender=number))
    contact_id: UUID = await fetch_value("SELECT contact_id FROM conversation WHERE id = $1", conversation_id)
    if fields:
        await committed(update_contact(contact_id, ContactChange(**fields), actor=AGENT))
    return contact_id, conversation_id


async def merge(from_id: UUID, into_id: UUID, **more: Any) -> UUID:
    """A merge, committed."""
    order = MergeOrder(from_id=from_id, into_id=into_id, **more)
    return await committed(merge_contacts(order, actor=AGENT, now=NOW))


async def unmerge(merge_id: UUID) -> UndoReport:
    """Its undo, committed."""
    return await committed(unmerge_contacts(merge_id, actor=AGENT, now=NOW))


async def owner_of(number: str) -> UUID:
    """Whose a number is."""
    found: UUID = await fetch_value("SELECT contact_id FROM identity WHERE address = $1", number)
    return found


async def conversations_of(contact_id: UUID) -> set[UUID]:
    """Their conversations."""
    return {row["id"] for row in await fetch("SELECT id FROM conversation WHERE contact_id = $1", contact_id)}
